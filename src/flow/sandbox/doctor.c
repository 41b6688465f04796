/*
 * The checks. Each is one function that fills one line of the report; the table says which of them
 * a build cannot do without. Probes that mount do so in a thread with a mount namespace of its own,
 * which the kernel takes away with the thread.
 */
#include "flow/sandbox/doctor.h"

#include "flow/sandbox/image.h"
#include "flow/sandbox/internal.h"
#include "platform/os/fd.h"
#include "platform/os/file.h"
#include "platform/os/mount.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <linux/magic.h>
#include <pthread.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

enum { FREE_WANTED_GIB = 5 };

/* What a check gets and fills. */
struct exam {
    struct arena *a;
    const char *data_dir; /* where builds will write */
    bool quick;           /* start no programs */
    struct doctor_check *check;
};

static void verdict(struct exam *e, enum doctor_state state, struct str finding, const char *fix) {
    e->check->state = state;
    e->check->finding = finding;
    e->check->fix = state == DOCTOR_OK ? STR_NONE : str_c(fix);
}
#define SAY(e, ...) str_printf((e)->a, __VA_ARGS__)

/* What stands in the way once a right is missing; the check of root names which. */
static const char *fix_of(const struct err *err, const char *otherwise) {
    return err->kind == ERR_DENIED || err->sys == EPERM || err->sys == EACCES
               ? "give trunkline the rights that the line 'root' names"
               : otherwise;
}

/* Found by running a build without each of the capabilities in turn. */
static void check_root(struct exam *e) {
    struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct caps[2] = {{0}};
    static const struct {
        unsigned bit;
        const char *name;
    } needed[] = {{CAP_SYS_ADMIN, "CAP_SYS_ADMIN"}, {CAP_SETUID, "CAP_SETUID"},
                  {CAP_SETGID, "CAP_SETGID"},       {CAP_CHOWN, "CAP_CHOWN"},
                  {CAP_FOWNER, "CAP_FOWNER"},       {CAP_DAC_OVERRIDE, "CAP_DAC_OVERRIDE"}};
    if (geteuid() != 0) {
        verdict(e, DOCTOR_FAIL, SAY(e, "builds need root, this is user %u", geteuid()),
                "run trunkline as root (the packaged trunkline.service does)");
        return;
    }
    struct str lacking = S("");
    if (syscall(SYS_capget, &head, caps) == 0) {
        for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
            if ((caps[0].effective & 1U << needed[i].bit) == 0) {
                lacking = SAY(e, STR_FMT " %s", STR_ARG(lacking), needed[i].name);
            }
        }
    }
    if (lacking.n > 0) {
        verdict(e, DOCTOR_FAIL, SAY(e, "root lacks" STR_FMT, STR_ARG(lacking)),
                "give the service (or the surrounding container) what is named");
        return;
    }
    verdict(e, DOCTOR_OK, S("root, with the capabilities that making containers needs"), NULL);
}

static void check_userns(struct exam *e) {
    struct err err = ERR_INIT;
    int fd cleanup_fd = userns_new(1000000, ID_RANGE, &err);
    if (fd < 0) {
        verdict(e, DOCTOR_FAIL, SAY(e, "no user namespaces: %s", err.msg),
                fix_of(&err, "raise /proc/sys/user/max_user_namespaces "
                             "(sysctl user.max_user_namespaces=65536)"));
        return;
    }
    verdict(e, DOCTOR_OK, S("can be made; each build gets ids of its own"), NULL);
}

/* The folder nearest to the data directory that exists. */
static const char *existing(struct exam *e) {
    struct str path = str_c(e->data_dir);
    while (path.n > 1 && !file_is_dir(str_z(e->a, path))) {
        size_t slash = str_rfind_c(path, '/');
        path = str_n(path.p, slash == (size_t)-1 || slash == 0 ? 1 : slash);
    }
    return str_z(e->a, path);
}

/* Does what preparing a container does, on an empty image. */
static int probe_mounts(const char *dir, struct arena *a, struct err *err) {
    static const char *const names[] = {"image", "low", "upper", "work", "root"};
    const char *paths[5];
    for (size_t i = 0; i < 5; i++) {
        paths[i] = str_printf(a, "%s/%s", dir, names[i]).p;
        if (dir_make_new(paths[i], 0755, err) < 0) {
            return -1;
        }
    }
    int userns cleanup_fd = userns_new(1000000, ID_RANGE, err);
    if (userns < 0 || mount_isolate(err) < 0 ||
        mount_idmapped(paths[0], paths[1], userns, err) < 0 ||
        mount_overlay(paths[1], paths[2], paths[3], paths[4], err) < 0) {
        return -1;
    }
    /* The folder is removed by another thread, which does not see these mounts. */
    return mount_detach(paths[4], err) < 0 ? -1 : mount_detach(paths[1], err);
}

struct probe {
    const char *dir;
    struct arena a;
    struct err err;
    int result;
};

static void *probe_thread(void *ud) {
    struct probe *p = ud;
    p->result = probe_mounts(p->dir, &p->a, &p->err);
    return NULL;
}

static void check_mounts(struct exam *e) {
    struct probe p = {.result = -1, .err = ERR_INIT};
    const char *base = existing(e);
    p.dir = str_printf(e->a, "%s/.doctor-%d", base, getpid()).p;
    pthread_t thread;
    struct err ignored = ERR_INIT;
    if (tree_remove(p.dir, &p.err) == 0 && dir_make_new(p.dir, 0700, &p.err) == 0 &&
        pthread_create(&thread, NULL, probe_thread, &p) == 0) {
        pthread_join(thread, NULL);
    }
    arena_done(&p.a);
    if (tree_remove(p.dir, &ignored) < 0 && p.result == 0) {
        p.result = -1;
        p.err = ignored;
    }
    if (p.result < 0) {
        verdict(
            e, DOCTOR_FAIL,
            SAY(e, "an overlay on an id-mapped image cannot be mounted in %s: %s", base, p.err.msg),
            fix_of(&p.err,
                   "use a kernel of 5.19 or newer, and a data directory on ext4, xfs or btrfs"));
        return;
    }
    verdict(e, DOCTOR_OK, SAY(e, "an overlay on an id-mapped image works in %s", base), NULL);
}

static void check_cgroups(struct exam *e) {
    static const char *const needed[] = {"memory", "pids"};
    const char *version = cgroup_is_v2() ? "version 2" : "version 1";
    for (size_t i = 0; i < 2; i++) {
        if (!cgroup_has(needed[i])) {
            verdict(e, DOCTOR_FAIL,
                    SAY(e, "cgroups (%s) have no controller '%s'", version, needed[i]),
                    "boot with it enabled (cgroup_enable=memory), or delegate it to the service");
            return;
        }
    }
    const char *probe = str_printf(e->a, CGROUP_ROOT "%s/trunkline-doctor-%d",
                                   cgroup_is_v2() ? "" : "/pids", getpid())
                            .p;
    struct err err = ERR_INIT;
    if (dir_make(probe, 0755, &err) < 0) {
        verdict(e, DOCTOR_FAIL, SAY(e, "no cgroup can be made: %s", err.msg),
                fix_of(&err, "mount the cgroup file system writable"));
        return;
    }
    rmdir(probe);
    verdict(e, DOCTOR_OK,
            SAY(e, "%s, with memory and pids%s", version,
                cgroup_has("cpu") ? " and cpu" : "; no cpu limits"),
            NULL);
}

static void check_runtime(struct exam *e) {
    bool crun = program_find(e->a, "crun") != NULL;
    bool runc = program_find(e->a, "runc") != NULL;
    if (!crun && !runc) {
        verdict(e, DOCTOR_FAIL, S("neither crun nor runc is installed"), "apt-get install crun");
        return;
    }
    const char *name = crun ? "crun" : "runc";
    struct str version = str_c(name);
    struct err err = ERR_INIT;
    if (!e->quick && runtime_version(e->a, name, &version, &err) < 0) {
        verdict(e, DOCTOR_FAIL, SAY(e, "%s does not run: %s", name, err.msg),
                "reinstall it, or install the other: apt-get install runc");
        return;
    }
    struct statfs fs;
    bool mixed = !cgroup_is_v2() && statfs(CGROUP_ROOT "/unified", &fs) == 0 &&
                 fs.f_type == CGROUP2_SUPER_MAGIC;
    verdict(e, DOCTOR_OK,
            SAY(e, STR_FMT ", %s%s", STR_ARG(version),
                !crun  ? "because crun, which is faster, is not installed"
                : runc ? "because it is faster; runc is there as the second choice"
                       : "because it is there",
                crun && mixed ? "; version 2 of cgroups is hidden from it on this mixed host" : ""),
            NULL);
}

static void check_seccomp(struct exam *e) {
    struct err err = ERR_INIT;
    json_t *profile = seccomp_profile(SECCOMP_BUILD, &err);
    if (profile == NULL) {
        verdict(e, DOCTOR_FAIL, SAY(e, "no list of allowed system calls: %s", err.msg),
                "apt-get install golang-github-containers-common");
        return;
    }
    verdict(e, DOCTOR_OK,
            SAY(e, "%zu rules of %s apply", json_array_size(json_object_get(profile, "syscalls")),
                SECCOMP_SOURCE),
            NULL);
    json_decref(profile);
}

static void check_landlock(struct exam *e) {
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (abi < 0) {
        verdict(e, DOCTOR_WARN,
                S("no Landlock: archives are unpacked under seccomp and lowered rights only"),
                "boot with lsm=landlock,... (Debian's kernels have it)");
        return;
    }
    verdict(e, DOCTOR_OK, SAY(e, "version %ld confines the unpacking of archives", abi), NULL);
}

static void check_program(struct exam *e, const char *name, enum doctor_state missing,
                          const char *why, const char *fix) {
    const char *path = program_find(e->a, name);
    if (path == NULL) {
        verdict(e, missing, SAY(e, "%s is missing: %s", name, why), fix);
    } else {
        verdict(e, DOCTOR_OK, str_c(path), NULL);
    }
}

static void check_git(struct exam *e) {
    check_program(e, "git", DOCTOR_FAIL, "sources cannot be fetched", "apt-get install git");
}

static void check_mmdebstrap(struct exam *e) {
    check_program(e, "mmdebstrap", DOCTOR_WARN, "no build image can be made here",
                  "apt-get install mmdebstrap");
}

static void check_skopeo(struct exam *e) {
    check_program(e, "skopeo", DOCTOR_WARN, "images of registries cannot be fetched",
                  "apt-get install skopeo");
}

static void check_umoci(struct exam *e) {
    check_program(e, "umoci", DOCTOR_WARN, "images of registries cannot be unpacked",
                  "apt-get install umoci");
}

static void check_image(struct exam *e) {
    struct image image;
    struct err err = ERR_INIT;
    if (image_find(e->a, IMAGE_DEFAULT, false, &image, &err) < 0) {
        verdict(e, DOCTOR_WARN, SAY(e, "%s", err.msg), "trunkline image build");
        return;
    }
    verdict(e, DOCTOR_OK, SAY(e, "%s, %.19s...", IMAGE_DEFAULT, image.digest.p), NULL);
}

static void check_disk(struct exam *e) {
    struct statvfs fs;
    const char *dir = existing(e);
    if (statvfs(dir, &fs) < 0) {
        verdict(e, DOCTOR_WARN, SAY(e, "%s cannot be measured", dir), "check the data directory");
        return;
    }
    double gib = (double)fs.f_bavail * (double)fs.f_frsize / (1 << 30);
    verdict(e, gib < FREE_WANTED_GIB ? DOCTOR_WARN : DOCTOR_OK,
            SAY(e, "%.1f GiB free in %s", gib, dir),
            "make room: an image takes half a GiB, a Terraform build about one");
}

static const struct {
    const char *name;
    void (*run)(struct exam *e);
    bool container; /* needed to make containers: part of sandbox_available */
} checks[] = {
    {"root", check_root, true},
    {"user namespaces", check_userns, true},
    {"mounts", check_mounts, true},
    {"cgroups", check_cgroups, true},
    {"container runtime", check_runtime, true},
    {"system call filter", check_seccomp, true},
    {"landlock", check_landlock, false},
    {"git", check_git, false},
    {"mmdebstrap", check_mmdebstrap, false},
    {"skopeo", check_skopeo, false},
    {"umoci", check_umoci, false},
    {"build image", check_image, false},
    {"disk", check_disk, false},
};

void doctor_run(struct arena *a, const char *data_dir, struct doctor_report *ret) {
    *ret = (struct doctor_report){0};
    for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
        struct doctor_check check = {.name = checks[i].name};
        struct exam e = {
            .a = a, .data_dir = data_dir ? data_dir : sandbox_home(a), .check = &check};
        checks[i].run(&e);
        *arena_push(a, ret) = check;
    }
}

int sandbox_available(struct err *err) {
    struct arena a = ARENA_INIT;
    int result = 0;
    for (size_t i = 0; result == 0 && i < sizeof(checks) / sizeof(checks[0]); i++) {
        struct doctor_check check = {.name = checks[i].name};
        struct exam e = {.a = &a, .data_dir = sandbox_home(&a), .quick = true, .check = &check};
        if (checks[i].container) {
            checks[i].run(&e);
        }
        if (check.state == DOCTOR_FAIL) {
            result = err_set(err, ERR_UNSUPPORTED,
                             "no containers on this machine: " STR_FMT "; " STR_FMT,
                             STR_ARG(check.finding), STR_ARG(check.fix));
        }
    }
    arena_done(&a);
    return result;
}
