/*
 * S3's aws-chunked bodies: pieces with a length line each, signed or not, and trailers behind them.
 * A stage between the HTTP server's sink and whoever takes the decoded bytes. Bytes flow on before
 * their piece's signature is known: nobody may act on them until chunked_end has returned 0.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "runtime/http/http.h"

struct chunked;

struct chunked_config {
    bool has_signatures;   /* STREAMING-AWS4-HMAC-SHA256-PAYLOAD[-TRAILER] */
    bool has_trailer;      /* ...-TRAILER */
    unsigned char key[32]; /* signing key; with signatures only */
    struct str amz_date;   /* as the request was signed */
    struct str scope;
    struct str seed;          /* signature of the headers */
    struct str trailer_names; /* x-amz-trailer: the only ones that may come; comma-separated */
    int64_t decoded_length;   /* x-amz-decoded-content-length; -1 = not said */
    int (*write)(void *ud, struct str data, struct err *err); /* takes the decoded bytes */
    void *ud;
};

struct chunked *chunked_new(const struct chunked_config *config); /* copies what it keeps */
void chunked_free(struct chunked *c);                             /* NULL ok */

/* Feeds bytes as they came. Failures carry the modelled S3 error (err->api): SignatureDoesNotMatch,
 * IncompleteBody, InvalidRequest; after one, the rest is refused too. */
int chunked_write(struct chunked *c, struct str data, struct err *err) MUST_USE;

/* The body is over: complete, as long as it said, every signature right. *ret_trailers (owned by
 * the arena) holds the trailers but for the signature. */
int chunked_end(struct chunked *c, struct arena *a, struct http_headers *ret_trailers,
                struct err *err) MUST_USE;
