/*
 * JSON (over jansson) with limits and errors that name a place. Numbers keep 64-bit integers exact;
 * strings may hold NUL; duplicate keys: the last one counts. Trees are reference-counted by
 * jansson: whoever gets one frees it (cleanup_json), members are borrowed.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"

#include <jansson.h>
#include <stdint.h>

enum {
    JSON_MAX_DEPTH = 64,
    JSON_MAX_BYTES = 16 * 1024 * 1024,
};

void json_freep(json_t **json);
#define cleanup_json __attribute__((cleanup(json_freep)))

/* Any value, not only objects and arrays. NULL on failure: ERR_INVALID "line 3, column 7: what",
 * ERR_LIMIT when it is larger or deeper than the limits. */
json_t *json_parse(struct str text, struct err *err) MUST_USE;

/* Members of an object; absent, 0 or false when there is no such member or it has another type. */
struct str json_str(const json_t *object, const char *key); /* borrowed from the tree */
int64_t json_int(const json_t *object, const char *key);
bool json_bool(const json_t *object, const char *key);
double json_number(const json_t *object, const char *key); /* integer or real */

struct str json_text(const json_t *value); /* of a string; absent for other types; borrowed */

/* A string from bytes; bytes that are not UTF-8 become U+FFFD, because JSON has no other way. */
json_t *json_from_str(struct str s); /* null for an absent string */
/* object[key] = value; the reference is taken over. An absent string sets nothing. */
void json_set(json_t *object, const char *key, json_t *value);
void json_set_str(json_t *object, const char *key, struct str value);

/* Compact, keys in order of insertion; pretty: two blanks a level. Owned by the arena. */
struct str json_dump_str(struct arena *a, const json_t *json);
struct str json_dump_pretty(struct arena *a, const json_t *json);
/* Keys sorted: equal trees give equal text. */
struct str json_dump_sorted(struct arena *a, const json_t *json);
