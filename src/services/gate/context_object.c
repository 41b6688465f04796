/* Condition keys about an object of S3, see internal.h. */
#include "services/gate/internal.h"

#include "gen/s3.h"
#include "services/s3/s3_store.h"

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
