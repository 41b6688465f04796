/* Headers and percent-coding of runtime/http/http.h. */
#include "runtime/http/http.h"

struct str http_header(const struct http_headers *h, struct str name) {
    for (size_t i = 0; i < h->n; i++) {
        if (str_ieq(h->v[i].name, name)) {
            return h->v[i].value;
        }
    }
    return STR_NONE;
}

void http_header_add(struct arena *a, struct http_headers *h, struct str name, struct str value) {
    struct http_header *header = arena_push(a, h);
    header->name = name;
    header->value = value;
}

static int hex(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool http_url_decode(struct arena *a, struct str s, bool plus, struct str *ret) {
    char *out = arena_alloc(a, s.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (c == '%') {
            int high = i + 2 < s.n ? hex(s.p[i + 1]) : -1;
            int low = i + 2 < s.n ? hex(s.p[i + 2]) : -1;
            if (high < 0 || low < 0) {
                return false;
            }
            c = (char)(high << 4 | low);
            i += 2;
        } else if (c == '+' && plus) {
            c = ' ';
        }
        out[n++] = c;
    }
    *ret = str_n(out, n);
    return true;
}

static bool unreserved(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.' || c == '~';
}

struct str http_url_encode(struct arena *a, struct str s, bool keep_slash) {
    static const char digits[] = "0123456789ABCDEF";
    char *out = arena_alloc(a, s.n * 3 + 1);
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (unreserved(c) || (c == '/' && keep_slash)) {
            out[n++] = c;
        } else {
            out[n++] = '%';
            out[n++] = digits[(unsigned char)c >> 4];
            out[n++] = digits[(unsigned char)c & 15];
        }
    }
    return str_n(out, n);
}

bool http_parse_query(struct arena *a, struct str raw, struct str_map *ret) {
    *ret = (struct str_map){arena_new_n(a, struct str_pair, 0), 0};
    struct str rest = raw;
    struct str part;
    while (str_cut(&rest, '&', &part)) {
        if (part.n == 0) {
            continue;
        }
        size_t equals = str_find_c(part, '=', 0);
        struct str name = str_sub(part, 0, equals);
        struct str value = equals == (size_t)-1 ? S("") : str_sub(part, equals + 1, part.n);
        struct str_pair pair;
        if (!http_url_decode(a, name, true, &pair.key) ||
            !http_url_decode(a, value, true, &pair.value)) {
            return false;
        }
        *arena_push(a, ret) = pair;
    }
    return true;
}
