/* AWS::Logs::MetricFilter. */
#include "gen/logs.h"
#include "services/cloudformation/types.h"

/* Templates write dimensions as a list of Key and Value, the operation as a map. */
static json_t *transformations(struct cf_call *c) {
    json_t *list = json_deep_copy(json_object_get(c->props, "MetricTransformations"));
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_t *one = json_array_get(list, i);
        json_t *dimensions = json_object_get(one, "Dimensions");
        if (json_is_array(dimensions)) {
            json_t *map = json_object();
            for (size_t j = 0; j < json_array_size(dimensions); j++) {
                const json_t *d = json_array_get(dimensions, j);
                json_set_str(map, str_z(c->arena, json_str(d, "Key")), json_str(d, "Value"));
            }
            json_set(one, "Dimensions", map);
        }
    }
    return list;
}

static int put(struct cf_call *c, struct err *err) {
    json_t *input = json_object();
    json_set_str(input, "filterName", c->physical);
    json_set_str(input, "logGroupName", cf_text(c, c->props, "LogGroupName"));
    json_set_str(input, "filterPattern", cf_text(c, c->props, "FilterPattern"));
    json_set(input, "metricTransformations", transformations(c));
    return cf_invoke(c, &logs_op_put_metric_filter, input, NULL, err);
}

static int create(struct cf_call *c, struct err *err) {
    c->physical = cf_name(c, "FilterName", 512, false);
    return put(c, err);
}

static int remove_filter(struct cf_call *c, struct err *err) {
    json_t *input = json_object();
    json_set_str(input, "filterName", c->physical);
    json_set_str(input, "logGroupName", cf_text(c, c->props, "LogGroupName"));
    int bad = cf_invoke(c, &logs_op_delete_metric_filter, input, NULL, err);
    return bad < 0 && !cf_gone(err, &logs_ResourceNotFoundException) ? -1 : 0;
}

const struct cf_type cf_type_logs_metric_filter = {
    .name = "AWS::Logs::MetricFilter",
    .properties = (const char *const[]){"FilterName", "FilterPattern", "LogGroupName",
                                        "MetricTransformations", NULL},
    .required =
        (const char *const[]){"FilterPattern", "LogGroupName", "MetricTransformations", NULL},
    .fixed = (const char *const[]){"FilterName", "LogGroupName", NULL},
    .attributes = (const char *const[]){NULL},
    .create = create,
    .update = put,
    .remove = remove_filter,
};
