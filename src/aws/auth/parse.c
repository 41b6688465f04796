/* Reading a request's signature; aws/auth/sigv4.h. Messages are AWS's own. */
#include "aws/auth/sigv4.h"

/* "20261124T015200Z" */
static bool parse_amz_date(struct str s, int64_t *ret_ms) {
    return s.n == 16 && s.p[8] == 'T' && s.p[15] == 'Z' && time_parse(s, ret_ms);
}

static bool split_credential(struct str credential, struct sigv4 *sig) {
    struct str rest = credential;
    struct str last;
    return str_cut(&rest, '/', &sig->access_key) && str_cut(&rest, '/', &sig->date) &&
           str_cut(&rest, '/', &sig->region) && str_cut(&rest, '/', &sig->service) &&
           str_cut(&rest, '/', &last) && rest.p == NULL && str_is(last, "aws4_request") &&
           sig->access_key.n > 0 && sig->date.n == 8 && sig->service.n > 0;
}

/* A time, and a scope of the same day. */
static int check_dates(struct sigv4 *sig, struct err *err) {
    if (!parse_amz_date(sig->amz_date, &sig->time_ms)) {
        return err_set(err, ERR_DENIED,
                       "Date must be in ISO-8601 'basic format'. Got '" STR_FMT
                       "'. See http://en.wikipedia.org/wiki/ISO_8601",
                       STR_ARG(str_sub(sig->amz_date, 0, 64)));
    }
    if (!str_starts(sig->amz_date, sig->date)) {
        return err_set(err, ERR_DENIED,
                       "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of "
                       "date from HTTP: '" STR_FMT "' != '" STR_FMT "'.",
                       STR_ARG(sig->date), STR_ARG(str_sub(sig->amz_date, 0, 8)));
    }
    return 1;
}

static int parse_header(struct arena *a, const struct http_request *req, struct str text,
                        struct sigv4 *sig, struct err *err) {
    struct str credential = STR_NONE;
    struct str rest = str_trim(str_sub(text, strlen("AWS4-HMAC-SHA256"), text.n));
    struct str part;
    while (str_cut(&rest, ',', &part)) {
        part = str_trim(part);
        size_t equals = str_find_c(part, '=', 0);
        struct str value = equals == (size_t)-1 ? STR_NONE : str_sub(part, equals + 1, part.n);
        if (str_starts(part, S("Credential="))) {
            credential = value;
        } else if (str_starts(part, S("SignedHeaders="))) {
            sig->signed_headers = value;
        } else if (str_starts(part, S("Signature="))) {
            sig->signature = value;
        }
    }
    const char *missing = credential.n == 0            ? "Credential"
                          : sig->signature.n == 0      ? "Signature"
                          : sig->signed_headers.n == 0 ? "SignedHeaders"
                                                       : NULL;
    if (missing != NULL) {
        return err_set(err, ERR_DENIED, "Authorization header requires '%s' parameter.", missing);
    }
    if (!split_credential(credential, sig)) {
        return err_set(err, ERR_DENIED,
                       "Credential must have exactly 5 slash-delimited elements, e.g. "
                       "keyid/date/region/service/term, got '" STR_FMT "'",
                       STR_ARG(str_sub(credential, 0, 200)));
    }
    sig->amz_date = http_header(&req->headers, S("x-amz-date"));
    struct str date = http_header(&req->headers, S("Date"));
    int64_t ms = 0;
    if (sig->amz_date.p == NULL && date.p != NULL && time_parse(date, &ms)) {
        sig->amz_date = time_basic(a, ms);
    }
    if (sig->amz_date.p == NULL) {
        return err_set(err, ERR_DENIED,
                       "Authorization header requires existence of either a 'X-Amz-Date' or a "
                       "'Date' header.");
    }
    sig->token = http_header(&req->headers, S("x-amz-security-token"));
    return check_dates(sig, err);
}

static int parse_presigned(const struct str_map *query, struct sigv4 *sig, struct err *err) {
    static const char *const needed[] = {"X-Amz-Algorithm", "X-Amz-Credential",
                                         "X-Amz-Date",      "X-Amz-SignedHeaders",
                                         "X-Amz-Expires",   "X-Amz-Signature"};
    for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
        /* Expires is optional everywhere but in S3, whose own rule is checked by its caller. */
        if (str_map_get(query, str_c(needed[i])).n == 0 &&
            !str_is(str_c(needed[i]), "X-Amz-Expires")) {
            return err_set(err, ERR_DENIED,
                           "Query-string authentication requires the %s parameter.", needed[i]);
        }
    }
    sig->presigned = true;
    sig->signed_headers = str_map_get(query, S("X-Amz-SignedHeaders"));
    sig->signature = str_map_get(query, S("X-Amz-Signature"));
    sig->amz_date = str_map_get(query, S("X-Amz-Date"));
    sig->token = str_map_get(query, S("X-Amz-Security-Token"));
    struct str expires = str_map_get(query, S("X-Amz-Expires"));
    long long seconds = 900;
    if (expires.p != NULL &&
        (!str_to_i64(expires, &seconds) || seconds < 0 || seconds > SIGV4_MAX_EXPIRES_S)) {
        return err_set(err, ERR_DENIED, "X-Amz-Expires must be a number of seconds of at most %d",
                       SIGV4_MAX_EXPIRES_S);
    }
    sig->expires_s = seconds;
    if (!str_is(str_map_get(query, S("X-Amz-Algorithm")), "AWS4-HMAC-SHA256")) {
        return err_set(err, ERR_DENIED, "X-Amz-Algorithm only supports AWS4-HMAC-SHA256");
    }
    if (!split_credential(str_map_get(query, S("X-Amz-Credential")), sig)) {
        return err_set(err, ERR_DENIED,
                       "Error parsing the X-Amz-Credential parameter; the "
                       "Credential is mal-formed");
    }
    return check_dates(sig, err);
}

int sigv4_parse(struct arena *a, const struct http_request *req, struct sigv4 *ret,
                struct err *err) {
    *ret = (struct sigv4){.presigned = false};
    struct str text = http_header(&req->headers, S("Authorization"));
    if (text.p != NULL) {
        if (!str_starts(text, S("AWS4-HMAC-SHA256 "))) {
            return str_starts(text, S("AWS"))
                       ? err_set(err, ERR_DENIED,
                                 "The authorization mechanism you have provided is not supported. "
                                 "Please use AWS4-HMAC-SHA256.")
                       : 0;
        }
        return parse_header(a, req, text, ret, err);
    }
    if (str_find(req->query, S("X-Amz-Signature="), 0) == (size_t)-1 &&
        str_find(req->query, S("X-Amz-Algorithm="), 0) == (size_t)-1) {
        return 0;
    }
    struct str_map query;
    if (!http_parse_query(a, req->query, &query)) {
        return err_set(err, ERR_DENIED, "the query string has a broken %%-escape");
    }
    return parse_presigned(&query, ret, err);
}
