/*
 * DynamoDB's condition keys, see internal.h. A request may name many items (batches, transactions):
 * a key holds what all of them say that the right in question is about: of TransactWriteItems,
 * dynamodb:PutItem on a table is about its Puts into that table. Facts: "Using IAM policy
 * conditions for fine-grained access control" of DynamoDB's guide, and its page of the service
 * authorization reference. dynamodb:Attributes are top-level names, those of expressions too. A
 * Scan has no leading keys, as on AWS: a policy that restricts keys has to leave Scan out.
 */
#include "services/gate/internal.h"

#include "gen/dynamodb.h"
#include "platform/crypto/encode.h"
#include "services/dynamodb/ddb_store.h"
#include "services/dynamodb/expr.h"
#include "services/dynamodb/lex.h"

/* A part of the request that names one table's item, or items. */
struct part {
    const struct shape *shape;
    const void *at;
    struct str table; /* name or ARN */
};

struct scan {
    const struct gate_context *x;
    struct arena *a;
    struct str_list *ret;
    void (*take)(struct scan *s, const struct part *part);
};

static const void *member_of(const struct shape *s, const void *base, const char *name,
                             const struct shape **ret_shape) {
    const struct shape_member *m = shape_find_member(s, str_c(name));
    *ret_shape = m != NULL ? m->shape : NULL;
    return m != NULL ? shape_get(m, base) : NULL;
}

static struct str text_of(const struct part *part, const char *name) {
    const struct shape *shape = NULL;
    const struct str *text = member_of(part->shape, part->at, name, &shape);
    return text != NULL ? *text : STR_NONE;
}

/* ---- which parts count ---- */

/* The ARN of the table, of an index of which the right may be. */
static struct str table_arn(const struct gate_context *x) {
    struct str arn = x->resource->arn;
    size_t index = str_find(arn, S("/index/"), 0);
    return index == (size_t)-1 ? arn : str_sub(arn, 0, index);
}

static bool right_is_about(const struct gate_context *x, struct str table) {
    struct str arn = table_arn(x);
    return str_starts(table, S("arn:"))
               ? str_eq(table, arn)
               : str_ends(arn, str_printf(x->c->arena, ":table/" STR_FMT, STR_ARG(table)));
}

static void take_part(struct scan *s, const struct shape *shape, const void *at, struct str table) {
    struct part part = {shape, at, table};
    if (table.p == NULL) {
        part.table = text_of(&part, "TableName");
    }
    if (part.table.p != NULL && right_is_about(s->x, part.table)) {
        s->take(s, &part);
    }
}

/* The member of a transaction's item that is what the right is about: "Put" of dynamodb:PutItem. */
static void take_transaction(struct scan *s, const struct shape_list *list,
                             const struct shape *item) {
    struct str action = s->x->action;
    size_t colon = str_find_c(action, ':', 0);
    struct str name = str_sub(action, colon + 1, action.n);
    name = str_ends(name, S("Item")) ? str_sub(name, 0, name.n - 4) : name;
    const struct shape_member *m = shape_find_member(item, name);
    for (size_t i = 0; m != NULL && i < list->n; i++) {
        const void *at = shape_get(m, (const char *)list->v + i * item->size);
        if (at != NULL) {
            take_part(s, m->shape, at, STR_NONE);
        }
    }
}

/* RequestItems of a table: KeysAndAttributes, or a list of writes. */
static void take_batch(struct scan *s, const struct shape_list *map, const struct shape *shape) {
    static const char *const writes[] = {"PutRequest", "DeleteRequest"};
    for (size_t i = 0; i < map->n; i++) {
        const char *entry = (const char *)map->v + i * shape->entry_size;
        struct str table = *(const struct str *)entry;
        const void *value = entry + shape->value_offset;
        if (shape->item->kind == SHAPE_STRUCT) {
            take_part(s, shape->item, value, table);
            continue;
        }
        const struct shape_list *list = value;
        const struct shape *write = shape->item->item;
        for (size_t k = 0; k < list->n; k++) {
            for (size_t w = 0; w < 2; w++) {
                const struct shape *of = NULL;
                const void *at =
                    member_of(write, (const char *)list->v + k * write->size, writes[w], &of);
                if (at != NULL) {
                    take_part(s, of, at, table);
                }
            }
        }
    }
}

static bool scan_request(struct scan *s) {
    const struct shape_op *op = s->x->c->op;
    const struct shape *shape = NULL;
    if (!str_is(str_c(op->service->name), "dynamodb") || op->in == NULL) {
        return false;
    }
    const void *in = s->x->c->in;
    const void *list = member_of(op->in, in, "TransactItems", &shape);
    if (list != NULL) {
        take_transaction(s, list, shape->item);
        return s->ret->n > 0;
    }
    list = member_of(op->in, in, "RequestItems", &shape);
    if (list != NULL) {
        take_batch(s, list, shape);
    } else {
        take_part(s, op->in, in, STR_NONE);
    }
    return s->ret->n > 0;
}

/* ---- dynamodb:Attributes ---- */

static void add_name(struct scan *s, struct str name) {
    for (size_t i = 0; i < s->ret->n; i++) {
        if (str_eq(s->ret->v[i], name)) {
            return;
        }
    }
    *arena_push(s->a, s->ret) = name;
}

/* Top-level names: not behind a '.', no keyword, no function. */
static void add_expression(struct scan *s, struct str text, const struct str_map *names) {
    size_t at = 0;
    bool inner = false;
    if (text.n > DDB_EXPR_MAX) {
        return; /* the operation refuses it */
    }
    for (struct ddb_token t = ddb_lex(text, &at); t.kind != DDB_T_END; t = ddb_lex(text, &at)) {
        size_t behind = at;
        bool call = str_is(ddb_lex(text, &behind).text, "(");
        if (t.kind == DDB_T_WORD && !inner && !call && !ddb_reserved_word(t.text)) {
            add_name(s, t.text);
        }
        if (t.kind == DDB_T_NAME && !inner && names != NULL) {
            struct str name = str_map_get(names, t.text);
            add_name(s, name.p != NULL ? name : t.text);
        }
        inner = str_is(t.text, ".");
    }
}

static void add_item_names(struct scan *s, const struct dynamodb_attribute_value_map *item) {
    for (size_t i = 0; i < item->n; i++) {
        add_name(s, item->v[i].key);
    }
}

static void take_attributes(struct scan *s, const struct part *part) {
    static const char *const maps[] = {"Item",       "Key",         "AttributeUpdates", "Expected",
                                       "ScanFilter", "QueryFilter", "KeyConditions"};
    static const char *const expressions[] = {"ConditionExpression", "FilterExpression",
                                              "KeyConditionExpression", "ProjectionExpression",
                                              "UpdateExpression"};
    const struct shape *shape = NULL;
    for (size_t i = 0; i < sizeof(maps) / sizeof(maps[0]); i++) {
        const struct shape_list *map = member_of(part->shape, part->at, maps[i], &shape);
        for (size_t k = 0; map != NULL && k < map->n; k++) {
            add_name(s, *(const struct str *)((const char *)map->v + k * shape->entry_size));
        }
    }
    const struct shape_list *keys = member_of(part->shape, part->at, "Keys", &shape);
    for (size_t i = 0; keys != NULL && i < keys->n; i++) {
        add_item_names(s, (const void *)((const char *)keys->v + i * shape->item->size));
    }
    const struct str_list *wanted = member_of(part->shape, part->at, "AttributesToGet", &shape);
    for (size_t i = 0; wanted != NULL && i < wanted->n; i++) {
        add_name(s, wanted->v[i]);
    }
    const struct str_map *names =
        member_of(part->shape, part->at, "ExpressionAttributeNames", &shape);
    for (size_t i = 0; i < sizeof(expressions) / sizeof(expressions[0]); i++) {
        add_expression(s, text_of(part, expressions[i]), names);
    }
}

bool gate_item_attributes(const struct gate_context *x, struct arena *a, struct str_list *ret) {
    struct scan s = {x, a, ret, take_attributes};
    return scan_request(&s);
}

/* ---- dynamodb:LeadingKeys ---- */

static void add_value(struct scan *s, const struct dynamodb_attribute_value *value) {
    if (value->s.p != NULL || value->n.p != NULL) {
        *arena_push(s->a, s->ret) = value->s.p != NULL ? value->s : value->n;
    } else if (value->b.p != NULL) {
        *arena_push(s->a, s->ret) = base64_encode(s->a, value->b);
    }
}

static void add_item(struct scan *s, const struct dynamodb_attribute_value_map *item,
                     struct str hash) {
    for (size_t i = 0; item != NULL && i < item->n; i++) {
        if (str_eq(item->v[i].key, hash)) {
            add_value(s, &item->v[i].value);
        }
    }
}

/* The name of the partition key of the table, or of the index that the part names. */
static bool partition_key(const struct scan *s, const struct part *part, struct str *ret) {
    struct ddb_table table;
    struct aws_arn arn;
    struct err err = ERR_INIT;
    struct str index = text_of(part, "IndexName");
    if (!aws_arn_parse(table_arn(s->x), &arn) || !str_starts(arn.resource, S("table/"))) {
        return false;
    }
    struct str name = str_sub(arn.resource, 6, arn.resource.n);
    if (ddb_table_find(s->x->g->db, s->a, arn.account, arn.region, name, &table, &err) <= 0) {
        return false;
    }
    *ret = table.hash.name;
    for (size_t i = 0; index.p != NULL && i < table.indexes.n; i++) {
        if (str_eq(table.indexes.v[i].name, index)) {
            *ret = table.indexes.v[i].hash.name;
        }
    }
    return true;
}

/* "hash = :value", alone or under AND. */
static void add_condition(struct scan *s, const struct ddb_node *node, struct str hash) {
    if (node->op == DDB_OP_AND) {
        for (size_t i = 0; i < node->args.n; i++) {
            add_condition(s, node->args.v[i], hash);
        }
    }
    if (node->op != DDB_OP_EQ || node->args.n != 2) {
        return;
    }
    for (size_t i = 0; i < 2; i++) {
        const struct ddb_node *path = node->args.v[i], *value = node->args.v[1 - i];
        if (path->op == DDB_OP_PATH && value->op == DDB_OP_VALUE && path->path.n == 1 &&
            str_eq(path->path.v[0].name, hash)) {
            struct str text = value->value->text;
            *arena_push(s->a, s->ret) =
                value->value->type == DDB_B ? base64_encode(s->a, text) : text;
        }
    }
}

/* Values of expressions, as far as a key may have them. */
static void take_values(struct scan *s, const struct dynamodb_attribute_value_map *in,
                        struct ddb_map *ret) {
    for (size_t i = 0; i < in->n; i++) {
        const struct dynamodb_attribute_value *v = &in->v[i].value;
        enum ddb_type type = v->s.p != NULL ? DDB_S : v->n.p != NULL ? DDB_N : DDB_B;
        struct str text = v->s.p != NULL ? v->s : v->n.p != NULL ? v->n : v->b;
        *arena_push(s->a, ret) = (struct ddb_attr){in->v[i].key, ddb_value_new(s->a, type, text)};
    }
}

static void add_query(struct scan *s, const struct dynamodb_query_input *in, struct str hash) {
    struct ddb_names names = {.names = in->expression_attribute_names};
    struct ddb_node *node = NULL;
    struct err err = ERR_INIT;
    for (size_t i = 0; i < in->key_conditions.n; i++) {
        const struct dynamodb_condition *c = &in->key_conditions.v[i].value;
        bool is_hash = str_eq(in->key_conditions.v[i].key, hash);
        for (size_t k = 0; is_hash && k < c->attribute_value_list.n; k++) {
            add_value(s, &c->attribute_value_list.v[k]);
        }
    }
    take_values(s, &in->expression_attribute_values, &names.values);
    ddb_names_init(s->a, &names);
    if (in->key_condition_expression.p != NULL &&
        ddb_parse_condition(s->a, "KeyConditionExpression", in->key_condition_expression, &names,
                            &node, &err) == 0) {
        add_condition(s, node, hash);
    }
}

static void take_leading_key(struct scan *s, const struct part *part) {
    const struct shape *shape = NULL;
    struct str hash = STR_NONE;
    if (!partition_key(s, part, &hash)) {
        return; /* the operation refuses it */
    }
    add_item(s, member_of(part->shape, part->at, "Item", &shape), hash);
    add_item(s, member_of(part->shape, part->at, "Key", &shape), hash);
    const struct shape_list *keys = member_of(part->shape, part->at, "Keys", &shape);
    for (size_t i = 0; keys != NULL && i < keys->n; i++) {
        add_item(s, (const void *)((const char *)keys->v + i * shape->item->size), hash);
    }
    if (s->x->c->op == &dynamodb_op_query) {
        add_query(s, s->x->c->in, hash);
    }
}

bool gate_leading_keys(const struct gate_context *x, struct arena *a, struct str_list *ret) {
    struct scan s = {x, a, ret, take_leading_key};
    return scan_request(&s);
}

bool gate_enclosing_operation(const struct gate_context *x, struct arena *a, struct str_list *ret) {
    bool encloses = x->c->op == &dynamodb_op_transact_get_items ||
                    x->c->op == &dynamodb_op_transact_write_items;
    if (encloses) {
        *arena_push(a, ret) = str_c(x->c->op->name);
    }
    return encloses;
}
