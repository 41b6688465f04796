/*
 * A build's log on disk. `log` holds the bytes as they may be seen (masked), `log.idx` when they
 * were written: records of two little-endian 64-bit numbers, offset and milliseconds since 1970;
 * a byte's time is that of the last record at or before it. serve follows both files while the
 * build runs, and whoever restarts goes on from its own offset.
 *
 * Safe for threads: the gateway's threads write their lines too, and hide new credentials.
 */
#pragma once

#include "base/clock.h"
#include "base/err.h"
#include "flow/command/secret.h"

enum {
    LOG_MAX_BYTES = 128 * 1024 * 1024, /* then output is counted, not kept */
    LOG_MAX_LINES = 2 * 1000 * 1000,   /* the same: a line of two bytes costs CloudWatch forty */
    LOG_INDEX_RECORD = 16,
};

struct build_log;

/* Creates or continues `dir`/log and `dir`/log.idx. */
int build_log_open(const char *dir, const struct clock *clock, struct build_log **ret,
                   struct err *err) MUST_USE;
void build_log_close(struct build_log *log); /* settles what is held; NULL ok */

/* A second reader of the same bytes, for people at a terminal: every chunk as it is written. */
void build_log_tee(struct build_log *log, int fd);

/* Bytes of a command. Written through at once, but for the beginning of what may be a secret. */
void build_log_output(struct build_log *log, struct str bytes);

/* The command ended: what is held is written, an unfinished line is finished, and output is set
 * off from the next line of ours by an empty one. */
void build_log_output_end(struct build_log *log);

/* "[Container] 2026/11/24 01:52:00.123456 text" and a line feed. */
void build_log_line(struct build_log *log, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

enum secret_verdict build_log_hide(struct build_log *log, struct str value);

/* The text as it may be shown: for messages that go elsewhere than into the log. */
struct str build_log_masked(struct build_log *log, struct arena *a, struct str text);

/* First failure to write (disk full), kind ERR_NONE if there was none. */
struct err build_log_failure(struct build_log *log);
