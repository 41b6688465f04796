/* LambdaInvoke: passes when the function answers without an error. Only accounts that run functions
 * (an endpoint's, or AWS) can say so. */
#include "flow/stage/rule.h"

#include "gen/lambda.h"

int rule_lambda_look(struct rule_run *run, struct rule_look *ret, struct err *err) {
    struct arena *a = run->check->arena;
    struct aws_target target;
    struct lambda_invocation_request in = {
        .function_name = rule_setting(run, "FunctionName"),
        .payload = rule_setting(run, "UserParameters"),
    };
    struct lambda_invocation_response out = {0};
    if (rule_target(run, &target, err) < 0 || lambda_call_invoke(&target, a, &in, &out, err) < 0) {
        return err_wrap(err, "function %.*s", STR_ARG(in.function_name));
    }
    bool failed = out.function_error.n > 0;
    ret->verdict = failed ? RULE_FAILED : RULE_PASSED;
    ret->summary = failed ? str_printf(a, "Function %.*s ended with an error: %.*s",
                                       STR_ARG(in.function_name), STR_ARG(out.function_error))
                          : str_printf(a, "Function %.*s succeeded", STR_ARG(in.function_name));
    return 0;
}
