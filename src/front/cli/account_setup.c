/* Carries accounts.yml out; account_setup.h. Secrets are account_secrets.c's. */
#include "front/cli/account_doing.h"

#include "platform/text/json.h"
#include "runtime/http/http.h"

#include "gen/dynamodb.h"
#include "gen/iam.h"
#include "gen/s3.h"
#include "gen/ssm.h"

enum { PER_CALL = 10 }; /* names that GetParameters takes */

void setup_tell(const struct doing *d, const char *kind, struct str name, const char *done,
                struct str detail) {
    const struct setup_step step = {d->account->name, kind, name, done, detail};
    d->s->told(d->s->ud, &step);
}

const char *setup_word(bool made, bool changed) {
    return made ? "created" : changed ? "changed" : "kept";
}

bool setup_is_code(const struct err *err, const char *code) {
    return strcmp(err->api_code, code) == 0;
}

/* ---- buckets ---- */

static int create_bucket(const struct aws_target *t, struct arena *a, struct str name,
                         bool *ret_made, struct err *err) {
    struct s3_create_bucket_configuration configuration = {.location_constraint = t->region};
    struct s3_create_bucket_request in = {.bucket = name};
    struct s3_create_bucket_output out;
    struct err why = ERR_INIT;
    if (!str_is(t->region, "us-east-1")) {
        in.create_bucket_configuration = &configuration;
    }
    *ret_made = s3_call_create_bucket(t, a, &in, &out, &why) == 0;
    if (*ret_made || setup_is_code(&why, "BucketAlreadyOwnedByYou")) {
        return 0;
    }
    *err = why;
    return err_wrap(err, "bucket " STR_FMT, STR_ARG(name));
}

int setup_bucket(const struct aws_target *t, struct arena *a, struct str name, bool versioned,
                 bool *ret_made, bool *ret_changed, struct err *err) {
    struct s3_get_bucket_versioning_request get = {.bucket = name};
    struct s3_get_bucket_versioning_output now;
    *ret_changed = false;
    if (create_bucket(t, a, name, ret_made, err) < 0) {
        return -1;
    }
    if (s3_call_get_bucket_versioning(t, a, &get, &now, err) < 0) {
        return err_wrap(err, "bucket " STR_FMT, STR_ARG(name));
    }
    if (str_is(now.status, "Enabled") == versioned || (!versioned && now.status.n == 0)) {
        return 0;
    }
    struct s3_versioning_configuration wanted = {.status =
                                                     versioned ? S("Enabled") : S("Suspended")};
    struct s3_put_bucket_versioning_request put = {.bucket = name,
                                                   .versioning_configuration = &wanted};
    struct s3_put_bucket_versioning_output out;
    *ret_changed = true;
    return s3_call_put_bucket_versioning(t, a, &put, &out, err) < 0
               ? err_wrap(err, "bucket " STR_FMT, STR_ARG(name))
               : 0;
}

static int set_bucket(const struct doing *d, const struct accounts_bucket *bucket) {
    bool made = false, changed = false;
    if (setup_bucket(&d->target, d->a, bucket->name, bucket->versioned, &made, &changed, d->err) <
        0) {
        return -1;
    }
    setup_tell(d, "bucket", bucket->name, setup_word(made, changed),
               bucket->versioned ? S("versioned") : S(""));
    return 0;
}

/* ---- tables ---- */

static int check_table(const struct doing *d, const struct accounts_table *table) {
    struct dynamodb_describe_table_input in = {.table_name = table->name};
    struct dynamodb_describe_table_output out;
    if (dynamodb_call_describe_table(&d->target, d->a, &in, &out, d->err) < 0) {
        return err_wrap(d->err, "table " STR_FMT, STR_ARG(table->name));
    }
    if (out.table == NULL || out.table->key_schema.n != 1 ||
        !str_eq(out.table->key_schema.v[0].attribute_name, table->hash_key)) {
        return err_set(d->err, ERR_CONFLICT,
                       "table " STR_FMT " is there with another key than " STR_FMT
                       "; a table's key can not be changed",
                       STR_ARG(table->name), STR_ARG(table->hash_key));
    }
    setup_tell(d, "table", table->name, "kept", S(""));
    return 0;
}

static int set_table(const struct doing *d, const struct accounts_table *table) {
    struct dynamodb_attribute_definition attribute = {table->hash_key, S("S")};
    struct dynamodb_key_schema_element key = {table->hash_key, S("HASH")};
    struct dynamodb_create_table_input in = {
        .table_name = table->name,
        .attribute_definitions = {&attribute, 1},
        .key_schema = {&key, 1},
        .billing_mode = S("PAY_PER_REQUEST"),
    };
    struct dynamodb_create_table_output out;
    struct err why = ERR_INIT;
    if (dynamodb_call_create_table(&d->target, d->a, &in, &out, &why) < 0) {
        if (setup_is_code(&why, "ResourceInUseException")) {
            return check_table(d, table);
        }
        *d->err = why;
        return err_wrap(d->err, "table " STR_FMT, STR_ARG(table->name));
    }
    setup_tell(d, "table", table->name, "created",
               str_printf(d->a, "key " STR_FMT, STR_ARG(table->hash_key)));
    return 0;
}

/* ---- parameters ---- */

struct counts {
    size_t made, changed, kept, secure;
};

static const struct ssm_parameter *find_parameter(const struct ssm_get_parameters_result *now,
                                                  struct str name) {
    for (size_t i = 0; i < now->parameters.n; i++) {
        if (str_eq(now->parameters.v[i].name, name)) {
            return &now->parameters.v[i];
        }
    }
    return NULL;
}

static int put_parameter(const struct doing *d, const struct accounts_parameter *wanted,
                         const struct ssm_parameter *now, struct counts *counts) {
    struct str type = wanted->secure ? S("SecureString") : S("String");
    counts->secure += wanted->secure;
    if (now && str_eq(now->type, type) && str_eq(now->value, wanted->value)) {
        counts->kept++;
        return 0;
    }
    struct ssm_put_parameter_request in = {
        .name = wanted->name,
        .value = wanted->value,
        .type = type,
        .tier = wanted->value.n > 4096 ? S("Advanced") : STR_NONE,
        .overwrite = now != NULL,
        .has_overwrite = true,
    };
    struct ssm_put_parameter_result out;
    now ? counts->changed++ : counts->made++;
    return ssm_call_put_parameter(&d->target, d->a, &in, &out, d->err) < 0
               ? err_wrap(d->err, "parameter " STR_FMT, STR_ARG(wanted->name))
               : 0;
}

static int set_parameters(const struct doing *d) {
    const struct accounts_parameter_list *all = &d->account->parameters;
    struct counts counts = {0};
    for (size_t from = 0; from < all->n; from += PER_CALL) {
        struct str names[PER_CALL];
        size_t n = 0;
        for (; n < PER_CALL && from + n < all->n; n++) {
            names[n] = all->v[from + n].name;
        }
        struct ssm_get_parameters_request in = {
            .names = {names, n}, .with_decryption = true, .has_with_decryption = true};
        struct ssm_get_parameters_result now;
        if (ssm_call_get_parameters(&d->target, d->a, &in, &now, d->err) < 0) {
            return err_wrap(d->err, "parameters");
        }
        for (size_t i = 0; i < n; i++) {
            const struct accounts_parameter *wanted = &all->v[from + i];
            if (put_parameter(d, wanted, find_parameter(&now, wanted->name), &counts) < 0) {
                return -1;
            }
        }
    }
    if (all->n) {
        setup_tell(d, "parameters",
                   str_printf(d->a, "%zu, %zu of them SecureString", all->n, counts.secure),
                   setup_word(counts.made > 0, counts.changed > 0),
                   str_printf(d->a, "%zu new, %zu changed, %zu kept", counts.made, counts.changed,
                              counts.kept));
    }
    return 0;
}

/* ---- roles ---- */

/* IAM answers documents percent-encoded; equal JSON is equal policy. */
static bool same_document(struct arena *a, struct str encoded, struct str wanted) {
    struct str decoded;
    struct err ignored = ERR_INIT;
    if (!http_url_decode(a, encoded, false, &decoded)) {
        return false;
    }
    json_t *x cleanup_json = json_parse(decoded, &ignored);
    json_t *y cleanup_json = json_parse(wanted, &ignored);
    return x != NULL && y != NULL && json_equal(x, y);
}

static int set_trust(const struct doing *d, const struct accounts_role *role, bool *ret_made,
                     bool *ret_changed) {
    struct iam_get_role_request get = {.role_name = role->name};
    struct iam_get_role_response now;
    struct err why = ERR_INIT;
    if (iam_call_get_role(&d->target, d->a, &get, &now, &why) < 0) {
        if (!setup_is_code(&why, "NoSuchEntity")) {
            *d->err = why;
            return -1;
        }
        struct iam_create_role_request in = {.role_name = role->name,
                                             .assume_role_policy_document = role->trust};
        struct iam_create_role_response out;
        *ret_made = true;
        return iam_call_create_role(&d->target, d->a, &in, &out, d->err);
    }
    if (now.role && same_document(d->a, now.role->assume_role_policy_document, role->trust)) {
        return 0;
    }
    struct iam_update_assume_role_policy_request in = {.role_name = role->name,
                                                       .policy_document = role->trust};
    struct iam_update_assume_role_policy_output out;
    *ret_changed = true;
    return iam_call_update_assume_role_policy(&d->target, d->a, &in, &out, d->err);
}

static int set_policy(const struct doing *d, const struct accounts_role *role,
                      const struct accounts_policy *policy, bool fresh, bool *ret_changed) {
    if (!fresh) {
        struct iam_get_role_policy_request get = {.role_name = role->name,
                                                  .policy_name = policy->name};
        struct iam_get_role_policy_response now;
        struct err why = ERR_INIT;
        if (iam_call_get_role_policy(&d->target, d->a, &get, &now, &why) == 0) {
            if (same_document(d->a, now.policy_document, policy->document)) {
                return 0;
            }
        } else if (!setup_is_code(&why, "NoSuchEntity")) {
            *d->err = why;
            return -1;
        }
    }
    struct iam_put_role_policy_request in = {role->name, policy->name, policy->document};
    struct iam_put_role_policy_output out;
    *ret_changed = true;
    return iam_call_put_role_policy(&d->target, d->a, &in, &out, d->err);
}

/* A right that was taken out of the file must not stay. */
static int drop_policies(const struct doing *d, const struct accounts_role *role,
                         bool *ret_changed) {
    struct iam_list_role_policies_request in = {.role_name = role->name};
    struct iam_list_role_policies_response out;
    if (iam_call_list_role_policies(&d->target, d->a, &in, &out, d->err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < out.policy_names.n; i++) {
        bool named = false;
        for (size_t k = 0; k < role->policies.n; k++) {
            named = named || str_eq(role->policies.v[k].name, out.policy_names.v[i]);
        }
        if (!named) {
            struct iam_delete_role_policy_request drop = {role->name, out.policy_names.v[i]};
            struct iam_delete_role_policy_output dropped;
            *ret_changed = true;
            if (iam_call_delete_role_policy(&d->target, d->a, &drop, &dropped, d->err) < 0) {
                return -1;
            }
        }
    }
    return 0;
}

static int set_role(const struct doing *d, const struct accounts_role *role) {
    bool made = false, changed = false;
    if (set_trust(d, role, &made, &changed) < 0) {
        return err_wrap(d->err, "role " STR_FMT, STR_ARG(role->name));
    }
    for (size_t i = 0; i < role->policies.n; i++) {
        if (set_policy(d, role, &role->policies.v[i], made, &changed) < 0) {
            return err_wrap(d->err, "role " STR_FMT ", policy " STR_FMT, STR_ARG(role->name),
                            STR_ARG(role->policies.v[i].name));
        }
    }
    if (!made && drop_policies(d, role, &changed) < 0) {
        return err_wrap(d->err, "role " STR_FMT, STR_ARG(role->name));
    }
    setup_tell(d, "role", role->name, setup_word(made, changed),
               str_printf(d->a, "%zu %s", role->policies.n,
                          role->policies.n == 1 ? "policy" : "policies"));
    return 0;
}

static int set_account(struct doing *d) {
    const struct accounts_entry *account = d->account;
    for (size_t i = 0; i < account->buckets.n; i++) {
        if (set_bucket(d, &account->buckets.v[i]) < 0) {
            return -1;
        }
    }
    for (size_t i = 0; i < account->tables.n; i++) {
        if (set_table(d, &account->tables.v[i]) < 0) {
            return -1;
        }
    }
    if (set_parameters(d) < 0 || setup_secrets(d) < 0) {
        return -1;
    }
    for (size_t i = 0; i < account->roles.n; i++) {
        if (set_role(d, &account->roles.v[i]) < 0) {
            return -1;
        }
    }
    return 0;
}

int account_setup(const struct setup *s, struct err *err) {
    for (size_t i = 0; i < s->accounts->n; i++) {
        struct doing d = {.s = s, .a = s->arena, .account = &s->accounts->v[i], .err = err};
        if (s->target(s->ud, d.account, &d.target, err) < 0 || set_account(&d) < 0) {
            return err_wrap(err, "account " STR_FMT, STR_ARG(d.account->name));
        }
    }
    return 0;
}
