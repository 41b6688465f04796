/* Names of caches, see name.h. */
#include "flow/cache/name.h"

#include "base/buf.h"
#include "platform/crypto/hash.h"

#include <inttypes.h>

enum { VERSION_DIGITS = 32 };

static struct str escaped(struct arena *a, struct str text) {
    static const char hex[] = "0123456789ABCDEF";
    struct buf out cleanup_buf;
    buf_init(&out, text.n * 3 + 1);
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        bool plain = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                     c == '-' || c == '_';
        if (plain) {
            buf_add_c(&out, (char)c);
        } else {
            buf_add_c(&out, '%');
            buf_add_c(&out, hex[c >> 4]);
            buf_add_c(&out, hex[c & 15]);
        }
    }
    return buf_dup(a, &out);
}

/* Everything before the version, with a slash at the end. */
static struct str scope(struct arena *a, const struct plan *plan) {
    const struct plan_cache *cache = &plan->cache;
    struct str whose =
        cache->name_space.n > 0
            ? str_concat(a, S("namespace-"), escaped(a, cache->name_space))
            : str_printf(a, "project-" STR_FMT "-" STR_FMT "-" STR_FMT, STR_ARG(plan->account),
                         STR_ARG(plan->region), STR_ARG(escaped(a, plan->project)));
    struct str generation =
        cache->generation > 0 ? str_printf(a, ".%" PRId64, cache->generation) : S("");
    return str_printf(a, STR_FMT "%s" STR_FMT STR_FMT "/", STR_ARG(cache->prefix),
                      cache->prefix.n > 0 ? "/" : "", STR_ARG(whose), STR_ARG(generation));
}

static struct str version(struct arena *a, const struct str_list *paths) {
    struct str all = S("");
    for (size_t i = 0; i < paths->n; i++) {
        all = str_printf(a, STR_FMT "%zu:" STR_FMT "\n", STR_ARG(all), paths->v[i].n,
                         STR_ARG(paths->v[i]));
    }
    return str_sub(crypto_sha256_hex(a, all), 0, VERSION_DIGITS);
}

int cache_object_name(struct arena *a, const struct plan *plan, const struct str_list *paths,
                      struct str key, struct str *ret, struct err *err) {
    if (key.p == NULL) {
        *ret = str_concat(a, scope(a, plan), S("cache.zip"));
        return 0;
    }
    if (key.n == 0 || key.n > CACHE_MAX_KEY) {
        return err_set(err, ERR_LIMIT, "a cache key must have 1 to %d bytes, not %zu",
                       CACHE_MAX_KEY, key.n);
    }
    *ret = str_concat(a, cache_object_prefix(a, plan, paths, key), S(".zip"));
    return ret->n <= 1024 ? 0 : err_set(err, ERR_LIMIT, "the cache's name is too long for S3");
}

struct str cache_object_prefix(struct arena *a, const struct plan *plan,
                               const struct str_list *paths, struct str prefix) {
    return str_printf(a, STR_FMT STR_FMT "/" STR_FMT, STR_ARG(scope(a, plan)),
                      STR_ARG(version(a, paths)), STR_ARG(escaped(a, prefix)));
}
