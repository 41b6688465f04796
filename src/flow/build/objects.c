/* Objects of S3 as a build reads and leaves them: each request is tried again while serve is away,
 * as the project's role. */
#include "flow/build/supervision.h"

#include "gen/s3.h"
#include "platform/os/fd.h"

enum { MAX_PAGES = 100 };

int object_get(struct supervision *s, struct str bucket, struct str key, struct str version,
               struct aws_body *ret, struct err *err) {
    int64_t since = clock_mono_ms(s->clock);
    struct s3_get_object_request in = {.bucket = bucket, .key = key, .version_id = version};
    int result = 0;
    account_begin(s);
    do {
        struct aws_target target;
        struct s3_get_object_output out = {0};
        *ret = AWS_BODY_NONE;
        result =
            account_target(s, &s->arena, &target, err) < 0
                ? -1
                : aws_call_stream(&target, &s3_op_get_object, &s->arena, &in, NULL, &out, ret, err);
    } while (result < 0 && account_retry(s, since, err));
    return result < 0 ? err_wrap(err, "s3://" STR_FMT "/" STR_FMT, STR_ARG(bucket), STR_ARG(key))
                      : 0;
}

/* What CodeBuild encrypts is encrypted by the project's key, S3's own unless it says another. */
static void choose_encryption(struct supervision *s, const struct object_new *o,
                              struct s3_put_object_request *in) {
    struct str key = o->kms_key.n > 0 ? o->kms_key : s->plan.kms_key;
    bool of_s3 = key.n == 0 || str_ends(key, S("alias/aws/s3"));
    if (o->plain || (o->pipeline && of_s3)) {
        return; /* as the bucket has it */
    }
    in->server_side_encryption = S("aws:kms");
    in->ssekms_key_id = of_s3 ? STR_NONE : key;
}

static struct str acl_of(struct str owner_access) {
    return str_is(owner_access, "FULL")        ? S("bucket-owner-full-control")
           : str_is(owner_access, "READ_ONLY") ? S("bucket-owner-read")
                                               : STR_NONE;
}

int object_put(struct supervision *s, const struct object_new *o, struct err *err) {
    int64_t since = clock_mono_ms(s->clock);
    struct str_pair metadata[] = {{S("codebuild-buildarn"), plan_build_arn(&s->arena, &s->plan)},
                                  {S("codebuild-content-sha256"), o->sha256}};
    struct s3_put_object_request in = {.acl = acl_of(o->owner_access),
                                       .bucket = o->bucket,
                                       .content_type = o->content_type,
                                       .content_encoding = o->content_encoding,
                                       .if_none_match = o->only_new ? S("*") : STR_NONE,
                                       .key = o->key,
                                       .metadata = {metadata, o->sha256.p ? 2 : 1}};
    int result = 0;
    choose_encryption(s, o, &in);
    account_begin(s);
    do {
        struct aws_target target;
        struct s3_put_object_output out = {0};
        struct aws_body body = {o->fd, 0, o->bytes, NULL};
        result = account_target(s, &s->arena, &target, err) < 0
                     ? -1
                     : aws_call_stream(&target, &s3_op_put_object, &s->arena, &in, &body, &out,
                                       NULL, err);
    } while (result < 0 && account_retry(s, since, err));
    if (result < 0) {
        return err_wrap(err, "s3://" STR_FMT "/" STR_FMT, STR_ARG(o->bucket), STR_ARG(o->key));
    }
    account_acknowledge(s);
    return 0;
}

int object_exists(struct supervision *s, struct str bucket, struct str key, struct err *err) {
    int64_t since = clock_mono_ms(s->clock);
    struct s3_head_object_request in = {.bucket = bucket, .key = key};
    int result = 0;
    account_begin(s);
    do {
        struct aws_target target;
        struct s3_head_object_output out = {0};
        result = account_target(s, &s->arena, &target, err) < 0
                     ? -1
                     : s3_call_head_object(&target, &s->arena, &in, &out, err);
    } while (result < 0 && account_retry(s, since, err));
    if (result < 0 && err->kind == ERR_NOT_FOUND) {
        *err = ERR_INIT;
        return 0;
    }
    return result < 0 ? -1 : 1;
}

static int list_page(struct supervision *s, const struct s3_list_objects_v2_request *in,
                     struct s3_list_objects_v2_output *ret, struct err *err) {
    int64_t since = clock_mono_ms(s->clock);
    int result = 0;
    account_begin(s);
    do {
        struct aws_target target;
        *ret = (struct s3_list_objects_v2_output){0};
        result = account_target(s, &s->arena, &target, err) < 0
                     ? -1
                     : s3_call_list_objects_v2(&target, &s->arena, in, ret, err);
    } while (result < 0 && account_retry(s, since, err));
    return result;
}

int object_newest(struct supervision *s, struct str bucket, struct str prefix, struct str *ret_key,
                  struct err *err) {
    struct s3_list_objects_v2_request in = {.bucket = bucket, .prefix = prefix};
    int64_t newest = INT64_MIN;
    *ret_key = STR_NONE;
    for (unsigned page = 0; page < MAX_PAGES; page++) {
        struct s3_list_objects_v2_output out;
        if (list_page(s, &in, &out, err) < 0) {
            return -1;
        }
        for (size_t i = 0; i < out.contents.n; i++) {
            if (out.contents.v[i].last_modified > newest) {
                newest = out.contents.v[i].last_modified;
                *ret_key = out.contents.v[i].key;
            }
        }
        if (!out.is_truncated || out.next_continuation_token.n == 0) {
            break;
        }
        in.continuation_token = out.next_continuation_token;
    }
    return ret_key->p != NULL;
}
