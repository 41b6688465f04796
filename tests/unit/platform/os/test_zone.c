/* Time zones: what the system's files say, and the rules behind their last transition. */
#include "../../cmocka_.h"

#include "platform/os/zone.h"

static int ahead(const char *zone, int64_t utc_s) {
    struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    int seconds = 0;
    if (zone_offset(&a, str_c(zone), utc_s, &seconds, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    arena_done(&a);
    return seconds;
}

enum { WINTER = 1768478400 /* 2026-01-15T12:00Z */, SUMMER = 1784116800 /* 2026-07-15T12:00Z */ };

static void test_fixed_zones_are_read_without_files(void **state) {
    (void)state;
    assert_int_equal(ahead("UTC", WINTER), 0);
    assert_int_equal(ahead("GMT", WINTER), 0);
    assert_int_equal(ahead("UTC+02:00", WINTER), 7200);
    assert_int_equal(ahead("UTC-3:30", WINTER), -12600);
    assert_int_equal(ahead("UTC+9", WINTER), 32400);
    assert_int_equal(ahead("EST", SUMMER), -18000);
}

static void test_cities_change_with_the_season(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    if (zone_check(S("Europe/London"), &err) < 0) {
        skip(); /* no tzdata on this machine */
    }
    assert_int_equal(ahead("Europe/London", WINTER), 0);
    assert_int_equal(ahead("Europe/London", SUMMER), 3600);
    assert_int_equal(ahead("PST", WINTER), -8 * 3600);
    assert_int_equal(ahead("America/Los_Angeles", SUMMER), -7 * 3600);
    assert_int_equal(ahead("Asia/Kolkata", SUMMER), 19800);
    /* 2026-03-29T01:00Z: London's clocks go forward */
    assert_int_equal(ahead("Europe/London", 1774745999), 0);
    assert_int_equal(ahead("Europe/London", 1774746000), 3600);
    /* 2100-07-15T12:00Z: long behind the last transition that is written down */
    assert_int_equal(ahead("Europe/London", 4119336000), 3600);
}

static void test_names_that_are_none_are_refused(void **state) {
    (void)state;
    static const char *const names[] = {
        "",          "Mars/Olympus", "../etc/passwd", "/etc/passwd", "Europe//London", "UTC+",
        "UTC+24:00", "UTC+1:5",      "tzdata.zi",     "Europe",      "UTC+01:60",      "UTC 1"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct err err = ERR_INIT;
        if (zone_check(str_c(names[i]), &err) == 0) {
            fail_msg("'%s' passes", names[i]);
        }
        assert_int_equal(err.kind, ERR_INVALID);
    }
}

static void test_rules_behind_the_last_transition(void **state) {
    (void)state;
    static const struct {
        const char *rule;
        int64_t at;
        int ahead;
    } table[] = {
        {"GMT0BST,M3.5.0/1,M10.5.0", WINTER, 0},
        {"GMT0BST,M3.5.0/1,M10.5.0", SUMMER, 3600},
        {"GMT0BST,M3.5.0/1,M10.5.0", 1774745999, 0},
        {"GMT0BST,M3.5.0/1,M10.5.0", 1774746000, 3600},
        {"<+0330>-3:30", SUMMER, 12600},
        {"AEST-10AEDT,M10.1.0,M4.1.0/3", WINTER, 39600}, /* the south: summer at the turn */
        {"AEST-10AEDT,M10.1.0,M4.1.0/3", SUMMER, 36000},
        {"<-03>3<-02>,J60/0,J300/0", WINTER, -10800},
        {"<-03>3<-02>,J60/0,J300/0", SUMMER, -7200},
        {"X3Y,59,300", SUMMER, 0}, /* names have three letters */
        {"GMT0BST,M13.5.0,M10.5.0", SUMMER, 0},
        {"GMT0BST,M3.5.0/1", SUMMER, 0},
        {"", SUMMER, 0},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        int seconds = 0;
        bool good = zone_rule_offset(str_c(table[i].rule), table[i].at, &seconds);
        assert_int_equal(good, i < 9);
        if (good && seconds != table[i].ahead) {
            fail_msg("%s: %d", table[i].rule, seconds);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fixed_zones_are_read_without_files),
        cmocka_unit_test(test_cities_change_with_the_season),
        cmocka_unit_test(test_names_that_are_none_are_refused),
        cmocka_unit_test(test_rules_behind_the_last_transition),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
