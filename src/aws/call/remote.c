/*
 * Calls that leave this process: encoded, signed, sent, tried again as the SDKs' standard mode does
 * (twice more, after random waits of up to 1 and 2 seconds; a wrong clock is corrected once by the
 * server's). What came back is decoded into the op's own struct or error.
 */
#include "aws/call/remote.h"

#include "aws/auth/sigv4.h"
#include "aws/shape/shape.h"
#include "platform/crypto/crc.h"
#include "platform/crypto/encode.h"
#include "platform/crypto/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { STANDARD_RETRIES = 2, MAX_WAIT_MS = 20 * 1000, MAX_ANSWER = 64 * 1024 * 1024 };
#define MAX_STREAM ((int64_t)5 * 1024 * 1024 * 1024)

/* One call over all its tries. */
struct remote {
    const struct aws_target *target;
    const struct shape_op *op;
    const struct aws_body *body_in; /* NULL or fd -1: none */
    struct proto_message message;
    struct str url;  /* scheme, host, path and query */
    struct str host; /* as the Host header says it */
    struct str path; /* raw, as it is signed */
    struct str region;
    struct str payload; /* sha256 or UNSIGNED-PAYLOAD */
    int64_t skew_ms;    /* server's clock minus ours */
    bool corrected;     /* skew_ms was set once */
    int out_fd;         /* -1, or where a streamed answer goes */
};

static void sleep_ms(int64_t ms) {
    struct timespec left = {ms / 1000, (ms % 1000) * 1000 * 1000};
    while (nanosleep(&left, &left) != 0 && errno == EINTR) {
    }
}

void (*remote_sleep)(int64_t ms) = sleep_ms;

struct str remote_host(struct arena *a, const struct shape_service *svc, struct str region) {
    return svc->global ? str_printf(a, "%s.amazonaws.com", svc->host)
                       : str_printf(a, "%s." STR_FMT ".amazonaws.com", svc->host, STR_ARG(region));
}

static bool is_s3(const struct shape_op *op) {
    return op->service->protocol == SHAPE_REST_XML;
}

/* A bucket that can stand in front of the host: certificates cover one label. */
static bool is_label(struct str bucket) {
    for (size_t i = 0; i < bucket.n; i++) {
        char c = bucket.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-')) {
            return false;
        }
    }
    return bucket.n >= 3 && bucket.n <= 63;
}

/* AWS's own host; S3's buckets move from the path into it. */
static void address_aws(struct arena *a, struct remote *r) {
    const char *scheme = r->target->unix_path.p != NULL ? "http" : "https";
    r->host = remote_host(a, r->op->service, r->target->region);
    r->path = r->message.path;
    if (is_s3(r->op) && r->path.n > 1) {
        struct str rest = str_sub(r->path, 1, r->path.n);
        struct str bucket;
        str_cut(&rest, '/', &bucket);
        if (is_label(bucket)) {
            r->host = str_printf(a, STR_FMT "." STR_FMT, STR_ARG(bucket), STR_ARG(r->host));
            r->path = rest.p != NULL ? str_concat(a, S("/"), rest) : S("/");
        }
    }
    r->url = str_printf(a, "%s://" STR_FMT STR_FMT, scheme, STR_ARG(r->host), STR_ARG(r->path));
}

static int address_endpoint(struct arena *a, struct remote *r, struct err *err) {
    struct str base = r->target->endpoint;
    while (base.n > 0 && base.p[base.n - 1] == '/') {
        base.n--;
    }
    size_t scheme = str_find(base, S("://"), 0);
    if (scheme == (size_t)-1) {
        return err_set(err, ERR_INVALID, "endpoint '" STR_FMT "' has no http:// or https://",
                       STR_ARG(base));
    }
    struct str rest = str_sub(base, scheme + 3, base.n);
    size_t slash = str_find_c(rest, '/', 0);
    struct str prefix = slash == (size_t)-1 ? S("") : str_sub(rest, slash, rest.n);
    r->host = str_sub(rest, 0, slash);
    r->path = str_concat(a, prefix, r->message.path);
    r->url = str_concat(a, str_sub(base, 0, base.n - prefix.n), r->path);
    return 0;
}

static int address(struct arena *a, struct remote *r, struct err *err) {
    if (r->target->endpoint.n > 0) {
        if (address_endpoint(a, r, err) < 0) {
            return -1;
        }
    } else {
        address_aws(a, r);
    }
    if (r->message.query.p != NULL) {
        r->url = str_printf(a, STR_FMT "?" STR_FMT, STR_ARG(r->url), STR_ARG(r->message.query));
    }
    r->region = r->op->service->global ? S("us-east-1") : r->target->region;
    return 0;
}

static int hash_file(struct arena *a, const struct aws_body *body, struct str *ret,
                     struct err *err) {
    struct hash *h cleanup_hash = hash_new(HASH_SHA256);
    unsigned char digest[HASH_MAX];
    char piece[64 * 1024];
    for (int64_t done = 0; done < body->size;) {
        int64_t left = body->size - done;
        ssize_t n =
            pread(body->fd, piece, left < (int64_t)sizeof(piece) ? (size_t)left : sizeof(piece),
                  body->offset + done);
        if (n <= 0) {
            return err_sys(err, n < 0 ? errno : EIO, "read the body to send");
        }
        hash_update(h, str_n(piece, (size_t)n));
        done += n;
    }
    size_t n = hash_end(h, digest);
    *ret = hex_encode(a, str_n((const char *)digest, n));
    return 0;
}

static bool has_stream(const struct remote *r) {
    return r->body_in != NULL && r->body_in->fd >= 0;
}

/* What stands for the body in the signature, and the checksum that some of S3's operations want. */
static int prepare_body(struct arena *a, struct remote *r, struct err *err) {
    if (has_stream(r)) {
        if (str_starts(r->url, S("https:"))) {
            r->payload = SIGV4_UNSIGNED;
            return 0;
        }
        return hash_file(a, r->body_in, &r->payload, err);
    }
    r->payload = crypto_sha256_hex(a, r->message.body);
    if ((r->op->flags & SHAPE_OP_CHECKSUM) != 0) {
        uint32_t crc = __builtin_bswap32(crc32_add(0, r->message.body));
        http_header_add(a, &r->message.headers, S("x-amz-sdk-checksum-algorithm"), S("CRC32"));
        http_header_add(a, &r->message.headers, S("x-amz-checksum-crc32"),
                        base64_encode(a, str_n((const char *)&crc, sizeof(crc))));
    }
    return 0;
}

static struct http_headers sign(struct arena *a, const struct remote *r) {
    const struct aws_target *t = r->target;
    struct http_headers headers = {NULL, 0};
    http_header_add(a, &headers, S("Host"), r->host);
    for (size_t i = 0; i < r->message.headers.n; i++) {
        http_header_add(a, &headers, r->message.headers.v[i].name, r->message.headers.v[i].value);
    }
    /* Also an operation that takes unsigned requests: who has keys acts as their owner. */
    if (t->credentials.access_key.n > 0) {
        struct sigv4_request request = {.method = r->message.method,
                                        .path = r->path,
                                        .query = r->message.query,
                                        .headers = &headers,
                                        .payload = r->payload,
                                        .s3 = is_s3(r->op)};
        const struct clock *clock = t->clock != NULL ? t->clock : &clock_system;
        sigv4_sign(a, &t->credentials, r->region, str_c(r->op->service->signing),
                   clock_now_ms(clock) + r->skew_ms, &request, &headers);
    }
    if (t->request_id.p != NULL) {
        http_header_add(a, &headers, S("x-trunkline-request"), t->request_id);
    }
    http_header_add(a, &headers, S("User-Agent"), S("trunkline/" TRUNKLINE_VERSION));
    return headers;
}

static int rewind_files(const struct remote *r, struct err *err) {
    if (has_stream(r) && lseek(r->body_in->fd, r->body_in->offset, SEEK_SET) < 0) {
        return err_sys(err, errno, "read the body to send");
    }
    if (r->out_fd >= 0 && (ftruncate(r->out_fd, 0) != 0 || lseek(r->out_fd, 0, SEEK_SET) < 0)) {
        return err_sys(err, errno, "keep the answer");
    }
    return 0;
}

static int try_once(struct arena *a, struct remote *r, void *out, struct aws_body *ret_body,
                    struct http_reply *reply, struct err *err) {
    const struct aws_target *t = r->target;
    struct http_call call = HTTP_CALL_INIT;
    call.method = r->message.method;
    call.url = r->url;
    call.unix_path = t->unix_path;
    call.headers = sign(a, r);
    call.ca_file = t->ca_file;
    call.out_fd = r->out_fd;
    call.max_body = r->out_fd >= 0 ? MAX_STREAM : MAX_ANSWER;
    call.timeout_ms = has_stream(r) || r->out_fd >= 0 ? 15 * 60 * 1000 : 0;
    if (has_stream(r)) {
        call.body_fd = r->body_in->fd;
        call.body_size = r->body_in->size;
    } else {
        call.body = r->message.body;
    }
    if (rewind_files(r, err) < 0 || http_fetch(a, &call, reply, err) < 0) {
        return -1;
    }
    struct proto_message answer = {
        .status = reply->status, .headers = reply->headers, .body = reply->body};
    enum shape_protocol p = (enum shape_protocol)r->op->service->protocol;
    if (reply->status < 200 || reply->status >= 300) {
        return proto_decode_error(a, p, r->op, &answer, err);
    }
    if (r->out_fd >= 0) {
        answer.body = S("");
        *ret_body = (struct aws_body){r->out_fd, 0, reply->body_size, NULL};
    }
    memset(out, 0, r->op->out->size);
    return proto_decode_response(a, p, r->op, &answer, out, err);
}

bool remote_may_retry(const struct err *err) {
    static const char *const codes[] = {"Throttling",
                                        "ThrottlingException",
                                        "ThrottledException",
                                        "SlowDown",
                                        "RequestThrottledException",
                                        "TooManyRequestsException",
                                        "RequestTimeout",
                                        "RequestTimeoutException",
                                        "ProvisionedThroughputExceededException",
                                        "PriorRequestNotComplete",
                                        "TransactionInProgressException",
                                        "RequestLimitExceeded",
                                        "BandwidthLimitExceeded",
                                        "LimitExceededException",
                                        "RequestThrottled",
                                        "EC2ThrottledException"};
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        /* LimitExceeded is a quota of the caller where the service models it. */
        if (strcmp(err->api_code, codes[i]) == 0) {
            return strcmp(codes[i], "LimitExceededException") != 0 || err->api == NULL;
        }
    }
    return err->http_status != 0 ? err->http_status == 500 || err->http_status == 502 ||
                                       err->http_status == 503 || err->http_status == 504
                                 : err->kind == ERR_UNAVAILABLE;
}

/* A signature that the server finds too old or too new: its Date says by how much we are wrong. */
static bool correct_clock(struct remote *r, const struct http_reply *reply, const struct err *err) {
    const struct clock *clock = r->target->clock != NULL ? r->target->clock : &clock_system;
    struct str code = str_c(err->api_code);
    bool skewed =
        str_is(code, "RequestTimeTooSkewed") || str_is(code, "RequestExpired") ||
        ((str_is(code, "InvalidSignatureException") || str_is(code, "SignatureDoesNotMatch")) &&
         (strstr(err->msg, "Signature expired") != NULL ||
          strstr(err->msg, "not yet current") != NULL));
    struct str date = http_header(&reply->headers, S("Date"));
    int64_t theirs = 0;
    if (!skewed || r->corrected || date.p == NULL || !time_parse(date, &theirs)) {
        return false;
    }
    r->skew_ms = theirs - clock_now_ms(clock);
    r->corrected = true;
    return true;
}

/* Up to 1, 2, 4 ... seconds, at random, so that many callers do not come back together. */
static int64_t wait_ms(int retry) {
    uint32_t dice = 0;
    rng_system.fill(rng_system.ud, &dice, sizeof(dice));
    int64_t most = retry < 5 ? (int64_t)1000 << retry : MAX_WAIT_MS;
    return (int64_t)((double)(most < MAX_WAIT_MS ? most : MAX_WAIT_MS) * dice / 4294967296.0);
}

static int run(struct arena *a, struct remote *r, void *out, struct aws_body *ret_body,
               struct err *err) {
    int retries = r->target->retries < 0 ? STANDARD_RETRIES : r->target->retries;
    for (int retry = 0;; retry++) {
        struct http_reply reply = {.status = 0};
        if (try_once(a, r, out, ret_body, &reply, err) == 0) {
            return 0;
        }
        if (correct_clock(r, &reply, err)) {
            continue;
        }
        if (retry >= retries || !remote_may_retry(err)) {
            return -1;
        }
        remote_sleep(wait_ms(retry));
    }
}

static int open_answer(struct err *err) {
    int fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0) {
        fd = memfd_create("answer", MFD_CLOEXEC);
    }
    return fd >= 0 ? fd : err_sys(err, errno, "keep the answer");
}

int remote_call(const struct aws_target *t, const struct shape_op *op, struct arena *a,
                const void *in, const struct aws_body *body_in, void *out,
                struct aws_body *ret_body, struct err *err) {
    struct remote r = {.target = t, .op = op, .body_in = body_in, .out_fd = -1};
    struct aws_body body = AWS_BODY_NONE;
    enum shape_protocol p = (enum shape_protocol)op->service->protocol;
    if (proto_encode_request(a, p, op, in, &r.message, err) < 0 || address(a, &r, err) < 0 ||
        prepare_body(a, &r, err) < 0) {
        return -1;
    }
    if ((op->flags & SHAPE_OP_BODY_OUT) != 0) {
        r.out_fd = open_answer(err);
        if (r.out_fd < 0) {
            return -1;
        }
    }
    int failed = run(a, &r, out, &body, err);
    if (failed < 0 || ret_body == NULL) {
        if (r.out_fd >= 0) {
            close(r.out_fd);
        }
        return failed;
    }
    *ret_body = body;
    return 0;
}
