/* A supervisor's life: one plan, one container, eight phases, one exit. */
#include "flow/build/supervise.h"

#include "flow/build/supervision.h"
#include "platform/os/fd.h"
#include "platform/os/file.h"
#include "platform/os/process.h"
#include "platform/os/title.h"
#include "platform/text/regex.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum { LEAVE_MS = 10 * 1000 }; /* the longest wait for serve's leave to clear away */

struct phase_end phase_failed(struct supervision *s, const char *code, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    struct str message = arena_vprintf(&s->arena, fmt, args);
    va_end(args);
    return (struct phase_end){PHASE_FAILED, code, build_log_masked(s->log, &s->arena, message)};
}

/* ---- records ---- */

static int record_start(struct supervision *s, enum build_phase phase, struct err *err) {
    json_t *event = json_object();
    json_set_str(event, "phase", str_c(phase_name(phase)));
    return build_events_add(s->events, "phase_start", event, err);
}

static int record_end(struct supervision *s, enum build_phase phase, const struct phase_end *end,
                      struct err *err) {
    json_t *event = json_object();
    json_t *contexts = json_array();
    json_t *context = json_object();
    json_set_str(event, "phase", str_c(phase_name(phase)));
    json_set_str(event, "status", str_c(phase_status_name(end->status)));
    json_set_str(context, "statusCode", str_c(end->code));
    json_set_str(context, "message", end->message);
    json_array_append_new(contexts, context);
    json_set(event, "contexts", contexts);
    return build_events_add(s->events, "phase_end", event, err);
}

/* ---- phases ---- */

static bool has_log_lines(enum build_phase phase) {
    return phase >= PHASE_DOWNLOAD_SOURCE && phase <= PHASE_UPLOAD_ARTIFACTS;
}

/* Reports are made though the artifacts failed; the first failure is the phase's. */
static struct phase_end upload(struct supervision *s) {
    struct phase_end artifacts = upload_artifacts(s);
    struct phase_end reports = upload_reports(s);
    discover_reports(s);
    return artifacts.status == PHASE_SUCCEEDED ? reports : artifacts;
}

static struct phase_end run_one(struct supervision *s, enum build_phase phase) {
    enum buildspec_phase_kind kind = BUILDSPEC_INSTALL;
    if (phase_section(phase, &kind)) {
        return run_phase(s, kind);
    }
    switch (phase) {
    case PHASE_PROVISIONING:
        return provision(s);
    case PHASE_DOWNLOAD_SOURCE:
        return download_source(s);
    case PHASE_UPLOAD_ARTIFACTS:
        return upload(s);
    default:
        return phase_well();
    }
}

static void announce(struct supervision *s, enum build_phase phase) {
    if (phase > PHASE_DOWNLOAD_SOURCE && phase < PHASE_UPLOAD_ARTIFACTS) {
        build_log_line(s->log, "Entering phase %s", phase_name(phase));
    }
}

static void conclude(struct supervision *s, enum build_phase phase, const struct phase_end *end) {
    if (has_log_lines(phase) || (phase == PHASE_PROVISIONING && end->status != PHASE_SUCCEEDED)) {
        build_log_line(s->log, "Phase complete: %s State: %s", phase_name(phase),
                       phase_status_name(end->status));
        build_log_line(s->log, "Phase context status code: %s Message: " STR_FMT, end->code,
                       STR_ARG(end->message));
    }
}

static const struct on_failure *on_failure_of(const struct supervision *s, enum build_phase phase) {
    enum buildspec_phase_kind kind = BUILDSPEC_INSTALL;
    return phase_section(phase, &kind) ? &s->spec.phase[kind].on_failure : NULL;
}

/* on-failure: RETRY... retries the build, not the phase: serve starts the next one when this one
 * has ended. What follows the failed phase in this build is as without an on-failure. */
static void ask_for_retry(struct supervision *s, const struct on_failure *own, struct str message) {
    struct err err = ERR_INIT;
    struct regex *re = NULL;
    if (regex_compile(&s->arena, own->regex, &re, &err) < 0) {
        build_log_line(s->log, "Build is not retried: %s", err.msg);
    } else if (!regex_search(re, message)) {
        build_log_line(s->log, "Build is not retried: the message does not match " STR_FMT,
                       STR_ARG(own->regex));
    } else {
        s->retries = own->count > s->retries ? own->count : s->retries;
    }
}

/* Somebody has killed a container that was made ahead, and no command of the build has begun. */
static bool lost_early(struct supervision *s) {
    struct phase_end interruption;
    return s->source_number != 0 && s->begun == 0 && s->box != NULL && sandbox_is_gone(s->box) &&
           !phase_interrupted(s, &interruption);
}

/* From PROVISIONING on, in a container of its own, which is not replaced. */
static int begin_again(struct supervision *s, struct err *err) {
    build_log_line(s->log, "The container was lost before the first command: another one is made");
    unprovision(s);
    clear_away(s);
    s->source_number = 0;
    s->source_dir = source_directory(s, 0);
    s->box_gone = false;
    s->spec = (struct buildspec){0};
    s->env = (struct env){0};
    s->git_credentials.n = 0;
    return build_events_add(s->events, "again", json_object(), err);
}

static int run_phases(struct supervision *s, enum phase_status *ret_status, const char **ret_reason,
                      struct err *err) {
    enum phase_status status = PHASE_SUCCEEDED;
    bool exported = false;
    *ret_reason = "";
    for (enum build_phase phase = PHASE_PROVISIONING; phase < PHASE_COMPLETED;) {
        if (record_start(s, phase, err) < 0) {
            return -1;
        }
        announce(s, phase);
        if (phase >= PHASE_UPLOAD_ARTIFACTS && !exported && s->box != NULL && !s->box_gone) {
            record_exports(s);
            exported = true;
        }
        if (phase == PHASE_FINALIZING && status == PHASE_FAILED) {
            offer_shell(s);
        }
        struct phase_end end = run_one(s, phase);
        if (lost_early(s)) {
            if (begin_again(s, err) < 0) {
                return -1;
            }
            phase = PHASE_PROVISIONING;
            continue;
        }
        if (phase == PHASE_FINALIZING) {
            unprovision(s);
        } else if (end.status != PHASE_STOPPED && end.status != PHASE_TIMED_OUT) {
            struct phase_end interruption;
            end = phase_interrupted(s, &interruption) ? interruption : end;
        }
        conclude(s, phase, &end);
        if (end.status != PHASE_SUCCEEDED) {
            s->succeeding = false;
            *ret_reason = (*ret_reason)[0] ? *ret_reason : str_z(&s->arena, end.message);
        }
        status = build_status_after(status, end.status);
        if (record_end(s, phase, &end, err) < 0) {
            return -1;
        }
        const struct on_failure *own = on_failure_of(s, phase);
        enum on_failure_kind on_failure = s->box_gone   ? ON_FAILURE_ABORT
                                          : own != NULL ? own->kind
                                                        : ON_FAILURE_DEFAULT;
        if (end.status == PHASE_FAILED && own != NULL && own->kind == ON_FAILURE_RETRY) {
            ask_for_retry(s, own, end.message);
        }
        bool read_only = s->plan.batchspec && phase == PHASE_DOWNLOAD_SOURCE;
        phase = read_only ? PHASE_FINALIZING : phase_after(phase, end.status, on_failure);
    }
    *ret_status = status;
    return 0;
}

/* ---- life ---- */

/* What was made ahead names who made it: where a crash left it behind, that is not us. */
static int write_pid(struct supervision *s, const char *pid, struct str text, struct err *err) {
    bool ours = s->source_number != 0; /* we come from the pool */
    const char *ahead = str_printf(&s->arena, "%s/" PID_AHEAD, s->dir).p;
    return ours && rename(ahead, pid) == 0 ? 0 : file_write(pid, text, 0600, err);
}

static int become_owner(struct supervision *s, int *ret_lock, struct err *err) {
    struct arena *a = &s->arena;
    struct process_id self;
    const char *pid = str_printf(a, "%s/supervisor.pid", s->dir).p;
    *ret_lock = file_lock(str_printf(a, "%s/supervisor.lock", s->dir).p, false, err);
    if (*ret_lock < 0) {
        return err_wrap(err, "another supervisor has this build");
    }
    if (file_exists(pid)) {
        return err_set(err, ERR_CONFLICT,
                       "%s: a supervisor has had this build: it never starts "
                       "twice",
                       s->dir);
    }
    s->stopping = file_exists(str_printf(a, "%s/stop", s->dir).p);
    return process_identify(getpid(), &self, err) < 0
               ? -1
               : write_pid(s, pid, process_id_text(a, &self), err);
}

static int take_signals_as_reads(struct supervision *s, struct err *err) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    signal(SIGPIPE, SIG_IGN);
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0) {
        return err_sys(err, errno, "signals");
    }
    s->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return s->signal_fd < 0 ? err_sys(err, errno, "signals") : 0;
}

static void tell_image(struct supervision *s) {
    build_log_line(s->log, "Running on CodeBuild On-demand");
    if (!str_eq(s->plan.image, s->plan.image_uses)) {
        build_log_line(s->log, "Image " STR_FMT " means " STR_FMT " here", STR_ARG(s->plan.image),
                       STR_ARG(s->plan.image_uses));
    }
    build_log_line(s->log, "Waiting for agent ping");
    build_log_line(s->log, "Waiting for DOWNLOAD_SOURCE");
}

static int live(struct supervision *s, struct err *err) {
    enum phase_status status = PHASE_FAULT;
    const char *reason = "";
    s->source_dir = source_directory(s, 0);
    s->gone_checked_ms = clock_mono_ms(s->clock);
    s->deadline_ms = s->gone_checked_ms + s->plan.timeout_s * 1000;
    tell_image(s);
    struct log_sender *sender = NULL;
    int result = logs_out_begin(s, &sender, err) < 0 ? -1 : run_phases(s, &status, &reason, err);
    unprovision(s);
    logs_out_s3(s);
    build_log_output_end(s->log);
    logs_out_end(sender);
    struct err log_failure = build_log_failure(s->log);
    if (result < 0) {
        status = PHASE_FAULT;
        reason = err->msg;
    } else if (log_failure.kind != ERR_NONE) {
        status = PHASE_FAULT;
        reason = log_failure.msg;
    }
    build_log_close(s->log);
    s->log = NULL;
    struct build_exit end = {.status = str_c(phase_status_name(status)),
                             .reason = str_c(reason),
                             .retries = status == PHASE_FAILED ? s->retries : 0};
    return build_exit_write(s->dir, s->clock, &end, err);
}

static struct supervision blank(const char *dir) {
    return (struct supervision){.dir = dir,
                                .clock = &clock_system,
                                .out_read = -1,
                                .out_write = -1,
                                .signal_fd = -1,
                                .cache = {.lock = -1, .layers_lock = -1},
                                .succeeding = true};
}

/* Many builds at once: serve lets containers be cleared away when there is time for it, by closing
 * our standard input, or by its death. */
static void wait_for_leave(struct supervision *s) {
    struct pollfd fds[] = {{STDIN_FILENO, POLLIN, 0}, {s->signal_fd, POLLIN, 0}};
    while (poll(fds, 2, LEAVE_MS) < 0 && errno == EINTR) {
    }
}

/* From a plan in its directory to its exit. */
static int supervise_plan(struct supervision *s, int tee_fd, struct err *err) {
    int lock cleanup_fd = -1;
    if (plan_read(&s->arena, s->dir, &s->plan, err) < 0 || become_owner(s, &lock, err) < 0 ||
        build_log_open(s->dir, s->clock, &s->log, err) < 0 ||
        build_events_open(s->dir, s->clock, &s->events, err) < 0) {
        return -1;
    }
    build_log_tee(s->log, tee_fd);
    if (build_events_any(s->events) &&
        build_events_add(s->events, "again", json_object(), err) < 0) {
        return -1; /* another supervisor had the build, and did not come to a command */
    }
    if (live(s, err) < 0) {
        return -1;
    }
    /* From here on serve knows the end, and nobody waits for us. */
    wait_for_leave(s);
    clear_away(s);
    return build_records_sync(s->dir, err);
}

static void done(struct supervision *s) {
    build_log_close(s->log);
    build_events_close(s->events);
    fd_closep(&s->signal_fd);
    fd_closep(&s->cache.lock);
    fd_closep(&s->cache.layers_lock);
    arena_done(&s->arena);
}

int supervise(const char *dir, const struct supervise_options *options, struct err *err) {
    struct supervision s = blank(dir);
    arena_init(&s.arena);
    int result = take_signals_as_reads(&s, err) < 0 ? -1 : supervise_plan(&s, options->tee_fd, err);
    clear_away(&s);
    done(&s);
    return result;
}

/* ---- of the pool ---- */

/* The line that serve writes; absent at the end of the file, when we are told to end, or when the
 * container has died: a build that has it already is told by lost_early. */
static struct str wait_for_build(struct supervision *s) {
    struct buf line cleanup_buf;
    buf_init(&line, PATH_MAX);
    for (;;) {
        struct pollfd fds[] = {
            {STDIN_FILENO, POLLIN, 0}, {s->signal_fd, POLLIN, 0}, {sandbox_fd(s->box), POLLIN, 0}};
        struct err ignored = ERR_INIT;
        if (poll(fds, 3, -1) < 0 && errno != EINTR) {
            return STR_NONE;
        }
        if (fds[1].revents != 0 || (fds[0].revents == 0 && fds[2].revents != 0) ||
            (fds[0].revents != 0 && fd_read_some(STDIN_FILENO, &line, PATH_MAX, &ignored) <= 0)) {
            return STR_NONE;
        }
        if (str_ends(buf_str(&line), S("\n"))) {
            return str_trim(buf_dup(&s->arena, &line));
        }
    }
}

static int ready(struct err *err) {
    int nothing cleanup_fd = -1;
    if (fd_write_all(STDOUT_FILENO, "R", 1, err) < 0) {
        return -1;
    }
    /* From here on standard output is what it is for every supervisor. */
    nothing = file_open("/dev/null", O_WRONLY, 0, err);
    return nothing < 0 || dup2(nothing, STDOUT_FILENO) < 0 ? -1 : 0;
}

int supervise_ahead(const char *dir, struct err *err) {
    struct supervision s = blank(dir);
    arena_init(&s.arena);
    int result = take_signals_as_reads(&s, err) < 0 || plan_read(&s.arena, dir, &s.plan, err) < 0 ||
                         provision_ahead(&s, err) < 0 || ready(err) < 0
                     ? -1
                     : 0;
    struct str build = result == 0 ? wait_for_build(&s) : STR_NONE;
    if (build.n > 0) {
        s.dir = str_z(&s.arena, build);
        process_title((const char *const[]){"supervise", s.dir, NULL});
        sandbox_moved(s.box, s.dir);
        result = supervise_plan(&s, -1, err);
    }
    clear_away(&s);
    struct err second = ERR_INIT;
    if (build.n == 0 && tree_remove(dir, &second) < 0) {
        fprintf(stderr, "trunkline: %s\n", second.msg); /* the next serve tries again */
    }
    done(&s);
    return result;
}
