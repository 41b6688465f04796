/* Server and client against each other on a free loopback port, and raw bytes against the server.
 */
#include "../cmocka_.h"

#include "base/buf.h"
#include "runtime/http/http.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

struct fixture {
    struct http_server *server;
    struct arena arena;
    char dir[32];
    char socket[64];
    char base[64]; /* "http://127.0.0.1:PORT" */
    struct http_stream *_Atomic stream;
    int64_t sunk; /* bytes that the sink saw */
    int closed;   /* how often it was closed */
    bool sink_refuses;
};

static int sink_write(void *ud, struct str data, struct err *err) {
    struct fixture *f = ud;
    f->sunk += (int64_t)data.n;
    return f->sink_refuses ? err_set(err, ERR_LIMIT, "enough") : 0;
}

static void sink_close(void *ud) {
    ((struct fixture *)ud)->closed++;
}

static bool on_begin(void *ud, struct http_request *req, struct http_response *resp) {
    if (str_is(req->path, "/sink")) {
        req->sink = (struct http_sink){sink_write, sink_close, ud};
    }
    if (str_is(req->path, "/early")) {
        resp->status = 403;
        resp->body = S("no");
        return true;
    }
    return false;
}

static int file_with(struct str text) {
    int fd = memfd_create("body", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text.p, text.n), text.n);
    lseek(fd, 0, SEEK_SET);
    return fd;
}

static void on_handle(void *ud, struct http_request *req, struct http_response *resp) {
    struct fixture *f = ud;
    if (str_is(req->path, "/sink")) {
        resp->status = req->sink_error.kind == ERR_NONE ? 200 : 400;
        return;
    }
    if (str_is(req->path, "/file")) {
        resp->fd = file_with(S("0123456789"));
        resp->fd_offset = 2;
        resp->fd_size = 5;
        return;
    }
    if (str_is(req->path, "/size")) {
        resp->fd_size = 1234567;
        return;
    }
    if (str_is(req->path, "/stream")) {
        resp->stream = http_stream_new();
        http_stream_write(resp->stream, S("first "));
        f->stream = resp->stream;
        return;
    }
    http_header_add(req->arena, &resp->headers, S("X-Bad"), S("a\r\nSet-Cookie: b"));
    http_header_add(req->arena, &resp->headers, S("X-Target"), req->target);
    http_header_add(req->arena, &resp->headers, S("X-Local"), req->local ? S("yes") : S("no"));
    struct str line =
        str_printf(req->arena, STR_FMT " " STR_FMT " ", STR_ARG(req->method), STR_ARG(req->path));
    resp->body = str_concat(req->arena, line, req->body);
}

static int setup(void **state) {
    struct fixture *f = calloc(1, sizeof(*f));
    struct err err = ERR_INIT;
    strcpy(f->dir, "/tmp/http.XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    snprintf(f->socket, sizeof(f->socket), "%s/s", f->dir);
    struct http_server_config config = {"127.0.0.1", 0, f->socket, 2};
    struct http_handler handler = {on_begin, on_handle, f};
    assert_int_equal(http_server_start(&config, handler, &f->server, &err), 0);
    snprintf(f->base, sizeof(f->base), "http://127.0.0.1:%u", http_server_port(f->server));
    *state = f;
    return 0;
}

static void stop(struct fixture *f) {
    http_server_stop(f->server, 1000);
    f->server = NULL;
}

static int teardown(void **state) {
    struct fixture *f = *state;
    http_server_stop(f->server, 1000);
    arena_done(&f->arena);
    rmdir(f->dir);
    free(f);
    return 0;
}

static struct http_call call_to(struct fixture *f, const char *method, const char *target) {
    struct http_call call = HTTP_CALL_INIT;
    call.method = str_c(method);
    call.url = str_printf(&f->arena, "%s%s", f->base, target);
    return call;
}

static struct http_reply fetch(struct fixture *f, const struct http_call *call) {
    struct err err = ERR_INIT;
    struct http_reply reply;
    if (http_fetch(&f->arena, call, &reply, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    return reply;
}

/* Sends bytes as they are, returns everything that came back until the server closed. */
static struct str raw(struct fixture *f, struct str bytes) {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(http_server_port(f->server)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(send(fd, bytes.p, bytes.n, MSG_NOSIGNAL), bytes.n);
    struct buf answer cleanup_buf;
    buf_init(&answer, 1 << 20);
    char piece[4096];
    ssize_t n;
    while ((n = recv(fd, piece, sizeof(piece), 0)) > 0) {
        buf_add(&answer, str_n(piece, (size_t)n));
    }
    close(fd);
    return buf_dup(&f->arena, &answer);
}

static bool refused(struct fixture *f, const char *request) {
    return str_starts(raw(f, str_c(request)), S("HTTP/1.1 400"));
}

static void test_target_reaches_the_handler_undecoded(void **state) {
    struct fixture *f = *state;
    struct http_call call = call_to(f, "GET", "/a%2Fb/../c//d?x=%20&y");
    struct http_reply reply = fetch(f, &call);
    assert_int_equal(reply.status, 200);
    assert_true(str_is(http_header(&reply.headers, S("x-target")), "/a%2Fb/../c//d?x=%20&y"));
    assert_true(str_is(reply.body, "GET /a%2Fb/../c//d "));
}

static void test_body_arrives_whole_with_and_without_keep_alive(void **state) {
    struct fixture *f = *state;
    for (int i = 0; i < 3; i++) {
        struct http_call call = call_to(f, "POST", "/p");
        call.body = str_n("a\0b", 3);
        struct http_reply reply = fetch(f, &call);
        assert_int_equal(reply.body.n, strlen("POST /p ") + 3);
    }
}

static void test_header_with_line_break_is_not_sent(void **state) {
    struct fixture *f = *state;
    struct http_call call = call_to(f, "GET", "/");
    struct http_reply reply = fetch(f, &call);
    assert_null(http_header(&reply.headers, S("set-cookie")).p);
    assert_null(http_header(&reply.headers, S("x-bad")).p);
}

static void test_requests_that_two_readers_would_read_differently_are_refused(void **state) {
    struct fixture *f = *state;
    assert_true(refused(f, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n"
                           "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"));
    assert_true(refused(f, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n"
                           "Content-Length: 3\r\n\r\nabc"));
    assert_true(refused(f, "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n"
                           "\r\n0\r\n\r\n"));
    assert_true(refused(f, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n"));
    assert_true(refused(f, "GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n"));
    assert_true(refused(f, "GET / HTTP/1.1\r\nHost: x\r\nX: a\x01z\r\n\r\n"));
    assert_true(refused(f, "GET nonsense HTTP/1.1\r\nHost: x\r\n\r\n"));
    assert_false(refused(f, "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                            "Content-Length: 3\r\n\r\nabc"));
}

static void test_body_over_the_limit_is_refused_before_it_is_sent(void **state) {
    struct fixture *f = *state;
    struct str answer = raw(f, S("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n"));
    assert_true(str_starts(answer, S("HTTP/1.1 413")));
}

static void test_expect_continue_is_answered_before_the_body_comes(void **state) {
    struct fixture *f = *state;
    struct str answer = raw(f, S("PUT /sink HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n"
                                 "Expect: 100-continue\r\nConnection: close\r\n\r\nab"));
    assert_true(str_starts(answer, S("HTTP/1.1 100")));
    assert_true(str_find(answer, S("HTTP/1.1 200"), 0) != (size_t)-1);
}

static void test_sink_takes_more_than_fits_in_memory_and_is_closed_once(void **state) {
    struct fixture *f = *state;
    int fd = memfd_create("large", MFD_CLOEXEC);
    int64_t size = HTTP_MAX_BODY_BYTES + 12345;
    assert_int_equal(ftruncate(fd, size), 0);
    struct http_call call = call_to(f, "PUT", "/sink");
    call.body_fd = fd;
    call.body_size = size;
    assert_int_equal(fetch(f, &call).status, 200);
    assert_true(f->sunk == size);
    stop(f); /* the sink is closed after the answer has gone out */
    assert_int_equal(f->closed, 1);
    close(fd);
}

static void test_refusal_of_a_sink_is_told_to_the_handler(void **state) {
    struct fixture *f = *state;
    f->sink_refuses = true;
    struct http_call call = call_to(f, "PUT", "/sink");
    call.body = S("abc");
    assert_int_equal(fetch(f, &call).status, 400);
    stop(f);
    assert_int_equal(f->closed, 1);
}

static void test_begin_can_answer_without_reading_the_body(void **state) {
    struct fixture *f = *state;
    struct str answer =
        raw(f, S("POST /early HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n"));
    assert_true(str_starts(answer, S("HTTP/1.1 403")));
}

static void test_part_of_a_file_is_sent_and_head_names_a_size_without_bytes(void **state) {
    struct fixture *f = *state;
    struct http_call file = call_to(f, "GET", "/file");
    assert_true(str_is(fetch(f, &file).body, "23456"));
    struct http_call head = call_to(f, "HEAD", "/size");
    struct http_reply reply = fetch(f, &head);
    assert_true(str_is(http_header(&reply.headers, S("content-length")), "1234567"));
    assert_int_equal(reply.body.n, 0);
}

static void test_answer_goes_to_a_file_up_to_its_limit(void **state) {
    struct fixture *f = *state;
    struct err err = ERR_INIT;
    struct http_reply reply;
    int fd = memfd_create("out", MFD_CLOEXEC);
    struct http_call call = call_to(f, "GET", "/file");
    call.out_fd = fd;
    assert_int_equal(fetch(f, &call).body_size, 5);
    char text[8] = "";
    assert_int_equal(pread(fd, text, 7, 0), 5);
    assert_string_equal(text, "23456");
    call.max_body = 4;
    assert_int_equal(http_fetch(&f->arena, &call, &reply, &err), -1);
    assert_int_equal(err.kind, ERR_LIMIT);
    close(fd);
}

static void test_unix_socket_is_private_and_its_requests_are_local(void **state) {
    struct fixture *f = *state;
    struct stat st;
    assert_int_equal(stat(f->socket, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    struct http_call call = HTTP_CALL_INIT;
    call.method = S("GET");
    call.url = S("http://ssm.eu-west-2.amazonaws.com/");
    call.unix_path = str_c(f->socket);
    struct http_reply reply = fetch(f, &call);
    assert_true(str_is(http_header(&reply.headers, S("x-local")), "yes"));
    call = call_to(f, "GET", "/");
    reply = fetch(f, &call);
    assert_true(str_is(http_header(&reply.headers, S("x-local")), "no"));
}

static void *read_stream(void *ud) {
    struct fixture *f = ud;
    struct http_call call = call_to(f, "GET", "/stream");
    struct http_reply *reply = calloc(1, sizeof(*reply));
    *reply = fetch(f, &call);
    return reply;
}

static struct http_stream *wait_for_stream(struct fixture *f) {
    for (int i = 0; i < 5000 && f->stream == NULL; i++) {
        usleep(1000);
    }
    assert_non_null(f->stream);
    return f->stream;
}

static void test_stream_sends_what_is_written_until_it_ends(void **state) {
    struct fixture *f = *state;
    pthread_t thread;
    void *reply = NULL;
    pthread_create(&thread, NULL, read_stream, f);
    struct http_stream *s = wait_for_stream(f);
    assert_true(http_stream_write(s, S("second")));
    http_stream_end(s);
    pthread_join(thread, &reply);
    assert_true(str_is(((struct http_reply *)reply)->body, "first second"));
    free(reply);
}

/* libmicrohttpd's own way to stop listening ended the process now and then. */
static void test_a_stop_at_any_moment_ends_the_server_and_not_the_process(void **state) {
    struct fixture *f = *state;
    struct err err = ERR_INIT;
    stop(f);
    for (int i = 0; i < 20; i++) {
        struct http_server_config config = {"127.0.0.1", 0, f->socket, 8};
        struct http_handler handler = {on_begin, on_handle, f};
        assert_int_equal(http_server_start(&config, handler, &f->server, &err), 0);
        uint16_t port = http_server_port(f->server);
        stop(f);
        struct sockaddr_in at = {.sin_family = AF_INET,
                                 .sin_port = htons(port),
                                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof(at)), -1);
        close(fd);
    }
}

static void test_server_stops_while_a_stream_is_open(void **state) {
    struct fixture *f = *state;
    pthread_t thread;
    void *reply = NULL;
    pthread_create(&thread, NULL, read_stream, f);
    struct http_stream *s = wait_for_stream(f);
    http_server_stop(f->server, 2000);
    f->server = NULL;
    pthread_join(thread, &reply);
    assert_true(str_is(((struct http_reply *)reply)->body, "first "));
    assert_false(http_stream_write(s, S("x")));
    http_stream_end(s);
    free(reply);
}

static void test_port_in_use_is_a_conflict_that_names_it(void **state) {
    struct fixture *f = *state;
    struct err err = ERR_INIT;
    struct http_server *second = NULL;
    struct http_server_config config = {"127.0.0.1", http_server_port(f->server), NULL, 1};
    struct http_handler handler = {on_begin, on_handle, f};
    assert_int_equal(http_server_start(&config, handler, &second, &err), -1);
    assert_int_equal(err.kind, ERR_CONFLICT);
    assert_non_null(strstr(err.msg, "in use"));
}

static void test_who_connects_before_the_server_answers_is_heard_when_it_does(void **state) {
    struct fixture *f = *state;
    struct err err = ERR_INIT;
    struct http_server *late = NULL;
    struct http_server_config config = {"127.0.0.1", 0, NULL, 1};
    struct http_handler handler = {on_begin, on_handle, f};
    assert_int_equal(http_server_listen(&config, &late, &err), 0);
    assert_true(http_server_port(late) != 0);
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(http_server_port(late)),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    static const char request[] = "GET /early HTTP/1.1\r\nHost: x\r\n\r\n";
    assert_int_equal(write(fd, request, strlen(request)), strlen(request));
    char answer[16] = "";
    assert_int_equal(recv(fd, answer, sizeof(answer), MSG_DONTWAIT), -1);
    assert_int_equal(http_server_serve(late, handler, &err), 0);
    assert_true(recv(fd, answer, 12, MSG_WAITALL) == 12 && memcmp(answer, "HTTP/1.1 403", 12) == 0);
    close(fd);
    http_server_stop(late, 1000);
}

static void test_server_that_only_listens_gives_its_port_back(void **state) {
    struct fixture *f = *state;
    struct err err = ERR_INIT;
    struct http_server *s = NULL;
    char path[64];
    snprintf(path, sizeof(path), "%s/t", f->dir);
    struct http_server_config config = {"127.0.0.1", 0, path, 1};
    assert_int_equal(http_server_listen(&config, &s, &err), 0);
    config.port = http_server_port(s);
    http_server_stop(s, 1000);
    assert_int_equal(access(path, F_OK), -1);
    struct http_handler handler = {on_begin, on_handle, f};
    assert_int_equal(http_server_start(&config, handler, &s, &err), 0);
    http_server_stop(s, 1000);
}

static void test_nobody_there_is_unavailable(void **state) {
    struct fixture *f = *state;
    struct err err = ERR_INIT;
    struct http_reply reply;
    struct http_call call = call_to(f, "GET", "/");
    stop(f);
    assert_int_equal(http_fetch(&f->arena, &call, &reply, &err), -1);
    assert_int_equal(err.kind, ERR_UNAVAILABLE);
}

static void test_percent_coding_is_exact(void **state) {
    struct fixture *f = *state;
    struct str out;
    struct str_map query;
    assert_true(http_url_decode(&f->arena, S("a%2fb+c"), false, &out));
    assert_true(str_is(out, "a/b+c"));
    assert_false(http_url_decode(&f->arena, S("%2"), false, &out));
    assert_false(http_url_decode(&f->arena, S("%zz"), false, &out));
    assert_true(str_is(http_url_encode(&f->arena, S("a b/~*\xff"), false), "a%20b%2F~%2A%FF"));
    assert_true(str_is(http_url_encode(&f->arena, S("a/b"), true), "a/b"));
    assert_true(http_parse_query(&f->arena, S("a=1&b&&c=x%3Dy+z"), &query));
    assert_int_equal(query.n, 3);
    assert_true(str_is(str_map_get(&query, S("c")), "x=y z"));
    assert_int_equal(str_map_get(&query, S("b")).n, 0);
    assert_true(http_parse_query(&f->arena, STR_NONE, &query));
    assert_int_equal(query.n, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_target_reaches_the_handler_undecoded),
        TEST(test_body_arrives_whole_with_and_without_keep_alive),
        TEST(test_header_with_line_break_is_not_sent),
        TEST(test_requests_that_two_readers_would_read_differently_are_refused),
        TEST(test_body_over_the_limit_is_refused_before_it_is_sent),
        TEST(test_expect_continue_is_answered_before_the_body_comes),
        TEST(test_sink_takes_more_than_fits_in_memory_and_is_closed_once),
        TEST(test_refusal_of_a_sink_is_told_to_the_handler),
        TEST(test_begin_can_answer_without_reading_the_body),
        TEST(test_part_of_a_file_is_sent_and_head_names_a_size_without_bytes),
        TEST(test_answer_goes_to_a_file_up_to_its_limit),
        TEST(test_unix_socket_is_private_and_its_requests_are_local),
        TEST(test_stream_sends_what_is_written_until_it_ends),
        TEST(test_a_stop_at_any_moment_ends_the_server_and_not_the_process),
        TEST(test_server_stops_while_a_stream_is_open),
        TEST(test_port_in_use_is_a_conflict_that_names_it),
        TEST(test_who_connects_before_the_server_answers_is_heard_when_it_does),
        TEST(test_server_that_only_listens_gives_its_port_back),
        TEST(test_nobody_there_is_unavailable),
        TEST(test_percent_coding_is_exact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
