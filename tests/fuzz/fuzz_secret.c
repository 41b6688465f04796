/* Secrets in the forms that tools give them: whatever the value, what stands around it and how the
 * stream is cut, no form comes through. Layout: bytes before (0 to 2), length of pieces, value. */
#include "fuzz.h"

#include "base/buf.h"
#include "flow/command/secret.h"
#include "platform/crypto/encode.h"

#include <stdio.h>

static struct str masked(struct masker *m, struct arena *a, struct str text, size_t piece) {
    struct mask_stream s = {0};
    struct buf out cleanup_buf;
    buf_init(&out, text.n * 3 + 64);
    while (text.n > 0) {
        struct str part = str_sub(text, 0, piece);
        mask_feed(m, &s, part, &out);
        text = str_sub(text, part.n, text.n);
    }
    mask_end(m, &s, &out);
    mask_stream_done(&s);
    return buf_dup(a, &out);
}

/* `form` stands in `text`, and must not in what comes out. */
static void must_hide(struct masker *m, struct arena *a, struct str text, struct str form,
                      size_t piece, const char *what) {
    if (form.n < MASK_MIN_BYTES) {
        return;
    }
    FUZZ_MUST(str_find(text, form, 0) != (size_t)-1);
    struct str out = masked(m, a, text, piece);
    if (str_find(out, form, 0) != (size_t)-1) {
        fprintf(stderr, "%s comes through\n", what);
        abort();
    }
}

/* Of base64 over before + value + behind, the characters that the value alone decides. */
static void base64_around(struct masker *m, struct arena *a, struct str value, size_t before,
                          size_t piece, bool url) {
    struct str around =
        str_concat(a, str_concat(a, str_sub(S("\xA5\x5A"), 0, before), value), S("\xC3\x3C"));
    struct str text = url ? base64url_encode(a, around) : base64_encode(a, around);
    size_t from = (before * 8 + 5) / 6;
    size_t to = (before + value.n) * 8 / 6;
    must_hide(m, a, text, str_sub(text, from, to - from), piece, url ? "base64url" : "base64");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct arena a = ARENA_INIT;
    struct masker *m = masker_new();
    struct str value = size > 2 ? fuzz_str(data + 2, size - 2) : S("");
    if (value.n >= MASK_MIN_BYTES && value.n < 600 && secret_hide(m, value) == SECRET_HIDDEN) {
        size_t before = data[0] % 3;
        size_t piece = 1 + data[1] % 37;
        struct str text = str_concat(&a, str_concat(&a, S("<"), value), S(">"));
        must_hide(m, &a, text, value, piece, "the value");
        struct str digits = hex_encode(&a, value);
        must_hide(m, &a, str_concat(&a, S("0x"), digits), digits, piece, "hexadecimal");
        base64_around(m, &a, value, before, piece, false);
        base64_around(m, &a, value, before, piece, true);
    }
    masker_free(m);
    arena_done(&a);
    return 0;
}
