/* Badges: a picture of a project's last build, for whoever has its URL. */
#pragma once

#include "front/api/codebuild/codebuild.h"
#include "runtime/http/http.h"

/* The URL that a project's badge has for ever. */
struct str badge_url(struct arena *a, const struct call *c, struct str project);

/* Answers GET /badges?uuid=TOKEN&branch=NAME. Takes its own transaction. */
void codebuild_badge(void *ud, struct http_request *req, struct http_response *resp);
