/* Compiles a release into what CodePipeline's and CodeBuild's APIs take; release_yml.h. */
#include "flow/definition/release_compile.h"

enum { MAX_CONNECTION_NAME = 32 };

static struct str role_arn(const struct release_compiler *c, struct str role, struct str usual) {
    if (role.p && str_starts(role, S("arn:"))) {
        return role;
    }
    return str_printf(c->a, "arn:aws:iam::" STR_FMT ":role/" STR_FMT, STR_ARG(c->home->id),
                      STR_ARG(role.p ? role : usual));
}

static struct str project_name(const struct release_compiler *c, const struct release_build *b) {
    return str_printf(c->a, STR_FMT "-" STR_FMT, STR_ARG(c->r->name), STR_ARG(b->name));
}

json_t *release_one(json_t *item) {
    json_t *list = json_array();
    json_array_append_new(list, item);
    return list;
}

json_t *release_named(const char *key, struct str value) {
    json_t *o = json_object();
    json_set_str(o, key, value);
    return o;
}

json_t *release_type_id(const char *category, const char *provider) {
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
    json_set(o, "actionTypeId", release_type_id(category, provider));
    json_set(o, "runOrder", json_integer(1));
    json_set(o, "configuration", configuration);
    return o;
}

static json_t *stage(struct str name, json_t *its_action) {
    json_t *o = json_object();
    json_set_str(o, "name", name);
    json_set(o, "actions", release_one(its_action));
    return o;
}

static json_t *source_stage(const struct release_compiler *c) {
    json_t *configuration = json_object();
    json_set_str(configuration, "ConnectionArn", c->connection_arn);
    json_set_str(configuration, "FullRepositoryId", c->r->full_repository_id);
    json_set_str(configuration, "BranchName", c->r->branch);
    json_set_str(configuration, "OutputArtifactFormat", S("CODE_ZIP"));
    json_set_str(configuration, "DetectChanges", S("false")); /* the trigger below does */
    json_t *o = action("Source", "Source", "CodeStarSourceConnection", configuration);
    json_set(o, "outputArtifacts", release_one(release_named("name", S("source"))));
    json_set(o, "inputArtifacts", json_array());
    json_set_str(o, "namespace", S("SourceVariables"));
    return stage(S("Source"), o);
}

static void variable(json_t *list, struct str name, struct str value) {
    json_t *o = release_named("name", name);
    json_set_str(o, "value", value);
    json_set_str(o, "type", S("PLAINTEXT"));
    json_array_append_new(list, o);
}

static bool refers(struct str value) {
    return str_find(value, S("#{"), 0) != (size_t)-1;
}

/* What differs from release to release is no setting of the project, but of the action. */
static void action_variables(const struct release_compiler *c, const struct release_build *b,
                             bool plan, json_t *configuration) {
    json_t *list cleanup_json = json_array();
    for (size_t i = 0; i < b->variables.n; i++) {
        if (refers(b->variables.v[i].value)) {
            variable(list, b->variables.v[i].key, b->variables.v[i].value);
        }
    }
    if (plan) {
        variable(list, S("PLAN"), S("true"));
    }
    if (json_array_size(list) > 0) {
        json_set_str(configuration, "EnvironmentVariables", json_dump_str(c->a, list));
    }
}

/* `makes`: the plan is this build's output; `takes`: it is carried out by this build. */
static json_t *build_stage(const struct release_compiler *c, const struct release_build *b,
                           struct str stage_name, bool makes, bool takes) {
    json_t *configuration = release_named("ProjectName", project_name(c, b));
    action_variables(c, b, makes, configuration);
    if (takes) {
        json_set_str(configuration, "PrimarySource", S("source"));
    }
    json_t *o = action(makes ? "Plan" : "Build", "Build", "CodeBuild", configuration);
    json_t *outputs = json_array(), *inputs = release_one(release_named("name", S("source")));
    if (makes) {
        json_array_append_new(outputs, release_named("name", S("plan")));
    }
    if (takes) {
        json_array_append_new(inputs, release_named("name", S("plan")));
    }
    json_set(o, "outputArtifacts", outputs);
    json_set(o, "inputArtifacts", inputs);
    json_set_str(o, "namespace", stage_name);
    return stage(stage_name, o);
}

static json_t *approval_stage(const struct release_compiler *c, size_t environment) {
    const struct release_environment *e = &c->r->environments.v[environment];
    json_t *configuration = json_object();
    if (c->plan->topic_arn.p) {
        json_set_str(configuration, "NotificationArn", c->plan->topic_arn);
    }
    struct str usual = str_printf(c->a, "Release of " STR_FMT " to " STR_FMT, STR_ARG(c->r->name),
                                  STR_ARG(e->build.name));
    json_set_str(configuration, "CustomData", e->message.p != NULL ? e->message : usual);
    json_t *o = action("Approve", "Approval", "Manual", configuration);
    json_set(o, "outputArtifacts", json_array());
    json_set(o, "inputArtifacts", json_array());
    if (e->approval_minutes > 0) {
        json_set(o, "timeoutInMinutes", json_integer(e->approval_minutes));
    }
    json_t *its_stage = stage(str_printf(c->a, STR_FMT "-Approve", STR_ARG(e->stage)), o);
    release_gate(c, environment, its_stage);
    return its_stage;
}

/* Plan, approval, and the release itself. */
static void environment_stages(const struct release_compiler *c, size_t i, json_t *list) {
    const struct release_environment *e = &c->r->environments.v[i];
    if (e->plan) {
        struct str name = str_printf(c->a, STR_FMT "-Plan", STR_ARG(e->stage));
        json_t *plan = build_stage(c, &e->build, name, true, false);
        release_gate(c, i, plan);
        json_array_append_new(list, plan);
    }
    if (e->approval) {
        json_array_append_new(list, approval_stage(c, i));
    }
    json_t *own = build_stage(c, &e->build, e->stage, false, e->plan);
    release_conditions(c, i, own);
    json_array_append_new(list, own);
}

static json_t *stages(const struct release_compiler *c) {
    json_t *list = json_array();
    json_array_append_new(list, source_stage(c));
    if (c->r->has_test) {
        json_array_append_new(list, build_stage(c, &c->r->test, S("Test"), false, false));
    }
    for (size_t i = 0; i < c->r->environments.n; i++) {
        environment_stages(c, i, list);
    }
    return list;
}

static struct str pipeline_json(const struct release_compiler *c) {
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
    json_set_str(o, "executionMode", c->r->mode);
    json_set_str(o, "pipelineType", S("V2"));
    json_set(o, "triggers", release_triggers(c));
    if (c->r->variables.n > 0) {
        json_set(o, "variables", release_variables(c));
    }
    return json_dump_str(c->a, o);
}

static void add_project(const struct release_compiler *c, const struct release_build *b,
                        bool environment) {
    struct str name = project_name(c, b);
    json_t *variables = json_array();
    if (environment) {
        variable(variables, S("ENV"), b->name);
    }
    for (size_t i = 0; i < b->variables.n; i++) {
        if (!refers(b->variables.v[i].value)) {
            variable(variables, b->variables.v[i].key, b->variables.v[i].value);
        }
    }
    json_t *source = release_named("type", S("CODEPIPELINE"));
    json_set_str(source, "buildspec", b->buildspec);
    json_t *machine = release_named("type", S("LINUX_CONTAINER"));
    json_set_str(machine, "image", b->image);
    json_set_str(machine, "computeType", S("BUILD_GENERAL1_SMALL"));
    json_set(machine, "environmentVariables", variables);
    json_t *o cleanup_json = release_named("name", name);
    json_set_str(o, "description",
                 environment ? str_printf(c->a, "Releases " STR_FMT " to " STR_FMT,
                                          STR_ARG(c->r->name), STR_ARG(b->name))
                             : str_printf(c->a, "Tests " STR_FMT, STR_ARG(c->r->name)));
    json_set(o, "source", source);
    json_set(o, "artifacts", release_named("type", S("CODEPIPELINE")));
    json_set(o, "environment", machine);
    json_set_str(o, "serviceRole",
                 role_arn(c, b->role, str_printf(c->a, STR_FMT "-build", STR_ARG(name))));
    if (b->timeout_minutes) {
        json_set(o, "timeoutInMinutes", json_integer(b->timeout_minutes));
    }
    *arena_push(c->a, &c->plan->projects) = (struct release_project){name, json_dump_str(c->a, o)};
}

static int check_accounts(const struct release_compiler *c, struct err *err) {
    for (size_t i = 0; i < c->r->environments.n; i++) {
        const struct release_environment *e = &c->r->environments.v[i];
        if (release_account_of(c, e->account) == NULL) {
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
    struct release_compiler c = {a, r, accounts, &accounts->v[0], connection_arn, ret};
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
