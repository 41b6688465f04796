/*
 * What `trunkline lint` says about a buildspec: its errors and surprises, for people and as JSON.
 * Checks that need more than one look at a command's text are here; what is wrong with the form is
 * found while reading (buildspec.h).
 */
#pragma once

#include "flow/phase/buildspec.h"
#include "platform/text/json.h"

/* Reads and checks. Surprises of commands are added to ret->warnings, sorted by place. */
int lint_buildspec(struct arena *a, const char *file, struct str text, struct buildspec *ret,
                   struct err *err) MUST_USE;

/* "FILE:LINE:COLUMN: error: what" lines, errors and warnings in the order of the file; empty when
 * there is nothing to say. */
struct str lint_text(struct arena *a, const char *file, const struct buildspec *spec);

/* {"file","valid","errors","warnings","buildspec"}; the caller frees. */
json_t *lint_json(const char *file, const struct buildspec *spec);

/* The buildspec alone, as it was read: texts as text, lists as lists. The caller frees. */
json_t *buildspec_json(const struct buildspec *spec);
