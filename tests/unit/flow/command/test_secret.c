/* A secret does not get through in any encoding that a shell's tools make of it. The encodings are
 * made by the tools themselves where the machine has them. */
#include "../../cmocka_.h"

#include "base/arena.h"
#include "flow/command/secret.h"
#include "platform/crypto/encode.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static struct arena arena;

static int setup(void **state) {
    (void)state;
    arena_init(&arena);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    arena_done(&arena);
    return 0;
}

/* Output of a shell line with the secret in $V. */
static struct str shell(const char *line, const char *value) {
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(fds[1], 1);
        dup2(fds[1], 2);
        close(fds[0]);
        setenv("V", value, 1);
        char *argv[] = {"bash", "-c", (char *)line, NULL};
        execv("/bin/bash", argv);
        _exit(126);
    }
    close(fds[1]);
    struct buf out cleanup_buf;
    buf_init(&out, 100000);
    char chunk[4096];
    ssize_t n = 0;
    while ((n = read(fds[0], chunk, sizeof(chunk))) > 0) {
        buf_add(&out, str_n(chunk, (size_t)n));
    }
    close(fds[0]);
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    return buf_dup(&arena, &out);
}

static void assert_hidden(const char *value, const char *line, const char *expected) {
    struct masker *m = masker_new();
    assert_int_equal(secret_hide(m, str_c(value)), SECRET_HIDDEN);
    struct str printed = shell(line, value);
    struct str masked = mask_text(m, &arena, printed);
    if (!str_is(masked, expected)) {
        fail_msg("%s gave '%.*s', masked '%.*s'", line, STR_ARG(printed), STR_ARG(masked));
    }
    masker_free(m);
}

static const char odd[] = "p@ss w/rd'\"$1`\\<&é+";

static void test_encodings_of_common_tools_are_hidden(void **state) {
    (void)state;
    assert_hidden(odd, "printf '<%s>' \"$V\"", "<***>");
    assert_hidden(odd, "printf %s \"$V\" | base64 -w0", "***");
    assert_hidden(odd, "echo \"$V\" | base64 -w0", "***");
    assert_hidden(odd, "printf %s \"$V\" | od -An -tx1 | tr -d ' \\n'", "***");
    assert_hidden(odd, "set -x; : \"$V\"", "+ : '***'\n");
    assert_hidden(odd, "A=$V; export A; export -p | grep ' A='", "declare -x A=\"***\"\n");
    assert_hidden(odd, "printf '%s' \"${V@Q}\"", "'***'");
    assert_hidden("two\nlines of a secret\n", "printf '%s' \"${V@Q}\"", "$'***'");
    assert_hidden("p@ss w/rd'\"$1`\\<&+", "printf %q \"$V\"", "***");
}

static void test_base64_is_hidden_at_every_alignment(void **state) {
    (void)state;
    const char *prefixes[] = {"", "a", "ab", "abc", "user:"};
    for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
        struct masker *m = masker_new();
        assert_int_equal(secret_hide(m, S("hunter2-hunter2")), SECRET_HIDDEN);
        struct str all = str_printf(&arena, "%shunter2-hunter2, and more", prefixes[i]);
        struct str masked = mask_text(m, &arena, base64_encode(&arena, all));
        assert_true(str_find(masked, S("***"), 0) != (size_t)-1);
        struct str inside =
            str_sub(base64_encode(&arena, all), 4 + strlen(prefixes[i]) * 4 / 3, 14);
        assert_true(str_find(masked, inside, 0) == (size_t)-1);
        masker_free(m);
    }
}

static void test_lines_of_a_certificate_are_hidden_one_by_one(void **state) {
    (void)state;
    const char *pem = "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49AgEGCCqGSM49\n"
                      "AwEHBG0wawIBAQQgQ8mvrJ5Xw1pB\n-----END PRIVATE KEY-----\n";
    assert_hidden(pem, "printf '%s' \"$V\" | sed 's/^/> /'", "> ***\n> ***\n> ***\n> ***\n");
}

static void test_decoded_form_of_base64_is_hidden(void **state) {
    (void)state;
    /* base64 of "the key inside" */
    assert_hidden("dGhlIGtleSBpbnNpZGU=", "echo \"$V\" | base64 -d; echo", "***\n");
    assert_hidden("dGhlIGtleSBpbnNpZGU=", "echo \"$V\" | base64 -d | od -An -tx1 | tr -d ' \\n'",
                  "***");
}

static void test_long_base64_is_hidden_when_it_is_wrapped(void **state) {
    (void)state;
    char value[200];
    for (size_t i = 0; i < sizeof(value) - 1; i++) {
        value[i] = (char)('!' + i * 7 % 90);
    }
    value[sizeof(value) - 1] = '\0';
    assert_hidden(value, "printf %s \"$V\" | base64", "***\n***\n***\n***\n");
    assert_hidden(value, "printf %s \"$V\" | base64 -w64", "***\n***\n***\n***\n***\n");
}

static void test_json_and_url_forms_are_hidden(void **state) {
    (void)state;
    struct masker *m = masker_new();
    assert_int_equal(secret_hide(m, S("a<b>&\"c\"/d e\n1")), SECRET_HIDDEN);
    assert_true(
        str_is(mask_text(m, &arena, S("{\"k\":\"a<b>&\\\"c\\\"/d e\\n1\"}")), "{\"k\":\"***\"}"));
    assert_true(str_is(mask_text(m, &arena, S("a\\u003cb\\u003e\\u0026\\\"c\\\"/d e\\n1")), "***"));
    assert_true(str_is(mask_text(m, &arena, S("a%3Cb%3E%26%22c%22%2Fd%20e%0A1")), "***"));
    assert_true(str_is(mask_text(m, &arena, S("a%3Cb%3E%26%22c%22%2Fd+e%0A1")), "***"));
    assert_true(str_is(mask_text(m, &arena, S("a%3cb%3e%26%22c%22%2fd%20e%0a1")), "***"));
    masker_free(m);
}

static void test_common_and_short_values_are_left_and_named(void **state) {
    (void)state;
    struct masker *m = masker_new();
    assert_int_equal(secret_hide(m, S("true")), SECRET_SHORT);
    assert_int_equal(secret_hide(m, S("production")), SECRET_COMMON);
    assert_int_equal(secret_hide(m, S("eu-west-2")), SECRET_COMMON);
    assert_int_equal(secret_hide(m, S("eu-west-2-secret")), SECRET_HIDDEN);
    assert_true(str_is(mask_text(m, &arena, S("production in eu-west-2 is true")),
                       "production in eu-west-2 is true"));
    assert_non_null(secret_verdict_text(SECRET_COMMON));
    masker_free(m);
}

static void test_more_than_can_be_hidden_is_refused(void **state) {
    (void)state;
    struct masker *m = masker_new();
    char *huge = arena_alloc(&arena, MASK_MAX_TOTAL / 4);
    uint32_t seed = 7;
    for (size_t i = 0; i < MASK_MAX_TOTAL / 4; i++) {
        seed = seed * 1664525U + 1013904223U;
        huge[i] = (char)(1 + (seed >> 24) % 250);
    }
    assert_int_equal(secret_hide(m, str_n(huge, MASK_MAX_TOTAL / 4)), SECRET_TOO_MUCH);
    masker_free(m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_encodings_of_common_tools_are_hidden),
        cmocka_unit_test(test_base64_is_hidden_at_every_alignment),
        cmocka_unit_test(test_lines_of_a_certificate_are_hidden_one_by_one),
        cmocka_unit_test(test_decoded_form_of_base64_is_hidden),
        cmocka_unit_test(test_long_base64_is_hidden_when_it_is_wrapped),
        cmocka_unit_test(test_json_and_url_forms_are_hidden),
        cmocka_unit_test(test_common_and_short_values_are_left_and_named),
        cmocka_unit_test(test_more_than_can_be_hidden_is_refused),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
