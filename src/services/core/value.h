/*
 * Generated structs as JSON text and back, by their descriptors. For what services keep in their
 * tables as a whole (an alarm's settings), and for templates, whose properties are those of the
 * operations behind them. Not a wire format: that is aws/proto's business.
 *
 * Timestamps are milliseconds, blobs base64. Members that are absent stay absent.
 */
#pragma once

#include "aws/shape/shape.h"
#include "base/arena.h"
#include "base/err.h"
#include "platform/text/json.h"

/* `value` points to what `shape` describes (a struct itself, not a pointer to one). */
json_t *value_to_json(const struct shape *shape, const void *value);

enum {
    /* As people write templates: names match in any case, numbers and booleans may be text, text
     * may be a number or boolean, a list may hold null (skipped); an unknown member is ERR_INVALID.
     */
    VALUE_LENIENT = 1,
};

/* Fills *ret, which the caller has zeroed; strings are copied into `a`. Unknown members are skipped
 * unless VALUE_LENIENT. ERR_INVALID "path: what". */
int value_from_json(struct arena *a, const struct shape *shape, const json_t *json, unsigned flags,
                    void *ret, struct err *err) MUST_USE;

/* A struct of the same members by name and kind, such as a Put operation's input and what Describe
 * shows: members that `to` does not have are skipped. */
int value_copy(struct arena *a, const struct shape *from, const void *value, const struct shape *to,
               void *ret, struct err *err) MUST_USE;
