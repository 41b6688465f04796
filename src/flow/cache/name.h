/*
 * Names of caches in S3. What a name depends on (AWS: "Amazon S3 caching"): the scope (the project,
 * or the cacheNamespace that projects share), with a key also the version, which is a hash of the
 * list of paths, and the key itself.
 *
 *   [prefix/]<scope>/cache.zip                  without a key: one object, updated by every build
 *   [prefix/]<scope>/<version>/<key>.zip        with one: never changed once it is there
 *
 * The scope is `project-<account>-<region>-<name>` or `namespace-<cacheNamespace>`, and behind it
 * `.<n>` after n invalidations. Keys are percent-encoded, so that a prefix of a key is a prefix of
 * its object's name.
 */
#pragma once

#include "base/err.h"
#include "flow/plan/plan.h"

enum { CACHE_MAX_KEY = 512 }; /* bytes of a key, evaluated */

/* Name of the object for a key, or (absent key) of the one without. ERR_LIMIT: key too long. */
int cache_object_name(struct arena *a, const struct plan *plan, const struct str_list *paths,
                      struct str key, struct str *ret, struct err *err) MUST_USE;

/* What the names of all keys that begin with `prefix` begin with. */
struct str cache_object_prefix(struct arena *a, const struct plan *plan,
                               const struct str_list *paths, struct str prefix);
