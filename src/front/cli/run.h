/* One build of a working tree, with no server but its own; the parts of `trunkline run`. */
#pragma once

#include "aws/call/call.h"
#include "flow/definition/release_yml.h"
#include "front/cli/accounts_file.h"
#include "front/cli/cli.h"
#include "front/cli/ephemeral.h"
#include "front/cli/run_hints.h"
#include "front/cli/view.h"

#include <signal.h>

enum { RUN_LAST_LINES = 15 };

/* Another account than one made for the build. */
struct run_other {
    struct str account; /* 12 digits; absent: there is none */
    struct str region;
    struct str endpoint;  /* that stands in for AWS, or absent */
    struct str ca_file;   /* of the endpoint, or absent */
    struct str serve_dir; /* --account: data directory of the server */
    struct aws_credentials keys;
};

/* A source beside the working tree. */
struct run_secondary {
    struct str id;
    const char *dir;
};

struct run {
    struct cli *c;
    struct ephemeral server;
    struct aws_target target; /* shared-services of that server */
    const char *dir;          /* the working tree */
    struct str name;          /* of the release, or of the folder */
    struct str env;           /* --env, or absent */
    struct str project;
    struct release_build build;      /* buildspec, image, variables, role */
    struct release_yml release;      /* of DIR/release.yml; name absent: there is none */
    struct accounts accounts;        /* of DIR/accounts.yml and --parameters */
    struct run_secondary *secondary; /* --secondary */
    size_t secondary_n;
    struct str_map variables; /* --env-file */
    struct run_other other;   /* --account, --aws-profile */
    struct str image;         /* name of ours that --image or the release leads to, or absent */
    struct str role_arn;
    struct str build_id;
    struct view_build state; /* of the build, as last seen */
    struct arena seen[2];    /* its memory: the last look and the one before */
    struct {
        struct str *v;
        size_t n;
    } tail;             /* the log's last lines, up to the failure */
    bool tail_is_whole; /* the failure was seen */
    struct run_clues clues;
    struct str log_token;
};

/* run_prepare.c: accounts, source and project, up to the build's start. */
int run_read(struct run *r, struct err *err) MUST_USE; /* files of DIR */
int run_prepare(struct run *r, struct err *err) MUST_USE;
int run_start(struct run *r, struct err *err) MUST_USE;

/* verb_run.c: whether the person wants it to end. */
bool run_interrupted(void *unused);

/* run_account.c: keys and region of --account or --aws-profile, into r->other. */
int run_account(struct run *r, struct err *err) MUST_USE;

/* run_order.c: sources into the server's directory, and what a project cannot say (RUN_FILE of
 * flow/build). */
int run_order(struct run *r, struct err *err) MUST_USE;

/* run_shell.c: whether the build has failed and waits for a shell; the shell, until it ends. */
bool run_shell_offered(const struct run *r);
int run_shell(struct run *r, struct err *err) MUST_USE;

/* run_watch.c: waits until the sources are different from `state`; 0, or 1 when *stop became true.
 */
int run_watch(const struct run *r, uint64_t state, const volatile sig_atomic_t *stop,
              struct err *err) MUST_USE;
