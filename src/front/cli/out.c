/* Prints for people; out.h. */
#include "front/cli/out.h"

#include "base/buf.h"
#include "base/clock.h"
#include "platform/text/utf8.h"

#include <sys/ioctl.h>
#include <unistd.h>

const char *out_style(const struct cli *c, enum out_style style) {
    static const char *const codes[] = {
        [OUT_PLAIN] = "\033[0m",  [OUT_BOLD] = "\033[1m", [OUT_DIM] = "\033[2m",
        [OUT_GREEN] = "\033[32m", [OUT_RED] = "\033[31m", [OUT_YELLOW] = "\033[33m",
        [OUT_BLUE] = "\033[34m",
    };
    return c->terminal ? codes[style] : "";
}

enum out_style out_status_style(struct str status) {
    static const struct {
        const char *word;
        enum out_style style;
    } styles[] = {
        {"Succeeded", OUT_GREEN}, {"SUCCEEDED", OUT_GREEN},  {"AVAILABLE", OUT_GREEN},
        {"OK", OUT_GREEN},        {"Failed", OUT_RED},       {"FAILED", OUT_RED},
        {"FAULT", OUT_RED},       {"TIMED_OUT", OUT_RED},    {"ALARM", OUT_RED},
        {"InProgress", OUT_BLUE}, {"IN_PROGRESS", OUT_BLUE}, {"Waiting", OUT_YELLOW},
        {"Stopping", OUT_YELLOW}, {"PENDING", OUT_YELLOW},   {"INSUFFICIENT_DATA", OUT_YELLOW},
    };
    for (size_t i = 0; i < sizeof(styles) / sizeof(styles[0]); i++) {
        if (str_is(status, styles[i].word)) {
            return styles[i].style;
        }
    }
    return OUT_DIM;
}

struct str out_safe(struct arena *a, struct str text, bool lines) {
    struct str valid = utf8_repair(a, text);
    struct buf b cleanup_buf;
    buf_init(&b, valid.n * 3 + 1);
    while (valid.n > 0) {
        uint32_t c = 0;
        size_t n = utf8_decode(valid, &c);
        n = n ? n : 1;
        /* C0, DEL, C1, and the marks that turn the direction of text around. */
        bool control = c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0x202a && c <= 0x202e) ||
                       (c >= 0x2066 && c <= 0x2069);
        if (control && !(lines && (c == '\n' || c == '\t'))) {
            buf_add_z(&b, c == '\t' || c == '\n' ? " " : "\xef\xbf\xbd");
        } else {
            buf_add(&b, str_n(valid.p, n));
        }
        valid = str_n(valid.p + n, valid.n - n);
    }
    return buf_dup(a, &b);
}

struct str out_seconds(struct arena *a, int64_t ms) {
    if (ms < 0) {
        ms = 0;
    }
    if (ms < 1000) {
        return str_printf(a, "0.%02lld s", (long long)(ms / 10));
    }
    if (ms < 60 * 1000) {
        return str_printf(a, "%lld.%lld s", (long long)(ms / 1000), (long long)(ms % 1000 / 100));
    }
    long long s = (long long)(ms / 1000);
    if (s < 3600) {
        return str_printf(a, "%lld min %02lld s", s / 60, s % 60);
    }
    return str_printf(a, "%lld h %02lld min", s / 3600, s / 60 % 60);
}

struct str out_ago(struct arena *a, int64_t ms) {
    long long s = (long long)(ms / 1000);
    if (s < 10) {
        return S("just now");
    }
    if (s < 120) {
        return str_printf(a, "%lld s ago", s);
    }
    if (s < 2 * 3600) {
        return str_printf(a, "%lld min ago", s / 60);
    }
    if (s < 48 * 3600) {
        return str_printf(a, "%lld h ago", s / 3600);
    }
    return str_printf(a, "%lld days ago", s / 86400);
}

struct str out_time(struct arena *a, int64_t at_ms) {
    struct str iso = time_iso(a, at_ms); /* 2026-11-24T01:52:00Z */
    return str_printf(a, "%.10s %.8s UTC", iso.p, iso.p + 11);
}

int out_json(struct cli *c, json_t *document) {
    json_t *owned cleanup_json = document;
    fprintf(c->out, STR_FMT "\n", STR_ARG(json_dump_pretty(&c->arena, owned)));
    return EXIT_DONE;
}

int out_columns(const struct cli *c) {
    struct winsize size = {0};
    if (ioctl(fileno(c->out), TIOCGWINSZ, &size) == 0 && size.ws_col >= 40) {
        return size.ws_col;
    }
    return 100;
}
