/*
 * The seccomp profile as a ready program for the kernel. Compiling it takes as long as half of all
 * else that makes a container, and gives the same bytes each time: so it is done once and kept
 * beside the images, under the digest of everything that it is made from. crun takes the program
 * as it is; runc compiles for itself.
 */
#include "flow/sandbox/internal.h"

#include "platform/crypto/encode.h"
#include "platform/crypto/hash.h"
#include "platform/os/fd.h"
#include "platform/os/file.h"
#include "platform/text/json.h"

#include <errno.h>
#include <seccomp.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PROGRAM_MAX = 1 << 20, ARGS_MAX = 6 };

static uint32_t action_of(const json_t *rule, const char *key, const char *errno_key) {
    struct str name = json_str(rule, key);
    if (str_is(name, "SCMP_ACT_ALLOW")) {
        return SCMP_ACT_ALLOW;
    }
    if (str_is(name, "SCMP_ACT_ERRNO")) {
        return SCMP_ACT_ERRNO((uint16_t)json_int(rule, errno_key));
    }
    return SCMP_ACT_KILL_PROCESS; /* the profile has no other; what is not known is not let through
                                   */
}

static enum scmp_compare compare_of(struct str op) {
    static const struct {
        const char *name;
        enum scmp_compare value;
    } ops[] = {{"SCMP_CMP_NE", SCMP_CMP_NE},
               {"SCMP_CMP_LT", SCMP_CMP_LT},
               {"SCMP_CMP_LE", SCMP_CMP_LE},
               {"SCMP_CMP_EQ", SCMP_CMP_EQ},
               {"SCMP_CMP_GE", SCMP_CMP_GE},
               {"SCMP_CMP_GT", SCMP_CMP_GT},
               {"SCMP_CMP_MASKED_EQ", SCMP_CMP_MASKED_EQ}};
    for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
        if (str_is(op, ops[i].name)) {
            return ops[i].value;
        }
    }
    return _SCMP_CMP_MAX;
}

static int add_rule(scmp_filter_ctx filter, const json_t *rule, uint32_t fallback,
                    struct err *err) {
    struct scmp_arg_cmp args[ARGS_MAX];
    const json_t *list = json_object_get(rule, "args");
    unsigned n = (unsigned)json_array_size(list);
    for (unsigned i = 0; i < n && i < ARGS_MAX; i++) {
        const json_t *arg = json_array_get(list, i);
        args[i] = (struct scmp_arg_cmp){.arg = (unsigned)json_int(arg, "index"),
                                        .op = compare_of(json_str(arg, "op")),
                                        .datum_a = (uint64_t)json_int(arg, "value"),
                                        .datum_b = (uint64_t)json_int(arg, "valueTwo")};
    }
    uint32_t action = action_of(rule, "action", "errnoRet");
    size_t i = 0;
    json_t *name = NULL;
    json_array_foreach(json_object_get(rule, "names"), i, name) {
        int number = seccomp_syscall_resolve_name(json_string_value(name));
        /* Names that this library does not know fall to the default, as they do in the runtimes. */
        if (number == __NR_SCMP_ERROR || action == fallback) {
            continue;
        }
        int failed = seccomp_rule_add_array(filter, action, number, n, args);
        if (failed != 0 && failed != -EEXIST) {
            return err_sys(err, -failed, "seccomp rule for %s", json_string_value(name));
        }
    }
    return 0;
}

static int export_program(scmp_filter_ctx filter, struct arena *a, struct str *ret,
                          struct err *err) {
    int fd cleanup_fd = memfd_create("seccomp", MFD_CLOEXEC);
    if (fd < 0) {
        return err_sys(err, errno, "make an anonymous file");
    }
    int failed = seccomp_export_bpf(filter, fd);
    if (failed != 0 || lseek(fd, 0, SEEK_SET) < 0) {
        return err_sys(err, failed ? -failed : errno, "export the seccomp program");
    }
    return fd_read_all(a, fd, PROGRAM_MAX, ret, err);
}

static int compile(struct arena *a, enum seccomp_kind kind, struct str *ret, struct err *err) {
    json_t *profile cleanup_json = seccomp_profile(kind, err);
    if (profile == NULL) {
        return -1;
    }
    uint32_t fallback = action_of(profile, "defaultAction", "defaultErrnoRet");
    scmp_filter_ctx filter = seccomp_init(fallback);
    int result = filter ? 0 : err_set(err, ERR_SYSTEM, "seccomp cannot be started");
    size_t i = 0;
    json_t *rule = NULL;
    json_array_foreach(json_object_get(profile, "syscalls"), i, rule) {
        result = result == 0 ? add_rule(filter, rule, fallback, err) : result;
    }
    result = result == 0 ? export_program(filter, a, ret, err) : result;
    seccomp_release(filter);
    return result;
}

/* Everything that the program depends on; RULES_VERSION stands for the code here and in seccomp.c.
 */
static struct str cache_key(struct arena *a, enum seccomp_kind kind, struct str source) {
    enum { RULES_VERSION = 2 };
    const struct scmp_version *v = seccomp_version();
    struct str text =
        str_printf(a, "%d %d %u.%u.%u %u\n" STR_FMT, RULES_VERSION, (int)kind, v->major, v->minor,
                   v->micro, seccomp_arch_native(), STR_ARG(source));
    return str_sub(crypto_sha256_hex(a, text), 0, 32);
}

int filter_program(struct arena *a, enum seccomp_kind kind, struct str *ret, struct err *err) {
    struct str source = STR_NONE;
    if (file_read(a, SECCOMP_SOURCE, PROGRAM_MAX, &source, err) < 0) {
        return err_wrap(err, "the seccomp profile (package golang-github-containers-common)");
    }
    const char *dir = str_printf(a, "%s/seccomp", sandbox_home(a)).p;
    const char *path = str_printf(a, "%s/" STR_FMT, dir, STR_ARG(cache_key(a, kind, source))).p;
    struct err missing = ERR_INIT;
    struct str program = STR_NONE;
    if (file_read(a, path, PROGRAM_MAX, &program, &missing) < 0 || program.n == 0) {
        if (compile(a, kind, &program, err) < 0) {
            return -1;
        }
        if (dir_make(dir, 0700, &missing) < 0 ||
            file_write_atomic(path, program, 0600, &missing) < 0) {
            missing =
                ERR_INIT; /* kept where that is possible; else the next build compiles again */
        }
    }
    *ret = program;
    return 0;
}
