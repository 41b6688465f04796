/*
 * HTTP as the rest of the program sees it: a server (over libmicrohttpd) and a client (over
 * libcurl). Bytes are untouched: `target` is what stood in the request line, undecoded, because
 * SigV4 signs that. Requests with both Content-Length and Transfer-Encoding, with two
 * Content-Lengths, or larger than the limits below are refused before a handler sees them.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"

#include <stdint.h>

enum {
    HTTP_MAX_HEADER_BYTES = 64 * 1024,
    HTTP_MAX_HEADERS = 200,
    HTTP_MAX_BODY_BYTES = 16 * 1024 * 1024, /* bodies in memory; larger ones need a sink */
};

struct sockaddr;

struct http_header {
    struct str name;
    struct str value;
};

struct http_headers {
    struct http_header *v;
    size_t n;
};

/* First value of a header, by case-insensitive name; absent if there is none. */
struct str http_header(const struct http_headers *h, struct str name);
void http_header_add(struct arena *a, struct http_headers *h, struct str name, struct str value);

/* Takes an upload as it streams in, instead of memory. write returns -1 to refuse (the error is
 * answered after the body was drained or the connection closed). close is always called once. */
struct http_sink {
    int (*write)(void *ud, struct str data, struct err *err);
    void (*close)(void *ud);
    void *ud;
};

struct http_request {
    struct arena *arena; /* lives as long as the request */
    struct str method;   /* "GET" */
    struct str target;   /* raw request target */
    struct str path;     /* raw, before '?' */
    struct str query;    /* raw, after '?'; absent if there is none */
    struct http_headers headers;
    struct str remote;     /* "127.0.0.1:54321", or "unix" */
    bool local;            /* came over our own unix socket: its x-trunkline-* headers count */
    struct str body;       /* whole body when it was kept in memory */
    struct http_sink sink; /* or where it went (write != NULL) */
    struct err sink_error; /* kind != ERR_NONE: the sink refused */
    void *ud;              /* the handler's own, from begin to handle */
};

/* A response body that is produced over time (server-sent events, log following). Opaque; any
 * thread may write; it ends by http_stream_end or when the client is gone. A client that left is
 * noticed by the next write: whoever follows something quiet writes a comment now and then. */
struct http_stream;

struct http_response {
    int status;                  /* default 200 */
    struct http_headers headers; /* Content-Length and Date are the server's */
    struct str body;             /* arena-owned bytes, or: */
    int fd;                      /* -1, or a file that the server sends and closes */
    int64_t fd_offset;
    int64_t fd_size;            /* with fd -1 and method HEAD: the Content-Length to name */
    struct http_stream *stream; /* NULL, or a stream from http_stream_new */
};

struct http_handler {
    /* Headers have arrived, the body has not. May set req->sink to take the body itself, or answer
     * at once (returns true, *resp filled: the request ends there). */
    bool (*begin)(void *ud, struct http_request *req, struct http_response *resp);
    /* The whole request is there. Always fills *resp. Runs on one of the server's threads. */
    void (*handle)(void *ud, struct http_request *req, struct http_response *resp);
    void *ud;
};

struct http_server;
struct http_server_config {
    const char *host;      /* "127.0.0.1" */
    uint16_t port;         /* 0 = any free one */
    const char *unix_path; /* NULL, or a second listening socket (mode 0600, local = true) */
    unsigned threads;
};

/* Takes the addresses; ERR_CONFLICT if the port is taken. Who connects from here on waits, unheard,
 * until http_server_serve: so the port is known before there is anybody who answers. */
int http_server_listen(const struct http_server_config *config, struct http_server **ret,
                       struct err *err) MUST_USE;
/* Begins to answer, once. */
int http_server_serve(struct http_server *s, struct http_handler handler, struct err *err) MUST_USE;
/* Both of them at once. */
int http_server_start(const struct http_server_config *config, struct http_handler handler,
                      struct http_server **ret, struct err *err) MUST_USE;
uint16_t http_server_port(const struct http_server *s);
/* Stops accepting, lets running requests end (at most grace_ms), frees. NULL ok. */
void http_server_stop(struct http_server *s, int grace_ms);

/* Two references: the writer's, given back by http_stream_end, and the response's. */
struct http_stream *http_stream_new(void);
/* False when the client is gone or too slow (over 4 MiB unread): stop and call http_stream_end. */
bool http_stream_write(struct http_stream *s, struct str data);
void http_stream_end(struct http_stream *s); /* the writer's reference ends here */

/* Client. One blocking exchange; verified TLS; no redirects unless asked. */
struct http_call {
    struct str method;
    struct str url;       /* http:// or https:// */
    struct str unix_path; /* set: connect there, url gives host and path */
    struct http_headers headers;
    struct str body; /* in memory, or: */
    int body_fd;     /* -1, or a file sent from its current offset, body_size bytes */
    int64_t body_size;
    struct str ca_file;     /* absent: the system's */
    int connect_timeout_ms; /* 0: 10 s */
    int timeout_ms;         /* 0: 60 s */
    int64_t max_body;       /* 0: HTTP_MAX_BODY_BYTES */
    int out_fd;             /* -1, or where the response body goes (only for status 2xx) */
    int max_redirects;      /* 0: none */
    /* NULL, or who may be connected to: asked with each address that the name has, at the moment of
     * connecting. No proxy and no earlier connection is used then. */
    bool (*may_connect)(void *ud, const struct sockaddr *address);
    void *may_connect_ud;
};
#define HTTP_CALL_INIT ((struct http_call){.body_fd = -1, .out_fd = -1})

struct http_reply {
    int status;
    struct http_headers headers;
    struct str body; /* arena-owned; empty if it went to out_fd and the status was 2xx */
    int64_t body_size;
};

/* 0 when an HTTP answer arrived, whatever its status. ERR_UNAVAILABLE: no connection or broken. */
int http_fetch(struct arena *a, const struct http_call *call, struct http_reply *ret,
               struct err *err) MUST_USE;

/* Percent-coding. Decoding "%zz" or "%" is an error (false). `plus` turns '+' into ' '. */
bool http_url_decode(struct arena *a, struct str s, bool plus, struct str *ret);
struct str http_url_encode(struct arena *a, struct str s, bool keep_slash); /* RFC 3986, as SigV4 */
/* Pairs of a query string or form body, decoded, in order. False on broken escapes. */
bool http_parse_query(struct arena *a, struct str raw, struct str_map *ret);
