/* Compares JSON trees for people; json_diff.h. */
#include "front/cli/json_diff.h"

struct differ {
    struct arena *a;
    bool whole;
    struct json_differences found;
};

static bool is_empty(const json_t *v) {
    return v == NULL || json_is_null(v) || (json_is_array(v) && json_array_size(v) == 0) ||
           (json_is_object(v) && json_object_size(v) == 0) ||
           (json_is_string(v) && json_string_length(v) == 0);
}

static struct str below(struct arena *a, struct str path, struct str name) {
    return path.n ? str_printf(a, STR_FMT "." STR_FMT, STR_ARG(path), STR_ARG(name)) : name;
}

static void note(struct differ *d, enum json_change change, struct str path, const json_t *from,
                 const json_t *to) {
    *arena_push(d->a, &d->found) = (struct json_difference){
        .change = change,
        .path = path,
        .from = from ? json_dump_str(d->a, from) : STR_NONE,
        .to = to ? json_dump_str(d->a, to) : STR_NONE,
    };
}

static void compare(struct differ *d, struct str path, const json_t *have, const json_t *wanted);

static void compare_objects(struct differ *d, struct str path, const json_t *have,
                            const json_t *wanted, const char *ignored) {
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach((json_t *)wanted, key, value) {
        compare(d, below(d->a, path, str_dup(d->a, str_c(key))), json_object_get(have, key), value);
    }
    json_object_foreach((json_t *)have, key, value) {
        struct str padded = str_printf(d->a, " %s ", key);
        if (d->whole && json_object_get(wanted, key) == NULL && !is_empty(value) &&
            !(ignored && str_find(str_c(ignored), padded, 0) != (size_t)-1)) {
            note(d, JSON_REMOVED, below(d->a, path, str_dup(d->a, str_c(key))), value, NULL);
        }
    }
}

static struct str name_of(const json_t *element) {
    return json_str(element, "name");
}

static const json_t *find_named(const json_t *list, struct str name) {
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (str_eq(name_of(json_array_get(list, i)), name)) {
            return json_array_get(list, i);
        }
    }
    return NULL;
}

static bool all_named(const json_t *list) {
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (name_of(json_array_get(list, i)).n == 0) {
            return false;
        }
    }
    return true;
}

/* The names that both lists have stand in the same order in both. */
static bool same_order(const json_t *have, const json_t *wanted) {
    size_t at = 0;
    for (size_t i = 0; i < json_array_size(wanted); i++) {
        struct str name = name_of(json_array_get(wanted, i));
        if (find_named(have, name) == NULL) {
            continue;
        }
        while (at < json_array_size(have) && !str_eq(name_of(json_array_get(have, at)), name)) {
            if (find_named(wanted, name_of(json_array_get(have, at)))) {
                return false;
            }
            at++;
        }
        if (at++ >= json_array_size(have)) {
            return false;
        }
    }
    return true;
}

static void compare_named(struct differ *d, struct str path, const json_t *have,
                          const json_t *wanted) {
    for (size_t i = 0; i < json_array_size(wanted); i++) {
        const json_t *element = json_array_get(wanted, i);
        struct str name = str_dup(d->a, name_of(element));
        const json_t *old = find_named(have, name);
        if (old == NULL) {
            note(d, JSON_ADDED, below(d->a, path, name), NULL, element);
        } else {
            compare(d, below(d->a, path, name), old, element);
        }
    }
    for (size_t i = 0; i < json_array_size(have); i++) {
        const json_t *element = json_array_get(have, i);
        if (find_named(wanted, name_of(element)) == NULL) {
            note(d, JSON_REMOVED, below(d->a, path, str_dup(d->a, name_of(element))), element,
                 NULL);
        }
    }
}

static void compare_lists(struct differ *d, struct str path, const json_t *have,
                          const json_t *wanted) {
    if (all_named(have) && all_named(wanted) && same_order(have, wanted)) {
        compare_named(d, path, have, wanted);
        return;
    }
    if (json_array_size(have) != json_array_size(wanted)) {
        note(d, JSON_CHANGED, path, have, wanted);
        return;
    }
    for (size_t i = 0; i < json_array_size(wanted); i++) {
        compare(d, below(d->a, path, str_printf(d->a, "%zu", i + 1)), json_array_get(have, i),
                json_array_get(wanted, i));
    }
}

static void compare(struct differ *d, struct str path, const json_t *have, const json_t *wanted) {
    if (is_empty(have) && is_empty(wanted)) {
        return;
    }
    if (is_empty(have) || is_empty(wanted)) {
        note(d, is_empty(have) ? JSON_ADDED : JSON_REMOVED, path, is_empty(have) ? NULL : have,
             is_empty(have) ? wanted : NULL);
    } else if (json_is_object(have) && json_is_object(wanted)) {
        compare_objects(d, path, have, wanted, NULL);
    } else if (json_is_array(have) && json_is_array(wanted)) {
        compare_lists(d, path, have, wanted);
    } else if (!json_equal(have, wanted)) {
        note(d, JSON_CHANGED, path, have, wanted);
    }
}

struct json_differences json_diff(struct arena *a, const json_t *have, const json_t *wanted,
                                  bool whole, const char *ignored) {
    struct differ d = {.a = a, .whole = whole};
    compare_objects(&d, STR_NONE, have, wanted, ignored);
    return d.found;
}
