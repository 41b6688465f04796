/* Webhooks: what is kept of them, and what comes in through them. */
#pragma once

#include "flow/forge/store.h"
#include "front/api/codebuild/codebuild.h"
#include "runtime/http/http.h"

/* Puts a project's webhook, without its secret, where the API shows it. In the caller's
 * transaction. */
int webhook_attach(struct call *c, struct codebuild_project *p, struct err *err) MUST_USE;

/* A row's webhook as the API shows it, and its opened secret. */
int webhook_open(struct arena *a, const struct forge_webhook *row, struct codebuild_webhook **ret,
                 struct str *ret_secret, struct err *err) MUST_USE;

/* Answers POST /hooks/codebuild/<id>: signature verified over the bytes as they came, then the
 * filters, then a build. What came before changes nothing. Takes its own transaction. `ud`: the
 * private networks (struct egress) that a repository may be in, when filters want to know what it
 * alone can say. */
void codebuild_hook(void *ud, struct http_request *req, struct http_response *resp);
