/* CreateCustomActionType, DeleteCustomActionType. A version that was used once stands for its
 * definition for good: the same definition brings a deleted one back, another one is refused. */
#include "front/api/codepipeline/tags.h"

#include "flow/worker/types.h"
#include "services/core/tags.h"

enum { MAX_CUSTOM = 50 }; /* of an account in a region */

static int invalid(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static int invalid(struct err *err, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    err_vset(err, ERR_INVALID, fmt, args);
    va_end(args);
    err->api = &codepipeline_ValidationException;
    return -1;
}

static const struct codepipeline_action_configuration_property *property(
    const struct codepipeline_create_custom_action_type_input *in, struct str name) {
    for (size_t i = 0; i < in->configuration_properties.n; i++) {
        if (str_eq(in->configuration_properties.v[i].name, name)) {
            return &in->configuration_properties.v[i];
        }
    }
    return NULL;
}

static int check_properties(const struct codepipeline_create_custom_action_type_input *in,
                            struct err *err) {
    size_t queryable = 0;
    for (size_t i = 0; i < in->configuration_properties.n; i++) {
        const struct codepipeline_action_configuration_property *p =
            &in->configuration_properties.v[i];
        if (property(in, p->name) != p) {
            return invalid(err, "Two configuration properties are named %.*s", STR_ARG(p->name));
        }
        queryable += p->queryable;
        if (p->queryable && (!p->required || p->secret)) {
            return invalid(err,
                           "The queryable configuration property %.*s must be both required and "
                           "not secret",
                           STR_ARG(p->name));
        }
    }
    return queryable <= 1 ? 0
                          : invalid(err,
                                    "A custom action type has up to one queryable "
                                    "configuration property, not %zu",
                                    queryable);
}

/* {Config:Name} of a property that is required and no secret, {ExternalExecutionId}. */
static int check_template(const struct codepipeline_create_custom_action_type_input *in,
                          const char *which, struct str text, bool execution, struct err *err) {
    if (text.p != NULL && !str_starts(text, S("https://")) && !str_starts(text, S("http://"))) {
        return invalid(err, "%s '%.*s' is no http or https URL", which, STR_ARG(text));
    }
    for (size_t open = 0; (open = str_find_c(text, '{', open)) != (size_t)-1; open++) {
        size_t close = str_find_c(text, '}', open);
        struct str name =
            close == (size_t)-1 ? STR_NONE : str_sub(text, open + 1, close - open - 1);
        const struct codepipeline_action_configuration_property *p =
            str_starts(name, S("Config:")) ? property(in, str_sub(name, 7, name.n)) : NULL;
        bool id = execution && str_is(name, "ExternalExecutionId");
        if (!id && (p == NULL || !p->required || p->secret)) {
            return invalid(
                err,
                "%s '%.*s': in braces stand Config:NAME of a configuration property that "
                "is required and not secret%s",
                which, STR_ARG(text), execution ? ", or ExternalExecutionId" : "");
        }
    }
    return 0;
}

static int check_settings(const struct codepipeline_create_custom_action_type_input *in,
                          struct err *err) {
    const struct codepipeline_action_type_settings *s = in->settings;
    if (s == NULL) {
        return 0;
    }
    return check_template(in, "thirdPartyConfigurationUrl", s->third_party_configuration_url, false,
                          err) < 0 ||
                   check_template(in, "entityUrlTemplate", s->entity_url_template, false, err) <
                       0 ||
                   check_template(in, "executionUrlTemplate", s->execution_url_template, true,
                                  err) < 0
               ? -1
               : check_template(in, "revisionUrlTemplate", s->revision_url_template, false, err);
}

static int check_input(const struct codepipeline_create_custom_action_type_input *in,
                       struct err *err) {
    const struct codepipeline_artifact_details *i = in->input_artifact_details;
    const struct codepipeline_artifact_details *o = in->output_artifact_details;
    if (str_is(in->category, "Approval") || str_is(in->category, "Compute")) {
        return invalid(err, "A custom action type's category cannot be %.*s",
                       STR_ARG(in->category));
    }
    if (i->minimum_count > i->maximum_count || o->minimum_count > o->maximum_count) {
        return invalid(err, "%s: the minimumCount is greater than the maximumCount",
                       i->minimum_count > i->maximum_count ? "inputArtifactDetails"
                                                           : "outputArtifactDetails");
    }
    return check_properties(in, err) < 0 ? -1 : check_settings(in, err);
}

static struct codepipeline_action_type *type_of(
    struct call *c, const struct codepipeline_create_custom_action_type_input *in) {
    struct codepipeline_action_type *t = arena_new(c->arena, struct codepipeline_action_type);
    t->id = arena_new(c->arena, struct codepipeline_action_type_id);
    *t->id = (struct codepipeline_action_type_id){
        .category = in->category,
        .owner = S("Custom"),
        .provider = in->provider,
        .version = in->version,
    };
    t->settings = in->settings;
    t->action_configuration_properties = in->configuration_properties;
    for (size_t i = 0; i < in->configuration_properties.n; i++) {
        struct codepipeline_action_configuration_property *p =
            &t->action_configuration_properties.v[i];
        p->has_queryable = true; /* absent is false */
    }
    t->input_artifact_details = in->input_artifact_details;
    t->output_artifact_details = in->output_artifact_details;
    return t;
}

static int check_room(struct call *c, struct err *err) {
    struct worker_type_list all;
    size_t n = 0;
    if (worker_type_list(c->db, c->arena, c->account, c->region, &all, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < all.n; i++) {
        n += str_is(all.v[i].owner, "Custom");
    }
    return n < MAX_CUSTOM ? 0
                          : err_api(err, &codepipeline_LimitExceededException,
                                    "Account '%.*s' has %d custom action types in %.*s, and can "
                                    "have no more",
                                    STR_ARG(c->account), MAX_CUSTOM, STR_ARG(c->region));
}

/* 0: the name is free, or the same definition was deleted. */
static int check_version(struct call *c, const struct worker_type *wanted, struct err *err) {
    struct worker_type there = *wanted;
    int found = worker_type_get(c->db, c->arena, &there, err);
    if (found <= 0) {
        return found;
    }
    if (!there.deleted) {
        return invalid(err,
                       "An action type with category %.*s, provider %.*s and version %.*s already "
                       "exists in account '%.*s'",
                       STR_ARG(wanted->category), STR_ARG(wanted->provider),
                       STR_ARG(wanted->version), STR_ARG(c->account));
    }
    return str_eq(there.definition, wanted->definition)
               ? 0
               : invalid(err,
                         "The version %.*s of the custom action type %.*s/%.*s was deleted: it can "
                         "be restored by an identical definition, and is not used for another one",
                         STR_ARG(wanted->version), STR_ARG(wanted->category),
                         STR_ARG(wanted->provider));
}

int codepipeline_create_custom_action_type(
    struct call *c, const struct codepipeline_create_custom_action_type_input *in,
    struct codepipeline_create_custom_action_type_output *out, struct err *err) {
    struct worker_type t = {.account = c->account,
                            .region = c->region,
                            .owner = S("Custom"),
                            .category = in->category,
                            .provider = in->provider,
                            .version = in->version};
    if (check_input(in, err) < 0 || codepipeline_check_tags(&in->tags, err) < 0) {
        return -1;
    }
    out->action_type = type_of(c, in);
    if (codepipeline_encode(c->arena, &codepipeline_op_create_custom_action_type, out,
                            &t.definition, err) < 0 ||
        check_version(c, &t, err) < 0 || check_room(c, err) < 0 ||
        worker_type_put(c->db, &t, c->now_ms, err) < 0) {
        return -1;
    }
    const struct tagged tagged = {
        .arn = codepipeline_type_arn(c, t.owner, t.category, t.provider, t.version)};
    return codepipeline_put_tags(c, &tagged, &in->tags, err) < 0
               ? -1
               : codepipeline_tags_of(c, &tagged, &out->tags, err);
}

int codepipeline_delete_custom_action_type(
    struct call *c, const struct codepipeline_delete_custom_action_type_input *in,
    struct codepipeline_delete_custom_action_type_output *out, struct err *err) {
    (void)out;
    struct worker_type t = {.account = c->account,
                            .region = c->region,
                            .owner = S("Custom"),
                            .category = in->category,
                            .provider = in->provider,
                            .version = in->version};
    struct str arn = codepipeline_type_arn(c, t.owner, t.category, t.provider, t.version);
    int found = worker_type_get(c->db, c->arena, &t, err);
    if (found <= 0 || t.deleted) {
        return found < 0 ? -1 : 0; /* deleting what is not there succeeds */
    }
    return tags_drop(c->db, arn, err) < 0 ? -1 : worker_type_delete(c->db, &t, c->now_ms, err);
}
