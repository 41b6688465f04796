/*
 * The system calls that a build may make: the profile of containers-common (what podman uses), read
 * from where Debian installs it and resolved into the OCI form for our ten capabilities and this
 * machine's architecture, without what a build has no use for and the kernel has many bugs in.
 */
#include "flow/sandbox/internal.h"

#include "platform/os/file.h"
#include "platform/text/json.h"

#include <errno.h>
#include <sys/utsname.h>

enum { PROFILE_MAX = 1 << 20 };

/* Taken out of the profile and refused with EPERM: other processes' memory, keys, programs in the
 * kernel. Programs take that for a missing right and go on. */
static const char *const refused[] = {
    "ptrace",
    "process_vm_readv",
    "process_vm_writev",
    "keyctl",
    "add_key",
    "request_key",
    "bpf",
    "perf_event_open",
    "userfaultfd",
    "name_to_handle_at",
    "open_by_handle_at",
    "quotactl",
    "quotactl_fd",
    "kexec_load",
    "kexec_file_load",
    "syslog",
    "acct",
    "lookup_dcookie",
    "fanotify_init",
    "fanotify_mark",
    "swapon",
    "swapoff",
    "reboot",
    "pidfd_getfd",
    "process_madvise",
    "kcmp",
};

/* Refused in the same way, but for privileged builds: namespaces and mounts, which those make
 * within their own user namespace, where the kernel still asks for CAP_SYS_ADMIN. */
static const char *const refused_ordinary[] = {
    "unshare", "setns",    "mount",   "umount",    "umount2",    "pivot_root",    "fsopen",
    "fspick",  "fsconfig", "fsmount", "open_tree", "move_mount", "mount_setattr",
};

/* Taken out and answered as if the kernel did not have them: callers fall back (io_uring to epoll,
 * clone3, whose flags no filter can see, to clone). */
static const char *const absent[] = {"io_uring_setup", "io_uring_enter", "io_uring_register",
                                     "clone3"};

/* CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET */
static const int64_t clone_namespaces = 0x7E020000;

static bool listed(const char *const *list, size_t n, const char *name) {
    for (size_t i = 0; i < n; i++) {
        if (strcmp(list[i], name) == 0) {
            return true;
        }
    }
    return false;
}
#define LISTED(list, name) listed(list, sizeof(list) / sizeof((list)[0]), name)

static const char *machine(void) {
    static struct utsname u;
    uname(&u);
    return strcmp(u.machine, "x86_64") == 0    ? "amd64"
           : strcmp(u.machine, "aarch64") == 0 ? "arm64"
                                               : u.machine;
}

static bool holds(const json_t *list, const char *text) {
    size_t i = 0;
    json_t *item = NULL;
    json_array_foreach(list, i, item) {
        if (strcmp(json_string_value(item), text) == 0) {
            return true;
        }
    }
    return false;
}

/* Of the capabilities that the profile asks about, an ordinary build has none, a privileged one
 * these. */
static bool has_capabilities(const json_t *wanted, enum seccomp_kind kind) {
    bool ours = holds(wanted, "CAP_SYS_ADMIN") || holds(wanted, "CAP_SYS_CHROOT");
    return json_array_size(wanted) == 0 || (kind == SECCOMP_PRIVILEGED && ours);
}

static bool applies(const json_t *rule, enum seccomp_kind kind) {
    const json_t *includes = json_object_get(rule, "includes");
    const json_t *excludes = json_object_get(rule, "excludes");
    const json_t *arches = json_object_get(includes, "arches");
    const json_t *without = json_object_get(excludes, "caps");
    bool excluded = json_array_size(without) > 0 && has_capabilities(without, kind);
    return !excluded && has_capabilities(json_object_get(includes, "caps"), kind) &&
           (json_array_size(arches) == 0 || holds(arches, machine())) &&
           !holds(json_object_get(excludes, "arches"), machine());
}

static json_t *names_left(const json_t *rule, enum seccomp_kind kind) {
    json_t *names = json_array();
    size_t i = 0;
    json_t *name = NULL;
    json_array_foreach(json_object_get(rule, "names"), i, name) {
        const char *text = json_string_value(name);
        bool ordinary = kind == SECCOMP_BUILD && text != NULL &&
                        (LISTED(refused_ordinary, text) || strcmp(text, "clone") == 0);
        if (text != NULL && !ordinary && !LISTED(refused, text) && !LISTED(absent, text)) {
            json_array_append(names, name);
        }
    }
    return names;
}

static json_t *oci_rule(const json_t *rule, enum seccomp_kind kind) {
    json_t *names = names_left(rule, kind);
    if (!applies(rule, kind) || json_array_size(names) == 0) {
        json_decref(names);
        return NULL;
    }
    json_t *out = json_object();
    json_object_set_new(out, "names", names);
    json_object_set(out, "action", json_object_get(rule, "action"));
    if (json_is_integer(json_object_get(rule, "errnoRet"))) {
        json_object_set(out, "errnoRet", json_object_get(rule, "errnoRet"));
    }
    if (json_array_size(json_object_get(rule, "args")) > 0) {
        json_object_set(out, "args", json_object_get(rule, "args"));
    }
    return out;
}

static void refuse(json_t *syscalls, const char *const *list, size_t n) {
    json_t *names = json_array();
    for (size_t i = 0; i < n; i++) {
        json_array_append_new(names, json_string(list[i]));
    }
    json_array_append_new(syscalls, json_pack("{s:o, s:s, s:i}", "names", names, "action",
                                              "SCMP_ACT_ERRNO", "errnoRet", EPERM));
}
#define REFUSE(syscalls, list) refuse(syscalls, list, sizeof(list) / sizeof((list)[0]))

static void add_own_rules(json_t *syscalls, enum seccomp_kind kind) {
    REFUSE(syscalls, refused);
    if (kind == SECCOMP_PRIVILEGED) {
        return; /* the profile allows clone as it is */
    }
    REFUSE(syscalls, refused_ordinary);
    json_array_append_new(syscalls, json_pack("{s:[s], s:s, s:[{s:i, s:I, s:i, s:s}]}", "names",
                                              "clone", "action", "SCMP_ACT_ALLOW", "args", "index",
                                              0, "value", (json_int_t)clone_namespaces, "valueTwo",
                                              0, "op", "SCMP_CMP_MASKED_EQ"));
}

json_t *seccomp_profile(enum seccomp_kind kind, struct err *err) {
    struct arena a = ARENA_INIT;
    struct str text = STR_NONE;
    json_t *source cleanup_json = NULL;
    if (file_read(&a, SECCOMP_SOURCE, PROFILE_MAX, &text, err) < 0 ||
        (source = json_parse(text, err)) == NULL) {
        err_wrap(err, "the seccomp profile (package golang-github-containers-common)");
        arena_done(&a);
        return NULL;
    }
    json_t *syscalls = json_array();
    size_t i = 0;
    json_t *rule = NULL;
    json_array_foreach(json_object_get(source, "syscalls"), i, rule) {
        json_t *out = oci_rule(rule, kind);
        if (out != NULL) {
            json_array_append_new(syscalls, out);
        }
    }
    add_own_rules(syscalls, kind);
    const char *arch = strcmp(machine(), "amd64") == 0   ? "SCMP_ARCH_X86_64"
                       : strcmp(machine(), "arm64") == 0 ? "SCMP_ARCH_AARCH64"
                                                         : "SCMP_ARCH_NATIVE";
    arena_done(&a);
    return json_pack("{s:s, s:i, s:[s], s:o}", "defaultAction", "SCMP_ACT_ERRNO", "defaultErrnoRet",
                     ENOSYS, "architectures", arch, "syscalls", syscalls);
}
