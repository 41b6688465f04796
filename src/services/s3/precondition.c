/* Implementation of precondition.h. */
#include "services/s3/precondition.h"

#include "runtime/http/http.h"

static struct str bare_tag(struct str tag) {
    tag = str_trim(tag);
    if (str_starts(tag, S("W/"))) {
        tag = str_sub(tag, 2, tag.n);
    }
    if (tag.n >= 2 && tag.p[0] == '"' && tag.p[tag.n - 1] == '"') {
        tag = str_n(tag.p + 1, tag.n - 2);
    }
    return tag;
}

bool s3_etag_matches(struct str header, struct str etag) {
    struct str rest = header;
    struct str tag;
    while (str_cut(&rest, ',', &tag)) {
        tag = bare_tag(tag);
        if (str_is(tag, "*") || str_eq(tag, etag)) {
            return true;
        }
    }
    return false;
}

enum s3_verdict s3_precondition_read(const struct s3_precondition *want, struct str etag,
                                     int64_t modified_ms) {
    int64_t modified_s = modified_ms / 1000;
    if (want->if_match.p != NULL) {
        if (!s3_etag_matches(want->if_match, etag)) {
            return S3_FAILED;
        }
    } else if (want->has_unmodified_since && modified_s > want->unmodified_since_ms / 1000) {
        return S3_FAILED;
    }
    if (want->if_none_match.p != NULL) {
        return s3_etag_matches(want->if_none_match, etag) ? S3_NOT_MODIFIED : S3_GO;
    }
    if (want->has_modified_since && modified_s <= want->modified_since_ms / 1000) {
        return S3_NOT_MODIFIED;
    }
    return S3_GO;
}

/* Digits only; more than fit count as the largest number. False if it is not a number. */
static bool range_number(struct str s, int64_t *ret) {
    if (s.n == 0) {
        return false;
    }
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9') {
            return false;
        }
    }
    long long value = 0;
    *ret = str_to_i64(s, &value) ? value : INT64_MAX;
    return true;
}

enum s3_range_kind s3_range_parse(struct str header, int64_t size, int64_t *ret_first,
                                  int64_t *ret_size) {
    struct str spec = str_trim(header);
    if (!str_starts(spec, S("bytes="))) {
        return S3_RANGE_ALL;
    }
    spec = str_trim(str_sub(spec, 6, spec.n));
    size_t dash = str_find_c(spec, '-', 0);
    if (dash == (size_t)-1 || str_find_c(spec, ',', 0) != (size_t)-1) {
        return S3_RANGE_ALL;
    }
    struct str left = str_trim(str_sub(spec, 0, dash));
    struct str right = str_trim(str_sub(spec, dash + 1, spec.n));
    int64_t first = 0;
    int64_t last = size - 1;
    if (left.n == 0) { /* the last `right` bytes */
        int64_t suffix = 0;
        if (!range_number(right, &suffix)) {
            return S3_RANGE_ALL;
        }
        if (suffix == 0 || size == 0) {
            return S3_RANGE_NONE;
        }
        first = suffix >= size ? 0 : size - suffix;
    } else {
        int64_t end = INT64_MAX;
        if (!range_number(left, &first) || (right.n > 0 && !range_number(right, &end)) ||
            end < first) {
            return S3_RANGE_ALL;
        }
        if (first >= size) {
            return S3_RANGE_NONE;
        }
        last = end < size ? end : size - 1;
    }
    *ret_first = first;
    *ret_size = last - first + 1;
    return S3_RANGE_PART;
}

static bool name_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool looks_like_address(struct str name) {
    int dots = 0;
    for (size_t i = 0; i < name.n; i++) {
        if (name.p[i] == '.') {
            dots++;
        } else if (name.p[i] < '0' || name.p[i] > '9') {
            return false;
        }
    }
    return dots == 3;
}

const char *s3_bucket_name_problem(struct str name) {
    if (name.n < 3 || name.n > 63) {
        return "a bucket name has 3 to 63 characters";
    }
    if (!name_char(name.p[0]) || !name_char(name.p[name.n - 1])) {
        return "a bucket name begins and ends with a lower-case letter or a digit";
    }
    for (size_t i = 0; i < name.n; i++) {
        if (!name_char(name.p[i]) && name.p[i] != '-' && name.p[i] != '.') {
            return "a bucket name has lower-case letters, digits, hyphens and dots only";
        }
        if (name.p[i] == '.' && name.p[i + 1] == '.') {
            return "a bucket name has no two dots in a row";
        }
    }
    if (looks_like_address(name)) {
        return "a bucket name is not an IP address";
    }
    if (str_starts(name, S("xn--")) || str_starts(name, S("sthree-")) ||
        str_ends(name, S("-s3alias")) || str_ends(name, S("--ol-s3"))) {
        return "this beginning or end of a bucket name is reserved";
    }
    return NULL;
}

bool s3_copy_source_parse(struct arena *a, struct str header, struct s3_copy_source *ret) {
    *ret = (struct s3_copy_source){0};
    struct str rest = header;
    size_t question = str_rfind_c(rest, '?');
    if (question != (size_t)-1) {
        struct str tail = str_sub(rest, question + 1, rest.n);
        if (str_starts(tail, S("versionId="))) {
            if (!http_url_decode(a, str_sub(tail, 10, tail.n), false, &ret->version) ||
                ret->version.n == 0) {
                return false;
            }
            rest = str_sub(rest, 0, question);
        }
    }
    struct str plain;
    if (!http_url_decode(a, rest, false, &plain)) {
        return false;
    }
    if (str_starts(plain, S("/"))) {
        plain = str_sub(plain, 1, plain.n);
    }
    size_t slash = str_find_c(plain, '/', 0);
    if (slash == (size_t)-1 || slash == 0 || slash + 1 >= plain.n) {
        return false;
    }
    ret->bucket = str_sub(plain, 0, slash);
    ret->key = str_sub(plain, slash + 1, plain.n);
    return true;
}
