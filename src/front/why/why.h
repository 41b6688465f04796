/*
 * Why something waits or has stopped, and what would free it: in words, from what
 * get-pipeline-state says. Pure; the command line and the console say the same.
 */
#pragma once

#include "base/arena.h"

#include "gen/codepipeline.h"

struct why {
    struct str what;  /* "Deploy is held by release 4c1f09ab"; absent: nothing waits */
    struct str frees; /* "it leaves Deploy, or trunkline stop 4c1f09ab"; absent: nothing to do */
};

/* Of the release that is in the stage, or was last. A pipeline's first stage has nothing to roll
 * back to. */
struct why why_in(struct arena *a, const struct codepipeline_stage_state *s, bool first);

/* Of a release that waits in front of the stage. */
struct why why_before(struct arena *a, const struct codepipeline_stage_state *s,
                      struct str execution);

/* Of a release, wherever it is: the first stage that has something to say of it. */
struct why why_of(struct arena *a, const struct codepipeline_stage_state_list *stages,
                  struct str execution);
