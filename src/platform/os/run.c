/* process_run of platform/os/process.h: a program from start to end, its output collected. Input
 * is a sealed anonymous file, so that only outputs need a loop, which drains both: neither can
 * block. */
#include "platform/os/fd.h"
#include "platform/os/process.h"

#include "base/clock.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

enum { OUTPUT_DEFAULT = 1 << 20, STDERR_MAX = 65536, CHUNK = 16384 };

/* The pipes of one running program. */
struct pipes {
    int out, err;      /* our ends; -1 = closed */
    struct buf output; /* standard output */
    struct buf errors; /* end of standard error */
    size_t line_start; /* in errors: where the unfinished line begins */
};

static void report_lines(const struct process_run *run, struct pipes *p) {
    if (run->line == NULL) {
        return;
    }
    for (;;) {
        struct str rest = str_sub(buf_str(&p->errors), p->line_start, p->errors.n);
        size_t end = str_find_c(rest, '\n', 0);
        if (end == (size_t)-1) {
            return;
        }
        run->line(run->ud, str_n(rest.p, end));
        p->line_start += end + 1;
    }
}

/* Keeps the newest part of standard error: the message that matters is at its end. */
static int take_errors(const struct process_run *run, struct pipes *p, struct err *err) {
    if (p->errors.max - p->errors.n < CHUNK) {
        size_t drop = p->errors.n / 2;
        buf_drop_front(&p->errors, drop);
        p->line_start = p->line_start > drop ? p->line_start - drop : 0;
    }
    ssize_t n = fd_read_some(p->err, &p->errors, CHUNK, err);
    if (n < 0) {
        return -1;
    }
    if (n == 0) {
        fd_closep(&p->err);
    }
    report_lines(run, p);
    return 0;
}

static int take_output(struct pipes *p, struct err *err) {
    size_t room = p->output.max - p->output.n;
    if (room == 0) {
        return err_set(err, ERR_LIMIT, "more than %zu bytes of output", p->output.max);
    }
    ssize_t n = fd_read_some(p->out, &p->output, room < CHUNK ? room : CHUNK, err);
    if (n == 0) {
        fd_closep(&p->out);
    }
    return n < 0 ? -1 : 0;
}

static int pump(const struct process_run *run, struct pipes *p, struct err *err) {
    const int64_t end = clock_mono_ms(&clock_system) + run->timeout_ms;
    while (p->out >= 0 || p->err >= 0) {
        int64_t left = run->timeout_ms > 0 ? end - clock_mono_ms(&clock_system) : -1;
        if (run->timeout_ms > 0 && left <= 0) {
            return err_set(err, ERR_UNAVAILABLE, "no end after %d ms", run->timeout_ms);
        }
        struct pollfd fds[3] = {
            {p->out, POLLIN, 0}, {p->err, POLLIN, 0}, {run->cancel ? *run->cancel : -1, POLLIN, 0}};
        if (poll(fds, 3, (int)left) < 0 && errno != EINTR) {
            return err_sys(err, errno, "wait for a program");
        }
        if (fds[2].revents != 0) {
            return err_set(err, ERR_CANCELLED, "stopped");
        }
        if ((fds[0].revents && take_output(p, err) < 0) ||
            (fds[1].revents && take_errors(run, p, err) < 0)) {
            return -1;
        }
    }
    return 0;
}

/* Starts the program on fresh pipes; the child's ends are closed here. */
static int start(const struct process_run *run, struct pipes *p, struct process *child,
                 struct err *err) {
    int in cleanup_fd = -1;
    int out cleanup_fd = -1;
    int errors cleanup_fd = -1;
    if (fd_pipe(&p->out, &out, err) < 0) {
        return -1;
    }
    if (run->merge ? (errors = fd_dup(out, err)) < 0 : fd_pipe(&p->err, &errors, err) < 0) {
        return -1;
    }
    if (run->input.n > 0 && (in = fd_from_bytes("input", run->input, err)) < 0) {
        return -1;
    }
    struct process_spec spec = run->spec;
    spec.in = in;
    spec.out = out;
    spec.err = errors;
    return process_spawn(&spec, child, err);
}

static int judge(const struct process_run *run, struct pipes *p, struct process_exit exit,
                 struct err *err) {
    if (exit.code == 0) {
        return 0;
    }
    struct str text = str_trim(buf_str(run->merge ? &p->output : &p->errors));
    size_t line = str_rfind_c(text, '\n');
    struct str last = line == (size_t)-1 ? text : str_sub(text, line + 1, text.n);
    const char *name = run->spec.argv[0];
    return exit.signal ? err_set(err, ERR_SYSTEM, "%s was ended by signal %d", name, exit.signal)
                       : err_set(err, ERR_SYSTEM, "%s ended with code %d: " STR_FMT, name,
                                 exit.code, STR_ARG(last));
}

static void pipes_done(struct pipes *p) {
    fd_closep(&p->out);
    fd_closep(&p->err);
    buf_done(&p->output);
    buf_done(&p->errors);
}

int process_run(struct arena *a, const struct process_run *run, struct str *ret_out,
                struct str *ret_err, struct process_exit *ret_exit, struct err *err) {
    struct pipes p __attribute__((cleanup(pipes_done))) = {.out = -1, .err = -1};
    buf_init(&p.output, run->output_max ? run->output_max : OUTPUT_DEFAULT);
    buf_init(&p.errors, STDERR_MAX);
    struct process child cleanup_process = PROCESS_NONE;
    struct process_exit exit = {0};
    if (start(run, &p, &child, err) < 0) {
        return -1;
    }
    if (pump(run, &p, err) < 0 || process_wait(&child, -1, &exit, err) < 0) {
        if (run->spec.session && child.pid > 0) {
            kill(-child.pid,
                 SIGKILL); /* its group; it is not reaped yet, so the number is its own */
        }
        return err_wrap(err, "%s", run->spec.argv[0]);
    }
    if (ret_out != NULL) {
        *ret_out = buf_dup(a, &p.output);
    }
    if (ret_err != NULL) {
        *ret_err = buf_dup(a, &p.errors);
    }
    if (ret_exit != NULL) {
        *ret_exit = exit;
        return 0;
    }
    return judge(run, &p, exit, err);
}
