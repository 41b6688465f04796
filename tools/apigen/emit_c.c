/* Prints gen/<svc>.c, the descriptors, and gen/<svc>_serve.c, the table of handlers. */
#include "apigen.h"

#include <string.h>

static const char *const kind_names[] = {
    "SHAPE_STRUCT", "SHAPE_LIST",      "SHAPE_MAP",      "SHAPE_STR",  "SHAPE_ENUM",
    "SHAPE_BLOB",   "SHAPE_BOOL",      "SHAPE_INT",      "SHAPE_LONG", "SHAPE_FLOAT",
    "SHAPE_DOUBLE", "SHAPE_TIMESTAMP", "SHAPE_DOCUMENT", "SHAPE_BODY",
};
static const char *const place_names[] = {"SHAPE_IN_BODY",  "SHAPE_IN_HEADER", "SHAPE_IN_HEADERS",
                                          "SHAPE_IN_QUERY", "SHAPE_IN_URI",    "SHAPE_IN_STATUS"};
static const char *const protocol_names[] = {"SHAPE_JSON_1_0",  "SHAPE_JSON_1_1",
                                             "SHAPE_QUERY",     "SHAPE_REST_XML",
                                             "SHAPE_REST_JSON", "SHAPE_NO_PROTOCOL"};

/* A C string literal, or NULL. */
static const char *quoted(const char *z) {
    if (z == NULL) {
        return "NULL";
    }
    char *q = zalloc(2 * strlen(z) + 3);
    size_t n = 0;
    q[n++] = '"';
    for (; *z != '\0'; z++) {
        if (*z == '"' || *z == '\\') {
            q[n++] = '\\';
        }
        q[n++] = *z;
    }
    q[n] = '"';
    return q;
}

static void print_members(const struct service *s, const struct def *d, FILE *out) {
    if (d->members.n == 0) {
        return;
    }
    const char *tag = text("struct %s_%s", s->name, d->snake);
    fprintf(out, "static const struct shape_member m_%s[] = {\n", d->snake);
    for (size_t i = 0; i < d->members.n; i++) {
        const struct member *m = d->members.v[i];
        bool body = m->type->kind == SHAPE_BODY;
        fprintf(out, "    {%s, %s, &shapes[%zu], %s, %s, %s, %u, %s},\n", quoted(m->name),
                quoted(m->wire), m->type->index,
                body ? "SHAPE_NO_FIELD" : text("offsetof(%s, %s)", tag, m->field),
                type_has_flag(m->type) ? text("offsetof(%s, has_%s)", tag, m->field)
                                       : "SHAPE_NO_FIELD",
                place_names[m->place], m->flags, quoted(m->xmlns));
    }
    fprintf(out, "};\n");
}

static void print_strings(const char *name, const struct vec *v, bool end, FILE *out) {
    fprintf(out, "static const char *const %s[] = {", name);
    for (size_t i = 0; i < v->n; i++) {
        fprintf(out, "%s%s", i ? ", " : "", quoted(v->v[i]));
    }
    fprintf(out, "%s};\n", end ? (v->n ? ", NULL" : "NULL") : "");
}

static void print_sizes(const struct service *s, const struct type *t, FILE *out) {
    if (t->kind == SHAPE_BODY) {
        return;
    }
    fprintf(out, ", .size = sizeof(%s)", type_c(s, t));
    if (t->kind == SHAPE_MAP) {
        const char *entry =
            type_is_text(t->item) ? "struct str_pair" : text("struct %s_entry", type_tag(s, t));
        fprintf(out, ", .entry_size = sizeof(%s), .value_offset = offsetof(%s, value)", entry,
                entry);
    }
}

static void print_shape(const struct service *s, const struct type *t, FILE *out) {
    fprintf(out, "    [%zu] = {.kind = %s", t->index, kind_names[t->kind]);
    print_sizes(s, t, out);
    fprintf(out, ", .min = %s, .max = %s", t->has_min ? text("%lld", t->min) : "SHAPE_NO_MIN",
            t->has_max ? text("%lld", t->max) : "SHAPE_NO_MAX");
    if (t->pattern != NULL) {
        fprintf(out, ", .pattern = %s", quoted(t->pattern));
    }
    if (t->time != SHAPE_TIME_DEFAULT) {
        fprintf(out, ", .time = %d", (int)t->time);
    }
    if (t->flat) {
        fprintf(out, ", .flat = true");
    }
    if (t->kind == SHAPE_LIST || t->kind == SHAPE_MAP) {
        const char *usual = t->kind == SHAPE_LIST ? "member" : "value";
        fprintf(out, ", .item = &shapes[%zu], .item_name = %s", t->item->index,
                quoted(t->item_name ? t->item_name : usual));
    }
    if (t->kind == SHAPE_MAP) {
        fprintf(out, ", .key = &shapes[%zu], .key_name = %s", t->key->index,
                quoted(t->key_name ? t->key_name : "key"));
    }
    if (t->kind == SHAPE_STRUCT) {
        fprintf(out, ", .name = %s, .n_members = %zu", quoted(t->def->name), t->def->members.n);
        fprintf(out, ", .members = %s", t->def->members.n ? text("m_%s", t->def->snake) : "NULL");
        fprintf(out, "%s", t->def->unwrapped ? ", .unwrapped = true" : "");
        fprintf(out, ", .xml_name = %s", quoted(t->def->xml_name));
    } else if (t->kind == SHAPE_ENUM) {
        fprintf(out, ", .name = %s, .n_members = %zu, .values = v_%s", quoted(t->def->name),
                t->def->values.n, t->def->snake);
    }
    fprintf(out, "},\n");
}

static void print_shapes(const struct service *s, FILE *out) {
    fprintf(out, "static const struct shape shapes[%zu];\n\n", s->types.n);
    for (size_t i = 0; i < s->defs.n; i++) {
        const struct def *d = s->defs.v[i];
        if (d->kind == DEF_ENUM) {
            print_strings(text("v_%s", d->snake), &d->values, false, out);
        } else {
            print_members(s, d, out);
        }
    }
    fprintf(out, "\nstatic const struct shape shapes[%zu] = {\n", s->types.n);
    for (size_t i = 0; i < s->types.n; i++) {
        print_shape(s, s->types.v[i], out);
    }
    fprintf(out, "};\n\n");
}

static int by_name(const void *a, const void *b) {
    const struct def *x = *(struct def *const *)a, *y = *(struct def *const *)b;
    return strcmp(x->name, y->name);
}

/* Returns their number. */
static size_t print_errors(const struct service *s, FILE *out) {
    struct vec sorted = {NULL, 0};
    for (size_t i = 0; i < s->defs.n; i++) {
        struct def *d = s->defs.v[i];
        if (d->kind == DEF_ERROR) {
            vec_push(&sorted, d);
        }
    }
    vec_sort(&sorted, by_name);
    for (size_t i = 0; i < sorted.n; i++) {
        const struct def *d = sorted.v[i];
        fprintf(out, "const struct aws_error %s_%s = {%s, %s, %d, %s, %s};\n", s->name, d->name,
                quoted(d->name), quoted(d->code), d->status, quoted(d->message_name),
                d->members.n ? text("&shapes[%zu]", d->type->index) : "NULL");
    }
    fprintf(out, "static const struct aws_error *const errors[] = {");
    for (size_t i = 0; i < sorted.n; i++) {
        fprintf(out, "\n    &%s_%s,", s->name, ((struct def *)sorted.v[i])->name);
    }
    fprintf(out, "%s};\n\n", sorted.n ? "\n" : "NULL");
    return sorted.n;
}

static void print_rights(const struct op *op, FILE *out) {
    for (size_t i = 0; i < op->rights.n; i++) {
        const struct right *r = op->rights.v[i];
        print_strings(text("r_%s_%zu", op->snake, i), &r->templates, true, out);
    }
    if (op->rights.n == 0) {
        return;
    }
    fprintf(out, "static const struct shape_right r_%s[] = {\n", op->snake);
    for (size_t i = 0; i < op->rights.n; i++) {
        const struct right *r = op->rights.v[i];
        fprintf(out, "    {%s, r_%s_%zu, %s, %s},\n", quoted(r->action), op->snake, i,
                quoted(r->if_member), quoted(r->unless_member));
    }
    fprintf(out, "};\n");
}

static void print_op(const struct service *s, const struct op *op, size_t index, FILE *out) {
    fprintf(out, "static const struct aws_error *const e_%s[] = {", op->snake);
    for (size_t i = 0; i < op->errors.n; i++) {
        fprintf(out, "&%s_%s, ", s->name, ((const struct def *)op->errors.v[i])->name);
    }
    fprintf(out, "NULL};\n");
    print_rights(op, out);
    fprintf(out, "const struct shape_op %s_op_%s = {\n", s->name, op->snake);
    fprintf(out, "    .name = %s, .service = &%s_service, .index = %zu, .flags = %u,\n",
            quoted(op->name), s->name, index, op->flags);
    fprintf(out, "    .status = %d, .method = %s, .uri = %s,\n", op->status, quoted(op->method),
            quoted(op->uri));
    fprintf(out, "    .in = &shapes[%zu], .out = &shapes[%zu], .errors = e_%s,\n",
            op->in->type->index, op->out->type->index, op->snake);
    fprintf(out, "    .rights = %s, .n_rights = %zu,\n};\n\n",
            op->rights.n ? text("r_%s", op->snake) : "NULL", op->rights.n);
}

void emit_tables(const struct service *s, FILE *out) {
    fprintf(out, "/* Written by apigen from %s. */\n#include \"gen/%s.h\"\n\n", s->base, s->name);
    print_shapes(s, out);
    size_t n_errors = print_errors(s, out);
    for (size_t i = 0; i < s->ops.n; i++) {
        print_op(s, s->ops.v[i], i, out);
    }
    fprintf(out, "static const struct shape_op *const ops[] = {\n");
    for (size_t i = 0; i < s->ops.n; i++) {
        fprintf(out, "    &%s_op_%s,\n", s->name, ((const struct op *)s->ops.v[i])->snake);
    }
    fprintf(out, "    NULL,\n};\n\nconst struct shape_service %s_service = {\n", s->name);
    fprintf(out, "    .name = %s, .signing = %s, .host = %s,\n", quoted(s->name),
            quoted(s->signing), quoted(s->host));
    fprintf(out, "    .prefix = %s,\n", quoted(s->prefix));
    fprintf(out, "    .global = %s, .query_compatible = %s, .no_nul = %s,\n",
            s->global ? "true" : "false", s->query_compatible ? "true" : "false",
            s->no_nul ? "true" : "false");
    fprintf(out, "    .protocol = %s, .protocol2 = %s,\n", protocol_names[s->protocol],
            protocol_names[s->protocol2]);
    fprintf(out, "    .target = %s, .version = %s, .xmlns = %s,\n", quoted(s->target),
            quoted(s->version), quoted(s->xmlns));
    fprintf(out, "    .ops = ops, .n_ops = %zu, .errors = errors, .n_errors = %zu,\n};\n", s->ops.n,
            n_errors);
}

void emit_serve(const struct service *s, FILE *out) {
    fprintf(out, "/* Written by apigen from %s. */\n#include \"gen/%s.h\"\n\n", s->base, s->name);
    for (size_t i = 0; i < s->ops.n; i++) {
        const struct op *op = s->ops.v[i];
        if ((op->flags & SHAPE_OP_UNIMPLEMENTED) == 0) {
            fprintf(out,
                    "static int serve_%s(struct call *c, const void *in, void *out, struct err "
                    "*err) {\n    return %s_%s(c, in, out, err);\n}\n\n",
                    op->snake, s->name, op->snake);
        }
    }
    fprintf(out, "const shape_handler %s_handlers[] = {\n", s->name);
    for (size_t i = 0; i < s->ops.n; i++) {
        const struct op *op = s->ops.v[i];
        bool absent = (op->flags & SHAPE_OP_UNIMPLEMENTED) != 0;
        fprintf(out, "    %s%s,\n", absent ? "NULL" : "serve_", absent ? "" : op->snake);
    }
    fprintf(out, "    NULL,\n};\n");
}
