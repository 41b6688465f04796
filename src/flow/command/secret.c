/* Forms of a secret, see secret.h. */
#include "flow/command/secret.h"

#include "base/arena.h"
#include "platform/crypto/encode.h"

#include <stdint.h>

enum { MAX_DECODINGS = 2 }; /* base64 within base64 */

/* Words that parameters hold and logs are full of. */
static const char *const common[] = {
    "account",    "default",     "disabled",      "enabled",        "latest",
    "localhost",  "master",      "none",          "null",           "true",
    "false",      "production",  "preproduction", "pre-production", "development",
    "staging",    "testing",     "sandbox",       "integration",    "shared-services",
    "terraform",  "SUCCESS",     "SUCCEEDED",     "FAILED",         "standard",
    "PRODUCTION", "DEVELOPMENT", "STAGING",       "private",        "public",
    "undefined",  "string",      "warning",       "verbose",        "release",
    "stable",
};

static bool region_name(struct str value) {
    static const char *const prefixes[] = {"af-", "ap-", "ca-", "cn-", "eu-",
                                           "il-", "me-", "mx-", "sa-", "us-"};
    for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
        if (str_starts(value, str_c(prefixes[i]))) {
            return value.n < 20 && value.p[value.n - 1] >= '1' && value.p[value.n - 1] <= '9' &&
                   value.p[value.n - 2] == '-';
        }
    }
    return false;
}

static bool is_common(struct str value) {
    for (size_t i = 0; i < sizeof(common) / sizeof(common[0]); i++) {
        if (str_ieq(value, str_c(common[i]))) {
            return true;
        }
    }
    return region_name(value);
}

/* Where forms are collected; `full` once the masker took one no more. */
struct forms {
    struct masker *masker;
    struct arena *arena;
    bool full;
};

static void add(struct forms *f, struct str form) {
    f->full |= !masker_add(f->masker, form);
}

/* As base64(1), openssl and xxd break their output. */
static void add_wrapped(struct forms *f, struct str text, size_t width) {
    for (size_t i = 0; text.n > width && i < text.n; i += width) {
        add(f, str_sub(text, i, width));
    }
}

/* In a longer text that is encoded as a whole, a value begins at one of three alignments; only the
 * characters that depend on nothing but the value are a pattern. */
static void add_base64(struct forms *f, struct str value,
                       struct str (*encode)(struct arena *, struct str)) {
    static const size_t unsure[] = {0, 2, 3}; /* characters shared with what stands before */
    for (size_t shift = 0; shift < 3; shift++) {
        char *padded = arena_alloc(f->arena, value.n + shift + 1);
        memcpy(padded + shift, value.p, value.n);
        struct str text = encode(f->arena, str_n(padded, value.n + shift));
        size_t sure = (value.n + shift) * 8 / 6;
        add(f, str_sub(text, unsure[shift], sure - unsure[shift]));
        if (shift == 0) {
            add(f, text);
            add_wrapped(f, text, 76);
            add_wrapped(f, text, 64);
            padded[value.n] = '\n';
            add(f, encode(f->arena, str_n(padded, value.n + 1)));
        }
    }
}

static void add_hex(struct forms *f, struct str value) {
    struct str hex = hex_encode(f->arena, value);
    add(f, hex);
    add_wrapped(f, hex, 60);
    char *upper = arena_memdup(f->arena, hex.p, hex.n);
    for (size_t i = 0; i < hex.n; i++) {
        upper[i] = (char)(upper[i] >= 'a' ? upper[i] - 'a' + 'A' : upper[i]);
    }
    add(f, str_n(upper, hex.n));
}

static bool unreserved(unsigned char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

static void add_url(struct forms *f, struct str value, const char *keep, bool plus,
                    const char *digits) {
    struct buf out cleanup_buf;
    buf_init(&out, value.n * 3 + 1);
    for (size_t i = 0; i < value.n; i++) {
        unsigned char c = (unsigned char)value.p[i];
        if (c == ' ' && plus) {
            buf_add_c(&out, '+');
        } else if (unreserved(c) || (c != '\0' && strchr(keep, c) != NULL)) {
            buf_add_c(&out, (char)c);
        } else {
            buf_add_c(&out, '%');
            buf_add_c(&out, digits[c >> 4]);
            buf_add_c(&out, digits[c & 15]);
        }
    }
    add(f, buf_str(&out));
}

/* JSON as jq and Python write it; `html` as Go does, `slash` as PHP does. */
static struct str json_form(struct forms *f, struct str value, bool html, bool slash) {
    struct buf out cleanup_buf;
    buf_init(&out, value.n * 6 + 1);
    static const char from[] = "\"\\\b\f\n\r\t";
    static const char to[] = "\"\\bfnrt";
    for (size_t i = 0; i < value.n; i++) {
        char c = value.p[i];
        const char *escape = c != '\0' ? strchr(from, c) : NULL;
        if (escape != NULL) {
            buf_add_c(&out, '\\');
            buf_add_c(&out, to[escape - from]);
        } else if ((unsigned char)c < 0x20 || (html && (c == '<' || c == '>' || c == '&'))) {
            buf_printf(&out, "\\u%04x", (unsigned)(unsigned char)c);
        } else {
            if (c == '/' && slash) {
                buf_add_c(&out, '\\');
            }
            buf_add_c(&out, c);
        }
    }
    return buf_dup(f->arena, &out);
}

static void add_escaped(struct forms *f, struct str value, const char *special,
                        const char *replacement) {
    struct buf out cleanup_buf;
    buf_init(&out, value.n * 8 + 1);
    for (size_t i = 0; i < value.n; i++) {
        char c = value.p[i];
        if (c != '\0' && strchr(special, c) != NULL) {
            buf_add_z(&out, replacement);
            if (replacement[1] == '\0') {
                buf_add_c(&out, c);
            }
        } else {
            buf_add_c(&out, c);
        }
    }
    add(f, buf_str(&out));
}

/* $'a\nb': bash prints values with line breaks like this. */
static void add_ansi_c(struct forms *f, struct str value) {
    struct buf out cleanup_buf;
    buf_init(&out, value.n * 4 + 1);
    static const char from[] = "'\\\n\r\t";
    static const char to[] = "'\\nrt";
    for (size_t i = 0; i < value.n; i++) {
        const char *escape = value.p[i] != '\0' ? strchr(from, value.p[i]) : NULL;
        if (escape != NULL) {
            buf_add_c(&out, '\\');
            buf_add_c(&out, to[escape - from]);
        } else {
            buf_add_c(&out, value.p[i]);
        }
    }
    add(f, buf_str(&out));
}

static void add_encodings(struct forms *f, struct str value) {
    add(f, value);
    add_base64(f, value, base64_encode);
    add_base64(f, value, base64url_encode);
    add_hex(f, value);
    static const char upper[] = "0123456789ABCDEF";
    static const char lower[] = "0123456789abcdef";
    add_url(f, value, "", false, upper);
    add_url(f, value, "", false, lower);
    add_url(f, value, "/", false, upper);
    add_url(f, value, "", true, upper);
    add_url(f, value, "!'()*", false, upper); /* JavaScript's encodeURIComponent */
    struct str json = json_form(f, value, false, false);
    add(f, json);
    add(f, json_form(f, json, false, false));
    add(f, json_form(f, value, true, false));
    add(f, json_form(f, value, false, true));
    add_escaped(f, value, "'", "'\\''");
    add_escaped(f, value, "'", "'\"'\"'");
    add_escaped(f, value, "\"$`\\", "\\");
    add_escaped(f, value, " \t\"'$`\\&|;<>()*?[]#~=%!{}", "\\"); /* printf %q */
    add_ansi_c(f, value);
}

static void add_value(struct forms *f, struct str value, unsigned decodings) {
    add_encodings(f, value);
    struct str trimmed = str_trim(value);
    if (trimmed.n < value.n && trimmed.n >= MASK_MIN_BYTES) {
        add_encodings(f, trimmed);
    }
    struct str rest = value;
    struct str line = STR_NONE;
    bool many = str_find_c(value, '\n', 0) != (size_t)-1;
    while (many && str_cut(&rest, '\n', &line)) {
        line = str_trim(line);
        if (line.n >= MASK_MIN_BYTES && !is_common(line)) {
            add(f, line);
        }
    }
    struct str decoded = STR_NONE;
    if (decodings > 0 && trimmed.n >= 8 && !f->full &&
        base64_decode_lines(f->arena, trimmed, &decoded) && decoded.n >= MASK_MIN_BYTES) {
        add_value(f, decoded, decodings - 1);
    }
}

enum secret_verdict secret_hide(struct masker *m, struct str value) {
    struct str trimmed = str_trim(value);
    if (trimmed.n < MASK_MIN_BYTES) {
        return SECRET_SHORT;
    }
    if (is_common(trimmed)) {
        return SECRET_COMMON;
    }
    struct arena arena = ARENA_INIT;
    struct forms f = {m, &arena, false};
    add_value(&f, value, MAX_DECODINGS);
    arena_done(&arena);
    return f.full ? SECRET_TOO_MUCH : SECRET_HIDDEN;
}

const char *secret_verdict_text(enum secret_verdict verdict) {
    static const char *const texts[] = {
        NULL,
        "shorter than 6 characters",
        "a common word",
        "the secrets of this build are too large to hide",
    };
    return texts[verdict];
}
