/* Metric filters, subscription filters and resource policies. Metric filters publish as events
 * arrive; subscriptions are kept and shown, and deliver nothing (docs/limits.md). */
#include "services/logs/logs.h"

#include "gen/cloudwatch.h"
#include "platform/text/json.h"
#include "services/core/page.h"
#include "services/logs/pattern.h"

#include <math.h>

enum { MAX_FILTERS = 100, MAX_SUBSCRIPTIONS = 2, MAX_DATA = 1000 /* of one PutMetricData */ };
#define MOST_VALUE 2.35e108 /* of a datum, by PutMetricData's documentation */

static int check_pattern(struct call *c, struct str text, struct err *err) {
    struct pattern *pattern = NULL;
    struct err why = ERR_INIT;
    if (pattern_parse(c->arena, text, &pattern, &why) < 0) {
        return err_api(err, &logs_InvalidParameterException, "%s", why.msg);
    }
    return 0;
}

static int remove_filter(struct call *c, struct str group, const char *kind, struct str name,
                         struct err *err) {
    struct log_group g;
    if (logs_group(c, group, STR_NONE, &g, err) < 0) {
        return -1;
    }
    int removed = log_filter_remove(c->db, g.id, kind, name, err);
    if (removed == 0) {
        return err_api(err, &logs_ResourceNotFoundException,
                       "The specified %s filter does not exist.", kind);
    }
    return removed < 0 ? -1 : 0;
}

/* ---- metric filters ---- */

static struct str transformation_json(struct arena *a, const struct logs_metric_transformation *t) {
    json_t *o cleanup_json = json_object();
    json_set_str(o, "name", t->metric_name);
    json_set_str(o, "namespace", t->metric_namespace);
    json_set_str(o, "value", t->metric_value);
    json_set_str(o, "unit", t->unit);
    if (t->has_default_value) {
        json_set(o, "default", json_real(t->default_value));
    }
    return json_dump_str(a, o);
}

static void transformation_read(struct arena *a, struct str json,
                                struct logs_metric_transformation *ret) {
    struct err ignored = ERR_INIT;
    json_t *o cleanup_json = json_parse(json, &ignored);
    *ret = (struct logs_metric_transformation){
        .metric_name = str_dup(a, json_str(o, "name")),
        .metric_namespace = str_dup(a, json_str(o, "namespace")),
        .metric_value = str_dup(a, json_str(o, "value")),
        .unit = str_dup(a, json_str(o, "unit")),
        .has_default_value = json_object_get(o, "default") != NULL,
        .default_value = json_number(o, "default"),
    };
}

int logs_put_metric_filter(struct call *c, const struct logs_put_metric_filter_request *in,
                           struct logs_put_metric_filter_output *out, struct err *err) {
    (void)out;
    struct log_group g;
    const struct logs_metric_transformation *t = &in->metric_transformations.v[0];
    if (t->dimensions.n > 0) {
        return err_api(err, &logs_InvalidParameterException,
                       "Dimensions of metric filters are not available here; see docs/limits.md");
    }
    if (logs_group(c, in->log_group_name, STR_NONE, &g, err) < 0 ||
        check_pattern(c, in->filter_pattern, err) < 0) {
        return -1;
    }
    struct log_filter f = {in->filter_name, in->filter_pattern, transformation_json(c->arena, t),
                           c->now_ms};
    return log_filter_put(c->db, g.id, "metric", &f, err);
}

int logs_delete_metric_filter(struct call *c, const struct logs_delete_metric_filter_request *in,
                              struct logs_delete_metric_filter_output *out, struct err *err) {
    (void)out;
    return remove_filter(c, in->log_group_name, "metric", in->filter_name, err);
}

static int list_group(struct call *c, const struct logs_describe_metric_filters_request *in,
                      const struct log_group *g, struct logs_describe_metric_filters_response *out,
                      struct err *err) {
    struct log_filter_list list;
    if (log_filter_list(c->db, c->arena, g->id, "metric", in->filter_name_prefix, STR_NONE,
                        MAX_FILTERS, &list, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < list.n; i++) {
        struct logs_metric_transformation *t =
            arena_new(c->arena, struct logs_metric_transformation);
        transformation_read(c->arena, list.v[i].detail, t);
        if (in->metric_name.p != NULL && (!str_eq(in->metric_name, t->metric_name) ||
                                          !str_eq(in->metric_namespace, t->metric_namespace))) {
            continue;
        }
        *arena_push(c->arena, &out->metric_filters) = (struct logs_metric_filter){
            .filter_name = list.v[i].name,
            .filter_pattern = list.v[i].pattern,
            .metric_transformations = {t, 1},
            .creation_time = list.v[i].created_ms,
            .has_creation_time = true,
            .log_group_name = g->name,
        };
    }
    return 0;
}

int logs_describe_metric_filters(struct call *c,
                                 const struct logs_describe_metric_filters_request *in,
                                 struct logs_describe_metric_filters_response *out,
                                 struct err *err) {
    struct log_group g;
    out->metric_filters.v = arena_alloc(c->arena, 1);
    if (in->log_group_name.p != NULL) {
        return logs_group(c, in->log_group_name, STR_NONE, &g, err) < 0
                   ? -1
                   : list_group(c, in, &g, out, err);
    }
    struct log_group_list groups;
    struct str after = STR_NONE;
    do {
        if (log_group_list(c->db, c->arena, c->account, c->region, after, STR_NONE, STR_NONE, 200,
                           &groups, err) < 0) {
            return -1;
        }
        for (size_t i = 0; i < groups.n; i++) {
            after = groups.v[i].name;
            if (groups.v[i].metric_filters > 0 && list_group(c, in, &groups.v[i], out, err) < 0) {
                return -1;
            }
        }
    } while (groups.n == 200);
    return 0;
}

/* A number, or "$.path" of a JSON message; what is no number that CloudWatch takes counts nothing.
 */
static bool metric_value(struct str text, struct str message, double *ret) {
    if (!str_starts(text, S("$."))) {
        return str_to_double(text, ret) && fabs(*ret) <= MOST_VALUE;
    }
    struct err ignored = ERR_INIT;
    json_t *root cleanup_json = json_parse(message, &ignored);
    const json_t *at = root;
    struct str rest = str_sub(text, 2, text.n);
    struct str part = STR_NONE;
    while (at != NULL && str_cut(&rest, '.', &part)) {
        at = json_object_getn(at, part.p, part.n);
    }
    *ret = json_number_value(at);
    return json_is_number(at) && fabs(*ret) <= MOST_VALUE;
}

static int publish(struct call *c, const struct logs_metric_transformation *t,
                   const struct cloudwatch_metric_datum_list *data, struct err *err) {
    struct aws_principal service = {.kind = AWS_PRINCIPAL_SERVICE,
                                    .account = c->account,
                                    .service = S("logs.amazonaws.com"),
                                    .arn = S("logs.amazonaws.com"),
                                    .user_id = S("logs.amazonaws.com")};
    struct aws_target target = call_target(c);
    target.principal = &service;
    for (size_t i = 0; i < data->n; i += MAX_DATA) {
        size_t n = data->n - i < MAX_DATA ? data->n - i : MAX_DATA;
        struct cloudwatch_put_metric_data_input in = {.namespace = t->metric_namespace,
                                                      .metric_data = {data->v + i, n}};
        struct cloudwatch_put_metric_data_output out = {0};
        if (cloudwatch_call_put_metric_data(&target, c->arena, &in, &out, err) < 0) {
            return -1;
        }
    }
    return 0;
}

static int apply_filter(struct call *c, const struct log_filter *f,
                        const struct logs_input_log_event_list *events, struct err *err) {
    struct pattern *pattern = NULL;
    struct logs_metric_transformation t;
    struct cloudwatch_metric_datum_list data = {0};
    if (pattern_parse(c->arena, f->pattern, &pattern, err) < 0) {
        return -1;
    }
    transformation_read(c->arena, f->detail, &t);
    for (size_t i = 0; i < events->n; i++) {
        double value = 0;
        bool hit = pattern_match(pattern, events->v[i].message) &&
                   metric_value(t.metric_value, events->v[i].message, &value);
        if (!hit && t.has_default_value) {
            value = t.default_value;
        } else if (!hit) {
            continue;
        }
        *arena_push(c->arena, &data) = (struct cloudwatch_metric_datum){
            .metric_name = t.metric_name,
            .timestamp = events->v[i].timestamp,
            .has_timestamp = true,
            .value = value,
            .has_value = true,
            .unit = t.unit,
        };
    }
    return publish(c, &t, &data, err);
}

int logs_apply_metric_filters(struct call *c, const struct log_group *g,
                              const struct logs_input_log_event_list *events, struct err *err) {
    struct log_filter_list list;
    if (c->embedded == NULL || log_filter_list(c->db, c->arena, g->id, "metric", STR_NONE, STR_NONE,
                                               MAX_FILTERS, &list, err) < 0) {
        return c->embedded == NULL ? 0 : -1;
    }
    for (size_t i = 0; i < list.n; i++) {
        if (apply_filter(c, &list.v[i], events, err) < 0) {
            return -1;
        }
    }
    return 0;
}

/* ---- subscription filters ---- */

int logs_put_subscription_filter(struct call *c,
                                 const struct logs_put_subscription_filter_request *in,
                                 struct logs_put_subscription_filter_output *out, struct err *err) {
    (void)out;
    struct log_group g;
    struct log_filter_list list;
    if (logs_group(c, in->log_group_name, STR_NONE, &g, err) < 0 ||
        check_pattern(c, in->filter_pattern, err) < 0 ||
        log_filter_list(c->db, c->arena, g.id, "subscription", STR_NONE, STR_NONE, MAX_FILTERS,
                        &list, err) < 0) {
        return -1;
    }
    bool there = false;
    for (size_t i = 0; i < list.n; i++) {
        there = there || str_eq(list.v[i].name, in->filter_name);
    }
    if (!there && list.n >= MAX_SUBSCRIPTIONS) {
        return err_api(err, &logs_LimitExceededException, "Resource limit exceeded.");
    }
    json_t *o cleanup_json = json_object();
    json_set_str(o, "destination", in->destination_arn);
    json_set_str(o, "role", in->role_arn);
    json_set_str(o, "distribution", in->distribution.p ? in->distribution : S("ByLogStream"));
    struct log_filter f = {in->filter_name, in->filter_pattern, json_dump_str(c->arena, o),
                           c->now_ms};
    return log_filter_put(c->db, g.id, "subscription", &f, err);
}

int logs_delete_subscription_filter(struct call *c,
                                    const struct logs_delete_subscription_filter_request *in,
                                    struct logs_delete_subscription_filter_output *out,
                                    struct err *err) {
    (void)out;
    return remove_filter(c, in->log_group_name, "subscription", in->filter_name, err);
}

int logs_describe_subscription_filters(struct call *c,
                                       const struct logs_describe_subscription_filters_request *in,
                                       struct logs_describe_subscription_filters_response *out,
                                       struct err *err) {
    struct log_group g;
    struct log_filter_list list;
    if (logs_group(c, in->log_group_name, STR_NONE, &g, err) < 0 ||
        log_filter_list(c->db, c->arena, g.id, "subscription", in->filter_name_prefix, STR_NONE,
                        MAX_FILTERS, &list, err) < 0) {
        return -1;
    }
    out->subscription_filters.v =
        arena_new_n(c->arena, struct logs_subscription_filter, list.n + 1);
    out->subscription_filters.n = list.n;
    for (size_t i = 0; i < list.n; i++) {
        json_t *o cleanup_json = json_parse(list.v[i].detail, err);
        if (o == NULL) {
            return -1;
        }
        out->subscription_filters.v[i] = (struct logs_subscription_filter){
            .filter_name = list.v[i].name,
            .log_group_name = g.name,
            .filter_pattern = list.v[i].pattern,
            .destination_arn = str_dup(c->arena, json_str(o, "destination")),
            .role_arn = str_dup(c->arena, json_str(o, "role")),
            .distribution = str_dup(c->arena, json_str(o, "distribution")),
            .creation_time = list.v[i].created_ms,
            .has_creation_time = true,
        };
    }
    return 0;
}

/* ---- resource policies ---- */

int logs_put_resource_policy(struct call *c, const struct logs_put_resource_policy_request *in,
                             struct logs_put_resource_policy_response *out, struct err *err) {
    struct err why = ERR_INIT;
    json_t *document cleanup_json = json_parse(in->policy_document, &why);
    if (in->policy_name.n == 0 || !json_is_object(document)) {
        return err_api(err, &logs_InvalidParameterException,
                       "A resource policy has a name and a document that is JSON.");
    }
    if (log_policy_put(c->db, c->account, c->region, in->policy_name, in->policy_document,
                       c->now_ms, err) < 0) {
        return -1;
    }
    out->resource_policy = arena_new(c->arena, struct logs_resource_policy);
    out->resource_policy->policy_name = in->policy_name;
    out->resource_policy->policy_document = in->policy_document;
    out->resource_policy->last_updated_time = c->now_ms;
    out->resource_policy->has_last_updated_time = true;
    return 0;
}

int logs_delete_resource_policy(struct call *c,
                                const struct logs_delete_resource_policy_request *in,
                                struct logs_delete_resource_policy_output *out, struct err *err) {
    (void)out;
    int removed = log_policy_remove(c->db, c->account, c->region, in->policy_name, err);
    if (removed == 0) {
        return err_api(err, &logs_ResourceNotFoundException,
                       "Policy with name [%.*s] does not exist", STR_ARG(in->policy_name));
    }
    return removed < 0 ? -1 : 0;
}

int logs_describe_resource_policies(struct call *c,
                                    const struct logs_describe_resource_policies_request *in,
                                    struct logs_describe_resource_policies_response *out,
                                    struct err *err) {
    (void)in;
    struct str_map map;
    if (log_policy_list(c->db, c->arena, c->account, c->region, &map, err) < 0) {
        return -1;
    }
    out->resource_policies.v = arena_new_n(c->arena, struct logs_resource_policy, map.n + 1);
    out->resource_policies.n = map.n;
    for (size_t i = 0; i < map.n; i++) {
        out->resource_policies.v[i].policy_name = map.v[i].key;
        out->resource_policies.v[i].policy_document = map.v[i].value;
    }
    return 0;
}
