/* AWS's tables of "how alarm state is evaluated when data is missing", row by row, and the reasons.
 */
#include "../../cmocka_.h"

#include "services/cloudwatch/judge.h"

#include <math.h>

static struct arena arena;

/* '0' does not breach, 'X' does, '-' is missing; oldest first, as the documentation writes them. */
static enum judge_state verdict(const char *data, int to_alarm, enum judge_missing missing) {
    const struct judge_rule rule = {.operator_ = S("GreaterThanThreshold"),
                                    .threshold = 1,
                                    .periods = 3,
                                    .to_alarm = to_alarm,
                                    .missing = missing};
    struct judge_point points[5];
    for (size_t i = 0; i < 5; i++) {
        char c = data[4 - i];
        points[i] = (struct judge_point){.at_ms = (int64_t)(5 - i) * 60000,
                                         .value = c == '-'   ? NAN
                                                  : c == 'X' ? 2
                                                             : 0,
                                         .n = 1};
    }
    return judge(&arena, &rule, points, 5).state;
}

static void check_row(const char *data, int to_alarm, enum judge_state missing,
                      enum judge_state ignore, enum judge_state breaching,
                      enum judge_state not_breaching) {
    assert_int_equal(verdict(data, to_alarm, MISSING_MISSING), missing);
    assert_int_equal(verdict(data, to_alarm, MISSING_IGNORE), ignore);
    assert_int_equal(verdict(data, to_alarm, MISSING_BREACHING), breaching);
    assert_int_equal(verdict(data, to_alarm, MISSING_NOT_BREACHING), not_breaching);
}

#define OK JUDGE_OK
#define ALARM JUDGE_ALARM
#define INSUFFICIENT JUDGE_INSUFFICIENT
#define RETAIN JUDGE_RETAIN

static void test_three_of_three_follows_the_documented_table(void **state) {
    (void)state;
    check_row("0-X-X", 3, OK, OK, OK, OK);
    check_row("0----", 3, OK, OK, OK, OK);
    check_row("-----", 3, INSUFFICIENT, RETAIN, ALARM, OK);
    check_row("0XX-X", 3, ALARM, ALARM, ALARM, ALARM);
    check_row("--X--", 3, ALARM, RETAIN, ALARM, OK);
}

static void test_two_of_three_follows_the_documented_table(void **state) {
    (void)state;
    check_row("0-X-X", 2, ALARM, ALARM, ALARM, ALARM);
    check_row("00X0X", 2, ALARM, ALARM, ALARM, ALARM);
    check_row("0-X--", 2, OK, OK, ALARM, OK);
    check_row("----0", 2, OK, OK, ALARM, OK);
    check_row("---X-", 2, ALARM, RETAIN, ALARM, OK);
}

static void test_first_breach_alone_waits_for_more_data(void **state) {
    (void)state;
    assert_int_equal(verdict("----X", 3, MISSING_MISSING), JUDGE_RETAIN);
    assert_int_equal(verdict("---X-", 3, MISSING_MISSING), JUDGE_RETAIN);
}

static struct judge_verdict one(const char *operator_, double threshold, double value,
                                enum judge_missing missing) {
    static struct judge_point point;
    const struct judge_rule rule = {.operator_ = str_c(operator_),
                                    .threshold = threshold,
                                    .periods = 1,
                                    .to_alarm = 1,
                                    .missing = missing};
    point = (struct judge_point){.at_ms = 1795485120000, .value = value, .n = 1};
    return judge(&arena, &rule, &point, 1);
}

static void test_operators_compare_as_they_are_called(void **state) {
    (void)state;
    const struct {
        const char *name;
        bool below, equal, above;
    } rows[] = {
        {"GreaterThanThreshold", false, false, true},
        {"GreaterThanOrEqualToThreshold", false, true, true},
        {"LessThanThreshold", true, false, false},
        {"LessThanOrEqualToThreshold", true, true, false},
    };
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(one(rows[i].name, 5, 4, MISSING_MISSING).state == ALARM, rows[i].below);
        assert_int_equal(one(rows[i].name, 5, 5, MISSING_MISSING).state == ALARM, rows[i].equal);
        assert_int_equal(one(rows[i].name, 5, 6, MISSING_MISSING).state == ALARM, rows[i].above);
    }
}

static void check_reason(struct judge_verdict v, const char *want) {
    assert_string_equal(str_z(&arena, v.reason), want);
}

static void test_reasons_are_worded_as_on_aws(void **state) {
    (void)state;
    check_reason(one("GreaterThanOrEqualToThreshold", 1, 5, MISSING_MISSING),
                 "Threshold Crossed: 1 out of the last 1 datapoints [5.0 (24/11/26 01:52:00)] was "
                 "greater than or equal to the threshold (1.0) (minimum 1 datapoint for OK -> "
                 "ALARM transition).");
    check_reason(one("GreaterThanOrEqualToThreshold", 1, 0, MISSING_MISSING),
                 "Threshold Crossed: 1 out of the last 1 datapoints [0.0 (24/11/26 01:52:00)] was "
                 "not greater than or equal to the threshold (1.0) (minimum 1 datapoint for ALARM "
                 "-> OK transition).");
    check_reason(one("LessThanThreshold", 1, NAN, MISSING_MISSING),
                 "Insufficient Data: 1 datapoint was unknown.");
    check_reason(one("LessThanThreshold", 1, NAN, MISSING_BREACHING),
                 "Threshold Crossed: no datapoints were received for 1 period and 1 missing "
                 "datapoint was treated as [Breaching].");
}

static void test_numbers_are_printed_short_and_exact(void **state) {
    (void)state;
    const struct {
        double value;
        const char *text;
    } rows[] = {{0, "0.0"}, {5, "5.0"}, {0.1, "0.1"}, {1500000, "1500000.0"}, {-2.5, "-2.5"}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_string_equal(str_z(&arena, judge_number(&arena, rows[i].value)), rows[i].text);
    }
}

static int teardown(void **state) {
    (void)state;
    arena_done(&arena);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_three_of_three_follows_the_documented_table),
        cmocka_unit_test(test_two_of_three_follows_the_documented_table),
        cmocka_unit_test(test_first_breach_alone_waits_for_more_data),
        cmocka_unit_test(test_operators_compare_as_they_are_called),
        cmocka_unit_test(test_reasons_are_worded_as_on_aws),
        cmocka_unit_test(test_numbers_are_printed_short_and_exact),
    };
    return cmocka_run_group_tests(tests, NULL, teardown);
}
