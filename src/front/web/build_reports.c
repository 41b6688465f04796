/* What a build's reports say, on its page: failed tests first. Whoever may not read reports sees
 * the page without them. */
#include "front/web/web.h"

#include "gen/codebuild.h"

enum { SHOWN_FAILURES = 10, SHOWN_MESSAGE = 600 };

static int64_t count_of(const struct codebuild_report *r, const char *status) {
    for (size_t i = 0; r->test_summary != NULL && i < r->test_summary->status_counts.n; i++) {
        if (str_is(r->test_summary->status_counts.v[i].key, status)) {
            return r->test_summary->status_counts.v[i].value;
        }
    }
    return 0;
}

static void failures(struct page *p, const struct codebuild_report *r, const char *status,
                     size_t most) {
    struct codebuild_test_case_filter filter = {.status = str_c(status)};
    struct codebuild_describe_test_cases_input in = {
        .report_arn = r->arn,
        .filter = &filter,
        .max_results = (int32_t)most,
        .has_max_results = true,
    };
    struct codebuild_describe_test_cases_output out = {0};
    struct err ignored = ERR_INIT;
    if (most == 0 ||
        codebuild_call_describe_test_cases(&p->target, p->arena, &in, &out, &ignored) < 0) {
        return;
    }
    for (size_t i = 0; i < out.test_cases.n; i++) {
        const struct codebuild_test_case *c = &out.test_cases.v[i];
        html_fmt(&p->html, "<p class=\"note\"><span class=\"bad\">%s</span> <b>%s</b>",
                 c->prefix.p ? c->prefix : S(""), c->name.p ? c->name : S(""));
        if (c->message.n > 0) {
            html_fmt(&p->html, "\n%s", str_sub(c->message, 0, SHOWN_MESSAGE));
        }
        html_raw(&p->html, "</p>");
    }
}

static void tests(struct page *p, const struct codebuild_report *r) {
    int64_t failed = count_of(r, "FAILED");
    int64_t errors = count_of(r, "ERROR");
    html_fmt(&p->html, "<p>%d tests: %d passed, %d failed, %d skipped, in ", r->test_summary->total,
             count_of(r, "SUCCEEDED"), failed + errors, count_of(r, "SKIPPED"));
    html_span(&p->html, r->test_summary->duration_in_nano_seconds / 1000000);
    html_raw(&p->html, r->truncated ? "; not all of them were kept</p>" : "</p>");
    size_t first = failed < SHOWN_FAILURES ? (size_t)failed : SHOWN_FAILURES;
    failures(p, r, "FAILED", first);
    size_t second = errors < SHOWN_FAILURES ? (size_t)errors : SHOWN_FAILURES;
    failures(p, r, "ERROR", second < SHOWN_FAILURES - first ? second : SHOWN_FAILURES - first);
}

static void coverage(struct page *p, const struct codebuild_report *r) {
    const struct codebuild_code_coverage_report_summary *s = r->code_coverage_summary;
    html_fmt(&p->html, "<p>%s %% of %d lines, %s %% of %d branches covered</p>",
             str_printf(p->arena, "%.2f", s->line_coverage_percentage),
             (int64_t)s->lines_covered + s->lines_missed,
             str_printf(p->arena, "%.2f", s->branch_coverage_percentage),
             (int64_t)s->branches_covered + s->branches_missed);
}

void page_build_reports(struct page *p, const struct str_list *arns) {
    struct codebuild_batch_get_reports_input in = {.report_arns = *arns};
    struct codebuild_batch_get_reports_output out = {0};
    struct err ignored = ERR_INIT;
    if (arns->n == 0 ||
        codebuild_call_batch_get_reports(&p->target, p->arena, &in, &out, &ignored) < 0) {
        return;
    }
    html_raw(&p->html, "<h2>Reports</h2>");
    for (size_t i = 0; i < out.reports.n; i++) {
        const struct codebuild_report *r = &out.reports.v[i];
        html_fmt(&p->html, "<div class=\"card\"><b>%s</b> ", r->name);
        html_status(&p->html, r->status);
        if (r->test_summary != NULL) {
            tests(p, r);
        } else if (r->code_coverage_summary != NULL) {
            coverage(p, r);
        }
        html_raw(&p->html, "</div>");
    }
}
