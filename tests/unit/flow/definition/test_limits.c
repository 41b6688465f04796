/*
 * Every limit of a pipeline's structure that CodePipeline documents: one below it, at it, and one
 * above, by a row that names the limit. The facts are the structure reference's, the quotas' and
 * the service model's. Over the wire most of them are told before, by the model: that half is
 * tests/e2e/services/codepipeline_limits.test.js. Here they hold for every way in.
 */
#include "structure.h"

struct put {
    const char *path, *value;
};

struct limit {
    const char *name;
    const char *path;
    const char *below, *at, *above; /* values of the path; at is good; NULL: not tried */
    enum def_fault too_small;       /* what `below` is; OK: good */
    enum def_fault too_large;       /* what `above` is; OK: good */
    const char *words;              /* of the message */
    struct put with[3];             /* what all three need, made before */
};

static void try_limit(const struct limit *l) {
    const char *const values[] = {l->below, l->at, l->above};
    const enum def_fault faults[] = {l->too_small, OK, l->too_large};
    if (l->too_small == OK && l->too_large == OK) {
        fail_msg("%s: limits nothing", l->name);
    }
    for (size_t i = 0; i < 3; i++) {
        if (values[i] == NULL) {
            continue;
        }
        json_t *root = loaded(quoted(good));
        for (size_t k = 0; k < 3 && l->with[k].path != NULL; k++) {
            put(root, l->with[k].path, l->with[k].value);
        }
        put(root, l->path, values[i]);
        expect_fault(root, str_printf(&arena, "%s: %s", l->name, values[i]).p, faults[i],
                     faults[i] != OK ? l->words : NULL);
        json_decref(root);
    }
}

#define TRY_ALL(table)                                                                             \
    for (size_t i = 0; i < sizeof(table) / sizeof((table)[0]); i++) {                              \
        try_limit(&(table)[i]);                                                                    \
    }

#define A25 "aaaaaaaaaaaaaaaaaaaaaaaaa"
#define A49 A25 "aaaaaaaaaaaaaaaaaaaaaaaa"
#define A127 A49 A49 A25 "aaaa"
#define ROLE " arn:aws:iam::111111111111:role/"
#define DIGITS_11 "'arn:aws:iam::11111111111"

static void test_the_pipeline_itself(void **state) {
    (void)state;
    static const struct limit table[] = {
        {"name: at most 100", "name", "@99", "@100", "@101", OK, STRUCTURE, "pipeline name"},
        {"name: at least 1", "name", "''", "@1", "@2", STRUCTURE, OK, "pipeline name"},
        {"roleArn: at most 1024", "roleArn", "@1023" ROLE, "@1024" ROLE, "@1025" ROLE, OK,
         STRUCTURE, "roleArn"},
        {"roleArn: 12 digits", "roleArn", DIGITS_11 ":role/p'", DIGITS_11 "1:role/p'",
         DIGITS_11 "11:role/p'", STRUCTURE, STRUCTURE, "roleArn"},
        {"variables: at most 50",
         "variables",
         "[49 {'name':'v%'}",
         "[50 {'name':'v%'}",
         "[51 {'name':'v%'}",
         OK,
         STRUCTURE,
         "51 variables",
         {{"stages.2.actions.0.configuration", "{}"}}},
        {"variable's name: at most 128",
         "variables.1.name",
         "@127",
         "@128",
         "@129",
         OK,
         STRUCTURE,
         "variable name",
         {{"variables.1", "{}"}}},
        {"variable's name: at least 1",
         "variables.1.name",
         "''",
         "@1",
         "@2",
         STRUCTURE,
         OK,
         "variable name",
         {{"variables.1", "{}"}}},
        {"variable's default: at most 1000", "variables.0.defaultValue", "@999", "@1000", "@1001",
         OK, STRUCTURE, "level"},
        {"variable's default: at least 1", "variables.0.defaultValue", "''", "@1", "@2", STRUCTURE,
         OK, "level"},
        {"variable's description: at most 200", "variables.0.description", "@199", "@200", "@201",
         OK, STRUCTURE, "description"},
    };
    TRY_ALL(table);
}

#define STORE "{'type':'S3','location':'bucket'}"
#define STORES(region) "{'eu-west-2':" STORE ",'" region "':" STORE "}"
#define STORES_2(one, two) "{'eu-west-2':" STORE ",'" one "':" STORE ",'" two "':" STORE "}"

static void test_stores_and_regions(void **state) {
    (void)state;
    static const struct limit table[] = {
        {"artifactStores: at least 1",
         "artifactStores",
         "{}",
         "{'eu-west-2':" STORE "}",
         STORES("us-east-1"),
         STRUCTURE,
         OK,
         "no artifact store",
         {{"artifactStore", ""}}},
        {"location: at least 3", "artifactStore.location", "@2", "@3", "@4", STRUCTURE, OK,
         "bucket"},
        {"location: at most 63", "artifactStore.location", "@62", "@63", "@64", OK, STRUCTURE,
         "bucket"},
        {"encryptionKey.id: at most 400",
         "artifactStore.encryptionKey.id",
         "@399",
         "@400",
         "@401",
         OK,
         STRUCTURE,
         "encryption key",
         {{"artifactStore.encryptionKey", "{'type':'KMS'}"}}},
        {"encryptionKey.id: at least 1",
         "artifactStore.encryptionKey.id",
         "''",
         "@1",
         "@2",
         STRUCTURE,
         OK,
         "encryption key",
         {{"artifactStore.encryptionKey", "{'type':'KMS'}"}}},
        {"region of a store: at least 4",
         "artifactStores",
         STORES("aaa"),
         STORES("aaaa"),
         STORES("aaaaa"),
         STRUCTURE,
         OK,
         "no region",
         {{"artifactStore", ""}}},
        {"region of a store: at most 30",
         "artifactStores",
         STORES(A25 "aaaa"),
         STORES(A25 "aaaaa"),
         STORES(A25 "aaaaaa"),
         OK,
         STRUCTURE,
         "no region",
         {{"artifactStore", ""}}},
        {"region of a rule: at least 4", RULES ".0.region", "@3", "@4", "@5", STAGE, OK,
         "no region"},
        {"region of a rule: at most 30", RULES ".0.region", "@29", "@30", "@31", OK, STAGE,
         "no region"},
        {"region of an action: at least 4",
         "stages.1.actions.0.region",
         "@3",
         "@4",
         "@5",
         ACTION,
         OK,
         "no region",
         {{"artifactStore", ""}, {"artifactStores", STORES_2("aaaa", "aaaaa")}}},
        {"region of an action: at most 30",
         "stages.1.actions.0.region",
         "@29",
         "@30",
         "@31",
         OK,
         ACTION,
         "no region",
         {{"artifactStore", ""}, {"artifactStores", STORES_2(A25 "aaaa", A25 "aaaaa")}}},
    };
    TRY_ALL(table);
}

static void test_actions_and_their_members(void **state) {
    (void)state;
#define UNIT "stages.1.actions.0."
#define SHELL "stages.1.actions.1."
#define PERSON "stages.2.actions.0."
    static const struct limit table[] = {
        {"stage's name: at most 100", "stages.1.name", "@99", "@100", "@101", OK, STAGE,
         "stage name"},
        {"stage's name: at least 1", "stages.1.name", "''", "@1", "@2", STAGE, OK, "stage name"},
        {"actions of a stage: at least 1", "stages.2.actions", "[]", "[1 {'name':'a%'," MANUAL "}",
         "[2 {'name':'a%'," MANUAL "}", STAGE, OK, "1 to 50"},
        {"actions of a stage: at most 50", "stages.2.actions", "[49 {'name':'a%'," MANUAL "}",
         "[50 {'name':'a%'," MANUAL "}", "[51 {'name':'a%'," MANUAL "}", OK, STAGE, "51 actions"},
        {"action's name: at most 100", UNIT "name", "@99", "@100", "@101", OK, ACTION,
         "Stage Build"},
        {"action's name: at least 1", UNIT "name", "''", "@1", "@2", ACTION, OK, "Stage Build"},
        {"runOrder: at least 1", UNIT "runOrder", "0", "1", "1", ACTION, OK, "runOrder 0"},
        {"runOrder: at most 999", SHELL "runOrder", "998", "999", "1000", OK, ACTION,
         "runOrder 1000"},
        {"configuration's key: at most 50", UNIT "configuration",
         "{'ProjectName':'u','" A49 "':'v'}", "{'ProjectName':'u','" A49 "a':'v'}",
         "{'ProjectName':'u','" A49 "aa':'v'}", OK, ACTION, "1 to 50"},
        {"configuration's key: at least 1", UNIT "configuration", "{'ProjectName':'u','':'v'}",
         "{'ProjectName':'u','a':'v'}", "{'ProjectName':'u','ab':'v'}", ACTION, OK, "1 to 50"},
        {"configuration's value: at most 1000", UNIT "configuration.ProjectName", "@999", "@1000",
         "@1001", OK, ACTION, "1 to 1000"},
        {"configuration's value: at least 1", UNIT "configuration.Else", "''", "@1", "@2", ACTION,
         OK, "1 to 1000"},
        {"commands: at least 1", SHELL "commands", "[]", "[1 'make'", "[2 'make'", ACTION, OK,
         "0 commands"},
        {"commands: at most 50", SHELL "commands", "[49 'make'", "[50 'make'", "[51 'make'", OK,
         ACTION, "51 commands"},
        {"command: at most 1000", SHELL "commands.0", "@999", "@1000", "@1001", OK, ACTION,
         "command 1"},
        {"command: at least 1", SHELL "commands.0", "''", "@1", "@2", ACTION, OK, "command 1"},
        {"output.files: at most 10", SHELL "outputArtifacts.0.files", "[9 'f%'", "[10 'f%'",
         "[11 'f%'", OK, ACTION, "1 to 10 files"},
        {"output.files: at most 128 each", SHELL "outputArtifacts.0.files.0", "@127", "@128",
         "@129", OK, ACTION, "1 to 128"},
        {"output.files: at least 1 each", SHELL "outputArtifacts.0.files.0", "''", "@1", "@2",
         ACTION, OK, "1 to 128"},
        {"artifact's name: at most 100", SHELL "outputArtifacts.0.name", "@99", "@100", "@101", OK,
         ACTION, "artifact's name"},
        {"artifact's name: at least 1", SHELL "outputArtifacts.0.name", "''", "@1", "@2", ACTION,
         OK, "artifact's name"},
        {"outputVariables: at most 15", SHELL "outputVariables", "[14 'V%'", "[15 'V%'", "[16 'V%'",
         OK, ACTION, "16 output variables"},
        {"outputVariables: at most 128 each", SHELL "outputVariables.0", "@127", "@128", "@129", OK,
         ACTION, "1 to 128"},
        {"outputVariables: at least 1 each", SHELL "outputVariables.0", "''", "@1", "@2", ACTION,
         OK, "1 to 128"},
        {"environmentVariables: at most 10", SHELL "environmentVariables",
         "[9 {'name':'E%','value':'v'}", "[10 {'name':'E%','value':'v'}",
         "[11 {'name':'E%','value':'v'}", OK, ACTION, "11"},
        {"environment variable's name: at most 128", SHELL "environmentVariables.0.name", "@127",
         "@128", "@129", OK, ACTION, "1 to 128"},
        {"environment variable's name: at least 1", SHELL "environmentVariables.0.name", "''", "@1",
         "@2", ACTION, OK, "1 to 128"},
        {"environment variable's value: at most 2000", SHELL "environmentVariables.0.value",
         "@1999", "@2000", "@2001", OK, ACTION, "2000"},
        {"environment variable's value: at least 1", SHELL "environmentVariables.0.value", "''",
         "@1", "@2", ACTION, OK, "2000"},
        {"action's roleArn: at most 1024", UNIT "roleArn", "@1023" ROLE, "@1024" ROLE, "@1025" ROLE,
         OK, ACTION, "roleArn"},
        {"namespace: at most 100", SHELL "namespace", "@99", "@100", "@101", OK, ACTION,
         "namespace"},
        {"namespace: at least 1", SHELL "namespace", "''", "@1", "@2", ACTION, OK, "namespace"},
        {"timeoutInMinutes: at least 5", PERSON "timeoutInMinutes", "4", "5", "6", ACTION, OK,
         "timeoutInMinutes"},
        {"timeoutInMinutes: at most 86400", PERSON "timeoutInMinutes", "86399", "86400", "86401",
         OK, ACTION, "timeoutInMinutes"},
    };
    TRY_ALL(table);
}

#define ALARM                                                                                      \
    "{'name':'r%','ruleTypeId':{'category':'Rule','owner':'AWS','provider':'CloudWatchAlarm',"     \
    "'version':'1'},'configuration':{'AlarmName':'a'}}"
#define GATE "{'result':'FAIL','rules':[" ALARM "]}"
/* Of the one type that takes any configuration. */
#define SHELL_RULE                                                                                 \
    "{'name':'r','ruleTypeId':{'category':'Rule','owner':'AWS','provider':'Commands','version':"   \
    "'1'},'configuration':{},'commands':['make']}"
#define TAG "{'tags':{'includes':['v%']}}"
#define OPEN "{'events':['OPEN']}"

static void test_conditions_and_rules(void **state) {
    (void)state;
    static const struct limit table[] = {
        {"conditions: one", "stages.1.beforeEntry.conditions", NULL, "[1 " GATE, "[2 " GATE, OK,
         STAGE, "2 conditions"},
        {"rules: at least 1", RULES, "[]", "[1 " ALARM, "[2 " ALARM, STAGE, OK, "0 rules"},
        {"rules: at most 5", RULES, "[4 " ALARM, "[5 " ALARM, "[6 " ALARM, OK, STAGE, "6 rules"},
        {"rule's name: at most 100", RULES ".0.name", "@99", "@100", "@101", OK, STAGE, "name"},
        {"rule's name: at least 1", RULES ".0.name", "''", "@1", "@2", STAGE, OK, "name"},
        {"rule's configuration: at most 200 keys",
         RULES ".0.configuration",
         "#199",
         "#200",
         "#201",
         OK,
         STAGE,
         "201 configuration keys",
         {{RULES ".0", SHELL_RULE}}},
        {"rule's key: at most 50",
         RULES ".0.configuration",
         "{'" A49 "':'v'}",
         "{'" A49 "a':'v'}",
         "{'" A49 "aa':'v'}",
         OK,
         STAGE,
         "1 to 50",
         {{RULES ".0", SHELL_RULE}}},
        {"rule's value: at most 10000",
         RULES ".0.configuration.k",
         "@9999",
         "@10000",
         "@10001",
         OK,
         STAGE,
         "10000",
         {{RULES ".0", SHELL_RULE}}},
        {"rule's value: at least 1",
         RULES ".0.configuration.k",
         "''",
         "@1",
         "@2",
         STAGE,
         OK,
         "10000",
         {{RULES ".0", SHELL_RULE}}},
        {"rule's commands: at least 1",
         RULES ".0.commands",
         "[]",
         "[1 'make'",
         "[2 'make'",
         STAGE,
         OK,
         "0 commands",
         {{RULES ".0", SHELL_RULE}}},
        {"rule's commands: at most 50",
         RULES ".0.commands",
         "[49 'make'",
         "[50 'make'",
         "[51 'make'",
         OK,
         STAGE,
         "51 commands",
         {{RULES ".0", SHELL_RULE}}},
        {"rule's command: at most 1000",
         RULES ".0.commands.0",
         "@999",
         "@1000",
         "@1001",
         OK,
         STAGE,
         "command 1",
         {{RULES ".0", SHELL_RULE}}},
        {"rule's roleArn: at most 1024", RULES ".0.roleArn", "@1023" ROLE, "@1024" ROLE,
         "@1025" ROLE, OK, STAGE, "roleArn"},
        {"rule's timeoutInMinutes: at least 5", RULES ".0.timeoutInMinutes", "4", "5", "6", STAGE,
         OK, "5 and 86400"},
        {"rule's timeoutInMinutes: at most 86400", RULES ".0.timeoutInMinutes", "86399", "86400",
         "86401", OK, STAGE, "5 and 86400"},
    };
    TRY_ALL(table);
}

static void test_filters_of_triggers(void **state) {
    (void)state;
    static const struct limit table[] = {
        {"push: at most 3", PUSH, "[2 " TAG, "[3 " TAG, "[4 " TAG, OK, STRUCTURE, "3 of each"},
        {"pullRequest: at most 3", PULL, "[2 " OPEN, "[3 " OPEN, "[4 " OPEN, OK, STRUCTURE,
         "3 of each"},
        {"events: at most 3",
         PULL ".0.events",
         "['OPEN','UPDATED']",
         "['OPEN','UPDATED','CLOSED']",
         "['OPEN','UPDATED','CLOSED','OPEN']",
         OK,
         STRUCTURE,
         "4 events",
         {{PULL, "[1 " OPEN}}},
        {"includes: at most 8", PUSH ".0.branches.includes", "[7 'b%'", "[8 'b%'", "[9 'b%'", OK,
         STRUCTURE, "9 patterns"},
        {"excludes: at most 8", PUSH ".0.branches.excludes", "[7 'b%'", "[8 'b%'", "[9 'b%'", OK,
         STRUCTURE, "9 patterns"},
        {"pattern: at most 255", PUSH ".0.branches.includes.0", "@254", "@255", "@256", OK,
         STRUCTURE, "1 to 255"},
        {"pattern: at least 1", PUSH ".0.branches.includes.0", "''", "@1", "@2", STRUCTURE, OK,
         "1 to 255"},
    };
    TRY_ALL(table);
}

/* ---- counts of stages, actions and triggers, and the triggers' size ---- */

static void add(json_t *list, struct str text) {
    assert_int_equal(json_array_append_new(list, loaded(quoted(text.p))), 0);
}

static json_t *trunk(size_t number) {
    return loaded(quoted(str_printf(&arena,
                                    "{'name':'T%zu','actionTypeId':{'category':'Source','owner':"
                                    "'AWS','provider':'CodeStarSourceConnection','version':'1'},"
                                    "'configuration':{'ConnectionArn':'c','FullRepositoryId':'l/p',"
                                    "'BranchName':'main'},'outputArtifacts':[{'name':'t%zu'}]}",
                                    number, number)
                             .p));
}

/* A pipeline of that many sources, and of stages of that many approvals behind them. */
static json_t *pipeline_of(size_t sources, size_t stages, size_t actions) {
    json_t *root = loaded(quoted(good));
    json_t *list = json_array(), *first = json_array();
    put(root, "triggers", "");
    for (size_t i = 0; i < sources; i++) {
        json_array_append_new(first, trunk(i));
    }
    json_array_append_new(list, json_pack("{s:s,s:o}", "name", "Source", "actions", first));
    for (size_t i = 1; i < stages; i++) {
        json_t *all = json_array();
        for (size_t k = 0; k < actions; k++) {
            add(all, str_printf(&arena, "{'name':'a%zu'," MANUAL "}", k));
        }
        struct str name = str_printf(&arena, "s%zu", i);
        json_array_append_new(list, json_pack("{s:s,s:o}", "name", name.p, "actions", all));
    }
    json_object_set_new(root, "stages", list);
    return root;
}

static void expect_pipeline(json_t *root, const char *what, enum def_fault fault,
                            const char *words) {
    expect_fault(root, what, fault, words);
    json_decref(root);
}

static void test_stages_are_2_to_50(void **state) {
    (void)state;
    expect_pipeline(pipeline_of(1, 1, 0), "1 stage", STRUCTURE, "minimum of 2 stages");
    expect_pipeline(pipeline_of(1, 2, 1), "2 stages", OK, NULL);
    expect_pipeline(pipeline_of(1, 3, 1), "3 stages", OK, NULL);
    expect_pipeline(pipeline_of(1, 49, 1), "49 stages", OK, NULL);
    expect_pipeline(pipeline_of(1, 50, 1), "50 stages", OK, NULL);
    expect_pipeline(pipeline_of(1, 51, 1), "51 stages", STRUCTURE, "51 stages");
    expect_pipeline(pipeline_of(0, 2, 1), "no source", STAGE, "0 actions");
}

static void test_actions_of_a_pipeline_are_at_most_1000(void **state) {
    (void)state;
    expect_pipeline(pipeline_of(19, 50, 20), "999 actions", OK, NULL);
    expect_pipeline(pipeline_of(20, 50, 20), "1000 actions", OK, NULL);
    expect_pipeline(pipeline_of(21, 50, 20), "1001 actions", LIMIT, "1001 actions");
}

static json_t *pipeline_of_triggers(size_t n) {
    json_t *root = pipeline_of(50, 2, 1), *list = json_array();
    for (size_t i = 0; i < n; i++) {
        add(list, str_printf(&arena,
                             "{'providerType':'CodeStarSourceConnection','gitConfiguration':{"
                             "'sourceActionName':'T%zu','push':[{'tags':{'includes':['v']}}]}}",
                             i));
    }
    json_object_set_new(root, "triggers", list);
    return root;
}

static void test_triggers_are_at_most_50(void **state) {
    (void)state;
    expect_pipeline(pipeline_of_triggers(49), "49 triggers", OK, NULL);
    expect_pipeline(pipeline_of_triggers(50), "50 triggers", OK, NULL);
    expect_pipeline(pipeline_of_triggers(51), "51 triggers", LIMIT, "51 triggers");
}

/* Triggers whose JSON has that many bytes: whatever it says, it counts. */
static json_t *pipeline_of_bytes(size_t bytes) {
    json_t *root = loaded(quoted(good));
    put(root, "triggers.0.padding", "''");
    size_t before = json_dump_str(&arena, json_object_get(root, "triggers")).n;
    put(root, "triggers.0.padding", str_printf(&arena, "@%zu", bytes - before).p);
    assert_int_equal(json_dump_str(&arena, json_object_get(root, "triggers")).n, bytes);
    return root;
}

static void test_triggers_together_have_200_kilobytes(void **state) {
    (void)state;
    expect_pipeline(pipeline_of_bytes(200 * 1024 - 1), "one byte less", OK, NULL);
    expect_pipeline(pipeline_of_bytes(200 * 1024), "200 KB", OK, NULL);
    expect_pipeline(pipeline_of_bytes(200 * 1024 + 1), "one byte more", LIMIT, "200 KB");
}

/* ---- artifacts of each provider ---- */

struct artifacts {
    const char *category, *provider, *configuration;
    size_t min_in, max_in, min_out, max_out;
};

static struct str artifacts_text(const char *prefix, size_t n) {
    struct str text = S("");
    for (size_t i = 0; i < n; i++) {
        text = str_printf(&arena, "%.*s%s{'name':'%s%zu'}", STR_ARG(text), i > 0 ? "," : "", prefix,
                          i);
    }
    return text;
}

/* The action stands behind eleven sources: in their stage if it is one, else in the next. */
static void try_artifacts(const struct artifacts *t, size_t in, size_t out) {
    bool source = strcmp(t->category, "Source") == 0;
    bool compute = strcmp(t->category, "Compute") == 0;
    const char *words = in < t->min_in || out < t->min_out   ? "less than the minimum count"
                        : in > t->max_in || out > t->max_out ? "more than the maximum count"
                                                             : NULL;
    json_t *root = pipeline_of(11, 2, 1);
    struct str action = str_printf(
        &arena,
        "{'name':'It','runOrder':2,'actionTypeId':{'category':'%s','owner':'AWS','provider':'%s',"
        "'version':'1'},'configuration':%s%s,'inputArtifacts':[%.*s],'outputArtifacts':[%.*s]}",
        t->category, t->provider, t->configuration, compute ? ",'commands':['make']" : "",
        STR_ARG(artifacts_text("t", in)), STR_ARG(artifacts_text("made", out)));
    put(root, source ? "stages.0.actions.11" : "stages.1.actions.1", action.p);
    expect_pipeline(
        root, str_printf(&arena, "%s/%s: %zu in, %zu out", t->category, t->provider, in, out).p,
        words != NULL ? ACTION : OK, words);
}

static void test_artifacts_of_each_provider(void **state) {
    (void)state;
#define BUILD "{'ProjectName':'p','PrimarySource':'t0'}"
    static const struct artifacts table[] = {
        {"Source", "CodeStarSourceConnection",
         "{'ConnectionArn':'c','FullRepositoryId':'l/p','BranchName':'b'}", 0, 0, 1, 1},
        {"Source", "S3", "{'S3Bucket':'b','S3ObjectKey':'k'}", 0, 0, 1, 1},
        {"Source", "CodeCommit", "{'RepositoryName':'r','BranchName':'b'}", 0, 0, 1, 1},
        {"Source", "ECR", "{'RepositoryName':'r'}", 0, 0, 1, 1},
        {"Build", "CodeBuild", BUILD, 1, 5, 0, 5},
        {"Test", "CodeBuild", BUILD, 1, 5, 0, 5},
        {"Approval", "Manual", "{}", 0, 0, 0, 0},
        {"Compute", "Commands", "{}", 1, 10, 0, 1},
        {"Invoke", "Lambda", "{'FunctionName':'f'}", 0, 5, 0, 5},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        const struct artifacts *t = &table[i];
        size_t in = t->min_in > 0 ? t->min_in - 1 : 0;
        for (; in <= t->max_in + 1; in++) {
            try_artifacts(t, in, t->min_out);
        }
        size_t out = t->min_out > 0 ? t->min_out - 1 : 0;
        for (; out <= t->max_out + 1; out++) {
            try_artifacts(t, t->min_in, out);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_pipeline_itself),
        cmocka_unit_test(test_stores_and_regions),
        cmocka_unit_test(test_actions_and_their_members),
        cmocka_unit_test(test_conditions_and_rules),
        cmocka_unit_test(test_filters_of_triggers),
        cmocka_unit_test(test_stages_are_2_to_50),
        cmocka_unit_test(test_actions_of_a_pipeline_are_at_most_1000),
        cmocka_unit_test(test_triggers_are_at_most_50),
        cmocka_unit_test(test_triggers_together_have_200_kilobytes),
        cmocka_unit_test(test_artifacts_of_each_provider),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_done(&arena);
    return failed;
}
