/*
 * Which changes of a repository start a pipeline. Pure. Facts: CodePipeline's trigger filtering.
 * Filters of one trigger: one that passes is enough; inside one, all that it names must pass; a
 * file filter passes when any changed file does. Triggers of a pipeline switch its change detection
 * off: a source that no trigger names is not watched then.
 */
#pragma once

#include "flow/definition/definition.h"

/* A change. Exactly one of branch (a push), tag (a push) and event (a pull request) decides which
 * filters are asked; a pull request's branch is its destination. */
struct trigger_event {
    struct str branch;
    struct str tag;
    struct str event;             /* OPEN UPDATED CLOSED, or absent: a push */
    const struct str_list *files; /* changed paths; NULL = nobody can say (a new branch): a file
                                    filter does not pass */
    bool many; /* too many to list, or the history was rewritten: a file filter passes */
};

bool trigger_passes(const struct definition *d, const struct def_action *source,
                    const struct trigger_event *event);

/* Whether changes of this source are looked for at all: its triggers have push filters or none, or
 * there are no triggers and its change detection is on. */
bool trigger_watches(const struct definition *d, const struct def_action *source);

/* Whether a push to that reference may start the pipeline: "refs/heads/main", "refs/tags/v1". */
bool trigger_wants_ref(const struct definition *d, const struct def_action *source, struct str ref);

/* "refs/heads/main" when a push to that branch is all that may start it; absent: look at all. */
struct str trigger_only_ref(struct arena *a, const struct definition *d,
                            const struct def_action *source);

/* Whether the changed files matter for pushes (or for pull requests). */
bool trigger_asks_files(const struct definition *d, const struct def_action *source, bool pull);

/* What is watched, as a digest: another one means that references which were not wanted before are
 * not new, only newly wanted. */
struct str trigger_fingerprint(struct arena *a, const struct definition *d,
                               const struct def_action *source);
