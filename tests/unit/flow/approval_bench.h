/* A pipeline of two approvals in a store in memory, and one execution that grace started. */
#pragma once

#include "../cmocka_.h"

#include "flow/approval/approval.h"
#include "runtime/queue/queue.h"

#include <stdlib.h>

struct bench {
    struct arena arena;
    struct clock_fake time;
    struct clock clock;
    struct flow flow;
    struct db *db;
    struct err err;
    struct pipeline_row pipeline;
    struct str execution;
};

static const char definition[] =
    "{\"name\":\"p\",\"version\":1,\"roleArn\":\"arn:aws:iam::111111111111:role/p\","
    "\"artifactStore\":{\"type\":\"S3\",\"location\":\"b\"},\"stages\":[{\"name\":\"Ask\","
    "\"actions\":"
    "[{\"name\":\"Person\",\"actionTypeId\":{\"category\":\"Approval\",\"owner\":\"AWS\","
    "\"provider\":"
    "\"Manual\",\"version\":\"1\"}}]},{\"name\":\"Go\",\"actions\":[{\"name\":\"Person\","
    "\"actionTypeId\":{\"category\":\"Approval\",\"owner\":\"AWS\",\"provider\":\"Manual\","
    "\"version\":\"1\"}}]}]}";

static inline void begin(struct bench *b) {
    assert_int_equal(db_begin(b->db, &b->err), 0);
}

static inline void commit(struct bench *b, int result) {
    if (result < 0 || db_commit(b->db, &b->err) < 0) {
        fail_msg("%s", b->err.msg);
    }
}

static inline void artifact(struct bench *b, const char *name, const char *sha256) {
    struct artifact_row row = {.name = str_c(name),
                               .action = S("a"),
                               .bucket = S("b"),
                               .key = S("k"),
                               .sha256 = str_c(sha256)};
    begin(b);
    commit(b, record_artifact_put(b->db, b->execution, &row, &b->err));
}

static inline int set_up(void **state) {
    struct bench *b = calloc(1, sizeof(*b));
    *state = b;
    b->time.now_ms = 1795485120000;
    b->clock = clock_fake(&b->time);
    const struct db_schema schemas[] = {queue_schema, record_schema, source_schema,
                                        approval_schema};
    if (db_open("", schemas, 4, &b->db, &b->err) < 0) {
        fail_msg("%s", b->err.msg);
    }
    b->flow = (struct flow){.db = b->db, .clock = &b->clock, .rng = &rng_system};
    struct definition d;
    struct engine_plan plan;
    b->pipeline = (struct pipeline_row){.account = S("111111111111"),
                                        .region = S("eu-west-2"),
                                        .name = S("p"),
                                        .version = 1,
                                        .definition = str_c(definition)};
    assert_int_equal(definition_parse(&b->arena, b->pipeline.definition, &d, &b->err), 0);
    execution_plan(&b->arena, &d, &plan);
    begin(b);
    commit(b, execution_define(&b->flow, &b->arena, &b->pipeline, &plan, &b->err));
    struct execution_start start = {.trigger_type = S("StartPipelineExecution"),
                                    .trigger_detail = S("arn:aws:iam::111111111111:user/grace"),
                                    .variables = S("{\"target\":\"canary\"}")};
    begin(b);
    commit(b, execution_start(&b->flow, &b->arena, b->pipeline.id, &start, &b->execution, NULL,
                              &b->err));
    artifact(b, "Source", "aa");
    return 0;
}

static inline int tear_down(void **state) {
    struct bench *b = *state;
    db_close(b->db);
    arena_done(&b->arena);
    free(b);
    return 0;
}
