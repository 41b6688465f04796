/* Exact decimals: parsing, limits, order, sums, and keys that sort as numbers do. */
#include "../../cmocka_.h"

#include "services/dynamodb/number.h"

static struct arena arena;

static struct ddb_number number(const char *text) {
    struct ddb_number n;
    struct err err = ERR_INIT;
    if (ddb_number_parse(str_c(text), &n, &err) < 0) {
        fail_msg("%s: %s", text, err.msg);
    }
    return n;
}

static void assert_text(const char *in, const char *out) {
    struct ddb_number n = number(in);
    assert_string_equal(ddb_number_text(&arena, &n).p, out);
}

static void test_numbers_come_back_plain_and_without_useless_zeros(void **state) {
    (void)state;
    assert_text("0", "0");
    assert_text("-0.000", "0");
    assert_text("007.500", "7.5");
    assert_text("1e3", "1000");
    assert_text("1.25E-3", "0.00125");
    assert_text("-12345678901234567890123456789012345678",
                "-12345678901234567890123456789012345678");
    assert_text("+5", "5");
    assert_text(".5", "0.5");
    assert_text("120", "120");
}

static void assert_refused(const char *text, const char *reason) {
    struct ddb_number n;
    struct err err = ERR_INIT;
    assert_int_equal(ddb_number_parse(str_c(text), &n, &err), -1);
    assert_int_equal(err.kind, ERR_INVALID);
    if (strstr(err.msg, reason) == NULL) {
        fail_msg("%s: '%s' lacks '%s'", text, err.msg, reason);
    }
}

static void test_what_is_no_number_or_beyond_the_limits_is_refused(void **state) {
    (void)state;
    assert_refused("", "cannot be converted");
    assert_refused("-", "cannot be converted");
    assert_refused("1e", "cannot be converted");
    assert_refused("1.2.3", "cannot be converted");
    assert_refused("NaN", "cannot be converted");
    assert_refused("1 ", "cannot be converted");
    assert_refused("123456789012345678901234567890123456789", "more than 38 significant digits");
    assert_refused("1e126", "Number overflow");
    assert_refused("1e-131", "Number underflow");
    assert_refused("1e99999999999999999999", "Number overflow");
    number("9.9999999999999999999999999999999999999E+125");
    number("1E-130");
}

/* In ascending order. */
static const char *const ascending[] = {
    "-9e125", "-1000",   "-999.5", "-10",    "-9.99", "-9",   "-1",   "-0.5",
    "-0.05",  "-1e-130", "0",      "1e-130", "0.05",  "0.5",  "1",    "1.5",
    "9",      "10",      "10.01",  "99",     "100",   "1000", "1e38", "9e125",
};

static void test_order_of_numbers_and_of_their_keys_agree(void **state) {
    (void)state;
    size_t n = sizeof(ascending) / sizeof(ascending[0]);
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < n; j++) {
            struct ddb_number x = number(ascending[i]);
            struct ddb_number y = number(ascending[j]);
            unsigned char key_x[DDB_NUMBER_KEY_MAX];
            unsigned char key_y[DDB_NUMBER_KEY_MAX];
            size_t size_x = ddb_number_key(&x, key_x);
            size_t size_y = ddb_number_key(&y, key_y);
            int want = (i > j) - (i < j);
            int keys = str_cmp(str_n((char *)key_x, size_x), str_n((char *)key_y, size_y));
            int order = ddb_number_cmp(&x, &y);
            assert_int_equal((order > 0) - (order < 0), want);
            assert_int_equal((keys > 0) - (keys < 0), want);
        }
    }
}

static void assert_sum(const char *x, const char *y, bool subtract, const char *want) {
    struct ddb_number a = number(x);
    struct ddb_number b = number(y);
    struct ddb_number sum;
    struct err err = ERR_INIT;
    if (ddb_number_add(&a, &b, subtract, &sum, &err) < 0) {
        fail_msg("%s and %s: %s", x, y, err.msg);
    }
    assert_string_equal(ddb_number_text(&arena, &sum).p, want);
}

static void test_sums_are_exact(void **state) {
    (void)state;
    assert_sum("0.1", "0.2", false, "0.3");
    assert_sum("99999999999999999999999999999999999999", "1", false,
               "100000000000000000000000000000000000000");
    assert_sum("1", "1", true, "0");
    assert_sum("1", "2", true, "-1");
    assert_sum("-1.5", "-2.5", true, "1");
    assert_sum("-5", "3", false, "-2");
    assert_sum("1000", "0.001", true, "999.999");
    assert_sum("5", "-7", true, "12");
    assert_sum("0", "0", true, "0");
}

static void test_a_sum_that_needs_more_digits_is_refused(void **state) {
    (void)state;
    struct ddb_number a = number("1e38");
    struct ddb_number b = number("0.1");
    struct ddb_number sum;
    struct err err = ERR_INIT;
    assert_int_equal(ddb_number_add(&a, &b, false, &sum, &err), -1);
    assert_non_null(strstr(err.msg, "38 significant digits"));
    a = number("9e125");
    assert_int_equal(ddb_number_add(&a, &a, false, &sum, &err), -1);
    assert_non_null(strstr(err.msg, "overflow"));
}

static int done(void **state) {
    (void)state;
    arena_done(&arena);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_come_back_plain_and_without_useless_zeros),
        cmocka_unit_test(test_what_is_no_number_or_beyond_the_limits_is_refused),
        cmocka_unit_test(test_order_of_numbers_and_of_their_keys_agree),
        cmocka_unit_test(test_sums_are_exact),
        cmocka_unit_test(test_a_sum_that_needs_more_digits_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, done);
}
