/* What the two halves of the scanner share: words, and the commands made of them. */
#pragma once

#include "flow/phase/shell_scan.h"

struct scan {
    struct arena *arena;
    struct str text;
    size_t at;
    unsigned depth;
    bool substituted;
    bool condition;  /* between if, elif, while or until and what they decide */
    bool negated;    /* behind '!' */
    unsigned braces; /* "${" around */
    bool cut;        /* a bound was reached */
    size_t counted;  /* lines are counted up to here */
    unsigned line;
    struct shell_script *script;
    struct {
        struct str *v;
        size_t n;
    } documents; /* here-documents whose bodies begin at the next line */
};

char shell_peek(const struct scan *s, size_t ahead); /* NUL behind the end */
bool shell_done(const struct scan *s);
bool shell_is_name_char(char c);
bool shell_ends_word(char c, char end); /* `end`: what closes the list, or NUL */

/* Notes the first of its kind. */
void shell_only_bash(struct scan *s, const char *what);
void shell_open_at_end(struct scan *s, const char *what);
/* Too much: what is behind is left out, and nothing is said of what is open. */
void shell_cut_off(struct scan *s);
unsigned shell_line_here(struct scan *s); /* of where the scan stands now, from 0 */

/* One word; *ret_quoted: some of it stood in quotes, so that it is no keyword. */
struct str shell_word(struct scan *s, char end, bool *ret_quoted);
void shell_skip_blanks(struct scan *s);           /* and comments */
void shell_skip_documents(struct scan *s);        /* at a line end */
void shell_redirection(struct scan *s, char end); /* at '<', '>' or "&>" */
void shell_arithmetic(struct scan *s);            /* behind "((" */
/* A list within a list, up to and with `end`: $( ), ` `, ( ). */
void shell_inner(struct scan *s, char end, bool substituted);
