/* ACLs (canned ones and whole policies), object tags, bucket policies. */
#include "services/s3/s3.h"

#include "platform/text/json.h"
#include "services/s3/setting_json.h"

enum { POLICY_MAX = 20 * 1024 };

#define ALL_USERS "http://acs.amazonaws.com/groups/global/AllUsers"
#define AUTHENTICATED "http://acs.amazonaws.com/groups/global/AuthenticatedUsers"
#define LOG_DELIVERY "http://acs.amazonaws.com/groups/s3/LogDelivery"

/* What a canned ACL grants beside the owner's FULL_CONTROL. */
static const struct {
    const char *acl;
    const char *group;
    const char *permission;
} canned[] = {
    {"public-read", ALL_USERS, "READ"},
    {"public-read-write", ALL_USERS, "READ"},
    {"public-read-write", ALL_USERS, "WRITE"},
    {"authenticated-read", AUTHENTICATED, "READ"},
    {"log-delivery-write", LOG_DELIVERY, "WRITE"},
    {"log-delivery-write", LOG_DELIVERY, "READ_ACP"},
};

static const char *const known[] = {
    "private",       "public-read",       "public-read-write",         "authenticated-read",
    "aws-exec-read", "bucket-owner-read", "bucket-owner-full-control", "log-delivery-write",
};

static int setting_has(struct call *c, struct str bucket, const char *kind, const char *words,
                       struct err *err) {
    struct str text;
    int found = s3_setting_get(c->db, c->arena, bucket, kind, &text, err);
    if (found <= 0) {
        return found;
    }
    return str_find(text, str_c(words), 0) != (size_t)-1;
}

int s3_acl_check(struct call *c, const struct s3_bucket_row *b, struct str acl, struct err *err) {
    if (acl.p == NULL || str_is(acl, "private") || str_is(acl, "bucket-owner-full-control")) {
        return 0;
    }
    bool valid = false;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        valid = valid || str_is(acl, known[i]);
    }
    if (!valid) {
        return err_api(err, &s3e_InvalidArgument, "The canned ACL is not known");
    }
    int enforced = setting_has(c, b->name, "ownership", "\"BucketOwnerEnforced\"", err);
    if (enforced != 0) {
        return enforced < 0 ? -1
                            : err_api(err, &s3e_AccessControlListNotSupported,
                                      "The bucket does not allow ACLs");
    }
    int blocked = !str_starts(acl, S("public-")) ? 0
                                                 : setting_has(c, b->name, "public_access_block",
                                                               "\"BlockPublicAcls\":true", err);
    if (blocked > 0) {
        return err_api(err, &s3e_AccessDenied,
                       "Access Denied: public ACLs are prevented by the BlockPublicAcls setting");
    }
    return blocked;
}

static struct s3_grant *add_grant(struct call *c, struct s3_grant_list *grants,
                                  const char *permission) {
    struct s3_grant *grant = arena_push(c->arena, grants);
    grant->grantee = arena_new(c->arena, struct s3_grantee);
    grant->permission = str_c(permission);
    return grant;
}

static void canned_grants(struct call *c, struct str acl, const struct s3_owner *owner,
                          struct s3_grant_list *grants) {
    struct s3_grant *full = add_grant(c, grants, "FULL_CONTROL");
    full->grantee->type = S("CanonicalUser");
    full->grantee->id = owner->id;
    for (size_t i = 0; i < sizeof(canned) / sizeof(canned[0]); i++) {
        if (str_is(acl, canned[i].acl)) {
            struct s3_grant *more = add_grant(c, grants, canned[i].permission);
            more->grantee->type = S("Group");
            more->grantee->uri = str_c(canned[i].group);
        }
    }
}

/* An ACL is stored as its canned name or, when given in full, as JSON. `shape` is of the answer,
 * whose members have the policy's names. */
static int fill_acl(struct call *c, struct str stored, struct str account, void *out,
                    struct s3_owner **owner, struct s3_grant_list *grants, struct err *err) {
    if (stored.n > 0 && stored.p[0] == '{' &&
        s3_setting_read(c->arena, c->op->out, stored, out, err) < 0) {
        return -1;
    }
    *owner = s3_owner_of(c, account);
    if (grants->v == NULL) {
        canned_grants(c, stored, *owner, grants);
    }
    return 0;
}

int s3_get_bucket_acl(struct call *c, const struct s3_get_bucket_acl_request *in,
                      struct s3_get_bucket_acl_output *out, struct err *err) {
    struct s3_bucket_row b;
    struct str stored = STR_NONE;
    if (s3_need_bucket(c, in->bucket, in->expected_bucket_owner, &b, err) < 0 ||
        s3_setting_get(c->db, c->arena, b.name, "acl", &stored, err) < 0) {
        return -1;
    }
    return fill_acl(c, stored, b.account, out, &out->owner, &out->grants, err);
}

int s3_get_object_acl(struct call *c, const struct s3_get_object_acl_request *in,
                      struct s3_get_object_acl_output *out, struct err *err) {
    struct s3_bucket_row b;
    struct s3_object_row o;
    if (s3_need_bucket(c, in->bucket, in->expected_bucket_owner, &b, err) < 0 ||
        s3_need_object(c, in->bucket, in->key, in->version_id, &o, err) < 0) {
        return -1;
    }
    return fill_acl(c, o.attr.acl, b.account, out, &out->owner, &out->grants, err);
}

static bool only_owner(const struct s3_access_control_policy *policy) {
    for (size_t i = 0; i < policy->grants.n; i++) {
        const struct s3_grantee *to = policy->grants.v[i].grantee;
        if (to == NULL || policy->owner == NULL || !str_eq(to->id, policy->owner->id)) {
            return false;
        }
    }
    return true;
}

/* What is to be stored: a canned name or the policy in full. */
static int take_acl(struct call *c, const struct s3_bucket_row *b, struct str acl, bool by_headers,
                    const struct s3_access_control_policy *policy, struct str *ret,
                    struct err *err) {
    if (by_headers) {
        return err_api(err, &s3e_NotImplemented,
                       "A header you provided implies functionality that is not implemented: "
                       "x-amz-grant-*; send a canned ACL or an AccessControlPolicy");
    }
    if (policy == NULL) {
        *ret = acl.p != NULL ? acl : S("private");
        return s3_acl_check(c, b, *ret, err);
    }
    int enforced = setting_has(c, b->name, "ownership", "\"BucketOwnerEnforced\"", err);
    if (enforced < 0) {
        return -1;
    }
    if (enforced == 1 && !only_owner(policy)) {
        return err_api(err, &s3e_AccessControlListNotSupported, "The bucket does not allow ACLs");
    }
    const struct shape *shape =
        shape_find_member(s3_op_put_bucket_acl.in, S("AccessControlPolicy"))->shape;
    *ret = s3_setting_write(c->arena, shape, policy);
    return 0;
}

#define GRANT_HEADERS(in)                                                                          \
    ((in)->grant_full_control.p != NULL || (in)->grant_read.p != NULL ||                           \
     (in)->grant_read_acp.p != NULL || (in)->grant_write.p != NULL ||                              \
     (in)->grant_write_acp.p != NULL)

int s3_put_bucket_acl(struct call *c, const struct s3_put_bucket_acl_request *in,
                      struct s3_put_bucket_acl_output *out, struct err *err) {
    struct s3_bucket_row b;
    struct str acl;
    (void)out;
    if (s3_need_bucket(c, in->bucket, in->expected_bucket_owner, &b, err) < 0 ||
        take_acl(c, &b, in->acl, GRANT_HEADERS(in), in->access_control_policy, &acl, err) < 0) {
        return -1;
    }
    return s3_setting_put(c->db, b.name, "acl", acl, err);
}

int s3_put_object_acl(struct call *c, const struct s3_put_object_acl_request *in,
                      struct s3_put_object_acl_output *out, struct err *err) {
    struct s3_bucket_row b;
    struct s3_object_row o;
    struct str acl;
    (void)out;
    if (s3_need_bucket(c, in->bucket, in->expected_bucket_owner, &b, err) < 0 ||
        s3_need_object(c, in->bucket, in->key, in->version_id, &o, err) < 0 ||
        take_acl(c, &b, in->acl, GRANT_HEADERS(in), in->access_control_policy, &acl, err) < 0) {
        return -1;
    }
    return s3_object_set_acl(c->db, o.seq, acl, err);
}

int s3_get_object_tagging(struct call *c, const struct s3_get_object_tagging_request *in,
                          struct s3_get_object_tagging_output *out, struct err *err) {
    struct s3_bucket_row b;
    struct s3_object_row o;
    if (s3_need_bucket(c, in->bucket, in->expected_bucket_owner, &b, err) < 0 ||
        s3_need_object(c, in->bucket, in->key, in->version_id, &o, err) < 0) {
        return -1;
    }
    out->tag_set.v = arena_new_n(c->arena, struct s3_tag, o.attr.tags.n);
    out->tag_set.n = o.attr.tags.n;
    for (size_t i = 0; i < o.attr.tags.n; i++) {
        out->tag_set.v[i] = (struct s3_tag){o.attr.tags.v[i].key, o.attr.tags.v[i].value};
    }
    out->version_id = s3_shown_version(&b, o.version);
    return 0;
}

int s3_put_object_tagging(struct call *c, const struct s3_put_object_tagging_request *in,
                          struct s3_put_object_tagging_output *out, struct err *err) {
    struct s3_bucket_row b;
    struct s3_object_row o;
    struct str_map tags = {0};
    for (size_t i = 0; in->tagging != NULL && i < in->tagging->tag_set.n; i++) {
        *arena_push(c->arena, &tags) =
            (struct str_pair){in->tagging->tag_set.v[i].key, in->tagging->tag_set.v[i].value};
    }
    if (s3_need_bucket(c, in->bucket, in->expected_bucket_owner, &b, err) < 0 ||
        s3_need_object(c, in->bucket, in->key, in->version_id, &o, err) < 0 ||
        s3_tags_check(&tags, 10, err) < 0) {
        return -1;
    }
    out->version_id = s3_shown_version(&b, o.version);
    return s3_object_set_tags(c->db, o.seq, tags, err);
}

int s3_delete_object_tagging(struct call *c, const struct s3_delete_object_tagging_request *in,
                             struct s3_delete_object_tagging_output *out, struct err *err) {
    struct s3_bucket_row b;
    struct s3_object_row o;
    if (s3_need_bucket(c, in->bucket, in->expected_bucket_owner, &b, err) < 0 ||
        s3_need_object(c, in->bucket, in->key, in->version_id, &o, err) < 0) {
        return -1;
    }
    out->version_id = s3_shown_version(&b, o.version);
    return s3_object_set_tags(c->db, o.seq, (struct str_map){0}, err);
}

static bool is_anybody(const json_t *principal) {
    const json_t *aws = json_object_get(principal, "AWS");
    const json_t *who = aws != NULL ? aws : principal;
    if (json_is_array(who)) {
        for (size_t i = 0; i < json_array_size(who); i++) {
            if (str_is(json_text(json_array_get(who, i)), "*")) {
                return true;
            }
        }
        return false;
    }
    return str_is(json_text(who), "*");
}

/* Allowed to anybody without a condition. */
static bool is_public(const json_t *policy) {
    const json_t *statements = json_object_get(policy, "Statement");
    size_t n = json_is_array(statements) ? json_array_size(statements) : 1;
    for (size_t i = 0; i < n; i++) {
        const json_t *s = json_is_array(statements) ? json_array_get(statements, i) : statements;
        if (str_is(json_str(s, "Effect"), "Allow") && is_anybody(json_object_get(s, "Principal")) &&
            json_object_get(s, "Condition") == NULL) {
            return true;
        }
    }
    return false;
}

static int check_policy(struct call *c, struct str bucket, struct str text, struct err *err) {
    struct err why = ERR_INIT;
    json_t *policy cleanup_json = text.n <= POLICY_MAX ? json_parse(text, &why) : NULL;
    if (!json_is_object(policy)) {
        return err_api(err, &s3e_MalformedPolicy,
                       "Policies must be valid JSON and the first byte must be '{'");
    }
    const json_t *statement = json_object_get(policy, "Statement");
    if (!json_is_array(statement) && !json_is_object(statement)) {
        return err_api(err, &s3e_MalformedPolicy, "Missing required field Statement");
    }
    int blocked = is_public(policy) ? setting_has(c, bucket, "public_access_block",
                                                  "\"BlockPublicPolicy\":true", err)
                                    : 0;
    if (blocked > 0) {
        return err_api(err, &s3e_AccessDenied,
                       "User is not authorized to perform: s3:PutBucketPolicy because public "
                       "policies are prevented by the BlockPublicPolicy setting in S3 Block "
                       "Public Access.");
    }
    return blocked;
}

int s3_put_bucket_policy(struct call *c, const struct s3_put_bucket_policy_request *in,
                         struct s3_put_bucket_policy_output *out, struct err *err) {
    struct s3_bucket_row b;
    (void)out;
    if (s3_need_bucket(c, in->bucket, in->expected_bucket_owner, &b, err) < 0 ||
        check_policy(c, in->bucket, in->policy, err) < 0) {
        return -1;
    }
    return s3_setting_put(c->db, in->bucket, "policy", in->policy, err);
}

static int need_policy(struct call *c, struct str bucket, struct str owner, struct str *ret,
                       struct err *err) {
    struct s3_bucket_row b;
    if (s3_need_bucket(c, bucket, owner, &b, err) < 0) {
        return -1;
    }
    int found = s3_setting_get(c->db, c->arena, bucket, "policy", ret, err);
    if (found == 0) {
        return err_api(err, &s3e_NoSuchBucketPolicy, "The bucket policy does not exist");
    }
    return found < 0 ? -1 : 0;
}

int s3_get_bucket_policy(struct call *c, const struct s3_get_bucket_policy_request *in,
                         struct s3_get_bucket_policy_output *out, struct err *err) {
    return need_policy(c, in->bucket, in->expected_bucket_owner, &out->policy, err);
}

int s3_get_bucket_policy_status(struct call *c,
                                const struct s3_get_bucket_policy_status_request *in,
                                struct s3_get_bucket_policy_status_output *out, struct err *err) {
    struct str text;
    if (need_policy(c, in->bucket, in->expected_bucket_owner, &text, err) < 0) {
        return -1;
    }
    json_t *policy cleanup_json = json_parse(text, err);
    out->policy_status = arena_new(c->arena, struct s3_policy_status);
    out->policy_status->is_public = is_public(policy);
    out->policy_status->has_is_public = true;
    return 0;
}

int s3_delete_bucket_policy(struct call *c, const struct s3_delete_bucket_policy_request *in,
                            struct s3_delete_bucket_policy_output *out, struct err *err) {
    struct s3_bucket_row b;
    (void)out;
    if (s3_need_bucket(c, in->bucket, in->expected_bucket_owner, &b, err) < 0) {
        return -1;
    }
    return s3_setting_put(c->db, in->bucket, "policy", STR_NONE, err);
}
