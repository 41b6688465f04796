/* The one table of what is not carried out; available.h. Action providers are those that are
 * registered (flow/action/providers.def, flow/stage/rules.def): there is no second list of them. */
#include "flow/execution/available.h"

#include "flow/action/action.h"
#include "flow/stage/rule.h"

#define SEE "is not available here yet; docs/limits.md lists what is"

static int check_rules(const struct def_stage *s, const struct def_condition *condition,
                       struct err *err) {
    for (size_t i = 0; i < condition->rules.n; i++) {
        const struct def_rule *r = &condition->rules.v[i];
        if (rule_provider_find(r->provider) == NULL) {
            return err_set(err, ERR_INVALID, "Stage %.*s, rule %.*s: the rule provider %.*s " SEE,
                           STR_ARG(s->name), STR_ARG(r->name), STR_ARG(r->provider));
        }
        if (str_ieq(str_map_get(&r->configuration, S("BatchEnabled")), S("true"))) {
            return err_set(err, ERR_INVALID, "Stage %.*s, rule %.*s: BatchEnabled of rules " SEE,
                           STR_ARG(s->name), STR_ARG(r->name));
        }
    }
    return 0;
}

static int check_actions(const struct def_stage *s, struct err *err) {
    for (size_t i = 0; i < s->actions.n; i++) {
        const struct def_action *a = &s->actions.v[i];
        bool person = str_is(a->category, "Approval"); /* waits, and needs no provider */
        if (!person && action_provider_find(a) == NULL) {
            return err_set(err, ERR_INVALID,
                           "Action %.*s in stage %.*s: the action type %.*s/%.*s/%.*s " SEE,
                           STR_ARG(a->name), STR_ARG(s->name), STR_ARG(a->category),
                           STR_ARG(a->owner), STR_ARG(a->provider));
        }
    }
    return 0;
}

static int check_stage(const struct def_stage *s, enum def_fault *ret_fault, struct err *err) {
    *ret_fault = DEF_FAULT_ACTION;
    if (check_actions(s, err) < 0) {
        return -1;
    }
    *ret_fault = DEF_FAULT_STAGE;
    return check_rules(s, &s->entry, err) < 0 || check_rules(s, &s->success, err) < 0
               ? -1
               : check_rules(s, &s->failure, err);
}

int execution_available(const struct definition *d, enum def_fault *ret_fault, struct err *err) {
    for (size_t i = 0; i < d->stages.n; i++) {
        if (check_stage(&d->stages.v[i], ret_fault, err) < 0) {
            return -1;
        }
    }
    *ret_fault = DEF_FAULT_NONE;
    return 0;
}
