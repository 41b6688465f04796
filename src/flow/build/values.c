/* Variables whose values lie in a store: fetched before any command runs, and hidden in the log in
 * all encodings. One that is missing or denied fails the build. */
#include "flow/build/supervision.h"

/* Hides the value; the variable is named on the build's page if it cannot be hidden. */
static bool hide(struct supervision *s, const struct env_var *var, json_t *unmasked,
                 struct phase_end *end) {
    enum secret_verdict verdict = build_log_hide(s->log, var->value);
    if (verdict == SECRET_TOO_MUCH) {
        *end = phase_failed(s, "Decrypted Variables Error", "%s: " STR_FMT,
                            secret_verdict_text(verdict), STR_ARG(var->name));
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

/* All that were fetched: `of_store` says which were to be. One that was not found holds its
 * reference still, which is no secret and is needed in the message. */
static struct phase_end hide_all(struct supervision *s, const bool *of_store) {
    struct phase_end end = phase_well();
    struct err err = ERR_INIT;
    json_t *unmasked = json_array();
    for (size_t i = 0; i < s->env.n && end.status == PHASE_SUCCEEDED; i++) {
        bool fetched = of_store[i] && s->env.v[i].type == ENV_PLAINTEXT;
        if (fetched && !hide(s, &s->env.v[i], unmasked, &end)) {
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

struct phase_end fetch_values(struct supervision *s) {
    bool *of_store = arena_new_n(&s->arena, bool, s->env.n);
    bool any = false;
    for (size_t i = 0; i < s->env.n; i++) {
        of_store[i] = s->env.v[i].type != ENV_PLAINTEXT;
        any = any || of_store[i];
    }
    if (!any) {
        return phase_well();
    }
    struct phase_end end = fetch_parameters(s);
    if (end.status == PHASE_SUCCEEDED) {
        end = fetch_secrets(s);
    }
    struct phase_end hidden = hide_all(s, of_store);
    end = end.status == PHASE_SUCCEEDED ? hidden : end;
    return end.status == PHASE_SUCCEEDED ? missing_parameter(s) : end;
}
