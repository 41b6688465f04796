/* `trunkline-init place`, see tools.h. It runs inside the container, as its root: links that a
 * build has made lead nowhere else. */
#include "init/tools.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { COPY_BYTES = 1 << 20, TOLD_MAX = 20 };

static unsigned told;

static void tell(const char *what, const char *path) {
    if (++told <= TOLD_MAX) {
        fprintf(stderr, "%s %s: %s\n", what, path, strerror(errno));
    }
}

/* Makes the folders above `path`, which is given back as it was. */
static void make_parents(char *path) {
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(path, 0755) < 0 && errno != EEXIST) {
            tell("make", path);
        }
        *slash = '/';
    }
}

/* Where a rename is not possible: the target is on a file system of its own. */
static bool copy(const char *from, const char *to) {
    static char chunk[COPY_BYTES];
    struct stat st;
    int in = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    int out =
        in < 0 || fstat(in, &st) < 0
            ? -1
            : open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, st.st_mode & 0777);
    ssize_t n = out < 0 ? -1 : 1;
    while (n > 0 && (n = read(in, chunk, sizeof(chunk))) > 0) {
        for (ssize_t done = 0; done < n;) {
            ssize_t wrote = write(out, chunk + done, (size_t)(n - done));
            if (wrote <= 0) {
                n = -1;
                break;
            }
            done += wrote;
        }
    }
    if (in >= 0) {
        close(in);
    }
    if (out >= 0) {
        close(out);
    }
    return n == 0;
}

static void put_file(const char *from, char *to) {
    make_parents(to);
    if (rename(from, to) < 0 && (errno != EXDEV || !copy(from, to))) {
        tell("place", to);
    }
}

static void put_link(const char *target, char *to) {
    struct stat st;
    make_parents(to);
    if (lstat(to, &st) == 0 && !S_ISDIR(st.st_mode)) {
        unlink(to);
    }
    if (symlink(target, to) < 0) {
        tell("link", to);
    }
}

int place(const char *list) {
    struct stat st;
    int fd = open(list, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0) {
        perror(list);
        return 1;
    }
    size_t size = (size_t)st.st_size;
    char *text = size > 0 ? mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0) : NULL;
    if (text == MAP_FAILED) {
        perror(list);
        return 1;
    }
    char *end = text + size;
    for (char *at = text; size > 0 && at < end;) {
        char kind = *at++;
        char *first = at;
        char *second = memchr(first, '\0', (size_t)(end - first));
        char *last = second ? memchr(second + 1, '\0', (size_t)(end - second - 1)) : NULL;
        if (last == NULL) {
            fprintf(stderr, "%s is cut off\n", list);
            return 1;
        }
        if (kind == 'f') {
            put_file(first, second + 1);
        } else {
            put_link(first, second + 1);
        }
        at = last + 1;
    }
    if (told > TOLD_MAX) {
        fprintf(stderr, "%u more could not be placed\n", told - TOLD_MAX);
    }
    return 0;
}
