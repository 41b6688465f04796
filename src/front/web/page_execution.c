/* One release: its commit, its stages and actions, why it waits, and the form that answers an
 * approval. */
#include "front/web/web.h"
#include "front/why/why.h"

#include "gen/codepipeline.h"
#include "gen/trunkline.h"

struct release {
    struct str pipeline;
    struct str id;
    struct codepipeline_pipeline_execution *execution;
    struct codepipeline_get_pipeline_state_output state;
    struct codepipeline_list_action_executions_output actions; /* newest first */
    struct trunkline_describe_release_output changes;
};

static int load(struct page *p, struct release *r, struct err *err) {
    r->pipeline = p->path.v[1];
    r->id = p->path.v[3];
    struct codepipeline_get_pipeline_execution_input get = {.pipeline_name = r->pipeline,
                                                            .pipeline_execution_id = r->id};
    struct codepipeline_get_pipeline_execution_output got = {0};
    struct codepipeline_get_pipeline_state_input state = {.name = r->pipeline};
    struct codepipeline_action_execution_filter filter = {.pipeline_execution_id = r->id};
    struct codepipeline_list_action_executions_input actions = {.pipeline_name = r->pipeline,
                                                                .filter = &filter};
    if (codepipeline_call_get_pipeline_execution(&p->target, p->arena, &get, &got, err) < 0 ||
        codepipeline_call_get_pipeline_state(&p->target, p->arena, &state, &r->state, err) < 0 ||
        codepipeline_call_list_action_executions(&p->target, p->arena, &actions, &r->actions, err) <
            0) {
        return -1;
    }
    r->execution = got.pipeline_execution;
    /* The repository may be away: the page is worth showing without its commits. */
    struct trunkline_describe_release_input changes = {.pipeline_name = r->pipeline,
                                                       .pipeline_execution_id = r->id};
    struct err ignored = ERR_INIT;
    if (trunkline_call_describe_release(&p->target, p->arena, &changes, &r->changes, &ignored) <
        0) {
        r->changes = (struct trunkline_describe_release_output){0};
    }
    return 0;
}

static bool is_here(const struct release *r, const struct codepipeline_stage_state *s) {
    return s->latest_execution != NULL && str_eq(s->latest_execution->pipeline_execution_id, r->id);
}

/* ---- the approval ---- */

/* What the pipeline's author wrote for the approver. Links elsewhere are http or https only. */
static void approval_note(struct page *p, const struct release *r, struct str stage,
                          struct str action) {
    struct html *h = &p->html;
    const struct codepipeline_action_execution_input *input = NULL;
    for (size_t i = r->actions.action_execution_details.n; i > 0; i--) {
        const struct codepipeline_action_execution_detail *a =
            &r->actions.action_execution_details.v[i - 1];
        if (str_eq(a->stage_name, stage) && str_eq(a->action_name, action)) {
            input = a->input;
        }
    }
    if (input == NULL) {
        return;
    }
    struct str text = str_map_get(&input->resolved_configuration, S("CustomData"));
    struct str link = str_map_get(&input->resolved_configuration, S("ExternalEntityLink"));
    if (text.n > 0) {
        html_fmt(h, "<p class=\"note\">%s</p>", text);
    }
    if (str_starts(link, S("https://")) || str_starts(link, S("http://"))) {
        html_fmt(h, "<p><a rel=\"noreferrer\" href=\"%s\">%s</a></p>", link, link);
    }
}

/* What the answer is bound to; the digest, or absent if it is not known. */
static struct str basis(struct page *p, const struct release *r) {
    struct html *h = &p->html;
    struct trunkline_describe_approval_input in = {.pipeline_name = r->pipeline,
                                                   .pipeline_execution_id = r->id};
    struct trunkline_describe_approval_output out = {0};
    struct err err = ERR_INIT;
    if (trunkline_call_describe_approval(&p->target, p->arena, &in, &out, &err) < 0) {
        out.reason = str_dup(p->arena, str_c(err.msg));
    }
    if (out.digest.p == NULL) {
        html_fmt(h, "<p class=\"no\">What this release is could not be read: %s</p>", out.reason);
        return STR_NONE;
    }
    html_raw(h, "<details><summary>Your answer is bound to exactly this</summary><div "
                "class=\"scroll\"><table><tbody>");
    for (size_t i = 0; i < out.parts.n; i++) {
        html_fmt(h, "<tr><td>%s</td><td><code>%s</code></td></tr>", out.parts.v[i].name,
                 out.parts.v[i].value);
    }
    html_fmt(h,
             "<tr><td>digest of all this</td><td><code>%s</code></td></tr></tbody></table></div>"
             "</details>",
             out.digest);
    return out.digest;
}

static void approval_form(struct page *p, const struct release *r,
                          const struct codepipeline_stage_state *s,
                          const struct codepipeline_action_state *a) {
    struct html *h = &p->html;
    html_fmt(h, "<section class=\"card wait\"><h2>%s waits for a person</h2>", s->stage_name);
    approval_note(p, r, s->stage_name, a->action_name);
    html_raw(h, "<p>Read above what this release is and how the earlier environments went.</p>");
    struct str digest = basis(p, r);
    if (digest.p == NULL) {
        html_raw(h, "</section>");
        return;
    }
    html_fmt(
        h,
        "<form method=\"post\" action=\"/console/pipelines/%s/executions/%s/answer\"><input "
        "type=\"hidden\" name=\"csrf\" value=\"%s\"><input type=\"hidden\" name=\"stage\" "
        "value=\"%s\"><input type=\"hidden\" name=\"action\" value=\"%s\"><input type=\"hidden\" "
        "name=\"token\" value=\"%s\"><input type=\"hidden\" name=\"digest\" value=\"%s\">",
        r->pipeline, r->id, p->session.csrf, s->stage_name, a->action_name,
        a->latest_execution->token, digest);
    html_raw(h,
             "<p><label>Why <input type=\"text\" name=\"summary\" maxlength=\"512\"></label></p><p>"
             "<button class=\"go\" name=\"answer\" value=\"Approved\">Approve</button> "
             "<button class=\"no\" name=\"answer\" value=\"Rejected\">Reject</button></p></form>"
             "</section>");
}

static bool asks_person(const struct codepipeline_stage_state *s) {
    for (size_t i = 0; i < s->action_states.n; i++) {
        const struct codepipeline_action_execution *e = s->action_states.v[i].latest_execution;
        if (e != NULL && e->token.n > 0 && str_is(e->status, "InProgress")) {
            return true;
        }
    }
    return false;
}

static void waiting(struct page *p, const struct release *r) {
    for (size_t i = 0; i < r->state.stage_states.n; i++) {
        const struct codepipeline_stage_state *s = &r->state.stage_states.v[i];
        if (!is_here(r, s)) {
            continue;
        }
        struct why w = why_in(p->arena, s, i == 0);
        if (w.what.n > 0 && !asks_person(s)) { /* else the form says it */
            html_fmt(&p->html,
                     "<section class=\"card shut\"><h2>%s</h2><p class=\"soft\">Freed when: "
                     "<code>%s</code></p></section>",
                     w.what, w.frees);
        }
        for (size_t k = 0; k < s->action_states.n; k++) {
            const struct codepipeline_action_state *a = &s->action_states.v[k];
            if (a->latest_execution != NULL && a->latest_execution->token.p != NULL &&
                str_is(a->latest_execution->status, "InProgress")) {
                approval_form(p, r, s, a);
            }
        }
    }
}

/* The release has moved since the page was read: what moved, and the way back. */
static void not_answered(struct page *p, const struct trunkline_answer_approval_output *out) {
    struct html *h = &p->html;
    page_begin(p, p->path.v[1], S(""));
    html_fmt(h, "<h1>Nothing was answered</h1><section class=\"card shut\"><p>%s</p>", out->reason);
    if (out->moved.n > 0) {
        html_raw(h, "<div class=\"scroll\"><table><thead><tr><th>What</th><th>You saw</th><th>Now"
                    "</th></tr></thead><tbody>");
        for (size_t i = 0; i < out->moved.n; i++) {
            html_fmt(h, "<tr><td>%s</td><td><code>%s</code></td><td><code>%s</code></td></tr>",
                     out->moved.v[i].name, out->moved.v[i].shown, out->moved.v[i].now);
        }
        html_raw(h, "</tbody></table></div>");
    }
    html_fmt(h,
             "<p><a href=\"/console/pipelines/%s/executions/%s\">Look at it as it is now</a></p>"
             "</section>",
             p->path.v[1], p->path.v[3]);
    page_end(p, 409);
}

void page_answer(struct page *p) {
    struct str_map form = {0};
    if (!page_form(p, &form)) {
        return;
    }
    struct str answer = str_map_get(&form, S("answer"));
    struct trunkline_answer_approval_input in = {
        .pipeline_name = p->path.v[1],
        .pipeline_execution_id = p->path.v[3],
        .stage_name = str_map_get(&form, S("stage")),
        .action_name = str_map_get(&form, S("action")),
        .token = str_map_get(&form, S("token")),
        .digest = str_map_get(&form, S("digest")),
        .summary = str_map_get(&form, S("summary")).p ? str_map_get(&form, S("summary")) : S(""),
        .status = answer,
    };
    struct trunkline_answer_approval_output out = {0};
    struct err err = ERR_INIT;
    bool said = str_is(answer, "Approved") || str_is(answer, "Rejected");
    if (!said || trunkline_call_answer_approval(&p->target, p->arena, &in, &out, &err) < 0) {
        page_error(p, 409, said ? str_c(err.msg) : S("Say Approve or Reject."));
        return;
    }
    if (!out.answered) {
        not_answered(p, &out);
        return;
    }
    page_redirect(p, str_printf(p->arena, "/console/pipelines/%.*s/executions/%.*s",
                                STR_ARG(p->path.v[1]), STR_ARG(p->path.v[3])));
}

/* ---- the page ---- */

static void commit(struct page *p, const struct release *r) {
    struct html *h = &p->html;
    html_raw(h, "<section class=\"card\">");
    if (r->execution->artifact_revisions.n > 0) {
        const struct codepipeline_artifact_revision *rev = &r->execution->artifact_revisions.v[0];
        html_fmt(h, "<p><b>%s</b></p><p class=\"soft\"><code>%s</code> ", rev->revision_summary,
                 rev->revision_id);
        if (r->changes.revision != NULL) {
            html_fmt(h, "by %s, ", r->changes.revision->author);
        }
        html_ago(h, rev->created, p->now_ms);
        html_raw(h, "</p>");
    }
    html_raw(h, "<p>");
    html_status(h, r->execution->status);
    html_fmt(h, " <span class=\"soft\">started by %s %s</span></p>",
             r->execution->trigger->trigger_type,
             str_starts(r->execution->trigger->trigger_detail, S("arn:"))
                 ? r->execution->trigger->trigger_detail
                 : S(""));
    if (r->execution->status_summary.n > 0) {
        html_fmt(h, "<p class=\"%s\">%s</p>",
                 str_is(r->execution->status, "Failed") ? S("bad") : S("soft"),
                 r->execution->status_summary);
    }
    html_raw(h, "</section>");
}

static void variables(struct html *h, const struct codepipeline_action_execution_detail *a) {
    if (a->output == NULL || str_is(a->input->action_type_id->category, "Source")) {
        return;
    }
    for (size_t i = 0; i < a->output->output_variables.n; i++) {
        html_fmt(h, "<small>%s: %s</small>", a->output->output_variables.v[i].key,
                 a->output->output_variables.v[i].value);
    }
}

static void actions(struct page *p, const struct release *r) {
    struct html *h = &p->html;
    html_raw(h, "<h2>What ran</h2><div class=\"scroll\"><table "
                "class=\"rows\"><thead><tr><th>Stage</th><th>Action</th>"
                "<th>Status</th><th>Took</th><th>Result</th></tr></thead><tbody>");
    for (size_t i = r->actions.action_execution_details.n; i > 0; i--) {
        const struct codepipeline_action_execution_detail *a =
            &r->actions.action_execution_details.v[i - 1];
        html_fmt(h, "<tr><td>%s</td><td>%s</td><td>", a->stage_name, a->action_name);
        html_status(h, a->status);
        html_raw(h, "</td><td class=\"took\">");
        bool runs = str_is(a->status, "InProgress");
        html_span(h, (runs ? p->now_ms : a->last_update_time) - a->start_time);
        html_raw(h, "</td><td>");
        const struct codepipeline_action_execution_result *result =
            a->output != NULL ? a->output->execution_result : NULL;
        size_t colon =
            result != NULL ? str_find_c(result->external_execution_id, ':', 0) : (size_t)-1;
        if (colon != (size_t)-1) {
            html_fmt(
                h, "<a href=\"/console/builds/%s\">build and log</a>",
                str_sub(result->external_execution_id, colon + 1, result->external_execution_id.n));
        }
        if (result != NULL && result->external_execution_summary.n > 0) {
            html_fmt(h, "<small>%s</small>", result->external_execution_summary);
        }
        if (a->updated_by.n > 0) {
            html_fmt(h, "<small>by %s</small>", a->updated_by);
        }
        variables(h, a);
        html_raw(h, "</td></tr>");
    }
    html_raw(h, "</tbody></table></div>");
}

/* Whether a newer attempt of the same action stands before this one in the list. */
static bool is_retried(const struct codepipeline_action_execution_detail_list *all, size_t at) {
    for (size_t i = 0; i < at; i++) {
        if (str_eq(all->v[i].stage_name, all->v[at].stage_name) &&
            str_eq(all->v[i].action_name, all->v[at].action_name)) {
            return true;
        }
    }
    return false;
}

/* A stage that another release has taken since: its actions tell how it went, absent: it was not
 * reached, or its gate stayed shut. */
static struct str past_status(const struct release *r, struct str stage) {
    const struct codepipeline_action_execution_detail_list *all =
        &r->actions.action_execution_details;
    struct str status = STR_NONE;
    for (size_t i = 0; i < all->n; i++) {
        bool counts = str_eq(all->v[i].stage_name, stage) && !is_retried(all, i);
        if (counts && (status.p == NULL || !str_is(all->v[i].status, "Succeeded"))) {
            status = all->v[i].status;
        }
    }
    return status;
}

/* How the stage's gate stands, where it has one. */
static void gate(struct page *p, const struct codepipeline_stage_state *s) {
    const struct codepipeline_stage_condition_state *c = s->before_entry_condition_state;
    if (c != NULL && c->latest_execution != NULL && c->latest_execution->summary.n > 0) {
        html_fmt(&p->html, "<small class=\"soft\">gate: %s</small>", c->latest_execution->summary);
    }
}

static void stages(struct page *p, const struct release *r) {
    struct html *h = &p->html;
    html_raw(h, "<h2>Stages</h2><ol class=\"stages\">");
    for (size_t i = 0; i < r->state.stage_states.n; i++) {
        const struct codepipeline_stage_state *s = &r->state.stage_states.v[i];
        html_fmt(h, "<li><b>%s</b>", s->stage_name);
        struct str past = past_status(r, s->stage_name);
        if (is_here(r, s)) {
            page_stage_status(p, s);
            gate(p, s);
        } else if (s->inbound_execution != NULL &&
                   str_eq(s->inbound_execution->pipeline_execution_id, r->id)) {
            struct why w = why_before(p->arena, s, r->id);
            html_fmt(h,
                     "<span class=\"status busy\">waits in front</span><small class=\"soft\">%s. "
                     "Freed when: %s</small>",
                     w.what, w.frees);
        } else if (past.n > 0) {
            html_status(h, past);
        } else {
            html_raw(h, "<span class=\"soft\">\xE2\x80\x93</span>");
        }
        html_raw(h, "</li>");
    }
    html_raw(h, "</ol>");
}

void page_execution(struct page *p) {
    struct release r = {0};
    struct err err = ERR_INIT;
    if (load(p, &r, &err) < 0) {
        page_error(p, 404, str_c(err.msg));
        return;
    }
    page_begin(p, r.pipeline, S("/console/events"));
    html_fmt(&p->html, "<h1><a href=\"/console/pipelines/%s\">%s</a> <code>%s</code></h1>",
             r.pipeline, r.pipeline, str_sub(r.id, 0, 8));
    commit(p, &r);
    page_release_changes(p, &r.changes, str_is(r.execution->status, "Succeeded"));
    stages(p, &r);
    actions(p, &r);
    waiting(p, &r);
    page_end(p, 200);
}
