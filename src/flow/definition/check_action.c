/* One action: its name, place, members and type; check.h. */
#include "flow/definition/check.h"

#define WHERE "Action %.*s in stage %.*s"
#define WHERE_ARGS(s, a) STR_ARG((a)->name), STR_ARG((s)->name)

static bool is_compute(const struct def_action *a) {
    return str_is(a->category, "Compute");
}

/* Members that only Compute actions have; AWS names the field. */
static int check_compute_only(struct check *c, const struct def_action *a) {
    const char *field = NULL;
    for (size_t i = 0; i < a->output_files.n; i++) {
        field = a->output_files.v[i].files.n > 0 ? "files" : field;
    }
    field = a->commands.n > 0           ? "commands"
            : a->output_variables.n > 0 ? "outputVariables"
            : a->environment.n > 0      ? "environmentVariables"
                                        : field;
    if (field != NULL && !is_compute(a)) {
        return check_bad(c, DEF_FAULT_ACTION,
                         "The following action cannot contain a %s field: %.*s. To use the %s "
                         "field, use a compute action.",
                         field, STR_ARG(a->name), field);
    }
    return 0;
}

static int check_commands(struct check *c, const struct def_stage *s, const struct def_action *a) {
    if (a->commands.n < 1 || a->commands.n > 50) {
        return check_bad(c, DEF_FAULT_ACTION,
                         WHERE " has %zu commands: a compute action has 1 to 50", WHERE_ARGS(s, a),
                         a->commands.n);
    }
    for (size_t i = 0; i < a->commands.n; i++) {
        if (!check_length(a->commands.v[i], 1, 1000) ||
            str_find_c(a->commands.v[i], '\n', 0) != (size_t)-1) {
            return check_bad(c, DEF_FAULT_ACTION,
                             WHERE ": command %zu is not one line of 1 to 1000 characters",
                             WHERE_ARGS(s, a), i + 1);
        }
    }
    return 0;
}

static int check_environment(struct check *c, const struct def_stage *s,
                             const struct def_action *a) {
    if (a->environment.n > 10) {
        return check_bad(c, DEF_FAULT_ACTION,
                         WHERE " has %zu environment variables: 10 are possible", WHERE_ARGS(s, a),
                         a->environment.n);
    }
    for (size_t i = 0; i < a->environment.n; i++) {
        const struct def_env *e = &a->environment.v[i];
        bool type = str_is(e->type, "PLAINTEXT") || str_is(e->type, "SECRETS_MANAGER");
        if (!check_name(e->name, 128, "") || str_find_c(e->name, '-', 0) != (size_t)-1) {
            return check_bad(c, DEF_FAULT_ACTION,
                             WHERE ": the environment variable '%.*s' is not named by 1 to 128 of "
                                   "[A-Za-z0-9_]",
                             WHERE_ARGS(s, a), STR_ARG(e->name));
        }
        if (!type || !check_length(e->value, 1, 2000)) {
            return check_bad(c, DEF_FAULT_ACTION,
                             WHERE ": the environment variable %.*s has no value of 1 to 2000 "
                                   "characters, or its type is neither PLAINTEXT nor "
                                   "SECRETS_MANAGER",
                             WHERE_ARGS(s, a), STR_ARG(e->name));
        }
    }
    return 0;
}

static int check_compute(struct check *c, const struct def_stage *s, const struct def_action *a) {
    if (check_commands(c, s, a) < 0 || check_environment(c, s, a) < 0) {
        return -1;
    }
    if (a->output_variables.n > 15) {
        return check_bad(c, DEF_FAULT_ACTION, WHERE " has %zu output variables: 15 are possible",
                         WHERE_ARGS(s, a), a->output_variables.n);
    }
    for (size_t i = 0; i < a->output_variables.n; i++) {
        if (!check_length(a->output_variables.v[i], 1, 128)) {
            return check_bad(c, DEF_FAULT_ACTION,
                             WHERE ": output variable %zu is not named by 1 to 128 characters",
                             WHERE_ARGS(s, a), i + 1);
        }
    }
    for (size_t i = 0; i < a->output_files.n; i++) {
        const struct def_output *o = &a->output_files.v[i];
        for (size_t k = 0; k < o->files.n; k++) {
            if (o->files.n > 10 || !check_length(o->files.v[k], 1, 128)) {
                return check_bad(c, DEF_FAULT_ACTION,
                                 WHERE ": the output artifact %.*s has other than 1 to 10 files of "
                                       "1 to 128 characters",
                                 WHERE_ARGS(s, a), STR_ARG(o->name));
            }
        }
    }
    return 0;
}

/* Sources and actions of others have no region of their own. */
static int check_place(struct check *c, size_t stage, const struct def_action *a) {
    const struct def_stage *s = &c->d->stages.v[stage];
    bool source = str_is(a->category, "Source");
    bool bound = source || !str_is(a->owner, "AWS");
    if (source && stage > 0) {
        return check_bad(c, DEF_FAULT_STRUCTURE,
                         "Pipeline has a source action %.*s outside of the first stage, in stage "
                         "%.*s: source actions are possible in the first stage only",
                         WHERE_ARGS(s, a));
    }
    if (a->region.p != NULL && (a->region.n < 4 || a->region.n > 30)) {
        return check_bad(c, DEF_FAULT_ACTION, WHERE ": '%.*s' is no region", WHERE_ARGS(s, a),
                         STR_ARG(a->region));
    }
    if (bound && a->region.n > 0 && c->home.n > 0 && !str_eq(a->region, c->home)) {
        return check_bad(c, DEF_FAULT_ACTION,
                         WHERE ": actions of category Source, and those of owner ThirdParty or "
                               "Custom, are in the pipeline's region %.*s, not in %.*s",
                         WHERE_ARGS(s, a), STR_ARG(c->home), STR_ARG(a->region));
    }
    return 0;
}

static int check_members(struct check *c, const struct def_stage *s, const struct def_action *a) {
    if (!check_name(a->name, 100, ".@")) {
        return check_bad(c, DEF_FAULT_ACTION,
                         "Stage %.*s has an action whose name '%.*s' is not 1 to 100 of "
                         "[A-Za-z0-9.@_-]",
                         STR_ARG(s->name), STR_ARG(a->name));
    }
    if (a->run_order < 1 || a->run_order > 999) {
        return check_bad(c, DEF_FAULT_ACTION, WHERE ": runOrder %d is not between 1 and 999",
                         WHERE_ARGS(s, a), a->run_order);
    }
    if (a->role_arn.p != NULL && !check_role(a->role_arn)) {
        return check_bad(c, DEF_FAULT_ACTION, WHERE ": roleArn '%.*s' is no role's ARN",
                         WHERE_ARGS(s, a), STR_ARG(a->role_arn));
    }
    if (a->namespace.p != NULL && !check_name(a->namespace, 100, "@")) {
        return check_bad(c, DEF_FAULT_ACTION,
                         WHERE ": the namespace '%.*s' is not 1 to 100 of [A-Za-z0-9@_-]",
                         WHERE_ARGS(s, a), STR_ARG(a->namespace));
    }
    bool timed = str_is(a->category, "Approval");
    if (a->timeout_minutes != 0 &&
        (!timed || a->timeout_minutes < 5 || a->timeout_minutes > 86400)) {
        return check_bad(c, DEF_FAULT_ACTION,
                         WHERE ": timeoutInMinutes is for manual approvals, 5 to 86400",
                         WHERE_ARGS(s, a));
    }
    return 0;
}

int check_action(struct check *c, size_t stage, const struct def_action *a) {
    const struct def_stage *s = &c->d->stages.v[stage];
    if (check_members(c, s, a) < 0 || check_place(c, stage, a) < 0 ||
        check_compute_only(c, a) < 0 || (is_compute(a) && check_compute(c, s, a) < 0)) {
        return -1;
    }
    const struct action_type *t =
        action_type_find(&c->actions, a->category, a->owner, a->provider, a->version);
    if (t == NULL && !str_is(a->owner, "AWS")) {
        return 0; /* its type is in the account: definition_check_type */
    }
    if (t == NULL) {
        return definition_no_type(a, &c->fault, c->home, c->err);
    }
    return check_configuration(c, s, a, t) < 0 ? -1 : check_provider(c, s, a);
}

int definition_no_type(const struct def_action *a, enum def_fault *ret_fault, struct str region,
                       struct err *err) {
    *ret_fault = DEF_FAULT_ACTION;
    return err_set(err, ERR_INVALID,
                   "ActionType (Category: '%.*s', Provider: '%.*s', Owner: '%.*s', Version: "
                   "'%.*s') in action '%.*s' is not available%s%.*s",
                   STR_ARG(a->category), STR_ARG(a->provider), STR_ARG(a->owner),
                   STR_ARG(a->version), STR_ARG(a->name), region.n > 0 ? " in region " : "",
                   STR_ARG(region));
}
