/* Implementation of packed.h: records of a letter, numbers of eight bytes, strings with a length.
 */
#include "flow/report/packed.h"

#include "platform/text/utf8.h"

static const struct str absent = {NULL, 0};

static void put_number(struct buf *out, int64_t value) {
    char bytes[8];
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (char)((uint64_t)value >> (8 * i) & 0xff);
    }
    buf_add(out, str_n(bytes, sizeof(bytes)));
}

static void put_text(struct buf *out, struct str text) {
    put_number(out, text.p == NULL ? -1 : (int64_t)text.n);
    buf_add(out, text);
}

void report_pack(struct buf *out, const struct report_data *data,
                 const struct report_complaints *bad) {
    for (size_t i = 0; i < data->cases.n; i++) {
        const struct report_case *c = &data->cases.v[i];
        buf_add_c(out, 'C');
        put_number(out, c->status);
        put_number(out, c->duration_ns);
        put_text(out, c->path);
        put_text(out, c->prefix);
        put_text(out, c->name);
        put_text(out, c->suite);
        put_text(out, c->message);
    }
    for (size_t i = 0; i < data->sources.n; i++) {
        const struct report_source *s = &data->sources.v[i];
        buf_add_c(out, 'S');
        put_text(out, s->path);
        put_number(out, s->lines_covered);
        put_number(out, s->lines_missed);
        put_number(out, s->branches_covered);
        put_number(out, s->branches_missed);
    }
    for (size_t i = 0; i < bad->n; i++) {
        buf_add_c(out, 'B');
        put_text(out, bad->v[i].path);
        put_text(out, bad->v[i].text);
    }
    buf_add_c(out, 'T');
    for (size_t i = 0; i < CASE_STATUSES; i++) {
        put_number(out, data->counts[i]);
    }
    put_number(out, data->duration_ns);
    put_number(out, data->truncated);
}

/* ---- taking ---- */

/* What is left; `bad` stays set once something did not fit. */
struct take {
    struct str rest;
    bool bad;
};

static int64_t take_number(struct take *t, int64_t max) {
    uint64_t value = 0;
    if (t->rest.n < 8) {
        t->bad = true;
        return 0;
    }
    for (size_t i = 8; i > 0; i--) {
        value = value << 8 | (unsigned char)t->rest.p[i - 1];
    }
    t->rest = str_sub(t->rest, 8, t->rest.n);
    if (value > (uint64_t)max) {
        t->bad = true;
        return 0;
    }
    return (int64_t)value;
}

static struct str take_text(struct take *t, size_t max_characters) {
    bool none = t->rest.n >= 8 && memcmp(t->rest.p, "\xff\xff\xff\xff\xff\xff\xff\xff", 8) == 0;
    if (none) {
        t->rest = str_sub(t->rest, 8, t->rest.n);
        return absent;
    }
    size_t n = (size_t)take_number(t, 4 * (int64_t)max_characters);
    struct str text = str_sub(t->rest, 0, n);
    t->bad |= t->bad || text.n < n || !utf8_valid(text) || utf8_length(text) > max_characters;
    t->rest = str_sub(t->rest, n, t->rest.n);
    return text.p == NULL ? S("") : text;
}

static void take_case(struct take *t, struct arena *a, struct report_data *d) {
    struct report_case c = {
        .status = (enum case_status)take_number(t, CASE_STATUSES - 1),
        .duration_ns = take_number(t, INT64_MAX),
    };
    c.path = take_text(t, REPORT_MAX_NAME);
    c.prefix = take_text(t, REPORT_MAX_NAME);
    c.name = take_text(t, REPORT_MAX_NAME);
    c.suite = take_text(t, REPORT_MAX_NAME);
    c.message = take_text(t, REPORT_MAX_MESSAGE);
    t->bad |= d->cases.n == REPORT_MAX_CASES || d->kind != REPORT_TEST;
    if (!t->bad) {
        *arena_push(a, &d->cases) = c;
    }
}

static void take_source(struct take *t, struct arena *a, struct report_data *d) {
    struct report_source s = {.path = take_text(t, REPORT_MAX_NAME)};
    s.lines_covered = take_number(t, INT64_MAX / 4);
    s.lines_missed = take_number(t, INT64_MAX / 4);
    s.branches_covered = take_number(t, INT64_MAX / 4);
    s.branches_missed = take_number(t, INT64_MAX / 4);
    t->bad |= d->sources.n == REPORT_MAX_SOURCES || d->kind != REPORT_CODE_COVERAGE;
    if (!t->bad) {
        *arena_push(a, &d->sources) = s;
    }
}

static void take_complaint(struct take *t, struct arena *a, struct report_complaints *bad) {
    struct report_complaint c = {.path = take_text(t, REPORT_MAX_NAME)};
    c.text = take_text(t, REPORT_MAX_NAME);
    t->bad |= bad->n == REPORT_MAX_COMPLAINTS;
    if (!t->bad) {
        *arena_push(a, bad) = c;
    }
}

static void take_totals(struct take *t, struct report_data *d) {
    for (size_t i = 0; i < CASE_STATUSES; i++) {
        d->counts[i] = take_number(t, INT64_MAX / 8);
    }
    d->duration_ns = take_number(t, INT64_MAX);
    d->truncated = take_number(t, 1) == 1;
    t->bad |= t->rest.n > 0;
}

int report_unpack(struct arena *a, struct str bytes, enum report_kind kind, struct report_data *ret,
                  struct report_complaints *ret_bad, struct err *err) {
    struct take t = {.rest = bytes};
    bool ended = false;
    report_data_init(ret, a, kind);
    *ret_bad = (struct report_complaints){0};
    while (!ended && !t.bad && t.rest.n > 0) {
        char kind_of = t.rest.p[0];
        t.rest = str_sub(t.rest, 1, t.rest.n);
        if (kind_of == 'C') {
            take_case(&t, a, ret);
        } else if (kind_of == 'S') {
            take_source(&t, a, ret);
        } else if (kind_of == 'B') {
            take_complaint(&t, a, ret_bad);
        } else {
            t.bad |= kind_of != 'T';
            take_totals(&t, ret);
            ended = true;
        }
    }
    return ended && !t.bad
               ? 0
               : err_set(err, ERR_INVALID, "the process that reads reports gave no sound result");
}
