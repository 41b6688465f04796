/*
 * What AWS's models demand of input: required members, lengths, ranges, enums, and patterns where a
 * service's .api file has them (other services check those that matter, with their own messages).
 * U+0000 is refused where the .api file says so: there texts become arguments, variables and files,
 * which would end at it. All violations are told at once, in AWS's words.
 */
#include "aws/proto/internal.h"

#include "platform/text/regex.h"
#include "platform/text/utf8.h"

#include <assert.h>

enum { VIOLATIONS_MAX = 10, SHOWN_MAX = 128 };

/* A pattern of the model, compiled once a request. */
struct check_pattern {
    const struct shape *shape;
    struct regex *whole;
    struct check_pattern *next;
};

struct check {
    struct arena *arena;
    bool no_nul; /* of the service */
    struct buf text;
    size_t n;
    struct check_pattern *patterns;
};

static void check_struct(struct check *c, const struct shape *s, const void *base,
                         const struct spot *at);

static void violate(struct check *c, const struct spot *at, struct str shown, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* `shown`: the value as it is printed; absent: null. */
static void violate(struct check *c, const struct spot *at, struct str shown, const char *fmt,
                    ...) {
    if (c->n++ >= VIOLATIONS_MAX) {
        return;
    }
    buf_add_z(&c->text, c->text.n > 0 ? "; Value " : "Value ");
    if (shown.p == NULL) {
        buf_add_z(&c->text, "null");
    } else {
        buf_printf(&c->text, "'" STR_FMT "'", STR_ARG(shown));
    }
    struct str path = spot_path(c->arena, at);
    buf_printf(&c->text, " at '" STR_FMT "' failed to satisfy constraint: ", STR_ARG(path));
    va_list args;
    va_start(args, fmt);
    buf_vprintf(&c->text, fmt, args);
    va_end(args);
}

static struct str shown(const struct shape_member *m, struct str value) {
    if (m != NULL && (m->flags & SHAPE_MEMBER_SENSITIVE) != 0) {
        return S("***Sensitive***");
    }
    return value.n > SHOWN_MAX ? str_sub(value, 0, SHOWN_MAX) : value;
}

/* "[a, b]", as the server's framework prints a list. */
static struct str shown_list(struct check *c, const struct shape *s, const void *at) {
    const struct shape_list *list = at;
    struct str text = S("[");
    if (s->item->kind != SHAPE_STR && s->item->kind != SHAPE_ENUM) {
        return list->n == 0 ? S("[]") : S("[...]");
    }
    for (size_t i = 0; i < list->n && text.n < SHOWN_MAX; i++) {
        struct str item = *(const struct str *)list_item(s, at, i);
        text = str_printf(c->arena, STR_FMT "%s" STR_FMT, STR_ARG(text), i > 0 ? ", " : "",
                          STR_ARG(item));
    }
    return str_concat(c->arena, text, S("]"));
}

static void check_enum(struct check *c, const struct shape *s, struct str value, struct str print,
                       const struct spot *at) {
    struct str all = S("");
    for (uint32_t i = 0; i < s->n_members; i++) {
        if (str_is(value, s->values[i])) {
            return;
        }
    }
    for (uint32_t i = 0; i < s->n_members && all.n < 400; i++) {
        all = str_printf(c->arena, STR_FMT "%s%s", STR_ARG(all), i > 0 ? ", " : "", s->values[i]);
    }
    violate(c, at, print, "Member must satisfy enum value set: [" STR_FMT "]", STR_ARG(all));
}

static void check_length(struct check *c, const struct shape *s, int64_t length, struct str print,
                         const struct spot *at) {
    if (s->max != SHAPE_NO_MAX && length > s->max) {
        violate(c, at, print, "Member must have length less than or equal to %lld",
                (long long)s->max);
    }
    if (s->min != SHAPE_NO_MIN && length < s->min) {
        violate(c, at, print, "Member must have length greater than or equal to %lld",
                (long long)s->min);
    }
}

static const struct regex *pattern_of(struct check *c, const struct shape *s) {
    for (struct check_pattern *p = c->patterns; p != NULL; p = p->next) {
        if (p->shape == s) {
            return p->whole;
        }
    }
    struct check_pattern *p = arena_new(c->arena, struct check_pattern);
    struct err why = ERR_INIT;
    struct str whole = str_printf(c->arena, "\\A(?:%s)\\z", s->pattern);
    int compiled = regex_compile(c->arena, whole, &p->whole, &why);
    assert(compiled == 0); /* facts, not input: a test compiles them all */
    (void)compiled;
    p->shape = s;
    p->next = c->patterns;
    c->patterns = p;
    return p->whole;
}

static void check_pattern(struct check *c, const struct shape *s, struct str value,
                          struct str print, const struct spot *at) {
    if (s->pattern != NULL && !regex_search(pattern_of(c, s), value)) {
        violate(c, at, print, "Member must satisfy regular expression pattern: %s", s->pattern);
    }
}

static void check_range(struct check *c, const struct shape *s, int64_t value,
                        const struct spot *at) {
    struct str print = str_printf(c->arena, "%lld", (long long)value);
    if (s->max != SHAPE_NO_MAX && value > s->max) {
        violate(c, at, print, "Member must have value less than or equal to %lld",
                (long long)s->max);
    }
    if (s->min != SHAPE_NO_MIN && value < s->min) {
        violate(c, at, print, "Member must have value greater than or equal to %lld",
                (long long)s->min);
    }
}

static void check_value(struct check *c, const struct shape *s, const struct shape_member *m,
                        const void *at, const struct spot *spot) {
    const struct shape_list *list = at;
    struct str text;
    switch ((enum shape_kind)s->kind) {
    case SHAPE_STRUCT:
        check_struct(c, s, at, spot);
        break;
    case SHAPE_LIST:
        check_length(c, s, (int64_t)list->n, shown(m, shown_list(c, s, at)), spot);
        for (size_t i = 0; i < list->n; i++) {
            struct spot item = {spot, STR_NONE, i + 1};
            check_value(c, s->item, m, list_item(s, at, i), &item);
        }
        break;
    case SHAPE_MAP:
        check_length(c, s, (int64_t)list->n, shown(m, S("{...}")), spot);
        for (size_t i = 0; i < list->n; i++) {
            struct spot item = {spot, *map_key(s, at, i), 0};
            check_value(c, s->key, m, map_key(s, at, i), &item);
            check_value(c, s->item, m, map_value(s, at, i), &item);
        }
        break;
    case SHAPE_ENUM:
        text = *(const struct str *)at;
        check_enum(c, s, text, shown(m, text), spot);
        break;
    case SHAPE_STR:
        text = *(const struct str *)at;
        check_length(c, s, (int64_t)utf8_length(text), shown(m, text), spot);
        check_pattern(c, s, text, shown(m, text), spot);
        if (c->no_nul && text.n > 0 && memchr(text.p, '\0', text.n) != NULL) {
            violate(c, spot, shown(m, text), "Member must not contain the character U+0000");
        }
        break;
    case SHAPE_BLOB:
        text = *(const struct str *)at;
        check_length(c, s, (int64_t)text.n, S("java.nio.HeapByteBuffer"), spot);
        break;
    case SHAPE_INT:
        check_range(c, s, *(const int32_t *)at, spot);
        break;
    case SHAPE_LONG:
        check_range(c, s, *(const int64_t *)at, spot);
        break;
    default:
        break;
    }
}

static void check_struct(struct check *c, const struct shape *s, const void *base,
                         const struct spot *at) {
    for (uint32_t i = 0; i < s->n_members; i++) {
        const struct shape_member *m = &s->members[i];
        const void *value = shape_get(m, base);
        struct spot spot = {at, str_c(m->name), 0};
        if (value != NULL) {
            check_value(c, m->shape, m, value, &spot);
        } else if ((m->flags & SHAPE_MEMBER_REQUIRED) != 0 && m->offset != SHAPE_NO_FIELD) {
            violate(c, &spot, STR_NONE, "Member must not be null");
        }
    }
}

/* What the operation itself may answer first: one service has several. */
static const struct aws_error *validation_error(const struct shape_service *svc,
                                                const struct shape_op *op, enum shape_protocol p) {
    static const struct aws_error in_json = {"ValidationException", "ValidationException", 400,
                                             "message", NULL};
    static const struct aws_error in_form = {"ValidationError", "ValidationError", 400, "Message",
                                             NULL};
    static const struct aws_error in_s3 = {"InvalidArgument", "InvalidArgument", 400, "Message",
                                           NULL};
    static const char *const usual[] = {"ValidationException", "InvalidParameterException",
                                        "InvalidInputException"};
    if (p == SHAPE_QUERY) {
        const struct aws_error *form = shape_find_error(svc, S("ValidationError"));
        return form != NULL ? form : &in_form;
    }
    if (p == SHAPE_REST_XML) {
        return &in_s3;
    }
    for (size_t i = 0; op != NULL && i < sizeof(usual) / sizeof(usual[0]); i++) {
        for (const struct aws_error *const *e = op->errors; *e != NULL; e++) {
            if (str_is(str_c(usual[i]), (*e)->name)) {
                return *e;
            }
        }
    }
    const struct aws_error *own = shape_find_error(svc, str_c(usual[0]));
    return own != NULL ? own : &in_json;
}

int proto_check(struct arena *a, enum shape_protocol p, const struct shape_op *op, const void *in,
                struct err *err) {
    struct check c = {.arena = a, .no_nul = op->service->no_nul};
    buf_init(&c.text, 16 * 1024);
    check_struct(&c, op->in, in, NULL);
    int failed = 0;
    if (c.n > 0) {
        failed = err_api(err, validation_error(op->service, op, p),
                         "%zu validation error%s detected: " STR_FMT, c.n, c.n == 1 ? "" : "s",
                         STR_ARG(buf_str(&c.text)));
    }
    buf_done(&c.text);
    return failed;
}

/* The first of these names that the service has. */
static const struct aws_error *first_of(const struct shape_service *svc, const char *const *names) {
    for (; *names != NULL; names++) {
        const struct aws_error *own = shape_find_error(svc, str_c(*names));
        if (own != NULL) {
            return own;
        }
    }
    return NULL;
}

const struct aws_error *proto_error_of(const struct shape_service *svc, enum shape_protocol p,
                                       const struct err *err) {
    static const struct aws_error internal = {"InternalFailure", "InternalFailure", 500, "message",
                                              NULL};
    static const struct aws_error internal_s3 = {"InternalError", "InternalError", 500, "Message",
                                                 NULL};
    static const struct aws_error unavailable = {"ServiceUnavailable", "ServiceUnavailable", 503,
                                                 "message", NULL};
    static const struct aws_error denied = {"AccessDeniedException", "AccessDeniedException", 400,
                                            "Message", NULL};
    static const struct aws_error denied_xml = {"AccessDenied", "AccessDenied", 403, "Message",
                                                NULL};
    static const char *const none[] = {NULL};
    static const char *const missing[] = {"ResourceNotFoundException",
                                          "NotFoundException",
                                          "NotFound",
                                          "NoSuchEntity",
                                          "ResourceNotFound",
                                          NULL};
    static const char *const exists[] = {"ResourceAlreadyExistsException", "AlreadyExistsException",
                                         "EntityAlreadyExists", "ResourceInUseException", NULL};
    static const char *const conflict[] = {
        "ConflictException",      "ConcurrentModificationException",
        "ResourceInUseException", "ConcurrentModification",
        "OperationAborted",       NULL};
    static const char *const limit[] = {"LimitExceededException", "LimitExceeded",
                                        "LimitExceededFault", NULL};
    if (err->api != NULL) {
        return err->api;
    }
    bool xml = p == SHAPE_QUERY || p == SHAPE_REST_XML;
    const char *const *names = none;
    switch (err->kind) {
    case ERR_DENIED:
        return xml ? &denied_xml : &denied;
    case ERR_UNAVAILABLE:
    case ERR_CANCELLED:
        return &unavailable;
    case ERR_SYSTEM:
    case ERR_INTERNAL:
    case ERR_NONE:
        return p == SHAPE_REST_XML ? &internal_s3 : &internal;
    case ERR_NOT_FOUND:
        names = missing;
        break;
    case ERR_EXISTS:
        names = exists;
        break;
    case ERR_CONFLICT:
        names = conflict;
        break;
    case ERR_LIMIT:
        names = limit;
        break;
    default:
        break;
    }
    const struct aws_error *own = first_of(svc, names);
    return own != NULL ? own : validation_error(svc, NULL, p);
}

int proto_unknown_operation(struct err *err, const struct shape_service *svc, enum shape_protocol p,
                            struct str name) {
    static const struct aws_error in_json = {"UnknownOperationException",
                                             "UnknownOperationException", 400, "message", NULL};
    static const struct aws_error in_rest = {"UnknownOperationException",
                                             "UnknownOperationException", 404, "message", NULL};
    static const struct aws_error in_form = {"InvalidAction", "InvalidAction", 400, "Message",
                                             NULL};
    static const struct aws_error in_s3 = {"NotImplemented", "NotImplemented", 501, "Message",
                                           NULL};
    switch (p) {
    case SHAPE_QUERY:
        return err_api(err, &in_form, "The action " STR_FMT " is not valid for this web service.",
                       STR_ARG(name));
    case SHAPE_REST_XML:
        return err_api(err, &in_s3,
                       "A header or query you provided implies functionality that is not "
                       "implemented (" STR_FMT ")",
                       STR_ARG(name));
    default:
        return err_api(err, p == SHAPE_REST_JSON ? &in_rest : &in_json,
                       "The operation " STR_FMT " of %s is not known, or not built; "
                       "docs/api-coverage.md lists what is",
                       STR_ARG(name), svc->name);
    }
}
