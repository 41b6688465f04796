/*
 * A command of a buildspec taken apart into its simple commands, for lint: enough of the shell's
 * grammar to tell which command's failure is seen, not enough to run anything. Quotes, comments,
 * here-documents, substitutions, compound commands, and what needs bash are understood; text that
 * no shell would take gives `broken` and the commands up to there.
 *
 * Bounded: at most SHELL_MAX_COMMANDS commands and SHELL_MAX_DEPTH levels, the rest is left out.
 */
#pragma once

#include "base/arena.h"
#include "base/str.h"

enum { SHELL_MAX_COMMANDS = 2000, SHELL_MAX_DEPTH = 40 };

/* What joins a command to the one behind it. */
enum shell_join {
    SHELL_END,        /* nothing: the last of its list */
    SHELL_NEXT,       /* a line end or ';' */
    SHELL_AND,        /* && */
    SHELL_OR,         /* || */
    SHELL_PIPE,       /* | */
    SHELL_BACKGROUND, /* & */
};

struct shell_command {
    struct str_list words; /* without quotes, redirections left out; "fi", "done", "esac", "}" and
                              ")" end a compound command and stand for it */
    struct str text;       /* from its first character to its last */
    unsigned line;         /* of its first character, from 0 */
    unsigned depth;        /* compound commands and substitutions around it */
    enum shell_join join;
    bool condition;   /* of if, elif, while, until; or negated by '!' */
    bool substituted; /* within $( ) or ` ` */
    bool closer;      /* the end of a compound command */
};

struct shell_script {
    struct shell_command *v;
    size_t n;
    struct str bash; /* the first thing that only bash understands; absent = none */
    struct str open; /* "if", "quote" ...: what is begun and not ended; absent = all is ended */
};

/* All of *ret is owned by `a` or points into `text`. Never fails. */
struct shell_script shell_scan(struct arena *a, struct str text);

/* The program that a command calls: its first word behind assignments, sudo, time, env, exec,
 * command and nohup; without its folder. Absent for a bare assignment. *ret_at: its index. */
struct str shell_program(const struct shell_command *command, size_t *ret_at);
