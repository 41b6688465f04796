/* trunkline dev receive: a webhook that writes down what it gets and confirms SNS subscriptions. */
#include "front/cli/cli.h"

#include "base/clock.h"
#include "platform/os/fd.h"
#include "platform/os/file.h"
#include "platform/text/json.h"
#include "runtime/http/http.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/signalfd.h>

struct receiver {
    int out;              /* --out, appended */
    pthread_mutex_t lock; /* one line at a time */
};

/* What SNS sends first: visiting SubscribeURL says yes. */
static void confirm(const json_t *message) {
    struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    struct http_call call = HTTP_CALL_INIT;
    struct http_reply reply = {0};
    call.method = S("GET");
    call.url = json_str(message, "SubscribeURL");
    if (call.url.n && http_fetch(&a, &call, &reply, &err) < 0) {
        cli_warn("the subscription could not be confirmed: %s", err.msg);
    } else if (call.url.n && reply.status >= 300) {
        cli_warn("the subscription could not be confirmed: status %d", reply.status);
    }
    arena_done(&a);
}

static void write_line(struct receiver *r, struct arena *a, const json_t *message) {
    struct err err = ERR_INIT;
    struct str line = str_printf(a, STR_FMT "\n", STR_ARG(json_dump_str(a, message)));
    pthread_mutex_lock(&r->lock);
    if (fd_write_all(r->out, line.p, line.n, &err) < 0) {
        cli_warn("%s", err.msg);
    }
    pthread_mutex_unlock(&r->lock);
}

static void handle(void *ud, struct http_request *req, struct http_response *resp) {
    struct receiver *r = ud;
    struct err err = ERR_INIT;
    if (!str_is(req->method, "POST")) {
        resp->status = 405;
        resp->body = S("only POST\n");
        return;
    }
    json_t *message cleanup_json = json_parse(req->body, &err);
    if (message == NULL) {
        message = json_object(); /* not JSON: kept as text */
        json_set_str(message, "body", req->body);
    }
    write_line(r, req->arena, message);
    if (str_is(json_str(message, "Type"), "SubscriptionConfirmation")) {
        confirm(message);
    }
    resp->status = 200;
    resp->body = S("");
}

static int parse_listen(struct arena *a, const char *text, const char **ret_host,
                        uint16_t *ret_port, struct err *err) {
    struct str s = str_c(text);
    size_t colon = str_rfind_c(s, ':');
    unsigned long long port = 0;
    if (colon == (size_t)-1 || colon == 0 || !str_to_u64(str_sub(s, colon + 1, s.n), &port) ||
        port > 65535) {
        return err_set(err, ERR_INVALID, "--listen takes HOST:PORT, not '%s'", text);
    }
    *ret_host = str_z(a, str_sub(s, 0, colon));
    *ret_port = (uint16_t)port;
    return 0;
}

static int wait_for_end(const sigset_t *ends, struct err *err) {
    int fd cleanup_fd = signalfd(-1, ends, SFD_CLOEXEC);
    if (fd < 0) {
        return err_set(err, ERR_SYSTEM, "signalfd failed");
    }
    return fd_wait(fd, POLLIN, -1, err) < 0 ? -1 : 0;
}

static int run(struct cli *c, struct err *err) {
    const char *listen = cli_opt(c, "listen");
    const char *path = cli_opt(c, "out");
    struct http_server_config config = {.threads = 2};
    struct receiver r = {.out = -1, .lock = PTHREAD_MUTEX_INITIALIZER};
    struct http_server *server = NULL;
    sigset_t ends;
    if (path == NULL) {
        return cli_usage(c, "--out is missing: the file that messages are appended to");
    }
    if (parse_listen(&c->arena, listen ? listen : "127.0.0.1:0", &config.host, &config.port, err) <
        0) {
        return cli_usage(c, "%s", err->msg);
    }
    /* Before the server makes threads, so that none of them takes the signal. */
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    sigprocmask(SIG_BLOCK, &ends, NULL);
    r.out = file_open(path, O_WRONLY | O_CREAT | O_APPEND, 0644, err);
    struct http_handler handler = {.handle = handle, .ud = &r};
    if (r.out < 0 || http_server_start(&config, handler, &server, err) < 0) {
        fd_closep(&r.out);
        return -1;
    }
    fprintf(c->out, "trunkline: receiving at http://%s:%u/\n", config.host,
            (unsigned)http_server_port(server));
    fflush(c->out);
    int done = wait_for_end(&ends, err);
    http_server_stop(server, 1000);
    fd_closep(&r.out);
    return done < 0 ? -1 : EXIT_DONE;
}

static const struct cli_option options[] = {
    {"listen", 'l', "HOST:PORT", "where (127.0.0.1:0: any free port)"},
    {"out", 'o', "FILE", "messages are appended here, one JSON document a line"},
    {0},
};

const struct cli_verb verb_dev_receive = {
    .name = "dev receive",
    .group = CLI_DEVELOP,
    .args = "",
    .flags = CLI_NO_SERVER_OPTIONS | CLI_NO_JSON,
    .summary = "Receive webhooks: write them down, confirm SNS subscriptions",
    .detail =
        "Prints 'trunkline: receiving at URL' when it listens. The server delivers to loopback\n"
        "addresses only with 'serve --allow-notify-to 127.0.0.0/8'.",
    .options = options,
    .run = run,
};
