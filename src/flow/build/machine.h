/*
 * The phases of a build and what follows which: a pure table, so that the order that people rely on
 * (post_build after a failed build, artifacts after a failed post_build) is in one place.
 */
#pragma once

#include "flow/phase/buildspec.h"

enum build_phase {
    PHASE_SUBMITTED,
    PHASE_QUEUED,
    PHASE_PROVISIONING,
    PHASE_DOWNLOAD_SOURCE,
    PHASE_INSTALL,
    PHASE_PRE_BUILD,
    PHASE_BUILD,
    PHASE_POST_BUILD,
    PHASE_UPLOAD_ARTIFACTS,
    PHASE_FINALIZING,
    PHASE_COMPLETED,
    PHASE_COUNT,
};

/* How a phase ended, in the API's words. */
enum phase_status { PHASE_SUCCEEDED, PHASE_FAILED, PHASE_STOPPED, PHASE_TIMED_OUT, PHASE_FAULT };

const char *phase_name(enum build_phase phase);
const char *phase_status_name(enum phase_status status);

/* The phase after this one. on_failure counts only where the phase FAILED. */
enum build_phase phase_after(enum build_phase phase, enum phase_status status,
                             enum on_failure_kind on_failure);

/* buildStatus after a phase: the worst so far. A timeout makes the build FAILED, as on AWS. */
enum phase_status build_status_after(enum phase_status so_far, enum phase_status phase);

/* The buildspec's section of a phase; false where there is none. */
bool phase_section(enum build_phase phase, enum buildspec_phase_kind *ret);
