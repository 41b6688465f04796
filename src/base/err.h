/*
 * Errors. Every function that can fail returns int (0 = done, -1 = failed) and takes
 * `struct err *err` last; on failure it fills *err, on success it leaves it alone. The struct
 * lives on the caller's stack and owns nothing. Library code never logs; edges (HTTP dispatch, job
 * runner, main) log once.
 */
#pragma once

#include "base/str.h"

#include <stdarg.h>

struct aws_error; /* aws/shape/shape.h: a modelled AWS error: wire code and HTTP status */

enum err_kind {
    ERR_NONE = 0,
    ERR_INVALID,     /* the caller's input is wrong */
    ERR_NOT_FOUND,   /* the thing named is not there */
    ERR_EXISTS,      /* it is there already */
    ERR_CONFLICT,    /* it is there, in a state that forbids this */
    ERR_DENIED,      /* not allowed */
    ERR_LIMIT,       /* more than we take */
    ERR_UNAVAILABLE, /* a peer did not answer; trying again may help */
    ERR_CANCELLED,   /* stopped on request */
    ERR_UNSUPPORTED, /* not built, or not possible on this machine */
    ERR_SYSTEM,      /* the operating system said no: `sys` is errno */
    ERR_INTERNAL,    /* our own bug or a damaged store */
};

struct err {
    enum err_kind kind;
    int sys;                     /* errno, for ERR_SYSTEM; else 0 */
    const struct aws_error *api; /* the AWS error to answer with; NULL = default of the kind */
    char api_code[96];           /* code of an error that a remote AWS answered with, or empty */
    int http_status;             /* status of that answer, or 0 */
    char msg[768];               /* a sentence for a person: what, which one, what to do */
};

#define ERR_INIT ((struct err){ERR_NONE, 0, NULL, "", 0, ""})
#define MUST_USE __attribute__((warn_unused_result))

/* All of these return -1, so that `return err_set(...)` reads well. Messages are cut at the end of
 * the buffer, never in the middle of a UTF-8 sequence. */
int err_set(struct err *err, enum err_kind kind, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
int err_vset(struct err *err, enum err_kind kind, const char *fmt, va_list args)
    __attribute__((format(printf, 3, 0)));
int err_sys(struct err *err, int sys, const char *fmt, ...)
    __attribute__((format(printf, 3, 4))); /* appends ": " and the text of errno `sys` */
int err_api(struct err *err, const struct aws_error *api, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts "context: " in front of the message; kind, sys and api stay. */
int err_wrap(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

const char *err_kind_name(enum err_kind kind);
