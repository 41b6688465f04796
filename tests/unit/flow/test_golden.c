/* Histories that earlier versions recorded (tests/golden), replayed: argv names the files. And what
 * happens to one that a later version wrote. */
#include "../cmocka_.h"

#include "flow/execution/engine.h"
#include "flow/execution/history.h"
#include "flow/record/record.h"
#include "platform/text/json.h"
#include "runtime/queue/queue.h"

static const char *const *files;
static int files_n;

/* The states of executions that the history ended with, as far as the engine keeps them. */
static void same_statuses(const struct engine_state *s, const json_t *executions) {
    size_t known = 0;
    for (size_t i = 0; i < json_array_size(executions); i++) {
        const json_t *one = json_array_get(executions, i);
        const struct engine_execution *e =
            engine_find(s, str_c(json_string_value(json_array_get(one, 0))));
        if (e != NULL) {
            assert_string_equal(exec_status_name(e->status),
                                json_string_value(json_array_get(one, 1)));
            known++;
        }
    }
    assert_true(known > 0);
}

static void replay(struct arena *a, const json_t *pipeline) {
    struct engine_state state = {0};
    const json_t *events = json_object_get(pipeline, "events");
    assert_true(json_array_size(events) > 1);
    for (size_t i = 0; i < json_array_size(events); i++) {
        struct engine_event event;
        struct engine_state next = {0};
        struct engine_effect_list effects;
        enum engine_refusal refusal;
        struct err err = ERR_INIT;
        if (engine_event_from_json(a, json_array_get(events, i), &event, &err) < 0 ||
            engine_step(a, &state, &event, &next, &effects, &refusal, &err) < 0) {
            fail_msg("event %zu: %s", i, err.msg);
        }
        state = next;
    }
    json_t *replayed cleanup_json = engine_state_to_json(&state);
    char *text = json_dumps(replayed, JSON_SORT_KEYS);
    char *golden = json_dumps(json_object_get(pipeline, "state"), JSON_SORT_KEYS);
    assert_string_equal(text, golden);
    free(text);
    free(golden);
    same_statuses(&state, json_object_get(pipeline, "executions"));
}

static void test_recorded_histories_give_the_recorded_states(void **state) {
    (void)state;
    assert_true(files_n > 0);
    for (int i = 0; i < files_n; i++) {
        json_error_t error;
        struct arena a = ARENA_INIT;
        json_t *file cleanup_json = json_load_file(files[i], 0, &error);
        if (file == NULL) {
            fail_msg("%s: %s", files[i], error.text);
        }
        const json_t *pipelines = json_object_get(file, "pipelines");
        assert_true(json_array_size(pipelines) > 0);
        for (size_t k = 0; k < json_array_size(pipelines); k++) {
            replay(&a, json_array_get(pipelines, k));
        }
        arena_done(&a);
    }
}

static void add_event(struct db *db, const char *event) {
    struct err err = ERR_INIT;
    assert_int_equal(db_begin(db, &err), 0);
    if (record_event_add(db, 1, 0, str_c(event), &err) < 0) {
        fail_msg("%s", err.msg);
    }
    assert_int_equal(db_commit(db, &err), 0);
}

static void test_history_of_a_later_version_refuses_the_start(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    struct db *db = NULL;
    const struct db_schema schemas[] = {queue_schema, record_schema};
    assert_int_equal(db_open("", schemas, 2, &db, &err), 0);
    struct pipeline_row row = {.account = S("111111111111"),
                               .region = S("eu-west-2"),
                               .name = S("p"),
                               .version = 1,
                               .definition = S("{}"),
                               .state = S("{}")};
    assert_int_equal(db_begin(db, &err), 0);
    assert_int_equal(record_pipeline_add(db, &row, &err), 0);
    assert_int_equal(db_commit(db, &err), 0);
    assert_int_equal(execution_history_known(db, &err), 0);
    add_event(db, "{\"kind\":1,\"execution\":\"e\"}");
    assert_int_equal(execution_history_known(db, &err), 0);
    add_event(db, "{\"kind\":99}");
    assert_int_equal(execution_history_known(db, &err), -1);
    assert_non_null(strstr(err.msg, "kind 99"));
    db_close(db);
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recorded_histories_give_the_recorded_states),
        cmocka_unit_test(test_history_of_a_later_version_refuses_the_start),
    };
    files = (const char *const *)argv + 1;
    files_n = argc - 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
