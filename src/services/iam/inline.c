/* Inline policies and attachments, of roles and users alike. */
#include "services/iam/iam.h"

#include "services/core/page.h"

/* All inline policies of one owner share a quota. */
static int check_quota(struct call *c, const struct iam_owner *o, struct str name,
                       struct str document, struct err *err) {
    struct str_map all;
    size_t max = strcmp(o->kind, "role") == 0 ? IAM_INLINE_MAX : IAM_USER_INLINE_MAX;
    size_t total = iam_policy_size(document);
    if (iam_inline_list(c->db, c->arena, o, STR_NONE, -1, &all, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < all.n; i++) {
        total += str_eq(all.v[i].key, name) ? 0 : iam_policy_size(all.v[i].value);
    }
    return total > max ? err_api(err, &iam_LimitExceededException,
                                 "Maximum policy size of %zu bytes exceeded for %s " STR_FMT, max,
                                 o->kind, STR_ARG(o->name))
                       : 0;
}

static int put(struct call *c, const char *kind, struct str owner, struct str name,
               struct str document, struct err *err) {
    struct iam_owner o;
    if (iam_need_owner(c, kind, owner, &o, err) < 0 ||
        iam_check_name(name, "policyName", err) < 0 ||
        iam_check_document(c, document, POLICY_IDENTITY, POLICY_MAX_BYTES, "PolicySize", err) < 0 ||
        check_quota(c, &o, name, document, err) < 0) {
        return -1;
    }
    return iam_inline_put(c->db, &o, name, document, err);
}

static int no_inline(const char *kind, struct str name, struct err *err) {
    return err_api(err, &iam_NoSuchEntityException,
                   "The %s policy with name " STR_FMT " cannot be found.", kind, STR_ARG(name));
}

static int get(struct call *c, const char *kind, struct str owner, struct str name, struct str *ret,
               struct err *err) {
    struct iam_owner o;
    struct str document = STR_NONE;
    if (iam_need_owner(c, kind, owner, &o, err) < 0) {
        return -1;
    }
    int found = iam_inline_get(c->db, c->arena, &o, name, &document, err);
    if (found == 0) {
        return no_inline(kind, name, err);
    }
    *ret = iam_encoded(c, document);
    return found < 0 ? -1 : 0;
}

static int drop(struct call *c, const char *kind, struct str owner, struct str name,
                struct err *err) {
    struct iam_owner o;
    if (iam_need_owner(c, kind, owner, &o, err) < 0) {
        return -1;
    }
    int deleted = iam_inline_delete(c->db, &o, name, err);
    return deleted == 0 ? no_inline(kind, name, err) : deleted - 1;
}

static int names(struct call *c, const char *kind, struct str owner, struct iam_page *page,
                 struct str_list *ret, struct str *ret_marker, struct err *err) {
    struct iam_owner o;
    struct str_map rows;
    if (iam_need_owner(c, kind, owner, &o, err) < 0 ||
        iam_inline_list(c->db, c->arena, &o, page->after, page->limit, &rows, err) < 0) {
        return -1;
    }
    bool more = iam_page_more(page, &rows.n);
    ret->v = arena_new_n(c->arena, struct str, rows.n);
    for (size_t i = 0; i < rows.n; i++) {
        ret->v[ret->n++] = rows.v[i].key;
    }
    *ret_marker = more ? page_token(c, ret->v[ret->n - 1]) : STR_NONE;
    return 0;
}

int iam_put_role_policy(struct call *c, const struct iam_put_role_policy_request *in,
                        struct iam_put_role_policy_output *out, struct err *err) {
    (void)out;
    return put(c, "role", in->role_name, in->policy_name, in->policy_document, err);
}

int iam_put_user_policy(struct call *c, const struct iam_put_user_policy_request *in,
                        struct iam_put_user_policy_output *out, struct err *err) {
    (void)out;
    return put(c, "user", in->user_name, in->policy_name, in->policy_document, err);
}

int iam_get_role_policy(struct call *c, const struct iam_get_role_policy_request *in,
                        struct iam_get_role_policy_response *out, struct err *err) {
    out->role_name = in->role_name;
    out->policy_name = in->policy_name;
    return get(c, "role", in->role_name, in->policy_name, &out->policy_document, err);
}

int iam_get_user_policy(struct call *c, const struct iam_get_user_policy_request *in,
                        struct iam_get_user_policy_response *out, struct err *err) {
    out->user_name = in->user_name;
    out->policy_name = in->policy_name;
    return get(c, "user", in->user_name, in->policy_name, &out->policy_document, err);
}

int iam_delete_role_policy(struct call *c, const struct iam_delete_role_policy_request *in,
                           struct iam_delete_role_policy_output *out, struct err *err) {
    (void)out;
    return drop(c, "role", in->role_name, in->policy_name, err);
}

int iam_delete_user_policy(struct call *c, const struct iam_delete_user_policy_request *in,
                           struct iam_delete_user_policy_output *out, struct err *err) {
    (void)out;
    return drop(c, "user", in->user_name, in->policy_name, err);
}

int iam_list_role_policies(struct call *c, const struct iam_list_role_policies_request *in,
                           struct iam_list_role_policies_response *out, struct err *err) {
    struct iam_page page;
    if (iam_page_start(c, in->marker, in->has_max_items, in->max_items, &page, err) < 0 ||
        names(c, "role", in->role_name, &page, &out->policy_names, &out->marker, err) < 0) {
        return -1;
    }
    out->is_truncated = out->marker.p != NULL;
    out->has_is_truncated = true;
    return 0;
}

int iam_list_user_policies(struct call *c, const struct iam_list_user_policies_request *in,
                           struct iam_list_user_policies_response *out, struct err *err) {
    struct iam_page page;
    if (iam_page_start(c, in->marker, in->has_max_items, in->max_items, &page, err) < 0 ||
        names(c, "user", in->user_name, &page, &out->policy_names, &out->marker, err) < 0) {
        return -1;
    }
    out->is_truncated = out->marker.p != NULL;
    out->has_is_truncated = true;
    return 0;
}

static int attach(struct call *c, const char *kind, struct str owner, struct str arn,
                  struct err *err) {
    struct iam_owner o;
    struct str_list attached;
    if (iam_need_owner(c, kind, owner, &o, err) < 0 || iam_need_policy(c, arn, err) < 0 ||
        iam_attached_list(c->db, c->arena, &o, STR_NONE, -1, &attached, err) < 0) {
        return -1;
    }
    if (attached.n >= IAM_ATTACHED_MAX && !str_list_has(&attached, arn)) {
        return err_api(err, &iam_LimitExceededException,
                       "Cannot exceed quota for PoliciesPer%s: %d",
                       strcmp(kind, "role") == 0 ? "Role" : "User", IAM_ATTACHED_MAX);
    }
    return iam_attach(c->db, &o, arn, err);
}

static int detach(struct call *c, const char *kind, struct str owner, struct str arn,
                  struct err *err) {
    struct iam_owner o;
    if (iam_need_owner(c, kind, owner, &o, err) < 0) {
        return -1;
    }
    int detached = iam_detach(c->db, &o, arn, err);
    return detached == 0 ? err_api(err, &iam_NoSuchEntityException,
                                   "Policy " STR_FMT " was not found.", STR_ARG(arn))
                         : detached - 1;
}

/* "arn:aws:iam::A:policy/path/NAME" */
static struct str name_in(struct str arn) {
    return str_sub(arn, str_rfind_c(arn, '/') + 1, arn.n);
}

static struct str path_in(struct str arn) {
    size_t from = str_find_c(arn, '/', 0);
    return str_sub(arn, from, str_rfind_c(arn, '/') + 1 - from);
}

static int attached(struct call *c, const char *kind, struct str owner, struct str prefix,
                    struct iam_page *page, struct iam_attached_policy_list *ret,
                    struct str *ret_marker, struct err *err) {
    struct iam_owner o;
    struct str_list arns;
    if (iam_need_owner(c, kind, owner, &o, err) < 0 ||
        iam_attached_list(c->db, c->arena, &o, page->after, page->limit, &arns, err) < 0) {
        return -1;
    }
    bool more = iam_page_more(page, &arns.n);
    ret->v = arena_new_n(c->arena, struct iam_attached_policy, arns.n);
    for (size_t i = 0; i < arns.n; i++) {
        if (prefix.p == NULL || str_starts(path_in(arns.v[i]), prefix)) {
            ret->v[ret->n++] = (struct iam_attached_policy){name_in(arns.v[i]), arns.v[i]};
        }
    }
    *ret_marker = more ? page_token(c, arns.v[arns.n - 1]) : STR_NONE;
    return 0;
}

int iam_attach_role_policy(struct call *c, const struct iam_attach_role_policy_request *in,
                           struct iam_attach_role_policy_output *out, struct err *err) {
    (void)out;
    return attach(c, "role", in->role_name, in->policy_arn, err);
}

int iam_attach_user_policy(struct call *c, const struct iam_attach_user_policy_request *in,
                           struct iam_attach_user_policy_output *out, struct err *err) {
    (void)out;
    return attach(c, "user", in->user_name, in->policy_arn, err);
}

int iam_detach_role_policy(struct call *c, const struct iam_detach_role_policy_request *in,
                           struct iam_detach_role_policy_output *out, struct err *err) {
    (void)out;
    return detach(c, "role", in->role_name, in->policy_arn, err);
}

int iam_detach_user_policy(struct call *c, const struct iam_detach_user_policy_request *in,
                           struct iam_detach_user_policy_output *out, struct err *err) {
    (void)out;
    return detach(c, "user", in->user_name, in->policy_arn, err);
}

int iam_list_attached_role_policies(struct call *c,
                                    const struct iam_list_attached_role_policies_request *in,
                                    struct iam_list_attached_role_policies_response *out,
                                    struct err *err) {
    struct iam_page page;
    if (iam_page_start(c, in->marker, in->has_max_items, in->max_items, &page, err) < 0 ||
        attached(c, "role", in->role_name, in->path_prefix, &page, &out->attached_policies,
                 &out->marker, err) < 0) {
        return -1;
    }
    out->is_truncated = out->marker.p != NULL;
    out->has_is_truncated = true;
    return 0;
}

int iam_list_attached_user_policies(struct call *c,
                                    const struct iam_list_attached_user_policies_request *in,
                                    struct iam_list_attached_user_policies_response *out,
                                    struct err *err) {
    struct iam_page page;
    if (iam_page_start(c, in->marker, in->has_max_items, in->max_items, &page, err) < 0 ||
        attached(c, "user", in->user_name, in->path_prefix, &page, &out->attached_policies,
                 &out->marker, err) < 0) {
        return -1;
    }
    out->is_truncated = out->marker.p != NULL;
    out->has_is_truncated = true;
    return 0;
}
