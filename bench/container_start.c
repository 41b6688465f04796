/*
 * How long one container takes, beside its floor. Ours: everything from nothing to nothing
 * (prepare, create, run /bin/true inside, kill, delete). The floor: the bare runtime's `run
 * /bin/true` on a mount that is there already, with the same namespaces, ids, mounts, limits and
 * system call profile. Both alternate within one run, because machines differ and are shared; what
 * counts is the ratio.
 *
 * usage: container_start [ROUNDS]
 */
#include "base/clock.h"
#include "flow/sandbox/container.h"
#include "flow/sandbox/doctor.h"
#include "flow/sandbox/image.h"
#include "flow/sandbox/internal.h"
#include "platform/os/fd.h"
#include "platform/os/file.h"
#include "platform/text/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS = 30, STEPS = 3 };

static double now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int run_true(struct sandbox *s, struct err *err) {
    static const char *const argv[] = {"/bin/true", NULL};
    const struct sandbox_command c = {
        .argv = argv, .envp = argv + 1, .cwd = "/", .in = -1, .out = 1, .err = 2};
    uint32_t id = 0;
    struct sandbox_event e;
    if (sandbox_run(s, &c, &id, err) < 0 || sandbox_next(s, -1, &e, err) < 0) {
        return -1;
    }
    return e.kind == SANDBOX_EXITED && e.code == 0 ? 0 : err_set(err, ERR_INTERNAL, "%s", e.text);
}

/* One container as the builds make it: until the command has ended, and until nothing is left. */
static int ours(const struct sandbox_spec *spec, double *ret, struct err *err) {
    struct sandbox *s = NULL;
    double begin = now_ms();
    if (sandbox_prepare(spec, &s, err) < 0) {
        return -1;
    }
    int result = sandbox_create(s, err) < 0 || sandbox_start(s, err) < 0 ? -1 : run_true(s, err);
    ret[0] = now_ms() - begin;
    struct err first = *err;
    int gone = sandbox_delete(s, err);
    ret[1] = now_ms() - begin;
    if (result < 0) {
        *err = first;
    }
    return result < 0 ? -1 : gone;
}

/* The same configuration for the runtime alone: /bin/true instead of trunkline-init. */
static int write_floor_bundle(struct sandbox *s, struct err *err) {
    struct str text = STR_NONE;
    if (bundle_write(s, "runc", err) < 0 ||
        file_read(&s->a, BOX_BUNDLE "/config.json", 1 << 20, &text, err) < 0) {
        return -1;
    }
    json_t *config cleanup_json = json_parse(text, err);
    if (config == NULL) {
        return -1;
    }
    json_object_set_new(json_object_get(config, "process"), "args", json_pack("[s]", "/bin/true"));
    return file_write(BOX_BUNDLE "/config.json", json_dump_str(&s->a, config), 0600, err);
}

static int bare(const struct sandbox_spec *spec, double *ret, struct err *err) {
    struct sandbox *s = NULL;
    if (sandbox_prepare(spec, &s, err) < 0) {
        return -1;
    }
    const char *name = program_find(&s->a, "crun") ? "crun" : "runc";
    const char *argv[] = {name, "--root", BOX_STATE, "run", "--bundle", BOX_BUNDLE, spec->id, NULL};
    const struct process_run run = {.spec = {.argv = argv}};
    int result = write_floor_bundle(s, err);
    /* The preparation's own warming of the control groups must not help the floor, nor hurt it. */
    nanosleep(&(struct timespec){0, 60000000}, NULL);
    double begin = now_ms();
    result = result < 0 ? -1 : process_run(&s->a, &run, NULL, NULL, NULL, err);
    *ret = now_ms() - begin;
    s->runtime = name;
    struct err second = ERR_INIT;
    return sandbox_delete(s, result < 0 ? &second : err) < 0 ? -1 : result;
}

/* Each round in a process of its own, as a supervisor is. */
struct round {
    struct sandbox_spec spec;
    bool floor;
    int pipe;
};

static int play(void *ud) {
    struct round *r = ud;
    double times[2] = {0, 0};
    struct err err = ERR_INIT;
    nanosleep(&(struct timespec){0, 60000000}, NULL);
    if ((r->floor ? bare : ours)(&r->spec, times, &err) < 0) {
        fprintf(stderr, "%s\n", err.msg);
        return 1;
    }
    return write(r->pipe, times, sizeof(times)) == sizeof(times) ? 0 : 1;
}

static int by_value(const void *x, const void *y) {
    double a = *(const double *)x;
    double b = *(const double *)y;
    return (a > b) - (a < b);
}

static double median(double *v, size_t n) {
    qsort(v, n, sizeof(*v), by_value);
    return v[n / 2];
}

static int one(struct round *r, double *ret, struct err *err) {
    int end cleanup_fd = -1;
    int out cleanup_fd = -1;
    struct process p cleanup_process = PROCESS_NONE;
    struct process_exit done = {0};
    if (fd_pipe(&out, &end, err) < 0) {
        return -1;
    }
    r->pipe = end;
    if (process_fork(play, r, &p, err) < 0 || process_wait(&p, -1, &done, err) < 0) {
        return -1;
    }
    return done.code != 0 ? err_set(err, ERR_SYSTEM, "a round failed")
                          : fd_read_exact(out, ret, 2 * sizeof(double), err);
}

static int measure(struct arena *a, size_t rounds, struct err *err) {
    struct image image;
    const char *dir = NULL;
    if (image_build(a, IMAGE_DEFAULT, false, NULL, NULL, &image, err) < 0 ||
        dir_make_temp(a, "bench-container", &dir, err) < 0) {
        return -1;
    }
    double *v[STEPS];
    for (size_t i = 0; i < STEPS; i++) {
        v[i] = arena_new_n(a, double, rounds);
    }
    for (size_t i = 0; i < 2 * rounds; i++) {
        double times[2];
        struct round r = {.floor = i % 2 == 0,
                          .spec = {.id = str_printf(a, "bench-%d-%zu", getpid(), i).p,
                                   .dir = dir,
                                   .rootfs = image.rootfs.p}};
        if (one(&r, times, err) < 0) {
            return -1;
        }
        v[r.floor ? 0 : 1][i / 2] = times[0];
        v[2][i / 2] = times[1];
    }
    double bare_ms = median(v[0], rounds);
    double used_ms = median(v[1], rounds);
    double gone_ms = median(v[2], rounds);
    printf("container, until its command has ended   %6.1f ms   floor %6.1f ms   ratio %.2f\n",
           used_ms, bare_ms, used_ms / bare_ms);
    printf("container, until nothing of it is left   %6.1f ms   floor %6.1f ms   ratio %.2f\n",
           gone_ms, bare_ms, gone_ms / bare_ms);
    return tree_remove(dir, err);
}

int main(int argc, char **argv) {
    struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    int result = sandbox_available(&err);
    if (result < 0) {
        printf("SKIP: %s\n", err.msg);
        return 77;
    }
    result = measure(&a, argc > 1 ? strtoul(argv[1], NULL, 10) : ROUNDS, &err);
    if (result < 0) {
        fprintf(stderr, "container_start: %s\n", err.msg);
    }
    arena_done(&a);
    return result < 0 ? 1 : 0;
}
