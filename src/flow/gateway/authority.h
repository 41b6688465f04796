/*
 * The authority of a data directory: DATA/ca/ca.pem and DATA/ca/ca.key (0600), made on first use,
 * trusted by the builds of this directory and by nobody else.
 */
#pragma once

#include "base/clock.h"
#include "platform/crypto/cert.h"

/* Reads it, or makes it (one process at a time). Texts are arena-owned. */
int authority_open(struct arena *a, const char *data_dir, const struct clock *clock,
                   struct cert_pair *ret, struct err *err) MUST_USE;

/* Authorities that this machine's administrator has added to those of its distribution, as PEM:
 * *.crt and *.pem of these folders, NULL-terminated; NULL = where Debian and Fedora look for them.
 * Files that are too large or no certificates are left out. */
struct str authority_of_machine(struct arena *a, const char *const *folders);
