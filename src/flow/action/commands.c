/* Compute/Commands: commands without a project, in one build with the action's own rights. */
#include "flow/action/commands.h"

#include "flow/action/build_order.h"
#include "flow/action/providers.h"

void commands_roles(struct str pipeline_role, struct str own, struct loose_build *loose,
                    struct build_order *order) {
    loose->role_arn = own.n > 0 ? own : pipeline_role;
    order->rights.service = S("codepipeline.amazonaws.com");
    order->rights.via = own.n > 0 ? pipeline_role : STR_NONE;
}

int commands_check(struct str environment_type, struct err *err) {
    return environment_type.n == 0 || str_is(environment_type, "LINUX_CONTAINER")
               ? 0
               : err_set(err, ERR_UNSUPPORTED,
                         "EnvironmentType %.*s is not available here, LINUX_CONTAINER is; see "
                         "docs/limits.md",
                         STR_ARG(environment_type));
}

static int add_variables(struct action_run *run, struct build_order *order, struct err *err) {
    for (size_t i = 0; i < run->environment.n; i++) {
        const struct def_env *from = &run->environment.v[i];
        struct env_var var = {from->name, from->value, ENV_PLAINTEXT, true};
        if (from->type.n > 0 && !env_type_parse(from->type, &var.type)) {
            return err_set(err, ERR_INVALID, "environment variable %.*s: type %.*s is unknown",
                           STR_ARG(from->name), STR_ARG(from->type));
        }
        env_put(run->arena, &order->env, var);
    }
    return 0;
}

static int make(void *ud, struct action_run *run, struct str *ret_uuid, struct err *err) {
    return loose_start(run->flow, run->arena, ud, ret_uuid, err);
}

int action_commands_start(struct action_run *run, bool *ret_ended, struct action_end *ret_end,
                          struct err *err) {
    (void)ret_ended;
    (void)ret_end;
    struct aws_target target;
    struct build_order order;
    struct loose_build loose = {
        .order = &order,
        .pipeline = run->pipeline.name,
        .compute_type = action_setting(run, "ComputeType"),
        .commands = run->commands,
        .exported = run->decl->output_variables,
    };
    if (run->decl->output_files.n > 0) {
        loose.files = run->decl->output_files.v[0].files;
    }
    if (commands_check(action_setting(run, "EnvironmentType"), err) < 0 ||
        action_target(run, &target, err) < 0 || build_order_common(run, &target, &order, err) < 0 ||
        add_variables(run, &order, err) < 0) {
        return -1;
    }
    commands_roles(run->def.role_arn, run->decl->role_arn, &loose, &order);
    return build_order_launch(run, make, &loose, err);
}
