/* Keys: their making, states, policies, rotation, deletion, tags. */
#include "services/kms/kms.h"

#include "platform/text/utf8.h"
#include "services/core/page.h"
#include "services/core/tags.h"
#include "services/iam/policy.h"

int kms_make_key(struct db *db, struct arena *a, const struct rng *rng, struct kms_key_row *k,
                 struct err *err) {
    if (k->id.p == NULL) {
        k->id = rng_uuid(rng, a);
    }
    return kms_key_insert(db, k, err) < 0 ? -1 : kms_material_add(db, a, rng, k->id, err);
}

static struct kms_key_metadata *describe(struct call *c, const struct kms_key_row *k) {
    struct kms_key_metadata *m = arena_new(c->arena, struct kms_key_metadata);
    bool multi = str_starts(k->id, S("mrk-"));
    *m = (struct kms_key_metadata){
        .aws_account_id = k->account,
        .key_id = k->id,
        .arn = kms_key_arn(c->arena, k),
        .creation_date = k->created_ms,
        .has_creation_date = true,
        .enabled = str_is(k->state, "Enabled"),
        .has_enabled = true,
        .description = k->description,
        .key_usage = S("ENCRYPT_DECRYPT"),
        .key_state = k->state,
        .deletion_date = k->deletion_ms,
        .has_deletion_date = k->deletion_ms != 0,
        .origin = S("AWS_KMS"),
        .key_manager = k->manager,
        .customer_master_key_spec = S("SYMMETRIC_DEFAULT"),
        .key_spec = S("SYMMETRIC_DEFAULT"),
        .multi_region = multi,
        .has_multi_region = true,
    };
    m->encryption_algorithms.v = arena_new(c->arena, struct str);
    m->encryption_algorithms.v[m->encryption_algorithms.n++] = S("SYMMETRIC_DEFAULT");
    if (multi) {
        m->multi_region_configuration = arena_new(c->arena, struct kms_multi_region_configuration);
        m->multi_region_configuration->multi_region_key_type = S("PRIMARY");
        m->multi_region_configuration->primary_key =
            arena_new(c->arena, struct kms_multi_region_key);
        *m->multi_region_configuration->primary_key =
            (struct kms_multi_region_key){m->arn, k->region};
        m->multi_region_configuration->replica_keys.v =
            arena_new(c->arena, struct kms_multi_region_key);
    }
    return m;
}

static struct str default_policy(struct call *c) {
    return str_printf(c->arena,
                      "{\n  \"Version\" : \"2012-10-17\",\n  \"Id\" : \"key-default-1\",\n"
                      "  \"Statement\" : [ {\n    \"Sid\" : \"Enable IAM User Permissions\",\n"
                      "    \"Effect\" : \"Allow\",\n    \"Principal\" : {\n"
                      "      \"AWS\" : \"arn:aws:iam::" STR_FMT ":root\"\n    },\n"
                      "    \"Action\" : \"kms:*\",\n    \"Resource\" : \"*\"\n  } ]\n}",
                      STR_ARG(c->account));
}

static bool no_value(void *ud, struct str key, struct str_list *ret) {
    (void)ud;
    (void)key;
    (void)ret;
    return false;
}

/* A policy under which its maker could not mend it is refused, unless he insists. */
static int check_policy(struct call *c, struct str text, bool insist, struct err *err) {
    struct policy policy;
    struct err why = ERR_INIT;
    if (text.n > KMS_POLICY_MAX) {
        return err_api(err, &kms_LimitExceededException, "Policy size must not exceed %d bytes",
                       KMS_POLICY_MAX);
    }
    if (policy_parse(c->arena, text, POLICY_RESOURCE, &policy, &why) < 0) {
        return err_api(err, &kms_MalformedPolicyDocumentException, "%s", why.msg);
    }
    bool service = c->principal->kind == AWS_PRINCIPAL_SERVICE;
    struct policy_request r = {
        .action = S("kms:PutKeyPolicy"),
        .resource = S("*"),
        .principal_arn = c->principal->arn,
        .principal_role = c->principal->role_arn,
        .principal_account = service ? STR_NONE : c->principal->account,
        .principal_service = c->principal->service,
        .value = no_value,
        .arena = c->arena,
    };
    struct policy_result result = policy_evaluate(&policy, &r);
    if (!insist && (result.deny || result.allow < POLICY_MATCH_ACCOUNT)) {
        return err_api(err, &kms_MalformedPolicyDocumentException,
                       "The new key policy will not allow you to update the key policy in the "
                       "future.");
    }
    return 0;
}

static int put_tags(struct call *c, const struct kms_key_row *k, const struct kms_tag_list *tags,
                    struct err *err) {
    struct str_map map = {NULL, 0};
    struct str culprit = STR_NONE;
    for (size_t i = 0; i < tags->n; i++) {
        *arena_push(c->arena, &map) = (struct str_pair){tags->v[i].tag_key, tags->v[i].tag_value};
    }
    enum tags_fault fault = tags_check(&map, &culprit);
    if (fault != TAGS_OK && fault != TAGS_TOO_MANY) {
        return err_api(err, &kms_TagException, "%s: " STR_FMT,
                       fault == TAGS_DUPLICATE  ? "Duplicate tag keys"
                       : fault == TAGS_RESERVED ? "Tags beginning with aws: are reserved"
                                                : "Invalid tag",
                       STR_ARG(culprit));
    }
    if (fault == TAGS_TOO_MANY || tags_put(c->db, kms_key_arn(c->arena, k), &map, err) < 0) {
        return fault == TAGS_TOO_MANY || err->kind == ERR_LIMIT
                   ? err_api(err, &kms_LimitExceededException, "Too many tags")
                   : -1;
    }
    return 0;
}

static int check_kind(const struct kms_create_key_request *in, struct err *err) {
    struct str spec = in->key_spec.p ? in->key_spec : in->customer_master_key_spec;
    bool plain = (spec.p == NULL || str_is(spec, "SYMMETRIC_DEFAULT")) &&
                 (in->key_usage.p == NULL || str_is(in->key_usage, "ENCRYPT_DECRYPT")) &&
                 (in->origin.p == NULL || str_is(in->origin, "AWS_KMS")) &&
                 in->custom_key_store_id.p == NULL && in->xks_key_id.p == NULL;
    return plain ? 0
                 : err_api(err, &kms_UnsupportedOperationException,
                           "Only symmetric encryption keys with material of our own are possible");
}

int kms_create_key(struct call *c, const struct kms_create_key_request *in,
                   struct kms_create_key_response *out, struct err *err) {
    if (check_kind(in, err) < 0 ||
        (in->policy.p != NULL &&
         check_policy(c, in->policy, in->bypass_policy_lockout_safety_check, err) < 0)) {
        return -1;
    }
    struct kms_key_row row = {
        .account = c->account,
        .region = c->region,
        .description = in->description.p ? in->description : S(""),
        .manager = S("CUSTOMER"),
        .state = S("Enabled"),
        .policy = in->policy.p ? in->policy : default_policy(c),
        .created_ms = c->now_ms,
    };
    if (in->multi_region) {
        row.id = str_concat(c->arena, S("mrk-"), rng_hex(c->rng, c->arena, 32));
    }
    if (kms_make_key(c->db, c->arena, c->rng, &row, err) < 0 ||
        put_tags(c, &row, &in->tags, err) < 0) {
        return -1;
    }
    out->key_metadata = describe(c, &row);
    return 0;
}

int kms_describe_key(struct call *c, const struct kms_describe_key_request *in,
                     struct kms_describe_key_response *out, struct err *err) {
    struct kms_key_row row = {0};
    if (kms_need_key(c, in->key_id, &row, err) < 0) {
        return -1;
    }
    out->key_metadata = describe(c, &row);
    return 0;
}

int kms_list_keys(struct call *c, const struct kms_list_keys_request *in,
                  struct kms_list_keys_response *out, struct err *err) {
    int64_t limit = in->has_limit ? in->limit : KMS_PAGE_KEYS;
    struct kms_key_rows rows;
    struct str after = STR_NONE;
    if (!page_key(c, in->marker, &after)) {
        return err_api(err, &kms_InvalidMarkerException, "The marker is not valid.");
    }
    if (kms_key_list(c->db, c->arena, c->account, c->region, after, limit + 1, &rows, err) < 0) {
        return -1;
    }
    out->truncated = rows.n > (size_t)limit;
    out->has_truncated = true;
    rows.n -= out->truncated;
    out->keys.v = arena_new_n(c->arena, struct kms_key_list_entry, rows.n);
    for (size_t i = 0; i < rows.n; i++) {
        out->keys.v[out->keys.n++] =
            (struct kms_key_list_entry){rows.v[i].id, kms_key_arn(c->arena, &rows.v[i])};
    }
    if (out->truncated) {
        out->next_marker = page_token(c, rows.v[rows.n - 1].id);
    }
    return 0;
}

/* Changes of a key start here: it is there, the customer's, and not about to be deleted. */
static int need_changeable(struct call *c, struct str id, struct kms_key_row *ret,
                           struct err *err) {
    if (kms_need_key(c, id, ret, err) < 0 || kms_need_customers(c, ret, err) < 0) {
        return -1;
    }
    return str_is(ret->state, "PendingDeletion") ? kms_need_usable(c, ret, err) : 0;
}

static int set_state(struct call *c, struct str id, const char *state, struct err *err) {
    struct kms_key_row row = {0};
    if (need_changeable(c, id, &row, err) < 0) {
        return -1;
    }
    row.state = str_c(state);
    return kms_key_update(c->db, &row, err);
}

int kms_enable_key(struct call *c, const struct kms_enable_key_request *in,
                   struct kms_enable_key_output *out, struct err *err) {
    (void)out;
    return set_state(c, in->key_id, "Enabled", err);
}

int kms_disable_key(struct call *c, const struct kms_disable_key_request *in,
                    struct kms_disable_key_output *out, struct err *err) {
    (void)out;
    return set_state(c, in->key_id, "Disabled", err);
}

int kms_update_key_description(struct call *c, const struct kms_update_key_description_request *in,
                               struct kms_update_key_description_output *out, struct err *err) {
    struct kms_key_row row = {0};
    (void)out;
    if (need_changeable(c, in->key_id, &row, err) < 0) {
        return -1;
    }
    row.description = in->description.p ? in->description : S("");
    return kms_key_update(c->db, &row, err);
}

int kms_schedule_key_deletion(struct call *c, const struct kms_schedule_key_deletion_request *in,
                              struct kms_schedule_key_deletion_response *out, struct err *err) {
    struct kms_key_row row = {0};
    int32_t days = in->has_pending_window_in_days ? in->pending_window_in_days : KMS_WAIT_MAX_DAYS;
    if (need_changeable(c, in->key_id, &row, err) < 0) {
        return -1;
    }
    if (days < KMS_WAIT_MIN_DAYS || days > KMS_WAIT_MAX_DAYS) {
        return err_api(err, &kms_ValidationException,
                       "1 validation error detected: Value '%d' at 'pendingWindowInDays' failed to "
                       "satisfy constraint: Member must have value between %d and %d",
                       days, KMS_WAIT_MIN_DAYS, KMS_WAIT_MAX_DAYS);
    }
    row.state = S("PendingDeletion");
    row.deletion_ms = c->now_ms + days * KMS_DAY_MS;
    out->key_id = kms_key_arn(c->arena, &row);
    out->deletion_date = row.deletion_ms;
    out->has_deletion_date = true;
    out->key_state = row.state;
    out->pending_window_in_days = days;
    out->has_pending_window_in_days = true;
    return kms_key_update(c->db, &row, err) < 0
               ? -1
               : queue_add(c->db, KMS_DELETE, row.id, S("{}"), row.deletion_ms, err);
}

int kms_cancel_key_deletion(struct call *c, const struct kms_cancel_key_deletion_request *in,
                            struct kms_cancel_key_deletion_response *out, struct err *err) {
    struct kms_key_row row = {0};
    if (kms_need_key(c, in->key_id, &row, err) < 0) {
        return -1;
    }
    out->key_id = kms_key_arn(c->arena, &row);
    if (!str_is(row.state, "PendingDeletion")) {
        return err_api(err, &kms_KMSInvalidStateException, STR_FMT " is not pending deletion.",
                       STR_ARG(out->key_id));
    }
    row.state = S("Disabled"); /* as on AWS: to be enabled by hand */
    row.deletion_ms = 0;
    return kms_key_update(c->db, &row, err) < 0 ? -1 : queue_cancel(c->db, KMS_DELETE, row.id, err);
}

static int check_policy_name(struct str name, struct err *err) {
    return name.p == NULL || str_is(name, "default")
               ? 0
               : err_api(err, &kms_NotFoundException, "No such policy exists");
}

int kms_get_key_policy(struct call *c, const struct kms_get_key_policy_request *in,
                       struct kms_get_key_policy_response *out, struct err *err) {
    struct kms_key_row row = {0};
    if (kms_need_key(c, in->key_id, &row, err) < 0 || check_policy_name(in->policy_name, err) < 0) {
        return -1;
    }
    out->policy = row.policy;
    out->policy_name = S("default");
    return 0;
}

int kms_put_key_policy(struct call *c, const struct kms_put_key_policy_request *in,
                       struct kms_put_key_policy_output *out, struct err *err) {
    struct kms_key_row row = {0};
    (void)out;
    if (kms_need_key(c, in->key_id, &row, err) < 0 || kms_need_customers(c, &row, err) < 0 ||
        check_policy_name(in->policy_name, err) < 0 ||
        check_policy(c, in->policy, in->bypass_policy_lockout_safety_check, err) < 0) {
        return -1;
    }
    row.policy = in->policy;
    return kms_key_update(c->db, &row, err);
}

int kms_list_key_policies(struct call *c, const struct kms_list_key_policies_request *in,
                          struct kms_list_key_policies_response *out, struct err *err) {
    struct kms_key_row row = {0};
    if (kms_need_key(c, in->key_id, &row, err) < 0) {
        return -1;
    }
    out->policy_names.v = arena_new(c->arena, struct str);
    out->policy_names.v[out->policy_names.n++] = S("default");
    out->has_truncated = true;
    return 0;
}

int kms_enable_key_rotation(struct call *c, const struct kms_enable_key_rotation_request *in,
                            struct kms_enable_key_rotation_output *out, struct err *err) {
    struct kms_key_row row = {0};
    (void)out;
    if (need_changeable(c, in->key_id, &row, err) < 0 || kms_need_usable(c, &row, err) < 0) {
        return -1;
    }
    bool was_on = row.rotation_days > 0;
    row.rotation_days =
        in->has_rotation_period_in_days ? in->rotation_period_in_days : KMS_ROTATION_DAYS;
    row.rotated_ms = was_on ? row.rotated_ms : c->now_ms;
    if (kms_key_update(c->db, &row, err) < 0 || queue_cancel(c->db, KMS_ROTATE, row.id, err) < 0) {
        return -1;
    }
    return queue_add(c->db, KMS_ROTATE, row.id, S("{}"),
                     row.rotated_ms + row.rotation_days * KMS_DAY_MS, err);
}

int kms_disable_key_rotation(struct call *c, const struct kms_disable_key_rotation_request *in,
                             struct kms_disable_key_rotation_output *out, struct err *err) {
    struct kms_key_row row = {0};
    (void)out;
    if (need_changeable(c, in->key_id, &row, err) < 0 || kms_need_usable(c, &row, err) < 0) {
        return -1;
    }
    row.rotation_days = 0;
    return kms_key_update(c->db, &row, err) < 0 ? -1 : queue_cancel(c->db, KMS_ROTATE, row.id, err);
}

int kms_get_key_rotation_status(struct call *c,
                                const struct kms_get_key_rotation_status_request *in,
                                struct kms_get_key_rotation_status_response *out, struct err *err) {
    struct kms_key_row row = {0};
    if (kms_need_key(c, in->key_id, &row, err) < 0) {
        return -1;
    }
    bool on = row.rotation_days > 0 && row.deletion_ms == 0;
    out->key_id = kms_key_arn(c->arena, &row);
    out->key_rotation_enabled = on;
    out->has_key_rotation_enabled = true;
    out->rotation_period_in_days = (int32_t)row.rotation_days;
    out->has_rotation_period_in_days = on;
    out->next_rotation_date = row.rotated_ms + row.rotation_days * KMS_DAY_MS;
    out->has_next_rotation_date = on;
    return 0;
}

int kms_tag_resource(struct call *c, const struct kms_tag_resource_request *in,
                     struct kms_tag_resource_output *out, struct err *err) {
    struct kms_key_row row = {0};
    (void)out;
    return need_changeable(c, in->key_id, &row, err) < 0 ? -1 : put_tags(c, &row, &in->tags, err);
}

int kms_untag_resource(struct call *c, const struct kms_untag_resource_request *in,
                       struct kms_untag_resource_output *out, struct err *err) {
    struct kms_key_row row = {0};
    (void)out;
    return need_changeable(c, in->key_id, &row, err) < 0
               ? -1
               : tags_remove(c->db, kms_key_arn(c->arena, &row), &in->tag_keys, err);
}

int kms_list_resource_tags(struct call *c, const struct kms_list_resource_tags_request *in,
                           struct kms_list_resource_tags_response *out, struct err *err) {
    struct kms_key_row row = {0};
    struct str_map tags;
    if (kms_need_key(c, in->key_id, &row, err) < 0 ||
        tags_get(c->db, c->arena, kms_key_arn(c->arena, &row), &tags, err) < 0) {
        return -1;
    }
    out->tags.v = arena_new_n(c->arena, struct kms_tag, tags.n);
    for (size_t i = 0; i < tags.n; i++) {
        out->tags.v[out->tags.n++] = (struct kms_tag){tags.v[i].key, tags.v[i].value};
    }
    out->has_truncated = true; /* 50 at most: one page */
    return 0;
}
