/* Source/CodeStarSourceConnection and Source/CodeCommit: one commit becomes the execution's
 * artifact: its files without .git, zipped the same way every time (CODE_ZIP), or where a build
 * clones it from (CODEBUILD_CLONE_REF). */
#include "flow/action/artifacts.h"
#include "flow/action/providers.h"
#include "flow/action/source.h"

#include "flow/artifact/git.h"
#include "flow/source/place.h"
#include "platform/archive/zip.h"
#include "platform/crypto/encode.h"
#include "platform/os/fd.h"
#include "platform/os/file.h"
#include "platform/text/json.h"

#include <fcntl.h>
#include <unistd.h>

struct fetched {
    struct git_mirror mirror;
    struct git_commit commit;
    struct source_place place;
    struct str branch;
    bool asked; /* the commit was asked for; else it is the branch's head */
};

static bool is_codecommit(const struct action_run *run) {
    return str_is(run->decl->provider, "CodeCommit");
}

/* ---- the commit ---- */

static int find_commit(struct action_run *run, struct fetched *from, struct str *ret,
                       struct err *err) {
    int pinned = source_pinned(run, "COMMIT_ID", ret, err);
    if (pinned == 0 && run->execution.source_commit.p != NULL) { /* of an earlier version of ours */
        *ret = run->execution.source_commit;
        pinned = 1;
    }
    from->asked = pinned > 0;
    if (pinned < 0 ||
        (pinned == 0 && git_head(run->arena, &from->mirror, from->branch, ret, err) < 0)) {
        return -1;
    }
    return git_is_commit_id(*ret)
               ? 0
               : err_set(err, ERR_INVALID, "'" STR_FMT "' is no commit: give its 40 digits",
                         STR_ARG(*ret));
}

static int find_place(struct action_run *run, struct fetched *from, struct str *ret_url,
                      struct err *err) {
    struct str pushed = STR_NONE;
    from->place = (struct source_place){run->decl->provider, &run->configuration,
                                        run->pipeline.account, run->pipeline.region};
    from->branch = action_setting(run, "BranchName");
    int found = source_pinned(run, "BRANCH_NAME", &pushed, err);
    if (found < 0) {
        return -1;
    }
    from->branch = found > 0 ? pushed : from->branch;
    found = source_place_url(run->flow, run->arena, &from->place, ret_url, err);
    return found > 0   ? 0
           : found < 0 ? -1
                       : err_set(err, ERR_INVALID, "there is no connection " STR_FMT,
                                 STR_ARG(action_setting(run, "ConnectionArn")));
}

/* Nothing is read that the action's role may not read. */
static int may_read(struct action_run *run, struct err *err) {
    struct aws_target target;
    return action_target(run, &target, err) < 0 ? -1
           : is_codecommit(run)
               ? source_may_read(run, &target, action_setting(run, "RepositoryName"), err)
               : source_may_connect(run, &target, action_setting(run, "ConnectionArn"), err);
}

static int fetch_commit(struct action_run *run, struct fetched *from, struct err *err) {
    struct str url = STR_NONE;
    struct str id = STR_NONE;
    return may_read(run, err) < 0 || find_place(run, from, &url, err) < 0 ||
                   git_mirror_open(run->arena, run->flow->data_dir, url, &from->mirror, err) < 0 ||
                   git_fetch(&from->mirror, err) < 0 || find_commit(run, from, &id, err) < 0 ||
                   git_commit_info(run->arena, &from->mirror, id, &from->commit, err) < 0
               ? -1
               : 0;
}

/* ---- the artifact ---- */

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

static struct str web_address(const struct fetched *from) {
    struct str url = from->mirror.url;
    bool web = str_starts(url, S("https://")) || str_starts(url, S("http://"));
    return web && str_find_c(url, '@', 0) == (size_t)-1 ? url : STR_NONE;
}

/* What a build takes for the repository's address: its own, or where AWS would have a proxy for it.
 */
static struct str clone_url(struct action_run *run, const struct fetched *from) {
    struct str own = web_address(from);
    struct str name = source_place_name(run->arena, &from->place);
    struct aws_arn arn;
    if (own.p != NULL || is_codecommit(run) ||
        !aws_arn_parse(action_setting(run, "ConnectionArn"), &arn)) {
        return own.p != NULL ? own : name;
    }
    size_t slash = str_find_c(arn.resource, '/', 0);
    return str_printf(run->arena,
                      "https://codestar-connections." STR_FMT ".amazonaws.com/git-http/" STR_FMT
                      "/" STR_FMT "/" STR_FMT "/" STR_FMT ".git",
                      STR_ARG(arn.region), STR_ARG(arn.account), STR_ARG(arn.region),
                      STR_ARG(str_sub(arn.resource, slash + 1, arn.resource.n)), STR_ARG(name));
}

/* A commit that is on no branch is where the host publishes the pull request. */
static int clone_version(struct action_run *run, const struct fetched *from, struct str *ret,
                         struct err *err) {
    struct str ref = STR_NONE;
    int found = source_pinned(run, "REF_NAME", &ref, err);
    *ret = found > 0 ? str_printf(run->arena, STR_FMT "^{" STR_FMT "}", STR_ARG(ref),
                                  STR_ARG(from->commit.id))
                     : from->commit.id;
    return found < 0 ? -1 : 0;
}

/* What a build clones instead of unpacking: the JSON is the artifact, and ours. */
static int make_reference(struct action_run *run, const struct fetched *from, const char *dir,
                          const char **ret_file, struct str *ret_clone, struct err *err) {
    json_t *o cleanup_json = json_object();
    struct str version = STR_NONE;
    if (clone_version(run, from, &version, err) < 0) {
        return -1;
    }
    json_set_str(o, "url", clone_url(run, from));
    json_set_str(o, "version", version);
    json_set_str(o, "provider", run->decl->provider);
    json_set_str(o, "connectionArn", action_setting(run, "ConnectionArn"));
    json_set_str(o, "repository", source_place_name(run->arena, &from->place));
    json_set_str(o, "branch", from->branch);
    json_set_str(o, "commit", from->commit.id);
    *ret_clone = json_dump_str(run->arena, o);
    *ret_file = str_printf(run->arena, "%s/reference.json", dir).p;
    return file_write_atomic(*ret_file, *ret_clone, 0600, err);
}

static int make_artifact(struct action_run *run, const struct fetched *from, const char *dir,
                         struct source_taken *taken, struct err *err) {
    struct str format = action_setting(run, "OutputArtifactFormat");
    const char *file = NULL;
    int64_t size = 0;
    int made = str_is(format, "CODEBUILD_CLONE_REF")
                   ? make_reference(run, from, dir, &file, &taken->what.clone, err)
                   : make_zip(run, from, dir, &file, err);
    int fd cleanup_fd = made < 0 ? -1 : file_open(file, O_RDONLY, 0, err);
    if (fd < 0 || file_size(file, &size, err) < 0) {
        return -1;
    }
    if (size > SOURCE_MAX_GIT_BYTES) {
        return err_set(err, ERR_LIMIT, "the source artifact has more than 1 GB");
    }
    return source_put(run, fd, 0, size, &taken->artifact, err);
}

static int store(struct action_run *run, const struct fetched *from, struct source_taken *taken,
                 struct err *err) {
    const char *dir = NULL;
    if (dir_make_temp(run->arena, "trunkline-source", &dir, err) < 0) {
        return -1;
    }
    int result = make_artifact(run, from, dir, taken, err);
    struct err ignored = ERR_INIT;
    (void)!tree_remove(dir, &ignored);
    return result;
}

/* ---- what is told of it ---- */

static struct str output_variables(struct action_run *run, const struct fetched *from) {
    struct arena *a = run->arena;
    json_t *o cleanup_json = json_object();
    json_set_str(o, "AuthorDate", time_iso(a, from->commit.author_ms));
    json_set_str(o, "BranchName", from->branch);
    json_set_str(o, "CommitId", from->commit.id);
    json_set_str(o, "CommitMessage", from->commit.message);
    if (is_codecommit(run)) {
        json_set_str(o, "CommitterDate", time_iso(a, from->commit.committer_ms));
        json_set_str(o, "RepositoryName", action_setting(run, "RepositoryName"));
    } else {
        json_set_str(o, "ConnectionArn", action_setting(run, "ConnectionArn"));
        json_set_str(o, "FullRepositoryName", action_setting(run, "FullRepositoryId"));
    }
    return json_dump_str(a, o);
}

/* Where a person reads the commit: git hosts show it below the repository's own address. */
static struct str web_url(struct action_run *run, const struct fetched *from) {
    struct str url = web_address(from);
    if (url.p == NULL) {
        return STR_NONE;
    }
    url = str_ends(url, S(".git")) ? str_sub(url, 0, url.n - 4) : url;
    const char *word = str_starts(url, S("https://bitbucket.org/")) ? "commits" : "commit";
    return str_printf(run->arena, STR_FMT "/%s/" STR_FMT, STR_ARG(url), word,
                      STR_ARG(from->commit.id));
}

static struct revision revision_of(struct action_run *run, const struct fetched *from) {
    return (struct revision){
        .commit = from->commit.id,
        .branch = from->branch,
        .author = from->commit.author,
        .email = from->commit.email,
        .subject = from->commit.subject,
        .message = from->commit.message,
        .at_ms = from->commit.author_ms,
        .url = web_url(run, from),
    };
}

int action_source_git_start(struct action_run *run, bool *ret_ended, struct action_end *ret_end,
                            struct err *err) {
    struct fetched from = {0};
    struct source_taken taken = {.artifact = action_output(run, run->decl->outputs.v[0])};
    if (fetch_commit(run, &from, err) < 0 || store(run, &from, &taken, err) < 0) {
        return -1;
    }
    *ret_ended = true;
    taken.what.revision = revision_of(run, &from);
    taken.ref = str_printf(run->arena, "refs/heads/" STR_FMT, STR_ARG(from.branch));
    taken.ref_head = from.asked ? STR_NONE : from.commit.id;
    taken.summary = from.commit.subject;
    taken.output_variables = output_variables(run, &from);
    return source_end(run, &taken, ret_end, err);
}
