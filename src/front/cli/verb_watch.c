/* trunkline watch: follows a release until it is over or waits for a person. */
#include "front/cli/out.h"
#include "front/cli/pick.h"
#include "front/cli/place.h"
#include "front/cli/watch_text.h"

#include <errno.h>
#include <signal.h>
#include <time.h>

enum {
    POLL_MS = 200,
    PATIENCE_MS = 30 * 1000, /* of a server that is being restarted */
};

static volatile sig_atomic_t interrupted;

static void on_signal(int signal) {
    (void)signal;
    interrupted = 1;
}

static void pause_ms(int64_t ms) {
    struct timespec t = {ms / 1000, (ms % 1000) * 1000000};
    nanosleep(&t, NULL);
}

struct watching {
    struct cli *c;
    struct aws_target target;
    struct str pipeline;
    struct str id;
    struct watch_log log;
    int lines; /* that the block takes on the screen */
};

/* Moves up over the old block, writes the new one, clears what is left of longer lines. */
static void redraw(struct watching *w, struct arena *a, const struct view *v, int64_t now_ms) {
    struct cli *c = w->c;
    struct str rest = watch_block(a, c, v, now_ms, out_columns(c) - 1);
    struct str line;
    if (w->lines) {
        fprintf(c->out, "\033[%dA", w->lines);
    }
    w->lines = 0;
    while (str_cut(&rest, '\n', &line) && rest.p != NULL) {
        fprintf(c->out, "\r" STR_FMT "\033[K\n", STR_ARG(line));
        w->lines++;
    }
    fputs("\033[J", c->out);
    fflush(c->out);
}

/* `looked_ms`: the view was not there before. */
static void show(struct watching *w, struct arena *a, const struct view *v, int64_t looked_ms) {
    if (w->c->json) {
        return;
    }
    if (w->c->terminal) {
        redraw(w, a, v, clock_now_ms(&clock_system));
        return;
    }
    struct str news = watch_news(a, &w->log, v, looked_ms);
    fprintf(w->c->out, STR_FMT, STR_ARG(news));
    fflush(w->c->out);
}

static enum cli_exit exit_of(const struct view *v) {
    if (view_waits_for_approval(v)) {
        return EXIT_WAITING;
    }
    if (str_is(v->status, "Succeeded")) {
        return EXIT_DONE;
    }
    return str_is(v->status, "Failed") ? EXIT_FAILED : EXIT_STOPPED;
}

static int finish(struct watching *w, struct arena *a, const struct view *v) {
    struct cli *c = w->c;
    enum cli_exit status = exit_of(v);
    if (c->json) {
        out_json(c, view_json(v));
        return status;
    }
    struct str why = view_why(a, v);
    struct str output = watch_failures(a, c, v);
    struct str word = status == EXIT_WAITING ? S("Waiting") : v->status;
    fprintf(c->out, STR_FMT, STR_ARG(output));
    fprintf(c->out, "%s" STR_FMT "%s  release " STR_FMT "%s" STR_FMT "\n",
            out_style(c, out_status_style(word)), STR_ARG(word), out_style(c, OUT_PLAIN),
            STR_ARG(v->id), why.n ? "  " : "", STR_ARG(why.n ? out_safe(a, why, false) : S("")));
    return status;
}

/* 1 when it is to end: *ret_status. A server that is away for a while is waited for. */
static int look(struct watching *w, struct arena *a, int64_t *io_away_since, int *ret_status,
                struct err *err) {
    struct view v;
    struct err why = ERR_INIT;
    int64_t looked_ms = clock_now_ms(&clock_system);
    if (view_load(a, &w->target, w->pipeline, w->id, VIEW_BUILDS | VIEW_COMMANDS, &v, &why) < 0) {
        int64_t now = clock_mono_ms(&clock_system);
        if (*io_away_since == 0) {
            *io_away_since = now;
        }
        if (why.kind == ERR_UNAVAILABLE && now - *io_away_since < PATIENCE_MS) {
            struct err ignored = ERR_INIT;
            (void)!place_target(w->c, NULL, &w->target, &ignored); /* it may have another port */
            return 0;
        }
        *err = why;
        return -1;
    }
    *io_away_since = 0;
    show(w, a, &v, looked_ms);
    if (view_over(&v) || view_waits_for_approval(&v)) {
        *ret_status = finish(w, a, &v);
        return 1;
    }
    return 0;
}

static int follow(struct watching *w, struct err *err) {
    int64_t away_since = 0;
    int status = EXIT_DONE;
    struct arena a = ARENA_INIT;
    while (!interrupted) {
        int64_t began = clock_mono_ms(&clock_system);
        struct arena_mark mark = arena_mark(&a);
        int done = look(w, &a, &away_since, &status, err);
        arena_reset(&a, mark);
        if (done != 0) {
            arena_done(&a);
            return done < 0 ? -1 : status;
        }
        int64_t took = clock_mono_ms(&clock_system) - began;
        pause_ms(took < POLL_MS ? POLL_MS - took : 10);
    }
    arena_done(&a);
    return err_set(err, ERR_CANCELLED, "no longer watching; the release goes on");
}

static int run(struct cli *c, struct err *err) {
    struct watching w = {.c = c};
    struct sigaction action = {.sa_handler = on_signal};
    if (place_target(c, NULL, &w.target, err) < 0 ||
        pick_pipeline(c, &w.target, &w.pipeline, err) < 0 ||
        pick_release(c, &w.target, w.pipeline, c->args_n ? c->args[0] : NULL, &w.id, err) < 0) {
        return -1;
    }
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    int status = follow(&w, err);
    arena_done(&w.log.arena);
    return status;
}

static const struct cli_option options[] = {PICK_PIPELINE_OPTION, {0}};

const struct cli_verb verb_watch = {
    .name = "watch",
    .group = CLI_RELEASE,
    .args = "[EXECUTION]",
    .max_args = 1,
    .summary = "Follow a release live",
    .detail =
        "The newest one, or the one whose id begins with EXECUTION: stages, phases, the running\n"
        "command, elapsed time; redrawn on a terminal, plain lines elsewhere. Ends when the\n"
        "release is over or waits for a person: 0 succeeded, 1 failed, 3 stopped or superseded,\n"
        "4 waits for approval. --json prints the release once, at the end.",
    .options = options,
    .run = run,
};
