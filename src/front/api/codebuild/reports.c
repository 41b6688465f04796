/* Reports: get, list, delete; and how the reports of a group went over time. */
#include "front/api/codebuild/report.h"

#include <inttypes.h>

enum { PAGE_MAX = 100 };

int codebuild_find_report(struct call *c, struct str arn, struct report_row *ret, struct err *err) {
    size_t colon = str_rfind_c(arn, ':');
    struct str uuid = colon == (size_t)-1 ? STR_NONE : str_sub(arn, colon + 1, arn.n);
    int found = uuid.n == 0 ? 0 : report_get(c->db, c->arena, uuid, c->now_ms, ret, err);
    if (found <= 0) {
        return found;
    }
    return str_eq(ret->region, c->region) && str_eq(report_arn(c->arena, ret), arn);
}

int codebuild_need_report(struct call *c, struct str arn, struct report_row *ret, struct err *err) {
    int found = codebuild_find_report(c, arn, ret, err);
    return found != 0 ? (found < 0 ? -1 : 0)
                      : err_api(err, &codebuild_ResourceNotFoundException,
                                "Report does not exist: " STR_FMT, STR_ARG(arn));
}

static int64_t total_of(const struct report_row *row) {
    int64_t total = 0;
    for (size_t i = 0; i < CASE_STATUSES; i++) {
        total += row->counts[i];
    }
    return total;
}

static int32_t small(int64_t number) {
    return number > INT32_MAX ? INT32_MAX : (int32_t)number;
}

static void summarize_tests(struct arena *a, const struct report_row *row,
                            struct codebuild_report *r) {
    r->test_summary = arena_new(a, struct codebuild_test_report_summary);
    r->test_summary->total = small(total_of(row));
    r->test_summary->has_total = true;
    r->test_summary->duration_in_nano_seconds = row->duration_ns;
    r->test_summary->has_duration_in_nano_seconds = true;
    for (size_t i = 0; i < CASE_STATUSES; i++) {
        __typeof__(*r->test_summary->status_counts.v) *count =
            arena_push(a, &r->test_summary->status_counts);
        count->key = str_c(case_status_name((enum case_status)i));
        count->value = small(row->counts[i]);
    }
}

static void summarize_coverage(struct arena *a, const struct report_row *row,
                               struct codebuild_report *r) {
    const struct report_source *t = &row->total;
    r->code_coverage_summary = arena_new(a, struct codebuild_code_coverage_report_summary);
    *r->code_coverage_summary = (struct codebuild_code_coverage_report_summary){
        .line_coverage_percentage = report_percent(t->lines_covered, t->lines_missed),
        .has_line_coverage_percentage = true,
        .lines_covered = small(t->lines_covered),
        .has_lines_covered = true,
        .lines_missed = small(t->lines_missed),
        .has_lines_missed = true,
        .branch_coverage_percentage = report_percent(t->branches_covered, t->branches_missed),
        .has_branch_coverage_percentage = true,
        .branches_covered = small(t->branches_covered),
        .has_branches_covered = true,
        .branches_missed = small(t->branches_missed),
        .has_branches_missed = true,
    };
}

static int view(struct call *c, const struct report_row *row, struct codebuild_report *ret,
                struct err *err) {
    struct codebuild_report_group *then = NULL;
    if (codebuild_group_from_json(c->arena, row->export, &then, err) < 0) {
        return -1;
    }
    *ret = (struct codebuild_report){
        .arn = report_arn(c->arena, row),
        .type = row->type,
        .name = row->group,
        .report_group_arn = report_group_arn(c->arena, row->account, row->region, row->group),
        .execution_id = row->build_arn,
        .status = row->status,
        .created = row->created_ms,
        .has_created = true,
        .expired = row->expired_ms,
        .has_expired = true,
        .export_config = then->export_config,
        .truncated = row->truncated,
        .has_truncated = true,
    };
    if (str_is(row->type, "TEST")) {
        summarize_tests(c->arena, row, ret);
    } else {
        summarize_coverage(c->arena, row, ret);
    }
    return 0;
}

int codebuild_batch_get_reports(struct call *c, const struct codebuild_batch_get_reports_input *in,
                                struct codebuild_batch_get_reports_output *out, struct err *err) {
    struct codebuild_report_list list = {arena_alloc(c->arena, 0), 0};
    struct str_list missing = {arena_alloc(c->arena, 0), 0};
    for (size_t i = 0; i < in->report_arns.n; i++) {
        struct report_row row;
        int found = codebuild_find_report(c, in->report_arns.v[i], &row, err);
        if (found < 0 || (found > 0 && view(c, &row, arena_push(c->arena, &list), err) < 0)) {
            return -1;
        }
        if (found == 0) {
            *arena_push(c->arena, &missing) = in->report_arns.v[i];
        }
    }
    out->reports = list;
    out->reports_not_found = missing;
    return 0;
}

int codebuild_delete_report(struct call *c, const struct codebuild_delete_report_input *in,
                            struct codebuild_delete_report_output *out, struct err *err) {
    struct report_row row;
    int found = codebuild_find_report(c, in->arn, &row, err);
    (void)out;
    return found <= 0 ? found : report_delete(c->db, row.uuid, err);
}

/* Newest first unless asked otherwise. */
static int list(struct call *c, struct report_query query, struct str token, struct str_list *ret,
                struct str *ret_token, struct err *err) {
    struct report_list rows;
    int64_t limit = query.limit++;
    if (codebuild_token_read(c, token, &query.after, err) < 0 ||
        report_list(c->db, c->arena, &query, &rows, err) < 0) {
        return -1;
    }
    if (rows.n > (size_t)limit) {
        rows.n = (size_t)limit;
        *ret_token = codebuild_token_make(c, rows.v[rows.n - 1].seq);
    }
    *ret = (struct str_list){arena_new_n(c->arena, struct str, rows.n + 1), 0};
    for (size_t i = 0; i < rows.n; i++) {
        ret->v[ret->n++] = report_arn(c->arena, &rows.v[i]);
    }
    return 0;
}

static struct report_query query_of(struct str account, const struct call *c, struct str group,
                                    const struct codebuild_report_filter *filter, struct str order,
                                    bool has_limit, int32_t limit) {
    return (struct report_query){
        .account = account,
        .region = c->region,
        .group = group,
        .status = filter ? filter->status : STR_NONE,
        .descending = !str_is(order, "ASCENDING"),
        .limit = has_limit ? limit : PAGE_MAX,
        .now_ms = c->now_ms,
    };
}

int codebuild_list_reports(struct call *c, const struct codebuild_list_reports_input *in,
                           struct codebuild_list_reports_output *out, struct err *err) {
    struct report_query query = query_of(c->account, c, STR_NONE, in->filter, in->sort_order,
                                         in->has_max_results, in->max_results);
    return list(c, query, in->next_token, &out->reports, &out->next_token, err);
}

int codebuild_list_reports_for_report_group(
    struct call *c, const struct codebuild_list_reports_for_report_group_input *in,
    struct codebuild_list_reports_for_report_group_output *out, struct err *err) {
    struct codebuild_report_group *g = NULL;
    if (codebuild_need_group(c, in->report_group_arn, &g, err) < 0) {
        return -1;
    }
    struct report_query query =
        query_of(codebuild_owner(c, in->report_group_arn), c, g->name, in->filter, in->sort_order,
                 in->has_max_results, in->max_results);
    return list(c, query, in->next_token, &out->reports, &out->next_token, err);
}

int codebuild_show_build(struct call *c, const struct build_row *row, struct codebuild_build **ret,
                         struct err *err) {
    struct report_list rows;
    if (build_view(c->arena, row, ret, err) < 0 ||
        report_list_of_build(c->db, c->arena, row->uuid, &rows, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < rows.n; i++) {
        *arena_push(c->arena, &(*ret)->report_arns) = report_arn(c->arena, &rows.v[i]);
    }
    return 0;
}

/* ---- trend ---- */

/* What a field is of a report; false when its type has no such field. */
static bool field_of(const struct report_row *row, struct str field, double *ret) {
    const struct report_source *t = &row->total;
    bool tests = str_is(row->type, "TEST");
    int64_t total = total_of(row);
    const struct {
        const char *name;
        bool of_tests;
        double value;
    } fields[] = {
        {"PASS_RATE", true,
         report_percent(row->counts[CASE_SUCCEEDED], total - row->counts[CASE_SUCCEEDED])},
        {"DURATION", true, (double)row->duration_ns},
        {"TOTAL", true, (double)total},
        {"LINE_COVERAGE", false, report_percent(t->lines_covered, t->lines_missed)},
        {"LINES_COVERED", false, (double)t->lines_covered},
        {"LINES_MISSED", false, (double)t->lines_missed},
        {"BRANCH_COVERAGE", false, report_percent(t->branches_covered, t->branches_missed)},
        {"BRANCHES_COVERED", false, (double)t->branches_covered},
        {"BRANCHES_MISSED", false, (double)t->branches_missed},
    };
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        if (str_is(field, fields[i].name)) {
            *ret = fields[i].value;
            return fields[i].of_tests == tests;
        }
    }
    return false;
}

/* Two digits behind the point at most, and none when they are zeros. */
static struct str number_text(struct arena *a, double value) {
    struct str text = str_printf(a, "%.2f", value);
    while (str_ends(text, S("0"))) {
        text.n--;
    }
    return str_ends(text, S(".")) ? str_sub(text, 0, text.n - 1) : text;
}

int codebuild_get_report_group_trend(struct call *c,
                                     const struct codebuild_get_report_group_trend_input *in,
                                     struct codebuild_get_report_group_trend_output *out,
                                     struct err *err) {
    struct codebuild_report_group *g = NULL;
    struct report_list rows;
    if (codebuild_need_group(c, in->report_group_arn, &g, err) < 0) {
        return -1;
    }
    struct report_query query =
        query_of(codebuild_owner(c, in->report_group_arn), c, g->name, NULL, S("DESCENDING"),
                 in->has_num_of_reports, in->num_of_reports);
    if (report_list(c->db, c->arena, &query, &rows, err) < 0) {
        return -1;
    }
    double sum = 0, most = 0, least = 0;
    out->raw_data.v = arena_alloc(c->arena, 0);
    out->stats = arena_new(c->arena, struct codebuild_report_group_trend_stats);
    struct codebuild_report_with_raw_data_list data = {0};
    for (size_t i = 0; i < rows.n; i++) {
        double value = 0;
        if (str_is(rows.v[i].status, "GENERATING")) {
            continue;
        }
        if (!field_of(&rows.v[i], in->trend_field, &value)) {
            return codebuild_invalid(err,
                                     "Invalid trendField " STR_FMT " for a report group of "
                                     "type " STR_FMT,
                                     STR_ARG(in->trend_field), STR_ARG(g->type));
        }
        most = data.n == 0 || value > most ? value : most;
        least = data.n == 0 || value < least ? value : least;
        sum += value;
        *arena_push(c->arena, &data) = (struct codebuild_report_with_raw_data){
            report_arn(c->arena, &rows.v[i]), number_text(c->arena, value)};
    }
    if (data.n > 0) {
        out->raw_data = data;
        out->stats->average = number_text(c->arena, sum / (double)data.n);
        out->stats->max = number_text(c->arena, most);
        out->stats->min = number_text(c->arena, least);
    }
    return 0;
}
