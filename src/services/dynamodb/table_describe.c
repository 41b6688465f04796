/* Tables and indexes as answers show them. */
#include "services/dynamodb/table.h"

static void give_schema(struct arena *a, const struct ddb_key_part *hash,
                        const struct ddb_key_part *range,
                        struct dynamodb_key_schema_element_list *out) {
    *arena_push(a, out) = (struct dynamodb_key_schema_element){hash->name, S("HASH")};
    if (range->name.p != NULL) {
        *arena_push(a, out) = (struct dynamodb_key_schema_element){range->name, S("RANGE")};
    }
}

static void define(struct arena *a, const struct ddb_key_part *part,
                   struct dynamodb_attribute_definition_list *out) {
    if (part->name.p == NULL) {
        return;
    }
    for (size_t i = 0; i < out->n; i++) {
        if (str_eq(out->v[i].attribute_name, part->name)) {
            return;
        }
    }
    *arena_push(a, out) =
        (struct dynamodb_attribute_definition){part->name, str_c(ddb_type_name(part->type))};
}

static struct dynamodb_projection *give_projection(struct arena *a, const struct ddb_index *index) {
    struct dynamodb_projection *p = arena_new(a, struct dynamodb_projection);
    p->projection_type = index->projection;
    if (str_is(index->projection, "INCLUDE")) {
        p->non_key_attributes = index->attributes;
    }
    return p;
}

static struct dynamodb_provisioned_throughput_description *give_units(struct arena *a, int64_t read,
                                                                      int64_t write) {
    struct dynamodb_provisioned_throughput_description *p =
        arena_new(a, struct dynamodb_provisioned_throughput_description);
    p->has_number_of_decreases_today = true;
    p->read_capacity_units = read;
    p->has_read_capacity_units = true;
    p->write_capacity_units = write;
    p->has_write_capacity_units = true;
    return p;
}

static struct str index_arn(struct call *c, const struct ddb_table *t,
                            const struct ddb_index *index) {
    return str_printf(c->arena, STR_FMT "/index/" STR_FMT, STR_ARG(ddb_table_arn(c, t)),
                      STR_ARG(index->name));
}

static void give_local(struct call *c, const struct ddb_table *t, const struct ddb_index *index,
                       struct dynamodb_local_secondary_index_description *out) {
    out->index_name = index->name;
    give_schema(c->arena, &index->hash, &index->range, &out->key_schema);
    out->projection = give_projection(c->arena, index);
    out->index_arn = index_arn(c, t, index);
    out->has_item_count = true;
    out->has_index_size_bytes = true;
}

static void give_global(struct call *c, const struct ddb_table *t, const struct ddb_index *index,
                        struct dynamodb_global_secondary_index_description *out) {
    out->index_name = index->name;
    give_schema(c->arena, &index->hash, &index->range, &out->key_schema);
    out->projection = give_projection(c->arena, index);
    out->index_status = S("ACTIVE");
    out->provisioned_throughput = give_units(c->arena, index->read_units, index->write_units);
    out->index_arn = index_arn(c, t, index);
    out->has_item_count = true;
    out->has_index_size_bytes = true;
}

static void give_options(struct call *c, const struct ddb_table *t,
                         struct dynamodb_table_description *out) {
    if (!str_is(t->billing, "PROVISIONED")) {
        out->billing_mode_summary = arena_new(c->arena, struct dynamodb_billing_mode_summary);
        out->billing_mode_summary->billing_mode = t->billing;
        out->billing_mode_summary->last_update_to_pay_per_request_date_time = t->created_ms;
        out->billing_mode_summary->has_last_update_to_pay_per_request_date_time = true;
    }
    if (!str_is(t->storage_class, "STANDARD")) {
        out->table_class_summary = arena_new(c->arena, struct dynamodb_table_class_summary);
        out->table_class_summary->table_class = t->storage_class;
    }
    if (t->sse.p != NULL) {
        out->sse_description = arena_new(c->arena, struct dynamodb_sse_description);
        out->sse_description->status = S("ENABLED");
        out->sse_description->sse_type = S("KMS");
        out->sse_description->kms_master_key_arn = t->sse;
    }
    if (t->stream.p != NULL) {
        out->stream_specification = arena_new(c->arena, struct dynamodb_stream_specification);
        out->stream_specification->stream_enabled = true;
        out->stream_specification->has_stream_enabled = true;
        out->stream_specification->stream_view_type = t->stream;
        out->latest_stream_label = t->stream_label;
        out->latest_stream_arn = str_printf(c->arena, STR_FMT "/stream/" STR_FMT,
                                            STR_ARG(ddb_table_arn(c, t)), STR_ARG(t->stream_label));
    }
}

struct dynamodb_table_description *ddb_describe(struct call *c, const struct ddb_table *t,
                                                const char *status) {
    struct dynamodb_table_description *out = arena_new(c->arena, struct dynamodb_table_description);
    out->table_name = t->name;
    out->table_id = t->uuid;
    out->table_arn = ddb_table_arn(c, t);
    out->table_status = str_c(status);
    out->creation_date_time = t->created_ms;
    out->has_creation_date_time = true;
    out->deletion_protection_enabled = t->protected;
    out->has_deletion_protection_enabled = true;
    out->provisioned_throughput = give_units(c->arena, t->read_units, t->write_units);
    give_schema(c->arena, &t->hash, &t->range, &out->key_schema);
    define(c->arena, &t->hash, &out->attribute_definitions);
    define(c->arena, &t->range, &out->attribute_definitions);
    for (size_t i = 0; i < t->indexes.n; i++) {
        const struct ddb_index *index = &t->indexes.v[i];
        define(c->arena, &index->hash, &out->attribute_definitions);
        define(c->arena, &index->range, &out->attribute_definitions);
        if (index->local) {
            give_local(c, t, index, arena_push(c->arena, &out->local_secondary_indexes));
        } else {
            give_global(c, t, index, arena_push(c->arena, &out->global_secondary_indexes));
        }
    }
    give_options(c, t, out);
    out->has_item_count = true;
    out->has_table_size_bytes = true;
    out->item_count = t->items;
    out->table_size_bytes = t->bytes;
    return out;
}
