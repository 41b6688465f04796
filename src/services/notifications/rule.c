/* Notification rules. Each has a rule in EventBridge that this service manages. */
#include "gen/events.h"
#include "platform/text/json.h"
#include "services/core/arn.h"
#include "services/core/tags.h"
#include "services/notifications/event_types.h"
#include "services/notifications/notifications.h"

int note_invalid(struct err *err, const char *fmt, ...) {
    struct err inner = ERR_INIT;
    va_list args;
    va_start(args, fmt);
    err_vset(&inner, ERR_INVALID, fmt, args);
    va_end(args);
    return err_api(err, &codestar_notifications_ValidationException, "%s", inner.msg);
}

int note_need(struct call *c, struct str arn, struct note_rule *ret, struct err *err) {
    int found = note_rule_find(c->db, c->arena, arn, ret, err);
    return found == 0 ? err_api(err, &codestar_notifications_ResourceNotFoundException,
                                "Notification rule %.*s does not exist.", STR_ARG(arn))
                      : found - 1;
}

struct aws_principal note_principal(const struct note_rule *rule) {
    return (struct aws_principal){.kind = AWS_PRINCIPAL_SERVICE,
                                  .account = rule->account,
                                  .arn = rule->arn,
                                  .user_id = S(NOTE_SERVICE),
                                  .service = S(NOTE_SERVICE)};
}

/* ---- the rule in EventBridge ---- */

static struct str managed_name(struct arena *a, const struct note_rule *rule) {
    size_t slash = str_rfind_c(rule->arn, '/');
    return str_printf(a, "awscodestarnotifications-%.*s",
                      STR_ARG(str_sub(rule->arn, slash + 1, rule->arn.n)));
}

static int start_listening(struct call *c, const struct note_rule *rule, struct str pattern,
                           struct err *err) {
    struct aws_principal self = note_principal(rule);
    struct aws_target events = call_target(c);
    events.principal = &self;
    const struct events_put_rule_request in = {
        .name = managed_name(c->arena, rule),
        .event_pattern = pattern,
        .state = rule->status,
        .description = S("This rule is used to route notifications. Deleting it ends them."),
    };
    struct events_put_rule_response made;
    struct events_target target = {.id = S("codestar-notifications-events-target"),
                                   .arn = rule->arn};
    const struct events_put_targets_request put = {.rule = in.name, .targets = {&target, 1}};
    struct events_put_targets_response done;
    return events_call_put_rule(&events, c->arena, &in, &made, err) < 0 ||
                   events_call_put_targets(&events, c->arena, &put, &done, err) < 0
               ? -1
               : 0;
}

static int stop_listening(struct call *c, const struct note_rule *rule, struct err *err) {
    struct aws_principal self = note_principal(rule);
    struct aws_target events = call_target(c);
    struct str id = S("codestar-notifications-events-target");
    struct str name = managed_name(c->arena, rule);
    events.principal = &self;
    const struct events_remove_targets_request targets = {.rule = name, .ids = {&id, 1}};
    struct events_remove_targets_response removed;
    const struct events_delete_rule_request in = {.name = name};
    struct events_delete_rule_output out;
    struct err why = ERR_INIT;
    if (events_call_remove_targets(&events, c->arena, &targets, &removed, &why) < 0 &&
        why.api != &events_ResourceNotFoundException) { /* somebody may have forced it away */
        *err = why;
        return -1;
    }
    return events_call_delete_rule(&events, c->arena, &in, &out, err);
}

/* ---- operations ---- */

static bool is_name(struct str name) {
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    c == '-' || c == '_' || c == ' ';
        if (!good) {
            return false;
        }
    }
    return name.n > 0;
}

static struct str ids_text(struct arena *a, const struct str_list *ids) {
    json_t *list cleanup_json = json_array();
    for (size_t i = 0; i < ids->n; i++) {
        json_array_append_new(list, json_from_str(ids->v[i]));
    }
    return json_dump_str(a, list);
}

static int put_tags(struct call *c, struct str arn, const struct str_map *tags, struct err *err) {
    struct str key;
    enum tags_fault fault = tags_check(tags, &key);
    bool many = fault == TAGS_TOO_MANY;
    if (fault != TAGS_OK && !many) {
        return note_invalid(err,
                            "The tag key '%.*s' is too long or reserved, or its value is too "
                            "long.",
                            STR_ARG(key));
    }
    if (!many && tags_put(c->db, arn, tags, err) < 0) {
        if (err->kind != ERR_LIMIT) {
            return -1;
        }
        many = true;
    }
    return many ? err_api(err, &codestar_notifications_LimitExceededException,
                          "A notification rule can have at most %d tags.", TAGS_MAX)
                : 0;
}

static int put_targets(struct call *c, const struct note_rule *rule,
                       const struct codestar_notifications_target_list *targets, struct err *err) {
    for (size_t i = 0; i < targets->n; i++) {
        if (note_add_target(c, rule, &targets->v[i], err) < 0) {
            return -1;
        }
    }
    return 0;
}

static int check_room(struct call *c, struct str resource, struct err *err) {
    struct note_rules all;
    int64_t n = 0;
    if (note_rule_list(c->db, c->arena, c->account, c->region, &all, err) < 0 ||
        note_rule_count(c->db, resource, &n, err) < 0) {
        return -1;
    }
    return all.n < NOTE_RULES_MAX && n < NOTE_RULES_OF_RESOURCE_MAX
               ? 0
               : err_api(err, &codestar_notifications_LimitExceededException,
                         "There are %d notification rules for the resource, or %d in the account: "
                         "no more are possible.",
                         NOTE_RULES_OF_RESOURCE_MAX, NOTE_RULES_MAX);
}

static int pattern_of(struct call *c, struct str resource, const struct str_list *ids,
                      struct str *ret, struct err *err) {
    struct err why = ERR_INIT;
    return event_types_pattern(c->arena, resource, ids, ret, &why) < 0
               ? note_invalid(err, "%s", why.msg)
               : 0;
}

int codestar_notifications_create_notification_rule(
    struct call *c, const struct codestar_notifications_create_notification_rule_request *in,
    struct codestar_notifications_create_notification_rule_result *out, struct err *err) {
    struct note_rule rule = {
        .arn = arn_make(c, "codestar-notifications", "notificationrule/%.*s",
                        STR_ARG(rng_uuid(c->rng, c->arena))),
        .account = c->account,
        .region = c->region,
        .name = in->name,
        .resource = in->resource,
        .detail_type = in->detail_type,
        .status = in->status.p != NULL ? in->status : S("ENABLED"),
        .event_types = ids_text(c->arena, &in->event_type_ids),
        .created_by = c->principal->arn,
        .token = in->client_request_token,
        .created_ms = c->now_ms,
        .modified_ms = c->now_ms,
    };
    struct note_rule have;
    struct str pattern;
    if (!is_name(in->name)) {
        return note_invalid(err,
                            "The name '%.*s' has characters other than letters, digits, "
                            "blanks, - and _.",
                            STR_ARG(in->name));
    }
    int found = note_rule_find_name(c->db, c->arena, c->account, c->region, in->name, &have, err);
    if (found > 0 && in->client_request_token.p != NULL &&
        str_eq(have.token, in->client_request_token)) {
        out->arn = have.arn; /* the same request again */
        return 0;
    }
    if (found != 0) {
        return found < 0 ? -1
                         : err_api(err, &codestar_notifications_ResourceAlreadyExistsException,
                                   "A notification rule with the name %.*s exists already.",
                                   STR_ARG(in->name));
    }
    if (pattern_of(c, in->resource, &in->event_type_ids, &pattern, err) < 0 ||
        check_room(c, in->resource, err) < 0 || note_rule_insert(c->db, &rule, err) < 0) {
        return -1;
    }
    rule.seq = db_last_rowid(c->db);
    out->arn = rule.arn;
    return put_targets(c, &rule, &in->targets, err) < 0 || put_tags(c, rule.arn, &in->tags, err) < 0
               ? -1
               : start_listening(c, &rule, pattern, err);
}

int codestar_notifications_update_notification_rule(
    struct call *c, const struct codestar_notifications_update_notification_rule_request *in,
    struct codestar_notifications_update_notification_rule_result *out, struct err *err) {
    (void)out;
    struct note_rule rule, other;
    struct str pattern;
    if (note_need(c, in->arn, &rule, err) < 0) {
        return -1;
    }
    if (in->name.p != NULL && !str_eq(in->name, rule.name)) {
        int taken =
            note_rule_find_name(c->db, c->arena, c->account, c->region, in->name, &other, err);
        if (taken != 0 || !is_name(in->name)) {
            return taken < 0 ? -1
                             : note_invalid(err, "The name '%.*s' is taken, or is none.",
                                            STR_ARG(in->name));
        }
    }
    rule.name = in->name.p != NULL ? in->name : rule.name;
    rule.status = in->status.p != NULL ? in->status : rule.status;
    rule.detail_type = in->detail_type.p != NULL ? in->detail_type : rule.detail_type;
    if (in->event_type_ids.v != NULL) {
        rule.event_types = ids_text(c->arena, &in->event_type_ids);
    }
    rule.modified_ms = c->now_ms;
    json_t *list cleanup_json = json_parse(rule.event_types, err);
    struct str_list ids = {NULL, 0};
    for (size_t i = 0; i < json_array_size(list); i++) {
        *arena_push(c->arena, &ids) = json_text(json_array_get(list, i));
    }
    if (pattern_of(c, rule.resource, &ids, &pattern, err) < 0 ||
        note_rule_update(c->db, &rule, err) < 0) {
        return -1;
    }
    if (in->targets.v != NULL && (note_target_clear(c->db, rule.seq, err) < 0 ||
                                  put_targets(c, &rule, &in->targets, err) < 0)) {
        return -1;
    }
    return start_listening(c, &rule, pattern, err);
}

int codestar_notifications_delete_notification_rule(
    struct call *c, const struct codestar_notifications_delete_notification_rule_request *in,
    struct codestar_notifications_delete_notification_rule_result *out, struct err *err) {
    struct note_rule rule;
    int found = note_rule_find(c->db, c->arena, in->arn, &rule, err);
    if (found <= 0) {
        return found; /* no error when it is gone, and no ARN */
    }
    out->arn = rule.arn;
    return stop_listening(c, &rule, err) < 0 || tags_drop(c->db, rule.arn, err) < 0
               ? -1
               : note_rule_remove(c->db, rule.seq, err);
}

int codestar_notifications_tag_resource(
    struct call *c, const struct codestar_notifications_tag_resource_request *in,
    struct codestar_notifications_tag_resource_result *out, struct err *err) {
    struct note_rule rule;
    return note_need(c, in->arn, &rule, err) < 0 || put_tags(c, rule.arn, &in->tags, err) < 0
               ? -1
               : tags_get(c->db, c->arena, rule.arn, &out->tags, err);
}

int codestar_notifications_untag_resource(
    struct call *c, const struct codestar_notifications_untag_resource_request *in,
    struct codestar_notifications_untag_resource_result *out, struct err *err) {
    (void)out;
    struct note_rule rule;
    return note_need(c, in->arn, &rule, err) < 0 ? -1
                                                 : tags_remove(c->db, rule.arn, &in->tag_keys, err);
}

int codestar_notifications_list_tags_for_resource(
    struct call *c, const struct codestar_notifications_list_tags_for_resource_request *in,
    struct codestar_notifications_list_tags_for_resource_result *out, struct err *err) {
    struct note_rule rule;
    return note_need(c, in->arn, &rule, err) < 0
               ? -1
               : tags_get(c->db, c->arena, rule.arn, &out->tags, err);
}
