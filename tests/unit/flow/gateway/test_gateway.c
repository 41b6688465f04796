/* The gateway's decisions and messages, without a container. */
#include "../../cmocka_.h"

#include "base/arena.h"
#include "flow/gateway/authority.h"
#include "flow/gateway/dns.h"
#include "flow/gateway/internal.h"
#include "flow/build/machine.h"
#include "flow/gateway/mirror.h"
#include "platform/os/fd.h"
#include "platform/os/file.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <sys/socket.h>
#include <unistd.h>

static struct arena arena;
static const char *dir;
static struct clock_fake time_now;
static struct clock fake_time;

static int setup(void **state) {
    (void)state;
    arena_init(&arena);
    struct err err = ERR_INIT;
    time_now = (struct clock_fake){.now_ms = 1000};
    fake_time = clock_fake(&time_now);
    return dir_make_temp(&arena, "test_gateway", &dir, &err);
}

static int teardown(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    int result = tree_remove(dir, &err);
    arena_done(&arena);
    return result;
}

static struct mirror_entry add_to_mirror(const char *url, const char *text) {
    struct err err = ERR_INIT;
    struct mirror_entry entry;
    int fd cleanup_fd = fd_from_bytes("content", str_c(text), &err);
    assert_true(fd >= 0);
    assert_int_equal(mirror_add(dir, &fake_time, str_c(url), fd, STR_NONE, &entry, &arena, &err),
                     0);
    return entry;
}

static void test_mirror_gives_back_what_was_put_in(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    struct mirror_entry found;
    add_to_mirror("https://Downloads.Example.org:443/a?b=c#d", "hello");
    assert_int_equal(
        mirror_find(&arena, dir, S("https://downloads.example.org/a?b=c"), &found, &err), 1);
    assert_int_equal(found.size, 5);
    int fd cleanup_fd = mirror_open(dir, &found, &err);
    struct str text = STR_NONE;
    assert_int_equal(fd_read_all(&arena, fd, 100, &text, &err), 0);
    assert_true(str_is(text, "hello"));
    assert_int_equal(mirror_find(&arena, dir, S("https://downloads.example.org/a"), &found, &err),
                     0);
    assert_int_equal(mirror_find(&arena, dir, S("ftp://x/"), &found, &err), -1);
    assert_true(mirror_has_host(dir, S("DOWNLOADS.example.org")));
    assert_false(mirror_has_host(dir, S("example.org")));
    struct mirror_list list;
    add_to_mirror("https://downloads.example.org/a?b=c", "other");
    add_to_mirror("http://b.example.org/", "x");
    assert_int_equal(mirror_entries(&arena, dir, &list, &err), 0);
    assert_int_equal(list.n, 2);
}

static void test_mirror_refuses_content_with_another_digest(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    struct mirror_entry entry;
    int fd cleanup_fd = fd_from_bytes("content", S("hello"), &err);
    struct str wrong = S("0000000000000000000000000000000000000000000000000000000000000000");
    assert_int_equal(
        mirror_add(dir, &fake_time, S("https://x.org/a"), fd, wrong, &entry, &arena, &err), -1);
    assert_int_equal(err.kind, ERR_INVALID);
    assert_int_equal(mirror_find(&arena, dir, S("https://x.org/a"), &entry, &err), 0);
}

static void test_routes_follow_name_mirror_and_policy(void **state) {
    (void)state;
    add_to_mirror("https://releases.example.org/x.zip", "x");
    struct plan plan = {.data_dir = str_c(dir), .policy = PLAN_OPEN};
    assert_int_equal(route_of(&plan, S("s3.eu-west-2.amazonaws.com")), ROUTE_AWS);
    assert_int_equal(route_of(&plan, S("bucket.s3.eu-west-2.AmazonAWS.com")), ROUTE_AWS);
    assert_int_equal(route_of(&plan, S("evilamazonaws.com")), ROUTE_PASS);
    assert_int_equal(route_of(&plan, S("releases.example.org")), ROUTE_MIRROR);
    assert_int_equal(route_of(&plan, S("example.org")), ROUTE_PASS);
    plan.policy = PLAN_LOCKED;
    assert_int_equal(route_of(&plan, S("example.org")), ROUTE_REFUSE);
    assert_int_equal(route_of(&plan, S("releases.example.org")), ROUTE_MIRROR);
    plan.policy = PLAN_NONE;
    struct plan_registry registry = {.name = S("registry.internal"), .address = S("10.0.0.5:5000")};
    plan.registries.v = &registry;
    plan.registries.n = 1;
    assert_int_equal(route_of(&plan, S("registry.internal")), ROUTE_REFUSE); /* no network at all */
    plan.policy = PLAN_LOCKED;
    assert_int_equal(route_of(&plan, S("Registry.internal")), ROUTE_PASS);
    assert_int_equal(route_of(&plan, S("x.registry.internal")), ROUTE_REFUSE);
    assert_ptr_equal(route_registry(&plan, S("registry.internal")), &registry);
    plan.registries.n = 0;
    plan.policy = PLAN_NONE;
    assert_int_equal(route_of(&plan, S("releases.example.org")), ROUTE_REFUSE);
    assert_int_equal(route_of(&plan, S("sts.amazonaws.com")), ROUTE_AWS);
    plan.aws = true;
    assert_int_equal(route_of(&plan, S("sts.amazonaws.com")), ROUTE_PASS);
}

static void test_only_public_addresses_are_passed_to(void **state) {
    (void)state;
    static const unsigned char private[][4] = {
        {127, 0, 0, 1},  {10, 1, 2, 3}, {192, 168, 0, 1}, {169, 254, 169, 254},
        {172, 31, 0, 1}, {0, 0, 0, 0},  {100, 64, 0, 1},  {224, 0, 0, 1}};
    for (size_t i = 0; i < sizeof(private) / sizeof(private[0]); i++) {
        assert_false(route_public_address(private[i], 4));
    }
    assert_true(route_public_address((const unsigned char[]){8, 8, 8, 8}, 4));
    assert_true(route_public_address((const unsigned char[]){172, 32, 0, 1}, 4));
    assert_false(route_public_address((const unsigned char[16]){[15] = 1}, 16));
    assert_false(route_public_address((const unsigned char[16]){0xFD}, 16));
    assert_false(route_public_address(
        (const unsigned char[16]){[10] = 0xFF, [11] = 0xFF, [12] = 127, [15] = 1}, 16));
    assert_true(route_public_address((const unsigned char[16]){0x2A, 0x00}, 16));
}

static void test_addresses_of_this_machine_are_its_own_public_or_not(void **state) {
    (void)state;
    struct ifaddrs *list = NULL;
    size_t seen = 0;
    assert_int_equal(getifaddrs(&list), 0);
    for (const struct ifaddrs *one = list; one != NULL; one = one->ifa_next) {
        if (one->ifa_addr != NULL && one->ifa_addr->sa_family == AF_INET &&
            (one->ifa_flags & IFF_UP)) {
            assert_true(route_own_address(one->ifa_addr, sizeof(struct sockaddr_in)));
            seen++;
        }
    }
    freeifaddrs(list);
    assert_true(seen > 0);
    struct sockaddr_in other = {.sin_family = AF_INET, .sin_port = htons(80)};
    inet_pton(AF_INET, "192.0.2.1", &other.sin_addr);
    assert_false(route_own_address((struct sockaddr *)&other, sizeof(other)));
}

static void test_names_are_answered_with_the_gateways_address(void **state) {
    (void)state;
    static const unsigned char query[] = "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"
                                         "\x03sts\x09"
                                         "amazonaws\x03"
                                         "com\x00\x00\x01\x00\x01";
    static const unsigned char address[4] = {169, 254, 170, 3};
    unsigned char out[DNS_MAX];
    size_t n = dns_answer(query, sizeof(query) - 1, address, out);
    assert_int_equal(n, sizeof(query) - 1 + 16);
    assert_memory_equal(out, "\x12\x34\x81\x80\x00\x01\x00\x01", 8);
    assert_memory_equal(out + n - 4, address, 4);
    unsigned char aaaa[sizeof(query)];
    memcpy(aaaa, query, sizeof(query));
    aaaa[sizeof(query) - 4] = 28;
    n = dns_answer(aaaa, sizeof(query) - 1, address, out);
    assert_int_equal(n, sizeof(query) - 1);
    assert_memory_equal(out + 2, "\x81\x80\x00\x01\x00\x00", 6);
    for (size_t cut = 0; cut < sizeof(query) - 1; cut++) {
        size_t short_n = dns_answer(query, cut, address, out);
        assert_true(short_n == 0 || (out[3] & 15) == 1);
    }
}

static void test_server_name_is_found_however_the_hello_is_cut(void **state) {
    (void)state;
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    SSL *ssl = SSL_new(context);
    SSL_set_tlsext_host_name(ssl, "bucket.s3.eu-west-2.amazonaws.com");
    SSL_set_fd(ssl, fds[0]);
    struct err err = ERR_INIT;
    assert_int_equal(fd_nonblocking(fds[0], true, &err), 0);
    assert_int_equal(SSL_connect(ssl), -1);
    char hello[4096];
    ssize_t n = read(fds[1], hello, sizeof(hello));
    assert_true(n > 100);
    struct str name = STR_NONE;
    for (ssize_t cut = 0; cut < n; cut++) {
        assert_int_equal(route_sni(str_n(hello, (size_t)cut), &name), 0);
    }
    assert_int_equal(route_sni(str_n(hello, (size_t)n), &name), 1);
    assert_true(str_is(name, "bucket.s3.eu-west-2.amazonaws.com"));
    assert_int_equal(route_sni(S("GET / HTTP/1.1\r\n"), &name), -1);
    for (ssize_t i = 5; i < n; i++) { /* no damage leads outside of the bytes */
        char old = hello[i];
        hello[i] = (char)0xFF;
        assert_true(route_sni(str_n(hello, (size_t)n), &name) <= 1);
        hello[i] = old;
    }
    SSL_free(ssl);
    SSL_CTX_free(context);
    close(fds[0]);
    close(fds[1]);
}

/* A stream that holds exactly these bytes. */
static struct stream stream_of(struct str bytes) {
    int fds[2];
    struct stream s;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    assert_int_equal(write(fds[0], bytes.p, bytes.n), bytes.n);
    close(fds[0]);
    stream_init(&s, fds[1], NULL);
    return s;
}

static bool collect(void *ud, struct str bytes) {
    buf_add(ud, bytes);
    return true;
}

static int read_request(struct str bytes, struct message *m, struct buf *body) {
    struct stream s = stream_of(bytes);
    int result = message_read(&s, &arena, false, m);
    if (result == 1 && message_body(&s, m, false, collect, body, 1000) < 0) {
        result = -1;
    }
    stream_done(&s);
    return result;
}

static void test_requests_are_read_exactly_or_refused(void **state) {
    (void)state;
    struct message m;
    struct buf body cleanup_buf;
    buf_init(&body, 10000);
    assert_int_equal(read_request(S("POST /x?y HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
                                    "Content-Length: 5\r\n\r\nhello"),
                                  &m, &body),
                     1);
    assert_true(str_is(buf_str(&body), "hello") && m.expects && str_is(m.target, "/x?y"));
    buf_clear(&body);
    assert_int_equal(read_request(S("PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
                                    "3;x=y\r\nabc\r\n0002\r\nde\r\n0\r\nT: v\r\n\r\n"),
                                  &m, &body),
                     1);
    assert_true(str_is(buf_str(&body), "abcde"));
    static const char *const bad[] = {
        "GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        "GET / HTTP/1.1\r\nContent-Length: +1\r\n\r\na",
        "GET / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "GET / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n",
        "GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        "GET / HTTP/1.1\r\nA : b\r\n\r\n",
        "GET / HTTP/1.1\nA: b\n\n\r\n\r\n",
        "GET /a b HTTP/1.1\r\n\r\n",
        "GET / HTTP/2.0\r\n\r\n",
        "GET / HTTP/1.1\r\nContent-Length: 5000\r\n\r\n",
        "GET / HTTP/1.1\r\nContent-Length: 5\r\n\r\nabc",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (read_request(str_c(bad[i]), &m, &body) != -1) {
            fail_msg("taken: %s", bad[i]);
        }
    }
    assert_int_equal(read_request(S(""), &m, &body), 0);
}

static void test_answers_end_where_they_say(void **state) {
    (void)state;
    struct message m;
    struct buf body cleanup_buf;
    buf_init(&body, 10000);
    struct stream s =
        stream_of(S("HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200 OK\r\n\r\nto the end"));
    assert_int_equal(message_read(&s, &arena, true, &m), 1);
    assert_int_equal(message_body(&s, &m, false, collect, &body, 1000), 0);
    assert_int_equal(body.n, 0);
    assert_int_equal(message_read(&s, &arena, true, &m), 1);
    assert_int_equal(m.status, 200);
    assert_int_equal(message_body(&s, &m, false, collect, &body, 1000), 0);
    assert_true(str_is(buf_str(&body), "to the end"));
    stream_done(&s);
}

static void test_host_is_read_without_taking_the_request(void **state) {
    (void)state;
    struct stream s = stream_of(S("GET /a HTTP/1.1\r\nhOst: x.example.org:80\r\n\r\n"));
    assert_true(str_is(stream_peek_host(&s, &arena), "x.example.org"));
    struct message m;
    assert_int_equal(message_read(&s, &arena, false, &m), 1);
    assert_true(str_is(m.target, "/a"));
    stream_done(&s);
}

static void test_phases_follow_each_other_as_on_aws(void **state) {
    (void)state;
    assert_int_equal(phase_after(PHASE_BUILD, PHASE_FAILED, ON_FAILURE_DEFAULT), PHASE_POST_BUILD);
    assert_int_equal(phase_after(PHASE_BUILD, PHASE_FAILED, ON_FAILURE_ABORT), PHASE_FINALIZING);
    assert_int_equal(phase_after(PHASE_INSTALL, PHASE_FAILED, ON_FAILURE_DEFAULT),
                     PHASE_FINALIZING);
    assert_int_equal(phase_after(PHASE_INSTALL, PHASE_FAILED, ON_FAILURE_CONTINUE),
                     PHASE_PRE_BUILD);
    assert_int_equal(phase_after(PHASE_POST_BUILD, PHASE_FAILED, ON_FAILURE_DEFAULT),
                     PHASE_UPLOAD_ARTIFACTS);
    assert_int_equal(phase_after(PHASE_BUILD, PHASE_STOPPED, ON_FAILURE_CONTINUE),
                     PHASE_FINALIZING);
    assert_int_equal(phase_after(PHASE_BUILD, PHASE_TIMED_OUT, ON_FAILURE_DEFAULT),
                     PHASE_FINALIZING);
    assert_int_equal(phase_after(PHASE_FINALIZING, PHASE_SUCCEEDED, ON_FAILURE_DEFAULT),
                     PHASE_COMPLETED);
    assert_int_equal(build_status_after(PHASE_SUCCEEDED, PHASE_TIMED_OUT), PHASE_FAILED);
    assert_int_equal(build_status_after(PHASE_FAILED, PHASE_SUCCEEDED), PHASE_FAILED);
    assert_int_equal(build_status_after(PHASE_FAILED, PHASE_STOPPED), PHASE_STOPPED);
    assert_int_equal(build_status_after(PHASE_STOPPED, PHASE_FAILED), PHASE_STOPPED);
    for (unsigned phase = 0; phase < PHASE_COUNT; phase++) { /* every way ends */
        enum build_phase at = (enum build_phase)phase;
        for (int steps = 0; at != PHASE_COMPLETED; steps++) {
            assert_true(steps < PHASE_COUNT);
            at = phase_after(at, PHASE_FAILED, ON_FAILURE_CONTINUE);
        }
    }
}

static void test_machines_own_authorities_are_found_where_they_are_added(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    struct cert_pair one;
    struct cert_pair two;
    const char *const folders[] = {dir, "/no/such/folder", NULL};
    assert_int_equal(cert_make_authority(&arena, S("one"), 1000, 10, &one, &err), 0);
    assert_int_equal(cert_make_authority(&arena, S("two"), 1000, 10, &two, &err), 0);
    const struct str_pair files[] = {
        {S("a.crt"), one.cert_pem}, {S("b.pem"), two.cert_pem}, {S("c.crt"), S("no certificate")},
        {S("d.txt"), one.cert_pem}, {S("e.crt"), one.key_pem},
    };
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        const char *path = str_printf(&arena, "%s/" STR_FMT, dir, STR_ARG(files[i].key)).p;
        assert_int_equal(file_write(path, files[i].value, 0644, &err), 0);
    }
    struct str found = authority_of_machine(&arena, folders);
    assert_int_equal(found.n, one.cert_pem.n + two.cert_pem.n);
    assert_true(str_find(found, one.cert_pem, 0) != (size_t)-1);
    assert_true(str_find(found, two.cert_pem, 0) != (size_t)-1);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(test_mirror_gives_back_what_was_put_in),
        CASE(test_mirror_refuses_content_with_another_digest),
        CASE(test_routes_follow_name_mirror_and_policy),
        CASE(test_only_public_addresses_are_passed_to),
        CASE(test_addresses_of_this_machine_are_its_own_public_or_not),
        CASE(test_names_are_answered_with_the_gateways_address),
        CASE(test_server_name_is_found_however_the_hello_is_cut),
        CASE(test_requests_are_read_exactly_or_refused),
        CASE(test_answers_end_where_they_say),
        CASE(test_host_is_read_without_taking_the_request),
        CASE(test_machines_own_authorities_are_found_where_they_are_added),
        CASE(test_phases_follow_each_other_as_on_aws),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
