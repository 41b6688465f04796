/* The list of builds that are followed; see following.h. */
#include "flow/build/followed.h"

#include "flow/build/store.h"
#include "platform/os/fd.h"
#include "platform/os/file.h"
#include "platform/os/watch.h"

#include <stdlib.h>
#include <unistd.h>

enum { REFUSAL_MS = 2000 }; /* time for a second supervisor to see that it is one */

const char *builds_dir(const struct builds *b, struct arena *a, struct str uuid) {
    return str_printf(a, "%s/builds/" STR_FMT, b->config.flow->data_dir, STR_ARG(uuid)).p;
}

void builds_wake(struct builds *b) {
    uint64_t one = 1;
    if (write(b->wake_fd, &one, sizeof(one)) < 0) {
        return; /* the counter is full: it is awake anyway */
    }
}

void builds_look(struct builds *b) {
    b->asked = true;
    builds_wake(b);
}

/* Under the lock. */
static int places(const struct builds *b) {
    int n = b->config.parallel - b->running_n - b->starting_n;
    return b->clearing_n < CLEARING_MAX && n > 0 ? n : 0;
}

int builds_places(struct builds *b) {
    pthread_mutex_lock(&b->lock);
    int n = places(b);
    pthread_mutex_unlock(&b->lock);
    return n;
}

bool builds_take_place(struct builds *b) {
    pthread_mutex_lock(&b->lock);
    bool there = places(b) > 0;
    b->starting_n += there;
    pthread_mutex_unlock(&b->lock);
    return there;
}

void builds_leave_place(struct builds *b) {
    pthread_mutex_lock(&b->lock);
    b->starting_n--;
    pthread_mutex_unlock(&b->lock);
    queue_wake_db(b->config.flow->db);
}

/* ---- entries ---- */

static struct running *find_entry(struct builds *b, struct str uuid) {
    struct running *r = b->running;
    while (r != NULL && !str_eq(r->ingest.uuid, uuid)) {
        r = r->next;
    }
    return r;
}

/* A build that is followed already was spawned before a crash and again after it. One of the two
 * supervisors has refused; which one has the build stands in its pid file. */
static bool known_entry(struct builds *b, struct str uuid, struct process process) {
    struct err ignored = ERR_INIT;
    struct process_exit end;
    pthread_mutex_lock(&b->lock);
    bool known = find_entry(b, uuid) != NULL;
    pthread_mutex_unlock(&b->lock);
    if (known && process.pid > 0 && process_wait(&process, REFUSAL_MS, &end, &ignored) <= 0) {
        process_close(&process);
    }
    return known;
}

/* Without a watch changes are seen a moment later. */
static void watch_files(struct builds *b, struct running *r) {
    struct arena a = ARENA_INIT;
    struct err ignored = ERR_INIT;
    const char *dir = builds_dir(b, &a, r->ingest.uuid);
    r->watch = watch_new(&ignored);
    if (r->watch >= 0 && watch_add(r->watch, dir, &ignored) < 0) {
        fd_closep(&r->watch);
    }
    r->arrival = b->arrivals_fd < 0 ? -1 : watch_add_arrivals(b->arrivals_fd, dir, &ignored);
    arena_done(&a);
}

static void unwatch_files(struct builds *b, struct running *r) {
    fd_closep(&r->watch);
    if (r->arrival >= 0) {
        watch_forget(b->arrivals_fd, r->arrival);
        r->arrival = -1;
    }
}

static struct running *new_entry(struct builds *b, struct str uuid, struct process process,
                                 bool clearing) {
    struct running *r = mem_alloc(sizeof(*r));
    *r = (struct running){.process = process,
                          .box = PROCESS_NONE,
                          .child = process.pid > 0,
                          .clearing = clearing,
                          .changed = true,
                          .watch = -1,
                          .arrival = -1,
                          .leash = -1,
                          .since_ms = clock_mono_ms(b->config.flow->clock)};
    r->ingest =
        (struct ingest){.flow = b->config.flow, .config = &b->config, .uuid = mem_str_dup(uuid)};
    return r;
}

static void add_entry(struct builds *b, struct running *r) {
    if (!r->clearing) {
        watch_files(b, r);
    }
    pthread_mutex_lock(&b->lock);
    r->next = b->running;
    b->running = r;
    b->running_n += !r->clearing;
    b->clearing_n += r->clearing;
    pthread_mutex_unlock(&b->lock);
    builds_wake(b);
}

static void follow(struct builds *b, struct str uuid, struct process process, int leash,
                   bool spare) {
    if (known_entry(b, uuid, process)) {
        fd_closep(&leash);
        return;
    }
    struct running *r = new_entry(b, uuid, process, false);
    r->leash = leash;
    r->spare = spare;
    r->ingest.loaded = leash >= 0; /* nothing is recorded of it yet: its offsets are 0 */
    add_entry(b, r);
}

void builds_follow(struct builds *b, struct str uuid, struct process process, int leash) {
    follow(b, uuid, process, leash, false);
}

void builds_follow_spare(struct builds *b, struct str uuid, struct process process, int leash) {
    follow(b, uuid, process, leash, true);
}

void builds_swept(void *builds, struct str uuid) {
    struct builds *b = builds;
    pthread_mutex_lock(&b->lock);
    struct running *r = find_entry(b, uuid);
    if (r != NULL) {
        r->left = LEFT_NOTHING;
        r->changed = true;
    }
    pthread_mutex_unlock(&b->lock);
    builds_wake(b);
}

void builds_follow_lost(struct builds *b, struct str uuid) {
    if (!known_entry(b, uuid, PROCESS_NONE)) {
        struct running *r = new_entry(b, uuid, PROCESS_NONE, false);
        r->child_ended = true;
        add_entry(b, r);
    }
}

static void forget(struct builds *b, struct running *r) {
    unwatch_files(b, r);
    fd_closep(&r->leash);
    process_close(&r->process);
    process_close(&r->box);
    free((char *)r->ingest.uuid.p);
    free(r);
}

void followed_remove(struct builds *b, struct running *gone) {
    pthread_mutex_lock(&b->lock);
    for (struct running **at = &b->running; *at != NULL; at = &(*at)->next) {
        if (*at == gone) {
            *at = gone->next;
            b->running_n -= !gone->clearing && !gone->left_place;
            b->clearing_n -= gone->clearing || gone->left_place;
            break;
        }
    }
    pthread_mutex_unlock(&b->lock);
    forget(b, gone);
    queue_wake_db(b->config.flow->db);
}

void followed_leave_place(struct builds *b, struct running *r) {
    pthread_mutex_lock(&b->lock);
    r->left_place = true;
    b->running_n--;
    b->clearing_n++; /* bounded as those are, should no end get into its row */
    pthread_mutex_unlock(&b->lock);
    queue_wake_db(b->config.flow->db);
}

void followed_now_clearing(struct builds *b, struct running *r) {
    unwatch_files(b, r);
    pthread_mutex_lock(&b->lock);
    r->clearing = true;
    b->running_n -= !r->left_place;
    b->clearing_n += !r->left_place;
    pthread_mutex_unlock(&b->lock);
    queue_wake_db(b->config.flow->db);
}

size_t followed_list(struct builds *b, struct running *list[RUNNING_MAX]) {
    size_t n = 0;
    pthread_mutex_lock(&b->lock);
    for (struct running *r = b->running; r != NULL && n < RUNNING_MAX; r = r->next) {
        list[n++] = r;
    }
    pthread_mutex_unlock(&b->lock);
    return n;
}

void followed_find_leftovers(struct builds *b) {
    struct arena a = ARENA_INIT;
    struct str_list names = {0};
    struct err none = ERR_INIT;
    const char *dir = str_printf(&a, "%s/builds", b->config.flow->data_dir).p;
    if (file_is_dir(dir) && dir_list(&a, dir, &names, &none) == 0) {
        for (size_t i = 0; i < names.n; i++) {
            const char *box = str_printf(&a, "%s/" STR_FMT "/box", dir, STR_ARG(names.v[i])).p;
            struct build_row row;
            int found = 0;
            if (!file_exists(box) || db_begin(b->config.flow->db, &none) < 0) {
                continue;
            }
            found = build_load(b->config.flow->db, &a, names.v[i], &row, &none);
            db_rollback(b->config.flow->db);
            if (found > 0 && row.complete && !known_entry(b, names.v[i], PROCESS_NONE)) {
                add_entry(b, new_entry(b, names.v[i], PROCESS_NONE, true));
            }
        }
    }
    arena_done(&a);
}

/* All builds that an earlier serve left running. */
static int take_over(struct builds *b, struct err *err) {
    struct arena a = ARENA_INIT;
    struct str_list here = {0};
    struct str_list lost = {0};
    struct db *db = b->config.flow->db;
    if (db_begin(db, err) < 0) {
        return -1;
    }
    int result = build_running(db, &a, str_c(process_boot()), &here, &lost, err);
    db_rollback(db);
    for (size_t i = 0; result == 0 && i < here.n; i++) {
        builds_follow(b, here.v[i], PROCESS_NONE, -1);
    }
    for (size_t i = 0; result == 0 && i < lost.n; i++) {
        builds_follow_lost(b, lost.v[i]);
    }
    arena_done(&a);
    return result;
}

int builds_watch(struct builds *b, struct err *err) {
    if (take_over(b, err) < 0) {
        return -1;
    }
    int failed = pthread_create(&b->thread, NULL, followed_watch, b);
    b->watching = failed == 0;
    return failed == 0 ? 0 : err_sys(err, failed, "thread that follows builds");
}

void builds_unfollow(struct builds *b) {
    b->stopping = true;
    builds_wake(b);
    if (b->watching) {
        pthread_join(b->thread, NULL);
    }
    sweeper_free(b->sweeper); /* it knows the list */
    b->sweeper = NULL;
    while (b->running != NULL) {
        struct running *next = b->running->next;
        forget(b, b->running);
        b->running = next;
    }
}
