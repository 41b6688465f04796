/* Home: pipelines by stages, each cell with the commit that is there, who wrote it and since when.
 */
#include "front/web/web.h"
#include "front/why/why.h"

#include "gen/codepipeline.h"

/* Commits of the newest executions, so that cells can name them without a call each. */
static void load_commits(struct page *p, struct str pipeline,
                         struct codepipeline_list_pipeline_executions_output *ret) {
    struct codepipeline_list_pipeline_executions_input in = {.pipeline_name = pipeline};
    struct err ignored = ERR_INIT;
    if (codepipeline_call_list_pipeline_executions(&p->target, p->arena, &in, ret, &ignored) < 0) {
        *ret = (struct codepipeline_list_pipeline_executions_output){0};
    }
}

static const struct codepipeline_pipeline_execution_summary *find_execution(
    const struct codepipeline_list_pipeline_executions_output *list, struct str id) {
    for (size_t i = 0; i < list->pipeline_execution_summaries.n; i++) {
        if (str_eq(list->pipeline_execution_summaries.v[i].pipeline_execution_id, id)) {
            return &list->pipeline_execution_summaries.v[i];
        }
    }
    return NULL;
}

static bool waits_for_a_person(const struct codepipeline_stage_state *s) {
    for (size_t i = 0; i < s->action_states.n; i++) {
        const struct codepipeline_action_execution *e = s->action_states.v[i].latest_execution;
        if (e != NULL && e->token.n > 0 && str_is(e->status, "InProgress")) {
            return true;
        }
    }
    return false;
}

void page_stage_status(struct page *p, const struct codepipeline_stage_state *s) {
    if (waits_for_a_person(s)) {
        html_raw(&p->html,
                 "<span class=\"status busy\"><i>\xE2\x97\x86</i> waits for a person</span>");
    } else {
        html_status(&p->html, s->latest_execution->status);
    }
}

static void cell(struct page *p, struct str pipeline, const struct codepipeline_stage_state *s,
                 const struct codepipeline_list_pipeline_executions_output *list) {
    struct html *h = &p->html;
    html_fmt(h, "<td data-label=\"%s\">", s->stage_name);
    if (s->latest_execution == NULL) {
        html_raw(h, "<span class=\"soft\">not yet</span></td>");
        return;
    }
    struct str id = s->latest_execution->pipeline_execution_id;
    html_fmt(h, "<a href=\"/console/pipelines/%s/executions/%s\">", pipeline, id);
    const struct codepipeline_pipeline_execution_summary *e = find_execution(list, id);
    if (e != NULL && e->source_revisions.n > 0) {
        html_fmt(h, "<code>%s</code>", str_sub(e->source_revisions.v[0].revision_id, 0, 8));
    } else {
        html_fmt(h, "<code>%s</code>", str_sub(id, 0, 8));
    }
    html_raw(h, "</a> ");
    page_stage_status(p, s);
    if (e != NULL && e->source_revisions.n > 0) {
        html_fmt(h, "<small class=\"subject\">%s</small>",
                 e->source_revisions.v[0].revision_summary);
    }
    if (e != NULL && e->has_last_update_time) {
        html_raw(h, "<small>");
        html_ago(h, e->last_update_time, p->now_ms);
        html_raw(h, "</small>");
    }
    struct why w = why_in(p->arena, s, false);
    if (w.what.n > 0 && !waits_for_a_person(s)) {
        html_fmt(h, "<small class=\"bad\">%s</small>", w.what);
    }
    if (s->inbound_executions.n > 0) {
        w = why_before(p->arena, s, s->inbound_executions.v[0].pipeline_execution_id);
        html_fmt(h, "<small class=\"soft\">%s in front: %s</small>",
                 str_printf(p->arena, "%zu", s->inbound_executions.n), w.what);
    }
    html_raw(h, "</td>");
}

/* The pipeline's stages as a table; `titled`: under its name. */
static void pipeline_row(struct page *p, struct str name, bool titled) {
    struct html *h = &p->html;
    struct codepipeline_get_pipeline_state_input in = {.name = name};
    struct codepipeline_get_pipeline_state_output state = {0};
    struct codepipeline_list_pipeline_executions_output list = {0};
    struct err err = ERR_INIT;
    html_raw(h, "<section>");
    if (titled) {
        html_fmt(h, "<h2><a href=\"/console/pipelines/%s\">%s</a></h2>", name, name);
    }
    if (codepipeline_call_get_pipeline_state(&p->target, p->arena, &in, &state, &err) < 0) {
        html_fmt(h, "<p class=\"bad\">%s</p></section>", str_c(err.msg));
        return;
    }
    load_commits(p, name, &list);
    html_raw(h, "<div class=\"scroll\"><table class=\"matrix\"><thead><tr>");
    for (size_t i = 0; i < state.stage_states.n; i++) {
        html_fmt(h, "<th scope=\"col\">%s</th>", state.stage_states.v[i].stage_name);
    }
    html_raw(h, "</tr></thead><tbody><tr>");
    for (size_t i = 0; i < state.stage_states.n; i++) {
        cell(p, name, &state.stage_states.v[i], &list);
    }
    html_raw(h, "</tr></tbody></table></div></section>");
}

void page_home(struct page *p) {
    struct codepipeline_list_pipelines_input in = {0};
    struct codepipeline_list_pipelines_output out = {0};
    struct err err = ERR_INIT;
    if (codepipeline_call_list_pipelines(&p->target, p->arena, &in, &out, &err) < 0) {
        page_error(p, 403, str_c(err.msg));
        return;
    }
    page_begin(p, S("Releases"), S("/console/events"));
    html_raw(&p->html, "<h1>Releases</h1>");
    if (out.pipelines.n == 0) {
        html_raw(&p->html, "<p>No pipeline yet. In a repository with a <code>release.yml</code>: "
                           "<code>trunkline apply</code></p>");
    }
    for (size_t i = 0; i < out.pipelines.n; i++) {
        pipeline_row(p, out.pipelines.v[i].name, true);
    }
    page_end(p, 200);
}

/* The history of one pipeline. */
void page_pipeline(struct page *p) {
    struct str name = p->path.v[1];
    struct codepipeline_list_pipeline_executions_input in = {
        .pipeline_name = name, .max_results = 50, .has_max_results = true};
    struct codepipeline_list_pipeline_executions_output out = {0};
    struct err err = ERR_INIT;
    if (codepipeline_call_list_pipeline_executions(&p->target, p->arena, &in, &out, &err) < 0) {
        page_error(p, 404, str_c(err.msg));
        return;
    }
    struct html *h = &p->html;
    page_begin(p, name, S("/console/events"));
    html_fmt(h, "<h1>%s</h1>", name);
    pipeline_row(p, name, false);
    html_raw(h, "<h2>History</h2><div class=\"scroll\"><table "
                "class=\"rows\"><thead><tr><th>Execution</th><th>Commit</th>"
                "<th>Status</th><th>Started by</th><th>When</th></tr></thead><tbody>");
    for (size_t i = 0; i < out.pipeline_execution_summaries.n; i++) {
        const struct codepipeline_pipeline_execution_summary *e =
            &out.pipeline_execution_summaries.v[i];
        html_fmt(
            h,
            "<tr><td><a href=\"/console/pipelines/%s/executions/%s\"><code>%s</code></a></td><td>",
            name, e->pipeline_execution_id, str_sub(e->pipeline_execution_id, 0, 8));
        if (e->source_revisions.n > 0) {
            html_fmt(h, "<code>%s</code> %s", str_sub(e->source_revisions.v[0].revision_id, 0, 8),
                     e->source_revisions.v[0].revision_summary);
        }
        html_raw(h, "</td><td>");
        html_status(h, e->status);
        html_fmt(h, "<small>%s</small></td><td>%s</td><td class=\"took\">", e->status_summary,
                 e->trigger != NULL ? e->trigger->trigger_type : S(""));
        html_ago(h, e->start_time, p->now_ms);
        html_raw(h, "</td></tr>");
    }
    html_raw(h, "</tbody></table></div>");
    page_end(p, 200);
}
