/* Who tells git hosts about a build: a job of this kind, added in the transaction of the change. */
#pragma once

#include "flow/build/build.h"

#define BUILD_STATUS_JOB "build.status" /* key: "<uuid>/<state>", state "pending" or "end" */

/* Adds the job when the host is to be told: reportBuildStatus, or a webhook started the build. */
int build_announce(const struct flow *f, struct arena *a, const struct build_row *row,
                   const char *state, struct err *err) MUST_USE;

/* Did a webhook start it? Its variables say so. */
bool build_by_webhook(const json_t *build);
