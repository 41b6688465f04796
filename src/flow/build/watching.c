/* The thread that follows builds: what it waits for, and what it does when there is time. */
#include "flow/build/followed.h"

#include "platform/os/fd.h"
#include "platform/os/watch.h"

#include <poll.h>
#include <stdio.h>
#include <unistd.h>

enum {
    TICK_MS = 500,
    TEND_MS = 10, /* while there are containers to make or to clear away */
    URGE_MS = 20 * 1000,
    HELD_MAX = 56,  /* containers that wait for their removal */
    BEGIN_MS = 50,  /* a build has begun by then */
    CALM_MS = 1000, /* no build has started for so long */
    SETTLE_MS = 15, /* output is taken in batches of at least this age */
};

/* What has to be looked at at once: wake_fd, ends that arrive, deaths. Behind them what may wait
 * for more of its kind: the files of all. */
enum { FDS_FIRST = 2 };
struct fds {
    struct pollfd v[FDS_FIRST + 2 * RUNNING_MAX];
    size_t urgent;
    size_t n;
};

/* What ends next: its supervisor, or what that one has left. */
static int death_of(const struct running *r) {
    return r->left == LEFT_UNSEEN ? r->process.pidfd : r->left == LEFT_DYING ? r->box.pidfd : -1;
}

static void gather(struct builds *b, struct running *const *list, size_t n, struct fds *f) {
    f->v[0] = (struct pollfd){b->wake_fd, POLLIN, 0};
    f->v[1] = (struct pollfd){b->arrivals_fd, POLLIN, 0};
    for (size_t i = 0; i < n; i++) {
        f->v[FDS_FIRST + i] = (struct pollfd){death_of(list[i]), POLLIN, 0};
        f->v[FDS_FIRST + n + i] = (struct pollfd){list[i]->watch, POLLIN, 0};
    }
    f->urgent = FDS_FIRST + n;
    f->n = FDS_FIRST + 2 * n;
}

static bool any_ready(const struct pollfd *v, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (v[i].revents != 0) {
            return true;
        }
    }
    return false;
}

/* Marks what has changed. */
static void wait_for_change(struct builds *b, struct running *const *list, size_t n, int ms) {
    static struct fds f; /* of the one thread */
    struct err ignored = ERR_INIT;
    uint64_t count = 0;
    gather(b, list, n, &f);
    if (poll(f.v, (nfds_t)f.n, ms) > 0 && !any_ready(f.v, f.urgent)) {
        poll(f.v, (nfds_t)f.urgent, SETTLE_MS);
    }
    (void)!read(b->wake_fd, &count, sizeof(count));
    bool arrivals = b->arrivals_fd >= 0 && watch_drain(b->arrivals_fd, &ignored) > 0;
    for (size_t i = 0; i < n; i++) {
        struct running *r = list[i];
        int changes = r->watch < 0 ? 0 : watch_drain(r->watch, &ignored);
        r->changed |= changes > 0 || f.v[FDS_FIRST + i].revents != 0 || (arrivals && !r->clearing);
        if (changes < 0) {
            fd_closep(&r->watch);
        }
    }
}

/* Builds that wait for a place are looked at now and then without one: their time may be over. */
static void urge_waiting(struct builds *b) {
    struct err err = ERR_INIT;
    struct db *db = b->config.flow->db;
    if (builds_places(b) > 0 || db_begin(db, &err) < 0) {
        return;
    }
    if (queue_urge(db, "build.start", STR_NONE, &err) < 0) {
        db_rollback(db);
    } else if (db_commit(db, &err) < 0) {
        fprintf(stderr, "trunkline: builds that wait: %s\n", err.msg);
    }
}

/* ---- what has time ---- */

/* No build runs, or it has begun, and more could. When builds come one after the other, whatever
 * else is done delays them: a container that is made ahead gains nothing then. */
static bool has_time(struct builds *b) {
    int64_t since = clock_mono_ms(b->config.flow->clock) - b->launched_ms;
    bool more = builds_places(b) > 0;
    pthread_mutex_lock(&b->lock);
    bool idle = b->running_n + b->starting_n == 0;
    bool room = b->running_n < b->processors && more;
    pthread_mutex_unlock(&b->lock);
    return idle || since >= (room ? BEGIN_MS : CALM_MS);
}

/* Its supervisor is at it. What the sweeper has holds up nobody. */
static bool clears(const struct running *r) {
    return r->clearing && r->leash < 0 && r->left != LEFT_SWEEPING;
}

/* Lets ended builds clear their containers away, a few at a time, oldest first; while builds come
 * one after the other only those beyond HELD_MAX. How many are left. */
static size_t let_clear(struct running *const *list, size_t n, int at_once, bool time) {
    size_t held = 0;
    for (size_t i = 0; i < n; i++) {
        held += list[i]->clearing && list[i]->leash >= 0;
        at_once -= clears(list[i]);
    }
    for (size_t i = n; i > 0 && held > (time ? 0 : HELD_MAX) && at_once > 0; i--) {
        struct running *r = list[i - 1];
        if (r->clearing && r->leash >= 0) {
            fd_closep(&r->leash);
            held--;
            at_once--;
        }
    }
    return held;
}

/* True when there is more to do, a moment later. */
static bool tend(struct builds *b) {
    struct running *list[RUNNING_MAX];
    bool time = has_time(b);
    size_t n = followed_list(b, list);
    size_t held = let_clear(list, n, b->processors, time);
    bool cleared = true;
    for (size_t i = 0; i < n; i++) {
        cleared = cleared && !clears(list[i]);
    }
    if (time && held == 0 && cleared) {
        return pool_tend(b->pool);
    }
    return !time || held > 0 || !cleared;
}

void *followed_watch(void *ud) {
    struct builds *b = ud;
    struct running *list[RUNNING_MAX];
    int64_t ticked = 0;
    int64_t urged = 0;
    bool tending = false;
    spawner_prepare(b->spawner);
    build_sweep_caches(b->config.flow);
    followed_find_leftovers(b);
    while (!b->stopping) {
        wait_for_change(b, list, followed_list(b, list), tending ? TEND_MS : TICK_MS);
        int64_t now = clock_mono_ms(b->config.flow->clock);
        bool all = atomic_exchange(&b->asked, false) || now - ticked >= TICK_MS;
        ticked = all ? now : ticked;
        size_t n = followed_list(b, list);
        for (size_t i = 0; i < n && !b->stopping; i++) {
            if (all || list[i]->changed) {
                followed_attend(b, list[i], all);
            }
        }
        if (now - urged >= URGE_MS) {
            urged = now;
            urge_waiting(b);
        }
        tending = tend(b);
    }
    return NULL;
}
