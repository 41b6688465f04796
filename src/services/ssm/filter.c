/* Filters of GetParametersByPath and DescribeParameters. */
#include "services/ssm/ssm.h"

#include "services/core/tags.h"

/* Which options a key takes; the first one is its default. */
static const struct {
    const char *key;
    bool by_path, describe;
    const char *options[4];
} keys[] = {
    {"Name", false, true, {"Equals", "BeginsWith", "Contains"}},
    {"Path", false, true, {"OneLevel", "Recursive"}},
    {"Type", true, true, {"Equals", "BeginsWith"}},
    {"KeyId", true, true, {"Equals", "BeginsWith"}},
    {"Tier", false, true, {"Equals"}},
    {"DataType", false, true, {"Equals", "BeginsWith"}},
    {"Label", true, false, {"Equals", "BeginsWith"}},
};

static bool is_tag(struct str key) {
    return str_starts(key, S("tag:"));
}

static int bad_option(struct str option, struct err *err) {
    return err_api(err, &ssm_InvalidFilterOption,
                   "The following filter option is not valid: " STR_FMT
                   ". Valid options include: [BeginsWith, Equals].",
                   STR_ARG(option));
}

static int check_option(struct str key, struct str option, bool by_path, struct err *err) {
    if (is_tag(key)) {
        bool fine = !by_path && (option.p == NULL || str_is(option, "Equals"));
        return fine      ? 0
               : by_path ? err_api(err, &ssm_InvalidFilterKey,
                                   "The following filter key is not valid: " STR_FMT
                                   ". Valid filter keys include: [Type, KeyId, Label].",
                                   STR_ARG(key))
                         : bad_option(option, err);
    }
    for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
        if (!str_is(key, keys[i].key) || !(by_path ? keys[i].by_path : keys[i].describe)) {
            continue;
        }
        bool fine = option.p == NULL;
        for (size_t j = 0; j < 4 && keys[i].options[j] != NULL; j++) {
            fine = fine || str_is(option, keys[i].options[j]);
        }
        return fine ? 0 : bad_option(option, err);
    }
    return err_api(
        err, &ssm_InvalidFilterKey,
        "The following filter key is not valid: " STR_FMT ". Valid filter keys include: %s.",
        STR_ARG(key),
        by_path ? "[Type, KeyId, Label]" : "[Path, Name, Type, KeyId, Tier, DataType, tag:<key>]");
}

int ssm_filters_check(const struct ssm_parameter_string_filter_list *filters, bool by_path,
                      struct err *err) {
    for (size_t i = 0; i < filters->n; i++) {
        const struct ssm_parameter_string_filter *f = &filters->v[i];
        if (check_option(f->key, f->option, by_path, err) < 0) {
            return -1;
        }
        if (f->values.n == 0 && !is_tag(f->key)) {
            return err_api(err, &ssm_InvalidFilterValue,
                           "The following filter values are missing : null for filter key " STR_FMT,
                           STR_ARG(f->key));
        }
        for (size_t j = 0; j < i; j++) {
            if (str_eq(filters->v[j].key, f->key)) {
                return err_api(err, &ssm_InvalidFilterKey,
                               "The following filter is duplicated in the request: " STR_FMT
                               ". A request can contain only one occurrence of a specific filter.",
                               STR_ARG(f->key));
            }
        }
        for (size_t j = 0; str_is(f->key, "Path") && j < f->values.n; j++) {
            if (ssm_check_path(f->values.v[j], err) < 0) {
                return -1;
            }
        }
    }
    return 0;
}

/* "/a/b" lies one level below "/a"; names without a slash lie below "/". */
static bool lies_below(struct str name, struct str path, bool recursive) {
    struct str prefix = str_ends(path, S("/")) ? str_sub(path, 0, path.n - 1) : path;
    struct str rest = name;
    if (str_starts(name, S("/"))) {
        if (!str_starts(name, prefix) || name.n <= prefix.n || name.p[prefix.n] != '/') {
            return false;
        }
        rest = str_sub(name, prefix.n + 1, name.n);
    } else if (prefix.n > 0) {
        return false;
    }
    return recursive || str_find_c(rest, '/', 0) == (size_t)-1;
}

static bool matches(const struct ssm_parameter_string_filter *f, struct str value) {
    for (size_t i = 0; i < f->values.n; i++) {
        struct str want = f->values.v[i];
        bool met = str_is(f->option, "BeginsWith") ? str_starts(value, want)
                   : str_is(f->option, "Contains") ? str_find(value, want, 0) != (size_t)-1
                                                   : str_eq(value, want);
        if (met) {
            return true;
        }
    }
    return false;
}

/* A slash in front does not tell names apart here: "/a" finds "a" too. */
static bool name_matches(const struct ssm_parameter_string_filter *f, struct str name) {
    if (matches(f, name)) {
        return true;
    }
    return str_starts(name, S("/")) && !str_is(f->option, "Contains") &&
           str_find_c(str_sub(name, 1, name.n), '/', 0) == (size_t)-1 &&
           matches(f, str_sub(name, 1, name.n));
}

static int tag_matches(struct call *c, const struct ssm_parameter_string_filter *f,
                       const struct ssm_row *r, struct err *err) {
    struct str_map tags;
    if (tags_get(c->db, c->arena, ssm_arn(c, r->name), &tags, err) < 0) {
        return -1;
    }
    struct str value = str_map_get(&tags, str_sub(f->key, 4, f->key.n));
    return value.p != NULL && (f->values.n == 0 || matches(f, value));
}

static int label_matches(struct call *c, const struct ssm_parameter_string_filter *f,
                         const struct ssm_row *r, struct err *err) {
    struct str_list labels;
    struct ssm_name name = ssm_name_of(c, r->name);
    if (ssm_labels(c->db, c->arena, &name, r->version, &labels, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < labels.n; i++) {
        if (matches(f, labels.v[i])) {
            return 1;
        }
    }
    return 0;
}

static int filter_matches(struct call *c, const struct ssm_parameter_string_filter *f,
                          const struct ssm_row *r, struct err *err) {
    if (is_tag(f->key)) {
        return tag_matches(c, f, r, err);
    }
    if (str_is(f->key, "Label")) {
        return label_matches(c, f, r, err);
    }
    if (str_is(f->key, "Path")) {
        for (size_t i = 0; i < f->values.n; i++) {
            if (lies_below(r->name, f->values.v[i], str_is(f->option, "Recursive"))) {
                return 1;
            }
        }
        return 0;
    }
    if (str_is(f->key, "Name")) {
        return name_matches(f, r->name);
    }
    struct str value = str_is(f->key, "Type")    ? r->type
                       : str_is(f->key, "KeyId") ? r->key_id
                       : str_is(f->key, "Tier")  ? r->tier
                                                 : r->data_type;
    return value.p != NULL && matches(f, value);
}

int ssm_filters_match(struct call *c, const struct ssm_parameter_string_filter_list *filters,
                      const struct ssm_row *r, struct err *err) {
    for (size_t i = 0; i < filters->n; i++) {
        int met = filter_matches(c, &filters->v[i], r, err);
        if (met <= 0) {
            return met;
        }
    }
    return 1;
}
