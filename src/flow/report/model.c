/* Cases and source files as they are kept: bounded, cut, valid UTF-8. */
#include "flow/report/reading.h"

#include "platform/text/utf8.h"

static int (*const readers[REPORT_FORMATS])(struct reading *r, struct str text, struct err *err) = {
#define FORMAT(format, read) [format] = read,
#include "flow/report/formats.def"
#undef FORMAT
};

static const char *const statuses[CASE_STATUSES] = {"SUCCEEDED", "FAILED", "ERROR", "SKIPPED",
                                                    "UNKNOWN"};

enum { PLACES = 32768 }; /* power of two, over three times REPORT_MAX_SOURCES */

enum report_kind report_kind_of(enum report_format format) {
    return report_format_is_coverage(format) ? REPORT_CODE_COVERAGE : REPORT_TEST;
}

const char *case_status_name(enum case_status status) {
    return statuses[status];
}

const char *report_kind_name(enum report_kind kind) {
    return kind == REPORT_TEST ? "TEST" : "CODE_COVERAGE";
}

int64_t report_total(const struct report_data *data) {
    int64_t total = 0;
    for (size_t i = 0; i < CASE_STATUSES; i++) {
        total += data->counts[i];
    }
    return total;
}

void report_data_init(struct report_data *data, struct arena *a, enum report_kind kind) {
    *data = (struct report_data){.arena = a, .kind = kind, .replace = REPORT_MAX_CASES};
}

int report_data_add(struct report_data *data, enum report_format format, struct str path,
                    struct str text, struct err *err) {
    struct reading r = {.data = data, .path = path};
    int result = readers[format](&r, text, err);
    arena_done(&r.scratch);
    return result;
}

struct str reading_cut(struct arena *a, struct str text, size_t max_characters) {
    size_t at = 0;
    size_t bytes = 4 * max_characters < text.n ? 4 * max_characters : text.n;
    struct str good = utf8_repair(a, str_sub(text, 0, bytes));
    for (size_t i = 0; i < max_characters && at < good.n; i++) {
        uint32_t c = 0;
        size_t n = utf8_decode(str_sub(good, at, good.n), &c);
        at += n > 0 ? n : 1;
    }
    return text.p == NULL ? text : str_sub(good, 0, at);
}

/* ---- cases ---- */

void reading_case_begin(struct reading *r) {
    arena_done(&r->scratch);
    r->now = (struct report_case){0};
    r->open = true;
}

static bool failed(enum case_status status) {
    return status == CASE_FAILED || status == CASE_ERROR;
}

/* Where a case goes: behind the others; over one that has not failed; or nowhere. */
static struct report_case *room_for(struct report_data *d, enum case_status status) {
    if (d->cases.n < REPORT_MAX_CASES) {
        return arena_push(d->arena, &d->cases);
    }
    d->truncated = true;
    while (failed(status) && d->replace > 0) {
        struct report_case *c = &d->cases.v[--d->replace];
        if (!failed(c->status)) {
            return c;
        }
    }
    return NULL;
}

size_t reading_case_done(struct reading *r) {
    struct report_data *d = r->data;
    struct arena *a = d->arena;
    r->open = false;
    int64_t left = INT64_MAX - d->duration_ns;
    int64_t duration = r->now.duration_ns > 0 ? r->now.duration_ns : 0;
    d->duration_ns += duration < left ? duration : left;
    d->counts[r->now.status]++;
    struct report_case *to = room_for(d, r->now.status);
    if (to == NULL) {
        return SIZE_MAX;
    }
    *to = (struct report_case){
        .path = reading_cut(a, r->path, REPORT_MAX_NAME),
        .prefix = reading_cut(a, r->now.prefix, REPORT_MAX_NAME),
        .name = reading_cut(a, r->now.name, REPORT_MAX_NAME),
        .suite = reading_cut(a, r->now.suite, REPORT_MAX_NAME),
        .message = reading_cut(a, r->now.message, REPORT_MAX_MESSAGE),
        .status = r->now.status,
        .duration_ns = duration,
    };
    return (size_t)(to - d->cases.v);
}

/* ---- source files ---- */

static uint32_t hash_of(struct str path) {
    uint32_t h = 2166136261U;
    for (size_t i = 0; i < path.n; i++) {
        h = (h ^ (unsigned char)path.p[i]) * 16777619U;
    }
    return h ^ h >> 15;
}

/* The source of that path, made if need be; NULL when there are too many. */
static struct report_source *source_of(struct report_data *d, struct str path) {
    if (d->places == NULL) {
        d->places = arena_new_n(d->arena, uint32_t, PLACES);
    }
    struct arena_mark mark = arena_mark(d->arena);
    struct str name = reading_cut(d->arena, path, REPORT_MAX_NAME);
    uint32_t at = hash_of(name) % PLACES;
    for (; d->places[at] != 0; at = (at + 1) % PLACES) {
        struct report_source *known = &d->sources.v[d->places[at] - 1];
        if (str_eq(known->path, name)) {
            arena_reset(d->arena, mark);
            return known;
        }
    }
    if (d->sources.n == REPORT_MAX_SOURCES) {
        d->truncated = true;
        arena_reset(d->arena, mark);
        return NULL;
    }
    struct report_source *made = arena_push(d->arena, &d->sources);
    made->path = name;
    d->places[at] = (uint32_t)d->sources.n;
    return made;
}

void reading_source_done(struct reading *r) {
    struct report_source *to = source_of(r->data, r->src.path);
    r->open = false;
    if (to == NULL) {
        return;
    }
    to->lines_covered += r->src.lines_covered;
    to->lines_missed += r->src.lines_missed;
    to->branches_covered += r->src.branches_covered;
    to->branches_missed += r->src.branches_missed;
}
