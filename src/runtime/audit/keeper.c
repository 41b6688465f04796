/*
 * Keeps the head: a thread that, woken by commits of rows, reads the newest durable row and writes
 * it down. It takes no part in the commits themselves, so neither an answer nor another commit
 * waits for it, and it writes at most once in PAUSE_MS: the last of a burst is what counts.
 */
#include "runtime/audit/internal.h"

#include "base/planted.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { PAUSE_MS = 5 };

static struct {
    pthread_mutex_t lock;
    pthread_cond_t news;
    pthread_t thread;
    bool dirty, stop; /* under the lock */
    struct db *db;
    int fd;
    int slot;
    unsigned char key[32];
    bool complained;
} keeper = {.lock = PTHREAD_MUTEX_INITIALIZER, .news = PTHREAD_COND_INITIALIZER};

/* db_rollback, not db_glance: what was read is on the disk before the head says so. */
static int write_newest(struct err *err) {
    struct audit_head newest;
    if (db_begin(keeper.db, err) < 0) {
        return -1;
    }
    int found = audit_newest(keeper.db, &newest, err);
    db_rollback(keeper.db);
    return found < 0 || PLANTED(audit_head_not_kept)
               ? found
               : audit_head_write(keeper.fd, keeper.slot++, keeper.key, &newest, err);
}

static void write_or_complain(void) {
    struct err err = ERR_INIT;
    if (write_newest(&err) < 0 && !keeper.complained) {
        fprintf(stderr, "trunkline: audit: %s; the chain's end has no witness until this works\n",
                err.msg);
        keeper.complained = true;
    }
}

void audit_keeper_wake(void *unused) {
    (void)unused;
    pthread_mutex_lock(&keeper.lock);
    keeper.dirty = true;
    pthread_cond_signal(&keeper.news);
    pthread_mutex_unlock(&keeper.lock);
}

static void pause_for_others(void) {
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += PAUSE_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    while (!keeper.stop &&
           pthread_cond_timedwait(&keeper.news, &keeper.lock, &until) != ETIMEDOUT) {
    }
}

static void *keep(void *unused) {
    (void)unused;
    pthread_mutex_lock(&keeper.lock);
    while (!keeper.stop) {
        if (!keeper.dirty) {
            pthread_cond_wait(&keeper.news, &keeper.lock);
            continue;
        }
        keeper.dirty = false;
        pthread_mutex_unlock(&keeper.lock);
        write_or_complain();
        pthread_mutex_lock(&keeper.lock);
        pause_for_others();
    }
    pthread_mutex_unlock(&keeper.lock);
    return NULL;
}

static int sync_head(struct err *err) {
    return fdatasync(keeper.fd) == 0 ? 0 : err_sys(err, errno, "sync audit.head");
}

int audit_keeper_start(struct db *db, int fd, bool is_new, const unsigned char key[32],
                       struct err *err) {
    keeper.db = db;
    keeper.fd = fd;
    keeper.slot = 0;
    keeper.dirty = false;
    keeper.stop = false;
    keeper.complained = false;
    memcpy(keeper.key, key, sizeof(keeper.key));
    if (write_newest(err) < 0 || write_newest(err) < 0 || (is_new && sync_head(err) < 0)) {
        return -1;
    }
    int failed = pthread_create(&keeper.thread, NULL, keep, NULL);
    return failed == 0 ? 0 : err_sys(err, failed, "start the audit's thread");
}

void audit_keeper_stop(void) {
    struct err ignored = ERR_INIT;
    pthread_mutex_lock(&keeper.lock);
    keeper.stop = true;
    pthread_cond_signal(&keeper.news);
    pthread_mutex_unlock(&keeper.lock);
    pthread_join(keeper.thread, NULL);
    write_or_complain();
    (void)sync_head(&ignored); /* an unsynced head is an older one: still true */
}
