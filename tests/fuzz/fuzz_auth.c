/*
 * Signatures and chunked bodies: the first byte chooses. Lines of a request become headers; a
 * chunked body comes in pieces whose size the second byte says.
 */
#include "fuzz.h"

#include "aws/auth/chunked.h"
#include "aws/auth/sigv4.h"

static void signature(struct arena *a, struct str text) {
    struct http_request r = {.arena = a, .method = S("GET")};
    struct sigv4 sig;
    struct err err = ERR_INIT;
    struct str line;
    str_cut(&text, '\n', &r.path);
    if (!str_cut(&text, '\n', &r.query)) {
        r.query = STR_NONE;
    }
    while (str_cut(&text, '\n', &line)) {
        size_t colon = str_find_c(line, ':', 0);
        if (colon != (size_t)-1) {
            http_header_add(a, &r.headers, str_sub(line, 0, colon),
                            str_sub(line, colon + 1, line.n));
        }
    }
    if (sigv4_parse(a, &r, &sig, &err) == 1) {
        struct sigv4_request q = {r.method, r.path, r.query, &r.headers, SIGV4_UNSIGNED, false};
        FUZZ_MUST(!sigv4_verify(a, &sig, &q, S("a secret that no input can know")));
        q.s3 = true;
        sigv4_verify(a, &sig, &q, S("a secret that no input can know"));
        sigv4_unsigned_header(a, &sig, &r.headers);
    }
}

static int count(void *ud, struct str data, struct err *err) {
    (void)err;
    *(size_t *)ud += data.n;
    return 0;
}

static void chunks(struct arena *a, struct str text, size_t piece, bool has_signatures) {
    size_t taken = 0;
    struct err err = ERR_INIT;
    struct http_headers trailers;
    struct chunked_config config = {.has_signatures = has_signatures,
                                    .has_trailer = true,
                                    .trailer_names = S("x-amz-checksum-crc32"),
                                    .seed = S("00"),
                                    .decoded_length = -1,
                                    .write = count,
                                    .ud = &taken};
    struct chunked *c = chunked_new(&config);
    size_t all = text.n;
    bool ok = true;
    while (ok && text.n > 0) {
        struct str part = str_sub(text, 0, piece + 1);
        text = str_sub(text, part.n, text.n);
        ok = chunked_write(c, part, &err) == 0;
    }
    bool ended = chunked_end(c, a, &trailers, &err) == 0;
    FUZZ_MUST(!(ended && has_signatures));
    FUZZ_MUST(ok || !ended);
    FUZZ_MUST(taken <= all);
    chunked_free(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct arena a = ARENA_INIT;
    if (size > 1) {
        struct str text = fuzz_str(data + 2, size - 2);
        if (data[0] % 2 == 0) {
            signature(&a, text);
        } else {
            chunks(&a, text, data[1], (data[0] & 2) != 0);
        }
    }
    arena_done(&a);
    return 0;
}
