/* trunkline logs: what builds wrote. */
#include "front/cli/out.h"
#include "front/cli/pick.h"
#include "front/cli/place.h"
#include "front/cli/view.h"

#include "gen/logs.h"

#include <time.h>
#include <unistd.h>

enum { POLL_MS = 250 };

struct following {
    struct cli *c;
    struct aws_target target;
    bool follow;
    bool headings; /* several builds: say whose log comes */
    json_t *list;  /* --json */
};

static void pause_ms(long ms) {
    struct timespec t = {ms / 1000, (ms % 1000) * 1000000};
    nanosleep(&t, NULL);
}

static void print_events(struct following *f, struct arena *a, json_t *lines,
                         const struct logs_output_log_event_list *events) {
    for (size_t i = 0; i < events->n; i++) {
        struct str line = events->v[i].message;
        while (line.n && (line.p[line.n - 1] == '\n' || line.p[line.n - 1] == '\r')) {
            line.n--;
        }
        if (lines) {
            json_t *one = json_object();
            json_set(one, "timeMs", json_integer(events->v[i].timestamp));
            json_set_str(one, "text", line);
            json_array_append_new(lines, one);
        } else {
            /* A terminal obeys control characters; a file gets the bytes as they are. */
            struct str text = isatty(fileno(f->c->out)) ? out_safe(a, line, true) : line;
            fprintf(f->c->out, STR_FMT "\n", STR_ARG(text));
        }
    }
}

/* Reads on from *io_token to the end of what is there now. */
static int read_on(struct following *f, struct arena *a, const struct view_build *b,
                   struct str *io_token, json_t *lines, struct err *err) {
    struct arena turn = ARENA_INIT;
    int done = 0;
    for (;;) {
        struct logs_get_log_events_request in = {
            .log_group_name = b->log_group,
            .log_stream_name = b->log_stream,
            .next_token = *io_token,
            .start_from_head = true,
            .has_start_from_head = true,
        };
        struct logs_get_log_events_response out;
        struct err why = ERR_INIT;
        if (logs_call_get_log_events(&f->target, &turn, &in, &out, &why) < 0) {
            if (why.kind != ERR_NOT_FOUND &&
                strcmp(why.api_code, "ResourceNotFoundException") != 0) {
                *err = why;
                done = -1;
            }
            break; /* the build has written nothing yet */
        }
        print_events(f, &turn, lines, &out.events);
        bool end = io_token->p && str_eq(*io_token, out.next_forward_token);
        *io_token = str_dup(a, out.next_forward_token);
        arena_done(&turn);
        if (end) {
            break;
        }
    }
    arena_done(&turn);
    return done;
}

static int one_build(struct following *f, struct str id, struct err *err) {
    struct arena a = ARENA_INIT;
    struct str token = STR_NONE;
    struct view_build b;
    json_t *lines = f->c->json ? json_array() : NULL;
    int done = 0;
    if (f->headings && !f->c->json) {
        fprintf(f->c->out, "%s== " STR_FMT "%s\n", out_style(f->c, OUT_BOLD), STR_ARG(id),
                out_style(f->c, OUT_PLAIN));
    }
    for (;;) {
        /* The state first: what is written before the end is read after it. */
        done = view_load_build(&a, &f->target, id, &b, err);
        if (done == 0 && b.log_stream.n) {
            done = read_on(f, &a, &b, &token, lines, err);
        }
        fflush(f->c->out);
        if (done < 0 || !f->follow || b.end_ms) {
            break;
        }
        pause_ms(POLL_MS);
    }
    if (lines) {
        json_t *one = json_object();
        json_set_str(one, "build", id);
        json_set(one, "lines", lines);
        json_array_append_new(f->list, one);
    }
    arena_done(&a);
    return done;
}

/* Builds of a release, in order; with --follow also those that are still to come. */
static int release_builds(struct following *f, struct str pipeline, struct str id,
                          struct err *err) {
    struct str_list printed = {0};
    f->headings = true;
    for (;;) {
        struct arena a = ARENA_INIT;
        struct view v;
        bool more = false;
        int done = view_load(&a, &f->target, pipeline, id, 0, &v, err);
        for (size_t i = 0; done == 0 && i < v.stages.n; i++) {
            for (size_t k = 0; done == 0 && k < v.stages.v[i].actions.n; k++) {
                struct str build = v.stages.v[i].actions.v[k].external_id;
                if (str_find_c(build, ':', 0) == (size_t)-1 || str_list_has(&printed, build)) {
                    continue;
                }
                *arena_push(&f->c->arena, &printed) = str_dup(&f->c->arena, build);
                more = true;
                done = one_build(f, build, err);
            }
        }
        bool over = done < 0 || view_over(&v) || view_waits_for_approval(&v);
        arena_done(&a);
        if (done < 0 || !f->follow || (over && !more)) {
            return done;
        }
        if (!more) {
            pause_ms(POLL_MS);
        }
    }
}

static int run(struct cli *c, struct err *err) {
    struct following f = {.c = c, .follow = cli_has(c, "follow"), .list = json_array()};
    json_t *list cleanup_json = f.list;
    struct str pipeline, id;
    const char *what = c->args_n ? c->args[0] : NULL;
    int done = place_target(c, NULL, &f.target, err);
    if (done == 0 && what && strchr(what, ':')) {
        done = one_build(&f, str_c(what), err);
    } else if (done == 0) {
        done = pick_pipeline(c, &f.target, &pipeline, err) < 0 ||
                       pick_release(c, &f.target, pipeline, what, &id, err) < 0
                   ? -1
                   : release_builds(&f, pipeline, id, err);
    }
    if (done < 0) {
        return -1;
    }
    if (c->json) {
        json_t *document = json_object();
        json_set(document, "builds", json_incref(list));
        return out_json(c, document);
    }
    return EXIT_DONE;
}

static const struct cli_option options[] = {
    {"follow", 'f', NULL, "go on as long as something is written"},
    PICK_PIPELINE_OPTION,
    {0},
};

const struct cli_verb verb_logs = {
    .name = "logs",
    .group = CLI_RELEASE,
    .args = "[EXECUTION|BUILD]",
    .max_args = 1,
    .summary = "Print what builds wrote",
    .detail = "Of all builds of the newest release, of the one whose id begins with EXECUTION, or "
              "of one\n"
              "BUILD (PROJECT:UUID). --follow ends when the release is over or waits for a person.",
    .options = options,
    .run = run,
};
