/* Query and Scan: one run over keys, filtered, projected, cut into pages. */
#include "services/dynamodb/ddb.h"

enum { PAGE_BYTES = 1024 * 1024, SEGMENTS_MAX = 1000000 };

/* What both operations bring. */
struct reading {
    struct str table_name;
    struct str index_name;
    struct str select;
    struct str filter;
    struct str projection;
    int64_t limit; /* 0 = none */
    bool consistent;
    const struct dynamodb_attribute_value_map *start;
    const struct str_map *names;
    const struct dynamodb_attribute_value_map *values;
    struct str key_condition; /* absent: a scan, or legacy */
    bool backward;
    int64_t segment; /* of `segments`; 0 segments = not parallel */
    int64_t segments;

    /* parsed, or of legacy parameters */
    struct ddb_table table;
    const struct ddb_index *index;
    struct ddb_node *filter_node;
    struct ddb_node *key_node;
    struct ddb_projection fields; /* n == 0: all that the index projects */
};

struct page {
    struct dynamodb_attribute_value_map_list items;
    int64_t count;
    int64_t scanned;
    size_t bytes;
    struct dynamodb_attribute_value_map last; /* key to go on from; v == NULL at the end */
};

static const struct ddb_key_part *hash_part(const struct reading *r) {
    return r->index != NULL ? &r->index->hash : &r->table.hash;
}

static const struct ddb_key_part *range_part(const struct reading *r) {
    return r->index != NULL ? &r->index->range : &r->table.range;
}

static int find_index(struct reading *r, struct err *err) {
    if (r->index_name.p == NULL) {
        return 0;
    }
    for (size_t i = 0; i < r->table.indexes.n; i++) {
        if (str_eq(r->table.indexes.v[i].name, r->index_name)) {
            r->index = &r->table.indexes.v[i];
            if (r->consistent && !r->index->local) {
                return ddb_validation(err, "Consistent reads are not supported on global secondary "
                                           "indexes");
            }
            return 0;
        }
    }
    return ddb_validation(err, "The table does not have the specified index: " STR_FMT,
                          STR_ARG(r->index_name));
}

static int check_select(const struct reading *r, struct err *err) {
    bool specific = str_is(r->select, "SPECIFIC_ATTRIBUTES");
    if (specific && r->projection.p == NULL && r->fields.n == 0) {
        return ddb_validation(err, "Must specify the AttributesToGet or ProjectionExpression when "
                                   "choosing to get SPECIFIC_ATTRIBUTES");
    }
    if (r->select.p != NULL && !specific && r->projection.p != NULL) {
        return ddb_validation(err,
                              "Cannot specify the ProjectionExpression when choosing to "
                              "get " STR_FMT,
                              STR_ARG(r->select));
    }
    if (str_is(r->select, "ALL_PROJECTED_ATTRIBUTES") && r->index_name.p == NULL) {
        return ddb_validation(err, "ALL_PROJECTED_ATTRIBUTES can be used only when Querying using "
                                   "an IndexName");
    }
    return 0;
}

static int parse_all(struct call *c, struct reading *r, struct err *err) {
    struct ddb_names names;
    int expressions =
        (r->filter.p != NULL) + (r->projection.p != NULL) + (r->key_condition.p != NULL);
    if (check_select(r, err) < 0 ||
        ddb_names_take(c->arena, r->names, r->values, expressions, &names, err) < 0) {
        return -1;
    }
    if ((r->key_condition.p != NULL &&
         ddb_parse_condition(c->arena, "KeyConditionExpression", r->key_condition, &names,
                             &r->key_node, err) < 0) ||
        (r->filter.p != NULL && ddb_parse_condition(c->arena, "FilterExpression", r->filter, &names,
                                                    &r->filter_node, err) < 0) ||
        (r->projection.p != NULL &&
         ddb_parse_projection(c->arena, r->projection, &names, &r->fields, err) < 0) ||
        ddb_names_check(&names, err) < 0) {
        return ddb_invalid(err);
    }
    if (ddb_need_table(c, r->table_name, false, &r->table, err) < 0 || find_index(r, err) < 0) {
        return -1;
    }
    const struct ddb_key_part *parts[] = {hash_part(r), range_part(r)};
    for (size_t i = 0; r->key_node != NULL && r->filter_node != NULL && i < 2; i++) {
        if (parts[i]->name.p != NULL && ddb_condition_uses(r->filter_node, parts[i]->name)) {
            return ddb_validation(err,
                                  "Filter Expression can only contain non-primary key "
                                  "attributes: Primary key attribute: " STR_FMT,
                                  STR_ARG(parts[i]->name));
        }
    }
    return 0;
}

/* "attribute op :value ..." of a key condition: the attribute's name; absent if it is none. */
static struct str key_name(const struct ddb_node *node) {
    if (node->args.n < 2 || node->args.v[0]->op != DDB_OP_PATH || node->args.v[0]->path.n != 1) {
        return STR_NONE;
    }
    for (size_t i = 1; i < node->args.n; i++) {
        if (node->args.v[i]->op != DDB_OP_VALUE) {
            return STR_NONE;
        }
    }
    return node->args.v[0]->path.v[0].name;
}

static int check_key_type(const struct ddb_node *node, const struct ddb_key_part *part,
                          struct err *err) {
    for (size_t i = 1; i < node->args.n; i++) {
        const struct ddb_value *value = node->args.v[i]->value;
        if (value->type != part->type) {
            return ddb_validation(err, "One or more parameter values were invalid: Condition "
                                       "parameter type does not match schema type");
        }
        if (value->text.n == 0) {
            return ddb_validation(err,
                                  "One or more parameter values are not valid. The "
                                  "AttributeValue for a key attribute cannot contain an empty "
                                  "string value. Key: " STR_FMT,
                                  STR_ARG(part->name));
        }
    }
    return 0;
}

static int range_bounds(struct call *c, const struct ddb_node *node, struct ddb_range *ret,
                        struct err *err) {
    struct str key = ddb_value_key(c->arena, node->args.v[1]->value);
    switch (node->op) {
    case DDB_OP_EQ:
        ret->low = key;
        ret->high = ddb_key_after(c->arena, key);
        return 0;
    case DDB_OP_LT:
        ret->high = key;
        return 0;
    case DDB_OP_LE:
        ret->high = ddb_key_after(c->arena, key);
        return 0;
    case DDB_OP_GT:
        ret->low = ddb_key_after(c->arena, key);
        return 0;
    case DDB_OP_GE:
        ret->low = key;
        return 0;
    case DDB_OP_BETWEEN:
        ret->low = key;
        ret->high = ddb_key_after(c->arena, ddb_value_key(c->arena, node->args.v[2]->value));
        return 0;
    case DDB_OP_BEGINS:
        ret->low = key;
        ret->high = ddb_key_after_prefix(c->arena, key);
        return node->args.v[1]->value->type == DDB_N
                   ? ddb_validation(err, "Invalid KeyConditionExpression: Incorrect operand type "
                                         "for operator or function; operator or function: "
                                         "begins_with, operand type: N")
                   : 0;
    default:
        return ddb_validation(err, "Query key condition not supported");
    }
}

static int missed_key(const struct reading *r, bool range, struct err *err) {
    struct str name = range ? range_part(r)->name : hash_part(r)->name;
    return ddb_validation(err, "Query condition missed key schema element: " STR_FMT,
                          STR_ARG(name));
}

static int key_bounds(struct call *c, const struct reading *r, struct ddb_range *ret,
                      struct err *err) {
    struct ddb_node *one[] = {r->key_node};
    bool both = r->key_node->op == DDB_OP_AND;
    struct ddb_node *const *parts = both ? r->key_node->args.v : one;
    size_t n = both ? r->key_node->args.n : 1;
    bool have_hash = false;
    bool have_range = false;
    for (size_t i = 0; i < n; i++) {
        struct str name = key_name(parts[i]);
        if (name.p == NULL) {
            return ddb_validation(err, "Invalid operator used in KeyConditionExpression: only "
                                       "comparisons of key attributes with values, joined by AND, "
                                       "are allowed");
        }
        if (str_eq(name, hash_part(r)->name) && !have_hash) {
            if (parts[i]->op != DDB_OP_EQ) {
                return ddb_validation(err, "Query key condition not supported");
            }
            if (check_key_type(parts[i], hash_part(r), err) < 0) {
                return -1;
            }
            ret->hash = ddb_value_key(c->arena, parts[i]->args.v[1]->value);
            have_hash = true;
        } else if (str_eq(name, range_part(r)->name) && !have_range) {
            if (check_key_type(parts[i], range_part(r), err) < 0 ||
                range_bounds(c, parts[i], ret, err) < 0) {
                return -1;
            }
            have_range = true;
        } else {
            bool twice = str_eq(name, hash_part(r)->name) || str_eq(name, range_part(r)->name);
            if (twice) {
                return ddb_validation(err,
                                      "KeyConditionExpressions must only contain one condition "
                                      "per key");
            }
            return missed_key(r, have_hash && range_part(r)->name.p != NULL, err);
        }
    }
    return have_hash ? 0 : missed_key(r, false, err);
}

static int start_at(struct call *c, const struct reading *r, struct ddb_range *ret,
                    struct err *err) {
    struct ddb_map start;
    if (r->start->v == NULL) {
        return 0;
    }
    if (ddb_map_take(c->arena, r->start, &start, err) < 0) {
        return -1;
    }
    ret->has_start = true;
    if (!ddb_key_of(c->arena, hash_part(r), range_part(r), &start, &ret->start) ||
        (r->index != NULL &&
         !ddb_key_of(c->arena, &r->table.hash, &r->table.range, &start, &ret->start_item))) {
        return ddb_validation(err, "The provided starting key is invalid");
    }
    return 0;
}

static void copy_key(struct call *c, const struct ddb_key_part *part, const struct ddb_map *item,
                     struct ddb_map *key) {
    const struct ddb_value *value = part->name.p != NULL ? ddb_map_get(item, part->name) : NULL;
    if (value != NULL) {
        ddb_map_set(c->arena, key, part->name, ddb_value_copy(c->arena, value));
    }
}

static void remember(struct call *c, const struct reading *r, const struct ddb_map *item,
                     struct page *page) {
    struct ddb_map key = {0};
    copy_key(c, &r->table.hash, item, &key);
    copy_key(c, &r->table.range, item, &key);
    if (r->index != NULL) {
        copy_key(c, &r->index->hash, item, &key);
        copy_key(c, &r->index->range, item, &key);
    }
    ddb_map_give(c->arena, &key, &page->last);
}

static bool projects(const struct reading *r, struct str name) {
    const struct ddb_index *index = r->index;
    return str_eq(name, r->table.hash.name) || str_eq(name, r->table.range.name) ||
           str_eq(name, index->hash.name) || str_eq(name, index->range.name) ||
           str_list_has(&index->attributes, name);
}

/* What of an item is shown: the projection's paths, else what the index holds. */
static struct ddb_map shown(struct call *c, const struct reading *r, const struct ddb_map *item) {
    if (r->fields.n > 0) {
        return ddb_project(c->arena, &r->fields, item);
    }
    if (r->index == NULL || str_is(r->index->projection, "ALL") ||
        (r->index->local && str_is(r->select, "ALL_ATTRIBUTES"))) {
        return *item;
    }
    struct ddb_map out = {0};
    for (size_t i = 0; i < item->n; i++) {
        if (projects(r, item->v[i].name)) {
            *arena_push(c->arena, &out) = item->v[i];
        }
    }
    return out;
}

static bool in_segment(struct call *c, const struct reading *r, const struct ddb_map *item) {
    const struct ddb_value *hash = r->segments > 0 ? ddb_map_get(item, r->table.hash.name) : NULL;
    if (hash == NULL) {
        return true;
    }
    struct str key = ddb_value_key(c->arena, hash);
    uint64_t sum = 14695981039346656037u;
    for (size_t i = 0; i < key.n; i++) {
        sum = (sum ^ (unsigned char)key.p[i]) * 1099511628211u;
    }
    return (int64_t)(sum % (uint64_t)r->segments) == r->segment;
}

/* Takes one item into the page. False when the page is full with it. */
static bool take_item(struct call *c, const struct reading *r, const struct ddb_map *item,
                      bool *ret_kept, struct page *page) {
    page->scanned++;
    page->bytes += ddb_map_size(item);
    if (r->filter_node == NULL || ddb_condition_holds(c->arena, r->filter_node, item)) {
        page->count++;
        if (!str_is(r->select, "COUNT")) {
            struct ddb_map out = shown(c, r, item);
            ddb_map_give(c->arena, &out, arena_push(c->arena, &page->items));
            *ret_kept = true;
        }
    }
    bool full = (r->limit > 0 && page->scanned >= r->limit) || page->bytes > PAGE_BYTES;
    if (full) {
        remember(c, r, item, page);
        *ret_kept = true;
    }
    return !full;
}

static int read_page(struct call *c, struct reading *r, struct page *page, struct err *err) {
    struct ddb_range range = {.table = &r->table,
                              .index = r->index,
                              .whole = r->key_node == NULL,
                              .backward = r->backward};
    struct db_rows rows cleanup_rows = {0};
    *page = (struct page){0};
    if ((r->key_node != NULL && key_bounds(c, r, &range, err) < 0) ||
        start_at(c, r, &range, err) < 0 || ddb_range_open(c->db, &range, &rows, err) < 0) {
        return -1;
    }
    for (;;) {
        struct arena_mark mark = arena_mark(c->arena);
        struct ddb_map item;
        bool kept = false;
        int more = ddb_range_next(&rows, c->arena, &item, err);
        if (more <= 0) {
            return more;
        }
        if (in_segment(c, r, &item) && !take_item(c, r, &item, &kept, page)) {
            return 0;
        }
        if (!kept) {
            arena_reset(c->arena, mark);
        }
    }
}

static int take_legacy(struct call *c, const struct dynamodb_condition_map *filter,
                       struct str joined_by, const struct str_list *fields, const char *name,
                       struct reading *r, struct err *err) {
    bool expressions = r->filter.p != NULL || r->projection.p != NULL || r->key_condition.p != NULL;
    if (ddb_not_both(filter->v != NULL, name, expressions, "FilterExpression", err) < 0 ||
        ddb_not_both(fields->v != NULL, "AttributesToGet", expressions, "ProjectionExpression",
                     err) < 0) {
        return -1;
    }
    r->fields = ddb_legacy_fields(c->arena, fields);
    return ddb_legacy_filter(c->arena, filter, joined_by, &r->filter_node, err);
}

static int check_limit(bool has, int32_t limit, struct err *err) {
    if (has && limit < 1) {
        return ddb_validation(err,
                              "1 validation error detected: Value '%d' at 'limit' failed to "
                              "satisfy constraint: Member must have value greater than or equal "
                              "to 1",
                              limit);
    }
    return 0;
}

#define FILL_PAGE(c, r, page, in, out)                                                             \
    do {                                                                                           \
        if (!str_is((r)->select, "COUNT")) {                                                       \
            (out)->items = (page)->items;                                                          \
            if ((out)->items.v == NULL) {                                                          \
                (out)->items.v = arena_new((c)->arena, struct dynamodb_attribute_value_map);       \
            }                                                                                      \
        }                                                                                          \
        (out)->count = (int32_t)(page)->count;                                                     \
        (out)->has_count = true;                                                                   \
        (out)->scanned_count = (int32_t)(page)->scanned;                                           \
        (out)->has_scanned_count = true;                                                           \
        (out)->last_evaluated_key = (page)->last;                                                  \
        (out)->consumed_capacity = ddb_capacity((c), &(r)->table, (in)->return_consumed_capacity,  \
                                                ddb_read_units((page)->bytes, (r)->consistent));   \
    } while (0)

int dynamodb_query(struct call *c, const struct dynamodb_query_input *in,
                   struct dynamodb_query_output *out, struct err *err) {
    struct reading r = {.table_name = in->table_name,
                        .index_name = in->index_name,
                        .select = in->select,
                        .filter = in->filter_expression,
                        .projection = in->projection_expression,
                        .limit = in->has_limit ? in->limit : 0,
                        .consistent = in->has_consistent_read && in->consistent_read,
                        .start = &in->exclusive_start_key,
                        .names = &in->expression_attribute_names,
                        .values = &in->expression_attribute_values,
                        .key_condition = in->key_condition_expression,
                        .backward = in->has_scan_index_forward && !in->scan_index_forward};
    struct page page;
    bool expressions = r.filter.p != NULL || r.projection.p != NULL || r.key_condition.p != NULL;
    if (ddb_not_both(in->key_conditions.v != NULL, "KeyConditions", expressions,
                     "KeyConditionExpression", err) < 0 ||
        ddb_legacy_filter(c->arena, &in->key_conditions, S("AND"), &r.key_node, err) < 0 ||
        take_legacy(c, &in->query_filter, in->conditional_operator, &in->attributes_to_get,
                    "QueryFilter", &r, err) < 0 ||
        check_limit(in->has_limit, in->limit, err) < 0) {
        return -1;
    }
    if (r.key_condition.p == NULL && r.key_node == NULL) {
        return ddb_validation(err, "Either the KeyConditions or KeyConditionExpression parameter "
                                   "must be specified in the request.");
    }
    if (parse_all(c, &r, err) < 0 || read_page(c, &r, &page, err) < 0) {
        return -1;
    }
    FILL_PAGE(c, &r, &page, in, out);
    return 0;
}

static int check_segments(const struct dynamodb_scan_input *in, struct err *err) {
    if (in->has_segment != in->has_total_segments) {
        return ddb_validation(
            err, in->has_segment ? "The TotalSegments parameter is required but was not present "
                                   "in the request when Segment parameter is present"
                                 : "The Segment parameter is required but was not present in the "
                                   "request when parameter TotalSegments is present");
    }
    if (in->has_segment && (in->total_segments < 1 || in->total_segments > SEGMENTS_MAX ||
                            in->segment < 0 || in->segment >= in->total_segments)) {
        return ddb_validation(err,
                              "The Segment parameter is zero-based and must be less than parameter "
                              "TotalSegments: Segment: %d is not less than TotalSegments: %d",
                              in->segment, in->total_segments);
    }
    return 0;
}

int dynamodb_scan(struct call *c, const struct dynamodb_scan_input *in,
                  struct dynamodb_scan_output *out, struct err *err) {
    struct reading r = {.table_name = in->table_name,
                        .index_name = in->index_name,
                        .select = in->select,
                        .filter = in->filter_expression,
                        .projection = in->projection_expression,
                        .limit = in->has_limit ? in->limit : 0,
                        .consistent = in->has_consistent_read && in->consistent_read,
                        .start = &in->exclusive_start_key,
                        .names = &in->expression_attribute_names,
                        .values = &in->expression_attribute_values,
                        .segment = in->has_segment ? in->segment : 0,
                        .segments = in->has_total_segments ? in->total_segments : 0};
    struct page page;
    if (take_legacy(c, &in->scan_filter, in->conditional_operator, &in->attributes_to_get,
                    "ScanFilter", &r, err) < 0 ||
        check_limit(in->has_limit, in->limit, err) < 0 || check_segments(in, err) < 0 ||
        parse_all(c, &r, err) < 0 || read_page(c, &r, &page, err) < 0) {
        return -1;
    }
    FILL_PAGE(c, &r, &page, in, out);
    return 0;
}
