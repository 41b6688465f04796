/* DescribeSecret, ListSecrets, ListSecretVersionIds. */
#include "services/core/page.h"
#include "services/secretsmanager/sm.h"

#include <stdlib.h>

/* "id" -> labels, one entry a version that has any. */
static void show_stages(struct call *c, const struct sm_stages *all,
                        struct secretsmanager_str_list_map *ret) {
    *ret = (struct secretsmanager_str_list_map){NULL, 0};
    for (size_t i = 0; i < all->n; i++) {
        bool shown = false;
        for (size_t k = 0; k < ret->n && !shown; k++) {
            shown = str_eq(ret->v[k].key, all->v[i].version);
        }
        if (!shown) {
            struct secretsmanager_str_list_map_entry *e = arena_push(c->arena, ret);
            e->key = all->v[i].version;
            e->value = sm_stages_of(c->arena, all, e->key);
        }
    }
}

int secretsmanager_describe_secret(struct call *c,
                                   const struct secretsmanager_describe_secret_request *in,
                                   struct secretsmanager_describe_secret_response *out,
                                   struct err *err) {
    struct sm_secret s = {0};
    struct sm_stages all;
    if (sm_need(c, in->secret_id, &s, err) < 0 ||
        sm_stage_list(c->db, c->arena, s.arn, &all, err) < 0 ||
        sm_get_tags(c, s.arn, &out->tags, err) < 0) {
        return -1;
    }
    out->arn = s.arn;
    out->name = s.name;
    out->description = s.description;
    out->kms_key_id = s.kms_key;
    out->created_date = s.created_ms;
    out->has_created_date = true;
    out->last_changed_date = s.changed_ms;
    out->has_last_changed_date = true;
    out->last_accessed_date = s.accessed_ms;
    out->has_last_accessed_date = s.accessed_ms != 0;
    out->deleted_date = s.purge_ms;
    out->has_deleted_date = s.deleted_ms != 0;
    show_stages(c, &all, &out->version_ids_to_stages);
    return 0;
}

/* ---- lists ---- */

static int64_t time_of(const struct sm_secret *s, struct str by) {
    return str_is(by, "last-accessed-date")  ? s->accessed_ms
           : str_is(by, "last-changed-date") ? s->changed_ms
                                             : s->created_ms;
}

/* What secrets are compared by: qsort has no place for it. Calls run one at a time in the store's
 * lock; the thread's own copy needs no other. */
static _Thread_local const struct sm_query *sorting;

static int compare(const void *pa, const void *pb) {
    const struct sm_secret *a = pa, *b = pb;
    int by_name = str_cmp(a->name, b->name);
    int order = by_name;
    if (!str_is(sorting->sort_by, "name")) {
        int64_t ta = time_of(a, sorting->sort_by), tb = time_of(b, sorting->sort_by);
        order = ta < tb ? -1 : ta > tb ? 1 : by_name;
    }
    return sorting->ascending ? order : -order;
}

/* What matches the filters, in order. */
static int select_secrets(struct call *c, const struct sm_query *q, struct sm_secrets *ret,
                          struct err *err) {
    struct sm_secrets all;
    *ret = (struct sm_secrets){NULL, 0};
    if (sm_list(c->db, c->arena, c->account, c->region, &all, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < all.n; i++) {
        struct secretsmanager_tag_list tags = {NULL, 0};
        if (q->filters->n > 0 && sm_get_tags(c, all.v[i].arn, &tags, err) < 0) {
            return -1;
        }
        if ((q->deleted || all.v[i].deleted_ms == 0) && sm_matches(q->filters, &all.v[i], &tags)) {
            *arena_push(c->arena, ret) = all.v[i];
        }
    }
    sorting = q;
    if (ret->n > 1) {
        qsort(ret->v, ret->n, sizeof(*ret->v), compare);
    }
    return 0;
}

int sm_page(struct call *c, const struct sm_query *q, struct str token, struct sm_secrets *ret,
            struct str *ret_next, struct err *err) {
    struct str after = STR_NONE;
    size_t from = 0;
    *ret_next = STR_NONE;
    if (!page_key(c, token, &after)) {
        return err_api(err, &secretsmanager_InvalidNextTokenException,
                       "The NextToken value is invalid.");
    }
    if (select_secrets(c, q, ret, err) < 0) {
        return -1;
    }
    for (size_t i = 0; after.p != NULL && i < ret->n; i++) {
        from = str_eq(ret->v[i].arn, after) ? i + 1 : from;
    }
    size_t limit = (size_t)q->limit;
    ret->v = ret->n > from ? ret->v + from : ret->v;
    ret->n = ret->n > from ? ret->n - from : 0;
    if (ret->n > limit) {
        ret->n = limit;
        *ret_next = page_token(c, ret->v[limit - 1].arn);
    }
    return 0;
}

static int show_entry(struct call *c, const struct sm_secret *s,
                      struct secretsmanager_secret_list_entry *ret, struct err *err) {
    struct sm_stages all;
    *ret = (struct secretsmanager_secret_list_entry){
        .arn = s->arn,
        .name = s->name,
        .description = s->description,
        .kms_key_id = s->kms_key,
        .created_date = s->created_ms,
        .has_created_date = true,
        .last_changed_date = s->changed_ms,
        .has_last_changed_date = true,
        .last_accessed_date = s->accessed_ms,
        .has_last_accessed_date = s->accessed_ms != 0,
        .deleted_date = s->deleted_ms,
        .has_deleted_date = s->deleted_ms != 0,
    };
    if (sm_stage_list(c->db, c->arena, s->arn, &all, err) < 0) {
        return -1;
    }
    show_stages(c, &all, &ret->secret_versions_to_stages);
    return sm_get_tags(c, s->arn, &ret->tags, err);
}

int secretsmanager_list_secrets(struct call *c,
                                const struct secretsmanager_list_secrets_request *in,
                                struct secretsmanager_list_secrets_response *out, struct err *err) {
    struct sm_secrets found;
    struct sm_query q = {
        .filters = &in->filters,
        .deleted = in->include_planned_deletion,
        .sort_by = in->sort_by,
        .ascending = str_is(in->sort_order, "asc"),
        .limit = in->has_max_results ? in->max_results : SM_PAGE,
    };
    if (sm_page(c, &q, in->next_token, &found, &out->next_token, err) < 0) {
        return -1;
    }
    out->secret_list.v = arena_new_n(c->arena, struct secretsmanager_secret_list_entry, found.n);
    for (size_t i = 0; i < found.n; i++) {
        if (show_entry(c, &found.v[i], &out->secret_list.v[out->secret_list.n++], err) < 0) {
            return -1;
        }
    }
    return 0;
}

static struct secretsmanager_secret_versions_list_entry show_version(struct call *c,
                                                                     const struct sm_version *v,
                                                                     const struct sm_stages *all) {
    struct str key = v->kms_key.p ? v->kms_key : S("DefaultEncryptionKey");
    struct str_list keys = {arena_memdup(c->arena, &key, sizeof(key)), 1};
    return (struct secretsmanager_secret_versions_list_entry){
        .version_id = v->id,
        .version_stages = sm_stages_of(c->arena, all, v->id),
        .created_date = v->created_ms,
        .has_created_date = true,
        .last_accessed_date = v->accessed_ms,
        .has_last_accessed_date = v->accessed_ms != 0,
        .kms_key_ids = keys,
    };
}

int secretsmanager_list_secret_version_ids(
    struct call *c, const struct secretsmanager_list_secret_version_ids_request *in,
    struct secretsmanager_list_secret_version_ids_response *out, struct err *err) {
    struct sm_secret s = {0};
    struct sm_stages all;
    struct sm_versions versions;
    int64_t before = 0;
    int64_t limit = in->has_max_results ? in->max_results : SM_PAGE;
    if (!page_key_i64(c, in->next_token, &before)) {
        return err_api(err, &secretsmanager_InvalidNextTokenException,
                       "The NextToken value is invalid.");
    }
    if (sm_need(c, in->secret_id, &s, err) < 0 ||
        sm_stage_list(c->db, c->arena, s.arn, &all, err) < 0 ||
        sm_version_list(c->db, c->arena, s.arn, in->include_deprecated, before, limit + 1,
                        &versions, err) < 0) {
        return -1;
    }
    if (versions.n > (size_t)limit) {
        versions.n = (size_t)limit;
        out->next_token = page_token_i64(c, versions.v[limit - 1].seq);
    }
    out->arn = s.arn;
    out->name = s.name;
    out->versions.v =
        arena_new_n(c->arena, struct secretsmanager_secret_versions_list_entry, versions.n);
    for (size_t i = 0; i < versions.n; i++) {
        out->versions.v[out->versions.n++] = show_version(c, &versions.v[i], &all);
    }
    return 0;
}
