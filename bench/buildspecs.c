/*
 * Reading buildspecs: every file named on the command line, held in memory, is read once a round.
 * Prints the seconds of each round, the best one last; `bench/run buildspecs` puts PyYAML beside
 * it.
 *
 * usage: buildspecs ROUNDS FILE...
 */
#include "flow/phase/buildspec.h"
#include "platform/os/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { MAX_BYTES = 2 * 1024 * 1024 };

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double read_all(const struct str *texts, int n) {
    struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    double begin = now();
    for (int i = 0; i < n; i++) {
        struct buildspec spec;
        if (buildspec_read(&a, "buildspec.yml", texts[i], &spec, &err) < 0) {
            abort();
        }
        arena_done(&a);
        arena_init(&a);
    }
    double took = now() - begin;
    arena_done(&a);
    return took;
}

int main(int argc, char **argv) {
    struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    int rounds = argc > 1 ? atoi(argv[1]) : 0;
    int n = argc - 2;
    if (rounds < 1 || n < 1) {
        fprintf(stderr, "usage: buildspecs ROUNDS FILE...\n");
        return 2;
    }
    struct str *texts = arena_new_n(&a, struct str, (size_t)n);
    for (int i = 0; i < n; i++) {
        if (file_read(&a, argv[i + 2], MAX_BYTES, &texts[i], &err) < 0) {
            fprintf(stderr, "%s\n", err.msg);
            return 1;
        }
    }
    double best = read_all(texts, n);
    for (int i = 1; i < rounds; i++) {
        double took = read_all(texts, n);
        best = took < best ? took : best;
    }
    printf("%.6f\n", best);
    arena_done(&a);
    return 0;
}
