/* Implementation of ahead.h. */
#include "flow/plan/ahead.h"

#include "platform/os/fd.h"
#include "platform/os/file.h"

#include <fcntl.h>

int ahead_write(const char *dir, const char *name, struct str text, struct err *err) {
    struct arena a = ARENA_INIT;
    const char *path = str_printf(&a, "%s/%s", dir, name).p;
    const char *ahead = str_printf(&a, "%s" AHEAD_SUFFIX, path).p;
    struct err absent = ERR_INIT;
    int fd cleanup_fd = file_open(ahead, O_WRONLY, 0, &absent);
    int result = fd < 0                                      ? file_write(path, text, 0600, err)
                 : fd_write_all(fd, text.p, text.n, err) < 0 ? -1
                                                             : file_rename(ahead, path, err);
    arena_done(&a);
    return result;
}
