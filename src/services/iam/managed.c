/* Managed policies and their versions, the customer's and AWS's. */
#include "services/iam/iam.h"

#include "platform/crypto/hash.h"
#include "services/core/ident.h"
#include "services/core/page.h"
#include "services/core/tags.h"

#include <stdlib.h>

static const int64_t managed_created_ms =
    1423180799000; /* 2015-02-05, when AWS made most of them */

static struct str version_id(struct call *c, int64_t version) {
    return str_printf(c->arena, "v%lld", (long long)version);
}

static bool read_version(struct str id, int64_t *ret) {
    long long n = 0;
    if (id.n < 2 || id.p[0] != 'v' || !str_to_i64(str_sub(id, 1, id.n), &n) || n < 1) {
        return false;
    }
    *ret = n;
    return true;
}

/* AWS's own policies have ids too: made of the name, so that they never change. */
static struct str managed_id(struct call *c, const char *name) {
    unsigned char digest[32];
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    char id[18];
    crypto_sha256(str_c(name), digest);
    for (size_t i = 0; i < 17; i++) {
        id[i] = alphabet[digest[i] & 31];
    }
    return str_concat(c->arena, S("ANPA"), str_n(id, 17));
}

static struct str managed_arn(struct call *c, const struct iam_managed *m) {
    return str_printf(c->arena, "arn:aws:iam::aws:policy%s%s", m->path, m->name);
}

static int fill(struct call *c, const struct iam_policy_row *p, struct iam_policy *ret,
                struct err *err) {
    int64_t attachments = 0;
    if (iam_attachments(c->db, c->account, p->arn, &attachments, err) < 0) {
        return -1;
    }
    *ret = (struct iam_policy){
        .policy_name = p->name,
        .policy_id = p->id,
        .arn = p->arn,
        .path = p->path,
        .default_version_id = version_id(c, p->default_version),
        .attachment_count = (int32_t)attachments,
        .has_attachment_count = true,
        .has_permissions_boundary_usage_count = true,
        .is_attachable = true,
        .has_is_attachable = true,
        .create_date = p->created_ms,
        .has_create_date = true,
        .update_date = p->updated_ms,
        .has_update_date = true,
    };
    return 0;
}

static struct iam_policy_row managed_row(struct call *c, const struct iam_managed *m) {
    return (struct iam_policy_row){
        .arn = managed_arn(c, m),
        .name = str_c(m->name),
        .path = str_c(m->path),
        .id = managed_id(c, m->name),
        .description = str_c(m->description),
        .default_version = 1,
        .last_version = 1,
        .created_ms = managed_created_ms,
        .updated_ms = managed_created_ms,
    };
}

/* Of either owner. */
static int need_any(struct call *c, struct str arn, struct iam_policy_row *ret, struct err *err) {
    const struct iam_managed *m = iam_managed_find(arn);
    if (m != NULL) {
        *ret = managed_row(c, m);
        return 0;
    }
    return iam_need_own_policy(c, arn, ret, err);
}

static int show(struct call *c, const struct iam_policy_row *row, bool details,
                struct iam_policy **ret, struct err *err) {
    *ret = arena_new(c->arena, struct iam_policy);
    if (fill(c, row, *ret, err) < 0 || iam_tags_get(c, row->arn, &(*ret)->tags, err) < 0) {
        return -1;
    }
    (*ret)->description = details ? row->description : STR_NONE;
    return 0;
}

int iam_create_policy(struct call *c, const struct iam_create_policy_request *in,
                      struct iam_create_policy_response *out, struct err *err) {
    struct iam_policy_row row = {
        .account = c->account,
        .name = in->policy_name,
        .path = in->path,
        .id = ident_make(c->rng, c->arena, "ANPA", 17),
        .description = in->description,
        .default_version = 1,
        .last_version = 1,
        .created_ms = c->now_ms / 1000 * 1000,
        .updated_ms = c->now_ms / 1000 * 1000,
    };
    struct iam_version_row version = {1, in->policy_document, row.created_ms};
    if (iam_check_name(row.name, "policyName", err) < 0 || iam_check_path(&row.path, err) < 0 ||
        iam_check_document(c, in->policy_document, POLICY_IDENTITY, IAM_MANAGED_MAX, "PolicySize",
                           err) < 0) {
        return -1;
    }
    row.arn = iam_arn(c->arena, "policy", c->account, row.path, row.name);
    if (iam_policy_insert(c->db, &row, err) < 0) {
        return err->kind == ERR_EXISTS
                   ? err_api(err, &iam_EntityAlreadyExistsException,
                             "A policy called " STR_FMT
                             " already exists. Duplicate names are not allowed.",
                             STR_ARG(row.name))
                   : -1;
    }
    if (iam_version_insert(c->db, row.arn, &version, err) < 0 ||
        iam_tags_put(c, row.arn, &in->tags, err) < 0) {
        return -1;
    }
    return show(c, &row, false, &out->policy, err);
}

int iam_get_policy(struct call *c, const struct iam_get_policy_request *in,
                   struct iam_get_policy_response *out, struct err *err) {
    struct iam_policy_row row = {0};
    return need_any(c, in->policy_arn, &row, err) < 0 ? -1 : show(c, &row, true, &out->policy, err);
}

int iam_delete_policy(struct call *c, const struct iam_delete_policy_request *in,
                      struct iam_delete_policy_output *out, struct err *err) {
    struct iam_policy_row row = {0};
    struct iam_version_rows versions;
    int64_t attachments = 0;
    (void)out;
    if (iam_need_own_policy(c, in->policy_arn, &row, err) < 0 ||
        iam_attachments(c->db, c->account, row.arn, &attachments, err) < 0 ||
        iam_version_list(c->db, c->arena, row.arn, &versions, err) < 0) {
        return -1;
    }
    if (attachments > 0) {
        return err_api(err, &iam_DeleteConflictException,
                       "Cannot delete a policy attached to entities.");
    }
    if (versions.n > 1) {
        return err_api(err, &iam_DeleteConflictException,
                       "This policy has more than one version. Before you delete a policy, you "
                       "must delete the policy's versions. The default version is deleted with the "
                       "policy.");
    }
    return tags_drop(c->db, row.arn, err) < 0 ? -1 : iam_policy_delete(c->db, row.arn, err);
}

static void fill_version(struct call *c, const struct iam_policy_row *p,
                         const struct iam_version_row *v, bool document,
                         struct iam_policy_version *ret) {
    *ret = (struct iam_policy_version){
        .document = document ? iam_encoded(c, v->document) : STR_NONE,
        .version_id = version_id(c, v->version),
        .is_default_version = v->version == p->default_version,
        .has_is_default_version = true,
        .create_date = v->created_ms,
        .has_create_date = true,
    };
}

/* Newest first, AWS's policies have one. */
static int versions_of(struct call *c, const struct iam_policy_row *p, struct iam_version_rows *ret,
                       struct err *err) {
    const struct iam_managed *m = iam_managed_find(p->arn);
    if (m == NULL) {
        return iam_version_list(c->db, c->arena, p->arn, ret, err);
    }
    *ret = (struct iam_version_rows){NULL, 0};
    *arena_push(c->arena, ret) =
        (struct iam_version_row){1, str_c(m->document), managed_created_ms};
    return 0;
}

static int need_version(struct call *c, const struct iam_policy_row *p, struct str id,
                        struct iam_version_row *ret, struct err *err) {
    struct iam_version_rows all;
    int64_t version = 0;
    if (!read_version(id, &version)) {
        return err_api(err, &iam_ValidationError,
                       "1 validation error detected: Value '" STR_FMT
                       "' at 'versionId' failed to satisfy constraint: Member must satisfy regular "
                       "expression pattern: v[1-9][0-9]*(\\.[A-Za-z0-9-]*)?",
                       STR_ARG(id));
    }
    if (versions_of(c, p, &all, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < all.n; i++) {
        if (all.v[i].version == version) {
            *ret = all.v[i];
            return 0;
        }
    }
    return err_api(err, &iam_NoSuchEntityException,
                   "Policy " STR_FMT " version " STR_FMT " does not exist or is not attachable.",
                   STR_ARG(p->arn), STR_ARG(id));
}

int iam_create_policy_version(struct call *c, const struct iam_create_policy_version_request *in,
                              struct iam_create_policy_version_response *out, struct err *err) {
    struct iam_policy_row row = {0};
    struct iam_version_rows all;
    if (iam_need_own_policy(c, in->policy_arn, &row, err) < 0 ||
        iam_check_document(c, in->policy_document, POLICY_IDENTITY, IAM_MANAGED_MAX, "PolicySize",
                           err) < 0 ||
        iam_version_list(c->db, c->arena, row.arn, &all, err) < 0) {
        return -1;
    }
    if (all.n >= IAM_VERSIONS_MAX) {
        return err_api(err, &iam_LimitExceededException,
                       "A managed policy can have up to %d versions. Before you create a new "
                       "version, you must delete an existing version.",
                       IAM_VERSIONS_MAX);
    }
    struct iam_version_row version = {++row.last_version, in->policy_document,
                                      c->now_ms / 1000 * 1000};
    row.updated_ms = version.created_ms;
    if (in->set_as_default) {
        row.default_version = version.version;
    }
    if (iam_version_insert(c->db, row.arn, &version, err) < 0 ||
        iam_policy_update(c->db, &row, err) < 0) {
        return -1;
    }
    out->policy_version = arena_new(c->arena, struct iam_policy_version);
    fill_version(c, &row, &version, false, out->policy_version);
    return 0;
}

int iam_get_policy_version(struct call *c, const struct iam_get_policy_version_request *in,
                           struct iam_get_policy_version_response *out, struct err *err) {
    struct iam_policy_row row = {0};
    struct iam_version_row version = {0};
    if (need_any(c, in->policy_arn, &row, err) < 0 ||
        need_version(c, &row, in->version_id, &version, err) < 0) {
        return -1;
    }
    out->policy_version = arena_new(c->arena, struct iam_policy_version);
    fill_version(c, &row, &version, true, out->policy_version);
    return 0;
}

int iam_delete_policy_version(struct call *c, const struct iam_delete_policy_version_request *in,
                              struct iam_delete_policy_version_output *out, struct err *err) {
    struct iam_policy_row row = {0};
    struct iam_version_row version = {0};
    (void)out;
    if (iam_need_own_policy(c, in->policy_arn, &row, err) < 0 ||
        need_version(c, &row, in->version_id, &version, err) < 0) {
        return -1;
    }
    if (version.version == row.default_version) {
        return err_api(err, &iam_DeleteConflictException,
                       "Cannot delete the default version of a policy.");
    }
    return iam_version_delete(c->db, row.arn, version.version, err);
}

int iam_set_default_policy_version(struct call *c,
                                   const struct iam_set_default_policy_version_request *in,
                                   struct iam_set_default_policy_version_output *out,
                                   struct err *err) {
    struct iam_policy_row row = {0};
    struct iam_version_row version = {0};
    (void)out;
    if (iam_need_own_policy(c, in->policy_arn, &row, err) < 0 ||
        need_version(c, &row, in->version_id, &version, err) < 0) {
        return -1;
    }
    row.default_version = version.version;
    row.updated_ms = c->now_ms / 1000 * 1000;
    return iam_policy_update(c->db, &row, err);
}

int iam_list_policy_versions(struct call *c, const struct iam_list_policy_versions_request *in,
                             struct iam_list_policy_versions_response *out, struct err *err) {
    struct iam_policy_row row = {0};
    struct iam_version_rows all;
    if (need_any(c, in->policy_arn, &row, err) < 0 || versions_of(c, &row, &all, err) < 0) {
        return -1;
    }
    out->versions.v = arena_new_n(c->arena, struct iam_policy_version, all.n);
    for (size_t i = 0; i < all.n; i++) {
        fill_version(c, &row, &all.v[i], false, &out->versions.v[out->versions.n++]);
    }
    out->has_is_truncated = true; /* five at most: one page */
    return 0;
}

static int by_arn(const void *x, const void *y) {
    return str_cmp(((const struct iam_policy_row *)x)->arn,
                   ((const struct iam_policy_row *)y)->arn);
}

/* Everything in the scope, by ARN: "arn:aws:iam::1..." stands before "arn:aws:iam::aws...". */
static int gather(struct call *c, const struct iam_list_policies_request *in,
                  struct iam_policy_rows *ret, struct err *err) {
    struct iam_policy_rows own = {NULL, 0};
    *ret = (struct iam_policy_rows){NULL, 0};
    if (!str_is(in->scope, "AWS") && iam_policy_list(c->db, c->arena, c->account, in->path_prefix,
                                                     STR_NONE, -1, &own, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < own.n; i++) {
        *arena_push(c->arena, ret) = own.v[i];
    }
    const struct iam_managed *m;
    for (size_t i = 0; !str_is(in->scope, "Local") && (m = iam_managed_at(i)) != NULL; i++) {
        if (in->path_prefix.p == NULL || str_starts(str_c(m->path), in->path_prefix)) {
            *arena_push(c->arena, ret) = managed_row(c, m);
        }
    }
    if (ret->n > 0) {
        qsort(ret->v, ret->n, sizeof(*ret->v), by_arn);
    }
    return 0;
}

int iam_list_policies(struct call *c, const struct iam_list_policies_request *in,
                      struct iam_list_policies_response *out, struct err *err) {
    struct iam_page page;
    struct iam_policy_rows all;
    if (iam_page_start(c, in->marker, in->has_max_items, in->max_items, &page, err) < 0 ||
        gather(c, in, &all, err) < 0) {
        return -1;
    }
    out->policies.v = arena_new_n(c->arena, struct iam_policy, (size_t)page.limit);
    for (size_t i = 0; i < all.n && out->policies.n < (size_t)page.limit; i++) {
        struct iam_policy *p = &out->policies.v[out->policies.n];
        if (page.after.p != NULL && str_cmp(all.v[i].arn, page.after) <= 0) {
            continue;
        }
        if (fill(c, &all.v[i], p, err) < 0) {
            return -1;
        }
        out->policies.n += !in->only_attached || p->attachment_count > 0;
    }
    out->is_truncated = iam_page_more(&page, &out->policies.n);
    out->has_is_truncated = true;
    if (out->is_truncated) {
        out->marker = page_token(c, out->policies.v[out->policies.n - 1].arn);
    }
    return 0;
}

int iam_list_entities_for_policy(struct call *c,
                                 const struct iam_list_entities_for_policy_request *in,
                                 struct iam_list_entities_for_policy_response *out,
                                 struct err *err) {
    struct iam_entities all;
    struct str filter = in->entity_filter;
    if (iam_need_policy(c, in->policy_arn, err) < 0 ||
        iam_entities(c->db, c->arena, c->account, in->policy_arn, &all, err) < 0) {
        return -1;
    }
    out->policy_groups.v = arena_new(c->arena, struct iam_policy_group);
    out->policy_users.v = arena_new_n(c->arena, struct iam_policy_user, all.n);
    out->policy_roles.v = arena_new_n(c->arena, struct iam_policy_role, all.n);
    for (size_t i = 0; i < all.n; i++) {
        const struct iam_entity *e = &all.v[i];
        if (str_is(e->kind, "role") && (filter.p == NULL || str_is(filter, "Role"))) {
            out->policy_roles.v[out->policy_roles.n++] = (struct iam_policy_role){e->name, e->id};
        } else if (str_is(e->kind, "user") && (filter.p == NULL || str_is(filter, "User"))) {
            out->policy_users.v[out->policy_users.n++] = (struct iam_policy_user){e->name, e->id};
        }
    }
    out->has_is_truncated = true;
    return 0;
}

int iam_tag_policy(struct call *c, const struct iam_tag_policy_request *in,
                   struct iam_tag_policy_output *out, struct err *err) {
    struct iam_policy_row row = {0};
    (void)out;
    return iam_need_own_policy(c, in->policy_arn, &row, err) < 0
               ? -1
               : iam_tags_put(c, row.arn, &in->tags, err);
}

int iam_untag_policy(struct call *c, const struct iam_untag_policy_request *in,
                     struct iam_untag_policy_output *out, struct err *err) {
    struct iam_policy_row row = {0};
    (void)out;
    return iam_need_own_policy(c, in->policy_arn, &row, err) < 0
               ? -1
               : tags_remove(c->db, row.arn, &in->tag_keys, err);
}

int iam_list_policy_tags(struct call *c, const struct iam_list_policy_tags_request *in,
                         struct iam_list_policy_tags_response *out, struct err *err) {
    struct iam_policy_row row = {0};
    out->has_is_truncated = true;
    return iam_need_own_policy(c, in->policy_arn, &row, err) < 0
               ? -1
               : iam_tags_get(c, row.arn, &out->tags, err);
}
