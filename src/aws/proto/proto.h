/*
 * AWS's protocols: bytes to generated structs and back, for servers and for clients, driven by the
 * descriptors of aws/shape. One walker per format, none per operation. Nothing here knows what an
 * operation does, and nothing here touches a socket.
 */
#pragma once

#include "aws/shape/shape.h"
#include "base/arena.h"
#include "base/err.h"
#include "runtime/http/http.h"

/* A message, either direction. Streamed bodies (SHAPE_BODY) are not in it. */
struct proto_message {
    struct str method; /* requests */
    struct str path;   /* requests: raw; S3: path style, whatever the host said */
    struct str query;  /* requests: raw, or absent */
    int status;        /* answers */
    struct http_headers headers;
    struct str body;
};

/* What a decoder saw and left out; no error. */
struct proto_notes {
    size_t unknown;           /* members that the descriptors do not have */
    struct str first_unknown; /* its path, for the log */
};

/* Server. The operation of a REST request; NULL if none fits. `query` is decoded; `headers` tell
 * operations apart that differ only in a required header (CopyObject). Literal words of the query
 * that no template names are the caller's business. */
const struct shape_op *proto_route(const struct shape_service *svc, struct str method,
                                   struct str path, const struct str_map *query,
                                   const struct http_headers *headers);

/* Server. `in` is the op's zeroed input struct; everything in it is owned by the arena. Fails with
 * the service's serialization error when the bytes are not of the format, and with its validation
 * error (all violations, with member paths, in AWS's words) when values break the model. */
int proto_decode_request(struct arena *a, enum shape_protocol p, const struct shape_op *op,
                         const struct proto_message *m, void *in, struct proto_notes *notes,
                         struct err *err) MUST_USE;
int proto_encode_response(struct arena *a, enum shape_protocol p, const struct shape_op *op,
                          struct str request_id, const void *out, struct proto_message *ret,
                          struct err *err) MUST_USE;
/* `op` may be NULL when it is not known; `detail` is call->error_detail or NULL. */
void proto_encode_error(struct arena *a, enum shape_protocol p, const struct shape_service *svc,
                        struct str request_id, const struct err *why, const void *detail,
                        struct proto_message *ret);

/* Checks required members, lengths, ranges, enums: what decode_request does too. */
int proto_check(struct arena *a, enum shape_protocol p, const struct shape_op *op, const void *in,
                struct err *err) MUST_USE;

/* The error that an err without `api` becomes: by its kind, in the service's own vocabulary. */
const struct aws_error *proto_error_of(const struct shape_service *svc, enum shape_protocol p,
                                       const struct err *err);
/* Fails as the service does for an operation that it does not have, or that is not built. */
int proto_unknown_operation(struct err *err, const struct shape_service *svc, enum shape_protocol p,
                            struct str name);

/* Client. */
int proto_encode_request(struct arena *a, enum shape_protocol p, const struct shape_op *op,
                         const void *in, struct proto_message *ret, struct err *err) MUST_USE;
/* For 2xx and 3xx. */
int proto_decode_response(struct arena *a, enum shape_protocol p, const struct shape_op *op,
                          const struct proto_message *m, void *out, struct err *err) MUST_USE;
/* Fills err from any other answer: api (when modelled), api_code, http_status, kind, message. */
int proto_decode_error(struct arena *a, enum shape_protocol p, const struct shape_op *op,
                       const struct proto_message *m, struct err *err);
