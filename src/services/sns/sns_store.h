/*
 * Rows of topics and subscriptions, inside the caller's transaction. Attributes are JSON objects
 * that hold only what was set; what they mean and which defaults show is the handlers' business.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "runtime/db/db.h"

#include <stdint.h>

extern const struct db_schema sns_schema;

struct sns_topic_row {
    int64_t seq;
    struct str arn;
    struct str account;
    struct str region;
    struct str name;
    struct str attributes;
    int64_t created_ms;
    int64_t deleted;
};

struct sns_sub_row {
    int64_t seq;
    struct str arn;
    struct str topic;
    struct str account;
    struct str region;
    struct str principal;
    struct str protocol;
    struct str endpoint;
    bool confirmed;
    bool authenticated;
    struct str token;
    int64_t token_ends_ms;
    struct str attributes;
};

struct sns_topic_rows {
    struct sns_topic_row *v;
    size_t n;
};

struct sns_sub_rows {
    struct sns_sub_row *v;
    size_t n;
};

/* find: 1 found, 0 none, -1 error. */
int sns_topic_find(struct db *db, struct arena *a, struct str arn, struct sns_topic_row *ret,
                   struct err *err) MUST_USE;
int sns_topic_insert(struct db *db, const struct sns_topic_row *t, struct err *err) MUST_USE;
int sns_topic_set_attributes(struct db *db, struct str arn, struct str attributes,
                             struct err *err) MUST_USE;
int sns_topic_remove(struct db *db, struct str arn, struct err *err) MUST_USE;
int sns_topic_list(struct db *db, struct arena *a, struct str account, struct str region,
                   int64_t after, int64_t limit, struct sns_topic_rows *ret,
                   struct err *err) MUST_USE;
int sns_topic_counts(struct db *db, struct str arn, int64_t *ret_pending, int64_t *ret_confirmed,
                     struct err *err) MUST_USE;

int sns_sub_find(struct db *db, struct arena *a, struct str arn, struct sns_sub_row *ret,
                 struct err *err) MUST_USE;
int sns_sub_find_target(struct db *db, struct arena *a, struct str topic, struct str protocol,
                        struct str endpoint, struct sns_sub_row *ret, struct err *err) MUST_USE;
int sns_sub_find_token(struct db *db, struct arena *a, struct str topic, struct str token,
                       struct sns_sub_row *ret, struct err *err) MUST_USE;
int sns_sub_insert(struct db *db, const struct sns_sub_row *s, struct err *err) MUST_USE;
int sns_sub_confirm(struct db *db, struct str arn, bool authenticated, struct err *err) MUST_USE;
int sns_sub_set_attributes(struct db *db, struct str arn, struct str attributes,
                           struct err *err) MUST_USE;
int sns_sub_remove(struct db *db, const struct sns_sub_row *s, struct err *err) MUST_USE;
/* In order of creation, above `after`. An absent topic lists an account's, else the topic's. */
int sns_sub_list(struct db *db, struct arena *a, struct str account, struct str region,
                 struct str topic, int64_t after, int64_t limit, struct sns_sub_rows *ret,
                 struct err *err) MUST_USE;
