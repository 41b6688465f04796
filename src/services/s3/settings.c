/* Bucket settings: one table (settings.def), one way in, one way out; rules that AWS checks when a
 * setting is put. */
#include "services/s3/s3.h"

#include "services/s3/setting_json.h"

struct setting {
    const char *kind;
    const char *payload;               /* member of the put request */
    const char *answer;                /* member of the get answer; "" = the answer itself */
    const struct aws_error *not_there; /* NULL: no error */
};

static int malformed(struct err *err) {
    return err_api(err, &s3e_MalformedXML,
                   "The XML you provided was not well-formed or did not validate against our "
                   "published schema");
}

static int check_tags(struct call *c, const struct s3_tag_list *tags, size_t max, struct err *err) {
    struct str_map map = {arena_new_n(c->arena, struct str_pair, tags->n), tags->n};
    for (size_t i = 0; i < tags->n; i++) {
        map.v[i] = (struct str_pair){tags->v[i].key, tags->v[i].value};
    }
    return s3_tags_check(&map, max, err);
}

static int check_lock(struct call *c, const struct s3_bucket_row *b, struct err *err) {
    (void)c;
    if (!str_is(b->versioning, "Enabled")) {
        return err_api(err, &s3e_InvalidBucketState,
                       "Versioning must be 'Enabled' on the bucket to apply a Object Lock "
                       "configuration");
    }
    return 0;
}

static int check_encryption(const struct s3_server_side_encryption_configuration *config,
                            struct err *err) {
    if (config->rules.n != 1) {
        return malformed(err);
    }
    const struct s3_server_side_encryption_by_default *by =
        config->rules.v[0].apply_server_side_encryption_by_default;
    if (by == NULL) {
        return 0;
    }
    if (str_is(by->sse_algorithm, "AES256") && by->kms_master_key_id.p != NULL) {
        return err_api(err, &s3e_InvalidArgument,
                       "a KMSMasterKeyID is not applicable if the default sse algorithm is not "
                       "aws:kms or aws:kms:dsse");
    }
    bool known = str_is(by->sse_algorithm, "AES256") || str_starts(by->sse_algorithm, S("aws:kms"));
    return known ? 0 : malformed(err);
}

/* What is not said is false, and shown as such. */
static void complete_block(struct s3_public_access_block_configuration *block) {
    block->has_block_public_acls = true;
    block->has_ignore_public_acls = true;
    block->has_block_public_policy = true;
    block->has_restrict_public_buckets = true;
}

static int check_setting(struct call *c, const struct s3_bucket_row *b, const char *kind,
                         void *payload, struct err *err) {
    if (strcmp(kind, "tagging") == 0) {
        return check_tags(c, &((const struct s3_tagging *)payload)->tag_set, 50, err);
    }
    if (strcmp(kind, "object_lock") == 0) {
        return check_lock(c, b, err);
    }
    if (strcmp(kind, "encryption") == 0) {
        return check_encryption(payload, err);
    }
    if (strcmp(kind, "public_access_block") == 0) {
        complete_block(payload);
    }
    if (strcmp(kind, "ownership") == 0 &&
        ((const struct s3_ownership_controls *)payload)->rules.n != 1) {
        return malformed(err);
    }
    return 0;
}

/* Every bucket is encrypted; what nobody set is S3's own key. */
static struct str default_of(const char *kind) {
    if (strcmp(kind, "encryption") == 0) {
        return S("{\"Rules\":[{\"ApplyServerSideEncryptionByDefault\":{\"SSEAlgorithm\":"
                 "\"AES256\"},\"BucketKeyEnabled\":false}]}");
    }
    if (strcmp(kind, "request_payment") == 0) {
        return S("{\"Payer\":\"BucketOwner\"}");
    }
    return STR_NONE;
}

static int put_setting(struct call *c, const struct setting *s, struct str bucket, struct str owner,
                       const void *in, struct err *err) {
    struct s3_bucket_row b;
    const struct shape_member *m = shape_find_member(c->op->in, str_c(s->payload));
    void *payload = (void *)shape_get(m, in); /* the request's own struct, of this call only */
    if (s3_need_bucket(c, bucket, owner, &b, err) < 0) {
        return -1;
    }
    if (payload == NULL) {
        return malformed(err);
    }
    if (check_setting(c, &b, s->kind, payload, err) < 0) {
        return -1;
    }
    return s3_setting_put(c->db, bucket, s->kind, s3_setting_write(c->arena, m->shape, payload),
                          err);
}

static int get_setting(struct call *c, const struct setting *s, struct str bucket, struct str owner,
                       void *out, struct err *err) {
    struct s3_bucket_row b;
    struct str text;
    if (s3_need_bucket(c, bucket, owner, &b, err) < 0) {
        return -1;
    }
    int found = s3_setting_get(c->db, c->arena, bucket, s->kind, &text, err);
    if (found < 0) {
        return -1;
    }
    if (found == 0) {
        text = default_of(s->kind);
    }
    if (text.p == NULL) {
        return s->not_there == NULL
                   ? 0
                   : err_api(err, s->not_there, "%s", s3_missing_text(s->not_there->code));
    }
    if (*s->answer == '\0') {
        return s3_setting_read(c->arena, c->op->out, text, out, err);
    }
    const struct shape_member *m = shape_find_member(c->op->out, str_c(s->answer));
    void *inner = arena_alloc(c->arena, m->shape->size);
    *(void **)(void *)((char *)out + m->offset) = inner;
    return s3_setting_read(c->arena, m->shape, text, inner, err);
}

static int delete_setting(struct call *c, const char *kind, struct str bucket, struct str owner,
                          struct err *err) {
    struct s3_bucket_row b;
    if (s3_need_bucket(c, bucket, owner, &b, err) < 0) {
        return -1;
    }
    return s3_setting_put(c->db, bucket, kind, STR_NONE, err);
}

const char *s3_missing_text(const char *code) {
    static const struct {
        const char *code;
        const char *text;
    } texts[] = {
        {"NoSuchBucketPolicy", "The bucket policy does not exist"},
        {"NoSuchCORSConfiguration", "The CORS configuration does not exist"},
        {"NoSuchWebsiteConfiguration",
         "The specified bucket does not have a website configuration"},
        {"NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist"},
        {"ReplicationConfigurationNotFoundError", "The replication configuration was not found"},
        {"ServerSideEncryptionConfigurationNotFoundError",
         "The server side encryption configuration was not found"},
        {"ObjectLockConfigurationNotFoundError",
         "Object Lock configuration does not exist for this bucket"},
        {"NoSuchTagSet", "The TagSet does not exist"},
        {"NoSuchPublicAccessBlockConfiguration",
         "The public access block configuration was not found"},
        {"OwnershipControlsNotFoundError", "The bucket ownership controls were not found"},
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (strcmp(texts[i].code, code) == 0) {
            return texts[i].text;
        }
    }
    return "The configuration was not found";
}

#define NO_ERROR ((const struct aws_error *)NULL)
#define SETTING(kind, put, payload, get, answer_type, answer, not_there)                           \
    int s3_##put(struct call *c, const struct s3_##put##_request *in,                              \
                 struct s3_##put##_output *out, struct err *err) {                                 \
        const struct setting setting = {#kind, payload, answer, not_there};                        \
        (void)out;                                                                                 \
        return put_setting(c, &setting, in->bucket, in->expected_bucket_owner, in, err);           \
    }                                                                                              \
    int s3_##get(struct call *c, const struct s3_##get##_request *in,                              \
                 struct s3_##answer_type *out, struct err *err) {                                  \
        const struct setting setting = {#kind, payload, answer, not_there};                        \
        return get_setting(c, &setting, in->bucket, in->expected_bucket_owner, out, err);          \
    }
#define SETTING_DELETE(kind, delete)                                                               \
    int s3_##delete (struct call * c, const struct s3_##delete##_request *in,                      \
                     struct s3_##delete##_output *out, struct err *err) {                          \
        (void)out;                                                                                 \
        return delete_setting(c, #kind, in->bucket, in->expected_bucket_owner, err);               \
    }
#include "services/s3/settings.def"

int s3_bucket_put_tags(struct call *c, struct str bucket, const struct s3_tag_list *tags,
                       struct err *err) {
    struct s3_tagging tagging = {*tags};
    if (check_tags(c, tags, 50, err) < 0) {
        return -1;
    }
    const struct shape *shape = shape_find_member(s3_op_put_bucket_tagging.in, S("Tagging"))->shape;
    return s3_setting_put(c->db, bucket, "tagging", s3_setting_write(c->arena, shape, &tagging),
                          err);
}

/* Rules without a name get one, as on AWS; the header beside them is kept apart. */
int s3_put_bucket_lifecycle_configuration(
    struct call *c, const struct s3_put_bucket_lifecycle_configuration_request *in,
    struct s3_put_bucket_lifecycle_configuration_output *out, struct err *err) {
    const struct setting setting = {"lifecycle", "LifecycleConfiguration", "", NULL};
    struct str minimum = in->transition_default_minimum_object_size;
    if (in->lifecycle_configuration == NULL || in->lifecycle_configuration->rules.n == 0) {
        return malformed(err);
    }
    for (size_t i = 0; i < in->lifecycle_configuration->rules.n; i++) {
        struct s3_lifecycle_rule *rule = &in->lifecycle_configuration->rules.v[i];
        if (rule->id.n == 0) {
            rule->id = rng_hex(c->rng, c->arena, 48);
        }
    }
    out->transition_default_minimum_object_size =
        minimum.p != NULL ? minimum : S("all_storage_classes_128K");
    if (put_setting(c, &setting, in->bucket, in->expected_bucket_owner, in, err) < 0) {
        return -1;
    }
    return s3_setting_put(c->db, in->bucket, "lifecycle_minimum",
                          out->transition_default_minimum_object_size, err);
}

int s3_get_bucket_lifecycle_configuration(
    struct call *c, const struct s3_get_bucket_lifecycle_configuration_request *in,
    struct s3_get_bucket_lifecycle_configuration_output *out, struct err *err) {
    const struct setting setting = {"lifecycle", "", "", &s3e_NoSuchLifecycleConfiguration};
    if (get_setting(c, &setting, in->bucket, in->expected_bucket_owner, out, err) < 0) {
        return -1;
    }
    int found = s3_setting_get(c->db, c->arena, in->bucket, "lifecycle_minimum",
                               &out->transition_default_minimum_object_size, err);
    return found < 0 ? -1 : 0;
}

int s3_delete_bucket_lifecycle(struct call *c, const struct s3_delete_bucket_lifecycle_request *in,
                               struct s3_delete_bucket_lifecycle_output *out, struct err *err) {
    (void)out;
    return delete_setting(c, "lifecycle", in->bucket, in->expected_bucket_owner, err);
}
