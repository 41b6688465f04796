/* Approval/Manual: whom its topic tells, and in which words. */
#include "bench.h"

#include "gen/sns.h"

static int invoke(void *ud, const struct aws_target *t, const struct shape_op *op, struct arena *a,
                  const void *in, const struct aws_body *body_in, void *out,
                  struct aws_body *ret_body, struct err *err) {
    struct bench *b = ud;
    const struct sns_publish_input *q = in;
    (void)t, (void)a, (void)body_in, (void)ret_body, (void)err;
    assert_string_equal(op->name, "Publish");
    b->starts++;
    b->arn = str_dup(&b->arena, q->topic_arn);
    b->input = str_dup(&b->arena, q->message);
    *(struct sns_publish_response *)out = (struct sns_publish_response){0};
    return 0;
}

#define ACTION(words)                                                                              \
    "\"actionTypeId\":{\"category\":\"Approval\",\"owner\":\"AWS\",\"provider\":\"Manual\","       \
    "\"version\":\"1\"},\"configuration\":{\"NotificationArn\":"                                   \
    "\"arn:aws:sns:eu-west-2:111111111111:t\",\"CustomData\":\"" words "\"}"

static int set_up(void **state) {
    static const struct aws_embedded peer = {.invoke = invoke};
    return bench_open(state, &peer, ACTION("of #{codepipeline.PipelineExecutionId}"));
}

static void redefine(struct bench *b, int version, const char *action) {
    struct definition d;
    struct engine_plan plan;
    struct pipeline_row row = {.id = b->pipeline,
                               .account = S("111111111111"),
                               .region = S("eu-west-2"),
                               .name = S("p"),
                               .version = version,
                               .definition = bench_definition(&b->arena, action)};
    assert_int_equal(definition_parse(&b->arena, row.definition, &d, &b->err), 0);
    d.mode = S("PARALLEL");
    execution_plan(&b->arena, &d, &plan);
    assert_int_equal(db_begin(b->db, &b->err), 0);
    in_tx(b, execution_define(&b->flow, &b->arena, &row, &plan, &b->err));
}

static void test_topic_is_told_with_variables_resolved(void **state) {
    struct bench *b = *state;
    run_jobs(b, 0);
    assert_int_equal(b->starts, 1);
    assert_true(str_is(b->arn, "arn:aws:sns:eu-west-2:111111111111:t"));
    json_t *o cleanup_json = json_parse(b->input, &b->err);
    const json_t *approval = json_object_get(o, "approval");
    assert_true(str_eq(json_str(approval, "customData"),
                       str_printf(&b->arena, "of " STR_FMT, STR_ARG(b->execution))));
    assert_true(str_eq(json_str(approval, "token"), invoked(b).token));
}

/* In PARALLEL mode an update leaves alone what runs. */
static void test_topic_is_told_the_words_of_the_version_that_runs(void **state) {
    struct bench *b = *state;
    struct execution_start start = {.trigger_type = S("StartPipelineExecution")};
    redefine(b, 2, ACTION("the words of two"));
    assert_int_equal(db_begin(b->db, &b->err), 0);
    in_tx(b,
          execution_start(&b->flow, &b->arena, b->pipeline, &start, &b->execution, NULL, &b->err));
    redefine(b, 3, ACTION("the words of three"));
    run_jobs(b, 0);
    assert_int_equal(b->starts, 1);
    json_t *o cleanup_json = json_parse(b->input, &b->err);
    assert_true(str_is(json_str(json_object_get(o, "approval"), "customData"), "the words of two"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
        T(test_topic_is_told_with_variables_resolved),
        T(test_topic_is_told_the_words_of_the_version_that_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
