/* Which calls become rows of the audit chain, and what is in them. */
#include "../fixture.h"

#include "gen/dynamodb.h"
#include "gen/iam.h"
#include "gen/s3.h"
#include "gen/ssm.h"
#include "gen/sts.h"

static int setup(void **state) {
    struct fixture *f = mem_alloc(sizeof(*f));
    fixture_start(f);
    const struct audit_config config = {.db = f->db, .clock = &f->clock, .rng = &rng_system};
    assert_done(f, audit_start(&config, &f->err));
    *state = f;
    return 0;
}

static int teardown(void **state) {
    audit_stop();
    fixture_end(*state);
    free(*state);
    return 0;
}

/* All rows, newest first. */
static struct audit_row_list rows(struct fixture *f) {
    struct audit_row_list list;
    const struct audit_filter filter = {.limit = 1000};
    assert_done(f, db_begin(f->db, &f->err));
    assert_done(f, audit_list(f->db, &f->arena, &filter, &list, &f->err));
    db_rollback(f->db);
    return list;
}

static struct audit_row newest(struct fixture *f) {
    struct audit_row_list list = rows(f);
    assert_true(list.n > 0);
    return list.v[0];
}

static void assert_text(struct fixture *f, struct str text, const char *expected) {
    assert_string_equal(str_z(&f->arena, text), expected);
}

static bool has(struct str text, const char *part) {
    return str_find(text, str_c(part), 0) != (size_t)-1;
}

static int put_parameter(struct fixture *f, const struct aws_target *as, const char *name,
                         const char *value) {
    struct ssm_put_parameter_request in = {.name = str_c(name),
                                           .value = str_c(value),
                                           .type = S("SecureString"),
                                           .overwrite = true,
                                           .has_overwrite = true};
    struct ssm_put_parameter_result out;
    return ssm_call_put_parameter(as, &f->arena, &in, &out, &f->err);
}

static struct aws_target user(struct fixture *f, const char *name) {
    struct iam_create_user_request in = {.user_name = str_c(name)};
    struct iam_create_user_response out;
    struct iam_create_access_key_request key_in = {.user_name = str_c(name)};
    struct iam_create_access_key_response key;
    assert_done(f, iam_call_create_user(&f->admin, &f->arena, &in, &out, &f->err));
    assert_done(f, iam_call_create_access_key(&f->admin, &f->arena, &key_in, &key, &f->err));
    return fixture_key(f, key.access_key->access_key_id);
}

static void test_a_call_that_changes_something_is_a_row(void **state) {
    struct fixture *f = *state;
    assert_done(f, put_parameter(f, &f->admin, "/app/password", "correct horse"));
    struct audit_row_list list = rows(f);
    assert_int_equal(list.n, 1);
    const struct audit_act *t = &list.v[0].act;
    assert_int_equal(t->at_ms, f->time.now_ms);
    assert_text(f, t->account, "111111111111");
    assert_text(f, t->principal, "arn:aws:iam::111111111111:root");
    assert_text(f, t->source, "engine");
    assert_text(f, t->operation, "ssm:PutParameter");
    assert_text(f, t->resource, "arn:aws:ssm:eu-west-2:111111111111:parameter/app/password");
    assert_text(f, t->outcome, "Success");
    assert_text(f, t->detail, "Name=/app/password Type=SecureString Overwrite=true");
    assert_int_equal(t->request_id.n, 36);
    assert_int_equal(t->digest.n, 32);
}

static void test_no_column_has_a_secret_and_the_digest_does_not_depend_on_it(void **state) {
    struct fixture *f = *state;
    assert_done(f, put_parameter(f, &f->admin, "/app/password", "correct horse"));
    struct audit_act one = newest(f).act;
    assert_done(f, put_parameter(f, &f->admin, "/app/password", "battery staple"));
    struct audit_act two = newest(f).act;
    assert_done(f, put_parameter(f, &f->admin, "/app/user", "battery staple"));
    struct audit_act three = newest(f).act;
    assert_false(has(one.detail, "horse"));
    assert_true(str_eq(one.digest, two.digest));
    assert_false(str_eq(two.digest, three.digest));
}

static void test_reads_and_contents_are_no_rows(void **state) {
    struct fixture *f = *state;
    struct ssm_get_parameter_request get = {.name = S("/app/user")};
    struct ssm_get_parameter_result got;
    struct dynamodb_attribute_definition attribute = {S("LockID"), S("S")};
    struct dynamodb_key_schema_element key = {S("LockID"), S("HASH")};
    struct dynamodb_create_table_input table = {.table_name = S("lock"),
                                                .attribute_definitions = {&attribute, 1},
                                                .key_schema = {&key, 1},
                                                .billing_mode = S("PAY_PER_REQUEST")};
    struct dynamodb_create_table_output made;
    struct dynamodb_attribute_value value = {.s = S("one")};
    struct dynamodb_attribute_value_map_entry entry = {S("LockID"), value};
    struct dynamodb_put_item_input put = {.table_name = S("lock"), .item = {&entry, 1}};
    struct dynamodb_put_item_output put_out;
    assert_done(f, put_parameter(f, &f->admin, "/app/user", "ann"));
    assert_done(f, dynamodb_call_create_table(&f->admin, &f->arena, &table, &made, &f->err));
    size_t before = rows(f).n;
    assert_int_equal(before, 2);
    assert_done(f, ssm_call_get_parameter(&f->admin, &f->arena, &get, &got, &f->err));
    assert_done(f, dynamodb_call_put_item(&f->admin, &f->arena, &put, &put_out, &f->err));
    assert_int_equal(rows(f).n, before);
}

static void test_a_call_that_fails_leaves_no_row(void **state) {
    struct fixture *f = *state;
    struct iam_delete_user_request in = {.user_name = S("nobody")};
    assert_refused(f,
                   iam_call_delete_user(&f->admin, &f->arena, &in,
                                        &(struct iam_delete_user_output){0}, &f->err),
                   "NoSuchEntityException");
    assert_int_equal(rows(f).n, 0);
}

static void test_a_call_that_cannot_be_recorded_is_not_done(void **state) {
    struct fixture *f = *state;
    assert_done(f, db_begin(f->db, &f->err));
    assert_done(f, db_run(f->db, &f->err, "ALTER TABLE audit RENAME TO away", ""));
    assert_done(f, db_commit(f->db, &f->err));
    assert_int_equal(put_parameter(f, &f->admin, "/app/user", "ann"), -1);
    assert_done(f, db_begin(f->db, &f->err));
    assert_done(f, db_run(f->db, &f->err, "ALTER TABLE away RENAME TO audit", ""));
    assert_done(f, db_commit(f->db, &f->err));
    struct ssm_get_parameter_request get = {.name = S("/app/user")};
    struct ssm_get_parameter_result got;
    assert_refused(f, ssm_call_get_parameter(&f->admin, &f->arena, &get, &got, &f->err),
                   "ParameterNotFound");
    assert_int_equal(rows(f).n, 0);
}

static void make_role(struct fixture *f) {
    static const char trust[] =
        "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":"
        "\"sts:AssumeRole\",\"Principal\":{\"Service\":\"codebuild.amazonaws.com\"}}]}";
    struct iam_create_role_request role = {.role_name = S("build"),
                                           .assume_role_policy_document = str_c(trust)};
    struct iam_create_role_response made;
    assert_done(f, iam_call_create_role(&f->admin, &f->arena, &role, &made, &f->err));
}

static struct sts_assume_role_response assume(struct fixture *f, const struct aws_target *as,
                                              const char *session) {
    struct sts_assume_role_request in = {.role_arn = S("arn:aws:iam::111111111111:role/build"),
                                         .role_session_name = str_c(session)};
    struct sts_assume_role_response out;
    assert_done(f, sts_call_assume_role(as, &f->arena, &in, &out, &f->err));
    return out;
}

static void test_credentials_that_are_given_out_are_named_by_their_key_only(void **state) {
    struct fixture *f = *state;
    struct aws_target service = fixture_service(f, "111111111111", "codebuild.amazonaws.com");
    make_role(f);
    struct sts_assume_role_response out = assume(f, &service, "AWSCodeBuild-7");
    struct audit_act act = newest(f).act;
    assert_text(f, act.operation, "sts:AssumeRole");
    assert_text(f, act.principal, "codebuild.amazonaws.com");
    assert_text(f, act.resource, "arn:aws:iam::111111111111:role/build");
    assert_true(has(act.detail, "RoleSessionName=AWSCodeBuild-7"));
    assert_true(has(act.detail, str_z(&f->arena, out.credentials->access_key_id)));
    assert_false(has(act.detail, str_z(&f->arena, out.credentials->secret_access_key)));
    assert_false(has(act.detail, str_z(&f->arena, out.credentials->session_token)));
}

static void test_what_the_engine_assumes_for_itself_is_told_once_and_for_builds_always(
    void **state) {
    struct fixture *f = *state;
    struct aws_target service = fixture_service(f, "111111111111", "codebuild.amazonaws.com");
    make_role(f);
    size_t before = rows(f).n;
    assume(f, &service, "tl-alarms");
    assume(f, &service, "tl-alarms");
    assert_int_equal(rows(f).n, before + 1);
    assume(f, &service, "tl-other");
    assert_int_equal(rows(f).n, before + 2);
    struct aws_principal *of_build =
        arena_memdup(&f->arena, service.principal, sizeof(*service.principal));
    of_build->build_id = S("site:1");
    service.principal = of_build;
    assume(f, &service, "AWSCodeBuild-1");
    assume(f, &service, "AWSCodeBuild-1"); /* renewed: other keys */
    assert_int_equal(rows(f).n, before + 4);
}

static void test_refusals_are_rows_when_their_number_has_doubled(void **state) {
    struct fixture *f = *state;
    struct aws_target ann = user(f, "ann");
    size_t before = rows(f).n;
    for (int i = 0; i < 9; i++) {
        assert_refused(f, put_parameter(f, &ann, "/app/user", "ann"), "AccessDeniedException");
    }
    assert_int_equal(rows(f).n, before + 4); /* 1, 2, 4, 8 */
    struct audit_act act = newest(f).act;
    assert_text(f, act.principal, "arn:aws:iam::111111111111:user/ann");
    assert_text(f, act.operation, "ssm:PutParameter");
    assert_text(f, act.outcome, "AccessDenied");
    assert_text(f, act.resource, "arn:aws:ssm:eu-west-2:111111111111:parameter/app/user");
    assert_false(has(act.detail, "Value"));
}

static void test_who_is_refused_everywhere_cannot_fill_the_chain(void **state) {
    struct fixture *f = *state;
    struct aws_target ann = user(f, "ann");
    size_t before = rows(f).n;
    for (int i = 0; i < 300; i++) {
        const char *name = str_printf(&f->arena, "/app/%d", i).p;
        assert_refused(f, put_parameter(f, &ann, name, "x"), "AccessDeniedException");
    }
    assert_int_equal(rows(f).n, before + 100);
}

/* ---- by which way it came ---- */

static int answer(void *ud, const struct gate_call *c, struct gate_answer *ret, struct err *err) {
    (void)ud;
    (void)c;
    (void)err;
    ret->status = 200;
    ret->body = S("");
    return 0;
}

static void create_bucket_by(struct fixture *f, const char *name, const struct http_request *http,
                             struct str journal, struct str source) {
    struct s3_create_bucket_configuration where = {.location_constraint = S("eu-west-2")};
    struct s3_create_bucket_request in = {.bucket = str_c(name),
                                          .create_bucket_configuration = &where};
    struct s3_create_bucket_output out = {0};
    struct gate_call c = {
        .arena = &f->arena,
        .service = gate_service_named(f->gate, S("s3")),
        .op = &s3_op_create_bucket,
        .principal = f->admin.principal,
        .account = f->admin.account,
        .region = f->admin.region,
        .request_id = S("r-1"),
        .source = source,
        .http = http,
        .body = AWS_BODY_NONE,
        .in = &in,
        .out = &out,
        .journal_id = journal,
        .answer = answer,
    };
    assert_done(f, gate_invoke(f->gate, &c, &f->err));
}

static void test_a_row_says_by_which_way_the_call_came(void **state) {
    struct fixture *f = *state;
    struct http_request terraform = {.method = S("PUT")};
    struct http_request ours = {.method = S("PUT")};
    http_header_add(&f->arena, &terraform.headers, S("User-Agent"), S("APN/1.0 HashiCorp/1.0"));
    http_header_add(&f->arena, &ours.headers, S("User-Agent"), S("trunkline/1.0"));
    create_bucket_by(f, "one", &terraform, STR_NONE, STR_NONE);
    assert_text(f, newest(f).act.source, "api");
    create_bucket_by(f, "two", &ours, STR_NONE, STR_NONE);
    assert_text(f, newest(f).act.source, "cli");
    create_bucket_by(f, "three", &terraform, S("build/1"), STR_NONE);
    assert_text(f, newest(f).act.source, "build");
    create_bucket_by(f, "four", NULL, STR_NONE, S("console"));
    assert_text(f, newest(f).act.source, "console");
    create_bucket_by(f, "five", NULL, STR_NONE, STR_NONE);
    assert_text(f, newest(f).act.source, "engine");
    assert_text(f, newest(f).act.request_id, "r-1");
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        T(test_a_call_that_changes_something_is_a_row),
        T(test_no_column_has_a_secret_and_the_digest_does_not_depend_on_it),
        T(test_reads_and_contents_are_no_rows),
        T(test_a_call_that_fails_leaves_no_row),
        T(test_a_call_that_cannot_be_recorded_is_not_done),
        T(test_credentials_that_are_given_out_are_named_by_their_key_only),
        T(test_what_the_engine_assumes_for_itself_is_told_once_and_for_builds_always),
        T(test_refusals_are_rows_when_their_number_has_doubled),
        T(test_who_is_refused_everywhere_cannot_fill_the_chain),
        T(test_a_row_says_by_which_way_the_call_came),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
