/*
 * Power loss at every moment. One run of the store is recorded: each write, truncation, creation
 * and removal of its files (by a VFS over SQLite's own), each sync (fdatasync and fsync are this
 * file's), and each answer that left a transaction. Then every prefix of that record is turned into
 * what a disk may hold after the power failed there: what was synced is there; what was not is
 * there, is missing, or is there in part, sector by sector and in any order; names that their
 * directory was not synced for may be the old ones. Each of these disks must open, be intact, and
 * hold every commit that was answered, each whole or not at all.
 */
#include "../cmocka_.h"

#include "base/arena.h"
#include "base/str.h"
#include "platform/os/file.h"
#include "runtime/db/db.h"

#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { WRITERS = 4, SECTOR = 512, VARIANTS = 4, DIRECTORY = -1, NO_FILE = -2 };

/* ---- the record ---- */

enum op_kind { OP_WRITE, OP_TRUNCATE, OP_CREATE, OP_REMOVE, OP_SYNC, OP_OPENED, OP_ANSWER };

struct op {
    enum op_kind kind;
    int file;      /* index in `names`; DIRECTORY (OP_SYNC) */
    size_t offset; /* WRITE; TRUNCATE: the size; SYNC: operations before this one are on the disk */
    char *bytes;   /* WRITE */
    size_t n;
    int writer; /* ANSWER: of whose commits, and which of them, somebody was told */
    int number;
};

static const char *const names[] = {"db", "db-wal", "db-journal"};
enum { FILES = 3 };

static pthread_mutex_t record_lock = PTHREAD_MUTEX_INITIALIZER;
static bool recording;
static bool disk_lies; /* the log's syncs are not recorded: as if the store never synced */
static char dir[128];
static struct op *ops;
static size_t n_ops;
static bool there[FILES];

static void record_locked(struct op op) {
    ops = mem_realloc(ops, (n_ops + 1) * sizeof(*ops));
    ops[n_ops++] = op;
}

static void record(struct op op) {
    pthread_mutex_lock(&record_lock);
    if (recording) {
        record_locked(op);
    }
    pthread_mutex_unlock(&record_lock);
}

static int file_of_name(const char *path) {
    size_t n = strlen(dir);
    for (int i = 0; i < FILES && path != NULL; i++) {
        if (strncmp(path, dir, n) == 0 && path[n] == '/' && strcmp(path + n + 1, names[i]) == 0) {
            return i;
        }
    }
    return NO_FILE;
}

static int file_of_fd(int fd) {
    struct stat at, other;
    char path[160];
    if (fstat(fd, &at) != 0) {
        return NO_FILE;
    }
    for (int i = DIRECTORY; i < FILES; i++) {
        snprintf(path, sizeof(path), "%s/%s", dir, i == DIRECTORY ? "." : names[i]);
        if (stat(path, &other) == 0 && other.st_ino == at.st_ino && other.st_dev == at.st_dev) {
            return i;
        }
    }
    return NO_FILE;
}

/* Covers what had been written when it began; counts once it has ended. The disk is made of memory:
 * it only takes as long as one that is not, so that commits come while it is at work. */
static int sync_and_record(int fd) {
    pthread_mutex_lock(&record_lock);
    size_t before = n_ops;
    bool on = recording;
    pthread_mutex_unlock(&record_lock);
    nanosleep(&(struct timespec){0, 200 * 1000}, NULL);
    int file = on ? file_of_fd(fd) : NO_FILE;
    if (file != NO_FILE && !(disk_lies && file == 1)) {
        record((struct op){.kind = OP_SYNC, .file = file, .offset = before});
    }
    return 0;
}

int fdatasync(int fd) {
    return sync_and_record(fd);
}

int fsync(int fd) {
    return sync_and_record(fd);
}

/* ---- SQLite's files, watched ---- */

static sqlite3_vfs *system_vfs;

struct watched {
    sqlite3_file base;
    int file;
    sqlite3_file *real; /* behind this struct */
};

static sqlite3_file *real(sqlite3_file *f) {
    return ((struct watched *)f)->real;
}

static int w_close(sqlite3_file *f) {
    return real(f)->pMethods->xClose(real(f));
}
static int w_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at) {
    return real(f)->pMethods->xRead(real(f), p, n, at);
}
static int w_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at) {
    int result = real(f)->pMethods->xWrite(real(f), p, n, at);
    int file = ((struct watched *)f)->file;
    if (result == SQLITE_OK && file != NO_FILE) {
        char *bytes = mem_alloc((size_t)n);
        memcpy(bytes, p, (size_t)n);
        record((struct op){
            .kind = OP_WRITE, .file = file, .offset = (size_t)at, .bytes = bytes, .n = (size_t)n});
    }
    return result;
}
static int w_truncate(sqlite3_file *f, sqlite3_int64 size) {
    int result = real(f)->pMethods->xTruncate(real(f), size);
    int file = ((struct watched *)f)->file;
    if (result == SQLITE_OK && file != NO_FILE) {
        record((struct op){.kind = OP_TRUNCATE, .file = file, .offset = (size_t)size});
    }
    return result;
}
static int w_sync(sqlite3_file *f, int flags) {
    return real(f)->pMethods->xSync(real(f), flags); /* recorded by fdatasync */
}
static int w_size(sqlite3_file *f, sqlite3_int64 *ret) {
    return real(f)->pMethods->xFileSize(real(f), ret);
}
static int w_lock(sqlite3_file *f, int level) {
    return real(f)->pMethods->xLock(real(f), level);
}
static int w_unlock(sqlite3_file *f, int level) {
    return real(f)->pMethods->xUnlock(real(f), level);
}
static int w_reserved(sqlite3_file *f, int *ret) {
    return real(f)->pMethods->xCheckReservedLock(real(f), ret);
}
static int w_control(sqlite3_file *f, int op, void *arg) {
    return real(f)->pMethods->xFileControl(real(f), op, arg);
}
static int w_sector(sqlite3_file *f) {
    return real(f)->pMethods->xSectorSize(real(f));
}
static int w_device(sqlite3_file *f) {
    return real(f)->pMethods->xDeviceCharacteristics(real(f));
}
static int w_shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **ret) {
    return real(f)->pMethods->xShmMap(real(f), page, size, extend, ret);
}
static int w_shm_lock(sqlite3_file *f, int at, int n, int flags) {
    return real(f)->pMethods->xShmLock(real(f), at, n, flags);
}
static void w_shm_barrier(sqlite3_file *f) {
    real(f)->pMethods->xShmBarrier(real(f));
}
static int w_shm_unmap(sqlite3_file *f, int remove) {
    return real(f)->pMethods->xShmUnmap(real(f), remove);
}

static const sqlite3_io_methods watched_methods = {
    .iVersion = 2, /* without memory-mapped reads */
    .xClose = w_close,
    .xRead = w_read,
    .xWrite = w_write,
    .xTruncate = w_truncate,
    .xSync = w_sync,
    .xFileSize = w_size,
    .xLock = w_lock,
    .xUnlock = w_unlock,
    .xCheckReservedLock = w_reserved,
    .xFileControl = w_control,
    .xSectorSize = w_sector,
    .xDeviceCharacteristics = w_device,
    .xShmMap = w_shm_map,
    .xShmLock = w_shm_lock,
    .xShmBarrier = w_shm_barrier,
    .xShmUnmap = w_shm_unmap,
};

static int v_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *ret_flags) {
    struct watched *w = (struct watched *)f;
    (void)vfs;
    w->real = (sqlite3_file *)(w + 1);
    w->file = file_of_name(name);
    int result = system_vfs->xOpen(system_vfs, name, w->real, flags, ret_flags);
    w->base.pMethods = w->real->pMethods != NULL ? &watched_methods : NULL;
    pthread_mutex_lock(&record_lock);
    if (result == SQLITE_OK && recording && w->file != NO_FILE && !there[w->file]) {
        there[w->file] = true;
        record_locked((struct op){.kind = OP_CREATE, .file = w->file});
    }
    pthread_mutex_unlock(&record_lock);
    return result;
}

static int v_delete(sqlite3_vfs *vfs, const char *name, int sync) {
    int file = file_of_name(name);
    (void)vfs;
    if (file != NO_FILE) {
        there[file] = false;
        record((struct op){.kind = OP_REMOVE, .file = file});
    }
    return system_vfs->xDelete(system_vfs, name, sync); /* its directory's sync is recorded */
}

static void watch_sqlite(void) {
    static sqlite3_vfs vfs;
    if (system_vfs == NULL) {
        system_vfs = sqlite3_vfs_find(NULL);
        vfs = *system_vfs;
        vfs.zName = "watched";
        vfs.szOsFile = (int)sizeof(struct watched) + system_vfs->szOsFile;
        vfs.xOpen = v_open;
        vfs.xDelete = v_delete;
        assert_int_equal(sqlite3_vfs_register(&vfs, 1), SQLITE_OK);
    }
}

/* In memory where there is such a place. */
static void make_place(char *ret, size_t n) {
    snprintf(ret, n, "/dev/shm/power.XXXXXX");
    if (mkdtemp(ret) == NULL) {
        snprintf(ret, n, "/tmp/power.XXXXXX");
        assert_non_null(mkdtemp(ret));
    }
}

/* ---- one run of the store ---- */

static const struct db_schema schema = {
    "t", "-- migration 1\n"
         "CREATE TABLE a(writer INTEGER, number INTEGER, filler BLOB, PRIMARY KEY(writer, number));"
         "CREATE TABLE b(writer INTEGER, number INTEGER, PRIMARY KEY(writer, number));"};

struct writer {
    struct db *db;
    int writer, from, to;
};

static void commit_rows(struct db *db, int writer, int number, bool then) {
    struct err err = ERR_INIT;
    int size = 100 + number * 7919 % 9000; /* some need several pages */
    if (db_begin(db, &err) < 0 ||
        db_run(db, &err, "INSERT INTO a VALUES (?, ?, randomblob(?))", "iii", (int64_t)writer,
               (int64_t)number, (int64_t)size) < 0 ||
        db_run(db, &err, "INSERT INTO b VALUES (?, ?)", "ii", (int64_t)writer, (int64_t)number) <
            0) {
        fail_msg("%s", err.msg);
    }
    if (!then) {
        db_rollback(db);
    } else if (db_commit(db, &err) < 0) {
        fail_msg("%s", err.msg);
    } else {
        record((struct op){.kind = OP_ANSWER, .writer = writer, .number = number});
    }
}

static void *write_rows(void *ud) {
    const struct writer *w = ud;
    for (int i = w->from; i <= w->to; i++) {
        if (i % 7 == 0) {
            commit_rows(w->db, w->writer, i, false);
        }
        commit_rows(w->db, w->writer, i, true);
    }
    return NULL;
}

static atomic_bool writers_ended;

/* Whoever was told what another one wrote was answered, too. */
static void *read_rows(void *ud) {
    int64_t told[WRITERS] = {0};
    for (int who = 0; !atomic_load(&writers_ended); who = (who + 1) % WRITERS) {
        struct err err = ERR_INIT;
        int64_t number = 0;
        if (db_begin(ud, &err) < 0 ||
            db_get_i64(ud, &number, &err, "SELECT coalesce(max(number), 0) FROM b WHERE writer = ?",
                       "i", (int64_t)who) < 0) {
            fail_msg("%s", err.msg);
        }
        db_rollback(ud);
        if (number > told[who]) {
            record((struct op){.kind = OP_ANSWER, .writer = who, .number = (int)number});
            told[who] = number;
        }
    }
    return NULL;
}

static struct db *open_store(void) {
    struct err err = ERR_INIT;
    struct db *db = NULL;
    char path[160];
    snprintf(path, sizeof(path), "%s/db", dir);
    /* Checkpoints, and with them a log that begins anew, come often. */
    if (db_open(path, &schema, 1, &db, &err) < 0 || db_begin(db, &err) < 0 ||
        db_run(db, &err, "PRAGMA wal_autocheckpoint=25", "") < 0 || db_commit(db, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    record((struct op){.kind = OP_OPENED});
    return db;
}

/* A first start, one writer, several at once and a reader, an end, a second start. */
static void run_store(void) {
    pthread_t threads[WRITERS], reader;
    struct writer w[WRITERS];
    struct db *db = open_store();
    write_rows(&(struct writer){db, 0, 1, 20});
    atomic_store(&writers_ended, false);
    assert_int_equal(pthread_create(&reader, NULL, read_rows, db), 0);
    for (int i = 0; i < WRITERS; i++) {
        w[i] = (struct writer){db, i, i == 0 ? 21 : 1, i == 0 ? 28 : 8};
        assert_int_equal(pthread_create(&threads[i], NULL, write_rows, &w[i]), 0);
    }
    for (int i = 0; i < WRITERS; i++) {
        pthread_join(threads[i], NULL);
    }
    atomic_store(&writers_ended, true);
    pthread_join(reader, NULL);
    db_close(db);
    db = open_store();
    write_rows(&(struct writer){db, 0, 29, 34});
    db_close(db);
}

/* ---- what a disk may hold ---- */

struct image {
    bool exists;
    char *p;
    size_t n, room;
};

struct disk_file {
    struct image synced; /* the file behind the name as of now: what is certain of it */
    struct image old;    /* what the name may still lead to until the directory is synced */
    bool certain;        /* the directory was synced since: `old` is gone */
};

struct disk {
    struct disk_file file[FILES];
    size_t pending[4096]; /* operations that no sync covers yet */
    size_t n_pending;
    int answered[WRITERS];
    bool opened;
};

static void image_size(struct image *im, size_t n) {
    if (n > im->room) {
        im->room = n * 2;
        im->p = mem_realloc(im->p, im->room);
    }
    if (n > im->n) {
        memset(im->p + im->n, 0, n - im->n);
    }
    im->n = n;
}

static void image_copy(struct image *to, const struct image *from) {
    to->n = 0;
    image_size(to, from->n);
    if (from->n > 0) {
        memcpy(to->p, from->p, from->n);
    }
    to->exists = from->exists;
}

/* Some sectors of a write: those whose bit is set in `mask` (its 64 bits come round again). */
static void image_apply(struct image *im, const struct op *op, uint64_t mask) {
    if (op->kind == OP_TRUNCATE) {
        if (mask != 0) {
            image_size(im, op->offset);
        }
        return;
    }
    size_t sector = 0;
    for (size_t at = 0; at < op->n; sector++) {
        size_t room = SECTOR - (op->offset + at) % SECTOR;
        size_t n = op->n - at < room ? op->n - at : room;
        if ((mask >> (sector % 64) & 1) != 0) {
            if (op->offset + at + n > im->n) {
                image_size(im, op->offset + at + n);
            }
            memcpy(im->p + op->offset + at, op->bytes + at, n);
        }
        at += n;
    }
}

static void disk_synced(struct disk *d, const struct op *sync) {
    size_t kept = 0;
    if (sync->file == DIRECTORY) {
        for (int i = 0; i < FILES; i++) {
            d->file[i].certain = true;
        }
        return;
    }
    for (size_t i = 0; i < d->n_pending; i++) {
        const struct op *op = &ops[d->pending[i]];
        if (op->file == sync->file && d->pending[i] < sync->offset) {
            image_apply(&d->file[op->file].synced, op, UINT64_MAX);
        } else {
            d->pending[kept++] = d->pending[i];
        }
    }
    d->n_pending = kept;
}

/* The name leads elsewhere: to nothing, or to a new file. */
static void disk_renamed(struct disk *d, int file, bool exists) {
    struct disk_file *f = &d->file[file];
    size_t kept = 0;
    if (f->certain) {
        image_copy(&f->old, &f->synced);
    }
    for (size_t i = 0; i < d->n_pending;
         i++) { /* what the old file may hold of what was not synced */
        const struct op *op = &ops[d->pending[i]];
        if (op->file != file) {
            d->pending[kept++] = d->pending[i];
        } else if (f->certain) {
            image_apply(&f->old, op, UINT64_MAX);
        }
    }
    d->n_pending = kept;
    f->certain = false;
    f->synced.n = 0;
    f->synced.exists = exists;
}

static void disk_step(struct disk *d, size_t at) {
    const struct op *op = &ops[at];
    switch (op->kind) {
    case OP_WRITE:
    case OP_TRUNCATE:
        assert_true(d->n_pending < sizeof(d->pending) / sizeof(d->pending[0]));
        d->pending[d->n_pending++] = at;
        break;
    case OP_CREATE:
    case OP_REMOVE:
        disk_renamed(d, op->file, op->kind == OP_CREATE);
        break;
    case OP_SYNC:
        disk_synced(d, op);
        break;
    case OP_OPENED:
        d->opened = true;
        break;
    case OP_ANSWER:
        if (op->number > d->answered[op->writer]) {
            d->answered[op->writer] = op->number;
        }
        break;
    }
}

/* ---- after the power is back ---- */

static uint64_t random_state;
static uint64_t next_random(void) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

/* Variant 0: nothing of what was not synced; 1: all of it; else any part of it, in any form. */
static void compose(const struct disk *d, int variant, struct image ret[FILES]) {
    for (int i = 0; i < FILES; i++) {
        const struct disk_file *f = &d->file[i];
        bool newest = f->certain || variant == 1 || (variant > 1 && (next_random() & 1) != 0);
        image_copy(&ret[i], newest ? &f->synced : &f->old);
        for (size_t k = 0; newest && k < d->n_pending; k++) {
            const struct op *op = &ops[d->pending[k]];
            uint64_t kind = next_random() % 4;
            uint64_t mask = variant == 0   ? 0
                            : variant == 1 ? UINT64_MAX
                            : kind == 0    ? 0
                            : kind == 1    ? next_random()
                                           : UINT64_MAX;
            if (op->file == i) {
                image_apply(&ret[i], op, mask);
            }
        }
    }
}

static void write_disk(const char *to, const struct image image[FILES]) {
    char path[160];
    snprintf(path, sizeof(path), "%s/db-shm", to);
    unlink(path);
    for (int i = 0; i < FILES; i++) {
        snprintf(path, sizeof(path), "%s/%s", to, names[i]);
        unlink(path);
        int fd = image[i].exists ? open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600) : -1;
        assert_true(!image[i].exists || fd >= 0);
        if (fd >= 0) {
            assert_int_equal(write(fd, image[i].p, image[i].n), image[i].n);
            close(fd);
        }
    }
}

static bool ask(sqlite3 *db, const char *sql, char *ret, size_t n) {
    sqlite3_stmt *stmt = NULL;
    bool ok = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK &&
              sqlite3_step(stmt) == SQLITE_ROW;
    snprintf(ret, n, "%s", ok ? (const char *)sqlite3_column_text(stmt, 0) : sqlite3_errmsg(db));
    sqlite3_finalize(stmt);
    return ok;
}

/* Each writer's commits are 1 to some number, in both tables, and that number was answered at
 * least. */
static bool rows_are_right(sqlite3 *db, const int answered[WRITERS], char *why, size_t n) {
    for (int i = 0; i < WRITERS; i++) {
        char sql[200], got[64];
        snprintf(
            sql, sizeof(sql),
            "SELECT (SELECT count(*) || '/' || coalesce(max(number), 0) FROM a WHERE writer = %d)"
            " || ' ' || (SELECT count(*) || '/' || coalesce(max(number), 0) FROM b WHERE "
            "writer = %d)",
            i, i);
        int v[4];
        bool ok = ask(db, sql, got, sizeof(got)) &&
                  sscanf(got, "%d/%d %d/%d", &v[0], &v[1], &v[2], &v[3]) == 4;
        if (!ok || v[0] != v[1] || v[0] != v[2] || v[0] != v[3] || v[0] < answered[i]) {
            snprintf(why, n, "writer %d: rows %s, answered %d", i, got, answered[i]);
            return false;
        }
    }
    return true;
}

static bool disk_is_right(const char *at, const struct disk *d, char *why, size_t n) {
    char path[160], text[100];
    sqlite3 *db = NULL;
    snprintf(path, sizeof(path), "%s/db", at);
    bool ok = sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
                              system_vfs->zName) == SQLITE_OK;
    sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    ok = ok && sqlite3_exec(db, "PRAGMA synchronous=OFF", NULL, NULL, NULL) == SQLITE_OK;
    bool intact =
        ok && ask(db, "PRAGMA integrity_check", text, sizeof(text)) && strcmp(text, "ok") == 0;
    if (!intact) {
        snprintf(why, n, "not intact: %s", ok ? text : sqlite3_errmsg(db));
    }
    bool right = intact && (!d->opened || rows_are_right(db, d->answered, why, n));
    sqlite3_close(db);
    return right;
}

/* How many disks are wrong, of how many. */
struct verdict {
    int wrong, disks;
    char first[300];
};

/* `first_only` ends at the first wrong one. */
static void judge(struct verdict *v, bool first_only) {
    static struct disk d;
    struct image image[FILES] = {0};
    struct err err = ERR_INIT;
    char at[64];
    memset(&d, 0, sizeof(d));
    for (int i = 0; i < FILES; i++) {
        d.file[i].certain = true;
    }
    random_state = 88172645463325252u; /* the same disks in every run */
    make_place(at, sizeof(at));
    *v = (struct verdict){0};
    for (size_t cut = 0; cut <= n_ops && !(first_only && v->wrong > 0); cut++) {
        for (int variant = 0; variant < VARIANTS; variant++) {
            char why[200] = "";
            compose(&d, variant, image);
            write_disk(at, image);
            v->disks++;
            if (!disk_is_right(at, &d, why, sizeof(why)) && v->wrong++ == 0) {
                snprintf(v->first, sizeof(v->first),
                         "power lost before operation %zu of %zu, disk %d: %s", cut, n_ops, variant,
                         why);
            }
        }
        if (cut < n_ops) {
            disk_step(&d, cut);
        }
    }
    for (int i = 0; i < FILES; i++) {
        free(image[i].p);
        free(d.file[i].synced.p);
        free(d.file[i].old.p);
    }
    assert_int_equal(tree_remove(at, &err), 0);
}

static void record_run(bool lies) {
    struct err err = ERR_INIT;
    watch_sqlite();
    make_place(dir, sizeof(dir));
    memset(there, 0, sizeof(there));
    disk_lies = lies;
    recording = true;
    run_store();
    recording = false;
    assert_int_equal(tree_remove(dir, &err), 0);
}

static void forget_run(void) {
    for (size_t i = 0; i < n_ops; i++) {
        free(ops[i].bytes);
    }
    free(ops);
    ops = NULL;
    n_ops = 0;
}

static size_t count(enum op_kind kind, int file) {
    size_t n = 0;
    for (size_t i = 0; i < n_ops; i++) {
        n += ops[i].kind == kind && ops[i].file == file ? 1 : 0;
    }
    return n;
}

static void test_no_moment_of_power_loss_loses_an_answered_commit(void **state) {
    (void)state;
    struct verdict v;
    record_run(false);
    /* The run had what it is to prove: many syncs of the log, checkpoints, and a directory's sync.
     */
    assert_true(count(OP_SYNC, 1) >= 40);
    assert_true(count(OP_SYNC, 0) >= 5);
    assert_true(count(OP_SYNC, DIRECTORY) >= 2);
    judge(&v, false);
    print_message("%zu operations, %d disks\n", n_ops, v.disks);
    if (v.wrong > 0) {
        fail_msg("%d of %d disks are wrong; the first: %s", v.wrong, v.disks, v.first);
    }
    forget_run();
}

static void test_enumeration_sees_a_store_that_does_not_sync_its_log(void **state) {
    (void)state;
    struct verdict v;
    record_run(true);
    judge(&v, true);
    assert_true(v.wrong > 0);
    forget_run();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_moment_of_power_loss_loses_an_answered_commit),
        cmocka_unit_test(test_enumeration_sees_a_store_that_does_not_sync_its_log),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
