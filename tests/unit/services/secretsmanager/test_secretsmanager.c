/* Secrets Manager as clients see it. */
#include "../fixture.h"

#include "gen/iam.h"
#include "gen/sts.h"
#include "services/secretsmanager/sm.h"

#define TOKEN1 "11111111-1111-1111-1111-111111111111"
#define TOKEN2 "22222222-2222-2222-2222-222222222222"
#define TOKEN3 "33333333-3333-3333-3333-333333333333"

static int create(struct fixture *f, const char *name, const char *token, const char *value,
                  struct str *ret_arn) {
    struct secretsmanager_create_secret_request in = {
        .name = str_c(name), .client_request_token = str_c(token), .secret_string = str_c(value)};
    struct secretsmanager_create_secret_response out = {0};
    int result = secretsmanager_call_create_secret(&f->admin, &f->arena, &in, &out, &f->err);
    *ret_arn = out.arn;
    return result;
}

static int put(struct fixture *f, const char *id, const char *token, const char *value,
               const char *stage, struct secretsmanager_put_secret_value_response *ret) {
    struct str one = str_c(stage);
    struct secretsmanager_put_secret_value_request in = {.secret_id = str_c(id),
                                                         .client_request_token = str_c(token),
                                                         .secret_string = str_c(value),
                                                         .version_stages = {&one, stage != NULL}};
    return secretsmanager_call_put_secret_value(&f->admin, &f->arena, &in, ret, &f->err);
}

static int get_as(struct fixture *f, const struct aws_target *t, struct str id, const char *version,
                  const char *stage, struct secretsmanager_get_secret_value_response *ret) {
    struct secretsmanager_get_secret_value_request in = {
        .secret_id = id, .version_id = str_c(version), .version_stage = str_c(stage)};
    return secretsmanager_call_get_secret_value(t, &f->arena, &in, ret, &f->err);
}

static struct str value_of(struct fixture *f, const char *id, const char *stage) {
    struct secretsmanager_get_secret_value_response out;
    assert_done(f, get_as(f, &f->admin, str_c(id), NULL, stage, &out));
    return out.secret_string;
}

static void test_current_moves_and_previous_follows(void **state) {
    struct fixture *f = *state;
    struct str arn = STR_NONE;
    struct secretsmanager_put_secret_value_response out;
    assert_done(f, create(f, "app/db", TOKEN1, "one", &arn));
    assert_true(str_starts(arn, S("arn:aws:secretsmanager:eu-west-2:111111111111:secret:app/db-")));
    assert_int_equal(arn.n,
                     strlen("arn:aws:secretsmanager:eu-west-2:111111111111:secret:app/db") + 7);
    assert_done(f, put(f, "app/db", TOKEN2, "two", NULL, &out));
    assert_true(str_is(value_of(f, "app/db", "AWSCURRENT"), "two"));
    assert_true(str_is(value_of(f, "app/db", "AWSPREVIOUS"), "one"));
    assert_done(f, put(f, "app/db", TOKEN3, "three", "AWSPENDING", &out));
    assert_true(str_is(value_of(f, "app/db", "AWSCURRENT"), "two"));
    assert_true(str_is(value_of(f, "app/db", "AWSPENDING"), "three"));

    /* Rotation's last step. */
    struct secretsmanager_update_secret_version_stage_request move = {
        .secret_id = S("app/db"),
        .version_stage = S("AWSCURRENT"),
        .move_to_version_id = S(TOKEN3)};
    struct secretsmanager_update_secret_version_stage_response moved;
    assert_refused(f,
                   secretsmanager_call_update_secret_version_stage(&f->admin, &f->arena, &move,
                                                                   &moved, &f->err),
                   "InvalidParameterException");
    assert_non_null(strstr(f->err.msg, "currently attached to version " TOKEN2));
    move.remove_from_version_id = S(TOKEN2);
    assert_done(f, secretsmanager_call_update_secret_version_stage(&f->admin, &f->arena, &move,
                                                                   &moved, &f->err));
    assert_true(str_is(value_of(f, "app/db", NULL), "three"));
    assert_true(str_is(value_of(f, "app/db", "AWSPREVIOUS"), "two"));
    move.move_to_version_id = STR_NONE;
    move.remove_from_version_id = S(TOKEN3);
    assert_refused(f,
                   secretsmanager_call_update_secret_version_stage(&f->admin, &f->arena, &move,
                                                                   &moved, &f->err),
                   "InvalidParameterException");
    assert_non_null(strstr(f->err.msg, "You can only move staging label AWSCURRENT"));
}

static void test_a_token_makes_one_version(void **state) {
    struct fixture *f = *state;
    struct str arn = STR_NONE, again = STR_NONE;
    struct secretsmanager_put_secret_value_response out;
    assert_done(f, create(f, "s", TOKEN1, "one", &arn));
    assert_done(f, create(f, "s", TOKEN1, "one", &again));
    assert_true(str_eq(arn, again));
    assert_refused(f, create(f, "s", TOKEN1, "two", &again), "ResourceExistsException");
    assert_non_null(strstr(f->err.msg, "already in use for a version of secret arn:"));
    assert_refused(f, create(f, "s", TOKEN2, "one", &again), "ResourceExistsException");
    assert_string_equal(f->err.msg, "The operation failed because the secret s already exists.");
    assert_done(f, put(f, "s", TOKEN2, "two", NULL, &out));
    assert_done(f, put(f, "s", TOKEN2, "two", NULL, &out));
    assert_true(str_is(out.version_id, TOKEN2));
    assert_refused(f, put(f, "s", TOKEN2, "else", NULL, &out), "ResourceExistsException");

    struct secretsmanager_update_secret_request in = {
        .secret_id = S("s"), .client_request_token = S(TOKEN2), .secret_string = S("two")};
    struct secretsmanager_update_secret_response updated;
    assert_refused(f,
                   secretsmanager_call_update_secret(&f->admin, &f->arena, &in, &updated, &f->err),
                   "ResourceExistsException");
    in.client_request_token = S(TOKEN3);
    in.description = S("now described");
    in.secret_string = S("three");
    assert_done(f, secretsmanager_call_update_secret(&f->admin, &f->arena, &in, &updated, &f->err));
    assert_true(str_is(value_of(f, "s", NULL), "three"));
    assert_true(str_is(value_of(f, "s", "AWSPREVIOUS"), "two"));
}

static void test_a_secret_is_found_by_name_and_by_full_and_partial_arn(void **state) {
    struct fixture *f = *state;
    struct str arn = STR_NONE, other = STR_NONE;
    struct secretsmanager_get_secret_value_response out;
    assert_done(f, create(f, "app/db", TOKEN1, "one", &arn));
    /* A name that looks like the other's ARN. */
    struct str shadow =
        str_sub(arn, strlen("arn:aws:secretsmanager:eu-west-2:111111111111:secret:"), arn.n);
    assert_done(f, create(f, str_z(&f->arena, shadow), TOKEN2, "shadow", &other));
    assert_done(f, get_as(f, &f->admin, arn, NULL, NULL, &out));
    assert_true(str_is(out.secret_string, "one"));
    assert_done(f, get_as(f, &f->admin, shadow, NULL, NULL, &out));
    assert_true(str_is(out.secret_string, "shadow"));
    assert_done(f, get_as(f, &f->admin, str_sub(arn, 0, arn.n - SM_SUFFIX), NULL, NULL, &out));
    assert_true(str_is(out.secret_string, "one"));
    assert_refused(f, get_as(f, &f->admin, str_sub(arn, 0, arn.n - 1), NULL, NULL, &out),
                   "ResourceNotFoundException");
    assert_string_equal(f->err.msg, "Secrets Manager can't find the specified secret.");
}

static void test_which_version_is_missing_is_said_as_aws_says_it(void **state) {
    struct fixture *f = *state;
    struct str arn = STR_NONE;
    struct secretsmanager_get_secret_value_response out;
    struct secretsmanager_put_secret_value_response ignored;
    assert_done(f, create(f, "empty", NULL, NULL, &arn));
    assert_refused(f, get_as(f, &f->admin, S("empty"), NULL, NULL, &out),
                   "ResourceNotFoundException");
    assert_string_equal(f->err.msg, "Secrets Manager can't find the specified secret value for "
                                    "staging label: AWSCURRENT");
    assert_refused(f, get_as(f, &f->admin, S("empty"), TOKEN1, NULL, &out),
                   "ResourceNotFoundException");
    assert_string_equal(
        f->err.msg, "Secrets Manager can't find the specified secret value for VersionId: " TOKEN1);
    /* The first version is current, whatever its labels. */
    assert_done(f, put(f, "empty", TOKEN1, "one", "MINE", &ignored));
    assert_int_equal(ignored.version_stages.n, 2);
    assert_true(str_is(value_of(f, "empty", NULL), "one"));
    assert_done(f, put(f, "empty", TOKEN2, "two", NULL, &ignored));
    assert_refused(f, get_as(f, &f->admin, S("empty"), TOKEN2, "MINE", &out),
                   "InvalidRequestException");
    assert_string_equal(
        f->err.msg,
        "You provided a VersionStage that is not associated to the provided VersionId.");
}

static void test_a_deleted_secret_comes_back_within_its_window(void **state) {
    struct fixture *f = *state;
    struct service_env env = {.db = f->db, .clock = &f->clock};
    struct queue_kind kinds[SECRETSMANAGER_KINDS];
    struct queue *q = NULL;
    secretsmanager_queue_kinds(&env, kinds);
    assert_done(f, queue_open(f->db, &f->clock, kinds, SECRETSMANAGER_KINDS, &q, &f->err));
    struct str arn = STR_NONE;
    struct secretsmanager_get_secret_value_response out;
    struct secretsmanager_delete_secret_response deleted;
    struct secretsmanager_restore_secret_response restored;
    struct secretsmanager_restore_secret_request restore = {.secret_id = S("s")};
    struct secretsmanager_delete_secret_request in = {
        .secret_id = S("s"), .recovery_window_in_days = 6, .has_recovery_window_in_days = true};
    assert_done(f, create(f, "s", TOKEN1, "one", &arn));
    assert_refused(f,
                   secretsmanager_call_delete_secret(&f->admin, &f->arena, &in, &deleted, &f->err),
                   "InvalidParameterException");
    in.recovery_window_in_days = 31;
    assert_refused(f,
                   secretsmanager_call_delete_secret(&f->admin, &f->arena, &in, &deleted, &f->err),
                   "InvalidParameterException");
    in.recovery_window_in_days = 7;
    assert_done(f, secretsmanager_call_delete_secret(&f->admin, &f->arena, &in, &deleted, &f->err));
    assert_true(deleted.deletion_date == f->time.now_ms + 7 * SM_DAY_MS);
    assert_refused(f, get_as(f, &f->admin, S("s"), NULL, NULL, &out), "InvalidRequestException");
    assert_refused(f, create(f, "s", TOKEN2, "two", &arn), "InvalidRequestException");
    assert_done(
        f, secretsmanager_call_restore_secret(&f->admin, &f->arena, &restore, &restored, &f->err));
    f->time.now_ms += 8 * SM_DAY_MS;
    queue_run_due(q);
    assert_true(str_is(value_of(f, "s", NULL), "one"));
    assert_done(f, secretsmanager_call_delete_secret(&f->admin, &f->arena, &in, &deleted, &f->err));
    f->time.now_ms += 7 * SM_DAY_MS;
    queue_run_due(q);
    assert_refused(f, get_as(f, &f->admin, S("s"), NULL, NULL, &out), "ResourceNotFoundException");
    assert_done(f, create(f, "s", TOKEN2, "new", &arn));
    queue_stop(q);
}

static void test_force_takes_a_secret_at_once_and_never_fails(void **state) {
    struct fixture *f = *state;
    struct str arn = STR_NONE;
    struct secretsmanager_delete_secret_response out;
    struct secretsmanager_delete_secret_request in = {.secret_id = S("s"),
                                                      .force_delete_without_recovery = true,
                                                      .has_force_delete_without_recovery = true};
    assert_done(f, secretsmanager_call_delete_secret(&f->admin, &f->arena, &in, &out, &f->err));
    assert_true(str_is(out.name, "s"));
    assert_done(f, create(f, "s", TOKEN1, "one", &arn));
    assert_done(f, secretsmanager_call_delete_secret(&f->admin, &f->arena, &in, &out, &f->err));
    assert_true(str_eq(out.arn, arn));
    assert_done(f, create(f, "s", TOKEN1, "one", &arn));
    in.has_recovery_window_in_days = true;
    in.recovery_window_in_days = 7;
    assert_refused(f, secretsmanager_call_delete_secret(&f->admin, &f->arena, &in, &out, &f->err),
                   "InvalidParameterException");
}

static void count_rows(struct fixture *f, const char *sql, struct str value, int64_t *ret) {
    assert_done(f, db_begin(f->db, &f->err));
    assert_int_equal(db_get_i64(f->db, ret, &f->err, sql, "b", value), 1);
    db_rollback(f->db);
}

static void test_values_are_never_in_the_store(void **state) {
    struct fixture *f = *state;
    struct str arn = STR_NONE;
    int64_t n = 0;
    assert_done(f, create(f, "s", TOKEN1, "correct horse battery", &arn));
    count_rows(f, "SELECT count(*) FROM sm_version WHERE instr(sealed, ?) > 0",
               S("correct horse battery"), &n);
    assert_int_equal(n, 0);
    count_rows(f, "SELECT count(*) FROM sm_version WHERE sealed <> ?", S(""), &n);
    assert_int_equal(n, 1);
}

static void test_binary_values_of_any_bytes_come_back(void **state) {
    struct fixture *f = *state;
    struct str blob = str_n("\0\x01\xff\xfe\n\0", 6);
    struct secretsmanager_create_secret_request in = {.name = S("b"), .secret_binary = blob};
    struct secretsmanager_create_secret_response made;
    struct secretsmanager_get_secret_value_response out;
    assert_done(f, secretsmanager_call_create_secret(&f->admin, &f->arena, &in, &made, &f->err));
    assert_int_equal(made.version_id.n, 36);
    assert_done(f, get_as(f, &f->admin, S("b"), NULL, NULL, &out));
    assert_true(str_eq(out.secret_binary, blob));
    assert_null(out.secret_string.p);
    in.name = S("both");
    in.secret_string = S("text");
    assert_refused(f, secretsmanager_call_create_secret(&f->admin, &f->arena, &in, &made, &f->err),
                   "InvalidParameterException");
}

static void test_old_versions_without_a_label_go_after_a_day(void **state) {
    struct fixture *f = *state;
    struct str arn = STR_NONE;
    struct secretsmanager_put_secret_value_response out;
    int64_t n = 0;
    assert_done(f, create(f, "s", TOKEN1, "one", &arn));
    for (int i = 0; i < SM_VERSIONS_KEPT + 10; i++) {
        struct str token = str_printf(&f->arena, "token-%032d", i);
        assert_done(f, put(f, "s", str_z(&f->arena, token), "value", NULL, &out));
    }
    count_rows(f, "SELECT count(*) FROM sm_version WHERE arn = CAST(? AS TEXT)", arn, &n);
    assert_int_equal(n, SM_VERSIONS_KEPT + 11);
    f->time.now_ms += SM_DAY_MS + 1;
    assert_done(f, put(f, "s", TOKEN2, "last", NULL, &out));
    count_rows(f, "SELECT count(*) FROM sm_version WHERE arn = CAST(? AS TEXT)", arn, &n);
    assert_int_equal(n, SM_VERSIONS_KEPT);
    struct secretsmanager_list_secret_version_ids_request in = {.secret_id = S("s")};
    struct secretsmanager_list_secret_version_ids_response list;
    assert_done(
        f, secretsmanager_call_list_secret_version_ids(&f->admin, &f->arena, &in, &list, &f->err));
    assert_int_equal(list.versions.n, 2);
    assert_true(str_is(list.versions.v[0].version_id, TOKEN2));
    in.include_deprecated = in.has_include_deprecated = true;
    in.max_results = 60;
    in.has_max_results = true;
    assert_done(
        f, secretsmanager_call_list_secret_version_ids(&f->admin, &f->arena, &in, &list, &f->err));
    assert_int_equal(list.versions.n, 60);
    in.next_token = list.next_token;
    assert_done(
        f, secretsmanager_call_list_secret_version_ids(&f->admin, &f->arena, &in, &list, &f->err));
    assert_int_equal(list.versions.n, 40);
    assert_null(list.next_token.p);
}

static size_t listed(struct fixture *f, const char *key, const char *value) {
    struct str one = str_c(value);
    struct secretsmanager_filter filter = {str_c(key), {&one, 1}};
    struct secretsmanager_list_secrets_request in = {.filters = {&filter, 1}};
    struct secretsmanager_list_secrets_response out;
    assert_done(f, secretsmanager_call_list_secrets(&f->admin, &f->arena, &in, &out, &f->err));
    return out.secret_list.n;
}

static void test_lists_are_filtered_as_each_key_says(void **state) {
    struct fixture *f = *state;
    struct secretsmanager_tag tag = {S("Team"), S("Platform")};
    struct secretsmanager_create_secret_request in = {
        .name = S("App/One"), .description = S("The database password"), .tags = {&tag, 1}};
    struct secretsmanager_create_secret_response made;
    struct str arn = STR_NONE;
    assert_done(f, secretsmanager_call_create_secret(&f->admin, &f->arena, &in, &made, &f->err));
    assert_done(f, create(f, "other", TOKEN1, "x", &arn));
    assert_int_equal(listed(f, "name", "App"), 1);
    assert_int_equal(listed(f, "name", "app"), 0);
    assert_int_equal(listed(f, "name", "!App"), 1);
    assert_int_equal(listed(f, "description", "the DATA"), 1);
    assert_int_equal(listed(f, "tag-key", "Te"), 1);
    assert_int_equal(listed(f, "tag-key", "te"), 0);
    assert_int_equal(listed(f, "tag-value", "Plat"), 1);
    assert_int_equal(listed(f, "all", "password platform"), 1);
    assert_int_equal(listed(f, "all", "password elsewhere"), 0);
    assert_int_equal(listed(f, "primary-region", "eu"), 0);
}

static struct aws_target role(struct fixture *f, const char *account, const char *policy) {
    struct aws_target root = fixture_root(f, account);
    struct str trust = str_printf(
        &f->arena,
        "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":"
        "\"arn:aws:iam::%s:root\"},\"Action\":\"sts:AssumeRole\"}]}",
        account);
    struct iam_create_role_request in = {.role_name = S("reader"),
                                         .assume_role_policy_document = trust};
    struct iam_create_role_response made;
    struct iam_put_role_policy_request put_in = {
        .role_name = S("reader"), .policy_name = S("p"), .policy_document = str_c(policy)};
    struct iam_put_role_policy_output ignored;
    struct sts_assume_role_request assume = {
        .role_arn = str_printf(&f->arena, "arn:aws:iam::%s:role/reader", account),
        .role_session_name = S("session")};
    struct sts_assume_role_response keys;
    assert_done(f, iam_call_create_role(&root, &f->arena, &in, &made, &f->err));
    assert_done(f, iam_call_put_role_policy(&root, &f->arena, &put_in, &ignored, &f->err));
    assert_done(f, sts_call_assume_role(&root, &f->arena, &assume, &keys, &f->err));
    return fixture_key(f, keys.credentials->access_key_id);
}

static void test_policies_name_the_whole_arn_however_the_secret_is_asked_for(void **state) {
    struct fixture *f = *state;
    struct str arn = STR_NONE;
    struct secretsmanager_get_secret_value_response out;
    struct aws_target t =
        role(f, "111111111111",
             "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":"
             "\"secretsmanager:GetSecretValue\",\"Resource\":\"arn:aws:secretsmanager:eu-west-2:"
             "111111111111:secret:app/db-??????\"}]}");
    assert_done(f, create(f, "app/db", TOKEN1, "one", &arn));
    assert_done(f, create(f, "app/db-old", TOKEN1, "old", &arn));
    assert_done(f, get_as(f, &t, S("app/db"), NULL, NULL, &out));
    assert_true(str_is(out.secret_string, "one"));
    assert_refused(f, get_as(f, &t, S("app/db-old"), NULL, NULL, &out), "AccessDeniedException");

    /* A batch holds the refusals beside what was found. */
    struct str ids[] = {S("app/db"), S("app/missing")};
    struct secretsmanager_batch_get_secret_value_request in = {.secret_id_list = {ids, 2}};
    struct secretsmanager_batch_get_secret_value_response got;
    assert_refused(f, secretsmanager_call_batch_get_secret_value(&t, &f->arena, &in, &got, &f->err),
                   "AccessDeniedException");
    assert_done(
        f, secretsmanager_call_batch_get_secret_value(&f->admin, &f->arena, &in, &got, &f->err));
    assert_int_equal(got.secret_values.n, 1);
    assert_int_equal(got.errors.n, 1);
    assert_true(str_is(got.errors.v[0].error_code, "ResourceNotFoundException"));
    assert_true(str_is(got.errors.v[0].secret_id, "app/missing"));
}

static int put_policy(struct fixture *f, const char *policy, bool block) {
    struct secretsmanager_put_resource_policy_request in = {.secret_id = S("s"),
                                                            .resource_policy = str_c(policy),
                                                            .block_public_policy = block,
                                                            .has_block_public_policy = true};
    struct secretsmanager_put_resource_policy_response out;
    return secretsmanager_call_put_resource_policy(&f->admin, &f->arena, &in, &out, &f->err);
}

static void test_a_resource_policy_grants_and_denies(void **state) {
    struct fixture *f = *state;
    struct str arn = STR_NONE;
    struct secretsmanager_get_secret_value_response out;
    struct aws_target t =
        role(f, "111111111111",
             "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":"
             "\"secretsmanager:List*\",\"Resource\":\"*\"}]}");
    assert_done(f, create(f, "s", TOKEN1, "one", &arn));
    assert_refused(f, get_as(f, &t, S("s"), NULL, NULL, &out), "AccessDeniedException");
    assert_done(f, put_policy(f,
                              "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
                              "\"Principal\":{\"AWS\":\"arn:aws:iam::111111111111:role/reader\"},"
                              "\"Action\":\"secretsmanager:GetSecretValue\",\"Resource\":\"*\"}]}",
                              true));
    assert_done(f, get_as(f, &t, S("s"), NULL, NULL, &out));
    assert_done(f, put_policy(f,
                              "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Deny\","
                              "\"Principal\":\"*\",\"Action\":\"secretsmanager:GetSecretValue\","
                              "\"Resource\":\"*\"}]}",
                              true));
    assert_refused(f, get_as(f, &f->admin, S("s"), NULL, NULL, &out), "AccessDeniedException");
    assert_refused(f, put_policy(f, "{\"Statement\":17}", false),
                   "MalformedPolicyDocumentException");
    const char *open = "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
                       "\"Principal\":\"*\",\"Action\":\"secretsmanager:GetSecretValue\","
                       "\"Resource\":\"*\"}]}";
    assert_refused(f, put_policy(f, open, true), "PublicPolicyException");
    assert_done(f, put_policy(f, open, false));
    assert_refused(f,
                   put_policy(f,
                              "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Deny\","
                              "\"Principal\":\"*\",\"Action\":\"secretsmanager:*\","
                              "\"Resource\":\"*\"}]}",
                              false),
                   "MalformedPolicyDocumentException");
    assert_non_null(strstr(f->err.msg, "will not allow you to manage this secret"));
}

static void test_passwords_hold_what_was_asked_for(void **state) {
    struct fixture *f = *state;
    struct secretsmanager_get_random_password_response out;
    for (int i = 0; i < 50; i++) {
        struct secretsmanager_get_random_password_request in = {
            .password_length = 4,
            .has_password_length = true,
            .exclude_characters = S("abcABC019"),
            .include_space = true,
            .exclude_punctuation = true,
        };
        int lower = 0, upper = 0, digit = 0, space = 0;
        assert_done(
            f, secretsmanager_call_get_random_password(&f->admin, &f->arena, &in, &out, &f->err));
        assert_int_equal(out.random_password.n, 4);
        for (size_t k = 0; k < 4; k++) {
            char ch = out.random_password.p[k];
            lower += ch >= 'd' && ch <= 'z';
            upper += ch >= 'D' && ch <= 'Z';
            digit += ch >= '2' && ch <= '8';
            space += ch == ' ';
        }
        assert_true(lower == 1 && upper == 1 && digit == 1 && space == 1);
    }
    struct secretsmanager_get_random_password_request in = {.password_length = 3,
                                                            .has_password_length = true};
    assert_refused(
        f, secretsmanager_call_get_random_password(&f->admin, &f->arena, &in, &out, &f->err),
        "InvalidParameterException");
    struct secretsmanager_get_random_password_request plain = {.exclude_numbers = false};
    assert_done(
        f, secretsmanager_call_get_random_password(&f->admin, &f->arena, &plain, &out, &f->err));
    assert_int_equal(out.random_password.n, 32);
}

static void test_ending_a_rotation_that_is_not_there_is_no_error(void **state) {
    struct fixture *f = *state;
    struct str arn = STR_NONE;
    struct secretsmanager_cancel_rotate_secret_request in = {.secret_id = S("s")};
    struct secretsmanager_cancel_rotate_secret_response out;
    assert_done(f, create(f, "s", TOKEN1, "one", &arn));
    assert_done(f,
                secretsmanager_call_cancel_rotate_secret(&f->admin, &f->arena, &in, &out, &f->err));
    assert_true(str_eq(out.arn, arn));
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_current_moves_and_previous_follows),
        TEST(test_a_token_makes_one_version),
        TEST(test_a_secret_is_found_by_name_and_by_full_and_partial_arn),
        TEST(test_which_version_is_missing_is_said_as_aws_says_it),
        TEST(test_a_deleted_secret_comes_back_within_its_window),
        TEST(test_force_takes_a_secret_at_once_and_never_fails),
        TEST(test_values_are_never_in_the_store),
        TEST(test_binary_values_of_any_bytes_come_back),
        TEST(test_old_versions_without_a_label_go_after_a_day),
        TEST(test_lists_are_filtered_as_each_key_says),
        TEST(test_policies_name_the_whole_arn_however_the_secret_is_asked_for),
        TEST(test_a_resource_policy_grants_and_denies),
        TEST(test_passwords_hold_what_was_asked_for),
        TEST(test_ending_a_rotation_that_is_not_there_is_no_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
