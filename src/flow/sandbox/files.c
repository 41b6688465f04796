/*
 * What a container finds beyond its image: names, the trusted authority, /codebuild. Everything is
 * put into the upper layer before the overlay is mounted, while nobody else can touch it. A folder
 * that the image has keeps its mode; all belongs to the container's root.
 */
#include "flow/sandbox/internal.h"

#include "platform/os/fd.h"
#include "platform/os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define CA_BUNDLE "etc/ssl/certs/ca-certificates.crt"
#define CA_BUNDLE_FEDORA "etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem"
#define CA_FILE "usr/local/share/ca-certificates/trunkline.crt"

enum { CA_BUNDLE_MAX = 8 << 20 };

/* The layer under construction. */
struct layer {
    const struct sandbox *s;
    struct arena *a; /* for the files' texts */
    int upper_fd;
    int image_fd;
};

static mode_t mode_in_image(const struct layer *l, const char *path) {
    struct stat st;
    struct err ignored = ERR_INIT;
    int fd cleanup_fd = file_open_beneath(l->image_fd, path, O_PATH | O_NOFOLLOW, 0, &ignored);
    return fd >= 0 && fstat(fd, &st) == 0 && S_ISDIR(st.st_mode) ? st.st_mode & 07777 : 0755;
}

/* Makes the folder and its parents. */
static int make_folder(const struct layer *l, const char *path, struct err *err) {
    struct arena a = ARENA_INIT;
    char *part = (char *)str_dup(&a, str_c(path)).p;
    int result = 0;
    for (char *end = part; result == 0 && end != NULL;) {
        end = strchr(end + 1, '/');
        if (end != NULL) {
            *end = '\0';
        }
        mode_t mode = mode_in_image(l, part);
        if (mkdirat(l->upper_fd, part, mode) == 0) {
            /* fchmodat: mkdir minds the umask, and /tmp's mode has a bit that mkdir drops. */
            if (fchmodat(l->upper_fd, part, mode, 0) < 0 ||
                fchownat(l->upper_fd, part, l->s->base, l->s->base, AT_SYMLINK_NOFOLLOW) < 0) {
                result = err_sys(err, errno, "give folder /%s to the container", part);
            }
        } else if (errno != EEXIST) {
            result = err_sys(err, errno, "make folder /%s", part);
        }
        if (end != NULL) {
            *end = '/';
        }
    }
    arena_done(&a);
    return result;
}

static int make_parent(const struct layer *l, const char *path, struct err *err) {
    struct str p = str_c(path);
    size_t slash = str_rfind_c(p, '/');
    if (slash == (size_t)-1) {
        return 0;
    }
    struct arena a = ARENA_INIT;
    int result = make_folder(l, str_z(&a, str_n(p.p, slash)), err);
    arena_done(&a);
    return result;
}

static int put(const struct layer *l, const char *path, struct str bytes, mode_t mode,
               struct err *err) {
    if (make_parent(l, path, err) < 0) {
        return -1;
    }
    const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW;
    int fd cleanup_fd = file_open_beneath(l->upper_fd, path, flags, mode, err);
    if (fd < 0 || fd_write_all(fd, bytes.p, bytes.n, err) < 0) {
        return -1;
    }
    if (fchmod(fd, mode) < 0 || fchown(fd, l->s->base, l->s->base) < 0) {
        return err_sys(err, errno, "give /%s to the container", path);
    }
    return 0;
}

static int put_names(const struct layer *l, struct err *err) {
    const struct sandbox_spec *spec = &l->s->spec;
    struct str hosts = str_printf(l->a,
                                  "127.0.0.1\tlocalhost\n"
                                  "::1\tlocalhost ip6-localhost ip6-loopback\n"
                                  "127.0.1.1\t%s\n" STR_FMT,
                                  spec->hostname, STR_ARG(spec->hosts));
    struct str resolver = STR_NONE;
    if (spec->nameserver != NULL) {
        resolver =
            str_printf(l->a, "nameserver %s\noptions timeout:5 attempts:2\n", spec->nameserver);
    }
    if (put(l, "etc/hosts", hosts, 0644, err) < 0 ||
        put(l, "etc/resolv.conf", resolver, 0644, err) < 0 ||
        put(l, "etc/hostname", str_printf(l->a, "%s\n", spec->hostname), 0644, err) < 0) {
        return -1;
    }
    return 0;
}

/* A bundle of the image with ours behind; an image that has no such bundle gets none. */
static int append_authority(const struct layer *l, const char *path, bool always, struct err *err) {
    struct str pem = l->s->spec.ca_pem;
    struct str bundle = STR_NONE;
    struct err absent = ERR_INIT;
    struct stat st;
    /* O_NONBLOCK: nobody vouches for an image, and what should be a file may be a pipe. */
    int fd cleanup_fd =
        file_open_beneath(l->image_fd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0, &absent);
    bool there = fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
    if (!there && !always) {
        return 0;
    }
    if (there && fd_read_all(l->a, fd, CA_BUNDLE_MAX, &bundle, err) < 0) {
        return err_wrap(err, "the image's /%s", path);
    }
    struct str both = str_printf(l->a, STR_FMT "%s" STR_FMT "\n", STR_ARG(bundle),
                                 str_ends(bundle, S("\n")) ? "" : "\n", STR_ARG(pem));
    return put(l, path, both, 0644, err);
}

/* Twice: appended to the bundles that programs read, and beside it, where update-ca-certificates
 * finds it again when it rewrites the bundle. */
static int put_authority(const struct layer *l, struct err *err) {
    if (l->s->spec.ca_pem.n == 0) {
        return 0;
    }
    return append_authority(l, CA_BUNDLE, true, err) < 0 ||
                   append_authority(l, CA_BUNDLE_FEDORA, false, err) < 0
               ? -1
               : put(l, CA_FILE, l->s->spec.ca_pem, 0644, err);
}

static int put_folders(const struct layer *l, struct err *err) {
    static const char *const always[] = {"codebuild/output/tmp", "codebuild/readonly"};
    for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++) {
        if (make_folder(l, always[i], err) < 0) {
            return -1;
        }
    }
    for (size_t i = 0; i < l->s->spec.folders_n; i++) {
        const char *path = l->s->spec.folders[i];
        if (path[0] != '/' || strstr(path, "/..") != NULL) {
            return err_set(err, ERR_INVALID, "folder '%s' is not an absolute path", path);
        }
        if (make_folder(l, path + 1, err) < 0) {
            return -1;
        }
    }
    return 0;
}

int files_make(const struct sandbox *s, struct err *err) {
    int upper cleanup_fd = file_open(s->upper, O_PATH | O_DIRECTORY, 0, err);
    if (upper < 0) {
        return -1;
    }
    int image cleanup_fd = file_open(s->spec.rootfs, O_PATH | O_DIRECTORY, 0, err);
    if (image < 0) {
        return err_wrap(err, "the image");
    }
    struct arena a = ARENA_INIT;
    const struct layer l = {s, &a, upper, image};
    int result = put_names(&l, err) < 0 || put_authority(&l, err) < 0 ? -1 : put_folders(&l, err);
    arena_done(&a);
    return result;
}
