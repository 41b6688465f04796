/* Conditions and projections over an item. Evaluation cannot fail: what does not fit is false. */
#include "services/dynamodb/expr.h"

struct ddb_value *ddb_path_get(const struct ddb_map *item, const struct ddb_path *path) {
    if (path->n == 0) {
        return NULL;
    }
    struct ddb_value *at = ddb_map_get(item, path->v[0].name);
    for (size_t i = 1; at != NULL && i < path->n; i++) {
        const struct ddb_step *step = &path->v[i];
        if (step->name.p != NULL) {
            at = at->type == DDB_M ? ddb_map_get(&at->map, step->name) : NULL;
        } else {
            at = at->type == DDB_L && step->index < at->list.n ? at->list.v[step->index] : NULL;
        }
    }
    return at;
}

static size_t length_of(const struct ddb_value *value) {
    switch (value->type) {
    case DDB_S: /* characters, not bytes */ {
        size_t n = 0;
        for (size_t i = 0; i < value->text.n; i++) {
            n += ((unsigned char)value->text.p[i] & 0xC0) != 0x80;
        }
        return n;
    }
    case DDB_B:
        return value->text.n;
    case DDB_SS:
    case DDB_NS:
    case DDB_BS:
    case DDB_L:
        return value->list.n;
    case DDB_M:
        return value->map.n;
    case DDB_N:
    case DDB_NULL:
    case DDB_BOOL:
        break;
    }
    return (size_t)-1;
}

/* NULL when there is no such attribute, or no size. */
static const struct ddb_value *operand(struct arena *a, const struct ddb_node *node,
                                       const struct ddb_map *item) {
    if (node->op == DDB_OP_VALUE) {
        return node->value;
    }
    if (node->op == DDB_OP_PATH) {
        return ddb_path_get(item, &node->path);
    }
    const struct ddb_value *of = operand(a, node->args.v[0], item);
    size_t n = of != NULL ? length_of(of) : (size_t)-1;
    return n == (size_t)-1 ? NULL : ddb_value_new(a, DDB_N, str_printf(a, "%zu", n));
}

static bool compare(enum ddb_op op, const struct ddb_value *x, const struct ddb_value *y) {
    int order = 0;
    if (op == DDB_OP_NE) { /* a missing attribute differs from any value */
        return x == NULL || y == NULL || !ddb_value_eq(x, y);
    }
    if (x == NULL || y == NULL) {
        return false;
    }
    if (op == DDB_OP_EQ) {
        return ddb_value_eq(x, y);
    }
    if (!ddb_value_cmp(x, y, &order)) {
        return false;
    }
    return op == DDB_OP_LT   ? order < 0
           : op == DDB_OP_LE ? order <= 0
           : op == DDB_OP_GT ? order > 0
                             : order >= 0;
}

static bool contains(const struct ddb_value *x, const struct ddb_value *y) {
    if (x == NULL || y == NULL) {
        return false;
    }
    switch (x->type) {
    case DDB_S:
    case DDB_B:
        return x->type == y->type && str_find(x->text, y->text, 0) != (size_t)-1;
    case DDB_SS:
    case DDB_NS:
    case DDB_BS:
    case DDB_L:
        return ddb_set_has(&x->list, y);
    case DDB_N:
    case DDB_M:
    case DDB_NULL:
    case DDB_BOOL:
        break;
    }
    return false;
}

static bool holds_function(const struct ddb_node *node, const struct ddb_value *x,
                           const struct ddb_value *y) {
    switch (node->op) {
    case DDB_OP_EXISTS:
        return x != NULL;
    case DDB_OP_NOT_EXISTS:
        return x == NULL;
    case DDB_OP_TYPE:
        return x != NULL && y != NULL && str_is(y->text, ddb_type_name(x->type));
    case DDB_OP_BEGINS:
        return x != NULL && y != NULL && x->type == y->type &&
               (x->type == DDB_S || x->type == DDB_B) && str_starts(x->text, y->text);
    case DDB_OP_CONTAINS:
        return contains(x, y);
    default:
        return compare(node->op, x, y);
    }
}

static bool holds_in(struct arena *a, const struct ddb_node *node, const struct ddb_map *item) {
    const struct ddb_value *x = operand(a, node->args.v[0], item);
    for (size_t i = 1; i < node->args.n; i++) {
        if (compare(DDB_OP_EQ, x, operand(a, node->args.v[i], item))) {
            return true;
        }
    }
    return false;
}

bool ddb_condition_holds(struct arena *a, const struct ddb_node *node, const struct ddb_map *item) {
    if (node->op == DDB_OP_AND || node->op == DDB_OP_OR) {
        bool stop = node->op == DDB_OP_OR;
        for (size_t i = 0; i < node->args.n; i++) {
            if (ddb_condition_holds(a, node->args.v[i], item) == stop) {
                return stop;
            }
        }
        return !stop;
    }
    if (node->op == DDB_OP_NOT) {
        return !ddb_condition_holds(a, node->args.v[0], item);
    }
    if (node->op == DDB_OP_IN) {
        return holds_in(a, node, item);
    }
    const struct ddb_value *x = operand(a, node->args.v[0], item);
    const struct ddb_value *y = node->args.n > 1 ? operand(a, node->args.v[1], item) : NULL;
    if (node->op == DDB_OP_BETWEEN) {
        return compare(DDB_OP_GE, x, y) && compare(DDB_OP_LE, x, operand(a, node->args.v[2], item));
    }
    return holds_function(node, x, y);
}

bool ddb_condition_uses(const struct ddb_node *node, struct str attribute) {
    if (node->op == DDB_OP_PATH) {
        return str_eq(node->path.v[0].name, attribute);
    }
    for (size_t i = 0; i < node->args.n; i++) {
        if (ddb_condition_uses(node->args.v[i], attribute)) {
            return true;
        }
    }
    return false;
}

/* Paths that go on into the element, from step `at` on. */
static struct ddb_projection paths_into(struct arena *a, const struct ddb_projection *p, size_t at,
                                        struct str name, size_t index) {
    struct ddb_projection inner = {0};
    for (size_t i = 0; i < p->n; i++) {
        const struct ddb_step *step = &p->v[i].v[at];
        if ((step->name.p != NULL) != (name.p != NULL)) {
            continue;
        }
        if (name.p != NULL ? str_eq(step->name, name) : step->index == index) {
            *arena_push(a, &inner) = p->v[i];
        }
    }
    return inner;
}

static bool ends_at(const struct ddb_projection *p, size_t at) {
    for (size_t i = 0; i < p->n; i++) {
        if (p->v[i].n == at) {
            return true;
        }
    }
    return false;
}

static struct ddb_map project_map(struct arena *a, const struct ddb_projection *p, size_t at,
                                  const struct ddb_map *map);

/* NULL if nothing of the value is selected. Elements of lists close up, as DynamoDB returns them.
 */
static struct ddb_value *project_value(struct arena *a, const struct ddb_projection *p, size_t at,
                                       const struct ddb_value *value) {
    if (p->n == 0) {
        return NULL;
    }
    if (ends_at(p, at)) {
        return ddb_value_copy(a, value);
    }
    struct ddb_value *out = ddb_value_new(a, value->type, STR_NONE);
    if (value->type == DDB_M) {
        out->map = project_map(a, p, at, &value->map);
        return out->map.n > 0 ? out : NULL;
    }
    for (size_t i = 0; value->type == DDB_L && i < value->list.n; i++) {
        struct ddb_projection inner = paths_into(a, p, at, STR_NONE, i);
        struct ddb_value *child = project_value(a, &inner, at + 1, value->list.v[i]);
        if (child != NULL) {
            *arena_push(a, &out->list) = child;
        }
    }
    return out->list.n > 0 ? out : NULL;
}

static struct ddb_map project_map(struct arena *a, const struct ddb_projection *p, size_t at,
                                  const struct ddb_map *map) {
    struct ddb_map out = {0};
    for (size_t i = 0; i < map->n; i++) {
        struct ddb_projection inner = paths_into(a, p, at, map->v[i].name, 0);
        struct ddb_value *child = project_value(a, &inner, at + 1, map->v[i].value);
        if (child != NULL) {
            *arena_push(a, &out) = (struct ddb_attr){map->v[i].name, child};
        }
    }
    return out;
}

struct ddb_map ddb_project(struct arena *a, const struct ddb_projection *p,
                           const struct ddb_map *item) {
    return project_map(a, p, 0, item);
}
