/* Targets of rules: which there are here, and what they are sent. */
#include "platform/text/json.h"
#include "services/core/arn.h"
#include "services/core/page.h"
#include "services/core/value.h"
#include "services/events/events.h"
#include "services/events/transform.h"

const struct shape *ev_target_shape(void) {
    return shape_find_member(events_op_put_targets.in, S("Targets"))->shape->item;
}

/* ---- checks ---- */

enum role { ROLE_NONE, ROLE_MAY, ROLE_MUST };

static const struct kind {
    const char *service;
    const char *resource; /* what it begins with */
    enum role role;
    bool managed; /* only a service of ours puts it */
    bool http;    /* takes HttpParameters */
} kinds[] = {
    {"sns", "", ROLE_MAY, false, false},
    {"logs", "log-group:", ROLE_NONE, false, false},
    {"codepipeline", "", ROLE_MUST, false, false},
    {"codebuild", "project/", ROLE_MUST, false, false},
    {"events", "event-bus/", ROLE_MAY, false, false},
    {"events", "api-destination/", ROLE_MUST, false, true},
    {"codestar-notifications", "notificationrule/", ROLE_NONE, true, false},
};

static const struct kind *kind_of(const struct aws_arn *arn, bool managed) {
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (str_is(arn->service, kinds[i].service) &&
            str_starts(arn->resource, str_c(kinds[i].resource)) && (managed || !kinds[i].managed)) {
            return &kinds[i];
        }
    }
    return NULL;
}

static int check_arn(struct call *c, const struct events_target *t, bool managed,
                     const struct kind **ret, struct err *err) {
    struct aws_arn arn;
    if (!aws_arn_parse(t->arn, &arn)) {
        return ev_invalid(err,
                          "Parameter %.*s is not valid. Reason: Provided Arn is not in "
                          "correct format.",
                          STR_ARG(t->arn));
    }
    *ret = kind_of(&arn, managed);
    if (*ret == NULL) {
        return ev_invalid(err,
                          "Target %.*s: targets of the service %.*s are not available here "
                          "(%.*s). There are SNS topics, log groups, pipelines, CodeBuild "
                          "projects, event buses and API destinations.",
                          STR_ARG(t->id), STR_ARG(arn.service), STR_ARG(t->arn));
    }
    bool bus = str_starts(arn.resource, S("event-bus/"));
    if (!bus && !str_eq(arn.region, c->region)) {
        return ev_invalid(err,
                          "Parameter %.*s is not valid. Reason: Targets are in the region of "
                          "their rule.",
                          STR_ARG(t->arn));
    }
    return str_is(arn.service, "sns") && str_ends(arn.resource, S(".fifo"))
               ? ev_invalid(err, "Target %.*s: FIFO topics are not available here.", STR_ARG(t->id))
               : 0;
}

static int check_role(const struct events_target *t, const struct kind *kind, struct err *err) {
    bool given = t->role_arn.n > 0;
    if (!given && kind->role == ROLE_MUST) {
        return ev_invalid(err, "RoleArn is required for target %.*s.", STR_ARG(t->arn));
    }
    return given && kind->role == ROLE_NONE
               ? ev_invalid(err, "RoleArn is not supported for target %.*s.", STR_ARG(t->arn))
               : 0;
}

static int check_input(const struct events_target *t, struct err *err) {
    struct err why = ERR_INIT;
    const struct events_input_transformer *it = t->input_transformer;
    int given = (t->input.p != NULL) + (t->input_path.p != NULL) + (it != NULL);
    if (given > 1) {
        return ev_invalid(err,
                          "Only one of Input, InputPath, or InputTransformer must be provided "
                          "for target %.*s.",
                          STR_ARG(t->id));
    }
    if (t->input.p != NULL) {
        json_t *json cleanup_json = json_parse(t->input, &why);
        return json != NULL ? 0
                            : ev_invalid(err, "JSON syntax error in input for target %.*s : %.300s",
                                         STR_ARG(t->id), why.msg);
    }
    if (t->input_path.p != NULL && transform_path_check(t->input_path, &why) < 0) {
        return ev_invalid(err, "Invalid InputPath for target %.*s : %.300s", STR_ARG(t->id),
                          why.msg);
    }
    return it == NULL ||
                   transform_template_check(&it->input_paths_map, it->input_template, &why) == 0
               ? 0
               : ev_invalid(err, "Invalid InputTemplate for target %.*s : %.300s", STR_ARG(t->id),
                            why.msg);
}

/* Parameters of targets that are not here: nothing is accepted and ignored. */
static int check_parameters(const struct events_target *t, const struct kind *kind,
                            struct err *err) {
    if (t->dead_letter_config != NULL && t->dead_letter_config->arn.n > 0) {
        return ev_invalid(err,
                          "Target %.*s: dead-letter queues need SQS, which is not available "
                          "here.",
                          STR_ARG(t->id));
    }
    bool foreign = t->kinesis_parameters != NULL || t->run_command_parameters != NULL ||
                   t->ecs_parameters != NULL || t->batch_parameters != NULL ||
                   t->sqs_parameters != NULL || t->redshift_data_parameters != NULL ||
                   t->sage_maker_pipeline_parameters != NULL || t->app_sync_parameters != NULL;
    if (foreign || (t->http_parameters != NULL && !kind->http)) {
        return ev_invalid(err, "Target %.*s has parameters that are not supported for %.*s.",
                          STR_ARG(t->id), STR_ARG(t->arn));
    }
    return 0;
}

int ev_target_check(struct call *c, const struct events_target *t, bool managed, struct err *err) {
    const struct kind *kind = NULL;
    if (!ev_is_name(t->id)) {
        return ev_invalid(err, "Parameter Id is not valid: '%.*s'", STR_ARG(t->id));
    }
    return check_arn(c, t, managed, &kind, err) < 0 || check_role(t, kind, err) < 0 ||
                   check_input(t, err) < 0 || check_parameters(t, kind, err) < 0
               ? -1
               : 0;
}

/* ---- operations ---- */

static int need_own(struct call *c, struct str bus, struct str name, bool force,
                    struct ev_rule *ret, struct err *err) {
    if (ev_need_rule(c, bus, name, ret, err) < 0) {
        return -1;
    }
    bool managed = ret->managed_by.p != NULL && !str_eq(ret->managed_by, c->principal->service);
    return !managed || force ? 0
                             : err_api(err, &events_ManagedRuleException,
                                       "Rule %.*s is managed by %.*s and can't be modified.",
                                       STR_ARG(ret->name), STR_ARG(ret->managed_by));
}

static int put_target(struct call *c, const struct ev_rule *rule, const struct events_target *t,
                      struct err *err) {
    json_t *body cleanup_json = value_to_json(ev_target_shape(), t);
    const struct ev_target row = {t->id, t->arn, json_dump_str(c->arena, body)};
    return ev_target_put(c->db, rule->seq, &row, err);
}

int events_put_targets(struct call *c, const struct events_put_targets_request *in,
                       struct events_put_targets_response *out, struct err *err) {
    struct ev_rule rule;
    int64_t n = 0;
    if (need_own(c, in->event_bus_name, in->rule, false, &rule, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < in->targets.n; i++) {
        if (ev_target_check(c, &in->targets.v[i], rule.managed_by.p != NULL, err) < 0 ||
            put_target(c, &rule, &in->targets.v[i], err) < 0) {
            return -1;
        }
    }
    if (ev_target_count(c->db, rule.seq, &n, err) < 0) {
        return -1;
    }
    if (n > EV_TARGETS_MAX) {
        return err_api(err, &events_LimitExceededException,
                       "The requested resource exceeds the maximum number allowed.");
    }
    out->has_failed_entry_count = true;
    out->failed_entries.v = arena_new(c->arena, struct events_put_targets_result_entry);
    return 0;
}

int events_remove_targets(struct call *c, const struct events_remove_targets_request *in,
                          struct events_remove_targets_response *out, struct err *err) {
    struct ev_rule rule;
    if (need_own(c, in->event_bus_name, in->rule, in->force, &rule, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < in->ids.n; i++) {
        if (ev_target_remove(c->db, rule.seq, in->ids.v[i], err) < 0) {
            return -1;
        }
    }
    out->has_failed_entry_count = true;
    out->failed_entries.v = arena_new(c->arena, struct events_remove_targets_result_entry);
    return 0;
}

int events_list_targets_by_rule(struct call *c,
                                const struct events_list_targets_by_rule_request *in,
                                struct events_list_targets_by_rule_response *out, struct err *err) {
    struct ev_rule rule;
    struct str after;
    int64_t limit;
    struct ev_targets rows;
    if (ev_need_rule(c, in->event_bus_name, in->rule, &rule, err) < 0 ||
        ev_page(c, in->next_token, in->has_limit, in->limit, &after, &limit, err) < 0 ||
        ev_target_list(c->db, c->arena, rule.seq, after, limit + 1, &rows, err) < 0) {
        return -1;
    }
    out->targets.v = arena_new_n(c->arena, struct events_target, rows.n + 1);
    for (size_t i = 0; i < rows.n && (int64_t)i < limit; i++) {
        json_t *body cleanup_json = json_parse(rows.v[i].body, err);
        if (body == NULL || value_from_json(c->arena, ev_target_shape(), body, 0,
                                            &out->targets.v[out->targets.n++], err) < 0) {
            return -1;
        }
    }
    if ((int64_t)rows.n > limit) {
        out->next_token = page_token(c, rows.v[limit - 1].id);
    }
    return 0;
}

int events_list_rule_names_by_target(struct call *c,
                                     const struct events_list_rule_names_by_target_request *in,
                                     struct events_list_rule_names_by_target_response *out,
                                     struct err *err) {
    struct ev_place at;
    struct str after;
    int64_t limit;
    if (ev_place_of(c, in->event_bus_name, &at, err) < 0 ||
        ev_page(c, in->next_token, in->has_limit, in->limit, &after, &limit, err) < 0 ||
        ev_rule_names_by_target(c->db, c->arena, &at, in->target_arn, after, limit + 1,
                                &out->rule_names, err) < 0) {
        return -1;
    }
    if ((int64_t)out->rule_names.n > limit) {
        out->rule_names.n = (size_t)limit;
        out->next_token = page_token(c, out->rule_names.v[limit - 1]);
    }
    if (out->rule_names.v == NULL) {
        out->rule_names.v = arena_new(c->arena, struct str);
    }
    return 0;
}
