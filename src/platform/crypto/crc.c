/* Implementation of platform/crypto/crc.h: eight table look-ups per eight bytes ("slicing by 8"),
 * tables made on first use. All three are reflected, with all-ones at both ends. */
#include "platform/crypto/crc.h"

#include <pthread.h>

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

static void make(void) {
    make32(table32, 0xEDB88320u);
    make32(table32c, 0x82F63B78u);
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

static uint32_t add32(uint32_t table[8][256], uint32_t crc, struct str data) {
    const unsigned char *p = (const unsigned char *)data.p;
    size_t n = data.n;
    crc = ~crc;
    for (; n >= 8; n -= 8, p += 8) {
        uint64_t v = load64(p) ^ crc;
        crc = table[7][v & 0xFF] ^ table[6][v >> 8 & 0xFF] ^ table[5][v >> 16 & 0xFF] ^
              table[4][v >> 24 & 0xFF] ^ table[3][v >> 32 & 0xFF] ^ table[2][v >> 40 & 0xFF] ^
              table[1][v >> 48 & 0xFF] ^ table[0][v >> 56];
    }
    for (; n > 0; n--, p++) {
        crc = crc >> 8 ^ table[0][(crc ^ *p) & 0xFF];
    }
    return ~crc;
}

uint32_t crc32_add(uint32_t crc, struct str data) {
    pthread_once(&once, make);
    return add32(table32, crc, data);
}

uint32_t crc32c_add(uint32_t crc, struct str data) {
    pthread_once(&once, make);
    return add32(table32c, crc, data);
}

uint64_t crc64nvme_add(uint64_t crc, struct str data) {
    pthread_once(&once, make);
    const unsigned char *p = (const unsigned char *)data.p;
    size_t n = data.n;
    crc = ~crc;
    for (; n >= 8; n -= 8, p += 8) {
        uint64_t v = load64(p) ^ crc;
        crc = table64[7][v & 0xFF] ^ table64[6][v >> 8 & 0xFF] ^ table64[5][v >> 16 & 0xFF] ^
              table64[4][v >> 24 & 0xFF] ^ table64[3][v >> 32 & 0xFF] ^ table64[2][v >> 40 & 0xFF] ^
              table64[1][v >> 48 & 0xFF] ^ table64[0][v >> 56];
    }
    for (; n > 0; n--, p++) {
        crc = crc >> 8 ^ table64[0][(crc ^ *p) & 0xFF];
    }
    return ~crc;
}
