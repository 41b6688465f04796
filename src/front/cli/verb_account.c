/* trunkline account setup, list, add. */
#include "front/cli/account_setup.h"
#include "front/cli/out.h"
#include "front/cli/place.h"

#include "gen/trunkline.h"

/* ---- setup ---- */

struct telling {
    struct cli *c;
    struct str account; /* whose heading was printed last */
    json_t *steps;
};

static int target_of(void *ud, const struct accounts_entry *account, struct aws_target *ret,
                     struct err *err) {
    struct telling *t = ud;
    if (place_target(t->c, str_z(&t->c->arena, account->id), ret, err) < 0) {
        return -1;
    }
    ret->region = account->region;
    return 0;
}

static void told(void *ud, const struct setup_step *step) {
    struct telling *t = ud;
    struct cli *c = t->c;
    if (c->json) {
        json_t *one = json_object();
        json_set_str(one, "account", step->account);
        json_set_str(one, "kind", str_c(step->kind));
        json_set_str(one, "name", step->name);
        json_set_str(one, "done", str_c(step->done));
        json_set_str(one, "detail", step->detail);
        json_array_append_new(t->steps, one);
        return;
    }
    if (!str_eq(t->account, step->account)) {
        t->account = step->account;
        fprintf(c->out, "%s" STR_FMT "%s\n", out_style(c, OUT_BOLD), STR_ARG(step->account),
                out_style(c, OUT_PLAIN));
    }
    bool kept = strcmp(step->done, "kept") == 0;
    fprintf(c->out, "  %-10s  %-40.*s  %s%-7s%s  %s" STR_FMT "%s\n", step->kind,
            STR_ARG(step->name), out_style(c, kept ? OUT_DIM : OUT_GREEN), step->done,
            out_style(c, OUT_PLAIN), out_style(c, OUT_DIM), STR_ARG(step->detail),
            out_style(c, OUT_PLAIN));
}

static int run_setup(struct cli *c, struct err *err) {
    struct accounts accounts;
    if (accounts_read(&c->arena, c->args[0], cli_opt(c, "parameters"), &accounts, err) < 0) {
        return -1;
    }
    struct telling t = {.c = c, .steps = json_array()};
    struct setup setup = {&c->arena, &accounts, target_of, told, &t};
    int done = account_setup(&setup, err);
    if (c->json && done == 0) {
        json_t *document = json_object();
        json_set(document, "steps", t.steps);
        return out_json(c, document);
    }
    json_decref(t.steps);
    return done;
}

static const struct cli_option setup_options[] = {
    {"parameters", 0, "FILE", "read this parameters file instead of the one that FILE names"},
    {0},
};

const struct cli_verb verb_account_setup = {
    .name = "account setup",
    .group = CLI_ACCOUNT,
    .args = "FILE",
    .min_args = 1,
    .max_args = 1,
    .summary = "Make accounts as accounts.yml says",
    .detail = "Buckets, tables, parameters, secrets and roles, by the public API of each account. "
              "It can be\n"
              "run again and again: what is there is compared, and changed where it differs. The "
              "file:\n\n"
              "  accounts:\n"
              "    shared-services:\n"
              "      id: \"111111111111\"\n"
              "      region: eu-west-2\n"
              "      buckets: {NAME: {versioned: true}}\n"
              "      tables: {NAME: {hash_key: LockID}}\n"
              "      parameters: parameters.env\n"
              "      secrets: secrets.env\n"
              "      roles:\n"
              "        NAME:\n"
              "          trust: {service: codebuild.amazonaws.com}\n"
              "          policies: {NAME: [{Effect: Allow, Action: ..., Resource: ...}]}\n\n"
              "trust takes one of service: HOST, role: ACCOUNT/NAME, account: ACCOUNT, statements: "
              "[...].\n"
              "A parameters file has NAME=VALUE lines and '#' comments. Before a value, 'secure:' "
              "makes a\n"
              "SecureString, and 'secret:' a secret in Secrets Manager instead of a parameter; in "
              "the file\n"
              "of secrets all are. '@FILE' stands for that file's content.",
    .options = setup_options,
    .run = run_setup,
};

/* ---- list ---- */

static int run_list(struct cli *c, struct err *err) {
    struct aws_target target;
    struct trunkline_list_accounts_output out;
    const struct trunkline_list_accounts_input in = {0};
    if (place_target(c, NULL, &target, err) < 0 ||
        trunkline_call_list_accounts(&target, &c->arena, &in, &out, err) < 0) {
        return -1;
    }
    json_t *list = json_array();
    for (size_t i = 0; i < out.accounts.n; i++) {
        const struct trunkline_account *account = &out.accounts.v[i];
        if (c->json) {
            json_t *one = json_object();
            json_set_str(one, "name", account->name);
            json_set_str(one, "id", account->id);
            json_set_str(one, "region", account->region);
            json_set_str(one, "kind", account->kind);
            json_set_str(one, "roleArn", account->role_arn);
            json_set_str(one, "endpointUrl", account->endpoint_url);
            json_array_append_new(list, one);
            continue;
        }
        struct str where = account->endpoint_url.n ? account->endpoint_url : account->role_arn;
        fprintf(c->out, "%-20.*s  %.*s  %-12.*s  %-9.*s  " STR_FMT "\n", STR_ARG(account->name),
                STR_ARG(account->id), STR_ARG(account->region), STR_ARG(account->kind),
                STR_ARG(out_safe(&c->arena, where.p ? where : S(""), false)));
    }
    if (c->json) {
        json_t *document = json_object();
        json_set(document, "accounts", list);
        return out_json(c, document);
    }
    json_decref(list);
    return EXIT_DONE;
}

const struct cli_verb verb_account_list = {
    .name = "account list",
    .group = CLI_ACCOUNT,
    .args = "",
    .summary = "List the accounts that the server knows",
    .detail =
        "Name, id, region, kind and where it is. 'embedded' accounts are served by the server\n"
        "itself, 'aws' are real ones, 'endpoint' are another emulator's.",
    .run = run_list,
};

/* ---- add ---- */

static int run_add(struct cli *c, struct err *err) {
    struct aws_target target;
    const char *id = cli_opt(c, "id");
    const char *url = cli_opt(c, "endpoint-url");
    if (!cli_has(c, "aws")) {
        return cli_usage(c, "only accounts of AWS can be added: --aws");
    }
    if (id == NULL) {
        return cli_usage(c, "--id is missing: the account's twelve digits");
    }
    if (strlen(id) != 12 || strspn(id, "0123456789") != 12) {
        return cli_usage(c, "--id takes twelve digits, not '%s'", id);
    }
    struct trunkline_add_account_input in = {
        .name = str_c(c->args[0]),
        .id = str_c(id),
        .region = str_c(cli_opt(c, "region")),
        .role_arn = str_c(cli_opt(c, "role-arn")),
        .endpoint_url = str_c(url),
        .ca_file = str_c(cli_opt(c, "ca-file")),
    };
    struct trunkline_add_account_output out;
    if (place_target(c, NULL, &target, err) < 0 ||
        trunkline_call_add_account(&target, &c->arena, &in, &out, err) < 0) {
        return -1;
    }
    if (c->json) {
        json_t *document = json_object();
        json_set_str(document, "name", in.name);
        json_set_str(document, "id", in.id);
        return out_json(c, document);
    }
    fprintf(c->out,
            "Account %s (%s) is known. The server signs its calls there with the keys of its\n"
            "own environment (AWS_ACCESS_KEY_ID ...)%s%s.\n",
            c->args[0], id, in.role_arn.p ? ", as " : "", in.role_arn.p ? in.role_arn.p : "");
    return EXIT_DONE;
}

static const struct cli_option add_options[] = {
    {"aws", 0, NULL, "a real account (the only kind that can be added)"},
    {"id", 0, "N", "its twelve digits"},
    {"role-arn", 0, "ARN", "role that the server assumes there for every call"},
    {"region", 0, "REGION", "where its resources are (eu-west-2)"},
    {"endpoint-url", 0, "URL", "something that stands in for AWS"},
    {"ca-file", 0, "FILE", "authority that the URL's certificate is verified by"},
    {0},
};

const struct cli_verb verb_account_add = {
    .name = "account add",
    .group = CLI_ACCOUNT,
    .args = "NAME",
    .min_args = 1,
    .max_args = 1,
    .summary = "Make a real AWS account known",
    .detail =
        "  trunkline account add production --aws --id 444444444444 \\\n"
        "      --role-arn arn:aws:iam::444444444444:role/trunkline\n\n"
        "Keys are taken from the environment of 'trunkline serve'; they are not stored. A build\n"
        "in a real account gets its role's temporary credentials, and AWS's hosts are passed\n"
        "through to AWS.",
    .options = add_options,
    .run = run_add,
};
