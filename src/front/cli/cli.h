/*
 * The command line: a table of verbs, each with a table of options; parsing, --help, completion and
 * the manual all come from these tables. A verb's run function gets a parsed command line, writes
 * what it found to c->out and returns an exit status, or -1 with an error, which cli_main prints to
 * standard error and turns into a status.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"

#include <stdio.h>

/* design.md section 7 */
enum cli_exit {
    EXIT_DONE = 0,
    EXIT_FAILED = 1,
    EXIT_USAGE = 2,
    EXIT_STOPPED = 3,   /* stopped or superseded */
    EXIT_WAITING = 4,   /* waits for approval */
    EXIT_NO_SERVER = 5, /* cannot reach the server */
};

enum cli_group {
    CLI_RELEASE,
    CLI_BUILD,
    CLI_ACCOUNT,
    CLI_MACHINE,
    CLI_DEVELOP,
    CLI_HIDDEN, /* neither in --help nor in the manual */
    CLI_GROUPS,
};

struct cli_option {
    const char *name;  /* without dashes; NULL ends a table */
    char letter;       /* 0 = none */
    const char *value; /* what the help calls its value ("DIR"); NULL = a flag */
    const char *help;  /* one line, no full stop */
};

enum {
    CLI_NO_SERVER_OPTIONS = 1, /* takes neither --data nor --url */
    CLI_NO_JSON = 2,           /* has no --json */
    CLI_RAW = 4,               /* options are not parsed: all words are arguments */
    CLI_IS_SERVER = 8,         /* asks no server: it is one */
};

struct cli;

struct cli_verb {
    const char *name; /* one word or two: "account setup" */
    enum cli_group group;
    const char *args; /* for the usage line: "[DIR]", "FILE..." or "" */
    int min_args;
    int max_args;        /* -1 = any number */
    unsigned flags;      /* CLI_* above */
    const char *summary; /* one line of trunkline --help */
    const char *detail;  /* paragraphs for its own --help and the manual; NULL = none */
    const struct cli_option *options; /* NULL = only the common ones */
    int (*run)(struct cli *c, struct err *err);
};

struct cli_value {
    const struct cli_option *option;
    const char *value; /* "" for flags */
};

struct cli {
    struct arena arena;                  /* lives as long as the command */
    const struct cli_verb *const *verbs; /* all of them */
    size_t verbs_n;
    const struct cli_verb *verb; /* the one that runs */
    struct {
        struct cli_value *v;
        size_t n;
    } values;          /* options as given, in order */
    const char **args; /* arguments behind the verb, NULL-terminated */
    int args_n;
    const char *program;  /* argv[0] */
    FILE *out;            /* results; errors go to standard error */
    bool terminal;        /* out is one: colours and redrawing are fine */
    bool json;            /* --json */
    const char *data_dir; /* set: the data directory, whatever was given */
};

/* Runs the command line; the process's exit status. */
int cli_main(const struct cli_verb *const *verbs, size_t verbs_n, int argc, char **argv);

/* Value of an option; NULL when it was not given. Given twice, the last one counts. */
const char *cli_opt(const struct cli *c, const char *name);
bool cli_has(const struct cli *c, const char *name);
/* The common option of that name, where the verb has none of its own that hides it. */
const char *cli_common(const struct cli *c, const char *name);
struct str_list cli_all(struct cli *c, const char *name); /* of an option that may be repeated */
/* A whole number of at least `min`, or `otherwise`; ERR_INVALID names the option. */
int cli_number(const struct cli *c, const char *name, long long min, long long otherwise,
               long long *ret, struct err *err) MUST_USE;

/* Prints "trunkline VERB: what" and where the help is to standard error; EXIT_USAGE. */
int cli_usage(const struct cli *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Prints a line "trunkline: what" to standard error. */
void cli_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Exit status that an error means. */
enum cli_exit cli_status(const struct err *err);

/* options.c: takes argv apart into c. -1: ERR_INVALID says what is wrong. *ret_help: --help. */
int options_parse(struct cli *c, int argc, char **argv, bool *ret_help, struct err *err) MUST_USE;
const struct cli_option *options_common(const struct cli_verb *verb);

/* help.c */
void help_all(const struct cli *c, FILE *out);
void help_verb(const struct cli *c, const struct cli_verb *verb, FILE *out);
void help_manual(const struct cli *c, FILE *out); /* the manual page, as roff */
/* Candidates for the last of the words behind "trunkline", one a line. */
void help_complete(const struct cli *c, int n, const char *const *words, FILE *out);
const char *help_group_name(enum cli_group group);
