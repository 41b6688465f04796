/* Schedules: EventBridge's own examples, the calendar's corners, and what is refused. */
#include "../../cmocka_.h"

#include "base/arena.h"
#include "base/clock.h"
#include "services/events/schedule.h"

static int64_t at(const char *iso) {
    int64_t ms = 0;
    assert_true(time_parse(str_c(iso), &ms));
    return ms;
}

static void expect(const char *text, const char *after, const char *next) {
    struct schedule s;
    struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    if (schedule_parse(str_c(text), &s, &err) < 0) {
        fail_msg("%s: %s", text, err.msg);
    }
    int64_t ms = schedule_next(&s, at("2026-01-01T00:00:00Z"), at(after));
    if (next == NULL ? ms != -1 : ms != at(next)) {
        fail_msg("%s after %s: %.*s", text, after, STR_ARG(time_iso(&a, ms)));
    }
    arena_done(&a);
}

static void test_rates_count_from_their_beginning(void **state) {
    (void)state;
    expect("rate(1 minute)", "2026-01-01T00:00:00Z", "2026-01-01T00:01:00Z");
    expect("rate(5 minutes)", "2026-01-01T00:04:59Z", "2026-01-01T00:05:00Z");
    expect("rate(5 minutes)", "2026-01-01T00:05:00Z", "2026-01-01T00:10:00Z");
    expect("rate(1 hour)", "2026-01-01T12:30:00Z", "2026-01-01T13:00:00Z");
    expect("rate(7 days)", "2026-01-01T00:00:00Z", "2026-01-08T00:00:00Z");
}

static void test_crons_name_minutes_hours_and_days(void **state) {
    (void)state;
    expect("cron(0 12 * * ? *)", "2026-11-28T11:59:59Z", "2026-11-28T12:00:00Z");
    expect("cron(0 12 * * ? *)", "2026-11-28T12:00:00Z", "2026-11-29T12:00:00Z");
    expect("cron(5,35 14 * * ? *)", "2026-11-28T14:05:00Z", "2026-11-28T14:35:00Z");
    expect("cron(15 10 ? * 6L 2026-2030)", "2026-11-01T00:00:00Z", "2026-11-27T10:15:00Z");
    expect("cron(0 10 ? * MON-FRI *)", "2026-11-27T10:00:00Z", "2026-11-30T10:00:00Z");
    expect("cron(0/10 * ? * MON-FRI *)", "2026-11-30T00:00:00Z", "2026-11-30T00:10:00Z");
    expect("cron(0/5 8-17 ? * MON-FRI *)", "2026-11-30T17:55:00Z", "2026-12-01T08:00:00Z");
    expect("cron(0 8 1 * ? *)", "2026-12-31T09:00:00Z", "2027-01-01T08:00:00Z");
    expect("cron(0 18 ? * FRI-MON *)", "2026-11-25T00:00:00Z", "2026-11-27T18:00:00Z");
    expect("cron(*/15 * * JAN,mar ? *)", "2026-04-01T00:00:00Z", "2027-01-01T00:00:00Z");
}

static void test_crons_know_the_calendar(void **state) {
    (void)state;
    expect("cron(0 0 L * ? *)", "2026-02-01T00:00:00Z", "2026-02-28T00:00:00Z");
    expect("cron(0 0 29 2 ? *)", "2026-01-01T00:00:00Z", "2028-02-29T00:00:00Z");
    expect("cron(0 0 LW * ? *)", "2026-02-01T00:00:00Z", "2026-02-27T00:00:00Z");
    expect("cron(0 0 3W * ? *)", "2026-05-01T00:00:00Z", "2026-05-04T00:00:00Z");  /* a Sunday */
    expect("cron(0 0 1W * ? *)", "2026-08-01T00:00:00Z", "2026-08-03T00:00:00Z");  /* a Saturday */
    expect("cron(0 0 31W * ? *)", "2026-05-02T00:00:00Z", "2026-05-29T00:00:00Z"); /* a Sunday */
    expect("cron(0 0 ? * 3#2 *)", "2026-11-01T00:00:00Z", "2026-11-10T00:00:00Z");
    expect("cron(0 0 ? * TUE#5 *)", "2026-11-01T00:00:00Z", "2026-12-29T00:00:00Z");
    expect("cron(0 0 ? * L *)", "2026-11-22T00:00:00Z", "2026-11-28T00:00:00Z");
    expect("cron(0 0 1 1 ? 2030/3)", "2030-02-01T00:00:00Z", "2033-01-01T00:00:00Z");
    expect("cron(0 0 1 1 ? 2199)", "2026-02-01T00:00:00Z", "2199-01-01T00:00:00Z");
}

static void test_what_never_comes_has_no_time(void **state) {
    (void)state;
    expect("cron(0 0 30 2 ? *)", "2026-01-01T00:00:00Z", NULL);
    expect("cron(0 0 1 1 ? 2020)", "2026-01-01T00:00:00Z", NULL);
    expect("cron(0 0 31W 2 ? *)", "2026-01-01T00:00:00Z", NULL);
}

static void test_broken_schedules_are_refused(void **state) {
    (void)state;
    static const char *const bad[] = {
        "",
        "rate",
        "rate()",
        "rate(1)",
        "rate(0 minutes)",
        "rate(1 minutes)",
        "rate(5 minute)",
        "rate(-5 minutes)",
        "rate(1 second)",
        "rate(5 minutes",
        "rate(99999999999 days)",
        "at(2026-01-01T00:00:00)",
        "cron()",
        "cron(0 12 * * ?)",
        "cron(0 12 * * ? * *)",
        "cron(0 12 * * * *)",
        "cron(0 12 ? * ? *)",
        "cron(60 12 * * ? *)",
        "cron(0 24 * * ? *)",
        "cron(0 0 32 * ? *)",
        "cron(0 0 0 * ? *)",
        "cron(0 0 * 13 ? *)",
        "cron(0 0 ? * 8 *)",
        "cron(0 0 ? * 3#6 *)",
        "cron(0 0 ? * XYZ *)",
        "cron(0 0 1 1 ? 1969)",
        "cron(0 0 1 1 ? 2200)",
        "cron(*/0 * * * ? *)",
        "cron(5-1 * * * ? *)",
        "cron(1, * * * ? *)",
        "cron(? * * * ? *)",
        "cron(0 0 W * ? *)",
        "cron(0 0 ? * 2#1,3#1 *)",
        "cron(a * * * ? *)",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct schedule s;
        struct err err = ERR_INIT;
        if (schedule_parse(str_c(bad[i]), &s, &err) == 0) {
            fail_msg("'%s' was taken", bad[i]);
        }
        assert_true(err.msg[0] != '\0');
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rates_count_from_their_beginning),
        cmocka_unit_test(test_crons_name_minutes_hours_and_days),
        cmocka_unit_test(test_crons_know_the_calendar),
        cmocka_unit_test(test_what_never_comes_has_no_time),
        cmocka_unit_test(test_broken_schedules_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
