/* What notification rules, targets and event types there are. */
#include "platform/text/json.h"
#include "services/core/page.h"
#include "services/core/tags.h"
#include "services/notifications/event_types.h"
#include "services/notifications/notifications.h"

enum { PAGE = 100 };

static struct codestar_notifications_event_type_summary summary_of(const struct event_type *t) {
    return (struct codestar_notifications_event_type_summary){str_c(t->id), str_c(t->service),
                                                              str_c(t->name), str_c(t->resource)};
}

/* A page of n things: from *ret_first, at most *ret_n. */
static int begin_page(struct call *c, struct str token, bool has_max, int32_t max, size_t n,
                      size_t *ret_first, size_t *ret_n, struct err *err) {
    int64_t first = 0;
    if (!page_key_i64(c, token, &first) || first < 0) {
        return err_api(err, &codestar_notifications_InvalidNextTokenException,
                       "The value for the enumeration token used in the request to return the next "
                       "batch of the results is not valid.");
    }
    size_t most = has_max ? (size_t)max : PAGE;
    *ret_first = (size_t)first < n ? (size_t)first : n;
    *ret_n = n - *ret_first < most ? n - *ret_first : most;
    return 0;
}

static struct str end_page(struct call *c, size_t end, size_t n) {
    return end < n ? page_token_i64(c, (int64_t)end) : STR_NONE;
}

int codestar_notifications_list_event_types(
    struct call *c, const struct codestar_notifications_list_event_types_request *in,
    struct codestar_notifications_list_event_types_result *out, struct err *err) {
    size_t n = 0, first = 0, count = 0;
    const struct event_type *all = event_types(&n);
    struct codestar_notifications_event_type_summary_list found = {
        arena_new_n(c->arena, struct codestar_notifications_event_type_summary, n), 0};
    for (size_t i = 0; i < n; i++) {
        bool wanted = true;
        for (size_t k = 0; k < in->filters.n; k++) {
            bool by_service = str_is(in->filters.v[k].name, "SERVICE_NAME");
            const char *have = by_service ? all[i].service : all[i].resource;
            wanted = wanted && str_ieq(in->filters.v[k].value, str_c(have));
        }
        if (wanted) {
            found.v[found.n++] = summary_of(&all[i]);
        }
    }
    if (begin_page(c, in->next_token, in->has_max_results, in->max_results, found.n, &first, &count,
                   err) < 0) {
        return -1;
    }
    out->event_types.v = found.v + first;
    out->event_types.n = count;
    out->next_token = end_page(c, first + count, found.n);
    return 0;
}

static bool has_event(const struct note_rule *rule, struct str id) {
    struct err ignored = ERR_INIT;
    json_t *list cleanup_json = json_parse(rule->event_types, &ignored);
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (str_eq(json_text(json_array_get(list, i)), id)) {
            return true;
        }
    }
    return false;
}

/* 1 wanted, 0 not, -1 error. */
static int fits(struct call *c, const struct note_rule *rule, struct str name, struct str value,
                struct err *err) {
    if (str_is(name, "EVENT_TYPE_ID")) {
        return has_event(rule, value);
    }
    if (str_is(name, "CREATED_BY")) {
        return str_eq(rule->created_by, value);
    }
    if (str_is(name, "RESOURCE")) {
        return str_eq(rule->resource, value);
    }
    struct note_targets targets;
    if (note_target_list(c->db, c->arena, rule->seq, &targets, err) < 0) {
        return -1;
    }
    int found = 0;
    for (size_t i = 0; i < targets.n; i++) {
        found = found || str_eq(targets.v[i].address, value);
    }
    return found;
}

int codestar_notifications_list_notification_rules(
    struct call *c, const struct codestar_notifications_list_notification_rules_request *in,
    struct codestar_notifications_list_notification_rules_result *out, struct err *err) {
    struct note_rules rules;
    size_t n = 0, first = 0, count = 0;
    if (note_rule_list(c->db, c->arena, c->account, c->region, &rules, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < rules.n; i++) {
        int wanted = 1;
        for (size_t k = 0; k < in->filters.n && wanted > 0; k++) {
            wanted = fits(c, &rules.v[i], in->filters.v[k].name, in->filters.v[k].value, err);
        }
        if (wanted < 0) {
            return -1;
        }
        if (wanted > 0) {
            rules.v[n++] = rules.v[i];
        }
    }
    if (begin_page(c, in->next_token, in->has_max_results, in->max_results, n, &first, &count,
                   err) < 0) {
        return -1;
    }
    out->notification_rules.v =
        arena_new_n(c->arena, struct codestar_notifications_notification_rule_summary, count + 1);
    for (size_t i = first; i < first + count; i++) {
        struct str arn = rules.v[i].arn;
        out->notification_rules.v[out->notification_rules.n++] =
            (struct codestar_notifications_notification_rule_summary){
                .id = str_sub(arn, str_rfind_c(arn, '/') + 1, arn.n), .arn = arn};
    }
    out->next_token = end_page(c, first + count, n);
    return 0;
}

static struct codestar_notifications_target_summary target_summary(const struct note_target *t) {
    return (struct codestar_notifications_target_summary){
        .target_address = t->address, .target_type = t->type, .target_status = t->status};
}

int codestar_notifications_list_targets(
    struct call *c, const struct codestar_notifications_list_targets_request *in,
    struct codestar_notifications_list_targets_result *out, struct err *err) {
    struct note_targets all;
    size_t n = 0, first = 0, count = 0;
    if (note_target_all(c->db, c->arena, c->account, c->region, &all, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < all.n; i++) {
        bool wanted = true;
        for (size_t k = 0; k < in->filters.n; k++) {
            struct str name = in->filters.v[k].name;
            struct str have = str_is(name, "TARGET_TYPE")      ? all.v[i].type
                              : str_is(name, "TARGET_ADDRESS") ? all.v[i].address
                                                               : all.v[i].status;
            wanted = wanted && str_eq(have, in->filters.v[k].value);
        }
        if (wanted) {
            all.v[n++] = all.v[i];
        }
    }
    if (begin_page(c, in->next_token, in->has_max_results, in->max_results, n, &first, &count,
                   err) < 0) {
        return -1;
    }
    out->targets.v = arena_new_n(c->arena, struct codestar_notifications_target_summary, count + 1);
    for (size_t i = first; i < first + count; i++) {
        out->targets.v[out->targets.n++] = target_summary(&all.v[i]);
    }
    out->next_token = end_page(c, first + count, n);
    return 0;
}

int codestar_notifications_describe_notification_rule(
    struct call *c, const struct codestar_notifications_describe_notification_rule_request *in,
    struct codestar_notifications_describe_notification_rule_result *out, struct err *err) {
    struct note_rule rule;
    struct note_targets targets;
    if (note_need(c, in->arn, &rule, err) < 0 ||
        note_target_list(c->db, c->arena, rule.seq, &targets, err) < 0 ||
        tags_get(c->db, c->arena, rule.arn, &out->tags, err) < 0) {
        return -1;
    }
    json_t *ids cleanup_json = json_parse(rule.event_types, err);
    size_t n = json_array_size(ids);
    out->arn = rule.arn;
    out->name = rule.name;
    out->resource = rule.resource;
    out->detail_type = rule.detail_type;
    out->created_by = rule.created_by;
    out->status = rule.status;
    out->created_timestamp = rule.created_ms;
    out->last_modified_timestamp = rule.modified_ms;
    out->has_created_timestamp = out->has_last_modified_timestamp = true;
    out->event_types.v =
        arena_new_n(c->arena, struct codestar_notifications_event_type_summary, n + 1);
    for (size_t i = 0; i < n; i++) {
        const struct event_type *t = event_type_find(json_text(json_array_get(ids, i)));
        if (t != NULL) {
            out->event_types.v[out->event_types.n++] = summary_of(t);
        }
    }
    out->targets.v =
        arena_new_n(c->arena, struct codestar_notifications_target_summary, targets.n + 1);
    for (size_t i = 0; i < targets.n; i++) {
        out->targets.v[out->targets.n++] = target_summary(&targets.v[i]);
    }
    return 0;
}
