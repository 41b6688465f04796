/* Implementation of platform/os/watch.h. */
#include "platform/os/watch.h"

#include "platform/os/internal.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <sys/inotify.h>
#include <unistd.h>

int watch_new(struct err *err) {
    int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    return fd < 0 ? err_sys(err, errno, "watch files") : fd;
}

int watch_add(int watch, const char *path, struct err *err) {
    const uint32_t events = IN_MODIFY | IN_CLOSE_WRITE | IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM |
                            IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF;
    return inotify_add_watch(watch, path, events) < 0 ? os_error(err, errno, "watch", path) : 0;
}

int watch_add_arrivals(int watch, const char *dir, struct err *err) {
    int number = inotify_add_watch(watch, dir, IN_MOVED_TO);
    return number < 0 ? os_error(err, errno, "watch", dir) : number;
}

void watch_forget(int watch, int number) {
    inotify_rm_watch(watch, number); /* the folder may be gone, and the watch with it */
}

int watch_drain(int watch, struct err *err) {
    char events[16 * (sizeof(struct inotify_event) + NAME_MAX + 1)]
        __attribute__((aligned(__alignof__(struct inotify_event))));
    int count = 0;
    for (;;) {
        ssize_t n = read(watch, events, sizeof(events));
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0 && errno == EAGAIN) {
            return count;
        }
        if (n < 0) {
            return err_sys(err, errno, "read changes of files");
        }
        for (const char *at = events; at < events + n;) {
            const struct inotify_event *e = (const struct inotify_event *)at;
            at += sizeof(*e) + e->len;
            count++;
        }
    }
}
