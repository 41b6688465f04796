/* Action types of accounts and the jobs of workers, on a store in memory. */
#include "../../cmocka_.h"

#include "flow/worker/jobs.h"
#include "flow/worker/types.h"

static struct arena arena;
static struct db *db;
static struct err err;

enum { NOW = 1000000 };

static int set_up(void **state) {
    (void)state;
    if (db_open("", &worker_schema, 1, &db, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    return db_begin(db, &err);
}

static int tear_down(void **state) {
    (void)state;
    db_rollback(db);
    db_close(db);
    return 0;
}

#define OK(call)                                                                                   \
    do {                                                                                           \
        if ((call) < 0) {                                                                          \
            fail_msg("%s", err.msg);                                                               \
        }                                                                                          \
    } while (0)

static void add(const char *id, const char *action, const char *query) {
    struct worker_job job = {
        .id = str_c(id),
        .account = S("111111111111"),
        .region = S("eu-west-2"),
        .type = S("Custom/Build/Mill/1"),
        .action = str_c(action),
        .query = query != NULL ? str_c(query) : STR_NONE,
        .data = S("{}"),
        .role_arn = S("arn"),
        .policy = S("{}"),
    };
    OK(worker_job_add(db, &job, NOW, &err));
}

static size_t waiting(const char *account, const char *query, int64_t now_ms,
                      struct worker_job_list *ret) {
    OK(worker_job_waiting(db, &arena, str_c(account), S("eu-west-2"), S("Custom/Build/Mill/1"),
                          query != NULL ? str_c(query) : STR_NONE, now_ms, 10, ret, &err));
    return ret->n;
}

static void test_jobs_wait_in_their_order_by_account_and_query(void **state) {
    (void)state;
    struct worker_job_list list;
    add("one", "a1", "flour");
    add("two", "a2", "oats");
    add("three", "a3", "flour");
    assert_int_equal(waiting("111111111111", NULL, NOW + WORKER_OFFER_MS, &list), 3);
    assert_int_equal(waiting("222222222222", NULL, NOW + WORKER_OFFER_MS, &list), 0);
    assert_int_equal(waiting("111111111111", "flour", NOW + WORKER_OFFER_MS, &list), 2);
    assert_true(str_is(list.v[0].id, "one") && str_is(list.v[1].id, "three"));
}

static void test_a_delivery_that_nobody_takes_is_made_again_after_a_minute(void **state) {
    (void)state;
    struct worker_job_list list;
    struct worker_job job;
    add("one", "a1", NULL);
    OK(worker_job_offer(db, S("one"), S("17"), NOW, &err));
    assert_int_equal(waiting("111111111111", NULL, NOW + WORKER_OFFER_MS - 1, &list), 0);
    assert_int_equal(waiting("111111111111", NULL, NOW + WORKER_OFFER_MS, &list), 1);
    assert_true(str_is(list.v[0].status, "Dispatched") && str_is(list.v[0].nonce, "17"));
    OK(worker_job_status(db, S("one"), "InProgress", NOW, &err));
    assert_int_equal(worker_job_get(db, &arena, S("one"), &job, &err), 1);
    assert_null(job.nonce.p); /* it is used up */
    assert_int_equal(waiting("111111111111", NULL, NOW + 10 * WORKER_OFFER_MS, &list), 0);
}

static void test_closing_an_attempt_times_out_what_is_open_of_it(void **state) {
    (void)state;
    struct worker_job job;
    add("done", "a1", NULL);
    add("open", "a1", NULL);
    add("other", "a2", NULL);
    OK(worker_job_end(db, S("done"), "Succeeded", S("token"), S("{}"), NOW, &err));
    OK(worker_jobs_close(db, S("a1"), NOW, &err));
    assert_int_equal(worker_job_get(db, &arena, S("done"), &job, &err), 1);
    assert_true(str_is(job.status, "Succeeded") && str_is(job.continuation, "token"));
    assert_int_equal(worker_job_of_action(db, &arena, S("a1"), &job, &err), 1);
    assert_true(str_is(job.id, "open") && str_is(job.status, "TimedOut"));
    assert_int_equal(worker_job_get(db, &arena, S("other"), &job, &err), 1);
    assert_true(str_is(job.status, "Queued"));
    assert_int_equal(worker_job_get(db, &arena, S("none"), &job, &err), 0);
}

static void test_results_are_kept_as_they_were_given(void **state) {
    (void)state;
    struct worker_result given = {
        .failure = S("JobFailed"), .message = S("no \"grain\"\n"), .external_id = S("7")};
    struct worker_result got;
    assert_true(worker_result_read(&arena, worker_result_json(&arena, &given), &got));
    assert_false(got.ok);
    assert_true(str_eq(got.message, given.message) && str_eq(got.external_id, given.external_id));
    assert_null(got.output_variables.p);
    assert_false(worker_result_read(&arena, STR_NONE, &got));
    assert_false(worker_result_read(&arena, S("{"), &got));
}

static struct worker_type mill(const char *version) {
    return (struct worker_type){.account = S("111111111111"),
                                .region = S("eu-west-2"),
                                .owner = S("Custom"),
                                .category = S("Build"),
                                .provider = S("Mill"),
                                .version = str_c(version)};
}

static void test_a_deleted_type_is_still_known_and_not_listed(void **state) {
    (void)state;
    struct worker_type t = mill("1");
    struct worker_type_list list;
    t.definition = S("{\"actionType\":{}}");
    OK(worker_type_put(db, &t, NOW, &err));
    OK(worker_type_list(db, &arena, t.account, t.region, &list, &err));
    assert_int_equal(list.n, 1);
    OK(worker_type_delete(db, &t, NOW, &err));
    OK(worker_type_list(db, &arena, t.account, t.region, &list, &err));
    assert_int_equal(list.n, 0);
    t = mill("1");
    assert_int_equal(worker_type_get(db, &arena, &t, &err), 1);
    assert_true(t.deleted);
    t = mill("2");
    assert_int_equal(worker_type_get(db, &arena, &t, &err), 0);
}

static void test_both_forms_of_types_are_read(void **state) {
    (void)state;
    struct worker_type t = mill("1");
    struct action_type type;
    t.definition = S("{\"actionType\":{\"inputArtifactDetails\":{\"minimumCount\":1,"
                     "\"maximumCount\":5},\"actionConfigurationProperties\":[{\"name\":\"P\","
                     "\"required\":true,\"secret\":true,\"queryable\":false}]}}");
    OK(worker_type_read(&arena, &t, &type, &err));
    assert_int_equal(type.max_in, 5);
    assert_true(type.properties.v[0].required && type.properties.v[0].secret);
    t.owner = S("ThirdParty");
    t.definition = S("{\"actionType\":{\"outputArtifactDetails\":{\"minimumCount\":0,"
                     "\"maximumCount\":2},\"properties\":[{\"name\":\"P\",\"optional\":true,"
                     "\"noEcho\":true}]}}");
    OK(worker_type_read(&arena, &t, &type, &err));
    assert_int_equal(type.max_out, 2);
    assert_true(!type.properties.v[0].required && type.properties.v[0].secret);
}

static void test_templates_become_links(void **state) {
    (void)state;
    struct str_pair pair = {S("Job"), S("flour")};
    const struct str_map settings = {&pair, 1};
    static const char *const table[][2] = {
        {"https://x/{Config:Job}/{ExternalExecutionId}", "https://x/flour/17"},
        {"https://x/{Config:None}/", "https://x//"},
        {"https://x/{Other}", "https://x/"},
        {"https://x/{Config:Job", "https://x/{Config:Job"},
        {"https://x", "https://x"},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct str url = worker_url(&arena, str_c(table[i][0]), &settings, S("17"));
        assert_string_equal(str_z(&arena, url), table[i][1]);
    }
    assert_null(worker_url(&arena, STR_NONE, &settings, S("17")).p);
}

#define STORED(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        STORED(test_jobs_wait_in_their_order_by_account_and_query),
        STORED(test_a_delivery_that_nobody_takes_is_made_again_after_a_minute),
        STORED(test_closing_an_attempt_times_out_what_is_open_of_it),
        STORED(test_a_deleted_type_is_still_known_and_not_listed),
        cmocka_unit_test(test_results_are_kept_as_they_were_given),
        cmocka_unit_test(test_both_forms_of_types_are_read),
        cmocka_unit_test(test_templates_become_links),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_done(&arena);
    return failed;
}
