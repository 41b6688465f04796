/*
 * See fetch.h. The digest that an image is kept under is that of the manifest (or index of
 * manifests) which the reference leads to: the one that `@sha256:` pins. skopeo checks every blob
 * against its digest while it copies.
 */
#include "flow/image/fetch.h"

#include "base/clock.h"
#include "flow/image/cage.h"
#include "flow/image/known.h"
#include "platform/crypto/encode.h"
#include "platform/crypto/hash.h"
#include "platform/os/fd.h"
#include "platform/os/file.h"
#include "platform/text/json.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

enum {
    ASK_MS = 60 * 1000,
    FETCH_MS = 30 * 60 * 1000,
    MANIFEST_MAX = 4 << 20,
    CONFIG_MAX = 4 << 20,
    ENV_MAX = 1000,
};

#define IMAGE_BYTES_MAX ((int64_t)32 << 30) /* packed and unpacked together */

static void tell(const struct fetch *f, const char *what) {
    if (f->wish->progress != NULL) {
        f->wish->progress(f->wish->ud,
                          str_printf(f->a, "%s " STR_FMT, what, STR_ARG(f->ref->text)));
    }
}

/* ---- the work folder ---- */

int fetch_begin(struct fetch *f, struct err *err) {
    static const char *const folders[] = {"tmp", "home", "image"};
    f->work = str_printf(f->a, "%s/.work-%s", f->home, rng_hex(&rng_system, f->a, 16).p).p;
    f->work_fd = -1;
    if (dir_make(f->home, 0755, err) < 0 || dir_make_new(f->work, 0700, err) < 0) {
        return -1;
    }
    f->work_fd = file_open(f->work, O_RDONLY | O_DIRECTORY, 0, err);
    if (f->work_fd < 0 || flock(f->work_fd, LOCK_SH | LOCK_NB) < 0) {
        return f->work_fd < 0 ? -1 : err_sys(err, errno, "use %s", f->work);
    }
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
        if (dir_make_new(str_printf(f->a, "%s/%s", f->work, folders[i]).p, 0700, err) < 0) {
            return -1;
        }
    }
    return 0;
}

void fetch_end(struct fetch *f) {
    struct err why = ERR_INIT;
    if (f->work != NULL && tree_remove(f->work, &why) < 0) {
        fprintf(stderr, "trunkline: %s\n", why.msg); /* fetch_sweep tries again */
    }
    fd_closep(&f->work_fd);
    f->work = NULL;
}

int fetch_sweep(struct arena *a, struct err *err) {
    const char *home = image_home(a);
    struct str_list names = {0};
    if (file_is_dir(home) && dir_list(a, home, &names, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < names.n; i++) {
        const char *path = str_printf(a, "%s/" STR_FMT, home, STR_ARG(names.v[i])).p;
        struct err ignored = ERR_INIT;
        int fd cleanup_fd = str_starts(names.v[i], S(".work-"))
                                ? file_open(path, O_RDONLY | O_DIRECTORY, 0, &ignored)
                                : -1;
        if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0 && tree_remove(path, err) < 0) {
            return -1;
        }
    }
    return 0;
}

/* ---- skopeo and umoci ---- */

static const struct image_registry *registry_of(const struct fetch *f) {
    for (size_t i = 0; i < f->wish->registries_n; i++) {
        if (str_eq(f->wish->registries[i].name, f->ref->host)) {
            return &f->wish->registries[i];
        }
    }
    return NULL;
}

/* The address without its port; "" when it has no port. */
static struct str port_of(struct str address) {
    size_t colon = str_rfind_c(address, ':');
    return colon == (size_t)-1 ? S("") : str_sub(address, colon, address.n);
}

/* The reference in skopeo's words, pinned to the digest when that is known. A registry with an
 * address of its own keeps its name, for its certificate, and gets the address's port. */
static const char *source_name(const struct fetch *f) {
    const struct image_ref *ref = f->ref;
    if (ref->kind == IMAGE_REF_OCI) {
        return ref->tag.n > 0 ? str_printf(f->a, "oci:/source:" STR_FMT, STR_ARG(ref->tag)).p
                              : "oci:/source";
    }
    const struct image_registry *registry = registry_of(f);
    bool ported = str_find_c(ref->host, ':', 0) != (size_t)-1;
    struct str port = registry != NULL && !ported ? port_of(registry->address) : S("");
    struct str digest = f->digest.n > 0 ? f->digest : ref->digest;
    return str_printf(f->a, "docker://" STR_FMT STR_FMT "/" STR_FMT "%s" STR_FMT,
                      STR_ARG(ref->host), STR_ARG(port), STR_ARG(ref->repository),
                      digest.n > 0 ? "@" : ":", STR_ARG(digest.n > 0 ? digest : ref->tag))
        .p;
}

static struct str hosts_of(const struct fetch *f) {
    const struct image_registry *registry = registry_of(f);
    if (registry == NULL || registry->address.n == 0) {
        return STR_NONE;
    }
    struct str ip =
        str_sub(registry->address, 0, registry->address.n - port_of(registry->address).n);
    struct str name = f->ref->host;
    size_t colon = str_find_c(name, ':', 0);
    name = str_sub(name, 0, colon == (size_t)-1 ? name.n : colon);
    return str_printf(f->a, "127.0.0.1 localhost\n" STR_FMT " " STR_FMT "\n", STR_ARG(ip),
                      STR_ARG(name));
}

struct command {
    const char *v[24];
    size_t n;
};

static void add(struct command *c, const char *word) {
    c->v[c->n++] = word;
}

/* `skopeo [policy] WORD [authority] ...` */
static void begin_skopeo(const struct fetch *f, struct command *c, const char *word,
                         const char *prefix) {
    const struct image_registry *registry = registry_of(f);
    add(c, "skopeo");
    add(c, "--override-os=linux");
    if (!file_exists("/etc/containers/policy.json")) {
        add(c, "--insecure-policy"); /* nobody has written which signatures are wanted */
    }
    add(c, word);
    if (f->ref->kind != IMAGE_REF_REGISTRY) {
        return;
    }
    if (f->wish->username.n > 0) {
        add(c, "--authfile=/work/auth.json");
    }
    if (registry != NULL && registry->insecure) {
        add(c, str_printf(f->a, "--%stls-verify=false", prefix).p);
    }
}

/* A registry that a project names and no administrator is reached by the door. Where the operator
 * has a proxy, that one says what may be reached. */
static bool is_stranger(const struct fetch *f) {
    return f->wish->allow != NULL && registry_of(f) == NULL && getenv("HTTPS_PROXY") == NULL &&
           getenv("https_proxy") == NULL;
}

static int run(const struct fetch *f, struct command *c, bool network, int timeout_ms,
               struct str *ret_out, struct err *err) {
    static const struct egress none = {0};
    const struct cage cage = {
        .argv = c->v,
        .dir = f->work,
        .source = f->ref->kind == IMAGE_REF_OCI ? str_z(f->a, f->ref->dir) : NULL,
        .hosts = network ? hosts_of(f) : STR_NONE,
        .network = network && f->ref->kind == IMAGE_REF_REGISTRY,
        .door = is_stranger(f) ? &none : NULL,
        .bytes_max = IMAGE_BYTES_MAX,
        .timeout_ms = timeout_ms,
        .output_max = MANIFEST_MAX,
        .cancelled = f->wish->cancelled,
        .ud = f->wish->ud,
    };
    return cage_run(f->a, &cage, ret_out, err);
}

/* Credentials go by a file of the cage: an argument could be seen by everybody. */
static int write_authority(const struct fetch *f, struct err *err) {
    if (f->ref->kind != IMAGE_REF_REGISTRY || f->wish->username.n == 0) {
        return 0;
    }
    const struct image_registry *registry = registry_of(f);
    bool ported = str_find_c(f->ref->host, ':', 0) != (size_t)-1;
    struct str port = registry != NULL && !ported ? port_of(registry->address) : S("");
    struct str pair = str_printf(f->a, STR_FMT ":" STR_FMT, STR_ARG(f->wish->username),
                                 STR_ARG(f->wish->password));
    json_t *one = json_object();
    json_t *all = json_object();
    json_t *json cleanup_json = json_object();
    json_set_str(one, "auth", base64_encode(f->a, pair));
    json_set(all, str_printf(f->a, STR_FMT STR_FMT, STR_ARG(f->ref->host), STR_ARG(port)).p, one);
    json_set(json, "auths", all);
    return file_write(str_printf(f->a, "%s/auth.json", f->work).p, json_dump_str(f->a, json), 0600,
                      err);
}

int fetch_digest(struct fetch *f, struct err *err) {
    struct command c = {0};
    struct str manifest = STR_NONE;
    if (write_authority(f, err) < 0) {
        return -1;
    }
    begin_skopeo(f, &c, "inspect", "");
    add(&c, "--raw");
    add(&c, source_name(f));
    if (run(f, &c, true, ASK_MS, &manifest, err) < 0) {
        return -1;
    }
    f->digest = str_printf(f->a, "sha256:" STR_FMT, STR_ARG(crypto_sha256_hex(f->a, manifest)));
    return f->ref->digest.n > 0 && !str_eq(f->digest, f->ref->digest)
               ? err_set(err, ERR_INVALID, "the registry answered with another image, " STR_FMT,
                         STR_ARG(f->digest))
               : 0;
}

static int copy(struct fetch *f, struct err *err) {
    struct command c = {0};
    tell(f, "copying");
    begin_skopeo(f, &c, "copy", "src-");
    add(&c, "--quiet");
    add(&c, source_name(f));
    add(&c, "oci:/work/layout:image");
    return run(f, &c, true, FETCH_MS, NULL, err);
}

static int unpack(struct fetch *f, struct err *err) {
    struct command c = {
        {"umoci", "raw", "unpack", "--image", "/work/layout:image", "/work/image/rootfs"}, 6};
    tell(f, "unpacking");
    return run(f, &c, false, FETCH_MS, NULL, err);
}

/* ---- what the image says of itself ---- */

static int check_machine(const struct fetch *f, const json_t *config, struct err *err) {
    struct utsname u;
    uname(&u);
    const char *ours = strcmp(u.machine, "x86_64") == 0    ? "amd64"
                       : strcmp(u.machine, "aarch64") == 0 ? "arm64"
                                                           : u.machine;
    struct str os = json_str(config, "os");
    struct str architecture = json_str(config, "architecture");
    if (os.n > 0 && !str_is(os, "linux")) {
        return err_set(err, ERR_UNSUPPORTED, "it is an image for " STR_FMT ", not for Linux",
                       STR_ARG(os));
    }
    if (architecture.n > 0 && !str_is(architecture, ours)) {
        return err_set(err, ERR_UNSUPPORTED, "it is an image for " STR_FMT ", this machine is %s",
                       STR_ARG(architecture), ours);
    }
    int root cleanup_fd =
        file_open(str_printf(f->a, "%s/image/rootfs", f->work).p, O_PATH | O_DIRECTORY, 0, err);
    struct err absent = ERR_INIT;
    int found cleanup_fd = root < 0 ? -1 : file_open_beneath(root, "bin/sh", O_PATH, 0, &absent);
    return root < 0    ? -1
           : found < 0 ? err_set(err, ERR_UNSUPPORTED,
                                 "it has no /bin/sh, which the commands of a buildspec run in")
                       : 0;
}

/* Only what a build uses: `Env`. The rest is shown to people. */
static void take_config(const json_t *config, json_t *out) {
    const json_t *from = json_object_get(config, "config");
    json_t *env = json_array();
    size_t i = 0;
    json_t *one = NULL;
    json_array_foreach(json_object_get(from, "Env"), i, one) {
        struct str text = json_text(one);
        size_t equals = str_find_c(text, '=', 0);
        if (equals != (size_t)-1 && equals > 0 && i < ENV_MAX &&
            str_find_c(text, '\0', 0) == (size_t)-1) {
            json_array_append(env, one);
        }
    }
    json_set(out, "env", env);
    static const char *const shown[][2] = {{"User", "user"}, {"WorkingDir", "workdir"}};
    for (size_t k = 0; k < 2; k++) {
        json_set_str(out, shown[k][1], json_str(from, shown[k][0]));
    }
    json_object_set(out, "entrypoint", json_object_get(from, "Entrypoint"));
}

static int describe(struct fetch *f, struct err *err) {
    struct command c = {{"skopeo", "inspect", "--config", "oci:/work/layout:image"}, 4};
    struct str text = STR_NONE;
    if (run(f, &c, false, ASK_MS, &text, err) < 0) {
        return -1;
    }
    json_t *config cleanup_json = json_parse(text, err);
    if (config == NULL) {
        return err_wrap(err, "the image's configuration");
    }
    if (check_machine(f, config, err) < 0) {
        return -1;
    }
    json_t *json cleanup_json = json_object();
    json_set_str(json, "name", str_c(known_name(f->a, f->digest)));
    json_set_str(json, "digest", f->digest);
    json_set_str(json, "reference", f->ref->text);
    json_set(json, "createdMs", json_integer(clock_now_ms(&clock_system)));
    take_config(config, json);
    return file_write_atomic(str_printf(f->a, "%s/image/image.json", f->work).p,
                             json_dump_pretty(f->a, json), 0600, err);
}

/* Closed to others: it may hold programs that are setuid, of nobody knows whom. */
static int put_in_place(struct fetch *f, struct err *err) {
    const char *fresh = str_printf(f->a, "%s/image", f->work).p;
    const char *place = str_printf(f->a, "%s/%s", f->home, known_name(f->a, f->digest)).p;
    int fd cleanup_fd = file_open(fresh, O_RDONLY | O_DIRECTORY, 0, err);
    if (fd < 0) {
        return -1;
    }
    if (fchmod(fd, 0700) < 0 || syncfs(fd) < 0) {
        return err_sys(err, errno, "sync %s", fresh);
    }
    return file_rename(fresh, place, err) < 0 ? -1 : file_sync_dir_of(place, err);
}

int fetch_image(struct fetch *f, struct err *err) {
    return copy(f, err) < 0 || unpack(f, err) < 0 || describe(f, err) < 0 ? -1
                                                                          : put_in_place(f, err);
}
