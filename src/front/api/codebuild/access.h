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

/* The user name that a host expects beside a token. */
struct str access_username(struct str server_type);
