/* Condition keys about an item of DynamoDB or an object of S3, see internal.h. Facts: DynamoDB's
 * "condition keys for fine-grained access control". */
#include "services/gate/internal.h"

#include "gen/dynamodb.h"
#include "gen/s3.h"
#include "services/s3/s3_store.h"

/* The item or the key that the call names. */
static const struct dynamodb_attribute_value_map *named_item(const struct gate_context *x) {
    static const char *const members[] = {"Item", "Key"};
    if (!str_is(str_c(x->c->op->service->name), "dynamodb") || x->c->op->in == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < 2; i++) {
        const struct shape_member *m = shape_find_member(x->c->op->in, str_c(members[i]));
        if (m != NULL && m->shape->kind == SHAPE_MAP) {
            return shape_get(m, x->c->in);
        }
    }
    return NULL;
}

bool gate_item_attributes(const struct gate_context *x, struct arena *a, struct str_list *ret) {
    const struct dynamodb_attribute_value_map *item = named_item(x);
    for (size_t i = 0; item != NULL && i < item->n; i++) {
        *arena_push(a, ret) = item->v[i].key;
    }
    return ret->n > 0;
}

bool gate_new_object_bytes(const struct gate_context *x, struct arena *a, struct str_list *ret) {
    struct s3_object_row row;
    struct err err = ERR_INIT;
    if (!str_is(str_c(x->c->op->service->name), "s3")) {
        return false;
    }
    int64_t bytes = INT64_MAX;
    if (x->c->op == &s3_op_put_object) {
        const struct s3_put_object_request *in = x->c->in;
        int found = s3_object_find(x->g->db, a, in->bucket, in->key, STR_NONE, &row, &err);
        bytes = found == 0 ? x->c->body.size : INT64_MAX;
    }
    *arena_push(a, ret) = str_printf(a, "%lld", (long long)bytes);
    return true;
}
