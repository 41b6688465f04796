/*
 * `codebuild-glob-search` and `codebuild-tests-run`, see tools.h: the test files of this build of a
 * fan-out. Which build it is stands in CODEBUILD_SHARD_INDEX and CODEBUILD_SHARD_COUNT; outside of
 * a fan-out all files are this build's.
 */
#include "init/find.h"
#include "init/tools.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SHARD_FILES "CODEBUILD_CURRENT_SHARD_FILES"

struct run {
    const char *test_command;
    const char *files_search;
    const char *strategy;
    unsigned long index, count;
    struct found mine;
};

int glob_search(int argc, char **argv) {
    int dir_fd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (argc < 2 || dir_fd < 0) {
        fprintf(stderr, "usage: codebuild-glob-search PATTERN...\n");
        return 1;
    }
    struct found found = find_files(dir_fd, argv + 1, (size_t)argc - 1);
    for (size_t i = 0; i < found.n; i++) {
        if (i == 0 || strcmp(found.v[i - 1], found.v[i]) != 0) {
            printf("%s\n", found.v[i]);
        }
    }
    return 0;
}

/* "--name value" or "--name=value"; *at moves to the value. */
static bool option(int argc, char **argv, int *at, const char *name, const char **ret) {
    size_t n = strlen(name);
    if (strncmp(argv[*at], name, n) != 0) {
        return false;
    }
    if (argv[*at][n] == '=') {
        *ret = argv[*at] + n + 1;
        return true;
    }
    if (argv[*at][n] != '\0' || *at + 1 >= argc) {
        return false;
    }
    *ret = argv[++*at];
    return true;
}

static bool read_options(int argc, char **argv, struct run *r) {
    r->strategy = "equal-distribution";
    for (int i = 1; i < argc; i++) {
        if (!option(argc, argv, &i, "--test-command", &r->test_command) &&
            !option(argc, argv, &i, "--files-search", &r->files_search) &&
            !option(argc, argv, &i, "--sharding-strategy", &r->strategy)) {
            return false;
        }
    }
    return r->test_command != NULL && r->files_search != NULL &&
           (strcmp(r->strategy, "equal-distribution") == 0 ||
            strcmp(r->strategy, "stability") == 0);
}

static unsigned long number_of(const char *name, unsigned long without) {
    const char *text = getenv(name);
    return text != NULL && *text >= '0' && *text <= '9' ? strtoul(text, NULL, 10) : without;
}

/* ---- finding ---- */

/* What the command prints, one name a line. False when it failed. */
static bool search(const char *command, struct found *ret) {
    int ends[2];
    pid_t pid = pipe2(ends, O_CLOEXEC) < 0 ? -1 : fork();
    if (pid == 0) {
        dup2(ends[1], 1);
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    if (pid < 0) {
        return false;
    }
    close(ends[1]);
    FILE *out = fdopen(ends[0], "r");
    char *line = NULL;
    size_t room = 0;
    ssize_t n = 0;
    while (out != NULL && (n = getline(&line, &room, out)) >= 0) {
        while (n > 0 && (line[n - 1] == '\n' || line[n - 1] == '\r')) {
            line[--n] = '\0';
        }
        if (n > 0) {
            found_add(ret, line);
        }
    }
    free(line);
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* ---- splitting ---- */

static uint64_t weight_of(const char *name, unsigned long shard) {
    uint64_t h = 14695981039346656037ULL ^ (shard + 1) * 0x9E3779B97F4A7C15ULL;
    for (; *name != '\0'; name++) {
        h = (h ^ (unsigned char)*name) * 1099511628211ULL;
    }
    h ^= h >> 33;
    h *= 0xff51afd7ed558ccdULL;
    return h ^ h >> 33;
}

/* The shard that weighs most: with one shard more only the files that move to it move. */
static unsigned long stable_shard(const char *name, unsigned long count) {
    unsigned long best = 0;
    for (unsigned long i = 1; i < count; i++) {
        best = weight_of(name, i) > weight_of(name, best) ? i : best;
    }
    return best;
}

/* Runs of equal length of the sorted names; the first ones are one longer where it does not fit. */
static unsigned long equal_shard(size_t at, size_t n, unsigned long count) {
    size_t each = n / count;
    size_t longer = n % count;
    size_t border = longer * (each + 1);
    return at < border ? at / (each + 1) : longer + (at - border) / each;
}

static void choose(struct run *r, const struct found *all) {
    bool stable = strcmp(r->strategy, "stability") == 0;
    for (size_t i = 0; i < all->n; i++) {
        unsigned long shard =
            stable ? stable_shard(all->v[i], r->count) : equal_shard(i, all->n, r->count);
        if (shard == r->index) {
            found_add(&r->mine, all->v[i]);
        }
    }
}

/* ---- running ---- */

static char *joined(const struct found *list, const char *before, const char *between,
                    bool quoted) {
    size_t n = strlen(before) + 1;
    for (size_t i = 0; i < list->n; i++) {
        n += 4 * strlen(list->v[i]) + strlen(between) + 2;
    }
    char *text = malloc(n);
    if (text == NULL) {
        exit(1);
    }
    char *at = stpcpy(text, before);
    for (size_t i = 0; i < list->n; i++) {
        bool plain = strspn(list->v[i], "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                        "0123456789_./:@%+,-") == strlen(list->v[i]);
        at = i > 0 || *before != '\0' ? stpcpy(at, between) : at;
        if (!quoted || plain) {
            at = stpcpy(at, list->v[i]);
            continue;
        }
        *at++ = '\'';
        for (const char *c = list->v[i]; *c != '\0'; c++) {
            at = *c == '\'' ? stpcpy(at, "'\\''") : (*at = *c, at + 1);
        }
        at = stpcpy(at, "'");
    }
    *at = '\0';
    return text;
}

static int run(const struct run *r) {
    bool by_variable = strstr(r->test_command, SHARD_FILES) != NULL;
    char *command =
        by_variable ? strdup(r->test_command) : joined(&r->mine, r->test_command, " ", true);
    if (command == NULL || setenv(SHARD_FILES, joined(&r->mine, "", "\n", false), 1) < 0) {
        return 1;
    }
    execl("/bin/sh", "sh", "-c", command, (char *)NULL);
    fprintf(stderr, "codebuild-tests-run: %s\n", strerror(errno));
    return 1;
}

int tests_run(int argc, char **argv) {
    struct run r = {0};
    struct found all = {0};
    if (!read_options(argc, argv, &r)) {
        fprintf(stderr, "usage: codebuild-tests-run --test-command COMMAND --files-search COMMAND "
                        "[--sharding-strategy equal-distribution|stability]\n");
        return 1;
    }
    r.count = number_of("CODEBUILD_SHARD_COUNT", 1);
    r.index = number_of("CODEBUILD_SHARD_INDEX", 0);
    if (r.count == 0 || r.index >= r.count) {
        fprintf(stderr, "codebuild-tests-run: there is no shard %lu of %lu\n", r.index, r.count);
        return 1;
    }
    if (!search(r.files_search, &all)) {
        fprintf(stderr, "codebuild-tests-run: the files-search command failed\n");
        return 1;
    }
    if (all.n == 0) {
        fprintf(stderr, "codebuild-tests-run: the files-search command found no files\n");
        return 1;
    }
    found_sort(&all);
    choose(&r, &all);
    if (r.mine.n == 0) {
        printf("codebuild-tests-run: none of the %zu files is for shard %lu of %lu\n", all.n,
               r.index + 1, r.count);
        return 0;
    }
    return run(&r);
}
