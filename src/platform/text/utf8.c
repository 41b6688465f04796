/* Implementation of platform/text/utf8.h. */
#include "platform/text/utf8.h"

#include "base/arena.h"

size_t utf8_decode(struct str s, uint32_t *ret) {
    if (s.n == 0) {
        return 0;
    }
    const unsigned char *p = (const unsigned char *)s.p;
    if (p[0] < 0x80) {
        *ret = p[0];
        return 1;
    }
    size_t n = p[0] >= 0xF0 ? 4 : p[0] >= 0xE0 ? 3 : 2;
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (p[0] < 0xC2 || p[0] > 0xF4 || s.n < n) {
        return 0;
    }
    uint32_t c = p[0] & (0x7Fu >> n);
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xC0) != 0x80) {
            return 0;
        }
        c = c << 6 | (p[i] & 0x3Fu);
    }
    if (c < least[n] || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF)) {
        return 0;
    }
    *ret = c;
    return n;
}

size_t utf8_encode(uint32_t c, char out[4]) {
    if (c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF)) {
        c = 0xFFFD;
    }
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = n - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (c & 0x3F));
        c >>= 6;
    }
    out[0] = (char)((0xF00u >> n & 0xF0) | c);
    return n;
}

bool utf8_valid(struct str s) {
    while (s.n > 0) {
        uint32_t c;
        size_t n = utf8_decode(s, &c);
        if (n == 0) {
            return false;
        }
        s = str_n(s.p + n, s.n - n);
    }
    return true;
}

struct str utf8_repair(struct arena *a, struct str s) {
    char *out = arena_alloc(a, s.n * 3 + 1);
    size_t used = 0;
    while (s.n > 0) {
        uint32_t c;
        size_t n = utf8_decode(s, &c);
        if (n == 0) {
            memcpy(out + used, "\xEF\xBF\xBD", 3);
            used += 3;
            n = 1;
        } else {
            memcpy(out + used, s.p, n);
            used += n;
        }
        s = str_n(s.p + n, s.n - n);
    }
    return str_n(out, used);
}

size_t utf8_length(struct str s) {
    size_t count = 0;
    while (s.n > 0) {
        uint32_t c;
        size_t n = utf8_decode(s, &c);
        n = n == 0 ? 1 : n;
        s = str_n(s.p + n, s.n - n);
        count++;
    }
    return count;
}
