/* Implementation of base/err.h. */
#include "base/err.h"

#include <stdio.h>

/* vsnprintf may have cut the text inside a UTF-8 sequence: drop its beginning. */
static void end_on_character(char *text, size_t size, int wanted) {
    if (wanted < (int)size) {
        return;
    }
    size_t n = size - 1;
    size_t start = n;
    while (start > 0 && n - start < 4 && ((unsigned char)text[start - 1] & 0xC0) == 0x80) {
        start--;
    }
    if (start > 0 && ((unsigned char)text[start - 1] & 0xC0) == 0xC0) {
        text[start - 1] = '\0';
    }
}

static int fill(struct err *err, enum err_kind kind, const char *fmt, va_list args)
    __attribute__((format(printf, 3, 0)));

static int fill(struct err *err, enum err_kind kind, const char *fmt, va_list args) {
    *err = ERR_INIT;
    err->kind = kind;
    int wanted = vsnprintf(err->msg, sizeof(err->msg), fmt, args);
    end_on_character(err->msg, sizeof(err->msg), wanted);
    return -1;
}

int err_vset(struct err *err, enum err_kind kind, const char *fmt, va_list args) {
    return fill(err, kind, fmt, args);
}

int err_set(struct err *err, enum err_kind kind, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    fill(err, kind, fmt, args);
    va_end(args);
    return -1;
}

int err_sys(struct err *err, int sys, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    fill(err, ERR_SYSTEM, fmt, args);
    va_end(args);
    err->sys = sys;
    size_t n = strlen(err->msg);
    snprintf(err->msg + n, sizeof(err->msg) - n, ": %s", strerrordesc_np(sys) ? strerrordesc_np(sys)
                                                                             : "unknown error");
    return -1;
}

int err_api(struct err *err, const struct aws_error *api, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    fill(err, ERR_INVALID, fmt, args);
    va_end(args);
    err->api = api;
    return -1;
}

int err_wrap(struct err *err, const char *fmt, ...) {
    char old[sizeof(err->msg)];
    memcpy(old, err->msg, sizeof(old));
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(err->msg, sizeof(err->msg), fmt, args);
    va_end(args);
    if (n >= 0 && (size_t)n < sizeof(err->msg)) {
        size_t room = sizeof(err->msg) - (size_t)n;
        int wanted = snprintf(err->msg + n, room, ": %s", old);
        end_on_character(err->msg + n, room, wanted);
    }
    return -1;
}

const char *err_kind_name(enum err_kind kind) {
    static const char *const names[] = {
        [ERR_NONE] = "none",           [ERR_INVALID] = "invalid",
        [ERR_NOT_FOUND] = "not found", [ERR_EXISTS] = "exists",
        [ERR_CONFLICT] = "conflict",   [ERR_DENIED] = "denied",
        [ERR_LIMIT] = "limit",         [ERR_UNAVAILABLE] = "unavailable",
        [ERR_CANCELLED] = "cancelled", [ERR_UNSUPPORTED] = "unsupported",
        [ERR_SYSTEM] = "system",       [ERR_INTERNAL] = "internal",
    };
    return names[kind];
}
