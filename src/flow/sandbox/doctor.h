/*
 * What this machine must be able to do for builds to run, right by right, each with a sentence for
 * a person and the fix. `serve` refuses builds, and tests skip, with the first sentence that fails.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"

enum doctor_state {
    DOCTOR_OK,
    DOCTOR_WARN, /* works, with less than could be */
    DOCTOR_FAIL, /* no build can run */
};

struct doctor_check {
    const char *name; /* "user namespaces" */
    enum doctor_state state;
    struct str finding; /* "crun 1.8.1, because ..." */
    struct str fix;     /* what to do; absent when OK */
};

struct doctor_report {
    struct doctor_check *v;
    size_t n;
};

/* Runs all checks; arena-owned. `data_dir` (NULL = the default) is judged for space and its file
 * system. A check that cannot be made is a finding, so there is no failure. */
void doctor_run(struct arena *a, const char *data_dir, struct doctor_report *ret);

/* The quick form: whether containers can be made here. Really makes mounts and namespaces in a
 * process of its own, but no container. ERR_UNSUPPORTED with the sentence and the fix. */
int sandbox_available(struct err *err) MUST_USE;
