/* Implementation of state_change.h. */
#include "flow/build/state_change.h"

#include "flow/build/order.h"
#include "flow/record/emit.h"
#include "platform/text/json.h"

#include <time.h>

/* "Sep 1, 2017 4:12:29 PM" */
static struct str time_words(struct arena *a, int64_t ms) {
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t s = (time_t)(ms / 1000);
    struct tm t;
    gmtime_r(&s, &t);
    int hour = t.tm_hour % 12 == 0 ? 12 : t.tm_hour % 12;
    return str_printf(a, "%s %d, %d %d:%02d:%02d %s", months[t.tm_mon], t.tm_mday, t.tm_year + 1900,
                      hour, t.tm_min, t.tm_sec, t.tm_hour < 12 ? "AM" : "PM");
}

static struct str build_arn(struct arena *a, const struct build_row *row) {
    return str_printf(a, "arn:aws:codebuild:%.*s:%.*s:build/%.*s:%.*s", STR_ARG(row->region),
                      STR_ARG(row->account), STR_ARG(row->project), STR_ARG(row->uuid));
}

/* "[statusCode: message]", as the event has a phase's context. */
static struct str context_text(struct arena *a, const struct codebuild_build_phase *p) {
    if (p->contexts.n == 0) {
        return S("[]");
    }
    return str_printf(a, "[%.*s: %.*s]", STR_ARG(p->contexts.v[0].status_code),
                      STR_ARG(p->contexts.v[0].message));
}

static json_t *environment_json(const struct codebuild_build *b) {
    const struct codebuild_project_environment *e = b->environment;
    json_t *o = json_object();
    json_t *variables = json_array();
    if (e == NULL) {
        json_decref(variables);
        return o;
    }
    for (size_t i = 0; i < e->environment_variables.n; i++) {
        json_t *one = json_object();
        json_set_str(one, "name", e->environment_variables.v[i].name);
        json_set_str(one, "type", e->environment_variables.v[i].type);
        json_set_str(one, "value", e->environment_variables.v[i].value);
        json_array_append_new(variables, one);
    }
    json_set_str(o, "image", e->image);
    json_set(o, "privileged-mode", json_boolean(e->privileged_mode));
    json_set_str(o, "compute-type", e->compute_type);
    json_set_str(o, "type", e->type);
    json_set(o, "environment-variables", variables);
    return o;
}

static json_t *phase_json(struct arena *a, const struct codebuild_build_phase *p) {
    json_t *o = json_object();
    json_t *context = json_array();
    if (p->contexts.n > 0) {
        json_array_append_new(context, json_from_str(str_printf(
                                           a, "%.*s: %.*s", STR_ARG(p->contexts.v[0].status_code),
                                           STR_ARG(p->contexts.v[0].message))));
    }
    json_set(o, "phase-context", context);
    json_set_str(o, "start-time", time_words(a, p->start_time));
    if (p->has_end_time) {
        json_set_str(o, "end-time", time_words(a, p->end_time));
        json_set(o, "duration-in-seconds", json_integer(p->duration_in_seconds));
    }
    json_set_str(o, "phase-type", p->phase_type);
    json_set_str(o, "phase-status", p->phase_status);
    return o;
}

static json_t *additional(struct arena *a, const struct build_row *row,
                          const struct codebuild_build *b) {
    json_t *o = json_object();
    json_t *source = json_object();
    json_t *logs = json_object();
    json_t *phases = json_array();
    json_t *artifact = json_object();
    if (b->artifacts != NULL) {
        json_set_str(artifact, "md5sum", b->artifacts->md5sum);
        json_set_str(artifact, "sha256sum", b->artifacts->sha256sum);
        json_set_str(artifact, "location", b->artifacts->location);
    }
    json_set(o, "artifact", artifact);
    json_set(o, "environment", environment_json(b));
    if (b->has_timeout_in_minutes) {
        json_set(o, "timeout-in-minutes", json_integer(b->timeout_in_minutes));
    }
    json_set(o, "build-complete", json_boolean(row->complete));
    json_set(o, "build-number", json_real((double)row->number));
    json_set_str(o, "initiator", row->initiator);
    json_set_str(o, "build-start-time", time_words(a, row->started_ms));
    if (b->source != NULL) {
        json_set_str(source, "type", b->source->type);
        json_set_str(source, "location", b->source->location);
        json_set_str(source, "buildspec", b->source->buildspec);
    }
    json_set(o, "source", source);
    json_set_str(o, "source-version", b->source_version);
    json_set_str(logs, "group-name", row->log_group);
    json_set_str(logs, "stream-name", row->log_stream);
    json_set(o, "logs", logs);
    for (size_t i = 0; i < b->phases.n; i++) {
        json_array_append_new(phases, phase_json(a, &b->phases.v[i]));
    }
    json_set(o, "phases", phases);
    return o;
}

static int emit(const struct flow *f, struct arena *a, const struct build_row *row,
                const char *detail_type, const json_t *detail, int64_t at_ms, struct err *err) {
    const struct flow_event event = {.account = row->account,
                                     .region = row->region,
                                     .service = S("codebuild"),
                                     .detail_type = str_c(detail_type),
                                     .detail = json_dump_str(a, detail),
                                     .resource = build_arn(a, row),
                                     .at_ms = at_ms};
    return flow_emit(f, a, &event, err);
}

static json_t *detail_of(struct arena *a, const struct build_row *row,
                         const struct codebuild_build *b) {
    json_t *o = json_object();
    json_set_str(o, "project-name", row->project);
    json_set_str(o, "build-id", build_arn(a, row));
    json_set(o, "additional-information", additional(a, row, b));
    json_set_str(o, "version", S("1"));
    return o;
}

/* A row that is not in the store yet has no lists. */
static int view(struct arena *a, const struct build_row *row, struct codebuild_build **ret,
                struct err *err) {
    struct build_row whole = *row;
    struct str *const lists[] = {&whole.phases, &whole.exported, &whole.artifacts, &whole.unmasked};
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        *lists[i] = lists[i]->n > 0 ? *lists[i] : S("[]");
    }
    return build_view(a, &whole, ret, err);
}

int build_emit_state(const struct flow *f, struct arena *a, const struct build_row *row,
                     struct err *err) {
    struct codebuild_build *b = NULL;
    int wanted = flow_listened(f, err);
    if (wanted <= 0 || view(a, row, &b, err) < 0) {
        return wanted > 0 ? -1 : wanted;
    }
    json_t *detail cleanup_json = detail_of(a, row, b);
    json_set_str(detail, "build-status", row->status);
    json_set_str(detail, "current-phase", row->current_phase);
    json_set_str(detail, "current-phase-context",
                 b->phases.n > 0 ? context_text(a, &b->phases.v[b->phases.n - 1]) : S("[]"));
    return emit(f, a, row, "CodeBuild Build State Change", detail,
                row->complete ? row->ended_ms : row->started_ms, err);
}

static bool had_ended(const json_t *before, struct str phase) {
    for (size_t i = 0; i < json_array_size(before); i++) {
        const json_t *one = json_array_get(before, i);
        if (str_eq(json_str(one, "phaseType"), phase) && json_object_get(one, "endTime") != NULL) {
            return true;
        }
    }
    return false;
}

static int emit_phase(const struct flow *f, struct arena *a, const struct build_row *row,
                      const struct codebuild_build *b, const struct codebuild_build_phase *p,
                      struct err *err) {
    json_t *detail cleanup_json = detail_of(a, row, b);
    json_set_str(detail, "completed-phase", p->phase_type);
    json_set_str(detail, "completed-phase-status", p->phase_status);
    json_set_str(detail, "completed-phase-context", context_text(a, p));
    json_set(detail, "completed-phase-duration-seconds", json_integer(p->duration_in_seconds));
    json_set_str(detail, "completed-phase-start", time_words(a, p->start_time));
    json_set_str(detail, "completed-phase-end", time_words(a, p->end_time));
    return emit(f, a, row, "CodeBuild Build Phase Change", detail, p->end_time, err);
}

int build_emit_phases(const struct flow *f, struct arena *a, const struct build_row *row,
                      struct str before, struct err *err) {
    struct codebuild_build *b = NULL;
    int wanted = flow_listened(f, err);
    if (wanted <= 0) {
        return wanted;
    }
    json_t *then cleanup_json = json_parse(before, err);
    if (then == NULL || view(a, row, &b, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < b->phases.n; i++) {
        const struct codebuild_build_phase *p = &b->phases.v[i];
        if (p->has_end_time && !had_ended(then, p->phase_type) &&
            emit_phase(f, a, row, b, p, err) < 0) {
            return -1;
        }
    }
    return 0;
}
