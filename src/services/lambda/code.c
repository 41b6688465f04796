/* Code of functions: zip files DATA/lambda/<SHA-256>.zip, each kept once, whoever uses it. */
#include "gen/s3.h"
#include "platform/crypto/encode.h"
#include "platform/crypto/hash.h"
#include "platform/os/fd.h"
#include "platform/os/file.h"
#include "services/lambda/lambda.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

enum { DIRECT_MAX = 50 * 1024 * 1024, CODE_MAX = 250 * 1024 * 1024, CHUNK = 256 * 1024 };

/* The object as a file, read as the caller. */
static int open_object(struct call *c, const struct lambda_source *s, struct aws_body *ret,
                       struct err *err) {
    struct aws_target target = call_target(c);
    const struct s3_get_object_request in = {
        .bucket = s->bucket, .key = s->key, .version_id = s->object_version};
    struct s3_get_object_output out;
    struct err why = ERR_INIT;
    if (s3_call_get_object(&target, c->arena, &in, &out, ret, &why) == 0) {
        return 0;
    }
    const char *code = why.api != NULL ? why.api->code : "InternalError";
    if (strcmp(code, "AccessDenied") == 0) {
        return lambda_fail(c, err, &lambda_AccessDeniedException,
                           "Your access has been denied by S3, please make sure your request "
                           "credentials have permission to GetObject for " STR_FMT "/" STR_FMT
                           ". S3 Error Code: AccessDenied. S3 Error Message: %s",
                           STR_ARG(s->bucket), STR_ARG(s->key), why.msg);
    }
    return lambda_fail(c, err, &lambda_InvalidParameterValueException,
                       "Error occurred while GetObject. S3 Error Code: %s. S3 Error Message: %s",
                       code, why.msg);
}

/* Copies what is at fd into a file beside the others, hashing; *ret_path is its temporary name. */
static int copy_in(struct call *c, const struct aws_body *from, const char *dir, struct hash *hash,
                   const char **ret_path, struct err *err) {
    *ret_path = str_z(
        c->arena, str_printf(c->arena, "%s/%.*s.tmp", dir, STR_ARG(rng_hex(c->rng, c->arena, 16))));
    int out cleanup_fd = file_open(*ret_path, O_WRONLY | O_CREAT | O_EXCL, 0600, err);
    if (out < 0) {
        return -1;
    }
    char *chunk = arena_alloc(c->arena, CHUNK);
    for (int64_t at = 0; at < from->size;) {
        size_t want = from->size - at < CHUNK ? (size_t)(from->size - at) : CHUNK;
        ssize_t n = pread(from->fd, chunk, want, from->offset + at);
        if (n <= 0) {
            return err_sys(err, n < 0 ? errno : EIO, "read the function's code");
        }
        hash_update(hash, str_n(chunk, (size_t)n));
        if (fd_write_all(out, chunk, (size_t)n, err) < 0) {
            return -1;
        }
        at += n;
    }
    return fsync(out) < 0 ? err_sys(err, errno, "write %s", *ret_path) : 0;
}

static int check_zip(struct call *c, const struct aws_body *body, struct err *err) {
    char head[4] = "";
    ssize_t n = body->size >= 4 ? pread(body->fd, head, 4, body->offset) : 0;
    bool zip = n == 4 && memcmp(head, "PK", 2) == 0 && (head[2] == 3 || head[2] == 5);
    return zip ? 0
               : lambda_fail(c, err, &lambda_InvalidParameterValueException,
                             "Could not unzip uploaded file. Please check your file, then try to "
                             "upload again.");
}

static int keep(struct call *c, const struct aws_body *body, struct lambda_code *ret,
                struct err *err) {
    const char *tmp = NULL;
    unsigned char digest[HASH_MAX];
    struct hash *hash cleanup_hash = hash_new(HASH_SHA256);
    const char *dir = str_z(c->arena, str_printf(c->arena, "%s/lambda", c->data_dir));
    if (body->size > CODE_MAX) {
        return lambda_fail(c, err, &lambda_InvalidParameterValueException,
                           "Unzipped size must be smaller than %d bytes", CODE_MAX);
    }
    if (check_zip(c, body, err) < 0 || dir_make(dir, 0700, err) < 0 ||
        copy_in(c, body, dir, hash, &tmp, err) < 0) {
        if (tmp != NULL) {
            unlink(tmp);
        }
        return -1;
    }
    struct str sum = str_n((const char *)digest, hash_end(hash, digest));
    ret->sha256_hex = hex_encode(c->arena, sum);
    ret->sha256_base64 = base64_encode(c->arena, sum);
    ret->size = body->size;
    const char *path =
        str_z(c->arena, str_printf(c->arena, "%s/%.*s.zip", dir, STR_ARG(ret->sha256_hex)));
    return file_rename(tmp, path, err) < 0 ? -1 : file_sync_dir_of(path, err);
}

int lambda_code_keep(struct call *c, const struct lambda_source *s, struct lambda_code *ret,
                     struct err *err) {
    struct aws_body body = AWS_BODY_NONE;
    if (s->image.p != NULL) {
        return lambda_fail(c, err, &lambda_InvalidParameterValueException,
                           "Functions from container images are not available here");
    }
    if ((s->zip.p != NULL) == (s->bucket.p != NULL) ||
        (s->bucket.p != NULL) != (s->key.p != NULL)) {
        return lambda_fail(c, err, &lambda_InvalidParameterValueException,
                           "Please provide a source for function code: ZipFile, or S3Bucket and "
                           "S3Key.");
    }
    if (s->zip.n > DIRECT_MAX) {
        return lambda_fail(c, err, &lambda_RequestTooLargeException,
                           "Request must be smaller than %d bytes", DIRECT_MAX);
    }
    if (s->zip.p != NULL) {
        body.fd = fd_from_bytes("lambda-code", s->zip, err);
        body.size = (int64_t)s->zip.n;
        if (body.fd < 0) {
            return -1;
        }
    } else if (open_object(c, s, &body, err) < 0) {
        return -1;
    }
    int fd cleanup_fd = body.fd;
    return keep(c, &body, ret, err);
}

int lambda_code_dropped(struct call *c, struct err *err) {
    return queue_add(c->db, LAMBDA_SWEEP, S("all"), STR_NONE, 0, err);
}

/* Files are placed inside the transaction that makes their row, so in a transaction of our own a
 * file without a row has none coming; temporary ones are a crash's. */
static int sweep_files(struct service_env *env, struct arena *a, struct err *err) {
    struct str_list names;
    const char *dir = str_z(a, str_printf(a, "%s/lambda", env->data_dir));
    if (!file_is_dir(dir)) {
        return 0;
    }
    if (dir_list(a, dir, &names, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < names.n; i++) {
        bool used = false;
        struct str code = str_sub(names.v[i], 0, str_find_c(names.v[i], '.', 0));
        if (str_ends(names.v[i], S(".zip")) && lambda_code_used(env->db, code, &used, err) < 0) {
            return -1;
        }
        const char *path = str_z(a, str_printf(a, "%s/%.*s", dir, STR_ARG(names.v[i])));
        if (!used && file_remove(path, err) < 0) {
            return -1;
        }
    }
    return 0;
}

static int sweep(void *ud, struct queue_job *job, struct err *err) {
    struct service_env *env = ud;
    if (db_begin(env->db, err) < 0) {
        return -1;
    }
    if (sweep_files(env, job->arena, err) < 0 || queue_end(env->db, job, err) < 0) {
        db_rollback(env->db);
        return -1;
    }
    return db_commit(env->db, err);
}

void lambda_queue_kinds(struct service_env *env, struct queue_kind ret[LAMBDA_KINDS]) {
    ret[0] = (struct queue_kind){.name = LAMBDA_SWEEP, .run = sweep, .ud = env};
}
