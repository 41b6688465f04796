/* The content store of mirror.h. */
#include "flow/gateway/mirror.h"

#include "platform/crypto/encode.h"
#include "platform/crypto/hash.h"
#include "platform/os/fd.h"
#include "platform/os/file.h"
#include "platform/text/json.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum { MAX_ENTRY = 64 * 1024, CHUNK = 256 * 1024 };

int mirror_normal_url(struct arena *a, struct str url, struct str *ret, struct err *err) {
    size_t colon = str_find(url, S("://"), 0);
    struct str scheme = colon == (size_t)-1 ? S("") : str_lower(a, str_sub(url, 0, colon));
    if (!str_is(scheme, "https") && !str_is(scheme, "http")) {
        return err_set(err, ERR_INVALID, "'" STR_FMT "' is no http or https URL", STR_ARG(url));
    }
    struct str rest = str_sub(url, colon + 3, url.n);
    size_t slash = str_find_c(rest, '/', 0);
    struct str host = str_lower(a, slash == (size_t)-1 ? rest : str_sub(rest, 0, slash));
    struct str path = slash == (size_t)-1 ? S("/") : str_sub(rest, slash, rest.n);
    struct str port = str_is(scheme, "https") ? S(":443") : S(":80");
    size_t hash = str_find_c(path, '#', 0);
    path = hash == (size_t)-1 ? path : str_sub(path, 0, hash);
    host = str_ends(host, port) ? str_sub(host, 0, host.n - port.n) : host;
    if (host.n == 0 || str_find_c(host, '@', 0) != (size_t)-1) {
        return err_set(err, ERR_INVALID, "'" STR_FMT "' names no host, or holds a password",
                       STR_ARG(url));
    }
    *ret =
        str_printf(a, STR_FMT "://" STR_FMT STR_FMT, STR_ARG(scheme), STR_ARG(host), STR_ARG(path));
    return 0;
}

static const char *entry_path(struct arena *a, const char *data_dir, struct str url) {
    return str_printf(a, "%s/mirror/urls/" STR_FMT ".json", data_dir,
                      STR_ARG(crypto_sha256_hex(a, url)))
        .p;
}

/* Host of a normal URL. */
static struct str host_of(struct str url) {
    size_t begin = str_find(url, S("://"), 0) + 3;
    size_t slash = str_find_c(url, '/', begin);
    return str_sub(url, begin, slash - begin);
}

/* A marker per host makes mirror_has_host one look at a folder. */
static const char *host_path(struct arena *a, const char *data_dir, struct str host) {
    return str_printf(a, "%s/mirror/hosts/" STR_FMT, data_dir, STR_ARG(crypto_sha256_hex(a, host)))
        .p;
}

static int copy_in(int from, int to, struct arena *a, struct mirror_entry *ret, struct err *err) {
    struct hash *sha cleanup_hash = hash_new(HASH_SHA256);
    char *chunk = arena_alloc(a, CHUNK);
    for (;;) {
        ssize_t n = pread(from, chunk, CHUNK, ret->size);
        if (n < 0) {
            return err_sys(err, errno, "read");
        }
        if (n == 0) {
            break;
        }
        hash_update(sha, str_n(chunk, (size_t)n));
        if (fd_write_all(to, chunk, (size_t)n, err) < 0) {
            return -1;
        }
        ret->size += n;
    }
    unsigned char out[HASH_MAX];
    ret->sha256 = hex_encode(a, str_n((const char *)out, hash_end(sha, out)));
    return fsync(to) < 0 ? err_sys(err, errno, "mirror") : 0;
}

static int write_entry(const char *data_dir, struct arena *a, const struct mirror_entry *entry,
                       struct err *err) {
    json_t *json cleanup_json = json_object();
    json_set_str(json, "url", entry->url);
    json_set_str(json, "sha256", entry->sha256);
    json_set(json, "size", json_integer(entry->size));
    json_set(json, "added", json_integer(entry->added_ms));
    struct str host = host_of(entry->url);
    return file_write_atomic(host_path(a, data_dir, host), host, 0644, err) < 0 ||
                   file_write_atomic(entry_path(a, data_dir, entry->url), json_dump_str(a, json),
                                     0644, err) < 0
               ? -1
               : 0;
}

static int make_folders(struct arena *a, const char *data_dir, struct err *err) {
    return dir_make(str_printf(a, "%s/mirror/urls", data_dir).p, 0755, err) < 0 ||
                   dir_make(str_printf(a, "%s/mirror/hosts", data_dir).p, 0755, err) < 0
               ? -1
               : 0;
}

int mirror_add(const char *data_dir, const struct clock *clock, struct str url, int fd,
               struct str sha256, struct mirror_entry *ret, struct arena *a, struct err *err) {
    *ret = (struct mirror_entry){.added_ms = clock_now_ms(clock)};
    if (mirror_normal_url(a, url, &ret->url, err) < 0 || make_folders(a, data_dir, err) < 0) {
        return -1;
    }
    const char *aside = str_printf(a, "%s/mirror/new.%d", data_dir, (int)getpid()).p;
    int to cleanup_fd = file_open(aside, O_WRONLY | O_CREAT | O_TRUNC, 0644, err);
    if (to < 0) {
        return -1;
    }
    int result = copy_in(fd, to, a, ret, err);
    if (result == 0 && sha256.p != NULL && !str_ieq(sha256, ret->sha256)) {
        result =
            err_set(err, ERR_INVALID, STR_FMT ": the file has sha256 " STR_FMT ", not " STR_FMT,
                    STR_ARG(ret->url), STR_ARG(ret->sha256), STR_ARG(sha256));
    }
    if (result == 0) {
        result = file_rename(
            aside, str_printf(a, "%s/mirror/" STR_FMT, data_dir, STR_ARG(ret->sha256)).p, err);
    } else {
        unlink(aside);
    }
    return result < 0 ? -1 : write_entry(data_dir, a, ret, err);
}

static int read_entry(struct arena *a, const char *path, struct mirror_entry *ret,
                      struct err *err) {
    struct str text = STR_NONE;
    if (file_read(a, path, MAX_ENTRY, &text, err) < 0) {
        return -1;
    }
    json_t *json cleanup_json = json_parse(text, err);
    if (json == NULL || json_str(json, "sha256").n != 64) {
        return err_set(err, ERR_INTERNAL, "%s is damaged", path);
    }
    *ret = (struct mirror_entry){str_dup(a, json_str(json, "url")),
                                 str_dup(a, json_str(json, "sha256")), json_int(json, "size"),
                                 json_int(json, "added")};
    return 0;
}

int mirror_find(struct arena *a, const char *data_dir, struct str url, struct mirror_entry *ret,
                struct err *err) {
    struct str normal = STR_NONE;
    if (mirror_normal_url(a, url, &normal, err) < 0) {
        return -1;
    }
    const char *path = entry_path(a, data_dir, normal);
    if (!file_exists(path)) {
        return 0;
    }
    return read_entry(a, path, ret, err) < 0 ? -1 : 1;
}

int mirror_open(const char *data_dir, const struct mirror_entry *entry, struct err *err) {
    struct arena a = ARENA_INIT;
    int fd = file_open(str_printf(&a, "%s/mirror/" STR_FMT, data_dir, STR_ARG(entry->sha256)).p,
                       O_RDONLY, 0, err);
    arena_done(&a);
    return fd;
}

static int by_url(const void *x, const void *y) {
    return str_cmp(((const struct mirror_entry *)x)->url, ((const struct mirror_entry *)y)->url);
}

int mirror_entries(struct arena *a, const char *data_dir, struct mirror_list *ret,
                   struct err *err) {
    const char *dir = str_printf(a, "%s/mirror/urls", data_dir).p;
    struct str_list names = {0};
    *ret = (struct mirror_list){0};
    if (!file_exists(dir)) {
        return 0;
    }
    if (dir_list(a, dir, &names, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < names.n; i++) {
        struct str path = str_printf(a, "%s/" STR_FMT, dir, STR_ARG(names.v[i]));
        if (str_ends(names.v[i], S(".json")) &&
            read_entry(a, path.p, arena_push(a, ret), err) < 0) {
            return -1;
        }
    }
    if (ret->n > 1) {
        qsort(ret->v, ret->n, sizeof(*ret->v), by_url);
    }
    return 0;
}

bool mirror_has_host(const char *data_dir, struct str host) {
    struct arena a = ARENA_INIT;
    bool found = file_exists(host_path(&a, data_dir, str_lower(&a, host)));
    arena_done(&a);
    return found;
}
