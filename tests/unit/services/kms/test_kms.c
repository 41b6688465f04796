/* Keys: what they close and open, who may use them, what time does to them. */
#include "../fixture.h"

#include "services/kms/kms.h"

static struct str make_key(struct fixture *f) {
    struct kms_create_key_request in = {.description = S("logs")};
    struct kms_create_key_response out;
    assert_done(f, kms_call_create_key(&f->admin, &f->arena, &in, &out, &f->err));
    return out.key_metadata->key_id;
}

static struct str_map context_of(struct fixture *f, const char *a, const char *b) {
    struct str_map map = {NULL, 0};
    *arena_push(&f->arena, &map) = (struct str_pair){str_c(a), S("1")};
    *arena_push(&f->arena, &map) = (struct str_pair){str_c(b), S("2")};
    return map;
}

static struct str encrypt(struct fixture *f, struct str key, struct str_map context) {
    struct kms_encrypt_request in = {
        .key_id = key, .plaintext = S("secret"), .encryption_context = {context.v, context.n}};
    struct kms_encrypt_response out;
    assert_done(f, kms_call_encrypt(&f->admin, &f->arena, &in, &out, &f->err));
    return out.ciphertext_blob;
}

static int decrypt(struct fixture *f, const struct aws_target *t, struct str blob,
                   struct str_map context, struct str *ret) {
    struct kms_decrypt_request in = {.ciphertext_blob = blob,
                                     .encryption_context = {context.v, context.n}};
    struct kms_decrypt_response out;
    if (kms_call_decrypt(t, &f->arena, &in, &out, &f->err) < 0) {
        return -1;
    }
    *ret = out.plaintext;
    return 0;
}

static void test_a_ciphertext_opens_with_its_context_in_any_order_only(void **state) {
    struct fixture *f = *state;
    struct str key = make_key(f), plain = STR_NONE;
    struct str blob = encrypt(f, key, context_of(f, "a", "b"));
    assert_done(f, decrypt(f, &f->admin, blob, context_of(f, "a", "b"), &plain));
    assert_true(str_is(plain, "secret"));
    struct str_map swapped = context_of(f, "b", "a");
    swapped.v[0].value = S("2");
    swapped.v[1].value = S("1");
    assert_done(f, decrypt(f, &f->admin, blob, swapped, &plain));
    assert_refused(f, decrypt(f, &f->admin, blob, context_of(f, "a", "c"), &plain),
                   "InvalidCiphertextException");
    char *changed = arena_memdup(&f->arena, blob.p, blob.n);
    changed[blob.n - 1] ^= 1;
    assert_refused(f,
                   decrypt(f, &f->admin, str_n(changed, blob.n), context_of(f, "a", "b"), &plain),
                   "InvalidCiphertextException");
    assert_refused(f, decrypt(f, &f->admin, S("no ciphertext"), swapped, &plain),
                   "InvalidCiphertextException");
}

static void test_the_key_of_a_service_works_through_that_service_only(void **state) {
    struct fixture *f = *state;
    struct kms_encrypt_request in = {.key_id = S("alias/aws/ssm"), .plaintext = S("x")};
    struct kms_encrypt_response out;
    assert_int_equal(kms_call_encrypt(&f->admin, &f->arena, &in, &out, &f->err), -1);
    assert_int_equal(f->err.kind, ERR_DENIED);
    struct aws_principal through = *f->admin.principal;
    through.via = S("ssm.eu-west-2.amazonaws.com");
    struct aws_target t = fixture_as(f, &through);
    assert_done(f, kms_call_encrypt(&t, &f->arena, &in, &out, &f->err));
    struct str plain;
    assert_done(f, decrypt(f, &t, out.ciphertext_blob, (struct str_map){NULL, 0}, &plain));
    assert_int_equal(decrypt(f, &f->admin, out.ciphertext_blob, (struct str_map){NULL, 0}, &plain),
                     -1);
    struct kms_describe_key_request d = {.key_id = S("alias/aws/ssm")};
    struct kms_describe_key_response described;
    assert_done(f, kms_call_describe_key(&f->admin, &f->arena, &d, &described, &f->err));
    assert_true(str_is(described.key_metadata->key_manager, "AWS"));
}

static void test_without_the_key_policys_leave_identity_policies_do_not_count(void **state) {
    struct fixture *f = *state;
    struct str key = make_key(f), plain = STR_NONE;
    struct str blob = encrypt(f, key, (struct str_map){NULL, 0});
    struct kms_put_key_policy_request in = {
        .key_id = key,
        .policy = S("{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\",\"Principal\":"
                    "{\"AWS\":\"111111111111\"},\"Action\":[\"kms:Put*\",\"kms:Get*\"],"
                    "\"Resource\":\"*\"}}")};
    struct kms_put_key_policy_output out;
    assert_done(f, kms_call_put_key_policy(&f->admin, &f->arena, &in, &out, &f->err));
    assert_int_equal(decrypt(f, &f->admin, blob, (struct str_map){NULL, 0}, &plain), -1);
    assert_non_null(strstr(f->err.msg, "because no resource-based policy allows the kms:Decrypt"));
    in.policy = S("{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\",\"Principal\":"
                  "{\"AWS\":\"222222222222\"},\"Action\":\"kms:*\",\"Resource\":\"*\"}}");
    assert_refused(f, kms_call_put_key_policy(&f->admin, &f->arena, &in, &out, &f->err),
                   "MalformedPolicyDocumentException");
}

static void test_a_ciphertext_of_another_account_needs_its_keys_leave(void **state) {
    struct fixture *f = *state;
    struct str key = make_key(f), plain = STR_NONE;
    struct str blob = encrypt(f, key, (struct str_map){NULL, 0});
    struct aws_target other = fixture_root(f, "222222222222");
    assert_int_equal(decrypt(f, &other, blob, (struct str_map){NULL, 0}, &plain), -1);
    assert_int_equal(f->err.kind, ERR_DENIED);
    struct kms_put_key_policy_request in = {
        .key_id = key,
        .policy = S("{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\",\"Principal\":"
                    "{\"AWS\":[\"111111111111\",\"222222222222\"]},\"Action\":\"kms:*\","
                    "\"Resource\":\"*\"}}")};
    struct kms_put_key_policy_output out;
    assert_done(f, kms_call_put_key_policy(&f->admin, &f->arena, &in, &out, &f->err));
    assert_done(f, decrypt(f, &other, blob, (struct str_map){NULL, 0}, &plain));
    assert_true(str_is(plain, "secret"));
}

static void test_disabled_keys_and_unknown_ones_are_refused_in_kmss_words(void **state) {
    struct fixture *f = *state;
    struct str key = make_key(f), plain = STR_NONE;
    struct str blob = encrypt(f, key, (struct str_map){NULL, 0});
    struct kms_disable_key_request in = {key};
    struct kms_disable_key_output out;
    assert_done(f, kms_call_disable_key(&f->admin, &f->arena, &in, &out, &f->err));
    assert_refused(f, decrypt(f, &f->admin, blob, (struct str_map){NULL, 0}, &plain),
                   "DisabledException");
    struct kms_describe_key_request d = {.key_id = S("alias/absent")};
    struct kms_describe_key_response described;
    assert_refused(f, kms_call_describe_key(&f->admin, &f->arena, &d, &described, &f->err),
                   "NotFoundException");
    assert_string_equal(f->err.msg,
                        "Alias arn:aws:kms:eu-west-2:111111111111:alias/absent is not found.");
}

static void test_scheduled_deletion_happens_when_it_is_due_and_can_be_cancelled(void **state) {
    struct fixture *f = *state;
    struct service_env env = {.db = f->db, .clock = &f->clock, .rng = &rng_system};
    struct queue_kind kinds[KMS_KINDS];
    struct queue *q = NULL;
    kms_queue_kinds(&env, kinds);
    assert_done(f, queue_open(f->db, &f->clock, kinds, KMS_KINDS, &q, &f->err));
    struct str doomed = make_key(f), saved = make_key(f);
    struct kms_schedule_key_deletion_request in = {
        .key_id = doomed, .pending_window_in_days = 7, .has_pending_window_in_days = true};
    struct kms_schedule_key_deletion_response out;
    assert_done(f, kms_call_schedule_key_deletion(&f->admin, &f->arena, &in, &out, &f->err));
    in.key_id = saved;
    assert_done(f, kms_call_schedule_key_deletion(&f->admin, &f->arena, &in, &out, &f->err));
    struct kms_cancel_key_deletion_request cancel = {saved};
    struct kms_cancel_key_deletion_response cancelled;
    assert_done(f,
                kms_call_cancel_key_deletion(&f->admin, &f->arena, &cancel, &cancelled, &f->err));
    queue_run_due(q);
    struct kms_describe_key_request d = {.key_id = doomed};
    struct kms_describe_key_response described;
    assert_done(f, kms_call_describe_key(&f->admin, &f->arena, &d, &described, &f->err));
    assert_true(str_is(described.key_metadata->key_state, "PendingDeletion"));
    f->time.now_ms += 7 * KMS_DAY_MS;
    queue_run_due(q);
    assert_refused(f, kms_call_describe_key(&f->admin, &f->arena, &d, &described, &f->err),
                   "NotFoundException");
    d.key_id = saved;
    assert_done(f, kms_call_describe_key(&f->admin, &f->arena, &d, &described, &f->err));
    assert_true(str_is(described.key_metadata->key_state, "Disabled"));
    queue_stop(q);
}

static void test_a_rotated_key_opens_what_it_closed_before(void **state) {
    struct fixture *f = *state;
    struct service_env env = {.db = f->db, .clock = &f->clock, .rng = &rng_system};
    struct queue_kind kinds[KMS_KINDS];
    struct queue *q = NULL;
    kms_queue_kinds(&env, kinds);
    assert_done(f, queue_open(f->db, &f->clock, kinds, KMS_KINDS, &q, &f->err));
    struct str key = make_key(f), plain = STR_NONE;
    struct str_map none = {NULL, 0};
    struct str before = encrypt(f, key, none);
    struct kms_enable_key_rotation_request in = {.key_id = key};
    struct kms_enable_key_rotation_output out;
    assert_done(f, kms_call_enable_key_rotation(&f->admin, &f->arena, &in, &out, &f->err));
    f->time.now_ms += 365 * KMS_DAY_MS;
    assert_int_equal(queue_run_due(q), 1);
    struct str after = encrypt(f, key, none);
    /* The material's version stands behind the key's id. */
    assert_int_equal(before.p[4 + KMS_ID_CHARS + 3], 1);
    assert_int_equal(after.p[4 + KMS_ID_CHARS + 3], 2);
    assert_done(f, decrypt(f, &f->admin, before, none, &plain));
    assert_done(f, decrypt(f, &f->admin, after, none, &plain));
    queue_stop(q);
}

static void test_aliases_lead_to_their_key_and_are_listed_in_pages(void **state) {
    struct fixture *f = *state;
    struct str key = make_key(f);
    struct kms_create_alias_output made;
    for (int i = 0; i < 3; i++) {
        struct kms_create_alias_request in = {str_printf(&f->arena, "alias/a%d", i), key};
        assert_done(f, kms_call_create_alias(&f->admin, &f->arena, &in, &made, &f->err));
        assert_refused(f, kms_call_create_alias(&f->admin, &f->arena, &in, &made, &f->err),
                       "AlreadyExistsException");
    }
    struct kms_create_alias_request reserved = {S("alias/aws/ssm"), key};
    assert_refused(f, kms_call_create_alias(&f->admin, &f->arena, &reserved, &made, &f->err),
                   "InvalidAliasNameException");
    struct kms_list_aliases_request list = {.limit = 2, .has_limit = true};
    struct kms_list_aliases_response out;
    assert_done(f, kms_call_list_aliases(&f->admin, &f->arena, &list, &out, &f->err));
    assert_int_equal(out.aliases.n, 2);
    assert_true(out.truncated);
    list.marker = out.next_marker;
    assert_done(f, kms_call_list_aliases(&f->admin, &f->arena, &list, &out, &f->err));
    assert_int_equal(out.aliases.n, 1);
    assert_true(str_is(out.aliases.v[0].alias_name, "alias/a2"));
    assert_true(str_eq(out.aliases.v[0].target_key_id, key));
    assert_false(out.truncated);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_a_ciphertext_opens_with_its_context_in_any_order_only),
        TEST(test_the_key_of_a_service_works_through_that_service_only),
        TEST(test_without_the_key_policys_leave_identity_policies_do_not_count),
        TEST(test_a_ciphertext_of_another_account_needs_its_keys_leave),
        TEST(test_disabled_keys_and_unknown_ones_are_refused_in_kmss_words),
        TEST(test_scheduled_deletion_happens_when_it_is_due_and_can_be_cancelled),
        TEST(test_a_rotated_key_opens_what_it_closed_before),
        TEST(test_aliases_lead_to_their_key_and_are_listed_in_pages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
