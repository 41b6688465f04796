/*
 * Group commit. SQLite writes a commit into its log and does not sync it (synchronous=NORMAL);
 * whoever committed syncs the log after the store's lock is free. One thread syncs at a time, for
 * all commits that are in the log by then: those who come meanwhile share the next one. Nothing
 * leaves a transaction before what it read and wrote is on the disk: the same promise as
 * synchronous=FULL, without holding the lock for as long as a disk takes. SQLite itself syncs the
 * log before it moves pages out of it.
 */
#include "runtime/db/internal.h"

#include "base/planted.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

int db_group_open(struct db *db, const char *path, struct err *err) {
    struct arena a = ARENA_INIT;
    struct str log = str_printf(&a, "%s-wal", path);
    db->log_fd = open(log.p, O_RDONLY | O_CLOEXEC);
    int failed =
        db->log_fd < 0 ? err_sys(err, errno, "store: cannot open " STR_FMT, STR_ARG(log)) : 0;
    arena_done(&a);
    return failed;
}

/* Not survivable: the kernel may have dropped the pages that it could not write. */
static void sync_log(struct db *db) {
    if (PLANTED(answer_before_sync)) {
        return;
    }
    if (fdatasync(db->log_fd) != 0) {
        fprintf(stderr,
                "trunkline: store: cannot sync the log (%s); ending, start again to recover\n",
                strerrordesc_np(errno));
        _exit(70);
    }
}

void db_group_wait(struct db *db, uint64_t commit) {
    if (db->log_fd < 0) {
        return;
    }
    pthread_mutex_lock(&db->news);
    while (db->durable < commit) {
        if (db->syncing) {
            pthread_cond_wait(&db->synced, &db->news);
            continue;
        }
        db->syncing = true;
        pthread_mutex_unlock(&db->news);
        uint64_t reach = atomic_load(&db->written); /* before the sync: these it covers */
        sync_log(db);
        pthread_mutex_lock(&db->news);
        db->durable = reach;
        db->syncing = false;
        pthread_cond_broadcast(&db->synced);
    }
    pthread_mutex_unlock(&db->news);
}
