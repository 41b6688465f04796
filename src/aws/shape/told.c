/* Implementation of told.h. */
#include "aws/shape/told.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/planted.h"
#include "platform/crypto/hash.h"

/* ---- the short text ---- */

enum { BRIEF_DEPTH = 3 };

struct brief {
    struct buf *out;
    const char *path[BRIEF_DEPTH];
    size_t depth;
    bool ids_only;
};

static bool named_like(const char *name, const char *part) {
    size_t n = strlen(part);
    for (const char *at = name; *at != '\0'; at++) {
        if (str_ieq(str_n(at, strnlen(at, n)), str_c(part))) {
            return true;
        }
    }
    return false;
}

static bool is_secret(const struct shape_member *m) {
    static const char *const words[] = {"token", "secret", "password", "nonce", "credential"};
    if (PLANTED(audit_tells_secrets)) {
        return false;
    }
    if ((m->flags & (SHAPE_MEMBER_SENSITIVE | SHAPE_MEMBER_TOKEN)) != 0) {
        return true;
    }
    for (size_t i = 0; m->shape->kind != SHAPE_STRUCT && i < sizeof(words) / sizeof(words[0]);
         i++) {
        /* SecretId and the like say which one, not what is in it */
        if (named_like(m->name, words[i]) && !str_ends(str_c(m->name), S("Id")) &&
            !str_ends(str_c(m->name), S("Arn"))) {
            return true;
        }
    }
    return false;
}

static bool is_id(const struct shape_member *m) {
    struct str name = str_c(m->name);
    return m->shape->kind == SHAPE_STR && (str_ends(name, S("Id")) || str_ends(name, S("Arn")) ||
                                           str_is(name, "id") || str_is(name, "arn"));
}

static void brief_name(struct brief *b, const char *name) {
    buf_add_z(b->out, b->out->n > 0 ? " " : "");
    for (size_t i = 0; i < b->depth; i++) {
        buf_printf(b->out, "%s.", b->path[i]);
    }
    buf_add_z(b->out, name);
}

/* The '@' behind name and password of an URL; -1: it has none. */
static size_t end_of_user(struct str s, size_t from) {
    size_t slash = str_find_c(s, '/', from);
    size_t at = str_rfind_c(str_sub(s, from, (slash == (size_t)-1 ? s.n : slash) - from), '@');
    return at == (size_t)-1 ? at : from + at;
}

static void brief_text(struct buf *out, struct str s) {
    if (s.n > SHAPE_BRIEF_VALUE_MAX || memchr(s.p, '\n', s.n) != NULL) {
        buf_printf(out, "=(%zu bytes)", s.n);
        return;
    }
    buf_add_c(out, '=');
    size_t user = str_find(s, S("://"), 0);
    size_t host = user == (size_t)-1 ? user : end_of_user(s, user + 3);
    if (host == (size_t)-1 || PLANTED(audit_tells_secrets)) {
        buf_add(out, s);
        return;
    }
    buf_add(out, str_sub(s, 0, user + 3));
    buf_add_z(out, "***");
    buf_add(out, str_sub(s, host, s.n));
}

static void brief_value(struct brief *b, const struct shape_member *m, const void *at) {
    const struct shape_list *list = at;
    brief_name(b, m->name);
    switch ((enum shape_kind)m->shape->kind) {
    case SHAPE_STR:
    case SHAPE_ENUM:
        brief_text(b->out, *(const struct str *)at);
        break;
    case SHAPE_BLOB:
    case SHAPE_DOCUMENT:
        buf_printf(b->out, "=(%zu bytes)", ((const struct str *)at)->n);
        break;
    case SHAPE_BOOL:
        buf_add_z(b->out, *(const bool *)at ? "=true" : "=false");
        break;
    case SHAPE_INT:
        buf_printf(b->out, "=%d", (int)*(const int32_t *)at);
        break;
    case SHAPE_LONG:
    case SHAPE_TIMESTAMP:
        buf_printf(b->out, "=%lld", (long long)*(const int64_t *)at);
        break;
    case SHAPE_FLOAT:
    case SHAPE_DOUBLE:
        buf_printf(b->out, "=%g", *(const double *)at);
        break;
    default:
        buf_printf(b->out, "[%zu]", list->n);
    }
}

static void brief_members(struct brief *b, const struct shape *s, const void *base) {
    for (uint32_t i = 0; i < s->n_members && !b->out->overflow; i++) {
        const struct shape_member *m = &s->members[i];
        const void *at = is_secret(m) || m->shape->kind == SHAPE_BODY ? NULL : shape_get(m, base);
        if (at == NULL) {
            continue;
        }
        if (m->shape->kind != SHAPE_STRUCT) {
            if (!b->ids_only || is_id(m)) {
                brief_value(b, m, at);
            }
        } else if (b->depth < BRIEF_DEPTH) {
            b->path[b->depth++] = m->name;
            brief_members(b, m->shape, at);
            b->depth--;
        }
    }
}

struct str shape_brief(struct arena *a, const struct shape_op *op, const void *in,
                       const void *out) {
    struct buf asked cleanup_buf;
    struct buf answered cleanup_buf;
    buf_init(&asked, SHAPE_BRIEF_MAX);
    buf_init(&answered, SHAPE_BRIEF_MAX / 2);
    brief_members(&(struct brief){.out = &asked}, op->in, in);
    if (out != NULL) {
        brief_members(&(struct brief){.out = &answered, .ids_only = true}, op->out, out);
    }
    const char *more = asked.overflow ? "..." : "";
    const char *arrow = answered.n == 0 ? "" : asked.n > 0 ? " -> " : "-> ";
    return str_printf(a, STR_FMT "%s%s" STR_FMT, STR_ARG(buf_str(&asked)), more, arrow,
                      STR_ARG(buf_str(&answered)));
}

/* ---- the digest ---- */

static void digest_value(struct hash *h, const struct shape *s, const void *at);

static void digest_number(struct hash *h, int64_t n) {
    char bytes[sizeof(n)];
    for (size_t i = 0; i < sizeof(n); i++) {
        bytes[i] = (char)((uint64_t)n >> (8 * i));
    }
    hash_update(h, str_n(bytes, sizeof(bytes)));
}

static void digest_text(struct hash *h, struct str s) {
    digest_number(h, (int64_t)s.n);
    hash_update(h, s);
}

static void digest_struct(struct hash *h, const struct shape *s, const void *base) {
    for (uint32_t i = 0; i < s->n_members; i++) {
        const struct shape_member *m = &s->members[i];
        const void *at = m->shape->kind == SHAPE_BODY ? NULL : shape_get(m, base);
        if (at == NULL) {
            continue;
        }
        digest_text(h, str_c(m->name));
        if ((m->flags & SHAPE_MEMBER_SENSITIVE) == 0 || PLANTED(audit_digests_secrets)) {
            digest_value(h, m->shape, at);
        }
    }
    digest_number(h, -1); /* no name is that long: the struct's end */
}

static void digest_list(struct hash *h, const struct shape *s, const void *at) {
    const struct shape_list *list = at;
    digest_number(h, (int64_t)list->n);
    for (size_t i = 0; i < list->n; i++) {
        const char *item = list->v;
        if (s->kind == SHAPE_MAP) {
            item += i * s->entry_size;
            digest_text(h, *(const struct str *)(const void *)item);
            item += s->value_offset;
        } else {
            item += i * s->item->size;
        }
        digest_value(h, s->item, item);
    }
}

static void digest_value(struct hash *h, const struct shape *s, const void *at) {
    double number = 0;
    switch ((enum shape_kind)s->kind) {
    case SHAPE_STRUCT:
        digest_struct(h, s, at);
        break;
    case SHAPE_LIST:
    case SHAPE_MAP:
        digest_list(h, s, at);
        break;
    case SHAPE_BOOL:
        digest_number(h, *(const bool *)at);
        break;
    case SHAPE_INT:
        digest_number(h, *(const int32_t *)at);
        break;
    case SHAPE_LONG:
    case SHAPE_TIMESTAMP:
        digest_number(h, *(const int64_t *)at);
        break;
    case SHAPE_FLOAT:
    case SHAPE_DOUBLE:
        number = *(const double *)at;
        hash_update(h, str_n((const char *)&number, sizeof(number)));
        break;
    default:
        digest_text(h, *(const struct str *)at);
    }
}

void shape_digest(const struct shape *s, const void *value, unsigned char ret[32]) {
    struct hash *h cleanup_hash = hash_new(HASH_SHA256);
    unsigned char out[HASH_MAX];
    digest_value(h, s, value);
    hash_end(h, out);
    memcpy(ret, out, 32);
}
