/* Checks of the pipeline itself, and the order of all checks; definition.h, check.h. */
#include "flow/definition/check.h"

#include "platform/text/utf8.h"

int check_bad(struct check *c, enum def_fault fault, const char *fmt, ...) {
    c->fault = fault;
    va_list args;
    va_start(args, fmt);
    err_vset(c->err, ERR_INVALID, fmt, args);
    va_end(args);
    return -1;
}

bool check_name(struct str s, size_t max, const char *extra) {
    if (s.n < 1 || s.n > max) {
        return false;
    }
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!letter && c != '-' && c != '_' && (c == '\0' || strchr(extra, c) == NULL)) {
            return false;
        }
    }
    return true;
}

bool check_length(struct str s, size_t min, size_t max) {
    size_t n = utf8_length(s);
    return n >= min && n <= max;
}

/* (-[\w]+)*, what follows "aws" in the name of a partition. */
static bool is_partition(struct str s) {
    struct str part = STR_NONE;
    if (s.n == 0) {
        return true;
    }
    struct str rest = str_sub(s, 1, s.n);
    bool good = s.p[0] == '-' && rest.n > 0 && rest.p[rest.n - 1] != '-';
    while (good && str_cut(&rest, '-', &part)) {
        good = check_name(part, 1024, "");
    }
    return good;
}

/* arn:aws(-[\w]+)*:iam::[0-9]{12}:role/.* */
bool check_role(struct str arn) {
    size_t at = str_find(arn, S(":iam::"), 0);
    if (arn.n > 1024 || !str_starts(arn, S("arn:aws")) || at == (size_t)-1 ||
        !is_partition(str_sub(arn, 7, at - 7))) {
        return false;
    }
    struct str rest = str_sub(arn, at + 6, arn.n);
    for (size_t i = 0; i < 12; i++) {
        if (i >= rest.n || rest.p[i] < '0' || rest.p[i] > '9') {
            return false;
        }
    }
    return str_starts(str_sub(rest, 12, rest.n), S(":role/"));
}

/* ---- stages ---- */

static int check_first_stage(struct check *c) {
    const struct def_stage *s = &c->d->stages.v[0];
    for (size_t i = 0; i < s->actions.n; i++) {
        if (!str_is(s->actions.v[i].category, "Source")) {
            return check_bad(c, DEF_FAULT_STRUCTURE,
                             "Pipeline should start with a stage that only contains source "
                             "actions: stage %.*s has the action %.*s of category %.*s",
                             STR_ARG(s->name), STR_ARG(s->actions.v[i].name),
                             STR_ARG(s->actions.v[i].category));
        }
    }
    return 0;
}

static int check_stage(struct check *c, size_t index) {
    const struct def_stage *s = &c->d->stages.v[index];
    if (!check_name(s->name, 100, ".@")) {
        return check_bad(c, DEF_FAULT_STAGE,
                         "The stage name '%.*s' is not 1 to 100 of [A-Za-z0-9.@_-]",
                         STR_ARG(s->name));
    }
    for (size_t i = 0; i < index; i++) {
        if (str_eq(c->d->stages.v[i].name, s->name)) {
            return check_bad(c, DEF_FAULT_STAGE, "Two stages are named %.*s", STR_ARG(s->name));
        }
    }
    if (s->blockers.n > 0) {
        return check_bad(c, DEF_FAULT_BLOCKER,
                         "Stage %.*s has the blocker %.*s: blockers are reserved by CodePipeline, "
                         "and do nothing",
                         STR_ARG(s->name), STR_ARG(s->blockers.v[0]));
    }
    if (s->actions.n < 1 || s->actions.n > DEF_MAX_STAGE_ACTIONS) {
        return check_bad(c, DEF_FAULT_STAGE, "Stage %.*s has %zu actions: a stage has 1 to %d",
                         STR_ARG(s->name), s->actions.n, DEF_MAX_STAGE_ACTIONS);
    }
    for (size_t i = 0; i < s->actions.n; i++) {
        if (check_action(c, index, &s->actions.v[i]) < 0 || check_artifacts(c, index, i) < 0) {
            return -1;
        }
    }
    return check_conditions(c, index);
}

static int check_stages(struct check *c) {
    const struct definition *d = c->d;
    size_t actions = 0;
    if (d->stages.n < 2) {
        return check_bad(c, DEF_FAULT_STRUCTURE,
                         "Pipeline has only %zu stage(s). There should be a minimum of 2 stages in "
                         "a pipeline",
                         d->stages.n);
    }
    if (d->stages.n > DEF_MAX_STAGES) {
        return check_bad(c, DEF_FAULT_STRUCTURE,
                         "Pipeline has %zu stages: a pipeline has 2 to %d stages", d->stages.n,
                         DEF_MAX_STAGES);
    }
    for (size_t i = 0; i < d->stages.n; i++) {
        actions += d->stages.v[i].actions.n;
    }
    if (actions > DEF_MAX_ACTIONS) {
        return check_bad(c, DEF_FAULT_LIMIT, "Pipeline has %zu actions: a pipeline has at most %d",
                         actions, DEF_MAX_ACTIONS);
    }
    if (check_first_stage(c) < 0) {
        return -1;
    }
    for (size_t i = 0; i < d->stages.n; i++) {
        if (check_stage(c, i) < 0) {
            return -1;
        }
    }
    return 0;
}

/* ---- the pipeline ---- */

static int check_type(struct check *c) {
    const struct definition *d = c->d;
    const char *feature = definition_v2_feature(d);
    bool mode =
        str_is(d->mode, "SUPERSEDED") || str_is(d->mode, "QUEUED") || str_is(d->mode, "PARALLEL");
    if (!mode) {
        return check_bad(c, DEF_FAULT_STRUCTURE,
                         "The execution mode '%.*s' is none of SUPERSEDED, QUEUED, PARALLEL",
                         STR_ARG(d->mode));
    }
    if (!str_is(d->type, "V1") && !str_is(d->type, "V2")) {
        return check_bad(c, DEF_FAULT_STRUCTURE, "The pipeline type '%.*s' is neither V1 nor V2",
                         STR_ARG(d->type));
    }
    if (str_is(d->type, "V1") && feature != NULL) {
        return check_bad(c, DEF_FAULT_STRUCTURE, "%s can only be used with V2 pipelines", feature);
    }
    return 0;
}

static int check_pipeline(struct check *c) {
    const struct definition *d = c->d;
    if (!check_name(d->name, 100, ".@")) {
        return check_bad(c, DEF_FAULT_STRUCTURE,
                         "The pipeline name '%.*s' is not 1 to 100 of [A-Za-z0-9.@_-]",
                         STR_ARG(d->name));
    }
    if (!check_role(d->role_arn)) {
        return check_bad(c, DEF_FAULT_STRUCTURE, "The pipeline's roleArn '%.*s' is no role's ARN",
                         STR_ARG(d->role_arn));
    }
    return check_stages(c) < 0 || check_stores(c) < 0 || check_variables(c) < 0 ||
                   check_triggers(c) < 0 || check_references(c) < 0
               ? -1
               : check_type(c);
}

int definition_check(const struct definition *d, struct str home, enum def_fault *ret_fault,
                     struct err *err) {
    struct arena a = ARENA_INIT;
    struct check c = {.d = d, .home = home, .a = &a, .fault = DEF_FAULT_NONE, .err = err};
    c.actions = action_types_builtin(&a);
    c.rules = rule_types_builtin(&a);
    int result = check_pipeline(&c);
    *ret_fault = c.fault;
    arena_done(&a);
    return result;
}

/* ---- V2 ---- */

static const char *stage_feature(const struct def_stage *s) {
    if (s->entry.count > 0 || s->success.count > 0 || s->failure.count > 0) {
        return "Stage conditions";
    }
    if (s->failure_result.n > 0) {
        return str_is(s->failure_result, "RETRY") ? "Automatic stage retry"
                                                  : "Automatic stage rollback";
    }
    for (size_t i = 0; i < s->actions.n; i++) {
        if (str_is(s->actions.v[i].category, "Compute")) {
            return "Compute actions";
        }
    }
    return NULL;
}

const char *definition_v2_feature(const struct definition *d) {
    if (d->variables.n > 0) {
        return "Pipeline variables";
    }
    if (d->triggers.n > 0) {
        return "Triggers";
    }
    if (str_is(d->mode, "QUEUED") || str_is(d->mode, "PARALLEL")) {
        return str_is(d->mode, "QUEUED") ? "The execution mode QUEUED"
                                         : "The execution mode PARALLEL";
    }
    for (size_t i = 0; i < d->stages.n; i++) {
        const char *feature = stage_feature(&d->stages.v[i]);
        if (feature != NULL) {
            return feature;
        }
    }
    return NULL;
}
