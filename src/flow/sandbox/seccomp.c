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

/* Taken out of the profile and refused with EPERM: other namespaces, other processes' memory, keys,
 * programs in the kernel. Programs take that for a missing right and go on. */
static const char *const refused[] = {
    "unshare",
    "setns",
    "ptrace",
    "process_vm_readv",
    "process_vm_writev",
    "keyctl",
    "add_key",
    "request_key",
    "bpf",
    "perf_event_open",
    "userfaultfd",
    "mount",
    "umount",
    "umount2",
    "pivot_root",
    "fsopen",
    "fsconfig",
    "fsmount",
    "fspick",
    "move_mount",
    "open_tree",
    "mount_setattr",
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

/* None of the capabilities that the profile asks about is among ours. */
static bool applies(const json_t *rule) {
    const json_t *includes = json_object_get(rule, "includes");
    const json_t *excludes = json_object_get(rule, "excludes");
    const json_t *arches = json_object_get(includes, "arches");
    return json_array_size(json_object_get(includes, "caps")) == 0 &&
           (json_array_size(arches) == 0 || holds(arches, machine())) &&
           !holds(json_object_get(excludes, "arches"), machine());
}

static json_t *names_left(const json_t *rule) {
    json_t *names = json_array();
    size_t i = 0;
    json_t *name = NULL;
    json_array_foreach(json_object_get(rule, "names"), i, name) {
        const char *text = json_string_value(name);
        if (text != NULL && !LISTED(refused, text) && !LISTED(absent, text) &&
            strcmp(text, "clone") != 0) {
            json_array_append(names, name);
        }
    }
    return names;
}

static json_t *oci_rule(const json_t *rule) {
    json_t *names = names_left(rule);
    if (!applies(rule) || json_array_size(names) == 0) {
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

static void add_own_rules(json_t *syscalls) {
    json_t *names = json_array();
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        json_array_append_new(names, json_string(refused[i]));
    }
    json_array_append_new(syscalls, json_pack("{s:o, s:s, s:i}", "names", names, "action",
                                              "SCMP_ACT_ERRNO", "errnoRet", EPERM));
    json_array_append_new(syscalls, json_pack("{s:[s], s:s, s:[{s:i, s:I, s:i, s:s}]}", "names",
                                              "clone", "action", "SCMP_ACT_ALLOW", "args", "index",
                                              0, "value", (json_int_t)clone_namespaces, "valueTwo",
                                              0, "op", "SCMP_CMP_MASKED_EQ"));
}

json_t *seccomp_profile(struct err *err) {
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
        json_t *out = oci_rule(rule);
        if (out != NULL) {
            json_array_append_new(syscalls, out);
        }
    }
    add_own_rules(syscalls);
    const char *arch = strcmp(machine(), "amd64") == 0   ? "SCMP_ARCH_X86_64"
                       : strcmp(machine(), "arm64") == 0 ? "SCMP_ARCH_AARCH64"
                                                         : "SCMP_ARCH_NATIVE";
    arena_done(&a);
    return json_pack("{s:s, s:i, s:[s], s:o}", "defaultAction", "SCMP_ACT_ERRNO", "defaultErrnoRet",
                     ENOSYS, "architectures", arch, "syscalls", syscalls);
}
