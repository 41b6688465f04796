/* Prints gen/<svc>.h: plain structs, names of descriptors, handler prototypes, client wrappers. */
#include "apigen.h"

#include <string.h>

static bool is_container(const struct type *t) {
    return (t->kind == SHAPE_LIST || t->kind == SHAPE_MAP) && !type_is_text(t->item);
}

/* Containers share a struct when their elements do; each is printed once. */
static bool first_with_tag(const struct service *s, const struct type *t) {
    for (size_t i = 0; i < t->index; i++) {
        const struct type *other = s->types.v[i];
        if (is_container(other) && strcmp(type_tag(s, other), type_tag(s, t)) == 0) {
            return false;
        }
    }
    return true;
}

static bool has_struct(const struct def *d) {
    return d->kind == DEF_STRUCT || (d->kind == DEF_ERROR && d->members.n > 0);
}

static void print_forwards(const struct service *s, FILE *out) {
    for (size_t i = 0; i < s->defs.n; i++) {
        const struct def *d = s->defs.v[i];
        if (has_struct(d)) {
            fprintf(out, "struct %s_%s;\n", s->name, d->snake);
        }
    }
    fprintf(out, "\n");
}

/* They hold pointers only, so they may stand before what they point to. */
static void print_containers(const struct service *s, FILE *out) {
    for (size_t i = 0; i < s->types.n; i++) {
        const struct type *t = s->types.v[i];
        if (!is_container(t) || !first_with_tag(s, t)) {
            continue;
        }
        const char *tag = type_tag(s, t);
        for (size_t k = 0; k < s->defs.n; k++) {
            const struct def *d = s->defs.v[k];
            if (has_struct(d) && strcmp(text("%s_%s", s->name, d->snake), tag) == 0) {
                fail(s, d->line, "struct %s has the name of a list or map", tag);
            }
        }
        if (t->kind == SHAPE_LIST) {
            fprintf(out, "struct %s {\n    %s *v;\n    size_t n;\n};\n\n", tag, type_c(s, t->item));
        } else {
            fprintf(out,
                    "struct %s_entry;\nstruct %s {\n    struct %s_entry *v;\n    size_t n;\n};\n\n",
                    tag, tag, tag);
        }
    }
}

static void print_member(const struct service *s, const struct member *m, FILE *out) {
    if (m->type->kind == SHAPE_BODY) {
        fprintf(out, "    /* %s: the streamed body */\n", m->name);
        return;
    }
    const char *star = m->type->kind == SHAPE_STRUCT ? "*" : "";
    bool required = (m->flags & SHAPE_MEMBER_REQUIRED) != 0;
    const char *c_type = type_c(s, m->type);
    fprintf(out, "    %s %s%s;", c_type, star, m->field);
    if (required || m->type->kind == SHAPE_ENUM) {
        fprintf(out, " /*%s%s%s */", required ? " required" : "",
                m->type->kind == SHAPE_ENUM ? " enum " : "",
                m->type->kind == SHAPE_ENUM ? m->type->def->name : "");
    }
    fprintf(out, "\n");
    if (type_has_flag(m->type)) {
        fprintf(out, "    bool has_%s;\n", m->field);
    }
}

static void print_structs(const struct service *s, FILE *out) {
    for (size_t i = 0; i < s->defs.n; i++) {
        const struct def *d = s->defs.v[i];
        if (!has_struct(d)) {
            continue;
        }
        fprintf(out, "struct %s_%s {\n", s->name, d->snake);
        size_t fields = 0;
        for (size_t k = 0; k < d->members.n; k++) {
            const struct member *m = d->members.v[k];
            print_member(s, m, out);
            fields += m->type->kind != SHAPE_BODY;
        }
        fprintf(out, "%s};\n\n", fields == 0 ? "    char none_; /* C wants a member */\n" : "");
    }
    for (size_t i = 0; i < s->types.n; i++) {
        const struct type *t = s->types.v[i];
        if (t->kind == SHAPE_MAP && is_container(t) && first_with_tag(s, t)) {
            fprintf(out, "struct %s_entry {\n    struct str key;\n    %s value;\n};\n\n",
                    type_tag(s, t), type_c(s, t->item));
        }
    }
}

static void print_enums(const struct service *s, FILE *out) {
    for (size_t i = 0; i < s->defs.n; i++) {
        const struct def *d = s->defs.v[i];
        if (d->kind != DEF_ENUM) {
            continue;
        }
        fprintf(out, "/* %s:", d->name);
        for (size_t k = 0; k < d->values.n; k++) {
            const char *value = d->values.v[k];
            /* "s3:ObjectCreated:*" and the like must not end or open a comment. */
            const char *tail = strstr(value, "*/") || strstr(value, "/*") ? "..." : value;
            fprintf(out, " %s", tail);
        }
        fprintf(out, " */\n");
    }
    fprintf(out, "\n");
}

static void print_op(const struct service *s, const struct op *op, FILE *out) {
    const char *in = text("const struct %s_%s *in", s->name, op->in->snake);
    const char *result = text("struct %s_%s *out", s->name, op->out->snake);
    bool body_in = (op->flags & SHAPE_OP_BODY_IN) != 0;
    bool body_out = (op->flags & SHAPE_OP_BODY_OUT) != 0;
    fprintf(out, "extern const struct shape_op %s_op_%s;\n", s->name, op->snake);
    if ((op->flags & SHAPE_OP_UNIMPLEMENTED) != 0) {
        return;
    }
    fprintf(out, "int %s_%s(struct call *c, %s, %s, struct err *err) MUST_USE;\n", s->name,
            op->snake, in, result);
    fprintf(out,
            "static inline MUST_USE int %s_call_%s(const struct aws_target *t, struct arena *a, "
            "%s,%s %s,%s struct err *err) {\n",
            s->name, op->snake, in, body_in ? " const struct aws_body *body," : "", result,
            body_out ? " struct aws_body *ret_body," : "");
    if (body_in || body_out) {
        fprintf(out, "    return aws_call_stream(t, &%s_op_%s, a, in, %s, out, %s, err);\n}\n\n",
                s->name, op->snake, body_in ? "body" : "NULL", body_out ? "ret_body" : "NULL");
    } else {
        fprintf(out, "    return aws_call(t, &%s_op_%s, a, in, out, err);\n}\n\n", s->name,
                op->snake);
    }
}

void emit_header(const struct service *s, FILE *out) {
    fprintf(out, "/* Written by apigen from %s. */\n#pragma once\n\n", s->base);
    fprintf(out, "#include \"aws/call/call.h\"\n#include \"aws/shape/shape.h\"\n\n");
    print_enums(s, out);
    print_forwards(s, out);
    print_containers(s, out);
    print_structs(s, out);
    fprintf(out, "extern const struct shape_service %s_service;\n", s->name);
    fprintf(out, "extern const shape_handler %s_handlers[]; /* gen/%s_serve.c */\n\n", s->name,
            s->name);
    for (size_t i = 0; i < s->defs.n; i++) {
        const struct def *d = s->defs.v[i];
        if (d->kind == DEF_ERROR) {
            fprintf(out, "extern const struct aws_error %s_%s;\n", s->name, d->name);
        }
    }
    fprintf(out, "\n");
    for (size_t i = 0; i < s->ops.n; i++) {
        print_op(s, s->ops.v[i], out);
    }
}
