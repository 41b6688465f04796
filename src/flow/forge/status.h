/* What a git host is told about a build: one POST of its API, in its own words. */
#pragma once

#include "runtime/http/http.h"

struct forge_status {
    struct str server;     /* serverType */
    struct str location;   /* of the repository; its server has the API, but for the public hosts */
    bool mapped;           /* the location is the operator's, whose server has the API itself */
    struct str commit;     /* 40 digits */
    struct str state;      /* buildStatus of AWS; IN_PROGRESS while it runs */
    struct str context;    /* name of the status */
    struct str target_url; /* where a person reads more */
    struct str username;   /* Bitbucket's app passwords, or absent */
    struct str token;
};

/* Fills method, URL, headers and body. ERR_INVALID: a location without an API (file://). */
int forge_status_call(struct arena *a, const struct forge_status *status, struct http_call *ret,
                      struct err *err) MUST_USE;
