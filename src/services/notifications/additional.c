/* Implementation of additional.h. */
#include "services/notifications/additional.h"

#include "gen/codepipeline.h"

struct learning {
    struct arena *arena;
    struct str execution;
    struct str stage;  /* of the event; or absent */
    struct str action; /* of the event; or absent */
    const struct codepipeline_action_execution_detail_list *actions;
};

static struct str category(const struct codepipeline_action_execution_detail *d) {
    return d->input != NULL && d->input->action_type_id != NULL ? d->input->action_type_id->category
                                                                : STR_NONE;
}

static const struct codepipeline_action_execution_result *result_of(
    const struct codepipeline_action_execution_detail *d) {
    return d->output != NULL ? d->output->execution_result : NULL;
}

/* {"action", "additionalInformation"} of every action that failed, and the stage of the first. */
static void add_failed(const struct learning *l, json_t *ret) {
    json_t *failed cleanup_json = json_array();
    struct str stage = STR_NONE;
    for (size_t i = 0; i < l->actions->n; i++) {
        const struct codepipeline_action_execution_detail *d = &l->actions->v[i];
        bool meant = (l->stage.p == NULL || str_eq(l->stage, d->stage_name)) &&
                     (l->action.p == NULL || str_eq(l->action, d->action_name));
        if (!str_is(d->status, "Failed") || !meant) {
            continue;
        }
        const struct codepipeline_action_execution_result *r = result_of(d);
        struct str why = r != NULL ? r->external_execution_summary : STR_NONE;
        why = why.n == 0 && r != NULL && r->error_details != NULL ? r->error_details->message : why;
        json_t *one = json_object();
        json_set_str(one, "action", d->action_name);
        json_set_str(one, "additionalInformation", why);
        json_array_append_new(failed, one);
        stage = stage.p != NULL ? stage : d->stage_name;
    }
    if (json_array_size(failed) > 0) {
        json_set(ret, "failedActionCount", json_integer((json_int_t)json_array_size(failed)));
        json_set(ret, "failedActions", json_incref(failed));
        json_set_str(ret, "failedStage", stage);
    }
}

static void add_sources(const struct learning *l, json_t *ret) {
    json_t *sources cleanup_json = json_array();
    for (size_t i = 0; i < l->actions->n; i++) {
        const struct codepipeline_action_execution_detail *d = &l->actions->v[i];
        if (!str_is(category(d), "Source") || d->output == NULL) {
            continue;
        }
        json_t *one = json_object();
        json_t *variables = json_object();
        for (size_t k = 0; k < d->output->output_variables.n; k++) {
            const struct str_pair *p = &d->output->output_variables.v[k];
            json_set_str(variables, str_z(l->arena, p->key), p->value);
        }
        json_set_str(one, "sourceActionName", d->action_name);
        json_set_str(one, "sourceActionProvider", d->input->action_type_id->provider);
        json_set(one, "sourceActionVariables", variables);
        json_array_append_new(sources, one);
    }
    if (json_array_size(sources) > 0) {
        json_set(ret, "sourceActions", json_incref(sources));
    }
}

/* What the approval asks its people. */
static void add_approval(const struct learning *l, json_t *ret) {
    static const char *const names[][2] = {{"CustomData", "customData"},
                                           {"ExternalEntityLink", "externalEntityLink"}};
    for (size_t i = 0; i < l->actions->n; i++) {
        const struct codepipeline_action_execution_detail *d = &l->actions->v[i];
        if (!str_is(category(d), "Approval") || !str_eq(d->action_name, l->action) ||
            !str_eq(d->stage_name, l->stage)) {
            continue;
        }
        for (size_t k = 0; k < 2; k++) {
            struct str value = str_map_get(&d->input->resolved_configuration, str_c(names[k][0]));
            value =
                value.p != NULL ? value : str_map_get(&d->input->configuration, str_c(names[k][0]));
            json_set_str(ret, names[k][1], value);
        }
        return; /* the newest one comes first */
    }
}

json_t *additional_attributes(const struct aws_target *target, struct arena *a,
                              const json_t *event) {
    const json_t *detail = json_object_get(event, "detail");
    json_t *ret = json_object();
    struct err ignored = ERR_INIT;
    struct codepipeline_action_execution_filter filter = {.pipeline_execution_id =
                                                              json_str(detail, "execution-id")};
    const struct codepipeline_list_action_executions_input in = {
        .pipeline_name = json_str(detail, "pipeline"), .filter = &filter};
    struct codepipeline_list_action_executions_output out = {0};
    if (in.pipeline_name.p == NULL || filter.pipeline_execution_id.p == NULL ||
        codepipeline_call_list_action_executions(target, a, &in, &out, &ignored) < 0) {
        return ret;
    }
    const struct learning l = {.arena = a,
                               .execution = filter.pipeline_execution_id,
                               .stage = json_str(detail, "stage"),
                               .action = json_str(detail, "action"),
                               .actions = &out.action_execution_details};
    if (str_is(json_str(detail, "state"), "FAILED")) {
        add_failed(&l, ret);
    }
    add_sources(&l, ret);
    add_approval(&l, ret);
    return ret;
}
