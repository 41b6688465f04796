/* See pool.h. */
#include "flow/build/pool.h"

#include "base/clock.h"
#include "flow/build/spawner.h"
#include "flow/image/ref.h"
#include "flow/sandbox/container.h"
#include "flow/sandbox/image.h"
#include "platform/crypto/hash.h"
#include "platform/os/fd.h"
#include "platform/os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { END_MS = 10 * 1000, KINDS_MAX = 8, TRIES = 4 };

/* One that waits, or will. */
struct ready {
    struct pool_key key;
    char *dir;              /* DATA/pool/<random> */
    struct process process; /* its supervisor */
    int to;                 /* its standard input */
    int from;               /* its standard output: one byte when the container is there */
    bool there;
};

/* A kind of container that a build has asked for. */
struct kind {
    struct pool_key key;
    char *plan;     /* of no build, as text; NULL = free */
    int64_t most;   /* that are to be ready */
    int64_t left;   /* that may be made before it is asked for again: making may fail for ever */
    uint64_t asked; /* when, in askings of all kinds */
};

struct pool {
    struct spawner *spawner;
    const char *data_dir;
    pthread_mutex_t lock; /* guards what follows */
    struct ready v[POOL_MAX];
    size_t n;
    struct kind kinds[KINDS_MAX];
    uint64_t askings;
    bool told; /* that one could not be made */
};

/* ---- which container a build wants ---- */

bool pool_suits(const struct plan *plan) {
    struct arena a = ARENA_INIT;
    struct image_ref ref;
    struct err ignored = ERR_INIT;
    bool ours = image_ref_parse(&a, plan->image_uses, &ref, &ignored) == 0 &&
                (ref.kind == IMAGE_REF_NAME || ref.kind == IMAGE_REF_DEBIAN);
    arena_done(&a);
    return ours && !plan->privileged && plan->owner_lock.n == 0 && plan->image_refused.n == 0 &&
           plan->cache.kind != PLAN_CACHE_LOCAL && plan->registry_secret.n == 0 &&
           plan->certificate.n == 0;
}

/* Everything of a plan that the container is made from. What is wrong with it the build itself
 * says. */
void pool_key_of(const struct plan *plan, struct pool_key *ret) {
    struct arena a = ARENA_INIT;
    struct image_ref ref;
    struct image image;
    struct err ignored = ERR_INIT;
    *ret = (struct pool_key){""};
    if (pool_suits(plan) && image_ref_parse(&a, plan->image_uses, &ref, &ignored) == 0 &&
        image_find(&a, ref.name.p, false, &image, &ignored) == 0) {
        struct str text = str_printf(
            &a, STR_FMT "\n" STR_FMT "\n%" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 "\n" STR_FMT,
            STR_ARG(image.rootfs), STR_ARG(image.digest), plan->memory_mib, plan->disk_mib,
            plan->pids, plan->cpu_milli, STR_ARG(plan->ca_file));
        for (size_t i = 0; i < plan->binds.n; i++) {
            text = str_printf(&a, STR_FMT "\n" STR_FMT, STR_ARG(text), STR_ARG(plan->binds.v[i]));
        }
        snprintf(ret->hex, sizeof(ret->hex), "%s", crypto_sha256_hex(&a, text).p);
    }
    arena_done(&a);
}

static bool same_key(const struct pool_key *x, const struct pool_key *y) {
    return strcmp(x->hex, y->hex) == 0;
}

/* ---- making ---- */

static const char *home(const struct pool *p, struct arena *a) {
    return str_printf(a, "%s/pool", p->data_dir).p;
}

static void forget(struct ready *r) {
    fd_closep(&r->to);
    fd_closep(&r->from);
    process_close(&r->process);
    free(r->dir);
    *r = (struct ready){.process = PROCESS_NONE, .to = -1, .from = -1};
}

static void remove_at(struct pool *p, size_t i) {
    p->v[i] = p->v[--p->n];
}

static int spawn(const struct pool *p, struct arena *a, struct ready *r, struct err *err) {
    int theirs_in cleanup_fd = -1;
    int theirs_out cleanup_fd = -1;
    int out cleanup_fd = file_open(str_printf(a, "%s/supervisor.out", r->dir).p,
                                   O_WRONLY | O_CREAT | O_APPEND, 0600, err);
    if (out < 0 || fd_pipe(&theirs_in, &r->to, err) < 0 ||
        fd_pipe(&r->from, &theirs_out, err) < 0) {
        return -1;
    }
    const struct spawner_order order = {
        .dir = r->dir, .ahead = true, .in = theirs_in, .out = theirs_out, .err = out};
    return spawner_start(p->spawner, &order, &r->process, err);
}

/* The plan of no build: image, limits and mounts of the one that was. */
static struct plan blank(const struct plan *plan) {
    return (struct plan){.uuid = S("pool"),
                         .project = S("pool"),
                         .region = plan->region,
                         .account = plan->account,
                         .data_dir = plan->data_dir,
                         .ca_file = plan->ca_file,
                         .image = plan->image,
                         .image_uses = plan->image_uses,
                         .memory_mib = plan->memory_mib,
                         .disk_mib = plan->disk_mib,
                         .pids = plan->pids,
                         .cpu_milli = plan->cpu_milli,
                         .timeout_s = plan->timeout_s,
                         .binds = plan->binds};
}

static int make_one(struct pool *p, struct kind *kind, struct err *err) {
    struct arena a = ARENA_INIT;
    struct ready r = {.key = kind->key, .process = PROCESS_NONE, .to = -1, .from = -1};
    r.dir = mem_strdup(str_printf(&a, "%s/%s", home(p, &a), rng_hex(&rng_system, &a, 16).p).p);
    const char *plan = str_printf(&a, "%s/plan.json", r.dir).p;
    int result = dir_make(home(p, &a), 0700, err) < 0 || dir_make_new(r.dir, 0700, err) < 0 ||
                         file_write(plan, str_c(kind->plan), 0600, err) < 0 ||
                         spawn(p, &a, &r, err) < 0
                     ? -1
                     : 0;
    if (result == 0) {
        p->v[p->n++] = r;
    } else {
        struct err second = ERR_INIT;
        (void)!tree_remove(r.dir, &second);
        forget(&r);
    }
    arena_done(&a);
    return result;
}

/* Whether its container is there. */
static bool is_there(struct ready *r) {
    char byte = 0;
    struct pollfd fd = {r->from, POLLIN, 0};
    if (!r->there && poll(&fd, 1, 0) > 0) {
        r->there = read(r->from, &byte, 1) == 1;
    }
    return r->there;
}

static int64_t have(const struct pool *p, const struct kind *kind) {
    int64_t n = 0;
    for (size_t i = 0; i < p->n; i++) {
        n += same_key(&p->v[i].key, &kind->key);
    }
    return n;
}

/* ---- asking ---- */

/* Where the kind is, or will be: of those that are not there the one that was not asked for for
 * longest goes. */
static struct kind *place_of(struct pool *p, const struct pool_key *key) {
    struct kind *oldest = &p->kinds[0];
    for (size_t i = 0; i < KINDS_MAX; i++) {
        struct kind *kind = &p->kinds[i];
        if (kind->plan != NULL && same_key(&kind->key, key)) {
            return kind;
        }
        if (kind->asked < oldest->asked) {
            oldest = kind;
        }
    }
    return oldest;
}

void pool_want(struct pool *p, const struct pool_key *key, const struct plan *plan, int64_t most) {
    struct arena a = ARENA_INIT;
    if (most > 0 && key->hex[0] != '\0') {
        struct plan empty = blank(plan);
        struct str text = plan_json(&a, &empty);
        pthread_mutex_lock(&p->lock);
        struct kind *kind = place_of(p, key);
        free(kind->plan);
        kind->key = *key;
        kind->plan = mem_strdup(str_z(&a, text));
        kind->most = most < POOL_MAX ? most : POOL_MAX;
        kind->left = kind->most + TRIES;
        kind->asked = ++p->askings;
        pthread_mutex_unlock(&p->lock);
    }
    arena_done(&a);
}

/* ---- making and clearing away ---- */

static void clear(const char *dir) {
    struct err err = ERR_INIT;
    if (sandbox_sweep(dir, &err) < 0 || tree_remove(dir, &err) < 0) {
        fprintf(stderr, "trunkline: %s: %s\n", dir, err.msg);
    }
}

/* Those that have died, and what they left. False when one is still in the making. */
static bool look_after(struct pool *p) {
    bool all_there = true;
    for (size_t i = 0; i < p->n;) {
        struct ready *r = &p->v[i];
        struct err ignored = ERR_INIT;
        if (process_wait_death(&r->process, 0, &ignored) > 0) {
            clear(r->dir);
            forget(r);
            remove_at(p, i);
        } else {
            all_there &= is_there(r);
            i++;
        }
    }
    return all_there;
}

/* The kind that lacks one and was asked for last; NULL when nothing is to be made. */
static struct kind *next_kind(struct pool *p) {
    struct kind *best = NULL;
    for (size_t i = 0; i < KINDS_MAX; i++) {
        struct kind *kind = &p->kinds[i];
        if (kind->plan != NULL && kind->left > 0 && have(p, kind) < kind->most &&
            (best == NULL || kind->asked > best->asked)) {
            best = kind;
        }
    }
    return best;
}

/* Room for one of this kind: one of a kind that was asked for less lately goes. */
static bool make_room(struct pool *p, const struct kind *kind) {
    for (size_t i = 0; p->n == POOL_MAX && i < p->n; i++) {
        const struct kind *its = place_of(p, &p->v[i].key);
        if (!same_key(&its->key, &p->v[i].key) || its->asked < kind->asked) {
            forget(&p->v[i]); /* its input ends, and so does it */
            remove_at(p, i);
        }
    }
    return p->n < POOL_MAX;
}

bool pool_tend(struct pool *p) {
    struct err err = ERR_INIT;
    pthread_mutex_lock(&p->lock);
    bool all_there = look_after(p);
    struct kind *kind = next_kind(p);
    if (kind != NULL && all_there && make_room(p, kind)) {
        kind->left--;
        if (make_one(p, kind, &err) < 0 && !p->told) {
            fprintf(stderr, "trunkline: no container can be made ahead: %s\n", err.msg);
            p->told = true;
        }
    }
    pthread_mutex_unlock(&p->lock);
    return kind != NULL || !all_there;
}

/* ---- taking ---- */

int pool_take(struct pool *p, const struct pool_key *key, const char *dir, struct process *ret,
              int *ret_pipe, struct err *err) {
    if (key->hex[0] == '\0') {
        return 0;
    }
    struct ready taken = {.process = PROCESS_NONE, .to = -1, .from = -1};
    pthread_mutex_lock(&p->lock);
    for (size_t i = 0; i < p->n && taken.dir == NULL; i++) {
        if (same_key(&p->v[i].key, key) && is_there(&p->v[i])) {
            taken = p->v[i];
            remove_at(p, i);
        }
    }
    pthread_mutex_unlock(&p->lock);
    if (taken.dir == NULL) {
        return 0;
    }
    if (renameat2(AT_FDCWD, taken.dir, AT_FDCWD, dir, RENAME_NOREPLACE) < 0) {
        int result = err_sys(err, errno, "give a container to %s", dir);
        forget(&taken); /* its input ends, so does it */
        return result;
    }
    *ret = taken.process;
    *ret_pipe = TAKE_FD(taken.to);
    taken.process = PROCESS_NONE;
    forget(&taken);
    return 1;
}

bool pool_go(int pipe, const char *dir) {
    struct arena a = ARENA_INIT;
    struct err dead = ERR_INIT;
    struct str line = str_printf(&a, "%s\n", dir);
    bool done = fd_write_all(pipe, line.p, line.n, &dead) == 0;
    arena_done(&a);
    return done;
}

/* ---- life ---- */

/* Those of an earlier serve have ended, or are about to: their input has. */
static void sweep(const struct pool *p) {
    struct arena a = ARENA_INIT;
    struct str_list names = {0};
    struct err err = ERR_INIT;
    if (file_is_dir(home(p, &a)) && dir_list(&a, home(p, &a), &names, &err) == 0) {
        for (size_t i = 0; i < names.n; i++) {
            clear(str_printf(&a, "%s/" STR_FMT, home(p, &a), STR_ARG(names.v[i])).p);
        }
    }
    arena_done(&a);
}

struct pool *pool_new(struct spawner *spawner, const char *data_dir) {
    struct pool *p = mem_alloc(sizeof(*p));
    p->spawner = spawner;
    p->data_dir = data_dir;
    pthread_mutex_init(&p->lock, NULL);
    sweep(p);
    return p;
}

void pool_free(struct pool *p) {
    if (p == NULL) {
        return;
    }
    for (size_t i = 0; i < p->n; i++) {
        fd_closep(&p->v[i].to);
    }
    for (size_t i = 0; i < p->n; i++) {
        struct process_exit end;
        struct err ignored = ERR_INIT;
        (void)!process_wait(&p->v[i].process, END_MS, &end, &ignored);
        forget(&p->v[i]);
    }
    sweep(p);
    for (size_t i = 0; i < KINDS_MAX; i++) {
        free(p->kinds[i].plan);
    }
    pthread_mutex_destroy(&p->lock);
    free(p);
}
