/* Webhooks of pipelines: what is kept of them, and what comes in through them. */
#pragma once

#include "flow/forge/hook_store.h"
#include "front/api/codepipeline/codepipeline.h"
#include "runtime/http/http.h"

/* A row's definition, without its secret, and the opened secret (absent unless GITHUB_HMAC). */
int webhook_definition(struct arena *a, const struct pipeline_webhook *row,
                       struct codepipeline_webhook_definition **ret, struct str *ret_secret,
                       struct err *err) MUST_USE;

struct str webhook_arn(struct arena *a, const struct pipeline_webhook *row);

/* matchEquals with {Key} replaced by the target action's configuration; absent when a key is not
 * set there: then nothing matches. */
struct str webhook_wanted(struct arena *a, struct str text, const struct str_map *configuration);

/* A connection's hook, made when it is not there or when `rotate` says so: its URL, and its secret
 * where it was made now. ERR_UNSUPPORTED: a provider whose events are not read. */
struct connection_hook_made {
    struct str url;
    struct str secret; /* absent: it was shown before */
};
int connection_hook_make(struct call *c, struct str connection, struct str provider, bool rotate,
                         struct connection_hook_made *ret, struct err *err) MUST_USE;
int connection_hook_secret(struct arena *a, const struct connection_hook *row, struct str *ret,
                           struct err *err) MUST_USE;

/* Answers POST /hooks/<id>, of a webhook or of a connection. Takes its own transaction. */
void codepipeline_hook(void *ud, struct http_request *req, struct http_response *resp);

/* What a git host tells of a connection, verified: pushes wake the watcher, pull requests become
 * jobs. In the caller's transaction; *ret says what was done, for the answer. */
int connection_hook_event(const struct http_request *req, const struct connection_hook *hook,
                          struct str *ret, struct err *err) MUST_USE;
