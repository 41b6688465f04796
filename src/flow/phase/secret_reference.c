/* Implementation of flow/phase/secret_reference.h. */
#include "flow/phase/secret_reference.h"

#include "platform/text/json.h"

#include <stdio.h>
#include <stdlib.h>

enum { ARN_COLONS = 6 };

/* The id's length: up to the first colon, or up to the one behind an ARN's sixth. */
static size_t id_length(struct str text) {
    int colons = str_starts(text, S("arn:")) ? ARN_COLONS : 0;
    size_t at = 0;
    for (;; at++) {
        at = str_find_c(text, ':', at);
        if (at == (size_t)-1) {
            return text.n;
        }
        if (colons-- == 0) {
            return at;
        }
    }
}

static struct str part(struct str *rest) {
    struct str text = STR_NONE;
    return str_cut(rest, ':', &text) && text.n > 0 ? text : STR_NONE;
}

int secret_reference_parse(struct str text, struct secret_reference *ret, struct err *err) {
    size_t n = id_length(text);
    struct str rest = n < text.n ? str_sub(text, n + 1, text.n) : STR_NONE;
    *ret = (struct secret_reference){.id = str_sub(text, 0, n)};
    ret->json_key = part(&rest);
    ret->stage = part(&rest);
    ret->version_id = part(&rest);
    if (ret->id.n == 0 || rest.p != NULL) {
        return err_set(err, ERR_INVALID,
                       "'" STR_FMT "' is no reference to a secret: write "
                       "SECRET-ID[:JSON-KEY[:VERSION-STAGE[:VERSION-ID]]]",
                       STR_ARG(text));
    }
    return 0;
}

/* The shortest text that reads as the same number again. */
static struct str real_text(struct arena *a, double number) {
    char text[40];
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(text, sizeof(text), "%.*g", digits, number);
        if (strtod(text, NULL) == number) {
            break;
        }
    }
    return str_dup(a, str_c(text));
}

int secret_member(struct arena *a, struct str json, struct str key, struct str *ret,
                  struct err *err) {
    struct err ignored = ERR_INIT; /* its text could show a piece of the value */
    json_t *object cleanup_json = json_parse(json, &ignored);
    if (!json_is_object(object)) {
        return err_set(err, ERR_INVALID,
                       "its value is no JSON object, so it has no key '" STR_FMT "'", STR_ARG(key));
    }
    const json_t *member = json_object_getn(object, key.p, key.n);
    if (member == NULL || json_is_null(member)) {
        return err_set(err, ERR_NOT_FOUND, "its JSON has no key '" STR_FMT "'", STR_ARG(key));
    }
    *ret = json_is_string(member) ? str_dup(a, json_text(member))
           : json_is_real(member) ? real_text(a, json_real_value(member))
                                  : json_dump_str(a, member);
    return 0;
}
