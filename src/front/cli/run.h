/* One build of a working tree, with no server but its own; the parts of `trunkline run`. */
#pragma once

#include "aws/call/call.h"
#include "flow/definition/release_yml.h"
#include "front/cli/accounts_file.h"
#include "front/cli/cli.h"
#include "front/cli/ephemeral.h"
#include "front/cli/view.h"

enum { RUN_LAST_LINES = 15 };

struct run {
    struct cli *c;
    struct ephemeral server;
    struct aws_target target; /* shared-services of that server */
    const char *dir;          /* the working tree */
    struct str name;          /* of the release, or of the folder */
    struct str env;           /* --env, or absent */
    struct str project;
    struct str bucket;
    struct release_build build; /* buildspec, image, variables, role */
    struct release_yml release; /* of DIR/release.yml; name absent: there is none */
    struct accounts accounts;   /* of DIR/accounts.yml and --parameters */
    struct str role_arn;
    struct str build_id;
    struct view_build state; /* of the build, as last seen */
    struct arena seen[2];    /* its memory: the last look and the one before */
    struct {
        struct str *v;
        size_t n;
    } tail;             /* the log's last lines, up to the failure */
    bool tail_is_whole; /* the failure was seen */
    struct str log_token;
};

/* run_prepare.c: accounts, source and project, up to the build's start. */
int run_read(struct run *r, struct err *err) MUST_USE; /* files of DIR */
int run_prepare(struct run *r, struct err *err) MUST_USE;
int run_start(struct run *r, struct err *err) MUST_USE;
