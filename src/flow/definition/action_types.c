/* Reads the table action_types.def; action_types.h. */
#include "flow/definition/action_types.h"

struct row {
    const char *category, *owner, *provider;
    size_t min_in, max_in, min_out, max_out;
    const char *properties;
};

static const struct row actions[] = {
#define ACTION_TYPE(category, owner, provider, in, max_in, out, max_out, properties)               \
    {category, owner, provider, in, max_in, out, max_out, properties},
#define RULE_TYPE(provider, in, max_in, properties)
#include "flow/definition/action_types.def"
#undef ACTION_TYPE
#undef RULE_TYPE
};

static const struct row rules[] = {
#define ACTION_TYPE(category, owner, provider, in, max_in, out, max_out, properties)
#define RULE_TYPE(provider, in, max_in, properties)                                                \
    {"Rule", "AWS", provider, in, max_in, 0, 0, properties},
#include "flow/definition/action_types.def"
#undef ACTION_TYPE
#undef RULE_TYPE
};

static void read_values(struct arena *a, struct str text, struct action_property *p) {
    struct str one = STR_NONE;
    while (str_cut(&text, '|', &one)) {
        *arena_push(a, &p->values) = one;
    }
    bool truth = p->values.n == 2 && str_is(p->values.v[0], "true");
    p->type = truth ? S("Boolean") : S("String");
}

static struct action_property read_property(struct arena *a, struct str word) {
    struct action_property p = {.type = S("String")};
    size_t end = 0;
    while (end < word.n && strchr("!*=", word.p[end]) == NULL) {
        end++;
    }
    p.name = str_sub(word, 0, end);
    for (; end < word.n && word.p[end] != '='; end++) {
        p.required = p.required || word.p[end] == '!';
        p.secret = p.secret || word.p[end] == '*';
    }
    if (end < word.n) {
        read_values(a, str_sub(word, end + 1, word.n), &p);
    }
    return p;
}

struct action_property_list action_properties_read(struct arena *a, const char *text,
                                                   bool *ret_open) {
    struct action_property_list list = {0};
    struct str rest = str_c(text), word = STR_NONE;
    *ret_open = false;
    while (str_cut(&rest, ' ', &word)) {
        if (word.n == 0) {
            continue;
        }
        if (str_is(word, "...")) {
            *ret_open = true;
            continue;
        }
        *arena_push(a, &list) = read_property(a, word);
    }
    return list;
}

static struct action_type_list read_rows(struct arena *a, const struct row *rows, size_t n) {
    struct action_type_list list = {arena_new_n(a, struct action_type, n), n};
    for (size_t i = 0; i < n; i++) {
        const struct row *row = &rows[i];
        list.v[i] = (struct action_type){
            .category = str_c(row->category),
            .owner = str_c(row->owner),
            .provider = str_c(row->provider),
            .version = S("1"),
            .min_in = row->min_in,
            .max_in = row->max_in,
            .min_out = row->min_out,
            .max_out = row->max_out,
        };
        list.v[i].properties = action_properties_read(a, row->properties, &list.v[i].open);
    }
    return list;
}

struct action_type_list action_types_builtin(struct arena *a) {
    return read_rows(a, actions, sizeof(actions) / sizeof(actions[0]));
}

struct action_type_list rule_types_builtin(struct arena *a) {
    return read_rows(a, rules, sizeof(rules) / sizeof(rules[0]));
}

const struct action_type *action_type_find(const struct action_type_list *list, struct str category,
                                           struct str owner, struct str provider,
                                           struct str version) {
    for (size_t i = 0; i < list->n; i++) {
        const struct action_type *t = &list->v[i];
        if (str_eq(t->category, category) && str_eq(t->owner, owner) &&
            str_eq(t->provider, provider) && str_eq(t->version, version)) {
            return t;
        }
    }
    return NULL;
}

const struct action_property *action_property_find(const struct action_type *t, struct str name) {
    for (size_t i = 0; i < t->properties.n; i++) {
        if (str_eq(t->properties.v[i].name, name)) {
            return &t->properties.v[i];
        }
    }
    return NULL;
}
