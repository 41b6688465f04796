/* Secrets of accounts.yml: created, or given a new version when their value differs. One that is
 * not named in the file stays as it is. */
#include "front/cli/account_doing.h"

#include "gen/secretsmanager.h"

struct counts {
    size_t made, changed, kept;
};

/* The value that is current; absent when the secret has none. */
static int current(const struct doing *d, struct str name, struct str *ret) {
    struct secretsmanager_get_secret_value_request in = {.secret_id = name};
    struct secretsmanager_get_secret_value_response out;
    struct err why = ERR_INIT;
    *ret = STR_NONE;
    if (secretsmanager_call_get_secret_value(&d->target, d->a, &in, &out, &why) < 0) {
        if (setup_is_code(&why, "ResourceNotFoundException")) {
            return 0;
        }
        *d->err = why;
        return -1;
    }
    *ret = out.secret_string;
    return 0;
}

/* It is there already: under which value? */
static int compare(const struct doing *d, const struct accounts_parameter *wanted,
                   struct counts *counts) {
    struct str now = STR_NONE;
    if (current(d, wanted->name, &now) < 0) {
        return -1;
    }
    if (now.p != NULL && str_eq(now, wanted->value)) {
        counts->kept++;
        return 0;
    }
    struct secretsmanager_put_secret_value_request in = {
        .secret_id = wanted->name,
        .client_request_token = rng_uuid(&rng_system, d->a),
        .secret_string = wanted->value,
    };
    struct secretsmanager_put_secret_value_response out;
    counts->changed++;
    return secretsmanager_call_put_secret_value(&d->target, d->a, &in, &out, d->err);
}

static int set_secret(const struct doing *d, const struct accounts_parameter *wanted,
                      struct counts *counts) {
    struct secretsmanager_create_secret_request in = {
        .name = wanted->name,
        .client_request_token = rng_uuid(&rng_system, d->a),
        .secret_string = wanted->value,
    };
    struct secretsmanager_create_secret_response out;
    struct err why = ERR_INIT;
    if (secretsmanager_call_create_secret(&d->target, d->a, &in, &out, &why) == 0) {
        counts->made++;
        return 0;
    }
    if (setup_is_code(&why, "ResourceExistsException")) {
        return compare(d, wanted, counts);
    }
    *d->err = why;
    return -1;
}

int setup_secrets(const struct doing *d) {
    const struct accounts_parameter_list *all = &d->account->secrets;
    struct counts counts = {0};
    for (size_t i = 0; i < all->n; i++) {
        if (set_secret(d, &all->v[i], &counts) < 0) {
            return err_wrap(d->err, "secret " STR_FMT, STR_ARG(all->v[i].name));
        }
    }
    if (all->n > 0) {
        setup_tell(d, "secrets", str_printf(d->a, "%zu", all->n),
                   setup_word(counts.made > 0, counts.changed > 0),
                   str_printf(d->a, "%zu new, %zu changed, %zu kept", counts.made, counts.changed,
                              counts.kept));
    }
    return 0;
}
