/*
 * The OCI runtime: crun, else runc, whichever makes the container. `run --detach` is one program
 * start where create and start would be two: process 1 is ours and waits to be told, so nothing of
 * the build runs before the caller says so. Its socket is the first descriptor behind the standard
 * ones.
 */
#include "flow/sandbox/internal.h"

#include "platform/os/fd.h"
#include "platform/os/file.h"
#include "platform/os/mount.h"

#include <errno.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

enum { RUNTIME_TIMEOUT_MS = 60000, MESSAGE_MAX = 2000 };

#define PID_FILE BOX_BUNDLE "/pid"

/* crun refuses hosts that have controllers in both versions of cgroups, whatever manager it is told
 * to use. In our own mount namespace version 2 can be out of sight. crun then keeps writing to the
 * place where it was, as if it were a hierarchy: a tmpfs of our own takes that. */
int runtime_hide_mixed_cgroups(struct err *err) {
    struct statfs fs;
    if (cgroup_is_v2() || statfs(CGROUP_ROOT "/unified", &fs) < 0 ||
        fs.f_type != CGROUP2_SUPER_MAGIC) {
        return 0;
    }
    return mount_detach(CGROUP_ROOT "/unified", err) < 0
               ? -1
               : mount_tmpfs(CGROUP_ROOT "/unified", "mode=0755,size=1m", err);
}

/* What the runtime said, on one line. The file is anonymous and process 1 holds it too, which is
 * why this is not a pipe: its end would never come. */
static void add_message(struct arena *a, int file, const char *name, struct err *err) {
    struct str text = STR_NONE;
    struct err ignored = ERR_INIT;
    lseek(file, 0, SEEK_SET);
    if (fd_read_all(a, file, 1 << 20, &text, &ignored) < 0 || text.n == 0) {
        err_set(err, ERR_SYSTEM, "%s failed and did not say why", name);
        return;
    }
    text = str_trim(text);
    struct str tail =
        text.n > MESSAGE_MAX ? str_sub(text, text.n - MESSAGE_MAX, MESSAGE_MAX) : text;
    size_t line = str_rfind_c(tail, '\n');
    struct str last = line == (size_t)-1 ? tail : str_sub(tail, line + 1, tail.n);
    err_set(err, ERR_SYSTEM, "%s: " STR_FMT, name, STR_ARG(last));
}

static int find_init(struct sandbox *s, struct err *err) {
    struct str text = STR_NONE;
    long long pid = 0;
    if (file_read(&s->a, PID_FILE, 32, &text, err) < 0) {
        return -1;
    }
    if (!str_to_i64(str_trim(text), &pid) || pid <= 1) {
        return err_set(err, ERR_SYSTEM, "%s wrote no process id", s->runtime);
    }
    /* It is our child by now (we are the reaper), so its pid cannot be another's. */
    struct process_id id;
    return process_identify((pid_t)pid, &id, err) < 0 ? -1 : process_attach(&id, &s->init, err);
}

/* A container's root could write through /proc/PID/exe to the runtime that starts it (and both
 * runtimes begin with making a copy of themselves against that). Starting from a read-only mount
 * closes the hole, and crun sees it and saves its copy. */
static int place_runtime(struct sandbox *s, const char *name, struct err *err) {
    const char *program = program_find(&s->a, name);
    if (program == NULL) {
        return err_set(err, ERR_NOT_FOUND, "%s is not installed", name);
    }
    return mount_detach(BOX_RUNTIME, err) < 0 || file_write(BOX_RUNTIME, S(""), 0700, err) < 0
               ? -1
               : mount_readonly(program, BOX_RUNTIME, err);
}

static int run_runtime(struct sandbox *s, const char *name, int init_socket, struct err *err) {
    if (bundle_write(s, name, err) < 0 || place_runtime(s, name, err) < 0) {
        return -1;
    }
    int messages cleanup_fd = memfd_create("runtime", MFD_CLOEXEC);
    if (messages < 0) {
        return err_sys(err, errno, "make an anonymous file");
    }
    const char *argv[] = {name,       "--root",   BOX_STATE,    "run",    "--detach",
                          "--bundle", BOX_BUNDLE, "--pid-file", PID_FILE, "--preserve-fds",
                          "1",        s->spec.id, NULL};
    const char *envp[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL};
    const struct process_spec spec = {.program = BOX_RUNTIME,
                                      .argv = argv,
                                      .envp = envp,
                                      .in = -1,
                                      .out = messages,
                                      .err = messages,
                                      .keep = &init_socket,
                                      .keep_n = 1};
    struct process p cleanup_process = PROCESS_NONE;
    struct process_exit end = {0};
    if (process_spawn(&spec, &p, err) < 0) {
        return -1;
    }
    int ended = process_wait(&p, RUNTIME_TIMEOUT_MS, &end, err);
    if (ended < 0) {
        return -1;
    }
    if (ended == 0) {
        return err_set(err, ERR_UNAVAILABLE, "%s did not end within %d s", name,
                       RUNTIME_TIMEOUT_MS / 1000);
    }
    if (end.code != 0) {
        add_message(&s->a, messages, name, err);
        return -1;
    }
    s->runtime = name;
    return find_init(s, err);
}

/* After a failed try: its half-made state would make the next try fail. */
static void clear_try(struct sandbox *s) {
    struct err ignored = ERR_INIT;
    if (tree_remove(BOX_STATE, &ignored) < 0 || dir_make(BOX_STATE, 0711, &ignored) < 0 ||
        file_remove(PID_FILE, &ignored) < 0 || cgroup_remove(s->cgroup, &ignored) < 0) {
        return; /* the next try says what is wrong */
    }
}

int runtime_create(struct sandbox *s, int init_socket, struct err *err) {
    static const char *const both[] = {"crun", "runc"};
    const char *wanted = s->spec.runtime;
    struct err first = ERR_INIT;
    for (size_t i = 0; i < 2; i++) {
        if (wanted != NULL && strcmp(wanted, both[i]) != 0) {
            continue;
        }
        if (run_runtime(s, both[i], init_socket, err) == 0) {
            return 0;
        }
        clear_try(s);
        if (wanted == NULL && i == 0) {
            first = *err;
        }
    }
    if (wanted == NULL && first.kind != ERR_NOT_FOUND) {
        char second[256];
        snprintf(second, sizeof(second), "%.250s", err->msg);
        return err_set(err, ERR_UNSUPPORTED, "%.400s; %s", first.msg, second);
    }
    return err_wrap(err, "make a container");
}

int runtime_version(struct arena *a, const char *name, struct str *ret, struct err *err) {
    const char *argv[] = {name, "--version", NULL};
    struct process_run run = {.spec = {.argv = argv}, .timeout_ms = RUNTIME_TIMEOUT_MS};
    struct str out = STR_NONE;
    if (process_run(a, &run, &out, NULL, NULL, err) < 0) {
        return -1;
    }
    return str_cut(&out, '\n', ret) ? 0 : err_set(err, ERR_SYSTEM, "%s gave no version", name);
}
