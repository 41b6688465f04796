/* Values of variables that lie in Secrets Manager: one GetSecretValue for each version that is
 * referred to, as the project's role, in the words that CodeBuild uses when it fails. */
#include "flow/build/supervision.h"

#include "flow/phase/secret_reference.h"
#include "gen/secretsmanager.h"

static const char code[] = "Secrets Manager Error";

/* What was fetched already: several variables may read keys of one secret. */
struct fetched {
    struct secret_reference of;
    struct str text;
};

struct fetched_list {
    struct fetched *v;
    size_t n;
};

static bool same(const struct secret_reference *x, const struct secret_reference *y) {
    return str_eq(x->id, y->id) && str_eq(x->stage, y->stage) &&
           str_eq(x->version_id, y->version_id);
}

static int get(struct supervision *s, const struct secret_reference *r,
               struct secretsmanager_get_secret_value_response *ret, struct err *err) {
    int64_t since = clock_mono_ms(s->clock);
    struct secretsmanager_get_secret_value_request in = {
        .secret_id = r->id, .version_stage = r->stage, .version_id = r->version_id};
    int result = 0;
    account_begin(s);
    do {
        struct aws_target target;
        *ret = (struct secretsmanager_get_secret_value_response){0};
        result = account_target(s, &s->arena, &target, err) < 0
                     ? -1
                     : secretsmanager_call_get_secret_value(&target, &s->arena, &in, ret, err);
    } while (result < 0 && account_retry(s, since, err));
    return result;
}

/* Which variable, which secret, whose account, which role: what a person needs to mend it. */
static struct phase_end failed(struct supervision *s, const struct env_var *var,
                               const struct err *why) {
    return phase_failed(s, code,
                        "%s%s%s (variable " STR_FMT ", secret " STR_FMT ", account " STR_FMT
                        ", asked as " STR_FMT ")",
                        why->api ? why->api->code : why->api_code,
                        why->api != NULL || why->api_code[0] != '\0' ? ": " : "", why->msg,
                        STR_ARG(var->name), STR_ARG(var->value), STR_ARG(s->plan.account),
                        STR_ARG(s->plan.role_arn));
}

static int text_of(struct supervision *s, struct fetched_list *all,
                   const struct secret_reference *r, struct str *ret, struct err *err) {
    struct secretsmanager_get_secret_value_response got;
    for (size_t i = 0; i < all->n; i++) {
        if (same(&all->v[i].of, r)) {
            *ret = all->v[i].text;
            return 0;
        }
    }
    if (get(s, r, &got, err) < 0) {
        return -1;
    }
    if (got.secret_string.p == NULL) {
        return err_set(err, ERR_INVALID,
                       "the secret holds bytes (SecretBinary); a variable needs SecretString");
    }
    *arena_push(&s->arena, all) = (struct fetched){*r, got.secret_string};
    *ret = got.secret_string;
    return 0;
}

struct phase_end fetch_secrets(struct supervision *s) {
    struct fetched_list all = {NULL, 0};
    for (size_t i = 0; i < s->env.n; i++) {
        struct env_var *var = &s->env.v[i];
        struct err err = ERR_INIT;
        struct secret_reference r;
        struct str text = STR_NONE;
        if (var->type != ENV_SECRETS_MANAGER) {
            continue;
        }
        if (all.n == 0) {
            build_log_line(s->log, "Decrypting secrets manager environment variables");
        }
        if (secret_reference_parse(var->value, &r, &err) < 0 ||
            text_of(s, &all, &r, &text, &err) < 0 ||
            (r.json_key.p != NULL && secret_member(&s->arena, text, r.json_key, &text, &err) < 0)) {
            return failed(s, var, &err);
        }
        var->value = text;
        var->type = ENV_PLAINTEXT;
    }
    return phase_well();
}
