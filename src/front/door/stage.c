/* Uploads into S3 stream from the socket into S3's own directory, hashed on the way; aws-chunked
 * framing is taken off in between. */
#include "services/s3/stage.h"

#include "front/door/internal.h"

#include "base/buf.h"

#include "aws/auth/fault.h"

static int to_stage(void *ud, struct str data, struct err *err) {
    struct passage *p = ud;
    return s3_stage_write(p->stage, data, err);
}

static int from_socket(void *ud, struct str data, struct err *err) {
    struct passage *p = ud;
    return p->chunked != NULL ? chunked_write(p->chunked, data, err)
                              : s3_stage_write(p->stage, data, err);
}

/* The request is over. A client that left in the middle never got to the handler. */
static void closed(void *ud) {
    door_close_stage(ud);
}

/* The checksum that the client names, in any of S3's three ways. */
static enum s3_sum wanted_sum(const struct http_request *req) {
    enum s3_sum sum = s3_sum_of(http_header(&req->headers, S("x-amz-sdk-checksum-algorithm")));
    if (sum == S3_SUM_NONE) {
        struct str names = http_header(&req->headers, S("x-amz-trailer"));
        struct str name = STR_NONE;
        while (sum == S3_SUM_NONE && str_cut(&names, ',', &name)) {
            sum = s3_sum_of(str_trim(name));
        }
    }
    for (size_t i = 0; sum == S3_SUM_NONE && i < req->headers.n; i++) {
        if (str_starts(req->headers.v[i].name, S("x-amz-checksum-")) ||
            str_starts(req->headers.v[i].name, S("X-Amz-Checksum-"))) {
            sum = s3_sum_of(req->headers.v[i].name);
        }
    }
    return sum;
}

static int open_chunked(struct passage *p, int (*write)(void *ud, struct str data, struct err *err),
                        void *ud, struct err *err) {
    struct str payload = http_header(&p->req->headers, S("X-Amz-Content-Sha256"));
    struct chunked_config config = {
        .has_signatures = str_starts(payload, S("STREAMING-AWS4-HMAC-SHA256")),
        .has_trailer = str_ends(payload, S("-TRAILER")),
        .amz_date = p->sig.amz_date,
        .scope = sigv4_scope(p->arena, &p->sig),
        .seed = p->sig.signature,
        .trailer_names = http_header(&p->req->headers, S("x-amz-trailer")),
        .decoded_length = -1,
        .write = write,
        .ud = ud,
    };
    long long length = 0;
    struct str said = http_header(&p->req->headers, S("x-amz-decoded-content-length"));
    if (said.p != NULL) {
        if (!str_to_i64(str_trim(said), &length) || length < 0) {
            return err_set(err, ERR_INVALID, "x-amz-decoded-content-length is not a number");
        }
        config.decoded_length = length;
    }
    if (p->key.secret_key.p != NULL) {
        sigv4_key(p->key.secret_key, p->sig.date, p->sig.region, p->sig.service, config.key);
    } else {
        config.has_signatures = false; /* any key goes: nothing to check against */
    }
    p->chunked = chunked_new(&config);
    return 0;
}

static bool is_streaming(struct str payload) {
    return str_starts(payload, S("STREAMING-"));
}

static int to_memory(void *ud, struct str data, struct err *err) {
    (void)err;
    buf_add(ud, data);
    return 0;
}

int door_decode_body(struct passage *p, struct err *err) {
    if (p->protocol != SHAPE_REST_XML || p->stage != NULL ||
        !is_streaming(http_header(&p->req->headers, S("X-Amz-Content-Sha256")))) {
        return 0;
    }
    struct buf plain cleanup_buf;
    buf_init(&plain, HTTP_MAX_BODY_BYTES);
    struct http_headers trailers = {0};
    int failed = open_chunked(p, to_memory, &plain, err) < 0 ||
                 chunked_write(p->chunked, p->req->body, err) < 0 ||
                 chunked_end(p->chunked, p->arena, &trailers, err) < 0;
    p->message.body = buf_dup(p->arena, &plain);
    return failed ? -1 : 0;
}

int door_open_stage(struct passage *p, struct err *err) {
    if (s3_stage_open(p->door->config.data_dir, wanted_sum(p->req), &p->stage, err) < 0) {
        return -1;
    }
    struct str payload = http_header(&p->req->headers, S("X-Amz-Content-Sha256"));
    if (is_streaming(payload) && open_chunked(p, to_stage, p, err) < 0) {
        return -1;
    }
    p->req->sink = (struct http_sink){from_socket, closed, p};
    return 0;
}

int door_end_stage(struct passage *p, struct err *err) {
    if (p->stage == NULL) {
        return 0;
    }
    if (p->req->sink_error.kind != ERR_NONE) {
        *err = p->req->sink_error;
        return -1;
    }
    if (p->chunked != NULL) {
        struct http_headers trailers = {0};
        if (chunked_end(p->chunked, p->arena, &trailers, err) < 0) {
            return -1;
        }
        for (size_t i = 0; i < trailers.n; i++) {
            http_header_add(p->arena, &p->message.headers, trailers.v[i].name, trailers.v[i].value);
        }
    }
    return s3_stage_end(p->stage, err);
}

void door_close_stage(struct passage *p) {
    chunked_free(p->chunked);
    s3_stage_free(p->stage);
    p->chunked = NULL;
    p->stage = NULL;
}
