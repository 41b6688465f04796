/* How a build's repositories are reached: mapping, connection, credentials. For its supervisor
 * only. */
#pragma once

#include "flow/checkout/checkout.h"
#include "front/api/codebuild/codebuild.h"

/* `number` 0 is the primary source, others the secondary ones; `url` its location or that of a
 * submodule inside it, which gets the source's credentials only on the same server. Takes its own
 * transactions. ERR_INVALID, ERR_NOT_FOUND, ERR_CONFLICT say what is wrong with the set-up.
 * *ret_secret: the credential is this secret of Secrets Manager, to be read as the project's role;
 * or absent. */
int access_find(const struct flow *f, struct arena *a, const struct build_row *row, size_t number,
                struct str url, struct checkout_remote *ret, struct str *ret_secret,
                struct err *err) MUST_USE;

/* The same for a source of a project itself. */
struct access_owner {
    struct str account, region;
};
int access_of_source(const struct flow *f, struct arena *a, const struct access_owner *owner,
                     const struct codebuild_project_source *source, struct str url,
                     struct checkout_remote *ret, struct str *ret_secret, struct err *err) MUST_USE;

/* Reads a credential that is a secret, as a role and in a session of this name. */
int access_secret(const struct flow *f, struct arena *a, struct str role_arn, struct str session,
                  struct str secret, struct checkout_remote *ret, struct err *err) MUST_USE;

/* The user name that a host expects beside a token. */
struct str access_username(struct str server_type);
