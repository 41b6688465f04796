/* One build of a batch: the project with what the batch changes of it. */
#pragma once

#include "flow/batch/apply.h"

/* Makes the build with that id, if the state waits for it and it is not there yet. In the caller's
 * transaction. */
int member_start(const struct flow *f, struct arena *a, const struct batch_row *row,
                 const struct batch_state *state, struct str build, struct err *err) MUST_USE;

/* combine.c: the build that puts the groups' zips together into one. */
int member_combine(const struct flow *f, struct arena *a, const struct batch_row *row,
                   const struct batch_state *state, struct err *err) MUST_USE;
/* 1: nothing has to be put together; *ret is what a build's artifacts would be. 0: it has. */
int member_together(struct arena *a, const struct batch_row *row, const struct batch_state *state,
                    struct str *ret, struct err *err) MUST_USE;

/* Makes the build and notes that it belongs to the batch. */
int member_create(const struct flow *f, struct arena *a, const struct batch_row *row,
                  struct build_making *making, struct err *err) MUST_USE;
