/*
 * Rows of sources: what an execution is to take (pins), what it took (revisions), and what the
 * watcher saw last. One function per statement, all inside the caller's transaction.
 */
#pragma once

#include "flow/record/record.h"

extern const struct db_schema source_schema;

/* A revision that an execution takes instead of the newest one. The types are CodePipeline's
 * SourceRevisionType, and of our own BRANCH_NAME, the branch that a push was to, and REF_NAME,
 * where the host publishes a pull request. */
struct source_pin {
    struct str action;
    struct str type;
    struct str value;
};

struct source_pins {
    struct source_pin *v;
    size_t n;
};

/* The last of two pins of the same type counts. */
int source_pins_put(struct db *db, struct str execution, const struct source_pins *pins,
                    struct err *err) MUST_USE;
/* 1 found, 0 not pinned, -1 error. */
int source_pin_get(struct db *db, struct arena *a, struct str execution, struct str action,
                   const char *type, struct str *ret_value, struct err *err) MUST_USE;

/* What a source action took. `clone` is absent, or the JSON of a CODEBUILD_CLONE_REF artifact. */
struct source_revision {
    struct revision revision;
    struct str clone;
};

struct source_revision_list {
    struct source_revision *v;
    size_t n;
};

int source_revision_put(struct db *db, struct arena *a, int64_t pipeline, struct str execution,
                        const struct source_revision *revision, struct err *err) MUST_USE;
/* In order of the actions' names. */
int source_revision_list(struct db *db, struct arena *a, struct str execution,
                         struct source_revision_list *ret, struct err *err) MUST_USE;
/* Of the action that made that artifact: 1 found, 0 not, -1 error. */
int source_revision_of(struct db *db, struct arena *a, struct str execution, struct str artifact,
                       struct source_revision *ret, struct err *err) MUST_USE;
/* A rollback is of what its target was of. */
int source_revision_copy(struct db *db, struct str from, struct str to, struct err *err) MUST_USE;
/* Whether any execution of the pipeline took, or is to take, that revision in that action; the
 * newest one's id. 1, 0, -1. */
int source_revision_known(struct db *db, struct arena *a, int64_t pipeline, struct str action,
                          struct str id, struct str *ret_execution, struct err *err) MUST_USE;

/* The newest revision that the action took, whatever the execution: 1, 0, -1. */
int source_revision_newest(struct db *db, struct arena *a, int64_t pipeline, struct str action,
                           struct source_revision *ret, struct err *err) MUST_USE;

/* What the watcher saw. get: 1 found, 0 never seen, -1 error. */
int source_seen_get(struct db *db, struct arena *a, int64_t pipeline, struct str action,
                    struct str ref, struct str *ret_head, struct err *err) MUST_USE;
int source_seen_put(struct db *db, int64_t pipeline, struct str action, struct str ref,
                    struct str head, int64_t now_ms, struct err *err) MUST_USE;
/* As put, but only where nothing was seen: what a release took before the watcher looked. */
int source_seen_begin(struct db *db, int64_t pipeline, struct str action, struct str ref,
                      struct str head, int64_t now_ms, struct err *err) MUST_USE;
int source_seen_drop(struct db *db, int64_t pipeline, struct str action, struct str ref,
                     struct err *err) MUST_USE;
/* Why a source cannot be looked at; an absent error: it can. 1 when that is another one than
 * before. */
int source_trouble_put(struct db *db, struct arena *a, int64_t pipeline, struct str action,
                       struct str error, int64_t now_ms, struct err *err) MUST_USE;
/* All of an action as pairs of reference and head, in order of the references. */
int source_seen_list(struct db *db, struct arena *a, int64_t pipeline, struct str action,
                     struct str_map *ret, struct err *err) MUST_USE;
