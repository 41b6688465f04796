/*
 * The OCI runtime's configuration of a container, written as config.json. Everything that decides
 * what a build may do is in this file and in seccomp.c.
 */
#include "flow/sandbox/internal.h"

#include "platform/crypto/encode.h"
#include "platform/os/file.h"
#include "platform/text/json.h"

#include <sys/resource.h>

enum { INIT_SOCKET_INSIDE = 3, OPEN_FILES_MAX = 65536, OOM_SCORE = 500, CPU_PERIOD_US = 100000 };

/* What package managers and `su` need within the container's own ids, and nothing about the
 * machine. */
static const char *const capabilities[] = {
    "CAP_CHOWN",   "CAP_DAC_OVERRIDE",     "CAP_FOWNER",  "CAP_FSETID",
    "CAP_KILL",    "CAP_NET_BIND_SERVICE", "CAP_SETFCAP", "CAP_SETGID",
    "CAP_SETPCAP", "CAP_SETUID",
};

/* What privileged builds have on top: mounts, devices of /dev alone, chroot. All of it counts in
 * the container's own user namespace only. */
static const char *const privileged_capabilities[] = {"CAP_SYS_ADMIN", "CAP_SYS_CHROOT",
                                                      "CAP_MKNOD"};

static const char *const masked[] = {
    "/proc/acpi",       "/proc/asound",      "/proc/kcore",
    "/proc/keys",       "/proc/kallsyms",    "/proc/latency_stats",
    "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug",
    "/proc/scsi",       "/sys/firmware",     "/sys/fs/selinux",
    "/sys/fs/cgroup",   "/sys/kernel",       "/sys/devices/virtual/powercap",
};

static const char *const readonly[] = {
    "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger",
};

static json_t *strings(const char *const *v, size_t n) {
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++) {
        json_array_append_new(list, json_string(v[i]));
    }
    return list;
}
#define STRINGS(v) strings(v, sizeof(v) / sizeof((v)[0]))

static json_t *capability_set(bool privileged) {
    json_t *set = STRINGS(capabilities);
    json_t *more cleanup_json = STRINGS(privileged_capabilities);
    if (privileged) {
        json_array_extend(set, more);
    }
    return set;
}

static json_t *process(const struct sandbox *s) {
    json_t *caps = json_object();
    static const char *const sets[] = {"bounding", "effective", "permitted"};
    for (size_t i = 0; i < 3; i++) {
        json_object_set_new(caps, sets[i], capability_set(s->spec.privileged));
    }
    /* Limits are only ever lowered: raising needs a capability that many hosts do not give. */
    struct rlimit files = {0};
    getrlimit(RLIMIT_NOFILE, &files);
    json_int_t hard = files.rlim_max < OPEN_FILES_MAX ? (json_int_t)files.rlim_max : OPEN_FILES_MAX;
    char socket[12];
    snprintf(socket, sizeof(socket), "%d", INIT_SOCKET_INSIDE);
    return json_pack(
        "{s:b, s:{s:i, s:i, s:i}, s:[s, s], s:[s], s:s, s:o, s:[{s:s, s:I, s:I}, {s:s, s:i, s:i}], "
        "s:b, s:i}",
        "terminal", 0, "user", "uid", 0, "gid", 0, "umask", 022, "args", INIT_INSIDE, socket, "env",
        "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "cwd", "/", "capabilities", caps, "rlimits", "type",
        "RLIMIT_NOFILE", "hard", hard, "soft", hard, "type", "RLIMIT_CORE", "hard", 0, "soft", 0,
        "noNewPrivileges", 1, "oomScoreAdj", OOM_SCORE);
}

static void add_mount(json_t *mounts, const char *type, const char *source, const char *target,
                      const char *const *options, size_t n) {
    json_array_append_new(mounts, json_pack("{s:s, s:s, s:s, s:o}", "type", type, "source", source,
                                            "destination", target, "options", strings(options, n)));
}
#define ADD_MOUNT(mounts, type, source, target, ...)                                               \
    do {                                                                                           \
        const char *const options_[] = {__VA_ARGS__};                                              \
        add_mount(mounts, type, source, target, options_, sizeof(options_) / sizeof(options_[0])); \
    } while (0)

static json_t *mounts(struct sandbox *s) {
    json_t *list = json_array();
    const char *shm = str_printf(&s->a, "size=%lld", (long long)s->spec.limits.shm_bytes).p;
    ADD_MOUNT(list, "proc", "proc", "/proc", "nosuid", "noexec", "nodev");
    ADD_MOUNT(list, "tmpfs", "tmpfs", "/dev", "nosuid", "strictatime", "mode=755", "size=65536k");
    ADD_MOUNT(list, "devpts", "devpts", "/dev/pts", "nosuid", "noexec", "newinstance",
              "ptmxmode=0666", "mode=0620", "gid=5");
    ADD_MOUNT(list, "tmpfs", "shm", "/dev/shm", "nosuid", "noexec", "nodev", "mode=1777", shm);
    ADD_MOUNT(list, "mqueue", "mqueue", "/dev/mqueue", "nosuid", "noexec", "nodev");
    ADD_MOUNT(list, "sysfs", "sysfs", "/sys", "nosuid", "noexec", "nodev", "ro");
    ADD_MOUNT(list, "bind", BOX_INIT, INIT_INSIDE, "bind", "ro", "nosuid", "nodev");
    ADD_MOUNT(list, "bind", BOX_INIT, TOOLS_INSIDE "hash-files", "bind", "ro", "nosuid", "nodev");
    ADD_MOUNT(list, "bind", BOX_INIT, TOOLS_INSIDE "glob-search", "bind", "ro", "nosuid", "nodev");
    ADD_MOUNT(list, "bind", BOX_INIT, TOOLS_INSIDE "tests-run", "bind", "ro", "nosuid", "nodev");
    for (size_t i = 0; i < s->spec.mounts_n; i++) {
        const struct sandbox_mount *m = &s->spec.mounts[i];
        ADD_MOUNT(list, "bind", m->source, m->target, "bind", m->writable ? "rw" : "ro", "nosuid",
                  "nodev");
    }
    return list;
}

static json_t *resources(const struct sandbox_limits *l) {
    json_t *memory = json_pack("{s:I}", "limit", (json_int_t)l->memory_bytes);
    /* Version 1 counts memory and swap together, where the kernel was built to. */
    if (cgroup_is_v2() || file_exists(CGROUP_ROOT "/memory/memory.memsw.limit_in_bytes")) {
        json_object_set_new(memory, "swap", json_integer(l->memory_bytes));
    }
    json_t *r = json_pack("{s:o, s:{s:I}, s:[{s:b, s:s}]}", "memory", memory, "pids", "limit",
                          (json_int_t)l->pids, "devices", "allow", 0, "access", "rwm");
    if (l->cpu_milli > 0 && cgroup_has("cpu")) {
        json_object_set_new(r, "cpu",
                            json_pack("{s:I, s:i}", "quota",
                                      (json_int_t)(l->cpu_milli * CPU_PERIOD_US / 1000), "period",
                                      CPU_PERIOD_US));
    }
    return r;
}

static json_t *linux_part(struct sandbox *s) {
    json_t *namespaces = json_array();
    static const char *const kinds[] = {"pid", "mount", "ipc", "uts", "network", "user", "cgroup"};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        json_array_append_new(namespaces, json_pack("{s:s}", "type", kinds[i]));
    }
    json_t *ids = json_pack("[{s:i, s:I, s:i}]", "containerID", 0, "hostID", (json_int_t)s->base,
                            "size", ID_RANGE);
    return json_pack("{s:o, s:O, s:o, s:s, s:o, s:o, s:o}", "namespaces", namespaces, "uidMappings",
                     ids, "gidMappings", ids, "cgroupsPath", s->cgroup, "resources",
                     resources(&s->spec.limits), "maskedPaths", STRINGS(masked), "readonlyPaths",
                     STRINGS(readonly));
}

/* crun takes a compiled program; runc reads the profile. */
static int add_seccomp(struct sandbox *s, const char *runtime, json_t *config, struct err *err) {
    enum seccomp_kind kind = s->spec.privileged ? SECCOMP_PRIVILEGED : SECCOMP_BUILD;
    if (strcmp(runtime, "crun") == 0) {
        struct str program = STR_NONE;
        if (filter_program(&s->a, kind, &program, err) < 0) {
            return -1;
        }
        program = base64_encode(&s->a, program);
        json_object_set_new(config, "annotations",
                            json_pack("{s:s}", "run.oci.seccomp_bpf_data", str_z(&s->a, program)));
        return 0;
    }
    json_t *profile = seccomp_profile(kind, err);
    if (profile == NULL) {
        return -1;
    }
    json_object_set_new(json_object_get(config, "linux"), "seccomp", profile);
    return 0;
}

int bundle_write(struct sandbox *s, const char *runtime, struct err *err) {
    json_t *config cleanup_json =
        json_pack("{s:s, s:{s:s, s:b}, s:s, s:o, s:o, s:o}", "ociVersion", "1.0.0", "root", "path",
                  BOX_ROOT, "readonly", 0, "hostname", s->spec.hostname, "process", process(s),
                  "mounts", mounts(s), "linux", linux_part(s));
    if (config == NULL) {
        return err_set(err, ERR_INTERNAL, "the container's configuration cannot be written");
    }
    if (add_seccomp(s, runtime, config, err) < 0) {
        return -1;
    }
    return file_write(BOX_BUNDLE "/config.json", json_dump_str(&s->a, config), 0600, err);
}
