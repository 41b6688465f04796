/* Whom the server may connect to for users. */
#include "../cmocka_.h"

#include "runtime/http/egress.h"

#include <arpa/inet.h>

static bool may(struct egress *e, const char *address) {
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    if (inet_pton(AF_INET, address, &v4.sin_addr) == 1) {
        return egress_may_connect(e, (const struct sockaddr *)&v4);
    }
    assert_int_equal(inet_pton(AF_INET6, address, &v6.sin6_addr), 1);
    return egress_may_connect(e, (const struct sockaddr *)&v6);
}

static void test_public_addresses_are_allowed_special_ones_are_not(void **state) {
    (void)state;
    struct egress none = {0};
    const char *open[] = {"8.8.8.8", "172.32.0.1", "11.0.0.1", "2600:1f18::1"};
    const char *shut[] = {"127.0.0.1",   "127.9.9.9",        "10.1.2.3",       "172.16.0.1",
                          "192.168.1.1", "169.254.169.254",  "0.0.0.0",        "100.64.0.1",
                          "::1",         "::ffff:127.0.0.1", "fe80::1",        "fd00::1",
                          "224.0.0.1",   "255.255.255.255",  "64:ff9b::7f00:1"};
    for (size_t i = 0; i < sizeof(open) / sizeof(open[0]); i++) {
        if (!may(&none, open[i])) {
            fail_msg("%s is refused", open[i]);
        }
    }
    for (size_t i = 0; i < sizeof(shut) / sizeof(shut[0]); i++) {
        if (may(&none, shut[i])) {
            fail_msg("%s is allowed", shut[i]);
        }
    }
}

static void test_listed_networks_are_allowed_and_only_those(void **state) {
    (void)state;
    struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    struct egress e = {0};
    assert_int_equal(egress_allow(&a, &e, S("127.0.0.1"), &err), 0);
    assert_int_equal(egress_allow(&a, &e, S("10.20.0.0/14"), &err), 0);
    assert_int_equal(egress_allow(&a, &e, S("fd00::/8"), &err), 0);
    assert_true(may(&e, "127.0.0.1"));
    assert_true(may(&e, "::ffff:127.0.0.1"));
    assert_false(may(&e, "127.0.0.2"));
    assert_true(may(&e, "10.23.255.255"));
    assert_false(may(&e, "10.24.0.0"));
    assert_true(may(&e, "fdab::1"));
    assert_false(may(&e, "fe80::1"));
    arena_done(&a);
}

static void test_what_is_no_network_is_named(void **state) {
    (void)state;
    struct arena a = ARENA_INIT;
    struct egress e = {0};
    const char *bad[] = {"localhost", "10.0.0.0/33", "10.0.0/8", "", "1.2.3.4/", "::/129", "/8"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct err err = ERR_INIT;
        assert_int_equal(egress_allow(&a, &e, str_c(bad[i]), &err), -1);
        assert_int_equal(err.kind, ERR_INVALID);
    }
    assert_int_equal(e.n, 0);
    arena_done(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_public_addresses_are_allowed_special_ones_are_not),
        cmocka_unit_test(test_listed_networks_are_allowed_and_only_those),
        cmocka_unit_test(test_what_is_no_network_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
