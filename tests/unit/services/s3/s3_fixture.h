/* S3's handlers over a store in memory and content files in a temporary directory. One test file
 * includes this, calls RUN(operation, &in, &out), and lists its tests with CASE(). */
#pragma once

#include "../../cmocka_.h"

#include "gen/s3.h"
#include "runtime/queue/queue.h"
#include "services/s3/content.h"
#include "services/s3/jobs.h"
#include "services/s3/s3_store.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const int64_t NOW_MS = 1795485120000;

static struct arena arena;
static struct db *db;
static char dir[64];
static struct err err;
static struct call last; /* the call that was made last, for its reply */

/* Runs one handler as the gate does: in a transaction that stands only if it succeeds. */
static inline int run(const struct shape_op *op, shape_handler handler, const void *in, void *out,
                      struct str body) {
    char path[] = "/tmp/trunkline-test-body-XXXXXX";
    int fd = mkstemp(path);
    unlink(path);
    assert_int_equal(write(fd, body.p, body.n), (int)body.n);
    err = ERR_INIT;
    last = (struct call){.arena = &arena,
                         .db = db,
                         .clock = &clock_system,
                         .rng = &rng_system,
                         .now_ms = NOW_MS,
                         .account = S("111111111111"),
                         .region = S("eu-west-2"),
                         .op = op,
                         .body = {fd, 0, (int64_t)body.n, NULL},
                         .reply_body = AWS_BODY_NONE,
                         .data_dir = dir};
    memset(out, 0, op->out->size);
    assert_int_equal(db_begin(db, &err), 0);
    int result = handler(&last, in, out, &err);
    if (result == 0) {
        result = db_commit(db, &err);
    } else {
        db_rollback(db);
    }
    close(fd);
    return result;
}

#define THUNK(op)                                                                                  \
    static int thunk_##op(struct call *c, const void *in, void *out, struct err *e) {              \
        return s3_##op(c, in, out, e);                                                             \
    }
#define RUN(op, in, out) run(&s3_op_##op, thunk_##op, in, out, S(""))
#define RUN_BODY(op, in, out, body) run(&s3_op_##op, thunk_##op, in, out, body)
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

THUNK(create_bucket)
THUNK(put_object)
THUNK(get_object)

static inline void ok(int result) {
    if (result < 0) {
        fail_msg("%s: %s", err.api != NULL ? err.api->code : "?", err.msg);
    }
}

static inline void refused(int result, const char *code, int status) {
    assert_int_equal(result, -1);
    if (err.api == NULL) {
        fail_msg("no modelled error: %s", err.msg);
    }
    assert_string_equal(err.api->code, code);
    assert_int_equal(err.api->http_status, status);
}

static inline void assert_str(struct str have, const char *want) {
    if (!str_is(have, want)) {
        fail_msg("have '" STR_FMT "', want '%s'", STR_ARG(have), want);
    }
}

static inline void make_bucket(const char *name) {
    struct s3_create_bucket_configuration config = {.location_constraint = S("eu-west-2")};
    struct s3_create_bucket_request in = {.bucket = str_c(name),
                                          .create_bucket_configuration = &config};
    struct s3_create_bucket_output out;
    ok(RUN(create_bucket, &in, &out));
}

static inline struct s3_put_object_output put(const char *bucket, const char *key,
                                              const char *body) {
    struct s3_put_object_request in = {.bucket = str_c(bucket), .key = str_c(key)};
    struct s3_put_object_output out;
    ok(RUN_BODY(put_object, &in, &out, str_c(body)));
    return out;
}

/* More than a row keeps: `c` all the way, `tail` at the end. */
enum { LARGE = S3_INLINE_MAX + 1 };

static inline struct str large_body(char c, const char *tail) {
    char *p = arena_alloc(&arena, LARGE + strlen(tail));
    memset(p, c, LARGE);
    memcpy(p + LARGE, tail, strlen(tail));
    return str_n(p, LARGE + strlen(tail));
}

static inline void put_large(const char *bucket, const char *key, char c) {
    struct s3_put_object_request in = {.bucket = str_c(bucket), .key = str_c(key)};
    struct s3_put_object_output out;
    ok(RUN_BODY(put_object, &in, &out, large_body(c, "")));
}

static inline struct str reply_text(void) {
    char *text = arena_alloc(&arena, (size_t)last.reply_body.size + 1);
    ssize_t n =
        pread(last.reply_body.fd, text, (size_t)last.reply_body.size, last.reply_body.offset);
    close(last.reply_body.fd);
    assert_int_equal(n, last.reply_body.size);
    return str_n(text, (size_t)n);
}

static inline struct str get(const char *bucket, const char *key, struct str version) {
    struct s3_get_object_request in = {
        .bucket = str_c(bucket), .key = str_c(key), .version_id = version};
    struct s3_get_object_output out;
    ok(RUN(get_object, &in, &out));
    return reply_text();
}

static inline int setup(void **state) {
    (void)state;
    strncpy(dir, "/tmp/trunkline-test-s3-XXXXXX", sizeof(dir) - 1);
    assert_non_null(mkdtemp(dir));
    const struct db_schema schemas[] = {queue_schema, s3_schema};
    assert_int_equal(db_open("", schemas, 2, &db, &err), 0);
    return 0;
}

static inline int remove_entry(const char *path, const struct stat *st, int type, struct FTW *at) {
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

static inline int teardown(void **state) {
    (void)state;
    db_close(db);
    arena_done(&arena);
    return nftw(dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}
