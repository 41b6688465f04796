/* Applies update expressions. All operands are computed from the item as it was; then the actions
 * take effect in their order, removals of list elements from the highest index down. */
#include "services/dynamodb/expr.h"
#include "services/dynamodb/number.h"

#include <stdlib.h>

static int invalid_path(struct err *err) {
    return err_set(err, ERR_INVALID,
                   "The document path provided in the update expression is invalid for update");
}

static int wrong_type(struct err *err) {
    return err_set(err, ERR_INVALID,
                   "An operand in the update expression has an incorrect data type");
}

static struct ddb_value *compute(struct arena *a, const struct ddb_node *node,
                                 const struct ddb_map *item, struct err *err);

static struct ddb_value *add_numbers(struct arena *a, const struct ddb_value *x,
                                     const struct ddb_value *y, bool subtract, struct err *err) {
    struct ddb_number left;
    struct ddb_number right;
    struct ddb_number sum;
    if (x->type != DDB_N || y->type != DDB_N) {
        wrong_type(err);
        return NULL;
    }
    if (ddb_number_parse(x->text, &left, err) < 0 || ddb_number_parse(y->text, &right, err) < 0 ||
        ddb_number_add(&left, &right, subtract, &sum, err) < 0) {
        return NULL;
    }
    return ddb_value_new(a, DDB_N, ddb_number_text(a, &sum));
}

static struct ddb_value *append_lists(struct arena *a, const struct ddb_value *x,
                                      const struct ddb_value *y, struct err *err) {
    if (x->type != DDB_L || y->type != DDB_L) {
        wrong_type(err);
        return NULL;
    }
    struct ddb_value *joined = ddb_value_copy(a, x);
    for (size_t i = 0; i < y->list.n; i++) {
        *arena_push(a, &joined->list) = ddb_value_copy(a, y->list.v[i]);
    }
    return joined;
}

static struct ddb_value *compute_pair(struct arena *a, const struct ddb_node *node,
                                      const struct ddb_map *item, struct err *err) {
    const struct ddb_value *x = compute(a, node->args.v[0], item, err);
    const struct ddb_value *y = x == NULL ? NULL : compute(a, node->args.v[1], item, err);
    if (y == NULL) {
        return NULL;
    }
    if (node->op == DDB_OP_LIST_APPEND) {
        return append_lists(a, x, y, err);
    }
    return add_numbers(a, x, y, node->op == DDB_OP_MINUS, err);
}

static struct ddb_value *compute(struct arena *a, const struct ddb_node *node,
                                 const struct ddb_map *item, struct err *err) {
    if (node->op == DDB_OP_VALUE) {
        return ddb_value_copy(a, node->value);
    }
    if (node->op == DDB_OP_IF_NOT_EXISTS) {
        const struct ddb_value *there = ddb_path_get(item, &node->args.v[0]->path);
        return there != NULL ? ddb_value_copy(a, there) : compute(a, node->args.v[1], item, err);
    }
    if (node->op != DDB_OP_PATH) {
        return compute_pair(a, node, item, err);
    }
    const struct ddb_value *there = ddb_path_get(item, &node->path);
    if (there == NULL) {
        err_set(err, ERR_INVALID,
                "The provided expression refers to an attribute that does not exist in the item");
        return NULL;
    }
    return ddb_value_copy(a, there);
}

/* The map or list that holds the path's last step; NULL if the way to it is not there. */
static struct ddb_value *holder(const struct ddb_map *item, const struct ddb_path *path) {
    struct ddb_path parent = {path->v, path->n - 1};
    return ddb_path_get(item, &parent);
}

static int put(struct arena *a, struct ddb_map *item, const struct ddb_path *path,
               struct ddb_value *value, struct err *err) {
    const struct ddb_step *last = &path->v[path->n - 1];
    if (path->n == 1) {
        ddb_map_set(a, item, last->name, value);
        return 0;
    }
    struct ddb_value *in = holder(item, path);
    if (in == NULL || in->type != (last->name.p != NULL ? DDB_M : DDB_L)) {
        return invalid_path(err);
    }
    if (last->name.p != NULL) {
        ddb_map_set(a, &in->map, last->name, value);
    } else if (last->index < in->list.n) {
        in->list.v[last->index] = value;
    } else { /* beyond the end: appended */
        *arena_push(a, &in->list) = value;
    }
    return 0;
}

static int take_out(struct ddb_map *item, const struct ddb_path *path, struct err *err) {
    const struct ddb_step *last = &path->v[path->n - 1];
    if (path->n == 1) {
        ddb_map_remove(item, last->name);
        return 0;
    }
    struct ddb_value *in = holder(item, path);
    if (in == NULL || in->type != (last->name.p != NULL ? DDB_M : DDB_L)) {
        return invalid_path(err);
    }
    if (last->name.p != NULL) {
        ddb_map_remove(&in->map, last->name);
    } else if (last->index < in->list.n) {
        in->list.n--;
        memmove(&in->list.v[last->index], &in->list.v[last->index + 1],
                (in->list.n - last->index) * sizeof(in->list.v[0]));
    }
    return 0;
}

/* ADD and DELETE: what the attribute will be; *ret NULL = it goes away. */
static int compute_merge(struct arena *a, const struct ddb_action *action,
                         const struct ddb_map *item, struct ddb_value **ret, struct err *err) {
    const struct ddb_value *there = ddb_path_get(item, &action->path);
    const struct ddb_value *given = action->operand->value;
    bool remove = action->clause == DDB_DELETE;
    *ret = NULL;
    if (there == NULL) {
        *ret = remove ? NULL : ddb_value_copy(a, given);
        return 0;
    }
    if (there->type != given->type) {
        return wrong_type(err);
    }
    if (given->type == DDB_N) {
        *ret = add_numbers(a, there, given, false, err);
        return *ret == NULL ? -1 : 0;
    }
    struct ddb_value *merged = ddb_value_copy(a, there);
    ddb_set_merge(a, &merged->list, &given->list, remove);
    *ret = merged->list.n > 0 ? merged : NULL; /* an empty set does not exist */
    return 0;
}

struct step {
    const struct ddb_action *action;
    struct ddb_value *value; /* NULL: take out */
    bool nothing;            /* DELETE from what is not there */
};

static int compute_all(struct arena *a, const struct ddb_update *update, const struct ddb_map *item,
                       struct step *steps, struct err *err) {
    for (size_t i = 0; i < update->n; i++) {
        const struct ddb_action *action = &update->v[i];
        steps[i].action = action;
        if (action->clause == DDB_SET) {
            steps[i].value = compute(a, action->operand, item, err);
            if (steps[i].value == NULL) {
                return -1;
            }
        } else if (action->clause != DDB_REMOVE) {
            if (compute_merge(a, action, item, &steps[i].value, err) < 0) {
                return -1;
            }
            steps[i].nothing = steps[i].value == NULL && ddb_path_get(item, &action->path) == NULL;
        }
    }
    return 0;
}

static size_t last_index(const struct step *s) {
    const struct ddb_step *last = &s->action->path.v[s->action->path.n - 1];
    return last->name.p != NULL ? 0 : last->index;
}

/* Elements that go, from the back; elements that come beyond the end, in order of their index. */
static int by_index(const void *x, const void *y) {
    const struct step *a = x;
    const struct step *b = y;
    bool a_out = a->value == NULL;
    if (a_out != (b->value == NULL)) {
        return a_out ? 1 : -1;
    }
    size_t i = last_index(a);
    size_t j = last_index(b);
    if (i != j) {
        return (i < j) == a_out ? 1 : -1;
    }
    return a->action < b->action ? -1 : a->action > b->action;
}

int ddb_update_apply(struct arena *a, const struct ddb_update *update, struct ddb_map *item,
                     struct err *err) {
    struct step *steps = arena_new_n(a, struct step, update->n + 1);
    if (compute_all(a, update, item, steps, err) < 0) {
        return -1;
    }
    qsort(steps, update->n, sizeof(*steps), by_index);
    for (size_t i = 0; i < update->n; i++) {
        const struct ddb_path *path = &steps[i].action->path;
        if (steps[i].nothing) {
            continue;
        }
        if ((steps[i].value != NULL ? put(a, item, path, steps[i].value, err)
                                    : take_out(item, path, err)) < 0) {
            return -1;
        }
    }
    return 0;
}
