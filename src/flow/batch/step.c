/* The pure function of batch.h. */
#include "flow/batch/batch.h"

static const char *const statuses[BATCH_STATUSES] = {
    "PENDING", "IN_PROGRESS", "SUCCEEDED", "FAILED", "FAULT", "TIMED_OUT", "STOPPED"};

static const char *const phases[BATCH_PHASE_KINDS] = {
    "SUBMITTED", "DOWNLOAD_BATCHSPEC", "IN_PROGRESS", "COMBINE_ARTIFACTS", "SUCCEEDED", "FAILED",
    "STOPPED"};

/* One step on its way. */
struct step {
    struct arena *a;
    struct batch_state *s;
    const struct batch_event *e;
    struct batch_effects *effects;
};

const char *batch_status_name(enum batch_status status) {
    return statuses[status];
}

enum batch_status batch_status_parse(struct str name) {
    for (size_t i = 0; i < BATCH_STATUSES; i++) {
        if (str_is(name, statuses[i])) {
            return (enum batch_status)i;
        }
    }
    return BATCH_FAULT;
}

const char *batch_phase_name(enum batch_phase_kind kind) {
    return phases[kind];
}

enum batch_phase_kind batch_phase_now(const struct batch_state *s) {
    return s->phases.n > 0 ? s->phases.v[s->phases.n - 1].kind : BATCH_PHASE_SUBMITTED;
}

static void effect(struct step *st, enum batch_effect_kind kind, struct str uuid) {
    *arena_push(st->a, st->effects) = (struct batch_effect){kind, uuid};
}

/* Ends the current phase with this status and opens the next one. */
static void enter(struct step *st, enum batch_status status, struct str message,
                  enum batch_phase_kind next) {
    struct batch_state *s = st->s;
    if (s->phases.n > 0) {
        struct batch_phase *now = &s->phases.v[s->phases.n - 1];
        now->status = status;
        now->end_ms = st->e->t;
        now->message = str_dup(st->a, message);
    }
    *arena_push(st->a, &s->phases) =
        (struct batch_phase){.kind = next, .status = BATCH_IN_PROGRESS, .start_ms = st->e->t};
}

static void finish(struct step *st, enum batch_status phase, struct str message,
                   enum batch_phase_kind end, enum batch_status status) {
    enter(st, phase, message, end);
    st->s->status = status;
    st->s->complete = true;
    st->s->ended_ms = st->e->t;
}

/* ---- groups ---- */

static bool ended(const struct batch_group *g) {
    return g->build.status != BATCH_PENDING && g->build.status != BATCH_IN_PROGRESS;
}

/* It went well, or was allowed not to. */
static bool passes(const struct batch_group *g) {
    return g->build.status == BATCH_SUCCEEDED || (ended(g) && g->task.ignore_failure);
}

static const struct batch_group *group_named(const struct batch_state *s, struct str identifier) {
    for (size_t i = 1; i < s->groups.n; i++) {
        if (str_eq(s->groups.v[i].task.identifier, identifier)) {
            return &s->groups.v[i];
        }
    }
    return NULL;
}

static bool any(const struct batch_state *s, enum batch_status status) {
    for (size_t i = 0; i < s->groups.n; i++) {
        if (s->groups.v[i].build.status == status) {
            return true;
        }
    }
    return false;
}

static bool any_failed(const struct batch_state *s) {
    for (size_t i = 0; i < s->groups.n; i++) {
        if (ended(&s->groups.v[i]) && !passes(&s->groups.v[i])) {
            return true;
        }
    }
    return false;
}

/* Those that wait never start; those that run are asked to stop, and end by themselves. */
static void stop_all(struct step *st) {
    for (size_t i = 0; i < st->s->groups.n; i++) {
        struct batch_build *b = &st->s->groups.v[i].build;
        if (b->status == BATCH_PENDING) {
            b->status = BATCH_STOPPED;
        } else if (b->status == BATCH_IN_PROGRESS) {
            effect(st, BATCH_DO_STOP, b->uuid);
        }
    }
    if (st->s->combining.status == BATCH_IN_PROGRESS && st->s->combining.uuid.p != NULL) {
        effect(st, BATCH_DO_STOP, st->s->combining.uuid);
    }
}

/* What waits for something that went wrong can never start. */
static void stop_unreachable(struct step *st) {
    for (bool moved = true; moved;) {
        moved = false;
        for (size_t i = 1; i < st->s->groups.n; i++) {
            struct batch_group *g = &st->s->groups.v[i];
            for (size_t k = 0; g->build.status == BATCH_PENDING && k < g->task.depend_on.n; k++) {
                const struct batch_group *d = group_named(st->s, g->task.depend_on.v[k]);
                if (d == NULL || (ended(d) && !passes(d))) {
                    g->build.status = BATCH_STOPPED;
                    moved = true;
                }
            }
        }
    }
}

static bool ready(const struct batch_state *s, const struct batch_group *g) {
    for (size_t k = 0; k < g->task.depend_on.n; k++) {
        const struct batch_group *d = group_named(s, g->task.depend_on.v[k]);
        if (d == NULL || !passes(d)) {
            return false;
        }
    }
    return g->build.status == BATCH_PENDING;
}

static void start_ready(struct step *st) {
    for (size_t i = 1; i < st->s->groups.n; i++) {
        struct batch_group *g = &st->s->groups.v[i];
        if (ready(st->s, g)) {
            g->build.status = BATCH_IN_PROGRESS;
            effect(st, BATCH_DO_START, g->build.uuid);
        }
    }
}

/* "Builds failed: a, b" */
static struct str failed_text(struct step *st) {
    struct str text = S("");
    for (size_t i = 0; i < st->s->groups.n; i++) {
        const struct batch_group *g = &st->s->groups.v[i];
        bool counts = ended(g) && !passes(g) && g->build.status != BATCH_STOPPED;
        if (counts) {
            text = str_printf(st->a, STR_FMT "%s" STR_FMT, STR_ARG(text),
                              text.n > 0 ? ", " : "Builds failed: ", STR_ARG(g->task.identifier));
        }
    }
    return text;
}

static void combine_or_succeed(struct step *st) {
    struct batch_state *s = st->s;
    if (!s->combine) {
        finish(st, BATCH_SUCCEEDED, S(""), BATCH_PHASE_SUCCEEDED, BATCH_SUCCEEDED);
        return;
    }
    enter(st, BATCH_SUCCEEDED, S(""), BATCH_PHASE_COMBINE);
    s->combining.status = BATCH_IN_PROGRESS;
    s->combining.requested_ms = st->e->t;
    effect(st, BATCH_DO_COMBINE, s->combining.uuid);
}

/* After a group has ended: what starts, what is stopped, whether that was the last. */
static void settle(struct step *st) {
    if (any_failed(st->s) && st->s->fast_fail) {
        stop_all(st);
    }
    stop_unreachable(st);
    start_ready(st);
    if (any(st->s, BATCH_IN_PROGRESS) || any(st->s, BATCH_PENDING)) {
        return;
    }
    if (any_failed(st->s)) {
        finish(st, BATCH_FAILED, failed_text(st), BATCH_PHASE_FAILED, BATCH_FAILED);
    } else {
        combine_or_succeed(st);
    }
}

/* ---- events ---- */

static int wrong(const struct step *st, struct err *err, const char *what) {
    return err_set(err, ERR_INVALID, "%s: the batch is in phase %s", what,
                   batch_phase_name(batch_phase_now(st->s)));
}

static void on_submit(struct step *st) {
    *st->s =
        (struct batch_state){.status = BATCH_IN_PROGRESS, .attempt = 1, .combine = st->e->combine};
    enter(st, BATCH_SUCCEEDED, S(""), BATCH_PHASE_SUBMITTED);
    *arena_push(st->a, &st->s->groups) = (struct batch_group){
        .task = {.identifier = S(BATCH_SOURCE_GROUP)},
        .build = {.uuid = str_dup(st->a, st->e->fresh.v[0]), .requested_ms = st->e->t}};
    effect(st, BATCH_DO_CONTINUE, STR_NONE);
}

static int on_continue(struct step *st, struct err *err) {
    struct batch_group *first = &st->s->groups.v[0];
    if (st->s->complete || batch_phase_now(st->s) != BATCH_PHASE_SUBMITTED) {
        return wrong(st, err, "cannot go on");
    }
    if (first->build.status == BATCH_SUCCEEDED) {
        enter(st, BATCH_SUCCEEDED, S(""), BATCH_PHASE_RUN);
        settle(st);
        return 0;
    }
    enter(st, BATCH_SUCCEEDED, S(""), BATCH_PHASE_DOWNLOAD);
    first->build.status = BATCH_IN_PROGRESS;
    effect(st, BATCH_DO_START, first->build.uuid);
    return 0;
}

static int on_spec(struct step *st, struct err *err) {
    struct batch_state *s = st->s;
    if (s->complete || batch_phase_now(s) != BATCH_PHASE_DOWNLOAD) {
        return s->complete ? 0 : wrong(st, err, "cannot take a batch specification");
    }
    s->fast_fail = st->e->fast_fail;
    s->groups.v[0].build.status = BATCH_SUCCEEDED;
    for (size_t i = 0; i < st->e->tasks.n; i++) {
        *arena_push(st->a, &s->groups) = (struct batch_group){
            .task = st->e->tasks.v[i],
            .build = {.uuid = str_dup(st->a, st->e->fresh.v[i]), .requested_ms = st->e->t}};
    }
    s->combining.uuid = s->combine ? str_dup(st->a, st->e->fresh.v[st->e->tasks.n]) : STR_NONE;
    enter(st, BATCH_SUCCEEDED, S(""), BATCH_PHASE_RUN);
    settle(st);
    return 0;
}

static void note_end(struct step *st, struct batch_build *b) {
    b->status = st->e->status;
    b->artifacts = str_dup(st->a, st->e->artifacts);
}

static void on_combined(struct step *st) {
    note_end(st, &st->s->combining);
    if (st->s->complete) {
        return;
    }
    if (st->e->status == BATCH_SUCCEEDED) {
        finish(st, BATCH_SUCCEEDED, S(""), BATCH_PHASE_SUCCEEDED, BATCH_SUCCEEDED);
    } else {
        finish(st, BATCH_FAILED, st->e->message, BATCH_PHASE_FAILED, BATCH_FAILED);
    }
}

static void on_ended(struct step *st) {
    struct batch_state *s = st->s;
    if (s->combining.uuid.p != NULL && str_eq(s->combining.uuid, st->e->uuid)) {
        on_combined(st);
        return;
    }
    for (size_t i = 0; i < s->groups.n; i++) {
        struct batch_build *b = &s->groups.v[i].build;
        if (!str_eq(b->uuid, st->e->uuid)) {
            continue;
        }
        note_end(st, b);
        if (s->complete) {
            return;
        }
        if (i == 0) {
            finish(st, BATCH_FAILED, st->e->message, BATCH_PHASE_FAILED, BATCH_FAILED);
        } else {
            settle(st);
        }
        return;
    }
}

static void on_stop(struct step *st) {
    if (!st->s->complete) {
        finish(st, BATCH_STOPPED, S(""), BATCH_PHASE_STOPPED, BATCH_STOPPED);
        stop_all(st);
    }
}

static void on_timeout(struct step *st) {
    if (!st->s->complete && st->s->attempt == st->e->attempt) {
        finish(st, BATCH_TIMED_OUT, S("Batch build has timed out."), BATCH_PHASE_FAILED,
               BATCH_FAILED);
        stop_all(st);
    }
}

/* The build before stays on record; the next one has an id of its own. */
static void again(struct step *st, struct batch_group *g, size_t n) {
    *arena_push(st->a, &g->prior) = g->build;
    g->build =
        (struct batch_build){.uuid = str_dup(st->a, st->e->fresh.v[n]), .requested_ms = st->e->t};
}

static int on_retry(struct step *st, struct err *err) {
    struct batch_state *s = st->s;
    if (!s->complete || s->status != BATCH_FAILED) {
        return err_set(err, ERR_INVALID, "only a batch build that has failed can be retried");
    }
    if (any(s, BATCH_IN_PROGRESS)) {
        return err_set(err, ERR_INVALID, "builds of the batch are still ending");
    }
    for (size_t i = 0; i < s->groups.n; i++) {
        struct batch_group *g = &s->groups.v[i];
        bool well = g->build.status == BATCH_SUCCEEDED;
        if (!well || (i > 0 && st->e->all)) {
            again(st, g, i);
        }
    }
    if (s->combining.uuid.p != NULL) {
        s->combining = (struct batch_build){.uuid = str_dup(st->a, st->e->fresh.v[s->groups.n])};
    }
    enter(st, BATCH_FAILED, S(""), BATCH_PHASE_SUBMITTED);
    s->status = BATCH_IN_PROGRESS;
    s->complete = false;
    s->ended_ms = 0;
    s->attempt++;
    effect(st, BATCH_DO_CONTINUE, STR_NONE);
    return 0;
}

int batch_step(struct arena *a, struct batch_state *state, const struct batch_event *event,
               struct batch_effects *ret, struct err *err) {
    struct step st = {a, state, event, ret};
    *ret = (struct batch_effects){0};
    switch (event->kind) {
    case BATCH_SUBMIT:
        on_submit(&st);
        return 0;
    case BATCH_CONTINUE:
        return on_continue(&st, err);
    case BATCH_SPEC:
        return on_spec(&st, err);
    case BATCH_ENDED:
        on_ended(&st);
        return 0;
    case BATCH_STOP:
        on_stop(&st);
        return 0;
    case BATCH_TIMEOUT:
        on_timeout(&st);
        return 0;
    case BATCH_RETRY:
        return on_retry(&st, err);
    }
    return err_set(err, ERR_INTERNAL, "no such event of a batch");
}
