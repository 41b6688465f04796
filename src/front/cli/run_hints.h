/*
 * What may help after a build of `trunkline run` that failed, or did not do what its person may
 * expect: from the log's lines, the buildspec, the image and the accounts. Hints are for people and
 * change nothing.
 */
#pragma once

#include "base/arena.h"

struct run;

/* What the log told on its way. */
struct run_clues {
    struct str_list refused; /* hosts that were not reached: "github.com (no such host)" */
    bool no_git;             /* git missed its folder */
    bool apt_updated;        /* apt has fetched its lists */
    struct str_list apt;     /* packages that apt did not find */
    /* What a role's own policies do not allow; absent: nothing was refused for that reason. */
    struct str denied_role, denied_action, denied_resource;
};

enum { RUN_CLUES_HOSTS = 8, RUN_CLUES_PACKAGES = 40 };

/* Looks at one line of the log. */
void run_clues_see(struct arena *a, struct run_clues *clues, struct str line);

/* The program that a shell, make or env says in this line it did not find; absent: it says no such
 * thing. A view into the line. */
struct str run_missing_program(struct str line);

/* Debian's package that has a program which our build image has not; NULL: not known. */
const char *run_program_package(struct str program);

/* Whatever may help, each a text of one or more lines without the last line end. After the end of
 * the build. All is owned by the command's arena. */
struct str_list run_hints(struct run *r);
