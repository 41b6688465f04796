/*
 * Tags of every service's resources, one table by ARN. Policies read them too (aws:ResourceTag).
 * The services word their own errors; the limits are AWS's common ones.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "runtime/db/db.h"

enum { TAGS_MAX = 50 };

enum tags_fault {
    TAGS_OK,
    TAGS_TOO_MANY,  /* more than TAGS_MAX after adding */
    TAGS_DUPLICATE, /* a key twice in one request */
    TAGS_RESERVED,  /* a key that begins with "aws:" */
    TAGS_BAD_KEY,   /* empty or over 128 characters */
    TAGS_BAD_VALUE, /* over 256 characters */
};

/* Checks what a request brings, without the store. *ret_key names the culprit. */
enum tags_fault tags_check(const struct str_map *tags, struct str *ret_key);

/* Adds or overwrites. ERR_LIMIT when the resource would have more than TAGS_MAX. */
int tags_put(struct db *db, struct str arn, const struct str_map *tags, struct err *err) MUST_USE;
int tags_remove(struct db *db, struct str arn, const struct str_list *keys,
                struct err *err) MUST_USE;
int tags_drop(struct db *db, struct str arn, struct err *err) MUST_USE; /* with the resource */

/* By key. No tags: n == 0, v not NULL. */
int tags_get(struct db *db, struct arena *a, struct str arn, struct str_map *ret,
             struct err *err) MUST_USE;
