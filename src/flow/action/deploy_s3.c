/* Deploy/S3: the input artifact goes into a bucket, as one object or file by file. Facts: Amazon S3
 * deploy action reference. What is there already and is not in the artifact stays. */
#include "flow/action/providers.h"

#include "flow/action/artifacts.h"
#include "flow/action/content_type.h"
#include "flow/action/running.h"
#include "platform/os/fd.h"
#include "platform/os/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

struct deploy {
    struct action_run *run;
    struct aws_target target;
    struct str bucket;
    struct str object_key; /* of the one object, or the folder of the files */
    struct str kms_key;
    struct str acl;
    struct str cache_control;
    bool extract;
    size_t files;
};

static int check_acl(struct str acl, struct err *err) {
    static const char *const known[] = {
        "private",
        "public-read",
        "public-read-write",
        "aws-exec-read",
        "authenticated-read",
        "bucket-owner-read",
        "bucket-owner-full-control",
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (acl.n == 0 || str_is(acl, known[i])) {
            return 0;
        }
    }
    return err_set(err, ERR_INVALID, "CannedACL '%.*s' is not one of S3's canned ACLs",
                   STR_ARG(acl));
}

static int read_settings(struct deploy *d, struct err *err) {
    const struct action_run *run = d->run;
    d->bucket = action_setting(run, "BucketName");
    d->object_key = action_setting(run, "ObjectKey");
    d->kms_key = action_setting(run, "KMSEncryptionKeyARN");
    d->acl = action_setting(run, "CannedACL");
    d->cache_control = action_setting(run, "CacheControl");
    if (d->bucket.n == 0 || action_setting(run, "Extract").n == 0) {
        return err_set(err, ERR_INVALID, "BucketName and Extract must be given");
    }
    if (action_flag(run, "Extract", &d->extract, err) < 0 || check_acl(d->acl, err) < 0) {
        return -1;
    }
    return d->extract || d->object_key.n > 0
               ? 0
               : err_set(err, ERR_INVALID, "ObjectKey must be given when Extract is false");
}

static int put(struct deploy *d, struct str key, struct str content_type,
               const struct aws_body *body, struct err *err) {
    struct s3_put_object_request in = {
        .acl = d->acl.n > 0 ? d->acl : STR_NONE,
        .bucket = d->bucket,
        .cache_control = d->cache_control.n > 0 ? d->cache_control : STR_NONE,
        .content_type = content_type,
        .key = key,
    };
    struct s3_put_object_output out;
    if (d->kms_key.n > 0) {
        in.server_side_encryption = S("aws:kms");
        in.ssekms_key_id = d->kms_key;
    }
    return aws_call_stream(&d->target, &s3_op_put_object, d->run->arena, &in, body, &out, NULL,
                           err) < 0
               ? err_wrap(err, "s3://" STR_FMT "/" STR_FMT, STR_ARG(d->bucket), STR_ARG(key))
               : 0;
}

/* ---- one object ---- */

static int put_zip(struct deploy *d, const struct artifact_row *input, struct err *err) {
    struct aws_body body;
    if (action_input_open(d->run, &d->target, input, &body, err) < 0) {
        return -1;
    }
    int fd cleanup_fd = body.fd;
    d->files = 1;
    return put(d, d->object_key, S("application/zip"), &body, err);
}

/* ---- file by file ---- */

static int put_file(struct deploy *d, int root, const char *name, struct err *err) {
    int fd cleanup_fd = file_open_beneath(root, name, O_RDONLY | O_NOFOLLOW, 0, err);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0) {
        return fd < 0 ? -1 : err_set(err, ERR_SYSTEM, "%s cannot be read", name);
    }
    struct arena *a = d->run->arena;
    struct str prefix = d->object_key;
    while (str_ends(prefix, S("/"))) {
        prefix = str_sub(prefix, 0, prefix.n - 1);
    }
    struct str key =
        prefix.n > 0 ? str_printf(a, "%.*s/%s", STR_ARG(prefix), name) : str_dup(a, str_c(name));
    struct aws_body body = {.fd = fd, .size = st.st_size};
    d->files++;
    return put(d, key, content_type_of(str_c(name)), &body, err);
}

/* Files below `dir`, in byte order, relative to the root; links of the artifact are left out: there
 * is nothing in S3 that they could be. */
static int put_tree(struct deploy *d, int root, const char *top, const char *below,
                    struct err *err) {
    struct arena *a = d->run->arena;
    struct str_list names;
    if (dir_list(a, str_printf(a, "%s/%s", top, below).p, &names, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < names.n; i++) {
        const char *name = *below == '\0' ? str_z(a, names.v[i])
                                          : str_printf(a, "%s/%.*s", below, STR_ARG(names.v[i])).p;
        struct stat st;
        if (action_stopping(d->run->action.id)) {
            return err_set(err, ERR_CANCELLED, "the execution was stopped");
        }
        if (fstatat(root, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
            return err_set(err, ERR_SYSTEM, "%s cannot be read", name);
        }
        struct arena_mark mark = arena_mark(a);
        int done = S_ISDIR(st.st_mode)   ? put_tree(d, root, top, name, err)
                   : S_ISREG(st.st_mode) ? put_file(d, root, name, err)
                                         : 0;
        if (done < 0) {
            return -1;
        }
        arena_reset(a, mark);
    }
    return 0;
}

static int put_files(struct deploy *d, const struct artifact_row *input, const char *dir,
                     struct err *err) {
    const char *tree = str_printf(d->run->arena, "%s/tree", dir).p;
    if (action_input_unpack(d->run, &d->target, input, tree, err) < 0) {
        return -1;
    }
    int root cleanup_fd = file_open(tree, O_RDONLY | O_DIRECTORY, 0, err);
    return root < 0 ? -1 : put_tree(d, root, tree, "", err);
}

static int extract(struct deploy *d, const struct artifact_row *input, struct err *err) {
    const char *dir = NULL;
    struct err ignored = ERR_INIT;
    if (dir_make_temp(d->run->arena, "trunkline-deploy", &dir, err) < 0) {
        return -1;
    }
    int result = put_files(d, input, dir, err);
    (void)!tree_remove(dir, &ignored);
    return result;
}

int action_deploy_s3_start(struct action_run *run, bool *ret_ended, struct action_end *ret_end,
                           struct err *err) {
    struct deploy d = {.run = run};
    struct artifact_row input;
    if (read_settings(&d, err) < 0 || action_input_named(run, STR_NONE, &input, err) < 0) {
        return -1;
    }
    if (action_target(run, &d.target, err) < 0 ||
        (d.extract ? extract(&d, &input, err) : put_zip(&d, &input, err)) < 0) {
        return -1;
    }
    *ret_ended = true;
    ret_end->ok = true;
    ret_end->summary = d.files == 1 && !d.extract
                           ? S("Deployment Succeeded")
                           : str_printf(run->arena, "Deployment Succeeded: %zu files", d.files);
    return 0;
}
