/*
 * The log of a build, read for what BatchGetBuilds does not tell: which commands began, which one
 * runs, and what the one that failed had printed. The lines are CodeBuild's own: "Running command",
 * "Entering phase", "Phase complete", "Command did not exit successfully"
 * (https://docs.aws.amazon.com/codebuild/latest/userguide/sample-docker.html and others show them).
 */
#pragma once

#include "front/cli/view.h"
#include "gen/logs.h"

/* Reads the newest lines, oldest first, into the build's commands, command and last_lines. What is
 * kept points into the events. */
void view_read_log(struct arena *a, const struct logs_output_log_event_list *events,
                   struct view_build *b);
