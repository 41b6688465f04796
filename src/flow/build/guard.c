/*
 * A plan stage's guard inside of the container: a program called terraform that comes first in PATH
 * and refuses what changes anything, and, for whoever calls Terraform by its path, an argument that
 * `apply` and its like do not know. Both are for saying why; what holds is the session policy
 * (plan_guard.h).
 */
#include "flow/build/supervision.h"

#define GUARD_DIR "/usr/local/lib/trunkline-plan"
#define GUARD_MARK "/codebuild/output/.plan-stage"

extern const char plan_guard_sh[];
extern const unsigned long plan_guard_sh_size;

static const char path_prefix[] = "PATH=" GUARD_DIR ":";
static const char *const arguments[] = {
    "TF_CLI_ARGS_apply=-denied-in-a-plan-stage",
    "TF_CLI_ARGS_destroy=-denied-in-a-plan-stage",
    "TF_CLI_ARGS_import=-denied-in-a-plan-stage",
    "TF_CLI_ARGS_refresh=-denied-in-a-plan-stage",
};

static void extend_environment(struct supervision *s) {
    size_t n = 0;
    size_t more = sizeof(arguments) / sizeof(arguments[0]);
    while (s->base_env[n] != NULL) {
        n++;
    }
    const char **env = arena_new_n(&s->arena, const char *, n + more + 1);
    for (size_t i = 0; i < n; i++) {
        bool path = strncmp(s->base_env[i], "PATH=", 5) == 0;
        env[i] = path ? str_printf(&s->arena, "%s%s", path_prefix, s->base_env[i] + 5).p
                      : s->base_env[i];
    }
    memcpy(&env[n], arguments, sizeof(arguments));
    s->base_env = env;
}

int offer_guard(struct supervision *s, struct err *err) {
    static const char *const names[] = {GUARD_DIR "/terraform", GUARD_DIR "/tofu"};
    if (!s->plan.guard) {
        return 0;
    }
    if (sandbox_make_folder(s->box, GUARD_DIR, err) < 0) {
        return err_wrap(err, "the plan stage's guard");
    }
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (sandbox_write_file(s->box, names[i], str_n(plan_guard_sh, plan_guard_sh_size), 0755,
                               err) < 0) {
            return err_wrap(err, "the plan stage's guard");
        }
    }
    extend_environment(s);
    build_log_line(s->log, "Plan stage (PLAN=true): terraform apply and AWS calls that write are "
                           "denied, but for locks, new workspaces and the artifacts");
    return 0;
}

struct str guard_reason(struct supervision *s) {
    struct str mark = STR_NONE;
    struct err absent = ERR_INIT;
    if (!s->plan.guard) {
        return S("");
    }
    if (s->box != NULL && !s->box_gone &&
        sandbox_read_file(s->box, &s->arena, GUARD_MARK, 64, &mark, &absent) == 0) {
        return S(". This is a plan stage (PLAN=true): terraform apply is denied; save the plan as "
                 "the action's artifact and apply it in the stage that deploys");
    }
    return S(". This is a plan stage (PLAN=true): AWS calls that write are denied");
}
