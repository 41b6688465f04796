/*
 * Requests as botocore serializes them, decoded and compared as JSON; then encoded by our own
 * client side and decoded again. Answers and errors as text; refusals of bad input.
 */
#include "../cmocka_.h"

#include "aws/proto/proto.h"
#include "base/buf.h"
#include "gen/cloudwatch.h"
#include "gen/codebuild.h"
#include "gen/codepipeline.h"
#include "gen/dynamodb.h"
#include "gen/iam.h"
#include "gen/lambda.h"
#include "gen/logs.h"
#include "gen/s3.h"
#include "gen/sns.h"
#include "gen/ssm.h"
#include "gen/sts.h"
#include "platform/text/regex.h"

#include <stdlib.h>

static struct arena arena;

struct vector {
    const struct shape_op *op;
    enum shape_protocol protocol;
    const char *path;
    const char *query;
    const char *headers[6]; /* name, value */
    const char *body;
    const char *json; /* the decoded struct */
};

static const struct vector vectors[] = {
    {&sts_op_assume_role,
     SHAPE_QUERY,
     "/",
     NULL,
     {NULL},
     "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A111111111111%3Arole%2Fbuild"
     "&RoleSessionName=ci+build%2B1&DurationSeconds=900&Tags.member.1.Key=a+b&"
     "Tags.member.1.Value=1%262&Tags.member.2.Key=c&Tags.member.2.Value=&TransitiveTagKeys=",
     "{\"RoleArn\":\"arn:aws:iam::111111111111:role/build\",\"RoleSessionName\":\"ci build+1\","
     "\"DurationSeconds\":900,\"Tags\":[{\"Key\":\"a b\",\"Value\":\"1&2\"},{\"Key\":\"c\","
     "\"Value\":\"\"}],\"TransitiveTagKeys\":[]}"},
    {&sns_op_create_topic,
     SHAPE_QUERY,
     "/",
     NULL,
     {NULL},
     "Action=CreateTopic&Version=2010-03-31&Name=t&Attributes.entry.1.key=DisplayName&"
     "Attributes.entry.1.value=x%3Dy&Tags.member.1.Key=k&Tags.member.1.Value=v",
     "{\"Name\":\"t\",\"Attributes\":{\"DisplayName\":\"x=y\"},\"Tags\":[{\"Key\":\"k\",\"Value\":"
     "\"v\"}]}"},
    {&cloudwatch_op_put_metric_data,
     SHAPE_QUERY,
     "/",
     NULL,
     {NULL},
     "Action=PutMetricData&Version=2010-08-01&Namespace=N&MetricData.member.1.MetricName=m&"
     "MetricData.member.1.Timestamp=2026-11-24T01%3A52%3A00Z&MetricData.member.1.Value=1.5&"
     "MetricData.member.1.Dimensions.member.1.Name=d&"
     "MetricData.member.1.Dimensions.member.1.Value=e&MetricData.member.1.Unit=Count",
     "{\"Namespace\":\"N\",\"MetricData\":[{\"MetricName\":\"m\",\"Dimensions\":[{\"Name\":\"d\","
     "\"Value\":\"e\"}],\"Timestamp\":1795485120,\"Value\":1.5,\"Unit\":\"Count\"}]}"},
    {&ssm_op_get_parameters,
     SHAPE_JSON_1_1,
     "/",
     NULL,
     {NULL},
     "{\"Names\": [\"/a\", \"/b\"], \"WithDecryption\": true}",
     "{\"Names\":[\"/a\",\"/b\"],\"WithDecryption\":true}"},
    {&dynamodb_op_put_item,
     SHAPE_JSON_1_0,
     "/",
     NULL,
     {NULL},
     "{\"TableName\": \"t\", \"Item\": {\"LockID\": {\"S\": \"x\"}, \"B\": {\"B\": \"AP8=\"}, "
     "\"L\":"
     " {\"L\": [{\"BOOL\": true}, {\"M\": {\"k\": {\"NULL\": true}}}]}}}",
     "{\"TableName\":\"t\",\"Item\":{\"LockID\":{\"S\":\"x\"},\"B\":{\"B\":\"AP8=\"},\"L\":{\"L\":["
     "{\"BOOL\":true},{\"M\":{\"k\":{\"NULL\":true}}}]}}}"},
    {&s3_op_put_bucket_lifecycle_configuration,
     SHAPE_REST_XML,
     "/b",
     "lifecycle",
     {NULL},
     "<LifecycleConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Rule><ID>r</ID>"
     "<Status>Enabled</Status><Filter><Prefix /></Filter><Expiration><Days>7</Days></Expiration>"
     "</Rule></LifecycleConfiguration>",
     "{\"Bucket\":\"b\",\"LifecycleConfiguration\":{\"Rule\":[{\"Expiration\":{\"Days\":7},\"ID\":"
     "\"r\",\"Filter\":{\"Prefix\":\"\"},\"Status\":\"Enabled\"}]}}"},
    {&s3_op_put_bucket_acl,
     SHAPE_REST_XML,
     "/b",
     "acl",
     {NULL},
     "<AccessControlPolicy xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><AccessControlList>"
     "<Grant><Grantee xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"Group\">"
     "<URI>u</URI></Grantee><Permission>READ</Permission></Grant></AccessControlList><Owner>"
     "<ID>o</ID></Owner></AccessControlPolicy>",
     "{\"AccessControlPolicy\":{\"AccessControlList\":[{\"Grantee\":{\"xsi:type\":\"Group\","
     "\"URI\":"
     "\"u\"},\"Permission\":\"READ\"}],\"Owner\":{\"ID\":\"o\"}},\"Bucket\":\"b\"}"},
    {&s3_op_put_object,
     SHAPE_REST_XML,
     "/b/a%20b/c%2Bd",
     "x-id=PutObject",
     {"x-amz-meta-One", "1", "Content-Type", "text/plain", "x-amz-tagging", "a=b"},
     "",
     "{\"Bucket\":\"b\",\"Content-Type\":\"text/plain\",\"Key\":\"a b/c+d\",\"x-amz-meta-\":{"
     "\"one\":\"1\"},\"x-amz-tagging\":\"a=b\"}"},
    {&s3_op_delete_objects,
     SHAPE_REST_XML,
     "/b",
     "delete",
     {NULL},
     "<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Object><Key>x&lt;y&gt;</Key>"
     "</Object><Object><Key>z</Key><VersionId>1</VersionId></Object><Quiet>true</Quiet></Delete>",
     "{\"Bucket\":\"b\",\"Delete\":{\"Object\":[{\"Key\":\"x<y>\"},{\"Key\":\"z\",\"VersionId\":"
     "\"1\"}],\"Quiet\":true}}"},
    {&s3_op_list_objects_v2,
     SHAPE_REST_XML,
     "/b/",
     "list-type=2&prefix=env%3A%2F&max-keys=1000",
     {"x-amz-optional-object-attributes", "RestoreStatus"},
     "",
     "{\"Bucket\":\"b\",\"max-keys\":1000,\"prefix\":\"env:/\","
     "\"x-amz-optional-object-attributes\":[\"RestoreStatus\"]}"},
    {&lambda_op_create_function,
     SHAPE_REST_JSON,
     "/2015-03-31/functions",
     NULL,
     {NULL},
     "{\"FunctionName\": \"f\", \"Role\": \"arn:aws:iam::111111111111:role/r\", \"Code\": "
     "{\"ZipFile\": \"UEs=\"}, \"Environment\": {\"Variables\": {\"A\": \"1\"}}}",
     "{\"FunctionName\":\"f\",\"Role\":\"arn:aws:iam::111111111111:role/r\",\"Code\":{\"ZipFile\":"
     "\"UEs=\"},\"Environment\":{\"Variables\":{\"A\":\"1\"}}}"},
    {&lambda_op_list_tags,
     SHAPE_REST_JSON,
     "/2017-03-31/tags/arn%3Aaws%3Alambda%3Aeu-west-2%3A111111111111%3Afunction%3Af",
     NULL,
     {NULL},
     "",
     "{\"Resource\":\"arn:aws:lambda:eu-west-2:111111111111:function:f\"}"},
};

static struct proto_message message_of(const struct vector *v) {
    struct proto_message m = {.method = str_c(v->op->method),
                              .path = str_c(v->path),
                              .query = str_c(v->query),
                              .body = str_c(v->body)};
    for (size_t i = 0; i < 6 && v->headers[i] != NULL; i += 2) {
        http_header_add(&arena, &m.headers, str_c(v->headers[i]), str_c(v->headers[i + 1]));
    }
    return m;
}

static void expect_json(const struct vector *v, const void *in) {
    struct err err = ERR_INIT;
    struct proto_message json;
    assert_int_equal(proto_encode_request(&arena, SHAPE_JSON_1_1, v->op, in, &json, &err), 0);
    assert_string_equal(str_z(&arena, json.body), v->json);
}

static void test_requests_of_botocore_decode_to_what_they_say(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        const struct vector *v = &vectors[i];
        struct err err = ERR_INIT;
        struct proto_notes notes = {0, STR_NONE};
        void *in = arena_alloc(&arena, v->op->in->size);
        struct proto_message m = message_of(v);
        if (proto_decode_request(&arena, v->protocol, v->op, &m, in, &notes, &err) < 0) {
            fail_msg("%s: %s", v->op->name, err.msg);
        }
        expect_json(v, in);
        assert_int_equal(notes.unknown, 0);
    }
}

static void test_what_our_client_encodes_our_server_decodes_equal(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        const struct vector *v = &vectors[i];
        struct err err = ERR_INIT;
        struct proto_message m = message_of(v);
        struct proto_message again;
        void *in = arena_alloc(&arena, v->op->in->size);
        void *back = arena_alloc(&arena, v->op->in->size);
        assert_int_equal(proto_decode_request(&arena, v->protocol, v->op, &m, in, NULL, &err), 0);
        assert_int_equal(proto_encode_request(&arena, v->protocol, v->op, in, &again, &err), 0);
        if (proto_decode_request(&arena, v->protocol, v->op, &again, back, NULL, &err) < 0) {
            fail_msg("%s: %s", v->op->name, err.msg);
        }
        expect_json(v, back);
    }
}

static void test_rest_requests_find_their_operation(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        const struct vector *v = &vectors[i];
        struct str_map query;
        if (v->protocol != SHAPE_REST_XML && v->protocol != SHAPE_REST_JSON) {
            continue;
        }
        struct proto_message m = message_of(v);
        http_parse_query(&arena, m.query, &query);
        assert_ptr_equal(proto_route(v->op->service, m.method, m.path, &query, &m.headers), v->op);
    }
}

static const struct shape_op *route(const char *method, const char *path, const char *query,
                                    const char *header) {
    struct str_map pairs;
    struct http_headers headers = {NULL, 0};
    http_parse_query(&arena, str_c(query), &pairs);
    if (header != NULL) {
        http_header_add(&arena, &headers, str_c(header), S("x"));
    }
    return proto_route(&s3_service, str_c(method), str_c(path), &pairs, &headers);
}

static void test_operations_on_one_path_are_told_by_words_and_required_members(void **state) {
    (void)state;
    assert_ptr_equal(route("GET", "/", NULL, NULL), &s3_op_list_buckets);
    assert_ptr_equal(route("PUT", "/b/k", NULL, NULL), &s3_op_put_object);
    assert_ptr_equal(route("PUT", "/b/k", NULL, "x-amz-copy-source"), &s3_op_copy_object);
    assert_ptr_equal(route("PUT", "/b/k", "partNumber=1&uploadId=u", NULL), &s3_op_upload_part);
    assert_ptr_equal(route("PUT", "/b/k", "partNumber=1&uploadId=u", "X-Amz-Copy-Source"),
                     &s3_op_upload_part_copy);
    assert_ptr_equal(route("GET", "/b/k/", "partNumber=1", NULL), &s3_op_get_object);
    assert_ptr_equal(route("GET", "/b/k", "uploadId=u", NULL), &s3_op_list_parts);
    assert_ptr_equal(route("GET", "/b", NULL, NULL), &s3_op_list_objects);
    assert_ptr_equal(route("GET", "/b", "list-type=2", NULL), &s3_op_list_objects_v2);
    assert_ptr_equal(route("GET", "/b", "versions", NULL), &s3_op_list_object_versions);
    assert_ptr_equal(route("POST", "/b/k", "uploads=", NULL), &s3_op_create_multipart_upload);
    assert_ptr_equal(route("POST", "/b/k", "uploads", NULL), &s3_op_create_multipart_upload);
    assert_ptr_equal(route("DELETE", "/b/k", "uploadId=u", NULL), &s3_op_abort_multipart_upload);
    assert_null(route("PATCH", "/b/k", NULL, NULL));
}

/* Refusals. */
static const char *decode_fails(const struct shape_op *op, enum shape_protocol p, const char *body,
                                struct err *err) {
    struct proto_message m = {.method = S("POST"), .path = S("/"), .body = str_c(body)};
    void *in = arena_alloc(&arena, op->in->size);
    *err = ERR_INIT;
    assert_int_equal(proto_decode_request(&arena, p, op, &m, in, NULL, err), -1);
    assert_non_null(err->api);
    return err->api->name;
}

static void test_json_that_is_none_or_of_wrong_types_is_a_serialization_error(void **state) {
    (void)state;
    struct err err;
    const struct shape_op *op = &ssm_op_get_parameters;
    assert_string_equal(decode_fails(op, SHAPE_JSON_1_1, "{", &err), "SerializationException");
    assert_string_equal(decode_fails(op, SHAPE_JSON_1_1, "[]", &err), "SerializationException");
    assert_string_equal(decode_fails(op, SHAPE_JSON_1_1, "{\"Names\":[1]}", &err),
                        "SerializationException");
    assert_string_equal(err.msg, "NUMBER_VALUE cannot be converted to String at 'names.1.member'");
    op = &sts_op_assume_role;
    decode_fails(op, SHAPE_JSON_1_1, "{\"DurationSeconds\":99999999999}", &err);
    assert_non_null(strstr(err.msg, "out of range"));
    decode_fails(op, SHAPE_JSON_1_1, "{\"DurationSeconds\":1e300}", &err);
    decode_fails(op, SHAPE_JSON_1_1, "{\"DurationSeconds\":1.5}", &err);
}

/* Compiles the patterns of a shape and of what lies below it, and counts them. */
static size_t compile_patterns(const struct shape *s, int depth) {
    size_t n = 0;
    if (depth > 12) {
        return 0;
    }
    if (s->pattern != NULL) {
        struct err err = ERR_INIT;
        struct regex *re = NULL;
        if (regex_compile(&arena, str_printf(&arena, "\\A(?:%s)\\z", s->pattern), &re, &err) < 0) {
            fail_msg("%s: %s", s->pattern, err.msg);
        }
        n++;
    }
    for (uint32_t i = 0; s->kind == SHAPE_STRUCT && i < s->n_members; i++) {
        n += compile_patterns(s->members[i].shape, depth + 1);
    }
    n += s->item != NULL ? compile_patterns(s->item, depth + 1) : 0;
    return n + (s->key != NULL ? compile_patterns(s->key, depth + 1) : 0);
}

static void test_violations_are_told_together_with_their_paths(void **state) {
    (void)state;
    struct err err;
    assert_string_equal(decode_fails(&sts_op_assume_role, SHAPE_QUERY,
                                     "Action=AssumeRole&DurationSeconds=1&RoleSessionName=x&"
                                     "Tags.member.1.Key=",
                                     &err),
                        "ValidationError");
    assert_non_null(strstr(err.msg, "5 validation errors detected: Value null at 'roleArn' failed "
                                    "to satisfy constraint: Member must not be null; Value 'x' at "
                                    "'roleSessionName' failed to satisfy constraint: Member must "
                                    "have length greater than or equal to 2; Value '1' at "
                                    "'durationSeconds' failed to satisfy constraint: Member must "
                                    "have value greater than or equal to 900; Value '' at "
                                    "'tags.1.member.key'"));
    assert_string_equal(
        decode_fails(&codepipeline_op_put_approval_result, SHAPE_JSON_1_1,
                     "{\"pipelineName\":\"p\",\"stageName\":\"s\",\"actionName\":\"a\",\"token\":"
                     "\"11111111-1111-4111-8111-111111111111\",\"result\":{\"summary\":\"\","
                     "\"status\":\"Perhaps\"}}",
                     &err),
        "ValidationException");
    assert_non_null(strstr(err.msg, "1 validation error detected: Value 'Perhaps' at "
                                    "'result.status' failed to satisfy constraint: Member must "
                                    "satisfy enum value set: [Approved, Rejected]"));
    assert_string_equal(decode_fails(&logs_op_put_retention_policy, SHAPE_JSON_1_1, "{}", &err),
                        "InvalidParameterException");
}

static void test_patterns_of_models_bind_whole_values(void **state) {
    (void)state;
    struct err err;
    assert_string_equal(decode_fails(&codepipeline_op_get_pipeline, SHAPE_JSON_1_1,
                                     "{\"name\":\"a pipeline\"}", &err),
                        "ValidationException");
    assert_string_equal(err.msg,
                        "1 validation error detected: Value 'a pipeline' at 'name' failed to "
                        "satisfy constraint: Member must satisfy regular expression pattern: "
                        "[A-Za-z0-9.@\\-_]+");
    decode_fails(&codepipeline_op_get_pipeline, SHAPE_JSON_1_1, "{\"name\":\"pipeline\\n\"}", &err);
    assert_non_null(strstr(err.msg, "regular expression pattern"));
    decode_fails(&codepipeline_op_get_pipeline, SHAPE_JSON_1_1, "{\"name\":\"\"}", &err);
    assert_non_null(strstr(err.msg, "2 validation errors detected")); /* length and pattern */
}

static void test_nul_is_refused_where_text_becomes_arguments_and_files(void **state) {
    (void)state;
    struct err err;
    static const char start[] =
        "{\"name\":\"p\",\"variables\":[{\"name\":\"v\",\"value\":\"a\\u0000b\"}]}";
    assert_string_equal(
        decode_fails(&codepipeline_op_start_pipeline_execution, SHAPE_JSON_1_1, start, &err),
        "ValidationException");
    assert_non_null(strstr(err.msg, "at 'variables.1.member.value' failed to satisfy constraint: "
                                    "Member must not contain the character U+0000"));
    assert_string_equal(decode_fails(&codebuild_op_start_build, SHAPE_JSON_1_1,
                                     "{\"projectName\":\"p\",\"sourceVersion\":\"a\\u0000\"}",
                                     &err),
                        "InvalidInputException");
    /* half of a pair is no character at all */
    assert_string_equal(decode_fails(&codepipeline_op_start_pipeline_execution, SHAPE_JSON_1_1,
                                     "{\"name\":\"p\",\"variables\":[{\"name\":\"v\",\"value\":"
                                     "\"\\ud800\"}]}",
                                     &err),
                        "SerializationException");
}

/* check.c takes them for good: a pattern that does not compile would end the server. */
static void test_every_pattern_of_the_models_compiles(void **state) {
    (void)state;
    const struct shape_service *svc = &codepipeline_service;
    size_t seen = 0;
    for (uint32_t i = 0; i < svc->n_ops; i++) {
        seen += compile_patterns(svc->ops[i]->in, 0) + compile_patterns(svc->ops[i]->out, 0);
    }
    assert_true(seen > 20);
}

static void test_unknown_members_are_counted_and_named_but_taken(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    struct proto_notes notes = {0, STR_NONE};
    struct ssm_get_parameters_request in = {.names = {NULL, 0}};
    struct proto_message m = {.body = S("{\"Names\":[\"a\"],\"Nmaes\":1,\"X\":{}}")};
    assert_int_equal(
        proto_decode_request(&arena, SHAPE_JSON_1_1, &ssm_op_get_parameters, &m, &in, &notes, &err),
        0);
    assert_int_equal(notes.unknown, 2);
    assert_true(str_is(notes.first_unknown, "nmaes"));
}

static void test_forms_and_xml_that_are_broken_are_refused(void **state) {
    (void)state;
    struct err err;
    const struct shape_op *op = &sts_op_assume_role;
    assert_string_equal(decode_fails(op, SHAPE_QUERY, "a=%zz", &err), "MalformedInput");
    assert_string_equal(decode_fails(op, SHAPE_QUERY, "Tags.member.x.Key=1", &err),
                        "MalformedInput");
    assert_string_equal(decode_fails(op, SHAPE_QUERY, "DurationSeconds=1x", &err),
                        "MalformedInput");
    struct buf deep cleanup_buf;
    buf_init(&deep, 1000);
    for (int i = 0; i < 100; i++) {
        buf_add_z(&deep, "a.");
    }
    assert_string_equal(decode_fails(op, SHAPE_QUERY, deep.p, &err), "MalformedInput");
    assert_string_equal(
        decode_fails(&s3_op_delete_objects, SHAPE_REST_XML, "<Delete><Object>", &err),
        "MalformedXML");
}

/* Answers. */
static void test_query_answer_is_xml_with_result_and_request_id(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    struct proto_message m;
    struct sts_credentials keys = {.access_key_id = S("A<1>"),
                                   .secret_access_key = S("s"),
                                   .session_token = S("t"),
                                   .expiration = 1795485120000,
                                   .has_expiration = true};
    struct sts_assume_role_response out = {.credentials = &keys};
    assert_int_equal(
        proto_encode_response(&arena, SHAPE_QUERY, &sts_op_assume_role, S("id"), &out, &m, &err),
        0);
    assert_string_equal(
        str_z(&arena, m.body),
        "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult>"
        "<Credentials><AccessKeyId>A&lt;1&gt;</AccessKeyId><SecretAccessKey>s</SecretAccessKey>"
        "<SessionToken>t</SessionToken><Expiration>2026-11-24T01:52:00Z</Expiration></Credentials>"
        "</AssumeRoleResult><ResponseMetadata><RequestId>id</RequestId></ResponseMetadata>"
        "</AssumeRoleResponse>");
    struct sts_assume_role_response back = {.credentials = NULL};
    assert_int_equal(
        proto_decode_response(&arena, SHAPE_QUERY, &sts_op_assume_role, &m, &back, &err), 0);
    assert_true(str_is(back.credentials->access_key_id, "A<1>"));
    assert_true(back.credentials->expiration == 1795485120000);
}

static void test_json_answer_escapes_and_keeps_empty_apart_from_absent(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    struct proto_message m;
    struct ssm_parameter p = {.name = S("/a\"\\\n\x01\xff"),
                              .value = S(""),
                              .version = 9007199254740993,
                              .has_version = true,
                              .last_modified_date = 1795485120123,
                              .has_last_modified_date = true};
    struct ssm_get_parameter_result out = {.parameter = &p};
    assert_int_equal(proto_encode_response(&arena, SHAPE_JSON_1_1, &ssm_op_get_parameter, S("id"),
                                           &out, &m, &err),
                     0);
    assert_string_equal(str_z(&arena, m.body),
                        "{\"Parameter\":{\"Name\":\"/a\\\"\\\\\\n\\u0001\xEF\xBF\xBD\",\"Value\":"
                        "\"\",\"Version\":9007199254740993,\"LastModifiedDate\":1795485120.123}}");
    assert_true(str_is(http_header(&m.headers, S("x-amzn-requestid")), "id"));
    struct ssm_get_parameter_result back = {.parameter = NULL};
    assert_int_equal(
        proto_decode_response(&arena, SHAPE_JSON_1_1, &ssm_op_get_parameter, &m, &back, &err), 0);
    assert_true(back.parameter->last_modified_date == 1795485120123);
    assert_null(back.parameter->type.p);
    assert_non_null(back.parameter->value.p);
}

static void test_s3_answers_have_their_own_roots_and_headers(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    struct proto_message m;
    struct s3_get_bucket_location_output location = {.location_constraint = S("eu-west-2")};
    assert_int_equal(proto_encode_response(&arena, SHAPE_REST_XML, &s3_op_get_bucket_location,
                                           S("id"), &location, &m, &err),
                     0);
    assert_string_equal(str_z(&arena, m.body),
                        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<LocationConstraint "
                        "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">eu-west-2"
                        "</LocationConstraint>");
    struct s3_head_object_output head = {.etag = S("\"x\""),
                                         .last_modified = 1795485120000,
                                         .has_last_modified = true,
                                         .content_length = 5,
                                         .has_content_length = true};
    assert_int_equal(
        proto_encode_response(&arena, SHAPE_REST_XML, &s3_op_head_object, S("id"), &head, &m, &err),
        0);
    assert_int_equal(m.body.n, 0);
    assert_true(str_is(http_header(&m.headers, S("etag")), "\"x\""));
    assert_true(
        str_is(http_header(&m.headers, S("last-modified")), "Tue, 24 Nov 2026 01:52:00 GMT"));
    struct s3_get_bucket_policy_output policy = {.policy = S("{\"a\":1}")};
    assert_int_equal(proto_encode_response(&arena, SHAPE_REST_XML, &s3_op_get_bucket_policy,
                                           S("id"), &policy, &m, &err),
                     0);
    assert_true(str_is(m.body, "{\"a\":1}"));
}

static void test_errors_travel_in_each_format_and_come_back_equal(void **state) {
    (void)state;
    static const struct {
        enum shape_protocol p;
        const struct shape_op *op;
        const struct aws_error *api;
    } cases[] = {
        {SHAPE_JSON_1_1, &ssm_op_get_parameter, &ssm_ParameterNotFound},
        {SHAPE_QUERY, &iam_op_get_role, &iam_NoSuchEntityException},
        {SHAPE_REST_XML, &s3_op_get_object, &s3_NoSuchKey},
        {SHAPE_REST_JSON, &lambda_op_get_function, &lambda_ResourceNotFoundException},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct err why = ERR_INIT;
        struct err back = ERR_INIT;
        struct proto_message m;
        err_api(&why, cases[i].api, "it's <not> there");
        proto_encode_error(&arena, cases[i].p, cases[i].op->service, S("id"), &why, NULL, &m);
        assert_int_equal(m.status, cases[i].api->http_status);
        assert_int_equal(proto_decode_error(&arena, cases[i].p, cases[i].op, &m, &back), -1);
        assert_ptr_equal(back.api, cases[i].api);
        assert_string_equal(back.msg, "it's <not> there");
        assert_int_equal(back.kind, ERR_NOT_FOUND);
        assert_int_equal(back.http_status, m.status);
    }
}

static void test_codes_of_other_servers_are_read_in_all_their_forms(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    struct proto_message m = {
        .status = 400,
        .body = S("{\"__type\":\"com.amazonaws.ssm#ThrottlingException\",\"Message\":\"slow\"}")};
    proto_decode_error(&arena, SHAPE_JSON_1_1, &ssm_op_get_parameter, &m, &err);
    assert_string_equal(err.api_code, "ThrottlingException");
    assert_int_equal(err.kind, ERR_UNAVAILABLE);
    m = (struct proto_message){.status = 502, .body = S("<html>bad gateway")};
    proto_decode_error(&arena, SHAPE_QUERY, &sts_op_assume_role, &m, &err);
    assert_int_equal(err.kind, ERR_UNAVAILABLE);
    m = (struct proto_message){.status = 404, .body = S("")};
    proto_decode_error(&arena, SHAPE_REST_XML, &s3_op_head_object, &m, &err);
    assert_int_equal(err.kind, ERR_NOT_FOUND);
}

static void test_kind_chooses_the_code_where_no_error_was_named(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    err_set(&err, ERR_INTERNAL, "x");
    assert_int_equal(proto_error_of(&ssm_service, SHAPE_JSON_1_1, &err)->http_status, 500);
    assert_string_equal(proto_error_of(&s3_service, SHAPE_REST_XML, &err)->code, "InternalError");
    err_set(&err, ERR_NOT_FOUND, "x");
    assert_string_equal(proto_error_of(&logs_service, SHAPE_JSON_1_1, &err)->name,
                        "ResourceNotFoundException");
    err_set(&err, ERR_DENIED, "x");
    assert_string_equal(proto_error_of(&sts_service, SHAPE_QUERY, &err)->code, "AccessDenied");
    proto_unknown_operation(&err, &s3_service, SHAPE_REST_XML, S("GetBucketFoo"));
    assert_int_equal(err.api->http_status, 501);
    proto_unknown_operation(&err, &sts_service, SHAPE_QUERY, S("Foo"));
    assert_string_equal(err.api->code, "InvalidAction");
}

static int teardown(void **state) {
    (void)state;
    arena_done(&arena);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_requests_of_botocore_decode_to_what_they_say),
        cmocka_unit_test(test_what_our_client_encodes_our_server_decodes_equal),
        cmocka_unit_test(test_rest_requests_find_their_operation),
        cmocka_unit_test(test_operations_on_one_path_are_told_by_words_and_required_members),
        cmocka_unit_test(test_json_that_is_none_or_of_wrong_types_is_a_serialization_error),
        cmocka_unit_test(test_violations_are_told_together_with_their_paths),
        cmocka_unit_test(test_patterns_of_models_bind_whole_values),
        cmocka_unit_test(test_nul_is_refused_where_text_becomes_arguments_and_files),
        cmocka_unit_test(test_every_pattern_of_the_models_compiles),
        cmocka_unit_test(test_unknown_members_are_counted_and_named_but_taken),
        cmocka_unit_test(test_forms_and_xml_that_are_broken_are_refused),
        cmocka_unit_test(test_query_answer_is_xml_with_result_and_request_id),
        cmocka_unit_test(test_json_answer_escapes_and_keeps_empty_apart_from_absent),
        cmocka_unit_test(test_s3_answers_have_their_own_roots_and_headers),
        cmocka_unit_test(test_errors_travel_in_each_format_and_come_back_equal),
        cmocka_unit_test(test_codes_of_other_servers_are_read_in_all_their_forms),
        cmocka_unit_test(test_kind_chooses_the_code_where_no_error_was_named),
    };
    return cmocka_run_group_tests(tests, NULL, teardown);
}
