/* Shared by the files of front/door only. */
#pragma once

#include "aws/auth/chunked.h"
#include "aws/auth/sigv4.h"
#include "aws/proto/proto.h"
#include "front/door/door.h"

#include <stdatomic.h>

struct door {
    struct door_config config;
    struct door_route *routes;
    atomic_size_t unknown_members; /* of all requests so far */
};

/* One AWS request on its way through. Lives in the request's arena. */
struct passage {
    struct door *door;
    struct http_request *req;
    struct arena *arena;
    struct str request_id;
    int64_t now_ms;

    const struct gate_service *service; /* NULL: not an AWS request that we know */
    enum shape_protocol protocol;
    const struct shape_op *op; /* NULL: the service has no such operation */
    struct str op_name;        /* as the request names it */
    struct proto_message message;
    struct str_map query; /* decoded */

    bool has_signature;
    struct sigv4 sig;
    struct gate_key key;
    bool verified; /* the signature over the headers is right */

    struct s3_stage *stage;  /* an upload on its way into S3 */
    struct chunked *chunked; /* in front of it, for aws-chunked bodies */
    struct err failed;       /* kind != NONE: answer this */
};

/* Which service, protocol and operation. */
void door_detect(struct passage *p);

/* Who calls: finds the key and checks everything but the body. -1: err is the answer. */
int door_authenticate(struct passage *p, struct err *err) MUST_USE;
/* The body is the one that was signed. */
int door_check_body(struct passage *p, struct err *err) MUST_USE;

/* Uploads into S3: opens the stage and lets the body stream into it. */
int door_open_stage(struct passage *p, struct err *err) MUST_USE;
int door_end_stage(struct passage *p, struct err *err) MUST_USE;
void door_close_stage(struct passage *p); /* may be called again */
/* Small S3 bodies that came aws-chunked all the same: takes the framing off. */
int door_decode_body(struct passage *p, struct err *err) MUST_USE;

/* Decodes, calls, encodes. */
void door_invoke(struct passage *p, struct http_response *resp);
void door_answer_error(struct passage *p, const struct err *why, const void *detail,
                       struct http_response *resp);
