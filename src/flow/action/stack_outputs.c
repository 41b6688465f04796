/* Implementation of stack_outputs.h. */
#include "flow/action/stack_outputs.h"

#include "flow/action/artifacts.h"
#include "platform/text/json.h"

static json_t *outputs_object(struct arena *a, const struct cloudformation_stack *stack) {
    json_t *o = json_object();
    for (size_t i = 0; i < stack->outputs.n; i++) {
        json_set_str(o, str_z(a, stack->outputs.v[i].output_key), stack->outputs.v[i].output_value);
    }
    return o;
}

int stack_outputs(struct action_run *run, const struct aws_target *target,
                  const struct cloudformation_stack *stack, struct action_end *ret,
                  struct err *err) {
    json_t *o cleanup_json = outputs_object(run->arena, stack);
    if (run->decl->outputs.n > 0) {
        struct action_artifact artifact = action_output(run, run->decl->outputs.v[0]);
        struct str text = json_dump_pretty(run->arena, o);
        if (action_output_text(run, target, action_setting(run, "OutputFileName"), text, &artifact,
                               err) < 0 ||
            action_store_outputs(run, &artifact, 1, &ret->outputs, err) < 0) {
            return -1;
        }
    }
    json_set_str(o, "StackName", stack->stack_name);
    ret->output_variables = json_dump_str(run->arena, o);
    return 0;
}
