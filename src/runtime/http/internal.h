/* Shared by the server's files. Not for others. */
#pragma once

#include "base/buf.h"
#include "runtime/http/http.h"

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>

enum {
    HTTP_STREAM_BACKLOG = 4 * 1024 * 1024, /* bytes that a slow client may leave unread */
    HTTP_IDLE_SECONDS = 120,
    HTTP_MAX_CONNECTIONS = 2000,
    /* Headers, and twice what an upload brings at once. Zeroed between requests: larger is slower.
     */
    HTTP_CONNECTION_MEMORY = 96 * 1024,
};

struct http_listener {
    struct http_server *server;
    struct MHD_Daemon *daemon; /* NULL until it answers */
    int fd;                    /* listens; -1 = none, or the daemon's by now */
    bool local;                /* our own unix socket */
};

struct http_server {
    struct http_handler handler;
    struct http_listener tcp;
    struct http_listener unix_;
    uint16_t port;
    unsigned threads;
    char *unix_path;      /* deleted at the end; NULL = none */
    atomic_bool stopping; /* streams end instead of sleeping */
    atomic_int running;   /* requests between their first byte and their answer */
    pthread_mutex_t lock; /* of `streams` */
    struct http_stream *streams;
};

/* Listening sockets, close-on-exec, not blocking. */
int http_listen_tcp(const char *host, uint16_t port, int *ret_fd, uint16_t *ret_port,
                    struct err *err) MUST_USE;
int http_listen_unix(const char *path, int *ret_fd, struct err *err) MUST_USE;

/* Takes the response's reference over; NULL when out of memory. */
struct MHD_Response *http_stream_response(struct http_stream *s, struct http_server *server,
                                          struct MHD_Connection *connection);
/* Ends all streams of a server that stops. */
void http_streams_stop(struct http_server *server);
