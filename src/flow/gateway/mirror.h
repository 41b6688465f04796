/*
 * The mirror of a data directory: files that builds may download without the network, by the very
 * URLs of their vendors. Content lies once under its digest, an index entry per URL says which:
 *   DATA/mirror/<sha256>   DATA/mirror/urls/<sha256 of the URL>.json {url, sha256, size, added}
 * What is served is checked against its digest when it is added; the store's own folder is trusted.
 */
#pragma once

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"

#include <stdint.h>

struct mirror_entry {
    struct str url;
    struct str sha256;
    int64_t size;
    int64_t added_ms;
};

struct mirror_list {
    struct mirror_entry *v;
    size_t n;
};

/* Takes the bytes of fd from its beginning. With `sha256` given they must have that digest
 * (ERR_INVALID otherwise). A URL that is there already is replaced. */
int mirror_add(const char *data_dir, const struct clock *clock, struct str url, int fd,
               struct str sha256, struct mirror_entry *ret, struct arena *a,
               struct err *err) MUST_USE;

/* 1 found, 0 not. */
int mirror_find(struct arena *a, const char *data_dir, struct str url, struct mirror_entry *ret,
                struct err *err) MUST_USE;

/* Opens the content; -1 with an error. */
int mirror_open(const char *data_dir, const struct mirror_entry *entry, struct err *err) MUST_USE;

/* All entries, by URL. */
int mirror_entries(struct arena *a, const char *data_dir, struct mirror_list *ret,
                   struct err *err) MUST_USE;

/* Is there any entry of this host? Asked for each connection of a build. */
bool mirror_has_host(const char *data_dir, struct str host);

/* "https://Host:443/a" and "HTTPS://host/a" are the same; ERR_INVALID unless http or https with a
 * host. */
int mirror_normal_url(struct arena *a, struct str url, struct str *ret, struct err *err) MUST_USE;
