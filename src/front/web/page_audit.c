/* Who did what in the account of who looks, newest first. What policies let one see: whoever may
 * not list the audit is told so. */
#include "front/web/web.h"

#include "gen/trunkline.h"

enum { ROWS = 100, SHOWN = 300 };

static int64_t asked_before(struct page *p) {
    struct str_map query = {0};
    long long n = 0;
    bool given = p->req->query.p != NULL && http_parse_query(p->arena, p->req->query, &query) &&
                 str_to_i64(str_map_get(&query, S("before")), &n);
    return given && n > 0 ? n : 0;
}

static void soft_line(struct html *h, struct str text) {
    if (text.n > 0) {
        html_fmt(h, "<small>%s%s</small>", str_sub(text, 0, SHOWN),
                 text.n > SHOWN ? S(" ...") : S(""));
    }
}

static void row(struct page *p, const struct trunkline_audit_record *r) {
    struct html *h = &p->html;
    html_fmt(h, "<tr><td>%d<td>", r->sequence);
    html_ago(h, r->time, p->now_ms);
    html_fmt(h, "<td><b>%s</b>", r->operation);
    if (!str_is(r->outcome, "Success")) {
        html_fmt(h, " <span class=\"bad\">%s</span>", r->outcome);
    }
    html_fmt(h, "<small>by %s (%s)</small><td>%s", r->principal, r->source, r->resource);
    soft_line(h, r->detail);
    html_raw(h, "\n");
}

static void table(struct page *p, const struct trunkline_list_audit_records_output *out) {
    struct html *h = &p->html;
    html_raw(h, "<div class=\"scroll\"><table><tr><th>No.<th>When<th>What<th>On\n");
    for (size_t i = 0; i < out->records.n; i++) {
        row(p, &out->records.v[i]);
    }
    html_raw(h, "</table></div>");
    if (out->records.n == ROWS) {
        html_fmt(h, "<p><a href=\"/console/audit?before=%d\">Older ones</a></p>",
                 out->records.v[ROWS - 1].sequence);
    }
}

void page_audit(struct page *p) {
    const int64_t before = asked_before(p);
    const struct trunkline_list_audit_records_input in = {
        .before = before, .has_before = before > 0, .max_results = ROWS, .has_max_results = true};
    struct trunkline_list_audit_records_output out = {0};
    struct err err = ERR_INIT;
    if (trunkline_call_list_audit_records(&p->target, p->arena, &in, &out, &err) < 0) {
        page_error(p, err.kind == ERR_DENIED ? 403 : 500, str_c(err.msg));
        return;
    }
    page_begin(p, S("Audit"), S(""));
    html_fmt(&p->html,
             "<h1>Audit</h1><p class=\"soft\">Changes, approvals, credentials that were given out "
             "and refusals in account %s. <code>trunkline verify --all</code> proves that no row "
             "was changed or taken away.</p>",
             p->session.principal.account);
    if (out.records.n > 0) {
        table(p, &out);
    } else {
        html_raw(&p->html, "<p>Nothing else has been done.</p>");
    }
    page_end(p, 200);
}
