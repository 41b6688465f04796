/* One build that is followed: its supervisor lives, records, ends or dies; see followed.h. */
#include "flow/build/followed.h"

#include "flow/build/store.h"
#include "flow/plan/events.h"
#include "flow/sandbox/container.h"
#include "platform/os/fd.h"
#include "platform/os/file.h"

#include <signal.h>
#include <stdio.h>

enum {
    START_GRACE_MS = 30000, /* time for a supervisor to write its pid */
    PID_MAX_BYTES = 200,
};

/* The process whose pid stands in the build's directory: 1 found, 0 no pid yet, -1 it has ended. */
static int attach(struct builds *b, struct running *r) {
    struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    struct process_id id;
    struct str text = STR_NONE;
    const char *path = str_printf(&a, "%s/supervisor.pid", builds_dir(b, &a, r->ingest.uuid)).p;
    int result = 0;
    if (file_exists(path) && file_read(&a, path, PID_MAX_BYTES, &text, &err) == 0 &&
        process_id_parse(text, &id)) {
        result = process_attach(&id, &r->process, &err) == 0 ? 1
                 : err.kind == ERR_NOT_FOUND                 ? -1
                                                             : 0;
    }
    arena_done(&a);
    return result;
}

/* Has the supervisor ended? What we spawned may have found another one at work (a start that a
 * crash interrupted): the pid file decides, and it is never swept while that one lives. */
static bool is_dead(struct builds *b, struct running *r) {
    struct err ignored = ERR_INIT;
    struct process_exit end;
    if (r->child && process_wait(&r->process, 0, &end, &ignored) > 0) {
        r->child = false;
        r->child_ended = true;
    }
    if (r->child) {
        return false;
    }
    if (r->process.pid == 0) {
        int found = attach(b, r);
        bool waited = clock_mono_ms(b->config.flow->clock) - r->since_ms > START_GRACE_MS;
        if (found <= 0) {
            return found < 0 || r->child_ended || waited;
        }
    }
    return process_wait_death(&r->process, 0, &ignored) > 0;
}

static bool stop_asked(struct builds *b, struct running *r) {
    struct err ignored = ERR_INIT;
    struct db *db = b->config.flow->db;
    if (db_begin(db, &ignored) < 0) {
        return false;
    }
    bool asked = build_get_stop(db, r->ingest.uuid, &ignored) > 0;
    db_rollback(db);
    return asked;
}

/* The file is for a supervisor that does not listen yet, the signal for one that does. */
static void send_stop(struct builds *b, struct running *r) {
    struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    const char *path = str_printf(&a, "%s/stop", builds_dir(b, &a, r->ingest.uuid)).p;
    if (file_exists(path) || file_write_atomic(path, S("stop\n"), 0600, &err) == 0) {
        r->stop_sent = process_signal(&r->process, SIGTERM, &err) == 0;
    }
    arena_done(&a);
}

/* Takes in all that is recorded; true when the end is in the row. */
static bool take_in(struct builds *b, struct running *r, bool dead) {
    struct err err = ERR_INIT;
    bool more = true;
    bool ended = false;
    while (more && !ended && !b->stopping) {
        if (ingest_step(&r->ingest, dead, &more, &ended, &err) < 0) {
            if (++r->errors <= ERRORS_TOLD) {
                fprintf(stderr, "trunkline: build %.*s: %s\n", STR_ARG(r->ingest.uuid), err.msg);
            }
            return false;
        }
        r->errors = 0;
    }
    return ended;
}

/* ---- those whose supervisor has died ---- */

static void tell(const struct running *r, const struct err *err) {
    fprintf(stderr, "trunkline: build " STR_FMT ": %s\n", STR_ARG(r->ingest.uuid), err->msg);
}

/* Kills what it left running. Until that is dead nobody is told of an end. */
static void kill_left(struct builds *b, struct running *r) {
    struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    const char *dir = builds_dir(b, &a, r->ingest.uuid);
    bool box = file_exists(str_printf(&a, "%s/box", dir).p);
    int killed = box ? sandbox_kill_left(dir, &r->box, &err) : 0;
    if (killed < 0) {
        tell(r, &err);
    }
    r->left = !box ? LEFT_NOTHING : killed > 0 ? LEFT_DYING : LEFT_FILES;
    fd_closep(&r->leash);
    arena_done(&a);
}

static void see_death(struct running *r) {
    struct err ignored = ERR_INIT;
    if (process_wait_death(&r->box, 0, &ignored) != 0) {
        process_close(&r->box);
        r->left = LEFT_FILES;
    }
}

static void sweep(struct builds *b, struct running *r) {
    struct arena a = ARENA_INIT;
    r->left = LEFT_SWEEPING;
    sweeper_add(b->sweeper, builds_dir(b, &a, r->ingest.uuid), r->ingest.uuid);
    arena_done(&a);
}

/* Puts the build back to where it waits for a supervisor, and forgets this one: the next one is
 * followed as soon as that is committed. Without the pid it may have the directory; it makes a
 * container of its own. */
static int start_again(struct builds *b, struct running *r, const char *dir, struct arena *a,
                       struct err *err) {
    struct db *db = b->config.flow->db;
    struct str uuid = str_dup(a, r->ingest.uuid);
    if (file_remove(str_printf(a, "%s/supervisor.pid", dir).p, err) < 0 || db_begin(db, err) < 0) {
        return -1;
    }
    if (queue_add(db, "build.start", uuid, S(""), 0, err) < 0) {
        db_rollback(db);
        return -1;
    }
    followed_remove(b, r);
    if (db_commit(db, err) < 0) {
        fprintf(stderr, "trunkline: build " STR_FMT ": %s\n", STR_ARG(uuid), err->msg);
        builds_follow_lost(b, uuid);
    }
    return 0;
}

/* A supervisor that waited in the pool was killed when it was given a build, or soon after: as long
 * as none of the build's commands can have run, another one takes it. True: r is gone. */
static bool replaced(struct builds *b, struct running *r) {
    struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    const char *dir = builds_dir(b, &a, r->ingest.uuid);
    bool untouched = false;
    bool asked = r->spare && !r->clearing;
    bool again = asked && build_untouched(dir, &untouched, &err) == 0 && untouched &&
                 start_again(b, r, dir, &a, &err) == 0;
    if (asked && !again && err.kind != ERR_NONE) {
        tell(r, &err);
    }
    arena_done(&a);
    return again;
}

/* Whether there is more to be done about this one. */
static bool attend_dead(struct builds *b, struct running *r) {
    if (r->left == LEFT_UNSEEN) {
        kill_left(b, r);
    }
    if (r->left == LEFT_DYING) {
        see_death(r);
    }
    if (r->left == LEFT_DYING || replaced(b, r)) {
        return false;
    }
    if (r->left == LEFT_FILES) {
        sweep(b, r);
    }
    return true;
}

static void see_end(struct builds *b, struct running *r) {
    struct arena a = ARENA_INIT;
    const char *dir = builds_dir(b, &a, r->ingest.uuid);
    if (file_exists(str_printf(&a, "%s/exit.json", dir).p)) {
        followed_leave_place(b, r);
    }
    arena_done(&a);
}

void followed_attend(struct builds *b, struct running *r, bool tick) {
    bool dead = r->left != LEFT_UNSEEN || is_dead(b, r);
    r->changed = false;
    if (r->process.pid > 0 && !dead && !r->stop_sent && !r->clearing && tick && stop_asked(b, r)) {
        send_stop(b, r);
    }
    if (dead && !attend_dead(b, r)) {
        return;
    }
    if (!r->clearing && !r->left_place) {
        see_end(b, r);
    }
    bool ended = r->clearing || take_in(b, r, dead);
    if (ended && dead && r->left == LEFT_NOTHING) {
        followed_remove(b, r);
    } else if (ended && !r->clearing) {
        followed_now_clearing(b, r);
    }
}
