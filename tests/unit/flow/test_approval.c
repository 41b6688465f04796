/* What an approval is bound to: every part moves the digest, and a refusal says which one. */
#include "approval_bench.h"

static struct approval_basis shown(struct bench *b) {
    struct approval_basis basis;
    assert_int_equal(
        approval_show(&b->flow, &b->arena, &b->pipeline, b->execution, &basis, &b->err), 0);
    return basis;
}

static struct str token_of(struct bench *b) {
    struct pipeline_row row;
    struct engine_state s;
    begin(b);
    assert_int_equal(record_pipeline_by_id(b->db, &b->arena, b->pipeline.id, &row, &b->err), 1);
    db_rollback(b->db);
    assert_int_equal(execution_state(&b->arena, &row, &s, &b->err), 0);
    return engine_find(&s, b->execution)->actions.v[0].token;
}

static int answer(struct bench *b, struct str digest, const char *by,
                  struct approval_moved_list *moved) {
    struct approval_answer a = {.execution = b->execution,
                                .stage = S("Ask"),
                                .action = S("Person"),
                                .token = token_of(b),
                                .approved = true,
                                .by = str_c(by)};
    enum engine_refusal why;
    return approval_answer_shown(&b->flow, &b->arena, &b->pipeline, &a, digest, moved, &why,
                                 &b->err);
}

static void test_what_was_shown_is_approved_once(void **state) {
    struct bench *b = *state;
    struct approval_moved_list moved;
    struct approval_basis basis = shown(b);
    assert_string_equal(str_z(&b->arena, str_map_get(&basis.parts, S("variable target"))),
                        "canary");
    assert_true(str_eq(basis.digest, shown(b).digest));
    struct str first = token_of(b);
    assert_int_equal(answer(b, basis.digest, "arn:aws:iam::111111111111:user/alan", &moved), 1);
    assert_false(str_eq(first, token_of(b))); /* the next stage asks now */
    struct approval_answer again = {.stage = S("Ask"), .action = S("Person"), .token = first};
    enum engine_refusal why = REFUSED_NOTHING;
    begin(b);
    assert_int_equal(approval_answer(&b->flow, &b->arena, &b->pipeline, &again, &why, &b->err), -1);
    assert_int_equal(why, REFUSED_ANSWERED);
    again.token = S("11111111-2222-3333-4444-555555555555");
    assert_int_equal(approval_answer(&b->flow, &b->arena, &b->pipeline, &again, &why, &b->err), -1);
    assert_int_equal(why, REFUSED_TOKEN);
    db_rollback(b->db);
}

static void test_artifact_that_moved_is_named(void **state) {
    struct bench *b = *state;
    struct approval_moved_list moved;
    struct approval_basis basis = shown(b);
    artifact(b, "Source", "bb");
    artifact(b, "Plan", "cc");
    struct str token = token_of(b);
    assert_int_equal(answer(b, basis.digest, "arn:aws:iam::111111111111:user/alan", &moved), 0);
    assert_int_equal(moved.n, 2);
    assert_true(str_is(moved.v[0].name, "artifact Source") && str_is(moved.v[0].shown, "aa") &&
                str_is(moved.v[0].now, "bb"));
    assert_true(str_is(moved.v[1].name, "artifact Plan") && moved.v[1].shown.p == NULL);
    assert_true(str_eq(token, token_of(b))); /* it still waits */
    assert_int_equal(answer(b, shown(b).digest, "arn:aws:iam::111111111111:user/alan", &moved), 1);
}

/* In PARALLEL mode two releases stand at one gate. */
static void test_digest_of_one_release_approves_no_other(void **state) {
    struct bench *b = *state;
    struct approval_moved_list moved;
    struct definition d;
    struct engine_plan plan;
    enum engine_refusal why;
    assert_int_equal(definition_parse(&b->arena, b->pipeline.definition, &d, &b->err), 0);
    d.mode = S("PARALLEL");
    d.version = 2;
    b->pipeline.version = 2;
    execution_plan(&b->arena, &d, &plan);
    begin(b);
    commit(b, execution_define(&b->flow, &b->arena, &b->pipeline, &plan, &b->err));
    struct str ids[2];
    struct execution_start start = {.trigger_type = S("StartPipelineExecution")};
    for (size_t i = 0; i < 2; i++) {
        begin(b);
        commit(b, execution_start(&b->flow, &b->arena, b->pipeline.id, &start, &ids[i], NULL,
                                  &b->err));
    }
    b->execution = ids[1];
    struct str token = token_of(b);
    b->execution = ids[0];
    struct approval_answer a = {.execution = ids[0],
                                .stage = S("Ask"),
                                .action = S("Person"),
                                .token = token,
                                .approved = true,
                                .by = S("arn:aws:iam::111111111111:user/alan")};
    assert_int_equal(approval_answer_shown(&b->flow, &b->arena, &b->pipeline, &a, shown(b).digest,
                                           &moved, &why, &b->err),
                     -1);
    assert_int_equal(why, REFUSED_TOKEN);
    b->execution = ids[1];
    assert_true(str_eq(token, token_of(b))); /* it still waits */
}

static void test_digest_of_nothing_shown_is_refused(void **state) {
    struct bench *b = *state;
    struct approval_moved_list moved;
    assert_int_equal(answer(b, S("0000"), "arn:aws:iam::111111111111:user/alan", &moved), 0);
    assert_int_equal(moved.n, 0);
}

static void test_whoever_started_it_needs_a_second_person(void **state) {
    struct bench *b = *state;
    struct approval_moved_list moved;
    begin(b);
    commit(b, record_tag_put(b->db, b->pipeline.id, S(FOUR_EYES_TAG), S("required"), &b->err));
    struct str digest = shown(b).digest;
    assert_int_equal(answer(b, digest, "arn:aws:iam::111111111111:user/grace", &moved), -1);
    assert_int_equal(b->err.kind, ERR_DENIED);
    assert_int_equal(answer(b, digest, "arn:aws:iam::111111111111:user/alan", &moved), 1);
}

/* Ends the approval that waits by another event, and answers it then. */
static enum engine_refusal answer_after(struct bench *b, struct engine_event *event) {
    struct str token = token_of(b);
    enum engine_refusal why = REFUSED_NOTHING;
    begin(b);
    commit(b, execution_apply(&b->flow, &b->arena, b->pipeline.id, event, &why, &b->err));
    struct approval_answer late = {.stage = S("Ask"), .action = S("Person"), .token = token};
    begin(b);
    assert_int_equal(approval_answer(&b->flow, &b->arena, &b->pipeline, &late, &why, &b->err), -1);
    db_rollback(b->db);
    return why;
}

static void test_token_that_nobody_answered_in_time_is_none(void **state) {
    struct bench *b = *state;
    struct pipeline_row row;
    struct engine_state s;
    begin(b);
    assert_int_equal(record_pipeline_by_id(b->db, &b->arena, b->pipeline.id, &row, &b->err), 1);
    db_rollback(b->db);
    assert_int_equal(execution_state(&b->arena, &row, &s, &b->err), 0);
    struct engine_event over = {.kind = EVENT_ACTION,
                                .execution = b->execution,
                                .action_id = engine_find(&s, b->execution)->actions.v[0].id};
    assert_int_equal(answer_after(b, &over), REFUSED_TOKEN);
}

static void test_token_of_a_stopped_release_is_none(void **state) {
    struct bench *b = *state;
    struct engine_event stop = {.kind = EVENT_STOP, .execution = b->execution};
    assert_int_equal(answer_after(b, &stop), REFUSED_TOKEN);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
        T(test_what_was_shown_is_approved_once),
        T(test_artifact_that_moved_is_named),
        T(test_digest_of_one_release_approves_no_other),
        T(test_digest_of_nothing_shown_is_refused),
        T(test_whoever_started_it_needs_a_second_person),
        T(test_token_that_nobody_answered_in_time_is_none),
        T(test_token_of_a_stopped_release_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
