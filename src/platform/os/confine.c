/* Implementation of confine.h. */
#include "platform/os/confine.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { ADDRESS_SPACE_MAX = 1 << 30 };

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

/* Landlock of Debian 12's kernel (ABI 2): everything that it governs is denied but what follows. */
static bool allow_only_folder(int dir_fd) {
    const uint64_t wanted = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR |
                            LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG |
                            LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_SYM;
    struct landlock_ruleset_attr rules = {
        .handled_access_fs = wanted | LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_REMOVE_DIR |
                             LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_CHAR |
                             LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |
                             LANDLOCK_ACCESS_FS_MAKE_BLOCK,
    };
    long set = syscall(SYS_landlock_create_ruleset, &rules, sizeof(rules), 0);
    if (set < 0) {
        return errno == ENOSYS || errno == EOPNOTSUPP; /* doctor says that it is missing */
    }
    struct landlock_path_beneath_attr rule = {.allowed_access = wanted, .parent_fd = dir_fd};
    bool added = dir_fd < 0 ||
                 syscall(SYS_landlock_add_rule, set, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0;
    bool done = added && syscall(SYS_landlock_restrict_self, set, 0) == 0;
    close((int)set);
    return done;
}

/* Only what changing owners and entering folders of other owners needs; nothing for a plain user,
 * who has none to begin with. */
static bool drop_capabilities(bool files) {
    const uint32_t kept = files ? 1U << CAP_CHOWN | 1U << CAP_DAC_OVERRIDE | 1U << CAP_FOWNER : 0;
    struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct now[2];
    if (syscall(SYS_capget, &head, now) < 0) {
        return false;
    }
    struct __user_cap_data_struct data[2] = {
        {.effective = now[0].permitted & kept, .permitted = now[0].permitted & kept}};
    return syscall(SYS_capset, &head, data) == 0;
}

static bool limit(__rlimit_resource_t what, rlim_t most) {
    struct rlimit now;
    if (getrlimit(what, &now) < 0) {
        return false;
    }
    most = most < now.rlim_max ? most : now.rlim_max;
    return setrlimit(what, &(struct rlimit){most, most}) == 0;
}

static bool allow_only_calls(bool files) {
    static const int calls[] = {
        SCMP_SYS(read),          SCMP_SYS(pread64),        SCMP_SYS(write),
        SCMP_SYS(close),         SCMP_SYS(lseek),          SCMP_SYS(fstat),
        SCMP_SYS(newfstatat),    SCMP_SYS(mmap),           SCMP_SYS(munmap),
        SCMP_SYS(mremap),        SCMP_SYS(mprotect),       SCMP_SYS(madvise),
        SCMP_SYS(brk),           SCMP_SYS(futex),          SCMP_SYS(getrandom),
        SCMP_SYS(clock_gettime), SCMP_SYS(gettimeofday),   SCMP_SYS(fcntl),
        SCMP_SYS(rt_sigreturn),  SCMP_SYS(rt_sigprocmask), SCMP_SYS(exit),
        SCMP_SYS(exit_group),    SCMP_SYS(fadvise64),
    };
    static const int file_calls[] = {
        SCMP_SYS(statx),     SCMP_SYS(openat),     SCMP_SYS(openat2),   SCMP_SYS(mkdirat),
        SCMP_SYS(symlinkat), SCMP_SYS(readlinkat), SCMP_SYS(fchmod),    SCMP_SYS(fchown),
        SCMP_SYS(fchownat),  SCMP_SYS(ftruncate),  SCMP_SYS(utimensat),
    };
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
    bool done = filter != NULL;
    for (size_t i = 0; done && i < sizeof(calls) / sizeof(calls[0]); i++) {
        done = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0) == 0;
    }
    for (size_t i = 0; done && files && i < sizeof(file_calls) / sizeof(file_calls[0]); i++) {
        done = seccomp_rule_add(filter, SCMP_ACT_ALLOW, file_calls[i], 0) == 0;
    }
    done = done && seccomp_load(filter) == 0;
    seccomp_release(filter);
    return done;
}

bool confine(const struct confinement *c) {
    bool done = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
                prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0 && limit(RLIMIT_CORE, 0) &&
                limit(RLIMIT_CPU, (rlim_t)c->seconds) &&
                limit(RLIMIT_FSIZE, (rlim_t)c->file_bytes) && allow_only_folder(c->dir_fd) &&
                drop_capabilities(c->dir_fd >= 0);
    if (SANITIZED) {
        return done;
    }
    return done && limit(RLIMIT_AS, ADDRESS_SPACE_MAX) && allow_only_calls(c->dir_fd >= 0);
}
