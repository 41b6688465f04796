/* Showing, judging and giving approvals; approval.h. */
#include "flow/approval/approval.h"

#include "platform/text/json.h"
#include "runtime/audit/audit.h"

extern const char approval_schema_sql[];
const struct db_schema approval_schema = {"approval", approval_schema_sql};

/* ---- what was shown ---- */

static struct str parts_json(struct arena *a, const struct str_map *parts) {
    json_t *list cleanup_json = json_array();
    for (size_t i = 0; i < parts->n; i++) {
        json_t *pair = json_array();
        json_array_append_new(pair, json_stringn(parts->v[i].key.p, parts->v[i].key.n));
        json_array_append_new(pair, json_stringn(parts->v[i].value.p, parts->v[i].value.n));
        json_array_append_new(list, pair);
    }
    return json_dump_str(a, list);
}

static int keep_view(const struct flow *f, struct arena *a, struct str execution,
                     const struct approval_basis *b, struct err *err) {
    return db_run(f->db, err,
                  "INSERT INTO approval_views(execution, digest, parts, shown_ms) VALUES (?, ?, ?, "
                  "?) ON CONFLICT DO NOTHING",
                  "sssi", execution, b->digest, parts_json(a, &b->parts), clock_now_ms(f->clock));
}

static int read_view(const struct flow *f, struct arena *a, struct str execution, struct str digest,
                     struct str_map *ret, struct err *err) {
    struct str text = STR_NONE;
    *ret = (struct str_map){0};
    int found = db_get_str(f->db, a, &text, err,
                           "SELECT parts FROM approval_views WHERE execution = ? AND digest = ?",
                           "ss", execution, digest);
    if (found <= 0) {
        return found;
    }
    json_t *list cleanup_json = json_parse(text, err);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *pair = json_array_get(list, i);
        *arena_push(a, ret) = (struct str_pair){str_dup(a, json_text(json_array_get(pair, 0))),
                                                str_dup(a, json_text(json_array_get(pair, 1)))};
    }
    return list == NULL ? -1 : 1;
}

static int show(const struct flow *f, struct arena *a, const struct pipeline_row *pipeline,
                struct str execution, const struct str_map *states, struct approval_basis *ret,
                struct err *err) {
    return approval_basis_of(f, a, pipeline, execution, states, ret, err) < 0
               ? -1
               : keep_view(f, a, execution, ret, err);
}

int approval_show(const struct flow *f, struct arena *a, const struct pipeline_row *pipeline,
                  struct str execution, struct approval_basis *ret, struct err *err) {
    struct str_map states;
    if (approval_states(f, a, pipeline, execution, &states, err) < 0 || db_begin(f->db, err) < 0) {
        return -1;
    }
    if (show(f, a, pipeline, execution, &states, ret, err) < 0) {
        db_rollback(f->db);
        return -1;
    }
    return db_commit(f->db, err);
}

/* ---- answering ---- */

static struct str action_with_token(const struct engine_state *state, struct str stage,
                                    struct str token, struct str *ret_execution) {
    for (size_t i = 0; token.n > 0 && i < state->executions.n; i++) {
        const struct engine_execution *e = &state->executions.v[i];
        for (size_t k = 0; str_eq(e->stage, stage) && k < e->actions.n; k++) {
            if (str_eq(e->actions.v[k].token, token)) {
                *ret_execution = e->id;
                return e->actions.v[k].id;
            }
        }
    }
    return STR_NONE;
}

static int note_answer(const struct flow *f, struct arena *a, const struct approval_answer *answer,
                       struct str id, struct err *err) {
    struct action_row detail = {
        .id = id,
        .summary = answer->summary.n > 0 ? answer->summary
                   : answer->approved    ? S("Approved")
                                         : S("Rejected"),
        .updated_by = answer->by,
    };
    if (!answer->approved) {
        detail.error_code = S("JobFailed");
        detail.error_message =
            str_printf(a, "The approval was rejected by %.*s", STR_ARG(answer->by));
    }
    return record_action_detail(f->db, &detail, clock_now_ms(f->clock), err);
}

/* The engine knows no token of who has gone on, and no reason why one that it knows waits no more:
 * time, a stop, an answer. The rows know who answered. Always -1. */
static int waits_no_more(const struct flow *f, const struct pipeline_row *pipeline,
                         const struct approval_answer *answer, enum engine_refusal *ret_refusal,
                         struct err *err) {
    struct err unread = ERR_INIT;
    bool answered = false;
    if (record_action_answered(f->db, pipeline->id, answer->stage, answer->action, answer->token,
                               &answered, &unread) < 0) {
        return -1;
    }
    if (!answered && *ret_refusal == REFUSED_ANSWERED) {
        *ret_refusal = REFUSED_TOKEN;
        return err_set(err, ERR_CONFLICT,
                       "the approval token of %.*s/%.*s is good no more: its time is over, or the "
                       "execution was stopped",
                       STR_ARG(answer->stage), STR_ARG(answer->action));
    }
    if (!answered) {
        return -1;
    }
    *ret_refusal = REFUSED_ANSWERED;
    return err_set(err, ERR_CONFLICT, "the approval of %.*s/%.*s was answered before",
                   STR_ARG(answer->stage), STR_ARG(answer->action));
}

int approval_answer(const struct flow *f, struct arena *a, const struct pipeline_row *pipeline,
                    const struct approval_answer *answer, enum engine_refusal *ret_refusal,
                    struct err *err) {
    struct engine_state state;
    struct execution_row execution;
    struct str id = STR_NONE;
    struct str execution_id = STR_NONE;
    *ret_refusal = REFUSED_NOTHING;
    if (execution_state(a, pipeline, &state, err) < 0) {
        return -1;
    }
    id = action_with_token(&state, answer->stage, answer->token, &execution_id);
    /* what was shown is of that release, and so must the token be */
    if (answer->execution.p != NULL && id.p != NULL && !str_eq(execution_id, answer->execution)) {
        *ret_refusal = REFUSED_TOKEN;
        return err_set(err, ERR_CONFLICT,
                       "the approval token is of release '%.*s', not of '%.*s', which was shown",
                       STR_ARG(execution_id), STR_ARG(answer->execution));
    }
    if (id.p != NULL && answer->approved) {
        struct person who = answer->who;
        if (who.arn.p == NULL) {
            person_of_arn(a, answer->by, &who);
        }
        int found = record_execution_get(f->db, a, execution_id, &execution, err);
        if (found < 0 ||
            (found > 0 && approval_four_eyes(f, a, pipeline, &execution, &who, err) < 0)) {
            return -1;
        }
    }
    struct engine_event event = {.kind = EVENT_APPROVAL,
                                 .stage = answer->stage,
                                 .action = answer->action,
                                 .token = answer->token,
                                 .ok = answer->approved};
    if (execution_apply(f, a, pipeline->id, &event, ret_refusal, err) < 0) {
        return *ret_refusal == REFUSED_TOKEN || *ret_refusal == REFUSED_ANSWERED
                   ? waits_no_more(f, pipeline, answer, ret_refusal, err)
                   : -1;
    }
    return note_answer(f, a, answer, id, err) < 0 ? -1
           : answer->act != NULL                  ? audit_add(f->db, answer->act, err)
                                                  : 0;
}

/* ---- judging ---- */

static void compare(struct arena *a, const struct str_map *shown, const struct str_map *now,
                    struct approval_moved_list *ret) {
    for (size_t i = 0; i < shown->n; i++) {
        struct str current = str_map_get(now, shown->v[i].key);
        if (current.p == NULL || !str_eq(current, shown->v[i].value)) {
            *arena_push(a, ret) =
                (struct approval_moved){shown->v[i].key, shown->v[i].value, current};
        }
    }
    for (size_t i = 0; i < now->n; i++) {
        if (str_map_get(shown, now->v[i].key).p == NULL) {
            *arena_push(a, ret) = (struct approval_moved){now->v[i].key, STR_NONE, now->v[i].value};
        }
    }
}

static int judge(const struct flow *f, struct arena *a, const struct pipeline_row *pipeline,
                 const struct approval_answer *answer, struct str digest,
                 const struct str_map *states, struct approval_moved_list *ret_moved,
                 enum engine_refusal *ret_refusal, struct err *err) {
    struct pipeline_row now;
    struct approval_basis basis;
    struct str_map shown;
    int found = record_pipeline_by_id(f->db, a, pipeline->id, &now, err);
    if (found <= 0) {
        return found < 0 ? -1 : err_set(err, ERR_NOT_FOUND, "the pipeline was deleted");
    }
    if (approval_basis_of(f, a, &now, answer->execution, states, &basis, err) < 0 ||
        read_view(f, a, answer->execution, digest, &shown, err) < 0) {
        return -1;
    }
    if (!str_eq(basis.digest, digest)) {
        if (shown.n > 0) {
            compare(a, &shown, &basis.parts, ret_moved);
        }
        return 0;
    }
    return approval_answer(f, a, &now, answer, ret_refusal, err) < 0 ? -1 : 1;
}

int approval_answer_shown(const struct flow *f, struct arena *a,
                          const struct pipeline_row *pipeline, const struct approval_answer *answer,
                          struct str digest, struct approval_moved_list *ret_moved,
                          enum engine_refusal *ret_refusal, struct err *err) {
    struct str_map states;
    *ret_moved = (struct approval_moved_list){0};
    *ret_refusal = REFUSED_NOTHING;
    if (approval_states(f, a, pipeline, answer->execution, &states, err) < 0 ||
        db_begin(f->db, err) < 0) {
        return -1;
    }
    int answered = judge(f, a, pipeline, answer, digest, &states, ret_moved, ret_refusal, err);
    if (answered < 0) {
        db_rollback(f->db);
        return -1;
    }
    return db_commit(f->db, err) < 0 ? -1 : answered;
}
