/* Names that are unique, and artifacts that are made before they are used; check.h. */
#include "flow/definition/check.h"

bool check_made_before(const struct definition *d, size_t stage, int run_order,
                       struct str artifact) {
    for (size_t i = 0; i <= stage && i < d->stages.n; i++) {
        for (size_t k = 0; k < d->stages.v[i].actions.n; k++) {
            const struct def_action *a = &d->stages.v[i].actions.v[k];
            bool earlier = i < stage || a->run_order < run_order;
            if (earlier && str_list_has(&a->outputs, artifact)) {
                return true;
            }
        }
    }
    return false;
}

static int check_inputs(struct check *c, size_t stage, const struct def_action *a) {
    for (size_t i = 0; i < a->inputs.n; i++) {
        struct str name = a->inputs.v[i];
        if (!check_name(name, 100, "")) {
            return check_bad(c, DEF_FAULT_ACTION,
                             "Action %.*s in stage %.*s: '%.*s' is not an artifact's name: 1 to "
                             "100 of [a-zA-Z0-9_-]",
                             STR_ARG(a->name), STR_ARG(c->d->stages.v[stage].name), STR_ARG(name));
        }
        for (size_t k = 0; k < i; k++) {
            if (str_eq(a->inputs.v[k], name)) {
                return check_bad(c, DEF_FAULT_ACTION,
                                 "Action %.*s in stage %.*s has the input artifact %.*s twice",
                                 STR_ARG(a->name), STR_ARG(c->d->stages.v[stage].name),
                                 STR_ARG(name));
            }
        }
        if (!check_made_before(c->d, stage, a->run_order, name)) {
            return check_bad(c, DEF_FAULT_ACTION,
                             "Input Artifact Bundle %.*s in action %.*s of stage %.*s is not "
                             "declared as Output Artifact Bundle in any of the preceding actions",
                             STR_ARG(name), STR_ARG(a->name), STR_ARG(c->d->stages.v[stage].name));
        }
    }
    return 0;
}

static int check_outputs(struct check *c, size_t stage, const struct def_action *a) {
    for (size_t i = 0; i < a->outputs.n; i++) {
        struct str name = a->outputs.v[i];
        if (!check_name(name, 100, "")) {
            return check_bad(c, DEF_FAULT_ACTION,
                             "Action %.*s in stage %.*s: '%.*s' is not an artifact's name: 1 to "
                             "100 of [a-zA-Z0-9_-]",
                             STR_ARG(a->name), STR_ARG(c->d->stages.v[stage].name), STR_ARG(name));
        }
        for (size_t k = 0; k < i; k++) {
            if (str_eq(a->outputs.v[k], name)) {
                return check_bad(c, DEF_FAULT_ACTION,
                                 "Output Artifact Bundle name must be unique within the pipeline. "
                                 "%.*s has been used more than once, by action %.*s",
                                 STR_ARG(name), STR_ARG(a->name));
            }
        }
    }
    return 0;
}

/* a, against an action that stands before it. */
static int check_pair(struct check *c, const struct def_stage *s, const struct def_action *a,
                      const struct def_action *b, bool same_stage) {
    if (same_stage && str_eq(a->name, b->name)) {
        return check_bad(c, DEF_FAULT_STAGE, "Stage %.*s has two actions named %.*s",
                         STR_ARG(s->name), STR_ARG(a->name));
    }
    if (a->namespace.p != NULL && str_eq(a->namespace, b->namespace)) {
        return check_bad(c, DEF_FAULT_ACTION,
                         "The namespace %.*s is used by the actions %.*s and %.*s: namespaces are "
                         "unique within the pipeline",
                         STR_ARG(a->namespace), STR_ARG(b->name), STR_ARG(a->name));
    }
    for (size_t o = 0; o < a->outputs.n; o++) {
        if (str_list_has(&b->outputs, a->outputs.v[o])) {
            return check_bad(c, DEF_FAULT_ACTION,
                             "Output Artifact Bundle name must be unique within the pipeline. "
                             "%.*s has been used more than once, by actions %.*s and %.*s",
                             STR_ARG(a->outputs.v[o]), STR_ARG(b->name), STR_ARG(a->name));
        }
    }
    return 0;
}

int check_artifacts(struct check *c, size_t stage, size_t action) {
    const struct def_stage *s = &c->d->stages.v[stage];
    const struct def_action *a = &s->actions.v[action];
    for (size_t i = 0; i <= stage; i++) {
        size_t n = i == stage ? action : c->d->stages.v[i].actions.n;
        for (size_t k = 0; k < n; k++) {
            if (check_pair(c, s, a, &c->d->stages.v[i].actions.v[k], i == stage) < 0) {
                return -1;
            }
        }
    }
    return check_outputs(c, stage, a) < 0 ? -1 : check_inputs(c, stage, a);
}
