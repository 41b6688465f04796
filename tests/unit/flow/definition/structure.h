/*
 * For tests of definition_check: one good structure, and changes to it. A change is a path and a
 * value: JSON text with ' for ", "@N" a text of N letters, "@N BEGINNING" one that begins so, "#N"
 * an object of N members, "[N JSON" a list of N of it with '%' replaced by a number, "" the
 * member's absence.
 */
#pragma once

#include "../../cmocka_.h"

#include "flow/definition/definition.h"
#include "platform/text/json.h"

static struct arena arena;

static const char good[] =
    "{'name':'p','roleArn':'arn:aws:iam::111111111111:role/p','pipelineType':'V2',"
    "'artifactStore':{'type':'S3','location':'bucket'},'variables':[{'name':'level'}],"
    "'triggers':[{'providerType':'CodeStarSourceConnection','gitConfiguration':{"
    "'sourceActionName':'Trunk','push':[{'branches':{'includes':['main']}}]}}],'stages':["
    "{'name':'Source','actions':[{'name':'Trunk','namespace':'SourceVariables','actionTypeId':{"
    "'category':'Source','owner':'AWS','provider':'CodeStarSourceConnection','version':'1'},"
    "'configuration':{'ConnectionArn':'c','FullRepositoryId':'local/p','BranchName':'main'},"
    "'outputArtifacts':[{'name':'source'}]}]},"
    "{'name':'Build','beforeEntry':{'conditions':[{'result':'FAIL','rules':[{'name':'window',"
    "'ruleTypeId':{'category':'Rule','owner':'AWS','provider':'DeploymentWindow','version':'1'},"
    "'configuration':{'Cron':'0 0 9-17 ? * MON-FRI *','TimeZone':'Europe/London'}}]}]},"
    "'actions':[{'name':'Unit','namespace':'BuildVariables','actionTypeId':{'category':'Build',"
    "'owner':'AWS','provider':'CodeBuild','version':'1'},'configuration':{'ProjectName':'unit'},"
    "'inputArtifacts':[{'name':'source'}],'outputArtifacts':[{'name':'built'}]},"
    "{'name':'Shell','runOrder':2,'actionTypeId':{'category':'Compute','owner':'AWS','provider':"
    "'Commands','version':'1'},'configuration':{},'commands':['make'],'inputArtifacts':[{'name':"
    "'built'}],'outputArtifacts':[{'name':'out','files':['a.txt']}],'outputVariables':['V'],"
    "'environmentVariables':[{'name':'E','value':'v'}]}]},"
    "{'name':'Deploy','actions':[{'name':'Person','timeoutInMinutes':60,'actionTypeId':{'category':"
    "'Approval','owner':'AWS','provider':'Manual','version':'1'},'configuration':{'CustomData':"
    "'#{SourceVariables.CommitId} #{variables.level} #{codepipeline.PipelineExecutionId}'}},"
    "{'name':'Stack','runOrder':2,'actionTypeId':{'category':'Deploy','owner':'AWS','provider':"
    "'CloudFormation','version':'1'},'configuration':{'ActionMode':'CREATE_UPDATE','StackName':'s',"
    "'RoleArn':'r','TemplatePath':'built::t.yml'},'inputArtifacts':[{'name':'built'}]}]}]}";

static struct str quoted(const char *text) {
    char *copy = (char *)str_dup(&arena, str_c(text)).p;
    for (size_t i = 0; copy[i] != '\0'; i++) {
        copy[i] = copy[i] == '\'' ? '"' : copy[i];
    }
    return str_c(copy);
}

static json_t *loaded(struct str text) {
    json_error_t why;
    json_t *value = json_loadb(text.p, text.n, JSON_DECODE_ANY, &why);
    if (value == NULL) {
        fail_msg("%.*s: %s", STR_ARG(text), why.text);
    }
    return value;
}

/* "N": so many letters. "N BEGINNING": so many characters that begin so. */
static json_t *letters(const char *spec) {
    size_t n = (size_t)strtol(spec, (char **)&spec, 10);
    spec += *spec == ' ';
    char *text = arena_alloc(&arena, n + 1);
    memset(text, 'a', n);
    memcpy(text, spec, strlen(spec));
    return json_stringn(text, n);
}

/* "N": an object of so many members, k1 ... */
static json_t *members_of(const char *spec) {
    json_t *o = json_object();
    for (long i = strtol(spec, NULL, 10); i > 0; i--) {
        json_object_set_new(o, str_printf(&arena, "k%ld", i).p, json_string("v"));
    }
    return o;
}

/* "[N JSON": '%' is replaced by 1, 2 ... */
static json_t *list_of(const char *spec) {
    long n = strtol(spec + 1, (char **)&spec, 10);
    json_t *list = json_array();
    for (long i = 1; i <= n; i++) {
        struct str item = quoted(spec), text = S("");
        struct str part = STR_NONE;
        for (bool first = true; str_cut(&item, '%', &part); first = false) {
            text =
                first ? part : str_printf(&arena, "%.*s%ld%.*s", STR_ARG(text), i, STR_ARG(part));
        }
        json_array_append_new(list, loaded(text));
    }
    return list;
}

static json_t *value_of(const char *spec) {
    if (spec[0] == '@') {
        return letters(spec + 1);
    }
    if (spec[0] == '#') {
        return members_of(spec + 1);
    }
    if (spec[0] == '[' && spec[1] >= '0' && spec[1] <= '9') {
        return list_of(spec);
    }
    return loaded(quoted(spec));
}

/* "stages.1.actions.0.name": the parent; *ret_key the last part. */
static json_t *walk(json_t *root, struct str path, struct str *ret_key) {
    json_t *at = root;
    while (str_find_c(path, '.', 0) != (size_t)-1) {
        struct str part = STR_NONE;
        long long index = 0;
        str_cut(&path, '.', &part);
        at = str_to_i64(part, &index) && json_is_array(at)
                 ? json_array_get(at, (size_t)index)
                 : json_object_get(at, str_z(&arena, part));
        if (at == NULL) {
            fail_msg("no %.*s on the way", STR_ARG(part));
        }
    }
    *ret_key = path;
    return at;
}

static void put(json_t *root, const char *path, const char *spec) {
    struct str key = STR_NONE;
    json_t *parent = walk(root, str_c(path), &key);
    long long index = 0;
    if (json_is_array(parent)) {
        assert_true(str_to_i64(key, &index));
        if ((size_t)index < json_array_size(parent)) {
            json_array_set_new(parent, (size_t)index, value_of(spec));
        } else {
            json_array_append_new(parent, value_of(spec));
        }
    } else if (spec[0] == '\0') {
        json_object_del(parent, str_z(&arena, key));
    } else {
        json_object_set_new(parent, str_z(&arena, key), value_of(spec));
    }
}

/* The structure's fault, and words of its message; NONE: it is good. `what` names it. */
static void expect_fault(const json_t *root, const char *what, enum def_fault fault,
                         const char *words) {
    struct definition d;
    struct err err = ERR_INIT;
    enum def_fault got = DEF_FAULT_NONE;
    assert_int_equal(definition_parse(&arena, json_dump_str(&arena, root), &d, &err), 0);
    int result = definition_check(&d, S("eu-west-2"), &got, &err);
    if (fault == DEF_FAULT_NONE ? result < 0 : result == 0 || got != fault) {
        fail_msg("%s: fault %d, '%s'", what, (int)got, result < 0 ? err.msg : "");
    }
    if (words != NULL && strstr(err.msg, words) == NULL) {
        fail_msg("%s: '%s' does not say '%s'", what, err.msg, words);
    }
}

#define OK DEF_FAULT_NONE
#define STRUCTURE DEF_FAULT_STRUCTURE
#define STAGE DEF_FAULT_STAGE
#define ACTION DEF_FAULT_ACTION
#define LIMIT DEF_FAULT_LIMIT

/* Rows of the tables leave out what they do not need. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

#define MANUAL                                                                                     \
    "'actionTypeId':{'category':'Approval','owner':'AWS','provider':'Manual','version':'1'}"
#define RULES "stages.1.beforeEntry.conditions.0.rules"
#define PUSH "triggers.0.gitConfiguration.push"
#define PULL "triggers.0.gitConfiguration.pullRequest"
