/*
 * Making an image by mmdebstrap from the package sources that the host itself uses, and no others:
 * what a build runs on comes from where this machine's own programs came from. The result is made
 * aside (".NAME.new") under a lock and exchanged with the one in place; the old one stays, hidden,
 * while containers stand on it (they hold a shared lock on it).
 */
#include "flow/sandbox/image.h"

#include "base/clock.h"
#include "flow/sandbox/image_recipe.h"
#include "platform/crypto/hash.h"
#include "platform/os/fd.h"
#include "platform/os/file.h"
#include "platform/os/process.h"
#include "platform/text/json.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SOURCES_MAX = 1 << 20, PACKAGES_MAX = 4 << 20, BUILD_TIMEOUT_MS = 3600000 };

/* What build commands and our own wrapper expect to find. */
#define PACKAGES                                                                                   \
    "bash,ca-certificates,awscli,jq,curl,wget,unzip,zip,git,openssl,python3,procps,less"

/* Manuals and translations: a third of the files, and no build reads them. Licences stay. And
 * the mark by which Debian keeps pip out of the system's folders: a build installs there, as in
 * AWS's images, into a container that lives as long as it. */
static const char *const left_out[] = {
    "--dpkgopt=path-exclude=/usr/share/man/*",
    "--dpkgopt=path-exclude=/usr/share/locale/*/LC_MESSAGES/*",
    "--dpkgopt=path-exclude=/usr/share/doc/*",
    "--dpkgopt=path-include=/usr/share/doc/*/copyright",
    "--dpkgopt=path-exclude=/usr/lib/python3*/EXTERNALLY-MANAGED",
};

/* One image being made. */
struct making {
    struct arena *a;
    const char *name;
    const char *home;  /* IMAGES */
    const char *fresh; /* IMAGES/.NAME.new */
    const struct image_recipe *recipe;
    const char *codename; /* of the host: "bookworm" */
    const char *suite;    /* of the image */
    const char *one_line; /* file of one-line sources, or NULL */
    const char *deb822;   /* file of deb822 sources, or NULL */
    image_progress *progress;
    void *ud;
};

static void tell(struct making *m, const char *line) {
    if (m->progress != NULL) {
        m->progress(m->ud, str_c(line));
    }
}

/* VERSION_CODENAME of the host. */
static int find_codename(struct making *m, struct err *err) {
    struct str text = STR_NONE;
    if (file_read(m->a, "/etc/os-release", 65536, &text, err) < 0) {
        return -1;
    }
    struct str line = STR_NONE;
    while (str_cut(&text, '\n', &line)) {
        struct str key = STR_NONE;
        if (str_cut(&line, '=', &key) && str_is(key, "VERSION_CODENAME") && line.n > 0) {
            m->codename = str_z(m->a, line);
            return 0;
        }
    }
    return err_set(err, ERR_UNSUPPORTED, "/etc/os-release names no VERSION_CODENAME");
}

/* Whether one of the blank-separated words is the suite or one of its updates ("bookworm",
 * "bookworm-updates", "bookworm-security"). */
static bool names_suite(struct str words, const char *codename) {
    struct str word = STR_NONE;
    size_t n = strlen(codename);
    while (str_cut(&words, ' ', &word)) {
        struct str trimmed = str_trim(word);
        if (str_starts(trimmed, str_c(codename)) && (trimmed.n == n || trimmed.p[n] == '-')) {
            return true;
        }
    }
    return false;
}

/* Stanzas of a .sources file that serve our suite. */
static void take_deb822(struct making *m, struct str text, struct buf *out) {
    while (text.n > 0) {
        size_t end = str_find(text, S("\n\n"), 0);
        struct str stanza = end == (size_t)-1 ? text : str_sub(text, 0, end + 1);
        text = str_sub(text, stanza.n + (end == (size_t)-1 ? 0 : 1), text.n);
        struct str rest = stanza;
        struct str line = STR_NONE;
        bool wanted = false;
        bool off = false;
        while (str_cut(&rest, '\n', &line)) {
            wanted = wanted || (str_starts(line, S("Suites:")) &&
                                names_suite(str_sub(line, 7, line.n), m->codename));
            off = off || str_is(line, "Enabled: no");
        }
        if (wanted && !off) {
            buf_add(out, stanza);
            buf_add_z(out, "\n\n");
        }
    }
}

static void take_one_line(struct making *m, struct str text, struct buf *out) {
    struct str line = STR_NONE;
    while (str_cut(&text, '\n', &line)) {
        if (str_starts(line, S("deb ")) && names_suite(line, m->codename)) {
            buf_add(out, line);
            buf_add_c(out, '\n');
        }
    }
}

static int write_sources(struct making *m, const char *file, const struct buf *b, const char **ret,
                         struct err *err) {
    if (b->n == 0) {
        return 0;
    }
    *ret = str_printf(m->a, "%s/%s", m->fresh, file).p;
    return file_write(*ret, buf_str(b), 0644, err);
}

/* Sources of the host's suite and its updates, as those of another suite: in every word that is
 * the host's suite, or begins with it and '-' or '/', the other one's name. */
static void change_suite(const struct making *m, struct buf *b) {
    struct str text = buf_dup(m->a, b);
    size_t n = strlen(m->codename);
    if (strcmp(m->suite, m->codename) == 0) {
        return;
    }
    buf_clear(b);
    for (size_t i = 0; i < text.n;) {
        bool begins = i == 0 || strchr(" \t\n:", text.p[i - 1]) != NULL;
        char after = i + n < text.n ? text.p[i + n] : ' ';
        if (begins && str_starts(str_sub(text, i, text.n), str_c(m->codename)) &&
            strchr(" \t\n-/", after) != NULL) {
            buf_add_z(b, m->suite);
            i += n;
        } else {
            buf_add_c(b, text.p[i++]);
        }
    }
}

/* Collects the host's package sources of its own suite into two files. */
static int collect_sources(struct making *m, struct err *err) {
    struct buf lines cleanup_buf;
    struct buf stanzas cleanup_buf;
    buf_init(&lines, SOURCES_MAX);
    buf_init(&stanzas, SOURCES_MAX);
    struct str_list names = {0};
    struct err absent = ERR_INIT;
    if (dir_list(m->a, "/etc/apt/sources.list.d", &names, &absent) < 0) {
        names = (struct str_list){0};
    }
    *arena_push(m->a, &names) = S("../sources.list");
    for (size_t i = 0; i < names.n; i++) {
        const char *path =
            str_printf(m->a, "/etc/apt/sources.list.d/" STR_FMT, STR_ARG(names.v[i])).p;
        struct str text = STR_NONE;
        bool deb822 = str_ends(names.v[i], S(".sources"));
        if ((deb822 || str_ends(names.v[i], S(".list"))) &&
            file_read(m->a, path, SOURCES_MAX, &text, &absent) == 0) {
            (deb822 ? take_deb822 : take_one_line)(m, text, deb822 ? &stanzas : &lines);
        }
    }
    if (lines.n + stanzas.n == 0) {
        return err_set(err, ERR_UNSUPPORTED, "no package source of %s in /etc/apt", m->codename);
    }
    change_suite(m, &lines);
    change_suite(m, &stanzas);
    return write_sources(m, "one-line.list", &lines, &m->one_line, err) < 0
               ? -1
               : write_sources(m, "deb822.sources", &stanzas, &m->deb822, err);
}

/* Its information and its errors; warnings are about our own way of calling it. */
static void relay(void *ud, struct str line) {
    struct making *m = ud;
    struct str text = str_trim(line);
    if (m->progress != NULL && (str_starts(text, S("I: ")) || str_starts(text, S("E: ")))) {
        m->progress(m->ud, str_sub(text, 3, text.n));
    }
}

static int run_mmdebstrap(struct making *m, struct err *err) {
    struct str include = S("--include=" PACKAGES);
    for (size_t i = 0; i < m->recipe->packages.n; i++) {
        include = str_printf(m->a, STR_FMT "," STR_FMT, STR_ARG(include),
                             STR_ARG(m->recipe->packages.v[i]));
    }
    const char *argv[16] = {"mmdebstrap", "--variant=minbase", "--mode=root", "--format=directory",
                            include.p};
    size_t n = 5;
    for (size_t i = 0; i < sizeof(left_out) / sizeof(left_out[0]); i++) {
        argv[n++] = left_out[i];
    }
    argv[n++] = m->suite;
    argv[n++] = str_printf(m->a, "%s/rootfs", m->fresh).p;
    if (m->one_line != NULL) {
        argv[n++] = m->one_line;
    }
    if (m->deb822 != NULL) {
        argv[n++] = m->deb822;
    }
    const struct process_run run = {.spec = {.argv = argv, .session = true},
                                    .timeout_ms = BUILD_TIMEOUT_MS,
                                    .line = relay,
                                    .ud = m};
    return process_run(m->a, &run, NULL, NULL, NULL, err);
}

/* Names and versions of what is in the image. */
static int list_packages(struct making *m, json_t *packages, struct buf *text, struct err *err) {
    const char *argv[] = {"dpkg-query",
                          "-W",
                          "-f",
                          "${Package}:${Architecture} ${Version}\\n",
                          str_printf(m->a, "--admindir=%s/rootfs/var/lib/dpkg", m->fresh).p,
                          NULL};
    const struct process_run run = {.spec = {.argv = argv}, .output_max = PACKAGES_MAX};
    struct str out = STR_NONE;
    if (process_run(m->a, &run, &out, NULL, NULL, err) < 0) {
        return -1;
    }
    buf_add(text, out);
    struct str line = STR_NONE;
    while (str_cut(&out, '\n', &line)) {
        struct str package = STR_NONE;
        if (str_cut(&line, ' ', &package) && line.n > 0) {
            size_t colon = str_find_c(package, ':', 0);
            json_set_str(packages, str_z(m->a, str_sub(package, 0, colon)), line);
        }
    }
    return 0;
}

static int describe(struct making *m, struct err *err) {
    struct buf text cleanup_buf;
    buf_init(&text, PACKAGES_MAX);
    json_t *packages cleanup_json = json_object();
    buf_printf(&text, "%s\n", m->suite);
    if (list_packages(m, packages, &text, err) < 0) {
        return -1;
    }
    json_t *json cleanup_json = json_object();
    json_set_str(json, "name", str_c(m->name));
    json_set_str(
        json, "digest",
        str_printf(m->a, "sha256:" STR_FMT, STR_ARG(crypto_sha256_hex(m->a, buf_str(&text)))));
    json_set_str(json, "suite", str_c(m->suite));
    if (m->recipe->reference.n > 0) {
        json_set_str(json, "reference", m->recipe->reference);
    }
    int64_t now = clock_now_ms(&clock_system);
    json_set_str(json, "created", time_iso(m->a, now));
    json_object_set_new(json, "createdMs", json_integer(now));
    json_object_set(json, "packages", packages);
    return file_write_atomic(str_printf(m->a, "%s/image.json", m->fresh).p,
                             json_dump_pretty(m->a, json), 0644, err);
}

/* Puts the new image where the old one is, in one step; the old one becomes a hidden leftover. */
static int put_in_place(struct making *m, struct err *err) {
    const char *place = str_printf(m->a, "%s/%s", m->home, m->name).p;
    if (!file_exists(place)) {
        return file_rename(m->fresh, place, err) < 0 ? -1 : file_sync_dir_of(place, err);
    }
    if (renameat2(AT_FDCWD, m->fresh, AT_FDCWD, place, RENAME_EXCHANGE) < 0) {
        return err_sys(err, errno, "replace %s", place);
    }
    const char *old = str_printf(m->a, "%s/.%s.old-%lld", m->home, m->name,
                                 (long long)clock_now_ms(&clock_system))
                          .p;
    return file_rename(m->fresh, old, err) < 0 ? -1 : file_sync_dir_of(place, err);
}

/* The files of a whole system are not fsynced one by one: syncfs before the rename does it. */
static int sync_all(struct making *m, struct err *err) {
    int fd cleanup_fd = file_open(m->fresh, O_RDONLY | O_DIRECTORY, 0, err);
    if (fd < 0) {
        return -1;
    }
    return syncfs(fd) < 0 ? err_sys(err, errno, "sync %s", m->fresh) : 0;
}

static int make(struct making *m, struct err *err) {
    tell(m, "reading the package sources of this machine");
    if (tree_remove(m->fresh, err) < 0 || dir_make(m->fresh, 0755, err) < 0 ||
        find_codename(m, err) < 0) {
        return -1;
    }
    m->suite = m->recipe->suite ? m->recipe->suite : m->codename;
    if (collect_sources(m, err) < 0 || run_mmdebstrap(m, err) < 0) {
        return -1;
    }
    tell(m, "recording the versions");
    if (describe(m, err) < 0 || sync_all(m, err) < 0 || put_in_place(m, err) < 0) {
        return -1;
    }
    return 0;
}

static int check_rights(struct arena *a, struct err *err) {
    if (geteuid() != 0) {
        return err_set(err, ERR_UNSUPPORTED,
                       "images are made by root only, as containers are; run it as root");
    }
    if (program_find(a, "mmdebstrap") == NULL) {
        return err_set(err, ERR_UNSUPPORTED,
                       "mmdebstrap is missing; install it: apt-get install mmdebstrap");
    }
    return 0;
}

int image_make(struct arena *a, const struct image_recipe *recipe, bool again,
               image_progress *progress, void *ud, struct image *ret, struct err *err) {
    const char *name = recipe->name;
    struct making m = {.a = a,
                       .name = name,
                       .home = image_home(a),
                       .recipe = recipe,
                       .progress = progress,
                       .ud = ud};
    struct err absent = ERR_INIT;
    if (image_check_name(name, err) < 0) {
        return -1;
    }
    if (!again && image_find(a, name, true, ret, &absent) == 0) {
        return 0;
    }
    if (check_rights(a, err) < 0 || dir_make(m.home, 0755, err) < 0) {
        return -1;
    }
    /* Whoever comes second waits, and then finds the image there. */
    int lock cleanup_fd = file_lock(str_printf(a, "%s/.lock", m.home).p, true, err);
    if (lock < 0) {
        return -1;
    }
    if (!again && image_find(a, name, true, ret, &absent) == 0) {
        return 0;
    }
    m.fresh = str_printf(a, "%s/.%s.new", m.home, name).p;
    if (make(&m, err) < 0) {
        if (tree_remove(m.fresh, &absent) < 0) {
            tell(&m, absent.msg);
        }
        return err_wrap(err, "make the image '%s'", name);
    }
    return image_find(a, name, true, ret, err);
}

int image_build(struct arena *a, const char *name, bool again, image_progress *progress, void *ud,
                struct image *ret, struct err *err) {
    const struct image_recipe recipe = {.name = name};
    return image_make(a, &recipe, again, progress, ud, ret, err);
}

int image_remove(const char *name, struct err *err) {
    struct arena a = ARENA_INIT;
    const char *home = image_home(&a);
    const char *place = str_printf(&a, "%s/%s", home, name).p;
    const char *old =
        str_printf(&a, "%s/.%s.old-%lld", home, name, (long long)clock_now_ms(&clock_system)).p;
    int result = image_check_name(name, err) < 0 || file_rename(place, old, err) < 0
                     ? -1
                     : file_sync_dir_of(place, err);
    arena_done(&a);
    return result;
}

/* Nobody stands on it: a container's supervisor holds a shared lock on its image's folder. */
static bool unused(const char *dir) {
    struct err ignored = ERR_INIT;
    int fd cleanup_fd = file_open(dir, O_RDONLY | O_DIRECTORY, 0, &ignored);
    if (fd < 0) {
        return ignored.kind == ERR_NOT_FOUND;
    }
    return flock(fd, LOCK_EX | LOCK_NB) == 0;
}

int image_sweep(struct err *err) {
    struct arena a = ARENA_INIT;
    const char *home = image_home(&a);
    struct str_list names = {0};
    struct err busy = ERR_INIT;
    int result = 0;
    int lock cleanup_fd =
        file_is_dir(home) ? file_lock(str_printf(&a, "%s/.lock", home).p, false, &busy) : -1;
    if (lock >= 0) {
        result = dir_list(&a, home, &names, err);
    }
    for (size_t i = 0; result == 0 && i < names.n; i++) {
        const char *dir = str_printf(&a, "%s/" STR_FMT, home, STR_ARG(names.v[i])).p;
        bool leftover =
            str_ends(names.v[i], S(".new")) || str_find(names.v[i], S(".old-"), 0) != (size_t)-1;
        if (names.v[i].p[0] == '.' && leftover && unused(str_printf(&a, "%s/rootfs", dir).p)) {
            result = tree_remove(dir, err);
        }
    }
    arena_done(&a);
    return result;
}
