/* What the handlers share; codepipeline.h. */
#include "front/api/codepipeline/codepipeline.h"

#include "aws/proto/proto.h"
#include "platform/text/json.h"
#include "services/core/page.h"

static const struct flow *the_flow;
static void (*the_changed)(void *ud);
static void *the_changed_ud;

void codepipeline_serve(const struct flow *f, void (*changed)(void *ud), void *ud) {
    the_flow = f;
    the_changed = changed;
    the_changed_ud = ud;
}

const struct flow *codepipeline_flow(void) {
    return the_flow;
}

void codepipeline_look_again(struct db *db) {
    if (the_changed != NULL) {
        db_on_commit(db, the_changed, the_changed_ud);
    }
}

void codepipeline_changed(struct call *c) {
    codepipeline_look_again(c->db);
}

int codepipeline_find(struct call *c, struct str name, struct pipeline_row *ret, struct err *err) {
    int found = record_pipeline_get(c->db, c->arena, c->account, c->region, name, ret, err);
    if (found < 0) {
        return -1;
    }
    return found > 0 ? 0
                     : err_api(err, &codepipeline_PipelineNotFoundException,
                               "Account '%.*s' does not have a pipeline with name '%.*s'",
                               STR_ARG(c->account), STR_ARG(name));
}

int codepipeline_load(struct call *c, struct str name, struct pipeline_row *ret,
                      struct definition *ret_def, struct engine_state *ret_state, struct err *err) {
    return codepipeline_find(c, name, ret, err) < 0 ||
                   definition_parse(c->arena, ret->definition, ret_def, err) < 0 ||
                   execution_state(c->arena, ret, ret_state, err) < 0
               ? -1
               : 0;
}

int codepipeline_find_execution(struct call *c, const struct pipeline_row *pipeline, struct str id,
                                struct execution_row *ret, struct err *err) {
    int found = record_execution_get(c->db, c->arena, id, ret, err);
    if (found < 0) {
        return -1;
    }
    if (found == 0 || ret->pipeline != pipeline->id) {
        return err_api(err, &codepipeline_PipelineExecutionNotFoundException,
                       "Pipeline '%.*s' has no execution '%.*s'", STR_ARG(pipeline->name),
                       STR_ARG(id));
    }
    return 0;
}

int codepipeline_refused(enum engine_refusal why, struct err *err) {
    static const struct aws_error *const errors[] = {
        [REFUSED_NOTHING] = NULL,
        [REFUSED_NO_STAGE] = &codepipeline_StageNotFoundException,
        [REFUSED_NO_ACTION] = &codepipeline_ActionNotFoundException,
        [REFUSED_NO_EXECUTION] = &codepipeline_PipelineExecutionNotFoundException,
        [REFUSED_TOKEN] = &codepipeline_InvalidApprovalTokenException,
        [REFUSED_ANSWERED] = &codepipeline_ApprovalAlreadyCompletedException,
        [REFUSED_NOT_STOPPABLE] = &codepipeline_PipelineExecutionNotStoppableException,
        [REFUSED_STOP_TWICE] = &codepipeline_DuplicatedStopRequestException,
        [REFUSED_NOT_RETRYABLE] = &codepipeline_StageNotRetryableException,
        [REFUSED_NOT_LATEST] = &codepipeline_NotLatestPipelineExecutionException,
        [REFUSED_TOO_MANY] = &codepipeline_ConcurrentPipelineExecutionsLimitExceededException,
        [REFUSED_NO_ROLLBACK] = &codepipeline_UnableToRollbackStageException,
        [REFUSED_OUTDATED] = &codepipeline_PipelineExecutionOutdatedException,
        [REFUSED_NOT_OVERRIDABLE] = &codepipeline_ConditionNotOverridableException,
        [REFUSED_NOT_WAITING] = &codepipeline_ConflictException,
    };
    if (errors[why] != NULL) {
        err->api = errors[why];
    }
    return -1;
}

struct str codepipeline_arn(struct arena *a, struct str region, struct str account,
                            struct str name) {
    return str_printf(a, "arn:aws:codepipeline:%.*s:%.*s:%.*s", STR_ARG(region), STR_ARG(account),
                      STR_ARG(name));
}

static int bad_token(struct err *err) {
    return err_api(err, &codepipeline_InvalidNextTokenException,
                   "The next token is not one that this operation gave out");
}

int codepipeline_page_key(struct call *c, struct str token, struct str *ret_key, struct err *err) {
    return page_key(c, token, ret_key) ? 0 : bad_token(err);
}

int codepipeline_page_number(struct call *c, struct str token, int64_t *ret, struct err *err) {
    return page_key_i64(c, token, ret) ? 0 : bad_token(err);
}

/* "PIPELINE/NUMBER" */
int codepipeline_page_before(struct call *c, const struct pipeline_row *pipeline, struct str token,
                             int64_t *ret, struct err *err) {
    struct str key = STR_NONE;
    struct str of = str_printf(c->arena, "%lld/", (long long)pipeline->id);
    long long number = 0;
    *ret = 0;
    if (token.p == NULL) {
        return 0;
    }
    if (!page_key(c, token, &key) || !str_starts(key, of) ||
        !str_to_i64(str_sub(key, of.n, key.n), &number)) {
        return bad_token(err);
    }
    *ret = number;
    return 0;
}

struct str codepipeline_page_after(struct call *c, const struct pipeline_row *pipeline,
                                   int64_t number) {
    return page_token(
        c, str_printf(c->arena, "%lld/%lld", (long long)pipeline->id, (long long)number));
}

int codepipeline_encode(struct arena *a, const struct shape_op *op, const void *out,
                        struct str *ret, struct err *err) {
    struct proto_message m = {0};
    if (proto_encode_response(a, SHAPE_JSON_1_1, op, STR_NONE, out, &m, err) < 0) {
        return -1;
    }
    *ret = m.body;
    return 0;
}

int codepipeline_decode(struct arena *a, const struct shape_op *op, struct str json, void *out,
                        struct err *err) {
    struct proto_message m = {.status = 200, .body = json};
    return proto_decode_response(a, SHAPE_JSON_1_1, op, &m, out, err);
}

/* Stored as get-pipeline's answer without metadata: {"pipeline": {...}}. */
int codepipeline_to_json(struct arena *a, const struct codepipeline_pipeline_declaration *d,
                         struct str *ret, struct err *err) {
    struct codepipeline_get_pipeline_output out = {
        .pipeline = arena_memdup(a, d, sizeof(*d)),
    };
    return codepipeline_encode(a, &codepipeline_op_get_pipeline, &out, ret, err);
}

int codepipeline_from_json(struct arena *a, struct str json,
                           struct codepipeline_pipeline_declaration **ret, struct err *err) {
    struct codepipeline_get_pipeline_output out = {0};
    if (codepipeline_decode(a, &codepipeline_op_get_pipeline, json, &out, err) < 0) {
        return -1;
    }
    *ret = out.pipeline;
    return 0;
}

struct str_map codepipeline_map(struct arena *a, struct str json) {
    struct str_map map = {0};
    struct err ignored = ERR_INIT;
    json_t *o cleanup_json = json.p ? json_parse(json, &ignored) : NULL;
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach(o, key, value) {
        struct str_pair *pair = arena_push(a, &map);
        pair->key = str_dup(a, str_c(key));
        pair->value = str_dup(a, codepipeline_shown(json_text(value)));
    }
    return map;
}
