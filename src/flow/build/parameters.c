/* Values of variables that lie in Parameter Store: one GetParameters per ten, decrypted, as the
 * project's role. */
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

/* Which variable, which parameter, whose account, which role: what a person needs to mend it. */
struct phase_end missing_parameter(struct supervision *s) {
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

static const struct env_var *asks_for(const struct supervision *s, struct str reference) {
    for (size_t i = 0; i < s->env.n; i++) {
        if (s->env.v[i].type == ENV_PARAMETER_STORE && str_eq(s->env.v[i].value, reference)) {
            return &s->env.v[i];
        }
    }
    return NULL;
}

/* The answer to ten does not always say which one was refused: each is asked for by itself until
 * that one is found. */
static struct phase_end refused(struct supervision *s, const struct str_list *batch,
                                const struct err *why) {
    struct err own = *why;
    struct str name = batch->v[0];
    bool many = batch->n > 1 && why->kind != ERR_UNAVAILABLE;
    for (size_t i = 0; many && i < batch->n; i++) {
        struct err err = ERR_INIT;
        struct str_list one = {batch->v + i, 1};
        struct ssm_get_parameters_result got;
        if (get_batch(s, &one, &got, &err) < 0) {
            own = err;
            name = batch->v[i];
            break;
        }
    }
    const struct env_var *var = asks_for(s, name);
    return phase_failed(s, code,
                        "%s (variable " STR_FMT ", parameter " STR_FMT ", account " STR_FMT
                        ", asked as " STR_FMT ")",
                        own.msg, STR_ARG(var ? var->name : S("")), STR_ARG(name),
                        STR_ARG(s->plan.account), STR_ARG(s->plan.role_arn));
}

struct phase_end fetch_parameters(struct supervision *s) {
    struct str_list names = references(s);
    if (names.n == 0) {
        return phase_well();
    }
    build_log_line(s->log, "Decrypting parameter store environment variables");
    for (size_t i = 0; i < names.n; i += BATCH) {
        struct err err = ERR_INIT;
        struct ssm_get_parameters_result got;
        struct str_list batch = {names.v + i, names.n - i < BATCH ? names.n - i : BATCH};
        if (get_batch(s, &batch, &got, &err) < 0) {
            return refused(s, &batch, &err);
        }
        for (size_t k = 0; k < got.parameters.n; k++) {
            set_values(s, &got.parameters.v[k]);
        }
    }
    return phase_well();
}
