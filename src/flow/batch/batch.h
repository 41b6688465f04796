/*
 * A batch of builds as a state and events: batch_step changes the state and says what is to be
 * done. It has no clock, no randomness, no store: times and fresh ids come with the event.
 *
 *   SUBMITTED -> DOWNLOAD_BATCHSPEC -> IN_PROGRESS [-> COMBINE_ARTIFACTS] -> SUCCEEDED
 *       |               |                  |                 |
 *       +---------------+------------------+-----------------+--> FAILED, STOPPED
 *   FAILED --retry--> SUBMITTED -> IN_PROGRESS (or DOWNLOAD_BATCHSPEC, where that had failed)
 *
 * The first group is a build of its own that downloads the source and reads the batch section; AWS
 * calls it DOWNLOAD_SOURCE. A group waits until those that it depends on have ended well (or may
 * fail); what can never start is STOPPED. A batch is FAILED when a group that may not fail has not
 * succeeded; with fast-fail the others are stopped then. Sources: AWS's "Batch builds" pages, the
 * examples of `aws codebuild stop-build-batch` and `retry-build-batch`.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "flow/phase/buildspec_batch.h"

#include <stdint.h>

#define BATCH_SOURCE_GROUP "DOWNLOAD_SOURCE"

enum batch_status {
    BATCH_PENDING, /* groups only */
    BATCH_IN_PROGRESS,
    BATCH_SUCCEEDED,
    BATCH_FAILED,
    BATCH_FAULT,
    BATCH_TIMED_OUT,
    BATCH_STOPPED,
    BATCH_STATUSES,
};

enum batch_phase_kind {
    BATCH_PHASE_SUBMITTED,
    BATCH_PHASE_DOWNLOAD,
    BATCH_PHASE_RUN,
    BATCH_PHASE_COMBINE,
    BATCH_PHASE_SUCCEEDED,
    BATCH_PHASE_FAILED,
    BATCH_PHASE_STOPPED,
    BATCH_PHASE_KINDS,
};

struct batch_phase {
    enum batch_phase_kind kind;
    enum batch_status status; /* IN_PROGRESS until it has ended; ends have none */
    int64_t start_ms;
    int64_t end_ms; /* 0 = runs, or an end */
    struct str message;
};

/* One build of a group: the one at work or one before it. */
struct batch_build {
    struct str uuid; /* fixed before the build exists */
    enum batch_status status;
    int64_t requested_ms;
    struct str artifacts; /* JSON of struct build_row's artifacts, once it has ended */
};

struct batch_group {
    struct batch_task task; /* identifier, dependencies, what it changes of the project */
    struct batch_build build;
    struct {
        struct batch_build *v;
        size_t n;
    } prior; /* oldest first */
};

struct batch_state {
    enum batch_status status;
    int64_t attempt; /* 1, and one more with each retry */
    bool fast_fail;
    bool combine; /* artifacts are put together at the end */
    bool complete;
    int64_t ended_ms;
    struct {
        struct batch_phase *v;
        size_t n;
    } phases;
    struct {
        struct batch_group *v;
        size_t n;
    } groups;
    struct batch_build combining; /* the build that puts artifacts together; uuid absent = none */
};

enum batch_event_kind {
    BATCH_SUBMIT,   /* fresh: one id */
    BATCH_CONTINUE, /* after SUBMITTED */
    BATCH_SPEC,     /* the first group has ended well: tasks, fast_fail, fresh: one id each */
    BATCH_ENDED,    /* a build has: uuid, status, message, artifacts. Also one that never began. */
    BATCH_STOP,
    BATCH_TIMEOUT, /* attempt */
    BATCH_RETRY,   /* all; fresh: an id for each group */
};

struct batch_event {
    enum batch_event_kind kind;
    int64_t t;
    struct str_list fresh;
    struct str uuid;
    enum batch_status status;
    struct str message;
    struct str artifacts;
    struct batch_tasks tasks;
    bool fast_fail;
    bool combine; /* BATCH_SUBMIT */
    bool all;
    int64_t attempt;
};

enum batch_effect_kind {
    BATCH_DO_CONTINUE, /* feed BATCH_CONTINUE */
    BATCH_DO_START,    /* start the build of a group */
    BATCH_DO_STOP,     /* stop a build */
    BATCH_DO_COMBINE,  /* start the build that puts artifacts together */
};

struct batch_effect {
    enum batch_effect_kind kind;
    struct str uuid; /* of the build */
};

struct batch_effects {
    struct batch_effect *v;
    size_t n;
};

/* Changes *state (its memory is the arena's). ERR_INVALID: the event does not fit the state, which
 * is then unchanged; ends of builds that are not known are no error and change nothing. */
int batch_step(struct arena *a, struct batch_state *state, const struct batch_event *event,
               struct batch_effects *ret, struct err *err) MUST_USE;

/* BATCH_SPEC takes this many fresh ids, BATCH_RETRY one for each group. */
const char *batch_status_name(enum batch_status status);  /* "IN_PROGRESS" ... */
enum batch_status batch_status_parse(struct str name);    /* FAULT when unknown */
const char *batch_phase_name(enum batch_phase_kind kind); /* "DOWNLOAD_BATCHSPEC" ... */
enum batch_phase_kind batch_phase_now(const struct batch_state *state);

/* state_json.c: the store's form. */
struct str batch_state_json(struct arena *a, const struct batch_state *state);
int batch_state_parse(struct arena *a, struct str text, struct batch_state *ret,
                      struct err *err) MUST_USE;
