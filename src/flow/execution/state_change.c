/* Implementation of state_change.h. */
#include "flow/execution/state_change.h"

#include "flow/definition/definition.h"
#include "flow/record/emit.h"
#include "flow/record/notices.h"
#include "flow/record/record.h"

/* What a notice is about. */
struct change {
    const struct flow *f;
    struct arena *arena;
    const json_t *notice;
    struct str kind;  /* Pipeline Stage Action */
    struct str state; /* STARTED ... */
    struct pipeline_row pipeline;
    struct execution_row execution;
    struct stage_row stage;   /* the newest visit; Stage only */
    struct action_row action; /* Action only */
    struct definition def;
    int64_t attempt; /* of the execution */
    int64_t at_ms;
};

/* ---- loading ---- */

static int load_stage(struct change *c, struct err *err) {
    struct stage_row_list list;
    struct str name = json_str(c->notice, "stage");
    if (record_stage_list(c->f->db, c->arena, c->execution.id, &list, err) < 0) {
        return -1;
    }
    c->attempt = 1;
    for (size_t i = 0; i < list.n; i++) {
        c->attempt = list.v[i].attempt > c->attempt ? list.v[i].attempt : c->attempt;
        if (str_eq(list.v[i].stage, name) && list.v[i].attempt >= c->stage.attempt) {
            c->stage = list.v[i];
        }
    }
    return 0;
}

/* The definition that the execution runs by; what cannot be read has no members. */
static int load_definition(struct change *c, struct err *err) {
    struct str text = STR_NONE;
    struct err ignored = ERR_INIT;
    int found =
        record_version_get(c->f->db, c->arena, c->pipeline.id, c->execution.version, &text, err);
    if (found > 0 && definition_parse(c->arena, text, &c->def, &ignored) < 0) {
        c->def = (struct definition){0};
    }
    return found < 0 ? -1 : 0;
}

static const struct def_action *declared(const struct change *c, struct str stage,
                                         struct str action) {
    const struct def_stage *s = definition_stage(&c->def, stage);
    return s != NULL ? definition_action(s, action) : NULL;
}

/* 1 loaded, 0 it is gone, -1 error. */
static int load(struct change *c, int64_t seq, struct err *err) {
    struct db *db = c->f->db;
    int found =
        record_pipeline_by_id(db, c->arena, json_int(c->notice, "pipeline"), &c->pipeline, err);
    if (found > 0) {
        found = record_execution_get(db, c->arena, json_str(c->notice, "execution"), &c->execution,
                                     err);
    }
    if (found > 0) {
        found = record_notice_time(db, seq, &c->at_ms, err);
    }
    if (found > 0 && str_is(c->kind, "Action")) {
        found = record_action_get(db, c->arena, json_str(c->notice, "id"), &c->action, err);
    }
    return found > 0 && (load_definition(c, err) < 0 || load_stage(c, err) < 0) ? -1 : found;
}

/* ---- members of the detail ---- */

static void set_time(json_t *o, const char *key, struct arena *a, int64_t ms) {
    if (ms > 0) {
        json_set_str(o, key, time_iso_ms(a, ms));
    }
}

/* The source action that took the revision; NULL if the definition has none of that name. */
static const struct def_action *source_action(const struct change *c, struct str name) {
    for (size_t i = 0; i < c->def.stages.n; i++) {
        const struct def_action *d = definition_action(&c->def.stages.v[i], name);
        if (d != NULL && str_is(d->category, "Source")) {
            return d;
        }
    }
    return NULL;
}

static void add_commit(const struct change *c, const struct revision *r, json_t *o) {
    const struct def_action *d = source_action(c, r->action);
    if (r->commit.p == NULL || d == NULL) {
        return;
    }
    struct str connection = str_map_get(&d->configuration, S("ConnectionArn"));
    struct str repository = str_map_get(&d->configuration, S("FullRepositoryId"));
    json_set_str(o, "author-display-name", r->author);
    json_set_str(o, "full-repository-name",
                 repository.p != NULL ? repository
                                      : str_map_get(&d->configuration, S("RepositoryName")));
    json_set_str(o, "provider-type", d->provider);
    json_set_str(o, "author-email", r->email);
    json_set_str(o, "commit-message", r->message.p != NULL ? r->message : r->subject);
    if (r->at_ms > 0) {
        json_set_str(o, "author-date", time_iso(c->arena, r->at_ms));
    }
    json_set_str(o, "branch-name", r->branch);
    json_set_str(o, "commit-id", r->commit);
    json_set_str(o, "connection-arn", connection);
    json_set_str(o, "author-id", r->email);
}

/* What started the execution, and of git the commit, once it is known. */
static void add_trigger(const struct change *c, json_t *detail) {
    struct revision revision = {0};
    json_t *o cleanup_json = json_object();
    if (str_is(c->state, "STARTED")) {
        json_set_str(o, "trigger-type", c->execution.trigger_type);
        json_set_str(o, "trigger-detail", c->execution.trigger_detail);
    }
    if (revision_from_json(c->arena, c->execution.revision, &revision)) {
        add_commit(c, &revision, o);
    }
    if (json_object_size(o) > 0) {
        json_set(detail, "execution-trigger", json_incref(o));
    }
}

static void add_pipeline(const struct change *c, json_t *detail) {
    set_time(detail, "start-time", c->arena, c->execution.started_ms);
    add_trigger(c, detail);
    if (str_is(c->state, "STOPPING")) {
        json_set_str(detail, "stop-execution-comments", c->execution.stop_reason);
    }
}

static void add_stage(const struct change *c, json_t *detail) {
    set_time(detail, "start-time", c->arena, c->stage.started_ms);
    json_set_str(detail, "stage", json_str(c->notice, "stage"));
    if (c->stage.manual_retries + c->stage.auto_retries > 0) {
        set_time(detail, "stage-last-retry-attempt-time", c->arena, c->stage.started_ms);
    }
}

/* [{name,bucket,key,sha256}] as the event shows it. */
static void add_artifacts(const char *key, struct str text, json_t *detail) {
    struct err ignored = ERR_INIT;
    json_t *list cleanup_json = text.n > 0 ? json_parse(text, &ignored) : NULL;
    json_t *out cleanup_json = json_array();
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *have = json_array_get(list, i);
        json_t *one = json_object();
        json_t *place = json_object();
        json_set_str(place, "bucket", json_str(have, "bucket"));
        json_set_str(place, "key", json_str(have, "key"));
        json_set_str(one, "name", json_str(have, "name"));
        json_set(one, "s3location", place);
        json_array_append_new(out, one);
    }
    if (json_array_size(out) > 0) {
        json_set(detail, key, json_incref(out));
    }
}

/* Of a source: the revision that it took. */
static void add_result(const struct change *c, json_t *detail) {
    const struct action_row *row = &c->action;
    struct revision r = {0};
    bool source = revision_from_json(c->arena, c->execution.revision, &r) &&
                  str_eq(r.action, row->action) && source_action(c, row->action) != NULL;
    json_t *o = json_object();
    json_set_str(o, "external-execution-url",
                 row->external_url.n > 0 || !source ? row->external_url : r.url);
    json_set_str(o, "external-execution-summary",
                 row->summary.n > 0              ? row->summary
                 : row->error_message.n > 0      ? row->error_message
                 : source && r.subject.p != NULL ? r.subject
                                                 : STR_NONE);
    json_set_str(o, "external-execution-id",
                 row->external_id.n > 0 || !source ? row->external_id : r.commit);
    json_set_str(o, "error-code", row->error_code);
    json_set(detail, "execution-result", o);
}

static void add_action(const struct change *c, json_t *detail) {
    const struct action_row *row = &c->action;
    const struct def_action *d = declared(c, row->stage, row->action);
    bool ended = !str_is(c->state, "STARTED");
    set_time(detail, "start-time", c->arena, row->started_ms);
    json_set_str(detail, "stage", row->stage);
    json_set_str(detail, "action", row->action);
    json_set_str(detail, "action-execution-id", row->id);
    json_set_str(detail, "region", d != NULL && d->region.n > 0 ? d->region : c->pipeline.region);
    if (d != NULL) {
        json_t *type = json_object();
        json_set_str(type, "owner", d->owner);
        json_set_str(type, "category", d->category);
        json_set_str(type, "provider", d->provider);
        json_set_str(type, "version", d->version);
        json_set(detail, "type", type);
    }
    add_artifacts("input-artifacts", row->inputs, detail);
    if (ended) {
        add_artifacts("output-artifacts", row->outputs, detail);
        add_result(c, detail);
    }
}

static struct str detail_of(const struct change *c) {
    json_t *detail cleanup_json = json_object();
    json_set_str(detail, "pipeline", c->pipeline.name);
    json_set_str(detail, "execution-id", c->execution.id);
    if (str_is(c->kind, "Action")) {
        add_action(c, detail);
    } else if (str_is(c->kind, "Stage")) {
        add_stage(c, detail);
    } else {
        add_pipeline(c, detail);
    }
    json_set_str(detail, "state", c->state);
    json_set(detail, "version", json_real((double)c->execution.version));
    json_set(detail, "pipeline-execution-attempt", json_real((double)c->attempt));
    return json_dump_str(c->arena, detail);
}

int state_change_emit(const struct flow *f, struct arena *a, const json_t *notice, int64_t seq,
                      struct err *err) {
    struct change c = {.f = f,
                       .arena = a,
                       .notice = notice,
                       .kind = json_str(notice, "kind"),
                       .state = json_str(notice, "state")};
    int wanted = flow_listened(f, err);
    if (wanted > 0) {
        wanted = load(&c, seq, err);
    }
    if (wanted <= 0) {
        return wanted;
    }
    const struct flow_event event = {
        .account = c.pipeline.account,
        .region = c.pipeline.region,
        .service = S("codepipeline"),
        .detail_type = str_printf(a, "CodePipeline %.*s Execution State Change", STR_ARG(c.kind)),
        .detail = detail_of(&c),
        .resource = str_printf(a, "arn:aws:codepipeline:%.*s:%.*s:%.*s", STR_ARG(c.pipeline.region),
                               STR_ARG(c.pipeline.account), STR_ARG(c.pipeline.name)),
        .at_ms = c.at_ms,
    };
    return flow_emit(f, a, &event, err);
}
