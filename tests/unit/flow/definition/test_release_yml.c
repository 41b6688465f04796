/* release.yml: what it compiles to, and where it is wrong. */
#include "../../cmocka_.h"

#include "flow/definition/definition.h"
#include "flow/definition/release_yml.h"
#include "flow/trigger/filter.h"

static struct arena arena;

static const struct release_account accounts_v[] = {
    {S_INIT("shared-services"), S_INIT("111111111111"), S_INIT("eu-west-2")},
    {S_INIT("development"), S_INIT("222222222222"), S_INIT("eu-west-2")},
    {S_INIT("pre-production"), S_INIT("333333333333"), S_INIT("eu-west-2")},
    {S_INIT("production"), S_INIT("444444444444"), S_INIT("eu-west-2")},
};
static const struct release_accounts accounts = {(struct release_account *)accounts_v, 4};

static const char whole[] =
    "name: logs\n"
    "source: {repository: ../logs.git, branch: trunk, ignore: [\"docs/**\"]}\n"
    "test: {buildspec: t.yml}\n"
    "environments:\n"
    "  pre-production: {account: pre-production, variables: {LEVEL: \"1\"}}\n"
    "  production: {account: production, approval: required, role: deployer}\n"
    "gate: {alarms: [errors], wait: 3}\n"
    "notify: [{webhook: \"https://example.org/hook\", on: [failed]}]\n";

/* Written by hand from the structure reference, not from a run. */
static const char golden[] =
    "{\"name\":\"logs\",\"roleArn\":\"arn:aws:iam::111111111111:role/logs-pipeline\","
    "\"artifactStore\":{\"type\":\"S3\",\"location\":\"logs-artifacts\"},\"stages\":["
    "{\"name\":\"Source\",\"actions\":[{\"name\":\"Source\",\"actionTypeId\":{\"category\":"
    "\"Source\","
    "\"owner\":\"AWS\",\"provider\":\"CodeStarSourceConnection\",\"version\":\"1\"},\"runOrder\":1,"
    "\"configuration\":{\"ConnectionArn\":\"arn:c\",\"FullRepositoryId\":\"local/logs\","
    "\"BranchName\":\"trunk\",\"OutputArtifactFormat\":\"CODE_ZIP\",\"DetectChanges\":\"false\"},"
    "\"outputArtifacts\":[{\"name\":\"source\"}],\"inputArtifacts\":[],"
    "\"namespace\":\"SourceVariables\"}]},"
    "{\"name\":\"Test\",\"actions\":[{\"name\":\"Build\",\"actionTypeId\":{\"category\":\"Build\","
    "\"owner\":\"AWS\",\"provider\":\"CodeBuild\",\"version\":\"1\"},\"runOrder\":1,"
    "\"configuration\":{\"ProjectName\":\"logs-test\"},\"outputArtifacts\":[],"
    "\"inputArtifacts\":[{\"name\":\"source\"}],\"namespace\":\"Test\"}]},"
    "{\"name\":\"Pre_Production\",\"actions\":[{\"name\":\"Build\",\"actionTypeId\":{"
    "\"category\":\"Build\",\"owner\":\"AWS\",\"provider\":\"CodeBuild\",\"version\":\"1\"},"
    "\"runOrder\":1,\"configuration\":{\"ProjectName\":\"logs-pre-production\"},"
    "\"outputArtifacts\":[],\"inputArtifacts\":[{\"name\":\"source\"}],"
    "\"namespace\":\"Pre_Production\"}]},"
    "{\"name\":\"Production-Approve\",\"actions\":[{\"name\":\"Approve\",\"actionTypeId\":{"
    "\"category\":\"Approval\",\"owner\":\"AWS\",\"provider\":\"Manual\",\"version\":\"1\"},"
    "\"runOrder\":1,\"configuration\":{\"NotificationArn\":"
    "\"arn:aws:sns:eu-west-2:111111111111:logs-release\",\"CustomData\":"
    "\"Release of logs to production\"},\"outputArtifacts\":[],\"inputArtifacts\":[]}],"
    "\"beforeEntry\":{\"conditions\":[{\"result\":\"FAIL\",\"rules\":[{\"name\":\"alarm-1\","
    "\"ruleTypeId\":{\"category\":\"Rule\",\"owner\":\"AWS\",\"provider\":\"CloudWatchAlarm\","
    "\"version\":\"1\"},\"configuration\":{\"AlarmName\":\"errors\",\"AlarmStates\":\"ALARM\","
    "\"WaitTime\":\"3\"},\"inputArtifacts\":[],\"roleArn\":"
    "\"arn:aws:iam::333333333333:role/observer\",\"region\":\"eu-west-2\"}]}]}},"
    "{\"name\":\"Production\",\"actions\":[{\"name\":\"Build\",\"actionTypeId\":{"
    "\"category\":\"Build\",\"owner\":\"AWS\",\"provider\":\"CodeBuild\",\"version\":\"1\"},"
    "\"runOrder\":1,\"configuration\":{\"ProjectName\":\"logs-production\"},"
    "\"outputArtifacts\":[],\"inputArtifacts\":[{\"name\":\"source\"}],"
    "\"namespace\":\"Production\"}],"
    "\"beforeEntry\":{\"conditions\":[{\"result\":\"FAIL\",\"rules\":[{\"name\":\"alarm-1\","
    "\"ruleTypeId\":{\"category\":\"Rule\",\"owner\":\"AWS\",\"provider\":\"CloudWatchAlarm\","
    "\"version\":\"1\"},\"configuration\":{\"AlarmName\":\"errors\",\"AlarmStates\":\"ALARM\","
    "\"WaitTime\":\"3\"},\"inputArtifacts\":[],\"roleArn\":"
    "\"arn:aws:iam::333333333333:role/observer\",\"region\":\"eu-west-2\"}]}]}}],"
    "\"executionMode\":\"SUPERSEDED\",\"pipelineType\":\"V2\",\"triggers\":[{\"providerType\":"
    "\"CodeStarSourceConnection\",\"gitConfiguration\":{\"sourceActionName\":\"Source\","
    "\"push\":[{\"branches\":{\"includes\":[\"trunk\"]},\"filePaths\":{\"excludes\":"
    "[\"docs/**\"]}}]}}]}";

static void compile(const char *text, struct release_yml *r, struct release_plan *plan) {
    struct err err = ERR_INIT;
    if (release_yml_read(&arena, "release.yml", "/srv/work", str_c(text), r, &err) < 0 ||
        release_yml_compile(&arena, r, &accounts, S("arn:c"), plan, &err) < 0) {
        fail_msg("%s", err.msg);
    }
}

static void test_a_release_compiles_to_this_pipeline(void **state) {
    (void)state;
    struct release_yml r;
    struct release_plan plan;
    compile(whole, &r, &plan);
    assert_string_equal(str_z(&arena, plan.pipeline), golden);
    assert_true(str_is(plan.topic, "logs-release"));
    assert_true(str_is(plan.connection_name, "logs"));
}

static void test_the_compiled_pipeline_is_a_valid_one(void **state) {
    (void)state;
    struct release_yml r;
    struct release_plan plan;
    struct definition d;
    enum def_fault fault;
    struct err err = ERR_INIT;
    compile(whole, &r, &plan);
    assert_int_equal(definition_parse(&arena, plan.pipeline, &d, &err), 0);
    if (definition_check(&d, STR_NONE, &fault, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    assert_true(trigger_watches(&d, &d.stages.v[0].actions.v[0]));
}

static void test_each_environment_becomes_a_project_with_its_role(void **state) {
    (void)state;
    struct release_yml r;
    struct release_plan plan;
    compile(whole, &r, &plan);
    assert_int_equal(plan.projects.n, 3);
    assert_true(str_is(plan.projects.v[0].name, "logs-test"));
    assert_null(strstr(plan.projects.v[0].json.p, "\"ENV\""));
    assert_string_equal(
        plan.projects.v[1].json.p,
        "{\"name\":\"logs-pre-production\",\"description\":\"Releases logs to pre-production\","
        "\"source\":{\"type\":\"CODEPIPELINE\",\"buildspec\":\"buildspec.yml\"},"
        "\"artifacts\":{\"type\":\"CODEPIPELINE\"},\"environment\":{\"type\":\"LINUX_CONTAINER\","
        "\"image\":\"debian-bookworm-build\",\"computeType\":\"BUILD_GENERAL1_SMALL\","
        "\"environmentVariables\":[{\"name\":\"ENV\",\"value\":\"pre-production\",\"type\":"
        "\"PLAINTEXT\"},{\"name\":\"LEVEL\",\"value\":\"1\",\"type\":\"PLAINTEXT\"}]},"
        "\"serviceRole\":\"arn:aws:iam::111111111111:role/logs-pre-production-build\"}");
    assert_non_null(strstr(plan.projects.v[2].json.p, "arn:aws:iam::111111111111:role/deployer"));
}

static void source(const char *repository, const char *path, const char *id) {
    struct release_yml r;
    struct release_plan plan;
    compile(str_printf(&arena,
                       "name: a\nsource: {repository: \"%s\"}\nenvironments: "
                       "{development: }\n",
                       repository)
                .p,
            &r, &plan);
    assert_string_equal(str_z(&arena, r.repository), path);
    assert_string_equal(str_z(&arena, r.full_repository_id), id);
    assert_true(str_is(r.branch, "main"));
}

static void test_repositories_are_paths_beside_the_file_or_urls(void **state) {
    (void)state;
    source("/srv/git/x.git", "file:///srv/git/x.git", "local/x");
    source("/srv/git/../x", "file:///srv/x", "local/x");
    source("file:///srv/x.git", "file:///srv/x.git", "local/x");
    source("https://example.org/team/x.git", "https://example.org/team/x.git", "team/x");
    source("git@example.org:team/x.git", "ssh://git@example.org/team/x.git", "team/x");
    source("https://example.org/x", "https://example.org/x", "local/x");
}

static void test_without_an_approval_the_gate_closes_the_last_environment(void **state) {
    (void)state;
    struct release_yml r;
    struct release_plan plan;
    compile("name: a\nsource: {repository: /x}\nenvironments:\n  development:\n  production:\n"
            "gate: {alarms: [e]}\n",
            &r, &plan);
    assert_false(r.environments.v[0].gated);
    assert_true(r.environments.v[1].gated);
    assert_non_null(strstr(plan.pipeline.p, "222222222222:role/observer"));
    assert_null(plan.topic.p);
}

static void refused(const char *text, const char *message) {
    struct release_yml r;
    struct err err = ERR_INIT;
    assert_int_equal(release_yml_read(&arena, "r.yml", "/", str_c(text), &r, &err), -1);
    assert_string_equal(err.msg, message);
}

static void test_each_mistake_is_named_at_its_place(void **state) {
    (void)state;
    refused("", "r.yml:1:1: the file is empty");
    refused("- a\n", "r.yml:1:1: the file must be a map, not a list");
    refused(
        "nane: x\n",
        "r.yml:1:1: 'nane' is not known here; there is: name mode variables "
        "preflight four-eyes source image buildspec role artifacts test environments gate notify "
        "mirror");
    refused("name: Logs\n", "r.yml:1:7: a name has 1 to 40 lower-case letters, digits and '-': "
                            "buckets and roles are named after it");
    refused("name: a\nfour-eyes: yes\n",
            "r.yml:2:12: four-eyes is 'required', or 'required-by-session-name' where the names of "
            "roles' sessions are trusted");
    refused("name: a\n", "r.yml:1:1: the file needs source: {repository: ..., branch: ...}");
    refused("name: a\nsource: {branch: x}\n",
            "r.yml:2:9: source needs repository: a path or an URL");
    refused("name: a\nsource: {repository: /x, ignore: [\"a[\"]}\nenvironments: {a: }\n",
            "r.yml:2:35: pattern 'a[': '[' at column 2 has no ']'");
    refused("name: a\nsource: {repository: /my x}\nenvironments: {p: }\n",
            "r.yml:2:22: the repository 'file:///my x' has a blank in its path: name it by a link "
            "that has none (ln -s)");
    refused("name: a\nsource: {repository: /x}\nenvironments: {}\n",
            "r.yml:3:15: a release has 1 to 20 environments");
    refused("name: a\nsource: {repository: /x}\nenvironments: {p: {approval: yes}}\n",
            "r.yml:3:30: approval is 'required' or 'none', or has a message and a timeout");
    refused("name: a\nsource: {repository: /x}\nenvironments: {p: }\ngate: {alarms: [e]}\n",
            "r.yml:4:7: a gate needs an environment before the one that it closes");
    refused("name: a\nsource: {repository: /x}\nenvironments: {p: }\n"
            "notify: [{webhook: mail@x}]\n",
            "r.yml:4:20: a webhook is an http or https URL");
    refused("name: a\nsource: {repository: /x}\nenvironments: {p: }\n"
            "notify: [{webhook: \"http://x\", on: [success]}]\n",
            "r.yml:4:37: 'success' is none of: approval, failed, alarm");
}

static const char everything[] = "name: logs\n"
                                 "mode: queued\n"
                                 "preflight: true\n"
                                 "variables:\n"
                                 "  level: info\n"
                                 "  ticket:\n"
                                 "  reason: {default: none, description: \"why now\"}\n"
                                 "source:\n"
                                 "  repository: /srv/logs.git\n"
                                 "  branches: [main, \"hotfix/*\"]\n"
                                 "  tags: [\"v*\"]\n"
                                 "  paths: [\"src/**\"]\n"
                                 "  ignore: [\"docs/**\"]\n"
                                 "  pull-requests: [opened, updated]\n"
                                 "environments:\n"
                                 "  development:\n"
                                 "    variables: {LEVEL: \"#{variables.level}\", FIXED: x}\n"
                                 "    on-failure: retry-all\n"
                                 "  pre-production:\n"
                                 "    only: {variable: \"#{variables.level}\", is-not: trace}\n"
                                 "    on-failure: retry\n"
                                 "  production:\n"
                                 "    plan: true\n"
                                 "    approval: {message: \"Look at the graphs\", timeout: 90}\n"
                                 "    window: {cron: \"0 * 9-17 ? * MON-FRI\", zone: UTC}\n"
                                 "    after: {alarms: [errors, latency], wait: 5}\n"
                                 "    on-failure: rollback\n"
                                 "gate: {alarms: [errors]}\n";

static const char *condition(const struct def_condition *c, struct str result, size_t rules) {
    assert_int_equal(c->count, 1);
    assert_true(str_eq(c->result, result));
    assert_int_equal(c->rules.n, rules);
    return str_z(&arena, c->rules.v[0].provider);
}

static void test_all_that_codepipeline_has_can_be_said(void **state) {
    (void)state;
    struct release_yml r;
    struct release_plan plan;
    struct definition d;
    struct err err = ERR_INIT;
    enum def_fault fault;
    compile(everything, &r, &plan);
    assert_int_equal(definition_parse(&arena, plan.pipeline, &d, &err), 0);
    if (definition_check(&d, S("eu-west-2"), &fault, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    assert_true(str_is(d.mode, "QUEUED"));
    assert_int_equal(d.variables.n, 3);
    assert_true(str_is(d.variables.v[0].default_value, "info"));
    assert_null(d.variables.v[1].default_value.p);
    assert_true(str_is(d.variables.v[2].description, "why now"));
    static const char *const names[] = {"Source",          "Development",        "Pre_Production",
                                        "Production-Plan", "Production-Approve", "Production"};
    assert_int_equal(d.stages.n, 6);
    for (size_t i = 0; i < 6; i++) {
        assert_string_equal(str_z(&arena, d.stages.v[i].name), names[i]);
    }
    const struct def_stage *s = d.stages.v;
    assert_string_equal(condition(&s[1].entry, S("FAIL"), 1), "Preflight");
    assert_true(str_is(s[1].failure_result, "RETRY") && str_is(s[1].retry_mode, "ALL_ACTIONS"));
    assert_true(str_is(s[2].failure_result, "RETRY") && str_is(s[2].retry_mode, "FAILED_ACTIONS"));
    assert_string_equal(condition(&s[2].entry, S("SKIP"), 1), "VariableCheck");
    assert_true(str_is(str_map_get(&s[2].entry.rules.v[0].configuration, S("Operator")), "NE"));
    assert_string_equal(condition(&s[3].entry, S("FAIL"), 1), "CloudWatchAlarm");
    assert_true(str_is(s[3].actions.v[0].outputs.v[0], "plan"));
    assert_int_equal(s[4].actions.v[0].timeout_minutes, 90);
    assert_true(str_is(str_map_get(&s[4].actions.v[0].configuration, S("CustomData")),
                       "Look at the graphs"));
    assert_string_equal(condition(&s[5].entry, S("FAIL"), 2), "CloudWatchAlarm");
    assert_true(str_is(s[5].entry.rules.v[1].provider, "DeploymentWindow"));
    assert_string_equal(condition(&s[5].success, S("ROLLBACK"), 2), "CloudWatchAlarm");
    assert_true(str_starts(s[5].success.rules.v[0].role_arn, S("arn:aws:iam::444444444444:")));
    assert_true(str_is(s[5].failure_result, "ROLLBACK"));
    assert_int_equal(s[5].actions.v[0].inputs.n, 2);
    assert_int_equal(d.triggers.v[0].push.n, 2);
    assert_int_equal(d.triggers.v[0].push.v[0].branches.includes.n, 2);
    assert_true(d.triggers.v[0].push.v[1].has_tags);
    assert_true(str_is(d.triggers.v[0].pull.v[0].events.v[1], "UPDATED"));
}

static void test_what_differs_between_releases_is_a_setting_of_the_action(void **state) {
    (void)state;
    struct release_yml r;
    struct release_plan plan;
    compile(everything, &r, &plan);
    assert_non_null(strstr(plan.pipeline.p,
                           "[{\\\"name\\\":\\\"LEVEL\\\",\\\"value\\\":\\\"#{"
                           "variables.level}\\\",\\\"type\\\":\\\"PLAINTEXT\\\"}]"));
    assert_non_null(strstr(plan.pipeline.p, "\\\"name\\\":\\\"PLAN\\\",\\\"value\\\":\\\"true"));
    assert_null(strstr(plan.projects.v[0].json.p, "LEVEL"));
    assert_non_null(strstr(plan.projects.v[0].json.p, "FIXED"));
}

#define BEFORE "name: a\nsource: {repository: /x}\n"
#define TWO(production) BEFORE "environments:\n  development:\n  production: " production "\n"

static void test_each_mistake_of_a_condition_is_named_at_its_place(void **state) {
    (void)state;
    refused("name: a\nmode: fast\n", "r.yml:2:7: mode is 'superseded' (a newer release overtakes), "
                                     "'queued' or 'parallel'");
    refused("name: a\nvariables: {\"a b\": x}\n",
            "r.yml:2:13: a variable's name has letters, digits, '_', '-' and '@'");
    refused("name: a\nvariables: {a: {value: x}}\n",
            "r.yml:2:17: 'value' is not known here; there is: default description");
    refused("name: a\nsource: {repository: /x, pull-requests: [merged]}\n",
            "r.yml:2:42: 'merged' is none of: opened, updated, closed");
    refused("name: a\nsource: {repository: /x, tags: [\"v[\"]}\n",
            "r.yml:2:33: pattern 'v[': '[' at column 2 has no ']'");
    refused(TWO("{window: \"0 0 25 ? * *\"}"),
            "r.yml:5:24: window needs a cron expression: the field hours: '25' is not one of its "
            "values");
    refused(TWO("{window: {cron: \"0 * 9 ? * *\", zone: Nowhere}}"),
            "r.yml:5:52: 'Nowhere' is no time zone that this machine knows: Region/City, UTC, or "
            "UTC+HH:MM");
    refused(TWO("{only: {variable: \"#{variables.a}\"}}"),
            "r.yml:5:22: only needs variable: \"#{...}\" and one of is, is-not, contains, matches");
    refused(TWO("{only: {variable: \"#{variables.a}\", is: x}, window: \"0 * 9 ? * *\"}"),
            "r.yml:5:22: an environment that has a gate, a window or the preflight cannot be "
            "skipped: say else: "
            "fail");
    refused(TWO("{after: {alarms: [a], then: wait}}"), "r.yml:5:43: then is 'rollback' or 'fail'");
    refused(TWO("{after: {wait: 3}}"),
            "r.yml:5:23: after needs alarms: names of CloudWatch alarms");
    refused(TWO("{on-failure: again}"), "r.yml:5:28: on-failure is 'stop', 'retry' (what failed), "
                                        "'retry-all' or 'rollback'");
    refused(TWO("{approval: {timeout: 4}}"),
            "r.yml:5:36: timeout must be a whole number from 5 to 86400");
    refused(TWO("{plan: maybe}"), "r.yml:5:22: plan is true or false");
    refused(BEFORE "environments: {a: {plan: true}, b: {plan: true}}\n",
            "r.yml:3:33: one environment has a plan: its builds find it in "
            "$CODEBUILD_SRC_DIR_plan");
    refused("name: a\nmode: parallel\nsource: {repository: /x}\nenvironments: {p: {on-failure: "
            "rollback}}\n",
            "r.yml:4:32: nothing can be rolled back in mode parallel");
    refused(TWO("{window: \"0 * 9 ? * *\"}") "gate: {alarms: [a, b, c, d, e]}\n",
            "r.yml:5:3: the gate's alarms, window and only are 6 rules together: 5 are possible");
}

static void test_programs_that_fill_the_mirror_are_named(void **state) {
    (void)state;
    struct release_yml r;
    struct release_plan plan;
    compile("name: a\nsource: {repository: /x}\nenvironments: {development: }\n"
            "mirror: [{run: make.sh, url: \"https://example.org/x/\"}]\n",
            &r, &plan);
    assert_int_equal(r.mirror.n, 1);
    assert_true(str_is(r.mirror.v[0].run, "make.sh"));
    assert_true(str_is(r.mirror.v[0].url, "https://example.org/x"));
    refused("name: a\nsource: {repository: /x}\nenvironments: {a: }\nmirror: [{run: x}]\n",
            "r.yml:4:10: an entry of mirror needs run: a program, and url: https://...");
}

static void test_an_unknown_account_is_named(void **state) {
    (void)state;
    struct release_yml r;
    struct release_plan plan;
    struct err err = ERR_INIT;
    const char *text = "name: a\nsource: {repository: /x}\nenvironments: {p: {account: moon}}\n";
    assert_int_equal(release_yml_read(&arena, "r.yml", "/", str_c(text), &r, &err), 0);
    assert_int_equal(release_yml_compile(&arena, &r, &accounts, S("c"), &plan, &err), -1);
    assert_string_equal(err.msg, "r.yml:3:29: environment 'p': there is no account 'moon'");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_release_compiles_to_this_pipeline),
        cmocka_unit_test(test_the_compiled_pipeline_is_a_valid_one),
        cmocka_unit_test(test_each_environment_becomes_a_project_with_its_role),
        cmocka_unit_test(test_repositories_are_paths_beside_the_file_or_urls),
        cmocka_unit_test(test_without_an_approval_the_gate_closes_the_last_environment),
        cmocka_unit_test(test_each_mistake_is_named_at_its_place),
        cmocka_unit_test(test_all_that_codepipeline_has_can_be_said),
        cmocka_unit_test(test_what_differs_between_releases_is_a_setting_of_the_action),
        cmocka_unit_test(test_each_mistake_of_a_condition_is_named_at_its_place),
        cmocka_unit_test(test_programs_that_fill_the_mirror_are_named),
        cmocka_unit_test(test_an_unknown_account_is_named),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_done(&arena);
    return failed;
}
