/* Implementation of web.h: signing in, routing, the frame of every page. */
#include "front/web/web.h"

#include "front/web/live.h"

#include <stdlib.h>

extern const char web_style_css[];
extern const char web_live_js[];

static const struct page_def pages[] = {
#define PAGE(method, pattern, fn) {pattern, method, fn},
#include "front/web/pages.def"
#undef PAGE
};

/* ---- answers ---- */

static void header(struct page *p, const char *name, struct str value) {
    http_header_add(p->arena, &p->resp->headers, str_c(name), value);
}

/* No inline script or style, nothing from elsewhere, no framing: hostile text stays text. */
static void safe_headers(struct page *p) {
    header(p, "Content-Security-Policy",
           S("default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
             "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"));
    header(p, "X-Content-Type-Options", S("nosniff"));
    header(p, "Referrer-Policy", S("same-origin"));
    header(p, "Cache-Control", S("no-store"));
}

void page_begin(struct page *p, struct str title, struct str live) {
    html_init(&p->html, p->arena);
    struct html *h = &p->html;
    html_fmt(
        h,
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
        "content=\"width=device-width, initial-scale=1\"><title>%s \xC2\xB7 Trunkline</title>"
        "<link rel=\"stylesheet\" href=\"/console/style.css\"><script defer "
        "src=\"/console/live.js\"></script></head><body",
        title);
    if (live.n > 0) {
        html_fmt(h, " data-live=\"%s\"", live);
    }
    html_raw(h, "><header><a href=\"/console\"><b>Trunkline</b></a>");
    if (p->session.principal.arn.p != NULL) {
        html_fmt(
            h,
            "<a href=\"/console/audit\">Audit</a><span class=\"who\">%s <form method=\"post\" "
            "action=\"/console/sign-out\"><input "
            "type=\"hidden\" name=\"csrf\" value=\"%s\"><button>Sign out</button></form></span>",
            p->session.principal.arn, p->session.csrf);
    }
    html_raw(h, "</header><main>");
}

void page_end(struct page *p, int status) {
    html_raw(&p->html, "</main></body></html>\n");
    safe_headers(p);
    header(p, "Content-Type", S("text/html; charset=utf-8"));
    p->resp->status = status;
    p->resp->body = buf_dup(p->arena, &p->html.out);
    html_done(&p->html);
}

void page_error(struct page *p, int status, struct str what) {
    page_begin(p, S("Not shown"), S(""));
    html_fmt(&p->html, "<h1>Not shown</h1><p>%s</p><p><a href=\"/console\">Home</a></p>", what);
    page_end(p, status);
}

void page_redirect(struct page *p, struct str where) {
    safe_headers(p);
    header(p, "Location", where);
    p->resp->status = 303;
}

static void asset(struct page *p, const char *type, const char *text) {
    safe_headers(p);
    header(p, "Content-Type", str_c(type));
    p->resp->status = 200;
    p->resp->body = str_c(text);
}

void page_keep_target(struct page *p, struct arena *a, struct console_session *ret_session,
                      struct aws_target *ret) {
    const struct aws_principal *from = &p->session.principal;
    *ret_session = (struct console_session){
        .principal = {.kind = from->kind,
                      .account = str_dup(a, from->account),
                      .arn = str_dup(a, from->arn),
                      .user_id = str_dup(a, from->user_id),
                      .role_arn = str_dup(a, from->role_arn),
                      .session_name = str_dup(a, from->session_name),
                      .session_policy = str_dup(a, from->session_policy)},
    };
    *ret = p->target;
    ret->account = ret_session->principal.account;
    ret->principal = &ret_session->principal;
}

void page_stream(struct page *p, void (*fn)(struct web *w, struct http_stream *s, void *ud),
                 void *ud, void (*free_ud)(void *ud)) {
    struct err err = ERR_INIT;
    struct http_stream *stream = web_live_open(p->web, &err);
    if (stream == NULL) {
        free_ud(ud);
        page_error(p, 503, str_c(err.msg));
        return;
    }
    if (web_live_run(p->web, stream, fn, ud, free_ud, &err) < 0) {
        page_error(p, 503, str_c(err.msg));
        return;
    }
    safe_headers(p);
    header(p, "Content-Type", S("text/event-stream"));
    p->resp->status = 200;
    p->resp->stream = stream;
}

/* ---- forms ---- */

bool page_form(struct page *p, struct str_map *ret) {
    struct str origin = http_header(&p->req->headers, S("Origin"));
    struct str host = http_header(&p->req->headers, S("Host"));
    size_t at = str_find(origin, S("://"), 0);
    bool same =
        origin.p == NULL || (at != (size_t)-1 && str_eq(str_sub(origin, at + 3, origin.n), host));
    if (!same || !http_parse_query(p->arena, p->req->body, ret) ||
        !str_eq(str_map_get(ret, S("csrf")), p->session.csrf) || p->session.csrf.n == 0) {
        page_error(p, 403,
                   S("This form did not come from this console's own page. Load the page "
                     "again and repeat what you did."));
        return false;
    }
    return true;
}

static int end_session(struct page *p, struct err *err) {
    struct db *db = p->web->config.db;
    if (db_begin(db, err) < 0) {
        return -1;
    }
    if (console_session_end(db, p->session.id, err) < 0) {
        db_rollback(db);
        return -1;
    }
    return db_commit(db, err);
}

void page_sign_out(struct page *p) {
    struct str_map form = {0};
    struct err err = ERR_INIT;
    if (!page_form(p, &form)) {
        return;
    }
    if (end_session(p, &err) < 0) {
        page_error(p, 500, str_c(err.msg));
        return;
    }
    header(p, "Set-Cookie", S("trunkline=; Path=/console; Max-Age=0; HttpOnly; SameSite=Strict"));
    page_redirect(p, S("/console"));
}

/* ---- signing in ---- */

static struct str cookie_of(const struct http_request *req) {
    struct str rest = http_header(&req->headers, S("Cookie"));
    struct str one = STR_NONE;
    while (str_cut(&rest, ';', &one)) {
        one = str_trim(one);
        if (str_starts(one, S("trunkline="))) {
            return str_sub(one, 10, one.n);
        }
    }
    return STR_NONE;
}

static int find_session(struct page *p, struct err *err) {
    struct str cookie = cookie_of(p->req);
    if (cookie.n == 0) {
        return 0;
    }
    struct db *db = p->web->config.db;
    if (db_begin(db, err) < 0) {
        return -1;
    }
    int found = console_session_find(db, p->arena, p->now_ms, cookie, &p->session, err);
    db_rollback(db);
    return found;
}

static void sign_in(struct page *p) {
    struct str_map query = {0};
    struct str cookie = STR_NONE;
    struct err err = ERR_INIT;
    struct db *db = p->web->config.db;
    int used = http_parse_query(p->arena, p->req->query.p ? p->req->query : S(""), &query) ? 0 : -1;
    struct str secret = str_map_get(&query, S("link"));
    if (used == 0 && secret.n > 0 && db_begin(db, &err) == 0) {
        used = console_link_use(db, p->arena, p->web->config.rng, p->now_ms, secret, &cookie, &err);
        if (used <= 0) {
            db_rollback(db);
        } else if (db_commit(db, &err) < 0) {
            used = -1;
        }
    }
    if (used <= 0) {
        page_error(p, 403,
                   S("This sign-in link was used already or is too old. Ask for a new one: "
                     "trunkline console"));
        return;
    }
    header(p, "Set-Cookie",
           str_printf(p->arena,
                      "trunkline=%.*s; Path=/console; Max-Age=%d; HttpOnly; SameSite=Strict",
                      STR_ARG(cookie), CONSOLE_SESSION_MS / 1000));
    page_redirect(p, S("/console"));
}

static void ask_to_sign_in(struct page *p) {
    page_begin(p, S("Sign in"), S(""));
    html_raw(&p->html,
             "<h1>Sign in</h1><p>Run <code>trunkline console</code> on the server's machine, or "
             "with your keys; it prints a link that signs this browser in once.</p>");
    page_end(p, 401);
}

/* ---- routing ---- */

static bool matches(const struct page_def *def, const struct str_list *path, struct str method) {
    struct str rest = str_c(def->pattern);
    struct str part = STR_NONE;
    size_t i = 0;
    if (!str_is(method, def->method) &&
        !(str_is(method, "HEAD") && strcmp(def->method, "GET") == 0)) {
        return false;
    }
    if (rest.n == 0) {
        return path->n == 0;
    }
    while (str_cut(&rest, '/', &part)) {
        if (i >= path->n || (!str_is(part, "*") && !str_eq(part, path->v[i]))) {
            return false;
        }
        i++;
    }
    return i == path->n;
}

static bool split_path(struct page *p) {
    struct str rest = str_sub(p->req->path, strlen("/console"), p->req->path.n);
    struct str part = STR_NONE;
    while (str_cut(&rest, '/', &part)) {
        struct str decoded = STR_NONE;
        if (!http_url_decode(p->arena, part, false, &decoded)) {
            return false;
        }
        if (decoded.n > 0) {
            *arena_push(p->arena, &p->path) = decoded;
        }
    }
    return true;
}

static void route(struct page *p) {
    for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
        if (matches(&pages[i], &p->path, p->req->method)) {
            pages[i].handle(p);
            return;
        }
    }
    page_error(p, 404, S("There is no such page."));
}

void web_handle(void *ud, struct http_request *req, struct http_response *resp) {
    struct web *w = ud;
    struct page p = {.web = w,
                     .arena = req->arena,
                     .req = req,
                     .resp = resp,
                     .now_ms = clock_now_ms(w->config.clock)};
    struct err err = ERR_INIT;
    if (!split_path(&p)) {
        page_error(&p, 400, S("The address is not well formed."));
    } else if (p.path.n == 1 && str_is(p.path.v[0], "style.css")) {
        asset(&p, "text/css; charset=utf-8", web_style_css);
    } else if (p.path.n == 1 && str_is(p.path.v[0], "live.js")) {
        asset(&p, "text/javascript; charset=utf-8", web_live_js);
    } else if (p.path.n == 1 && str_is(p.path.v[0], "sign-in")) {
        sign_in(&p);
    } else {
        int found = find_session(&p, &err);
        if (found <= 0) {
            found < 0 ? page_error(&p, 500, str_c(err.msg)) : ask_to_sign_in(&p);
            return;
        }
        p.target = (struct aws_target){.account = p.session.principal.account,
                                       .region = w->config.region,
                                       .embedded = w->config.embedded,
                                       .principal = &p.session.principal,
                                       .source = S("console"),
                                       .clock = w->config.clock};
        route(&p);
    }
}
