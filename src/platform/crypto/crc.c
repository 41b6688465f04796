/*
 * Implementation of platform/crypto/crc.h. All three are reflected, with all-ones at both ends.
 * Long data is folded by carry-less multiplication where the processor has it: 64 bytes become the
 * 64 behind them plus a multiple of the polynomial, until 16 are left that have the same remainder.
 * Those, and short data, go through tables, eight look-ups per eight bytes ("slicing by 8").
 */
#include "platform/crypto/crc.h"

#include <pthread.h>

#ifdef __x86_64__
#include <immintrin.h>
#endif

enum { FOLD_LEAST = 256 }; /* bytes from which folding pays */

/* x^n modulo the polynomial, for folding over 128 and 512 bits: for the low and the high half. */
struct fold {
    uint64_t by128[2];
    uint64_t by512[2];
};

static struct fold fold32;
static struct fold fold32c;
static struct fold fold64;
static bool can_fold;

static uint32_t table32[8][256];
static uint32_t table32c[8][256];
static uint64_t table64[8][256];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void make32(uint32_t table[8][256], uint32_t polynomial) {
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t crc = i;
        for (int bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ (crc & 1 ? polynomial : 0);
        }
        table[0][i] = crc;
    }
    for (int slice = 1; slice < 8; slice++) {
        for (int i = 0; i < 256; i++) {
            uint32_t before = table[slice - 1][i];
            table[slice][i] = before >> 8 ^ table[0][before & 0xFF];
        }
    }
}

/* In reflected order x^0 is the highest bit of the remainder, which has `bits` bits. */
static uint64_t power(int n, uint64_t polynomial, int bits) {
    uint64_t v = (uint64_t)1 << (bits - 1);
    for (int i = 0; i < n; i++) {
        v = v >> 1 ^ (v & 1 ? polynomial : 0);
    }
    return v << (64 - bits);
}

/* A product of reflected numbers comes out one bit low: hence the -1. */
static struct fold make_fold(uint64_t polynomial, int bits) {
    return (struct fold){
        {power(128 + 64 - 1, polynomial, bits), power(128 - 1, polynomial, bits)},
        {power(512 + 64 - 1, polynomial, bits), power(512 - 1, polynomial, bits)},
    };
}

static void make(void) {
    make32(table32, 0xEDB88320u);
    make32(table32c, 0x82F63B78u);
    fold32 = make_fold(0xEDB88320u, 32);
    fold32c = make_fold(0x82F63B78u, 32);
    fold64 = make_fold(0x9A6C9329AC4BC9B5ull, 64);
#ifdef __x86_64__
    can_fold = __builtin_cpu_supports("pclmul") != 0;
#endif
    for (uint64_t i = 0; i < 256; i++) {
        uint64_t crc = i;
        for (int bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ (crc & 1 ? 0x9A6C9329AC4BC9B5ull : 0);
        }
        table64[0][i] = crc;
    }
    for (int slice = 1; slice < 8; slice++) {
        for (int i = 0; i < 256; i++) {
            uint64_t before = table64[slice - 1][i];
            table64[slice][i] = before >> 8 ^ table64[0][before & 0xFF];
        }
    }
}

/* The next eight bytes as a little-endian number, on any machine. */
static uint64_t load64(const unsigned char *p) {
    uint64_t v = 0;
    for (int i = 7; i >= 0; i--) {
        v = v << 8 | p[i];
    }
    return v;
}

#ifdef __x86_64__
#define FOLDING __attribute__((target("pclmul,sse2")))

FOLDING static __m128i fold_one(__m128i x, __m128i by, __m128i next) {
    __m128i low = _mm_clmulepi64_si128(x, by, 0x00);
    __m128i high = _mm_clmulepi64_si128(x, by, 0x11);
    return _mm_xor_si128(_mm_xor_si128(low, high), next);
}

FOLDING static __m128i load(const unsigned char *p) {
    return _mm_loadu_si128((const __m128i *)(const void *)p);
}

/* Takes whole blocks off *data; what is left of them stands in `out`, with the same remainder. */
FOLDING static void fold_blocks(const struct fold *f, uint64_t crc, struct str *data,
                                unsigned char out[16]) {
    const unsigned char *p = (const unsigned char *)data->p;
    size_t n = data->n;
    __m128i by512 = _mm_set_epi64x((long long)f->by512[1], (long long)f->by512[0]);
    __m128i by128 = _mm_set_epi64x((long long)f->by128[1], (long long)f->by128[0]);
    __m128i x0 = _mm_xor_si128(load(p), _mm_set_epi64x(0, (long long)crc));
    __m128i x1 = load(p + 16);
    __m128i x2 = load(p + 32);
    __m128i x3 = load(p + 48);
    for (p += 64, n -= 64; n >= 64; p += 64, n -= 64) {
        x0 = fold_one(x0, by512, load(p));
        x1 = fold_one(x1, by512, load(p + 16));
        x2 = fold_one(x2, by512, load(p + 32));
        x3 = fold_one(x3, by512, load(p + 48));
    }
    x1 = fold_one(x0, by128, x1);
    x2 = fold_one(x1, by128, x2);
    x3 = fold_one(x2, by128, x3);
    _mm_storeu_si128((__m128i *)(void *)out, x3);
    *data = str_n((const char *)p, n);
}
#else
static void fold_blocks(const struct fold *f, uint64_t crc, struct str *data,
                        unsigned char out[16]) {
    (void)f;
    (void)crc;
    (void)data;
    (void)out;
}
#endif

static uint32_t table_add32(uint32_t table[8][256], uint32_t crc, struct str data) {
    const unsigned char *p = (const unsigned char *)data.p;
    size_t n = data.n;
    for (; n >= 8; n -= 8, p += 8) {
        uint64_t v = load64(p) ^ crc;
        crc = table[7][v & 0xFF] ^ table[6][v >> 8 & 0xFF] ^ table[5][v >> 16 & 0xFF] ^
              table[4][v >> 24 & 0xFF] ^ table[3][v >> 32 & 0xFF] ^ table[2][v >> 40 & 0xFF] ^
              table[1][v >> 48 & 0xFF] ^ table[0][v >> 56];
    }
    for (; n > 0; n--, p++) {
        crc = crc >> 8 ^ table[0][(crc ^ *p) & 0xFF];
    }
    return crc;
}

static uint32_t add32(uint32_t table[8][256], const struct fold *f, uint32_t crc, struct str data) {
    crc = ~crc;
    if (can_fold && data.n >= FOLD_LEAST) {
        unsigned char rest[16];
        fold_blocks(f, crc, &data, rest);
        crc = table_add32(table, 0, str_n((const char *)rest, sizeof(rest)));
    }
    return ~table_add32(table, crc, data);
}

uint32_t crc32_add(uint32_t crc, struct str data) {
    pthread_once(&once, make);
    return add32(table32, &fold32, crc, data);
}

uint32_t crc32c_add(uint32_t crc, struct str data) {
    pthread_once(&once, make);
    return add32(table32c, &fold32c, crc, data);
}

static uint64_t table_add64(uint64_t crc, struct str data) {
    const unsigned char *p = (const unsigned char *)data.p;
    size_t n = data.n;
    for (; n >= 8; n -= 8, p += 8) {
        uint64_t v = load64(p) ^ crc;
        crc = table64[7][v & 0xFF] ^ table64[6][v >> 8 & 0xFF] ^ table64[5][v >> 16 & 0xFF] ^
              table64[4][v >> 24 & 0xFF] ^ table64[3][v >> 32 & 0xFF] ^ table64[2][v >> 40 & 0xFF] ^
              table64[1][v >> 48 & 0xFF] ^ table64[0][v >> 56];
    }
    for (; n > 0; n--, p++) {
        crc = crc >> 8 ^ table64[0][(crc ^ *p) & 0xFF];
    }
    return crc;
}

uint64_t crc64nvme_add(uint64_t crc, struct str data) {
    pthread_once(&once, make);
    crc = ~crc;
    if (can_fold && data.n >= FOLD_LEAST) {
        unsigned char rest[16];
        fold_blocks(&fold64, crc, &data, rest);
        crc = table_add64(0, str_n((const char *)rest, sizeof(rest)));
    }
    return ~table_add64(crc, data);
}
