/* Operations on users, their access keys, and the account's alias. */
#include "services/iam/iam.h"

#include "services/core/arn.h"
#include "services/core/ident.h"
#include "services/core/page.h"
#include "services/core/tags.h"

static struct str arn_of(struct call *c, const struct iam_user_row *u) {
    return iam_arn(c->arena, "user", u->account, u->path, u->name);
}

static void fill(struct call *c, const struct iam_user_row *u, struct iam_user *ret) {
    *ret = (struct iam_user){
        .path = u->path,
        .user_name = u->name,
        .user_id = u->id,
        .arn = arn_of(c, u),
        .create_date = u->created_ms,
        .has_create_date = true,
    };
    if (u->boundary.p != NULL) {
        ret->permissions_boundary = arena_new(c->arena, struct iam_attached_permissions_boundary);
        ret->permissions_boundary->permissions_boundary_type = S("PermissionsBoundaryPolicy");
        ret->permissions_boundary->permissions_boundary_arn = u->boundary;
    }
}

static int show(struct call *c, const struct iam_user_row *u, struct iam_user **ret,
                struct err *err) {
    *ret = arena_new(c->arena, struct iam_user);
    fill(c, u, *ret);
    if (iam_tags_get(c, (*ret)->arn, &(*ret)->tags, err) < 0) {
        return -1;
    }
    if ((*ret)->tags.n == 0) {
        (*ret)->tags.v = NULL;
    }
    return 0;
}

int iam_create_user(struct call *c, const struct iam_create_user_request *in,
                    struct iam_create_user_response *out, struct err *err) {
    struct iam_user_row row = {
        .account = c->account,
        .name = in->user_name,
        .path = in->path,
        .id = ident_make(c->rng, c->arena, "AIDA", 17),
        .boundary = in->permissions_boundary,
        .created_ms = c->now_ms / 1000 * 1000,
    };
    struct iam_user_row old = {0};
    if (iam_check_name(row.name, "userName", err) < 0 || iam_check_path(&row.path, err) < 0 ||
        (row.boundary.p != NULL && iam_need_policy(c, row.boundary, err) < 0)) {
        return -1;
    }
    int found = iam_user_find(c->db, c->arena, c->account, row.name, &old, err);
    if (found > 0) {
        return err_api(err, &iam_EntityAlreadyExistsException,
                       "User with name " STR_FMT " already exists.", STR_ARG(row.name));
    }
    if (found < 0 || iam_user_insert(c->db, &row, err) < 0 ||
        iam_tags_put(c, arn_of(c, &row), &in->tags, err) < 0) {
        return -1;
    }
    return show(c, &row, &out->user, err);
}

/* Name of the user that calls; absent for the root and for roles. */
static struct str calling_user(struct call *c) {
    size_t slash = str_rfind_c(c->principal->arn, '/');
    return c->principal->kind == AWS_PRINCIPAL_USER && slash != (size_t)-1
               ? str_sub(c->principal->arn, slash + 1, c->principal->arn.n)
               : STR_NONE;
}

int iam_get_user(struct call *c, const struct iam_get_user_request *in,
                 struct iam_get_user_response *out, struct err *err) {
    struct iam_user_row row = {0};
    struct str name = in->user_name.p ? in->user_name : calling_user(c);
    if (name.p == NULL && c->principal->kind == AWS_PRINCIPAL_ROOT) {
        out->user = arena_new(c->arena, struct iam_user);
        *out->user = (struct iam_user){
            .path = S("/"),
            .user_name = S("root"),
            .user_id = c->account,
            .arn = arn_global(c->arena, "iam", c->account, "root"),
            .has_create_date = true,
        };
        return 0;
    }
    if (name.p == NULL) {
        return err_api(err, &iam_ValidationError,
                       "Must specify userName when calling with non-User credentials");
    }
    return iam_need_user(c, name, &row, err) < 0 ? -1 : show(c, &row, &out->user, err);
}

int iam_delete_user(struct call *c, const struct iam_delete_user_request *in,
                    struct iam_delete_user_output *out, struct err *err) {
    struct iam_user_row row = {0};
    struct str_map inlined;
    struct str_list attached;
    struct iam_key_rows keys;
    (void)out;
    if (iam_need_user(c, in->user_name, &row, err) < 0) {
        return -1;
    }
    struct iam_owner owner = {"user", c->account, row.name};
    if (iam_inline_list(c->db, c->arena, &owner, STR_NONE, 1, &inlined, err) < 0 ||
        iam_attached_list(c->db, c->arena, &owner, STR_NONE, 1, &attached, err) < 0 ||
        iam_key_list(c->db, c->arena, c->account, row.name, &keys, err) < 0) {
        return -1;
    }
    if (attached.n > 0 || inlined.n > 0 || keys.n > 0) {
        return err_api(err, &iam_DeleteConflictException, "Cannot delete entity, must %s first.",
                       attached.n > 0  ? "detach all policies"
                       : inlined.n > 0 ? "delete policies"
                                       : "delete access keys");
    }
    return tags_drop(c->db, arn_of(c, &row), err) < 0 || iam_user_delete(c->db, &row, err) < 0 ? -1
                                                                                               : 0;
}

int iam_list_users(struct call *c, const struct iam_list_users_request *in,
                   struct iam_list_users_response *out, struct err *err) {
    struct iam_page page;
    struct iam_user_rows rows;
    if (iam_page_start(c, in->marker, in->has_max_items, in->max_items, &page, err) < 0 ||
        iam_user_list(c->db, c->arena, c->account, in->path_prefix, page.after, page.limit, &rows,
                      err) < 0) {
        return -1;
    }
    out->is_truncated = iam_page_more(&page, &rows.n);
    out->has_is_truncated = true;
    out->users.v = arena_new_n(c->arena, struct iam_user, rows.n);
    for (size_t i = 0; i < rows.n; i++) {
        fill(c, &rows.v[i], &out->users.v[out->users.n++]);
    }
    if (out->is_truncated) {
        out->marker = page_token(c, rows.v[rows.n - 1].name);
    }
    return 0;
}

int iam_tag_user(struct call *c, const struct iam_tag_user_request *in,
                 struct iam_tag_user_output *out, struct err *err) {
    struct iam_user_row row = {0};
    (void)out;
    return iam_need_user(c, in->user_name, &row, err) < 0
               ? -1
               : iam_tags_put(c, arn_of(c, &row), &in->tags, err);
}

int iam_untag_user(struct call *c, const struct iam_untag_user_request *in,
                   struct iam_untag_user_output *out, struct err *err) {
    struct iam_user_row row = {0};
    (void)out;
    return iam_need_user(c, in->user_name, &row, err) < 0
               ? -1
               : tags_remove(c->db, arn_of(c, &row), &in->tag_keys, err);
}

int iam_list_user_tags(struct call *c, const struct iam_list_user_tags_request *in,
                       struct iam_list_user_tags_response *out, struct err *err) {
    struct iam_user_row row = {0};
    out->has_is_truncated = true;
    return iam_need_user(c, in->user_name, &row, err) < 0
               ? -1
               : iam_tags_get(c, arn_of(c, &row), &out->tags, err);
}

/* There are no groups, so nobody is in one. */
int iam_list_groups_for_user(struct call *c, const struct iam_list_groups_for_user_request *in,
                             struct iam_list_groups_for_user_response *out, struct err *err) {
    struct iam_user_row row = {0};
    out->groups.v = arena_new(c->arena, struct iam_group);
    out->has_is_truncated = true;
    return iam_need_user(c, in->user_name, &row, err);
}

/* Keys: of the user that is named, else of the caller. The root's have no user. */
static int key_owner(struct call *c, struct str name, struct str *ret, struct err *err) {
    struct iam_user_row row = {0};
    *ret = name.p ? name : calling_user(c);
    if (ret->p == NULL && c->principal->kind != AWS_PRINCIPAL_ROOT) {
        return err_api(err, &iam_ValidationError,
                       "Must specify userName when calling with non-User credentials");
    }
    if (ret->p != NULL && iam_need_user(c, *ret, &row, err) < 0) {
        return -1;
    }
    *ret = ret->p ? row.name : STR_NONE;
    return 0;
}

int iam_create_access_key(struct call *c, const struct iam_create_access_key_request *in,
                          struct iam_create_access_key_response *out, struct err *err) {
    struct str user;
    struct iam_key_rows keys;
    if (key_owner(c, in->user_name, &user, err) < 0 ||
        iam_key_list(c->db, c->arena, c->account, user, &keys, err) < 0) {
        return -1;
    }
    if (keys.n >= IAM_KEYS_MAX) {
        return err_api(err, &iam_LimitExceededException,
                       "Cannot exceed quota for AccessKeysPerUser: %d", IAM_KEYS_MAX);
    }
    struct iam_key_row row = {
        .key = ident_make(c->rng, c->arena, "AKIA", 16),
        .account = c->account,
        .user = user,
        .active = true,
        .created_ms = c->now_ms / 1000 * 1000,
    };
    struct str secret = ident_secret(c->rng, c->arena);
    out->access_key = arena_new(c->arena, struct iam_access_key);
    *out->access_key = (struct iam_access_key){
        .user_name = user.p ? user : S("root"),
        .access_key_id = row.key,
        .status = S("Active"),
        .secret_access_key = secret,
        .create_date = row.created_ms,
        .has_create_date = true,
    };
    return iam_key_insert(c->db, c->arena, c->rng, &row, secret, err);
}

static int need_key(struct call *c, struct str name, struct str key, struct err *err) {
    struct str user;
    struct iam_key_row row = {0};
    if (key_owner(c, name, &user, err) < 0) {
        return -1;
    }
    int found = iam_key_find(c->db, c->arena, key, &row, NULL, err);
    if (found < 0) {
        return -1;
    }
    if (found == 0 || !str_eq(row.account, c->account) || !str_eq(row.user, user)) {
        return err_api(err, &iam_NoSuchEntityException,
                       "The Access Key with id " STR_FMT " cannot be found.", STR_ARG(key));
    }
    return 0;
}

int iam_delete_access_key(struct call *c, const struct iam_delete_access_key_request *in,
                          struct iam_delete_access_key_output *out, struct err *err) {
    (void)out;
    return need_key(c, in->user_name, in->access_key_id, err) < 0
               ? -1
               : iam_key_delete(c->db, in->access_key_id, err);
}

int iam_update_access_key(struct call *c, const struct iam_update_access_key_request *in,
                          struct iam_update_access_key_output *out, struct err *err) {
    (void)out;
    return need_key(c, in->user_name, in->access_key_id, err) < 0
               ? -1
               : iam_key_set_active(c->db, in->access_key_id, str_is(in->status, "Active"), err);
}

int iam_list_access_keys(struct call *c, const struct iam_list_access_keys_request *in,
                         struct iam_list_access_keys_response *out, struct err *err) {
    struct str user;
    struct iam_key_rows keys;
    if (key_owner(c, in->user_name, &user, err) < 0 ||
        iam_key_list(c->db, c->arena, c->account, user, &keys, err) < 0) {
        return -1;
    }
    out->access_key_metadata.v = arena_new_n(c->arena, struct iam_access_key_metadata, keys.n);
    for (size_t i = 0; i < keys.n; i++) {
        out->access_key_metadata.v[out->access_key_metadata.n++] = (struct iam_access_key_metadata){
            .user_name = user.p ? user : S("root"),
            .access_key_id = keys.v[i].key,
            .status = keys.v[i].active ? S("Active") : S("Inactive"),
            .create_date = keys.v[i].created_ms,
            .has_create_date = true,
        };
    }
    out->has_is_truncated = true; /* two at most: one page */
    return 0;
}

static int alias_of(struct call *c, struct str *ret, struct err *err) {
    return db_get_str(c->db, c->arena, ret, err, "SELECT alias FROM iam_alias WHERE account = ?",
                      "s", c->account);
}

int iam_create_account_alias(struct call *c, const struct iam_create_account_alias_request *in,
                             struct iam_create_account_alias_output *out, struct err *err) {
    (void)out;
    struct str alias = in->account_alias;
    for (size_t i = 0; i < alias.n; i++) {
        char ch = alias.p[i];
        bool edge = i == 0 || i == alias.n - 1;
        if (!((ch >= 'a' && ch <= 'z') || (ch >= '0' && ch <= '9') || (ch == '-' && !edge))) {
            return err_api(err, &iam_ValidationError,
                           "The account alias " STR_FMT " may hold lower-case letters, digits, and "
                           "dashes inside only.",
                           STR_ARG(alias));
        }
    }
    if (db_run(c->db, err,
               "INSERT INTO iam_alias(account, alias) VALUES (?, ?) "
               "ON CONFLICT(account) DO UPDATE SET alias = excluded.alias",
               "ss", c->account, alias) < 0) {
        return err->kind == ERR_EXISTS
                   ? err_api(err, &iam_EntityAlreadyExistsException,
                             "The account alias " STR_FMT " already exists.", STR_ARG(alias))
                   : -1;
    }
    return 0;
}

int iam_delete_account_alias(struct call *c, const struct iam_delete_account_alias_request *in,
                             struct iam_delete_account_alias_output *out, struct err *err) {
    struct str alias = STR_NONE;
    (void)out;
    int found = alias_of(c, &alias, err);
    if (found < 0) {
        return -1;
    }
    if (!str_eq(alias, in->account_alias)) {
        return err_api(err, &iam_NoSuchEntityException,
                       "The account alias " STR_FMT " cannot be found.",
                       STR_ARG(in->account_alias));
    }
    return db_run(c->db, err, "DELETE FROM iam_alias WHERE account = ?", "s", c->account);
}

int iam_list_account_aliases(struct call *c, const struct iam_list_account_aliases_request *in,
                             struct iam_list_account_aliases_response *out, struct err *err) {
    struct str alias = STR_NONE;
    (void)in;
    int found = alias_of(c, &alias, err);
    out->account_aliases.v = arena_new(c->arena, struct str);
    out->account_aliases.v[0] = alias;
    out->account_aliases.n = found > 0;
    out->has_is_truncated = true;
    return found < 0 ? -1 : 0;
}
