/* Implementation of platform/crypto/encode.h. */
#include "platform/crypto/encode.h"

#include "base/arena.h"

static const char standard[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url_safe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

struct str hex_encode(struct arena *a, struct str bytes) {
    static const char digits[] = "0123456789abcdef";
    char *text = arena_alloc(a, bytes.n * 2 + 1);
    for (size_t i = 0; i < bytes.n; i++) {
        unsigned char c = (unsigned char)bytes.p[i];
        text[2 * i] = digits[c >> 4];
        text[2 * i + 1] = digits[c & 15];
    }
    return str_n(text, bytes.n * 2);
}

static int hex_value(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool hex_decode(struct arena *a, struct str text, struct str *ret) {
    if (text.n % 2 != 0) {
        return false;
    }
    char *bytes = arena_alloc(a, text.n / 2 + 1);
    for (size_t i = 0; i < text.n / 2; i++) {
        int high = hex_value(text.p[2 * i]);
        int low = hex_value(text.p[2 * i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        bytes[i] = (char)(high << 4 | low);
    }
    *ret = str_n(bytes, text.n / 2);
    return true;
}

static struct str encode(struct arena *a, struct str bytes, const char *alphabet, bool pad) {
    char *text = arena_alloc(a, (bytes.n + 2) / 3 * 4 + 1);
    size_t n = 0;
    for (size_t i = 0; i < bytes.n; i += 3) {
        size_t left = bytes.n - i;
        unsigned v = (unsigned)(unsigned char)bytes.p[i] << 16;
        v |= left > 1 ? (unsigned)(unsigned char)bytes.p[i + 1] << 8 : 0;
        v |= left > 2 ? (unsigned)(unsigned char)bytes.p[i + 2] : 0;
        text[n++] = alphabet[v >> 18];
        text[n++] = alphabet[v >> 12 & 63];
        if (left > 1 || pad) {
            text[n++] = left > 1 ? alphabet[v >> 6 & 63] : '=';
        }
        if (left > 2 || pad) {
            text[n++] = left > 2 ? alphabet[v & 63] : '=';
        }
    }
    return str_n(text, n);
}

struct str base64_encode(struct arena *a, struct str bytes) {
    return encode(a, bytes, standard, true);
}

struct str base64url_encode(struct arena *a, struct str bytes) {
    return encode(a, bytes, url_safe, false);
}

static int value64(char c, const char *alphabet) {
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }
    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }
    return c == alphabet[62] ? 62 : c == alphabet[63] ? 63 : -1;
}

/* `text` holds digits only: no padding, no blanks. */
static bool decode(struct arena *a, struct str text, const char *alphabet, struct str *ret) {
    if (text.n % 4 == 1) {
        return false;
    }
    char *bytes = arena_alloc(a, text.n / 4 * 3 + 3);
    size_t n = 0;
    unsigned held = 0;
    unsigned bits = 0;
    for (size_t i = 0; i < text.n; i++) {
        int value = value64(text.p[i], alphabet);
        if (value < 0) {
            return false;
        }
        held = (held << 6 | (unsigned)value) & 0xFFFF;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            bytes[n++] = (char)(held >> bits & 0xFF);
        }
    }
    if ((held & ((1u << bits) - 1)) != 0) {
        return false;
    }
    *ret = str_n(bytes, n);
    return true;
}

static struct str without_padding(struct str text) {
    for (int i = 0; i < 2 && text.n > 0 && text.p[text.n - 1] == '='; i++) {
        text.n--;
    }
    return text;
}

bool base64_decode(struct arena *a, struct str text, struct str *ret) {
    return text.n % 4 == 0 && decode(a, without_padding(text), standard, ret);
}

bool base64_decode_lines(struct arena *a, struct str text, struct str *ret) {
    char *packed = arena_alloc(a, text.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] != '\n' && text.p[i] != '\r') {
            packed[n++] = text.p[i];
        }
    }
    return base64_decode(a, str_n(packed, n), ret);
}

bool base64url_decode(struct arena *a, struct str text, struct str *ret) {
    struct str digits = without_padding(text);
    return (digits.n == text.n || text.n % 4 == 0) && decode(a, digits, url_safe, ret);
}
