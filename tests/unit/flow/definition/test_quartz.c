/* Cron expressions of deployment windows, against times that a calendar confirms. */
#include "../../cmocka_.h"

#include "base/arena.h"
#include "base/clock.h"
#include "flow/definition/quartz.h"

static void test_minutes_are_inside_or_outside(void **state) {
    (void)state;
    static const struct {
        const char *cron, *at;
        bool inside;
    } table[] = {
        {"0 0 9 ? * MON-FRI", "2026-11-23T09:00:00Z", true}, /* a Monday */
        {"0 0 9 ? * MON-FRI", "2026-11-23T09:01:00Z", false},
        {"* * 9-17 ? * MON-FRI *", "2026-11-23T17:59:59Z", true},
        {"* * 9-17 ? * MON-FRI *", "2026-11-23T18:00:00Z", false},
        {"* * 9-17 ? * MON-FRI *", "2026-11-22T12:00:00Z", false}, /* Sunday */
        {"N/A * 9-17 ? * 2-6", "2026-11-27T12:00:00Z", true},
        {"0 * 22-2 * * ?", "2026-11-23T23:10:00Z", true}, /* around midnight */
        {"0 * 22-2 * * ?", "2026-11-23T01:10:00Z", true},
        {"0 * 22-2 * * ?", "2026-11-23T03:10:00Z", false},
        {"0 0/15 * * * ?", "2026-11-23T03:45:00Z", true},
        {"0 0/15 * * * ?", "2026-11-23T03:46:00Z", false},
        {"0 5-20/5 * * * ?", "2026-11-23T03:20:00Z", true},
        {"0 5-20/5 * * * ?", "2026-11-23T03:25:00Z", false},
        {"0 * * ? * FRI-MON", "2026-11-22T03:00:00Z", true},
        {"0 * * ? * FRI-MON", "2026-11-24T03:00:00Z", false},
        {"0 * * 1,15 * ?", "2026-11-15T00:00:00Z", true},
        {"0 * * 1,15 * ?", "2026-11-16T00:00:00Z", false},
        {"0 * * L * ?", "2026-02-28T00:00:00Z", true},
        {"0 * * L * ?", "2028-02-28T00:00:00Z", false}, /* leap year */
        {"0 * * L * ?", "2028-02-29T00:00:00Z", true},
        {"0 * * L-2 * ?", "2026-11-28T00:00:00Z", true},
        {"0 * * LW * ?", "2026-05-29T00:00:00Z", true}, /* the 31st is a Sunday */
        {"0 * * LW * ?", "2026-05-31T00:00:00Z", false},
        {"0 * * 15W * ?", "2026-11-16T00:00:00Z", true}, /* the 15th is a Sunday */
        {"0 * * 1W * ?", "2026-08-03T00:00:00Z", true},  /* the 1st is a Saturday */
        {"0 * * 1W * ?", "2026-07-31T00:00:00Z", false},
        {"0 * * ? * 6L", "2026-11-27T00:00:00Z", true}, /* last Friday */
        {"0 * * ? * FRIL", "2026-11-20T00:00:00Z", false},
        {"0 * * ? * L", "2026-11-28T00:00:00Z", true},   /* Saturdays */
        {"0 * * ? * 3#2", "2026-11-10T00:00:00Z", true}, /* second Tuesday */
        {"0 * * ? * TUE#2", "2026-11-17T00:00:00Z", false},
        {"0 * * ? jan,NOV *", "2026-11-17T00:00:00Z", true},
        {"0 * * ? FEB-MAR *", "2026-11-17T00:00:00Z", false},
        {"0 * * * * ? 2026", "2026-11-17T00:00:00Z", true},
        {"0 * * * * ? 2027-2030", "2026-11-17T00:00:00Z", false},
        {"0 * * * * ? 2024/2", "2026-11-17T00:00:00Z", true},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct quartz q;
        struct err err = ERR_INIT;
        int64_t ms = 0;
        assert_true(time_parse(str_c(table[i].at), &ms));
        if (quartz_parse(str_c(table[i].cron), &q, &err) < 0) {
            fail_msg("%s: %s", table[i].cron, err.msg);
        }
        if (quartz_matches(&q, ms / 1000) != table[i].inside) {
            fail_msg("%s at %s", table[i].cron, table[i].at);
        }
    }
}

static void test_the_next_minute_inside_is_found_within_a_week(void **state) {
    (void)state;
    static const struct {
        const char *cron, *at, *next; /* NULL: none */
    } table[] = {
        {"0 0 9 ? * MON-FRI", "2026-11-20T09:00:30Z", "2026-11-23T09:00:00Z"}, /* Friday, Monday */
        {"0 * 9-17 ? * *", "2026-11-23T09:00:30Z", "2026-11-23T09:01:00Z"},
        {"0 30 6 ? * MON", "2026-11-23T06:30:00Z", "2026-11-30T06:30:00Z"},
        {"0 0 9 1 * ?", "2026-11-23T09:00:00Z", "2026-12-01T09:00:00Z"},
        {"0 0 9 1 1 ?", "2026-11-23T09:00:00Z", NULL},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct quartz q;
        struct err err = ERR_INIT;
        int64_t at_ms, next_ms = -1000;
        assert_int_equal(quartz_parse(str_c(table[i].cron), &q, &err), 0);
        assert_true(time_parse(str_c(table[i].at), &at_ms));
        assert_true(table[i].next == NULL || time_parse(str_c(table[i].next), &next_ms));
        assert_int_equal(quartz_next(&q, at_ms / 1000), next_ms / 1000);
    }
}

static void test_what_is_no_expression_is_refused_by_field(void **state) {
    (void)state;
    static const struct {
        const char *cron, *words;
    } table[] = {
        {"", "0 fields"},
        {"* * * * *", "5 fields"},
        {"* * * * * ? * *", "8 fields"},
        {"60 * * * * ?", "seconds"},
        {"* 60 * * * ?", "minutes"},
        {"* -1 * * * ?", "minutes"},
        {"* +1 * * * ?", "minutes"},
        {"* * 24 * * ?", "hours"},
        {"* * * 0 * ?", "day of month"},
        {"* * * 32 * ?", "day of month"},
        {"* * * * 13 ?", "month"},
        {"* * * * FOO ?", "month"},
        {"* * * ? * 8", "day of week"},
        {"* * * ? * MON#6", "day of week"},
        {"* * * ? * #2", "day of week"},
        {"* * * L-31 * ?", "L-n"},
        {"* * * W * ?", "before W"},
        {"* * * * * ? 1969", "year"},
        {"* * * * * ? 2200", "year"},
        {"* * * * * *", "none is"},
        {"* * * ? * ?", "both are"},
        {"* 0/0 * * * ?", "step"},
        {"* 0/61 * * * ?", "step"},
        {"* 1,,2 * * * ?", "minutes"},
        {"* 1- * * * ?", "range"},
        {"? * * * * ?", "seconds"},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct quartz q;
        struct err err = ERR_INIT;
        if (quartz_parse(str_c(table[i].cron), &q, &err) == 0) {
            fail_msg("'%s' passes", table[i].cron);
        }
        if (strstr(err.msg, table[i].words) == NULL) {
            fail_msg("'%s': '%s' does not say '%s'", table[i].cron, err.msg, table[i].words);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_minutes_are_inside_or_outside),
        cmocka_unit_test(test_the_next_minute_inside_is_found_within_a_week),
        cmocka_unit_test(test_what_is_no_expression_is_refused_by_field),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
