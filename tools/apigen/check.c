/* Second look at a service that was read: every name must be there, and nothing be left over. */
#include "apigen.h"

#include <string.h>

static struct def *find_def(struct service *s, const char *name, enum def_kind kind, int line) {
    static const char *const words[] = {"struct", "enum", "error"};
    for (size_t i = 0; i < s->defs.n; i++) {
        struct def *d = s->defs.v[i];
        if (d->kind == kind && strcmp(d->name, name) == 0) {
            d->used = true;
            return d;
        }
    }
    fail(s, line, "there is no %s '%s'", words[kind], name);
}

/* The struct that stands for an input or output which the model does not have. Operations that are
 * not built share one. */
static struct def *empty_def(struct service *s, const struct op *op, const char *suffix) {
    bool absent = (op->flags & SHAPE_OP_UNIMPLEMENTED) != 0;
    char *name = absent ? text("Unimplemented") : text("%s%s", op->name, suffix);
    for (size_t i = 0; i < s->defs.n; i++) {
        struct def *d = s->defs.v[i];
        if (strcmp(d->name, name) == 0 && absent) {
            return d;
        }
        if (strcmp(d->name, name) == 0) {
            fail(s, op->line, "'-' would be called '%s', which is already on line %d", name,
                 d->line);
        }
    }
    struct def *d = zalloc(sizeof *d);
    d->kind = DEF_STRUCT;
    d->name = name;
    d->snake = snake_case(name);
    d->line = op->line;
    d->used = true;
    vec_push(&s->defs, d);
    return d;
}

static struct type *struct_type(struct service *s, struct def *d) {
    struct type *t = zalloc(sizeof *t);
    t->kind = SHAPE_STRUCT;
    t->def = d;
    t->def_name = d->name;
    return type_intern(s, t);
}

static const struct member *find_member(const struct def *d, const char *name, size_t len) {
    for (size_t i = 0; i < d->members.n; i++) {
        const struct member *m = d->members.v[i];
        if (strlen(m->name) == len && strncmp(m->name, name, len) == 0) {
            return m;
        }
    }
    return NULL;
}

/* Follows "a.list*.b" from the input; the end must be text, a list of text with '*', or a map with
 * '*', which stands for its keys. */
static void check_path(struct service *s, int line, const struct def *d, const char *path,
                       size_t len) {
    for (size_t at = 0; at < len;) {
        size_t n = strcspn(path + at, ".}|");
        n = n > len - at ? len - at : n;
        bool each = n > 0 && path[at + n - 1] == '*';
        const struct member *m = find_member(d, path + at, each ? n - 1 : n);
        if (m == NULL) {
            fail(s, line, "'%.*s' is not a member of %s", (int)n, path + at, d->name);
        }
        const struct type *t = m->type;
        if (each != (t->kind == SHAPE_LIST || t->kind == SHAPE_MAP)) {
            fail(s, line, "'%s' %s a list or map", m->name, each ? "is not" : "is");
        }
        t = !each ? t : t->kind == SHAPE_MAP ? t->key : t->item;
        at += n;
        bool last = at >= len;
        if (last ? !type_is_text(t) : t->kind != SHAPE_STRUCT) {
            fail(s, line, "'%s' cannot stand there in a path", m->name);
        }
        if (!last) {
            d = t->def;
            at++;
        }
    }
}

static void check_template(struct service *s, const struct op *op, int line, const char *z) {
    static const char *const filters[] = {"path",     "s3source", "build",  "kmskey", "loggroup",
                                          "function", "iampath",  "report", "ebbus",  "ebrule"};
    for (const char *p = strchr(z, '{'); p != NULL; p = strchr(p + 1, '{')) {
        const char *end = strchr(p, '}');
        if (end == NULL) {
            fail(s, line, "'{' without '}' in '%s'", z);
        }
        if (p[1] == '@') {
            if (strncmp(p, "{@account}", 10) != 0 && strncmp(p, "{@region}", 9) != 0) {
                fail(s, line, "'%.*s' is not {@account} or {@region}", (int)(end - p + 1), p);
            }
            continue;
        }
        size_t len = strcspn(p + 1, "|}");
        check_path(s, line, op->in, p + 1, len);
        if (p[1 + len] == '|') {
            size_t n = (size_t)(end - p - 2) - len;
            bool known = false;
            for (size_t i = 0; i < sizeof filters / sizeof *filters; i++) {
                known |= strlen(filters[i]) == n && strncmp(p + 2 + len, filters[i], n) == 0;
            }
            if (!known) {
                fail(s, line, "unknown filter in '%s'", z);
            }
        }
    }
}

static bool is_read_name(const char *name) {
    static const char *const words[] = {"Get",      "List",   "Describe", "Head",     "BatchGet",
                                        "Query",    "Scan",   "Filter",   "Validate", "TransactGet",
                                        "Estimate", "Lookup", "Encrypt",  "Decrypt"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strncmp(name, words[i], strlen(words[i])) == 0) {
            return strcmp(name, "GetSessionToken") != 0 && strcmp(name, "GetFederationToken") != 0;
        }
    }
    return false;
}

/* A condition names any top-level member. */
static void check_condition(struct service *s, const struct op *op, int line, const char *name) {
    if (name != NULL && find_member(op->in, name, strlen(name)) == NULL) {
        fail(s, line, "'%s' is not a member of %s", name, op->in->name);
    }
}

static void check_rights(struct service *s, struct op *op) {
    if (op->no_right && op->rights.n > 0) {
        fail(s, op->line, "'iam -' stands beside a right");
    }
    if (op->rights.n == 0 && !op->no_right) {
        struct right *r = zalloc(sizeof *r);
        r->action = text("%s:%s", s->prefix, op->name);
        vec_push(&op->rights, r);
    }
    for (size_t i = 0; i < op->rights.n; i++) {
        const struct right *r = op->rights.v[i];
        for (size_t k = 0; k < r->templates.n; k++) {
            check_template(s, op, r->line, r->templates.v[k]);
        }
        check_condition(s, op, r->line, r->if_member);
        check_condition(s, op, r->line, r->unless_member);
    }
}

/* Marks streamed bodies; a header, query or uri member makes no sense outside REST. */
static void check_members(struct service *s, struct op *op, const struct def *d, unsigned body) {
    bool rest = s->protocol == SHAPE_REST_XML || s->protocol == SHAPE_REST_JSON;
    for (size_t i = 0; i < d->members.n; i++) {
        const struct member *m = d->members.v[i];
        if (m->type->kind == SHAPE_BODY) {
            op->flags |= body;
        }
        if (m->place != SHAPE_IN_BODY && !rest) {
            fail(s, m->line, "only REST protocols place members outside the body");
        }
        if (m->place == SHAPE_IN_URI && strstr(op->uri, text("{%s", m->wire)) == NULL) {
            fail(s, m->line, "'%s' is not in %s's uri %s", m->wire, op->name, op->uri);
        }
    }
}

static void check_op(struct service *s, struct op *op) {
    op->in =
        op->in_name ? find_def(s, op->in_name, DEF_STRUCT, op->line) : empty_def(s, op, "Input");
    op->out =
        op->out_name ? find_def(s, op->out_name, DEF_STRUCT, op->line) : empty_def(s, op, "Output");
    if (op->out_name == NULL) {
        op->flags |= SHAPE_OP_NO_OUTPUT;
    }
    if (is_read_name(op->name)) {
        op->flags |= SHAPE_OP_READ;
    }
    for (size_t i = 0; i < op->errors.n; i++) {
        op->errors.v[i] = find_def(s, op->errors.v[i], DEF_ERROR, op->line);
    }
    check_members(s, op, op->in, SHAPE_OP_BODY_IN);
    check_members(s, op, op->out, SHAPE_OP_BODY_OUT);
}

static void check_types(struct service *s) {
    for (size_t i = 0; i < s->types.n; i++) {
        struct type *t = s->types.v[i];
        if (t->kind == SHAPE_STRUCT && t->def == NULL) {
            t->def = find_def(s, t->def_name, DEF_STRUCT, t->line);
        } else if (t->kind == SHAPE_ENUM) {
            t->def = find_def(s, t->def_name, DEF_ENUM, t->line);
        }
        if (t->kind == SHAPE_MAP && t->key->kind != SHAPE_STR && t->key->kind != SHAPE_ENUM) {
            fail(s, t->line, "a map's key must be str or enum");
        }
        const struct type *inner = t->item;
        if (inner != NULL && inner->kind == SHAPE_BODY) {
            fail(s, t->line, "a body cannot be an element");
        }
    }
}

static int by_name(const void *a, const void *b) {
    const struct op *x = *(struct op *const *)a, *y = *(struct op *const *)b;
    return strcmp(x->name, y->name);
}

void check_service(struct service *s) {
    if (s->name == NULL || s->protocol < 0 || s->signing == NULL || s->host == NULL ||
        s->version == NULL) {
        fail(s, 1, "service, protocol, version, signing and host are needed");
    }
    s->prefix = s->prefix ? s->prefix : s->signing;
    vec_sort(&s->ops, by_name);
    for (size_t i = 0; i < s->ops.n; i++) {
        struct op *op = s->ops.v[i];
        if (i > 0 && strcmp(op->name, ((struct op *)s->ops.v[i - 1])->name) == 0) {
            fail(s, op->line, "op '%s' is there twice", op->name);
        }
        check_op(s, op);
    }
    size_t n = s->defs.n;
    for (size_t i = 0; i < n; i++) {
        struct def *d = s->defs.v[i];
        bool has_struct = d->kind == DEF_STRUCT || (d->kind == DEF_ERROR && d->members.n > 0);
        d->type = has_struct ? struct_type(s, d) : NULL;
    }
    check_types(s);
    for (size_t i = 0; i < s->ops.n; i++) {
        check_rights(s, s->ops.v[i]);
    }
    for (size_t i = 0; i < n; i++) {
        const struct def *d = s->defs.v[i];
        if (!d->used && d->kind != DEF_ERROR) {
            fail(s, d->line, "'%s' is not used", d->name);
        }
        if (d->kind == DEF_ENUM && d->values.n == 0) {
            fail(s, d->line, "enum '%s' has no values", d->name);
        }
    }
}
