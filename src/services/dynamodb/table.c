/* CreateTable, DescribeTable, UpdateTable, DeleteTable, ListTables; time to live, backups, tags. */
#include "services/dynamodb/table.h"

#include "base/clock.h"
#include "services/core/tags.h"

static int put_tags(struct call *c, struct str arn, const struct dynamodb_tag_list *tags,
                    struct err *err) {
    struct str_map map = {arena_new_n(c->arena, struct str_pair, tags->n), tags->n};
    struct str culprit = STR_NONE;
    for (size_t i = 0; i < tags->n; i++) {
        map.v[i] = (struct str_pair){tags->v[i].key, tags->v[i].value};
    }
    enum tags_fault fault = tags_check(&map, &culprit);
    if (fault != TAGS_OK) {
        static const char *const words[] = {
            [TAGS_TOO_MANY] = "too many tags, at most 50 are allowed; at",
            [TAGS_DUPLICATE] = "a tag key was given twice:",
            [TAGS_RESERVED] = "tag keys that begin with aws: are reserved:",
            [TAGS_BAD_KEY] = "a tag key must have 1 to 128 characters:",
            [TAGS_BAD_VALUE] = "a tag value has more than 256 characters; key",
        };
        return ddb_validation(err, "One or more parameter values were invalid: %s " STR_FMT,
                              words[fault], STR_ARG(culprit));
    }
    if (tags_put(c->db, arn, &map, err) < 0) {
        return err->kind == ERR_LIMIT ? ddb_validation(err, "Too many tags: at most 50") : -1;
    }
    return 0;
}

int dynamodb_create_table(struct call *c, const struct dynamodb_create_table_input *in,
                          struct dynamodb_create_table_output *out, struct err *err) {
    struct ddb_table t;
    struct ddb_table there;
    if (ddb_table_define(c, in, &t, err) < 0) {
        return -1;
    }
    int found = ddb_table_find(c->db, c->arena, c->account, c->region, t.name, &there, err);
    if (found == 1) {
        return err_api(err, &dynamodb_ResourceInUseException, "Table already exists: " STR_FMT,
                       STR_ARG(t.name));
    }
    if (found < 0 || ddb_table_insert(c->db, &t, err) < 0 ||
        put_tags(c, ddb_table_arn(c, &t), &in->tags, err) < 0) {
        return -1;
    }
    out->table_description = ddb_describe(c, &t, "CREATING");
    return 0;
}

int dynamodb_describe_table(struct call *c, const struct dynamodb_describe_table_input *in,
                            struct dynamodb_describe_table_output *out, struct err *err) {
    struct ddb_table t;
    if (ddb_need_table(c, in->table_name, true, &t, err) < 0) {
        return -1;
    }
    out->table = ddb_describe(c, &t, "ACTIVE");
    return 0;
}

int dynamodb_delete_table(struct call *c, const struct dynamodb_delete_table_input *in,
                          struct dynamodb_delete_table_output *out, struct err *err) {
    struct ddb_table t;
    if (ddb_need_table(c, in->table_name, true, &t, err) < 0) {
        return -1;
    }
    if (t.protected) {
        return ddb_validation(err,
                              "Resource cannot be deleted as it is currently protected against "
                              "deletion. Disable deletion protection first.");
    }
    out->table_description = ddb_describe(c, &t, "DELETING");
    if (tags_drop(c->db, ddb_table_arn(c, &t), err) < 0) {
        return -1;
    }
    return ddb_table_remove(c->db, &t, err);
}

static struct ddb_index *find_index(struct ddb_table *t, struct str name) {
    for (size_t i = 0; i < t->indexes.n; i++) {
        if (str_eq(t->indexes.v[i].name, name)) {
            return &t->indexes.v[i];
        }
    }
    return NULL;
}

static int update_index(struct call *c, const struct dynamodb_update_table_input *in,
                        const struct dynamodb_global_secondary_index_update *u, struct ddb_table *t,
                        struct err *err) {
    if (u->create != NULL) {
        struct ddb_index index;
        if (ddb_index_define(&in->attribute_definitions, u->create, t, &index, err) < 0) {
            return -1;
        }
        return ddb_index_insert(c->db, t, &index, err);
    }
    struct str name = u->delete != NULL   ? u->delete->index_name
                      : u->update != NULL ? u->update->index_name
                                          : STR_NONE;
    struct ddb_index *index = find_index(t, name);
    if (index == NULL || index->local) {
        return err_api(err, &dynamodb_ResourceNotFoundException,
                       "Requested resource not found: No index " STR_FMT, STR_ARG(name));
    }
    if (u->delete != NULL) {
        return ddb_index_remove(c->db, index, err);
    }
    if (u->update->provisioned_throughput != NULL) {
        index->read_units = u->update->provisioned_throughput->read_capacity_units;
        index->write_units = u->update->provisioned_throughput->write_capacity_units;
    }
    return ddb_index_update(c->db, index, err);
}

static int update_options(struct call *c, const struct dynamodb_update_table_input *in,
                          struct ddb_table *t, struct err *err) {
    struct str billing = in->billing_mode.p != NULL ? in->billing_mode : t->billing;
    if ((in->billing_mode.p != NULL || in->provisioned_throughput != NULL) &&
        ddb_billing_define(billing, in->provisioned_throughput, t, err) < 0) {
        return -1;
    }
    if (in->table_class.p != NULL) {
        t->storage_class = in->table_class;
    }
    if (in->has_deletion_protection_enabled) {
        t->protected = in->deletion_protection_enabled;
    }
    if (in->replica_updates.n > 0 || in->global_table_witness_updates.n > 0) {
        return ddb_validation(err, "Global tables are not supported here: replica updates are "
                                   "refused");
    }
    ddb_stream_define(c, in->stream_specification, t);
    ddb_sse_define(c, in->sse_specification, t);
    return ddb_table_update(c->db, t, err);
}

int dynamodb_update_table(struct call *c, const struct dynamodb_update_table_input *in,
                          struct dynamodb_update_table_output *out, struct err *err) {
    struct ddb_table t;
    if (ddb_need_table(c, in->table_name, true, &t, err) < 0 ||
        update_options(c, in, &t, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < in->global_secondary_index_updates.n; i++) {
        if (update_index(c, in, &in->global_secondary_index_updates.v[i], &t, err) < 0) {
            return -1;
        }
    }
    if (ddb_need_table(c, in->table_name, true, &t, err) < 0) { /* with its indexes as they are */
        return -1;
    }
    out->table_description = ddb_describe(c, &t, "UPDATING");
    return 0;
}

int dynamodb_list_tables(struct call *c, const struct dynamodb_list_tables_input *in,
                         struct dynamodb_list_tables_output *out, struct err *err) {
    int64_t limit = in->has_limit ? in->limit : 100;
    if (limit < 1 || limit > 100) {
        return ddb_validation(err,
                              "1 validation error detected: Value '%lld' at 'limit' failed to "
                              "satisfy constraint: Member must have value less than or equal to "
                              "100",
                              (long long)limit);
    }
    if (ddb_table_names(c->db, c->arena, c->account, c->region, in->exclusive_start_table_name,
                        limit + 1, &out->table_names, err) < 0) {
        return -1;
    }
    if ((int64_t)out->table_names.n > limit) {
        out->table_names.n = (size_t)limit;
        out->last_evaluated_table_name = out->table_names.v[limit - 1];
    }
    if (out->table_names.v == NULL) {
        out->table_names.v = arena_new(c->arena, struct str);
    }
    return 0;
}

int dynamodb_describe_time_to_live(struct call *c,
                                   const struct dynamodb_describe_time_to_live_input *in,
                                   struct dynamodb_describe_time_to_live_output *out,
                                   struct err *err) {
    struct ddb_table t;
    if (ddb_need_table(c, in->table_name, true, &t, err) < 0) {
        return -1;
    }
    out->time_to_live_description = arena_new(c->arena, struct dynamodb_time_to_live_description);
    out->time_to_live_description->time_to_live_status =
        t.ttl_attribute.p != NULL ? S("ENABLED") : S("DISABLED");
    out->time_to_live_description->attribute_name = t.ttl_attribute;
    return 0;
}

int dynamodb_update_time_to_live(struct call *c,
                                 const struct dynamodb_update_time_to_live_input *in,
                                 struct dynamodb_update_time_to_live_output *out, struct err *err) {
    struct ddb_table t;
    const struct dynamodb_time_to_live_specification *wanted = in->time_to_live_specification;
    if (ddb_need_table(c, in->table_name, true, &t, err) < 0) {
        return -1;
    }
    if (wanted->enabled == (t.ttl_attribute.p != NULL)) {
        return ddb_validation(err, "TimeToLive is already %s",
                              wanted->enabled ? "enabled" : "disabled");
    }
    t.ttl_attribute = wanted->enabled ? wanted->attribute_name : STR_NONE;
    out->time_to_live_specification = in->time_to_live_specification;
    return ddb_table_update(c->db, &t, err);
}

static struct dynamodb_continuous_backups_description *describe_backups(struct call *c,
                                                                        const struct ddb_table *t) {
    struct dynamodb_continuous_backups_description *d =
        arena_new(c->arena, struct dynamodb_continuous_backups_description);
    d->continuous_backups_status = S("ENABLED");
    d->point_in_time_recovery_description =
        arena_new(c->arena, struct dynamodb_point_in_time_recovery_description);
    struct dynamodb_point_in_time_recovery_description *p = d->point_in_time_recovery_description;
    p->point_in_time_recovery_status = t->recovery_ms != 0 ? S("ENABLED") : S("DISABLED");
    if (t->recovery_ms != 0) {
        p->recovery_period_in_days = 35;
        p->has_recovery_period_in_days = true;
        p->earliest_restorable_date_time = t->recovery_ms;
        p->has_earliest_restorable_date_time = true;
        p->latest_restorable_date_time = c->now_ms;
        p->has_latest_restorable_date_time = true;
    }
    return d;
}

int dynamodb_describe_continuous_backups(
    struct call *c, const struct dynamodb_describe_continuous_backups_input *in,
    struct dynamodb_describe_continuous_backups_output *out, struct err *err) {
    struct ddb_table t;
    if (ddb_need_table(c, in->table_name, true, &t, err) < 0) {
        return -1;
    }
    out->continuous_backups_description = describe_backups(c, &t);
    return 0;
}

int dynamodb_update_continuous_backups(struct call *c,
                                       const struct dynamodb_update_continuous_backups_input *in,
                                       struct dynamodb_update_continuous_backups_output *out,
                                       struct err *err) {
    struct ddb_table t;
    if (ddb_need_table(c, in->table_name, true, &t, err) < 0) {
        return -1;
    }
    bool on = in->point_in_time_recovery_specification->point_in_time_recovery_enabled;
    if (on != (t.recovery_ms != 0)) {
        t.recovery_ms = on ? c->now_ms : 0;
    }
    out->continuous_backups_description = describe_backups(c, &t);
    return ddb_table_update(c->db, &t, err);
}

static int need_tagged(struct call *c, struct str arn, struct ddb_table *ret, struct err *err) {
    if (!str_starts(arn, S("arn:"))) {
        return ddb_validation(
            err, "Invalid TableArn: Invalid ResourceArn provided as input " STR_FMT, STR_ARG(arn));
    }
    return ddb_need_table(c, arn, false, ret, err);
}

int dynamodb_tag_resource(struct call *c, const struct dynamodb_tag_resource_input *in,
                          struct dynamodb_tag_resource_output *out, struct err *err) {
    struct ddb_table t;
    (void)out;
    if (need_tagged(c, in->resource_arn, &t, err) < 0) {
        return -1;
    }
    return put_tags(c, ddb_table_arn(c, &t), &in->tags, err);
}

int dynamodb_untag_resource(struct call *c, const struct dynamodb_untag_resource_input *in,
                            struct dynamodb_untag_resource_output *out, struct err *err) {
    struct ddb_table t;
    (void)out;
    if (need_tagged(c, in->resource_arn, &t, err) < 0) {
        return -1;
    }
    return tags_remove(c->db, ddb_table_arn(c, &t), &in->tag_keys, err);
}

int dynamodb_list_tags_of_resource(struct call *c,
                                   const struct dynamodb_list_tags_of_resource_input *in,
                                   struct dynamodb_list_tags_of_resource_output *out,
                                   struct err *err) {
    struct ddb_table t;
    struct str_map tags;
    if (need_tagged(c, in->resource_arn, &t, err) < 0 ||
        tags_get(c->db, c->arena, ddb_table_arn(c, &t), &tags, err) < 0) {
        return -1;
    }
    out->tags.v = arena_new_n(c->arena, struct dynamodb_tag, tags.n);
    out->tags.n = tags.n;
    for (size_t i = 0; i < tags.n; i++) {
        out->tags.v[i] = (struct dynamodb_tag){tags.v[i].key, tags.v[i].value};
    }
    return 0;
}

int dynamodb_describe_limits(struct call *c, const struct dynamodb_describe_limits_input *in,
                             struct dynamodb_describe_limits_output *out, struct err *err) {
    (void)c;
    (void)in;
    (void)err;
    out->account_max_read_capacity_units = 80000;
    out->has_account_max_read_capacity_units = true;
    out->account_max_write_capacity_units = 80000;
    out->has_account_max_write_capacity_units = true;
    out->table_max_read_capacity_units = 40000;
    out->has_table_max_read_capacity_units = true;
    out->table_max_write_capacity_units = 40000;
    out->has_table_max_write_capacity_units = true;
    return 0;
}

int dynamodb_describe_endpoints(struct call *c,
                                const struct dynamodb_describe_endpoints_request *in,
                                struct dynamodb_describe_endpoints_response *out, struct err *err) {
    (void)in;
    (void)err;
    struct dynamodb_endpoint *e = arena_push(c->arena, &out->endpoints);
    e->address = str_printf(c->arena, "dynamodb." STR_FMT ".amazonaws.com", STR_ARG(c->region));
    e->cache_period_in_minutes = 1440;
    e->has_cache_period_in_minutes = true;
    return 0;
}
