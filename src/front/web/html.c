/* Implementation of html.h. */
#include "front/web/html.h"

#include "base/clock.h"

#include <stdarg.h>

void html_init(struct html *h, struct arena *a) {
    buf_init(&h->out, HTML_MAX);
    h->arena = a;
}

void html_done(struct html *h) {
    buf_done(&h->out);
}

void html_raw(struct html *h, const char *markup) {
    buf_add_z(&h->out, markup);
}

static const char *entity(char c) {
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

/* Control characters other than tab and newline would let a log draw on the page: they become
 * U+FFFD. */
void html_text(struct html *h, struct str text) {
    size_t from = 0;
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        const char *name = entity(text.p[i]);
        bool control = (c < 32 && c != '\t' && c != '\n') || c == 127;
        if (name == NULL && !control) {
            continue;
        }
        buf_add(&h->out, str_sub(text, from, i - from));
        buf_add_z(&h->out, name != NULL ? name : c == '\r' ? "" : "\xEF\xBF\xBD");
        from = i + 1;
    }
    buf_add(&h->out, str_sub(text, from, text.n));
}

void html_fmt(struct html *h, const char *markup, ...) {
    va_list args;
    va_start(args, markup);
    const char *from = markup;
    for (const char *at = markup; *at != '\0'; at++) {
        if (*at != '%') {
            continue;
        }
        buf_add(&h->out, str_n(from, (size_t)(at - from)));
        at++;
        if (*at == 's') {
            html_text(h, va_arg(args, struct str));
        } else if (*at == 'd') {
            buf_printf(&h->out, "%lld", (long long)va_arg(args, int64_t));
        } else if (*at == '%') {
            buf_add_c(&h->out, '%');
        }
        from = at + 1;
    }
    buf_add_z(&h->out, from);
    va_end(args);
}

void html_span(struct html *h, int64_t ms) {
    if (ms < 0) {
        ms = 0;
    }
    if (ms < 1000) {
        buf_printf(&h->out, "0.%02lld s", (long long)(ms / 10));
    } else if (ms < 60000) {
        buf_printf(&h->out, "%lld.%lld s", (long long)(ms / 1000), (long long)(ms % 1000 / 100));
    } else if (ms < 3600000) {
        buf_printf(&h->out, "%lld min %lld s", (long long)(ms / 60000),
                   (long long)(ms / 1000 % 60));
    } else {
        buf_printf(&h->out, "%lld h %lld min", (long long)(ms / 3600000),
                   (long long)(ms / 60000 % 60));
    }
}

void html_ago(struct html *h, int64_t at_ms, int64_t now_ms) {
    int64_t age = now_ms > at_ms ? now_ms - at_ms : 0;
    struct str iso = time_iso(h->arena, at_ms);
    html_fmt(h, "<time datetime=\"%s\" title=\"%s\">", iso, iso);
    if (age < 60000) {
        html_raw(h, "just now");
    } else if (age < 3600000) {
        html_fmt(h, "%d min ago", age / 60000);
    } else if (age < 86400000) {
        html_fmt(h, "%d h ago", age / 3600000);
    } else {
        html_fmt(h, "%d days ago", age / 86400000);
    }
    html_raw(h, "</time>");
}

void html_status(struct html *h, struct str status) {
    static const struct {
        const char *name;
        const char *class;
        const char *sign;
    } known[] = {
        {"Succeeded", "good", "\xE2\x9C\x93"},  {"SUCCEEDED", "good", "\xE2\x9C\x93"},
        {"OK", "good", "\xE2\x9C\x93"},         {"Failed", "bad", "\xE2\x9C\x97"},
        {"FAILED", "bad", "\xE2\x9C\x97"},      {"ALARM", "bad", "\xE2\x9C\x97"},
        {"FAULT", "bad", "\xE2\x9C\x97"},       {"TIMED_OUT", "bad", "\xE2\x9C\x97"},
        {"InProgress", "busy", "\xE2\x80\xA6"}, {"IN_PROGRESS", "busy", "\xE2\x80\xA6"},
        {"Stopping", "busy", "\xE2\x80\xA6"},
    };
    const char *class = "still";
    const char *sign = "\xE2\x80\x93";
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (str_is(status, known[i].name)) {
            class = known[i].class;
            sign = known[i].sign;
        }
    }
    html_fmt(h, "<span class=\"status %s\"><i aria-hidden=\"true\">%s</i> %s</span>", str_c(class),
             str_c(sign), status.n > 0 ? status : S("not yet"));
}
