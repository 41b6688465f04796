/* What a report holds: test cases, covered source files. */
#include "front/api/codebuild/report.h"

#include <inttypes.h>

enum { PAGE_MAX = 100 };

static bool known_status(struct str status) {
    for (size_t i = 0; i < CASE_STATUSES; i++) {
        if (str_is(status, case_status_name((enum case_status)i))) {
            return true;
        }
    }
    return false;
}

int codebuild_describe_test_cases(struct call *c,
                                  const struct codebuild_describe_test_cases_input *in,
                                  struct codebuild_describe_test_cases_output *out,
                                  struct err *err) {
    struct report_row row;
    struct report_case_list cases;
    int64_t after = 0;
    int64_t limit = in->has_max_results ? in->max_results : PAGE_MAX;
    struct str status = in->filter ? in->filter->status : STR_NONE;
    struct str keyword = in->filter ? in->filter->keyword : STR_NONE;
    if (codebuild_need_report(c, in->report_arn, &row, err) < 0) {
        return -1;
    }
    if (!str_is(row.type, "TEST")) {
        return codebuild_invalid(err,
                                 "Report " STR_FMT " holds no test cases: its type is " STR_FMT,
                                 STR_ARG(in->report_arn), STR_ARG(row.type));
    }
    if (status.n > 0 && !known_status(status)) {
        return codebuild_invalid(err, "Invalid test case status: " STR_FMT, STR_ARG(status));
    }
    if (codebuild_token_read(c, in->next_token, &after, err) < 0 ||
        report_cases(c->db, c->arena, row.uuid, status, keyword, after, limit, &cases, err) < 0) {
        return -1;
    }
    out->test_cases.v = arena_alloc(c->arena, 0);
    struct codebuild_test_case_list list = {0};
    for (size_t i = 0; i < cases.n; i++) {
        const struct report_case *one = &cases.v[i];
        *arena_push(c->arena, &list) = (struct codebuild_test_case){
            .report_arn = in->report_arn,
            .test_raw_data_path = one->path,
            .prefix = one->prefix,
            .name = one->name,
            .status = str_c(case_status_name(one->status)),
            .duration_in_nano_seconds = one->duration_ns,
            .has_duration_in_nano_seconds = true,
            .message = one->message,
            .expired = row.expired_ms,
            .has_expired = true,
            .test_suite_name = one->suite,
        };
    }
    out->test_cases = list.n > 0 ? list : out->test_cases;
    if (cases.n == (size_t)limit) {
        struct report_case_list more;
        if (report_cases(c->db, c->arena, row.uuid, status, keyword, cases.last, 1, &more, err) <
            0) {
            return -1;
        }
        out->next_token = more.n > 0 ? codebuild_token_make(c, cases.last) : STR_NONE;
    }
    return 0;
}

static struct codebuild_code_coverage coverage_of(struct call *c, const struct report_row *row,
                                                  struct str arn,
                                                  const struct report_source_row *one) {
    const struct report_source *s = &one->source;
    return (struct codebuild_code_coverage){
        .id = str_printf(c->arena, STR_FMT ":%" PRId64, STR_ARG(row->uuid), one->n),
        .report_arn = arn,
        .file_path = s->path.n > 0 ? s->path : S("-"),
        .line_coverage_percentage = report_percent(s->lines_covered, s->lines_missed),
        .has_line_coverage_percentage = true,
        .lines_covered = (int32_t)s->lines_covered,
        .has_lines_covered = true,
        .lines_missed = (int32_t)s->lines_missed,
        .has_lines_missed = true,
        .branch_coverage_percentage = report_percent(s->branches_covered, s->branches_missed),
        .has_branch_coverage_percentage = true,
        .branches_covered = (int32_t)s->branches_covered,
        .has_branches_covered = true,
        .branches_missed = (int32_t)s->branches_missed,
        .has_branches_missed = true,
        .expired = row->expired_ms,
        .has_expired = true,
    };
}

int codebuild_describe_code_coverages(struct call *c,
                                      const struct codebuild_describe_code_coverages_input *in,
                                      struct codebuild_describe_code_coverages_output *out,
                                      struct err *err) {
    struct report_row row;
    struct report_source_list sources;
    int64_t limit = in->has_max_results ? in->max_results : PAGE_MAX;
    if (codebuild_need_report(c, in->report_arn, &row, err) < 0) {
        err->api = &codebuild_InvalidInputException; /* this operation knows no other */
        return -1;
    }
    if (!str_is(row.type, "CODE_COVERAGE")) {
        return codebuild_invalid(err,
                                 "Report " STR_FMT " holds no code coverage: its type is " STR_FMT,
                                 STR_ARG(in->report_arn), STR_ARG(row.type));
    }
    struct report_source_query query = {
        .report = row.uuid,
        .by_percent = str_is(in->sort_by, "LINE_COVERAGE_PERCENTAGE"),
        .descending = str_is(in->sort_order, "DESCENDING"),
        .min = in->has_min_line_coverage_percentage ? in->min_line_coverage_percentage : 0,
        .max = in->has_max_line_coverage_percentage ? in->max_line_coverage_percentage : 100,
        .limit = limit + 1,
    };
    if (codebuild_token_read(c, in->next_token, &query.offset, err) < 0 ||
        report_sources(c->db, c->arena, &query, &sources, err) < 0) {
        return -1;
    }
    if (sources.n > (size_t)limit) {
        sources.n = (size_t)limit;
        out->next_token = codebuild_token_make(c, query.offset + limit);
    }
    struct codebuild_code_coverage_list list = {arena_alloc(c->arena, 0), 0};
    for (size_t i = 0; i < sources.n; i++) {
        *arena_push(c->arena, &list) = coverage_of(c, &row, in->report_arn, &sources.v[i]);
    }
    out->code_coverages = list;
    return 0;
}
