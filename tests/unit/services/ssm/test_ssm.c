/* Parameter Store as clients see it. */
#include "../fixture.h"

#include "gen/iam.h"
#include "gen/sts.h"
#include "services/ssm/ssm.h"

static int put_in(struct fixture *f, const struct ssm_put_parameter_request *in) {
    struct ssm_put_parameter_result out;
    return ssm_call_put_parameter(&f->admin, &f->arena, in, &out, &f->err) < 0 ? -1
                                                                               : (int)out.version;
}

static int put(struct fixture *f, const char *name, const char *type, const char *value) {
    struct ssm_put_parameter_request in = {
        .name = str_c(name), .type = str_c(type), .value = str_c(value)};
    return put_in(f, &in);
}

static int overwrite(struct fixture *f, const char *name, const char *value) {
    struct ssm_put_parameter_request in = {
        .name = str_c(name), .value = str_c(value), .overwrite = true, .has_overwrite = true};
    return put_in(f, &in);
}

static int get_as(struct fixture *f, const struct aws_target *t, const char *name, bool decrypt,
                  struct ssm_parameter *ret) {
    struct ssm_get_parameter_request in = {
        .name = str_c(name), .with_decryption = decrypt, .has_with_decryption = true};
    struct ssm_get_parameter_result out;
    if (ssm_call_get_parameter(t, &f->arena, &in, &out, &f->err) < 0) {
        return -1;
    }
    *ret = *out.parameter;
    return 0;
}

static int get(struct fixture *f, const char *name, struct ssm_parameter *ret) {
    return get_as(f, &f->admin, name, true, ret);
}

static void test_versions_and_labels_are_reached_by_selectors(void **state) {
    struct fixture *f = *state;
    struct ssm_parameter p = {0};
    assert_int_equal(put(f, "/app/url", "String", "one"), 1);
    assert_int_equal(overwrite(f, "/app/url", "two"), 2);
    assert_done(f, get(f, "/app/url", &p));
    assert_true(str_is(p.value, "two"));
    assert_true(p.selector.p == NULL);
    assert_done(f, get(f, "/app/url:1", &p));
    assert_true(str_is(p.value, "one"));
    assert_true(str_is(p.selector, ":1"));
    assert_true(str_is(p.name, "/app/url"));
    struct str labels[] = {S("prod"), S("9bad")};
    struct ssm_label_parameter_version_request in = {.name = S("/app/url"),
                                                     .parameter_version = 1,
                                                     .has_parameter_version = true,
                                                     .labels = {labels, 2}};
    struct ssm_label_parameter_version_result out;
    assert_done(f, ssm_call_label_parameter_version(&f->admin, &f->arena, &in, &out, &f->err));
    assert_int_equal(out.invalid_labels.n, 1);
    assert_done(f, get(f, "/app/url:prod", &p));
    assert_true(str_is(p.value, "one"));
    assert_refused(f, get(f, "/app/url:7", &p), "ParameterVersionNotFound");
    assert_string_equal(f->err.msg, "Systems Manager could not find version 7 of /app/url. Verify "
                                    "the version and try again.");
    assert_refused(f, get(f, "/app/none", &p), "ParameterNotFound");
}

static void test_an_arn_names_a_parameter_with_or_without_levels(void **state) {
    struct fixture *f = *state;
    struct ssm_parameter p = {0};
    put(f, "/app/url", "String", "one");
    put(f, "plain", "String", "two");
    put(f, "/slashed", "String", "three");
    assert_done(f, get(f, "arn:aws:ssm:eu-west-2:111111111111:parameter/app/url", &p));
    assert_true(str_is(p.value, "one"));
    assert_done(f, get(f, "arn:aws:ssm:eu-west-2:111111111111:parameter/plain", &p));
    assert_true(str_is(p.value, "two"));
    assert_done(f, get(f, "arn:aws:ssm:eu-west-2:111111111111:parameter/slashed:1", &p));
    assert_true(str_is(p.value, "three"));
    assert_true(str_is(p.arn, "arn:aws:ssm:eu-west-2:111111111111:parameter/slashed"));
}

static void test_secure_values_are_never_in_the_store_and_come_back(void **state) {
    struct fixture *f = *state;
    struct ssm_parameter p = {0};
    int64_t found = 1;
    put(f, "/app/key", "SecureString", "very secret text");
    assert_done(f, db_begin(f->db, &f->err));
    assert_int_equal(db_get_i64(f->db, &found, &f->err,
                                "SELECT count(*) FROM ssm_version WHERE instr(value, ?) > 0", "b",
                                S("very secret")),
                     1);
    db_rollback(f->db);
    assert_int_equal(found, 0);
    assert_done(f, get_as(f, &f->admin, "/app/key", true, &p));
    assert_true(str_is(p.value, "very secret text"));
    assert_done(f, get_as(f, &f->admin, "/app/key", false, &p));
    assert_true(str_find(p.value, S("secret"), 0) == (size_t)-1);
}

static void test_a_large_secure_value_needs_the_advanced_tier(void **state) {
    struct fixture *f = *state;
    struct ssm_parameter p = {0};
    char *big = arena_alloc(&f->arena, 6000);
    memset(big, 'x', 5999);
    assert_refused(f, put(f, "/big", "SecureString", big), "ValidationException");
    assert_non_null(strstr(f->err.msg, "Standard tier parameters support a maximum parameter value "
                                       "of 4096 characters."));
    struct ssm_put_parameter_request in = {.name = S("/big"),
                                           .type = S("SecureString"),
                                           .value = str_c(big),
                                           .tier = S("Intelligent-Tiering")};
    assert_int_equal(put_in(f, &in), 1);
    assert_done(f, get(f, "/big", &p));
    assert_true(str_is(p.value, big));
    in.tier = S("Standard");
    in.overwrite = true;
    in.value = S("small");
    assert_refused(f, put_in(f, &in), "ValidationException");
}

static void test_a_role_reads_secrets_by_the_default_key_without_rights_on_it(void **state) {
    struct fixture *f = *state;
    struct ssm_parameter p = {0};
    put(f, "/app/key", "SecureString", "hidden");
    put(f, "/app/other", "String", "x");
    struct iam_create_role_request role = {
        .role_name = S("reader"),
        .assume_role_policy_document =
            S("{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\",\"Action\":"
              "\"sts:AssumeRole\",\"Principal\":{\"AWS\":\"111111111111\"}}}")};
    struct iam_create_role_response created;
    struct iam_put_role_policy_request policy = {
        S("reader"), S("read"),
        S("{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\",\"Action\":"
          "\"ssm:GetParameter\",\"Resource\":"
          "\"arn:aws:ssm:eu-west-2:111111111111:parameter/app/key\"}}")};
    struct iam_put_role_policy_output attached;
    struct sts_assume_role_request assume = {.role_arn = S("arn:aws:iam::111111111111:role/reader"),
                                             .role_session_name = S("me")};
    struct sts_assume_role_response session;
    assert_done(f, iam_call_create_role(&f->admin, &f->arena, &role, &created, &f->err));
    assert_done(f, iam_call_put_role_policy(&f->admin, &f->arena, &policy, &attached, &f->err));
    assert_done(f, sts_call_assume_role(&f->admin, &f->arena, &assume, &session, &f->err));
    struct aws_target reader = fixture_key(f, session.credentials->access_key_id);
    assert_done(f, get_as(f, &reader, "/app/key", true, &p));
    assert_true(str_is(p.value, "hidden"));
    assert_done(f, get_as(f, &reader, "/app/key:1", true, &p)); /* the selector is no resource */
    assert_int_equal(get_as(f, &reader, "/app/other", true, &p), -1);
    assert_non_null(strstr(f->err.msg, "is not authorized to perform: ssm:GetParameter on "
                                       "resource: "
                                       "arn:aws:ssm:eu-west-2:111111111111:parameter/app/other"));
}

static void test_get_parameters_tells_the_names_that_it_does_not_know(void **state) {
    struct fixture *f = *state;
    put(f, "/a", "String", "1");
    put(f, "/b", "String", "2");
    struct str names[] = {S("/a"), S("/none"), S("/b:1"), S("/b:9")};
    struct ssm_get_parameters_request in = {.names = {names, 4}};
    struct ssm_get_parameters_result out;
    assert_done(f, ssm_call_get_parameters(&f->admin, &f->arena, &in, &out, &f->err));
    assert_int_equal(out.parameters.n, 2);
    assert_int_equal(out.invalid_parameters.n, 2);
    assert_true(str_is(out.invalid_parameters.v[0], "/none"));
    assert_true(str_is(out.invalid_parameters.v[1], "/b:9"));
}

static size_t by_path(struct fixture *f, const char *path, bool recursive, size_t *ret_pages) {
    struct ssm_get_parameters_by_path_request in = {.path = str_c(path),
                                                    .recursive = recursive,
                                                    .has_recursive = true,
                                                    .max_results = 2,
                                                    .has_max_results = true};
    struct ssm_get_parameters_by_path_result out;
    size_t n = 0;
    *ret_pages = 0;
    do {
        assert_done(f, ssm_call_get_parameters_by_path(&f->admin, &f->arena, &in, &out, &f->err));
        assert_true(out.parameters.n <= 2);
        n += out.parameters.n;
        (*ret_pages)++;
        in.next_token = out.next_token;
    } while (out.next_token.p != NULL);
    return n;
}

static void test_paths_are_levels_and_not_prefixes(void **state) {
    struct fixture *f = *state;
    size_t pages = 0;
    const char *names[] = {"/app/a", "/app/b", "/app/x/c", "/application/d", "/app.e", "plain"};
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(put(f, names[i], "String", "v"), 1);
    }
    assert_int_equal(by_path(f, "/app", false, &pages), 2);
    assert_int_equal(pages, 1); /* a full last page has no token */
    assert_int_equal(by_path(f, "/app/", true, &pages), 3);
    assert_int_equal(pages, 2);
    assert_int_equal(by_path(f, "/", true, &pages), 6);
    assert_int_equal(by_path(f, "/", false, &pages), 2);
    struct ssm_get_parameters_by_path_request in = {.path = S("app")};
    struct ssm_get_parameters_by_path_result out;
    assert_refused(f, ssm_call_get_parameters_by_path(&f->admin, &f->arena, &in, &out, &f->err),
                   "ValidationException");
    in.path = S("/app");
    in.next_token = S("AAAA");
    assert_refused(f, ssm_call_get_parameters_by_path(&f->admin, &f->arena, &in, &out, &f->err),
                   "InvalidNextToken");
}

static void test_names_are_checked_in_ssms_words(void **state) {
    struct fixture *f = *state;
    assert_refused(f, put(f, "/aws/x", "String", "v"), "AccessDeniedException");
    assert_string_equal(f->err.msg, "No access to reserved parameter name: /aws/x");
    assert_refused(f, put(f, "/SSM/x", "String", "v"), "ValidationException");
    assert_non_null(
        strstr(f->err.msg, "Parameter name: can't be prefixed with \"ssm\" (case-insensitive)"));
    assert_refused(f, put(f, "a/b", "String", "v"), "ValidationException");
    assert_string_equal(f->err.msg, "Parameter name must be a fully qualified name.");
    assert_refused(f, put(f, "/a b", "String", "v"), "ValidationException");
    assert_refused(f, put(f, "/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16", "String", "v"),
                   "HierarchyLevelLimitExceededException");
    assert_refused(f, put(f, "/a", "Text", "v"), "UnsupportedParameterType");
    assert_int_equal(put(f, "/a", "String", "v"), 1);
    assert_refused(f, put(f, "/a", "String", "v"), "ParameterAlreadyExists");
    assert_refused(f, overwrite(f, "/new", "v"), "ValidationException");
    assert_string_equal(f->err.msg, "A parameter type is required when you create a parameter.");
}

static void test_a_value_has_to_match_its_pattern_also_later(void **state) {
    struct fixture *f = *state;
    struct ssm_put_parameter_request in = {.name = S("/port"),
                                           .type = S("String"),
                                           .value = S("80a"),
                                           .allowed_pattern = S("^\\d{1,5}$")};
    assert_refused(f, put_in(f, &in), "ParameterPatternMismatchException");
    in.value = S("8080");
    assert_int_equal(put_in(f, &in), 1);
    assert_refused(f, overwrite(f, "/port", "http"), "ParameterPatternMismatchException");
    in = (struct ssm_put_parameter_request){.name = S("/x"), .type = S("String"), .value = S("v")};
    static const char *const bad[] = {"(", "(a{1000}){1000}", "(a)\\1", "(?=a)b"};
    for (size_t i = 0; i < 4; i++) {
        in.allowed_pattern = str_c(bad[i]);
        assert_refused(f, put_in(f, &in), "InvalidAllowedPatternException");
    }
}

static void test_the_oldest_version_goes_unless_a_label_holds_it(void **state) {
    struct fixture *f = *state;
    struct ssm_parameter p = {0};
    put(f, "/n", "String", "first");
    for (int i = 2; i <= 100; i++) {
        assert_int_equal(overwrite(f, "/n", "next"), i);
    }
    struct str label = S("keep");
    struct ssm_label_parameter_version_request in = {.name = S("/n"),
                                                     .parameter_version = 1,
                                                     .has_parameter_version = true,
                                                     .labels = {&label, 1}};
    struct ssm_label_parameter_version_result out;
    assert_done(f, ssm_call_label_parameter_version(&f->admin, &f->arena, &in, &out, &f->err));
    assert_refused(f, overwrite(f, "/n", "one more"), "ParameterMaxVersionLimitExceeded");
    in.parameter_version = 2;
    assert_done(f, ssm_call_label_parameter_version(&f->admin, &f->arena, &in, &out, &f->err));
    assert_int_equal(overwrite(f, "/n", "one more"), 101);
    assert_refused(f, get(f, "/n:1", &p), "ParameterVersionNotFound");
}

static void test_metadata_is_filtered_and_shows_no_values(void **state) {
    struct fixture *f = *state;
    struct ssm_tag tag = {S("team"), S("logging")};
    struct ssm_put_parameter_request in = {.name = S("/app/a"),
                                           .type = S("SecureString"),
                                           .value = S("v"),
                                           .allowed_pattern = S(""),
                                           .tags = {&tag, 1}};
    assert_int_equal(put_in(f, &in), 1);
    put(f, "/app/b", "String", "v");
    put(f, "/application", "String", "v");
    put(f, "/application/c", "String", "v"); /* "/app" is a level, not a prefix */
    put(f, "/other", "String", "v");
    struct str value = S("/app/a");
    struct ssm_parameter_string_filter filter = {S("Name"), S("Equals"), {&value, 1}};
    struct ssm_describe_parameters_request d = {.parameter_filters = {&filter, 1}};
    struct ssm_describe_parameters_result out;
    assert_done(f, ssm_call_describe_parameters(&f->admin, &f->arena, &d, &out, &f->err));
    assert_int_equal(out.parameters.n, 1);
    assert_true(str_is(out.parameters.v[0].key_id, "alias/aws/ssm"));
    assert_true(out.parameters.v[0].allowed_pattern.p == NULL);
    filter = (struct ssm_parameter_string_filter){S("tag:team"), STR_NONE, {&tag.value, 1}};
    assert_done(f, ssm_call_describe_parameters(&f->admin, &f->arena, &d, &out, &f->err));
    assert_int_equal(out.parameters.n, 1);
    value = S("/app");
    filter = (struct ssm_parameter_string_filter){S("Path"), S("Recursive"), {&value, 1}};
    assert_done(f, ssm_call_describe_parameters(&f->admin, &f->arena, &d, &out, &f->err));
    assert_int_equal(out.parameters.n, 2);
    filter.key = S("Color");
    assert_refused(f, ssm_call_describe_parameters(&f->admin, &f->arena, &d, &out, &f->err),
                   "InvalidFilterKey");
}

static void test_an_expired_parameter_is_deleted_but_not_its_newer_version(void **state) {
    struct fixture *f = *state;
    struct service_env env = {.db = f->db, .clock = &f->clock, .rng = &rng_system};
    struct queue_kind kinds[SSM_KINDS];
    struct queue *q = NULL;
    struct ssm_parameter p = {0};
    ssm_queue_kinds(&env, kinds);
    assert_done(f, queue_open(f->db, &f->clock, kinds, SSM_KINDS, &q, &f->err));
    struct str when = time_iso(&f->arena, f->time.now_ms + 60000);
    struct ssm_put_parameter_request in = {
        .name = S("/old"),
        .type = S("String"),
        .value = S("v"),
        .tier = S("Advanced"),
        .policies = str_printf(&f->arena,
                               "[{\"Type\":\"Expiration\",\"Version\":\"1.0\",\"Attributes\":{"
                               "\"Timestamp\":\"" STR_FMT "\"}}]",
                               STR_ARG(when))};
    assert_int_equal(put_in(f, &in), 1);
    in.name = S("/renewed");
    assert_int_equal(put_in(f, &in), 1);
    in.overwrite = true;
    in.policies = S("[]");
    assert_int_equal(put_in(f, &in), 2);
    queue_run_due(q);
    assert_done(f, get(f, "/old", &p));
    f->time.now_ms += 60000;
    queue_run_due(q);
    assert_refused(f, get(f, "/old", &p), "ParameterNotFound");
    assert_done(f, get(f, "/renewed", &p));
    queue_stop(q);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_versions_and_labels_are_reached_by_selectors),
        TEST(test_an_arn_names_a_parameter_with_or_without_levels),
        TEST(test_secure_values_are_never_in_the_store_and_come_back),
        TEST(test_a_large_secure_value_needs_the_advanced_tier),
        TEST(test_a_role_reads_secrets_by_the_default_key_without_rights_on_it),
        TEST(test_get_parameters_tells_the_names_that_it_does_not_know),
        TEST(test_paths_are_levels_and_not_prefixes),
        TEST(test_names_are_checked_in_ssms_words),
        TEST(test_a_value_has_to_match_its_pattern_also_later),
        TEST(test_the_oldest_version_goes_unless_a_label_holds_it),
        TEST(test_metadata_is_filtered_and_shows_no_values),
        TEST(test_an_expired_parameter_is_deleted_but_not_its_newer_version),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
