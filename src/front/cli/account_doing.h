/* What the files that carry accounts.yml out share: one account on its way. */
#pragma once

#include "front/cli/account_setup.h"

struct doing {
    const struct setup *s;
    struct arena *a;
    const struct accounts_entry *account;
    struct aws_target target;
    struct err *err;
};

/* Tells the caller of account_setup one thing that was done. */
void setup_tell(const struct doing *d, const char *kind, struct str name, const char *done,
                struct str detail);
/* "created", "changed" or "kept". */
const char *setup_word(bool made, bool changed);

/* Did AWS answer with this error? */
bool setup_is_code(const struct err *err, const char *code);

/* account_secrets.c: makes and changes the account's secrets. */
int setup_secrets(const struct doing *d) MUST_USE;
