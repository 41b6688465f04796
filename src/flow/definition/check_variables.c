/* Pipeline variables, namespaces, and what "#{namespace.key}" names; check.h. */
#include "flow/definition/check.h"

static bool one_line(struct str s, size_t min, size_t max) {
    return check_length(s, min, max) && str_find_c(s, '\n', 0) == (size_t)-1;
}

int check_variables(struct check *c) {
    const struct def_variable_list *l = &c->d->variables;
    if (l->n > DEF_MAX_VARIABLES) {
        return check_bad(c, DEF_FAULT_STRUCTURE, "Pipeline has %zu variables: 50 are possible",
                         l->n);
    }
    for (size_t i = 0; i < l->n; i++) {
        const struct def_variable *v = &l->v[i];
        if (!check_name(v->name, 128, "@")) {
            return check_bad(c, DEF_FAULT_STRUCTURE,
                             "The variable name '%.*s' is not 1 to 128 of [A-Za-z0-9@_-]",
                             STR_ARG(v->name));
        }
        if ((v->default_value.p != NULL && !one_line(v->default_value, 1, 1000)) ||
            (v->description.p != NULL && !one_line(v->description, 0, 200))) {
            return check_bad(c, DEF_FAULT_STRUCTURE,
                             "Variable %.*s: the defaultValue is not one line of 1 to 1000 "
                             "characters, or the description not one of up to 200",
                             STR_ARG(v->name));
        }
        for (size_t k = 0; k < i; k++) {
            if (str_eq(l->v[k].name, v->name)) {
                return check_bad(c, DEF_FAULT_STRUCTURE, "Two variables are named %.*s",
                                 STR_ARG(v->name));
            }
        }
    }
    return 0;
}

/* Who refers, and what it may see: actions of earlier stages, and those of its own stage with a
 * lower run order. */
struct place {
    const struct def_stage *stage;
    size_t index;
    struct str name; /* action's or rule's */
    const char *what;
    int run_order;
    bool source;
};

static bool declared(const struct definition *d, struct str name) {
    for (size_t i = 0; i < d->variables.n; i++) {
        if (str_eq(d->variables.v[i].name, name)) {
            return true;
        }
    }
    return false;
}

/* The namespace's action, wherever it stands; *ret_before says if the place may see it. */
static bool find_namespace(const struct definition *d, const struct place *at, struct str space,
                           bool *ret_before) {
    for (size_t i = 0; i < d->stages.n; i++) {
        for (size_t k = 0; k < d->stages.v[i].actions.n; k++) {
            const struct def_action *a = &d->stages.v[i].actions.v[k];
            if (a->namespace.p != NULL && str_eq(a->namespace, space)) {
                *ret_before = i < at->index || (i == at->index && a->run_order < at->run_order);
                return true;
            }
        }
    }
    return false;
}

static int check_pipeline_variable(struct check *c, const struct place *at, struct str key) {
    if (at->source) {
        return check_bad(c, DEF_FAULT_ACTION,
                         "Pipeline variables cannot be used in source actions. StageName=[%.*s], "
                         "ActionName=[%.*s], Variable=[%.*s]",
                         STR_ARG(at->stage->name), STR_ARG(at->name), STR_ARG(key));
    }
    return declared(c->d, key)
               ? 0
               : check_bad(c, DEF_FAULT_ACTION,
                           "The pipeline has no variable '%.*s'. StageName=[%.*s], %s=[%.*s]",
                           STR_ARG(key), STR_ARG(at->stage->name), at->what, STR_ARG(at->name));
}

static int check_reference(struct check *c, const struct place *at, struct str name) {
    size_t dot = str_find_c(name, '.', 0);
    struct str space = str_sub(name, 0, dot == (size_t)-1 ? 0 : dot);
    struct str key = dot == (size_t)-1 ? STR_NONE : str_sub(name, dot + 1, name.n);
    if (!check_name(space, 100, "@") || key.n == 0) {
        return check_bad(c, DEF_FAULT_ACTION,
                         "Valid format for a pipeline execution variable reference is a namespace "
                         "and a key separated by a period (.): '#{%.*s}' is none. "
                         "StageName=[%.*s], %s=[%.*s]",
                         STR_ARG(name), STR_ARG(at->stage->name), at->what, STR_ARG(at->name));
    }
    if (str_is(space, "variables")) {
        return check_pipeline_variable(c, at, key);
    }
    bool before = str_is(key, "PipelineExecutionId");
    bool there = str_is(space, "codepipeline") || find_namespace(c->d, at, space, &before);
    if (there && before) {
        return 0;
    }
    return check_bad(c, DEF_FAULT_ACTION,
                     "The following pipeline execution variables are referencing %s. "
                     "StageName=[%.*s], %s=[%.*s], ActionNamespaceReference=[%.*s.%.*s]",
                     !there                          ? "a namespace that does not exist"
                     : str_is(space, "codepipeline") ? "a key that codepipeline does not have"
                                                     : "a namespace of an action that does not "
                                                       "run before",
                     STR_ARG(at->stage->name), at->what, STR_ARG(at->name), STR_ARG(space),
                     STR_ARG(key));
}

static int check_text(struct check *c, const struct place *at, struct str text) {
    for (size_t open = 0; (open = str_find(text, S("#{"), open)) != (size_t)-1; open += 2) {
        size_t close = str_find_c(text, '}', open);
        if (close == (size_t)-1) {
            return 0; /* stays as it is written */
        }
        struct str name = str_trim(str_sub(text, open + 2, close - open - 2));
        if (check_reference(c, at, name) < 0) {
            return -1;
        }
    }
    return 0;
}

static int check_texts(struct check *c, const struct place *at, const struct str_map *configuration,
                       const struct str_list *commands) {
    for (size_t i = 0; i < configuration->n; i++) {
        if (check_text(c, at, configuration->v[i].value) < 0) {
            return -1;
        }
    }
    for (size_t i = 0; i < commands->n; i++) {
        if (check_text(c, at, commands->v[i]) < 0) {
            return -1;
        }
    }
    return 0;
}

static int check_rules(struct check *c, size_t stage, const struct def_condition *condition,
                       bool inside) {
    const struct def_stage *s = &c->d->stages.v[stage];
    for (size_t i = 0; i < condition->rules.n; i++) {
        const struct def_rule *r = &condition->rules.v[i];
        struct place at = {s, stage, r->name, "RuleName", inside ? 1000 : 0, false};
        if (check_texts(c, &at, &r->configuration, &r->commands) < 0) {
            c->fault = DEF_FAULT_STAGE;
            return -1;
        }
    }
    return 0;
}

/* Artifacts' names and namespaces are one space. */
static int check_spaces(struct check *c) {
    for (size_t i = 0; i < c->d->stages.n; i++) {
        for (size_t k = 0; k < c->d->stages.v[i].actions.n; k++) {
            struct str space = c->d->stages.v[i].actions.v[k].namespace;
            if (space.p == NULL) {
                continue;
            }
            if (str_is(space, "variables") || str_is(space, "codepipeline")) {
                return check_bad(c, DEF_FAULT_ACTION,
                                 "Action %.*s in stage %.*s: the namespace '%.*s' is reserved",
                                 STR_ARG(c->d->stages.v[i].actions.v[k].name),
                                 STR_ARG(c->d->stages.v[i].name), STR_ARG(space));
            }
            if (check_made_before(c->d, c->d->stages.n, 1000, space)) {
                return check_bad(c, DEF_FAULT_ACTION,
                                 "Action %.*s in stage %.*s: the namespace '%.*s' is also the name "
                                 "of an artifact",
                                 STR_ARG(c->d->stages.v[i].actions.v[k].name),
                                 STR_ARG(c->d->stages.v[i].name), STR_ARG(space));
            }
        }
    }
    return 0;
}

int check_references(struct check *c) {
    if (check_spaces(c) < 0) {
        return -1;
    }
    for (size_t i = 0; i < c->d->stages.n; i++) {
        const struct def_stage *s = &c->d->stages.v[i];
        for (size_t k = 0; k < s->actions.n; k++) {
            const struct def_action *a = &s->actions.v[k];
            struct place at = {
                s, i, a->name, "ActionName", a->run_order, str_is(a->category, "Source")};
            if (check_texts(c, &at, &a->configuration, &a->commands) < 0) {
                return -1;
            }
        }
        if (check_rules(c, i, &s->entry, false) < 0 || check_rules(c, i, &s->success, true) < 0 ||
            check_rules(c, i, &s->failure, true) < 0) {
            return -1;
        }
    }
    return 0;
}
