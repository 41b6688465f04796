/* The transition table of machine.h. */
#include "flow/build/machine.h"

static const char *const names[PHASE_COUNT] = {
    [PHASE_SUBMITTED] = "SUBMITTED",
    [PHASE_QUEUED] = "QUEUED",
    [PHASE_PROVISIONING] = "PROVISIONING",
    [PHASE_DOWNLOAD_SOURCE] = "DOWNLOAD_SOURCE",
    [PHASE_INSTALL] = "INSTALL",
    [PHASE_PRE_BUILD] = "PRE_BUILD",
    [PHASE_BUILD] = "BUILD",
    [PHASE_POST_BUILD] = "POST_BUILD",
    [PHASE_UPLOAD_ARTIFACTS] = "UPLOAD_ARTIFACTS",
    [PHASE_FINALIZING] = "FINALIZING",
    [PHASE_COMPLETED] = "COMPLETED",
};

static const char *const statuses[] = {"SUCCEEDED", "FAILED", "STOPPED", "TIMED_OUT", "FAULT"};

/* What follows a phase: when it went well, and when it failed without an on-failure of its own. */
static const struct {
    enum build_phase well;
    enum build_phase failed;
} transitions[PHASE_COUNT] = {
    [PHASE_SUBMITTED] = {PHASE_QUEUED, PHASE_COMPLETED},
    [PHASE_QUEUED] = {PHASE_PROVISIONING, PHASE_COMPLETED},
    [PHASE_PROVISIONING] = {PHASE_DOWNLOAD_SOURCE, PHASE_FINALIZING},
    [PHASE_DOWNLOAD_SOURCE] = {PHASE_INSTALL, PHASE_FINALIZING},
    [PHASE_INSTALL] = {PHASE_PRE_BUILD, PHASE_FINALIZING},
    [PHASE_PRE_BUILD] = {PHASE_BUILD, PHASE_FINALIZING},
    [PHASE_BUILD] = {PHASE_POST_BUILD, PHASE_POST_BUILD},
    [PHASE_POST_BUILD] = {PHASE_UPLOAD_ARTIFACTS, PHASE_UPLOAD_ARTIFACTS},
    [PHASE_UPLOAD_ARTIFACTS] = {PHASE_FINALIZING, PHASE_FINALIZING},
    [PHASE_FINALIZING] = {PHASE_COMPLETED, PHASE_COMPLETED},
    [PHASE_COMPLETED] = {PHASE_COMPLETED, PHASE_COMPLETED},
};

const char *phase_name(enum build_phase phase) {
    return names[phase];
}

const char *phase_status_name(enum phase_status status) {
    return statuses[status];
}

enum build_phase phase_after(enum build_phase phase, enum phase_status status,
                             enum on_failure_kind on_failure) {
    if (status == PHASE_SUCCEEDED) {
        return transitions[phase].well;
    }
    if (status == PHASE_FAILED && on_failure == ON_FAILURE_CONTINUE) {
        return transitions[phase].well;
    }
    if (status != PHASE_FAILED || on_failure == ON_FAILURE_ABORT) {
        return phase < PHASE_FINALIZING ? PHASE_FINALIZING : PHASE_COMPLETED;
    }
    return transitions[phase].failed;
}

enum phase_status build_status_after(enum phase_status so_far, enum phase_status phase) {
    if (phase == PHASE_STOPPED || phase == PHASE_FAULT) {
        return so_far == PHASE_SUCCEEDED || so_far == PHASE_FAILED ? phase : so_far;
    }
    return phase == PHASE_SUCCEEDED || so_far != PHASE_SUCCEEDED ? so_far : PHASE_FAILED;
}

bool phase_section(enum build_phase phase, enum buildspec_phase_kind *ret) {
    if (phase < PHASE_INSTALL || phase > PHASE_POST_BUILD) {
        return false;
    }
    *ret = (enum buildspec_phase_kind)(phase - PHASE_INSTALL);
    return true;
}
