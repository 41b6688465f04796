/* Notification rules: their events, their targets, and the message. */
#include "../fixture.h"

#include "gen/codestar_notifications.h"
#include "gen/events.h"
#include "gen/sns.h"
#include "platform/text/json.h"
#include "services/notifications/event_types.h"

struct world {
    struct fixture f;
    struct service_env env;
    struct queue *queue;
    struct str topic;
};

#define PIPELINE "arn:aws:codepipeline:eu-west-2:111111111111:p"

static void allow(struct world *w, struct str topic) {
    struct sns_set_topic_attributes_input policy = {
        .topic_arn = topic,
        .attribute_name = S("Policy"),
        .attribute_value =
            str_printf(&w->f.arena,
                       "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
                       "\"Principal\":{\"Service\":\"codestar-notifications.amazonaws.com\"},"
                       "\"Action\":\"sns:Publish\",\"Resource\":\"%.*s\"}]}",
                       STR_ARG(topic))};
    struct sns_set_topic_attributes_output set;
    assert_done(&w->f,
                sns_call_set_topic_attributes(&w->f.admin, &w->f.arena, &policy, &set, &w->f.err));
}

static int setup(void **state) {
    struct world *w = mem_alloc(sizeof(*w));
    size_t n = 0;
    fixture_start(&w->f);
    w->env = (struct service_env){.db = w->f.db,
                                  .clock = &w->f.clock,
                                  .rng = &rng_system,
                                  .embedded = gate_embedded(w->f.gate)};
    const struct queue_kind *kinds = services_jobs(&w->f.arena, &w->env, &n);
    struct sns_create_topic_input topic = {.name = S("t")};
    struct sns_create_topic_response made;
    if (queue_open(w->f.db, &w->f.clock, kinds, n, &w->queue, &w->f.err) < 0 ||
        sns_call_create_topic(&w->f.admin, &w->f.arena, &topic, &made, &w->f.err) < 0) {
        fail_msg("%s", w->f.err.msg);
    }
    w->topic = made.topic_arn;
    *state = w;
    return 0;
}

static int teardown(void **state) {
    struct world *w = *state;
    queue_stop(w->queue);
    fixture_end(&w->f);
    free(w);
    return 0;
}

/* Creates a rule for one type of event that tells the topic. */
static int create(struct world *w, const char *name, const char *type, struct str *ret) {
    struct str id = str_c(type);
    struct codestar_notifications_target target = {S("SNS"), w->topic};
    struct codestar_notifications_create_notification_rule_request in = {.name = str_c(name),
                                                                         .event_type_ids = {&id, 1},
                                                                         .resource = S(PIPELINE),
                                                                         .targets = {&target, 1},
                                                                         .detail_type = S("BASIC")};
    struct codestar_notifications_create_notification_rule_result out = {0};
    w->f.err = ERR_INIT;
    int result = codestar_notifications_call_create_notification_rule(&w->f.admin, &w->f.arena, &in,
                                                                      &out, &w->f.err);
    *ret = out.arn;
    return result;
}

static struct codestar_notifications_describe_notification_rule_result describe(struct world *w,
                                                                                struct str arn) {
    struct codestar_notifications_describe_notification_rule_request in = {.arn = arn};
    struct codestar_notifications_describe_notification_rule_result out;
    assert_done(&w->f, codestar_notifications_call_describe_notification_rule(
                           &w->f.admin, &w->f.arena, &in, &out, &w->f.err));
    return out;
}

/* The engine says that an execution of the pipeline is in a state. */
static void emit(struct world *w, const char *state) {
    struct str resource = S(PIPELINE);
    struct aws_target service =
        fixture_service(&w->f, "111111111111", "codepipeline.amazonaws.com");
    struct events_put_events_request_entry e = {
        .source = S("aws.codepipeline"),
        .detail_type = S("CodePipeline Pipeline Execution State Change"),
        .detail = str_printf(&w->f.arena, "{\"pipeline\":\"p\",\"state\":\"%s\"}", state),
        .resources = {&resource, 1}};
    struct events_put_events_request in = {.entries = {&e, 1}};
    struct events_put_events_response out;
    assert_done(&w->f, events_call_put_events(&service, &w->f.arena, &in, &out, &w->f.err));
    assert_int_equal(out.failed_entry_count, 0);
    queue_run_due(w->queue);
}

static struct str target_status(struct world *w, struct str arn) {
    return describe(w, arn).targets.v[0].target_status;
}

static void test_types_make_a_pattern(void **state) {
    (void)state;
    struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    struct str pattern;
    struct str one[] = {S("codepipeline-pipeline-pipeline-execution-failed"),
                        S("codepipeline-pipeline-pipeline-execution-started")};
    struct str_list ids = {one, 2};
    assert_int_equal(event_types_pattern(&a, S(PIPELINE), &ids, &pattern, &err), 0);
    assert_true(str_is(pattern,
                       "{\"source\":[\"aws.codepipeline\"],\"resources\":[\"" PIPELINE "\"],"
                       "\"detail-type\":[\"CodePipeline Pipeline Execution State Change\"],"
                       "\"detail\":{\"state\":[\"FAILED\",\"STARTED\"]}}"));
    struct str mixed[] = {S("codebuild-project-build-state-failed"),
                          S("codebuild-project-build-phase-success")};
    ids = (struct str_list){mixed, 2};
    assert_int_equal(event_types_pattern(&a,
                                         S("arn:aws:codebuild:eu-west-2:111111111111:project/x"),
                                         &ids, &pattern, &err),
                     0);
    assert_true(str_find(pattern, S("\"$or\":[{"), 0) != (size_t)-1);
    assert_int_equal(event_types_pattern(&a, S(PIPELINE), &ids, &pattern, &err), -1);
    assert_int_equal(event_types_pattern(&a, S("arn:aws:codecommit:eu-west-2:111111111111:r"), &ids,
                                         &pattern, &err),
                     -1);
    arena_done(&a);
}

static void test_all_types_of_a_resource_fit_into_one_pattern(void **state) {
    (void)state;
    struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    struct str_list ids = {NULL, 0};
    struct str pattern;
    size_t n = 0;
    const struct event_type *all = event_types(&n);
    for (size_t i = 0; i < n; i++) {
        if (strcmp(all[i].resource, "Pipeline") == 0) {
            *arena_push(&a, &ids) = str_c(all[i].id);
        }
    }
    assert_int_equal(ids.n, 18);
    assert_int_equal(event_types_pattern(&a, S(PIPELINE), &ids, &pattern, &err), 0);
    assert_true(pattern.n < 4096);
    arena_done(&a);
}

static void test_a_rule_tells_its_topic_of_its_events_only(void **state) {
    struct world *w = *state;
    struct str arn;
    assert_done(&w->f, create(w, "n", "codepipeline-pipeline-pipeline-execution-failed", &arn));
    assert_true(str_is(target_status(w, arn), "ACTIVE"));
    emit(w, "STARTED"); /* not asked for: nobody notices that the topic would refuse */
    assert_true(str_is(target_status(w, arn), "ACTIVE"));
    emit(w, "FAILED");
    assert_true(str_is(target_status(w, arn), "UNREACHABLE"));
    allow(w, w->topic);
    emit(w, "FAILED");
    assert_true(str_is(target_status(w, arn), "ACTIVE"));
}

static void test_a_disabled_rule_tells_nobody(void **state) {
    struct world *w = *state;
    struct str arn;
    assert_done(&w->f, create(w, "n", "codepipeline-pipeline-pipeline-execution-failed", &arn));
    struct codestar_notifications_update_notification_rule_request in = {.arn = arn,
                                                                         .status = S("DISABLED")};
    struct codestar_notifications_update_notification_rule_result out;
    assert_done(&w->f, codestar_notifications_call_update_notification_rule(
                           &w->f.admin, &w->f.arena, &in, &out, &w->f.err));
    emit(w, "FAILED");
    assert_true(str_is(target_status(w, arn), "ACTIVE"));
    in.status = S("ENABLED");
    struct str type = S("codepipeline-pipeline-pipeline-execution-superseded");
    in.event_type_ids = (struct str_list){&type, 1};
    assert_done(&w->f, codestar_notifications_call_update_notification_rule(
                           &w->f.admin, &w->f.arena, &in, &out, &w->f.err));
    emit(w, "FAILED");
    assert_true(str_is(target_status(w, arn), "ACTIVE"));
    emit(w, "SUPERSEDED");
    assert_true(str_is(target_status(w, arn), "UNREACHABLE"));
}

static void test_its_rule_in_eventbridge_comes_and_goes_with_it(void **state) {
    struct world *w = *state;
    struct str arn;
    struct events_list_rules_request ask = {.name_prefix = S("awscodestarnotifications-")};
    struct events_list_rules_response rules;
    assert_done(&w->f, create(w, "n", "codepipeline-pipeline-manual-approval-needed", &arn));
    assert_done(&w->f, events_call_list_rules(&w->f.admin, &w->f.arena, &ask, &rules, &w->f.err));
    assert_int_equal(rules.rules.n, 1);
    assert_true(rules.rules.v[0].name.n <= 64);
    assert_true(str_is(rules.rules.v[0].managed_by, "codestar-notifications.amazonaws.com"));
    struct codestar_notifications_delete_notification_rule_request in = {.arn = arn};
    struct codestar_notifications_delete_notification_rule_result out;
    for (int i = 0; i < 2; i++) { /* twice is no error */
        assert_done(&w->f, codestar_notifications_call_delete_notification_rule(
                               &w->f.admin, &w->f.arena, &in, &out, &w->f.err));
    }
    assert_done(&w->f, events_call_list_rules(&w->f.admin, &w->f.arena, &ask, &rules, &w->f.err));
    assert_int_equal(rules.rules.n, 0);
}

static void test_what_is_wrong_is_refused(void **state) {
    struct world *w = *state;
    struct str arn;
    assert_refused(&w->f, create(w, "a/b", "codepipeline-pipeline-manual-approval-needed", &arn),
                   "ValidationException");
    assert_refused(&w->f, create(w, "n", "codepipeline-pipeline-nothing", &arn),
                   "ValidationException");
    assert_refused(&w->f, create(w, "n", "codebuild-project-build-state-failed", &arn),
                   "ValidationException");
    struct str topic = w->topic;
    w->topic = S("arn:aws:sqs:eu-west-2:111111111111:q");
    assert_refused(&w->f, create(w, "n", "codepipeline-pipeline-manual-approval-needed", &arn),
                   "ValidationException");
    w->topic = topic;
    assert_done(&w->f, create(w, "n", "codepipeline-pipeline-manual-approval-needed", &arn));
    assert_refused(&w->f, create(w, "n", "codepipeline-pipeline-manual-approval-needed", &arn),
                   "ResourceAlreadyExistsException");
    for (int i = 1; i < 10; i++) {
        assert_done(&w->f, create(w, str_z(&w->f.arena, str_printf(&w->f.arena, "n%d", i)),
                                  "codepipeline-pipeline-manual-approval-needed", &arn));
    }
    assert_refused(&w->f, create(w, "n10", "codepipeline-pipeline-manual-approval-needed", &arn),
                   "LimitExceededException");
}

static void test_a_target_that_is_used_goes_only_when_forced(void **state) {
    struct world *w = *state;
    struct str arn;
    assert_done(&w->f, create(w, "n", "codepipeline-pipeline-manual-approval-needed", &arn));
    struct codestar_notifications_delete_target_request in = {.target_address = w->topic};
    struct codestar_notifications_delete_target_result out;
    assert_refused(
        &w->f,
        codestar_notifications_call_delete_target(&w->f.admin, &w->f.arena, &in, &out, &w->f.err),
        "ValidationException");
    in.force_unsubscribe_all = in.has_force_unsubscribe_all = true;
    w->f.err = ERR_INIT;
    assert_done(&w->f, codestar_notifications_call_delete_target(&w->f.admin, &w->f.arena, &in,
                                                                 &out, &w->f.err));
    assert_int_equal(describe(w, arn).targets.n, 0);
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_types_make_a_pattern),
        cmocka_unit_test(test_all_types_of_a_resource_fit_into_one_pattern),
        WITH(test_a_rule_tells_its_topic_of_its_events_only),
        WITH(test_a_disabled_rule_tells_nobody),
        WITH(test_its_rule_in_eventbridge_comes_and_goes_with_it),
        WITH(test_what_is_wrong_is_refused),
        WITH(test_a_target_that_is_used_goes_only_when_forced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
