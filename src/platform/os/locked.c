/* Implementation of platform/os/locked.h. */
#include "platform/os/locked.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <linux/securebits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define HELPER_NAME "trunkline: locked"

/* argv of the helper: name, uid, file bytes, memory bytes, seconds, working folder ("-" = ours),
 * "r<path>" and "w<path>", "--", program, its argv. */
enum { FIXED_ARGS = 6, ARGS_MAX = 256 };

#ifndef LANDLOCK_ACCESS_FS_REFER
#define LANDLOCK_ACCESS_FS_REFER (1ULL << 13)
#endif
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
#endif

#define READ_RIGHTS                                                                                \
    (LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define WRITE_RIGHTS                                                                               \
    (READ_RIGHTS | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |                 \
     LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_DIR |  \
     LANDLOCK_ACCESS_FS_MAKE_SYM | LANDLOCK_ACCESS_FS_REFER | LANDLOCK_ACCESS_FS_TRUNCATE)
#define FILE_RIGHTS                                                                                \
    (LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE |   \
     LANDLOCK_ACCESS_FS_TRUNCATE)
#define ALL_RIGHTS                                                                                 \
    (WRITE_RIGHTS | LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_SOCK |                  \
     LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK)

/* ---- the helper ---- */

static void give_up(const char *what) {
    int reason = errno;
    char line[256];
    int n = snprintf(line, sizeof(line), "cannot lock up the process: %s: %s\n", what,
                     strerror(reason));
    ssize_t ignored = write(2, line, (size_t)n);
    (void)ignored;
    _exit(126);
}

static void allow(int set, const char *path, uint64_t rights, uint64_t known) {
    int fd = open(path, O_PATH | O_CLOEXEC);
    struct stat st;
    if (fd < 0) {
        return; /* what is not there need not be allowed */
    }
    if (fstat(fd, &st) < 0) {
        give_up(path);
    }
    struct landlock_path_beneath_attr rule = {
        .allowed_access = rights & known & (S_ISDIR(st.st_mode) ? ~0ULL : FILE_RIGHTS),
        .parent_fd = fd,
    };
    if (syscall(SYS_landlock_add_rule, set, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0) {
        give_up(path);
    }
    close(fd);
}

/* The rights that this kernel's Landlock knows; the first version lacks moving and truncating. */
static uint64_t known_rights(void) {
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    uint64_t known = ALL_RIGHTS;
    known &= version < 2 ? ~LANDLOCK_ACCESS_FS_REFER : ~0ULL;
    known &= version < 3 ? ~LANDLOCK_ACCESS_FS_TRUNCATE : ~0ULL;
    return version <= 0 ? 0 : known;
}

static int make_rules(char **argv, int argc, int *ret_program) {
    uint64_t known = known_rights();
    struct landlock_ruleset_attr attr = {.handled_access_fs = known};
    int set = known == 0 ? -1 : (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
    if (known != 0 && set < 0) {
        give_up("landlock");
    }
    int at = FIXED_ARGS;
    for (; at < argc && strcmp(argv[at], "--") != 0; at++) {
        if (set >= 0) {
            allow(set, argv[at] + 1, argv[at][0] == 'w' ? WRITE_RIGHTS : READ_RIGHTS, known);
        }
    }
    *ret_program = at + 1;
    return set;
}

static void limit(__rlimit_resource_t what, const char *text) {
    long long most = strtoll(text, NULL, 10);
    struct rlimit now;
    if (most <= 0 || getrlimit(what, &now) < 0) {
        return;
    }
    rlim_t value = (rlim_t)most < now.rlim_max ? (rlim_t)most : now.rlim_max;
    if (setrlimit(what, &(struct rlimit){value, value}) < 0) {
        give_up("limits");
    }
}

/* Another user keeps one right of root: to read and search where the mode would forbid it. What it
 * can reach by that is Landlock's to say. The secure bit makes access(2) agree with open(2). */
static void become(uid_t uid) {
    const uint32_t kept = 1U << CAP_DAC_READ_SEARCH;
    struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2] = {{kept, kept, kept}};
    if (uid == (uid_t)-1 || uid == geteuid()) {
        return;
    }
    if (prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0) < 0 || setgroups(0, NULL) < 0 ||
        setresgid(uid, uid, uid) < 0 || setresuid(uid, uid, uid) < 0 ||
        syscall(SYS_capset, &head, data) < 0 ||
        prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_DAC_READ_SEARCH, 0, 0) < 0) {
        give_up("user");
    }
}

static void become_program(int argc, char **argv, char **envp) {
    int program = 0;
    int set = make_rules(argv, argc, &program);
    if (strcmp(argv[5], "-") != 0 && chdir(argv[5]) < 0) {
        give_up(argv[5]);
    }
    limit(RLIMIT_FSIZE, argv[2]);
    limit(RLIMIT_DATA, argv[3]);
    limit(RLIMIT_CPU, argv[4]);
    become((uid_t)strtoul(argv[1], NULL, 10));
    if (setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0}) < 0 ||
        prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 ||
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
        (set >= 0 && syscall(SYS_landlock_restrict_self, set, 0) < 0)) {
        give_up("landlock");
    }
    close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
    execve(argv[program], argv + program + 1, envp);
    give_up(argv[program]);
}

__attribute__((constructor)) static void become_helper(int argc, char **argv, char **envp) {
    if (argc > FIXED_ARGS + 2 && strcmp(argv[0], HELPER_NAME) == 0) {
        become_program(argc, argv, envp);
    }
}

/* ---- the caller's side ---- */

void locked_system(struct arena *a, struct locked *c) {
    static const char *const paths[] = {
        "/usr",           "/bin",
        "/sbin",          "/lib",
        "/lib64",         "/etc/ssl",
        "/etc/pki",       "/etc/ca-certificates",
        "/etc/hosts",     "/etc/resolv.conf",
        "/etc/gai.conf",  "/etc/nsswitch.conf",
        "/etc/host.conf", "/etc/ld.so.cache",
        "/etc/passwd",    "/etc/group",
        "/etc/services",  "/etc/protocols",
        "/etc/localtime", "/run/systemd/resolve",
        "/dev/urandom",
    };
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        *arena_push(a, &c->read) = str_c(paths[i]);
    }
    *arena_push(a, &c->write) = S("/dev/null");
}

struct words {
    const char **v;
    size_t n;
};

static void add_paths(struct arena *a, struct words *w, char mark, const struct str_list *paths) {
    for (size_t i = 0; i < paths->n; i++) {
        *arena_push(a, w) = str_printf(a, "%c" STR_FMT, mark, STR_ARG(paths->v[i])).p;
    }
}

int locked_spec(struct arena *a, const struct process_spec *spec, const struct locked *c,
                struct process_spec *ret, struct err *err) {
    const char *name = spec->program ? spec->program : spec->argv[0];
    const char *program = strchr(name, '/') ? name : program_find(a, name);
    if (program == NULL) {
        return err_set(err, ERR_NOT_FOUND, "there is no program '%s'", name);
    }
    const long long numbers[] = {(long long)c->uid, (long long)c->file_bytes,
                                 (long long)c->memory_bytes, (long long)c->seconds};
    struct words w = {0};
    *arena_push(a, &w) = HELPER_NAME;
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        *arena_push(a, &w) = str_printf(a, "%lld", numbers[i]).p;
    }
    *arena_push(a, &w) = spec->dir ? spec->dir : "-";
    add_paths(a, &w, 'r', &c->read);
    add_paths(a, &w, 'w', &c->write);
    *arena_push(a, &w) = "--";
    *arena_push(a, &w) = program;
    for (size_t i = 0; spec->argv[i] != NULL; i++) {
        *arena_push(a, &w) = spec->argv[i];
    }
    *arena_push(a, &w) = NULL;
    *ret = *spec;
    ret->program = "/proc/self/exe";
    ret->argv = w.v;
    ret->dir = NULL;
    return w.n > ARGS_MAX ? err_set(err, ERR_LIMIT, "%zu words for one program", w.n) : 0;
}
