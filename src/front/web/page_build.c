/* One build: what failed first, its phases, its log as it grows. */
#include "front/web/web.h"

#include "gen/codebuild.h"
#include "gen/logs.h"
#include "platform/text/json.h"

#include <stdlib.h>

enum { LOG_POLL_MS = 250, LOG_PAGE = 500 };

/* A build's id is "project:uuid"; the address has the uuid, so the project is looked up. */
static int find_build(struct page *p, struct str uuid, struct codebuild_build **ret,
                      struct err *err) {
    struct codebuild_list_builds_input list = {0};
    struct codebuild_list_builds_output listed = {0};
    *ret = NULL;
    do {
        if (codebuild_call_list_builds(&p->target, p->arena, &list, &listed, err) < 0) {
            return -1;
        }
        for (size_t i = 0; i < listed.ids.n; i++) {
            if (!str_ends(listed.ids.v[i], uuid)) {
                continue;
            }
            struct codebuild_batch_get_builds_input in = {.ids = {&listed.ids.v[i], 1}};
            struct codebuild_batch_get_builds_output out = {0};
            if (codebuild_call_batch_get_builds(&p->target, p->arena, &in, &out, err) < 0) {
                return -1;
            }
            *ret = out.builds.n > 0 ? &out.builds.v[0] : NULL;
            return 0;
        }
        list.next_token = listed.next_token;
    } while (listed.next_token.n > 0);
    return 0;
}

static void phases(struct page *p, const struct codebuild_build *b) {
    struct html *h = &p->html;
    int64_t longest = 1;
    for (size_t i = 0; i < b->phases.n; i++) {
        const struct codebuild_build_phase *phase = &b->phases.v[i];
        int64_t took = phase->has_end_time ? phase->end_time - phase->start_time : 0;
        longest = took > longest ? took : longest;
    }
    html_raw(h, "<h2>Phases</h2><ul class=\"bars\">");
    for (size_t i = 0; i < b->phases.n; i++) {
        const struct codebuild_build_phase *phase = &b->phases.v[i];
        if (str_is(phase->phase_type, "COMPLETED")) {
            continue;
        }
        int64_t took = (phase->has_end_time ? phase->end_time : p->now_ms) - phase->start_time;
        html_fmt(h, "<li><span>%s</span><span>", phase->phase_type);
        html_span(h, took);
        bool failed = phase->phase_status.n > 0 && !str_is(phase->phase_status, "SUCCEEDED");
        html_raw(h,
                 failed ? "</span><meter class=\"failed\" min=\"0\"" : "</span><meter min=\"0\"");
        html_fmt(h, " max=\"%d\" value=\"%d\">", longest, took < longest ? took : longest);
        html_span(h, took);
        html_raw(h, "</meter></li>");
        for (size_t k = 0; k < phase->contexts.n; k++) {
            if (phase->contexts.v[k].message.n > 0) {
                html_fmt(h, "<li><span></span><span></span><span class=\"bad\">%s</span></li>",
                         phase->contexts.v[k].message);
            }
        }
    }
    html_raw(h, "</ul>");
}

/* A pipeline's build leads back to it. */
static void initiator(struct html *h, struct str who) {
    const struct str prefix = S("codepipeline/");
    if (str_starts(who, prefix)) {
        struct str pipeline = str_sub(who, prefix.n, who.n);
        html_fmt(h, "<a href=\"/console/pipelines/%s\">%s</a>", pipeline, who);
    } else {
        html_text(h, who);
    }
}

void page_build(struct page *p) {
    struct codebuild_build *b = NULL;
    struct err err = ERR_INIT;
    int found = find_build(p, p->path.v[1], &b, &err);
    if (found < 0 || b == NULL) {
        page_error(p, 404, found < 0 ? str_c(err.msg) : S("There is no such build."));
        return;
    }
    struct html *h = &p->html;
    page_begin(p, b->id, S(""));
    html_raw(h, "<div id=\"now\">"); /* what live.js exchanges; the log below grows by itself */
    html_fmt(h, "<h1>%s <span class=\"soft\">build %d</span></h1><p>", b->project_name,
             b->has_build_number ? b->build_number : 0);
    html_status(h, b->build_status);
    html_fmt(h, " <span class=\"soft\">%s, started by ", b->current_phase);
    initiator(h, b->initiator);
    html_raw(h, "</span></p>");
    phases(p, b);
    page_build_reports(p, &b->report_arns);
    html_raw(h, "</div>");
    html_fmt(h,
             "<h2>Log</h2><pre class=\"log\" tabindex=\"0\" aria-label=\"Log\" "
             "data-log=\"/console/builds/%s/log\">"
             "</pre>",
             p->path.v[1]);
    page_end(p, 200);
}

/* ---- the log as server-sent events ---- */

struct following {
    struct arena arena; /* what lives as long as the stream */
    struct console_session session;
    struct aws_target target;
    struct str id;
    struct str group;
    struct str name;
    struct str token;
    bool ended; /* the build had ended when the page was asked for */
};

static void free_following(void *ud) {
    struct following *f = ud;
    arena_done(&f->arena);
    free(f);
}

static bool send(struct http_stream *s, struct arena *a, const char *event, struct str text) {
    json_t *json cleanup_json = json_from_str(text);
    struct str line =
        str_printf(a, "%s%s%sdata: %.*s\n\n", event ? "event: " : "", event ? event : "",
                   event ? "\n" : "", STR_ARG(json_dump_str(a, json)));
    return http_stream_write(s, line);
}

/* Sends what is new. 1 something, 0 nothing, -1 the reader is gone or the log cannot be read. */
static int send_new(struct http_stream *s, struct following *f, struct arena *a) {
    struct logs_get_log_events_request in = {
        .log_group_name = f->group,
        .log_stream_name = f->name,
        .next_token = f->token,
        .start_from_head = true,
        .has_start_from_head = true,
        .limit = LOG_PAGE,
        .has_limit = true,
    };
    struct logs_get_log_events_response out = {0};
    struct err err = ERR_INIT;
    if (logs_call_get_log_events(&f->target, a, &in, &out, &err) < 0) {
        return err.kind == ERR_NOT_FOUND || err.kind == ERR_INVALID ? 0 : -1;
    }
    for (size_t i = 0; i < out.events.n; i++) {
        struct str line = out.events.v[i].message; /* builds' lines end with their newline */
        line = str_ends(line, S("\n")) ? line : str_concat(a, line, S("\n"));
        if (!send(s, a, NULL, line)) {
            return -1;
        }
    }
    if (out.next_forward_token.p != NULL && !str_eq(out.next_forward_token, f->token)) {
        f->token = str_dup(&f->arena, out.next_forward_token);
    }
    return out.events.n > 0;
}

static bool complete(struct following *f, struct arena *a) {
    struct codebuild_batch_get_builds_input in = {.ids = {&f->id, 1}};
    struct codebuild_batch_get_builds_output out = {0};
    struct err err = ERR_INIT;
    return codebuild_call_batch_get_builds(&f->target, a, &in, &out, &err) < 0 ||
           out.builds.n == 0 ||
           (out.builds.v[0].has_build_complete && out.builds.v[0].build_complete);
}

static const struct str changed_event = S_INIT("event: changed\ndata: 1\n\n");

/* The log's lines; and "changed" when the rest of the page may be another by now. */
static void follow(struct web *w, struct http_stream *s, void *ud) {
    struct following *f = ud;
    uint64_t seen = 0;
    web_live_wait(w, 0, &seen);
    uint64_t told = seen;
    bool running = true;
    int sent = 0;
    do {
        struct arena a = ARENA_INIT;
        bool ended = complete(f, &a); /* before the read: afterwards nothing more can come */
        while ((sent = send_new(s, f, &a)) > 0) {
        }
        running = !ended && sent >= 0;
        if (running && seen != told) {
            running = http_stream_write(s, changed_event);
            told = seen;
        }
        if (ended && sent >= 0) { /* a reader that is gone does not matter any more */
            http_stream_write(s, f->ended ? S("event: done\ndata: 1\n\n")
                                          : S("event: end\ndata: 1\n\n"));
        }
        arena_done(&a);
    } while (running && web_live_wait(w, LOG_POLL_MS, &seen));
}

void page_build_log(struct page *p) {
    struct codebuild_build *b = NULL;
    struct err err = ERR_INIT;
    int found = find_build(p, p->path.v[1], &b, &err);
    if (found < 0 || b == NULL || b->logs == NULL || b->logs->group_name.n == 0) {
        page_error(p, 404, S("This build has no log."));
        return;
    }
    struct following *f = mem_alloc(sizeof(*f));
    f->id = str_dup(&f->arena, b->id);
    f->group = str_dup(&f->arena, b->logs->group_name);
    f->name = str_dup(&f->arena, b->logs->stream_name);
    f->ended = b->has_build_complete && b->build_complete;
    page_keep_target(p, &f->arena, &f->session, &f->target);
    page_stream(p, follow, f, free_following);
}

/* ---- "something changed" ---- */

static void tell_changes(struct web *w, struct http_stream *s, void *ud) {
    (void)ud;
    uint64_t seen = 0;
    web_live_wait(w, 0, &seen);
    uint64_t before = seen;
    while (web_live_wait(w, 15000, &seen)) {
        bool told = seen != before ? http_stream_write(s, changed_event)
                                   : http_stream_write(s, S(": still here\n\n"));
        before = seen;
        if (!told) {
            return;
        }
    }
}

void page_events(struct page *p) {
    page_stream(p, tell_changes, mem_alloc(1), free);
}
