/* Compiles a release into what CodePipeline's and CodeBuild's APIs take; release_yml.h. */
#include "flow/definition/release_yml.h"

#include "platform/text/json.h"

enum { MAX_CONNECTION_NAME = 32 };

struct compiler {
    struct arena *a;
    const struct release_yml *r;
    const struct release_accounts *accounts;
    const struct release_account *home;
    struct str connection_arn;
    struct release_plan *plan;
};

static struct str role_arn(const struct compiler *c, struct str role, struct str usual) {
    if (role.p && str_starts(role, S("arn:"))) {
        return role;
    }
    return str_printf(c->a, "arn:aws:iam::" STR_FMT ":role/" STR_FMT, STR_ARG(c->home->id),
                      STR_ARG(role.p ? role : usual));
}

static struct str project_name(const struct compiler *c, const struct release_build *b) {
    return str_printf(c->a, STR_FMT "-" STR_FMT, STR_ARG(c->r->name), STR_ARG(b->name));
}

static json_t *one(json_t *item) {
    json_t *list = json_array();
    json_array_append_new(list, item);
    return list;
}

static json_t *texts(const struct str_list *l) {
    json_t *list = json_array();
    for (size_t i = 0; i < l->n; i++) {
        json_array_append_new(list, json_from_str(l->v[i]));
    }
    return list;
}

static json_t *named(const char *key, struct str value) {
    json_t *o = json_object();
    json_set_str(o, key, value);
    return o;
}

static json_t *type_id(const char *category, const char *provider) {
    json_t *o = json_object();
    json_set_str(o, "category", str_c(category));
    json_set_str(o, "owner", S("AWS"));
    json_set_str(o, "provider", str_c(provider));
    json_set_str(o, "version", S("1"));
    return o;
}

static json_t *action(const char *name, const char *category, const char *provider,
                      json_t *configuration) {
    json_t *o = json_object();
    json_set_str(o, "name", str_c(name));
    json_set(o, "actionTypeId", type_id(category, provider));
    json_set(o, "runOrder", json_integer(1));
    json_set(o, "configuration", configuration);
    return o;
}

static json_t *stage(struct str name, json_t *its_action, json_t *entry) {
    json_t *o = json_object();
    json_set_str(o, "name", name);
    json_set(o, "actions", one(its_action));
    if (entry) {
        json_set(o, "beforeEntry", entry);
    }
    return o;
}

static json_t *source_stage(const struct compiler *c) {
    json_t *configuration = json_object();
    json_set_str(configuration, "ConnectionArn", c->connection_arn);
    json_set_str(configuration, "FullRepositoryId", c->r->full_repository_id);
    json_set_str(configuration, "BranchName", c->r->branch);
    json_set_str(configuration, "OutputArtifactFormat", S("CODE_ZIP"));
    json_set_str(configuration, "DetectChanges", S("false")); /* the trigger below does */
    json_t *o = action("Source", "Source", "CodeStarSourceConnection", configuration);
    json_set(o, "outputArtifacts", one(named("name", S("source"))));
    json_set(o, "inputArtifacts", json_array());
    json_set_str(o, "namespace", S("SourceVariables"));
    return stage(S("Source"), o, NULL);
}

static json_t *build_stage(const struct compiler *c, const struct release_build *b,
                           struct str stage_name, json_t *entry) {
    json_t *o = action("Build", "Build", "CodeBuild", named("ProjectName", project_name(c, b)));
    json_set(o, "outputArtifacts", json_array());
    json_set(o, "inputArtifacts", one(named("name", S("source"))));
    json_set_str(o, "namespace", stage_name);
    return stage(stage_name, o, entry);
}

static const struct release_account *account_of(const struct compiler *c, struct str name) {
    for (size_t i = 0; i < c->accounts->n; i++) {
        if (str_eq(c->accounts->v[i].name, name)) {
            return &c->accounts->v[i];
        }
    }
    return NULL;
}

/* One rule per alarm of the environment before this one; any in ALARM keeps the stage shut. */
static json_t *gate(const struct compiler *c, size_t environment) {
    if (!c->r->environments.v[environment].gated) {
        return NULL;
    }
    const struct release_account *before =
        account_of(c, c->r->environments.v[environment - 1].account);
    json_t *rules = json_array();
    for (size_t i = 0; i < c->r->gate_alarms.n; i++) {
        json_t *configuration = json_object();
        json_set_str(configuration, "AlarmName", c->r->gate_alarms.v[i]);
        json_set_str(configuration, "AlarmStates", S("ALARM"));
        json_set_str(configuration, "WaitTime", str_printf(c->a, "%d", c->r->gate_wait_minutes));
        json_t *rule = json_object();
        json_set_str(rule, "name", str_printf(c->a, "alarm-%zu", i + 1));
        json_set(rule, "ruleTypeId", type_id("Rule", "CloudWatchAlarm"));
        json_set(rule, "configuration", configuration);
        json_set(rule, "inputArtifacts", json_array());
        json_set_str(
            rule, "roleArn",
            str_printf(c->a, "arn:aws:iam::" STR_FMT ":role/observer", STR_ARG(before->id)));
        json_set_str(rule, "region", before->region);
        json_array_append_new(rules, rule);
    }
    json_t *condition = named("result", S("FAIL"));
    json_set(condition, "rules", rules);
    json_t *entry = json_object();
    json_set(entry, "conditions", one(condition));
    return entry;
}

static json_t *approval_stage(const struct compiler *c, size_t environment) {
    const struct release_environment *e = &c->r->environments.v[environment];
    json_t *configuration = json_object();
    if (c->plan->topic_arn.p) {
        json_set_str(configuration, "NotificationArn", c->plan->topic_arn);
    }
    json_set_str(configuration, "CustomData",
                 str_printf(c->a, "Release of " STR_FMT " to " STR_FMT, STR_ARG(c->r->name),
                            STR_ARG(e->build.name)));
    json_t *o = action("Approve", "Approval", "Manual", configuration);
    json_set(o, "outputArtifacts", json_array());
    json_set(o, "inputArtifacts", json_array());
    return stage(str_printf(c->a, STR_FMT "-Approve", STR_ARG(e->stage)), o, gate(c, environment));
}

static json_t *stages(const struct compiler *c) {
    json_t *list = json_array();
    json_array_append_new(list, source_stage(c));
    if (c->r->has_test) {
        json_array_append_new(list, build_stage(c, &c->r->test, S("Test"), NULL));
    }
    for (size_t i = 0; i < c->r->environments.n; i++) {
        const struct release_environment *e = &c->r->environments.v[i];
        if (e->approval) {
            json_array_append_new(list, approval_stage(c, i));
        }
        json_array_append_new(list, build_stage(c, &e->build, e->stage, gate(c, i)));
    }
    return list;
}

static json_t *triggers(const struct compiler *c) {
    json_t *branches = json_object();
    json_set(branches, "includes", one(json_from_str(c->r->branch)));
    json_t *push = json_object();
    json_set(push, "branches", branches);
    if (c->r->ignore.n) {
        json_t *paths = json_object();
        json_set(paths, "excludes", texts(&c->r->ignore));
        json_set(push, "filePaths", paths);
    }
    json_t *git = named("sourceActionName", S("Source"));
    json_set(git, "push", one(push));
    json_t *trigger = named("providerType", S("CodeStarSourceConnection"));
    json_set(trigger, "gitConfiguration", git);
    return one(trigger);
}

static struct str pipeline_json(const struct compiler *c) {
    json_t *store = json_object();
    json_set_str(store, "type", S("S3"));
    json_set_str(store, "location", c->r->bucket);
    json_t *o cleanup_json = json_object();
    json_set_str(o, "name", c->r->name);
    json_set_str(
        o, "roleArn",
        role_arn(c, c->r->role, str_printf(c->a, STR_FMT "-pipeline", STR_ARG(c->r->name))));
    json_set(o, "artifactStore", store);
    json_set(o, "stages", stages(c));
    json_set_str(o, "executionMode", S("SUPERSEDED"));
    json_set_str(o, "pipelineType", S("V2"));
    json_set(o, "triggers", triggers(c));
    return json_dump_str(c->a, o);
}

static void variable(json_t *list, struct str name, struct str value) {
    json_t *o = named("name", name);
    json_set_str(o, "value", value);
    json_set_str(o, "type", S("PLAINTEXT"));
    json_array_append_new(list, o);
}

static void add_project(const struct compiler *c, const struct release_build *b, bool environment) {
    struct str name = project_name(c, b);
    json_t *variables = json_array();
    if (environment) {
        variable(variables, S("ENV"), b->name);
    }
    for (size_t i = 0; i < b->variables.n; i++) {
        variable(variables, b->variables.v[i].key, b->variables.v[i].value);
    }
    json_t *source = named("type", S("CODEPIPELINE"));
    json_set_str(source, "buildspec", b->buildspec);
    json_t *machine = named("type", S("LINUX_CONTAINER"));
    json_set_str(machine, "image", b->image);
    json_set_str(machine, "computeType", S("BUILD_GENERAL1_SMALL"));
    json_set(machine, "environmentVariables", variables);
    json_t *o cleanup_json = named("name", name);
    json_set_str(o, "description",
                 environment ? str_printf(c->a, "Releases " STR_FMT " to " STR_FMT,
                                          STR_ARG(c->r->name), STR_ARG(b->name))
                             : str_printf(c->a, "Tests " STR_FMT, STR_ARG(c->r->name)));
    json_set(o, "source", source);
    json_set(o, "artifacts", named("type", S("CODEPIPELINE")));
    json_set(o, "environment", machine);
    json_set_str(o, "serviceRole",
                 role_arn(c, b->role, str_printf(c->a, STR_FMT "-build", STR_ARG(name))));
    if (b->timeout_minutes) {
        json_set(o, "timeoutInMinutes", json_integer(b->timeout_minutes));
    }
    *arena_push(c->a, &c->plan->projects) = (struct release_project){name, json_dump_str(c->a, o)};
}

static int check_accounts(const struct compiler *c, struct err *err) {
    for (size_t i = 0; i < c->r->environments.n; i++) {
        const struct release_environment *e = &c->r->environments.v[i];
        if (account_of(c, e->account) == NULL) {
            return err_set(err, ERR_NOT_FOUND,
                           STR_FMT ": environment '" STR_FMT "': there is no account '" STR_FMT "'",
                           STR_ARG(e->place), STR_ARG(e->build.name), STR_ARG(e->account));
        }
    }
    return 0;
}

int release_yml_compile(struct arena *a, const struct release_yml *r,
                        const struct release_accounts *accounts, struct str connection_arn,
                        struct release_plan *ret, struct err *err) {
    *ret = (struct release_plan){0};
    if (accounts->n == 0) {
        return err_set(err, ERR_INVALID, "there is no account for the pipeline");
    }
    struct compiler c = {a, r, accounts, &accounts->v[0], connection_arn, ret};
    if (check_accounts(&c, err) < 0) {
        return -1;
    }
    if (r->connection.p) {
        c.connection_arn = r->connection;
    } else {
        ret->connection_name = str_sub(r->name, 0, MAX_CONNECTION_NAME);
    }
    if (r->notify.n) {
        ret->topic = str_printf(a, STR_FMT "-release", STR_ARG(r->name));
        ret->topic_arn =
            str_printf(a, "arn:aws:sns:" STR_FMT ":" STR_FMT ":" STR_FMT, STR_ARG(c.home->region),
                       STR_ARG(c.home->id), STR_ARG(ret->topic));
    }
    if (r->has_test) {
        add_project(&c, &r->test, false);
    }
    for (size_t i = 0; i < r->environments.n; i++) {
        add_project(&c, &r->environments.v[i].build, true);
    }
    ret->pipeline = pipeline_json(&c);
    return 0;
}
