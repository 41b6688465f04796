/* BatchGetItem, BatchWriteItem, TransactGetItems, TransactWriteItems. All of a transaction happens
 * in the call's own; a batch here is never left half unprocessed. */
#include "services/dynamodb/ddb.h"

#include "base/buf.h"
#include "platform/crypto/hash.h"

enum { BATCH_GET_MAX = 100, BATCH_WRITE_MAX = 25, TRANSACT_MAX = 100 };
enum { TOKEN_LIFE_MS = 10 * 60 * 1000, DIGEST_TEXT_MAX = 64 * 1024 * 1024 };

/* Items that one request has touched, so that a second touch can be refused. */
struct touched {
    struct {
        int64_t table;
        struct ddb_key key;
    } * v;
    size_t n;
};

static bool touch(struct arena *a, struct touched *seen, const struct ddb_table *t,
                  const struct ddb_key *key) {
    for (size_t i = 0; i < seen->n; i++) {
        if (seen->v[i].table == t->id && str_eq(seen->v[i].key.hash, key->hash) &&
            str_eq(seen->v[i].key.range, key->range)) {
            return false;
        }
    }
    void *slot = arena_push(a, seen);
    (void)slot;
    seen->v[seen->n - 1].table = t->id;
    seen->v[seen->n - 1].key = *key;
    return true;
}

static int get_keys(struct call *c, const struct ddb_table *t,
                    const struct dynamodb_keys_and_attributes *in,
                    const struct ddb_projection *projection,
                    struct dynamodb_attribute_value_map_list *out, size_t *bytes, struct err *err) {
    struct touched seen = {0};
    for (size_t i = 0; i < in->keys.n; i++) {
        struct ddb_map given;
        struct ddb_map item;
        struct ddb_key key;
        if (ddb_map_take(c->arena, &in->keys.v[i], &given, err) < 0 ||
            ddb_item_key(c->arena, t, &given, false, &key, err) < 0) {
            return -1;
        }
        if (!touch(c->arena, &seen, t, &key)) {
            return ddb_validation(err, "Provided list of item keys contains duplicates");
        }
        int found = ddb_item_get(c->db, c->arena, t, &key, &item, err);
        if (found < 0) {
            return -1;
        }
        if (found == 1) {
            *bytes += ddb_map_size(&item);
            if (projection != NULL) {
                item = ddb_project(c->arena, projection, &item);
            }
            ddb_map_give(c->arena, &item, arena_push(c->arena, out));
        }
    }
    return 0;
}

static int get_table(struct call *c, const struct dynamodb_keys_and_attributes_map_entry *entry,
                     struct str wanted, struct dynamodb_batch_get_item_output *out,
                     struct err *err) {
    const struct dynamodb_keys_and_attributes *in = &entry->value;
    struct ddb_names names;
    struct ddb_projection projection = ddb_legacy_fields(c->arena, &in->attributes_to_get);
    struct ddb_table t;
    bool projected = in->projection_expression.p != NULL;
    size_t bytes = 0;
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
    struct dynamodb_attribute_value_map_list_map_entry *answer =
        arena_push(c->arena, &out->responses);
    answer->key = entry->key;
    answer->value.v = NULL;
    if (ddb_need_table(c, entry->key, false, &t, err) < 0 ||
        get_keys(c, &t, in, projection.n > 0 ? &projection : NULL, &answer->value, &bytes, err) <
            0) {
        return -1;
    }
    if (answer->value.v == NULL) {
        answer->value.v = arena_new(c->arena, struct dynamodb_attribute_value_map);
    }
    bool consistent = in->has_consistent_read && in->consistent_read;
    struct dynamodb_consumed_capacity *used =
        ddb_capacity(c, &t, wanted, ddb_read_units(bytes, consistent));
    if (used != NULL) {
        *arena_push(c->arena, &out->consumed_capacity) = *used;
    }
    return 0;
}

int dynamodb_batch_get_item(struct call *c, const struct dynamodb_batch_get_item_input *in,
                            struct dynamodb_batch_get_item_output *out, struct err *err) {
    size_t n = 0;
    for (size_t i = 0; i < in->request_items.n; i++) {
        n += in->request_items.v[i].value.keys.n;
    }
    if (n > BATCH_GET_MAX) {
        return ddb_validation(err, "Too many items requested for the BatchGetItem call");
    }
    if (n == 0) {
        return ddb_validation(err, "1 validation error detected: Value at 'requestItems' failed to "
                                   "satisfy constraint: Member must have length greater than or "
                                   "equal to 1");
    }
    for (size_t i = 0; i < in->request_items.n; i++) {
        if (get_table(c, &in->request_items.v[i], in->return_consumed_capacity, out, err) < 0) {
            return -1;
        }
    }
    out->unprocessed_keys.v = arena_new(c->arena, struct dynamodb_keys_and_attributes_map_entry);
    return 0;
}

static int write_request(struct call *c, struct str table, const struct dynamodb_write_request *in,
                         struct touched *seen, double *units, struct ddb_table *ret_table,
                         struct err *err) {
    static const struct str_map no_names = {0};
    struct ddb_written done;
    if ((in->put_request == NULL) == (in->delete_request == NULL)) {
        return ddb_validation(err, "Supplied AttributeValue has more than one datatypes set, must "
                                   "contain exactly one of the supported datatypes");
    }
    struct ddb_write w = {.kind = in->put_request != NULL ? DDB_PUT_ITEM : DDB_DELETE_ITEM,
                          .table_name = table,
                          .item = in->put_request != NULL ? &in->put_request->item
                                                          : &in->delete_request->key,
                          .names = &no_names};
    if (ddb_write_prepare(c, &w, &done, err) < 0) {
        return -1;
    }
    if (!touch(c->arena, seen, &done.table, &done.key)) {
        return ddb_validation(err, "Provided list of item keys contains duplicates");
    }
    *units += ddb_write_units(ddb_map_size(&done.item));
    *ret_table = done.table;
    return ddb_write_apply(c, &w, &done, err);
}

int dynamodb_batch_write_item(struct call *c, const struct dynamodb_batch_write_item_input *in,
                              struct dynamodb_batch_write_item_output *out, struct err *err) {
    struct touched seen = {0};
    size_t n = 0;
    for (size_t i = 0; i < in->request_items.n; i++) {
        n += in->request_items.v[i].value.n;
    }
    if (n == 0 || n > BATCH_WRITE_MAX) {
        return ddb_validation(err, n == 0 ? "1 validation error detected: Value at 'requestItems' "
                                            "failed to satisfy constraint: Member must have length "
                                            "greater than or equal to 1"
                                          : "Too many items requested for the BatchWriteItem call");
    }
    for (size_t i = 0; i < in->request_items.n; i++) {
        const struct dynamodb_write_request_list_map_entry *entry = &in->request_items.v[i];
        struct ddb_table t = {0};
        double units = 0;
        for (size_t j = 0; j < entry->value.n; j++) {
            if (write_request(c, entry->key, &entry->value.v[j], &seen, &units, &t, err) < 0) {
                return -1;
            }
        }
        struct dynamodb_consumed_capacity *used =
            ddb_capacity(c, &t, in->return_consumed_capacity, units);
        if (used != NULL) {
            *arena_push(c->arena, &out->consumed_capacity) = *used;
        }
    }
    out->unprocessed_items.v = arena_new(c->arena, struct dynamodb_write_request_list_map_entry);
    return 0;
}

/* The one write that an element of TransactItems holds; *ret_on_failure is its wish for the item.
 */
static int transact_write(const struct dynamodb_transact_write_item *in, struct ddb_write *ret,
                          struct str *ret_on_failure, struct err *err) {
    int n = (in->put != NULL) + (in->update != NULL) + (in->delete != NULL) +
            (in->condition_check != NULL);
    if (n != 1) {
        return ddb_validation(err, "TransactItems can only contain one of Check, Put, Update or "
                                   "Delete");
    }
    if (in->put != NULL) {
        const struct dynamodb_put *p = in->put;
        *ret = (struct ddb_write){.kind = DDB_PUT_ITEM,
                                  .table_name = p->table_name,
                                  .item = &p->item,
                                  .condition = p->condition_expression,
                                  .names = &p->expression_attribute_names,
                                  .values = &p->expression_attribute_values};
        *ret_on_failure = p->return_values_on_condition_check_failure;
    } else if (in->update != NULL) {
        const struct dynamodb_update *u = in->update;
        *ret = (struct ddb_write){.kind = DDB_UPDATE_ITEM,
                                  .table_name = u->table_name,
                                  .item = &u->key,
                                  .condition = u->condition_expression,
                                  .update = u->update_expression,
                                  .names = &u->expression_attribute_names,
                                  .values = &u->expression_attribute_values};
        *ret_on_failure = u->return_values_on_condition_check_failure;
    } else if (in->delete != NULL) {
        const struct dynamodb_delete *d = in->delete;
        *ret = (struct ddb_write){.kind = DDB_DELETE_ITEM,
                                  .table_name = d->table_name,
                                  .item = &d->key,
                                  .condition = d->condition_expression,
                                  .names = &d->expression_attribute_names,
                                  .values = &d->expression_attribute_values};
        *ret_on_failure = d->return_values_on_condition_check_failure;
    } else {
        const struct dynamodb_condition_check *k = in->condition_check;
        *ret = (struct ddb_write){.kind = DDB_CHECK_ITEM,
                                  .table_name = k->table_name,
                                  .item = &k->key,
                                  .condition = k->condition_expression,
                                  .names = &k->expression_attribute_names,
                                  .values = &k->expression_attribute_values};
        *ret_on_failure = k->return_values_on_condition_check_failure;
    }
    return 0;
}

/* All reasons, in order, as an error with members. */
static int cancelled(struct call *c, const struct dynamodb_cancellation_reason_list *reasons,
                     struct err *err) {
    struct dynamodb_transaction_canceled_exception *detail =
        arena_new(c->arena, struct dynamodb_transaction_canceled_exception);
    struct str codes = S("");
    detail->cancellation_reasons = *reasons;
    c->error_detail = detail;
    for (size_t i = 0; i < reasons->n; i++) {
        codes = str_printf(c->arena, STR_FMT "%s" STR_FMT, STR_ARG(codes), i > 0 ? ", " : "",
                           STR_ARG(reasons->v[i].code));
    }
    return err_api(err, &dynamodb_TransactionCanceledException,
                   "Transaction cancelled, please refer cancellation reasons for specific reasons "
                   "[" STR_FMT "]",
                   STR_ARG(codes));
}

struct planned {
    struct ddb_write write;
    struct str on_failure;
    struct ddb_written done;
};

static int list_writes(const struct dynamodb_transact_write_items_input *in, struct planned *plans,
                       struct err *err) {
    for (size_t i = 0; i < in->transact_items.n; i++) {
        if (transact_write(&in->transact_items.v[i], &plans[i].write, &plans[i].on_failure, err) <
            0) {
            return -1;
        }
    }
    return 0;
}

static int plan(struct call *c, struct planned *plans, size_t n, struct err *err) {
    struct dynamodb_cancellation_reason_list reasons = {0};
    struct touched seen = {0};
    bool failed = false;
    for (size_t i = 0; i < n; i++) {
        struct ddb_written *done = &plans[i].done;
        if (ddb_write_prepare(c, &plans[i].write, done, err) < 0) {
            return -1;
        }
        if (!touch(c->arena, &seen, &done->table, &done->key)) {
            return ddb_validation(err, "Transaction request cannot include multiple operations on "
                                       "one item");
        }
        struct dynamodb_cancellation_reason *reason = arena_push(c->arena, &reasons);
        reason->code = done->failed ? S("ConditionalCheckFailed") : S("None");
        if (done->failed) {
            failed = true;
            reason->message = S("The conditional request failed");
            if (str_is(plans[i].on_failure, "ALL_OLD") && done->existed) {
                ddb_map_give(c->arena, &done->old, &reason->item);
            }
        }
    }
    return failed ? cancelled(c, &reasons, err) : 0;
}

/* Everything that a transaction asks for, as one digest. */
static struct str digest_of(struct call *c, const struct planned *plans, size_t n) {
    struct buf text cleanup_buf;
    buf_init(&text, DIGEST_TEXT_MAX);
    for (size_t i = 0; i < n; i++) {
        const struct ddb_write *w = &plans[i].write;
        struct ddb_map item = {0};
        struct ddb_map values = {0};
        struct err err = ERR_INIT;
        if (ddb_map_take(c->arena, w->item, &item, &err) < 0 ||
            ddb_map_take(c->arena, w->values, &values, &err) < 0) {
            continue; /* refused before, by the plan */
        }
        buf_printf(&text, "%d\n" STR_FMT "\n" STR_FMT "\n" STR_FMT "\n", (int)w->kind,
                   STR_ARG(w->table_name), STR_ARG(w->condition), STR_ARG(w->update));
        buf_add(&text, ddb_map_write(c->arena, &item));
        buf_add(&text, ddb_map_write(c->arena, &values));
        for (size_t j = 0; j < w->names->n; j++) {
            buf_printf(&text, "\n" STR_FMT "=" STR_FMT, STR_ARG(w->names->v[j].key),
                       STR_ARG(w->names->v[j].value));
        }
    }
    return crypto_sha256_hex(c->arena, buf_str(&text));
}

/* 1 when this very request was done before: nothing is left to do. */
static int done_before(struct call *c, const struct dynamodb_transact_write_items_input *in,
                       const struct planned *plans, struct err *err) {
    if (in->client_request_token.p == NULL) {
        return 0;
    }
    int used = ddb_token_use(c->db, c->account, c->region, in->client_request_token,
                             digest_of(c, plans, in->transact_items.n), c->now_ms,
                             c->now_ms - TOKEN_LIFE_MS, err);
    if (used < 0 && err->kind == ERR_CONFLICT) {
        return err_api(err, &dynamodb_IdempotentParameterMismatchException,
                       "A request with this ClientRequestToken and other parameters was made in "
                       "the last ten minutes");
    }
    return used;
}

int dynamodb_transact_write_items(struct call *c,
                                  const struct dynamodb_transact_write_items_input *in,
                                  struct dynamodb_transact_write_items_output *out,
                                  struct err *err) {
    size_t n = in->transact_items.n;
    if (n == 0 || n > TRANSACT_MAX) {
        return ddb_validation(err,
                              "1 validation error detected: Value at 'transactItems' failed to "
                              "satisfy constraint: Member must have length %s",
                              n == 0 ? "greater than or equal to 1" : "less than or equal to 100");
    }
    struct planned *plans = arena_new_n(c->arena, struct planned, n);
    if (list_writes(in, plans, err) < 0) {
        return -1;
    }
    int before = done_before(c, in, plans, err);
    if (before != 0) {
        return before < 0 ? -1 : 0;
    }
    if (plan(c, plans, n, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < n; i++) {
        struct planned *p = &plans[i];
        if (ddb_write_apply(c, &p->write, &p->done, err) < 0) {
            return -1;
        }
        struct dynamodb_consumed_capacity *used =
            ddb_capacity(c, &p->done.table, in->return_consumed_capacity,
                         2 * ddb_write_units(ddb_map_size(&p->done.item)));
        if (used != NULL) {
            *arena_push(c->arena, &out->consumed_capacity) = *used;
        }
    }
    return 0;
}

static int transact_get(struct call *c, const struct dynamodb_get *in,
                        struct dynamodb_item_response *out, struct err *err) {
    struct dynamodb_get_item_input one = {.table_name = in->table_name,
                                          .key = in->key,
                                          .projection_expression = in->projection_expression,
                                          .expression_attribute_names =
                                              in->expression_attribute_names};
    struct dynamodb_get_item_output got = {0};
    if (dynamodb_get_item(c, &one, &got, err) < 0) {
        return -1;
    }
    out->item = got.item;
    return 0;
}

int dynamodb_transact_get_items(struct call *c, const struct dynamodb_transact_get_items_input *in,
                                struct dynamodb_transact_get_items_output *out, struct err *err) {
    if (in->transact_items.n == 0 || in->transact_items.n > TRANSACT_MAX) {
        return ddb_validation(err, "1 validation error detected: Value at 'transactItems' failed "
                                   "to satisfy constraint: Member must have length between 1 and "
                                   "100");
    }
    for (size_t i = 0; i < in->transact_items.n; i++) {
        const struct dynamodb_get *get = in->transact_items.v[i].get;
        if (transact_get(c, get, arena_push(c->arena, &out->responses), err) < 0) {
            return -1;
        }
    }
    return 0;
}
