/*
 * Preloaded into serve: ends it by SIGKILL at the Nth moment of a build's start. KILL_AT_START=N. A
 * start makes or takes the build's folder, puts the plan in it, and hands it to a supervisor: by a
 * line to one whose container is there already, or by an order to the process that forks them. The
 * moments are before and after each of these calls; rows are committed between them and after the
 * last. Only calls that name a folder of builds count, so what serve does ahead is not touched, and
 * processes that serve starts do not inherit it.
 */
#include <dlfcn.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static long target;
static atomic_long moments;

__attribute__((constructor)) static void begin(void) {
    const char *n = getenv("KILL_AT_START");
    target = n ? strtol(n, NULL, 10) : 0;
    unsetenv("KILL_AT_START");
    unsetenv("LD_PRELOAD");
}

/* A folder of builds, or something below. */
static bool of_a_build(const void *bytes, size_t n) {
    static const char part[] = "/builds/";
    return target > 0 && bytes != NULL && memmem(bytes, n, part, sizeof(part) - 1) != NULL;
}

static void pass(bool counts) {
    if (counts && atomic_fetch_add(&moments, 1) + 1 == target) {
        kill(getpid(), SIGKILL);
    }
}

/* The real function; dlsym gives an object pointer, which POSIX lets one read as a function's. */
#define REAL(name)                                                                                 \
    static __typeof__(&name) real;                                                                 \
    if (real == NULL) {                                                                            \
        void *found = dlsym(RTLD_NEXT, #name);                                                     \
        memcpy(&real, &found, sizeof(real));                                                       \
    }

int mkdir(const char *path, mode_t mode) {
    REAL(mkdir)
    bool counts = of_a_build(path, strlen(path));
    pass(counts);
    int result = real(path, mode);
    pass(counts);
    return result;
}

int renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags) {
    REAL(renameat2)
    bool counts = of_a_build(to, strlen(to));
    pass(counts);
    int result = real(from_dir, from, to_dir, to, flags);
    pass(counts);
    return result;
}

int rename(const char *from, const char *to) {
    static const char plan[] = "/plan.json";
    REAL(rename)
    size_t n = strlen(to);
    bool counts =
        of_a_build(to, n) && n > sizeof(plan) && strcmp(to + n - (sizeof(plan) - 1), plan) == 0;
    pass(counts);
    int result = real(from, to);
    pass(counts);
    return result;
}

/* The line to a supervisor that waits: a folder's name, and nothing else. */
ssize_t write(int fd, const void *bytes, size_t n) {
    REAL(write)
    struct stat st;
    bool counts = of_a_build(bytes, n) && ((const char *)bytes)[0] == '/' && fstat(fd, &st) == 0 &&
                  S_ISFIFO(st.st_mode);
    pass(counts);
    ssize_t result = real(fd, bytes, n);
    pass(counts);
    return result;
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags) {
    REAL(sendmsg)
    bool counts = message->msg_iovlen > 0 && message->msg_controllen > 0 &&
                  of_a_build(message->msg_iov[0].iov_base, message->msg_iov[0].iov_len);
    pass(counts);
    ssize_t result = real(fd, message, flags);
    pass(counts);
    return result;
}
