/*
 * Requests in every protocol: the first byte chooses the operation. What decodes is encoded by the
 * client side and decodes again, to the same JSON.
 */
#include "fuzz.h"

#include "aws/proto/proto.h"
#include "gen/cloudwatch.h"
#include "gen/codepipeline.h"
#include "gen/dynamodb.h"
#include "gen/iam.h"
#include "gen/lambda.h"
#include "gen/s3.h"
#include "gen/sns.h"
#include "gen/ssm.h"
#include "gen/sts.h"

static const struct {
    enum shape_protocol protocol;
    const struct shape_op *op;
} targets[] = {
    {SHAPE_JSON_1_1, &codepipeline_op_create_pipeline},
    {SHAPE_JSON_1_1, &ssm_op_put_parameter},
    {SHAPE_JSON_1_0, &dynamodb_op_put_item},
    {SHAPE_JSON_1_0, &cloudwatch_op_put_metric_data},
    {SHAPE_QUERY, &cloudwatch_op_put_metric_data},
    {SHAPE_QUERY, &sts_op_assume_role},
    {SHAPE_QUERY, &iam_op_create_role},
    {SHAPE_QUERY, &sns_op_publish},
    {SHAPE_REST_XML, &s3_op_put_bucket_lifecycle_configuration},
    {SHAPE_REST_XML, &s3_op_put_bucket_acl},
    {SHAPE_REST_XML, &s3_op_complete_multipart_upload},
    {SHAPE_REST_XML, &s3_op_list_objects_v2},
    {SHAPE_REST_XML, &s3_op_put_object},
    {SHAPE_REST_JSON, &lambda_op_create_function},
};

/* REST requests: lines "path", "query", "Name: value"..., an empty one, the body. */
static struct proto_message split(struct arena *a, struct str text) {
    struct proto_message m = {.method = S("PUT")};
    struct str line;
    str_cut(&text, '\n', &m.path);
    if (!str_cut(&text, '\n', &m.query)) {
        m.query = STR_NONE;
    }
    while (str_cut(&text, '\n', &line) && line.n > 0) {
        size_t colon = str_find_c(line, ':', 0);
        if (colon != (size_t)-1) {
            http_header_add(a, &m.headers, str_sub(line, 0, colon),
                            str_sub(line, colon + 1, line.n));
        }
    }
    m.body = text.p != NULL ? text : S("");
    return m;
}

static struct str dump(struct arena *a, const struct shape_op *op, const void *in) {
    struct err err = ERR_INIT;
    struct proto_message m;
    FUZZ_MUST(proto_encode_request(a, SHAPE_JSON_1_1, op, in, &m, &err) == 0);
    return m.body;
}

static void run(struct arena *a, enum shape_protocol p, const struct shape_op *op,
                struct str text) {
    bool rest = p == SHAPE_REST_XML || p == SHAPE_REST_JSON;
    struct proto_message m = rest ? split(a, text) : (struct proto_message){.body = text};
    struct proto_message again;
    struct err err = ERR_INIT;
    void *in = arena_alloc(a, op->in->size);
    void *back = arena_alloc(a, op->in->size);
    if (proto_decode_request(a, p, op, &m, in, NULL, &err) < 0) {
        FUZZ_MUST(err.api != NULL && err.msg[0] != '\0');
        return;
    }
    if (proto_encode_request(a, p, op, in, &again, &err) < 0) {
        return; /* an empty label */
    }
    if (p == SHAPE_JSON_1_0 || p == SHAPE_JSON_1_1) {
        FUZZ_MUST(proto_decode_request(a, p, op, &again, back, NULL, &err) == 0);
        FUZZ_MUST(str_eq(dump(a, op, in), dump(a, op, back)));
    } else if (proto_decode_request(a, p, op, &again, back, NULL, &err) == 0) {
        dump(a, op, back); /* bytes that are no characters change on their way through XML */
    }
}

static void answers(struct arena *a, enum shape_protocol p, const struct shape_op *op,
                    struct str text) {
    struct err err = ERR_INIT;
    struct proto_message m = {.status = 200, .body = text};
    void *out = arena_alloc(a, op->out->size);
    if (proto_decode_response(a, p, op, &m, out, &err) == 0) {
        FUZZ_MUST(proto_encode_response(a, p, op, S("id"), out, &m, &err) == 0);
    }
    m = (struct proto_message){.status = 400, .body = text};
    proto_decode_error(a, p, op, &m, &err);
    FUZZ_MUST(err.kind != ERR_NONE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct arena a = ARENA_INIT;
    if (size > 0) {
        size_t i = (data[0] & 0x7F) % (sizeof(targets) / sizeof(targets[0]));
        struct str text = fuzz_str(data + 1, size - 1);
        if ((data[0] & 0x80) != 0) {
            answers(&a, targets[i].protocol, targets[i].op, text);
        } else {
            run(&a, targets[i].protocol, targets[i].op, text);
        }
    }
    arena_done(&a);
    return 0;
}
