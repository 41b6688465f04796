/*
 * Fills a data directory's mirror with what this machine has or can make: Terraform as its vendor
 * publishes it, from the binary that is installed, and the files that programs of a repository make
 * (release.yml: mirror). Checksums of such files prove that they arrive whole, not where they come
 * from.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "flow/definition/release_yml.h"

struct mirror_fill {
    struct arena *arena;
    const char *data_dir;
    void (*told)(void *ud, struct str line); /* what was put there; one line for a person */
    void *ud;
};

/* terraform_VERSION_linux_ARCH.zip and terraform_VERSION_SHA256SUMS under the vendor's URL, and its
 * providers as a read-only mount in DATA/trunkline.yml. *ret_version is absent when there is no
 * terraform, or no AWS provider for it, on this machine. */
int mirror_fill_terraform(const struct mirror_fill *f, struct str *ret_version,
                          struct err *err) MUST_USE;

/* Runs each program with an empty folder and adds what it puts there. `dir` is the repository. */
int mirror_fill_release(const struct mirror_fill *f, const char *dir, const struct release_yml *r,
                        struct err *err) MUST_USE;
