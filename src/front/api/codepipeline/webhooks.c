/*
 * PutWebhook, ListWebhooks, DeleteWebhook, RegisterWebhookWithThirdParty and its opposite. No host
 * is called: whoever owns the repository puts URL and secret into the host. A secret is sealed, and
 * shown as asterisks.
 */
#include "front/api/codepipeline/webhooks.h"

#include "aws/proto/proto.h"
#include "flow/forge/path.h"
#include "front/api/codepipeline/tags.h"
#include "runtime/http/egress.h"
#include "services/core/page.h"
#include "services/core/seal.h"

enum { ID_DIGITS = 32, MAX_WEBHOOKS = 300, PAGE = 100 };

#define REDACTED "****"

static struct str seal_context(struct arena *a, struct str id) {
    return str_printf(a, "codepipeline/webhook/" STR_FMT, STR_ARG(id));
}

struct str webhook_arn(struct arena *a, const struct pipeline_webhook *row) {
    return str_printf(a, "arn:aws:codepipeline:" STR_FMT ":" STR_FMT ":webhook:" STR_FMT,
                      STR_ARG(row->region), STR_ARG(row->account), STR_ARG(row->name));
}

/* ---- rows ---- */

/* Kept as PutWebhook's answer with nothing but the definition. */
static int to_json(struct arena *a, const struct codepipeline_webhook_definition *d,
                   struct str *ret, struct err *err) {
    struct codepipeline_list_webhook_item item = {.definition = arena_memdup(a, d, sizeof(*d)),
                                                  .url = S("-")};
    struct codepipeline_put_webhook_output out = {&item};
    struct proto_message m = {0};
    if (proto_encode_response(a, SHAPE_JSON_1_1, &codepipeline_op_put_webhook, STR_NONE, &out, &m,
                              err) < 0) {
        return -1;
    }
    *ret = m.body;
    return 0;
}

int webhook_definition(struct arena *a, const struct pipeline_webhook *row,
                       struct codepipeline_webhook_definition **ret, struct str *ret_secret,
                       struct err *err) {
    struct codepipeline_put_webhook_output out = {0};
    struct proto_message m = {.status = 200, .body = row->body};
    *ret_secret = STR_NONE;
    if (proto_decode_response(a, SHAPE_JSON_1_1, &codepipeline_op_put_webhook, &m, &out, err) < 0 ||
        out.webhook == NULL || out.webhook->definition == NULL) {
        return err_wrap(err, "stored webhook");
    }
    *ret = out.webhook->definition;
    return row->secret.p == NULL
               ? 0
               : seal_open(a, seal_context(a, row->id), row->secret, ret_secret, err);
}

/* What the API shows: the secret only as being there. */
static int show(struct call *c, const struct pipeline_webhook *row,
                struct codepipeline_list_webhook_item *ret, struct err *err) {
    const struct tagged tagged = {.webhook = row->id};
    struct str secret = STR_NONE;
    *ret = (struct codepipeline_list_webhook_item){
        .url = str_printf(c->arena, STR_FMT "/hooks/" STR_FMT, STR_ARG(codepipeline_flow()->url),
                          STR_ARG(row->id)),
        .arn = webhook_arn(c->arena, row),
        .error_message = row->error,
        .error_code = row->error.p != NULL ? S("400") : STR_NONE,
        .last_triggered = row->triggered_ms,
        .has_last_triggered = row->triggered_ms != 0,
    };
    if (webhook_definition(c->arena, row, &ret->definition, &secret, err) < 0) {
        return -1;
    }
    ret->definition->authentication_configuration->secret_token =
        secret.p != NULL ? S(REDACTED) : STR_NONE;
    return codepipeline_tags_of(c, &tagged, &ret->tags, err);
}

/* ---- checks ---- */

static int bad_authentication(struct err *err, struct str type, const char *what) {
    return err_api(err, &codepipeline_InvalidWebhookAuthenticationParametersException,
                   "Webhook authentication " STR_FMT ": %s", STR_ARG(type), what);
}

static int check_authentication(const struct codepipeline_webhook_definition *d, struct err *err) {
    const struct codepipeline_webhook_auth_configuration *a = d->authentication_configuration;
    struct arena arena = ARENA_INIT;
    struct egress networks = {0};
    struct err ignored = ERR_INIT;
    bool secret = a->secret_token.p != NULL;
    bool range = a->allowed_ip_range.p != NULL;
    if (str_is(d->authentication, "UNAUTHENTICATED")) {
        return secret || range
                   ? bad_authentication(err, d->authentication, "no property may be set")
                   : 0;
    }
    if (str_is(d->authentication, "GITHUB_HMAC")) {
        return !secret || range
                   ? bad_authentication(err, d->authentication, "SecretToken alone must be set")
                   : 0;
    }
    if (secret || !range) {
        return bad_authentication(err, d->authentication, "AllowedIPRange alone must be set");
    }
    int parsed = egress_allow(&arena, &networks, a->allowed_ip_range, &ignored);
    arena_done(&arena);
    return parsed < 0 ? bad_authentication(err, d->authentication,
                                           "AllowedIPRange must be a valid CIDR range")
                      : 0;
}

static int check_filters(const struct codepipeline_webhook_definition *d, struct err *err) {
    for (size_t i = 0; i < d->filters.n; i++) {
        struct err why = ERR_INIT;
        if (forge_path_check(d->filters.v[i].json_path, &why) < 0) {
            return err_api(err, &codepipeline_InvalidWebhookFilterPatternException,
                           "The webhook's filter is invalid: %s", why.msg);
        }
    }
    return d->filters.n > 0
               ? 0
               : err_api(err, &codepipeline_ValidationException, "A webhook has 1 to 5 filters");
}

static int check_target(struct call *c, const struct codepipeline_webhook_definition *d,
                        struct err *err) {
    struct pipeline_row row;
    struct definition pipeline;
    if (codepipeline_find(c, d->target_pipeline, &row, err) < 0 ||
        definition_parse(c->arena, row.definition, &pipeline, err) < 0) {
        return -1;
    }
    return definition_action(&pipeline.stages.v[0], d->target_action) != NULL
               ? 0
               : err_api(err, &codepipeline_ValidationException,
                         "The action '" STR_FMT "' is not in the first stage of pipeline '" STR_FMT
                         "'",
                         STR_ARG(d->target_action), STR_ARG(d->target_pipeline));
}

/* ---- operations ---- */

/* A new row, or the old one under its URL; asterisks as secret keep the old secret. */
static int store(struct call *c, const struct codepipeline_webhook_definition *in,
                 struct pipeline_webhook *row, struct err *err) {
    struct codepipeline_webhook_definition d = *in;
    struct codepipeline_webhook_auth_configuration kept = *in->authentication_configuration;
    struct str secret = kept.secret_token;
    bool same = row->id.p != NULL && str_is(secret, REDACTED);
    if (row->id.p == NULL) {
        row->id = rng_hex(c->rng, c->arena, ID_DIGITS);
    }
    if (!same) {
        row->secret = secret.p == NULL
                          ? STR_NONE
                          : seal_make(c->arena, c->rng, seal_context(c->arena, row->id), secret);
    }
    kept.secret_token = STR_NONE;
    d.authentication_configuration = &kept;
    return to_json(c->arena, &d, &row->body, err) < 0 ? -1 : pipeline_webhook_put(c->db, row, err);
}

static int check_room(struct call *c, struct err *err) {
    int64_t n = 0;
    if (pipeline_webhook_count(c->db, c->account, c->region, &n, err) < 0) {
        return -1;
    }
    return n < MAX_WEBHOOKS
               ? 0
               : err_api(err, &codepipeline_LimitExceededException,
                         "An account has at most %d webhooks in a region", MAX_WEBHOOKS);
}

int codepipeline_put_webhook(struct call *c, const struct codepipeline_put_webhook_input *in,
                             struct codepipeline_put_webhook_output *out, struct err *err) {
    const struct codepipeline_webhook_definition *d = in->webhook;
    struct pipeline_webhook row;
    if (check_authentication(d, err) < 0 || check_filters(d, err) < 0 ||
        check_target(c, d, err) < 0) {
        return -1;
    }
    int found = pipeline_webhook_get(c->db, c->arena, c->account, c->region, d->name, &row, err);
    if (found < 0 || (found == 0 && check_room(c, err) < 0)) {
        return -1;
    }
    if (found == 0) {
        row =
            (struct pipeline_webhook){.account = c->account, .region = c->region, .name = d->name};
    }
    if (store(c, d, &row, err) < 0) {
        return -1;
    }
    const struct tagged tagged = {.webhook = row.id};
    out->webhook = arena_new(c->arena, struct codepipeline_list_webhook_item);
    return codepipeline_put_tags(c, &tagged, &in->tags, err) < 0 ? -1
                                                                 : show(c, &row, out->webhook, err);
}

int codepipeline_list_webhooks(struct call *c, const struct codepipeline_list_webhooks_input *in,
                               struct codepipeline_list_webhooks_output *out, struct err *err) {
    size_t limit = in->has_max_results ? (size_t)in->max_results : PAGE;
    struct pipeline_webhook_list rows;
    struct str after = STR_NONE;
    if (codepipeline_page_key(c, in->next_token, &after, err) < 0 ||
        pipeline_webhook_list(c->db, c->arena, c->account, c->region, after, (int64_t)limit + 1,
                              &rows, err) < 0) {
        return -1;
    }
    size_t n = rows.n > limit ? limit : rows.n;
    out->webhooks.v = arena_new_n(c->arena, struct codepipeline_list_webhook_item, n + 1);
    out->webhooks.n = n;
    for (size_t i = 0; i < n; i++) {
        if (show(c, &rows.v[i], &out->webhooks.v[i], err) < 0) {
            return -1;
        }
    }
    if (rows.n > n) {
        out->next_token = page_token(c, rows.v[n - 1].name);
    }
    return 0;
}

int codepipeline_delete_webhook(struct call *c, const struct codepipeline_delete_webhook_input *in,
                                struct codepipeline_delete_webhook_output *out, struct err *err) {
    struct pipeline_webhook row;
    int found = pipeline_webhook_get(c->db, c->arena, c->account, c->region, in->name, &row, err);
    (void)out;
    return found <= 0 ? found : pipeline_webhook_delete(c->db, &row, err);
}

/* ---- third parties ---- */

static int must_be_there(struct call *c, struct str name, struct err *err) {
    struct pipeline_webhook row;
    int found = pipeline_webhook_get(c->db, c->arena, c->account, c->region, name, &row, err);
    return found > 0   ? 0
           : found < 0 ? -1
                       : err_api(err, &codepipeline_WebhookNotFoundException,
                                 "The account has no webhook '" STR_FMT "'", STR_ARG(name));
}

int codepipeline_register_webhook_with_third_party(
    struct call *c, const struct codepipeline_register_webhook_with_third_party_input *in,
    struct codepipeline_register_webhook_with_third_party_output *out, struct err *err) {
    (void)out;
    return must_be_there(c, in->webhook_name, err);
}

int codepipeline_deregister_webhook_with_third_party(
    struct call *c, const struct codepipeline_deregister_webhook_with_third_party_input *in,
    struct codepipeline_deregister_webhook_with_third_party_output *out, struct err *err) {
    (void)out;
    return must_be_there(c, in->webhook_name, err);
}
