/* A batch's state as the store keeps it. */
#include "flow/batch/batch.h"

#include "flow/phase/batch_json.h"
#include "platform/text/json.h"

static json_t *build_json(const struct batch_build *b) {
    json_t *o = json_object();
    json_set_str(o, "uuid", b->uuid);
    json_set_str(o, "status", str_c(batch_status_name(b->status)));
    json_set(o, "requested", json_integer(b->requested_ms));
    json_set_str(o, "artifacts", b->artifacts);
    return o;
}

static json_t *group_json(const struct batch_group *g) {
    json_t *o = json_object();
    json_t *prior = json_array();
    for (size_t i = 0; i < g->prior.n; i++) {
        json_array_append_new(prior, build_json(&g->prior.v[i]));
    }
    json_set(o, "task", batch_task_json(&g->task));
    json_set(o, "build", build_json(&g->build));
    json_set(o, "prior", prior);
    return o;
}

static json_t *phase_json(const struct batch_phase *p) {
    json_t *o = json_object();
    json_set_str(o, "kind", str_c(batch_phase_name(p->kind)));
    json_set_str(o, "status", str_c(batch_status_name(p->status)));
    json_set(o, "start", json_integer(p->start_ms));
    json_set(o, "end", json_integer(p->end_ms));
    json_set_str(o, "message", p->message);
    return o;
}

struct str batch_state_json(struct arena *a, const struct batch_state *s) {
    json_t *o cleanup_json = json_object();
    json_t *phases = json_array();
    json_t *groups = json_array();
    for (size_t i = 0; i < s->phases.n; i++) {
        json_array_append_new(phases, phase_json(&s->phases.v[i]));
    }
    for (size_t i = 0; i < s->groups.n; i++) {
        json_array_append_new(groups, group_json(&s->groups.v[i]));
    }
    json_set_str(o, "status", str_c(batch_status_name(s->status)));
    json_set(o, "attempt", json_integer(s->attempt));
    json_set(o, "fastFail", json_boolean(s->fast_fail));
    json_set(o, "combine", json_boolean(s->combine));
    json_set(o, "complete", json_boolean(s->complete));
    json_set(o, "ended", json_integer(s->ended_ms));
    json_set(o, "phases", phases);
    json_set(o, "groups", groups);
    json_set(o, "combining", build_json(&s->combining));
    return json_dump_str(a, o);
}

static struct batch_build read_build(struct arena *a, const json_t *o) {
    return (struct batch_build){
        .uuid = str_dup(a, json_str(o, "uuid")),
        .status = batch_status_parse(json_str(o, "status")),
        .requested_ms = json_int(o, "requested"),
        .artifacts = str_dup(a, json_str(o, "artifacts")),
    };
}

static struct batch_group read_group(struct arena *a, const json_t *o) {
    struct batch_group g = {
        .task = batch_task_parse(a, json_object_get(o, "task")),
        .build = read_build(a, json_object_get(o, "build")),
    };
    size_t i = 0;
    json_t *one = NULL;
    json_array_foreach(json_object_get(o, "prior"), i, one) {
        *arena_push(a, &g.prior) = read_build(a, one);
    }
    return g;
}

static enum batch_phase_kind kind_of(struct str name) {
    enum batch_phase_kind kind = BATCH_PHASE_SUBMITTED;
    while (kind < BATCH_PHASE_STOPPED && !str_is(name, batch_phase_name(kind))) {
        kind++;
    }
    return kind;
}

static struct batch_phase read_phase(struct arena *a, const json_t *o) {
    return (struct batch_phase){
        .kind = kind_of(json_str(o, "kind")),
        .status = batch_status_parse(json_str(o, "status")),
        .start_ms = json_int(o, "start"),
        .end_ms = json_int(o, "end"),
        .message = str_dup(a, json_str(o, "message")),
    };
}

int batch_state_parse(struct arena *a, struct str text, struct batch_state *ret, struct err *err) {
    json_t *o cleanup_json = json_parse(text, err);
    size_t i = 0;
    json_t *one = NULL;
    if (o == NULL) {
        return err_wrap(err, "state of a batch");
    }
    *ret = (struct batch_state){
        .status = batch_status_parse(json_str(o, "status")),
        .attempt = json_int(o, "attempt"),
        .fast_fail = json_bool(o, "fastFail"),
        .combine = json_bool(o, "combine"),
        .complete = json_bool(o, "complete"),
        .ended_ms = json_int(o, "ended"),
        .combining = read_build(a, json_object_get(o, "combining")),
    };
    json_array_foreach(json_object_get(o, "phases"), i, one) {
        *arena_push(a, &ret->phases) = read_phase(a, one);
    }
    json_array_foreach(json_object_get(o, "groups"), i, one) {
        *arena_push(a, &ret->groups) = read_group(a, one);
    }
    return 0;
}
