/* What most requests bring: a table's name, a key, names and values of expressions. */
#include "services/dynamodb/ddb.h"

#include "services/core/arn.h"

int ddb_need_table(struct call *c, struct str name, bool named, struct ddb_table *ret,
                   struct err *err) {
    struct aws_arn arn = {.account = c->account, .region = c->region};
    struct str plain = name;
    if (str_starts(name, S("arn:"))) {
        if (!aws_arn_parse(name, &arn) || !str_starts(arn.resource, S("table/"))) {
            return ddb_validation(err, "Invalid table ARN: " STR_FMT, STR_ARG(name));
        }
        plain = str_sub(arn.resource, 6, arn.resource.n);
        size_t slash = str_find_c(plain, '/', 0);
        plain = str_sub(plain, 0, slash);
    }
    int found = ddb_table_find(c->db, c->arena, arn.account, arn.region, plain, ret, err);
    if (found != 0) {
        return found < 0 ? -1 : 0;
    }
    if (named) {
        return err_api(err, &dynamodb_ResourceNotFoundException,
                       "Requested resource not found: Table: " STR_FMT " not found",
                       STR_ARG(plain));
    }
    return err_api(err, &dynamodb_ResourceNotFoundException, "Requested resource not found");
}

struct str ddb_table_arn(struct call *c, const struct ddb_table *t) {
    return str_printf(c->arena, "arn:aws:dynamodb:" STR_FMT ":" STR_FMT ":table/" STR_FMT,
                      STR_ARG(t->region), STR_ARG(t->account), STR_ARG(t->name));
}

static int check_key_part(const struct ddb_key_part *part, const struct ddb_map *map, bool whole,
                          size_t max, struct err *err) {
    const struct ddb_value *value = ddb_map_get(map, part->name);
    if (!whole && (value == NULL || value->type != part->type)) {
        return ddb_validation(err, "The provided key element does not match the schema");
    }
    if (value == NULL) {
        return ddb_validation(err,
                              "One or more parameter values were invalid: Missing the key " STR_FMT
                              " in the item",
                              STR_ARG(part->name));
    }
    if (value->type != part->type) {
        return ddb_validation(err,
                              "One or more parameter values were invalid: Type mismatch for "
                              "key " STR_FMT " expected: %s actual: %s",
                              STR_ARG(part->name), ddb_type_name(part->type),
                              ddb_type_name(value->type));
    }
    if (value->text.n == 0) {
        return ddb_validation(err,
                              "One or more parameter values are not valid. The AttributeValue for "
                              "a key attribute cannot contain an empty %s value. Key: " STR_FMT,
                              value->type == DDB_B ? "binary" : "string", STR_ARG(part->name));
    }
    if (value->type != DDB_N && value->text.n > max) {
        return ddb_validation(
            err, max == DDB_HASH_KEY_MAX
                     ? "One or more parameter values were invalid: Size of hashkey has "
                       "exceeded the maximum size limit of2048 bytes"
                     : "One or more parameter values were invalid: Aggregated size of "
                       "all range keys has exceeded the size limit of 1024 bytes");
    }
    return 0;
}

int ddb_item_key(struct arena *a, const struct ddb_table *t, const struct ddb_map *map, bool whole,
                 struct ddb_key *ret, struct err *err) {
    bool ranged = t->range.name.p != NULL;
    if (!whole && map->n != (ranged ? 2u : 1u)) {
        return ddb_validation(err, "The provided key element does not match the schema");
    }
    if (check_key_part(&t->hash, map, whole, DDB_HASH_KEY_MAX, err) < 0 ||
        (ranged && check_key_part(&t->range, map, whole, DDB_RANGE_KEY_MAX, err) < 0)) {
        return -1;
    }
    ddb_key_of(a, &t->hash, &t->range, map, ret);
    return 0;
}

static bool is_placeholder(struct str name, char first) {
    if (name.n < 2 || name.p[0] != first) {
        return false;
    }
    for (size_t i = 1; i < name.n; i++) {
        char ch = name.p[i];
        if (!((ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9') ||
              ch == '_')) {
            return false;
        }
    }
    return true;
}

int ddb_names_take(struct arena *a, const struct str_map *names,
                   const struct dynamodb_attribute_value_map *values, int expressions,
                   struct ddb_names *ret, struct err *err) {
    *ret = (struct ddb_names){0};
    const char *given = names->v != NULL ? "ExpressionAttributeNames" : "ExpressionAttributeValues";
    if (expressions == 0 && (names->v != NULL || (values != NULL && values->v != NULL))) {
        return ddb_validation(err, "%s can only be specified when using expressions", given);
    }
    if ((names->v != NULL && names->n == 0) ||
        (values != NULL && values->v != NULL && values->n == 0)) {
        return ddb_validation(err, "%s must not be empty",
                              names->v != NULL && names->n == 0 ? "ExpressionAttributeNames"
                                                                : "ExpressionAttributeValues");
    }
    for (size_t i = 0; i < names->n; i++) {
        if (!is_placeholder(names->v[i].key, '#')) {
            return ddb_validation(err,
                                  "ExpressionAttributeNames contains invalid key: Syntax error; "
                                  "key: \"" STR_FMT "\"",
                                  STR_ARG(names->v[i].key));
        }
    }
    ret->names = *names;
    if (values != NULL && ddb_map_take(a, values, &ret->values, err) < 0) {
        return err_wrap(err, "ExpressionAttributeValues contains invalid value");
    }
    for (size_t i = 0; i < ret->values.n; i++) {
        if (!is_placeholder(ret->values.v[i].name, ':')) {
            return ddb_validation(err,
                                  "ExpressionAttributeValues contains invalid key: Syntax error; "
                                  "key: \"" STR_FMT "\"",
                                  STR_ARG(ret->values.v[i].name));
        }
    }
    ddb_names_init(a, ret);
    return 0;
}

double ddb_read_units(size_t bytes, bool consistent) {
    double units = (double)(bytes == 0 ? 1 : (bytes + 4095) / 4096);
    return consistent ? units : units / 2;
}

double ddb_write_units(size_t bytes) {
    return (double)(bytes == 0 ? 1 : (bytes + 1023) / 1024);
}

struct dynamodb_consumed_capacity *ddb_capacity(struct call *c, const struct ddb_table *t,
                                                struct str wanted, double units) {
    bool indexes = str_is(wanted, "INDEXES");
    if (!indexes && !str_is(wanted, "TOTAL")) {
        return NULL;
    }
    struct dynamodb_consumed_capacity *used =
        arena_new(c->arena, struct dynamodb_consumed_capacity);
    used->table_name = t->name;
    used->capacity_units = units;
    used->has_capacity_units = true;
    if (indexes) {
        used->table = arena_new(c->arena, struct dynamodb_capacity);
        used->table->capacity_units = units;
        used->table->has_capacity_units = true;
    }
    return used;
}
