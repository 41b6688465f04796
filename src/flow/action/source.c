/* Source/CodeStarSourceConnection: one commit of the trunk becomes the execution's artifact: its
 * files without .git, zipped the same way every time, in the artifact store. */
#include "flow/action/providers.h"

#include "flow/action/artifacts.h"
#include "flow/artifact/git.h"
#include "platform/archive/zip.h"
#include "platform/os/fd.h"
#include "platform/os/file.h"
#include "platform/text/json.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

struct fetched {
    struct git_mirror mirror;
    struct git_commit commit;
    struct str branch;
    struct str repository;
};

static int fetch_commit(struct action_run *run, struct fetched *ret, struct err *err) {
    const struct flow *f = run->flow;
    struct arena *a = run->arena;
    struct str url = STR_NONE;
    ret->branch = action_setting(run, "BranchName");
    ret->repository = action_setting(run, "FullRepositoryId");
    struct str connection = action_setting(run, "ConnectionArn");
    int found = f->connection(f->connection_ud, a, run->pipeline.account, connection,
                              ret->repository, &url, err);
    if (found <= 0) {
        return found < 0
                   ? -1
                   : err_set(err, ERR_INVALID, "there is no connection %.*s", STR_ARG(connection));
    }
    struct str id = run->execution.source_commit;
    if (git_mirror_open(a, f->data_dir, url, &ret->mirror, err) < 0 ||
        git_fetch(&ret->mirror, err) < 0) {
        return -1;
    }
    if (id.p == NULL && git_head(a, &ret->mirror, ret->branch, &id, err) < 0) {
        return -1;
    }
    return git_commit_info(a, &ret->mirror, id, &ret->commit, err);
}

/* Exports and zips into `dir`; equal commits give equal bytes. */
static int make_zip(struct action_run *run, const struct fetched *from, const char *dir,
                    const char **ret_zip, struct err *err) {
    const char *tree = str_printf(run->arena, "%s/tree", dir).p;
    *ret_zip = str_printf(run->arena, "%s/source.zip", dir).p;
    if (dir_make(tree, 0700, err) < 0 ||
        git_export(&from->mirror, from->commit.id, tree, err) < 0) {
        return -1;
    }
    int root cleanup_fd = file_open(tree, O_RDONLY | O_DIRECTORY, 0, err);
    int out cleanup_fd =
        root < 0 ? -1 : file_open(*ret_zip, O_WRONLY | O_CREAT | O_EXCL, 0600, err);
    struct zip_writer *zip cleanup_zip = NULL;
    if (out < 0 || zip_begin(out, NULL, &zip, err) < 0) {
        return -1;
    }
    return zip_add_tree(zip, root, ".", "", ZIP_LINKS_KEEP, NULL, NULL, err) < 0
               ? -1
               : zip_end(zip, err);
}

static int put_zip(struct action_run *run, const char *zip, struct action_artifact *artifact,
                   struct err *err) {
    struct aws_target target;
    return action_target(run, &target, err) < 0
               ? -1
               : action_output_put(run, &target, zip, artifact, err);
}

static int store(struct action_run *run, const struct fetched *from,
                 struct action_artifact *artifact, struct err *err) {
    const char *dir = NULL;
    const char *zip = NULL;
    if (dir_make_temp(run->arena, "trunkline-source", &dir, err) < 0) {
        return -1;
    }
    int result = make_zip(run, from, dir, &zip, err);
    if (result == 0) {
        result = put_zip(run, zip, artifact, err);
    }
    struct err ignored = ERR_INIT;
    (void)!tree_remove(dir, &ignored);
    return result;
}

static struct str output_variables(struct action_run *run, const struct fetched *from) {
    struct arena *a = run->arena;
    json_t *o cleanup_json = json_object();
    json_set_str(o, "AuthorDate", time_iso(a, from->commit.author_ms));
    json_set_str(o, "BranchName", from->branch);
    json_set_str(o, "CommitId", from->commit.id);
    json_set_str(o, "CommitMessage", from->commit.message);
    json_set_str(o, "ConnectionArn", action_setting(run, "ConnectionArn"));
    json_set_str(o, "FullRepositoryName", from->repository);
    return json_dump_str(a, o);
}

/* A commit that comes between this release and the watcher's first look must not be taken for where
 * the branch began. */
static int note_watched(struct action_run *run, const struct fetched *from, struct err *err) {
    if (run->execution.source_commit.p != NULL) {
        return 0; /* the watcher's own */
    }
    return record_watched_begin(run->flow->db, run->pipeline.id, run->action.action, from->branch,
                                from->commit.id, clock_now_ms(run->flow->clock), err);
}

/* Revision, artifact and outputs belong together: one transaction, before the end is told. */
static int note(struct action_run *run, const struct fetched *from,
                const struct action_artifact *artifact, struct action_end *ret, struct err *err) {
    struct revision revision = {
        .action = run->action.action,
        .artifact = artifact->name,
        .commit = from->commit.id,
        .branch = from->branch,
        .author = from->commit.author,
        .email = from->commit.email,
        .subject = from->commit.subject,
        .message = from->commit.message,
        .at_ms = from->commit.author_ms,
    };
    struct db *db = run->flow->db;
    if (db_begin(db, err) < 0) {
        return -1;
    }
    if (record_execution_revision(db, run->execution.id, revision_to_json(run->arena, &revision),
                                  err) < 0 ||
        note_watched(run, from, err) < 0 ||
        action_put_outputs(run, artifact, 1, from->commit.id, &ret->outputs, err) < 0) {
        db_rollback(db);
        return -1;
    }
    return db_commit(db, err);
}

int action_source_start(struct action_run *run, bool *ret_ended, struct action_end *ret_end,
                        struct err *err) {
    struct fetched from;
    struct action_artifact artifact = action_output(run, run->decl->outputs.v[0]);
    if (fetch_commit(run, &from, err) < 0 || store(run, &from, &artifact, err) < 0 ||
        note(run, &from, &artifact, ret_end, err) < 0) {
        return -1;
    }
    *ret_ended = true;
    ret_end->ok = true;
    ret_end->summary = from.commit.subject;
    ret_end->output_variables = output_variables(run, &from);
    return 0;
}
