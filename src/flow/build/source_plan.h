/* From a project's source to a plan's. */
#pragma once

#include "flow/plan/plan.h"

#include "gen/codebuild.h"

/* GITHUB, CODECOMMIT ...: a repository. */
bool source_is_git(struct str type);

/* Fills *ret; `cached` says whether the project keeps mirrors (LOCAL_SOURCE_CACHE).
 * InvalidInputException: what a build cannot start from. */
int source_plan(struct arena *a, const struct codebuild_project_source *source, struct str version,
                bool cached, struct plan_source *ret, struct err *err) MUST_USE;

/* What is refused in a source's location already when a project is made: InvalidInputException. */
int source_check(struct arena *a, const struct codebuild_project_source *source,
                 struct err *err) MUST_USE;
