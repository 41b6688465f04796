/*
 * One delivery of a git host's webhook: is it the host's, and what does it carry? Signatures are
 * checked over the body as it came; SHA-1 ones count as none.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "runtime/http/http.h"

/* `server` is a serverType of CodeBuild's: GITHUB, GITHUB_ENTERPRISE, GITLAB ..., BITBUCKET. 0
 * good, 401 nothing was signed, 403 signed by somebody else. GitLab brings the secret itself. */
int forge_verify(const struct http_request *req, struct str server, struct str secret);

/* GitHub sends JSON, or a form with the JSON in "payload". ERR_INVALID: a damaged form. */
int forge_payload(const struct http_request *req, struct str *ret, struct err *err) MUST_USE;

/* X-GitHub-Event, X-Gitlab-Event or X-Event-Key. */
struct str forge_kind(const struct http_request *req, struct str server);
