/* ListActionTypes, ListRuleTypes, GetActionType, UpdateActionType: CodePipeline's own types, and
 * those of the account. */
#include "front/api/codepipeline/codepipeline.h"

#include "flow/worker/types.h"
#include "services/core/page.h"

enum { PAGE = 50 };

/* ---- CodePipeline's own, in the API's words ---- */

static struct codepipeline_artifact_details *details(struct arena *a, size_t min, size_t max) {
    struct codepipeline_artifact_details *d = arena_new(a, struct codepipeline_artifact_details);
    *d = (struct codepipeline_artifact_details){.minimum_count = (int32_t)min,
                                                .has_minimum_count = true,
                                                .maximum_count = (int32_t)max,
                                                .has_maximum_count = true};
    return d;
}

static struct codepipeline_action_type_id *type_id(struct arena *a, const struct action_type *t) {
    struct codepipeline_action_type_id *id = arena_new(a, struct codepipeline_action_type_id);
    *id = (struct codepipeline_action_type_id){
        .category = t->category,
        .owner = t->owner,
        .provider = t->provider,
        .version = t->version,
    };
    return id;
}

static void own_type(struct arena *a, const struct action_type *from,
                     struct codepipeline_action_type *ret) {
    *ret = (struct codepipeline_action_type){
        .id = type_id(a, from),
        .input_artifact_details = details(a, from->min_in, from->max_in),
        .output_artifact_details = details(a, from->min_out, from->max_out),
    };
    size_t n = from->properties.n;
    ret->action_configuration_properties.n = n;
    ret->action_configuration_properties.v =
        arena_new_n(a, struct codepipeline_action_configuration_property, n + 1);
    for (size_t i = 0; i < n; i++) {
        const struct action_property *p = &from->properties.v[i];
        ret->action_configuration_properties.v[i] =
            (struct codepipeline_action_configuration_property){
                .name = p->name,
                .required = p->required,
                .has_required = true,
                .key = p->key,
                .has_key = true,
                .secret = p->secret,
                .has_secret = true,
                .type = p->type,
            };
    }
}

/* ---- of the account ---- */

static int custom_type(struct arena *a, const struct worker_type *t,
                       struct codepipeline_action_type *ret, struct err *err) {
    struct codepipeline_create_custom_action_type_output out = {0};
    if (codepipeline_decode(a, &codepipeline_op_create_custom_action_type, t->definition, &out,
                            err) < 0) {
        return -1;
    }
    *ret = *out.action_type;
    return 0;
}

/* A third party's declaration, as a list shows it. */
static int third_party_type(struct arena *a, const struct worker_type *t,
                            struct codepipeline_action_type *ret, struct err *err) {
    struct action_type type;
    if (worker_type_read(a, t, &type, err) < 0) {
        return -1;
    }
    own_type(a, &type, ret);
    ret->settings = arena_new(a, struct codepipeline_action_type_settings);
    ret->settings->third_party_configuration_url = worker_type_template(a, t, "configurationUrl");
    ret->settings->entity_url_template = worker_type_template(a, t, "entityUrlTemplate");
    ret->settings->execution_url_template = worker_type_template(a, t, "executionUrlTemplate");
    ret->settings->revision_url_template = worker_type_template(a, t, "revisionUrlTemplate");
    return 0;
}

struct type_list {
    struct codepipeline_action_type *v;
    size_t n;
};

static int all_types(struct call *c, struct str region, struct type_list *ret, struct err *err) {
    struct worker_type_list others;
    struct action_type_list own = action_types_builtin(c->arena);
    if (worker_type_list(c->db, c->arena, c->account, region, &others, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < own.n; i++) {
        own_type(c->arena, &own.v[i], arena_push(c->arena, ret));
    }
    for (size_t i = 0; i < others.n; i++) {
        const struct worker_type *t = &others.v[i];
        struct codepipeline_action_type *to = arena_push(c->arena, ret);
        int made = str_is(t->owner, "Custom") ? custom_type(c->arena, t, to, err)
                                              : third_party_type(c->arena, t, to, err);
        if (made < 0) {
            return -1;
        }
    }
    return 0;
}

int codepipeline_list_action_types(struct call *c,
                                   const struct codepipeline_list_action_types_input *in,
                                   struct codepipeline_list_action_types_output *out,
                                   struct err *err) {
    struct type_list all = {0};
    int64_t skip = 0, at = 0;
    if (codepipeline_page_number(c, in->next_token, &skip, err) < 0 ||
        all_types(c, in->region_filter.p != NULL ? in->region_filter : c->region, &all, err) < 0) {
        return -1;
    }
    out->action_types.v = arena_new_n(c->arena, struct codepipeline_action_type, PAGE);
    for (size_t i = 0; i < all.n; i++) {
        bool wanted = in->action_owner_filter.p == NULL ||
                      str_eq(all.v[i].id->owner, in->action_owner_filter);
        if (!wanted || at++ < skip) {
            continue;
        }
        if (out->action_types.n == PAGE) {
            out->next_token = page_token_i64(c, at - 1);
            break;
        }
        out->action_types.v[out->action_types.n++] = all.v[i];
    }
    return 0;
}

/* ---- rules ---- */

static void rule_type(struct arena *a, const struct action_type *from,
                      struct codepipeline_rule_type *ret) {
    struct codepipeline_rule_type_id *id = arena_new(a, struct codepipeline_rule_type_id);
    *id = (struct codepipeline_rule_type_id){
        .category = from->category,
        .owner = from->owner,
        .provider = from->provider,
        .version = from->version,
    };
    *ret = (struct codepipeline_rule_type){
        .id = id, .input_artifact_details = details(a, from->min_in, from->max_in)};
    size_t n = from->properties.n;
    ret->rule_configuration_properties.n = n;
    ret->rule_configuration_properties.v =
        arena_new_n(a, struct codepipeline_rule_configuration_property, n + 1);
    for (size_t i = 0; i < n; i++) {
        const struct action_property *p = &from->properties.v[i];
        ret->rule_configuration_properties.v[i] = (struct codepipeline_rule_configuration_property){
            .name = p->name,
            .required = p->required,
            .has_required = true,
            .key = p->key,
            .has_key = true,
            .secret = p->secret,
            .has_secret = true,
            .type = p->type,
        };
    }
}

int codepipeline_list_rule_types(struct call *c,
                                 const struct codepipeline_list_rule_types_input *in,
                                 struct codepipeline_list_rule_types_output *out, struct err *err) {
    (void)in; /* the one owner is AWS, and rules are the same in every region */
    (void)err;
    struct action_type_list all = rule_types_builtin(c->arena);
    out->rule_types.n = all.n;
    out->rule_types.v = arena_new_n(c->arena, struct codepipeline_rule_type, all.n);
    for (size_t i = 0; i < all.n; i++) {
        rule_type(c->arena, &all.v[i], &out->rule_types.v[i]);
    }
    return 0;
}

/* ---- GetActionType, UpdateActionType ---- */

static int no_type(struct str category, struct str owner, struct str provider, struct str version,
                   struct err *err) {
    return err_api(err, &codepipeline_ActionTypeNotFoundException,
                   "There is no action type with category %.*s, owner %.*s, provider %.*s and "
                   "version %.*s",
                   STR_ARG(category), STR_ARG(owner), STR_ARG(provider), STR_ARG(version));
}

static struct codepipeline_action_type_artifact_details *counts(struct arena *a, size_t min,
                                                                size_t max) {
    struct codepipeline_action_type_artifact_details *d =
        arena_new(a, struct codepipeline_action_type_artifact_details);
    *d = (struct codepipeline_action_type_artifact_details){.minimum_count = (int32_t)min,
                                                            .has_minimum_count = true,
                                                            .maximum_count = (int32_t)max,
                                                            .has_maximum_count = true};
    return d;
}

/* CodePipeline's own types are carried out by CodePipeline itself. */
static void declare_own(struct arena *a, const struct action_type *t,
                        struct codepipeline_action_type_declaration *ret) {
    static struct str principal[] = {{"codepipeline.amazonaws.com", 26}};
    *ret = (struct codepipeline_action_type_declaration){
        .executor = arena_new(a, struct codepipeline_action_type_executor),
        .id = arena_new(a, struct codepipeline_action_type_identifier),
        .input_artifact_details = counts(a, t->min_in, t->max_in),
        .output_artifact_details = counts(a, t->min_out, t->max_out),
    };
    ret->executor->type = S("JobWorker");
    ret->executor->configuration = arena_new(a, struct codepipeline_executor_configuration);
    ret->executor->configuration->job_worker_executor_configuration =
        arena_new(a, struct codepipeline_job_worker_executor_configuration);
    ret->executor->configuration->job_worker_executor_configuration->polling_service_principals =
        (struct str_list){principal, 1};
    *ret->id = (struct codepipeline_action_type_identifier){
        .category = t->category,
        .owner = t->owner,
        .provider = t->provider,
        .version = t->version,
    };
    for (size_t i = 0; i < t->properties.n; i++) {
        const struct action_property *p = &t->properties.v[i];
        *arena_push(a, &ret->properties) = (struct codepipeline_action_type_property){
            .name = p->name,
            .optional = !p->required,
            .has_optional = true,
            .key = p->key,
            .has_key = true,
            .no_echo = p->secret,
            .has_no_echo = true,
        };
    }
}

int codepipeline_get_action_type(struct call *c,
                                 const struct codepipeline_get_action_type_input *in,
                                 struct codepipeline_get_action_type_output *out, struct err *err) {
    struct action_type_list own = action_types_builtin(c->arena);
    const struct action_type *known =
        action_type_find(&own, in->category, in->owner, in->provider, in->version);
    if (known != NULL) {
        out->action_type = arena_new(c->arena, struct codepipeline_action_type_declaration);
        declare_own(c->arena, known, out->action_type);
        return 0;
    }
    struct worker_type t = {.account = c->account,
                            .region = c->region,
                            .owner = in->owner,
                            .category = in->category,
                            .provider = in->provider,
                            .version = in->version};
    int found = worker_type_get(c->db, c->arena, &t, err);
    if (found <= 0) {
        return found < 0 ? -1 : no_type(in->category, in->owner, in->provider, in->version, err);
    }
    return codepipeline_decode(c->arena, &codepipeline_op_get_action_type, t.definition, out, err);
}

/* Third parties' types come into being at AWS by hand; here the first update registers one. */
static int check_declaration(struct call *c, const struct codepipeline_action_type_declaration *d,
                             struct err *err) {
    struct action_type_list own = action_types_builtin(c->arena);
    if (!str_is(d->id->owner, "ThirdParty") ||
        action_type_find(&own, d->id->category, d->id->owner, d->id->provider, d->id->version) !=
            NULL) {
        return no_type(d->id->category, d->id->owner, d->id->provider, d->id->version, err);
    }
    if (!str_is(d->executor->type, "JobWorker")) {
        return err_api(err, &codepipeline_RequestFailedException,
                       "The executor %.*s is not available here, JobWorker is; see docs/limits.md",
                       STR_ARG(d->executor->type));
    }
    size_t pair = 0;
    for (size_t i = 0; i < d->properties.n; i++) {
        pair += str_is(d->properties.v[i].name, "ClientId") ||
                (str_is(d->properties.v[i].name, "ClientToken") && d->properties.v[i].no_echo);
    }
    return pair == 2 ? 0
                     : err_api(err, &codepipeline_RequestFailedException,
                               "A third party's action type has the properties ClientId and, with "
                               "noEcho, ClientToken: by them it knows its customers; see "
                               "docs/limits.md");
}

int codepipeline_update_action_type(struct call *c,
                                    const struct codepipeline_update_action_type_input *in,
                                    struct codepipeline_update_action_type_output *out,
                                    struct err *err) {
    (void)out;
    const struct codepipeline_action_type_declaration *d = in->action_type;
    struct codepipeline_get_action_type_output stored = {.action_type = in->action_type};
    struct worker_type t = {.account = c->account,
                            .region = c->region,
                            .owner = d->id->owner,
                            .category = d->id->category,
                            .provider = d->id->provider,
                            .version = d->id->version};
    return check_declaration(c, d, err) < 0 ||
                   codepipeline_encode(c->arena, &codepipeline_op_get_action_type, &stored,
                                       &t.definition, err) < 0
               ? -1
               : worker_type_put(c->db, &t, c->now_ms, err);
}
