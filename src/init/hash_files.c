/* `codebuild-hash-files`, see tools.h. */
#include "init/tools.h"

#include "init/find.h"
#include "init/sha256.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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
    struct found found = find_files(dir_fd, argv + 1, (size_t)argc - 1);
    if (found.n == 0) {
        fprintf(stderr, "codebuild-hash-files: no file matches\n");
        return 1;
    }
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
