/*
 * What release.yml names beside itself: would CodePipeline take the pipeline that it compiles to,
 * are its buildspecs there, has accounts.yml the roles that it needs? No server is asked.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "flow/definition/release_yml.h"

struct lint_surprise {
    const char *code; /* "buildspec-missing", "role-missing" */
    unsigned line;    /* 0: of the file as a whole */
    unsigned column;
    struct str text;
};

struct lint_surprises {
    struct lint_surprise *v;
    size_t n;
};

/* `dir` is the file's folder. Fails with what CodePipeline would say of the pipeline. */
int lint_release_surprises(struct arena *a, const char *dir, const struct release_yml *release,
                           struct lint_surprises *ret, struct err *err) MUST_USE;
