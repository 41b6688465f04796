/* Implementation of base/clock.h. */
#include "base/clock.h"

#include "base/arena.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

static int64_t read_clock(clockid_t id) {
    struct timespec ts;
    if (clock_gettime(id, &ts) != 0) {
        abort();
    }
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int64_t system_now(void *ud) {
    (void)ud;
    return read_clock(CLOCK_REALTIME);
}

static int64_t system_mono(void *ud) {
    (void)ud;
    return read_clock(CLOCK_MONOTONIC);
}

const struct clock clock_system = {system_now, system_mono, NULL};

static void system_fill(void *ud, void *p, size_t n) {
    (void)ud;
    char *at = p;
    while (n > 0) {
        ssize_t got = getrandom(at, n, 0);
        if (got <= 0) {
            abort();
        }
        at += got;
        n -= (size_t)got;
    }
}

const struct rng rng_system = {system_fill, NULL};

static int64_t fake_now(void *ud) {
    return ((struct clock_fake *)ud)->now_ms;
}

static int64_t fake_mono(void *ud) {
    return ((struct clock_fake *)ud)->mono_ms;
}

struct clock clock_fake(struct clock_fake *state) {
    return (struct clock){fake_now, fake_mono, state};
}

static struct tm utc(int64_t ms, int *ret_ms) {
    int64_t seconds = ms / 1000;
    int64_t rest = ms % 1000;
    if (rest < 0) {
        rest += 1000;
        seconds--;
    }
    time_t t = (time_t)seconds;
    struct tm tm;
    gmtime_r(&t, &tm);
    *ret_ms = (int)rest;
    return tm;
}

struct str time_iso(struct arena *a, int64_t ms) {
    int rest = 0;
    struct tm tm = utc(ms, &rest);
    return str_printf(a, "%04d-%02d-%02dT%02d:%02d:%02dZ", tm.tm_year + 1900, tm.tm_mon + 1,
                      tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

struct str time_iso_ms(struct arena *a, int64_t ms) {
    int rest = 0;
    struct tm tm = utc(ms, &rest);
    return str_printf(a, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", tm.tm_year + 1900, tm.tm_mon + 1,
                      tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, rest);
}

struct str time_basic(struct arena *a, int64_t ms) {
    int rest = 0;
    struct tm tm = utc(ms, &rest);
    return str_printf(a, "%04d%02d%02dT%02d%02d%02dZ", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
                      tm.tm_hour, tm.tm_min, tm.tm_sec);
}

struct str time_http(struct arena *a, int64_t ms) {
    static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    int rest = 0;
    struct tm tm = utc(ms, &rest);
    return str_printf(a, "%s, %02d %s %04d %02d:%02d:%02d GMT", days[tm.tm_wday], tm.tm_mday,
                      months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

/* Fraction of a second ("." already seen by the caller's cursor) in milliseconds. */
static int64_t fraction_ms(const char **at) {
    if (**at != '.' && **at != ',') {
        return 0;
    }
    int64_t ms = 0;
    int64_t unit = 100;
    for ((*at)++; **at >= '0' && **at <= '9'; (*at)++) {
        ms += (**at - '0') * unit;
        unit /= 10;
    }
    return ms;
}

static bool zone(const char *at, int64_t *ret_seconds) {
    int hours = 0;
    int minutes = 0;
    *ret_seconds = 0;
    if (*at == '\0' || strcmp(at, "Z") == 0 || strcmp(at, "z") == 0) {
        return true;
    }
    if ((*at == '+' || *at == '-') && (sscanf(at + 1, "%2d:%2d", &hours, &minutes) == 2 ||
                                       sscanf(at + 1, "%2d%2d", &hours, &minutes) == 2)) {
        *ret_seconds = (*at == '-' ? -1 : 1) * (hours * 3600 + minutes * 60);
        return true;
    }
    return false;
}

static bool parse_iso(const char *text, int64_t *ret_ms) {
    static const char *const forms[] = {"%Y-%m-%dT%H:%M:%S", "%Y%m%dT%H%M%S", "%Y-%m-%d %H:%M:%S",
                                        "%Y-%m-%dT%H:%M", "%Y-%m-%d"};
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        struct tm tm = {0};
        const char *at = strptime(text, forms[i], &tm);
        if (at == NULL) {
            continue;
        }
        int64_t ms = fraction_ms(&at);
        int64_t offset = 0;
        if (!zone(at, &offset)) {
            continue;
        }
        *ret_ms = ((int64_t)timegm(&tm) - offset) * 1000 + ms;
        return true;
    }
    return false;
}

bool time_parse(struct str s, int64_t *ret_ms) {
    char text[64];
    if (s.n == 0 || s.n >= sizeof(text)) {
        return false;
    }
    memcpy(text, s.p, s.n);
    text[s.n] = '\0';
    double epoch = 0;
    if (str_to_double(s, &epoch) && epoch > -1e12 && epoch < 1e12) {
        *ret_ms = (int64_t)(epoch * 1000 + (epoch < 0 ? -0.5 : 0.5));
        return true;
    }
    struct tm tm = {0};
    const char *end = strptime(text, "%a, %d %b %Y %H:%M:%S GMT", &tm);
    if (end != NULL && *end == '\0') {
        *ret_ms = (int64_t)timegm(&tm) * 1000;
        return true;
    }
    return parse_iso(text, ret_ms);
}

struct str rng_uuid(const struct rng *r, struct arena *a) {
    unsigned char b[16];
    r->fill(r->ud, b, sizeof(b));
    b[6] = (unsigned char)((b[6] & 0x0F) | 0x40);
    b[8] = (unsigned char)((b[8] & 0x3F) | 0x80);
    return str_printf(a, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
                      b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11],
                      b[12], b[13], b[14], b[15]);
}

/* Unbiased choice from `set` by rejection. */
static struct str random_of(const struct rng *r, struct arena *a, size_t n, struct str set) {
    char *text = arena_alloc(a, n + 1);
    size_t limit = 256 - 256 % set.n;
    for (size_t i = 0; i < n;) {
        unsigned char bytes[64];
        size_t wanted = n - i < sizeof(bytes) ? n - i : sizeof(bytes);
        r->fill(r->ud, bytes, wanted);
        for (size_t j = 0; j < wanted; j++) {
            if (bytes[j] < limit) {
                text[i++] = set.p[bytes[j] % set.n];
            }
        }
    }
    return str_n(text, n);
}

struct str rng_hex(const struct rng *r, struct arena *a, size_t n) {
    return random_of(r, a, n, S("0123456789abcdef"));
}

struct str rng_alnum(const struct rng *r, struct arena *a, size_t n) {
    return random_of(r, a, n, S("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"));
}
