/*
 * Where the machine keeps what all containers share, and who has which ids. A range of 65536 ids
 * belongs to whoever holds the lock on its file; the file also names the container's first process,
 * which may outlive a supervisor that was killed, for as long as the kernel needs to end it.
 */
#include "flow/sandbox/internal.h"

#include "platform/os/fd.h"
#include "platform/os/file.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    RANGES = 4096,
    RANGE_FIRST = 0x60000000, /* up to 0x70000000: the end of what systemd leaves to containers */
};

const char *sandbox_home(struct arena *a) {
    if (geteuid() == 0) {
        return "/var/lib/trunkline";
    }
    const char *home = getenv("HOME");
    return str_printf(a, "%s/.local/share/trunkline", home && *home ? home : "/nonexistent").p;
}

/* Whether the container that the file names is still there. */
static bool owner_lives(const char *path, struct arena *a) {
    struct err ignored = ERR_INIT;
    struct str text = STR_NONE;
    struct process_id id;
    struct process p = PROCESS_NONE;
    if (file_read(a, path, 256, &text, &ignored) < 0 || !process_id_parse(text, &id) ||
        process_attach(&id, &p, &ignored) < 0) {
        return false;
    }
    bool alive = process_wait_death(&p, 0, &ignored) == 0;
    process_close(&p);
    return alive;
}

int range_take(uint32_t *ret_base, int *ret_lock, struct err *err) {
    struct arena a = ARENA_INIT;
    const char *dir = str_printf(&a, "%s/uid-ranges", sandbox_home(&a)).p;
    int result = dir_make(dir, 0700, err);
    int lock = -1;
    uint32_t n = 0;
    while (result == 0 && n < RANGES) {
        struct arena_mark mark = arena_mark(&a);
        const char *path = str_printf(&a, "%s/%04u", dir, n).p;
        struct err busy = ERR_INIT;
        lock = file_lock(path, false, &busy);
        if (lock >= 0 && !owner_lives(path, &a)) {
            break;
        }
        fd_closep(&lock);
        if (busy.kind != ERR_NONE && busy.kind != ERR_CONFLICT) {
            *err = busy;
            result = err_wrap(err, "take a range of ids");
        }
        arena_reset(&a, mark);
        n++;
    }
    arena_done(&a);
    if (result == 0 && lock < 0) {
        result = err_set(err, ERR_LIMIT, "all %d ranges of ids are in use", RANGES);
    }
    if (result == 0) {
        *ret_base = RANGE_FIRST + n * ID_RANGE;
        *ret_lock = lock;
    }
    return result;
}

int range_note_owner(int lock, const struct process *init, struct err *err) {
    struct process_id id;
    if (process_identify(init->pid, &id, err) < 0) {
        return -1;
    }
    struct arena a = ARENA_INIT;
    struct str text = process_id_text(&a, &id);
    int result = 0;
    if (ftruncate(lock, 0) < 0 || pwrite(lock, text.p, text.n, 0) != (ssize_t)text.n) {
        result = err_sys(err, errno, "note who has a range of ids");
    }
    arena_done(&a);
    return result;
}
