/* Targets that are answered in process: topics, log groups, pipelines, builds, buses. */
#include "gen/codebuild.h"
#include "gen/codepipeline.h"
#include "gen/logs.h"
#include "gen/sns.h"
#include "gen/sts.h"
#include "services/core/value.h"
#include "services/events/send.h"

#define SERVICE "events.amazonaws.com"

/* EventBridge itself, for the rule (aws:SourceArn) of its account (aws:SourceAccount). */
static struct aws_principal *as_service(const struct ev_sending *s) {
    struct aws_principal *p = arena_new(s->arena, struct aws_principal);
    *p = (struct aws_principal){.kind = AWS_PRINCIPAL_SERVICE,
                                .account = s->account,
                                .arn = s->rule,
                                .user_id = S(SERVICE),
                                .service = S(SERVICE)};
    return p;
}

static struct aws_target at_target(const struct ev_sending *s, const struct aws_principal *p) {
    return (struct aws_target){.account = s->arn.account,
                               .region = s->arn.region,
                               .embedded = s->env->embedded,
                               .principal = p,
                               .clock = s->env->clock};
}

/* The target's role, as EventBridge assumes it. */
static int as_role(const struct ev_sending *s, struct aws_principal **ret, struct err *err) {
    struct aws_arn role;
    if (!aws_arn_parse(s->target.role_arn, &role)) {
        return err_set(err, ERR_INVALID, "'%.*s' is no role", STR_ARG(s->target.role_arn));
    }
    struct aws_target sts = at_target(s, as_service(s));
    sts.account = role.account;
    sts.region = s->region;
    size_t slash = str_rfind_c(s->rule, '/');
    const struct sts_assume_role_request in = {
        .role_arn = s->target.role_arn,
        .role_session_name = str_sub(s->rule, slash + 1, 64),
    };
    struct sts_assume_role_response out;
    if (sts_call_assume_role(&sts, s->arena, &in, &out, err) < 0) {
        return err_wrap(err, "role %.*s of the target", STR_ARG(s->target.role_arn));
    }
    *ret = arena_new(s->arena, struct aws_principal);
    **ret = (struct aws_principal){.kind = AWS_PRINCIPAL_ROLE,
                                   .account = role.account,
                                   .arn = out.assumed_role_user->arn,
                                   .user_id = out.assumed_role_user->assumed_role_id,
                                   .role_arn = s->target.role_arn,
                                   .session_name = in.role_session_name,
                                   .access_key = out.credentials->access_key_id};
    return 0;
}

static int act(const struct ev_sending *s, struct aws_target *ret, struct err *err) {
    struct aws_principal *p = as_service(s);
    if (s->target.role_arn.n > 0 && as_role(s, &p, err) < 0) {
        return -1;
    }
    *ret = at_target(s, p);
    return 0;
}

int ev_send_check_role(struct ev_sending *s, struct err *err) {
    struct aws_principal *p = NULL;
    return as_role(s, &p, err);
}

int ev_send_sns(struct ev_sending *s, struct err *err) {
    struct aws_target target;
    const struct sns_publish_input in = {.topic_arn = s->target.arn, .message = s->input};
    struct sns_publish_response out;
    return act(s, &target, err) < 0 ? -1 : sns_call_publish(&target, s->arena, &in, &out, err);
}

/* ---- log groups ---- */

/* {"timestamp": ..., "message": ...}, as templates for log groups are written; else all of it. */
static struct logs_input_log_event log_event(const struct ev_sending *s) {
    struct err ignored = ERR_INIT;
    struct logs_input_log_event e = {.timestamp = s->at_ms, .message = s->input};
    json_t *json cleanup_json = json_parse(s->input, &ignored);
    struct str message = json_str(json, "message");
    if (json_object_size(json) == 2 && message.n > 0 &&
        json_object_get(json, "timestamp") != NULL) {
        int64_t at_ms = json_int(json, "timestamp");
        struct str text = json_str(json, "timestamp");
        e.message = str_dup(s->arena, message);
        e.timestamp = at_ms > 0 || time_parse(text, &at_ms) ? at_ms : s->at_ms;
    }
    return e;
}

int ev_send_logs(struct ev_sending *s, struct err *err) {
    struct aws_target target;
    struct str group = str_sub(s->arn.resource, 10, s->arn.resource.n);
    group = str_ends(group, S(":*")) ? str_sub(group, 0, group.n - 2) : group;
    size_t slash = str_rfind_c(s->rule, '/');
    struct logs_create_log_stream_request stream = {
        .log_group_name = group, .log_stream_name = str_sub(s->rule, slash + 1, s->rule.n)};
    struct logs_create_log_stream_output created;
    struct logs_input_log_event event = log_event(s);
    struct logs_put_log_events_request in = {.log_group_name = group,
                                             .log_stream_name = stream.log_stream_name,
                                             .log_events = {&event, 1}};
    struct logs_put_log_events_response out;
    struct err why = ERR_INIT;
    if (act(s, &target, err) < 0) {
        return -1;
    }
    if (logs_call_create_log_stream(&target, s->arena, &stream, &created, &why) < 0 &&
        why.api != &logs_ResourceAlreadyExistsException) {
        *err = why;
        return -1;
    }
    return logs_call_put_log_events(&target, s->arena, &in, &out, err);
}

/* ---- what starts ---- */

/* The input's members that are the operation's own; an event has none of them. */
static int read_input(const struct ev_sending *s, const struct shape_op *op, void *in,
                      struct err *err) {
    json_t *json cleanup_json = json_parse(s->input, err);
    if (json == NULL) {
        return -1;
    }
    return json_is_object(json) ? value_from_json(s->arena, op->in, json, 0, in, err) : 0;
}

int ev_send_pipeline(struct ev_sending *s, struct err *err) {
    struct aws_target target;
    struct codepipeline_start_pipeline_execution_input in = {0};
    struct codepipeline_start_pipeline_execution_output out;
    if (read_input(s, &codepipeline_op_start_pipeline_execution, &in, err) < 0 ||
        act(s, &target, err) < 0) {
        return -1;
    }
    in.name = s->arn.resource;
    return codepipeline_call_start_pipeline_execution(&target, s->arena, &in, &out, err);
}

int ev_send_build(struct ev_sending *s, struct err *err) {
    struct aws_target target;
    struct codebuild_start_build_input in = {0};
    struct codebuild_start_build_output out;
    if (read_input(s, &codebuild_op_start_build, &in, err) < 0 || act(s, &target, err) < 0) {
        return -1;
    }
    in.project_name = str_sub(s->arn.resource, 8, s->arn.resource.n);
    return codebuild_call_start_build(&target, s->arena, &in, &out, err);
}

/* ---- buses ---- */

/* The event's own members, for the other bus. put.c takes the id, sender and source of an event
 * that EventBridge passes on (`via`) as they are. */
static void entry_of(const struct ev_sending *s, const json_t *event,
                     struct events_put_events_request_entry *e) {
    const json_t *resources = json_object_get(event, "resources");
    *e = (struct events_put_events_request_entry){
        .source = json_str(event, "source"),
        .detail_type = json_str(event, "detail-type"),
        .detail = json_dump_str(s->arena, json_object_get(event, "detail")),
        .event_bus_name = s->target.arn,
        .trace_header = str_printf(s->arena, "%.*s/%.*s", STR_ARG(json_str(event, "account")),
                                   STR_ARG(json_str(event, "id"))),
    };
    e->has_time = time_parse(json_str(event, "time"), &e->time);
    for (size_t i = 0; i < json_array_size(resources); i++) {
        *arena_push(s->arena, &e->resources) = json_text(json_array_get(resources, i));
    }
}

/* Without a role the account itself sends: the other bus's policy has to name it. */
static struct aws_principal *as_account(const struct ev_sending *s) {
    struct aws_principal *p = arena_new(s->arena, struct aws_principal);
    *p = (struct aws_principal){
        .kind = AWS_PRINCIPAL_ROOT,
        .account = s->account,
        .arn = str_printf(s->arena, "arn:aws:iam::%.*s:root", STR_ARG(s->account)),
        .user_id = s->account};
    return p;
}

int ev_send_bus(struct ev_sending *s, struct err *err) {
    struct aws_principal *p = as_account(s);
    struct events_put_events_request_entry entry;
    struct events_put_events_request in = {.entries = {&entry, 1}};
    struct events_put_events_response out;
    json_t *event cleanup_json = json_parse(json_str(s->job, "event"), err);
    if (event == NULL || (s->target.role_arn.n > 0 && as_role(s, &p, err) < 0)) {
        return -1;
    }
    if (json_bool(s->job, "forwarded")) {
        return err_set(err, ERR_UNSUPPORTED, "an event that came from another bus goes no further");
    }
    p->via = S(SERVICE);
    struct aws_target target = at_target(s, p);
    entry_of(s, event, &entry);
    if (events_call_put_events(&target, s->arena, &in, &out, err) < 0) {
        return -1;
    }
    return out.failed_entry_count == 0
               ? 0
               : err_set(err, ERR_INVALID, "%.*s: %.*s", STR_ARG(s->target.arn),
                         STR_ARG(out.entries.v[0].error_message));
}
