/* An action's configuration and artifacts against its type; check.h. */
#include "flow/definition/check.h"

static int check_count(struct check *c, const struct def_stage *s, const struct def_action *a,
                       const char *what, size_t n, size_t min, size_t max) {
    if (n >= min && n <= max) {
        return 0;
    }
    return check_bad(c, DEF_FAULT_ACTION,
                     "Action %.*s in stage %.*s declares %zu %s artifacts which is %s count (%zu)",
                     STR_ARG(a->name), STR_ARG(s->name), n, what,
                     n < min ? "less than the minimum" : "more than the maximum",
                     n < min ? min : max);
}

static bool refers(struct str value) {
    return str_find(value, S("#{"), 0) != (size_t)-1;
}

/* The queryable property's value is also what workers ask by. */
static int check_value(struct check *c, const struct def_action *a, const struct action_property *p,
                       struct str value) {
    if (p->queryable && !check_name(value, 20, "")) {
        return check_bad(c, DEF_FAULT_ACTION,
                         "Action configuration for action '%.*s': the queryable '%.*s' is not 1 to "
                         "20 of [A-Za-z0-9_-]",
                         STR_ARG(a->name), STR_ARG(p->name));
    }
    if (p->values.n > 0 && !refers(value) && !str_list_has(&p->values, value)) {
        struct str all = S("");
        for (size_t i = 0; i < p->values.n; i++) {
            all = str_printf(c->a, "%.*s%s%.*s", STR_ARG(all), i > 0 ? ", " : "",
                             STR_ARG(p->values.v[i]));
        }
        return check_bad(c, DEF_FAULT_ACTION,
                         "Action configuration for action '%.*s': '%.*s' is '%.*s', possible are "
                         "%.*s",
                         STR_ARG(a->name), STR_ARG(p->name), STR_ARG(value), STR_ARG(all));
    }
    long long number = 0;
    if (str_is(p->type, "Number") && !refers(value) && !str_to_i64(value, &number)) {
        return check_bad(c, DEF_FAULT_ACTION,
                         "Action configuration for action '%.*s': '%.*s' is not a number",
                         STR_ARG(a->name), STR_ARG(p->name));
    }
    return 0;
}

static int check_keys(struct check *c, const struct def_stage *s, const struct def_action *a,
                      const struct action_type *t) {
    for (size_t i = 0; i < a->configuration.n; i++) {
        const struct str_pair *pair = &a->configuration.v[i];
        if (!check_length(pair->key, 1, 50) || !check_length(pair->value, 1, 1000)) {
            return check_bad(c, DEF_FAULT_ACTION,
                             "Action configuration for action '%.*s' in stage %.*s: key '%.*s' is "
                             "not 1 to 50 characters, or its value not 1 to 1000",
                             STR_ARG(a->name), STR_ARG(s->name), STR_ARG(pair->key));
        }
        const struct action_property *p = action_property_find(t, pair->key);
        if (p == NULL && !t->open) {
            return check_bad(c, DEF_FAULT_ACTION,
                             "Action configuration for action '%.*s' contains unknown "
                             "configuration '%.*s'",
                             STR_ARG(a->name), STR_ARG(pair->key));
        }
        if (p != NULL && check_value(c, a, p, pair->value) < 0) {
            return -1;
        }
    }
    return 0;
}

int check_configuration(struct check *c, const struct def_stage *s, const struct def_action *a,
                        const struct action_type *t) {
    for (size_t i = 0; i < t->properties.n; i++) {
        const struct action_property *p = &t->properties.v[i];
        if (p->required && str_map_get(&a->configuration, p->name).n == 0) {
            return check_bad(c, DEF_FAULT_ACTION,
                             "Action configuration for action '%.*s' is missing required "
                             "configuration '%.*s'",
                             STR_ARG(a->name), STR_ARG(p->name));
        }
    }
    return check_count(c, s, a, "input", a->inputs.n, t->min_in, t->max_in) < 0 ||
                   check_count(c, s, a, "output", a->outputs.n, t->min_out, t->max_out) < 0
               ? -1
               : check_keys(c, s, a, t);
}

int definition_check_type(const struct def_stage *s, const struct def_action *a,
                          const struct action_type *t, enum def_fault *ret_fault, struct err *err) {
    struct arena scratch = ARENA_INIT;
    struct check c = {.a = &scratch, .err = err};
    int result = check_configuration(&c, s, a, t);
    *ret_fault = c.fault;
    arena_done(&scratch);
    return result;
}
