/* Handlers without the gate: a store in memory, a clock that stands still, one account. */
#pragma once

#include "../cmocka_.h"

#include "aws/call/call.h"
#include "aws/shape/shape.h"
#include "runtime/db/db.h"
#include "services/core/core.h"
#include "services/core/seal.h"

#include <stdlib.h>

struct direct {
    struct db *db;
    struct arena arena;
    struct clock_fake time;
    struct clock clock;
    struct aws_principal principal;
    struct call call;
    struct err err;
};

static inline struct direct *direct_new(const struct db_schema *const *schemas, size_t n) {
    struct direct *d = mem_alloc(sizeof(*d));
    struct db_schema all[8] = {core_schema};
    assert_true(n < 8);
    for (size_t i = 0; i < n; i++) {
        all[i + 1] = *schemas[i];
    }
    d->err = ERR_INIT;
    if (seal_load(NULL, &rng_system, &d->err) < 0 || db_open("", all, n + 1, &d->db, &d->err) < 0) {
        fail_msg("%s", d->err.msg);
    }
    d->time.now_ms = 1790000000000;
    d->clock = clock_fake(&d->time);
    d->principal = (struct aws_principal){.kind = AWS_PRINCIPAL_ROOT,
                                          .account = S("111111111111"),
                                          .arn = S("arn:aws:iam::111111111111:root"),
                                          .user_id = S("111111111111")};
    return d;
}

static inline void direct_free(struct direct *d) {
    db_close(d->db);
    arena_done(&d->arena);
    free(d);
}

static inline int direct_begin(struct direct *d, const struct shape_op *op, void *out) {
    d->err = ERR_INIT;
    d->call = (struct call){.arena = &d->arena,
                            .db = d->db,
                            .clock = &d->clock,
                            .rng = &rng_system,
                            .now_ms = d->time.now_ms,
                            .account = d->principal.account,
                            .region = S("eu-west-2"),
                            .request_id = S("test"),
                            .principal = &d->principal,
                            .service = op->service,
                            .op = op,
                            .body = AWS_BODY_NONE,
                            .reply_body = AWS_BODY_NONE};
    memset(out, 0, op->out->size);
    return db_begin(d->db, &d->err);
}

static inline int direct_end(struct direct *d, int result) {
    if (result < 0) {
        db_rollback(d->db);
        return -1;
    }
    return db_commit(d->db, &d->err);
}

/* CALL(d, sns, create_topic, &in, &out): an operation's handler in a transaction of its own; 0, or
 * -1 with d->err. */
#define CALL(d, svc, name, in, out)                                                                \
    (direct_begin((d), &svc##_op_##name, (out)) < 0                                                \
         ? -1                                                                                      \
         : direct_end((d), svc##_##name(&(d)->call, (in), (out), &(d)->err)))

#define ASSERT_OK(d, expression)                                                                   \
    do {                                                                                           \
        if ((expression) < 0) {                                                                    \
            fail_msg("%s", (d)->err.msg);                                                          \
        }                                                                                          \
    } while (0)

#define ASSERT_API(d, expression, error)                                                           \
    do {                                                                                           \
        assert_int_equal((expression), -1);                                                        \
        if ((d)->err.api != &(error)) {                                                            \
            fail_msg("another error: %s", (d)->err.msg);                                           \
        }                                                                                          \
    } while (0)
