/* Finds the verb, runs it, prints its error once and says how it went; cli.h. */
#include "front/cli/cli.h"

#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void cli_warn(const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    fflush(stdout);
    fputs("trunkline: ", stderr);
    vfprintf(stderr, fmt, args);
    fputc('\n', stderr);
    va_end(args);
}

int cli_usage(const struct cli *c, const char *fmt, ...) {
    const char *verb = c->verb ? c->verb->name : NULL;
    va_list args;
    va_start(args, fmt);
    fflush(stdout);
    fprintf(stderr, "trunkline%s%s: ", verb ? " " : "", verb ? verb : "");
    vfprintf(stderr, fmt, args);
    fprintf(stderr, "\nSee: trunkline%s%s --help\n", verb ? " " : "", verb ? verb : "");
    va_end(args);
    return EXIT_USAGE;
}

enum cli_exit cli_status(const struct err *err) {
    switch (err->kind) {
    case ERR_UNAVAILABLE:
        return EXIT_NO_SERVER;
    case ERR_CANCELLED:
        return EXIT_STOPPED;
    default:
        return EXIT_FAILED;
    }
}

/* The reader of a pipe has seen enough (`| head`): nothing to complain about. */
static bool reader_left(FILE *out) {
    struct pollfd p = {.fd = fileno(out), .events = POLLOUT};
    return poll(&p, 1, 0) == 1 && (p.revents & POLLERR);
}

/* What was printed must have arrived: a full disk behind `>` is a failure. */
static int finish(const struct cli *c, int status) {
    if ((fflush(c->out) != 0 || ferror(c->out)) && !reader_left(c->out)) {
        cli_warn("the output could not be written");
        return status == EXIT_DONE ? EXIT_FAILED : status;
    }
    return status;
}

static bool colours_wanted(FILE *out) {
    const char *none = getenv("NO_COLOR");
    const char *term = getenv("TERM");
    return isatty(fileno(out)) && (none == NULL || none[0] == '\0') &&
           (term == NULL || strcmp(term, "dumb") != 0);
}

static int run(struct cli *c, int argc, char **argv) {
    struct err err = ERR_INIT;
    bool help = false;
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        fprintf(c->out, "trunkline %s\n", TRUNKLINE_VERSION);
        return finish(c, EXIT_DONE);
    }
    if (argc < 2) {
        help_all(c, stderr);
        return EXIT_USAGE;
    }
    if (options_parse(c, argc, argv, &help, &err) < 0) {
        return cli_usage(c, "%s", err.msg);
    }
    if (help) {
        if (c->verb) {
            help_verb(c, c->verb, c->out);
        } else {
            help_all(c, c->out);
        }
        return finish(c, EXIT_DONE);
    }
    int status = c->verb->run(c, &err);
    if (status < 0) {
        fflush(c->out);
        cli_warn("%s", err.msg);
        bool is_server = (c->verb->flags & CLI_IS_SERVER) != 0;
        status = is_server ? EXIT_FAILED : cli_status(&err);
        if (status == EXIT_NO_SERVER && strstr(err.msg, "trunkline serve") == NULL) {
            fputs("Is the server running? trunkline serve starts it, with the same --data.\n",
                  stderr);
        }
    }
    return finish(c, status);
}

int cli_main(const struct cli_verb *const *verbs, size_t verbs_n, int argc, char **argv) {
    struct cli c = {.verbs = verbs, .verbs_n = verbs_n, .out = stdout};
    setlocale(LC_CTYPE, "C.UTF-8");
    signal(SIGPIPE, SIG_IGN);
    arena_init(&c.arena);
    c.terminal = colours_wanted(stdout);
    int status = run(&c, argc, argv);
    arena_done(&c.arena);
    return status;
}
