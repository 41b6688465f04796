/* Implementation of services/core/arn.h. */
#include "services/core/arn.h"

struct str arn_make(const struct call *c, const char *service, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    struct str resource = arena_vprintf(c->arena, fmt, args);
    va_end(args);
    return str_printf(c->arena, "arn:aws:%s:%.*s:%.*s:%.*s", service, STR_ARG(c->region),
                      STR_ARG(c->account), STR_ARG(resource));
}

struct str arn_global(struct arena *a, const char *service, struct str account, const char *fmt,
                      ...) {
    va_list args;
    va_start(args, fmt);
    struct str resource = arena_vprintf(a, fmt, args);
    va_end(args);
    return str_printf(a, "arn:aws:%s::%.*s:%.*s", service, STR_ARG(account), STR_ARG(resource));
}

struct str arn_account(struct str arn) {
    struct aws_arn parts;
    if (!aws_arn_parse(arn, &parts) || parts.account.n == 0) {
        return STR_NONE;
    }
    return parts.account;
}

bool arn_is_account(struct str s) {
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9') {
            return false;
        }
    }
    return s.n == 12;
}
