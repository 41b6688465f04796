/*
 * Preloaded into serve: ends it by SIGKILL as the Nth answer to a build is about to leave, which is
 * after its transaction committed and before anybody knows. KILL_AT_ANSWER=N. Builds' calls come
 * over a socket of AF_UNIX; other clients are not touched, and processes that serve starts do not
 * inherit it.
 */
#include <dlfcn.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

static long target;
static atomic_long answers;

__attribute__((constructor)) static void begin(void) {
    const char *n = getenv("KILL_AT_ANSWER");
    target = n ? strtol(n, NULL, 10) : 0;
    unsetenv("KILL_AT_ANSWER");
    unsetenv("LD_PRELOAD");
}

static void look(int fd, const void *bytes, size_t n) {
    static const char head[] = "HTTP/1.1 2";
    struct sockaddr_storage own = {0};
    socklen_t size = sizeof(own);
    if (target == 0 || n < sizeof(head) - 1 || memcmp(bytes, head, sizeof(head) - 1) != 0 ||
        getsockname(fd, (struct sockaddr *)&own, &size) < 0 || own.ss_family != AF_UNIX) {
        return;
    }
    if (atomic_fetch_add(&answers, 1) + 1 == target) {
        kill(getpid(), SIGKILL);
    }
}

static void look_at(int fd, const struct iovec *parts, size_t n) {
    if (n > 0 && parts != NULL) {
        look(fd, parts[0].iov_base, parts[0].iov_len);
    }
}

/* The real function; dlsym gives an object pointer, which POSIX lets one read as a function's. */
#define REAL(name)                                                                                 \
    static __typeof__(&name) real;                                                                 \
    if (real == NULL) {                                                                            \
        void *found = dlsym(RTLD_NEXT, #name);                                                     \
        memcpy(&real, &found, sizeof(real));                                                       \
    }

ssize_t write(int fd, const void *bytes, size_t n) {
    REAL(write)
    look(fd, bytes, n);
    return real(fd, bytes, n);
}

ssize_t writev(int fd, const struct iovec *parts, int n) {
    REAL(writev)
    look_at(fd, parts, n > 0 ? (size_t)n : 0);
    return real(fd, parts, n);
}

ssize_t send(int fd, const void *bytes, size_t n, int flags) {
    REAL(send)
    look(fd, bytes, n);
    return real(fd, bytes, n, flags);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags) {
    REAL(sendmsg)
    look_at(fd, message->msg_iov, message->msg_iovlen);
    return real(fd, message, flags);
}
