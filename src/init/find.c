/* Implementation of find.h. */
#include "init/find.h"

#include "flow/artifact/match.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILES_MAX = 1000 * 1000, DEPTH_MAX = 100, NAME_MAX_BYTES = 4096 };

/* What a search is about. */
struct search {
    struct found found;
    char *const *patterns;
    size_t n;
};

void found_add(struct found *found, const char *name) {
    if (found->n == found->cap) {
        found->cap = found->cap ? found->cap * 2 : 64;
        found->v = realloc(found->v, found->cap * sizeof(*found->v));
    }
    char *copy = strdup(name);
    if (found->v == NULL || copy == NULL || found->n >= FILES_MAX) {
        fprintf(stderr, "too many files\n");
        exit(1);
    }
    found->v[found->n++] = copy;
}

static int by_name(const void *x, const void *y) {
    return strcmp(*(char *const *)x, *(char *const *)y);
}

void found_sort(struct found *found) {
    if (found->n > 1) {
        qsort(found->v, found->n, sizeof(*found->v), by_name);
    }
}

static bool wanted(const struct search *s, const char *name) {
    for (size_t i = 0; i < s->n; i++) {
        const char *p = strncmp(s->patterns[i], "./", 2) == 0 ? s->patterns[i] + 2 : s->patterns[i];
        if (artifact_match(str_c(p), str_c(name))) {
            return true;
        }
    }
    return false;
}

static void walk(struct search *s, int dir_fd, const char *prefix, int depth) {
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
        if (S_ISREG(st.st_mode) && wanted(s, name)) {
            found_add(&s->found, name);
        } else if (S_ISDIR(st.st_mode) && depth < DEPTH_MAX) {
            int fd = openat(dirfd(dir), e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
            memcpy(name + length, "/", 2);
            if (fd >= 0) {
                walk(s, fd, name, depth + 1);
            }
        }
    }
    if (dir != NULL) {
        closedir(dir);
    } else {
        close(dir_fd);
    }
}

struct found find_files(int dir_fd, char *const *patterns, size_t n) {
    struct search s = {.patterns = patterns, .n = n};
    for (size_t i = 0; i < n; i++) {
        struct stat st;
        if (patterns[i][0] == '/' && stat(patterns[i], &st) == 0 && S_ISREG(st.st_mode)) {
            found_add(&s.found, patterns[i]);
        }
    }
    walk(&s, dup(dir_fd), "", 0);
    found_sort(&s.found);
    return s.found;
}
