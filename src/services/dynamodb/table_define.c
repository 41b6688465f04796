/* CreateTable's and UpdateTable's definitions, checked as DynamoDB checks them. */
#include "services/dynamodb/table.h"

enum { LOCAL_MAX = 5, GLOBAL_MAX = 20, NAME_MIN = 3, NAME_MAX = 255 };

static int check_name(struct str name, const char *member, struct err *err) {
    bool good = true;
    for (size_t i = 0; i < name.n; i++) {
        char ch = name.p[i];
        good = good && ((ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') ||
                        (ch >= '0' && ch <= '9') || ch == '_' || ch == '-' || ch == '.');
    }
    if (!good) {
        return ddb_validation(err,
                              "1 validation error detected: Value '" STR_FMT "' at '%s' failed to "
                              "satisfy constraint: Member must satisfy regular expression "
                              "pattern: [a-zA-Z0-9_.-]+",
                              STR_ARG(name), member);
    }
    if (name.n < NAME_MIN || name.n > NAME_MAX) {
        return ddb_validation(err,
                              "%s must be at least 3 characters long and at most 255 "
                              "characters long",
                              member[0] == 't' ? "TableName" : "IndexName");
    }
    return 0;
}

static int find_type(const struct dynamodb_attribute_definition_list *definitions, struct str name,
                     struct ddb_key_part *ret, struct err *err) {
    for (size_t i = 0; i < definitions->n; i++) {
        if (!str_eq(definitions->v[i].attribute_name, name)) {
            continue;
        }
        ret->name = name;
        if (ddb_type_parse(definitions->v[i].attribute_type, &ret->type) && ret->type <= DDB_B) {
            return 0;
        }
    }
    return ddb_validation(err,
                          "One or more parameter values were invalid: Some index key attributes "
                          "are not defined in AttributeDefinitions. Keys: [" STR_FMT "]",
                          STR_ARG(name));
}

static int read_schema(const struct dynamodb_key_schema_element_list *schema,
                       const struct dynamodb_attribute_definition_list *definitions,
                       struct ddb_key_part *hash, struct ddb_key_part *range, struct err *err) {
    *range = (struct ddb_key_part){0};
    if (schema->n < 1 || schema->n > 2) {
        return ddb_validation(err, "1 validation error detected: Value at 'keySchema' failed to "
                                   "satisfy constraint: Member must have length between 1 and 2");
    }
    if (!str_is(schema->v[0].key_type, "HASH")) {
        return ddb_validation(err, "Invalid KeySchema: The first KeySchemaElement is not a HASH "
                                   "key type");
    }
    if (schema->n == 2 && !str_is(schema->v[1].key_type, "RANGE")) {
        return ddb_validation(err, "Invalid KeySchema: The second KeySchemaElement is not a RANGE "
                                   "key type");
    }
    if (schema->n == 2 && str_eq(schema->v[0].attribute_name, schema->v[1].attribute_name)) {
        return ddb_validation(err, "Both the Hash Key and the Range Key element in the KeySchema "
                                   "have the same name");
    }
    if (find_type(definitions, schema->v[0].attribute_name, hash, err) < 0) {
        return -1;
    }
    return schema->n == 2 ? find_type(definitions, schema->v[1].attribute_name, range, err) : 0;
}

static int read_projection(const struct dynamodb_projection *in, struct ddb_index *ret,
                           struct err *err) {
    struct str type = in != NULL ? in->projection_type : STR_NONE;
    if (!str_is(type, "ALL") && !str_is(type, "KEYS_ONLY") && !str_is(type, "INCLUDE")) {
        return ddb_validation(err,
                              "One or more parameter values were invalid: Unknown "
                              "ProjectionType: " STR_FMT,
                              STR_ARG(type));
    }
    bool include = str_is(type, "INCLUDE");
    if (include != (in->non_key_attributes.n > 0)) {
        return ddb_validation(err,
                              include ? "One or more parameter values were invalid: ProjectionType "
                                        "is INCLUDE, but NonKeyAttributes is not specified"
                                      : "One or more parameter values were invalid: ProjectionType "
                                        "is " STR_FMT ", but NonKeyAttributes is specified",
                              STR_ARG(type));
    }
    ret->projection = type;
    ret->attributes = in->non_key_attributes;
    return 0;
}

static int add_index(struct call *c, struct ddb_table *t, const struct ddb_index *index,
                     struct err *err) {
    for (size_t i = 0; i < t->indexes.n; i++) {
        if (str_eq(t->indexes.v[i].name, index->name)) {
            return ddb_validation(err,
                                  "One or more parameter values were invalid: Duplicate index "
                                  "name: " STR_FMT,
                                  STR_ARG(index->name));
        }
    }
    *arena_push(c->arena, &t->indexes) = *index;
    return 0;
}

static int read_local(struct call *c, const struct dynamodb_create_table_input *in,
                      struct ddb_table *t, struct err *err) {
    if (in->local_secondary_indexes.n > LOCAL_MAX) {
        return ddb_validation(err, "One or more parameter values were invalid: Number of "
                                   "LocalSecondaryIndexes exceeds per-table limit of 5");
    }
    for (size_t i = 0; i < in->local_secondary_indexes.n; i++) {
        const struct dynamodb_local_secondary_index *given = &in->local_secondary_indexes.v[i];
        struct ddb_index index = {.name = given->index_name, .local = true};
        if (check_name(given->index_name, "indexName", err) < 0 ||
            read_schema(&given->key_schema, &in->attribute_definitions, &index.hash, &index.range,
                        err) < 0 ||
            read_projection(given->projection, &index, err) < 0) {
            return -1;
        }
        if (!str_eq(index.hash.name, t->hash.name) || t->range.name.p == NULL ||
            index.range.name.p == NULL) {
            return ddb_validation(err,
                                  "One or more parameter values were invalid: Table KeySchema and "
                                  "local index KeySchema must both have the table's hash key and a "
                                  "range key; index: " STR_FMT,
                                  STR_ARG(index.name));
        }
        if (add_index(c, t, &index, err) < 0) {
            return -1;
        }
    }
    return 0;
}

static int read_units(struct str billing, const struct dynamodb_provisioned_throughput *units,
                      int64_t *read, int64_t *write, struct err *err) {
    bool provisioned = str_is(billing, "PROVISIONED");
    *read = 0;
    *write = 0;
    if (!provisioned && units != NULL &&
        (units->read_capacity_units != 0 || units->write_capacity_units != 0)) {
        return ddb_validation(err, "One or more parameter values were invalid: Neither "
                                   "ReadCapacityUnits nor WriteCapacityUnits can be specified when "
                                   "BillingMode is PAY_PER_REQUEST");
    }
    if (!provisioned) {
        return 0;
    }
    if (units == NULL) {
        return ddb_validation(err, "One or more parameter values were invalid: ReadCapacityUnits "
                                   "and WriteCapacityUnits must both be specified when BillingMode "
                                   "is PROVISIONED");
    }
    *read = units->read_capacity_units;
    *write = units->write_capacity_units;
    return 0;
}

static int read_global(struct call *c, const struct dynamodb_create_table_input *in,
                       struct ddb_table *t, struct err *err) {
    if (in->global_secondary_indexes.n > GLOBAL_MAX) {
        return ddb_validation(err, "One or more parameter values were invalid: Number of "
                                   "GlobalSecondaryIndexes exceeds per-table limit of 20");
    }
    for (size_t i = 0; i < in->global_secondary_indexes.n; i++) {
        const struct dynamodb_global_secondary_index *given = &in->global_secondary_indexes.v[i];
        struct ddb_index index = {.name = given->index_name};
        if (check_name(given->index_name, "indexName", err) < 0 ||
            read_schema(&given->key_schema, &in->attribute_definitions, &index.hash, &index.range,
                        err) < 0 ||
            read_projection(given->projection, &index, err) < 0 ||
            read_units(t->billing, given->provisioned_throughput, &index.read_units,
                       &index.write_units, err) < 0 ||
            add_index(c, t, &index, err) < 0) {
            return -1;
        }
    }
    return 0;
}

static bool is_key(const struct ddb_table *t, struct str name) {
    bool found = str_eq(t->hash.name, name) || str_eq(t->range.name, name);
    for (size_t i = 0; i < t->indexes.n; i++) {
        found = found || str_eq(t->indexes.v[i].hash.name, name) ||
                str_eq(t->indexes.v[i].range.name, name);
    }
    return found;
}

int ddb_billing_define(struct str billing, const struct dynamodb_provisioned_throughput *units,
                       struct ddb_table *t, struct err *err) {
    t->billing = billing;
    return read_units(billing, units, &t->read_units, &t->write_units, err);
}

void ddb_stream_define(struct call *c, const struct dynamodb_stream_specification *in,
                       struct ddb_table *t) {
    if (in == NULL) {
        return;
    }
    t->stream = in->stream_enabled ? in->stream_view_type : STR_NONE;
    t->stream_label =
        in->stream_enabled ? str_sub(time_iso_ms(c->arena, c->now_ms), 0, 23) : STR_NONE;
}

void ddb_sse_define(struct call *c, const struct dynamodb_sse_specification *in,
                    struct ddb_table *t) {
    if (in == NULL) {
        return;
    }
    struct str key =
        in->kms_master_key_id.p != NULL ? in->kms_master_key_id : S("alias/aws/dynamodb");
    if (!in->enabled) {
        t->sse = STR_NONE;
    } else if (str_starts(key, S("arn:"))) {
        t->sse = key;
    } else {
        t->sse = str_printf(c->arena, "arn:aws:kms:" STR_FMT ":" STR_FMT ":%s" STR_FMT,
                            STR_ARG(t->region), STR_ARG(t->account),
                            str_starts(key, S("alias/")) ? "" : "key/", STR_ARG(key));
    }
}

int ddb_table_define(struct call *c, const struct dynamodb_create_table_input *in,
                     struct ddb_table *ret, struct err *err) {
    *ret = (struct ddb_table){
        .account = c->account,
        .region = c->region,
        .name = in->table_name,
        .uuid = rng_uuid(c->rng, c->arena),
        .created_ms = c->now_ms,
        .storage_class = in->table_class.p != NULL ? in->table_class : S("STANDARD"),
        .protected = in->has_deletion_protection_enabled && in->deletion_protection_enabled,
    };
    struct str billing = in->billing_mode.p != NULL ? in->billing_mode : S("PROVISIONED");
    if (check_name(in->table_name, "tableName", err) < 0 ||
        read_schema(&in->key_schema, &in->attribute_definitions, &ret->hash, &ret->range, err) <
            0 ||
        ddb_billing_define(billing, in->provisioned_throughput, ret, err) < 0 ||
        read_local(c, in, ret, err) < 0 || read_global(c, in, ret, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < in->attribute_definitions.n; i++) {
        if (!is_key(ret, in->attribute_definitions.v[i].attribute_name)) {
            return ddb_validation(err, "One or more parameter values were invalid: Number of "
                                       "attributes in KeySchema does not exactly match number of "
                                       "attributes defined in AttributeDefinitions");
        }
    }
    ddb_stream_define(c, in->stream_specification, ret);
    ddb_sse_define(c, in->sse_specification, ret);
    return 0;
}

int ddb_index_define(const struct dynamodb_attribute_definition_list *definitions,
                     const struct dynamodb_create_global_secondary_index_action *in,
                     const struct ddb_table *t, struct ddb_index *ret, struct err *err) {
    *ret = (struct ddb_index){.name = in->index_name};
    for (size_t i = 0; i < t->indexes.n; i++) {
        if (str_eq(t->indexes.v[i].name, in->index_name)) {
            return ddb_validation(err, "Attempting to create an index which already exists");
        }
    }
    if (check_name(in->index_name, "indexName", err) < 0 ||
        read_schema(&in->key_schema, definitions, &ret->hash, &ret->range, err) < 0 ||
        read_projection(in->projection, ret, err) < 0) {
        return -1;
    }
    return read_units(t->billing, in->provisioned_throughput, &ret->read_units, &ret->write_units,
                      err);
}
