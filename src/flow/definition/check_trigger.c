/* What starts executions: push and pull request filters of connections; check.h. */
#include "flow/definition/check.h"
#include "flow/definition/glob.h"

struct trigger_place {
    struct check *c;
    struct str source;
};

static int wrong(const struct trigger_place *p, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
static int wrong(const struct trigger_place *p, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    struct str what = arena_vprintf(p->c->a, fmt, args);
    va_end(args);
    return check_bad(p->c, DEF_FAULT_STRUCTURE, "The trigger for the source action %.*s: %.*s",
                     STR_ARG(p->source), STR_ARG(what));
}

/* AWS says no more than this; what is wrong stands behind it. */
static int bad_combination(const struct trigger_place *p, const char *why) {
    return check_bad(p->c, DEF_FAULT_STRUCTURE,
                     "The trigger configuration for the source action is not valid. Make sure to "
                     "choose valid filter combinations. Source action %.*s: %s",
                     STR_ARG(p->source), why);
}

static int check_patterns(const struct trigger_place *p, const char *what,
                          const struct str_list *l) {
    if (l->n > 8) {
        return wrong(p, "%s has %zu patterns, 8 are possible", what, l->n);
    }
    for (size_t i = 0; i < l->n; i++) {
        struct err why = ERR_INIT;
        if (!check_length(l->v[i], 1, 255)) {
            return wrong(p, "%s has a pattern that is not 1 to 255 characters", what);
        }
        if (glob_check(l->v[i], &why) < 0) {
            return wrong(p, "%s: %s", what, why.msg);
        }
    }
    return 0;
}

static int check_filter(const struct trigger_place *p, const char *what, bool there,
                        const struct def_filter *f) {
    if (there && f->includes.n == 0 && f->excludes.n == 0) {
        return wrong(p, "%s has neither includes nor excludes", what);
    }
    return check_patterns(p, what, &f->includes) < 0 ? -1 : check_patterns(p, what, &f->excludes);
}

static int check_push(const struct trigger_place *p, const struct def_push *f) {
    if (f->has_tags && (f->has_branches || f->has_paths)) {
        return bad_combination(p, "a push filter has tags, or branches and filePaths, not both");
    }
    if (!f->has_tags && !f->has_branches && !f->has_paths) {
        return bad_combination(p, "a push filter has neither tags nor branches nor filePaths");
    }
    return check_filter(p, "push.tags", f->has_tags, &f->tags) < 0 ||
                   check_filter(p, "push.branches", f->has_branches, &f->branches) < 0
               ? -1
               : check_filter(p, "push.filePaths", f->has_paths, &f->paths);
}

static int check_pull(const struct trigger_place *p, const struct def_pull *f) {
    if (f->events.n > 3) {
        return wrong(p, "pullRequest.events has %zu events, there are 3", f->events.n);
    }
    for (size_t i = 0; i < f->events.n; i++) {
        struct str e = f->events.v[i];
        if (!str_is(e, "OPEN") && !str_is(e, "UPDATED") && !str_is(e, "CLOSED")) {
            return wrong(p, "pullRequest.events has '%.*s', there are OPEN, UPDATED and CLOSED",
                         STR_ARG(e));
        }
    }
    if (!f->has_branches && !f->has_paths && f->events.n == 0) {
        return bad_combination(p, "a pull request filter is empty");
    }
    return check_filter(p, "pullRequest.branches", f->has_branches, &f->branches) < 0
               ? -1
               : check_filter(p, "pullRequest.filePaths", f->has_paths, &f->paths);
}

static bool names_earlier(const struct def_trigger_list *l, size_t index) {
    for (size_t i = 0; i < index; i++) {
        if (str_eq(l->v[i].source_action, l->v[index].source_action)) {
            return true;
        }
    }
    return false;
}

static int check_trigger(struct check *c, size_t index) {
    const struct def_trigger *t = &c->d->triggers.v[index];
    struct trigger_place p = {c, t->source_action};
    const struct def_action *source = definition_action(&c->d->stages.v[0], t->source_action);
    if (!str_is(t->provider, "CodeStarSourceConnection")) {
        return wrong(&p, "the providerType '%.*s' is not CodeStarSourceConnection",
                     STR_ARG(t->provider));
    }
    if (source == NULL || !str_is(source->provider, "CodeStarSourceConnection") ||
        names_earlier(&c->d->triggers, index)) {
        return check_bad(c, DEF_FAULT_STRUCTURE,
                         "Triggers for connection must reference a CodeStarSourceConnection "
                         "action. Note that when you specify a trigger, you can't specify more "
                         "than one trigger per source action. Source action: '%.*s'",
                         STR_ARG(t->source_action));
    }
    if (t->push.n > 3 || t->pull.n > 3) {
        return wrong(&p, "it has %zu push and %zu pullRequest filters, 3 of each are possible",
                     t->push.n, t->pull.n);
    }
    for (size_t i = 0; i < t->push.n; i++) {
        if (check_push(&p, &t->push.v[i]) < 0) {
            return -1;
        }
    }
    for (size_t i = 0; i < t->pull.n; i++) {
        if (check_pull(&p, &t->pull.v[i]) < 0) {
            return -1;
        }
    }
    return 0;
}

int check_triggers(struct check *c) {
    const struct definition *d = c->d;
    if (d->triggers.n > DEF_MAX_TRIGGERS || d->trigger_bytes > DEF_MAX_TRIGGER_BYTES) {
        return check_bad(c, DEF_FAULT_LIMIT,
                         "Pipeline has %zu triggers of %zu bytes: %d of together %d KB are "
                         "possible",
                         d->triggers.n, d->trigger_bytes, DEF_MAX_TRIGGERS,
                         DEF_MAX_TRIGGER_BYTES / 1024);
    }
    for (size_t i = 0; i < d->triggers.n; i++) {
        if (check_trigger(c, i) < 0) {
            return -1;
        }
    }
    return 0;
}
