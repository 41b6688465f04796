/* Reads zone files (RFC 8536, TZif version 2 and later); zone.h. */
#include "platform/os/zone.h"

#include "platform/os/file.h"

enum { MAX_ZONE_FILE = 256 * 1024 };

/* java.time.ZoneId.SHORT_IDS: what CodePipeline's rules, written in Java, take for short names. */
static const struct {
    const char *name, *zone;
} short_names[] = {
    {"ACT", "Australia/Darwin"},
    {"AET", "Australia/Sydney"},
    {"AGT", "America/Argentina/Buenos_Aires"},
    {"ART", "Africa/Cairo"},
    {"AST", "America/Anchorage"},
    {"BET", "America/Sao_Paulo"},
    {"BST", "Asia/Dhaka"},
    {"CAT", "Africa/Harare"},
    {"CNT", "America/St_Johns"},
    {"CST", "America/Chicago"},
    {"CTT", "Asia/Shanghai"},
    {"EAT", "Africa/Addis_Ababa"},
    {"ECT", "Europe/Paris"},
    {"EST", "UTC-05:00"},
    {"GMT", "UTC"},
    {"HST", "UTC-10:00"},
    {"IET", "America/Indiana/Indianapolis"},
    {"IST", "Asia/Kolkata"},
    {"JST", "Asia/Tokyo"},
    {"MIT", "Pacific/Apia"},
    {"MST", "UTC-07:00"},
    {"NET", "Asia/Yerevan"},
    {"NST", "Pacific/Auckland"},
    {"PLT", "Asia/Karachi"},
    {"PNT", "America/Phoenix"},
    {"PRT", "America/Puerto_Rico"},
    {"PST", "America/Los_Angeles"},
    {"SST", "Pacific/Guadalcanal"},
    {"VST", "Asia/Ho_Chi_Minh"},
};

static int unknown(struct str name, struct err *err) {
    return err_set(err, ERR_INVALID,
                   "'%.*s' is no time zone that this machine knows: Region/City, UTC, or UTC+HH:MM",
                   STR_ARG(name));
}

/* Up to two digits, at *at. */
static bool two_digits(struct str s, size_t *at, int max, int *ret) {
    size_t from = *at;
    *ret = 0;
    while (*at < s.n && *at - from < 2 && s.p[*at] >= '0' && s.p[*at] <= '9') {
        *ret = *ret * 10 + (s.p[(*at)++] - '0');
    }
    return *at > from && *ret <= max;
}

/* "UTC", "UTC+1", "UTC-03:30". */
static bool fixed(struct str name, int *ret) {
    if (!str_starts(name, S("UTC"))) {
        return false;
    }
    *ret = 0;
    if (name.n == 3) {
        return true;
    }
    int hours = 0, minutes = 0;
    size_t at = 4;
    bool good = (name.p[3] == '+' || name.p[3] == '-') && two_digits(name, &at, 18, &hours);
    if (good && at < name.n) {
        good = name.p[at++] == ':' && at + 2 == name.n && two_digits(name, &at, 59, &minutes);
    }
    *ret = (hours * 3600 + minutes * 60) * (name.p[3] == '-' ? -1 : 1);
    return good && at == name.n;
}

/* ---- TZif ---- */

struct tzif {
    struct str text;
    size_t types; /* transitions, local time types: where, how many */
    size_t n_times, n_types, n_chars, n_leap, n_std, n_ut;
    size_t times;
    struct str rule;
};

static int64_t big_endian(struct str s, size_t at, size_t n) {
    uint64_t v = s.p[at] & 0x80 ? UINT64_MAX : 0;
    for (size_t i = 0; i < n; i++) {
        v = v << 8 | (unsigned char)s.p[at + i];
    }
    return (int64_t)v;
}

/* Reads a header at `at`; *ret_end is behind its data, whose times have `width` bytes. */
static bool read_header(struct tzif *z, size_t at, size_t width, size_t *ret_end) {
    struct str s = z->text;
    if (at + 44 > s.n || !str_starts(str_sub(s, at, 4), S("TZif"))) {
        return false;
    }
    size_t *counts[] = {&z->n_ut, &z->n_std, &z->n_leap, &z->n_times, &z->n_types, &z->n_chars};
    for (size_t i = 0; i < 6; i++) {
        int64_t n = big_endian(s, at + 20 + 4 * i, 4);
        if (n < 0 || n > MAX_ZONE_FILE) {
            return false;
        }
        *counts[i] = (size_t)n;
    }
    z->times = at + 44;
    z->types = z->times + z->n_times * (width + 1);
    *ret_end =
        z->types + z->n_types * 6 + z->n_chars + z->n_leap * (width + 4) + z->n_std + z->n_ut;
    return *ret_end <= s.n && z->n_types > 0;
}

static bool read_tzif(struct tzif *z) {
    size_t end = 0;
    if (!read_header(z, 0, 4, &end) || z->text.p[4] < '2' || !read_header(z, end, 8, &end)) {
        return false;
    }
    size_t newline = str_find_c(z->text, '\n', end + 1);
    if (end < z->text.n && z->text.p[end] == '\n' && newline != (size_t)-1) {
        z->rule = str_sub(z->text, end + 1, newline - end - 1);
    }
    return true;
}

static bool offset_of_type(const struct tzif *z, size_t type, int *ret) {
    *ret = type < z->n_types ? (int)big_endian(z->text, z->types + 6 * type, 4) : 0;
    return type < z->n_types;
}

static bool tzif_offset(const struct tzif *z, int64_t utc_s, int *ret) {
    size_t low = 0, high = z->n_times; /* the number of transitions at or before utc_s */
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (big_endian(z->text, z->times + 8 * middle, 8) <= utc_s) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == z->n_times && z->rule.n > 0) {
        return zone_rule_offset(z->rule, utc_s, ret);
    }
    size_t type = 0; /* before the first transition: the first type */
    if (low > 0) {
        type = (unsigned char)z->text.p[z->times + 8 * z->n_times + low - 1];
    }
    return offset_of_type(z, type, ret);
}

/* ---- names ---- */

static bool is_path(struct str name) {
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        bool other = (c >= '0' && c <= '9') || strchr("_+-", c) != NULL;
        if (!letter && (i == 0 || (!other && !(c == '/' && name.p[i - 1] != '/')))) {
            return false;
        }
    }
    return name.n > 0 && name.n <= 64 && str_find_c(name, '\0', 0) == (size_t)-1;
}

int zone_offset(struct arena *a, struct str name, int64_t utc_s, int *ret_ahead_s,
                struct err *err) {
    struct str zone = name;
    for (size_t i = 0; i < sizeof(short_names) / sizeof(short_names[0]); i++) {
        if (str_is(name, short_names[i].name)) {
            zone = str_c(short_names[i].zone);
        }
    }
    if (fixed(zone, ret_ahead_s)) {
        return 0;
    }
    struct tzif z = {.text = STR_NONE};
    struct err why = ERR_INIT;
    if (!is_path(zone) ||
        file_read(a, str_z(a, str_printf(a, "/usr/share/zoneinfo/" STR_FMT, STR_ARG(zone))),
                  MAX_ZONE_FILE, &z.text, &why) < 0 ||
        !read_tzif(&z) || !tzif_offset(&z, utc_s, ret_ahead_s)) {
        return unknown(name, err);
    }
    return 0;
}

int zone_check(struct str name, struct err *err) {
    struct arena a = ARENA_INIT;
    int ahead = 0;
    int known = zone_offset(&a, name, 0, &ahead, err);
    arena_done(&a);
    return known;
}
