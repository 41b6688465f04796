/* Implementation of artifacts.h. */
#include "flow/action/artifacts.h"

#include "platform/archive/extract.h"
#include "platform/archive/zip.h"
#include "platform/crypto/hash.h"
#include "platform/os/fd.h"
#include "platform/os/file.h"
#include "platform/text/json.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* ---- what earlier actions left ---- */

int action_input(struct action_run *run, struct str name, struct artifact_row *ret,
                 struct err *err) {
    struct db *db = run->flow->db;
    for (size_t i = 0; i < run->copies.n; i++) {
        if (str_eq(run->copies.v[i].name, name)) {
            *ret = run->copies.v[i];
            return 0;
        }
    }
    if (db_begin(db, err) < 0) {
        return -1;
    }
    int found = record_artifact_get(db, run->arena, run->execution.id, name, ret, err);
    db_rollback(db);
    return found > 0   ? 0
           : found < 0 ? -1
                       : err_set(err, ERR_INVALID, "input artifact %.*s was not made by any action",
                                 STR_ARG(name));
}

int action_input_named(struct action_run *run, struct str name, struct artifact_row *ret,
                       struct err *err) {
    if (name.n == 0 && run->decl->inputs.n > 0) {
        name = run->decl->inputs.v[0];
    }
    if (!str_list_has(&run->decl->inputs, name)) {
        return err_set(err, ERR_INVALID, "%.*s is not one of the action's input artifacts",
                       STR_ARG(name));
    }
    return action_input(run, name, ret, err);
}

static int check_digest(struct action_run *run, const struct artifact_row *row,
                        const struct aws_body *body, struct err *err) {
    struct str digest = STR_NONE;
    if (crypto_sha256_fd(run->arena, body->fd, body->offset, &digest, err) < 0) {
        return -1;
    }
    if (row->sha256.n > 0 && !str_eq(digest, row->sha256)) {
        return err_set(err, ERR_INVALID,
                       "s3://" STR_FMT "/" STR_FMT " was changed after an action stored it: its "
                       "SHA-256 is " STR_FMT ", not " STR_FMT "; release anew",
                       STR_ARG(row->bucket), STR_ARG(row->key), STR_ARG(digest),
                       STR_ARG(row->sha256));
    }
    return lseek(body->fd, body->offset, SEEK_SET) < 0 ? err_sys(err, errno, "input artifact") : 0;
}

int action_input_open(struct action_run *run, const struct aws_target *target,
                      const struct artifact_row *row, struct aws_body *ret, struct err *err) {
    struct s3_get_object_request in = {.bucket = row->bucket, .key = row->key};
    struct s3_get_object_output out = {0};
    *ret = AWS_BODY_NONE;
    if (aws_call_stream(target, &s3_op_get_object, run->arena, &in, NULL, &out, ret, err) < 0) {
        return err_wrap(err, "input artifact " STR_FMT ", s3://" STR_FMT "/" STR_FMT,
                        STR_ARG(row->name), STR_ARG(row->bucket), STR_ARG(row->key));
    }
    if (check_digest(run, row, ret, err) < 0) {
        fd_closep(&ret->fd);
        return -1;
    }
    return 0;
}

/* A zip without entries is nothing but its end record, in which no format is recognised. */
static bool is_empty_zip(const struct aws_body *body) {
    char head[4];
    return pread(body->fd, head, sizeof(head), body->offset) == (ssize_t)sizeof(head) &&
           memcmp(head, "PK\5\6", sizeof(head)) == 0;
}

int action_input_unpack(struct action_run *run, const struct aws_target *target,
                        const struct artifact_row *row, const char *dir, struct err *err) {
    struct aws_body body;
    if (dir_make(dir, 0700, err) < 0 || action_input_open(run, target, row, &body, err) < 0) {
        return -1;
    }
    int zip cleanup_fd = body.fd;
    int at cleanup_fd = file_open(dir, O_RDONLY | O_DIRECTORY, 0, err);
    struct extract_limits limits = {0};
    struct extract_result result;
    if (at < 0) {
        return -1;
    }
    return is_empty_zip(&body) ||
                   archive_extract(zip, at, &limits, (uid_t)-1, (gid_t)-1, &result, err) == 0
               ? 0
               : err_wrap(err, "input artifact " STR_FMT, STR_ARG(row->name));
}

static int read_beneath(struct action_run *run, const char *tree, struct str artifact,
                        struct str file, size_t max, struct str *ret, struct err *err) {
    int root cleanup_fd = file_open(tree, O_RDONLY | O_DIRECTORY, 0, err);
    if (root < 0) {
        return -1;
    }
    int fd cleanup_fd = file_open_beneath(root, str_z(run->arena, file), O_RDONLY, 0, err);
    return fd < 0 ? err_set(err, ERR_INVALID, "File [%.*s] does not exist in artifact [%.*s]",
                            STR_ARG(file), STR_ARG(artifact))
                  : fd_read_all(run->arena, fd, max, ret, err);
}

int action_input_file(struct action_run *run, const struct aws_target *target,
                      const struct artifact_row *row, struct str file, size_t max, struct str *ret,
                      struct err *err) {
    const char *dir = NULL;
    struct err ignored = ERR_INIT;
    if (dir_make_temp(run->arena, "trunkline-input", &dir, err) < 0) {
        return -1;
    }
    const char *tree = str_printf(run->arena, "%s/tree", dir).p;
    int result = action_input_unpack(run, target, row, tree, err) < 0
                     ? -1
                     : read_beneath(run, tree, row->name, file, max, ret, err);
    (void)!tree_remove(dir, &ignored);
    return result;
}

struct str action_inputs_json(struct arena *a, const struct artifact_row *rows, size_t n) {
    json_t *list cleanup_json = json_array();
    for (size_t i = 0; i < n; i++) {
        json_t *o = json_object();
        json_set_str(o, "name", rows[i].name);
        json_set_str(o, "bucket", rows[i].bucket);
        json_set_str(o, "key", rows[i].key);
        json_set_str(o, "sha256", rows[i].sha256);
        json_array_append_new(list, o);
    }
    return json_dump_str(a, list);
}

/* ---- what this one leaves ---- */

struct action_artifact action_output(struct action_run *run, struct str name) {
    return (struct action_artifact){
        .name = name,
        .bucket = run->store->bucket,
        .key = action_artifact_key(run->arena, run->def.name, name, run->action.id),
    };
}

void action_store_encryption(const struct def_store *store, struct s3_put_object_request *in) {
    if (store->encryption_key.n > 0) {
        in->server_side_encryption = S("aws:kms");
        in->ssekms_key_id = store->encryption_key;
    }
}

int action_output_put(struct action_run *run, const struct aws_target *target, const char *zip,
                      struct action_artifact *artifact, struct err *err) {
    int fd cleanup_fd = file_open(zip, O_RDONLY, 0, err);
    int64_t size = 0;
    if (fd < 0 || file_size(zip, &size, err) < 0 ||
        crypto_sha256_fd(run->arena, fd, 0, &artifact->sha256, err) < 0) {
        return -1;
    }
    struct s3_put_object_request in = {
        .bucket = artifact->bucket, .key = artifact->key, .content_type = S("application/zip")};
    struct s3_put_object_output out;
    struct aws_body body = {.fd = fd, .size = size};
    action_store_encryption(run->store, &in);
    return aws_call_stream(target, &s3_op_put_object, run->arena, &in, &body, &out, NULL, err) < 0
               ? err_wrap(err, "output artifact " STR_FMT, STR_ARG(artifact->name))
               : 0;
}

static int zip_text(struct action_run *run, const char *path, struct str name, struct str text,
                    struct err *err) {
    int out cleanup_fd = file_open(path, O_WRONLY | O_CREAT | O_EXCL, 0600, err);
    struct zip_writer *zip cleanup_zip = NULL;
    if (out < 0 || zip_begin(out, NULL, &zip, err) < 0) {
        return -1;
    }
    if (name.n > 0 && zip_add_bytes(zip, str_z(run->arena, name), text.p, text.n, 0644, err) < 0) {
        return -1;
    }
    return zip_end(zip, err);
}

int action_output_text(struct action_run *run, const struct aws_target *target, struct str name,
                       struct str text, struct action_artifact *artifact, struct err *err) {
    const char *dir = NULL;
    struct err ignored = ERR_INIT;
    if (dir_make_temp(run->arena, "trunkline-output", &dir, err) < 0) {
        return -1;
    }
    const char *path = str_printf(run->arena, "%s/output.zip", dir).p;
    int result = zip_text(run, path, name, text, err) < 0
                     ? -1
                     : action_output_put(run, target, path, artifact, err);
    (void)!tree_remove(dir, &ignored);
    return result;
}

int action_store_outputs(struct action_run *run, const struct action_artifact *list, size_t n,
                         struct str *ret_json, struct err *err) {
    if (db_begin(run->flow->db, err) < 0) {
        return -1;
    }
    if (action_put_outputs(run, list, n, STR_NONE, ret_json, err) < 0) {
        db_rollback(run->flow->db);
        return -1;
    }
    return db_commit(run->flow->db, err);
}
