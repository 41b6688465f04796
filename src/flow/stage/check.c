/* Loading a check, looking at its rules, recording what was found; check.h. */
#include "flow/stage/rule.h"

#include "flow/action/variables.h"
#include "platform/text/json.h"

enum { LOOK_AGAIN_MS = 2000 };

static const struct rule_provider providers[] = {
#define RULE(provider, look, end) {provider, look, end},
#include "flow/stage/rules.def"
#undef RULE
};

const struct rule_provider *rule_provider_find(struct str name) {
    for (size_t i = 0; i < sizeof(providers) / sizeof(providers[0]); i++) {
        if (str_is(name, providers[i].name)) {
            return &providers[i];
        }
    }
    return NULL;
}

struct str rule_setting(const struct rule_run *run, const char *key) {
    return str_map_get(&run->configuration, str_c(key));
}

int rule_target(struct rule_run *run, struct aws_target *ret, struct err *err) {
    const struct check_run *check = run->check;
    const struct aws_world *world = check->flow->world;
    struct str session =
        str_printf(check->arena, "tl-%.*s-rule", STR_ARG(str_sub(check->execution.id, 0, 8)));
    if (aws_assume(world, check->arena, S("codepipeline.amazonaws.com"), check->def.role_arn,
                   session, ret, err) < 0 ||
        (run->rule->role_arn.p != NULL &&
         aws_assume_from(world, check->arena, ret, run->rule->role_arn, session, ret, err) < 0)) {
        return -1;
    }
    if (run->rule->region.p != NULL) {
        ret->region = run->rule->region;
    }
    return 0;
}

/* ---- loading, recording ---- */

static const struct def_condition *condition_of(const struct def_stage *stage, struct str kind) {
    return str_is(kind, "ON_SUCCESS")   ? &stage->success
           : str_is(kind, "ON_FAILURE") ? &stage->failure
                                        : &stage->entry;
}

static int load(struct check_run *run, struct str check_id, struct err *err) {
    struct db *db = run->flow->db;
    struct arena *a = run->arena;
    struct str json = STR_NONE;
    int found = record_condition_get(db, a, check_id, &run->row, err);
    if (found <= 0 || !str_is(run->row.status, "InProgress")) {
        return found < 0 ? -1 : 0;
    }
    found = record_pipeline_by_id(db, a, run->row.pipeline, &run->pipeline, err);
    if (found > 0) {
        found = record_execution_get(db, a, run->row.execution, &run->execution, err);
    }
    if (found > 0) {
        found = record_version_get(db, a, run->pipeline.id, run->execution.version, &json, err);
    }
    if (found <= 0) {
        return found;
    }
    if (definition_parse(a, json, &run->def, err) < 0 ||
        record_rule_list(db, a, check_id, &run->rules, err) < 0 ||
        variables_of(db, a, &run->def, &run->execution, &run->variables, err) < 0) {
        return -1;
    }
    run->stage = definition_stage(&run->def, run->row.stage);
    if (run->stage == NULL) {
        return err_set(err, ERR_INTERNAL, "version %d of the pipeline has no stage %.*s",
                       run->execution.version, STR_ARG(run->row.stage));
    }
    run->condition = condition_of(run->stage, run->row.kind);
    return 1;
}

int stage_check_load(const struct flow *f, struct arena *a, struct str check_id,
                     struct check_run *ret, struct err *err) {
    *ret = (struct check_run){.flow = f, .arena = a};
    if (db_begin(f->db, err) < 0) {
        return -1;
    }
    int loaded = load(ret, check_id, err);
    db_rollback(f->db);
    return loaded;
}

int stage_check_over(const struct check_run *run, struct err *err) {
    struct condition_row now;
    int found = record_condition_get(run->flow->db, run->arena, run->row.id, &now, err);
    return found <= 0 ? (found < 0 ? -1 : 1) : !str_is(now.status, "InProgress");
}

int stage_check_record(const struct check_run *run, const struct check_result *result,
                       struct err *err) {
    int64_t now_ms = clock_now_ms(run->flow->clock);
    for (size_t i = 0; i < result->rules.n; i++) {
        struct rule_row row = result->rules.v[i];
        row.condition = run->row.id;
        row.pipeline = run->row.pipeline;
        row.execution = run->row.execution;
        row.stage = run->row.stage;
        row.started_ms = now_ms;
        row.updated_ms = now_ms;
        if (record_rule_put(run->flow->db, &row, err) < 0) {
            return -1;
        }
    }
    return 0;
}

/* ---- looking ---- */

static const struct rule_row *found_before(const struct check_run *run, struct str rule) {
    for (size_t i = 0; i < run->rules.n; i++) {
        if (str_eq(run->rules.v[i].rule, rule)) {
            return &run->rules.v[i];
        }
    }
    return NULL;
}

static const char *verdict_name(enum rule_verdict verdict) {
    return verdict == RULE_PASSED ? "Succeeded" : verdict == RULE_FAILED ? "Failed" : "InProgress";
}

static struct str configuration_json(struct arena *a, const struct str_map *m) {
    json_t *o cleanup_json = json_object();
    for (size_t i = 0; i < m->n; i++) {
        json_set_str(o, str_z(a, m->v[i].key), m->v[i].value);
    }
    return json_dump_str(a, o);
}

static int look_once(struct rule_run *run, struct rule_look *ret, bool *ret_late, struct err *err) {
    struct check_run *check = run->check;
    const struct def_rule *rule = run->rule;
    const struct rule_provider *provider = rule_provider_find(rule->provider);
    if (provider == NULL) {
        return err_set(err, ERR_UNSUPPORTED, "there is no rule provider %.*s",
                       STR_ARG(rule->provider));
    }
    if (variables_resolve_map(check->arena, &check->variables, &rule->configuration,
                              &run->configuration, err) < 0 ||
        variables_resolve_list(check->arena, &check->variables, &rule->commands, &run->commands,
                               err) < 0 ||
        provider->look(run, ret, err) < 0) {
        return -1;
    }
    int64_t limit_ms = (int64_t)rule->timeout_minutes * 60 * 1000;
    *ret_late = ret->verdict == RULE_WAITS && limit_ms > 0 && run->waited_ms >= limit_ms;
    if (*ret_late) {
        ret->verdict = RULE_FAILED;
        ret->summary = str_printf(check->arena, "Timed out after %d minutes. %.*s",
                                  rule->timeout_minutes, STR_ARG(ret->summary));
    }
    return 0;
}

/* Takes what the look found into the result. */
static void take(struct check_result *result, const struct rule_row *row, int again_ms) {
    bool waits = str_is(row->status, "InProgress");
    if (!str_is(row->status, "Succeeded")) {
        result->passed = false;
        result->summary = result->summary.p == NULL ? row->summary : result->summary;
    }
    if (waits) {
        int again = again_ms > 0 ? again_ms : LOOK_AGAIN_MS;
        result->decided = false;
        result->again_ms =
            result->again_ms == 0 || again < result->again_ms ? again : result->again_ms;
    }
}

static int look(struct check_run *check, size_t index, struct check_result *result,
                struct err *err) {
    const struct def_rule *rule = &check->condition->rules.v[index];
    struct rule_run run = {
        .check = check,
        .rule = rule,
        .id = str_printf(check->arena, "%.*s-%zu", STR_ARG(check->row.id), index),
        .before = found_before(check, rule->name),
        .waited_ms = clock_now_ms(check->flow->clock) - check->row.started_ms,
    };
    struct rule_row *row = arena_push(check->arena, &result->rules);
    if (run.before != NULL && !str_is(run.before->status, "InProgress")) {
        *row = *run.before;
        take(result, row, 0);
        return 0;
    }
    struct rule_look found = {0};
    struct err why = ERR_INIT;
    bool unavailable = false;
    *row = (struct rule_row){.id = run.id, .rule = rule->name};
    bool late = false;
    if (look_once(&run, &found, &late, &why) < 0) {
        *row = (struct rule_row){
            .id = run.id,
            .rule = rule->name,
            .status = S("Failed"),
            .summary = str_printf(check->arena, "It could not be evaluated: %s", why.msg),
            .error_code = S("ConfigurationError"),
            .error_message = str_dup(check->arena, str_c(why.msg)),
        };
        result->errored = true;
        unavailable = why.kind == ERR_UNAVAILABLE;
    } else {
        row->status = str_c(verdict_name(found.verdict));
        row->summary = found.summary;
        row->external_id = found.external_id;
        row->external_url = found.external_url;
        row->configuration = configuration_json(check->arena, &run.configuration);
    }
    result->left_over = result->left_over || late;
    take(result, row, found.again_ms);
    *err = unavailable ? why : *err;
    return unavailable ? -1 : 0;
}

/* One rule that failed decides: nobody waits for the others. */
static void give_up_others(struct check_result *result) {
    bool failed = false;
    for (size_t i = 0; i < result->rules.n; i++) {
        failed = failed || str_is(result->rules.v[i].status, "Failed");
    }
    for (size_t i = 0; failed && i < result->rules.n; i++) {
        struct rule_row *row = &result->rules.v[i];
        if (str_is(row->status, "InProgress")) {
            row->status = S("Abandoned");
            result->left_over = true;
        } else if (str_is(row->status, "Failed")) {
            result->summary = row->summary;
        }
    }
    result->decided = result->decided || failed;
}

int stage_check(struct check_run *run, struct check_result *ret, struct err *err) {
    *ret = (struct check_result){.decided = true, .passed = true};
    struct err why = ERR_INIT;
    bool unavailable = false;
    for (size_t i = 0; i < run->condition->rules.n; i++) {
        unavailable = look(run, i, ret, &why) < 0 || unavailable;
    }
    if (ret->passed) {
        ret->summary = S("Every rule passed");
    }
    give_up_others(ret);
    if (unavailable) {
        *err = why;
        return -1;
    }
    return 0;
}

/* ---- ending ---- */

int stage_check_end(const struct flow *f, struct arena *a, struct str check_id, struct err *err) {
    struct rule_row_list rules;
    if (db_begin(f->db, err) < 0) {
        return -1;
    }
    int read = record_rule_list(f->db, a, check_id, &rules, err);
    db_rollback(f->db);
    for (size_t i = 0; read == 0 && i < rules.n; i++) {
        const struct rule_row *row = &rules.v[i];
        for (size_t k = 0;
             row->external_id.p != NULL && k < sizeof(providers) / sizeof(providers[0]); k++) {
            if (providers[k].end != NULL && providers[k].end(f, a, row, err) < 0) {
                return -1;
            }
        }
    }
    return read;
}
