/* Implementation of value.h; the stored form is in item_json.c. */
#include "services/dynamodb/value.h"

#include "services/dynamodb/number.h"

#include <stdlib.h>

static const struct {
    const char *name;
    const char *word;
} types[] = {
    [DDB_S] = {"S", "STRING"},       [DDB_N] = {"N", "NUMBER"},
    [DDB_B] = {"B", "BINARY"},       [DDB_SS] = {"SS", "STRING_SET"},
    [DDB_NS] = {"NS", "NUMBER_SET"}, [DDB_BS] = {"BS", "BINARY_SET"},
    [DDB_M] = {"M", "MAP"},          [DDB_L] = {"L", "LIST"},
    [DDB_NULL] = {"NULL", "NULL"},   [DDB_BOOL] = {"BOOL", "BOOLEAN"},
};

const char *ddb_type_name(enum ddb_type type) {
    return types[type].name;
}

const char *ddb_type_word(enum ddb_type type) {
    return types[type].word;
}

bool ddb_type_parse(struct str name, enum ddb_type *ret) {
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (str_is(name, types[i].name)) {
            *ret = (enum ddb_type)i;
            return true;
        }
    }
    return false;
}

struct ddb_value *ddb_value_new(struct arena *a, enum ddb_type type, struct str text) {
    struct ddb_value *value = arena_new(a, struct ddb_value);
    value->type = type;
    value->text = text;
    return value;
}

struct ddb_value *ddb_map_get(const struct ddb_map *map, struct str name) {
    for (size_t i = 0; i < map->n; i++) {
        if (str_eq(map->v[i].name, name)) {
            return map->v[i].value;
        }
    }
    return NULL;
}

void ddb_map_set(struct arena *a, struct ddb_map *map, struct str name, struct ddb_value *value) {
    for (size_t i = 0; i < map->n; i++) {
        if (str_eq(map->v[i].name, name)) {
            map->v[i].value = value;
            return;
        }
    }
    *arena_push(a, map) = (struct ddb_attr){name, value};
}

void ddb_map_remove(struct ddb_map *map, struct str name) {
    for (size_t i = 0; i < map->n; i++) {
        if (str_eq(map->v[i].name, name)) {
            memmove(&map->v[i], &map->v[i + 1], (map->n - i - 1) * sizeof(map->v[0]));
            map->n--;
            return;
        }
    }
}

static bool lists_eq(const struct ddb_list *x, const struct ddb_list *y) {
    if (x->n != y->n) {
        return false;
    }
    for (size_t i = 0; i < x->n; i++) {
        if (!ddb_value_eq(x->v[i], y->v[i])) {
            return false;
        }
    }
    return true;
}

static int by_text(const void *x, const void *y) {
    return str_cmp((*(struct ddb_value *const *)x)->text, (*(struct ddb_value *const *)y)->text);
}

/* Sets can hold a hundred thousand members: everything on them sorts first. */
static struct ddb_value **sorted(const struct ddb_list *set) {
    struct ddb_value **v = mem_alloc(set->n * sizeof(*v));
    memcpy(v, set->v, set->n * sizeof(*v));
    qsort(v, set->n, sizeof(*v), by_text);
    return v;
}

static bool sets_eq(const struct ddb_list *x, const struct ddb_list *y) {
    if (x->n != y->n || x->n == 0) {
        return x->n == y->n;
    }
    struct ddb_value **a = sorted(x);
    struct ddb_value **b = sorted(y);
    bool same = true;
    for (size_t i = 0; same && i < x->n; i++) {
        same = str_eq(a[i]->text, b[i]->text);
    }
    free(a);
    free(b);
    return same;
}

void ddb_set_merge(struct arena *a, struct ddb_list *set, const struct ddb_list *other,
                   bool remove) {
    if (other->n == 0) {
        return;
    }
    const struct ddb_list *index = remove ? other : set;
    const struct ddb_list *tested = remove ? set : other;
    struct ddb_value **v = index->n > 0 ? sorted(index) : NULL;
    struct ddb_list kept = {0};
    for (size_t i = 0; !remove && i < set->n; i++) {
        *arena_push(a, &kept) = set->v[i];
    }
    for (size_t i = 0; i < tested->n; i++) {
        if (v == NULL || bsearch(&tested->v[i], v, index->n, sizeof(*v), by_text) == NULL) {
            *arena_push(a, &kept) = tested->v[i];
        }
    }
    free(v);
    *set = kept;
}

static bool maps_eq(const struct ddb_map *x, const struct ddb_map *y) {
    if (x->n != y->n) {
        return false;
    }
    for (size_t i = 0; i < x->n; i++) {
        const struct ddb_value *other = ddb_map_get(y, x->v[i].name);
        if (other == NULL || !ddb_value_eq(x->v[i].value, other)) {
            return false;
        }
    }
    return true;
}

bool ddb_value_eq(const struct ddb_value *x, const struct ddb_value *y) {
    if (x->type != y->type) {
        return false;
    }
    switch (x->type) {
    case DDB_S:
    case DDB_N: /* normalised: equal numbers have equal text */
    case DDB_B:
        return str_eq(x->text, y->text);
    case DDB_SS:
    case DDB_NS:
    case DDB_BS:
        return sets_eq(&x->list, &y->list);
    case DDB_M:
        return maps_eq(&x->map, &y->map);
    case DDB_L:
        return lists_eq(&x->list, &y->list);
    case DDB_BOOL:
        return x->boolean == y->boolean;
    case DDB_NULL:
        return true;
    }
    return false;
}

bool ddb_value_cmp(const struct ddb_value *x, const struct ddb_value *y, int *ret) {
    if (x->type != y->type || x->type > DDB_B) {
        return false;
    }
    if (x->type != DDB_N) {
        *ret = str_cmp(x->text, y->text);
        return true;
    }
    struct ddb_number a;
    struct ddb_number b;
    struct err err = ERR_INIT;
    if (ddb_number_parse(x->text, &a, &err) < 0 || ddb_number_parse(y->text, &b, &err) < 0) {
        return false;
    }
    *ret = ddb_number_cmp(&a, &b);
    return true;
}

bool ddb_set_has(const struct ddb_list *set, const struct ddb_value *element) {
    for (size_t i = 0; i < set->n; i++) {
        if (ddb_value_eq(set->v[i], element)) {
            return true;
        }
    }
    return false;
}

struct ddb_map ddb_map_copy(struct arena *a, const struct ddb_map *map) {
    struct ddb_map copy = {0};
    for (size_t i = 0; i < map->n; i++) {
        *arena_push(a, &copy) =
            (struct ddb_attr){map->v[i].name, ddb_value_copy(a, map->v[i].value)};
    }
    return copy;
}

struct ddb_value *ddb_value_copy(struct arena *a, const struct ddb_value *value) {
    struct ddb_value *copy = ddb_value_new(a, value->type, value->text);
    copy->boolean = value->boolean;
    copy->map = ddb_map_copy(a, &value->map);
    for (size_t i = 0; i < value->list.n; i++) {
        *arena_push(a, &copy->list) = ddb_value_copy(a, value->list.v[i]);
    }
    return copy;
}

/* About one byte for two digits and one more. */
static size_t number_size(struct str text) {
    struct ddb_number n;
    struct err err = ERR_INIT;
    if (ddb_number_parse(text, &n, &err) < 0) {
        return text.n;
    }
    return (size_t)(n.n + 1) / 2 + 1 + (n.negative ? 1 : 0);
}

size_t ddb_value_size(const struct ddb_value *value) {
    size_t size = 0;
    switch (value->type) {
    case DDB_S:
    case DDB_B:
        return value->text.n;
    case DDB_N:
        return number_size(value->text);
    case DDB_BOOL:
    case DDB_NULL:
        return 1;
    case DDB_M:
        return 3 + value->map.n + ddb_map_size(&value->map);
    case DDB_L:
        size = 3 + value->list.n;
        break;
    case DDB_SS:
    case DDB_NS:
    case DDB_BS:
        break;
    }
    for (size_t i = 0; i < value->list.n; i++) {
        size += ddb_value_size(value->list.v[i]);
    }
    return size;
}

size_t ddb_map_size(const struct ddb_map *map) {
    size_t size = 0;
    for (size_t i = 0; i < map->n; i++) {
        size += map->v[i].name.n + ddb_value_size(map->v[i].value);
    }
    return size;
}

static int check_number(struct arena *a, struct ddb_value *value, struct err *err) {
    struct ddb_number n;
    if (ddb_number_parse(value->text, &n, err) < 0) {
        return -1;
    }
    value->text = ddb_number_text(a, &n);
    return 0;
}

static struct str set_text(struct arena *a, const struct ddb_list *set) {
    struct str text = S("");
    for (size_t i = 0; i < set->n && i < 20; i++) {
        text = str_printf(a, STR_FMT "%s" STR_FMT, STR_ARG(text), i > 0 ? ", " : "",
                          STR_ARG(set->v[i]->text));
    }
    return text;
}

static int check_set(struct arena *a, struct ddb_value *value, struct err *err) {
    const char *kind = value->type == DDB_NS   ? "number"
                       : value->type == DDB_SS ? "string"
                                               : "binary";
    if (value->list.n == 0) {
        return err_set(err, ERR_INVALID,
                       "One or more parameter values were invalid: An %s set  may not be empty",
                       kind);
    }
    for (size_t i = 0; value->type == DDB_NS && i < value->list.n; i++) {
        if (check_number(a, value->list.v[i], err) < 0) {
            return -1;
        }
    }
    struct ddb_value **v = sorted(&value->list);
    bool twice = false;
    for (size_t i = 1; i < value->list.n; i++) {
        twice = twice || str_eq(v[i - 1]->text, v[i]->text);
    }
    free(v);
    if (twice) {
        struct str all = value->type == DDB_BS ? S("...") : set_text(a, &value->list);
        return err_set(err, ERR_INVALID,
                       "One or more parameter values were invalid: Input collection [" STR_FMT
                       "] contains duplicates.",
                       STR_ARG(all));
    }
    return 0;
}

static int check_at(struct arena *a, struct ddb_value *value, int depth, struct err *err) {
    if (depth > DDB_DEPTH_MAX) {
        return err_set(err, ERR_INVALID,
                       "Nesting Levels have exceeded supported limits: Attributes contain deeply "
                       "nested elements");
    }
    switch (value->type) {
    case DDB_N:
        return check_number(a, value, err);
    case DDB_SS:
    case DDB_NS:
    case DDB_BS:
        return check_set(a, value, err);
    case DDB_M:
        for (size_t i = 0; i < value->map.n; i++) {
            if (check_at(a, value->map.v[i].value, depth + 1, err) < 0) {
                return -1;
            }
        }
        return 0;
    case DDB_L:
        for (size_t i = 0; i < value->list.n; i++) {
            if (check_at(a, value->list.v[i], depth + 1, err) < 0) {
                return -1;
            }
        }
        return 0;
    case DDB_S:
    case DDB_B:
    case DDB_NULL:
    case DDB_BOOL:
        break;
    }
    return 0;
}

int ddb_value_check(struct arena *a, struct ddb_value *value, struct err *err) {
    return check_at(a, value, 0, err);
}

struct str ddb_value_key(struct arena *a, const struct ddb_value *value) {
    if (value->type != DDB_N) {
        return value->text;
    }
    struct ddb_number n;
    struct err err = ERR_INIT;
    unsigned char key[DDB_NUMBER_KEY_MAX];
    if (ddb_number_parse(value->text, &n, &err) < 0) {
        return S("");
    }
    size_t size = ddb_number_key(&n, key);
    return str_dup(a, str_n((const char *)key, size));
}
