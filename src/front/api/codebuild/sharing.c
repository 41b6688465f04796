/* Resource policies of projects and report groups: put, get, delete; what others share with the
 * caller's account; what the gate asks. */
#include "flow/build/share_store.h"
#include "flow/report/store.h"
#include "front/api/codebuild/codebuild.h"
#include "services/iam/policy.h"

#include <stdlib.h>

static const char project_kind[] = "project/";
static const char group_kind[] = "report-group/";

static bool is_kind(const struct aws_arn *arn, const char *kind) {
    return str_is(arn->service, "codebuild") && str_starts(arn->resource, str_c(kind)) &&
           arn->resource.n > strlen(kind);
}

static int check_arn(struct str text, struct aws_arn *ret, struct err *err) {
    bool fine =
        aws_arn_parse(text, ret) && (is_kind(ret, project_kind) || is_kind(ret, group_kind));
    return fine ? 0
                : codebuild_invalid(err,
                                    "Invalid resource ARN: " STR_FMT
                                    ", it must be a project's or a report group's",
                                    STR_ARG(text));
}

/* The project, or the report group, is there. */
static int need_resource(struct call *c, const struct aws_arn *arn, struct str text,
                         struct err *err) {
    struct project_row row;
    struct report_group_row group;
    int found = 0;
    if (is_kind(arn, project_kind)) {
        struct str name = str_sub(arn->resource, strlen(project_kind), arn->resource.n);
        found = project_get(c->db, c->arena, arn->account, arn->region, name, &row, err);
    } else {
        struct str name = str_sub(arn->resource, strlen(group_kind), arn->resource.n);
        found = report_group_get(c->db, c->arena, arn->account, arn->region, name, &group, err);
    }
    return found == 0 ? err_api(err, &codebuild_ResourceNotFoundException,
                                "Resource " STR_FMT " does not exist", STR_ARG(text))
                      : found - 1;
}

int codebuild_put_resource_policy(struct call *c,
                                  const struct codebuild_put_resource_policy_input *in,
                                  struct codebuild_put_resource_policy_output *out,
                                  struct err *err) {
    struct aws_arn arn;
    struct policy parsed;
    struct err why = ERR_INIT;
    if (check_arn(in->resource_arn, &arn, err) < 0 ||
        need_resource(c, &arn, in->resource_arn, err) < 0) {
        return -1;
    }
    if (policy_parse(c->arena, in->policy, POLICY_RESOURCE, &parsed, &why) < 0) {
        return codebuild_invalid(err, "Invalid resource policy: %s", why.msg);
    }
    struct share_row row = {in->resource_arn, arn.account, arn.region, in->policy, c->now_ms};
    out->resource_arn = in->resource_arn;
    return share_put(c->db, &row, err);
}

int codebuild_get_resource_policy(struct call *c,
                                  const struct codebuild_get_resource_policy_input *in,
                                  struct codebuild_get_resource_policy_output *out,
                                  struct err *err) {
    struct aws_arn arn;
    if (check_arn(in->resource_arn, &arn, err) < 0) {
        return -1;
    }
    int found = share_get(c->db, c->arena, in->resource_arn, &out->policy, err);
    return found == 0 ? err_api(err, &codebuild_ResourceNotFoundException,
                                "Resource policy does not exist for resource: " STR_FMT,
                                STR_ARG(in->resource_arn))
                      : found - 1;
}

int codebuild_delete_resource_policy(struct call *c,
                                     const struct codebuild_delete_resource_policy_input *in,
                                     struct codebuild_delete_resource_policy_output *out,
                                     struct err *err) {
    struct aws_arn arn;
    (void)out;
    return check_arn(in->resource_arn, &arn, err) < 0 ? -1
                                                      : share_delete(c->db, in->resource_arn, err);
}

/* ---- what others share ---- */

static bool no_value(void *ud, struct str key, struct str_list *ret) {
    (void)ud;
    (void)key;
    *ret = (struct str_list){NULL, 0};
    return false;
}

/* Does the policy let the caller's account read the resource? */
static bool shared(struct call *c, const struct share_row *row, const char *action) {
    struct policy policy;
    struct err ignored = ERR_INIT;
    struct policy_request r = {
        .action = str_c(action),
        .resource = row->arn,
        .principal_arn = c->principal->arn,
        .principal_role = c->principal->role_arn,
        .principal_account = c->principal->account,
        .value = no_value,
        .arena = c->arena,
    };
    if (policy_parse(c->arena, row->policy, POLICY_RESOURCE, &policy, &ignored) < 0) {
        return false;
    }
    struct policy_result result = policy_evaluate(&policy, &r);
    return !result.deny && result.allow >= POLICY_MATCH_ACCOUNT;
}

static int by_time(const void *pa, const void *pb) {
    const struct share_row *a = pa, *b = pb;
    return a->modified_ms < b->modified_ms   ? -1
           : a->modified_ms > b->modified_ms ? 1
                                             : str_cmp(a->arn, b->arn);
}

struct shared_page {
    const char *kind;   /* of resources */
    const char *action; /* that a policy must allow */
    struct str sort_by, sort_order, token;
    int64_t limit;
};

static int list_shared(struct call *c, const struct shared_page *page, struct str_list *ret,
                       struct str *ret_next, struct err *err) {
    struct share_rows rows;
    struct str_list all = {NULL, 0};
    int64_t from = 0;
    if (codebuild_token_read(c, page->token, &from, err) < 0 ||
        share_of_others(c->db, c->arena, c->account, c->region, &rows, err) < 0) {
        return -1;
    }
    if (str_is(page->sort_by, "MODIFIED_TIME") && rows.n > 1) {
        qsort(rows.v, rows.n, sizeof(*rows.v), by_time);
    }
    bool descending = str_is(page->sort_order, "DESCENDING");
    for (size_t i = 0; i < rows.n; i++) {
        const struct share_row *row = &rows.v[descending ? rows.n - 1 - i : i];
        struct aws_arn arn;
        if (aws_arn_parse(row->arn, &arn) && is_kind(&arn, page->kind) &&
            shared(c, row, page->action)) {
            *arena_push(c->arena, &all) = row->arn;
        }
    }
    size_t start = (size_t)from < all.n ? (size_t)from : all.n;
    size_t n = all.n - start;
    *ret = (struct str_list){n > 0 ? all.v + start : arena_new(c->arena, struct str), n};
    if ((int64_t)n > page->limit) {
        ret->n = (size_t)page->limit;
        *ret_next = codebuild_token_make(c, from + page->limit);
    }
    return 0;
}

int codebuild_list_shared_projects(struct call *c,
                                   const struct codebuild_list_shared_projects_input *in,
                                   struct codebuild_list_shared_projects_output *out,
                                   struct err *err) {
    struct shared_page page = {
        project_kind,   "codebuild:BatchGetProjects",
        in->sort_by,    in->sort_order,
        in->next_token, in->has_max_results ? in->max_results : CODEBUILD_PAGE};
    return list_shared(c, &page, &out->projects, &out->next_token, err);
}

int codebuild_list_shared_report_groups(struct call *c,
                                        const struct codebuild_list_shared_report_groups_input *in,
                                        struct codebuild_list_shared_report_groups_output *out,
                                        struct err *err) {
    struct shared_page page = {
        group_kind,     "codebuild:BatchGetReportGroups",
        in->sort_by,    in->sort_order,
        in->next_token, in->has_max_results ? in->max_results : CODEBUILD_PAGE};
    return list_shared(c, &page, &out->report_groups, &out->next_token, err);
}

/* A policy shares what may be read, as AWS's sharing does: nothing of another account is started,
 * changed or deleted by it. */
static bool is_shared_action(struct str action) {
    static const char *const actions[] = {
        "BatchGetBuilds",      "BatchGetProjects",      "BatchGetReportGroups",
        "BatchGetReports",     "DescribeCodeCoverages", "DescribeTestCases",
        "GetReportGroupTrend", "ListBuildsForProject",  "ListReportsForReportGroup",
    };
    struct str prefix = S("codebuild:");
    struct str name = str_starts(action, prefix) ? str_sub(action, prefix.n, action.n) : S("");
    for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
        if (str_is(name, actions[i])) {
            return true;
        }
    }
    return false;
}

int codebuild_resource(const struct gate_call *c, struct db *db, struct str action,
                       struct gate_resource *r, struct err *err) {
    struct str policy = STR_NONE;
    int found = is_shared_action(action) ? share_get(db, c->arena, r->arn, &policy, err) : 0;
    if (found > 0) {
        r->policy = policy;
    }
    return found < 0 ? -1 : 0;
}
