/* Loading an attempt, its role, its artifacts; action.h. */
#include "flow/action/action.h"

#include "flow/action/artifacts.h"
#include "flow/action/providers.h"
#include "platform/crypto/hash.h"
#include "platform/text/json.h"

static const struct action_provider providers[] = {
#define PROVIDER(category, provider, minutes, start, kill)                                         \
    {category, provider, minutes, start, kill},
#include "flow/action/providers.def"
#undef PROVIDER
};

/* Whoever works for it: of whatever category and name. */
static const struct action_provider custom = {"*", "*", 24 * 60, action_custom_start,
                                              action_custom_kill};

const struct action_provider *action_provider_find(const struct def_action *decl) {
    struct str category = decl->category, name = decl->provider;
    if (str_is(decl->owner, "Custom") || str_is(decl->owner, "ThirdParty")) {
        return &custom;
    }
    for (size_t i = 0; i < sizeof(providers) / sizeof(providers[0]); i++) {
        if (str_is(category, providers[i].category) && str_is(name, providers[i].name)) {
            return &providers[i];
        }
    }
    return NULL;
}

struct str action_setting(const struct action_run *run, const char *key) {
    return str_map_get(&run->configuration, str_c(key));
}

int action_flag(const struct action_run *run, const char *key, bool *ret, struct err *err) {
    struct str text = action_setting(run, key);
    *ret = str_ieq(text, S("true"));
    return *ret || text.n == 0 || str_ieq(text, S("false"))
               ? 0
               : err_set(err, ERR_INVALID, "%s is '%.*s': it is true or false", key, STR_ARG(text));
}

int64_t action_deadline_ms(const struct action_run *run, const struct action_provider *provider) {
    int minutes =
        run->decl->timeout_minutes > 0 ? run->decl->timeout_minutes : provider->timeout_minutes;
    return run->action.started_ms + (int64_t)minutes * 60 * 1000;
}

int action_look_again(struct action_run *run, int64_t young_ms) {
    enum { OFTEN_MS = 500, SELDOM_MS = 5000 };
    int64_t now = clock_now_ms(run->flow->clock);
    bool young = now - run->action.started_ms < young_ms;
    run->again_ms = now + (young ? OFTEN_MS : SELDOM_MS);
    return 0;
}

bool action_is_gone(const struct err *why) {
    return why->kind == ERR_NOT_FOUND || why->kind == ERR_DENIED;
}

int action_note(struct action_run *run, struct action_row *detail, struct err *err) {
    detail->id = run->action.id;
    if (db_begin(run->flow->db, err) < 0) {
        return -1;
    }
    if (record_action_detail(run->flow->db, detail, clock_now_ms(run->flow->clock), err) < 0) {
        db_rollback(run->flow->db);
        return -1;
    }
    flow_changed(run->flow);
    return db_commit(run->flow->db, err);
}

/* ---- variables ---- */

static int resolve_environment(struct action_run *run, const struct variable_scope *scope,
                               struct err *err) {
    for (size_t i = 0; i < run->decl->environment.n; i++) {
        struct def_env *to = arena_push(run->arena, &run->environment);
        *to = run->decl->environment.v[i];
        if (variables_resolve(run->arena, scope, to->value, &to->value, err) < 0) {
            return err_wrap(err, "environment variable %.*s", STR_ARG(to->name));
        }
    }
    return 0;
}

/* What the attempt's record shows of its inputs; one that is missing fails where it is opened. */
static int inputs_json(struct action_run *run, struct str *ret, struct err *err) {
    struct artifact_row *rows = arena_new_n(run->arena, struct artifact_row, run->decl->inputs.n);
    size_t n = 0;
    for (size_t i = 0; i < run->decl->inputs.n; i++) {
        int found = record_artifact_get(run->flow->db, run->arena, run->execution.id,
                                        run->decl->inputs.v[i], &rows[n], err);
        if (found < 0) {
            return -1;
        }
        n += found > 0;
    }
    *ret = n > 0 ? action_inputs_json(run->arena, rows, n) : STR_NONE;
    return 0;
}

static int resolve(struct action_run *run, struct err *err) {
    struct arena *a = run->arena;
    struct str inputs = STR_NONE;
    struct variable_scope scope;
    if (variables_of(run->flow->db, a, &run->def, &run->execution, &scope, err) < 0 ||
        variables_resolve_map(a, &scope, &run->decl->configuration, &run->configuration, err) < 0 ||
        variables_resolve_list(a, &scope, &run->decl->commands, &run->commands, err) < 0 ||
        resolve_environment(run, &scope, err) < 0 || inputs_json(run, &inputs, err) < 0) {
        return -1;
    }
    json_t *resolved cleanup_json = json_object();
    for (size_t i = 0; i < run->configuration.n; i++) {
        json_set_str(resolved, str_z(a, run->configuration.v[i].key),
                     run->configuration.v[i].value);
    }
    struct action_row detail = {.id = run->action.id,
                                .configuration = json_dump_str(a, resolved),
                                .inputs = run->action.inputs.p == NULL ? inputs : STR_NONE};
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
    run->deleted = found == 0;
    if (run->deleted) {
        found = record_pipeline_kept(db, a, run->action.pipeline, &run->pipeline, err);
    }
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
    run->region = run->decl->region.n > 0 ? run->decl->region : run->pipeline.region;
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

int action_pipeline_target(struct action_run *run, struct aws_target *ret, struct err *err) {
    struct str session = action_session_name(run->arena, &run->action);
    if (aws_assume(run->flow->world, run->arena, S("codepipeline.amazonaws.com"), run->def.role_arn,
                   session, ret, err) < 0) {
        return err_wrap(err, "CodePipeline is not authorized to perform AssumeRole on role %.*s",
                        STR_ARG(run->def.role_arn));
    }
    ret->region = run->region;
    return 0;
}

int action_target(struct action_run *run, struct aws_target *ret, struct err *err) {
    struct aws_target pipeline;
    if (action_pipeline_target(run, &pipeline, err) < 0) {
        return -1;
    }
    if (run->decl->role_arn.p == NULL) {
        *ret = pipeline;
    } else if (aws_assume_from(run->flow->world, run->arena, &pipeline, run->decl->role_arn,
                               action_session_name(run->arena, &run->action), ret, err) < 0) {
        return -1;
    }
    ret->region = run->region;
    return 0;
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
