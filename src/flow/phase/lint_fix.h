/*
 * Mends what can be mended without changing what a buildspec means to do: the text around a
 * finding is replaced, the rest stays byte for byte. Each change is tried and taken back when it
 * does not lessen what lint has to say, so a wrong guess costs nothing.
 */
#pragma once

#include "flow/phase/lint.h"

/* At most so many changes in one go. */
enum { LINT_MAX_FIXES = 200 };

struct lint_fixed {
    const char *code;
    unsigned line;     /* where it was, in the text as it was then */
    struct str before; /* that line */
    struct str after;  /* what stands there now; absent = nothing */
};

struct lint_fixes {
    struct lint_fixed *v; /* in the order in which they were made */
    size_t n;
};

/* *ret_text is the mended text, `text` itself when there was nothing to mend. */
int lint_fix(struct arena *a, const char *file, struct str text, struct str *ret_text,
             struct lint_fixes *ret, struct err *err) MUST_USE;
