/* I7: the events once more, one after the other; what comes out is what is kept. */
#include "flow/verify/looking.h"

#include "flow/execution/engine.h"
#include "platform/text/json.h"

enum { EVENTS_AN_ARENA = 64 }; /* then the state moves into a new one */

struct folding {
    struct arena arenas[2];
    size_t in; /* which of them has the state */
    int steps;
    struct engine_state state;
};

static int move(struct folding *f, struct err *err) {
    json_t *kept cleanup_json = engine_state_to_json(&f->state);
    size_t to = 1 - f->in;
    if (engine_state_from_json(&f->arenas[to], kept, &f->state, err) < 0) {
        return -1;
    }
    arena_done(&f->arenas[f->in]);
    f->in = to;
    f->steps = 0;
    return 0;
}

static int step(struct folding *f, struct str text, struct err *err) {
    struct arena *a = &f->arenas[f->in];
    struct engine_event event;
    struct engine_state next;
    struct engine_effect_list effects;
    enum engine_refusal refusal = REFUSED_NOTHING;
    json_t *json cleanup_json = json_parse(text, err);
    if (json == NULL || engine_event_from_json(a, json, &event, err) < 0 ||
        engine_step(a, &f->state, &event, &next, &effects, &refusal, err) < 0) {
        return -1;
    }
    f->state = next;
    return ++f->steps < EVENTS_AN_ARENA ? 0 : move(f, err);
}

/* 1: all were taken; 0: one was not, and that is found. */
static int fold(struct looking *l, struct folding *f) {
    struct db_rows rows cleanup_rows = {0};
    int more = db_query(l->db, &rows, l->err,
                        "SELECT seq, event FROM pipeline_events WHERE pipeline = ? ORDER BY seq",
                        "i", l->pipeline);
    while (more >= 0 && (more = db_next(&rows, l->err)) > 0) {
        struct err why = ERR_INIT;
        if (step(f, db_str(&rows, &f->arenas[f->in], 1), &why) < 0) {
            finding(l, 7, STR_NONE, "event %lld is not taken again: %s",
                    (long long)db_i64(&rows, 0), why.msg);
            return 0;
        }
    }
    return more < 0 ? -1 : 1;
}

/* The row of everybody whom the state knows says the same. */
static int look_at_rows(struct looking *l, const struct engine_state *s) {
    for (size_t i = 0; i < s->executions.n; i++) {
        const struct engine_execution *e = &s->executions.v[i];
        struct str status = STR_NONE;
        int found = db_get_str(l->db, &l->work, &status, l->err,
                               "SELECT status FROM pipeline_executions WHERE id = ?", "s", e->id);
        if (found < 0) {
            return -1;
        }
        if (found == 0 || !str_is(status, exec_status_name(e->status))) {
            finding(l, 7, e->id, "its row says '" STR_FMT "', its events %s", STR_ARG(status),
                    exec_status_name(e->status));
        }
    }
    return 0;
}

static int compare(struct looking *l, const struct engine_state *folded) {
    struct str text = STR_NONE;
    struct err why = ERR_INIT;
    if (db_get_str(l->db, &l->work, &text, l->err, "SELECT state FROM pipelines WHERE id = ?", "i",
                   l->pipeline) < 0) {
        return -1;
    }
    /* a state that another version wrote may say the same in other words */
    struct engine_state state;
    json_t *kept cleanup_json = json_parse(text, &why);
    if (kept == NULL || engine_state_from_json(&l->work, kept, &state, &why) < 0) {
        finding(l, 7, STR_NONE, "the state cannot be read: %s", why.msg);
        return 0;
    }
    json_t *one cleanup_json = engine_state_to_json(folded);
    json_t *two cleanup_json = engine_state_to_json(&state);
    if (!json_equal(one, two)) {
        finding(l, 7, STR_NONE, "the state is not the fold of the events");
    }
    return look_at_rows(l, folded);
}

int look_at_fold(struct looking *l) {
    struct folding f = {0};
    int folded = fold(l, &f);
    int compared = folded > 0 ? compare(l, &f.state) : folded;
    arena_done(&f.arenas[0]);
    arena_done(&f.arenas[1]);
    return compared;
}
