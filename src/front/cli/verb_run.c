/* trunkline run: one build of a working tree with no server. */
#include "front/cli/run.h"

#include "front/cli/out.h"
#include "front/cli/run_source.h"

#include "gen/codebuild.h"
#include "gen/logs.h"

#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum {
    POLL_MS = 100,
    EARLY_POLL_MS = 10, /* in the first seconds: a short build should not wait for us */
    EARLY_MS = 3 * 1000,
    STOP_PATIENCE_MS = 60 * 1000,
};

static volatile sig_atomic_t interrupted; /* how often */

static void on_signal(int signal) {
    (void)signal;
    interrupted = interrupted + 1;
}

bool run_interrupted(void *unused) {
    (void)unused;
    return interrupted > 0;
}

/* Of a line that a progress meter wrote over and over, what stood there in the end. */
static void keep_line(struct run *r, struct str line) {
    struct arena *a = &r->c->arena;
    size_t back = str_rfind_c(line, '\r');
    line = back == (size_t)-1 ? line : str_sub(line, back + 1, line.n);
    if (r->tail.v == NULL) {
        r->tail.v = arena_new_n(a, struct str, RUN_LAST_LINES);
    }
    if (r->tail.n == RUN_LAST_LINES) {
        free((char *)r->tail.v[0].p);
        memmove(r->tail.v, r->tail.v + 1, (RUN_LAST_LINES - 1) * sizeof(*r->tail.v));
        r->tail.n--;
    }
    r->tail.v[r->tail.n++] = mem_str_dup(line);
}

/* The log is the result: standard output, unless that is for JSON. */
static void print_line(struct run *r, struct arena *a, struct str line) {
    FILE *out = r->c->json ? stderr : r->c->out;
    while (line.n && (line.p[line.n - 1] == '\n' || line.p[line.n - 1] == '\r')) {
        line.n--;
    }
    /* What stands behind the failure is the end of the build, not the reason. */
    if (!r->tail_is_whole && line.n) {
        keep_line(r, line);
        run_clues_see(&r->c->arena, &r->clues, line);
    }
    r->tail_is_whole = r->tail_is_whole ||
                       str_find(line, S(" Command did not exit successfully "), 0) != (size_t)-1;
    fprintf(out, STR_FMT "\n", STR_ARG(r->c->terminal ? out_safe(a, line, true) : line));
}

static int stream_log(struct run *r, struct err *err) {
    struct arena a = ARENA_INIT;
    bool end = r->state.log_group.n == 0 || r->state.log_stream.n == 0;
    while (!end) {
        struct logs_get_log_events_request in = {
            .log_group_name = r->state.log_group,
            .log_stream_name = r->state.log_stream,
            .next_token = r->log_token,
            .start_from_head = true,
            .has_start_from_head = true,
        };
        struct logs_get_log_events_response out;
        struct err why = ERR_INIT;
        if (logs_call_get_log_events(&r->target, &a, &in, &out, &why) < 0) {
            arena_done(&a);
            if (strcmp(why.api_code, "ResourceNotFoundException") == 0) {
                return 0; /* nothing was written yet */
            }
            *err = why;
            return -1;
        }
        for (size_t i = 0; i < out.events.n; i++) {
            print_line(r, &a, out.events.v[i].message);
        }
        end = r->log_token.p && str_eq(r->log_token, out.next_forward_token);
        if (!end) {
            r->log_token = str_dup(&r->c->arena, out.next_forward_token);
        }
        arena_done(&a);
    }
    fflush(r->c->out);
    return 0;
}

static int stop_build(struct run *r, struct err *err) {
    struct codebuild_stop_build_input in = {.id = r->build_id};
    struct codebuild_stop_build_output out;
    fprintf(stderr, "trunkline: stopping the build; once more ends it at once\n");
    return codebuild_call_stop_build(&r->target, &r->c->arena, &in, &out, err);
}

/* Until the build has ended. Interrupted: it is stopped, and that is waited for. */
static int follow(struct run *r, struct err *err) {
    int64_t stopped_at = 0;
    int64_t began = clock_mono_ms(&clock_system);
    for (size_t turn = 0;; turn ^= 1) {
        /* The state first: what is written before the end is read after it. */
        arena_done(&r->seen[turn]);
        if (view_load_build(&r->seen[turn], &r->target, r->build_id, &r->state, err) < 0 ||
            stream_log(r, err) < 0) {
            return -1;
        }
        if (r->state.end_ms) {
            return 0;
        }
        if (!interrupted && run_shell_offered(r)) {
            /* What the build has said up to here comes first. */
            if (stream_log(r, err) < 0 || run_shell(r, err) < 0) {
                return -1;
            }
        }
        int64_t now = clock_mono_ms(&clock_system);
        if (interrupted && stopped_at == 0) {
            stopped_at = now;
            if (stop_build(r, err) < 0) {
                return -1;
            }
        }
        if (stopped_at && (interrupted > 1 || now - stopped_at > STOP_PATIENCE_MS)) {
            return err_set(err, ERR_CANCELLED, "the build was given up");
        }
        int64_t pause_ms = now - began < EARLY_MS ? EARLY_POLL_MS : POLL_MS;
        const struct timespec pause = {0, pause_ms * 1000000};
        nanosleep(&pause, NULL);
    }
}

static const struct view_phase *failed_phase(const struct run *r) {
    for (size_t i = 0; i < r->state.phases.n; i++) {
        const struct view_phase *p = &r->state.phases.v[i];
        if (p->status.n && !str_is(p->status, "SUCCEEDED")) {
            return p;
        }
    }
    return NULL;
}

/* Before the first command the log has nothing that the reason does not say. */
static bool ran_commands(const struct view_phase *failed) {
    return !str_is(failed->name, "QUEUED") && !str_is(failed->name, "PROVISIONING") &&
           !str_is(failed->name, "DOWNLOAD_SOURCE");
}

static void print_failure(struct run *r, const struct view_phase *failed) {
    struct arena *a = &r->c->arena;
    fprintf(stderr, "  phase   " STR_FMT "\n  reason  " STR_FMT "\n", STR_ARG(failed->name),
            STR_ARG(out_safe(a, failed->message.p ? failed->message : S(""), false)));
    if (!ran_commands(failed)) {
        return;
    }
    fprintf(stderr, "  last lines of the log:\n");
    for (size_t i = 0; i < r->tail.n; i++) {
        fprintf(stderr, "    " STR_FMT "\n", STR_ARG(out_safe(a, r->tail.v[i], false)));
    }
}

/* One a paragraph, its further lines below its first. */
static void print_hints(struct run *r) {
    struct arena *a = &r->c->arena;
    struct str_list hints = run_hints(r);
    for (size_t i = 0; i < hints.n; i++) {
        struct str rest = hints.v[i];
        struct str line;
        for (size_t n = 0; str_cut(&rest, '\n', &line); n++) {
            fprintf(stderr, "  %s" STR_FMT "\n", n == 0 ? "hint    " : "        ",
                    STR_ARG(out_safe(a, line, false)));
        }
    }
}

static void print_end(struct run *r) {
    struct arena *a = &r->c->arena;
    const struct view_phase *failed = failed_phase(r);
    bool good = str_is(r->state.status, "SUCCEEDED");
    fflush(r->c->out);
    fprintf(stderr, "\n" STR_FMT " in " STR_FMT "\n", STR_ARG(r->state.status),
            STR_ARG(out_seconds(a, r->state.end_ms - r->state.start_ms)));
    for (size_t i = 0; good && i < r->state.exported.n; i++) {
        fprintf(stderr, "  " STR_FMT "=" STR_FMT "\n", STR_ARG(r->state.exported.v[i].key),
                STR_ARG(out_safe(a, r->state.exported.v[i].value, false)));
    }
    if (!good && failed != NULL) {
        print_failure(r, failed);
    }
    print_hints(r);
}
static enum cli_exit status_of(const struct run *r) {
    if (str_is(r->state.status, "SUCCEEDED")) {
        return EXIT_DONE;
    }
    return str_is(r->state.status, "STOPPED") ? EXIT_STOPPED : EXIT_FAILED;
}

static void print_json(struct run *r) {
    json_t *o = view_build_json(&r->state);
    json_t *lines = json_array();
    for (size_t i = 0; i < r->tail.n; i++) {
        json_array_append_new(lines, json_from_str(r->tail.v[i]));
    }
    json_set(o, "lastLines", lines);
    struct str_list hints = run_hints(r);
    json_t *list = json_array();
    for (size_t i = 0; i < hints.n; i++) {
        json_array_append_new(list, json_from_str(hints.v[i]));
    }
    json_set(o, "hints", list);
    out_json(r->c, o);
}

static int go(struct run *r, struct err *err) {
    if (run_prepare(r, err) < 0 || run_start(r, err) < 0 || follow(r, err) < 0) {
        return -1;
    }
    if (r->c->json) {
        print_json(r);
    } else {
        print_end(r);
    }
    return status_of(r);
}

static void end(struct run *r) {
    ephemeral_end(&r->server);
    arena_done(&r->seen[0]);
    arena_done(&r->seen[1]);
    for (size_t i = 0; i < r->tail.n; i++) {
        free((char *)r->tail.v[i].p);
    }
}

/* One build. *ret_state: of the sources, before they were packed. */
static int run_once(struct cli *c, uint64_t *ret_state, struct err *err) {
    struct run r = {.c = c, .server = EPHEMERAL_NONE};
    r.dir = c->args_n ? c->args[0] : ".";
    r.env = str_c(cli_opt(c, "env"));
    c->data_dir = NULL;
    if (run_source_state(&c->arena, r.dir, ret_state, err) < 0 || run_read(&r, err) < 0) {
        return -1;
    }
    int status = go(&r, err);
    end(&r);
    return status;
}

/* Again and again, until it is interrupted. A build that cannot even start is told and waited out:
 * that is what the person is about to mend. */
static int run_watching(struct cli *c, struct err *err) {
    const struct run r = {.c = c, .dir = c->args_n ? c->args[0] : "."};
    int status = EXIT_DONE;
    while (!interrupted) {
        uint64_t state = 0;
        status = run_once(c, &state, err);
        if (status < 0 && (state == 0 || interrupted)) {
            return interrupted ? EXIT_STOPPED : -1;
        }
        if (status < 0) {
            cli_warn("%s", err->msg);
            *err = ERR_INIT;
        }
        if (interrupted) {
            break;
        }
        fprintf(stderr, "\nwaiting for a change of %s; Ctrl-C ends\n", r.dir);
        int waited = run_watch(&r, state, &interrupted, err);
        if (waited != 0) {
            return waited < 0 ? -1 : EXIT_DONE;
        }
    }
    return status;
}

static int check_options(struct cli *c) {
    if (cli_has(c, "shell") && (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))) {
        return cli_usage(c, "--shell needs a terminal");
    }
    if (cli_has(c, "shell") && cli_has(c, "json")) {
        return cli_usage(c, "--shell is for a person, --json for a program");
    }
    return c->json && cli_has(c, "watch")
               ? cli_usage(c, "--json prints one document, --watch never ends")
               : EXIT_DONE;
}

static int run(struct cli *c, struct err *err) {
    struct sigaction action = {.sa_handler = on_signal};
    uint64_t state = 0;
    int wrong = check_options(c);
    if (wrong != EXIT_DONE) {
        return wrong;
    }
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
    return cli_has(c, "watch") ? run_watching(c, err) : run_once(c, &state, err);
}

static const struct cli_option options[] = {
    {"env", 'e', "NAME", "the environment: ENV=NAME, and its role of accounts.yml"},
    {"parameters", 0, "FILE", "Parameter Store of shared-services: NAME=VALUE lines"},
    {"buildspec", 'b', "FILE", "another buildspec than buildspec.yml, or the one of release.yml"},
    {"image", 'i', "IMAGE", "another image: a name, oci:DIR, debian:SUITE, one of a registry"},
    {"env-file", 0, "FILE", "variables of the build: NAME=VALUE lines, values as they stand"},
    {"secondary", 's', "ID:DIR", "a secondary source; may be repeated"},
    {"artifacts", 'a', "DIR", "where artifacts.zip, and ID.zip of secondary ones, are written"},
    {"reports", 'r', "DIR", "where report files are copied, by report group"},
    {"account", 0, "NAME", "parameters and rights of an account of the server on --data"},
    {"aws-profile", 'p', "NAME", "parameters and rights of a profile of AWS's command line"},
    {"mount-source", 'm', NULL, "the build works in DIR itself instead of a copy"},
    {"privileged", 'd', NULL, "mounts and docker commands inside"},
    {"role", 0, "ROLE", "another build role"},
    {"shell", 0, NULL, "when the build fails, a shell in its container as it left it"},
    {"watch", 'w', NULL, "again when files change, until Ctrl-C"},
    {0},
};

const struct cli_verb verb_run = {
    .name = "run",
    .group = CLI_BUILD,
    .args = "[DIR]",
    .max_args = 1,
    .summary = "Build the working tree once, with no server",
    .detail =
        "One build of DIR (this folder) as a release would build it: a fresh container, accounts\n"
        "that exist as long as the build, made from DIR/accounts.yml and --parameters. The source\n"
        "is what git would commit; without git, everything. The log goes to standard output; at\n"
        "the end stands how it went, after a failure the command, its exit status and the last\n"
        "lines. Ctrl-C stops the build. Nothing is left behind; after kill -9 the next run "
        "removes\n"
        "what was.\n\n"
        "  trunkline run --env development --parameters parameters.env\n\n"
        "Downloads are answered from the mirror of --data, from a Terraform that is installed "
        "here\n"
        "(where DIR has .tf files), and from what the programs of release.yml's mirror: make.\n"
        "--account and --aws-profile use what is there: the build may change it, with the rights\n"
        "of the account's own keys or of --role.",
    .options = options,
    .run = run,
};
