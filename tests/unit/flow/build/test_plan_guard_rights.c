/*
 * Every operation of every service that is served here, held against a plan stage's policy: what
 * changes something is denied, unless the table below says why not. An operation that is added to
 * api/ and writes is in this test by itself.
 */
#include "../../cmocka_.h"

#include "flow/build/plan_guard.h"
#include "gen/codebuild.h"
#include "gen/codepipeline.h"
#include "gen/trunkline.h"
#include "services/iam/policy.h"
#include "services/services.h"

/* Operations that are no reading ones and still allowed. */
static const struct {
    const char *service, *op, *why;
} allowed[] = {
    {"kms", "GenerateDataKey", "keeps nothing: what S3 asks for an encrypted lock"},
    {"kms", "GenerateDataKeyWithoutPlaintext", "likewise"},
    {"sts", "AssumeRole", "the session inherits the guard (tests/unit/services/sts)"},
    {"sts", "GetSessionToken", "STS refuses it to sessions of roles"},
};

static bool is_allowed(const struct shape_op *op) {
    for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++) {
        if (str_is(str_c(allowed[i].service), op->service->name) &&
            str_is(str_c(allowed[i].op), op->name)) {
            return true;
        }
    }
    return false;
}

/* The worst that a request may say. */
static bool hostile(void *ud, struct str key, struct str_list *ret) {
    static struct str attributes[] = {S_INIT("LockID"), S_INIT("Other")};
    static struct str bytes[] = {S_INIT("513")};
    (void)ud;
    *ret = (struct str_list){NULL, 0};
    if (str_is(key, "dynamodb:Attributes")) {
        *ret = (struct str_list){attributes, 2};
    } else if (str_is(key, "trunkline:NewObjectBytes")) {
        *ret = (struct str_list){bytes, 1};
    }
    return ret->n > 0;
}

static bool silent(void *ud, struct str key, struct str_list *ret) {
    (void)ud;
    (void)key;
    *ret = (struct str_list){NULL, 0};
    return false;
}

struct judge {
    struct arena *a;
    struct policy guard;
    bool (*value)(void *ud, struct str key, struct str_list *ret);
    unsigned writes;
};

static bool denied(struct judge *j, const char *action) {
    struct policy_request request = {
        .action = str_c(action),
        .resource = S("arn:aws:s3:::others/key"),
        .principal_arn = S("arn:aws:sts::111111111111:assumed-role/build/plan"),
        .principal_account = S("111111111111"),
        .value = j->value,
        .arena = j->a,
    };
    return policy_evaluate(&j->guard, &request).deny;
}

/* A right that reads, by its name. */
static bool reads(const char *action) {
    static const char *const verbs[] = {"Get", "List", "Describe", "BatchGet", "Query", "Scan"};
    struct str name = str_c(action);
    name = str_sub(name, str_find_c(name, ':', 0) + 1, name.n);
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        if (str_starts(name, str_c(verbs[i]))) {
            return true;
        }
    }
    return false;
}

/* Of a writing operation each right that is more than reading is denied, and one of them is there:
 * which of them a request needs is the request's to say. */
static void check_op(struct judge *j, const struct shape_op *op) {
    unsigned denials = 0;
    if ((op->flags & (SHAPE_OP_READ | SHAPE_OP_UNIMPLEMENTED)) != 0 || is_allowed(op)) {
        return;
    }
    j->writes++;
    for (size_t i = 0; i < op->n_rights; i++) {
        bool no = denied(j, op->rights[i].action);
        if (!no && !reads(op->rights[i].action)) {
            fail_msg("%s %s: a plan stage may %s", op->service->name, op->name,
                     op->rights[i].action);
        }
        denials += no ? 1 : 0;
    }
    if (denials == 0) {
        fail_msg("%s %s changes something, and a plan stage may call it", op->service->name,
                 op->name);
    }
}

static void check_service(struct judge *j, const struct shape_service *service) {
    for (size_t i = 0; i < service->n_ops; i++) {
        check_op(j, service->ops[i]);
    }
}

static void check_all(bool (*value)(void *ud, struct str key, struct str_list *ret)) {
    struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    struct build_order order = {0};
    struct judge j = {.a = &a, .value = value};
    size_t n = 0;
    *arena_push(&a, &order.outputs) = (struct build_artifact_location){.bucket = S("artifacts")};
    assert_int_equal(
        policy_parse(&a, plan_guard_policy(&a, &order), POLICY_IDENTITY, &j.guard, &err), 0);
    const struct gate_service *services = services_served(&a, &n);
    for (size_t i = 0; i < n; i++) {
        check_service(&j, services[i].shape);
    }
    check_service(&j, &codebuild_service);
    check_service(&j, &codepipeline_service);
    check_service(&j, &trunkline_service);
    assert_true(j.writes > 200);
    print_message("%u writing operations\n", j.writes);
    arena_done(&a);
}

static void test_every_operation_that_writes_is_denied_to_a_plan_stage(void **state) {
    (void)state;
    check_all(hostile);
}

/* A condition on a set holds of the empty one: who says nothing must not pass for that. */
static void test_a_request_that_says_nothing_of_itself_is_denied_as_well(void **state) {
    (void)state;
    check_all(silent);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_operation_that_writes_is_denied_to_a_plan_stage),
        cmocka_unit_test(test_a_request_that_says_nothing_of_itself_is_denied_as_well),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
