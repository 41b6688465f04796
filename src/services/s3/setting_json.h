/*
 * Settings of buckets as they are stored: JSON with the member names of AWS's model, written from
 * and read into the generated structs by their descriptors. Put and Get have different structs with
 * the same members, which is why the names count and not the types.
 */
#pragma once

#include "aws/shape/shape.h"
#include "base/arena.h"
#include "base/err.h"

/* `value` is a generated struct of `shape` (STRUCT). Absent members are left out. */
struct str s3_setting_write(struct arena *a, const struct shape *shape, const void *value);

/* Fills the members of *out (zeroed, of `shape`) that the text has; others are skipped.
 * ERR_INTERNAL when the text is damaged. */
int s3_setting_read(struct arena *a, const struct shape *shape, struct str text, void *out,
                    struct err *err) MUST_USE;
