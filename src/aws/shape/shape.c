/* Look-ups in descriptor tables. */
#include "aws/shape/shape.h"

static int cmp_name(struct str name, const char *z) {
    return str_cmp(name, str_c(z));
}

const struct shape_op *shape_find_op(const struct shape_service *svc, struct str name) {
    uint32_t low = 0, high = svc->n_ops;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        int cmp = cmp_name(name, svc->ops[mid]->name);
        if (cmp == 0) {
            return svc->ops[mid];
        }
        if (cmp < 0) {
            high = mid;
        } else {
            low = mid + 1;
        }
    }
    return NULL;
}

const struct aws_error *shape_find_error(const struct shape_service *svc, struct str name) {
    for (uint32_t i = 0; i < svc->n_errors; i++) {
        const struct aws_error *e = svc->errors[i];
        if (str_is(name, e->name) || str_is(name, e->code)) {
            return e;
        }
    }
    return NULL;
}

const struct shape_member *shape_find_member(const struct shape *s, struct str name) {
    for (uint32_t i = 0; i < s->n_members; i++) {
        if (str_is(name, s->members[i].name)) {
            return &s->members[i];
        }
    }
    return NULL;
}

const void *shape_get(const struct shape_member *m, const void *base) {
    if (m->offset == SHAPE_NO_FIELD) {
        return NULL;
    }
    const char *at = (const char *)base + m->offset;
    switch ((enum shape_kind)m->shape->kind) {
    case SHAPE_STRUCT:
        return *(const void *const *)(const void *)at;
    case SHAPE_LIST:
    case SHAPE_MAP:
        return ((const struct shape_list *)(const void *)at)->v ? at : NULL;
    case SHAPE_STR:
    case SHAPE_ENUM:
    case SHAPE_BLOB:
    case SHAPE_DOCUMENT:
        return ((const struct str *)(const void *)at)->p ? at : NULL;
    default:
        return *((const bool *)base + m->has_offset) ? at : NULL;
    }
}
