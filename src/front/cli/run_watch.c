/* Waits for a change of the sources; run.h. inotify wakes us, the sources themselves decide. */
#include "front/cli/run.h"

#include "front/cli/run_source.h"
#include "platform/os/fd.h"
#include "platform/os/file.h"
#include "platform/os/watch.h"

#include <errno.h>
#include <poll.h>
#include <sys/stat.h>

enum { LOOK_MS = 1000, SETTLE_MS = 200, FOLDERS_MAX = 20000, DEPTH_MAX = 64 };

static void add_folders(int watch, const char *dir, int depth, int *left) {
    struct arena a = ARENA_INIT;
    struct str_list names = {0};
    struct err ignored = ERR_INIT;
    if (depth<DEPTH_MAX && * left> 0 && watch_add(watch, dir, &ignored) == 0 &&
        dir_list(&a, dir, &names, &ignored) == 0) {
        (*left)--;
        for (size_t i = 0; i < names.n; i++) {
            const char *path = str_printf(&a, "%s/" STR_FMT, dir, STR_ARG(names.v[i])).p;
            struct stat st;
            if (!str_is(names.v[i], ".git") && lstat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
                add_folders(watch, path, depth + 1, left);
            }
        }
    }
    arena_done(&a);
}

int run_watch(const struct run *r, uint64_t state, const volatile sig_atomic_t *stop,
              struct err *err) {
    int watch cleanup_fd = watch_new(err);
    int left = FOLDERS_MAX;
    if (watch < 0) {
        return -1;
    }
    add_folders(watch, r->dir, 0, &left);
    for (;;) {
        struct pollfd fd = {watch, POLLIN, 0};
        struct arena a = ARENA_INIT;
        uint64_t now = state;
        if (*stop) {
            return 1;
        }
        int result = run_source_state(&a, r->dir, &now, err);
        arena_done(&a);
        if (result < 0) {
            return -1;
        }
        if (now != state) {
            poll(NULL, 0, SETTLE_MS); /* an editor writes more than one file */
            return 0;
        }
        if (poll(&fd, 1, left > 0 ? 60 * LOOK_MS : LOOK_MS) > 0 && watch_drain(watch, err) < 0) {
            return -1;
        }
    }
}
