/* Report groups: create, update, delete, get, list. */
#include "aws/proto/proto.h"
#include "front/api/codebuild/report.h"

enum { MAX_TAGS = 50, MAX_GROUPS = 5000, PAGE_MAX = 100 };

int codebuild_group_to_json(struct arena *a, const struct codebuild_report_group *group,
                            struct str *ret, struct err *err) {
    struct codebuild_create_report_group_output out = {arena_memdup(a, group, sizeof(*group))};
    struct proto_message m = {0};
    if (proto_encode_response(a, SHAPE_JSON_1_1, &codebuild_op_create_report_group, STR_NONE, &out,
                              &m, err) < 0) {
        return -1;
    }
    *ret = m.body;
    return 0;
}

int codebuild_group_from_json(struct arena *a, struct str json, struct codebuild_report_group **ret,
                              struct err *err) {
    struct codebuild_create_report_group_output out = {0};
    struct proto_message m = {.status = 200, .body = json};
    if (proto_decode_response(a, SHAPE_JSON_1_1, &codebuild_op_create_report_group, &m, &out, err) <
            0 ||
        out.report_group == NULL) {
        return err_wrap(err, "stored report group");
    }
    *ret = out.report_group;
    return 0;
}

/* The name in "arn:...:report-group/NAME" of that account and the call's region. */
static struct str name_in(const struct call *c, struct str arn, struct str account) {
    struct aws_arn parts;
    struct str kind = S("report-group/");
    if (!aws_arn_parse(arn, &parts) || !str_is(parts.service, "codebuild") ||
        !str_eq(parts.region, c->region) || !str_eq(parts.account, account) ||
        !str_starts(parts.resource, kind) || parts.resource.n == kind.n) {
        return STR_NONE;
    }
    return str_sub(parts.resource, kind.n, parts.resource.n);
}

struct str codebuild_group_name(const struct call *c, struct str arn) {
    return name_in(c, arn, c->account);
}

int codebuild_find_group(struct call *c, struct str arn, struct codebuild_report_group **ret,
                         struct err *err) {
    struct report_group_row row;
    struct str owner = codebuild_owner(c, arn);
    struct str name = name_in(c, arn, owner);
    int found =
        name.p == NULL ? 0 : report_group_get(c->db, c->arena, owner, c->region, name, &row, err);
    if (found <= 0) {
        return found;
    }
    return codebuild_group_from_json(c->arena, row.body, ret, err) < 0 ? -1 : 1;
}

int codebuild_need_group(struct call *c, struct str arn, struct codebuild_report_group **ret,
                         struct err *err) {
    int found = codebuild_find_group(c, arn, ret, err);
    return found != 0 ? (found < 0 ? -1 : 0)
                      : err_api(err, &codebuild_ResourceNotFoundException,
                                "Report group does not exist: " STR_FMT, STR_ARG(arn));
}

/* ---- checks ---- */

static bool good_name(struct str name) {
    for (size_t i = 0; i < name.n; i++) {
        char ch = name.p[i];
        bool letter = (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z');
        bool digit = ch >= '0' && ch <= '9';
        if (!letter && !digit && !(i > 0 && (ch == '-' || ch == '_'))) {
            return false;
        }
    }
    return name.n >= 2 && name.n <= 128;
}

/* Fills in what CodeBuild fills in: the account's S3 key, and that nothing is packed. */
static int check_export(struct call *c, struct codebuild_report_group *g, struct err *err) {
    struct codebuild_report_export_config *e = g->export_config;
    if (e->export_config_type.p == NULL) {
        return codebuild_invalid(err, "Invalid exportConfig: exportConfigType is required");
    }
    if (str_is(e->export_config_type, "NO_EXPORT")) {
        e->s3_destination = NULL;
        return 0;
    }
    struct codebuild_s3_report_export_config *s3 = e->s3_destination;
    if (s3 == NULL || s3->bucket.n == 0) {
        return codebuild_invalid(err, "Invalid exportConfig: export type S3 needs the bucket of "
                                      "s3Destination");
    }
    if (s3->bucket_owner.n > 0 && !str_eq(s3->bucket_owner, c->account)) {
        return codebuild_invalid(err,
                                 "Invalid exportConfig: buckets of other accounts are not "
                                 "taken (docs/limits.md): bucketOwner " STR_FMT,
                                 STR_ARG(s3->bucket_owner));
    }
    s3->packaging = s3->packaging.p ? s3->packaging : S("NONE");
    s3->has_encryption_disabled = true;
    if (s3->encryption_key.n == 0 && !s3->encryption_disabled) {
        s3->encryption_key =
            str_printf(c->arena, "arn:aws:kms:" STR_FMT ":" STR_FMT ":alias/aws/s3",
                       STR_ARG(c->region), STR_ARG(c->account));
    }
    return 0;
}

static int check(struct call *c, struct codebuild_report_group *g, struct err *err) {
    if (!good_name(g->name)) {
        return codebuild_invalid(err, "Invalid report group name: 2 to 128 letters, digits, "
                                      "hyphens and underscores, a letter or digit first");
    }
    if (g->tags.n > MAX_TAGS) {
        return codebuild_invalid(err, "Invalid tags: at most %d", MAX_TAGS);
    }
    g->tags.v = g->tags.v ? g->tags.v : arena_alloc(c->arena, 0);
    return check_export(c, g, err);
}

static int store(struct call *c, const struct codebuild_report_group *g, struct err *err) {
    struct report_group_row row = {.account = c->account,
                                   .region = c->region,
                                   .name = g->name,
                                   .type = g->type,
                                   .created_ms = g->created,
                                   .modified_ms = g->last_modified};
    return codebuild_group_to_json(c->arena, g, &row.body, err) < 0
               ? -1
               : report_group_put(c->db, &row, err);
}

/* ---- operations ---- */

int codebuild_create_report_group(struct call *c,
                                  const struct codebuild_create_report_group_input *in,
                                  struct codebuild_create_report_group_output *out,
                                  struct err *err) {
    struct report_group_row old;
    struct codebuild_report_group *g = arena_new(c->arena, struct codebuild_report_group);
    *g = (struct codebuild_report_group){
        .arn = report_group_arn(c->arena, c->account, c->region, in->name),
        .name = in->name,
        .type = in->type,
        .export_config = in->export_config,
        .created = c->now_ms,
        .has_created = true,
        .last_modified = c->now_ms,
        .has_last_modified = true,
        .tags = in->tags,
        .status = S("ACTIVE"),
    };
    if (check(c, g, err) < 0) {
        return -1;
    }
    int found = report_group_get(c->db, c->arena, c->account, c->region, in->name, &old, err);
    if (found != 0) {
        return found < 0 ? -1
                         : err_api(err, &codebuild_ResourceAlreadyExistsException,
                                   "Report group already exists: " STR_FMT, STR_ARG(g->arn));
    }
    struct str_list most;
    if (report_group_list(c->db, c->arena, c->account, c->region, GROUPS_BY_NAME, false,
                          MAX_GROUPS - 1, 1, &most, err) < 0) {
        return -1;
    }
    if (most.n > 0) {
        return err_api(err, &codebuild_AccountLimitExceededException,
                       "Cannot have more than %d report groups for the account", MAX_GROUPS);
    }
    out->report_group = g;
    return store(c, g, err);
}

int codebuild_update_report_group(struct call *c,
                                  const struct codebuild_update_report_group_input *in,
                                  struct codebuild_update_report_group_output *out,
                                  struct err *err) {
    if (codebuild_need_group(c, in->arn, &out->report_group, err) < 0) {
        return -1;
    }
    struct codebuild_report_group *g = out->report_group;
    g->export_config = in->export_config ? in->export_config : g->export_config;
    g->tags = in->tags.v ? in->tags : g->tags;
    g->last_modified = c->now_ms;
    return check(c, g, err) < 0 ? -1 : store(c, g, err);
}

static int delete_reports(struct call *c, struct str name, bool allowed, struct err *err) {
    for (;;) {
        struct report_query query = {.account = c->account,
                                     .region = c->region,
                                     .group = name,
                                     .limit = PAGE_MAX,
                                     .now_ms = c->now_ms};
        struct report_list page;
        if (report_list(c->db, c->arena, &query, &page, err) < 0) {
            return -1;
        }
        if (page.n > 0 && !allowed) {
            return codebuild_invalid(err,
                                     "Report group " STR_FMT
                                     " has reports: delete them first, or set deleteReports",
                                     STR_ARG(name));
        }
        for (size_t i = 0; i < page.n; i++) {
            if (report_delete(c->db, page.v[i].uuid, err) < 0) {
                return -1;
            }
        }
        if (page.n == 0) {
            return 0;
        }
    }
}

int codebuild_delete_report_group(struct call *c,
                                  const struct codebuild_delete_report_group_input *in,
                                  struct codebuild_delete_report_group_output *out,
                                  struct err *err) {
    struct str name = codebuild_group_name(c, in->arn);
    (void)out;
    if (name.p == NULL) {
        return codebuild_invalid(err, "Invalid report group ARN: " STR_FMT, STR_ARG(in->arn));
    }
    return delete_reports(c, name, in->delete_reports, err) < 0
               ? -1
               : report_group_delete(c->db, c->account, c->region, name, err);
}

int codebuild_batch_get_report_groups(struct call *c,
                                      const struct codebuild_batch_get_report_groups_input *in,
                                      struct codebuild_batch_get_report_groups_output *out,
                                      struct err *err) {
    struct codebuild_report_group_list list = {arena_alloc(c->arena, 0), 0};
    struct str_list missing = {arena_alloc(c->arena, 0), 0};
    for (size_t i = 0; i < in->report_group_arns.n; i++) {
        struct codebuild_report_group *g = NULL;
        int found = codebuild_find_group(c, in->report_group_arns.v[i], &g, err);
        if (found < 0) {
            return -1;
        }
        if (found > 0) {
            *arena_push(c->arena, &list) = *g;
        } else {
            *arena_push(c->arena, &missing) = in->report_group_arns.v[i];
        }
    }
    out->report_groups = list;
    out->report_groups_not_found = missing;
    return 0;
}

int codebuild_list_report_groups(struct call *c,
                                 const struct codebuild_list_report_groups_input *in,
                                 struct codebuild_list_report_groups_output *out, struct err *err) {
    int64_t offset = 0;
    int64_t limit = in->has_max_results ? in->max_results : PAGE_MAX;
    enum report_group_order order = str_is(in->sort_by, "CREATED_TIME")         ? GROUPS_BY_CREATED
                                    : str_is(in->sort_by, "LAST_MODIFIED_TIME") ? GROUPS_BY_MODIFIED
                                                                                : GROUPS_BY_NAME;
    struct str_list names;
    if (codebuild_token_read(c, in->next_token, &offset, err) < 0 ||
        report_group_list(c->db, c->arena, c->account, c->region, order,
                          str_is(in->sort_order, "DESCENDING"), offset, limit + 1, &names,
                          err) < 0) {
        return -1;
    }
    if (names.n > (size_t)limit) {
        names.n = (size_t)limit;
        out->next_token = codebuild_token_make(c, offset + limit);
    }
    out->report_groups.v = arena_new_n(c->arena, struct str, names.n + 1);
    for (size_t i = 0; i < names.n; i++) {
        out->report_groups.v[out->report_groups.n++] =
            report_group_arn(c->arena, c->account, c->region, names.v[i]);
    }
    return 0;
}
