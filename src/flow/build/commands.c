/* Runs the commands of a phase in the container, one after another. */
#include "flow/build/supervision.h"

#include "flow/command/script.h"
#include "platform/os/fd.h"
#include "platform/os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum {
    TICK_MS = 1000,
    READ_BYTES = 256 * 1024,
    BURST = 64, /* reads in a row before events are looked at again */
    QUIET_TIMEOUT_MS = 60 * 1000,
};

/* Moves what is in the pipe to the log, at most `reads` pieces; false when it was empty. */
static bool drain(struct supervision *s, int fd, struct buf *into, unsigned reads) {
    static char chunk[READ_BYTES];
    for (unsigned i = 0; i < reads; i++) {
        ssize_t n = read(fd, chunk, sizeof(chunk));
        if (n <= 0) {
            return n < 0 && errno == EINTR;
        }
        if (into != NULL) {
            buf_add(into, str_n(chunk, (size_t)n));
        } else {
            build_log_output(s->log, str_n(chunk, (size_t)n));
        }
    }
    return true;
}

static void take_signals(struct supervision *s) {
    struct signalfd_siginfo info;
    while (read(s->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        s->stopping = true;
    }
}

/* The command that wanted this build has ended, however: nobody waits for it any more. */
static bool owner_gone(struct supervision *s) {
    struct err held = ERR_INIT;
    int64_t now = clock_mono_ms(s->clock);
    if (s->plan.owner_lock.n == 0 || now - s->owner_checked_ms < TICK_MS) {
        return false;
    }
    s->owner_checked_ms = now;
    int fd cleanup_fd = file_lock(str_z(&s->arena, s->plan.owner_lock), false, &held);
    return fd >= 0 || held.kind != ERR_CONFLICT;
}

bool phase_interrupted(struct supervision *s, struct phase_end *ret) {
    take_signals(s);
    s->stopping = s->stopping || owner_gone(s);
    if (clock_mono_ms(s->clock) >= s->deadline_ms) {
        s->timed_out = true;
    }
    if (s->stopping) {
        *ret = (struct phase_end){PHASE_STOPPED, "", S("")};
    } else if (s->timed_out) {
        *ret = (struct phase_end){PHASE_TIMED_OUT, "BUILD_TIMED_OUT", S("Build has timed out. ")};
    }
    return s->stopping || s->timed_out;
}

/* SIGTERM to all, some time to end, then the container is killed whole. */
static void end_commands(struct supervision *s) {
    struct err ignored = ERR_INIT;
    build_log_line(s->log, "%s", s->stopping ? "Build was asked to stop" : "Build has timed out");
    if (sandbox_signal(s->box, 0, SIGTERM, &ignored) == 0) {
        int64_t until = clock_mono_ms(s->clock) + STOP_GRACE_MS;
        struct sandbox_event event;
        int got = 0;
        while (got == 0 && clock_mono_ms(s->clock) < until) {
            got = sandbox_next(s->box, 100, &event, &ignored);
            drain(s, s->out_read, NULL, BURST);
        }
    }
    if (sandbox_kill(s->box, &ignored) < 0) {
        build_log_line(s->log, "Container could not be killed: %s", ignored.msg);
    }
    s->box_gone = true;
    drain(s, s->out_read, NULL, BURST);
}

/* Whoever has filled the disk would go on: all commands end, what follows finds the container. */
static int look_at_disk(struct supervision *s, struct err *err) {
    struct err ignored = ERR_INIT;
    int64_t now = clock_mono_ms(s->clock);
    if (now - s->gone_checked_ms < TICK_MS) {
        return 0;
    }
    s->gone_checked_ms = now;
    if (sandbox_check_disk(s->box, err) == 0) {
        return 0;
    }
    if (sandbox_signal(s->box, 0, SIGKILL, &ignored) < 0 && sandbox_kill(s->box, &ignored) == 0) {
        s->box_gone = true;
    }
    return -1;
}

static int gone(struct supervision *s, struct err *err) {
    struct sandbox_usage usage = {0};
    struct err ignored = ERR_INIT;
    s->box_gone = true;
    bool measured = sandbox_usage(s->box, &usage, &ignored) == 0;
    if (measured && usage.oom_kills > 0) {
        return err_set(err, ERR_LIMIT,
                       "Build container found dead before completing the build. "
                       "Its memory limit of %lld MiB was reached",
                       (long long)s->plan.memory_mib);
    }
    return err_set(err, ERR_SYSTEM, "Build container found dead before completing the build");
}

/* One look at everything that can happen. 1: the command has ended. */
static int look(struct supervision *s, uint32_t id, int out, struct buf *into, int *ret_code,
                struct err *err) {
    struct pollfd fds[] = {
        {sandbox_fd(s->box), POLLIN, 0}, {out, POLLIN, 0}, {s->signal_fd, POLLIN, 0}};
    int64_t left = s->deadline_ms - clock_mono_ms(s->clock);
    int timeout = left < 0 ? 0 : left < TICK_MS ? (int)left : TICK_MS;
    if (poll(fds, 3, timeout) < 0 && errno != EINTR) {
        return err_sys(err, errno, "poll");
    }
    drain(s, out, into, BURST);
    struct sandbox_event event;
    int got = fds[0].revents != 0 ? sandbox_next(s->box, 0, &event, err) : 0;
    if (got < 0) {
        return -1;
    }
    if (got > 0 && event.kind == SANDBOX_GONE) {
        s->begun -= event.unheard && s->begun > 0;
        return gone(s, err);
    }
    if (got > 0 && event.id == id && event.kind == SANDBOX_REFUSED) {
        return err_set(err, ERR_INVALID, "%s", event.text);
    }
    if (got > 0 && event.id == id) {
        *ret_code = event.code;
        return 1;
    }
    return look_at_disk(s, err);
}

static int wait_with(struct supervision *s, uint32_t id, int out, struct buf *into,
                     int64_t until_ms, int *ret_code, struct err *err) {
    for (;;) {
        int ended = look(s, id, out, into, ret_code, err);
        if (ended != 0) {
            for (unsigned i = 0; i < 1024 && drain(s, out, into, BURST); i++) {
            }
            return ended < 0 ? -1 : 0;
        }
        struct phase_end interruption;
        if (phase_interrupted(s, &interruption)) {
            end_commands(s);
            return err_set(err, ERR_CANCELLED, STR_FMT, STR_ARG(interruption.message));
        }
        if (clock_mono_ms(s->clock) >= until_ms) {
            return err_set(err, ERR_UNAVAILABLE, "a helper script did not end");
        }
    }
}

int wait_command(struct supervision *s, uint32_t id, int *ret_code, struct err *err) {
    return wait_with(s, id, s->out_read, NULL, INT64_MAX, ret_code, err);
}

static int start_script(struct supervision *s, struct str script, struct str user, int out,
                        uint32_t *ret_id, struct err *err) {
    if (sandbox_write_file(s->box, SCRIPT_PATH, script, 0755, err) < 0) {
        return err_wrap(err, "write " SCRIPT_PATH);
    }
    struct arena a = ARENA_INIT;
    const char *shell = str_is(s->spec.shell, "bash") ? "/bin/bash" : "/bin/sh";
    const char *argv[] = {shell, SCRIPT_PATH, NULL};
    struct sandbox_command command = {.argv = argv,
                                      .envp = s->base_env,
                                      .cwd = s->source_dir,
                                      .user = user.n > 0 ? str_z(&a, user) : NULL,
                                      .in = -1,
                                      .out = out,
                                      .err = out};
    int result = sandbox_run(s->box, &command, ret_id, err);
    arena_done(&a);
    return result;
}

int run_quiet(struct supervision *s, struct str script, size_t max, struct str *ret,
              struct err *err) {
    int read_end cleanup_fd = -1;
    int write_end cleanup_fd = -1;
    uint32_t id = 0;
    int code = -1;
    if (fd_pipe(&read_end, &write_end, err) < 0 || fd_nonblocking(read_end, true, err) < 0 ||
        start_script(s, script, S(""), write_end, &id, err) < 0) {
        return -1;
    }
    fd_closep(&write_end);
    struct buf out cleanup_buf;
    buf_init(&out, max);
    int64_t until = clock_mono_ms(s->clock) + QUIET_TIMEOUT_MS;
    if (wait_with(s, id, read_end, &out, until, &code, err) < 0) {
        return -1;
    }
    *ret = buf_dup(&s->arena, &out);
    return code;
}

/* Where the last command has left off; absent when the script has to look for itself, and say what
 * is wrong. Saves the script a process. */
static struct str last_directory(struct supervision *s, struct arena *a) {
    struct str text = STR_NONE;
    struct err ignored = ERR_INIT;
    if (sandbox_read_file(s->box, a, SCRIPT_CWD, PATH_MAX, &text, &ignored) < 0) {
        return STR_NONE;
    }
    while (str_ends(text, S("\n"))) {
        text.n--;
    }
    return text;
}

static struct str command_script(struct supervision *s, struct arena *a, struct str command) {
    struct str_pair set[] = {{S("CODEBUILD_BUILD_SUCCEEDING"), s->succeeding ? S("1") : S("0")}};
    struct str_map map = {set, 1};
    return s->spec.version == 1 ? script_of_command_1(a, command, str_c(s->source_dir), &map)
                                : script_of_command(a, command, &map, last_directory(s, a));
}

static struct phase_end run_command(struct supervision *s, const struct buildspec_phase *phase,
                                    struct str command) {
    struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    uint32_t id = 0;
    int code = 0;
    struct phase_end end = phase_well();
    struct str user = phase->run_as.n > 0 ? phase->run_as : s->spec.run_as;
    build_log_line(s->log, "Running command " STR_FMT, STR_ARG(command));
    int result = start_script(s, command_script(s, &a, command), user, s->out_write, &id, &err);
    s->begun += result == 0;
    if (result == 0) {
        result = wait_command(s, id, &code, &err);
    }
    build_log_output_end(s->log);
    if (result < 0 && err.kind == ERR_CANCELLED) {
        phase_interrupted(s, &end);
    } else if (result < 0) {
        end = phase_failed(s, s->box_gone ? "CLIENT_ERROR" : "COMMAND_EXECUTION_ERROR", "%s",
                           err.msg);
    } else if (code != 0) {
        build_log_line(s->log, "Command did not exit successfully " STR_FMT " exit status %d",
                       STR_ARG(command), code);
        end = phase_failed(s, "COMMAND_EXECUTION_ERROR",
                           "Error while executing command: " STR_FMT
                           ". Reason: exit status %d" STR_FMT,
                           STR_ARG(command), code, STR_ARG(guard_reason(s)));
    }
    arena_done(&a);
    return end;
}

struct phase_end run_phase(struct supervision *s, enum buildspec_phase_kind kind) {
    const struct buildspec_phase *phase = &s->spec.phase[kind];
    struct phase_end end = phase_well();
    for (size_t i = 0; i < phase->commands.n && end.status == PHASE_SUCCEEDED; i++) {
        end = run_command(s, phase, phase->commands.v[i]);
    }
    for (size_t i = 0; i < phase->finally.n; i++) {
        if (s->box_gone || s->stopping || s->timed_out) {
            break;
        }
        struct phase_end last = run_command(s, phase, phase->finally.v[i]);
        if (last.status != PHASE_SUCCEEDED) {
            end = end.status == PHASE_SUCCEEDED ? last : end;
            break;
        }
    }
    return end;
}
