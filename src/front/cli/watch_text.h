/*
 * A release's progress as text: a block that is redrawn on a terminal, or lines that are printed
 * once each elsewhere. Pure: a view and a time in, text out.
 */
#pragma once

#include "front/cli/cli.h"
#include "front/cli/view.h"

/* A line per stage under a head line; no line is wider than `columns`. */
struct str watch_block(struct arena *a, const struct cli *c, const struct view *v, int64_t now_ms,
                       int columns);

/* What has been printed already. Zero-initialised; its memory is its own. */
struct watch_log {
    struct arena arena;
    struct str_list said; /* keys of facts */
};

/* Lines for what is new since the last call, each with its line end; "" when nothing is. */
struct str watch_news(struct arena *a, struct watch_log *log, const struct view *v, int64_t now_ms);

/* The last lines that the command of each failed build printed; "" when none failed. */
struct str watch_failures(struct arena *a, const struct cli *c, const struct view *v);

/* A command as one line of at most `max` characters. */
struct str watch_command(struct arena *a, struct str command, size_t max);
