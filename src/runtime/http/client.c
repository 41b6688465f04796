/*
 * The client half of runtime/http/http.h, over libcurl. Each thread keeps one handle, and with it
 * its open connections. libcurl adds nothing of its own to a request: what is signed is what goes
 * out.
 */
#include "base/buf.h"
#include "runtime/http/http.h"

#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { DEFAULT_CONNECT_MS = 10 * 1000, DEFAULT_TIMEOUT_MS = 60 * 1000, HEADERS_MAX = 256 * 1024 };

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t handle_key;

static void free_handle(void *handle) {
    curl_easy_cleanup(handle);
}

static void init(void) {
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK ||
        pthread_key_create(&handle_key, free_handle) != 0) {
        abort();
    }
}

static CURL *thread_handle(void) {
    pthread_once(&once, init);
    CURL *handle = pthread_getspecific(handle_key);
    if (handle == NULL) {
        handle = curl_easy_init();
        if (handle == NULL || pthread_setspecific(handle_key, handle) != 0) {
            abort();
        }
    }
    curl_easy_reset(handle);
    return handle;
}

/* What the callbacks of one exchange share. */
struct transfer {
    CURL *handle;
    struct arena *arena;
    const struct http_call *call;
    struct http_reply *reply;
    struct buf body;
    int64_t max_body;
    int64_t left;       /* bytes of body_fd still to send */
    size_t header_size; /* bytes of headers so far */
    struct err error;   /* what a callback found wrong */
};

static size_t on_header(char *line, size_t size, size_t n, void *ud) {
    (void)size;
    struct transfer *t = ud;
    struct str text = str_trim(str_n(line, n));
    t->header_size += n;
    if (t->header_size > HEADERS_MAX) {
        err_set(&t->error, ERR_LIMIT, "the answer's headers are too large");
        return 0;
    }
    if (str_starts(text, S("HTTP/"))) {
        t->reply->headers = (struct http_headers){NULL, 0}; /* of a 100 or a redirect */
        return n;
    }
    size_t colon = str_find_c(text, ':', 0);
    if (colon != (size_t)-1) {
        struct str name = str_sub(text, 0, colon);
        struct str value = str_trim(str_sub(text, colon + 1, text.n));
        http_header_add(t->arena, &t->reply->headers, str_dup(t->arena, name),
                        str_dup(t->arena, value));
    }
    return n;
}

static bool write_all(int fd, const char *p, size_t n) {
    while (n > 0) {
        ssize_t done = write(fd, p, n);
        if (done < 0 && errno == EINTR) {
            continue;
        }
        if (done <= 0) {
            return false;
        }
        p += done;
        n -= (size_t)done;
    }
    return true;
}

static size_t on_body(char *data, size_t size, size_t n, void *ud) {
    (void)size;
    struct transfer *t = ud;
    long status = 0;
    curl_easy_getinfo(t->handle, CURLINFO_RESPONSE_CODE, &status);
    t->reply->body_size += (int64_t)n;
    if (t->reply->body_size > t->max_body) {
        err_set(&t->error, ERR_LIMIT, "the answer is larger than %lld bytes",
                (long long)t->max_body);
        return 0;
    }
    if (t->call->out_fd >= 0 && status >= 200 && status < 300) {
        if (!write_all(t->call->out_fd, data, n)) {
            err_sys(&t->error, errno, "write the answer");
            return 0;
        }
        return n;
    }
    buf_add(&t->body, str_n(data, n));
    return n;
}

static size_t on_read(char *out, size_t size, size_t n, void *ud) {
    (void)size;
    struct transfer *t = ud;
    size_t want = t->left < (int64_t)n ? (size_t)t->left : n;
    if (want == 0) {
        return 0;
    }
    ssize_t got;
    do {
        got = read(t->call->body_fd, out, want);
    } while (got < 0 && errno == EINTR);
    if (got <= 0) {
        err_sys(&t->error, got < 0 ? errno : EIO, "read the body to send");
        return CURL_READFUNC_ABORT;
    }
    t->left -= got;
    return (size_t)got;
}

static struct curl_slist *append(struct curl_slist *list, const char *line) {
    struct curl_slist *longer = curl_slist_append(list, line);
    if (longer == NULL) {
        abort();
    }
    return longer;
}

static struct curl_slist *make_headers(struct arena *a, const struct http_call *call) {
    /* These would be added unless named; a name without a value takes them away. */
    static const char *const own[] = {"Accept", "Expect", "Content-Type", "User-Agent"};
    struct curl_slist *list = NULL;
    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
        if (http_header(&call->headers, str_c(own[i])).p == NULL) {
            list = append(list, str_printf(a, "%s:", own[i]).p);
        }
    }
    for (size_t i = 0; i < call->headers.n; i++) {
        struct str name = call->headers.v[i].name;
        struct str value = call->headers.v[i].value;
        if (str_ieq(name, S("Content-Length"))) {
            continue;
        }
        /* "Name;" is how libcurl sends an empty value. */
        list = append(list,
                      value.n == 0
                          ? str_printf(a, STR_FMT ";", STR_ARG(name)).p
                          : str_printf(a, STR_FMT ": " STR_FMT, STR_ARG(name), STR_ARG(value)).p);
    }
    return list;
}

static void set_body(struct transfer *t) {
    const struct http_call *call = t->call;
    CURL *c = t->handle;
    const char *method = str_z(t->arena, call->method);
    if (str_is(call->method, "HEAD")) {
        curl_easy_setopt(c, CURLOPT_NOBODY, 1L);
        return;
    }
    if (call->body_fd >= 0) {
        curl_easy_setopt(c, CURLOPT_UPLOAD, 1L);
        curl_easy_setopt(c, CURLOPT_READFUNCTION, on_read);
        curl_easy_setopt(c, CURLOPT_READDATA, t);
        curl_easy_setopt(c, CURLOPT_INFILESIZE_LARGE, (curl_off_t)call->body_size);
    } else if (call->body.n > 0 || !str_is(call->method, "GET")) {
        curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body.n);
        curl_easy_setopt(c, CURLOPT_POSTFIELDS, call->body.p ? call->body.p : "");
    }
    curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, method);
}

static bool is_loopback(struct str url) {
    size_t slashes = str_find(url, S("://"), 0);
    struct str host = slashes == (size_t)-1 ? url : str_sub(url, slashes + 3, url.n);
    return str_starts(host, S("127.")) || str_starts(host, S("localhost")) ||
           str_starts(host, S("[::1]"));
}

static curl_socket_t open_socket(void *ud, curlsocktype purpose, struct curl_sockaddr *address) {
    (void)purpose;
    struct transfer *t = ud;
    if (!t->call->may_connect(t->call->may_connect_ud, &address->addr)) {
        err_set(&t->error, ERR_DENIED,
                "the address of " STR_FMT " is not public, and 'notify' of trunkline.yml does "
                "not list it",
                STR_ARG(str_sub(t->call->url, 0, str_find_c(t->call->url, '?', 0))));
        return CURL_SOCKET_BAD;
    }
    t->error = ERR_INIT; /* an earlier address of the same name was refused, this one is not */
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static void set_options(struct transfer *t, char *problem) {
    const struct http_call *call = t->call;
    CURL *c = t->handle;
    curl_easy_setopt(c, CURLOPT_ERRORBUFFER, problem);
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_URL, str_z(t->arena, call->url));
    curl_easy_setopt(c, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(c, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(c, CURLOPT_HEADERDATA, t);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, t);
    curl_easy_setopt(
        c, CURLOPT_CONNECTTIMEOUT_MS,
        (long)(call->connect_timeout_ms > 0 ? call->connect_timeout_ms : DEFAULT_CONNECT_MS));
    curl_easy_setopt(c, CURLOPT_TIMEOUT_MS,
                     (long)(call->timeout_ms > 0 ? call->timeout_ms : DEFAULT_TIMEOUT_MS));
    curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, call->max_redirects > 0 ? 1L : 0L);
    curl_easy_setopt(c, CURLOPT_MAXREDIRS, (long)call->max_redirects);
    if (call->unix_path.p != NULL) {
        curl_easy_setopt(c, CURLOPT_UNIX_SOCKET_PATH, str_z(t->arena, call->unix_path));
    }
    if (call->may_connect != NULL) {
        curl_easy_setopt(c, CURLOPT_OPENSOCKETFUNCTION, open_socket);
        curl_easy_setopt(c, CURLOPT_OPENSOCKETDATA, t);
        curl_easy_setopt(c, CURLOPT_FRESH_CONNECT, 1L);
        curl_easy_setopt(c, CURLOPT_FORBID_REUSE, 1L);
    }
    if (call->may_connect != NULL || call->unix_path.p != NULL || is_loopback(call->url)) {
        curl_easy_setopt(c, CURLOPT_NOPROXY, "*");
    }
    if (call->ca_file.p != NULL) {
        curl_easy_setopt(c, CURLOPT_CAINFO, str_z(t->arena, call->ca_file));
    }
}

static int explain(struct transfer *t, CURLcode code, const char *problem, struct err *err) {
    if (t->error.kind != ERR_NONE) {
        *err = t->error;
        return -1;
    }
    const char *what = problem[0] != '\0' ? problem : curl_easy_strerror(code);
    enum err_kind kind = ERR_UNAVAILABLE;
    if (code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL) {
        kind = ERR_INVALID;
    } else if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE) {
        kind = ERR_DENIED;
    }
    struct str url = t->call->url;
    return err_set(err, kind, STR_FMT " " STR_FMT ": %s", STR_ARG(t->call->method),
                   STR_ARG(str_sub(url, 0, str_find_c(url, '?', 0))), what);
}

int http_fetch(struct arena *a, const struct http_call *call, struct http_reply *ret,
               struct err *err) {
    char problem[CURL_ERROR_SIZE] = "";
    struct transfer t = {.handle = thread_handle(),
                         .arena = a,
                         .call = call,
                         .reply = ret,
                         .left = call->body_size,
                         .max_body = call->max_body > 0 ? call->max_body : HTTP_MAX_BODY_BYTES};
    *ret = (struct http_reply){.body = S("")};
    buf_init(&t.body, (size_t)t.max_body);
    set_options(&t, problem);
    set_body(&t);
    struct curl_slist *headers = make_headers(a, call);
    curl_easy_setopt(t.handle, CURLOPT_HTTPHEADER, headers);
    CURLcode code = curl_easy_perform(t.handle);
    long status = 0;
    curl_easy_getinfo(t.handle, CURLINFO_RESPONSE_CODE, &status);
    curl_slist_free_all(headers);
    curl_easy_reset(t.handle); /* nothing of this frame stays behind in it */
    int failed = code == CURLE_OK ? 0 : explain(&t, code, problem, err);
    if (failed == 0) {
        ret->status = (int)status;
        ret->body = buf_dup(a, &t.body);
    }
    buf_done(&t.body);
    return failed;
}
