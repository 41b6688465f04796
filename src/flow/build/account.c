/* The build's account as its supervisor reaches it: over serve's socket when the account is
 * embedded, over signed HTTPS when it is real; always as the project's role. */
#include "flow/build/supervision.h"

#include "platform/os/file.h"
#include "runtime/http/http.h"

#include <inttypes.h>
#include <pthread.h>
#include <time.h>

enum { CREDENTIALS_MAX = 64 * 1024, PAUSE_MS = 250, RENEW_MS = 5 * 60 * 1000 };

/* The role's credentials, shared by the supervisor's calls and the gateway's endpoint. */
static struct {
    pthread_mutex_t lock;
    struct arena arena;
    struct str json;
    struct aws_credentials keys;
} cache = {.lock = PTHREAD_MUTEX_INITIALIZER};

bool account_retry(struct supervision *s, int64_t since_ms, const struct err *err) {
    if (err->kind != ERR_UNAVAILABLE || s->stopping || s->timed_out ||
        clock_mono_ms(s->clock) - since_ms > SERVE_PATIENCE_MS) {
        return false;
    }
    struct timespec pause = {0, PAUSE_MS * 1000000L};
    nanosleep(&pause, NULL);
    return true;
}

/* The serve that answers for the account. */
static struct str account_socket(struct supervision *s, struct arena *a) {
    struct str dir = s->plan.serve_dir.n > 0 ? s->plan.serve_dir : s->plan.data_dir;
    return str_printf(a, STR_FMT "/serve.sock", STR_ARG(dir));
}

static int ask_serve(struct supervision *s, struct arena *a, struct str *ret, struct err *err) {
    if (s->plan.credentials_file.n > 0) {
        return file_read(a, str_z(a, s->plan.credentials_file), CREDENTIALS_MAX, ret, err);
    }
    struct http_call call = HTTP_CALL_INIT;
    struct http_reply reply;
    call.method = S("POST");
    call.unix_path = account_socket(s, a);
    call.url = str_printf(a, "http://serve/_trunkline/builds/" STR_FMT "/credentials",
                          STR_ARG(s->plan.uuid));
    if (http_fetch(a, &call, &reply, err) < 0) {
        return -1;
    }
    if (reply.status != 200) {
        enum err_kind kind = reply.status == 503 ? ERR_UNAVAILABLE : ERR_DENIED;
        return err_set(err, kind, "no credentials for role " STR_FMT " (%d): " STR_FMT,
                       STR_ARG(s->plan.role_arn), reply.status,
                       STR_ARG(str_sub(str_trim(reply.body), 0, 400)));
    }
    *ret = reply.body;
    return 0;
}

/* Takes serve's answer into the cache and hides its parts. */
static int take(struct supervision *s, struct str text, struct err *err) {
    json_t *json cleanup_json = json_parse(text, err);
    int64_t expires = 0;
    if (json == NULL || !time_parse(json_str(json, "Expiration"), &expires)) {
        return err_set(err, ERR_INTERNAL, "credentials of the build are damaged");
    }
    arena_done(&cache.arena);
    struct arena *a = &cache.arena;
    cache.json = str_dup(a, text);
    cache.keys = (struct aws_credentials){str_dup(a, json_str(json, "AccessKeyId")),
                                          str_dup(a, json_str(json, "SecretAccessKey")),
                                          str_dup(a, json_str(json, "Token")), expires};
    build_log_hide(s->log, cache.keys.access_key);
    build_log_hide(s->log, cache.keys.secret_key);
    build_log_hide(s->log, cache.keys.session_token);
    return 0;
}

static int renew(struct supervision *s, struct err *err) {
    int64_t now = clock_now_ms(s->clock);
    if (cache.json.p != NULL && cache.keys.expires_ms - RENEW_MS > now) {
        return 0;
    }
    struct arena a = ARENA_INIT;
    int64_t since = clock_mono_ms(s->clock);
    struct str text = STR_NONE;
    int result = 0;
    do {
        result = ask_serve(s, &a, &text, err);
    } while (result < 0 && account_retry(s, since, err));
    result = result < 0 ? -1 : take(s, text, err);
    arena_done(&a);
    return result;
}

int account_credentials(struct supervision *s, struct arena *a, struct aws_credentials *ret,
                        struct str *ret_json, struct err *err) {
    pthread_mutex_lock(&cache.lock);
    int result = renew(s, err);
    if (result == 0 && ret != NULL) {
        *ret = (struct aws_credentials){
            str_dup(a, cache.keys.access_key), str_dup(a, cache.keys.secret_key),
            str_dup(a, cache.keys.session_token), cache.keys.expires_ms};
    }
    if (result == 0 && ret_json != NULL) {
        *ret_json = str_dup(a, cache.json);
    }
    pthread_mutex_unlock(&cache.lock);
    return result;
}

static struct str request_id(struct supervision *s, struct arena *a) {
    return str_printf(a, STR_FMT "/s%" PRId64, STR_ARG(s->plan.uuid), s->request_seq);
}

void account_begin(struct supervision *s) {
    s->request_seq++;
}

/* A lost acknowledgement costs one row until the data directory is cleaned; nothing else. */
void account_acknowledge(struct supervision *s) {
    struct arena a = ARENA_INIT;
    struct err ignored = ERR_INIT;
    struct http_call call = HTTP_CALL_INIT;
    struct http_reply reply;
    if (!s->plan.aws) {
        call.method = S("POST");
        call.unix_path = account_socket(s, &a);
        call.url = S("http://serve/_trunkline/ack");
        http_header_add(&a, &call.headers, S("x-trunkline-request"), request_id(s, &a));
        if (http_fetch(&a, &call, &reply, &ignored) < 0) {
            build_log_line(s->log, "Answer was not acknowledged: %s", ignored.msg);
        }
    }
    arena_done(&a);
}

int account_target(struct supervision *s, struct arena *a, struct aws_target *ret,
                   struct err *err) {
    *ret = (struct aws_target){
        .account = s->plan.account, .region = s->plan.region, .retries = -1, .clock = s->clock};
    if (s->plan.aws) {
        ret->endpoint = s->plan.endpoint;
        ret->ca_file = s->plan.ca_file;
    } else {
        ret->unix_path = account_socket(s, a);
        ret->request_id = request_id(s, a);
    }
    return account_credentials(s, a, &ret->credentials, NULL, err);
}
