/*
 * File descriptors: owned by `cleanup_fd` variables, moved with TAKE_FD, always close-on-exec,
 * read and written completely or not at all. Interrupted calls (EINTR) are repeated here so that
 * callers never see them.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

#include <stdint.h>
#include <sys/types.h>

/* Closes and sets to -1; a negative descriptor is left alone, errno is kept. */
void fd_closep(int *fd);
#define cleanup_fd __attribute__((cleanup(fd_closep), unused))

/* Gives the descriptor away: the variable becomes -1 and its cleanup does nothing. */
static inline int fd_take(int *fd) {
    int taken = *fd;
    *fd = -1;
    return taken;
}
#define TAKE_FD(fd) fd_take(&(fd))

/* The same for an owned pointer. */
#define TAKE_PTR(p)                                                                                \
    ({                                                                                             \
        __typeof__(p) *take_from_ = &(p);                                                          \
        __typeof__(p) taken_ = *take_from_;                                                        \
        *take_from_ = NULL;                                                                        \
        taken_;                                                                                    \
    })

/* free() for `cleanup_free char *p`. */
void mem_freep(void *p);
#define cleanup_free __attribute__((cleanup(mem_freep)))

/* All n bytes; on a short write (peer gone, disk full) an error. Works on non-blocking descriptors
 * too (waits). A pipe whose reader is gone raises SIGPIPE, which our programs ignore; fd_send_all
 * is for sockets and never raises it. */
int fd_send_all(int socket, const void *p, size_t n, struct err *err) MUST_USE;
int fd_write_all(int fd, const void *p, size_t n, struct err *err) MUST_USE;

/* Exactly n bytes; ERR_UNAVAILABLE when the other side ended before. */
int fd_read_exact(int fd, void *p, size_t n, struct err *err) MUST_USE;

/* Until end of file, at most max bytes (ERR_LIMIT if there are more); NUL behind the end. */
int fd_read_all(struct arena *a, int fd, size_t max, struct str *ret, struct err *err) MUST_USE;

/* One read into the end of the buffer, at most `most` bytes: bytes read, 0 at the end, -1 with
 * ERR_UNAVAILABLE when a non-blocking descriptor has nothing now, or with ERR_LIMIT when the buffer
 * has no room. */
ssize_t fd_read_some(int fd, struct buf *b, size_t most, struct err *err) MUST_USE;

int fd_pipe(int *ret_read, int *ret_write, struct err *err) MUST_USE;
int fd_nonblocking(int fd, bool on, struct err *err) MUST_USE;
int fd_dup(int fd, struct err *err) MUST_USE; /* close-on-exec copy, or -1 */

/* Waits for poll(2) events: their bits, 0 after timeout_ms (-1 = for ever), -1 on error. */
int fd_wait(int fd, short events, int timeout_ms, struct err *err) MUST_USE;

/* An anonymous file holding the bytes, sealed against any change, positioned at 0. */
int fd_from_bytes(const char *name, struct str bytes, struct err *err) MUST_USE;

/* A message of bytes and up to 8 descriptors over a unix SOCK_SEQPACKET or SOCK_DGRAM socket.
 * Receiving: bytes read (0 = the peer closed), descriptors beyond *io_fds are closed, the others
 * are the caller's; *io_fds is the room in `fds` before and their number after. */
#define FD_MESSAGE_MAX 8
int fd_send_message(int sock, const void *p, size_t n, const int *fds, size_t fds_n,
                    struct err *err) MUST_USE;
ssize_t fd_receive_message(int sock, void *p, size_t n, int *fds, size_t *io_fds,
                           struct err *err) MUST_USE;
