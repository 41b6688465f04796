/* Values of variables that lie in Parameter Store: one GetParameters per ten, decrypted, as the
 * project's role. What is missing or denied fails the build before any command has run. */
#include "flow/build/supervision.h"

#include "gen/ssm.h"

enum { BATCH = 10 };

static const char code[] = "Decrypted Variables Error";

/* Distinct names of all references. */
static struct str_list references(struct supervision *s) {
    struct str_list names = {0};
    for (size_t i = 0; i < s->env.n; i++) {
        const struct env_var *var = &s->env.v[i];
        if (var->type == ENV_PARAMETER_STORE && !str_list_has(&names, var->value)) {
            *arena_push(&s->arena, &names) = var->value;
        }
    }
    return names;
}

static int get_batch(struct supervision *s, const struct str_list *names,
                     struct ssm_get_parameters_result *ret, struct err *err) {
    int64_t since = clock_mono_ms(s->clock);
    struct ssm_get_parameters_request in = {
        .names = *names, .with_decryption = true, .has_with_decryption = true};
    int result = 0;
    account_begin(s);
    do {
        struct aws_target target;
        *ret = (struct ssm_get_parameters_result){0};
        result = account_target(s, &s->arena, &target, err) < 0
                     ? -1
                     : ssm_call_get_parameters(&target, &s->arena, &in, ret, err);
    } while (result < 0 && account_retry(s, since, err));
    return result;
}

/* A parameter answers to its name, to its ARN, and to either with ":version". */
static bool answers_to(const struct ssm_parameter *p, struct str reference) {
    if (p->selector.n > 0 && str_ends(reference, p->selector)) {
        reference = str_sub(reference, 0, reference.n - p->selector.n);
    }
    return str_eq(p->name, reference) || str_eq(p->arn, reference);
}

static void set_values(struct supervision *s, const struct ssm_parameter *p) {
    for (size_t i = 0; i < s->env.n; i++) {
        struct env_var *var = &s->env.v[i];
        if (var->type == ENV_PARAMETER_STORE && answers_to(p, var->value)) {
            var->value = p->value;
            var->type = ENV_PLAINTEXT;
        }
    }
}

/* Hides the value; the variable is named on the build's page if it cannot be hidden. */
static bool hide(struct supervision *s, const struct env_var *var, json_t *unmasked,
                 struct phase_end *end) {
    enum secret_verdict verdict = build_log_hide(s->log, var->value);
    if (verdict == SECRET_TOO_MUCH) {
        *end =
            phase_failed(s, code, "%s: " STR_FMT, secret_verdict_text(verdict), STR_ARG(var->name));
        return false;
    }
    if (verdict != SECRET_HIDDEN) {
        json_t *one = json_object();
        json_set_str(one, "name", var->name);
        json_set_str(one, "reason", str_c(secret_verdict_text(verdict)));
        json_array_append_new(unmasked, one);
    }
    return true;
}

/* Which variable, which parameter, whose account, which role: what a person needs to mend it. */
static struct phase_end missing(struct supervision *s) {
    for (size_t i = 0; i < s->env.n; i++) {
        const struct env_var *var = &s->env.v[i];
        if (var->type == ENV_PARAMETER_STORE) {
            return phase_failed(s, code,
                                "Parameter does not exist: " STR_FMT " (variable " STR_FMT
                                ", account " STR_FMT ", asked as " STR_FMT ")",
                                STR_ARG(var->value), STR_ARG(var->name), STR_ARG(s->plan.account),
                                STR_ARG(s->plan.role_arn));
        }
    }
    return phase_well();
}

static struct phase_end hide_all(struct supervision *s, const bool *of_store) {
    struct phase_end end = phase_well();
    struct err err = ERR_INIT;
    json_t *unmasked = json_array();
    for (size_t i = 0; i < s->env.n && end.status == PHASE_SUCCEEDED; i++) {
        /* one that was not found holds its reference still: no secret, and needed in the message */
        bool found = of_store[i] && s->env.v[i].type != ENV_PARAMETER_STORE;
        if (found && !hide(s, &s->env.v[i], unmasked, &end)) {
            break;
        }
    }
    json_t *event = json_object();
    json_set(event, "variables", unmasked);
    if (build_events_add(s->events, "unmasked", event, &err) < 0) {
        end = phase_failed(s, "CLIENT_ERROR", "%s", err.msg);
    }
    return end;
}

struct phase_end fetch_parameters(struct supervision *s) {
    struct str_list names = references(s);
    if (names.n == 0) {
        return phase_well();
    }
    build_log_line(s->log, "Decrypting parameter store environment variables");
    bool *of_store = arena_new_n(&s->arena, bool, s->env.n);
    for (size_t i = 0; i < s->env.n; i++) {
        of_store[i] = s->env.v[i].type == ENV_PARAMETER_STORE;
    }
    for (size_t i = 0; i < names.n; i += BATCH) {
        struct err err = ERR_INIT;
        struct ssm_get_parameters_result got;
        struct str_list batch = {names.v + i, names.n - i < BATCH ? names.n - i : BATCH};
        if (get_batch(s, &batch, &got, &err) < 0) {
            return phase_failed(s, code,
                                "%s (account " STR_FMT ", asked as " STR_FMT ", for " STR_FMT "%s)",
                                err.msg, STR_ARG(s->plan.account), STR_ARG(s->plan.role_arn),
                                STR_ARG(batch.v[0]), batch.n > 1 ? " and others" : "");
        }
        for (size_t k = 0; k < got.parameters.n; k++) {
            set_values(s, &got.parameters.v[k]);
        }
    }
    struct phase_end end = hide_all(s, of_store);
    return end.status == PHASE_SUCCEEDED ? missing(s) : end;
}
