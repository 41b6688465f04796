/* What a release brings: the commits since the last one that reached the last stage. */
#include "front/web/web.h"

#include "gen/trunkline.h"

enum { SHORT_ID = 8 };

static void one_commit(struct page *p, const struct trunkline_commit *c) {
    struct html *h = &p->html;
    html_fmt(h, "<li><code title=\"%s\">%s</code> %s <small class=\"soft\">%s", c->id,
             str_sub(c->id, 0, SHORT_ID), c->subject, c->author);
    if (c->has_date) {
        html_raw(h, ", ");
        html_ago(h, c->date, p->now_ms);
    }
    html_raw(h, "</small></li>");
}

/* Says so where there is none: the same commit again, or an earlier one. */
static void no_commit(struct page *p, const struct trunkline_describe_release_output *r) {
    /* Where git could not be asked, nobody said that there are no more. */
    bool known = r->base_commit_id.n > 0 && r->revision != NULL && r->has_more_commits;
    bool same = known && str_eq(r->revision->id, r->base_commit_id);
    html_fmt(&p->html, "<p class=\"soft\">%s</p>",
             !known ? S("The commits are not known.")
             : same ? S("None: it is the same commit.")
                    : S("None: this release goes back behind it."));
}

void page_release_changes(struct page *p, const struct trunkline_describe_release_output *r,
                          bool succeeded) {
    struct html *h = &p->html;
    html_raw(h, "<h2>What changes</h2>");
    if (r->base_commit_id.n > 0) {
        html_fmt(h,
                 "<p class=\"soft\">Since the last production release, <code title=\"%s\">%s</code>"
                 "</p>",
                 r->base_commit_id, str_sub(r->base_commit_id, 0, SHORT_ID));
    } else {
        html_fmt(h, "<p class=\"soft\">Nothing %s reached production%s.</p>",
                 succeeded ? S("had") : S("has"), succeeded ? S(" before") : S(" yet"));
    }
    if (r->commits.n == 0) {
        no_commit(p, r);
        return;
    }
    html_raw(h, "<ul class=\"commits\">");
    for (size_t i = 0; i < r->commits.n; i++) {
        one_commit(p, &r->commits.v[i]);
    }
    html_raw(h, r->more_commits ? "<li class=\"soft\">... and more</li></ul>" : "</ul>");
}
