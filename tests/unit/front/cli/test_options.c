/* Command lines: what they mean, and what is said about those that mean nothing. */
#include "../../cmocka_.h"

#include "front/cli/cli.h"

#include <stdlib.h>

static int run_nothing(struct cli *c, struct err *err) {
    (void)c;
    (void)err;
    return EXIT_DONE;
}

static const struct cli_option logs_options[] = {
    {"follow", 'f', NULL, "go on"},
    {"lines", 'n', "N", "how many"},
    {"only", 0, "NAME", "may be repeated"},
    {0},
};
static const struct cli_verb logs = {.name = "logs",
                                     .args = "[BUILD]",
                                     .max_args = 1,
                                     .options = logs_options,
                                     .summary = "Print",
                                     .run = run_nothing};
static const struct cli_verb account_setup = {.name = "account setup",
                                              .args = "FILE",
                                              .min_args = 1,
                                              .max_args = 1,
                                              .summary = "Set up",
                                              .run = run_nothing};
static const struct cli_verb account_list = {
    .name = "account list", .args = "", .summary = "List", .run = run_nothing};
static const struct cli_verb raw = {.name = "raw",
                                    .args = "WORD...",
                                    .max_args = -1,
                                    .flags = CLI_RAW,
                                    .group = CLI_HIDDEN,
                                    .summary = "Raw",
                                    .run = run_nothing};
static const struct cli_verb *const verbs[] = {&logs, &account_setup, &account_list, &raw};

struct line {
    struct cli c;
    struct err err;
    bool help;
    int result;
};

static void parse(struct line *l, const char *text) {
    static char *argv[32];
    *l = (struct line){.c = {.verbs = verbs, .verbs_n = 4}};
    struct str rest = str_c(text), part;
    int argc = 0;
    while (str_cut(&rest, ' ', &part)) {
        argv[argc++] = (char *)str_z(&l->c.arena, part);
    }
    l->result = options_parse(&l->c, argc, argv, &l->help, &l->err);
}

static void test_options_may_stand_before_and_after_arguments(void **state) {
    (void)state;
    struct line l;
    parse(&l, "t logs -f abc --data /d --lines=3 --json");
    assert_int_equal(l.result, 0);
    assert_ptr_equal(l.c.verb, &logs);
    assert_int_equal(l.c.args_n, 1);
    assert_string_equal(l.c.args[0], "abc");
    assert_null(l.c.args[1]);
    assert_true(cli_has(&l.c, "follow"));
    assert_string_equal(cli_opt(&l.c, "data"), "/d");
    assert_string_equal(cli_opt(&l.c, "lines"), "3");
    assert_true(l.c.json);
    arena_done(&l.c.arena);
}

static void test_short_options_join_and_take_values_in_both_forms(void **state) {
    (void)state;
    struct line l;
    parse(&l, "t logs -fn7");
    assert_int_equal(l.result, 0);
    assert_true(cli_has(&l.c, "follow"));
    assert_string_equal(cli_opt(&l.c, "lines"), "7");
    arena_done(&l.c.arena);
    parse(&l, "t logs -n 8");
    assert_string_equal(cli_opt(&l.c, "lines"), "8");
    arena_done(&l.c.arena);
}

static void test_repeated_options_are_kept_in_order_and_the_last_counts(void **state) {
    (void)state;
    struct line l;
    parse(&l, "t logs --only a --only b");
    struct str_list all = cli_all(&l.c, "only");
    assert_int_equal(all.n, 2);
    assert_true(str_is(all.v[0], "a"));
    assert_string_equal(cli_opt(&l.c, "only"), "b");
    arena_done(&l.c.arena);
}

static void test_two_dashes_end_the_options(void **state) {
    (void)state;
    struct line l;
    parse(&l, "t logs -- --json");
    assert_int_equal(l.result, 0);
    assert_string_equal(l.c.args[0], "--json");
    assert_false(l.c.json);
    arena_done(&l.c.arena);
}

static void test_a_verb_of_two_words_is_found(void **state) {
    (void)state;
    struct line l;
    parse(&l, "t account setup --data d f.yml");
    assert_int_equal(l.result, 0);
    assert_ptr_equal(l.c.verb, &account_setup);
    assert_string_equal(l.c.args[0], "f.yml");
    arena_done(&l.c.arena);
}

static void refused(const char *text, const char *because) {
    struct line l;
    parse(&l, text);
    assert_int_equal(l.result, -1);
    if (strstr(l.err.msg, because) == NULL) {
        fail_msg("'%s' does not say '%s'", l.err.msg, because);
    }
    arena_done(&l.c.arena);
}

static void test_what_means_nothing_is_refused_by_name(void **state) {
    (void)state;
    refused("t", "a verb is missing");
    refused("t lgos", "there is no verb 'lgos'; is it 'logs'?");
    refused("t deploy", "there is no verb 'deploy'");
    refused("t account", "'account' needs one of: setup, list");
    refused("t account add", "there is no verb 'account add'; account has: setup, list");
    refused("t logs --flow", "there is no option --flow");
    refused("t logs -x", "there is no option -x");
    refused("t logs --lines", "option --lines needs a value: N");
    refused("t logs --follow=yes", "option --follow takes no value");
    refused("t logs a b", "'b' is one argument too many");
    refused("t account setup", "needs FILE");
}

static void test_numbers_are_checked(void **state) {
    (void)state;
    struct line l;
    long long n = 0;
    parse(&l, "t logs -n 12");
    assert_int_equal(cli_number(&l.c, "lines", 1, 5, &n, &l.err), 0);
    assert_int_equal(n, 12);
    arena_done(&l.c.arena);
    parse(&l, "t logs -n 0");
    assert_int_equal(cli_number(&l.c, "lines", 1, 5, &n, &l.err), -1);
    assert_non_null(strstr(l.err.msg, "--lines: '0'"));
    arena_done(&l.c.arena);
    parse(&l, "t logs");
    assert_int_equal(cli_number(&l.c, "lines", 1, 5, &n, &l.err), 0);
    assert_int_equal(n, 5);
    arena_done(&l.c.arena);
}

static void test_raw_verbs_get_every_word(void **state) {
    (void)state;
    struct line l;
    parse(&l, "t raw --x -- y");
    assert_int_equal(l.result, 0);
    assert_int_equal(l.c.args_n, 3);
    arena_done(&l.c.arena);
}

static void completes(const char *text, const char *wanted) {
    struct cli c = {.verbs = verbs, .verbs_n = 4};
    const char *words[8];
    int n = 0;
    struct str rest = str_c(text), part;
    while (str_cut(&rest, ' ', &part)) {
        words[n++] = str_z(&c.arena, part);
    }
    char *printed = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&printed, &size);
    help_complete(&c, n, words, out);
    fclose(out);
    assert_string_equal(printed, wanted);
    free(printed);
    arena_done(&c.arena);
}

static void test_completion_knows_verbs_and_options(void **state) {
    (void)state;
    completes("", "logs\naccount\n");
    completes("acc", "account\n");
    completes("account ", "setup\nlist\n");
    completes("account s", "setup\n");
    completes("logs --fo", "--follow\n");
    completes("account setup --d", "--data\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_options_may_stand_before_and_after_arguments),
        cmocka_unit_test(test_short_options_join_and_take_values_in_both_forms),
        cmocka_unit_test(test_repeated_options_are_kept_in_order_and_the_last_counts),
        cmocka_unit_test(test_two_dashes_end_the_options),
        cmocka_unit_test(test_a_verb_of_two_words_is_found),
        cmocka_unit_test(test_what_means_nothing_is_refused_by_name),
        cmocka_unit_test(test_numbers_are_checked),
        cmocka_unit_test(test_raw_verbs_get_every_word),
        cmocka_unit_test(test_completion_knows_verbs_and_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
