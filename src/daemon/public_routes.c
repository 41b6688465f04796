/* Implementation of public_routes.h. */
#include "daemon/public_routes.h"

#include "services/sns/message.h"

#define SNS_PREFIX "/_trunkline/sns/"

static void answer(struct http_request *req, struct http_response *resp, int status,
                   const char *type, struct str body) {
    resp->status = status;
    resp->body = body;
    http_header_add(req->arena, &resp->headers, S("Content-Type"), str_c(type));
}

void public_routes_sns(void *ud, struct http_request *req, struct http_response *resp) {
    struct str name = str_sub(req->path, strlen(SNS_PREFIX), req->path.n);
    struct str pem = STR_NONE;
    struct err err = ERR_INIT;
    if (!str_is(req->method, "GET") && !str_is(req->method, "HEAD")) {
        http_header_add(req->arena, &resp->headers, S("Allow"), S("GET, HEAD"));
        answer(req, resp, 405, "text/plain; charset=utf-8", S("GET only\n"));
        return;
    }
    int found = sns_signing_cert(ud, req->arena, name, &pem, &err);
    if (found > 0) {
        answer(req, resp, 200, "application/x-pem-file", pem);
    } else {
        answer(req, resp, found < 0 ? 500 : 404, "text/plain; charset=utf-8",
               found < 0 ? S("the store cannot be read\n") : S("there is no such certificate\n"));
    }
}
