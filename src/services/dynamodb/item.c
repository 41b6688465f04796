/* GetItem, PutItem, UpdateItem, DeleteItem, and the write that batches and transactions share. */
#include "services/dynamodb/ddb.h"

static int parse_write(struct call *c, const struct ddb_write *w, struct ddb_written *ret,
                       struct ddb_node **condition, struct err *err) {
    struct ddb_names names;
    int expressions = (w->condition.p != NULL) + (w->update.p != NULL);
    *condition = w->expected;
    if (w->updates != NULL) {
        ret->update = *w->updates;
    }
    if (ddb_names_take(c->arena, w->names, w->values, expressions, &names, err) < 0) {
        return -1;
    }
    if ((w->update.p != NULL &&
         ddb_parse_update(c->arena, w->update, &names, &ret->update, err) < 0) ||
        (w->condition.p != NULL && ddb_parse_condition(c->arena, "ConditionExpression",
                                                       w->condition, &names, condition, err) < 0) ||
        ddb_names_check(&names, err) < 0) {
        return ddb_invalid(err);
    }
    return 0;
}

static int check_update_keys(const struct ddb_table *t, const struct ddb_update *update,
                             struct err *err) {
    for (size_t i = 0; i < update->n; i++) {
        struct str name = update->v[i].path.v[0].name;
        if (str_eq(name, t->hash.name) ||
            (t->range.name.p != NULL && str_eq(name, t->range.name))) {
            return ddb_validation(err,
                                  "One or more parameter values were invalid: Cannot update "
                                  "attribute " STR_FMT ". This attribute is part of the key",
                                  STR_ARG(name));
        }
    }
    return 0;
}

/* Index keys, where the item has them, must have the index's type and not be empty. */
static int check_index_keys(const struct ddb_table *t, const struct ddb_map *item,
                            struct err *err) {
    for (size_t i = 0; i < t->indexes.n; i++) {
        const struct ddb_index *index = &t->indexes.v[i];
        const struct ddb_key_part *parts[] = {&index->hash, &index->range};
        for (size_t j = 0; j < 2; j++) {
            const struct ddb_value *value =
                parts[j]->name.p != NULL ? ddb_map_get(item, parts[j]->name) : NULL;
            if (value == NULL) {
                continue;
            }
            if (value->type != parts[j]->type) {
                return ddb_validation(err,
                                      "One or more parameter values were invalid: Type mismatch "
                                      "for Index Key " STR_FMT " Expected: %s Actual: %s "
                                      "IndexName: " STR_FMT,
                                      STR_ARG(parts[j]->name), ddb_type_name(parts[j]->type),
                                      ddb_type_name(value->type), STR_ARG(index->name));
            }
            if (value->text.n == 0) {
                return ddb_validation(err,
                                      "One or more parameter values are not valid. A value "
                                      "specified for a secondary index key is not supported. The "
                                      "AttributeValue for a key attribute cannot contain an empty "
                                      "string value. IndexName: " STR_FMT ", IndexKey: " STR_FMT,
                                      STR_ARG(index->name), STR_ARG(parts[j]->name));
            }
        }
    }
    return 0;
}

static int check_item(const struct ddb_table *t, const struct ddb_map *item, bool update,
                      struct err *err) {
    if (ddb_map_size(item) > DDB_ITEM_MAX) {
        return ddb_validation(err, update
                                       ? "Item size to update has exceeded the maximum allowed size"
                                       : "Item size has exceeded the maximum allowed size");
    }
    for (size_t i = 0; i < item->n; i++) {
        if (item->v[i].name.n == 0) {
            return ddb_validation(err, "One or more parameter values were invalid: Attribute name "
                                       "must not be empty");
        }
    }
    return check_index_keys(t, item, err);
}

static int compute_update(struct call *c, const struct ddb_map *key, struct ddb_written *ret,
                          struct err *err) {
    ret->item = ddb_map_copy(c->arena, ret->existed ? &ret->old : key);
    if (ddb_update_apply(c->arena, &ret->update, &ret->item, err) < 0) {
        return ddb_invalid(err);
    }
    /* What an operand put there, by copying or adding up, is as deep and as large as it comes. */
    for (size_t i = 0; i < ret->item.n; i++) {
        if (ddb_value_check(c->arena, ret->item.v[i].value, err) < 0) {
            return ddb_invalid(err);
        }
    }
    return check_item(&ret->table, &ret->item, true, err);
}

int ddb_write_prepare(struct call *c, const struct ddb_write *w, struct ddb_written *ret,
                      struct err *err) {
    struct ddb_node *condition;
    struct ddb_map given;
    *ret = (struct ddb_written){0};
    if (parse_write(c, w, ret, &condition, err) < 0 ||
        ddb_map_take(c->arena, w->item, &given, err) < 0 ||
        ddb_need_table(c, w->table_name, false, &ret->table, err) < 0 ||
        ddb_item_key(c->arena, &ret->table, &given, w->kind == DDB_PUT_ITEM, &ret->key, err) < 0 ||
        check_update_keys(&ret->table, &ret->update, err) < 0 ||
        (w->kind == DDB_PUT_ITEM && check_item(&ret->table, &given, false, err) < 0)) {
        return -1;
    }
    int found = ddb_item_get(c->db, c->arena, &ret->table, &ret->key, &ret->old, err);
    if (found < 0) {
        return -1;
    }
    ret->existed = found == 1;
    ret->failed = condition != NULL && !ddb_condition_holds(c->arena, condition, &ret->old);
    if (ret->failed) {
        return 0;
    }
    if (w->kind == DDB_PUT_ITEM) {
        ret->item = given;
    }
    return w->kind == DDB_UPDATE_ITEM ? compute_update(c, &given, ret, err) : 0;
}

int ddb_write_apply(struct call *c, const struct ddb_write *w, const struct ddb_written *done,
                    struct err *err) {
    const struct ddb_map *old = done->existed ? &done->old : NULL;
    if (w->kind == DDB_CHECK_ITEM) {
        return 0;
    }
    if (w->kind == DDB_DELETE_ITEM) {
        return done->existed ? ddb_item_delete(c->db, c->arena, &done->table, &done->key, old, err)
                             : 0;
    }
    return ddb_item_put(c->db, c->arena, &done->table, &done->key, old, &done->item, err);
}

/* One write of its own, to the end. `on_failure`: ReturnValuesOnConditionCheckFailure. */
static int write_one(struct call *c, const struct ddb_write *w, struct str on_failure,
                     struct ddb_written *ret, struct err *err) {
    if (ddb_write_prepare(c, w, ret, err) < 0) {
        return -1;
    }
    if (!ret->failed) {
        return ddb_write_apply(c, w, ret, err);
    }
    if (str_is(on_failure, "ALL_OLD") && ret->existed) {
        struct dynamodb_conditional_check_failed_exception *detail =
            arena_new(c->arena, struct dynamodb_conditional_check_failed_exception);
        ddb_map_give(c->arena, &ret->old, &detail->item);
        c->error_detail = detail;
    }
    return err_api(err, &dynamodb_ConditionalCheckFailedException,
                   "The conditional request failed");
}

static int check_return(struct str wanted, bool update, struct err *err) {
    bool known = wanted.p == NULL || str_is(wanted, "NONE") || str_is(wanted, "ALL_OLD");
    if (update) {
        known = known || str_is(wanted, "ALL_NEW") || str_is(wanted, "UPDATED_OLD") ||
                str_is(wanted, "UPDATED_NEW");
    }
    return known ? 0 : ddb_validation(err, "Return values set to invalid value");
}

static int expected_of(struct call *c, const struct dynamodb_expected_attribute_value_map *expected,
                       struct str joined_by, struct ddb_write *w, struct err *err) {
    if (ddb_not_both(expected->v != NULL, "Expected", w->condition.p != NULL || w->update.p != NULL,
                     "ConditionExpression", err) < 0) {
        return -1;
    }
    return ddb_legacy_expected(c->arena, expected, joined_by, &w->expected, err);
}

/* What PutItem and DeleteItem have in common: all but the item. */
struct replacing {
    struct ddb_write write;
    const struct dynamodb_expected_attribute_value_map *expected;
    struct str operator_, wanted, on_failure, capacity;
};

/* Writes, gives the old item to who wants it, counts the units of what was written, or deleted. */
static int replace(struct call *c, struct replacing *r,
                   struct dynamodb_attribute_value_map *ret_old,
                   struct dynamodb_consumed_capacity **ret_capacity, struct err *err) {
    struct ddb_written done;
    if (expected_of(c, r->expected, r->operator_, &r->write, err) < 0 ||
        check_return(r->wanted, false, err) < 0 ||
        write_one(c, &r->write, r->on_failure, &done, err) < 0) {
        return -1;
    }
    if (str_is(r->wanted, "ALL_OLD") && done.existed) {
        ddb_map_give(c->arena, &done.old, ret_old);
    }
    const struct ddb_map *counted = r->write.kind == DDB_PUT_ITEM ? &done.item : &done.old;
    *ret_capacity =
        ddb_capacity(c, &done.table, r->capacity, ddb_write_units(ddb_map_size(counted)));
    return 0;
}

#define REPLACING(in, kind_, item_)                                                                \
    ((struct replacing){.write = {.kind = (kind_),                                                 \
                                  .table_name = (in)->table_name,                                  \
                                  .item = (item_),                                                 \
                                  .condition = (in)->condition_expression,                         \
                                  .names = &(in)->expression_attribute_names,                      \
                                  .values = &(in)->expression_attribute_values},                   \
                        .expected = &(in)->expected,                                               \
                        .operator_ = (in)->conditional_operator,                                   \
                        .wanted = (in)->return_values,                                             \
                        .on_failure = (in)->return_values_on_condition_check_failure,              \
                        .capacity = (in)->return_consumed_capacity})

int dynamodb_put_item(struct call *c, const struct dynamodb_put_item_input *in,
                      struct dynamodb_put_item_output *out, struct err *err) {
    struct replacing r = REPLACING(in, DDB_PUT_ITEM, &in->item);
    return replace(c, &r, &out->attributes, &out->consumed_capacity, err);
}

int dynamodb_delete_item(struct call *c, const struct dynamodb_delete_item_input *in,
                         struct dynamodb_delete_item_output *out, struct err *err) {
    struct replacing r = REPLACING(in, DDB_DELETE_ITEM, &in->key);
    return replace(c, &r, &out->attributes, &out->consumed_capacity, err);
}

/* What an UpdateItem is told: all of the item, or the attributes that the update names. */
static void give_updated(struct call *c, struct str wanted, const struct ddb_written *done,
                         struct dynamodb_update_item_output *out) {
    bool old = str_is(wanted, "ALL_OLD") || str_is(wanted, "UPDATED_OLD");
    if (wanted.p == NULL || str_is(wanted, "NONE") || (old && !done->existed)) {
        return;
    }
    struct ddb_map shown = old ? done->old : done->item;
    if (str_starts(wanted, S("UPDATED_"))) {
        struct ddb_projection named = {0};
        for (size_t i = 0; i < done->update.n; i++) {
            *arena_push(c->arena, &named) = done->update.v[i].path;
        }
        shown = ddb_project(c->arena, &named, &shown);
    }
    if (shown.n > 0) {
        ddb_map_give(c->arena, &shown, &out->attributes);
    }
}

int dynamodb_update_item(struct call *c, const struct dynamodb_update_item_input *in,
                         struct dynamodb_update_item_output *out, struct err *err) {
    struct ddb_written done;
    struct ddb_write w = {.kind = DDB_UPDATE_ITEM,
                          .table_name = in->table_name,
                          .item = &in->key,
                          .condition = in->condition_expression,
                          .update = in->update_expression,
                          .names = &in->expression_attribute_names,
                          .values = &in->expression_attribute_values};
    struct ddb_update updates;
    if (expected_of(c, &in->expected, in->conditional_operator, &w, err) < 0 ||
        ddb_not_both(in->attribute_updates.v != NULL, "AttributeUpdates",
                     w.update.p != NULL || w.condition.p != NULL, "UpdateExpression", err) < 0 ||
        ddb_legacy_updates(c->arena, &in->attribute_updates, &updates, err) < 0) {
        return -1;
    }
    w.updates = in->attribute_updates.v != NULL ? &updates : NULL;
    if (check_return(in->return_values, true, err) < 0 ||
        write_one(c, &w, in->return_values_on_condition_check_failure, &done, err) < 0) {
        return -1;
    }
    give_updated(c, in->return_values, &done, out);
    out->consumed_capacity = ddb_capacity(c, &done.table, in->return_consumed_capacity,
                                          ddb_write_units(ddb_map_size(&done.item)));
    return 0;
}

int dynamodb_get_item(struct call *c, const struct dynamodb_get_item_input *in,
                      struct dynamodb_get_item_output *out, struct err *err) {
    struct ddb_table table;
    struct ddb_map given;
    struct ddb_map item = {0};
    struct ddb_key key;
    struct ddb_names names;
    struct ddb_projection projection = ddb_legacy_fields(c->arena, &in->attributes_to_get);
    bool projected = in->projection_expression.p != NULL;
    if (ddb_not_both(in->attributes_to_get.v != NULL, "AttributesToGet", projected,
                     "ProjectionExpression", err) < 0 ||
        ddb_names_take(c->arena, &in->expression_attribute_names, NULL, projected, &names, err) <
            0) {
        return -1;
    }
    if (projected &&
        (ddb_parse_projection(c->arena, in->projection_expression, &names, &projection, err) < 0 ||
         ddb_names_check(&names, err) < 0)) {
        return ddb_invalid(err);
    }
    if (ddb_map_take(c->arena, &in->key, &given, err) < 0 ||
        ddb_need_table(c, in->table_name, false, &table, err) < 0 ||
        ddb_item_key(c->arena, &table, &given, false, &key, err) < 0) {
        return -1;
    }
    int found = ddb_item_get(c->db, c->arena, &table, &key, &item, err);
    if (found < 0) {
        return -1;
    }
    bool consistent = in->has_consistent_read && in->consistent_read;
    out->consumed_capacity = ddb_capacity(c, &table, in->return_consumed_capacity,
                                          ddb_read_units(ddb_map_size(&item), consistent));
    if (found == 1) {
        struct ddb_map shown = projection.n > 0 ? ddb_project(c->arena, &projection, &item) : item;
        ddb_map_give(c->arena, &shown, &out->item);
    }
    return 0;
}
