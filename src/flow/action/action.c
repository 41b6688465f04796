/* Loading an attempt, its role, its artifacts; action.h. */
#include "flow/action/action.h"

#include "flow/action/providers.h"
#include "platform/crypto/hash.h"
#include "platform/text/json.h"

static const struct action_provider providers[] = {
#define PROVIDER(category, provider, start, kill) {category, provider, start, kill},
#include "flow/action/providers.def"
#undef PROVIDER
};

const struct action_provider *action_provider_find(struct str category, struct str name) {
    for (size_t i = 0; i < sizeof(providers) / sizeof(providers[0]); i++) {
        if (str_is(category, providers[i].category) && str_is(name, providers[i].name)) {
            return &providers[i];
        }
    }
    return NULL;
}

/* ---- variables ---- */

static void add_value(struct arena *a, struct variable_scope *scope, struct str space,
                      struct str key, struct str value) {
    struct str_pair *pair = arena_push(a, &scope->values);
    pair->key = str_printf(a, "%.*s.%.*s", STR_ARG(space), STR_ARG(key));
    pair->value = value;
}

static void add_object(struct arena *a, struct variable_scope *scope, struct str space,
                       struct str json) {
    struct err ignored = ERR_INIT;
    json_t *o cleanup_json = json.p ? json_parse(json, &ignored) : NULL;
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach(o, key, value) {
        add_value(a, scope, space, str_c(key), str_dup(a, json_text(value)));
    }
}

static const struct def_action *declared(const struct definition *d, struct str stage,
                                         struct str action) {
    const struct def_stage *s = definition_stage(d, stage);
    return s ? definition_action(s, action) : NULL;
}

static int make_scope(struct action_run *run, struct variable_scope *ret, struct err *err) {
    struct arena *a = run->arena;
    *ret = (struct variable_scope){0};
    add_value(a, ret, S("codepipeline"), S("PipelineExecutionId"), run->execution.id);
    add_object(a, ret, S("variables"), run->execution.variables);
    struct action_row_list actions;
    if (record_action_list(run->flow->db, a, run->execution.id, &actions, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < actions.n; i++) {
        const struct action_row *row = &actions.v[i];
        const struct def_action *decl = declared(&run->def, row->stage, row->action);
        if (decl != NULL && decl->namespace.p != NULL && str_is(row->status, "Succeeded")) {
            add_object(a, ret, decl->namespace, row->output_variables);
        }
    }
    return 0;
}

static int resolve(struct action_run *run, struct err *err) {
    struct variable_scope scope;
    if (make_scope(run, &scope, err) < 0) {
        return -1;
    }
    json_t *resolved cleanup_json = json_object();
    for (size_t i = 0; i < run->decl->configuration.n; i++) {
        const struct str_pair *from = &run->decl->configuration.v[i];
        struct str_pair *to = arena_push(run->arena, &run->configuration);
        to->key = from->key;
        if (variables_resolve(run->arena, &scope, from->value, &to->value, err) < 0) {
            return err_wrap(err, "configuration %.*s", STR_ARG(from->key));
        }
        json_set_str(resolved, str_z(run->arena, to->key), to->value);
    }
    struct action_row detail = {.id = run->action.id,
                                .configuration = json_dump_str(run->arena, resolved)};
    return record_action_detail(run->flow->db, &detail, clock_now_ms(run->flow->clock), err);
}

/* ---- loading ---- */

static int load(struct action_run *run, struct str action_id, struct err *err) {
    struct db *db = run->flow->db;
    struct arena *a = run->arena;
    int found = record_action_get(db, a, action_id, &run->action, err);
    if (found <= 0 || !str_is(run->action.status, "InProgress")) {
        return found < 0 ? -1 : 0;
    }
    found = record_pipeline_by_id(db, a, run->action.pipeline, &run->pipeline, err);
    if (found > 0) {
        found = record_execution_get(db, a, run->action.execution, &run->execution, err);
    }
    struct str json = STR_NONE;
    if (found > 0) {
        found = record_version_get(db, a, run->pipeline.id, run->action.version, &json, err);
    }
    if (found <= 0) {
        return found;
    }
    if (definition_parse(a, json, &run->def, err) < 0) {
        return -1;
    }
    run->stage = definition_stage(&run->def, run->action.stage);
    run->decl = run->stage ? definition_action(run->stage, run->action.action) : NULL;
    if (run->decl == NULL) {
        return err_set(err, ERR_INTERNAL, "version %d of the pipeline has no action %.*s/%.*s",
                       run->action.version, STR_ARG(run->action.stage),
                       STR_ARG(run->action.action));
    }
    run->store = definition_store(&run->def, run->decl->region, run->pipeline.region);
    if (run->store == NULL) {
        return err_set(err, ERR_INVALID, "the pipeline has no artifact store in region %.*s",
                       STR_ARG(run->decl->region));
    }
    return resolve(run, err) < 0 ? -1 : 1;
}

int action_load(const struct flow *f, struct arena *a, struct str action_id, struct action_run *ret,
                struct err *err) {
    *ret = (struct action_run){.flow = f, .arena = a};
    if (db_begin(f->db, err) < 0) {
        return -1;
    }
    int loaded = load(ret, action_id, err);
    if (loaded < 0) {
        db_rollback(f->db);
        return -1;
    }
    return db_commit(f->db, err) < 0 ? -1 : loaded;
}

/* ---- role ---- */

struct str action_session_name(struct arena *a, const struct action_row *action) {
    struct str cut = str_dup(a, str_sub(action->action, 0, 40));
    char *text = (char *)cut.p;
    for (size_t i = 0; i < cut.n; i++) {
        char c = text[i];
        bool fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    strchr("_+=,.@-", c) != NULL;
        text[i] = fine ? c : '-';
    }
    return str_printf(a, "tl-%.*s-%.*s-%lld", STR_ARG(str_sub(action->execution, 0, 8)),
                      STR_ARG(cut), (long long)action->number);
}

int action_target(struct action_run *run, struct aws_target *ret, struct err *err) {
    const struct aws_world *world = run->flow->world;
    struct str session = action_session_name(run->arena, &run->action);
    struct aws_target pipeline;
    if (aws_assume(world, run->arena, S("codepipeline.amazonaws.com"), run->def.role_arn, session,
                   &pipeline, err) < 0) {
        return err_wrap(err, "CodePipeline is not authorized to perform AssumeRole on role %.*s",
                        STR_ARG(run->def.role_arn));
    }
    if (run->decl->role_arn.p == NULL) {
        *ret = pipeline;
        return 0;
    }
    return aws_assume_from(world, run->arena, &pipeline, run->decl->role_arn, session, ret, err);
}

/* ---- artifacts ---- */

struct str action_artifact_key(struct arena *a, struct str pipeline, struct str artifact,
                               struct str action_id) {
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    unsigned char digest[32];
    crypto_sha256(str_printf(a, "%.*s/%.*s", STR_ARG(action_id), STR_ARG(artifact)), digest);
    char random[8] = "";
    for (size_t i = 0; i < 7; i++) {
        random[i] = letters[digest[i] % 62];
    }
    return str_printf(a, "%.*s/%.*s/%s", STR_ARG(str_sub(pipeline, 0, 20)),
                      STR_ARG(str_sub(artifact, 0, 10)), random);
}

int action_put_outputs(struct action_run *run, const struct action_artifact *list, size_t n,
                       struct str revision, struct str *ret_json, struct err *err) {
    json_t *outputs cleanup_json = json_array();
    for (size_t i = 0; i < n; i++) {
        json_t *o = json_object();
        json_set_str(o, "name", list[i].name);
        json_set_str(o, "bucket", list[i].bucket);
        json_set_str(o, "key", list[i].key);
        json_set_str(o, "sha256", list[i].sha256);
        json_array_append_new(outputs, o);
        struct artifact_row row = {.name = list[i].name,
                                   .action = run->action.id,
                                   .bucket = list[i].bucket,
                                   .key = list[i].key,
                                   .sha256 = list[i].sha256,
                                   .revision = revision};
        if (record_artifact_put(run->flow->db, run->execution.id, &row, err) < 0) {
            return -1;
        }
    }
    *ret_json = json_dump_str(run->arena, outputs);
    return 0;
}
