/* A server for the length of one command; ephemeral.h. */
#include "front/cli/ephemeral.h"

#include "base/buf.h"
#include "base/clock.h"
#include "flow/sandbox/container.h"
#include "front/cli/cli.h"
#include "platform/os/fd.h"
#include "platform/os/file.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    START_MS = 20 * 1000,
    STOP_MS = 10 * 1000,
    BUILD_MS = 20 * 1000, /* a build's own grace, and what it needs to clear away */
    FRESH_S = 60,
    REMOVE_MS = 10 * 1000, /* a container's last mounts may still go away */
};

#define PREFIX "trunkline-run-"
#define LOCK "owner.lock"

static const char ready_line[] = "trunkline: ready ";

static int link_entries(struct arena *a, const char *from, const char *to, struct err *err) {
    struct str_list names;
    if (dir_list(a, from, &names, err) < 0 || dir_make(to, 0700, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < names.n; i++) {
        const char *source = str_printf(a, "%s/" STR_FMT, from, STR_ARG(names.v[i])).p;
        const char *target = str_printf(a, "%s/" STR_FMT, to, STR_ARG(names.v[i])).p;
        if (!file_is_dir(source) && symlink(source, target) < 0) {
            return err_set(err, ERR_SYSTEM, "cannot link %s", target);
        }
    }
    return 0;
}

static int take_along(struct arena *a, const char *from, const char *dir, struct err *err) {
    char *real cleanup_free = realpath(from, NULL);
    if (real == NULL) {
        return 0; /* nothing was served there yet */
    }
    const char *mirror = str_printf(a, "%s/mirror", real).p;
    const char *urls = str_printf(a, "%s/mirror/urls", real).p;
    const char *config = str_printf(a, "%s/trunkline.yml", real).p;
    if (file_is_dir(mirror) &&
        link_entries(a, mirror, str_printf(a, "%s/mirror", dir).p, err) < 0) {
        return -1;
    }
    if (file_is_dir(urls) &&
        link_entries(a, urls, str_printf(a, "%s/mirror/urls", dir).p, err) < 0) {
        return -1;
    }
    return file_exists(config)
               ? file_copy(config, str_printf(a, "%s/trunkline.yml", dir).p, 0600, err)
               : 0;
}

const char *ephemeral_lock(struct arena *a, const struct ephemeral *e) {
    return str_printf(a, "%s/" LOCK, e->dir).p;
}

/* ---- what others have left ---- */

/* Builds watch the lock and end by themselves, in a moment; what does not is ended. Then what the
 * supervisor did not clear away (it was killed, too) is. */
static void end_build(const char *dir) {
    struct arena a = ARENA_INIT;
    struct process_id id;
    struct process p = PROCESS_NONE;
    struct str text;
    struct err ignored = ERR_INIT;
    if (file_read(&a, str_printf(&a, "%s/supervisor.pid", dir).p, 256, &text, &ignored) == 0 &&
        process_id_parse(text, &id) && process_attach(&id, &p, &ignored) == 0) {
        (void)!process_signal(&p, SIGTERM, &ignored);
        if (process_wait_death(&p, BUILD_MS, &ignored) <= 0) {
            (void)!process_signal(&p, SIGKILL, &ignored);
            (void)!process_wait_death(&p, BUILD_MS, &ignored);
        }
        process_close(&p);
    }
    if (sandbox_sweep(dir, &ignored) < 0) {
        cli_warn("%s", ignored.msg);
    }
    arena_done(&a);
}

static void end_builds(const char *data) {
    struct arena a = ARENA_INIT;
    struct str_list names = {0};
    struct err none = ERR_INIT;
    const char *builds = str_printf(&a, "%s/builds", data).p;
    if (dir_list(&a, builds, &names, &none) == 0) {
        for (size_t i = 0; i < names.n; i++) {
            end_build(str_printf(&a, "%s/" STR_FMT, builds, STR_ARG(names.v[i])).p);
        }
    }
    arena_done(&a);
}

/* Directories of runs that were killed. One that has no lock yet is being made, unless it is old.
 */
static bool abandoned(struct arena *a, const char *dir) {
    struct stat st;
    struct err held = ERR_INIT;
    const char *path = str_printf(a, "%s/" LOCK, dir).p;
    if (lstat(dir, &st) < 0 || !S_ISDIR(st.st_mode) || st.st_uid != geteuid()) {
        return false;
    }
    if (!file_exists(path)) {
        return time(NULL) - st.st_mtime > FRESH_S;
    }
    int fd cleanup_fd = file_lock(path, false, &held);
    return fd >= 0;
}

static void sweep(void) {
    struct arena a = ARENA_INIT;
    struct str_list names = {0};
    struct err ignored = ERR_INIT;
    const char *given = getenv("TMPDIR");
    const char *temp = given && *given ? given : "/tmp";
    if (dir_list(&a, temp, &names, &ignored) == 0) {
        for (size_t i = 0; i < names.n; i++) {
            const char *dir = str_printf(&a, "%s/" STR_FMT, temp, STR_ARG(names.v[i])).p;
            if (str_starts(names.v[i], S(PREFIX)) && abandoned(&a, dir)) {
                end_builds(dir);
                if (tree_remove(dir, &ignored) < 0) {
                    cli_warn("%s is left behind: %s", dir, ignored.msg);
                }
            }
        }
    }
    arena_done(&a);
}

/* ---- ours ---- */

int ephemeral_prepare(struct arena *a, const char *from, struct ephemeral *ret, struct err *err) {
    *ret = EPHEMERAL_NONE;
    sweep();
    if (dir_make_temp(a, PREFIX, &ret->dir, err) < 0) {
        return -1;
    }
    ret->lock = file_lock(ephemeral_lock(a, ret), false, err);
    if (ret->lock < 0) {
        ephemeral_end(ret);
        return -1;
    }
    if (from && take_along(a, from, ret->dir, err) < 0) {
        ephemeral_end(ret);
        return -1;
    }
    return 0;
}

/* Reads until the ready line has come. */
static int wait_ready(int fd, struct err *err) {
    struct buf b cleanup_buf;
    buf_init(&b, 64 * 1024);
    int64_t until = clock_mono_ms(&clock_system) + START_MS;
    for (;;) {
        int64_t left = until - clock_mono_ms(&clock_system);
        int ready = left > 0 ? fd_wait(fd, POLLIN, (int)left, err) : 0;
        if (ready < 0) {
            return -1;
        }
        if (ready == 0) {
            return err_set(err, ERR_UNAVAILABLE, "the server did not answer within %d s",
                           START_MS / 1000);
        }
        ssize_t got = fd_read_some(fd, &b, 4096, err);
        if (got <= 0) {
            return got < 0 ? -1 : err_set(err, ERR_UNAVAILABLE, "the server ended at once");
        }
        if (str_find(buf_str(&b), str_c(ready_line), 0) != (size_t)-1 &&
            str_find_c(buf_str(&b), '\n', 0) != (size_t)-1) {
            return 0;
        }
    }
}

static struct str last_words(struct arena *a, const char *path) {
    struct str text;
    struct err ignored = ERR_INIT;
    if (file_read(a, path, 1024 * 1024, &text, &ignored) < 0) {
        return S("");
    }
    text = str_trim(text);
    size_t line = str_rfind_c(text, '\n');
    return str_sub(text, line == (size_t)-1 ? 0 : line + 1, text.n);
}

int ephemeral_start(struct arena *a, struct ephemeral *e, struct err *err) {
    int out cleanup_fd = -1;
    int out_end cleanup_fd = -1;
    const char *log = str_printf(a, "%s/serve.log", e->dir).p;
    int log_fd cleanup_fd = file_open(log, O_WRONLY | O_CREAT | O_APPEND, 0600, err);
    char self[4096];
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    if (log_fd < 0 || fd_pipe(&out, &out_end, err) < 0) {
        return -1;
    }
    if (n < 0) {
        return err_set(err, ERR_SYSTEM, "/proc is not mounted");
    }
    self[n] = '\0';
    const char *const argv[] = {
        self, "serve", "--data", e->dir, "--listen", "127.0.0.1:0", "--die-with-parent", NULL};
    struct process_spec spec = PROCESS_SPEC_INIT;
    spec.argv = argv;
    spec.out = out_end;
    spec.err = log_fd;
    spec.session = true; /* an interrupt of the terminal is ours to handle, not its */
    if (process_spawn(&spec, &e->server, err) < 0) {
        return -1;
    }
    fd_closep(&out_end);
    if (wait_ready(out, err) < 0) {
        struct str words = last_words(a, log);
        return words.n ? err_wrap(err, STR_FMT, STR_ARG(words)) : -1;
    }
    return 0;
}

static void end_server(struct ephemeral *e) {
    struct process_exit how;
    struct err ignored = ERR_INIT;
    if (e->server.pid == 0) {
        return;
    }
    if (process_signal(&e->server, SIGTERM, &ignored) < 0 ||
        process_wait(&e->server, STOP_MS, &how, &ignored) <= 0) {
        process_end(&e->server);
    }
}

void ephemeral_end(struct ephemeral *e) {
    end_server(e);
    if (e->dir) {
        end_builds(e->dir);
    }
    fd_closep(&e->lock);
    int64_t until = clock_mono_ms(&clock_system) + REMOVE_MS;
    while (e->dir) {
        struct err why = ERR_INIT;
        const struct timespec pause = {0, 50 * 1000 * 1000};
        if (tree_remove(e->dir, &why) == 0) {
            e->dir = NULL;
        } else if (clock_mono_ms(&clock_system) > until) {
            cli_warn("%s is left behind: %s", e->dir, why.msg);
            e->dir = NULL;
        } else {
            nanosleep(&pause, NULL);
        }
    }
}
