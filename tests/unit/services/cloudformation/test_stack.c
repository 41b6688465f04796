/* Stacks through the gate: what is made, what is taken back, and who may. */
#include "../fixture.h"

#include "gen/cloudformation.h"
#include "gen/cloudwatch.h"
#include "gen/iam.h"
#include "gen/logs.h"
#include "gen/s3.h"
#include "gen/sns.h"
#include "services/cloudformation/cloudformation.h"

struct bench {
    struct fixture f;
    struct service_env env;
    struct queue *queue;
    struct aws_target as; /* who calls */
};

static void open_queue(struct bench *b) {
    struct queue_kind kinds[CF_KINDS];
    cloudformation_queue_kinds(&b->env, kinds);
    if (queue_open(b->f.db, &b->f.clock, kinds, CF_KINDS, &b->queue, &b->f.err) < 0) {
        fail_msg("%s", b->f.err.msg);
    }
}

static int setup(void **state) {
    struct bench *b = mem_alloc(sizeof(*b));
    fixture_start(&b->f);
    b->env = (struct service_env){.db = b->f.db,
                                  .clock = &b->f.clock,
                                  .rng = &rng_system,
                                  .embedded = gate_embedded(b->f.gate)};
    b->as = b->f.admin;
    open_queue(b);
    *state = b;
    return 0;
}

static int teardown(void **state) {
    struct bench *b = *state;
    queue_stop(b->queue);
    fixture_end(&b->f);
    free(b);
    return 0;
}

/* The answers of these calls linger for the job, which runs here only when asked. A transaction
 * around them keeps them from waiting. */
#define CALL(b, name, in, out)                                                                     \
    (db_begin((b)->f.db, &(b)->f.err) < 0                                                          \
         ? -1                                                                                      \
         : done((b),                                                                               \
                cloudformation_call_##name(&(b)->as, &(b)->f.arena, (in), (out), &(b)->f.err)))

static int done(struct bench *b, int result) {
    if (result < 0) {
        db_rollback(b->f.db);
        return -1;
    }
    return db_commit(b->f.db, &b->f.err);
}

static struct str capability = S_INIT("CAPABILITY_NAMED_IAM");

static int create(struct bench *b, const char *name, const char *template) {
    const struct cloudformation_create_stack_input in = {.stack_name = str_c(name),
                                                         .template_body = str_c(template),
                                                         .capabilities = {&capability, 1}};
    struct cloudformation_create_stack_output out;
    int result = CALL(b, create_stack, &in, &out);
    if (result == 0) {
        queue_run_due(b->queue);
    }
    return result;
}

static int update(struct bench *b, const char *name, const char *template) {
    const struct cloudformation_update_stack_input in = {.stack_name = str_c(name),
                                                         .template_body = str_c(template),
                                                         .capabilities = {&capability, 1}};
    struct cloudformation_update_stack_output out;
    int result = CALL(b, update_stack, &in, &out);
    if (result == 0) {
        queue_run_due(b->queue);
    }
    return result;
}

static void delete (struct bench *b, const char *name) {
    const struct cloudformation_delete_stack_input in = {.stack_name = str_c(name)};
    struct cloudformation_delete_stack_output out;
    assert_done(&b->f, CALL(b, delete_stack, &in, &out));
    queue_run_due(b->queue);
}

static struct cloudformation_stack describe(struct bench *b, const char *name) {
    const struct cloudformation_describe_stacks_input in = {.stack_name = str_c(name)};
    struct cloudformation_describe_stacks_output out;
    assert_done(&b->f, CALL(b, describe_stacks, &in, &out));
    return out.stacks.v[0];
}

static void check_status(struct bench *b, const char *name, const char *want) {
    struct cloudformation_stack s = describe(b, name);
    if (!str_is(s.stack_status, want)) {
        const struct cloudformation_describe_stack_events_input in = {.stack_name = str_c(name)};
        struct cloudformation_describe_stack_events_output out;
        assert_done(&b->f, CALL(b, describe_stack_events, &in, &out));
        for (size_t i = out.stack_events.n; i-- > 0;) {
            const struct cloudformation_stack_event *e = &out.stack_events.v[i];
            print_message("%.*s %.*s %.*s\n", STR_ARG(e->logical_resource_id),
                          STR_ARG(e->resource_status), STR_ARG(e->resource_status_reason));
        }
        fail_msg("status is %.*s, not %s", STR_ARG(s.stack_status), want);
    }
}

static size_t groups(struct bench *b) {
    const struct logs_describe_log_groups_request in = {0};
    struct logs_describe_log_groups_response out;
    assert_done(&b->f,
                logs_call_describe_log_groups(&b->f.admin, &b->f.arena, &in, &out, &b->f.err));
    return out.log_groups.n;
}

static struct str output(struct bench *b, const char *name, const char *key) {
    struct cloudformation_stack s = describe(b, name);
    for (size_t i = 0; i < s.outputs.n; i++) {
        if (str_is(s.outputs.v[i].output_key, key)) {
            return s.outputs.v[i].output_value;
        }
    }
    return STR_NONE;
}

#define GROUP(id, name, more)                                                                      \
    "  " id ":\n    Type: AWS::Logs::LogGroup\n    Properties: {LogGroupName: " name more "}\n"

static void test_stack_makes_everything_of_a_platform(void **state) {
    struct bench *b = *state;
    assert_done(
        &b->f,
        create(
            b, "platform",
            "Resources:\n" GROUP(
                "Logs", "/app",
                ", RetentionInDays: 7") "  Topic: {Type: AWS::SNS::Topic, Properties: {TopicName: "
                                        "alerts}}\n"
                                        "  Subscription: {Type: AWS::SNS::Subscription, "
                                        "Properties: {TopicArn: !Ref Topic, "
                                        "Protocol: http, Endpoint: 'http://example.org/x'}}\n"
                                        "  Allow: {Type: AWS::SNS::TopicPolicy, Properties: "
                                        "{Topics: [!Ref Topic], "
                                        "PolicyDocument: {Version: 2012-10-17, Statement: []}}}\n"
                                        "  Archive: {Type: AWS::S3::Bucket, Properties: "
                                        "{PublicAccessBlockConfiguration: "
                                        "{BlockPublicAcls: true}, VersioningConfiguration: "
                                        "{Status: Enabled}}}\n"
                                        "  Read: {Type: AWS::S3::BucketPolicy, Properties: "
                                        "{Bucket: !Ref Archive, "
                                        "PolicyDocument: {Version: 2012-10-17, Statement: "
                                        "[{Effect: Allow, Principal: {AWS: "
                                        "!Ref 'AWS::AccountId'}, Action: 's3:GetObject', Resource: "
                                        "!Sub "
                                        "'${Archive.Arn}/*'}]}}}\n"
                                        "  Role:\n    Type: AWS::IAM::Role\n    Properties:\n"
                                        "      RoleName: shipper\n"
                                        "      AssumeRolePolicyDocument: {Version: 2012-10-17, "
                                        "Statement: [{Effect: Allow, "
                                        "Principal: {Service: lambda.amazonaws.com}, Action: "
                                        "'sts:AssumeRole'}]}\n"
                                        "      Policies: [{PolicyName: write, PolicyDocument: "
                                        "{Version: 2012-10-17, "
                                        "Statement: [{Effect: Allow, Action: 'logs:*', Resource: "
                                        "!GetAtt Logs.Arn}]}}]\n"
                                        "  More: {Type: AWS::IAM::Policy, Properties: {PolicyName: "
                                        "more, Roles: [!Ref Role], "
                                        "PolicyDocument: {Version: 2012-10-17, Statement: "
                                        "[{Effect: Allow, Action: 'sns:Publish', Resource: !Ref "
                                        "Topic}]}}}\n"
                                        "  Managed: {Type: AWS::IAM::ManagedPolicy, Properties: "
                                        "{Roles: [!Ref Role], "
                                        "PolicyDocument: {Version: 2012-10-17, Statement: "
                                        "[{Effect: Allow, Action: "
                                        "'s3:ListBucket', Resource: !GetAtt Archive.Arn}]}}}\n"
                                        "  Function: {Type: AWS::Lambda::Function, Properties: "
                                        "{FunctionName: shipper, "
                                        "Runtime: python3.12, Handler: index.handle, Role: !GetAtt "
                                        "Role.Arn, Code: {ZipFile: "
                                        "'def handle(e, c): pass'}, Environment: {Variables: {A: "
                                        "!Ref Topic}}}}\n"
                                        "  Call: {Type: AWS::Lambda::Permission, Properties: "
                                        "{Action: "
                                        "'lambda:InvokeFunction', FunctionName: !GetAtt "
                                        "Function.Arn, Principal: "
                                        "logs.amazonaws.com}}\n"
                                        "  Feed: {Type: AWS::Logs::SubscriptionFilter, DependsOn: "
                                        "Call, Properties: "
                                        "{LogGroupName: !Ref Logs, FilterPattern: '', "
                                        "DestinationArn: !GetAtt "
                                        "Function.Arn}}\n"
                                        "  Count: {Type: AWS::Logs::MetricFilter, Properties: "
                                        "{LogGroupName: !Ref Logs, "
                                        "FilterPattern: ERROR, MetricTransformations: "
                                        "[{MetricName: Errors, "
                                        "MetricNamespace: App, MetricValue: '1'}]}}\n"
                                        "  Alarm: {Type: AWS::CloudWatch::Alarm, Properties: "
                                        "{AlarmName: errors, Namespace: "
                                        "App, MetricName: Errors, Statistic: Sum, Period: 60, "
                                        "EvaluationPeriods: 1, "
                                        "ComparisonOperator: GreaterThanThreshold, Threshold: '0', "
                                        "AlarmActions: [!Ref "
                                        "Topic]}}\n"
                                        "  Table: {Type: AWS::DynamoDB::Table, Properties: "
                                        "{TableName: locks, BillingMode: "
                                        "PAY_PER_REQUEST, AttributeDefinitions: [{AttributeName: "
                                        "LockID, AttributeType: S}], "
                                        "KeySchema: [{AttributeName: LockID, KeyType: HASH}]}}\n"
                                        "  Key: {Type: AWS::KMS::Key, Properties: {Description: "
                                        "seals, EnableKeyRotation: "
                                        "true}}\n"
                                        "  Alias: {Type: AWS::KMS::Alias, Properties: {AliasName: "
                                        "alias/app, TargetKeyId: "
                                        "!Ref Key}}\n"
                                        "  Setting: {Type: AWS::SSM::Parameter, Properties: {Name: "
                                        "/app/topic, Type: String, "
                                        "Value: !Sub '{\"t\":\"${Topic}\"}'}}\n"
                                        "  Wait: {Type: AWS::CloudFormation::WaitConditionHandle}\n"
                                        "Outputs:\n  TopicArn: {Value: !Ref Topic}\n"
                                        "  LogArn: {Value: !GetAtt Logs.Arn}\n"
                                        "  FunctionArn: {Value: !GetAtt Function.Arn}\n"));
    check_status(b, "platform", "CREATE_COMPLETE");
    assert_string_equal(str_z(&b->f.arena, output(b, "platform", "TopicArn")),
                        "arn:aws:sns:eu-west-2:111111111111:alerts");
    assert_string_equal(str_z(&b->f.arena, output(b, "platform", "LogArn")),
                        "arn:aws:logs:eu-west-2:111111111111:log-group:/app:*");
    delete (b, "platform");
    assert_int_equal(groups(b), 0);
    const struct s3_list_buckets_request in = {0};
    struct s3_list_buckets_output buckets;
    assert_done(&b->f, s3_call_list_buckets(&b->f.admin, &b->f.arena, &in, &buckets, &b->f.err));
    assert_int_equal(buckets.buckets.n, 0);
}

static void test_failed_creation_takes_everything_back(void **state) {
    struct bench *b = *state;
    assert_done(&b->f, create(b, "first", "Resources:\n" GROUP("A", "/taken", "")));
    assert_done(&b->f, create(b, "second",
                              "Resources:\n" GROUP("A", "/free", "")
                                  GROUP("B", "!Sub ['/taken', {x: !Ref A}]", "")));
    check_status(b, "second", "ROLLBACK_COMPLETE");
    assert_int_equal(groups(b), 1);
    struct cloudformation_stack s = describe(b, "second");
    assert_true(s.stack_status_reason.n == 0);
    assert_refused(&b->f, update(b, "second", "Resources:\n" GROUP("A", "/other", "")),
                   "ValidationError");
    assert_non_null(strstr(b->f.err.msg, "ROLLBACK_COMPLETE state and can not be updated"));
    delete (b, "second");
    assert_done(&b->f, create(b, "second", "Resources:\n" GROUP("A", "/free", "")));
    check_status(b, "second", "CREATE_COMPLETE");
}

static int32_t retention(struct bench *b, const char *name) {
    const struct logs_describe_log_groups_request in = {.log_group_name_prefix = str_c(name)};
    struct logs_describe_log_groups_response out;
    assert_done(&b->f,
                logs_call_describe_log_groups(&b->f.admin, &b->f.arena, &in, &out, &b->f.err));
    assert_true(out.log_groups.n > 0);
    return out.log_groups.v[0].has_retention_in_days ? out.log_groups.v[0].retention_in_days : 0;
}

static void test_update_changes_adds_replaces_and_removes(void **state) {
    struct bench *b = *state;
    assert_done(&b->f, create(b, "s",
                              "Resources:\n" GROUP("Keep", "/keep", ", RetentionInDays: 7")
                                  GROUP("Move", "/old", "") GROUP("Drop", "/drop", "")));
    assert_done(&b->f, update(b, "s",
                              "Resources:\n" GROUP("Keep", "/keep", ", RetentionInDays: 30")
                                  GROUP("Move", "/new", "") GROUP(
                                      "Add", "/add", "") "Outputs: {Name: {Value: !Ref Move}}\n"));
    check_status(b, "s", "UPDATE_COMPLETE");
    assert_int_equal(retention(b, "/keep"), 30);
    assert_int_equal(groups(b), 3);
    assert_true(str_is(output(b, "s", "Name"), "/new"));
    assert_refused(&b->f,
                   update(b, "s",
                          "Resources:\n" GROUP("Keep", "/keep", ", RetentionInDays: 30")
                              GROUP("Move", "/new", "")
                                  GROUP("Add", "/add", "") "Outputs: {Name: {Value: !Ref Move}}\n"),
                   "ValidationError");
    assert_string_equal(b->f.err.msg, "No updates are to be performed.");
}

static void test_failed_update_restores_what_was(void **state) {
    struct bench *b = *state;
    assert_done(&b->f, create(b, "other", "Resources:\n" GROUP("T", "/taken", "")));
    assert_done(&b->f, create(b, "s",
                              "Resources:\n" GROUP("A", "/a", ", RetentionInDays: 7")
                                  GROUP("B", "/b", "") "Outputs: {Name: {Value: !Ref B}}\n"));
    assert_done(
        &b->f,
        update(b, "s",
               "Resources:\n" GROUP("A", "/a", ", RetentionInDays: 30") GROUP("B", "/b2", "")
                   GROUP("C", "/c",
                         "") "  D: {Type: AWS::Logs::LogGroup, DependsOn: [A, B, C], Properties: "
                             "{LogGroupName: /taken}}\n"));
    check_status(b, "s", "UPDATE_ROLLBACK_COMPLETE");
    assert_int_equal(retention(b, "/a"), 7);
    assert_int_equal(groups(b), 3); /* /a /b /taken */
    assert_true(str_is(output(b, "s", "Name"), "/b"));
    assert_done(&b->f, update(b, "s", "Resources:\n" GROUP("A", "/a", ", RetentionInDays: 14")));
    check_status(b, "s", "UPDATE_COMPLETE");
    assert_int_equal(groups(b), 2);
}

static void test_change_set_tells_then_does(void **state) {
    struct bench *b = *state;
    struct cloudformation_create_change_set_input in = {.stack_name = S("s"),
                                                        .change_set_name = S("one"),
                                                        .change_set_type = S("CREATE"),
                                                        .template_body =
                                                            S("Resources:\n" GROUP("A", "/a", ""))};
    struct cloudformation_create_change_set_output made;
    assert_done(&b->f, CALL(b, create_change_set, &in, &made));
    check_status(b, "s", "REVIEW_IN_PROGRESS");
    assert_int_equal(groups(b), 0);
    const struct cloudformation_describe_change_set_input look = {.change_set_name = made.id};
    struct cloudformation_describe_change_set_output set;
    assert_done(&b->f, CALL(b, describe_change_set, &look, &set));
    assert_true(str_is(set.status, "CREATE_COMPLETE"));
    assert_int_equal(set.changes.n, 1);
    assert_true(str_is(set.changes.v[0].resource_change->action, "Add"));
    const struct cloudformation_execute_change_set_input go = {.change_set_name = made.id};
    struct cloudformation_execute_change_set_output none;
    assert_done(&b->f, CALL(b, execute_change_set, &go, &none));
    queue_run_due(b->queue);
    check_status(b, "s", "CREATE_COMPLETE");
    in.change_set_type = S("UPDATE");
    in.change_set_name = S("two");
    assert_done(&b->f, CALL(b, create_change_set, &in, &made));
    const struct cloudformation_describe_change_set_input again = {.change_set_name = made.id};
    assert_done(&b->f, CALL(b, describe_change_set, &again, &set));
    assert_true(str_is(set.status, "FAILED"));
    assert_true(
        str_starts(set.status_reason, S("The submitted information didn't contain changes.")));
    in.change_set_name = S("three");
    in.template_body = S("Resources:\n" GROUP("A", "/b", ""));
    assert_done(&b->f, CALL(b, create_change_set, &in, &made));
    const struct cloudformation_describe_change_set_input third = {.change_set_name = made.id};
    assert_done(&b->f, CALL(b, describe_change_set, &third, &set));
    assert_true(str_is(set.changes.v[0].resource_change->replacement, "True"));
}

static void test_crash_between_steps_is_not_noticed(void **state) {
    struct bench *b = *state;
    const struct cloudformation_create_stack_input in = {
        .stack_name = S("s"),
        .template_body = S("Resources:\n" GROUP("A", "/a", "") GROUP("B", "/b", ""))};
    struct cloudformation_create_stack_output out;
    assert_done(&b->f, CALL(b, create_stack, &in, &out));
    queue_stop(b->queue); /* nothing has run yet; the job is in the store */
    open_queue(b);
    queue_run_due(b->queue);
    check_status(b, "s", "CREATE_COMPLETE");
    assert_int_equal(groups(b), 2);
}

/* A role of ours with this policy, and calls from here on as its session. */
static void become_role_with(struct bench *b, const char *statement) {
    const struct iam_create_role_request role = {
        .role_name = S("deploy"),
        .assume_role_policy_document =
            S("{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":"
              "{\"AWS\":\"111111111111\"},\"Action\":\"sts:AssumeRole\"}]}")};
    struct iam_create_role_response made;
    assert_done(&b->f, iam_call_create_role(&b->f.admin, &b->f.arena, &role, &made, &b->f.err));
    const struct iam_put_role_policy_request policy = {
        .role_name = S("deploy"),
        .policy_name = S("stacks"),
        .policy_document =
            str_printf(&b->f.arena, "{\"Version\":\"2012-10-17\",\"Statement\":[%s]}", statement)};
    struct iam_put_role_policy_output none;
    assert_done(&b->f,
                iam_call_put_role_policy(&b->f.admin, &b->f.arena, &policy, &none, &b->f.err));
    struct aws_principal *deploy = arena_new(&b->f.arena, struct aws_principal);
    *deploy = (struct aws_principal){
        .kind = AWS_PRINCIPAL_ROLE,
        .account = S("111111111111"),
        .arn = S("arn:aws:sts::111111111111:assumed-role/deploy/ci"),
        .user_id = str_printf(&b->f.arena, "%.*s:ci", STR_ARG(made.role->role_id)),
        .role_arn = made.role->arn,
        .session_name = S("ci")};
    b->as = fixture_as(&b->f, deploy);
}

static void test_right_on_a_stack_covers_its_change_sets_by_arn(void **state) {
    struct bench *b = *state;
    become_role_with(b, "{\"Effect\":\"Allow\",\"Action\":[\"cloudformation:*\",\"logs:*\"],"
                        "\"Resource\":[\"arn:aws:cloudformation:eu-west-2:111111111111:stack/mine/*"
                        "\",\"arn:aws:logs:*:*:*\"]}");
    struct cloudformation_create_change_set_input in = {.stack_name = S("mine"),
                                                        .change_set_name = S("one"),
                                                        .change_set_type = S("CREATE"),
                                                        .template_body =
                                                            S("Resources:\n" GROUP("A", "/a", ""))};
    struct cloudformation_create_change_set_output made;
    assert_done(&b->f, CALL(b, create_change_set, &in, &made));
    const struct cloudformation_describe_change_set_input look = {.change_set_name = made.id};
    struct cloudformation_describe_change_set_output set;
    assert_done(&b->f, CALL(b, describe_change_set, &look, &set));
    assert_true(str_is(set.stack_name, "mine"));

    struct aws_target deploy = b->as;
    b->as = b->f.admin;
    in.stack_name = S("yours");
    assert_done(&b->f, CALL(b, create_change_set, &in, &made));
    b->as = deploy;
    const struct cloudformation_describe_change_set_input other = {.change_set_name = made.id};
    assert_int_equal(CALL(b, describe_change_set, &other, &set), -1);
    assert_non_null(strstr(b->f.err.msg, ":stack/yours/"));
}

static void test_callers_rights_decide(void **state) {
    struct bench *b = *state;
    become_role_with(b, "{\"Effect\":\"Allow\",\"Action\":[\"cloudformation:*\","
                        "\"logs:CreateLogGroup\",\"logs:DeleteLogGroup\"],\"Resource\":\"*\"}");
    assert_done(&b->f, create(b, "s",
                              "Resources:\n" GROUP(
                                  "A", "/a", "") "  T: {Type: AWS::SNS::Topic, DependsOn: A}\n"));
    check_status(b, "s", "ROLLBACK_COMPLETE");
    assert_int_equal(groups(b), 0);
    assert_done(&b->f, create(b, "t", "Resources:\n" GROUP("A", "/a", "")));
    check_status(b, "t", "CREATE_COMPLETE");
}

static void test_capabilities_are_asked_for(void **state) {
    struct bench *b = *state;
    capability = S("CAPABILITY_IAM");
    int bad = create(b, "s",
                     "Resources:\n  R: {Type: AWS::IAM::Role, Properties: {RoleName: x, "
                     "AssumeRolePolicyDocument: {}}}\n");
    capability = S("CAPABILITY_NAMED_IAM");
    assert_refused(&b->f, bad, "InsufficientCapabilitiesException");
    assert_string_equal(b->f.err.msg, "Requires capabilities : [CAPABILITY_NAMED_IAM]");
}

static void test_exports_are_imported_and_kept_while_in_use(void **state) {
    struct bench *b = *state;
    assert_done(
        &b->f, create(b, "producer",
                      "Resources:\n" GROUP(
                          "A", "/a", "") "Outputs: {N: {Value: !Ref A, Export: {Name: group}}}\n"));
    assert_done(&b->f,
                create(b, "consumer",
                       "Resources:\n" GROUP("B", "!Join ['', [!ImportValue group, /b]]", "")));
    check_status(b, "consumer", "CREATE_COMPLETE");
    delete (b, "producer");
    check_status(b, "producer", "DELETE_FAILED");
    assert_non_null(strstr(str_z(&b->f.arena, describe(b, "producer").stack_status_reason),
                           "cannot be deleted as it is in use by"));
    delete (b, "consumer");
    delete (b, "producer");
    assert_int_equal(groups(b), 0);
}

static void test_retained_resource_outlives_its_stack(void **state) {
    struct bench *b = *state;
    assert_done(&b->f,
                create(b, "s",
                       "Resources:\n  A: {Type: AWS::Logs::LogGroup, DeletionPolicy: Retain, "
                       "Properties: {LogGroupName: /a}}\n" GROUP("B", "/b", "")));
    delete (b, "s");
    assert_int_equal(groups(b), 1);
}

static void test_secret_parameter_is_not_shown(void **state) {
    struct bench *b = *state;
    struct cloudformation_parameter p = {.parameter_key = S("Word"),
                                         .parameter_value = S("hush-hush")};
    const struct cloudformation_create_stack_input in = {
        .stack_name = S("s"),
        .parameters = {&p, 1},
        .template_body = S("Parameters: {Word: {Type: String, NoEcho: true}}\nResources:\n" GROUP(
            "A", "!Sub '/${Word}'", ""))};
    struct cloudformation_create_stack_output out;
    int64_t n = -1;
    assert_done(&b->f, CALL(b, create_stack, &in, &out));
    queue_run_due(b->queue);
    check_status(b, "s", "CREATE_COMPLETE");
    assert_true(str_is(describe(b, "s").parameters.v[0].parameter_value, "****"));
    assert_done(&b->f, db_begin(b->f.db, &b->f.err));
    assert_int_equal(db_get_i64(b->f.db, &n, &b->f.err,
                                "SELECT count(*) FROM cf_stack WHERE instr(body, CAST('hush' AS "
                                "BLOB)) > 0",
                                ""),
                     1);
    db_rollback(b->f.db);
    assert_int_equal(n, 0);
}

static void test_missing_stack_is_said_in_the_words_that_the_cli_matches(void **state) {
    struct bench *b = *state;
    const struct cloudformation_describe_stacks_input in = {.stack_name = S("none")};
    struct cloudformation_describe_stacks_output out;
    assert_refused(&b->f, CALL(b, describe_stacks, &in, &out), "ValidationError");
    assert_string_equal(b->f.err.msg, "Stack with id none does not exist");
}

int main(void) {
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_stack_makes_everything_of_a_platform),
        TEST(test_failed_creation_takes_everything_back),
        TEST(test_update_changes_adds_replaces_and_removes),
        TEST(test_failed_update_restores_what_was),
        TEST(test_change_set_tells_then_does),
        TEST(test_crash_between_steps_is_not_noticed),
        TEST(test_callers_rights_decide),
        TEST(test_right_on_a_stack_covers_its_change_sets_by_arn),
        TEST(test_capabilities_are_asked_for),
        TEST(test_exports_are_imported_and_kept_while_in_use),
        TEST(test_retained_resource_outlives_its_stack),
        TEST(test_secret_parameter_is_not_shown),
        TEST(test_missing_stack_is_said_in_the_words_that_the_cli_matches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
