/* Implementation of aws/auth/chunked.h: a byte-driven state machine over lines and data. */
#include "aws/auth/chunked.h"

#include "aws/auth/fault.h"
#include "base/buf.h"
#include "platform/crypto/encode.h"
#include "platform/crypto/hash.h"

#include <openssl/crypto.h>
#include <stdlib.h>

enum {
    LINE_MAX_BYTES = 4096,
    TRAILERS_MAX = 16,
    CHUNK_MAX = 1 << 30, /* AWS's clients send 64 KiB to 1 MiB */
};

#define EMPTY_SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

enum state { IN_SIZE, IN_DATA, AFTER_DATA, IN_TRAILER, ENDED };

struct chunked {
    struct chunked_config config;
    struct arena arena;   /* of the copied strings and trailers */
    struct arena scratch; /* of one signature */
    enum state state;
    struct buf line;
    int64_t left;        /* bytes of the current piece still to come */
    int64_t total;       /* decoded bytes so far */
    struct hash *hash;   /* of the current piece */
    char previous[65];   /* signature that the next one is chained to */
    struct str expected; /* of the current piece, as it said */
    struct http_headers trailers;
    struct str trailer_signature;
    struct err broken; /* first failure */
};

static const struct aws_error incomplete_body = {"IncompleteBody", "IncompleteBody", 400, "Message",
                                                 NULL};
static const struct aws_error invalid_request = {"InvalidRequest", "InvalidRequest", 400, "Message",
                                                 NULL};
static const struct aws_error malformed_trailer = {"MalformedTrailerError", "MalformedTrailerError",
                                                   400, "Message", NULL};

struct chunked *chunked_new(const struct chunked_config *config) {
    struct chunked *c = mem_alloc(sizeof(*c));
    c->config = *config;
    c->config.amz_date = str_dup(&c->arena, config->amz_date);
    c->config.scope = str_dup(&c->arena, config->scope);
    c->config.seed = str_dup(&c->arena, config->seed);
    c->config.trailer_names = str_dup(&c->arena, config->trailer_names);
    buf_init(&c->line, LINE_MAX_BYTES);
    c->hash = hash_new(HASH_SHA256);
    size_t n = c->config.seed.n < 64 ? c->config.seed.n : 64;
    if (n > 0) {
        memcpy(c->previous, c->config.seed.p, n);
    }
    return c;
}

void chunked_free(struct chunked *c) {
    if (c != NULL) {
        OPENSSL_cleanse(c->config.key, sizeof(c->config.key));
        hash_free(c->hash);
        buf_done(&c->line);
        arena_done(&c->arena);
        arena_done(&c->scratch);
        free(c);
    }
}

static int malformed(struct err *err, const char *what) {
    return err_api(err, &invalid_request, "The aws-chunked body is malformed: %s", what);
}

static int check_signature(struct chunked *c, struct str text, struct str given, struct err *err) {
    unsigned char mac[32];
    crypto_hmac_sha256(str_n((const char *)c->config.key, 32), text, mac);
    struct str right = hex_encode(&c->scratch, str_n((const char *)mac, sizeof(mac)));
    if (!crypto_equal(right, given)) {
        return auth_fail(err, AUTH_MISMATCH, SHAPE_REST_XML, STR_NONE);
    }
    memcpy(c->previous, right.p, 64);
    return 0;
}

/* The piece that just ended, data or the empty one at the end. */
static int end_piece(struct chunked *c, struct err *err) {
    unsigned char digest[HASH_MAX];
    size_t n = hash_end(c->hash, digest);
    if (!c->config.has_signatures) {
        return 0;
    }
    struct arena_mark mark = arena_mark(&c->scratch);
    struct str hash = hex_encode(&c->scratch, str_n((const char *)digest, n));
    struct str text = str_printf(
        &c->scratch,
        "AWS4-HMAC-SHA256-PAYLOAD\n" STR_FMT "\n" STR_FMT "\n%s\n" EMPTY_SHA256 "\n" STR_FMT,
        STR_ARG(c->config.amz_date), STR_ARG(c->config.scope), c->previous, STR_ARG(hash));
    int failed = check_signature(c, text, c->expected, err);
    arena_reset(&c->scratch, mark);
    return failed;
}

static bool parse_hex(struct str s, int64_t *ret) {
    int64_t value = 0;
    for (size_t i = 0; i < s.n; i++) {
        char ch = s.p[i];
        int digit = ch >= '0' && ch <= '9'   ? ch - '0'
                    : ch >= 'a' && ch <= 'f' ? ch - 'a' + 10
                    : ch >= 'A' && ch <= 'F' ? ch - 'A' + 10
                                             : -1;
        value = value * 16 + digit;
        if (digit < 0 || value > CHUNK_MAX) {
            return false;
        }
    }
    *ret = value;
    return s.n > 0;
}

/* "10000;chunk-signature=ad80c7..." */
static int on_size(struct chunked *c, struct str line, struct err *err) {
    struct str rest = line;
    struct str size;
    struct str extension;
    str_cut(&rest, ';', &size);
    if (!parse_hex(size, &c->left)) {
        return malformed(err, "a piece has no size, or one over 1 GiB");
    }
    c->expected = S("");
    while (str_cut(&rest, ';', &extension)) {
        if (str_starts(extension, S("chunk-signature="))) {
            c->expected = str_dup(&c->arena, str_sub(extension, 16, 64));
        }
    }
    c->total += c->left;
    if (c->config.decoded_length >= 0 && c->total > c->config.decoded_length) {
        return err_api(err, &incomplete_body,
                       "The request body is longer than the "
                       "x-amz-decoded-content-length header says");
    }
    if (c->left > 0) {
        c->state = IN_DATA;
        return 0;
    }
    c->state = IN_TRAILER;
    return end_piece(c, err);
}

static bool may_come(const struct chunked *c, struct str name) {
    struct str rest = c->config.trailer_names;
    struct str allowed;
    while (str_cut(&rest, ',', &allowed)) {
        if (str_ieq(str_trim(allowed), name)) {
            return true;
        }
    }
    return false;
}

static int end_trailers(struct chunked *c, struct err *err) {
    c->state = ENDED;
    if (!c->config.has_signatures || !c->config.has_trailer) {
        return 0;
    }
    struct str lines = S("");
    for (size_t i = 0; i < c->trailers.n; i++) {
        struct http_header *h = &c->trailers.v[i];
        lines = str_printf(&c->scratch, STR_FMT STR_FMT ":" STR_FMT "\n", STR_ARG(lines),
                           STR_ARG(str_lower(&c->scratch, h->name)), STR_ARG(h->value));
    }
    struct str hash = crypto_sha256_hex(&c->scratch, lines);
    struct str text = str_printf(
        &c->scratch, "AWS4-HMAC-SHA256-TRAILER\n" STR_FMT "\n" STR_FMT "\n%s\n" STR_FMT,
        STR_ARG(c->config.amz_date), STR_ARG(c->config.scope), c->previous, STR_ARG(hash));
    return check_signature(c, text, c->trailer_signature, err);
}

static int on_trailer(struct chunked *c, struct str line, struct err *err) {
    if (line.n == 0) {
        return end_trailers(c, err);
    }
    size_t colon = str_find_c(line, ':', 0);
    struct str name = str_dup(&c->arena, str_trim(str_sub(line, 0, colon)));
    struct str value = colon == (size_t)-1
                           ? STR_NONE
                           : str_dup(&c->arena, str_trim(str_sub(line, colon + 1, line.n)));
    if (value.p != NULL && str_ieq(name, S("x-amz-trailer-signature"))) {
        c->trailer_signature = value;
        return 0;
    }
    if (value.p == NULL || !c->config.has_trailer || !may_come(c, name) ||
        c->trailers.n >= TRAILERS_MAX) {
        return err_api(err, &malformed_trailer,
                       "The request contained trailing data that was not well-formed or did not "
                       "conform to our published schema.");
    }
    http_header_add(&c->arena, &c->trailers, name, value);
    return 0;
}

static int on_line(struct chunked *c, struct str line, struct err *err) {
    switch (c->state) {
    case IN_SIZE:
        return on_size(c, line, err);
    case AFTER_DATA:
        c->state = IN_SIZE;
        return line.n == 0 ? 0 : malformed(err, "a piece is longer than it says");
    case IN_TRAILER:
        return on_trailer(c, line, err);
    default:
        return malformed(err, "bytes behind the end");
    }
}

/* Takes what belongs to the current state off *data. */
static int step(struct chunked *c, struct str *data, struct err *err) {
    if (c->state == IN_DATA) {
        struct str part = str_sub(*data, 0, (size_t)c->left);
        *data = str_sub(*data, part.n, data->n);
        c->left -= (int64_t)part.n;
        if (c->config.has_signatures) {
            hash_update(c->hash, part);
        }
        if (c->config.write(c->config.ud, part, err) < 0) {
            return -1;
        }
        if (c->left > 0) {
            return 0;
        }
        c->state = AFTER_DATA;
        return end_piece(c, err);
    }
    size_t newline = str_find_c(*data, '\n', 0);
    struct str part = str_sub(*data, 0, newline);
    buf_add(&c->line, part);
    if (c->line.overflow) {
        return malformed(err, "a line is too long");
    }
    if (newline == (size_t)-1) {
        *data = str_sub(*data, data->n, 0);
        return 0;
    }
    *data = str_sub(*data, newline + 1, data->n);
    struct str line = buf_str(&c->line);
    if (line.n > 0 && line.p[line.n - 1] == '\r') {
        line.n--;
    }
    int failed = on_line(c, line, err);
    buf_clear(&c->line);
    return failed;
}

int chunked_write(struct chunked *c, struct str data, struct err *err) {
    while (c->broken.kind == ERR_NONE && data.n > 0) {
        if (step(c, &data, err) < 0) {
            c->broken = *err;
        }
    }
    if (c->broken.kind != ERR_NONE) {
        *err = c->broken;
        return -1;
    }
    return 0;
}

int chunked_end(struct chunked *c, struct arena *a, struct http_headers *ret_trailers,
                struct err *err) {
    struct err failure = c->broken;
    /* Some clients leave the empty line behind the last piece out when they have no trailers. */
    if (failure.kind == ERR_NONE && c->state == IN_TRAILER && c->line.n == 0 &&
        end_trailers(c, &failure) < 0) {
        c->broken = failure;
    }
    if (failure.kind == ERR_NONE && (c->state != ENDED || (c->config.decoded_length >= 0 &&
                                                           c->total != c->config.decoded_length))) {
        err_api(&failure, &incomplete_body,
                "You did not provide the number of bytes specified by the Content-Length HTTP "
                "header");
    }
    if (failure.kind != ERR_NONE) {
        *err = failure;
        return -1;
    }
    *ret_trailers = (struct http_headers){NULL, 0};
    for (size_t i = 0; i < c->trailers.n; i++) {
        http_header_add(a, ret_trailers, str_dup(a, c->trailers.v[i].name),
                        str_dup(a, c->trailers.v[i].value));
    }
    return 0;
}
