/*
 * What anybody may fetch from the server without signing:
 *   GET /_trunkline/sns/NAME   the certificate behind a message's SigningCertURL
 */
#pragma once

#include "runtime/db/db.h"
#include "runtime/http/http.h"

/* `ud` is the store (struct db). */
void public_routes_sns(void *ud, struct http_request *req, struct http_response *resp);
