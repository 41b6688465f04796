/* Values between the generated structs and ours. */
#include "services/dynamodb/ddb.h"

int ddb_invalid(struct err *err) {
    if (err->kind == ERR_INVALID && err->api == NULL) {
        err->api = &dynamodb_ValidationException;
    }
    return -1;
}

int ddb_validation(struct err *err, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    err_vset(err, ERR_INVALID, fmt, args);
    va_end(args);
    err->api = &dynamodb_ValidationException;
    return -1;
}

static struct ddb_value *take(struct arena *a, const struct dynamodb_attribute_value *in, int depth,
                              struct err *err);

static struct ddb_value *take_set(struct arena *a, enum ddb_type type, const struct str_list *in) {
    struct ddb_value *set = ddb_value_new(a, type, STR_NONE);
    enum ddb_type member = type == DDB_SS ? DDB_S : type == DDB_NS ? DDB_N : DDB_B;
    for (size_t i = 0; i < in->n; i++) {
        *arena_push(a, &set->list) = ddb_value_new(a, member, in->v[i]);
    }
    return set;
}

static int take_members(struct arena *a, const struct dynamodb_attribute_value_map *in, int depth,
                        struct ddb_map *ret, struct err *err) {
    for (size_t i = 0; i < in->n; i++) {
        struct str name = in->v[i].key;
        if (str_find_c(name, '\0', 0) != (size_t)-1 || name.n > 65535) {
            return ddb_validation(err, "One or more parameter values were invalid: an attribute "
                                       "name holds a NUL byte or is longer than 65535 bytes");
        }
        struct ddb_value *value = take(a, &in->v[i].value, depth, err);
        if (value == NULL) {
            return -1;
        }
        *arena_push(a, ret) = (struct ddb_attr){name, value};
    }
    return 0;
}

static struct ddb_value *take_list(struct arena *a, const struct dynamodb_attribute_value_list *in,
                                   int depth, struct err *err) {
    struct ddb_value *list = ddb_value_new(a, DDB_L, STR_NONE);
    for (size_t i = 0; i < in->n; i++) {
        struct ddb_value *element = take(a, &in->v[i], depth, err);
        if (element == NULL) {
            return NULL;
        }
        *arena_push(a, &list->list) = element;
    }
    return list;
}

static int count_types(const struct dynamodb_attribute_value *in) {
    return (in->s.p != NULL) + (in->n.p != NULL) + (in->b.p != NULL) + (in->ss.v != NULL) +
           (in->ns.v != NULL) + (in->bs.v != NULL) + (in->m.v != NULL) + (in->l.v != NULL) +
           in->has_null + in->has_bool_;
}

static struct ddb_value *take(struct arena *a, const struct dynamodb_attribute_value *in, int depth,
                              struct err *err) {
    int n = count_types(in);
    if (n != 1) {
        ddb_validation(err,
                       "Supplied AttributeValue %s, must contain exactly one of the supported "
                       "datatypes",
                       n == 0 ? "is empty" : "has more than one datatypes set");
        return NULL;
    }
    if (depth > DDB_DEPTH_MAX) {
        ddb_validation(err, "Nesting Levels have exceeded supported limits: Attributes contain "
                            "deeply nested elements");
        return NULL;
    }
    if (in->m.v != NULL) {
        struct ddb_value *map = ddb_value_new(a, DDB_M, STR_NONE);
        return take_members(a, &in->m, depth + 1, &map->map, err) < 0 ? NULL : map;
    }
    if (in->l.v != NULL) {
        return take_list(a, &in->l, depth + 1, err);
    }
    if (in->ss.v != NULL || in->ns.v != NULL || in->bs.v != NULL) {
        enum ddb_type type = in->ss.v != NULL ? DDB_SS : in->ns.v != NULL ? DDB_NS : DDB_BS;
        return take_set(a, type, type == DDB_SS ? &in->ss : type == DDB_NS ? &in->ns : &in->bs);
    }
    if (in->has_bool_ || in->has_null) {
        struct ddb_value *value = ddb_value_new(a, in->has_bool_ ? DDB_BOOL : DDB_NULL, STR_NONE);
        value->boolean = in->has_bool_ && in->bool_;
        if (in->has_null && !in->null) {
            ddb_validation(err, "One or more parameter values were invalid: Null attribute value "
                                "types must have the value of true");
            return NULL;
        }
        return value;
    }
    if (in->s.p != NULL) {
        return ddb_value_new(a, DDB_S, in->s);
    }
    return in->n.p != NULL ? ddb_value_new(a, DDB_N, in->n) : ddb_value_new(a, DDB_B, in->b);
}

int ddb_map_take(struct arena *a, const struct dynamodb_attribute_value_map *in,
                 struct ddb_map *ret, struct err *err) {
    *ret = (struct ddb_map){0};
    if (take_members(a, in, 0, ret, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < ret->n; i++) {
        if (ddb_value_check(a, ret->v[i].value, err) < 0) {
            return ddb_invalid(err);
        }
    }
    return 0;
}

static struct str_list give_set(struct arena *a, const struct ddb_list *set) {
    struct str_list out = {arena_new_n(a, struct str, set->n), set->n};
    for (size_t i = 0; i < set->n; i++) {
        out.v[i] = set->v[i]->text;
    }
    return out;
}

static void give(struct arena *a, const struct ddb_value *value,
                 struct dynamodb_attribute_value *out) {
    *out = (struct dynamodb_attribute_value){0};
    switch (value->type) {
    case DDB_S:
        out->s = value->text;
        break;
    case DDB_N:
        out->n = value->text;
        break;
    case DDB_B:
        out->b = value->text;
        break;
    case DDB_SS:
        out->ss = give_set(a, &value->list);
        break;
    case DDB_NS:
        out->ns = give_set(a, &value->list);
        break;
    case DDB_BS:
        out->bs = give_set(a, &value->list);
        break;
    case DDB_M:
        ddb_map_give(a, &value->map, &out->m);
        break;
    case DDB_L:
        out->l.n = value->list.n;
        out->l.v = arena_new_n(a, struct dynamodb_attribute_value, value->list.n);
        for (size_t i = 0; i < value->list.n; i++) {
            give(a, value->list.v[i], &out->l.v[i]);
        }
        break;
    case DDB_NULL:
        out->null = out->has_null = true;
        break;
    case DDB_BOOL:
        out->bool_ = value->boolean;
        out->has_bool_ = true;
        break;
    }
}

void ddb_map_give(struct arena *a, const struct ddb_map *map,
                  struct dynamodb_attribute_value_map *out) {
    out->n = map->n;
    out->v = arena_new_n(a, struct dynamodb_attribute_value_map_entry, map->n);
    for (size_t i = 0; i < map->n; i++) {
        out->v[i].key = map->v[i].name;
        give(a, map->v[i].value, &out->v[i].value);
    }
}
