/*
 * The simulator's command.
 *
 *   sim [--seeds N] [--from N] [--jobs N]     seeds FROM .. FROM+N-1, on all processors
 *   sim --seed N                              one seed, every event printed
 *   sim --store N ...                         one seed of N also through the store (20; 0 none)
 *   sim --brief 1 ...                         of a failure, its seed and what is wrong only
 *
 * Ends with 0 when nothing was wrong; else each worker's first failure is printed with its seed, in
 * full and made smaller.
 */
#include "sim.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static uint64_t brief;
static uint64_t store_every = 20; /* which seeds go through the store too; 0: none */

struct sums {
    uint64_t seeds;
    uint64_t events;
    uint64_t hash;
    uint64_t failed;
    uint64_t stores;
    uint64_t taken[OP_KINDS];
    uint64_t refused[OP_KINDS];
};

static void report(const struct sim_layer *layer, struct op_list *ops) {
    struct sim_world *w = mem_alloc(sizeof(*w));
    if (brief) {
        sim_run(w, layer, ops);
        printf("seed %llu, %s layer: %s\n", (unsigned long long)ops->seed, layer->name, w->wrong);
        fflush(stdout);
        free(w);
        return;
    }
    w->print = true;
    printf("seed %llu, %s layer, all events:\n", (unsigned long long)ops->seed, layer->name);
    sim_run(w, layer, ops);
    printf("  WRONG: %s\n", w->wrong);
    sim_shrink(layer, ops);
    w->print = true;
    printf("seed %llu, made smaller (%zu operations):\n", (unsigned long long)ops->seed, ops->n);
    sim_run(w, layer, ops);
    printf("  WRONG: %s\n", w->wrong);
    fflush(stdout);
    free(w);
}

/* One of so many, spread over all workers. */
static bool through_store(uint64_t seed) {
    uint64_t state = seed;
    return store_every > 0 && sim_next(&state) % store_every == 0;
}

/* A seed whose run ends the process says which it was. */
static volatile uint64_t running_seed;

static void dies(int number) {
    char text[64];
    int n = snprintf(text, sizeof(text), "seed %llu ended the process by signal %d\n",
                     (unsigned long long)running_seed, number);
    _exit(write(STDOUT_FILENO, text, (size_t)n) == n ? 1 : 2);
}

static bool run_seed(struct sim_world *w, uint64_t seed, struct sums *sums) {
    struct op_list ops;
    running_seed = seed;
    ops_make(seed, &ops);
    if (through_store(seed) && !sim_run(w, &sim_store, &ops)) {
        sums->failed++;
        report(&sim_store, &ops);
        return false;
    }
    sums->stores += through_store(seed);
    bool well = sim_run(w, &sim_engine, &ops);
    sums->seeds++;
    sums->events += w->events;
    sums->hash += w->hash;
    for (int k = 0; k < OP_KINDS; k++) {
        sums->taken[k] += w->taken[k];
        sums->refused[k] += w->refused[k];
    }
    if (!well) {
        sums->failed++;
        report(&sim_engine, &ops);
    }
    return well;
}

/* Every jobs-th seed from `first`; the sums go to fd. */
static int work(uint64_t first, uint64_t end, uint64_t jobs, int fd) {
    struct sim_world *w = mem_alloc(sizeof(*w));
    struct sums sums = {0};
    signal(SIGSEGV, dies);
    signal(SIGABRT, dies);
    bool well = true;
    for (uint64_t seed = first; seed < end && well; seed += jobs) {
        well = run_seed(w, seed, &sums);
    }
    free(w);
    return write(fd, &sums, sizeof(sums)) == (ssize_t)sizeof(sums) ? 0 : 1;
}

static double now_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void print_kinds(const struct sums *all) {
    static const char *const names[OP_KINDS] = {
        "define", "start", "end",      "late end", "checked", "late check",
        "answer", "stale", "other's",  "guess",    "expire",  "transition",
        "stop",   "retry", "rollback", "override", "newest",
    };
    printf("sim: taken/refused:");
    for (int k = 0; k < OP_KINDS; k++) {
        printf(" %s %llu/%llu", names[k], (unsigned long long)all->taken[k],
               (unsigned long long)all->refused[k]);
    }
    printf("\n");
}

static int run_all(uint64_t from, uint64_t seeds, uint64_t jobs) {
    int fds[2];
    struct sums all = {0};
    double began = now_s();
    if (pipe(fds) < 0) {
        perror("sim: pipe");
        return 1;
    }
    for (uint64_t j = 0; j < jobs; j++) {
        pid_t pid = fork();
        if (pid < 0) {
            perror("sim: fork");
            return 1;
        }
        if (pid == 0) {
            exit(work(from + j, from + seeds, jobs, fds[1]));
        }
    }
    close(fds[1]);
    struct sums part;
    while (read(fds[0], &part, sizeof(part)) == (ssize_t)sizeof(part)) {
        all.seeds += part.seeds;
        all.events += part.events;
        all.hash += part.hash;
        all.failed += part.failed;
        all.stores += part.stores;
        for (int k = 0; k < OP_KINDS; k++) {
            all.taken[k] += part.taken[k];
            all.refused[k] += part.refused[k];
        }
    }
    bool crashed = false;
    int status = 0;
    while (wait(&status) > 0) {
        crashed |= !WIFEXITED(status) || WEXITSTATUS(status) != 0;
    }
    printf("sim: %llu seeds (%llu through the store), %llu events, %llu failed, hash %016llx, %.1f "
           "s%s\n",
           (unsigned long long)all.seeds, (unsigned long long)all.stores,
           (unsigned long long)all.events, (unsigned long long)all.failed,
           (unsigned long long)all.hash, now_s() - began, crashed ? ", A WORKER DIED" : "");
    print_kinds(&all);
    return all.failed > 0 || crashed || all.seeds != seeds ? 1 : 0;
}

static bool number(const char *text, uint64_t *ret) {
    unsigned long long value = 0;
    bool read = text != NULL && str_to_u64(str_c(text), &value);
    *ret = value;
    return read;
}

int main(int argc, char **argv) {
    uint64_t from = 1;
    uint64_t seeds = 2000;
    uint64_t jobs = (uint64_t)sysconf(_SC_NPROCESSORS_ONLN);
    uint64_t single = 0;
    for (int i = 1; i < argc; i += 2) {
        struct str name = str_c(argv[i]);
        uint64_t *to = str_is(name, "--seeds")   ? &seeds
                       : str_is(name, "--from")  ? &from
                       : str_is(name, "--jobs")  ? &jobs
                       : str_is(name, "--seed")  ? &single
                       : str_is(name, "--brief") ? &brief
                       : str_is(name, "--store") ? &store_every
                                                 : NULL;
        if (to == NULL || !number(argv[i + 1], to)) {
            fprintf(stderr, "usage: sim [--seeds N] [--from N] [--jobs N] | sim --seed N\n");
            return 2;
        }
    }
    if (single == 0) {
        return run_all(from, seeds, jobs > 0 ? jobs : 1);
    }
    struct sim_world *w = mem_alloc(sizeof(*w));
    struct op_list ops;
    w->print = true;
    ops_make(single, &ops);
    bool well = sim_run(w, store_every == 1 ? &sim_store : &sim_engine, &ops);
    printf("%s\n", well ? "nothing is wrong" : w->wrong);
    free(w);
    return well ? 0 : 1;
}
