/* trunkline env: prints what `eval` needs to use an account with any AWS client. */
#include "front/cli/out.h"
#include "front/cli/place.h"

/* 'text' for a shell. */
static struct str quoted(struct arena *a, struct str text) {
    struct str all = S("'");
    for (size_t from = 0;;) {
        size_t at = str_find_c(text, '\'', from);
        all = str_concat(a, all, str_sub(text, from, at == (size_t)-1 ? at : at - from));
        if (at == (size_t)-1) {
            return str_concat(a, all, S("'"));
        }
        all = str_concat(a, all, S("'\\''"));
        from = at + 1;
    }
}

static int run(struct cli *c, struct err *err) {
    struct place_account account;
    struct str url;
    if (place_url(c, &url, err) < 0 || place_account(c, c->args[0], &account, err) < 0) {
        return -1;
    }
    const struct str_pair all[] = {
        {S("AWS_ENDPOINT_URL"), url},
        {S("AWS_ACCESS_KEY_ID"), account.keys.access_key},
        {S("AWS_SECRET_ACCESS_KEY"), account.keys.secret_key},
        {S("AWS_DEFAULT_REGION"), account.region},
        {S("AWS_REGION"), account.region},
    };
    if (c->json) {
        json_t *document = json_object();
        for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
            json_set_str(document, all[i].key.p, all[i].value);
        }
        return out_json(c, document);
    }
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        fprintf(c->out, "export " STR_FMT "=" STR_FMT "\n", STR_ARG(all[i].key),
                STR_ARG(quoted(&c->arena, all[i].value)));
    }
    /* A session or profile of the caller's own would win over the keys. */
    fputs("unset AWS_SESSION_TOKEN AWS_PROFILE\n", c->out);
    return EXIT_DONE;
}

const struct cli_verb verb_env = {
    .name = "env",
    .group = CLI_ACCOUNT,
    .args = "ACCOUNT",
    .min_args = 1,
    .max_args = 1,
    .summary = "Print exports for using an account with any AWS client",
    .detail = "For the shell that evaluates it, every AWS client then talks to that account:\n\n"
              "  eval \"$(trunkline env production)\"\n"
              "  aws sts get-caller-identity\n\n"
              "ACCOUNT is a name as 'trunkline account list' prints it, or an id.",
    .run = run,
};
