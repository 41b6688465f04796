/*
 * The container's control group: made by the runtime, read and removed by us. Version 2 has one
 * hierarchy, version 1 one per controller; the group's name below it is the same.
 */
#include "flow/sandbox/internal.h"

#include "base/clock.h"
#include "platform/os/fd.h"
#include "platform/os/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

enum { REMOVE_TIMEOUT_MS = 5000 };

bool cgroup_is_v2(void) {
    struct statfs fs;
    return statfs(CGROUP_ROOT, &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC;
}

bool cgroup_has(const char *controller) {
    struct arena a = ARENA_INIT;
    bool found = false;
    if (cgroup_is_v2()) {
        struct str text = STR_NONE;
        struct err ignored = ERR_INIT;
        struct str part = STR_NONE;
        if (file_read(&a, CGROUP_ROOT "/cgroup.controllers", 4096, &text, &ignored) == 0) {
            struct str rest = str_trim(text);
            while (!found && str_cut(&rest, ' ', &part)) {
                found = str_is(part, controller);
            }
        }
    } else {
        found = file_is_dir(str_printf(&a, CGROUP_ROOT "/%s", controller).p);
    }
    arena_done(&a);
    return found;
}

/* The first move of a process into a group waits for a grace period of the kernel (about ten
 * milliseconds), further ones shortly afterwards do not. So a thread moves us into the group that
 * we are in, while the main thread prepares; by the time that the runtime moves its process, the
 * waiting is over. Failure costs only time. */
static void *warm_up(void *ud) {
    (void)ud;
    struct arena a = ARENA_INIT;
    struct str text = STR_NONE;
    struct str line = STR_NONE;
    struct err ignored = ERR_INIT;
    bool v2 = cgroup_is_v2();
    if (file_read(&a, "/proc/self/cgroup", 65536, &text, &ignored) == 0) {
        while (str_cut(&text, '\n', &line)) {
            struct str number = STR_NONE;
            struct str controllers = STR_NONE;
            if (!str_cut(&line, ':', &number) || !str_cut(&line, ':', &controllers) ||
                !str_is(controllers, v2 ? "" : "pids")) {
                continue;
            }
            const char *path = str_printf(&a, CGROUP_ROOT "%s" STR_FMT "/cgroup.procs",
                                          v2 ? "" : "/pids", STR_ARG(line))
                                   .p;
            int fd cleanup_fd = file_open(path, O_WRONLY, 0, &ignored);
            if (fd >= 0 && fd_write_all(fd, "0", 1, &ignored) < 0) {
                break;
            }
        }
    }
    arena_done(&a);
    return NULL;
}

void cgroup_warm_up(void) {
    pthread_t thread;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    if (pthread_create(&thread, &attributes, warm_up, NULL) != 0) {
        thread = pthread_self();
    }
    pthread_attr_destroy(&attributes);
}

/* The kernel lets go of a group a moment after its last process has died. */
static int remove_group(const char *path, struct err *err) {
    struct statfs fs;
    if (statfs(path, &fs) < 0 ||
        (fs.f_type != CGROUP_SUPER_MAGIC && fs.f_type != CGROUP2_SUPER_MAGIC)) {
        return 0;
    }
    const int64_t end = clock_mono_ms(&clock_system) + REMOVE_TIMEOUT_MS;
    while (rmdir(path) < 0) {
        if (errno == ENOENT || errno == ENOTDIR || errno == EROFS) {
            return 0;
        }
        if (errno != EBUSY || clock_mono_ms(&clock_system) > end) {
            return err_sys(err, errno, "remove the control group %s", path);
        }
        nanosleep(&(struct timespec){0, 1000000}, NULL);
    }
    return 0;
}

int cgroup_remove(const char *path, struct err *err) {
    struct arena a = ARENA_INIT;
    int result = 0;
    if (cgroup_is_v2()) {
        result = remove_group(str_printf(&a, CGROUP_ROOT "%s", path).p, err);
    } else {
        struct str_list hierarchies = {0};
        result = dir_list(&a, CGROUP_ROOT, &hierarchies, err);
        for (size_t i = 0; i < hierarchies.n; i++) {
            const char *group =
                str_printf(&a, CGROUP_ROOT "/" STR_FMT "%s", STR_ARG(hierarchies.v[i]), path).p;
            if (remove_group(group, err) < 0) {
                result = -1;
            }
        }
    }
    arena_done(&a);
    return result;
}

/* Number in a file that holds only one, or behind `key` in a file of "key number" lines. */
static int64_t number(struct arena *a, const char *path, const char *key) {
    struct err ignored = ERR_INIT;
    struct str text = STR_NONE;
    long long value = 0;
    if (file_read(a, path, 8192, &text, &ignored) < 0) {
        return 0;
    }
    if (key == NULL) {
        return str_to_i64(str_trim(text), &value) ? value : 0;
    }
    struct str line = STR_NONE;
    struct str word = STR_NONE;
    while (str_cut(&text, '\n', &line)) {
        if (str_cut(&line, ' ', &word) && str_is(word, key)) {
            return str_to_i64(str_trim(line), &value) ? value : 0;
        }
    }
    return 0;
}

void cgroup_memory(const char *path, struct sandbox_usage *io_usage) {
    struct arena a = ARENA_INIT;
    bool v2 = cgroup_is_v2();
    const char *base = str_printf(&a, "%s%s", v2 ? CGROUP_ROOT : CGROUP_ROOT "/memory", path).p;
    const char *now = v2 ? "memory.current" : "memory.usage_in_bytes";
    const char *peak = v2 ? "memory.peak" : "memory.max_usage_in_bytes";
    const char *events = v2 ? "memory.events" : "memory.oom_control";
    io_usage->memory_bytes = number(&a, str_printf(&a, "%s/%s", base, now).p, NULL);
    int64_t highest = number(&a, str_printf(&a, "%s/%s", base, peak).p, NULL);
    /* Kernels before 5.19 keep no peak in version 2: the highest that was seen stands for it. */
    highest = highest > io_usage->memory_bytes ? highest : io_usage->memory_bytes;
    if (highest > io_usage->memory_peak_bytes) {
        io_usage->memory_peak_bytes = highest;
    }
    int64_t kills = number(&a, str_printf(&a, "%s/%s", base, events).p, "oom_kill");
    if (kills > io_usage->oom_kills) {
        io_usage->oom_kills = kills;
    }
    arena_done(&a);
}
