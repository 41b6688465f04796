/* Aliases. */
#include "services/kms/kms.h"

#include "services/core/arn.h"
#include "services/core/page.h"

static struct str alias_arn(struct call *c, struct str name) {
    return arn_make(c, "kms", STR_FMT, STR_ARG(name));
}

static int check_name(struct str name, struct err *err) {
    if (!str_starts(name, S("alias/"))) {
        return err_api(err, &kms_ValidationException,
                       "Invalid identifier: an alias must start "
                       "with \"alias/\"");
    }
    if (str_starts(name, S("alias/aws/"))) {
        return err_api(err, &kms_InvalidAliasNameException,
                       "Alias names that begin with alias/aws/ are reserved");
    }
    bool fine = name.n > 6;
    for (size_t i = 6; i < name.n; i++) {
        unsigned char ch = (unsigned char)name.p[i];
        bool word = (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') ||
                    (ch >= '0' && ch <= '9') || ch == '_' || ch == '-' || ch == '/';
        fine = fine && word;
    }
    return fine ? 0
                : err_api(err, &kms_InvalidAliasNameException,
                          STR_FMT " contains invalid characters for an alias", STR_ARG(name));
}

/* A key that an alias may point to: in this account, the customer's. */
static int need_target(struct call *c, struct str id, struct kms_key_row *ret, struct err *err) {
    if (str_find(id, S("alias/"), 0) != (size_t)-1) {
        return err_api(err, &kms_ValidationException, "Aliases must refer to keys. Not aliases");
    }
    if (kms_need_key(c, id, ret, err) < 0 || kms_need_customers(c, ret, err) < 0) {
        return -1;
    }
    return str_is(ret->state, "PendingDeletion") ? kms_need_usable(c, ret, err) : 0;
}

static int need_alias(struct call *c, struct str name, struct kms_alias_row *ret, struct err *err) {
    int found = kms_alias_find(c->db, c->arena, c->account, c->region, name, ret, err);
    return found == 0 ? err_api(err, &kms_NotFoundException, "Alias " STR_FMT " is not found.",
                                STR_ARG(alias_arn(c, name)))
                      : found - 1;
}

int kms_create_alias(struct call *c, const struct kms_create_alias_request *in,
                     struct kms_create_alias_output *out, struct err *err) {
    struct kms_key_row key = {0};
    struct kms_alias_row old = {0};
    (void)out;
    if (check_name(in->alias_name, err) < 0 || need_target(c, in->target_key_id, &key, err) < 0) {
        return -1;
    }
    int found = kms_alias_find(c->db, c->arena, c->account, c->region, in->alias_name, &old, err);
    if (found != 0) {
        return found < 0 ? -1
                         : err_api(err, &kms_AlreadyExistsException,
                                   "An alias with the name " STR_FMT " already exists",
                                   STR_ARG(alias_arn(c, in->alias_name)));
    }
    struct kms_alias_row row = {c->account, c->region, in->alias_name,
                                key.id,     c->now_ms, c->now_ms};
    return kms_alias_put(c->db, &row, err);
}

int kms_update_alias(struct call *c, const struct kms_update_alias_request *in,
                     struct kms_update_alias_output *out, struct err *err) {
    struct kms_key_row key = {0};
    struct kms_alias_row row = {0};
    (void)out;
    if (check_name(in->alias_name, err) < 0 || need_alias(c, in->alias_name, &row, err) < 0 ||
        need_target(c, in->target_key_id, &key, err) < 0) {
        return -1;
    }
    row.key = key.id;
    row.updated_ms = c->now_ms;
    return kms_alias_put(c->db, &row, err);
}

int kms_delete_alias(struct call *c, const struct kms_delete_alias_request *in,
                     struct kms_delete_alias_output *out, struct err *err) {
    struct kms_alias_row row = {0};
    (void)out;
    if (check_name(in->alias_name, err) < 0 || need_alias(c, in->alias_name, &row, err) < 0) {
        return -1;
    }
    return kms_alias_remove(c->db, &row, err);
}

int kms_list_aliases(struct call *c, const struct kms_list_aliases_request *in,
                     struct kms_list_aliases_response *out, struct err *err) {
    int64_t limit = in->has_limit ? in->limit : KMS_PAGE_ALIASES;
    struct kms_key_row key = {0};
    struct kms_alias_rows rows;
    struct str after = STR_NONE;
    if (!page_key(c, in->marker, &after)) {
        return err_api(err, &kms_InvalidMarkerException, "The marker is not valid.");
    }
    if ((in->key_id.p != NULL && kms_need_key(c, in->key_id, &key, err) < 0) ||
        kms_alias_list(c->db, c->arena, c->account, c->region, key.id, after, limit + 1, &rows,
                       err) < 0) {
        return -1;
    }
    out->truncated = rows.n > (size_t)limit;
    out->has_truncated = true;
    rows.n -= out->truncated;
    out->aliases.v = arena_new_n(c->arena, struct kms_alias_list_entry, rows.n);
    for (size_t i = 0; i < rows.n; i++) {
        out->aliases.v[out->aliases.n++] = (struct kms_alias_list_entry){
            .alias_name = rows.v[i].name,
            .alias_arn = alias_arn(c, rows.v[i].name),
            .target_key_id = rows.v[i].key,
            .creation_date = rows.v[i].created_ms,
            .has_creation_date = true,
            .last_updated_date = rows.v[i].updated_ms,
            .has_last_updated_date = true,
        };
    }
    if (out->truncated) {
        out->next_marker = page_token(c, rows.v[rows.n - 1].name);
    }
    return 0;
}
