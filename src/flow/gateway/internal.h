/* What the files of the gateway share; nobody else includes this. */
#pragma once

#include "flow/gateway/gateway.h"
#include "flow/gateway/route.h"
#include "platform/crypto/cert.h"
#include "runtime/http/http.h"

#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>

enum {
    GATEWAY_MAX_CONNECTIONS = 512,
    GATEWAY_IDLE_MS = 10 * 60 * 1000, /* a connection that says nothing is closed */
    GATEWAY_HELLO_MS = 20 * 1000,     /* time for the first bytes */
    GATEWAY_PATIENCE_MS = 120 * 1000, /* how long a request waits for a serve that is away */
    GATEWAY_SPOOL = 1024 * 1024,      /* larger request bodies go to a file */
    GATEWAY_MAX_UPLOAD = 1 << 30,     /* largest request body */
    GATEWAY_MAX_TLS_NAMES = 1024,
};

/* A connection's bytes, with or without TLS. */
struct stream {
    int fd;
    int slot;     /* of the gateway, for clients */
    SSL *ssl;     /* NULL: plain */
    char *buffer; /* read by stream_fill, not yet dropped: [begin, end) */
    size_t begin, end;
};

enum { STREAM_BUFFER = 64 * 1024 };

void stream_init(struct stream *s, int fd, SSL *ssl);
void stream_done(struct stream *s); /* closes */
/* At least one more byte into the buffer: 1, 0 at the end, -1 error or silence. */
int stream_fill(struct stream *s);
static inline struct str stream_data(const struct stream *s) {
    return str_n(s->buffer + s->begin, s->end - s->begin);
}
static inline void stream_drop(struct stream *s, size_t n) {
    s->begin += n;
}
bool stream_write(struct stream *s, struct str bytes);
void stream_set_timeout(int fd, int ms);

/* One message's head, as bytes and taken apart. Strings point into `arena`. */
struct message {
    struct arena *arena;
    struct str method, target; /* requests */
    int status;                /* answers */
    struct http_headers headers;
    int64_t length; /* Content-Length; -1 = none */
    bool chunked;
    bool close;   /* the connection ends after it */
    bool expects; /* Expect: 100-continue */
};

/* Reads a head. 1 there is one, 0 the peer closed before its first byte, -1 bad or broken. */
int message_read(struct stream *s, struct arena *a, bool answer, struct message *ret);
/* Sends `bytes` pieces of a body to a sink until it ends. -1: broken or refused by the sink. */
typedef bool body_sink(void *ud, struct str bytes);
int message_body(struct stream *s, const struct message *m, bool answer_to_head, body_sink *sink,
                 void *ud, int64_t max);

/* Sends a whole small answer. */
bool answer_text(struct stream *s, int status, const char *reason, const char *type,
                 struct str body, bool head, bool close);

struct tls_name {
    char *host;
    SSL_CTX *context;
    struct tls_name *next;
};

struct gateway {
    struct gateway_config config;
    int credentials_fd, tls_fd, http_fd, dns_udp, dns_tcp; /* listening, inside */
    int stop_fd;                                           /* readable once it is stopping */
    pthread_t thread;                                      /* that listens */
    bool started;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t empty;
    int connections;
    struct {
        int client;                   /* -1 = free */
        int serve;                    /* the way to serve, or -1 */
    } slots[GATEWAY_MAX_CONNECTIONS]; /* descriptors that are shut down at the end */
    struct tls_name *names;
    int names_n;
    struct str refused[64]; /* hosts that the log has named */
    size_t refused_n;
    atomic_bool stopping;
    struct cert_pair authority;
    struct arena arena;    /* of authority and refused */
    atomic_llong sequence; /* of requests to serve */
};

/* Host of the first request, which stays in the buffer; absent when none came or it has none. */
struct str stream_peek_host(struct stream *s, struct arena *a);

/* gateway_tls.c: TLS as the server of that name; NULL when the client does not agree. */
SSL *gateway_accept_tls(struct gateway *g, int fd, struct str host);
void gateway_forget_names(struct gateway *g);

/* gateway_account.c: serves HTTP from the embedded account until the connection ends. */
void gateway_serve_account(struct gateway *g, struct stream *client, struct str host);

/* gateway_local.c: answers that are made here. */
void gateway_serve_credentials(struct gateway *g, struct stream *client);
void gateway_serve_mirror(struct gateway *g, struct stream *client, struct str host, bool tls);
void gateway_serve_refusal(struct gateway *g, struct stream *client, struct str host,
                           const char *why);
void gateway_refused(struct gateway *g, struct str host, const char *why);
void gateway_record(struct gateway *g, struct str host, enum route_verdict verdict, int64_t bytes);

/* gateway_pass.c: passes bytes both ways until both sides have ended, what was read already first.
 * False, and nothing touched, when there is no connection; *ret_why says why. */
bool gateway_pass(struct gateway *g, struct stream *client, struct str host, int port,
                  const char **ret_why) MUST_USE;
