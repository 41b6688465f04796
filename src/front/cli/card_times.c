/* Adds up where a release's time went; card_times.h. */
#include "front/cli/card_times.h"

#include <stdlib.h>

struct span {
    int64_t from, to;
};

struct spans {
    struct span *v;
    size_t n;
};

static int by_start(const void *x, const void *y) {
    const struct span *a = x;
    const struct span *b = y;
    return a->from < b->from ? -1 : a->from > b->from;
}

static void add(struct arena *a, struct spans *s, int64_t from, int64_t to) {
    if (from > 0 && to > from) {
        *arena_push(a, s) = (struct span){from, to};
    }
}

/* Length of the union: what runs side by side counts once. */
static int64_t covered(struct spans *s) {
    int64_t sum = 0, end = 0;
    if (s->n) {
        qsort(s->v, s->n, sizeof(*s->v), by_start);
    }
    for (size_t i = 0; i < s->n; i++) {
        int64_t from = s->v[i].from > end ? s->v[i].from : end;
        if (s->v[i].to > from) {
            sum += s->v[i].to - from;
            end = s->v[i].to;
        }
    }
    return sum;
}

static bool is_command_phase(struct str name) {
    return str_is(name, "INSTALL") || str_is(name, "PRE_BUILD") || str_is(name, "BUILD") ||
           str_is(name, "POST_BUILD");
}

int64_t card_phase_ms(const struct view_build *b, const char *phase) {
    for (size_t i = 0; i < b->phases.n; i++) {
        const struct view_phase *p = &b->phases.v[i];
        if (str_is(p->name, phase) && p->end_ms > p->start_ms) {
            return p->end_ms - p->start_ms;
        }
    }
    return 0;
}

struct card_times card_times(struct arena *a, const struct view *v) {
    struct card_times t = {0};
    struct spans work = {0}, source = {0}, commands = {0}, builds = {0}, waited = {0};
    for (size_t i = 0; i < v->stages.n; i++) {
        for (size_t k = 0; k < v->stages.v[i].actions.n; k++) {
            const struct view_action *action = &v->stages.v[i].actions.v[k];
            const struct view_build *b = action->build;
            if (str_is(action->category, "Approval")) {
                add(a, &waited, action->start_ms, action->update_ms);
                add(a, &work, action->start_ms, action->update_ms);
            } else if (b == NULL) {
                add(a, &source, action->start_ms, action->update_ms);
                add(a, &work, action->start_ms, action->update_ms);
            } else {
                int64_t end = b->end_ms ? b->end_ms : action->update_ms;
                add(a, &builds, b->start_ms, end);
                add(a, &work, b->start_ms, end);
                for (size_t p = 0; p < b->phases.n; p++) {
                    if (is_command_phase(b->phases.v[p].name)) {
                        add(a, &commands, b->phases.v[p].start_ms, b->phases.v[p].end_ms);
                    }
                }
            }
        }
    }
    int64_t whole = v->update_ms - v->start_ms;
    t.waited_ms = covered(&waited);
    t.source_ms = covered(&source);
    t.commands_ms = covered(&commands);
    t.builds_ms = covered(&builds) - t.commands_ms;
    t.total_ms = whole - t.waited_ms;
    t.engine_ms = whole - covered(&work);
    t.engine_ms = t.engine_ms > 0 ? t.engine_ms : 0;
    return t;
}
