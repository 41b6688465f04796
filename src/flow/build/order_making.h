/* One build on its way from a project to its row: what the order's files share. */
#pragma once

#include "flow/build/order.h"

enum { ORDER_TIMEOUT_MIN = 60, ORDER_QUEUED_MIN = 480 }; /* what a project has that says nothing */

struct making {
    const struct build_making *in;
    const struct codebuild_project *project; /* effective: in->project */
    struct arena *arena;
    struct plan plan;
    struct build_row row;
};

/* InvalidInputException: `what` and the value behind it. */
int order_invalid(struct err *err, const char *what, struct str value);

/* order_sources.c, order_artifacts.c: of the project, or of the pipeline's order, into the plan. */
int order_sources(struct making *m, struct err *err) MUST_USE;
void order_artifacts(struct making *m);

/* order_row.c: the row with the settings that the build runs with, and the job that starts it. */
int order_insert(const struct flow *f, struct making *m, struct err *err) MUST_USE;
