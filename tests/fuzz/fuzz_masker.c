/* The masker beside a naive one: patterns, then a text, both from the input; cut where the input
 * says. Layout: lengths of patterns (0 ends), patterns, length of pieces, text. */
#include "fuzz.h"

#include "base/buf.h"
#include "flow/command/masker.h"

enum { MAX_PATTERNS = 8 };

static struct str naive(struct arena *a, const struct str *patterns, size_t n, struct str text) {
    char *hidden = arena_alloc(a, text.n + 1);
    struct buf out cleanup_buf;
    buf_init(&out, text.n * 3 + 16);
    for (size_t k = 0; k < n; k++) {
        for (size_t i = 0; patterns[k].n >= MASK_MIN_BYTES && i + patterns[k].n <= text.n; i++) {
            if (memcmp(text.p + i, patterns[k].p, patterns[k].n) == 0) {
                memset(hidden + i, 1, patterns[k].n);
            }
        }
    }
    for (size_t i = 0; i < text.n; i++) {
        if (!hidden[i]) {
            buf_add_c(&out, text.p[i]);
        } else if (i == 0 || !hidden[i - 1]) {
            buf_add_z(&out, "***");
        }
    }
    return buf_dup(a, &out);
}

static struct str take(struct str *rest, size_t n) {
    struct str part = str_sub(*rest, 0, n);
    *rest = str_sub(*rest, part.n, rest->n);
    return part;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct arena a = ARENA_INIT;
    struct masker *m = masker_new();
    struct str patterns[MAX_PATTERNS];
    struct str rest = fuzz_str(data, size);
    size_t n = 0;
    while (n < MAX_PATTERNS && rest.n > 0) {
        size_t length = (unsigned char)take(&rest, 1).p[0] % 40;
        if (length == 0) {
            break;
        }
        patterns[n] = take(&rest, length);
        FUZZ_MUST(masker_add(m, patterns[n]));
        n++;
    }
    size_t piece = rest.n > 0 ? 1 + (unsigned char)take(&rest, 1).p[0] % 64 : 1;
    struct str expected = naive(&a, patterns, n, rest);
    struct mask_stream s = {0};
    struct buf out cleanup_buf;
    buf_init(&out, rest.n * 3 + 16);
    while (rest.n > 0) {
        mask_feed(m, &s, take(&rest, piece), &out);
    }
    mask_end(m, &s, &out);
    FUZZ_MUST(str_eq(buf_str(&out), expected));
    mask_stream_done(&s);
    masker_free(m);
    arena_done(&a);
    return 0;
}
