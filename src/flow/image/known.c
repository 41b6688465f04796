/* See known.h. */
#include "flow/image/known.h"

#include "base/clock.h"
#include "flow/sandbox/image.h"
#include "platform/crypto/hash.h"
#include "platform/os/file.h"
#include "platform/text/json.h"

#include <stdlib.h>

enum { FILE_MAX = 16 * 1024 };

static const char *folder(struct arena *a) {
    return str_printf(a, "%s/.refs", image_home(a)).p;
}

static const char *file_of(struct arena *a, struct str text) {
    return str_printf(a, "%s/%s", folder(a), crypto_sha256_hex(a, text).p).p;
}

const char *known_name(struct arena *a, struct str digest) {
    return str_printf(a, "sha256-" STR_FMT, STR_ARG(str_sub(digest, 7, digest.n))).p;
}

static int read_one(struct arena *a, const char *path, struct known_ref *ret, struct err *err) {
    struct str text = STR_NONE;
    if (file_read(a, path, FILE_MAX, &text, err) < 0) {
        return -1;
    }
    json_t *json cleanup_json = json_parse(text, err);
    if (json == NULL) {
        return err_wrap(err, "%s", path);
    }
    *ret = (struct known_ref){.text = str_dup(a, json_str(json, "reference")),
                              .digest = str_dup(a, json_str(json, "digest")),
                              .kept = json_bool(json, "kept"),
                              .credentials = json_bool(json, "credentials"),
                              .created_ms = json_int(json, "createdMs")};
    return 0;
}

int known_find(struct arena *a, struct str text, struct known_ref *ret, struct err *err) {
    const char *path = file_of(a, text);
    return !file_exists(path) ? 0 : read_one(a, path, ret, err) < 0 ? -1 : 1;
}

int known_put(struct arena *a, const struct known_ref *ref, struct err *err) {
    struct known_ref old = {0};
    struct err damaged = ERR_INIT;
    bool kept = ref->kept || (known_find(a, ref->text, &old, &damaged) > 0 && old.kept);
    if (str_eq(old.text, ref->text) && str_eq(old.digest, ref->digest) && old.kept == kept &&
        old.credentials == ref->credentials) {
        return 0; /* nothing new: a build does not write for that */
    }
    json_t *json cleanup_json = json_object();
    json_set_str(json, "reference", ref->text);
    json_set_str(json, "digest", ref->digest);
    json_set(json, "kept", json_boolean(kept));
    json_set(json, "credentials", json_boolean(ref->credentials));
    json_set(json, "createdMs", json_integer(clock_now_ms(&clock_system)));
    return dir_make(folder(a), 0700, err) < 0
               ? -1
               : file_write_atomic(file_of(a, ref->text), json_dump_pretty(a, json), 0600, err);
}

int known_remove(struct arena *a, struct str text, struct err *err) {
    return file_remove(file_of(a, text), err);
}

static int by_text(const void *x, const void *y) {
    return str_cmp(((const struct known_ref *)x)->text, ((const struct known_ref *)y)->text);
}

int known_list(struct arena *a, struct known_refs *ret, struct err *err) {
    struct str_list names = {0};
    *ret = (struct known_refs){0};
    if (file_is_dir(folder(a)) && dir_list(a, folder(a), &names, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < names.n; i++) {
        struct known_ref one;
        struct err damaged = ERR_INIT;
        if (names.v[i].n == 64 &&
            read_one(a, str_printf(a, "%s/" STR_FMT, folder(a), STR_ARG(names.v[i])).p, &one,
                     &damaged) == 0) {
            *arena_push(a, ret) = one;
        }
    }
    if (ret->n > 1) {
        qsort(ret->v, ret->n, sizeof(*ret->v), by_text);
    }
    return 0;
}
