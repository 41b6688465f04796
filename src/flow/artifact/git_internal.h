/* What the files of git.h share. */
#pragma once

#include "flow/artifact/git.h"

/* Runs the locked-up git with our configuration; argv follows "git" and ends with NULL. */
int git_call(struct arena *a, const struct git_mirror *m, bool in_mirror, struct str *ret_out,
             struct err *err, const char *const *argv) MUST_USE;
/* The same for questions to the origin, outside the mirror, in GIT_ASK_MS. */
int git_ask(struct arena *a, const struct git_mirror *m, struct str *ret_out, struct err *err,
            const char *const *argv) MUST_USE;

/* The transport that a URL uses; "" is a URL that we do not take. (git_url.c) */
const char *git_protocol(struct str url);
