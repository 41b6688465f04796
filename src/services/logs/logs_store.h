/*
 * Rows of CloudWatch Logs. One function per statement, inside the caller's transaction. *_find: 1
 * found, 0 not there, -1 error.
 */
#pragma once

#include "base/arena.h"
#include "runtime/db/db.h"

extern const struct db_schema logs_schema;

struct log_group {
    int64_t id;
    struct str account;
    struct str region;
    struct str name;
    struct str class_;
    struct str kms_key;
    int retention_days; /* 0 = for ever */
    int64_t created_ms;
    int64_t stored_bytes; /* log_group_list only */
    int64_t metric_filters;
};

struct log_group_list {
    struct log_group *v;
    size_t n;
};

struct log_stream {
    int64_t id;
    int64_t group;
    struct str name;
    int64_t created_ms;
    bool has_events;
    int64_t first_ms;
    int64_t last_ms;
    int64_t ingested_ms;
    int64_t stored_bytes;
    int64_t next_seq;
};

struct log_stream_list {
    struct log_stream *v;
    size_t n;
};

struct log_event {
    int64_t stream;
    int64_t at_ms;
    int64_t seq;
    int64_t ingested_ms;
    struct str message;
    struct str stream_name; /* log_events_of_group only */
};

struct log_event_list {
    struct log_event *v;
    size_t n;
};

struct log_filter {
    struct str name;
    struct str pattern;
    struct str detail; /* JSON */
    int64_t created_ms;
};

struct log_filter_list {
    struct log_filter *v;
    size_t n;
};

int log_group_find(struct db *db, struct arena *a, struct str account, struct str region,
                   struct str name, struct log_group *ret, struct err *err) MUST_USE;
int log_group_add(struct db *db, const struct log_group *g, struct err *err) MUST_USE;
int log_group_remove(struct db *db, int64_t id, struct err *err) MUST_USE;
int log_group_retention(struct db *db, int64_t id, int days, struct err *err) MUST_USE;
/* By name, above `after`; those that begin with prefix and hold `part` (either may be absent). */
int log_group_list(struct db *db, struct arena *a, struct str account, struct str region,
                   struct str after, struct str prefix, struct str part, int limit,
                   struct log_group_list *ret, struct err *err) MUST_USE;

int log_stream_find(struct db *db, struct arena *a, int64_t group, struct str name,
                    struct log_stream *ret, struct err *err) MUST_USE;
int log_stream_add(struct db *db, int64_t group, struct str name, int64_t now_ms,
                   struct err *err) MUST_USE;
int log_stream_remove(struct db *db, int64_t id, struct err *err) MUST_USE;
int log_stream_list(struct db *db, struct arena *a, int64_t group, struct str prefix, bool by_time,
                    bool descending, int offset, int limit, struct log_stream_list *ret,
                    struct err *err) MUST_USE;
int log_stream_grow(struct db *db, const struct log_stream *s, struct err *err) MUST_USE;

int log_event_add(struct db *db, const struct log_event *e, struct err *err) MUST_USE;
/* A page of a stream: events of [start, end) beyond (at_ms, seq), nearest first. */
struct log_range {
    int64_t start_ms; /* inclusive */
    int64_t end_ms;   /* exclusive */
    bool backward;
    int64_t at_ms; /* position */
    int64_t seq;
};
int log_events_page(struct db *db, struct arena *a, int64_t stream, const struct log_range *r,
                    int limit, struct log_event_list *ret, struct err *err) MUST_USE;
/* Of all streams of a group whose name has the prefix (absent: all), by time, beyond
 * (at_ms, stream, seq). */
int log_events_of_group(struct db *db, struct arena *a, int64_t group, struct str prefix,
                        int64_t start_ms, int64_t end_ms, int64_t at_ms, int64_t stream,
                        int64_t seq, int limit, struct log_event_list *ret,
                        struct err *err) MUST_USE;
/* Deletes events that are older than their group's retention; how many. */
int log_events_expire(struct db *db, int64_t now_ms, int64_t *ret, struct err *err) MUST_USE;

int log_filter_put(struct db *db, int64_t group, const char *kind, const struct log_filter *f,
                   struct err *err) MUST_USE;
int log_filter_remove(struct db *db, int64_t group, const char *kind, struct str name,
                      struct err *err) MUST_USE; /* 1 removed, 0 was not there */
int log_filter_list(struct db *db, struct arena *a, int64_t group, const char *kind,
                    struct str prefix, struct str after, int limit, struct log_filter_list *ret,
                    struct err *err) MUST_USE;

int log_policy_put(struct db *db, struct str account, struct str region, struct str name,
                   struct str document, int64_t now_ms, struct err *err) MUST_USE;
int log_policy_remove(struct db *db, struct str account, struct str region, struct str name,
                      struct err *err) MUST_USE; /* 1 removed, 0 was not there */
/* {key: name, value: document} */
int log_policy_list(struct db *db, struct arena *a, struct str account, struct str region,
                    struct str_map *ret, struct err *err) MUST_USE;
