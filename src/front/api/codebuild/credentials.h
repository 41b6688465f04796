/* Source credentials as those who use them find them: opened. */
#pragma once

#include "flow/forge/store.h"
#include "front/api/codebuild/codebuild.h"

struct credential {
    struct str auth;     /* authType */
    struct str username; /* BASIC_AUTH */
    struct str token;    /* the secret itself, unless: */
    struct str resource; /* CODECONNECTIONS, SECRETS_MANAGER: where it is */
};

/* In the caller's transaction. 1 found, 0 the account has none for this serverType. */
int credential_find(struct db *db, struct arena *a, struct str account, struct str region,
                    struct str server, struct credential *ret, struct err *err) MUST_USE;
