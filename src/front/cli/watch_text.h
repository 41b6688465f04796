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
    struct str_list held; /* of those that may have been seen before what happened before them */
};

/* Lines for what is new since the last call, each with its line end; "" when nothing is. now_ms,
 * the time of what has none, is before the view was read: what a later view adds happened after it,
 * and no line is later than the next call's. */
struct str watch_news(struct arena *a, struct watch_log *log, const struct view *v, int64_t now_ms);

/* The last lines that the command of each failed build printed; "" when none failed. */
struct str watch_failures(struct arena *a, const struct cli *c, const struct view *v);

/* A command as one line of at most `max` characters. */
struct str watch_command(struct arena *a, struct str command, size_t max);
