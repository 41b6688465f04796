/* What a build's log says about its commands; view.h. */
#include "front/cli/view_log.h"

enum { OUTPUT_LINES = 15 };

/* Where in the log the reader stands. */
struct reader {
    struct arena *a;
    struct view_build *b;
    struct str phase;       /* entered last; absent: before the first line that is here */
    struct str_list output; /* of the command that runs, or ran last, with the rest of its text */
    bool kept;              /* a failure was seen */
    size_t report;          /* lines of a failure report, where one is being read; 0: none is */
};

static const char mark_command[] = "Running command ";
static const char mark_enter[] = "Entering phase ";
static const char mark_done[] = "Phase complete: ";
static const char mark_failed[] = "Command did not exit successfully ";

static bool after(struct str text, const char *mark, struct str *ret) {
    if (!str_starts(text, str_c(mark))) {
        return false;
    }
    *ret = str_trim(str_sub(text, strlen(mark), text.n));
    return true;
}

/* "[Container] DATE TIME TEXT" is the agent's own line: its TEXT. */
static bool own_line(struct str line, struct str *ret) {
    if (!str_starts(line, S("[Container] "))) {
        return false;
    }
    struct str rest = str_sub(line, 12, line.n);
    struct str word;
    return str_cut(&rest, ' ', &word) && str_cut(&rest, ' ', &word) && (*ret = rest).p != NULL;
}

/* The first failure is the cause; what fails after it is not kept. */
static void keep_output(struct reader *r) {
    size_t first =
        r->report - 1; /* the lines of its text below the first stand before its output */
    size_t end = r->output.n;
    while (first < end && r->output.v[first].n == 0) {
        first++;
    }
    while (end > first && r->output.v[end - 1].n == 0) {
        end--;
    }
    if (end > first + OUTPUT_LINES) {
        first = end - OUTPUT_LINES;
    }
    for (size_t i = first; i < end && !r->kept; i++) {
        *arena_push(r->a, &r->b->last_lines) = r->output.v[i];
    }
    r->kept = true;
}

/* "Command did not exit successfully TEXT exit status N", over as many lines as the text has. */
static void read_report(struct reader *r, struct str line) {
    r->report++;
    if (str_find(line, S(" exit status "), 0) != (size_t)-1) {
        keep_output(r);
        r->report = 0;
        r->output = (struct str_list){0};
    }
}

static void read_own(struct reader *r, struct str text, int64_t at_ms) {
    struct str rest;
    r->report = 0;
    if (after(text, mark_command, &rest)) {
        r->b->command = rest;
        r->output = (struct str_list){0};
        *arena_push(r->a, &r->b->commands) = (struct view_command){rest, at_ms, r->phase};
    } else if (after(text, mark_enter, &rest)) {
        r->phase = rest;
    } else if (after(text, mark_done, &rest)) {
        r->b->command = STR_NONE;
    } else if (after(text, mark_failed, &rest)) {
        read_report(r, text);
    }
}

void view_read_log(struct arena *a, const struct logs_output_log_event_list *events,
                   struct view_build *b) {
    struct reader r = {.a = a, .b = b};
    for (size_t i = 0; i < events->n; i++) {
        struct str line = events->v[i].message;
        struct str text = STR_NONE;
        while (line.n && (line.p[line.n - 1] == '\n' || line.p[line.n - 1] == '\r')) {
            line.n--;
        }
        if (own_line(line, &text)) {
            read_own(&r, text, events->v[i].timestamp);
        } else if (r.report) {
            read_report(&r, line);
        } else {
            *arena_push(a, &r.output) = line;
        }
    }
}
