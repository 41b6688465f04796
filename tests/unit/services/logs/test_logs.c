/* Groups, streams, pages and patterns of CloudWatch Logs. */
#include "../fixture.h"

#include "gen/cloudwatch.h"
#include "gen/logs.h"
#include "services/logs/logs.h"
#include "services/logs/pattern.h"

static void make(struct fixture *f, const char *group, const char *stream) {
    struct logs_create_log_group_request g = {.log_group_name = str_c(group)};
    struct logs_create_log_group_output go;
    struct logs_create_log_stream_request s = {.log_group_name = str_c(group),
                                               .log_stream_name = str_c(stream)};
    struct logs_create_log_stream_output so;
    assert_done(f, logs_call_create_log_group(&f->admin, &f->arena, &g, &go, &f->err));
    assert_done(f, logs_call_create_log_stream(&f->admin, &f->arena, &s, &so, &f->err));
}

static struct logs_put_log_events_response put(struct fixture *f, const char *group,
                                               const char *stream, int64_t from_ms, size_t n) {
    struct logs_input_log_event *v = arena_new_n(&f->arena, struct logs_input_log_event, n);
    for (size_t i = 0; i < n; i++) {
        v[i].timestamp = from_ms + (int64_t)i;
        v[i].has_timestamp = true;
        v[i].message = str_printf(&f->arena, "line %zu", i);
    }
    struct logs_put_log_events_request in = {
        .log_group_name = str_c(group), .log_stream_name = str_c(stream), .log_events = {v, n}};
    struct logs_put_log_events_response out = {0};
    assert_done(f, logs_call_put_log_events(&f->admin, &f->arena, &in, &out, &f->err));
    return out;
}

/* Counts every event in metric N/m. */
static void count_events(struct fixture *f, const char *group) {
    struct logs_metric_transformation t = {
        .metric_name = S("m"), .metric_namespace = S("N"), .metric_value = S("1")};
    struct logs_put_metric_filter_request in = {.log_group_name = str_c(group),
                                                .filter_name = S("all"),
                                                .filter_pattern = S(""),
                                                .metric_transformations = {&t, 1}};
    struct logs_put_metric_filter_output out;
    assert_done(f, logs_call_put_metric_filter(&f->admin, &f->arena, &in, &out, &f->err));
}

static double counted(struct fixture *f) {
    struct str sum = S("Sum");
    struct cloudwatch_get_metric_statistics_input in = {
        .namespace = S("N"),
        .metric_name = S("m"),
        .start_time = f->time.now_ms - 15 * (int64_t)86400000,
        .end_time = f->time.now_ms + 86400000,
        .period = 16 * 86400,
        .statistics = {&sum, 1},
    };
    struct cloudwatch_get_metric_statistics_output out = {0};
    assert_done(f, cloudwatch_call_get_metric_statistics(&f->admin, &f->arena, &in, &out, &f->err));
    double total = 0;
    for (size_t i = 0; i < out.datapoints.n; i++) {
        total += out.datapoints.v[i].sum;
    }
    return total;
}

static void test_metric_filters_do_not_see_rejected_events(void **state) {
    struct fixture *f = *state;
    int64_t day_ms = 86400000;
    make(f, "/g", "s");
    count_events(f, "/g");
    struct logs_put_log_events_response out =
        put(f, "/g", "s", f->time.now_ms - 14 * day_ms - 2, 5); /* two are too old */
    assert_int_equal(out.rejected_log_events_info->too_old_log_event_end_index, 2);
    assert_true(counted(f) == 3);
    out = put(f, "/g", "s", f->time.now_ms + day_ms / 12 - 1, 5); /* three are too new */
    assert_int_equal(out.rejected_log_events_info->too_new_log_event_start_index, 2);
    assert_true(counted(f) == 5);
    out = put(f, "/g", "s", f->time.now_ms - 15 * day_ms, 4); /* all are */
    assert_int_equal(out.rejected_log_events_info->too_old_log_event_end_index, 4);
    assert_true(counted(f) == 5);
}

static void test_metric_filters_count_more_events_than_one_call_of_cloudwatch_takes(void **state) {
    struct fixture *f = *state;
    make(f, "/g", "s");
    count_events(f, "/g");
    put(f, "/g", "s", f->time.now_ms, 2500);
    assert_true(counted(f) == 2500);
}

static void test_pages_go_on_while_events_arrive(void **state) {
    struct fixture *f = *state;
    make(f, "/g", "s");
    put(f, "/g", "s", f->time.now_ms, 5);
    struct logs_get_log_events_request in = {.log_group_name = S("/g"),
                                             .log_stream_name = S("s"),
                                             .start_from_head = true,
                                             .has_start_from_head = true,
                                             .limit = 3,
                                             .has_limit = true};
    struct logs_get_log_events_response out = {0};
    assert_done(f, logs_call_get_log_events(&f->admin, &f->arena, &in, &out, &f->err));
    assert_int_equal(out.events.n, 3);
    assert_true(str_is(out.events.v[0].message, "line 0"));
    in.next_token = out.next_forward_token;
    assert_done(f, logs_call_get_log_events(&f->admin, &f->arena, &in, &out, &f->err));
    assert_int_equal(out.events.n, 2);
    in.next_token = out.next_forward_token;
    assert_done(f, logs_call_get_log_events(&f->admin, &f->arena, &in, &out, &f->err));
    assert_int_equal(out.events.n, 0);
    assert_true(str_eq(out.next_forward_token, in.next_token)); /* at the end: the same again */
    put(f, "/g", "s", f->time.now_ms + 10, 1);
    assert_done(f, logs_call_get_log_events(&f->admin, &f->arena, &in, &out, &f->err));
    assert_int_equal(out.events.n, 1);
}

static void test_newest_page_comes_first_and_in_order(void **state) {
    struct fixture *f = *state;
    make(f, "/g", "s");
    put(f, "/g", "s", f->time.now_ms, 10);
    struct logs_get_log_events_request in = {
        .log_group_name = S("/g"), .log_stream_name = S("s"), .limit = 4, .has_limit = true};
    struct logs_get_log_events_response out = {0};
    assert_done(f, logs_call_get_log_events(&f->admin, &f->arena, &in, &out, &f->err));
    assert_true(str_is(out.events.v[0].message, "line 6"));
    assert_true(str_is(out.events.v[3].message, "line 9"));
    in.next_token = out.next_backward_token;
    assert_done(f, logs_call_get_log_events(&f->admin, &f->arena, &in, &out, &f->err));
    assert_true(str_is(out.events.v[0].message, "line 2"));
}

static void test_events_out_of_time_are_named_not_kept(void **state) {
    struct fixture *f = *state;
    make(f, "/g", "s");
    struct logs_put_log_events_response out =
        put(f, "/g", "s", f->time.now_ms - 15 * (int64_t)86400000, 2);
    assert_non_null(out.rejected_log_events_info);
    assert_int_equal(out.rejected_log_events_info->too_old_log_event_end_index, 2);
}

static void test_disordered_batch_is_refused(void **state) {
    struct fixture *f = *state;
    make(f, "/g", "s");
    struct logs_input_log_event v[2] = {
        {.timestamp = f->time.now_ms, .has_timestamp = true, .message = S("a")},
        {.timestamp = f->time.now_ms - 1, .has_timestamp = true, .message = S("b")}};
    struct logs_put_log_events_request in = {
        .log_group_name = S("/g"), .log_stream_name = S("s"), .log_events = {v, 2}};
    struct logs_put_log_events_response out = {0};
    assert_int_equal(logs_call_put_log_events(&f->admin, &f->arena, &in, &out, &f->err), -1);
    assert_ptr_equal(f->err.api, &logs_InvalidParameterException);
}

static void test_group_is_searched_over_its_streams_with_paging(void **state) {
    struct fixture *f = *state;
    make(f, "/g", "one");
    struct logs_create_log_stream_request s = {.log_group_name = S("/g"),
                                               .log_stream_name = S("two")};
    struct logs_create_log_stream_output so;
    assert_done(f, logs_call_create_log_stream(&f->admin, &f->arena, &s, &so, &f->err));
    put(f, "/g", "one", f->time.now_ms, 3);
    put(f, "/g", "two", f->time.now_ms + 1, 3);
    struct logs_filter_log_events_request in = {.log_group_name = S("/g"),
                                                .filter_pattern = S("?\"line 0\" ?\"line 2\""),
                                                .limit = 3,
                                                .has_limit = true};
    struct logs_filter_log_events_response out = {0};
    assert_done(f, logs_call_filter_log_events(&f->admin, &f->arena, &in, &out, &f->err));
    assert_int_equal(out.events.n, 3);
    assert_non_null(out.next_token.p);
    in.next_token = out.next_token;
    struct logs_filter_log_events_response rest = {0};
    assert_done(f, logs_call_filter_log_events(&f->admin, &f->arena, &in, &rest, &f->err));
    assert_int_equal(rest.events.n, 1);
    assert_true(str_is(rest.events.v[0].log_stream_name, "two"));
    assert_null(rest.next_token.p);
}

static void test_retention_deletes_what_is_older(void **state) {
    struct fixture *f = *state;
    make(f, "/g", "s");
    put(f, "/g", "s", f->time.now_ms, 2);
    struct logs_put_retention_policy_request in = {
        .log_group_name = S("/g"), .retention_in_days = 2, .has_retention_in_days = true};
    struct logs_put_retention_policy_output out;
    assert_int_equal(logs_call_put_retention_policy(&f->admin, &f->arena, &in, &out, &f->err), -1);
    in.retention_in_days = 1;
    assert_done(f, logs_call_put_retention_policy(&f->admin, &f->arena, &in, &out, &f->err));
    f->time.now_ms += 2 * 86400000;
    struct service_env env = {.db = f->db, .clock = &f->clock};
    assert_done(f, logs_expire(&env, &f->err));
    struct logs_filter_log_events_request all = {.log_group_name = S("/g")};
    struct logs_filter_log_events_response found = {0};
    assert_done(f, logs_call_filter_log_events(&f->admin, &f->arena, &all, &found, &f->err));
    assert_int_equal(found.events.n, 0);
}

static bool hits(struct fixture *f, const char *pattern, const char *message) {
    struct pattern *p = NULL;
    assert_done(f, pattern_parse(&f->arena, str_c(pattern), &p, &f->err));
    return pattern_match(p, str_c(message));
}

static void test_patterns_read_words_phrases_and_json(void **state) {
    struct fixture *f = *state;
    assert_true(hits(f, "", "anything"));
    assert_true(hits(f, "ERROR disk", "disk: ERROR"));
    assert_false(hits(f, "ERROR disk", "ERROR"));
    assert_true(hits(f, "\"disk full\"", "the disk full"));
    assert_false(hits(f, "ERROR -timeout", "ERROR timeout"));
    assert_true(hits(f, "?a ?b", "xbx"));
    assert_true(hits(f, "{ $.level = \"err*\" && ($.n >= 3 || $.x NOT EXISTS) }",
                     "{\"level\":\"error\",\"n\":3}"));
    assert_false(hits(f, "{ $.level = \"error\" }", "not json"));
    assert_true(hits(f, "{ $.a.b[1] = 5 }", "{\"a\":{\"b\":[4,5]}}"));
    struct pattern *p = NULL;
    assert_int_equal(pattern_parse(&f->arena, S("{ $.a = "), &p, &f->err), -1);
    assert_int_equal(pattern_parse(&f->arena, S("[a, b]"), &p, &f->err), -1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)
        T(test_metric_filters_do_not_see_rejected_events),
        T(test_metric_filters_count_more_events_than_one_call_of_cloudwatch_takes),
        T(test_pages_go_on_while_events_arrive),
        T(test_newest_page_comes_first_and_in_order),
        T(test_events_out_of_time_are_named_not_kept),
        T(test_disordered_batch_is_refused),
        T(test_group_is_searched_over_its_streams_with_paging),
        T(test_retention_deletes_what_is_older),
        T(test_patterns_read_words_phrases_and_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
