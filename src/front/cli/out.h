/*
 * How things are printed for people: colours where there is a terminal, times that one can read,
 * and text from elsewhere (commit messages, logs, names) without control characters, because a
 * terminal obeys them.
 */
#pragma once

#include "front/cli/cli.h"
#include "platform/text/json.h"

#include <stdint.h>

enum out_style { OUT_PLAIN, OUT_BOLD, OUT_DIM, OUT_GREEN, OUT_RED, OUT_YELLOW, OUT_BLUE };

/* Escape sequence of a style, "" where there is no terminal. OUT_PLAIN ends a style. */
const char *out_style(const struct cli *c, enum out_style style);

/* Style of a status word of CodePipeline or CodeBuild. */
enum out_style out_status_style(struct str status);

/* Control characters become U+FFFD; `lines` keeps line ends and tabs. */
struct str out_safe(struct arena *a, struct str text, bool lines);

struct str out_seconds(struct arena *a, int64_t ms); /* "0.43 s", "12.3 s", "2 min 05 s" */
struct str out_ago(struct arena *a, int64_t ms);     /* "just now", "5 min ago", "3 days ago" */
struct str out_time(struct arena *a, int64_t at_ms); /* "2026-11-24 02:46:17 UTC" */

/* One JSON document. The reference is taken over. EXIT_DONE. */
int out_json(struct cli *c, json_t *document);

/* Columns of the terminal, 100 where there is none. */
int out_columns(const struct cli *c);
