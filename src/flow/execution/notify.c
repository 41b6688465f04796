/* Implementation of notify.h. The words of a message are made here; publishing is SNS's. */
#include "flow/execution/notify.h"

#include "flow/execution/apply.h"
#include "flow/execution/state_change.h"
#include "gen/logs.h"
#include "gen/sns.h"
#include "platform/text/json.h"

enum { LAST_LINES = 10 };

struct telling {
    const struct flow *f;
    struct arena *arena;
    struct pipeline_row pipeline;
    struct execution_row execution;
    struct definition def;
    struct revision revision;
    struct str topic; /* absent: nobody asked */
};

/* ---- loading ---- */

/* The definition that the execution runs by, which an update may have left behind. */
static int load_definition(struct telling *t, struct err *err) {
    struct str text = t->pipeline.definition;
    int found = t->execution.id.n > 0 ? record_version_get(t->f->db, t->arena, t->pipeline.id,
                                                           t->execution.version, &text, err)
                                      : 0;
    return found < 0 ? -1 : definition_parse(t->arena, text, &t->def, err);
}

static int load(struct telling *t, int64_t pipeline, struct str execution, struct err *err) {
    struct db *db = t->f->db;
    int found = record_pipeline_by_id(db, t->arena, pipeline, &t->pipeline, err);
    if (found > 0 && execution.p != NULL) {
        found = record_execution_get(db, t->arena, execution, &t->execution, err);
    }
    if (found <= 0) {
        return found;
    }
    revision_from_json(t->arena, t->execution.revision, &t->revision);
    if (record_tag_get(db, t->arena, pipeline, S(NOTIFY_TAG), &t->topic, err) < 0 ||
        load_definition(t, err) < 0) {
        return -1;
    }
    return 1;
}

static int load_in_tx(struct telling *t, int64_t pipeline, struct str execution, struct err *err) {
    if (db_begin(t->f->db, err) < 0) {
        return -1;
    }
    int found = load(t, pipeline, execution, err);
    db_rollback(t->f->db);
    return found;
}

/* ---- words ---- */

static struct str link_to(const struct telling *t) {
    return str_printf(t->arena, "%.*s/console/pipelines/%.*s/executions/%.*s", STR_ARG(t->f->url),
                      STR_ARG(t->pipeline.name), STR_ARG(t->execution.id));
}

static struct str commit_words(const struct telling *t) {
    if (t->revision.commit.p == NULL) {
        return S("");
    }
    return str_printf(t->arena, "commit %.*s by %.*s: %.*s",
                      STR_ARG(str_sub(t->revision.commit, 0, 8)), STR_ARG(t->revision.author),
                      STR_ARG(t->revision.subject));
}

static json_t *message(const struct telling *t, const char *kind, struct str stage,
                       struct str text) {
    json_t *o = json_object();
    json_set_str(o, "kind", str_c(kind));
    json_set_str(o, "text", text);
    json_set_str(o, "pipeline", t->pipeline.name);
    json_set_str(o, "stage", stage);
    json_set_str(o, "execution", t->execution.id);
    json_set_str(o, "commit", t->revision.commit);
    json_set_str(o, "author", t->revision.author);
    json_set_str(o, "subject", t->revision.subject);
    json_set_str(o, "link", link_to(t));
    return o;
}

/* ---- publishing ---- */

static int target_of(const struct telling *t, struct aws_target *ret, struct err *err) {
    struct str session =
        str_printf(t->arena, "tl-%.*s-notify", STR_ARG(str_sub(t->execution.id, 0, 8)));
    return aws_assume(t->f->world, t->arena, S("codepipeline.amazonaws.com"), t->def.role_arn,
                      session, ret, err);
}

static int publish(const struct telling *t, struct str topic, const char *kind, struct str subject,
                   json_t *body, struct err *err) {
    struct aws_target target;
    if (target_of(t, &target, err) < 0) {
        return -1;
    }
    struct sns_message_attribute_value value = {.data_type = S("String"),
                                                .string_value = str_c(kind)};
    struct sns_publish_input in = {
        .topic_arn = topic,
        .subject = str_sub(subject, 0, 100), /* SNS's limit */
        .message = json_dump_str(t->arena, body),
    };
    in.message_attributes.v = arena_alloc(t->arena, sizeof(*in.message_attributes.v));
    in.message_attributes.v[0].key = S("kind");
    in.message_attributes.v[0].value = value;
    in.message_attributes.n = 1;
    struct sns_publish_response out;
    return sns_call_publish(&target, t->arena, &in, &out, err);
}

/* ---- the last lines of a build's log ---- */

static struct str last_lines(const struct telling *t, struct str log_stream) {
    struct aws_arn arn;
    size_t mark = str_find(log_stream, S(":log-stream:"), 0);
    if (!aws_arn_parse(log_stream, &arn) || mark == (size_t)-1) {
        return STR_NONE;
    }
    struct str head = str_sub(log_stream, 0, mark);
    size_t group = str_find(head, S(":log-group:"), 0);
    struct aws_target target;
    struct err ignored = ERR_INIT;
    if (group == (size_t)-1 || target_of(t, &target, &ignored) < 0) {
        return STR_NONE;
    }
    struct logs_get_log_events_request in = {
        .log_group_name = str_sub(head, group + 11, head.n),
        .log_stream_name = str_sub(log_stream, mark + 12, log_stream.n),
        .limit = LAST_LINES,
        .has_limit = true,
    };
    struct logs_get_log_events_response out;
    if (logs_call_get_log_events(&target, t->arena, &in, &out, &ignored) < 0) {
        return STR_NONE;
    }
    struct str text = S("");
    for (size_t i = 0; i < out.events.n; i++) {
        text = str_printf(t->arena, "%.*s%s%.*s", STR_ARG(text), i > 0 ? "\n" : "",
                          STR_ARG(out.events.v[i].message));
    }
    return text;
}

/* ---- the kinds of messages ---- */

/* Why a stage failed: its gate, or the action that failed. */
struct why {
    struct str gate;   /* summary of a condition that failed */
    struct str action; /* name of the action that failed */
    struct str reason;
    struct str log_stream;
};

static int find_why(const struct telling *t, struct str stage, struct why *ret, struct err *err) {
    *ret = (struct why){0};
    struct condition_row_list conditions;
    struct action_row_list actions;
    if (db_begin(t->f->db, err) < 0) {
        return -1;
    }
    int read =
        record_condition_list(t->f->db, t->arena, t->execution.id, stage, &conditions, err) < 0 ||
                record_action_list(t->f->db, t->arena, t->execution.id, &actions, err) < 0
            ? -1
            : 0;
    db_rollback(t->f->db);
    for (size_t i = 0; read == 0 && i < conditions.n; i++) {
        const struct condition_row *c = &conditions.v[i];
        bool shut = str_is(c->status, "Failed") || str_is(c->status, "Errored");
        ret->gate = shut && !str_is(c->kind, "ON_FAILURE") ? c->summary : STR_NONE;
    }
    for (size_t i = 0; read == 0 && i < actions.n; i++) {
        if (str_eq(actions.v[i].stage, stage) && str_is(actions.v[i].status, "Failed")) {
            ret->action = actions.v[i].action;
            ret->reason = actions.v[i].summary;
            ret->log_stream = actions.v[i].log_stream;
        }
    }
    return read;
}

static int tell_failed(struct telling *t, struct str stage, struct err *err) {
    struct why why;
    if (find_why(t, stage, &why, err) < 0) {
        return -1;
    }
    struct str words = commit_words(t);
    struct str text = why.gate.p != NULL
                          ? str_printf(t->arena, "%.*s: the gate to %.*s stays closed (%.*s). %.*s",
                                       STR_ARG(t->pipeline.name), STR_ARG(stage), STR_ARG(why.gate),
                                       STR_ARG(words))
                          : str_printf(t->arena, "%.*s: %.*s failed in %.*s. %.*s %.*s",
                                       STR_ARG(t->pipeline.name), STR_ARG(stage),
                                       STR_ARG(why.action), STR_ARG(why.reason), STR_ARG(words));
    json_t *body cleanup_json = message(t, "failed", stage, text);
    json_set_str(body, "reason", why.gate.p != NULL ? why.gate : why.reason);
    json_set_str(body, "action", why.action);
    json_set_str(body, "lastLines", why.log_stream.p ? last_lines(t, why.log_stream) : STR_NONE);
    struct str subject = str_printf(t->arena, "%.*s: %.*s %s", STR_ARG(t->pipeline.name),
                                    STR_ARG(stage), why.gate.p != NULL ? "stays closed" : "failed");
    return publish(t, t->topic, "failed", subject, body, err);
}

/* SNS's approval message, as CodePipeline writes it, with our words beside. */
static json_t *approval_message(const struct telling *t, const struct action_row *action,
                                const struct def_action *decl, const struct str_map *settings) {
    struct arena *a = t->arena;
    struct str text =
        str_printf(a, "%.*s waits for an approval in %.*s. %.*s", STR_ARG(t->pipeline.name),
                   STR_ARG(action->stage), STR_ARG(commit_words(t)));
    json_t *o = message(t, "approval", action->stage, text);
    json_set_str(o, "region", t->pipeline.region);
    json_set_str(o, "consoleLink", link_to(t));
    json_t *approval = json_object();
    json_set_str(approval, "pipelineName", t->pipeline.name);
    json_set_str(approval, "stageName", action->stage);
    json_set_str(approval, "actionName", action->action);
    json_set_str(approval, "token", action->token);
    int minutes = decl->timeout_minutes ? decl->timeout_minutes : 7 * 24 * 60;
    struct str expires = time_iso(a, action->started_ms + (int64_t)minutes * 60000);
    json_set_str(approval, "expires", str_printf(a, "%.*sZ", STR_ARG(str_sub(expires, 0, 16))));
    json_set_str(approval, "externalEntityLink", str_map_get(settings, S("ExternalEntityLink")));
    json_set_str(approval, "approvalReviewLink", link_to(t));
    json_set_str(approval, "customData", str_map_get(settings, S("CustomData")));
    json_object_set_new(o, "approval", approval);
    return o;
}

static int tell_approval(struct telling *t, struct str action_id, struct err *err) {
    struct action_row action;
    struct variable_scope scope;
    struct str_map settings;
    struct err unset = ERR_INIT;
    if (db_begin(t->f->db, err) < 0) {
        return -1;
    }
    int found = record_action_get(t->f->db, t->arena, action_id, &action, err);
    if (found > 0 && variables_of(t->f->db, t->arena, &t->def, &t->execution, &scope, err) < 0) {
        found = -1;
    }
    db_rollback(t->f->db);
    if (found <= 0 || !str_is(action.status, "InProgress")) {
        return found < 0 ? -1 : 0;
    }
    const struct def_stage *stage = definition_stage(&t->def, action.stage);
    const struct def_action *decl = stage ? definition_action(stage, action.action) : NULL;
    if (decl == NULL ||
        variables_resolve_map(t->arena, &scope, &decl->configuration, &settings, &unset) < 0) {
        return 0; /* what nothing sets fails the action, which says so */
    }
    struct str named = str_map_get(&settings, S("NotificationArn"));
    struct str topic = named.n > 0 ? named : t->topic;
    if (topic.p == NULL) {
        return 0;
    }
    json_t *body cleanup_json = approval_message(t, &action, decl, &settings);
    struct str subject = str_printf(t->arena, "APPROVAL NEEDED: %.*s in %.*s",
                                    STR_ARG(t->pipeline.name), STR_ARG(action.stage));
    return publish(t, topic, "approval", subject, body, err);
}

static bool is_approval(const json_t *o) {
    return json_bool(o, "approval") && str_is(json_str(o, "state"), "STARTED") &&
           str_is(json_str(o, "kind"), "Action");
}

static bool is_failed_stage(const json_t *o) {
    return str_is(json_str(o, "state"), "FAILED") && str_is(json_str(o, "kind"), "Stage");
}

/* The event, what is left to do, and the end of the job are one transaction: EventBridge is told
 * once, however often a topic has to be tried. */
static int announce(struct flow *f, struct queue_job *job, const json_t *o, struct err *err) {
    long long seq = 0;
    if (!str_to_i64(job->key, &seq)) {
        return err_set(err, ERR_INTERNAL, "a notice without a number: '%.*s'", STR_ARG(job->key));
    }
    return state_change_emit(f, job->arena, o, seq, err) < 0 ||
                   ((is_approval(o) || is_failed_stage(o)) &&
                    queue_add(f->db, JOB_TELL, job->key, job->payload, 0, err) < 0)
               ? -1
               : queue_end(f->db, job, err);
}

int notify_run(void *ud, struct queue_job *job, struct err *err) {
    struct flow *f = ud;
    json_t *o cleanup_json = json_parse(job->payload, err);
    if (o == NULL || db_begin(f->db, err) < 0) {
        return -1;
    }
    if (announce(f, job, o, err) < 0) {
        db_rollback(f->db);
        return -1;
    }
    return db_commit(f->db, err);
}

int notify_tell_run(void *ud, struct queue_job *job, struct err *err) {
    json_t *o cleanup_json = json_parse(job->payload, err);
    if (o == NULL) {
        return -1;
    }
    struct telling t = {.f = ud, .arena = job->arena};
    int found = load_in_tx(&t, json_int(o, "pipeline"), json_str(o, "execution"), err);
    if (found <= 0) {
        return found;
    }
    if (is_approval(o)) {
        return tell_approval(&t, json_str(o, "id"), err);
    }
    return t.topic.p == NULL ? 0 : tell_failed(&t, json_str(o, "stage"), err);
}

/* ---- alarms ---- */

int notify_alarm_add(const struct flow *f, struct arena *a, int64_t pipeline, struct str stage,
                     const struct alarm_state *alarm, struct err *err) {
    struct execution_row_list newest; /* whose deployment it is */
    if (record_in_stage(f->db, a, pipeline, stage, &newest, err) < 0) {
        return -1;
    }
    json_t *o cleanup_json = json_object();
    json_set(o, "pipeline", json_integer(pipeline));
    json_set_str(o, "execution", newest.n > 0 ? newest.v[0].id : STR_NONE);
    json_set_str(o, "stage", stage);
    json_set_str(o, "alarm", alarm->name);
    json_set_str(o, "account", alarm->account);
    json_set_str(o, "reason", alarm->reason);
    struct str key =
        str_printf(a, "%lld/%.*s/%.*s/%lld", (long long)pipeline, STR_ARG(alarm->account),
                   STR_ARG(alarm->name), (long long)alarm->changed_ms);
    return queue_add(f->db, JOB_ALARM, key, json_dump_str(a, o), 0, err);
}

int notify_alarm_run(void *ud, struct queue_job *job, struct err *err) {
    struct arena *a = job->arena;
    json_t *o cleanup_json = json_parse(job->payload, err);
    if (o == NULL) {
        return -1;
    }
    struct telling t = {.f = ud, .arena = a};
    int found = load_in_tx(&t, json_int(o, "pipeline"), json_str(o, "execution"), err);
    if (found <= 0 || t.topic.p == NULL) {
        return found < 0 ? -1 : 0;
    }
    struct str stage = json_str(o, "stage");
    struct str name = json_str(o, "alarm");
    struct str text = str_printf(
        a, "%.*s: alarm %.*s of %.*s (account %.*s) is in ALARM. %.*s%s Deployed there: %.*s",
        STR_ARG(t.pipeline.name), STR_ARG(name), STR_ARG(stage), STR_ARG(json_str(o, "account")),
        STR_ARG(json_str(o, "reason")), str_ends(json_str(o, "reason"), S(".")) ? "" : ".",
        STR_ARG(commit_words(&t)));
    json_t *body cleanup_json = message(&t, "alarm", stage, text);
    json_set_str(body, "alarm", name);
    json_set_str(body, "account", json_str(o, "account"));
    json_set_str(body, "reason", json_str(o, "reason"));
    struct str subject = str_printf(a, "ALARM: %.*s in %.*s", STR_ARG(name), STR_ARG(stage));
    return publish(&t, t.topic, "alarm", subject, body, err);
}
