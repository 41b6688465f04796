/*
 * What a supervisor records for serve, in the build's directory: `events.jsonl` (appended) and
 * `exit.json` (whole or absent; after it nothing more comes). serve may be away at any time; it
 * reads on from its own offset.
 *
 * Who reads them in the same boot of the machine sees all that was written, whoever was killed:
 * nothing is synced while a build runs. What a power failure takes is a build that has not ended,
 * which is a FAULT then, or one that serve has in its store. build_records_sync is for an end that
 * serve is not there to take.
 *
 * Records: {"seq","t","type",...} with type
 *   phase_start {"phase"}
 *   phase_end   {"phase","status","contexts":[{"statusCode","message"}]}
 *   exported    {"variables":[{"name","value"}]}
 *   unmasked    {"variables":[{"name","reason"}]}    not hidden in the log
 *   artifact    {"id","name","bucket","key","location","sha256","md5","bytes","primary",
 *                "overrideName","plain","ownerAccess"}
 *   egress      {"host","verdict","bytes"}
 *   again       {}                                   the container was lost before a command of the
 *                                                    build could run: another one begins, and
 *                                                    phases so far are as if they had not been
 *   source      {"id","commit"}                      of a git source; "" is the primary one
 */
#pragma once

#include "base/clock.h"
#include "platform/text/json.h"

struct build_events;

int build_events_open(const char *dir, const struct clock *clock, struct build_events **ret,
                      struct err *err) MUST_USE;
void build_events_close(struct build_events *events); /* NULL ok */

/* Whether anything is recorded, also by an earlier supervisor. */
bool build_events_any(const struct build_events *events);

/* Takes the object over (its own members; seq, t and type are added). Safe for threads. */
int build_events_add(struct build_events *events, const char *type, json_t *object,
                     struct err *err) MUST_USE;

/* The end, exit.json: {"status","t","reason","retries"}. */
struct build_exit {
    struct str status; /* as CodeBuild's buildStatus */
    struct str reason; /* for people */
    int64_t ended_ms;  /* written as now */
    int64_t retries;   /* the phase that failed asks for so many new builds in all; 0 = none */
};
/* Written by ahead_write. */
int build_exit_write(const char *dir, const struct clock *clock, const struct build_exit *end,
                     struct err *err) MUST_USE;
/* 1 there is one, 0 not yet, or not whole. */
int build_exit_read(struct arena *a, const char *dir, struct build_exit *ret,
                    struct err *err) MUST_USE;

/* *ret: no end is recorded, and no phase has begun in which commands of the build run. For who
 * knows that nothing is written any more. */
int build_untouched(const char *dir, bool *ret, struct err *err) MUST_USE;

/* Puts log, events and end on the disk; afterwards a power failure takes nothing of the build. */
int build_records_sync(const char *dir, struct err *err) MUST_USE;
