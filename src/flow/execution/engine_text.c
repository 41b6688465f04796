/* The store's form of a state, written straight away: the text that engine_json.c's document would
 * give, without the document. A step writes it once; it is half of what a step costs otherwise. */
#include "flow/execution/engine.h"

#include "base/buf.h"

#include <stdio.h>

/* ---- members; those of zero value are left out ---- */

struct writing {
    struct buf out;
    bool first; /* nothing in this object or list yet */
};

static void next(struct writing *w) {
    if (!w->first) {
        buf_add_c(&w->out, ',');
    }
    w->first = false;
}

static void open_with(struct writing *w, char c) {
    buf_add_c(&w->out, c);
    w->first = true;
}

static void close_with(struct writing *w, char c) {
    buf_add_c(&w->out, c);
    w->first = false;
}

static void key(struct writing *w, const char *name) {
    next(w);
    buf_add_c(&w->out, '"');
    buf_add_z(&w->out, name);
    buf_add(&w->out, S("\":"));
}

/* Names and ids have nothing to escape, as a rule. */
static void string(struct writing *w, struct str s) {
    buf_add_c(&w->out, '"');
    size_t plain = 0;
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c >= 0x20 && c != '"' && c != '\\') {
            continue;
        }
        buf_add(&w->out, str_sub(s, plain, i - plain));
        plain = i + 1;
        if (c == '"' || c == '\\') {
            buf_add_c(&w->out, '\\');
            buf_add_c(&w->out, (char)c);
        } else {
            buf_printf(&w->out, "\\u%04x", c);
        }
    }
    buf_add(&w->out, str_sub(s, plain, s.n - plain));
    buf_add_c(&w->out, '"');
}

static void put_str(struct writing *w, const char *name, struct str s) {
    if (s.p != NULL) {
        key(w, name);
        string(w, s);
    }
}

static void put_int(struct writing *w, const char *name, int64_t value) {
    char digits[24];
    if (value != 0) {
        key(w, name);
        int n = snprintf(digits, sizeof(digits), "%lld", (long long)value);
        buf_add(&w->out, str_n(digits, (size_t)n));
    }
}

static void put_bool(struct writing *w, const char *name, bool value) {
    if (value) {
        key(w, name);
        buf_add(&w->out, S("true"));
    }
}

/* ---- what a state consists of ---- */

static void plan(struct writing *w, const struct engine_plan *p) {
    open_with(w, '{');
    put_int(w, "version", p->version);
    put_int(w, "mode", p->mode);
    key(w, "stages");
    open_with(w, '[');
    for (size_t i = 0; i < p->n; i++) {
        const struct engine_plan_stage *s = &p->v[i];
        next(w);
        open_with(w, '{');
        put_str(w, "name", s->name);
        put_int(w, "entry", s->entry);
        put_int(w, "success", s->success);
        put_int(w, "failure", s->failure);
        put_int(w, "failed", s->failed);
        put_bool(w, "retryAll", s->retry_all);
        key(w, "actions");
        open_with(w, '[');
        for (size_t k = 0; k < s->actions.n; k++) {
            next(w);
            open_with(w, '{');
            put_str(w, "name", s->actions.v[k].name);
            put_int(w, "runOrder", s->actions.v[k].run_order);
            put_bool(w, "approval", s->actions.v[k].approval);
            close_with(w, '}');
        }
        close_with(w, ']');
        close_with(w, '}');
    }
    close_with(w, ']');
    close_with(w, '}');
}

static void stage(struct writing *w, const struct engine_stage *s) {
    open_with(w, '{');
    put_str(w, "name", s->name);
    put_str(w, "holder", s->holder);
    if (s->waiting.n > 0) {
        key(w, "waiting");
        open_with(w, '[');
        for (size_t i = 0; i < s->waiting.n; i++) {
            next(w);
            string(w, s->waiting.v[i]);
        }
        close_with(w, ']');
    }
    put_str(w, "last", s->last);
    put_str(w, "succeeded", s->succeeded);
    put_bool(w, "inboundDisabled", s->inbound_disabled);
    put_bool(w, "outboundDisabled", s->outbound_disabled);
    close_with(w, '}');
}

static void actions(struct writing *w, const struct engine_action_list *list) {
    key(w, "actions");
    open_with(w, '[');
    for (size_t i = 0; i < list->n; i++) {
        const struct engine_action *a = &list->v[i];
        next(w);
        open_with(w, '{');
        put_str(w, "name", a->name);
        put_int(w, "runOrder", a->run_order);
        put_bool(w, "approval", a->approval);
        put_int(w, "status", a->status);
        put_str(w, "id", a->id);
        put_str(w, "token", a->token);
        close_with(w, '}');
    }
    close_with(w, ']');
}

static void execution(struct writing *w, const struct engine_execution *e) {
    open_with(w, '{');
    put_str(w, "id", e->id);
    put_int(w, "number", e->number);
    put_int(w, "version", e->version);
    put_bool(w, "parallel", e->parallel);
    put_str(w, "rollbackOf", e->rollback_of);
    put_int(w, "status", e->status);
    put_int(w, "place", e->place);
    put_str(w, "stage", e->stage);
    put_int(w, "attempt", e->attempt);
    put_int(w, "autoRetries", e->auto_retries);
    put_int(w, "manualRetries", e->manual_retries);
    put_bool(w, "autoLast", e->auto_last);
    put_str(w, "check", e->check);
    put_int(w, "failedBy", e->failed_by);
    put_bool(w, "cancelling", e->cancelling);
    put_bool(w, "abandoning", e->abandoning);
    actions(w, &e->actions);
    close_with(w, '}');
}

struct str engine_state_text(struct arena *a, const struct engine_state *s) {
    struct writing w = {.first = true};
    buf_init(&w.out, ENGINE_MAX_TEXT);
    open_with(&w, '{');
    key(&w, "plan");
    plan(&w, &s->plan);
    if (s->old.n > 0) {
        key(&w, "old");
        open_with(&w, '[');
        for (size_t i = 0; i < s->old.n; i++) {
            next(&w);
            plan(&w, &s->old.v[i]);
        }
        close_with(&w, ']');
    }
    put_int(&w, "started", s->started);
    key(&w, "stages");
    open_with(&w, '[');
    for (size_t i = 0; i < s->stages.n; i++) {
        next(&w);
        stage(&w, &s->stages.v[i]);
    }
    close_with(&w, ']');
    key(&w, "executions");
    open_with(&w, '[');
    for (size_t i = 0; i < s->executions.n; i++) {
        next(&w);
        execution(&w, &s->executions.v[i]);
    }
    close_with(&w, ']');
    close_with(&w, '}');
    struct str text = w.out.overflow ? STR_NONE : buf_dup(a, &w.out);
    buf_done(&w.out);
    return text;
}
