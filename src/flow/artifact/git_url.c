/* What a repository's URL says: the transport, the address without its credential, and that
 * credential, which git gets on another way. See git.h. */
#include "flow/artifact/git_internal.h"

#include "platform/crypto/hash.h"
#include "runtime/http/http.h"

const char *git_protocol(struct str url) {
    static const char *const schemes[] = {"https", "http", "ssh", "git", "file"};
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        struct str scheme = str_c(schemes[i]);
        if (str_starts(url, scheme) && str_starts(str_sub(url, scheme.n, url.n), S("://"))) {
            return schemes[i];
        }
    }
    size_t colon = str_find_c(url, ':', 0);
    size_t slash = str_find_c(url, '/', 0);
    if (url.n > 0 && (url.p[0] == '/' || url.p[0] == '.')) {
        return "file";
    }
    bool scp = colon != (size_t)-1 && colon > 0 && (slash == (size_t)-1 || colon < slash) &&
               !str_starts(str_sub(url, colon, url.n), S("::"));
    return scp ? "ssh" : "";
}

/* A line's end would begin another answer in what git is told. */
static bool decode(struct arena *a, struct str coded, struct str *ret) {
    if (!http_url_decode(a, coded, false, ret)) {
        return false;
    }
    for (size_t i = 0; i < ret->n; i++) {
        if ((unsigned char)ret->p[i] < ' ' || ret->p[i] == 0x7F) {
            return false;
        }
    }
    return true;
}

/* What stands before '@' may be a password, and on the web a token as well. ssh takes a name and no
 * password: that is dropped. False: broken percent-coding. */
static bool split(struct arena *a, struct str url, struct git_mirror *ret) {
    size_t scheme = str_find(url, S("://"), 0);
    size_t host = scheme == (size_t)-1 ? 0 : scheme + 3;
    size_t slash = str_find_c(url, '/', host);
    size_t at = str_rfind_c(str_sub(url, 0, slash == (size_t)-1 ? url.n : slash), '@');
    ret->url = url;
    if (at == (size_t)-1 || at < host) {
        return true;
    }
    struct str info = str_sub(url, host, at - host);
    struct str rest = str_sub(url, at + 1, url.n);
    size_t colon = str_find_c(info, ':', 0);
    struct str name = str_sub(info, 0, colon == (size_t)-1 ? info.n : colon);
    if (!str_starts(url, S("http"))) {
        bool password = scheme != (size_t)-1 && colon != (size_t)-1;
        ret->url = password
                       ? str_printf(a, STR_FMT STR_FMT "@" STR_FMT, STR_ARG(str_sub(url, 0, host)),
                                    STR_ARG(name), STR_ARG(rest))
                       : url;
        return true;
    }
    ret->url = str_concat(a, str_sub(url, 0, host), rest);
    size_t path = str_find_c(ret->url, '/', host);
    ret->server = str_sub(ret->url, 0, path == (size_t)-1 ? ret->url.n : path);
    ret->password = S("");
    return decode(a, name, &ret->username) &&
           (colon == (size_t)-1 || decode(a, str_sub(info, colon + 1, info.n), &ret->password));
}

int git_mirror_open(struct arena *a, const char *data_dir, struct str url, struct git_mirror *ret,
                    struct err *err) {
    *ret = (struct git_mirror){0};
    if (!split(a, url, ret)) {
        return err_set(err, ERR_INVALID,
                       "the name or password in the URL of '%.*s' has broken percent-coding or a "
                       "control character",
                       STR_ARG(ret->url));
    }
    if (url.n == 0 || url.p[0] == '-' || *git_protocol(url) == '\0' ||
        str_find_c(url, '\n', 0) != (size_t)-1) {
        return err_set(err, ERR_INVALID,
                       "'%.*s' is not a repository that git can fetch: give a path or a file, "
                       "https, http, ssh or git URL",
                       STR_ARG(ret->url));
    }
    unsigned char digest[32];
    crypto_sha256(url, digest);
    ret->home = str_printf(a, "%s/git", data_dir);
    ret->path =
        str_printf(a, "%s/git/%02x%02x%02x%02x%02x%02x%02x%02x", data_dir, digest[0], digest[1],
                   digest[2], digest[3], digest[4], digest[5], digest[6], digest[7]);
    return 0;
}
