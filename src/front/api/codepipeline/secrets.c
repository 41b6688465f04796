/*
 * Secret configuration of actions. What a type calls secret is sealed before a structure is stored,
 * shown as asterisks, and kept when the asterisks come back. Only the job worker's calls open it.
 * Facts: ActionConfigurationProperty.secret of CodePipeline's model.
 */
#include "front/api/codepipeline/codepipeline.h"

#include "flow/worker/types.h"
#include "platform/crypto/encode.h"
#include "services/core/seal.h"

static const char mark[] = "{sealed}";
#define SHOWN S("****")

static struct str context(struct arena *a, struct str account, struct str region,
                          struct str pipeline, struct str key) {
    return str_printf(a, "codepipeline/secret/%.*s/%.*s/%.*s/%.*s", STR_ARG(account),
                      STR_ARG(region), STR_ARG(pipeline), STR_ARG(key));
}

static bool is_sealed(struct str value) {
    return str_starts(value, str_c(mark));
}

static bool is_masked(struct str value) {
    for (size_t i = 0; i < value.n; i++) {
        if (value.p[i] != '*') {
            return false;
        }
    }
    return value.n >= 3;
}

struct str codepipeline_shown(struct str value) {
    return is_sealed(value) ? SHOWN : value;
}

struct str codepipeline_open_secret(struct arena *a, struct str account, struct str region,
                                    struct str pipeline, struct str key, struct str value) {
    struct str sealed = STR_NONE;
    struct str plain = STR_NONE;
    struct err ignored = ERR_INIT;
    bool ours =
        is_sealed(value) && base64_decode(a, str_sub(value, sizeof(mark) - 1, value.n), &sealed) &&
        seal_open(a, context(a, account, region, pipeline, key), sealed, &plain, &ignored) == 0;
    return ours ? plain : value;
}

/* ---- a structure's ---- */

static const struct codepipeline_action_declaration *same_action(
    const struct codepipeline_pipeline_declaration *d, struct str stage, struct str name) {
    for (size_t i = 0; d != NULL && i < d->stages.n; i++) {
        for (size_t k = 0; k < d->stages.v[i].actions.n; k++) {
            if (str_eq(d->stages.v[i].name, stage) &&
                str_eq(d->stages.v[i].actions.v[k].name, name)) {
                return &d->stages.v[i].actions.v[k];
            }
        }
    }
    return NULL;
}

/* Its type's properties; an action whose type is not known has no secrets. */
static int type_of(struct call *c, const struct codepipeline_action_type_id *id,
                   const struct action_type_list *builtin, struct action_type *ret,
                   struct err *err) {
    const struct action_type *known =
        action_type_find(builtin, id->category, id->owner, id->provider, id->version);
    struct worker_type t = {.account = c->account,
                            .region = c->region,
                            .owner = id->owner,
                            .category = id->category,
                            .provider = id->provider,
                            .version = id->version};
    *ret = known != NULL ? *known : (struct action_type){.owner = id->owner};
    if (known != NULL || str_is(id->owner, "AWS")) {
        return 0;
    }
    int found = worker_type_get(c->db, c->arena, &t, err);
    return found <= 0 ? found : worker_type_read(c->arena, &t, ret, err);
}

struct place {
    struct call *c;
    struct str pipeline;
    struct str stage;
    const struct codepipeline_action_declaration *old;
};

static int seal_value(const struct place *p, struct str key, struct str *value, struct err *err) {
    struct call *c = p->c;
    if (is_masked(*value)) {
        struct str before = p->old != NULL ? str_map_get(&p->old->configuration, key) : STR_NONE;
        if (before.p == NULL) {
            return err_api(err, &codepipeline_InvalidActionDeclarationException,
                           "Stage %.*s: the secret configuration '%.*s' is asterisks, and there is "
                           "no earlier value that they stand for",
                           STR_ARG(p->stage), STR_ARG(key));
        }
        *value = before;
        return 0;
    }
    struct str sealed = seal_make(
        c->arena, c->rng, context(c->arena, c->account, c->region, p->pipeline, key), *value);
    *value = str_printf(c->arena, "%s%.*s", mark, STR_ARG(base64_encode(c->arena, sealed)));
    return 0;
}

static int seal_action(const struct place *p, struct codepipeline_action_declaration *a,
                       const struct action_type *t, struct err *err) {
    for (size_t i = 0; i < a->configuration.n; i++) {
        const struct action_property *known = action_property_find(t, a->configuration.v[i].key);
        if (known != NULL && known->secret &&
            seal_value(p, a->configuration.v[i].key, &a->configuration.v[i].value, err) < 0) {
            return -1;
        }
    }
    return 0;
}

int codepipeline_seal_secrets(struct call *c, struct codepipeline_pipeline_declaration *d,
                              const struct codepipeline_pipeline_declaration *old,
                              struct err *err) {
    struct action_type_list builtin = action_types_builtin(c->arena);
    for (size_t i = 0; i < d->stages.n; i++) {
        for (size_t k = 0; k < d->stages.v[i].actions.n; k++) {
            struct codepipeline_action_declaration *a = &d->stages.v[i].actions.v[k];
            struct place p = {c, d->name, d->stages.v[i].name,
                              same_action(old, d->stages.v[i].name, a->name)};
            struct action_type t;
            if (type_of(c, a->action_type_id, &builtin, &t, err) < 0 ||
                seal_action(&p, a, &t, err) < 0) {
                return -1;
            }
        }
    }
    return 0;
}

void codepipeline_mask_secrets(struct codepipeline_pipeline_declaration *d) {
    for (size_t i = 0; i < d->stages.n; i++) {
        for (size_t k = 0; k < d->stages.v[i].actions.n; k++) {
            struct str_map *m = &d->stages.v[i].actions.v[k].configuration;
            for (size_t n = 0; n < m->n; n++) {
                m->v[n].value = codepipeline_shown(m->v[n].value);
            }
        }
    }
}
