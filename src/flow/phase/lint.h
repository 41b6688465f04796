/*
 * What `trunkline lint` says about a buildspec: its errors and surprises, for people and as JSON.
 * Checks that need more than one look at a command's text are here; what is wrong with the form is
 * found while reading (buildspec.h).
 */
#pragma once

#include "flow/phase/buildspec.h"
#include "platform/text/json.h"

enum lint_severity { LINT_ERROR, LINT_WARNING };

/* One thing that can be found (lint_rules.def). */
struct lint_rule {
    const char *code; /* of buildspec_note; stable */
    enum lint_severity severity;
    bool fixable; /* lint_fix knows a way, in most cases */
    const char *text;
};

/* All of them, by code. */
const struct lint_rule *lint_rules(size_t *ret_n);

/* For whoever knows more than the file says: adds a warning; puts all by place again. */
void lint_add(struct arena *a, struct buildspec *spec, const char *code, const struct yaml_node *at,
              const char *fmt, ...) __attribute__((format(printf, 5, 6)));
void lint_sort(struct buildspec *spec);

/* Reads and checks. Surprises of commands are added to ret->warnings, sorted by place. */
int lint_buildspec(struct arena *a, const char *file, struct str text, struct buildspec *ret,
                   struct err *err) MUST_USE;

/* "FILE:LINE:COLUMN: error: what [code]" lines, errors and warnings in the order of the file; empty
 * when there is nothing to say. */
struct str lint_text(struct arena *a, const char *file, const struct buildspec *spec);

/* {"file","valid","errors","warnings","buildspec"}; the caller frees. */
json_t *lint_json(const char *file, const struct buildspec *spec);

/* The buildspec alone, as it was read: texts as text, lists as lists. The caller frees. */
json_t *buildspec_json(const struct buildspec *spec);
