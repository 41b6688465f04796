/*
 * Action types and rule types: what CodePipeline itself offers, as ListActionTypes and
 * ListRuleTypes print it and as validation asks for. Those that accounts make (owner Custom) have
 * the same form and come from elsewhere. Facts: CodePipeline's action and rule structure
 * references; what runs here is a smaller set, told by flow/execution/available.h.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"

/* One configuration property. */
struct action_property {
    struct str name;
    bool required;
    bool secret; /* shown as **** */
    bool key;    /* together the keys are unique within an action's uses; kept and shown */
    bool queryable;
    struct str type;        /* String Number Boolean, or absent */
    struct str description; /* or absent */
    struct str_list values; /* those that are allowed; empty: any */
};

struct action_property_list {
    struct action_property *v;
    size_t n;
};

struct action_type {
    struct str category;
    struct str owner;
    struct str provider;
    struct str version;
    size_t min_in, max_in;
    size_t min_out, max_out;
    struct action_property_list properties;
    bool open; /* further configuration keys are taken: the list is not known to be whole */
};

struct action_type_list {
    struct action_type *v;
    size_t n;
};

/* CodePipeline's own, in the order of category and provider. Owned by the arena. */
struct action_type_list action_types_builtin(struct arena *a);
struct action_type_list rule_types_builtin(struct arena *a); /* category Rule */

const struct action_type *action_type_find(const struct action_type_list *list, struct str category,
                                           struct str owner, struct str provider,
                                           struct str version);
const struct action_property *action_property_find(const struct action_type *t, struct str name);

/* "Name! Name* Name=a|b ...": the text form of properties in action_types.def. */
struct action_property_list action_properties_read(struct arena *a, const char *text,
                                                   bool *ret_open);
