/*
 * Writing HTML. Text is escaped by the function that writes it; there is no way to write a value
 * without one. Markup comes from literals only.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"

#include <stdint.h>

enum { HTML_MAX = 2 * 1024 * 1024 };

struct html {
    struct buf out;
    struct arena *arena;
};

void html_init(struct html *h, struct arena *a);
void html_done(struct html *h);
#define cleanup_html __attribute__((cleanup(html_done)))

void html_raw(struct html *h, const char *markup); /* literals only */
void html_text(struct html *h, struct str text);   /* escaped, for content and attributes */

/* Markup with values: %s takes a struct str and escapes it, %d an int64_t. Nothing else. */
void html_fmt(struct html *h, const char *markup, ...);

/* "3 min ago"; "2026-11-24 01:52 UTC" as the title of a <time>. */
void html_ago(struct html *h, int64_t at_ms, int64_t now_ms);
/* "1.2 s", "3 min 4 s". */
void html_span(struct html *h, int64_t ms);
/* A word with the colour and sign of its status: Succeeded, Failed, InProgress ... */
void html_status(struct html *h, struct str status);
