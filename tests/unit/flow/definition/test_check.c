/*
 * What is wrong with a pipeline's structure, as CodePipeline says it: stages, artifacts, types,
 * conditions and triggers that do not fit each other, by a table of changes to one good structure.
 * Limits in numbers, and one below and above each, are in test_limits.c.
 */
#include "structure.h"

struct change {
    const char *path, *value;
    enum def_fault fault; /* NONE: the structure is still good */
    const char *words;    /* of the message */
    const char *path2, *value2;
};

static void try_change(const struct change *t) {
    json_t *root = loaded(quoted(good));
    put(root, t->path, t->value);
    if (t->path2 != NULL) {
        put(root, t->path2, t->value2);
    }
    expect_fault(root, str_printf(&arena, "%s = %s", t->path, t->value).p, t->fault, t->words);
    json_decref(root);
}

#define CHECK_ALL(table)                                                                           \
    for (size_t i = 0; i < sizeof(table) / sizeof((table)[0]); i++) {                              \
        try_change(&(table)[i]);                                                                   \
    }

#define STAGE_OF_ONE "{'name':'s%','actions':[{'name':'a'," MANUAL "}]}"
#define SOURCE                                                                                     \
    "{'name':'S','actions':[{'name':'Trunk','actionTypeId':{'category':'Source','owner':'AWS',"    \
    "'provider':'S3','version':'1'},'configuration':{'S3Bucket':'b','S3ObjectKey':'k'},"           \
    "'outputArtifacts':[{'name':'source'}]}]}"

static void test_names_and_counts_have_their_limits(void **state) {
    (void)state;
    static const struct change table[] = {
        {"name", "@1", OK},
        {"name", "@99", OK},
        {"name", "@100", OK},
        {"name", "@101", STRUCTURE, "pipeline name"},
        {"name", "''", STRUCTURE, "pipeline name"},
        {"name", "'a.b@c-d_E9'", OK},
        {"name", "'a b'", STRUCTURE, "'a b'"},
        {"roleArn", "'arn:aws:iam::11111111111:role/p'", STRUCTURE, "roleArn"},
        {"roleArn", "'arn:aws-us-gov:iam::111111111111:role/x/p'", OK},
        {"roleArn", "'arn:aws-:iam::111111111111:role/p'", STRUCTURE, "roleArn"},
        {"roleArn", "'arn:aws-a--b:iam::111111111111:role/p'", STRUCTURE, "roleArn"},
        {"roleArn", "'arn:awsome:iam::111111111111:role/p'", STRUCTURE, "roleArn"},
        {"roleArn", "'arn:aws:s3:iam::111111111111:role/p'", STRUCTURE, "roleArn"},
        {"stages.1.name", "@100", OK},
        {"stages.1.name", "@101", STAGE, "stage name"},
        {"stages.1.name", "'Source'", STAGE, "Two stages are named Source"},
        {"stages.1.actions.0.name", "@100", OK},
        {"stages.1.actions.0.name", "@101", ACTION, "Stage Build"},
        {"stages.1.actions.0.name", "'Shell'", STAGE, "two actions named Shell"},
        {"stages.1.actions.0.runOrder", "1", OK},
        {"stages.1.actions.0.runOrder", "0", ACTION, "runOrder 0"},
        {"stages.1.actions.1.runOrder", "999", OK},
        {"stages.1.actions.1.runOrder", "1000", ACTION, "runOrder 1000"},
        {"stages.1.actions.0.namespace", "@100", OK},
        {"stages.1.actions.0.namespace", "@101", ACTION, "namespace"},
        {"stages.1.actions.0.namespace", "'a.b'", ACTION, "namespace"},
        {"stages.1.actions.0.roleArn", "'role'", ACTION, "roleArn"},
        {"stages.2.actions.0.timeoutInMinutes", "5", OK},
        {"stages.2.actions.0.timeoutInMinutes", "4", ACTION, "timeoutInMinutes"},
        {"stages.2.actions.0.timeoutInMinutes", "86400", OK},
        {"stages.2.actions.0.timeoutInMinutes", "86401", ACTION, "timeoutInMinutes"},
        {"stages.1.actions.0.timeoutInMinutes", "60", ACTION, "manual approvals"},
        {"stages.2.actions", "[]", STAGE, "1 to 50"},
        {"stages.2.actions", "[49 {'name':'a%'," MANUAL "}", OK},
        {"stages.2.actions", "[50 {'name':'a%'," MANUAL "}", OK},
        {"stages.2.actions", "[51 {'name':'a%'," MANUAL "}", STAGE, "51 actions"},
        {"variables", "[50 {'name':'v%'}", OK, NULL, "stages.2.actions.0.configuration", "{}"},
        {"variables", "[51 {'name':'v%'}", STRUCTURE, "51 variables"},
        {"variables", "[{'name':'level'},{'name':'level'}]", STRUCTURE, "Two variables"},
        {"variables.0.defaultValue", "@1000", OK},
        {"variables.0.defaultValue", "@1001", STRUCTURE, "Variable level"},
        {"variables.0.defaultValue", "''", STRUCTURE, "Variable level"},
        {"variables.0.defaultValue", "'a\\nb'", STRUCTURE, "one line"},
        {"variables.0.description", "@200", OK},
        {"variables.0.description", "@201", STRUCTURE, "description"},
        {"stages.1.blockers", "[{'name':'b','type':'Schedule'}]", DEF_FAULT_BLOCKER, "Build"},
        {"stages.1.blockers", "[]", OK},
    };
    CHECK_ALL(table);
}

static void test_stages_have_their_order_and_number(void **state) {
    (void)state;
    static const struct change table[] = {
        {"stages", "[" SOURCE "]", STRUCTURE, "minimum of 2 stages"},
        {"stages", "[]", STRUCTURE, "0 stage(s)"},
        {"stages", "[50 " STAGE_OF_ONE, STRUCTURE, "CodeStarSourceConnection action", "stages.0",
         SOURCE}, /* the stages are fine: it is the trigger that has lost its action */
        {"stages", "[51 " STAGE_OF_ONE, STRUCTURE, "51 stages", "stages.0", SOURCE},
        {"stages", "[200 " STAGE_OF_ONE, STRUCTURE, "200 stages", "stages.0", SOURCE},
        {"stages.0", STAGE_OF_ONE, STRUCTURE, "only contains source actions"},
        {"stages.1", SOURCE, STRUCTURE, "outside of the first stage"},
    };
    CHECK_ALL(table);
}

static void test_stores_are_one_or_one_a_region(void **state) {
    (void)state;
    static const struct change table[] = {
        {"artifactStore", "", STRUCTURE, "no artifact store"},
        {"artifactStores", "{'eu-west-2':{'type':'S3','location':'bucket'}}", STRUCTURE, "both"},
        {"artifactStore.type", "'GCS'", STRUCTURE, "'GCS'"},
        {"artifactStore.location", "'ab'", STRUCTURE, "'ab'"},
        {"artifactStore.location", "'abc'", OK},
        {"artifactStore.location", "@63", OK},
        {"artifactStore.location", "@64", STRUCTURE, "bucket"},
        {"artifactStore.location", "'a_b'", STRUCTURE, "'a_b'"},
        {"artifactStore.encryptionKey", "{'id':'k','type':'KMS'}", OK},
        {"artifactStore", "", OK, NULL, "artifactStores",
         "{'eu-west-2':{'type':'S3','location':'bucket'}}"},
        {"artifactStore", "", STRUCTURE, "eu-west-2", "artifactStores",
         "{'us-east-1':{'type':'S3','location':'bucket'}}"},
        {"stages.1.actions.0.region", "'eu-west-2'", OK},
        {"stages.1.actions.0.region", "'us-east-1'", STRUCTURE, "cross-region"},
        {"stages.0.actions.0.region", "'eu-west-2'", OK},
        {"stages.0.actions.0.region", "'us-east-1'", ACTION, "Source"},
        {"stages.1.actions.0.region", "'abc'", ACTION, "'abc'"},
    };
    CHECK_ALL(table);
    static const char both[] = "{'eu-west-2':{'type':'S3','location':'one'},'us-east-1':{'type':"
                               "'S3','location':'two'}}";
    json_t *root = loaded(quoted(good));
    put(root, "artifactStore", "");
    put(root, "artifactStores", both);
    put(root, "stages.1.actions.0.region", "'us-east-1'");
    struct definition d;
    struct err err = ERR_INIT;
    enum def_fault fault;
    assert_int_equal(definition_parse(&arena, json_dump_str(&arena, root), &d, &err), 0);
    assert_int_equal(definition_check(&d, S("eu-west-2"), &fault, &err), 0);
    json_decref(root);
}

static void test_artifacts_are_made_before_they_are_used(void **state) {
    (void)state;
    static const struct change table[] = {
        {"stages.1.actions.0.inputArtifacts.0.name", "'x'", ACTION, "Input Artifact Bundle x"},
        {"stages.1.actions.0.inputArtifacts.0.name", "'out'", ACTION, "preceding actions"},
        {"stages.1.actions.0.inputArtifacts.0.name", "'built'", ACTION, "preceding actions"},
        {"stages.1.actions.1.runOrder", "1", ACTION, "preceding actions"},
        {"stages.1.actions.0.outputArtifacts.0.name", "'source'", ACTION, "more than once"},
        {"stages.1.actions.0.outputArtifacts", "[{'name':'built'},{'name':'built'}]", ACTION,
         "more than once"},
        {"stages.2.actions.1.inputArtifacts", "[{'name':'built'},{'name':'built'}]", ACTION,
         "twice"},
        {"stages.1.actions.1.outputArtifacts.0.name", "@100", OK},
        {"stages.1.actions.1.outputArtifacts.0.name", "@101", ACTION, "artifact's name"},
        {"stages.1.actions.1.outputArtifacts.0.name", "'a.b'", ACTION, "'a.b'"},
        {"stages.1.actions.0.inputArtifacts", "[]", ACTION,
         "declares 0 input artifacts which is less than the minimum count (1)"},
        {"stages.0.actions.0.outputArtifacts", "[{'name':'source'},{'name':'b'}]", ACTION,
         "declares 2 output artifacts which is more than the maximum count (1)"},
        {"stages.1.actions.0.namespace", "'SourceVariables'", ACTION, "unique"},
        {"stages.1.actions.0.namespace", "'source'", ACTION, "also the name of an artifact"},
        {"stages.1.actions.0.namespace", "'variables'", ACTION, "reserved"},
    };
    CHECK_ALL(table);
}

static void test_configurations_are_those_of_their_types(void **state) {
    (void)state;
    static const struct change table[] = {
        {"stages.0.actions.0.configuration.BranchName", "", ACTION,
         "is missing required configuration 'BranchName'"},
        {"stages.0.actions.0.configuration.Colour", "'red'", ACTION,
         "contains unknown configuration 'Colour'"},
        {"stages.0.actions.0.configuration.DetectChanges", "'false'", OK},
        {"stages.0.actions.0.configuration.DetectChanges", "'no'", ACTION, "true, false"},
        {"stages.0.actions.0.configuration.OutputArtifactFormat", "'TAR'", ACTION, "CODE_ZIP"},
        {"stages.1.actions.0.configuration.ProjectName", "@1000", OK},
        {"stages.1.actions.0.configuration.ProjectName", "@1001", ACTION, "1 to 1000"},
        {"stages.1.actions.0.configuration.ProjectName", "''", ACTION, "'ProjectName'"},
        {"stages.1.actions.0.configuration",
         "{'ProjectName':'u','aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa':'50'}", OK},
        {"stages.1.actions.0.configuration",
         "{'ProjectName':'u','aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa':'51'}", ACTION,
         "1 to 50"},
        {"stages.1.actions.0.actionTypeId.provider", "'Unheard'", ACTION,
         "Provider: 'Unheard', Owner: 'AWS', Version: '1') in action 'Unit' is not available in "
         "region eu-west-2"},
        {"stages.1.actions.0.actionTypeId.version", "'2'", ACTION, "Version: '2'"},
        {"stages.1.actions.1.inputArtifacts", "[{'name':'built'},{'name':'source'}]", OK},
        {"stages.1.actions.0.inputArtifacts", "[{'name':'source'},{'name':'also'}]", ACTION,
         "'PrimarySource'", "stages.0.actions.1",
         "{'name':'S3','actionTypeId':{'category':'Source','owner':'AWS','provider':'S3','version':"
         "'1'},'configuration':{'S3Bucket':'b','S3ObjectKey':'k'},'outputArtifacts':[{'name':"
         "'also'}]}"},
        {"stages.1.actions.0.configuration.PrimarySource", "'x'", ACTION, "PrimarySource 'x'"},
        {"stages.1.actions.0.configuration.CombineArtifacts", "'true'", ACTION, "BatchEnabled"},
        {"stages.1.actions.0.configuration.EnvironmentVariables",
         "'[{\\'name\\':\\'A\\',\\'value\\':\\'b\\',\\'type\\':\\'PLAINTEXT\\'}]'", OK},
        {"stages.1.actions.0.configuration.EnvironmentVariables", "'A=b'", ACTION, "JSON array"},
        {"stages.2.actions.1.configuration.ActionMode", "'CHANGE_SET_EXECUTE'", ACTION,
         "'ChangeSetName'"},
        {"stages.2.actions.1.configuration.TemplatePath", "'other::t.yml'", ACTION,
         "ARTIFACT::FILE"},
        {"stages.2.actions.1.configuration.RoleArn", "", ACTION, "'RoleArn'"},
    };
    CHECK_ALL(table);
}

static void test_members_of_compute_actions_are_theirs_alone(void **state) {
    (void)state;
    static const struct change table[] = {
        {"stages.1.actions.0.commands", "['make']", ACTION,
         "The following action cannot contain a commands field: Unit. To use the commands field, "
         "use a compute action."},
        {"stages.1.actions.0.outputVariables", "['V']", ACTION, "outputVariables field: Unit"},
        {"stages.1.actions.0.environmentVariables", "[{'name':'E','value':'v'}]", ACTION,
         "environmentVariables field: Unit"},
        {"stages.1.actions.0.outputArtifacts.0.files", "['a']", ACTION, "files field: Unit"},
        {"stages.1.actions.1.commands", "[]", ACTION, "0 commands"},
        {"stages.1.actions.1.commands", "[50 'make'", OK},
        {"stages.1.actions.1.commands", "[51 'make'", ACTION, "51 commands"},
        {"stages.1.actions.1.commands.0", "@1000", OK},
        {"stages.1.actions.1.commands.0", "@1001", ACTION, "command 1"},
        {"stages.1.actions.1.commands.0", "'a\\nb'", ACTION, "one line"},
        {"stages.1.actions.1.outputVariables", "[15 'V%'", OK},
        {"stages.1.actions.1.outputVariables", "[16 'V%'", ACTION, "16 output variables"},
        {"stages.1.actions.1.environmentVariables", "[10 {'name':'E%','value':'v'}", OK},
        {"stages.1.actions.1.environmentVariables", "[11 {'name':'E%','value':'v'}", ACTION, "11"},
        {"stages.1.actions.1.environmentVariables.0.name", "'A-B'", ACTION, "'A-B'"},
        {"stages.1.actions.1.environmentVariables.0.value", "@2000", OK},
        {"stages.1.actions.1.environmentVariables.0.value", "@2001", ACTION, "2000"},
        {"stages.1.actions.1.environmentVariables.0.type", "'PARAMETER_STORE'", ACTION, "PLAIN"},
        {"stages.1.actions.1.outputArtifacts.0.files", "[10 'f%'", OK},
        {"stages.1.actions.1.outputArtifacts.0.files", "[11 'f%'", ACTION, "1 to 10 files"},
        {"stages.1.actions.1.configuration.VpcId", "'vpc-1'", ACTION, "'Subnets'"},
        {"pipelineType", "'V1'", STRUCTURE, "can only be used with V2 pipelines"},
        {"pipelineType", "", OK},
        {"pipelineType", "'V3'", STRUCTURE, "'V3'"},
        {"executionMode", "'QUEUED'", OK},
        {"executionMode", "'PARALLEL'", OK},
        {"executionMode", "'OTHER'", STRUCTURE, "'OTHER'"},
    };
    CHECK_ALL(table);
}

#define CONFIG "stages.2.actions.0.configuration.CustomData"

static void test_references_name_what_ran_before(void **state) {
    (void)state;
    static const struct change table[] = {
        {CONFIG, "'#{BuildVariables.X}'", OK},
        {CONFIG, "'#{ SourceVariables.CommitId }'", OK},
        {CONFIG, "'#{Nothing.X}'", ACTION,
         "referencing a namespace that does not exist. StageName=[Deploy], ActionName=[Person], "
         "ActionNamespaceReference=[Nothing.X]"},
        {CONFIG, "'#{plain}'", ACTION, "Valid format for a pipeline execution variable"},
        {CONFIG, "'#{.X}'", ACTION, "Valid format"},
        {CONFIG, "'#{SourceVariables.}'", ACTION, "Valid format"},
        {CONFIG, "'#{open'", OK},
        {CONFIG, "'#{variables.level}'", OK},
        {CONFIG, "'#{variables.other}'", ACTION, "no variable 'other'"},
        {CONFIG, "'#{codepipeline.PipelineExecutionId}'", OK},
        {CONFIG, "'#{codepipeline.Else}'", ACTION, "does not have"},
        {"stages.1.actions.0.configuration.ProjectName", "'#{BuildVariables.X}'", ACTION,
         "does not run before"},
        {"stages.1.actions.1.commands.0", "'echo #{BuildVariables.X}'", OK},
        {"stages.1.actions.1.commands.0", "'echo #{Nothing.X}'", ACTION, "[Shell]"},
        {"stages.0.actions.0.configuration.BranchName", "'#{variables.level}'", ACTION,
         "cannot be used in source actions"},
        {"stages.1.beforeEntry.conditions.0.rules.0.configuration.TimeZone",
         "'#{BuildVariables.Zone}'", STAGE, "RuleName=[window]"},
        {"stages.1.beforeEntry.conditions.0.rules.0.configuration.TimeZone",
         "'#{SourceVariables.Zone}'", OK},
    };
    CHECK_ALL(table);
}

#define RULE(provider, rest)                                                                       \
    "{'name':'r','ruleTypeId':{'category':'Rule','owner':'AWS','provider':'" provider              \
    "','version':'1'}" rest "}"
#define CONDITION(result, rule) "{'conditions':[{'result':'" result "','rules':[" rule "]}]}"
#define ALARM RULE("CloudWatchAlarm", ",'configuration':{'AlarmName':'a'}")
#define VARIABLE(value, operator)                                                                  \
    RULE("VariableCheck",                                                                          \
         ",'configuration':{'Variable':'#{SourceVariables.B}','Value':'" value "','Operator':'"    \
         operator"'}")
#define FIVE                                                                                       \
    "{'name':'r%','ruleTypeId':{'category':'Rule','owner':'AWS','provider':"                       \
    "'CloudWatchAlarm','version':'1'},'configuration':{'AlarmName':'a'}}"

static void test_conditions_allow_what_their_kind_allows(void **state) {
    (void)state;
    static const struct change table[] = {
        {"stages.1.beforeEntry", CONDITION("FAIL", ALARM), OK},
        {"stages.1.beforeEntry", CONDITION("ROLLBACK", ALARM), STAGE, "FAIL and SKIP"},
        {"stages.1.beforeEntry", CONDITION("SKIP", ALARM), STAGE, "LambdaInvoke and VariableCheck"},
        {"stages.1.beforeEntry", CONDITION("SKIP", VARIABLE("x", "EQ")), OK},
        {"stages.1.beforeEntry.conditions.1", "{'result':'FAIL','rules':[" ALARM "]}", STAGE,
         "2 conditions"},
        {RULES, "[]", STAGE, "0 rules"},
        {RULES, "[5 " FIVE, OK},
        {RULES, "[6 " FIVE, STAGE, "6 rules"},
        {RULES, "[" ALARM "," ALARM "]", STAGE, "two rules named r"},
        {RULES ".0.name", "@101", STAGE, "name"},
        {"stages.1.onSuccess", CONDITION("FAIL", ALARM), OK},
        {"stages.1.onSuccess", CONDITION("ROLLBACK", ALARM), OK},
        {"stages.1.onSuccess", CONDITION("SKIP", ALARM), STAGE, "FAIL and ROLLBACK"},
        {"stages.0.onSuccess", CONDITION("ROLLBACK", ALARM), STAGE, "source stage"},
        {"stages.1.onSuccess", CONDITION("ROLLBACK", ALARM), STAGE, "PARALLEL", "executionMode",
         "'PARALLEL'"},
        {"stages.1.onFailure", CONDITION("ROLLBACK", ALARM), OK},
        {"stages.1.onFailure", CONDITION("FAIL", ALARM), STAGE, "ROLLBACK"},
        {"stages.1.onFailure", CONDITION("RETRY", ALARM), STAGE, "ROLLBACK"},
        {"stages.1.onFailure", "{'result':'ROLLBACK'}", OK},
        {"stages.1.onFailure", "{'result':'ROLLBACK'}", STAGE, "PARALLEL", "executionMode",
         "'PARALLEL'"},
        {"stages.0.onFailure", "{'result':'ROLLBACK'}", STAGE, "source stage"},
        {"stages.0.onFailure", "{'result':'RETRY'}", OK},
        {"stages.1.onFailure",
         "{'result':'RETRY','retryConfiguration':{'retryMode':"
         "'ALL_ACTIONS'}}",
         OK},
        {"stages.1.onFailure", "{'result':'RETRY','retryConfiguration':{'retryMode':'SOME'}}",
         STAGE, "'SOME'"},
        {"stages.1.onFailure",
         "{'result':'ROLLBACK','retryConfiguration':{'retryMode':"
         "'ALL_ACTIONS'}}",
         STAGE, "goes with the result RETRY"},
        {"stages.1.onFailure",
         "{'result':'RETRY','conditions':[{'result':'ROLLBACK','rules':[" ALARM "]}]}", STAGE,
         "not both"},
        {"stages.1.onFailure", "{'result':'SKIP'}", STAGE, "ROLLBACK and RETRY"},
    };
    CHECK_ALL(table);
}

static void test_rules_are_read_when_they_are_defined(void **state) {
    (void)state;
    static const struct change table[] = {
        {RULES ".0", RULE("Unheard", ""), STAGE, "no rule type Rule/AWS/Unheard/1"},
        {RULES ".0", RULE("CloudWatchAlarm", ""), STAGE, "'AlarmName'"},
        {RULES ".0", RULE("CloudWatchAlarm", ",'configuration':{'AlarmName':'a','WaitTime':'x'}"),
         STAGE, "WaitTime 'x'"},
        {RULES ".0",
         RULE("CloudWatchAlarm", ",'configuration':{'AlarmName':'a','AlarmStates':'ALARM, "
                                 "INSUFFICIENT_DATA','WaitTime':'10'}"),
         OK},
        {RULES ".0",
         RULE("CloudWatchAlarm", ",'configuration':{'AlarmName':'a','AlarmStates':'RED'}"), STAGE,
         "'RED'"},
        {RULES ".0", RULE("CloudWatchAlarm", ",'configuration':{'AlarmName':'a','Else':'x'}"),
         STAGE, "'Else' is unknown"},
        {RULES ".0.configuration.Cron", "'0 0 25 ? * *'", STAGE, "hours"},
        {RULES ".0.configuration.Cron", "'* *'", STAGE, "6 or 7"},
        {RULES ".0.configuration.TimeZone", "'Mars/Olympus'", STAGE, "Mars/Olympus"},
        {RULES ".0.configuration.TimeZone", "'UTC+02:00'", OK},
        {RULES ".0.timeoutInMinutes", "4", STAGE, "5 and 86400"},
        {RULES ".0.timeoutInMinutes", "5", OK},
        {RULES ".0.commands", "['x']", STAGE, "has no commands"},
        {RULES ".0", RULE("Commands", ",'commands':['make']"), OK},
        {RULES ".0", RULE("Commands", ""), STAGE, "0 commands"},
        {RULES ".0", VARIABLE("^a+$", "MATCHES"), OK},
        {RULES ".0", VARIABLE("(", "MATCHES"), STAGE, "no pattern"},
        {RULES ".0", VARIABLE("a", "LIKE"), STAGE, "Operator cannot be 'LIKE'"},
        {RULES ".0", RULE("CodeBuild", ",'configuration':{'ProjectName':'p'}"), STAGE, "1 to 5"},
        {RULES ".0",
         RULE("CodeBuild", ",'configuration':{'ProjectName':'p'},'inputArtifacts':[{"
                           "'name':'source'}]"),
         OK},
        {RULES ".0",
         RULE("CodeBuild", ",'configuration':{'ProjectName':'p'},'inputArtifacts':[{"
                           "'name':'built'}]"),
         STAGE, "built is not made before"},
    };
    CHECK_ALL(table);
}

static void test_triggers_combine_as_codepipeline_lets_them(void **state) {
    (void)state;
    static const struct change table[] = {
        {PUSH, "[3 {'tags':{'includes':['v%']}}", OK},
        {PUSH, "[4 {'tags':{'includes':['v%']}}", STRUCTURE, "3 of each"},
        {PUSH ".0.branches.includes", "[8 'b%'", OK},
        {PUSH ".0.branches.includes", "[9 'b%'", STRUCTURE, "9 patterns"},
        {PUSH ".0.branches.excludes", "[9 'b%'", STRUCTURE, "9 patterns"},
        {PUSH ".0.branches.includes.0", "@255", OK},
        {PUSH ".0.branches.includes.0", "@256", STRUCTURE, "1 to 255"},
        {PUSH ".0.branches.includes.0", "'[a'", STRUCTURE, "has no ']'"},
        {PUSH ".0.branches", "{}", STRUCTURE, "neither includes nor excludes"},
        {PUSH ".0.tags", "{'includes':['v*']}", STRUCTURE,
         "Make sure to choose valid filter combinations."},
        {PUSH ".0.filePaths", "{'excludes':['docs/**']}", OK},
        {PUSH ".0", "{}", STRUCTURE, "valid filter combinations"},
        {PUSH, "", OK}, /* any push to the branch */
        {PULL, "[{'events':['OPEN','UPDATED','CLOSED'],'branches':{'includes':['main']}}]", OK},
        {PULL, "[{'events':['MERGED'],'branches':{'includes':['main']}}]", STRUCTURE, "'MERGED'"},
        {PULL, "[4 {'events':['OPEN']}", STRUCTURE, "3 of each"},
        {"triggers.0.gitConfiguration.sourceActionName", "'Other'", STRUCTURE,
         "must reference a CodeStarSourceConnection action"},
        {"triggers.0.providerType", "'GitHub'", STRUCTURE, "'GitHub'"},
        {"triggers",
         "[2 {'providerType':'CodeStarSourceConnection','gitConfiguration':{"
         "'sourceActionName':'Trunk','push':[{'tags':{'includes':['v%']}}]}}",
         STRUCTURE, "more than one trigger per source action"},
        {"triggers",
         "[51 {'providerType':'CodeStarSourceConnection','gitConfiguration':{"
         "'sourceActionName':'Trunk%'}}",
         LIMIT, "51 triggers"},
    };
    CHECK_ALL(table);
}

static void test_a_structure_that_needs_v2_and_names_no_type_is_v2(void **state) {
    (void)state;
    static const char *const members[] = {"variables", "triggers"};
    json_t *root = loaded(quoted(good));
    put(root, "pipelineType", "");
    struct definition d;
    struct err err = ERR_INIT;
    assert_int_equal(definition_parse(&arena, json_dump_str(&arena, root), &d, &err), 0);
    assert_true(str_is(d.type, "V2"));
    for (size_t i = 0; i < 2; i++) {
        put(root, members[i], "");
    }
    put(root, "stages.1.beforeEntry", "");
    put(root, "stages.1.actions", "[]");
    assert_int_equal(definition_parse(&arena, json_dump_str(&arena, root), &d, &err), 0);
    assert_true(str_is(d.type, "V1"));
    assert_null(definition_v2_feature(&d));
    json_decref(root);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_and_counts_have_their_limits),
        cmocka_unit_test(test_stages_have_their_order_and_number),
        cmocka_unit_test(test_stores_are_one_or_one_a_region),
        cmocka_unit_test(test_artifacts_are_made_before_they_are_used),
        cmocka_unit_test(test_configurations_are_those_of_their_types),
        cmocka_unit_test(test_members_of_compute_actions_are_theirs_alone),
        cmocka_unit_test(test_references_name_what_ran_before),
        cmocka_unit_test(test_conditions_allow_what_their_kind_allows),
        cmocka_unit_test(test_rules_are_read_when_they_are_defined),
        cmocka_unit_test(test_triggers_combine_as_codepipeline_lets_them),
        cmocka_unit_test(test_a_structure_that_needs_v2_and_names_no_type_is_v2),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_done(&arena);
    return failed;
}
