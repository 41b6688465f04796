/* Test and coverage reports: the first byte chooses the format (A is the first one). Any bytes give
 * a report within its bounds or an error with a reason, and what is handed over comes out again. */
#include "fuzz.h"

#include "flow/report/packed.h"
#include "platform/text/utf8.h"

static void check_text(struct str text, size_t max) {
    FUZZ_MUST(utf8_valid(text) && utf8_length(text) <= max);
}

static void check(const struct report_data *d) {
    FUZZ_MUST(d->cases.n <= REPORT_MAX_CASES && d->sources.n <= REPORT_MAX_SOURCES);
    FUZZ_MUST(d->duration_ns >= 0 && report_total(d) >= (int64_t)d->cases.n);
    FUZZ_MUST(d->truncated || report_total(d) == (int64_t)d->cases.n);
    for (size_t i = 0; i < d->cases.n; i++) {
        const struct report_case *c = &d->cases.v[i];
        check_text(c->prefix, REPORT_MAX_NAME);
        check_text(c->name, REPORT_MAX_NAME);
        check_text(c->suite, REPORT_MAX_NAME);
        check_text(c->message, REPORT_MAX_MESSAGE);
    }
    for (size_t i = 0; i < d->sources.n; i++) {
        const struct report_source *s = &d->sources.v[i];
        check_text(s->path, REPORT_MAX_NAME);
        FUZZ_MUST(s->lines_covered >= 0 && s->lines_missed >= 0 && s->branches_covered >= 0 &&
                  s->branches_missed >= 0);
    }
}

static void hand_over(struct arena *a, const struct report_data *d) {
    struct report_data again;
    struct report_complaints bad = {0};
    struct err err = ERR_INIT;
    struct buf packed cleanup_buf;
    buf_init(&packed, REPORT_PACKED_MAX);
    report_pack(&packed, d, &bad);
    FUZZ_MUST(report_unpack(a, buf_str(&packed), d->kind, &again, &bad, &err) == 0);
    FUZZ_MUST(again.cases.n == d->cases.n && again.sources.n == d->sources.n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct arena a = ARENA_INIT;
    struct report_data d;
    struct report_complaints bad;
    struct err err = ERR_INIT;
    if (size == 0) {
        return 0;
    }
    unsigned choice = (unsigned)(data[0] - 'A');
    if (choice >= REPORT_FORMATS) { /* what a helper may hand back */
        enum report_kind kind = choice % 2 ? REPORT_TEST : REPORT_CODE_COVERAGE;
        if (report_unpack(&a, fuzz_str(data + 1, size - 1), kind, &d, &bad, &err) == 0) {
            FUZZ_MUST(d.cases.n <= REPORT_MAX_CASES && d.sources.n <= REPORT_MAX_SOURCES);
        }
    } else {
        enum report_format format = (enum report_format)choice;
        static const char *const names[] = {"a.xml", "b.trx", "c.json", "d/.resultset.json"};
        enum report_format like = REPORT_JUNITXML;
        report_sniff(str_c(names[size % 4]), fuzz_str(data + 1, size - 1), &like);
        FUZZ_MUST(like < REPORT_FORMATS);
        report_data_init(&d, &a, report_kind_of(format));
        if (report_data_add(&d, format, S("f"), fuzz_str(data + 1, size - 1), &err) < 0) {
            FUZZ_MUST(err.msg[0] != '\0');
        }
        check(&d);
        hand_over(&a, &d);
    }
    arena_done(&a);
    return 0;
}
