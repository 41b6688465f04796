/* Reading references, see ref.h. */
#include "flow/image/ref.h"

#include "flow/sandbox/image_recipe.h"
#include "platform/crypto/hash.h"

#include <stdlib.h>

enum { TEXT_MAX = 1024, PACKAGES_MAX = 100, TAG_MAX = 128, REPOSITORY_MAX = 255 };

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

static bool only(struct str s, const char *letters) {
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '\0' || strchr(letters, s.p[i]) == NULL) {
            return false;
        }
    }
    return s.n > 0;
}

static int wrong(struct err *err, struct str text, const char *why) {
    return err_set(err, ERR_INVALID, "image '" STR_FMT "': %s", STR_ARG(text), why);
}

/* ---- debian:SUITE[+PACKAGE,...] ---- */

static bool is_package(struct str s) {
    return s.n >= 2 && s.n <= 64 && only(s, LOWER DIGITS "+-.") &&
           only(str_sub(s, 0, 1), LOWER DIGITS);
}

static int by_bytes(const void *x, const void *y) {
    return str_cmp(*(const struct str *)x, *(const struct str *)y);
}

static int read_packages(struct arena *a, struct str list, struct image_ref *ret, struct str text,
                         struct err *err) {
    struct str one;
    struct str_list all = {0};
    while (str_cut(&list, ',', &one)) {
        if (!is_package(one) || all.n == PACKAGES_MAX) {
            return wrong(err, text,
                         "behind the '+' stand names of Debian packages, separated by commas");
        }
        *arena_push(a, &all) = one;
    }
    qsort(all.v, all.n, sizeof(*all.v), by_bytes);
    for (size_t i = 0; i < all.n; i++) {
        if (i == 0 || !str_eq(all.v[i], all.v[i - 1])) {
            *arena_push(a, &ret->packages) = all.v[i];
        }
    }
    return 0;
}

/* Kept under "debian-SUITE", with a short digest of the packages if there are any. */
static int read_debian(struct arena *a, struct str text, struct image_ref *ret, struct err *err) {
    struct str rest = str_sub(text, 7, text.n);
    size_t plus = str_find_c(rest, '+', 0);
    ret->kind = IMAGE_REF_DEBIAN;
    ret->suite = str_sub(rest, 0, plus == (size_t)-1 ? rest.n : plus);
    if (plus != (size_t)-1 &&
        read_packages(a, str_sub(rest, plus + 1, rest.n), ret, text, err) < 0) {
        return -1;
    }
    ret->text = str_printf(a, "debian:" STR_FMT, STR_ARG(ret->suite));
    ret->name = str_printf(a, "debian-" STR_FMT, STR_ARG(ret->suite));
    for (size_t i = 0; i < ret->packages.n; i++) {
        ret->text = str_printf(a, STR_FMT "%c" STR_FMT, STR_ARG(ret->text), i == 0 ? '+' : ',',
                               STR_ARG(ret->packages.v[i]));
    }
    if (ret->packages.n > 0) {
        ret->name =
            str_printf(a, STR_FMT "-%.12s", STR_ARG(ret->name), crypto_sha256_hex(a, ret->text).p);
    }
    return 0;
}

static bool is_debian(struct str text) {
    if (!str_starts(text, S("debian:"))) {
        return false;
    }
    struct str rest = str_sub(text, 7, text.n);
    size_t plus = str_find_c(rest, '+', 0);
    struct str suite = str_sub(rest, 0, plus == (size_t)-1 ? rest.n : plus);
    return only(suite, LOWER) && suite.n <= 20 && !str_is(suite, "latest");
}

/* ---- oci:DIR[:TAG] ---- */

static bool is_tag(struct str s) {
    return s.n <= TAG_MAX && only(s, LOWER UPPER DIGITS "_.-") &&
           only(str_sub(s, 0, 1), LOWER UPPER DIGITS "_");
}

static int read_oci(struct arena *a, struct str text, struct image_ref *ret, struct err *err) {
    struct str rest = str_sub(text, 4, text.n);
    size_t colon = str_rfind_c(rest, ':');
    ret->kind = IMAGE_REF_OCI;
    ret->dir = str_sub(rest, 0, colon == (size_t)-1 ? rest.n : colon);
    if (colon != (size_t)-1) {
        ret->tag = str_sub(rest, colon + 1, rest.n);
        if (!is_tag(ret->tag)) {
            return wrong(err, text,
                         "the tag behind the last ':' has other characters than "
                         "letters, digits, '_', '.' and '-'");
        }
    }
    if (!str_starts(ret->dir, S("/"))) {
        return wrong(err, text, "the folder must be an absolute path: oci:/DIR[:TAG]");
    }
    ret->text = str_dup(a, text);
    return 0;
}

/* ---- a registry ---- */

static bool is_digest(struct str s) {
    return s.n == 71 && str_starts(s, S("sha256:")) && only(str_sub(s, 7, s.n), DIGITS "abcdef");
}

static bool is_host(struct str s) {
    size_t colon = str_find_c(s, ':', 0);
    struct str port = colon == (size_t)-1 ? STR_NONE : str_sub(s, colon + 1, s.n);
    struct str name = str_sub(s, 0, colon == (size_t)-1 ? s.n : colon);
    return name.n <= 253 && only(name, LOWER UPPER DIGITS ".-") && name.p[0] != '-' &&
           name.p[0] != '.' && (colon == (size_t)-1 || (port.n <= 5 && only(port, DIGITS)));
}

static bool is_repository(struct str s) {
    if (s.n > REPOSITORY_MAX || str_find(s, S("//"), 0) != (size_t)-1 || str_ends(s, S("/"))) {
        return false;
    }
    struct str part;
    while (str_cut(&s, '/', &part)) {
        if (!only(part, LOWER DIGITS "._-") || !only(str_sub(part, 0, 1), LOWER DIGITS)) {
            return false;
        }
    }
    return true;
}

/* Takes "@sha256:..." and ":TAG" from the end. */
static int cut_version(struct str *io, struct image_ref *ret, struct str text, struct err *err) {
    size_t at = str_find_c(*io, '@', 0);
    if (at != (size_t)-1) {
        ret->digest = str_sub(*io, at + 1, io->n);
        *io = str_sub(*io, 0, at);
        if (!is_digest(ret->digest)) {
            return wrong(err, text, "behind the '@' stands no digest 'sha256:' and 64 hex digits");
        }
    }
    size_t colon = str_rfind_c(*io, ':');
    size_t slash = str_rfind_c(*io, '/');
    if (colon != (size_t)-1 && (slash == (size_t)-1 || colon > slash)) {
        ret->tag = str_sub(*io, colon + 1, io->n);
        *io = str_sub(*io, 0, colon);
        if (!is_tag(ret->tag)) {
            return wrong(err, text, "its tag is malformed");
        }
    }
    /* A digest says it all; with both, registries look at the digest only. */
    ret->tag = ret->digest.n > 0 ? STR_NONE : ret->tag.n > 0 ? ret->tag : S("latest");
    return 0;
}

static int read_registry(struct arena *a, struct str text, struct image_ref *ret, struct err *err) {
    struct str rest = str_starts(text, S("docker://")) ? str_sub(text, 9, text.n) : text;
    ret->kind = IMAGE_REF_REGISTRY;
    if (cut_version(&rest, ret, text, err) < 0) {
        return -1;
    }
    size_t slash = str_find_c(rest, '/', 0);
    struct str first = str_sub(rest, 0, slash == (size_t)-1 ? 0 : slash);
    bool named = str_find_c(first, '.', 0) != (size_t)-1 ||
                 str_find_c(first, ':', 0) != (size_t)-1 || str_is(first, "localhost");
    ret->host = named ? str_lower(a, first) : S("docker.io");
    ret->repository = named ? str_sub(rest, slash + 1, rest.n) : rest;
    if (str_is(ret->host, "docker.io") && str_find_c(ret->repository, '/', 0) == (size_t)-1) {
        ret->repository = str_printf(a, "library/" STR_FMT, STR_ARG(ret->repository));
    }
    if (!is_host(ret->host) || !is_repository(ret->repository)) {
        return wrong(err, text, "it is no [HOST[:PORT]/]REPOSITORY[:TAG][@sha256:DIGEST]");
    }
    ret->text = str_printf(a, "docker://" STR_FMT "/" STR_FMT "%s" STR_FMT STR_FMT,
                           STR_ARG(ret->host), STR_ARG(ret->repository), ret->tag.n ? ":" : "@",
                           STR_ARG(ret->tag), STR_ARG(ret->digest));
    return 0;
}

int image_ref_parse(struct arena *a, struct str text, struct image_ref *ret, struct err *err) {
    *ret = (struct image_ref){0};
    text = str_dup(a, text);
    if (text.n == 0 || text.n > TEXT_MAX || str_find_c(text, '\0', 0) != (size_t)-1) {
        return err_set(err, ERR_INVALID, "an image's name has 1 to %d characters", TEXT_MAX);
    }
    if (is_debian(text)) {
        return read_debian(a, text, ret, err);
    }
    if (str_starts(text, S("oci:"))) {
        return read_oci(a, text, ret, err);
    }
    if (str_find_c(text, ':', 0) != (size_t)-1 || str_find_c(text, '/', 0) != (size_t)-1) {
        return read_registry(a, text, ret, err);
    }
    ret->kind = IMAGE_REF_NAME;
    ret->name = ret->text = text;
    return image_check_name(text.p, err);
}
