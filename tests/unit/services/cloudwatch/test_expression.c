/* Metric math over two series: m1 = 1 2 -, m2 = 10 0 30. */
#include "../../cmocka_.h"

#include "services/cloudwatch/expression.h"

#include <math.h>
#include <stdio.h>

static struct arena arena;

static int eval(const char *text, struct expression_output *ret, struct err *err) {
    static double m1[] = {1, 2, NAN};
    static double m2[] = {10, 0, 30};
    static double counts[3];
    const struct stat_series grid = {.start_ms = 0, .period_ms = 60000, .n = 3};
    struct stat_series a = grid;
    struct stat_series b = grid;
    a.v = m1;
    b.v = m2;
    a.counts = b.counts = counts;
    const struct expression_input inputs[] = {{S("m1"), a, true}, {S("m2"), b, true}};
    return expression_eval(&arena, str_c(text), inputs, 2, &grid, ret, err);
}

static void check(const char *text, double x, double y, double z) {
    struct expression_output out;
    struct err err = ERR_INIT;
    if (eval(text, &out, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    const double want[] = {x, y, z};
    assert_int_equal(out.n, 1);
    for (size_t i = 0; i < 3; i++) {
        double have = out.v[0].v[i];
        if (isnan(have) != isnan(want[i]) || (!isnan(have) && have != want[i])) {
            fail_msg("%s gives %g at %zu", text, have, i);
        }
    }
}

static void test_arithmetic_keeps_precedence_and_gaps(void **state) {
    (void)state;
    check("m1 + m2", 11, 2, NAN);
    check("m2-m1*2", 8, -4, NAN);
    check("(m2 - m1) * 2", 18, -4, NAN);
    check("m1/m2*100", 10, NAN, NAN);
    check("2^3^0 + m1", 3, 4, NAN);
    check("-m1 + 1.5e1", 14, 13, NAN);
    check("m1 >= 2", 0, 1, NAN);
}

static void test_functions(void **state) {
    (void)state;
    check("SUM([m1, m2])", 11, 2, 30);
    check("SUM(METRICS())", 11, 2, 30);
    check("AVG([m1,m2])", 5.5, 1, 30);
    check("MAX(m2) + m1", 31, 32, NAN);
    check("MIN([m1,m2])", 1, 0, 30);
    check("FILL(m1, 0) + m2", 11, 2, 30);
    check("FILL(m1, REPEAT)", 1, 2, 2);
    check("FILL(m1, m2)", 1, 2, 30);
    check("IF(m2 > 5, m2, 0)", 10, 0, 30);
    check("ABS(-m2)", 10, 0, 30);
    check("PERIOD(m1) * FILL(m1, 0)", 60, 120, 0);
}

static void test_list_gives_a_series_for_each_element(void **state) {
    (void)state;
    struct expression_output out;
    struct err err = ERR_INIT;
    assert_int_equal(eval("METRICS() * 10", &out, &err), 0);
    assert_int_equal(out.n, 2);
    assert_true(out.v[0].v[1] == 20 && out.v[1].v[2] == 300);
}

static void test_broken_expressions_are_refused(void **state) {
    (void)state;
    const char *bad[] = {"",       "m1 +",     "m1 m2",     "m3",        "SUM(m1",      "(m1",
                         "[m1,",   "1..2",     "NOPE(m1)",  "m1 = 2",    "SUM(m1, m2)", "[[m1]]",
                         "m1 ! 2", "FILL(m1)", "METRICS(1", "SEARCH(m1)"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct expression_output out;
        struct err err = ERR_INIT;
        if (eval(bad[i], &out, &err) == 0) {
            fail_msg("'%s' is accepted", bad[i]);
        }
    }
}

static void test_nesting_is_bounded(void **state) {
    (void)state;
    char text[4096];
    struct expression_output out;
    struct err err = ERR_INIT;
    memset(text, '(', 4000);
    text[4000] = '\0';
    assert_int_equal(eval(text, &out, &err), -1);
}

static void test_ids_are_found_beside_functions_and_numbers(void **state) {
    (void)state;
    struct str_list ids = {0};
    expression_ids(&arena, S("SUM([m1,err_2]) / 1e3 + m1 * PERIOD(m1)"), &ids);
    assert_int_equal(ids.n, 2);
    assert_true(str_is(ids.v[0], "m1") && str_is(ids.v[1], "err_2"));
}

static int teardown(void **state) {
    (void)state;
    arena_done(&arena);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arithmetic_keeps_precedence_and_gaps),
        cmocka_unit_test(test_functions),
        cmocka_unit_test(test_list_gives_a_series_for_each_element),
        cmocka_unit_test(test_broken_expressions_are_refused),
        cmocka_unit_test(test_nesting_is_bounded),
        cmocka_unit_test(test_ids_are_found_beside_functions_and_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, teardown);
}
