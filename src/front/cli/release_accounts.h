/*
 * The accounts that a release.yml is compiled for where no server is asked: those of accounts.yml
 * beside it, and the four that a first `serve` makes.
 */
#pragma once

#include "flow/definition/release_yml.h"

/* Appends; shared-services comes first, because pipelines live there. */
void release_accounts_add(struct arena *a, struct release_accounts *all,
                          struct release_account account);

/* `dir`: the folder of release.yml. Fails where accounts.yml is there and wrong. */
int release_accounts_guess(struct arena *a, const char *dir, struct release_accounts *ret,
                           struct err *err) MUST_USE;
