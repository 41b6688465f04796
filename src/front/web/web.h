/*
 * The web console: server-rendered pages below /console, one small script. Every page is read
 * through AWS's own operations as the signed-in principal, so that policies decide what it shows;
 * approving is PutApprovalResult.
 */
#pragma once

#include "aws/call/call.h"
#include "front/web/html.h"
#include "front/web/session.h"
#include "runtime/http/http.h"

struct web;

struct web_config {
    struct db *db;
    const struct clock *clock;
    const struct rng *rng;
    const struct aws_embedded *embedded;
    struct str region;
};

struct web *web_new(const struct web_config *config);
/* Ends the live streams and waits for their threads: before what their calls reach is freed. */
void web_stop(struct web *w); /* NULL ok */
void web_free(struct web *w); /* stops as well; NULL ok */

/* Answers a request whose path is /console or below. */
void web_handle(void *ud, struct http_request *req, struct http_response *resp);

/* Something changed: pages that are open are told. Any thread. */
void web_changed(void *ud);

/* ---- shared by the pages ---- */

struct page {
    struct web *web;
    struct arena *arena;
    struct http_request *req;
    struct http_response *resp;
    struct console_session session;
    struct aws_target target; /* acts as the principal */
    struct str_list path;     /* decoded parts below /console */
    struct html html;
    int64_t now_ms;
};

/* One line of pages.def. */
struct page_def {
    const char *pattern; /* parts below /console; "*" stands for any one */
    const char *method;
    void (*handle)(struct page *p);
};

void page_begin(struct page *p, struct str title, struct str live); /* live: URL of events, or "" */
void page_end(struct page *p, int status);
/* A whole page that says what went wrong. */
void page_error(struct page *p, int status, struct str what);
/* How the newest execution of a stage stands there; a person who is asked is said so. */
struct codepipeline_stage_state;
void page_stage_status(struct page *p, const struct codepipeline_stage_state *s);
/* The section of a release's page that says which commits it brings (release_changes.c). */
struct trunkline_describe_release_output;
void page_release_changes(struct page *p, const struct trunkline_describe_release_output *r,
                          bool succeeded);
/* The form's fields; false (and an answer) when the CSRF token or the origin is not right. */
bool page_form(struct page *p, struct str_map *ret);
void page_redirect(struct page *p, struct str where);

/* Copies who is signed in, for a stream that outlives the request. */
void page_keep_target(struct page *p, struct arena *a, struct console_session *ret_session,
                      struct aws_target *ret);
/* Answers with server-sent events that fn writes on a thread of its own. */
void page_stream(struct page *p, void (*fn)(struct web *w, struct http_stream *s, void *ud),
                 void *ud, void (*free_ud)(void *ud));

void page_audit(struct page *p);
void page_home(struct page *p);
void page_pipeline(struct page *p);
void page_execution(struct page *p);
void page_answer(struct page *p);
void page_build(struct page *p);
struct str_list;
void page_build_reports(struct page *p, const struct str_list *arns); /* build_reports.c */
void page_build_log(struct page *p);
void page_events(struct page *p);
void page_sign_out(struct page *p);

/* Live streams: at most so many at once; more are answered 503. */
enum { WEB_MAX_LIVE = 64 };
struct http_stream *web_live_open(struct web *w, struct err *err);
/* Runs fn(ud) on a thread of its own until it returns, then ends the stream and frees ud. */
int web_live_run(struct web *w, struct http_stream *stream,
                 void (*fn)(struct web *w, struct http_stream *s, void *ud), void *ud,
                 void (*free_ud)(void *ud), struct err *err) MUST_USE;
/* Waits for a change or for ms; false when the console is closing. *io_seen counts changes. */
bool web_live_wait(struct web *w, int ms, uint64_t *io_seen);
