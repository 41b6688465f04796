/*
 * "CodeBuild Build State Change" and "CodeBuild Build Phase Change", as CodeBuild documents them.
 * All inside the caller's transaction, with what they tell of; one query where nobody listens.
 */
#pragma once

#include "flow/build/build.h"

/* The build is in a new state: it began, or it has ended. */
int build_emit_state(const struct flow *f, struct arena *a, const struct build_row *row,
                     struct err *err) MUST_USE;
/* One event for each phase that has ended now and had not in `before` (JSON of row.phases). */
int build_emit_phases(const struct flow *f, struct arena *a, const struct build_row *row,
                      struct str before, struct err *err) MUST_USE;
