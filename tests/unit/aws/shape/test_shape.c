/* Properties that every generated table must have, and look-ups. */
#include "../../cmocka_.h"

#include "aws/shape/shape.h"
#include "gen/cloudformation.h"
#include "gen/cloudwatch.h"
#include "gen/codebuild.h"
#include "gen/codeconnections.h"
#include "gen/codepipeline.h"
#include "gen/codestar_connections.h"
#include "gen/dynamodb.h"
#include "gen/iam.h"
#include "gen/kms.h"
#include "gen/lambda.h"
#include "gen/logs.h"
#include "gen/s3.h"
#include "gen/sns.h"
#include "gen/ssm.h"
#include "gen/sts.h"

static const struct shape_service *const services[] = {
    &cloudformation_service,
    &cloudwatch_service,
    &codebuild_service,
    &codeconnections_service,
    &codepipeline_service,
    &codestar_connections_service,
    &dynamodb_service,
    &iam_service,
    &kms_service,
    &lambda_service,
    &logs_service,
    &s3_service,
    &sns_service,
    &ssm_service,
    &sts_service,
};
enum { N_SERVICES = sizeof services / sizeof *services };

static void test_operations_are_found_by_name_and_know_their_index(void **state) {
    (void)state;
    for (size_t i = 0; i < N_SERVICES; i++) {
        const struct shape_service *svc = services[i];
        assert_true(svc->n_ops > 0);
        for (uint32_t k = 0; k < svc->n_ops; k++) {
            const struct shape_op *op = svc->ops[k];
            assert_ptr_equal(shape_find_op(svc, str_c(op->name)), op);
            assert_int_equal(op->index, k);
            assert_ptr_equal(op->service, svc);
            assert_int_equal(op->n_rights > 0, op->rights != NULL);
        }
    }
    assert_null(shape_find_op(&sts_service, S("AssumeRol")));
    assert_null(shape_find_op(&sts_service, S("AssumeRolee")));
    assert_null(shape_find_op(&sts_service, S("")));
}

/* Checks that values lie inside their struct and do not overlap; `depth` stops at recursion. */
static void check_struct(const struct shape *s, int depth) {
    assert_int_equal(s->kind, SHAPE_STRUCT);
    for (uint32_t i = 0; i < s->n_members && depth > 0; i++) {
        const struct shape_member *m = &s->members[i];
        if (m->shape->kind == SHAPE_BODY) {
            assert_true(m->offset == SHAPE_NO_FIELD);
            continue;
        }
        size_t size = m->shape->kind == SHAPE_STRUCT ? sizeof(void *) : m->shape->size;
        assert_true(size > 0 && m->offset + size <= s->size);
        for (uint32_t k = 0; k < i; k++) {
            const struct shape_member *other = &s->members[k];
            assert_true(other->offset != m->offset);
        }
        const struct shape *inner = m->shape;
        while (inner->kind == SHAPE_LIST || inner->kind == SHAPE_MAP) {
            assert_non_null(inner->item);
            assert_int_equal(inner->size, sizeof(struct shape_list));
            if (inner->kind == SHAPE_MAP) {
                assert_int_equal(inner->value_offset, sizeof(struct str));
                assert_true(inner->value_offset + inner->item->size <= inner->entry_size);
            }
            inner = inner->item;
        }
        if (inner->kind == SHAPE_STRUCT) {
            check_struct(inner, depth - 1);
        }
        if (inner->kind == SHAPE_ENUM) {
            assert_true(inner->n_members > 0);
        }
    }
}

static void test_values_lie_inside_their_structs(void **state) {
    (void)state;
    for (size_t i = 0; i < N_SERVICES; i++) {
        for (uint32_t k = 0; k < services[i]->n_ops; k++) {
            check_struct(services[i]->ops[k]->in, 4);
            check_struct(services[i]->ops[k]->out, 4);
        }
    }
}

static void test_absent_and_empty_values_differ(void **state) {
    (void)state;
    struct ssm_put_parameter_request in = {.name = S("")};
    const struct shape *s = ssm_op_put_parameter.in;
    assert_non_null(shape_get(shape_find_member(s, S("Name")), &in));
    assert_null(shape_get(shape_find_member(s, S("Value")), &in));
    assert_null(shape_get(shape_find_member(s, S("Overwrite")), &in));
    in.has_overwrite = true;
    assert_ptr_equal(shape_get(shape_find_member(s, S("Overwrite")), &in), &in.overwrite);
    assert_null(shape_get(shape_find_member(s, S("Tags")), &in));
    struct ssm_tag none[1];
    in.tags.v = none;
    assert_ptr_equal(shape_get(shape_find_member(s, S("Tags")), &in), &in.tags);
    assert_null(shape_find_member(s, S("name")));
}

static void test_structs_are_reached_through_their_pointer(void **state) {
    (void)state;
    struct codepipeline_pipeline_declaration pipeline = {.name = S("p")};
    struct codepipeline_create_pipeline_input in = {.pipeline = NULL};
    const struct shape_member *m =
        shape_find_member(codepipeline_op_create_pipeline.in, S("pipeline"));
    assert_null(shape_get(m, &in));
    in.pipeline = &pipeline;
    assert_ptr_equal(shape_get(m, &in), &pipeline);
}

static void test_errors_are_found_by_name_and_by_code(void **state) {
    (void)state;
    const struct aws_error *e = shape_find_error(&iam_service, S("NoSuchEntity"));
    assert_ptr_equal(e, &iam_NoSuchEntityException);
    assert_int_equal(e->http_status, 404);
    assert_ptr_equal(shape_find_error(&iam_service, S("NoSuchEntityException")), e);
    assert_null(shape_find_error(&iam_service, S("NoSuch")));
    assert_non_null(dynamodb_TransactionCanceledException.shape);
    assert_null(ssm_ParameterNotFound.shape);
}

static void test_reads_and_writes_are_told_apart(void **state) {
    (void)state;
    assert_true(ssm_op_get_parameters.flags & SHAPE_OP_READ);
    assert_false(ssm_op_put_parameter.flags & SHAPE_OP_READ);
    assert_false(sts_op_get_session_token.flags & SHAPE_OP_READ);
    assert_false(sts_op_assume_role.flags & SHAPE_OP_READ);
    assert_true(dynamodb_op_query.flags & SHAPE_OP_READ);
    assert_true(s3_op_head_object.flags & SHAPE_OP_READ);
    assert_true(s3_op_put_object.flags & SHAPE_OP_BODY_IN);
    assert_true(s3_op_get_object.flags & SHAPE_OP_BODY_OUT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_operations_are_found_by_name_and_know_their_index),
        cmocka_unit_test(test_values_lie_inside_their_structs),
        cmocka_unit_test(test_absent_and_empty_values_differ),
        cmocka_unit_test(test_structs_are_reached_through_their_pointer),
        cmocka_unit_test(test_errors_are_found_by_name_and_by_code),
        cmocka_unit_test(test_reads_and_writes_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
