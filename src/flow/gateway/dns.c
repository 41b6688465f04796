/* The answers of gateway_dns.h. */
#include "flow/gateway/dns.h"

#include <string.h>

enum {
    HEADER = 12,
    TYPE_A = 1,
    TYPE_ANY = 255,
    CLASS_IN = 1,
    TTL_SECONDS = 60,
    NOT_IMPLEMENTED = 4,
    FORMAT_ERROR = 1,
};

static unsigned get16(const unsigned char *p) {
    return (unsigned)p[0] << 8 | p[1];
}

static void put16(unsigned char *p, unsigned value) {
    p[0] = (unsigned char)(value >> 8);
    p[1] = (unsigned char)value;
}

/* Offset behind the question, 0 if it is cut or uses compression. */
static size_t question_end(const unsigned char *query, size_t n) {
    size_t at = HEADER;
    while (at < n && query[at] != 0) {
        if (query[at] > 63) {
            return 0;
        }
        at += query[at] + 1U;
    }
    at += 5; /* the root's zero, type, class */
    return at <= n && at - HEADER <= 260 ? at : 0;
}

static size_t reply(const unsigned char *query, size_t end, unsigned code,
                    unsigned char out[DNS_MAX]) {
    memcpy(out, query, end);
    put16(out + 2, 0x8180U | (get16(query + 2) & 0x0100U) | code);
    put16(out + 4, end > HEADER ? 1 : 0);
    memset(out + 6, 0, 6);
    return end;
}

size_t dns_answer(const unsigned char *query, size_t n, const unsigned char address[4],
                  unsigned char out[DNS_MAX]) {
    if (n < HEADER || (query[2] & 0x80) != 0) {
        return 0;
    }
    if ((query[2] & 0x78) != 0) {
        return reply(query, HEADER, NOT_IMPLEMENTED, out);
    }
    size_t end = get16(query + 4) == 1 ? question_end(query, n) : 0;
    if (end == 0) {
        return reply(query, HEADER, FORMAT_ERROR, out);
    }
    unsigned type = get16(query + end - 4);
    unsigned class = get16(query + end - 2);
    size_t size = reply(query, end, 0, out);
    if (class != CLASS_IN || (type != TYPE_A && type != TYPE_ANY)) {
        return size;
    }
    unsigned char *record = out + size;
    put16(out + 6, 1);
    put16(record, 0xC000U | HEADER);
    put16(record + 2, TYPE_A);
    put16(record + 4, CLASS_IN);
    put16(record + 6, 0);
    put16(record + 8, TTL_SECONDS);
    put16(record + 10, 4);
    memcpy(record + 12, address, 4);
    return size + 16;
}
