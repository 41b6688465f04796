/* Checks of a pipeline's structure, with CodePipeline's limits and wording. What CodePipeline has
 * and we do not act on yet is refused here with a pointer to docs/limits.md, never accepted
 * silently. */
#include "flow/definition/definition.h"

#include "flow/definition/glob.h"

struct check {
    const struct definition *d;
    enum def_fault fault;
    struct err *err;
};

static int bad(struct check *c, enum def_fault fault, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static int bad(struct check *c, enum def_fault fault, const char *fmt, ...) {
    c->fault = fault;
    va_list args;
    va_start(args, fmt);
    err_vset(c->err, ERR_INVALID, fmt, args);
    va_end(args);
    return -1;
}

/* [A-Za-z0-9.@_-]{1,100}, or what `extra` allows instead of ".@". */
static bool good_name(struct str s, const char *extra) {
    if (s.n < 1 || s.n > 100) {
        return false;
    }
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!letter && c != '-' && c != '_' && strchr(extra, c) == NULL) {
            return false;
        }
    }
    return true;
}

/* ---- actions ---- */

struct provider_rule {
    const char *category;
    const char *provider;
    size_t min_in, max_in, min_out, max_out;
    const char *required[4]; /* configuration keys */
};

static const struct provider_rule providers[] = {
    {"Source",
     "CodeStarSourceConnection",
     0,
     0,
     1,
     1,
     {"ConnectionArn", "FullRepositoryId", "BranchName"}},
    {"Build", "CodeBuild", 1, 5, 0, 5, {"ProjectName"}},
    {"Test", "CodeBuild", 1, 5, 0, 5, {"ProjectName"}},
    {"Approval", "Manual", 0, 0, 0, 0, {NULL}},
    {"Deploy", "CloudFormation", 0, 10, 0, 1, {"ActionMode", "StackName"}},
    {"Deploy", "S3", 1, 1, 0, 0, {"BucketName", "Extract"}},
};

static const struct provider_rule *provider_of(const struct def_action *a) {
    for (size_t i = 0; i < sizeof(providers) / sizeof(providers[0]); i++) {
        if (str_is(a->category, providers[i].category) &&
            str_is(a->provider, providers[i].provider)) {
            return &providers[i];
        }
    }
    return NULL;
}

static int check_provider(struct check *c, const struct def_stage *s, const struct def_action *a) {
    const struct provider_rule *rule = provider_of(a);
    if (rule == NULL || !str_is(a->owner, "AWS")) {
        return bad(
            c, DEF_FAULT_ACTION,
            "Action %.*s in stage %.*s: the action type %.*s/%.*s/%.*s is not available here; "
            "docs/limits.md lists those that are",
            STR_ARG(a->name), STR_ARG(s->name), STR_ARG(a->category), STR_ARG(a->owner),
            STR_ARG(a->provider));
    }
    if (a->inputs.n < rule->min_in || a->inputs.n > rule->max_in) {
        return bad(c, DEF_FAULT_ACTION,
                   "Action %.*s has %zu input artifacts: %s/%s takes %zu to %zu", STR_ARG(a->name),
                   a->inputs.n, rule->category, rule->provider, rule->min_in, rule->max_in);
    }
    if (a->outputs.n < rule->min_out || a->outputs.n > rule->max_out) {
        return bad(c, DEF_FAULT_ACTION,
                   "Action %.*s has %zu output artifacts: %s/%s takes %zu to %zu", STR_ARG(a->name),
                   a->outputs.n, rule->category, rule->provider, rule->min_out, rule->max_out);
    }
    for (size_t i = 0; i < 4 && rule->required[i] != NULL; i++) {
        if (str_map_get(&a->configuration, str_c(rule->required[i])).n == 0) {
            return bad(c, DEF_FAULT_ACTION,
                       "Action configuration for action '%.*s' is missing required configuration "
                       "'%s'",
                       STR_ARG(a->name), rule->required[i]);
        }
    }
    return 0;
}

static bool made_before(const struct definition *d, size_t stage, const struct def_action *user,
                        struct str artifact) {
    for (size_t i = 0; i <= stage; i++) {
        for (size_t k = 0; k < d->stages.v[i].actions.n; k++) {
            const struct def_action *a = &d->stages.v[i].actions.v[k];
            bool earlier = i < stage || a->run_order < user->run_order;
            if (earlier && str_list_has(&a->outputs, artifact)) {
                return true;
            }
        }
    }
    return false;
}

static int check_action(struct check *c, size_t stage, const struct def_action *a) {
    const struct def_stage *s = &c->d->stages.v[stage];
    if (!good_name(a->name, ".@")) {
        return bad(c, DEF_FAULT_ACTION,
                   "Stage %.*s has an action whose name '%.*s' is not 1 to 100 "
                   "of [A-Za-z0-9.@_-]",
                   STR_ARG(s->name), STR_ARG(a->name));
    }
    if (a->run_order < 1 || a->run_order > 999) {
        return bad(c, DEF_FAULT_ACTION, "Action %.*s: runOrder %d is not between 1 and 999",
                   STR_ARG(a->name), a->run_order);
    }
    bool source = str_is(a->category, "Source");
    if (source != (stage == 0)) {
        return bad(c, DEF_FAULT_STRUCTURE,
                   source
                       ? "Pipeline has a source action '%.*s' outside of the first stage '%.*s'"
                       : "Pipeline has a non-source action '%.*s' in the first stage: '%.*s' can "
                         "only contain source actions",
                   STR_ARG(a->name), STR_ARG(c->d->stages.v[0].name));
    }
    bool timed = str_is(a->category, "Approval");
    if (a->timeout_minutes != 0 &&
        (!timed || a->timeout_minutes < 5 || a->timeout_minutes > 86400)) {
        return bad(c, DEF_FAULT_ACTION,
                   "Action %.*s: timeoutInMinutes is for manual approvals, 5 to 86400",
                   STR_ARG(a->name));
    }
    for (size_t i = 0; i < a->inputs.n; i++) {
        if (!made_before(c->d, stage, a, a->inputs.v[i])) {
            return bad(c, DEF_FAULT_ACTION,
                       "Action %.*s: the input artifact %.*s is not an output of an earlier action",
                       STR_ARG(a->name), STR_ARG(a->inputs.v[i]));
        }
    }
    for (size_t i = 0; i < a->outputs.n; i++) {
        if (!good_name(a->outputs.v[i], "")) {
            return bad(c, DEF_FAULT_ACTION, "Action %.*s: '%.*s' is not an artifact's name",
                       STR_ARG(a->name), STR_ARG(a->outputs.v[i]));
        }
    }
    return check_provider(c, s, a);
}

/* Outputs and namespaces are unique over the pipeline, action names within the stage. */
static int check_unique(struct check *c, size_t stage, size_t action) {
    const struct def_action *a = &c->d->stages.v[stage].actions.v[action];
    for (size_t i = 0; i <= stage; i++) {
        size_t n = i == stage ? action : c->d->stages.v[i].actions.n;
        for (size_t k = 0; k < n; k++) {
            const struct def_action *b = &c->d->stages.v[i].actions.v[k];
            if (i == stage && str_eq(a->name, b->name)) {
                return bad(c, DEF_FAULT_STAGE, "Stage %.*s has two actions named %.*s",
                           STR_ARG(c->d->stages.v[stage].name), STR_ARG(a->name));
            }
            if (a->namespace.p != NULL && str_eq(a->namespace, b->namespace)) {
                return bad(c, DEF_FAULT_ACTION, "The namespace %.*s is used by %.*s and %.*s",
                           STR_ARG(a->namespace), STR_ARG(b->name), STR_ARG(a->name));
            }
            for (size_t o = 0; o < a->outputs.n; o++) {
                if (str_list_has(&b->outputs, a->outputs.v[o])) {
                    return bad(c, DEF_FAULT_ACTION,
                               "The output artifact %.*s is made by %.*s and by %.*s",
                               STR_ARG(a->outputs.v[o]), STR_ARG(b->name), STR_ARG(a->name));
                }
            }
        }
    }
    return 0;
}

/* ---- stages ---- */

static int check_entry(struct check *c, const struct def_stage *s) {
    if (s->entry.count == 0) {
        return 0;
    }
    if (!str_is(s->entry.result, "FAIL")) {
        return bad(c, DEF_FAULT_STAGE,
                   "Stage %.*s: the beforeEntry result '%.*s' is not available here, FAIL is; see "
                   "docs/limits.md",
                   STR_ARG(s->name), STR_ARG(s->entry.result));
    }
    if (s->entry.rules.n < 1 || s->entry.rules.n > 5) {
        return bad(c, DEF_FAULT_STAGE, "Stage %.*s: a condition has 1 to 5 rules",
                   STR_ARG(s->name));
    }
    for (size_t i = 0; i < s->entry.rules.n; i++) {
        const struct def_rule *r = &s->entry.rules.v[i];
        if (!str_is(r->provider, "CloudWatchAlarm")) {
            return bad(
                c, DEF_FAULT_STAGE,
                "Stage %.*s: the rule provider '%.*s' is not available here, CloudWatchAlarm "
                "is; see docs/limits.md",
                STR_ARG(s->name), STR_ARG(r->provider));
        }
        if (str_map_get(&r->configuration, S("AlarmName")).n == 0) {
            return bad(c, DEF_FAULT_STAGE, "Stage %.*s: rule %.*s has no AlarmName",
                       STR_ARG(s->name), STR_ARG(r->name));
        }
    }
    return 0;
}

static int check_stage(struct check *c, size_t index) {
    const struct def_stage *s = &c->d->stages.v[index];
    if (!good_name(s->name, ".@")) {
        return bad(c, DEF_FAULT_STAGE, "The stage name '%.*s' is not 1 to 100 of [A-Za-z0-9.@_-]",
                   STR_ARG(s->name));
    }
    for (size_t i = 0; i < index; i++) {
        if (str_eq(c->d->stages.v[i].name, s->name)) {
            return bad(c, DEF_FAULT_STAGE, "Two stages are named %.*s", STR_ARG(s->name));
        }
    }
    const char *later = s->success.count > 0                              ? "onSuccess"
                        : s->failure.count > 0 || s->failure_result.n > 0 ? "onFailure"
                                                                          : NULL;
    if (later != NULL) {
        return bad(c, DEF_FAULT_STAGE,
                   "Stage %.*s: %s is not available here yet; see docs/limits.md", STR_ARG(s->name),
                   later);
    }
    if (s->actions.n < 1 || s->actions.n > 50) {
        return bad(c, DEF_FAULT_STAGE, "Stage %.*s has %zu actions: a stage has 1 to 50",
                   STR_ARG(s->name), s->actions.n);
    }
    for (size_t i = 0; i < s->actions.n; i++) {
        if (check_action(c, index, &s->actions.v[i]) < 0 || check_unique(c, index, i) < 0) {
            return -1;
        }
    }
    return check_entry(c, s);
}

/* ---- the pipeline ---- */

static int check_patterns(struct check *c, const struct def_filter *f) {
    const struct str_list *lists[] = {&f->includes, &f->excludes};
    for (size_t i = 0; i < 2; i++) {
        if (lists[i]->n > 8) {
            return bad(c, DEF_FAULT_STRUCTURE, "A trigger filter has at most 8 patterns");
        }
        for (size_t k = 0; k < lists[i]->n; k++) {
            if (glob_check(lists[i]->v[k], c->err) < 0) {
                c->fault = DEF_FAULT_STRUCTURE;
                return -1;
            }
        }
    }
    return 0;
}

static int check_trigger(struct check *c, const struct def_trigger *t) {
    const struct def_action *source = definition_action(&c->d->stages.v[0], t->source_action);
    if (source == NULL) {
        return bad(c, DEF_FAULT_STRUCTURE,
                   "A trigger names the source action '%.*s', which is not "
                   "in the first stage",
                   STR_ARG(t->source_action));
    }
    if (t->pull.n > 0) {
        return bad(c, DEF_FAULT_STRUCTURE,
                   "Pull request triggers are not available here yet; see docs/limits.md");
    }
    for (size_t i = 0; i < t->push.n; i++) {
        const struct def_push *p = &t->push.v[i];
        if (p->has_tags) {
            return bad(c, DEF_FAULT_STRUCTURE,
                       "Tag triggers are not available here yet; see docs/limits.md");
        }
        if (check_patterns(c, &p->branches) < 0 || check_patterns(c, &p->paths) < 0) {
            return -1;
        }
    }
    return 0;
}

static int check_all(struct check *c) {
    const struct definition *d = c->d;
    if (!good_name(d->name, ".@")) {
        return bad(c, DEF_FAULT_STRUCTURE,
                   "The pipeline name '%.*s' is not 1 to 100 of "
                   "[A-Za-z0-9.@_-]",
                   STR_ARG(d->name));
    }
    if (!str_is(d->mode, "SUPERSEDED")) {
        return bad(c, DEF_FAULT_STRUCTURE,
                   "The execution mode %.*s is not available here yet, SUPERSEDED is; see "
                   "docs/limits.md",
                   STR_ARG(d->mode));
    }
    if (d->stores.n == 0 || d->stores.v[0].bucket.n == 0) {
        return bad(c, DEF_FAULT_STRUCTURE, "The pipeline has no artifact store of type S3");
    }
    if (d->stages.n < 2 || d->stages.n > 50) {
        return bad(c, DEF_FAULT_STRUCTURE,
                   "Pipeline has only %zu stage(s). There should be a minimum of 2 stages in a "
                   "pipeline",
                   d->stages.n);
    }
    for (size_t i = 0; i < d->stages.n; i++) {
        if (check_stage(c, i) < 0) {
            return -1;
        }
    }
    for (size_t i = 0; i < d->triggers.n; i++) {
        if (check_trigger(c, &d->triggers.v[i]) < 0) {
            return -1;
        }
    }
    return 0;
}

int definition_check(const struct definition *d, enum def_fault *ret_fault, struct err *err) {
    struct check c = {.d = d, .fault = DEF_FAULT_NONE, .err = err};
    int result = check_all(&c);
    *ret_fault = c.fault;
    return result;
}
