/* Implementation of status.h. */
#include "flow/forge/status.h"

#include "flow/checkout/address.h"
#include "platform/crypto/encode.h"
#include "platform/text/json.h"

enum { KEY_MAX = 40, CONTEXT_MAX = 255 };

/* Words for a state, in the order of enum host. */
enum host { GITHUB, GITLAB, BITBUCKET };
static const struct {
    const char *state;
    const char *word[3];
    const char *description;
} words[] = {
    {"IN_PROGRESS", {"pending", "running", "INPROGRESS"}, "Build started"},
    {"SUCCEEDED", {"success", "success", "SUCCESSFUL"}, "Build succeeded"},
    {"FAILED", {"failure", "failed", "FAILED"}, "Build failed"},
    {"STOPPED", {"error", "canceled", "STOPPED"}, "Build stopped"},
    {"TIMED_OUT", {"error", "failed", "FAILED"}, "Build timed out"},
    {"FAULT", {"error", "failed", "FAILED"}, "Build could not be run"},
};

static enum host host_of(struct str server) {
    return str_starts(server, S("GITLAB")) ? GITLAB
           : str_is(server, "BITBUCKET")   ? BITBUCKET
                                           : GITHUB;
}

/* "https://api.github.com/repos/" and so on: in front of the repository. */
static struct str base_of(struct arena *a, const struct forge_status *s, const struct address *at) {
    static const char *const paths[] = {"api/v3/repos/", "api/v4/projects/",
                                        "api/2.0/repositories/"};
    enum host host = host_of(s->server);
    if (!s->mapped && str_is(s->server, "GITHUB")) {
        return S("https://api.github.com/repos/");
    }
    if (!s->mapped && str_is(s->server, "BITBUCKET")) {
        return S("https://api.bitbucket.org/2.0/repositories/");
    }
    return str_printf(a, STR_FMT "%s", STR_ARG(address_server(a, at)), paths[host]);
}

static struct str url_of(struct arena *a, const struct forge_status *s, const struct address *at) {
    struct str base = base_of(a, s, at);
    struct str repository = address_repository(at);
    switch (host_of(s->server)) {
    case GITLAB:
        return str_printf(a, STR_FMT STR_FMT "/statuses/" STR_FMT, STR_ARG(base),
                          STR_ARG(http_url_encode(a, repository, false)), STR_ARG(s->commit));
    case BITBUCKET:
        return str_printf(a, STR_FMT STR_FMT "/commit/" STR_FMT "/statuses/build", STR_ARG(base),
                          STR_ARG(http_url_encode(a, repository, true)), STR_ARG(s->commit));
    case GITHUB:
        break;
    }
    return str_printf(a, STR_FMT STR_FMT "/statuses/" STR_FMT, STR_ARG(base),
                      STR_ARG(http_url_encode(a, repository, true)), STR_ARG(s->commit));
}

static struct str body_of(struct arena *a, const struct forge_status *s) {
    json_t *o cleanup_json = json_object();
    enum host host = host_of(s->server);
    struct str context = str_sub(s->context, 0, CONTEXT_MAX);
    size_t i = 0;
    while (i + 1 < sizeof(words) / sizeof(words[0]) && !str_is(s->state, words[i].state)) {
        i++;
    }
    json_set_str(o, "state", str_c(words[i].word[host]));
    json_set_str(o, "description", str_c(words[i].description));
    if (host == BITBUCKET) {
        json_set_str(o, "key", str_sub(context, 0, KEY_MAX));
        json_set_str(o, "name", context);
        json_set_str(o, "url", s->target_url);
    } else {
        json_set_str(o, "context", context);
        json_set_str(o, "target_url", s->target_url);
    }
    return json_dump_str(a, o);
}

static struct str authorization(struct arena *a, const struct forge_status *s) {
    if (s->username.n == 0) {
        return str_printf(a, "Bearer " STR_FMT, STR_ARG(s->token));
    }
    struct str pair = str_printf(a, STR_FMT ":" STR_FMT, STR_ARG(s->username), STR_ARG(s->token));
    return str_printf(a, "Basic " STR_FMT, STR_ARG(base64_encode(a, pair)));
}

int forge_status_call(struct arena *a, const struct forge_status *s, struct http_call *ret,
                      struct err *err) {
    struct address at;
    if (address_parse(a, s->location, &at, err) < 0) {
        return -1;
    }
    if (at.host.n == 0) {
        return err_set(err, ERR_INVALID, "a repository of this machine has nobody to tell");
    }
    *ret = HTTP_CALL_INIT;
    ret->method = S("POST");
    ret->url = url_of(a, s, &at);
    ret->body = body_of(a, s);
    http_header_add(a, &ret->headers, S("Content-Type"), S("application/json"));
    http_header_add(a, &ret->headers, S("Accept"), S("application/json"));
    http_header_add(a, &ret->headers, S("User-Agent"), S("trunkline"));
    http_header_add(a, &ret->headers, S("Authorization"), authorization(a, s));
    return 0;
}
