/* Operations on roles themselves; their policies are in inline.c and attach.c. */
#include "services/iam/iam.h"

#include "services/core/account.h"
#include "services/core/ident.h"
#include "services/core/page.h"
#include "services/core/tags.h"

static struct str arn_of(struct call *c, const struct iam_role_row *r) {
    return iam_arn(c->arena, "role", r->account, r->path, r->name);
}

void iam_role_fill(struct call *c, const struct iam_role_row *r, struct iam_role *ret) {
    *ret = (struct iam_role){
        .path = r->path,
        .role_name = r->name,
        .role_id = r->id,
        .arn = arn_of(c, r),
        .create_date = r->created_ms,
        .has_create_date = true,
        .assume_role_policy_document = iam_encoded(c, r->trust),
        .description = r->description,
        .max_session_duration = (int32_t)r->max_session,
        .has_max_session_duration = true,
    };
    if (r->boundary.p != NULL) {
        ret->permissions_boundary = arena_new(c->arena, struct iam_attached_permissions_boundary);
        ret->permissions_boundary->permissions_boundary_type = S("PermissionsBoundaryPolicy");
        ret->permissions_boundary->permissions_boundary_arn = r->boundary;
    }
}

/* As CreateRole and GetRole show it: with tags and last use. */
static int show(struct call *c, const struct iam_role_row *r, struct iam_role **ret,
                struct err *err) {
    *ret = arena_new(c->arena, struct iam_role);
    iam_role_fill(c, r, *ret);
    struct iam_role_last_used *used = arena_new(c->arena, struct iam_role_last_used);
    used->last_used_date = r->used_ms;
    used->has_last_used_date = r->used_ms != 0;
    used->region = r->used_region;
    (*ret)->role_last_used = used;
    if (iam_tags_get(c, (*ret)->arn, &(*ret)->tags, err) < 0) {
        return -1;
    }
    if ((*ret)->tags.n == 0) {
        (*ret)->tags.v = NULL; /* AWS leaves an empty list out here */
    }
    return 0;
}

/* A role or user that a trust policy names must be there, when its account is one of ours. */
static int check_principal(struct call *c, const struct policy_principal *p, struct err *err) {
    struct aws_arn arn;
    struct account account = {0};
    struct iam_role_row role = {0};
    struct iam_user_row user = {0};
    if (!str_is(p->type, "AWS") || !aws_arn_parse(p->value, &arn) || !str_is(arn.service, "iam") ||
        str_is(arn.resource, "root")) {
        return 0;
    }
    int found = account_find(c->db, c->arena, arn.account, &account, err);
    if (found <= 0 || !str_is(account.kind, "embedded")) {
        return found < 0 ? -1 : 0;
    }
    struct str name = str_sub(arn.resource, str_rfind_c(arn.resource, '/') + 1, arn.resource.n);
    found = str_starts(arn.resource, S("role/"))
                ? iam_role_by_arn(c->db, c->arena, p->value, &role, err)
                : iam_user_find(c->db, c->arena, arn.account, name, &user, err);
    if (found == 0) {
        return err_api(err, &iam_MalformedPolicyDocumentException,
                       "Invalid principal in policy: \"AWS\":\"" STR_FMT "\"", STR_ARG(p->value));
    }
    return found < 0 ? -1 : 0;
}

static int check_trust(struct call *c, struct str text, struct err *err) {
    struct policy policy;
    if (iam_check_document(c, text, POLICY_TRUST, IAM_TRUST_MAX, "ACLSizePerRole", err) < 0 ||
        policy_parse(c->arena, text, POLICY_TRUST, &policy, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < policy.n; i++) {
        for (size_t j = 0; j < policy.v[i].principal.n; j++) {
            if (check_principal(c, &policy.v[i].principal.v[j], err) < 0) {
                return -1;
            }
        }
    }
    return 0;
}

int iam_create_role(struct call *c, const struct iam_create_role_request *in,
                    struct iam_create_role_response *out, struct err *err) {
    struct iam_role_row row = {
        .account = c->account,
        .name = in->role_name,
        .path = in->path,
        .id = ident_make(c->rng, c->arena, "AROA", 17),
        .trust = in->assume_role_policy_document,
        .description = in->description,
        .max_session = in->has_max_session_duration ? in->max_session_duration : 3600,
        .boundary = in->permissions_boundary,
        .created_ms = c->now_ms / 1000 * 1000,
    };
    struct iam_role_row old = {0};
    if (iam_check_name(row.name, "roleName", err) < 0 || iam_check_path(&row.path, err) < 0 ||
        check_trust(c, row.trust, err) < 0 ||
        (row.boundary.p != NULL && iam_need_policy(c, row.boundary, err) < 0)) {
        return -1;
    }
    int found = iam_role_find(c->db, c->arena, c->account, row.name, &old, err);
    if (found > 0) {
        return err_api(err, &iam_EntityAlreadyExistsException,
                       "Role with name " STR_FMT " already exists.", STR_ARG(row.name));
    }
    if (found < 0 || iam_role_insert(c->db, &row, err) < 0 ||
        iam_tags_put(c, arn_of(c, &row), &in->tags, err) < 0) {
        return -1;
    }
    return show(c, &row, &out->role, err);
}

int iam_get_role(struct call *c, const struct iam_get_role_request *in,
                 struct iam_get_role_response *out, struct err *err) {
    struct iam_role_row row = {0};
    if (iam_need_role(c, in->role_name, &row, err) < 0) {
        return -1;
    }
    return show(c, &row, &out->role, err);
}

int iam_delete_role(struct call *c, const struct iam_delete_role_request *in,
                    struct iam_delete_role_output *out, struct err *err) {
    struct iam_role_row row = {0};
    struct str_map inlined;
    struct str_list attached;
    int64_t profiles = 0;
    (void)out;
    if (iam_need_role(c, in->role_name, &row, err) < 0 ||
        db_get_i64(c->db, &profiles, err,
                   "SELECT count(*) FROM iam_profile WHERE account = ? AND role = ?", "ss",
                   c->account, row.name) < 0) {
        return -1;
    }
    struct iam_owner owner = {"role", c->account, row.name};
    if (iam_inline_list(c->db, c->arena, &owner, STR_NONE, 1, &inlined, err) < 0 ||
        iam_attached_list(c->db, c->arena, &owner, STR_NONE, 1, &attached, err) < 0) {
        return -1;
    }
    if (attached.n > 0 || inlined.n > 0 || profiles > 0) {
        return err_api(err, &iam_DeleteConflictException, "Cannot delete entity, must %s first.",
                       attached.n > 0  ? "detach all policies"
                       : inlined.n > 0 ? "delete policies"
                                       : "remove roles from instance profile");
    }
    return tags_drop(c->db, arn_of(c, &row), err) < 0 || iam_role_delete(c->db, &row, err) < 0 ? -1
                                                                                               : 0;
}

int iam_list_roles(struct call *c, const struct iam_list_roles_request *in,
                   struct iam_list_roles_response *out, struct err *err) {
    struct iam_page page;
    struct iam_role_rows rows;
    if (iam_page_start(c, in->marker, in->has_max_items, in->max_items, &page, err) < 0 ||
        iam_role_list(c->db, c->arena, c->account, in->path_prefix, page.after, page.limit, &rows,
                      err) < 0) {
        return -1;
    }
    out->is_truncated = iam_page_more(&page, &rows.n);
    out->has_is_truncated = true;
    out->roles.v = arena_new_n(c->arena, struct iam_role, rows.n);
    for (size_t i = 0; i < rows.n; i++) {
        iam_role_fill(c, &rows.v[i], &out->roles.v[out->roles.n++]);
    }
    if (out->is_truncated) {
        out->marker = page_token(c, rows.v[rows.n - 1].name);
    }
    return 0;
}

int iam_update_role(struct call *c, const struct iam_update_role_request *in,
                    struct iam_update_role_response *out, struct err *err) {
    struct iam_role_row row = {0};
    (void)out;
    if (iam_need_role(c, in->role_name, &row, err) < 0) {
        return -1;
    }
    if (in->description.p != NULL) {
        row.description = in->description;
    }
    if (in->has_max_session_duration) {
        row.max_session = in->max_session_duration;
    }
    return iam_role_update(c->db, &row, err);
}

int iam_update_role_description(struct call *c,
                                const struct iam_update_role_description_request *in,
                                struct iam_update_role_description_response *out, struct err *err) {
    struct iam_role_row row = {0};
    if (iam_need_role(c, in->role_name, &row, err) < 0) {
        return -1;
    }
    row.description = in->description;
    return iam_role_update(c->db, &row, err) < 0 ? -1 : show(c, &row, &out->role, err);
}

int iam_update_assume_role_policy(struct call *c,
                                  const struct iam_update_assume_role_policy_request *in,
                                  struct iam_update_assume_role_policy_output *out,
                                  struct err *err) {
    struct iam_role_row row = {0};
    (void)out;
    if (iam_need_role(c, in->role_name, &row, err) < 0 ||
        check_trust(c, in->policy_document, err) < 0) {
        return -1;
    }
    row.trust = in->policy_document;
    return iam_role_update(c->db, &row, err);
}

int iam_tag_role(struct call *c, const struct iam_tag_role_request *in,
                 struct iam_tag_role_output *out, struct err *err) {
    struct iam_role_row row = {0};
    (void)out;
    if (iam_need_role(c, in->role_name, &row, err) < 0) {
        return -1;
    }
    return iam_tags_put(c, arn_of(c, &row), &in->tags, err);
}

int iam_untag_role(struct call *c, const struct iam_untag_role_request *in,
                   struct iam_untag_role_output *out, struct err *err) {
    struct iam_role_row row = {0};
    (void)out;
    if (iam_need_role(c, in->role_name, &row, err) < 0) {
        return -1;
    }
    return tags_remove(c->db, arn_of(c, &row), &in->tag_keys, err);
}

int iam_list_role_tags(struct call *c, const struct iam_list_role_tags_request *in,
                       struct iam_list_role_tags_response *out, struct err *err) {
    struct iam_role_row row = {0};
    if (iam_need_role(c, in->role_name, &row, err) < 0) {
        return -1;
    }
    out->has_is_truncated = true; /* all fit on a page: 50 at most */
    return iam_tags_get(c, arn_of(c, &row), &out->tags, err);
}

int iam_put_role_permissions_boundary(struct call *c,
                                      const struct iam_put_role_permissions_boundary_request *in,
                                      struct iam_put_role_permissions_boundary_output *out,
                                      struct err *err) {
    struct iam_role_row row = {0};
    (void)out;
    if (iam_need_role(c, in->role_name, &row, err) < 0 ||
        iam_need_policy(c, in->permissions_boundary, err) < 0) {
        return -1;
    }
    row.boundary = in->permissions_boundary;
    return iam_role_update(c->db, &row, err);
}

int iam_delete_role_permissions_boundary(
    struct call *c, const struct iam_delete_role_permissions_boundary_request *in,
    struct iam_delete_role_permissions_boundary_output *out, struct err *err) {
    struct iam_role_row row = {0};
    (void)out;
    if (iam_need_role(c, in->role_name, &row, err) < 0) {
        return -1;
    }
    row.boundary = STR_NONE;
    return iam_role_update(c->db, &row, err);
}
