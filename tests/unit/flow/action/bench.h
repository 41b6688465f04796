/* One pipeline of one invoke action and an approval after it, run by the real jobs against a peer
 * of the test's, which answers what `invoke` says. */
#pragma once

#include "../../cmocka_.h"

#include "flow/execution/apply.h"
#include "flow/execution/jobs.h"
#include "flow/worker/types.h"

#include "platform/text/json.h"

#include <stdlib.h>

struct bench {
    struct arena arena;
    struct clock_fake time;
    struct clock clock;
    struct aws_embedded embedded;
    struct aws_world world;
    struct flow flow;
    struct db *db;
    struct err err;
    struct queue *queue;
    int64_t pipeline;
    struct str execution;
    struct str session; /* of the role that was assumed last */
    const char *status; /* of what the peer runs */
    struct str name;    /* that it was started under */
    struct str arn;     /* or id, of what was started */
    struct str input;
    int starts, stops;
    bool served; /* the account serves it */
    bool lost;   /* it starts, and its answer is lost */
    bool denied; /* the role may not be assumed any more */
};

static inline int bench_assume(void *ud, struct arena *a, struct str service, struct str role_arn,
                               struct str session_name, struct aws_target *ret, struct err *err) {
    struct bench *b = ud;
    (void)a, (void)service, (void)role_arn;
    if (b->denied) {
        return err_set(err, ERR_DENIED, "not authorized to perform AssumeRole");
    }
    b->session = str_dup(&b->arena, session_name);
    *ret = (struct aws_target){.account = S("111111111111"), .embedded = &b->embedded};
    return 0;
}

static inline int bench_issue(void *ud, struct arena *a, const struct aws_issue *what,
                              struct aws_credentials *ret, struct err *err) {
    (void)ud, (void)a, (void)what, (void)err;
    *ret = (struct aws_credentials){S("AKIA"), S("secret"), S("token"), 0};
    return 0;
}

static inline struct str bench_definition(struct arena *a, const char *action) {
    return str_printf(
        a,
        "{\"name\":\"p\",\"version\":1,\"roleArn\":\"arn:aws:iam::111111111111:role/p\","
        "\"artifactStore\":{\"type\":\"S3\",\"location\":\"b\"},\"stages\":[{\"name\":\"Run\","
        "\"actions\":[{\"name\":\"Invoked\",%s}]},{\"name\":\"Go\",\"actions\":[{\"name\":"
        "\"Person\","
        "\"actionTypeId\":{\"category\":\"Approval\",\"owner\":\"AWS\",\"provider\":\"Manual\","
        "\"version\":\"1\"}}]}]}",
        action);
}

static inline void in_tx(struct bench *b, int result) {
    if (result < 0 || db_commit(b->db, &b->err) < 0) {
        fail_msg("%s", b->err.msg);
    }
}

/* action: the action's own members of the pipeline's JSON, after its name. */
static inline int bench_open(void **state, const struct aws_embedded *peer, const char *action) {
    struct bench *b = calloc(1, sizeof(*b));
    struct definition d;
    struct engine_plan plan;
    size_t n = 0;
    *state = b;
    b->time.now_ms = 1795485120000;
    b->clock = clock_fake(&b->time);
    b->embedded = (struct aws_embedded){peer->invoke, b};
    b->world = (struct aws_world){
        .clock = &b->clock, .ud = b, .assume = bench_assume, .issue = bench_issue};
    b->status = "RUNNING";
    b->served = true;
    const struct db_schema schemas[] = {queue_schema, record_schema, worker_schema};
    if (db_open("", schemas, 3, &b->db, &b->err) < 0) {
        fail_msg("%s", b->err.msg);
    }
    b->flow =
        (struct flow){.db = b->db, .clock = &b->clock, .rng = &rng_system, .world = &b->world};
    struct pipeline_row row = {.account = S("111111111111"),
                               .region = S("eu-west-2"),
                               .name = S("p"),
                               .version = 1,
                               .definition = bench_definition(&b->arena, action)};
    struct execution_start start = {.trigger_type = S("StartPipelineExecution")};
    assert_int_equal(definition_parse(&b->arena, row.definition, &d, &b->err), 0);
    execution_plan(&b->arena, &d, &plan);
    assert_int_equal(db_begin(b->db, &b->err), 0);
    in_tx(b, execution_define(&b->flow, &b->arena, &row, &plan, &b->err));
    b->pipeline = row.id;
    assert_int_equal(db_begin(b->db, &b->err), 0);
    in_tx(b, execution_start(&b->flow, &b->arena, row.id, &start, &b->execution, NULL, &b->err));
    const struct queue_kind *kinds = execution_jobs(&b->flow, &n);
    return queue_open(b->db, &b->clock, kinds, n, &b->queue, &b->err);
}

static inline int tear_down(void **state) {
    struct bench *b = *state;
    queue_stop(b->queue);
    db_close(b->db);
    arena_done(&b->arena);
    free(b);
    return 0;
}

static inline void run_jobs(struct bench *b, int64_t seconds) {
    b->time.now_ms += seconds * 1000;
    queue_run_due(b->queue);
}

static inline struct action_row invoked(struct bench *b) {
    struct action_row_list list;
    assert_int_equal(db_begin(b->db, &b->err), 0);
    assert_int_equal(record_action_list(b->db, &b->arena, b->execution, &list, &b->err), 0);
    db_rollback(b->db);
    assert_true(list.n > 0);
    return list.v[0];
}

static inline void expect(struct bench *b, const char *status) {
    struct action_row row = invoked(b);
    if (!str_is(row.status, status)) {
        fail_msg("the action is " STR_FMT " (" STR_FMT "), not %s", STR_ARG(row.status),
                 STR_ARG(row.summary), status);
    }
}

static inline void abandon(struct bench *b) {
    struct engine_event stop = {.kind = EVENT_STOP, .execution = b->execution, .abandon = true};
    assert_int_equal(db_begin(b->db, &b->err), 0);
    in_tx(b, execution_apply(&b->flow, &b->arena, b->pipeline, &stop, NULL, &b->err));
}
