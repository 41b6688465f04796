/*
 * CreateReport, BatchPutTestCases, BatchPutCodeCoverages, UpdateReport: what a build's supervisor
 * puts into the account, as the project's role, with the rights that AWS documents for it. Only a
 * build's own session may call them, and only for its own reports.
 */
#include "front/api/trunkline/trunkline.h"

#include "flow/build/store.h"
#include "front/api/codebuild/report.h"

#define DAY_MS (24 * 3600 * (int64_t)1000)

static int invalid(struct err *err, const char *what) {
    return err_api(err, &trunkline_ValidationException, "%s", what);
}

/* The build whose session calls; it runs still. */
static int calling_build(struct call *c, struct build_row *ret, struct err *err) {
    struct str id = c->principal->build_id;
    size_t colon = str_rfind_c(id, ':');
    struct str uuid = colon == (size_t)-1 ? id : str_sub(id, colon + 1, id.n);
    int found = uuid.n == 0 ? 0 : build_load(c->db, c->arena, uuid, ret, err);
    if (found < 0) {
        return -1;
    }
    return found > 0 && !ret->complete
               ? 0
               : invalid(err, "reports are made by a running build, as its own session");
}

/* Its report, that is not complete yet. */
static int own_report(struct call *c, struct str arn, struct report_row *ret, struct err *err) {
    struct build_row build;
    if (calling_build(c, &build, err) < 0) {
        return -1;
    }
    int found = codebuild_find_report(c, arn, ret, err);
    if (found < 0) {
        return -1;
    }
    if (found == 0 || !str_eq(ret->build, build.uuid)) {
        return err_api(err, &trunkline_ResourceNotFoundException,
                       "this build has no report " STR_FMT, STR_ARG(arn));
    }
    return str_is(ret->status, "GENERATING") ? 0 : invalid(err, "this report is complete");
}

static void tell_export(const struct codebuild_report_group *g,
                        struct trunkline_create_report_output *out) {
    const struct codebuild_s3_report_export_config *s3 = g->export_config->s3_destination;
    out->export_type = g->export_config->export_config_type;
    if (s3 != NULL) {
        out->export_bucket = s3->bucket;
        out->export_path = s3->path;
        out->export_zip = str_is(s3->packaging, "ZIP");
        out->has_export_zip = true;
        out->export_key = s3->encryption_key;
        out->export_encryption_disabled = s3->encryption_disabled;
        out->has_export_encryption_disabled = true;
    }
}

int trunkline_create_report(struct call *c, const struct trunkline_create_report_input *in,
                            struct trunkline_create_report_output *out, struct err *err) {
    struct build_row build;
    struct codebuild_report_group *g = NULL;
    if (calling_build(c, &build, err) < 0) {
        return -1;
    }
    int found = codebuild_find_group(c, in->report_group_arn, &g, err);
    if (found <= 0) {
        return found < 0 ? -1
                         : err_api(err, &trunkline_ResourceNotFoundException,
                                   "Report group does not exist: " STR_FMT,
                                   STR_ARG(in->report_group_arn));
    }
    if (!str_eq(g->type, in->type)) {
        return err_api(err, &trunkline_ValidationException,
                       "Report group " STR_FMT " is of type " STR_FMT
                       ", and the report's format of type " STR_FMT,
                       STR_ARG(g->name), STR_ARG(g->type), STR_ARG(in->type));
    }
    struct report_row row = {
        .uuid = rng_uuid(c->rng, c->arena),
        .account = c->account,
        .region = c->region,
        .group = g->name,
        .type = g->type,
        .build = build.uuid,
        .build_arn = str_printf(
            c->arena, "arn:aws:codebuild:" STR_FMT ":" STR_FMT ":build/" STR_FMT ":" STR_FMT,
            STR_ARG(build.region), STR_ARG(build.account), STR_ARG(build.project),
            STR_ARG(build.uuid)),
        .status = S("GENERATING"),
        .created_ms = c->now_ms,
        .expired_ms = c->now_ms + REPORT_KEPT_DAYS * DAY_MS,
    };
    tell_export(g, out);
    out->report_arn = report_arn(c->arena, &row);
    return codebuild_group_to_json(c->arena, g, &row.export, err) < 0
               ? -1
               : report_insert(c->db, &row, err);
}

static enum case_status status_of(struct str word) {
    enum case_status status = CASE_SUCCEEDED;
    while (status < CASE_UNKNOWN && !str_is(word, case_status_name(status))) {
        status++;
    }
    return status;
}

int trunkline_batch_put_test_cases(struct call *c,
                                   const struct trunkline_batch_put_test_cases_input *in,
                                   struct trunkline_batch_put_test_cases_output *out,
                                   struct err *err) {
    struct report_row row;
    (void)out;
    if (own_report(c, in->report_arn, &row, err) < 0) {
        return -1;
    }
    struct report_case *v = arena_new_n(c->arena, struct report_case, in->test_cases.n);
    for (size_t i = 0; i < in->test_cases.n; i++) {
        const struct trunkline_reported_case *one = &in->test_cases.v[i];
        v[i] = (struct report_case){
            .path = one->path,
            .prefix = one->prefix,
            .name = one->name,
            .suite = one->suite,
            .message = one->message,
            .status = status_of(one->status),
            .duration_ns = one->duration_in_nano_seconds,
        };
    }
    int result = report_add_cases(c->db, row.uuid, v, in->test_cases.n, err);
    err->api = result < 0 && err->kind == ERR_LIMIT ? &trunkline_ValidationException : err->api;
    return result;
}

int trunkline_batch_put_code_coverages(struct call *c,
                                       const struct trunkline_batch_put_code_coverages_input *in,
                                       struct trunkline_batch_put_code_coverages_output *out,
                                       struct err *err) {
    struct report_row row;
    (void)out;
    if (own_report(c, in->report_arn, &row, err) < 0) {
        return -1;
    }
    struct report_source *v = arena_new_n(c->arena, struct report_source, in->code_coverages.n);
    for (size_t i = 0; i < in->code_coverages.n; i++) {
        const struct trunkline_reported_source *one = &in->code_coverages.v[i];
        v[i] = (struct report_source){one->path, one->lines_covered, one->lines_missed,
                                      one->branches_covered, one->branches_missed};
    }
    int result = report_add_sources(c->db, row.uuid, v, in->code_coverages.n, err);
    err->api = result < 0 && err->kind == ERR_LIMIT ? &trunkline_ValidationException : err->api;
    return result;
}

int trunkline_update_report(struct call *c, const struct trunkline_update_report_input *in,
                            struct trunkline_update_report_output *out, struct err *err) {
    struct report_row row;
    (void)out;
    if (own_report(c, in->report_arn, &row, err) < 0) {
        return -1;
    }
    row.status = in->status;
    row.truncated = in->truncated;
    row.counts[CASE_SUCCEEDED] = in->succeeded;
    row.counts[CASE_FAILED] = in->failed;
    row.counts[CASE_ERROR] = in->error;
    row.counts[CASE_SKIPPED] = in->skipped;
    row.counts[CASE_UNKNOWN] = in->unknown;
    row.duration_ns = in->duration_in_nano_seconds;
    row.total = (struct report_source){S(""), in->lines_covered, in->lines_missed,
                                       in->branches_covered, in->branches_missed};
    return report_end(c->db, &row, err);
}
