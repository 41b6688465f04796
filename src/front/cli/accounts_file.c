/* Reads accounts.yml; accounts_file.h. */
#include "front/cli/accounts_file.h"

#include "platform/os/file.h"
#include "platform/text/json.h"

#include <libgen.h>

struct reader {
    struct arena *a;
    const char *file;
    const char *dir;
    const char *parameters; /* replaces the first parameters file, or NULL */
    struct accounts *accounts;
    struct err *err;
};

static int fail(const struct reader *r, const struct yaml_node *at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static int fail(const struct reader *r, const struct yaml_node *at, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    int failed = yaml_vfail(r->err, r->file, at, fmt, args);
    va_end(args);
    return failed;
}

static int want_map(const struct reader *r, const struct yaml_node *node, const char *what) {
    if (node->kind != YAML_MAPPING) {
        return fail(r, node, "%s must be a map, not %s", what, yaml_kind_name(node->kind));
    }
    return 0;
}

static int want_text(const struct reader *r, const struct yaml_node *node, const char *what,
                     struct str *ret) {
    if (node->kind != YAML_SCALAR || node->text.n == 0) {
        return fail(r, node, "%s must be text, not %s", what,
                    node->kind == YAML_SCALAR ? "nothing" : yaml_kind_name(node->kind));
    }
    *ret = node->text;
    return 0;
}

/* Only the keys of `known` (blank-separated, with blanks at both ends). */
static int only_keys(const struct reader *r, const struct yaml_node *map, const char *known) {
    for (size_t i = 0; i < map->n; i++) {
        const struct yaml_node *key = map->pair[i].key;
        struct str padded = str_printf(r->a, " " STR_FMT " ", STR_ARG(key->text));
        if (str_find(str_c(known), padded, 0) == (size_t)-1) {
            return fail(r, key, "'" STR_FMT "' is not known here; there is:%.*s",
                        STR_ARG(key->text), (int)strlen(known) - 1, known);
        }
    }
    return 0;
}

static json_t *to_json(const struct yaml_node *node) {
    bool flag = false;
    switch (node->kind) {
    case YAML_SEQUENCE: {
        json_t *list = json_array();
        for (size_t i = 0; i < node->n; i++) {
            json_array_append_new(list, to_json(node->item[i]));
        }
        return list;
    }
    case YAML_MAPPING: {
        json_t *map = json_object();
        for (size_t i = 0; i < node->n; i++) {
            struct str key = node->pair[i].key->text;
            json_object_setn_new(map, key.p, key.n, to_json(node->pair[i].value));
        }
        return map;
    }
    case YAML_SCALAR:
        break;
    }
    if (yaml_is_null(node)) {
        return json_null();
    }
    if (node->plain && (str_is(node->text, "true") || str_is(node->text, "false")) &&
        yaml_bool(node, &flag)) {
        return json_boolean(flag);
    }
    return json_from_str(node->text);
}

struct str yaml_to_json(struct arena *a, const struct yaml_node *node) {
    json_t *json cleanup_json = to_json(node);
    return json_dump_str(a, json);
}

static struct str policy_json(struct arena *a, const struct yaml_node *statements) {
    json_t *policy cleanup_json = json_object();
    json_set_str(policy, "Version", S("2012-10-17"));
    json_set(policy, "Statement", to_json(statements));
    return json_dump_str(a, policy);
}

static int check_statements(const struct reader *r, const struct yaml_node *list) {
    if (list->kind != YAML_SEQUENCE || list->n == 0) {
        return fail(r, list, "a policy is a list of statements, not %s",
                    list->kind == YAML_SEQUENCE ? "an empty list" : yaml_kind_name(list->kind));
    }
    for (size_t i = 0; i < list->n; i++) {
        const struct yaml_node *s = list->item[i];
        if (want_map(r, s, "a statement") < 0 ||
            only_keys(r, s,
                      " Sid Effect Action NotAction Resource NotResource Principal NotPrincipal "
                      "Condition ") < 0) {
            return -1;
        }
        const struct yaml_node *effect = yaml_get(s, "Effect");
        if (effect == NULL || (!str_is(effect->text, "Allow") && !str_is(effect->text, "Deny"))) {
            return fail(r, effect ? effect : s, "a statement needs Effect: Allow or Deny");
        }
        if (yaml_get(s, "Action") == NULL && yaml_get(s, "NotAction") == NULL) {
            return fail(r, s, "a statement needs Action");
        }
    }
    return 0;
}

/* One statement that lets `kind`: `value` assume the role. */
static struct str trust_json(struct arena *a, const char *kind, struct str value) {
    json_t *principal = json_object();
    json_set_str(principal, kind, value);
    json_t *statement = json_object();
    json_set_str(statement, "Effect", S("Allow"));
    json_set(statement, "Principal", principal);
    json_set_str(statement, "Action", S("sts:AssumeRole"));
    json_t *statements = json_array();
    json_array_append_new(statements, statement);
    json_t *policy cleanup_json = json_object();
    json_set_str(policy, "Version", S("2012-10-17"));
    json_set(policy, "Statement", statements);
    return json_dump_str(a, policy);
}

const struct accounts_entry *accounts_find(const struct accounts *all, struct str name) {
    for (size_t i = 0; i < all->n; i++) {
        if (str_eq(all->v[i].name, name)) {
            return &all->v[i];
        }
    }
    return NULL;
}

/* "ACCOUNT/NAME" of a role that stands further up: AWS refuses to trust what is not there. */
static int trusted_role(const struct reader *r, const struct yaml_node *node, struct str *ret) {
    size_t slash = str_find_c(node->text, '/', 0);
    if (slash == (size_t)-1) {
        return fail(r, node, "write a role as ACCOUNT/NAME, not '" STR_FMT "'",
                    STR_ARG(node->text));
    }
    const struct accounts_entry *account =
        accounts_find(r->accounts, str_sub(node->text, 0, slash));
    struct str name = str_sub(node->text, slash + 1, (size_t)-1);
    for (size_t i = 0; account && i < account->roles.n; i++) {
        if (str_eq(account->roles.v[i].name, name)) {
            *ret = str_printf(r->a, "arn:aws:iam::" STR_FMT ":role/" STR_FMT, STR_ARG(account->id),
                              STR_ARG(name));
            return 0;
        }
    }
    return fail(r, node, "there is no role '" STR_FMT "' further up in this file",
                STR_ARG(node->text));
}

static int read_trust(const struct reader *r, const struct yaml_node *node, struct str *ret) {
    if (want_map(r, node, "trust") < 0 ||
        only_keys(r, node, " service role account statements ") < 0) {
        return -1;
    }
    if (node->n != 1) {
        return fail(r, node, "trust takes one of: service, role, account, statements");
    }
    const struct yaml_node *key = node->pair[0].key;
    const struct yaml_node *value = node->pair[0].value;
    struct str text;
    if (str_is(key->text, "statements")) {
        if (check_statements(r, value) < 0) {
            return -1;
        }
        *ret = policy_json(r->a, value);
        return 0;
    }
    if (want_text(r, value, "trust", &text) < 0) {
        return -1;
    }
    if (str_is(key->text, "service")) {
        *ret = trust_json(r->a, "Service", text);
        return 0;
    }
    if (str_is(key->text, "role")) {
        struct str arn;
        if (trusted_role(r, value, &arn) < 0) {
            return -1;
        }
        *ret = trust_json(r->a, "AWS", arn);
        return 0;
    }
    const struct accounts_entry *account = accounts_find(r->accounts, text);
    if (account == NULL) {
        return fail(r, value, "there is no account '" STR_FMT "' further up in this file",
                    STR_ARG(text));
    }
    *ret = trust_json(r->a, "AWS",
                      str_printf(r->a, "arn:aws:iam::" STR_FMT ":root", STR_ARG(account->id)));
    return 0;
}

static int read_role(const struct reader *r, const struct yaml_pair *pair,
                     struct accounts_role *ret) {
    const struct yaml_node *node = pair->value;
    ret->name = pair->key->text;
    if (ret->name.n == 0 || ret->name.n > 64) {
        return fail(r, pair->key, "a role's name has 1 to 64 characters");
    }
    if (want_map(r, node, "a role") < 0 || only_keys(r, node, " trust policies ") < 0) {
        return -1;
    }
    const struct yaml_node *trust = yaml_get(node, "trust");
    if (trust == NULL) {
        return fail(r, pair->key, "role '" STR_FMT "' needs trust: who may assume it",
                    STR_ARG(ret->name));
    }
    if (read_trust(r, trust, &ret->trust) < 0) {
        return -1;
    }
    const struct yaml_node *policies = yaml_get(node, "policies");
    if (policies == NULL) {
        return 0;
    }
    if (want_map(r, policies, "policies") < 0) {
        return -1;
    }
    for (size_t i = 0; i < policies->n; i++) {
        if (check_statements(r, policies->pair[i].value) < 0) {
            return -1;
        }
        *arena_push(r->a, &ret->policies) = (struct accounts_policy){
            policies->pair[i].key->text, policy_json(r->a, policies->pair[i].value)};
    }
    return 0;
}

static int read_buckets(const struct reader *r, const struct yaml_node *map,
                        struct accounts_entry *ret) {
    if (want_map(r, map, "buckets") < 0) {
        return -1;
    }
    for (size_t i = 0; i < map->n; i++) {
        const struct yaml_node *node = map->pair[i].value;
        struct accounts_bucket *bucket = arena_push(r->a, &ret->buckets);
        bucket->name = map->pair[i].key->text;
        if (bucket->name.n < 3 || bucket->name.n > 63) {
            return fail(r, map->pair[i].key, "a bucket's name has 3 to 63 characters");
        }
        if (yaml_is_null(node)) {
            continue;
        }
        if (want_map(r, node, "a bucket") < 0 || only_keys(r, node, " versioned ") < 0) {
            return -1;
        }
        const struct yaml_node *versioned = yaml_get(node, "versioned");
        if (versioned && !yaml_bool(versioned, &bucket->versioned)) {
            return fail(r, versioned, "versioned is true or false");
        }
    }
    return 0;
}

static int read_tables(const struct reader *r, const struct yaml_node *map,
                       struct accounts_entry *ret) {
    if (want_map(r, map, "tables") < 0) {
        return -1;
    }
    for (size_t i = 0; i < map->n; i++) {
        const struct yaml_node *node = map->pair[i].value;
        struct accounts_table *table = arena_push(r->a, &ret->tables);
        table->name = map->pair[i].key->text;
        if (want_map(r, node, "a table") < 0 || only_keys(r, node, " hash_key ") < 0) {
            return -1;
        }
        const struct yaml_node *key = yaml_get(node, "hash_key");
        if (key == NULL) {
            return fail(r, map->pair[i].key, "table '" STR_FMT "' needs hash_key",
                        STR_ARG(table->name));
        }
        if (want_text(r, key, "hash_key", &table->hash_key) < 0) {
            return -1;
        }
    }
    return 0;
}

/* The file that `node` names, beside accounts.yml. */
static int beside(struct reader *r, const struct yaml_node *node, const char *what,
                  const char **ret_path) {
    struct str name;
    if (want_text(r, node, what, &name) < 0) {
        return -1;
    }
    *ret_path = name.p[0] == '/' ? str_z(r->a, name)
                                 : str_printf(r->a, "%s/" STR_FMT, r->dir, STR_ARG(name)).p;
    return 0;
}

static int read_parameters(struct reader *r, const struct yaml_node *node,
                           struct accounts_entry *ret) {
    const char *path = NULL;
    if (beside(r, node, "parameters", &path) < 0) {
        return -1;
    }
    if (r->parameters == NULL && !file_exists(path)) {
        return fail(r, node, "there is no file %s", path);
    }
    path = r->parameters != NULL ? r->parameters : path;
    r->parameters = NULL;
    ret->parameters_file = str_c(path);
    return parameters_read(r->a, path, false, ret, r->err);
}

static int read_secrets(struct reader *r, const struct yaml_node *node,
                        struct accounts_entry *ret) {
    const char *path = NULL;
    if (beside(r, node, "secrets", &path) < 0) {
        return -1;
    }
    return file_exists(path) ? parameters_read(r->a, path, true, ret, r->err)
                             : fail(r, node, "there is no file %s", path);
}

static bool twelve_digits(struct str s) {
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9') {
            return false;
        }
    }
    return s.n == 12;
}

static int read_identity(const struct reader *r, const struct yaml_pair *pair,
                         struct accounts_entry *ret) {
    const struct yaml_node *id = yaml_get(pair->value, "id");
    const struct yaml_node *region = yaml_get(pair->value, "region");
    if (id == NULL) {
        return fail(r, pair->key, "account '" STR_FMT "' needs an id", STR_ARG(ret->name));
    }
    if (!twelve_digits(id->text)) {
        return fail(r, id, "an account's id is twelve digits, quoted; not '" STR_FMT "'",
                    STR_ARG(id->text));
    }
    ret->id = id->text;
    ret->region = S("eu-west-2");
    return region ? want_text(r, region, "region", &ret->region) : 0;
}

static int read_entry(struct reader *r, const struct yaml_pair *pair, struct accounts_entry *ret) {
    const struct yaml_node *node = pair->value;
    ret->name = pair->key->text;
    if (want_map(r, node, "an account") < 0 ||
        only_keys(r, node, " id region buckets tables parameters secrets roles ") < 0 ||
        read_identity(r, pair, ret) < 0) {
        return -1;
    }
    const struct yaml_node *buckets = yaml_get(node, "buckets");
    const struct yaml_node *tables = yaml_get(node, "tables");
    const struct yaml_node *parameters = yaml_get(node, "parameters");
    const struct yaml_node *secrets = yaml_get(node, "secrets");
    const struct yaml_node *roles = yaml_get(node, "roles");
    if ((buckets && read_buckets(r, buckets, ret) < 0) ||
        (tables && read_tables(r, tables, ret) < 0) ||
        (parameters && read_parameters(r, parameters, ret) < 0) ||
        (secrets && read_secrets(r, secrets, ret) < 0) ||
        (roles && want_map(r, roles, "roles") < 0)) {
        return -1;
    }
    for (size_t i = 0; roles && i < roles->n; i++) {
        if (read_role(r, &roles->pair[i], arena_push(r->a, &ret->roles)) < 0) {
            return -1;
        }
    }
    return 0;
}

int accounts_parse(struct arena *a, const char *file, const char *dir, struct str text,
                   const char *parameters, struct accounts *ret, struct err *err) {
    struct reader r = {a, file, dir, parameters, ret, err};
    struct yaml_doc doc;
    *ret = (struct accounts){0};
    if (yaml_parse_strict(a, file, text, &doc, err) < 0) {
        return -1;
    }
    if (want_map(&r, doc.root, "the file") < 0 || only_keys(&r, doc.root, " accounts ") < 0) {
        return -1;
    }
    const struct yaml_node *map = yaml_get(doc.root, "accounts");
    if (map == NULL) {
        return fail(&r, doc.root, "the file needs accounts:");
    }
    if (want_map(&r, map, "accounts") < 0) {
        return -1;
    }
    for (size_t i = 0; i < map->n; i++) {
        if (read_entry(&r, &map->pair[i], arena_push(a, ret)) < 0) {
            return -1;
        }
    }
    if (r.parameters && ret->n > 0) {
        ret->v[0].parameters_file = str_c(r.parameters);
        return parameters_read(a, r.parameters, false, &ret->v[0], err);
    }
    return 0;
}

int accounts_read(struct arena *a, const char *path, const char *parameters, struct accounts *ret,
                  struct err *err) {
    struct str text;
    if (file_read(a, path, YAML_MAX_BYTES, &text, err) < 0) {
        return -1;
    }
    char *copy = (char *)str_z(a, str_c(path));
    return accounts_parse(a, path, str_dup(a, str_c(dirname(copy))).p, text, parameters, ret, err);
}
