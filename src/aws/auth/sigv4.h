/*
 * Signature version 4: one canonicaliser for signing what we send and verifying what we get. Both
 * forms: the Authorization header, and presigned query strings. What is not here: who a key belongs
 * to (services/gate), bodies in signed pieces (chunked.h), which error is answered (fault.h).
 *
 * S3 encodes a path once; every other service normalises it and encodes it twice.
 */
#pragma once

#include "aws/call/call.h"
#include "runtime/http/http.h"

#define SIGV4_UNSIGNED S("UNSIGNED-PAYLOAD")
#define SIGV4_STREAM S("STREAMING-AWS4-HMAC-SHA256-PAYLOAD")
#define SIGV4_STREAM_TRAILER S("STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER")
#define SIGV4_STREAM_UNSIGNED S("STREAMING-UNSIGNED-PAYLOAD-TRAILER")

enum { SIGV4_MAX_EXPIRES_S = 7 * 24 * 3600 };

/* What a request says about its signature. Views into the request, or owned by the arena. */
struct sigv4 {
    bool presigned; /* in the query string */
    struct str access_key;
    struct str date; /* of the scope: "20261124" */
    struct str region;
    struct str service;
    struct str signed_headers; /* "host;x-amz-date", as given */
    struct str signature;      /* 64 hex digits */
    struct str amz_date;       /* "20261124T015200Z" */
    int64_t time_ms;
    int64_t expires_s; /* presigned */
    struct str token;  /* x-amz-security-token, or absent */
};

/* A request as it is signed. */
struct sigv4_request {
    struct str method;
    struct str path;  /* raw */
    struct str query; /* raw, or absent */
    const struct http_headers *headers;
    struct str payload; /* sha256 in hex, or one of the words above */
    bool s3;
};

/* 1: there is a signature, *ret filled. 0: none. -1: one that cannot be read; the message is the
 * one that AWS gives. */
int sigv4_parse(struct arena *a, const struct http_request *req, struct sigv4 *ret,
                struct err *err) MUST_USE;

/* "20261124/eu-west-2/ssm/aws4_request" */
struct str sigv4_scope(struct arena *a, const struct sigv4 *sig);

void sigv4_key(struct str secret, struct str date, struct str region, struct str service,
               unsigned char key[32]);

struct str sigv4_canonical(struct arena *a, const struct sigv4 *sig,
                           const struct sigv4_request *req);
/* 64 hex digits. */
struct str sigv4_compute(struct arena *a, const struct sigv4 *sig, const struct sigv4_request *req,
                         const unsigned char key[32]);

/* True when the request was signed with the secret. */
bool sigv4_verify(struct arena *a, const struct sigv4 *sig, const struct sigv4_request *req,
                  struct str secret);

/* The first header that must be covered by a signature and is not (host, every x-amz-*); absent
 * when all are. */
struct str sigv4_unsigned_header(struct arena *a, const struct sigv4 *sig,
                                 const struct http_headers *headers);

/* Adds x-amz-date, x-amz-security-token, (S3) x-amz-content-sha256 and Authorization. `headers`
 * must hold Host already. */
void sigv4_sign(struct arena *a, const struct aws_credentials *keys, struct str region,
                struct str service, int64_t now_ms, const struct sigv4_request *req,
                struct http_headers *headers);

/* The query string of a presigned request (with `query` in front), Host being the only header. */
struct str sigv4_presign(struct arena *a, const struct aws_credentials *keys, struct str region,
                         struct str service, int64_t now_ms, int64_t expires_s,
                         const struct sigv4_request *req);
