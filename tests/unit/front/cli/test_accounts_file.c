/* accounts.yml and parameters files: what they mean, and where they are wrong. */
#include "../../cmocka_.h"

#include "front/cli/accounts_file.h"
#include "platform/os/file.h"

static struct arena arena;

static int parse(const char *text, struct accounts *ret, struct err *err) {
    return accounts_parse(&arena, "a.yml", "/nonexistent", str_c(text), NULL, ret, err);
}

static void refused(const char *text, const char *message) {
    struct accounts all;
    struct err err = ERR_INIT;
    assert_int_equal(parse(text, &all, &err), -1);
    assert_string_equal(err.msg, message);
}

static const char good[] = "accounts:\n"
                           "  home:\n"
                           "    id: \"111111111111\"\n"
                           "    region: eu-west-2\n"
                           "    buckets: {state: {versioned: true}, plain: {}}\n"
                           "    tables: {locks: {hash_key: LockID}}\n"
                           "    roles:\n"
                           "      builder:\n"
                           "        trust: {service: codebuild.amazonaws.com}\n"
                           "        policies:\n"
                           "          one: [{Effect: Allow, Action: [a:B, a:C], Resource: \"*\"}]\n"
                           "  target:\n"
                           "    id: \"222222222222\"\n"
                           "    roles:\n"
                           "      deploy:\n"
                           "        trust: {role: home/builder}\n"
                           "      people:\n"
                           "        trust: {account: home}\n";

static void test_a_file_is_read_whole(void **state) {
    (void)state;
    struct accounts all;
    struct err err = ERR_INIT;
    assert_int_equal(parse(good, &all, &err), 0);
    assert_int_equal(all.n, 2);
    const struct accounts_entry *home = accounts_find(&all, S("home"));
    assert_int_equal(home->buckets.n, 2);
    assert_true(home->buckets.v[0].versioned);
    assert_false(home->buckets.v[1].versioned);
    assert_true(str_is(home->tables.v[0].hash_key, "LockID"));
    assert_true(str_is(home->roles.v[0].trust,
                       "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
                       "\"Principal\":{\"Service\":\"codebuild.amazonaws.com\"},"
                       "\"Action\":\"sts:AssumeRole\"}]}"));
    assert_true(str_is(home->roles.v[0].policies.v[0].document,
                       "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
                       "\"Action\":[\"a:B\",\"a:C\"],\"Resource\":\"*\"}]}"));
    const struct accounts_entry *target = accounts_find(&all, S("target"));
    assert_true(str_is(target->region, "eu-west-2"));
    assert_non_null(strstr(target->roles.v[0].trust.p, "arn:aws:iam::111111111111:role/builder"));
    assert_non_null(strstr(target->roles.v[1].trust.p, "arn:aws:iam::111111111111:root"));
}

static void test_each_mistake_is_named_at_its_place(void **state) {
    (void)state;
    refused("", "a.yml:1:1: the file is empty");
    refused("accounts: [a]\n", "a.yml:1:11: accounts must be a map, not a list");
    refused("acounts: {}\n", "a.yml:1:1: 'acounts' is not known here; there is: accounts");
    refused("accounts:\n  a: {id: 12}\n",
            "a.yml:2:11: an account's id is twelve digits, quoted; not '12'");
    refused("accounts:\n  a: {region: x}\n", "a.yml:2:3: account 'a' needs an id");
    refused("accounts:\n  a:\n    id: \"111111111111\"\n    bucket: {}\n",
            "a.yml:4:5: 'bucket' is not known here; there is: id region buckets tables parameters "
            "secrets roles");
    refused("accounts:\n  a:\n    id: \"111111111111\"\n    tables: {t: {}}\n",
            "a.yml:4:14: table 't' needs hash_key");
    refused("accounts:\n  a:\n    id: \"111111111111\"\n    buckets: {abc: {versioned: maybe}}\n",
            "a.yml:4:32: versioned is true or false");
    refused("accounts:\n  a:\n    id: \"111111111111\"\n    roles: {r: {trust: {role: b/x}}}\n",
            "a.yml:4:31: there is no role 'b/x' further up in this file");
    refused("accounts:\n  a:\n    id: \"111111111111\"\n    roles: {r: {}}\n",
            "a.yml:4:13: role 'r' needs trust: who may assume it");
    refused("accounts:\n  a:\n    id: \"111111111111\"\n    roles:\n      r:\n"
            "        trust: {account: a}\n        policies: {p: [{Effect: Permit, Action: x}]}\n",
            "a.yml:7:33: a statement needs Effect: Allow or Deny");
    refused("accounts:\n  a:\n    id: \"111111111111\"\n    parameters: p.env\n",
            "a.yml:4:17: there is no file /nonexistent/p.env");
}

static void test_damaged_yaml_says_where(void **state) {
    (void)state;
    struct accounts all;
    struct err err = ERR_INIT;
    assert_int_equal(parse("accounts:\n  a: {id: \n", &all, &err), -1);
    assert_int_equal(strncmp(err.msg, "a.yml:3:", 8), 0);
}

static void test_parameters_have_values_secrets_and_files(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    const char *dir = NULL;
    assert_int_equal(dir_make_temp(&arena, "parameters", &dir, &err), 0);
    assert_int_equal(file_write(str_printf(&arena, "%s/key", dir).p, S("a\nb\n"), 0600, &err), 0);
    struct accounts_parameter_list list;
    struct str text = S("# comment\n\n/a/b=x=y # stays\nc=secure:@key\r\nd=@key\n");
    assert_int_equal(parameters_parse(&arena, "p.env", dir, text, false, &list, &err), 0);
    assert_int_equal(list.n, 3);
    assert_true(str_is(list.v[0].value, "x=y # stays"));
    assert_false(list.v[0].secure);
    assert_true(list.v[1].secure);
    assert_true(str_is(list.v[1].value, "a\nb"));
    assert_false(list.v[2].secure);
    assert_int_equal(tree_remove(dir, &err), 0);
}

static void test_secrets_are_their_own_file_or_a_word_before_the_value(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    struct accounts all;
    const char *dir = NULL;
    assert_int_equal(dir_make_temp(&arena, "secrets", &dir, &err), 0);
    assert_int_equal(file_write(str_printf(&arena, "%s/p.env", dir).p,
                                S("a=1\na=secret:two\nb=secure:secret:x\n"), 0600, &err),
                     0);
    assert_int_equal(file_write(str_printf(&arena, "%s/s.env", dir).p,
                                S("app/db@x={\"user\":\"secure:no word here\"}\n"), 0600, &err),
                     0);
    struct str text = S("accounts:\n  a:\n    id: \"111111111111\"\n    parameters: p.env\n"
                        "    secrets: s.env\n");
    assert_int_equal(accounts_parse(&arena, "a.yml", dir, text, NULL, &all, &err), 0);
    assert_int_equal(all.v[0].parameters.n, 2);
    assert_true(str_is(all.v[0].parameters.v[1].value, "secret:x"));
    assert_int_equal(all.v[0].secrets.n, 2);
    assert_true(str_is(all.v[0].secrets.v[0].value, "two"));
    assert_true(str_is(all.v[0].secrets.v[1].name, "app/db@x"));
    assert_true(str_is(all.v[0].secrets.v[1].value, "{\"user\":\"secure:no word here\"}"));
    assert_int_equal(tree_remove(dir, &err), 0);
}

static void parameters_refused(struct str text, const char *message) {
    struct accounts_parameter_list list;
    struct err err = ERR_INIT;
    assert_int_equal(parameters_parse(&arena, "p.env", "/nonexistent", text, false, &list, &err),
                     -1);
    if (strstr(err.msg, message) == NULL) {
        fail_msg("'%s' does not say '%s'", err.msg, message);
    }
}

static void test_damaged_parameters_are_named_by_line(void **state) {
    (void)state;
    parameters_refused(S("a=1\nno equals sign\n"), "p.env:2: this is not NAME=VALUE");
    parameters_refused(S("a b=1\n"), "p.env:1: 'a b' is no parameter's name");
    parameters_refused(S("\na=\n"), "p.env:2: 'a' is empty");
    parameters_refused(S("a=1\na=2\n"), "p.env:2: 'a' stands in line 1 already");
    parameters_refused(S("a@b=1\n"), "p.env:1: 'a@b' is no parameter's name");
    parameters_refused(S("a b=secret:1\n"), "p.env:1: 'a b' is no secret's name");
    parameters_refused(S("a=secret:\n"), "Secrets Manager takes no empty value");
    parameters_refused(S("a=secret:1\na=2\na=secret:3\n"), "p.env:3: 'a' stands in line 1 already");
    parameters_refused(S("a=@none\n"), "p.env:1: ");
    parameters_refused(S("a=\xff\xfe\n"), "p.env: the file is not UTF-8 text");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_file_is_read_whole),
        cmocka_unit_test(test_each_mistake_is_named_at_its_place),
        cmocka_unit_test(test_damaged_yaml_says_where),
        cmocka_unit_test(test_parameters_have_values_secrets_and_files),
        cmocka_unit_test(test_secrets_are_their_own_file_or_a_word_before_the_value),
        cmocka_unit_test(test_damaged_parameters_are_named_by_line),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_done(&arena);
    return failed;
}
