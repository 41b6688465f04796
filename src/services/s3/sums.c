/*
 * Implementation of sums.h. A CRC is linear: appending n zero bytes multiplies its register by a
 * matrix over GF(2), which is built by squaring; the CRC of two strings is the first one moved over
 * the second's length, xor the second.
 */
#include "services/s3/sums.h"

#include "platform/crypto/crc.h"
#include "platform/crypto/encode.h"
#include "platform/crypto/hash.h"

enum { BITS_MAX = 64 };

struct matrix {
    uint64_t column[BITS_MAX]; /* what each bit of the register becomes */
};

static uint64_t apply(const struct matrix *m, uint64_t x) {
    uint64_t out = 0;
    for (int i = 0; x != 0; i++, x >>= 1) {
        out ^= (x & 1) != 0 ? m->column[i] : 0;
    }
    return out;
}

static void square(struct matrix *m, int bits) {
    struct matrix out;
    for (int i = 0; i < bits; i++) {
        out.column[i] = apply(m, m->column[i]);
    }
    *m = out;
}

/* Reflected polynomials: bit 0 of the register is the highest power. */
static uint64_t polynomial(enum s3_sum algorithm) {
    return algorithm == S3_SUM_CRC32    ? 0xEDB88320u
           : algorithm == S3_SUM_CRC32C ? 0x82F63B78u
                                        : 0x9A6C9329AC4BC9B5u;
}

static uint64_t append_crc(enum s3_sum algorithm, int bits, uint64_t first, uint64_t second,
                           uint64_t second_bytes) {
    struct matrix m; /* one zero bit */
    m.column[0] = polynomial(algorithm);
    for (int i = 1; i < bits; i++) {
        m.column[i] = (uint64_t)1 << (i - 1);
    }
    for (int i = 0; i < 3; i++) { /* one zero byte */
        square(&m, bits);
    }
    for (uint64_t n = second_bytes; n != 0; n >>= 1) {
        if ((n & 1) != 0) {
            first = apply(&m, first);
        }
        square(&m, bits);
    }
    return first ^ second;
}

struct str s3_sum_joined(struct arena *a, enum s3_sum algorithm,
                         const struct s3_part_row_list *parts) {
    size_t size = s3_sum_size(algorithm);
    uint64_t crc = 0;
    for (size_t i = 0; i < parts->n; i++) {
        struct str raw;
        uint64_t part = 0;
        if (!base64_decode(a, parts->v[i].sum, &raw) || raw.n != size) {
            return STR_NONE;
        }
        for (size_t j = 0; j < size; j++) {
            part = part << 8 | (unsigned char)raw.p[j];
        }
        crc = append_crc(algorithm, (int)size * 8, crc, part, (uint64_t)parts->v[i].size);
    }
    char out[8];
    for (size_t j = 0; j < size; j++) {
        out[j] = (char)(crc >> (8 * (size - 1 - j)));
    }
    return base64_encode(a, str_n(out, size));
}

struct str s3_sum_composite(struct arena *a, enum s3_sum algorithm,
                            const struct s3_part_row_list *parts) {
    bool hashed = algorithm == S3_SUM_SHA1 || algorithm == S3_SUM_SHA256;
    struct hash *hash cleanup_hash = hash_new(algorithm == S3_SUM_SHA1 ? HASH_SHA1 : HASH_SHA256);
    uint32_t crc = 0;
    unsigned char out[HASH_MAX];
    for (size_t i = 0; i < parts->n; i++) {
        struct str raw;
        if (!base64_decode(a, parts->v[i].sum, &raw)) {
            return STR_NONE;
        }
        if (hashed) {
            hash_update(hash, raw);
        } else {
            crc = algorithm == S3_SUM_CRC32 ? crc32_add(crc, raw) : crc32c_add(crc, raw);
        }
    }
    size_t size = hash_end(hash, out);
    if (!hashed) {
        size = 4;
        for (size_t j = 0; j < size; j++) {
            out[j] = (unsigned char)(crc >> (8 * (size - 1 - j)));
        }
    }
    return str_printf(a, STR_FMT "-%zu", STR_ARG(base64_encode(a, str_n((const char *)out, size))),
                      parts->n);
}
