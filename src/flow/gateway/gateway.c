/* The gateway's sockets and threads. One thread listens, one serves per connection. */
#include "flow/gateway/gateway.h"

#include "flow/gateway/authority.h"
#include "flow/gateway/dns.h"
#include "flow/gateway/internal.h"
#include "platform/os/fd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- sockets, made inside the container's network namespace ---- */

static int listen_on(const char *address, int port, int type, int *ret, struct err *err) {
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    inet_pton(AF_INET, address, &in.sin_addr);
    int yes = 1;
    int fd cleanup_fd = socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) < 0 ||
        bind(fd, (struct sockaddr *)&in, sizeof(in)) < 0 ||
        (type == SOCK_STREAM && listen(fd, 256) < 0)) {
        return err_sys(err, errno, "listen on %s:%d", address, port);
    }
    *ret = TAKE_FD(fd);
    return 0;
}

static int make_sockets(void *ud, struct err *err) {
    struct gateway *g = ud;
    return listen_on(GATEWAY_ENDPOINT_ADDRESS, 80, SOCK_STREAM, &g->credentials_fd, err) < 0 ||
                   listen_on(GATEWAY_ENDPOINT_ADDRESS, 53, SOCK_DGRAM, &g->dns_udp, err) < 0 ||
                   listen_on(GATEWAY_ENDPOINT_ADDRESS, 53, SOCK_STREAM, &g->dns_tcp, err) < 0 ||
                   listen_on(GATEWAY_WORLD_ADDRESS, 443, SOCK_STREAM, &g->tls_fd, err) < 0 ||
                   listen_on(GATEWAY_WORLD_ADDRESS, 80, SOCK_STREAM, &g->http_fd, err) < 0
               ? -1
               : 0;
}

/* ---- connections ---- */

static const char *policy_text(const struct gateway *g) {
    static const char *const texts[] = {"policy open", "policy locked", "policy none"};
    return texts[g->config.plan->policy];
}

/* What a host that was asked for by TLS or HTTP gets, once that is decided. */
static void serve_world(struct gateway *g, struct stream *client, struct str host,
                        enum route_verdict verdict, const char *why) {
    bool tls = client->ssl != NULL;
    if (verdict == ROUTE_AWS) {
        gateway_serve_account(g, client, host);
    } else if (verdict == ROUTE_MIRROR) {
        gateway_serve_mirror(g, client, host, tls);
    } else {
        gateway_serve_refusal(g, client, host, why);
    }
}

/* The name in the ClientHello, which stays unread. */
static struct str peek_name(int fd, struct arena *a) {
    enum { HELLO = 16 * 1024 + 5 };
    char *bytes = arena_alloc(a, HELLO);
    struct str name = STR_NONE;
    ssize_t before = 0;
    for (int tries = 0; tries < 400; tries++) {
        ssize_t n = recv(fd, bytes, HELLO, MSG_PEEK);
        if (n <= 0) {
            return STR_NONE;
        }
        int found = route_sni(str_n(bytes, (size_t)n), &name);
        if (found != 0) {
            return found > 0 ? name : STR_NONE;
        }
        if (n == before) { /* MSG_PEEK does not wait for more */
            poll(NULL, 0, 50);
        }
        before = n;
    }
    return STR_NONE;
}

static void serve_tls(struct gateway *g, struct stream *client) {
    struct arena a = ARENA_INIT;
    struct str host = peek_name(client->fd, &a);
    const char *why = policy_text(g);
    if (host.p == NULL) {
        gateway_refused(g, S("a connection to port 443 without a server name"), why);
        arena_done(&a);
        return;
    }
    enum route_verdict verdict = route_of(g->config.plan, host);
    stream_set_timeout(client->fd, GATEWAY_IDLE_MS);
    if (verdict != ROUTE_PASS || !gateway_pass(g, client, host, 443, &why)) {
        verdict = verdict == ROUTE_PASS ? ROUTE_REFUSE : verdict;
        client->ssl = gateway_accept_tls(g, client->fd, host);
        if (client->ssl != NULL) {
            serve_world(g, client, host, verdict, why);
        } else if (verdict == ROUTE_REFUSE) {
            gateway_refused(g, host, why);
        }
    }
    arena_done(&a);
}

static void serve_http(struct gateway *g, struct stream *client) {
    struct arena a = ARENA_INIT;
    struct str host = stream_peek_host(client, &a);
    const char *why = policy_text(g);
    if (host.p == NULL || !route_good_host(host)) {
        answer_text(client, 400, "Bad Request", "text/plain", S("no host\n"), false, true);
    } else {
        enum route_verdict verdict = route_of(g->config.plan, host);
        stream_set_timeout(client->fd, GATEWAY_IDLE_MS);
        if (verdict != ROUTE_PASS || !gateway_pass(g, client, host, 80, &why)) {
            verdict = verdict == ROUTE_PASS ? ROUTE_REFUSE : verdict;
            serve_world(g, client, host, verdict, why);
        }
    }
    arena_done(&a);
}

static const unsigned char world_address[4] = {169, 254, 170, 3};

static void serve_dns(struct gateway *g, struct stream *client) {
    (void)g;
    for (;;) {
        struct str data = stream_data(client);
        size_t size = data.n < 2
                          ? SIZE_MAX
                          : ((size_t)(unsigned char)data.p[0] << 8 | (unsigned char)data.p[1]);
        if (size == SIZE_MAX || data.n < size + 2) {
            if (stream_fill(client) <= 0) {
                return;
            }
            continue;
        }
        unsigned char out[2 + DNS_MAX];
        size_t n = dns_answer((const unsigned char *)data.p + 2, size, world_address, out + 2);
        out[0] = (unsigned char)(n >> 8);
        out[1] = (unsigned char)n;
        stream_drop(client, size + 2);
        if (n == 0 || !stream_write(client, str_n((const char *)out, n + 2))) {
            return;
        }
    }
}

struct connection {
    struct gateway *gateway;
    int fd;
    int slot;
    void (*serve)(struct gateway *g, struct stream *client);
};

static void *serve_connection(void *ud) {
    struct connection c = *(struct connection *)ud;
    free(ud);
    struct stream client;
    stream_init(&client, c.fd, NULL);
    client.slot = c.slot;
    stream_set_timeout(c.fd, GATEWAY_HELLO_MS);
    c.serve(c.gateway, &client);
    pthread_mutex_lock(&c.gateway->lock);
    c.gateway->slots[c.slot].client = -1;
    pthread_mutex_unlock(&c.gateway->lock);
    stream_done(&client);
    pthread_mutex_lock(&c.gateway->lock);
    c.gateway->connections--;
    pthread_cond_signal(&c.gateway->empty);
    pthread_mutex_unlock(&c.gateway->lock);
    return NULL;
}

/* A place for one more connection, -1 when there is none: the client is closed, and tries again. */
static int take_slot(struct gateway *g, int fd) {
    int slot = -1;
    pthread_mutex_lock(&g->lock);
    for (int i = 0; i < GATEWAY_MAX_CONNECTIONS && slot < 0 && !g->stopping; i++) {
        slot = g->slots[i].client < 0 ? i : -1;
    }
    if (slot >= 0) {
        g->slots[slot].client = fd;
        g->connections++;
    }
    pthread_mutex_unlock(&g->lock);
    return slot;
}

static void give_up_slot(struct gateway *g, int slot) {
    pthread_mutex_lock(&g->lock);
    g->slots[slot].client = -1;
    g->connections--;
    pthread_mutex_unlock(&g->lock);
}

static void start_connection(struct gateway *g, int fd,
                             void (*serve)(struct gateway *g, struct stream *client)) {
    int slot = take_slot(g, fd);
    int yes = 1;
    pthread_t thread;
    if (slot < 0) {
        close(fd);
        return;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    struct connection *c = mem_alloc(sizeof(*c));
    *c = (struct connection){g, fd, slot, serve};
    if (pthread_create(&thread, NULL, serve_connection, c) != 0) {
        give_up_slot(g, slot);
        close(fd);
        free(c);
        return;
    }
    pthread_detach(thread);
}

/* ---- accepting ---- */

static void accept_one(struct gateway *g, int fd,
                       void (*serve)(struct gateway *g, struct stream *client)) {
    int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
    if (client >= 0) {
        start_connection(g, client, serve);
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM) {
        poll(NULL, 0, 50);
    }
}

static void answer_dns(struct gateway *g) {
    unsigned char query[2048];
    unsigned char out[DNS_MAX];
    struct sockaddr_in from;
    socklen_t size = sizeof(from);
    ssize_t n = recvfrom(g->dns_udp, query, sizeof(query), 0, (struct sockaddr *)&from, &size);
    size_t answer = n > 0 ? dns_answer(query, (size_t)n, world_address, out) : 0;
    if (answer > 0) {
        sendto(g->dns_udp, out, answer, MSG_NOSIGNAL, (struct sockaddr *)&from, size);
    }
}

/* The one thread that listens. */
static void *listen_to_all(void *ud) {
    struct gateway *g = ud;
    const struct {
        int fd;
        void (*serve)(struct gateway *g, struct stream *client);
    } doors[] = {{g->credentials_fd, gateway_serve_credentials},
                 {g->tls_fd, serve_tls},
                 {g->http_fd, serve_http},
                 {g->dns_tcp, serve_dns}};
    enum { DOORS = sizeof(doors) / sizeof(doors[0]) };
    struct pollfd wait[DOORS + 2] = {{g->stop_fd, POLLIN, 0}, {g->dns_udp, POLLIN, 0}};
    for (size_t i = 0; i < DOORS; i++) {
        wait[2 + i] = (struct pollfd){doors[i].fd, POLLIN, 0};
    }
    while (!g->stopping) {
        if (poll(wait, DOORS + 2, -1) <= 0) {
            continue;
        }
        if (wait[1].revents != 0) {
            answer_dns(g);
        }
        for (size_t i = 0; i < DOORS; i++) {
            if (wait[2 + i].revents != 0) {
                accept_one(g, doors[i].fd, doors[i].serve);
            }
        }
    }
    return NULL;
}

/* ---- life ---- */

static void close_sockets(struct gateway *g) {
    int *fds[] = {&g->credentials_fd, &g->tls_fd,  &g->http_fd,
                  &g->dns_udp,        &g->dns_tcp, &g->stop_fd};
    for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
        fd_closep(fds[i]);
    }
}

int gateway_open(struct sandbox *box, const char *data_dir, const struct clock *clock,
                 struct gateway **ret, struct err *err) {
    struct gateway *g = mem_alloc(sizeof(*g));
    *g = (struct gateway){
        .credentials_fd = -1, .tls_fd = -1, .http_fd = -1, .dns_udp = -1, .dns_tcp = -1};
    g->stop_fd = eventfd(0, EFD_CLOEXEC);
    pthread_mutex_init(&g->lock, NULL);
    pthread_cond_init(&g->empty, NULL);
    for (int i = 0; i < GATEWAY_MAX_CONNECTIONS; i++) {
        g->slots[i].client = g->slots[i].serve = -1;
    }
    if (authority_open(&g->arena, data_dir, clock, &g->authority, err) < 0 ||
        sandbox_in_netns(box, make_sockets, g, err) < 0) {
        gateway_stop(g);
        return err_wrap(err, "gateway");
    }
    *ret = g;
    return 0;
}

int gateway_start(struct gateway *g, const struct gateway_config *config, struct err *err) {
    g->config = *config;
    int failed = pthread_create(&g->thread, NULL, listen_to_all, g);
    g->started = failed == 0;
    return failed == 0 ? 0 : err_sys(err, failed, "thread of the build's gateway");
}

void gateway_stop(struct gateway *g) {
    if (g == NULL) {
        return;
    }
    pthread_mutex_lock(&g->lock);
    g->stopping = true;
    eventfd_write(g->stop_fd, 1);
    for (int i = 0; i < GATEWAY_MAX_CONNECTIONS; i++) {
        if (g->slots[i].client >= 0) {
            shutdown(g->slots[i].client, SHUT_RDWR);
        }
        if (g->slots[i].serve >= 0) {
            shutdown(g->slots[i].serve, SHUT_RDWR);
        }
    }
    while (g->connections > 0) {
        pthread_cond_wait(&g->empty, &g->lock);
    }
    pthread_mutex_unlock(&g->lock);
    if (g->started) {
        pthread_join(g->thread, NULL);
    }
    close_sockets(g);
    gateway_forget_names(g);
    arena_done(&g->arena);
    pthread_cond_destroy(&g->empty);
    pthread_mutex_destroy(&g->lock);
    free(g);
}
