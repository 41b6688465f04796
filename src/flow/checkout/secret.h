/* A git credential that lies in Secrets Manager: {"Token", "Username"} as CodeBuild writes it
 * (ServerType and AuthType beside them), or the token itself. */
#pragma once

#include "flow/checkout/checkout.h"

/* Sets password, and username when the secret has one. ERR_INVALID: there is no token in it. */
int checkout_secret_read(struct arena *a, struct str secret, struct checkout_remote *ret,
                         struct err *err) MUST_USE;
