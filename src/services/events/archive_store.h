/* Rows of archives, their events, and replays, inside the caller's transaction. find: 1, 0, -1. */
#pragma once

#include "services/events/events_store.h"

struct ev_archive {
    int64_t seq;
    struct str arn;
    struct ev_place at; /* its bus */
    struct str name;
    struct str description;
    struct str pattern;
    int64_t retention_days; /* 0 = for ever */
    struct str kms_key;
    int64_t created_ms;
    int64_t events, bytes; /* find and list only */
};

struct ev_replay {
    int64_t seq;
    struct str arn;
    struct str account, region, name;
    struct str archive;
    struct str destination; /* JSON */
    struct str description;
    struct str state;
    struct str reason;
    int64_t from_ms, to_ms;
    int64_t done_ms, done_seq;
    int64_t begun_ms, ended_ms;
};

struct ev_archived {
    int64_t seq;
    int64_t at_ms;
    struct str event; /* JSON */
};

struct ev_archives {
    struct ev_archive *v;
    size_t n;
};
struct ev_replays {
    struct ev_replay *v;
    size_t n;
};
struct ev_archiveds {
    struct ev_archived *v;
    size_t n;
};

int ev_archive_find(struct db *db, struct arena *a, struct str account, struct str region,
                    struct str name, struct ev_archive *ret, struct err *err) MUST_USE;
int ev_archive_find_arn(struct db *db, struct arena *a, struct str arn, struct ev_archive *ret,
                        struct err *err) MUST_USE;
/* Inserts, or changes what is there by its ARN. */
int ev_archive_put(struct db *db, const struct ev_archive *r, struct err *err) MUST_USE;
int ev_archive_remove(struct db *db, int64_t seq, struct err *err) MUST_USE;
/* By name, above `after`. */
int ev_archive_list(struct db *db, struct arena *a, struct str account, struct str region,
                    struct str prefix, struct str after, int64_t limit, struct ev_archives *ret,
                    struct err *err) MUST_USE;
/* Of a bus, without their sizes. */
int ev_archive_of_bus(struct db *db, struct arena *a, const struct ev_place *at,
                      struct ev_archives *ret, struct err *err) MUST_USE;

int ev_archived_add(struct db *db, int64_t archive, int64_t at_ms, struct str event,
                    struct err *err) MUST_USE;
/* In order of time, after (at_ms, seq), before `to_ms`. */
int ev_archived_after(struct db *db, struct arena *a, int64_t archive, int64_t from_ms,
                      int64_t from_seq, int64_t to_ms, int64_t limit, struct ev_archiveds *ret,
                      struct err *err) MUST_USE;
/* What is older than its archive keeps. *ret_left: does any archive forget at all? */
int ev_archived_expire(struct db *db, int64_t now_ms, bool *ret_left, struct err *err) MUST_USE;

int ev_replay_find(struct db *db, struct arena *a, struct str account, struct str region,
                   struct str name, struct ev_replay *ret, struct err *err) MUST_USE;
int ev_replay_find_arn(struct db *db, struct arena *a, struct str arn, struct ev_replay *ret,
                       struct err *err) MUST_USE;
int ev_replay_put(struct db *db, const struct ev_replay *r, struct err *err) MUST_USE;
int ev_replay_list(struct db *db, struct arena *a, struct str account, struct str region,
                   struct str prefix, struct str after, int64_t limit, struct ev_replays *ret,
                   struct err *err) MUST_USE;
