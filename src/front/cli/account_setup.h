/*
 * Makes accounts as accounts.yml says, through the public API of each account with that account's
 * keys. Idempotent: what is there already is compared and kept or changed; nothing is ever removed
 * but inline policies of a role in the file that the file does not name.
 */
#pragma once

#include "aws/call/call.h"
#include "front/cli/accounts_file.h"

struct setup_step {
    struct str account; /* name */
    const char *kind;   /* "bucket", "table", "parameters", "role" */
    struct str name;
    const char *done;  /* "created", "changed", "kept" */
    struct str detail; /* more to say, or empty */
};

struct setup {
    struct arena *arena;
    const struct accounts *accounts;
    /* How to call an account of the file. */
    int (*target)(void *ud, const struct accounts_entry *account, struct aws_target *ret,
                  struct err *err);
    /* Told after each thing. */
    void (*told)(void *ud, const struct setup_step *step);
    void *ud;
};

/* All accounts, in the file's order; stops at the first error. */
int account_setup(const struct setup *s, struct err *err) MUST_USE;

/* A bucket in the target's account, for others that need one. *ret_made: it was not there. */
int setup_bucket(const struct aws_target *t, struct arena *a, struct str name, bool versioned,
                 bool *ret_made, bool *ret_changed, struct err *err) MUST_USE;
