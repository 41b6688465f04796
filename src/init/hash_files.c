/* `codebuild-hash-files`, see tools.h. */
#include "init/tools.h"

#include "flow/artifact/match.h"
#include "init/sha256.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILES_MAX = 1000 * 1000, DEPTH_MAX = 100, NAME_MAX_BYTES = 4096 };

static struct {
    char **v;
    size_t n, cap;
} found;

static void keep(const char *name) {
    if (found.n == found.cap) {
        found.cap = found.cap ? found.cap * 2 : 64;
        found.v = realloc(found.v, found.cap * sizeof(*found.v));
    }
    char *copy = strdup(name);
    if (found.v == NULL || copy == NULL || found.n >= FILES_MAX) {
        fprintf(stderr, "codebuild-hash-files: too many files\n");
        exit(1);
    }
    found.v[found.n++] = copy;
}

static bool wanted(char *const *patterns, size_t n, const char *name) {
    for (size_t i = 0; i < n; i++) {
        const char *p = strncmp(patterns[i], "./", 2) == 0 ? patterns[i] + 2 : patterns[i];
        if (artifact_match(str_c(p), str_c(name))) {
            return true;
        }
    }
    return false;
}

static void walk(int dir_fd, const char *prefix, char *const *patterns, size_t n, int depth) {
    DIR *dir = fdopendir(dir_fd);
    const struct dirent *e = NULL;
    while (dir != NULL && (e = readdir(dir)) != NULL) {
        char name[NAME_MAX_BYTES];
        struct stat st;
        int length = snprintf(name, sizeof(name), "%s%s", prefix, e->d_name);
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 ||
            length >= (int)sizeof(name) - 1 ||
            fstatat(dirfd(dir), e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
            continue;
        }
        if (S_ISREG(st.st_mode) && wanted(patterns, n, name)) {
            keep(name);
        } else if (S_ISDIR(st.st_mode) && depth < DEPTH_MAX) {
            int fd = openat(dirfd(dir), e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
            memcpy(name + length, "/", 2);
            if (fd >= 0) {
                walk(fd, name, patterns, n, depth + 1);
            }
        }
    }
    if (dir != NULL) {
        closedir(dir);
    } else {
        close(dir_fd);
    }
}

static int by_name(const void *x, const void *y) {
    return strcmp(*(char *const *)x, *(char *const *)y);
}

static bool hash_one(int dir_fd, const char *name, unsigned char out[32]) {
    static char chunk[1 << 16];
    struct sha256 s;
    int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t n = fd < 0 ? -1 : 1;
    sha256_begin(&s);
    while (n > 0 && (n = read(fd, chunk, sizeof(chunk))) > 0) {
        sha256_add(&s, chunk, (size_t)n);
    }
    if (n < 0) {
        fprintf(stderr, "codebuild-hash-files: %s: %s\n", name, strerror(errno));
    }
    if (fd >= 0) {
        close(fd);
    }
    sha256_end(&s, out);
    return n == 0;
}

int hash_files(int argc, char **argv) {
    const char *home = getenv("CODEBUILD_SRC_DIR");
    const char *base = home != NULL && home[0] == '/' ? home : ".";
    int dir_fd = open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    unsigned char digest[32];
    struct sha256 all;
    if (argc < 2 || dir_fd < 0) {
        fprintf(stderr, argc < 2 ? "usage: codebuild-hash-files PATTERN...\n"
                                 : "codebuild-hash-files: the source directory is gone\n");
        return 1;
    }
    for (int i = 1; i < argc; i++) {
        struct stat st;
        if (argv[i][0] == '/' && stat(argv[i], &st) == 0 && S_ISREG(st.st_mode)) {
            keep(argv[i]);
        }
    }
    walk(dup(dir_fd), "", argv + 1, (size_t)argc - 1, 0);
    if (found.n == 0) {
        fprintf(stderr, "codebuild-hash-files: no file matches\n");
        return 1;
    }
    qsort(found.v, found.n, sizeof(*found.v), by_name);
    sha256_begin(&all);
    for (size_t i = 0; i < found.n; i++) {
        if (!hash_one(dir_fd, found.v[i], digest)) {
            return 1;
        }
        sha256_add(&all, digest, sizeof(digest));
    }
    sha256_end(&all, digest);
    for (size_t i = 0; i < sizeof(digest); i++) {
        printf("%02x", digest[i]);
    }
    printf("\n");
    return 0;
}
