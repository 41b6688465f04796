/* Preflight, a rule of our own: before the first environment is touched, everything that this stage
 * and the later ones name is looked for in its own account: roles, parameters, secrets, buckets,
 * topics, projects, images. What is missing is one list. It passes or fails at once. */
#include "flow/stage/preflight.h"

enum { MAX_TOLD = 40 };

void preflight_missing(struct preflight *p, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    struct str what = arena_vprintf(p->arena, fmt, args);
    va_end(args);
    struct str text = str_printf(p->arena, "%.*s (%.*s)", STR_ARG(what), STR_ARG(p->where));
    if (!str_list_has(&p->missing, text)) {
        *arena_push(p->arena, &p->missing) = text;
    }
}

/* What an account answers: there, missing (told), or an error that says nothing of the thing. */
int preflight_told(struct preflight *p, const char *kind, struct str name, struct err *why,
                   struct err *err) {
    if (why->kind == ERR_UNAVAILABLE) {
        *err = *why;
        return -1;
    }
    if (why->kind == ERR_DENIED) {
        preflight_missing(p, "%s %.*s may not be read: %s", kind, STR_ARG(name), why->msg);
    } else {
        preflight_missing(p, "%s %.*s", kind, STR_ARG(name));
    }
    return 0;
}

static int check_bucket(struct preflight *p, const struct aws_target *target, struct str bucket,
                        struct err *err) {
    struct s3_head_bucket_request in = {.bucket = bucket};
    struct s3_head_bucket_output out;
    struct err why = ERR_INIT;
    return s3_call_head_bucket(target, p->arena, &in, &out, &why) == 0
               ? 0
               : preflight_told(p, "bucket", bucket, &why, err);
}

static int check_topic(struct preflight *p, const struct aws_target *target, struct str arn,
                       struct err *err) {
    struct sns_get_topic_attributes_input in = {.topic_arn = arn};
    struct sns_get_topic_attributes_response out;
    struct err why = ERR_INIT;
    return sns_call_get_topic_attributes(target, p->arena, &in, &out, &why) == 0
               ? 0
               : preflight_told(p, "topic", arn, &why, err);
}

/* ---- actions ---- */

static struct str setting(const struct def_action *action, const char *key) {
    return str_map_get(&action->configuration, str_c(key));
}

/* What refers to a variable is known only when its action begins. */
static bool is_known(struct str value) {
    return value.n > 0 && str_find(value, S("#{"), 0) == (size_t)-1;
}

/* A role that the pipeline's assumes: an action's, or a rule's. 1 it can, 0 it was told. */
static int check_role(struct preflight *p, struct str role, struct aws_target *ret,
                      struct err *err) {
    struct err why = ERR_INIT;
    *ret = p->pipeline;
    return role.p == NULL || aws_assume_from(p->check->flow->world, p->arena, &p->pipeline, role,
                                             S("tl-preflight"), ret, &why) == 0
               ? 1
               : preflight_told(p, "role", role, &why, err);
}

/* What CloudFormation acts as. */
static int check_stack_role(struct preflight *p, struct str role, struct err *err) {
    struct aws_target ignored;
    struct err why = ERR_INIT;
    return aws_assume(p->check->flow->world, p->arena, S("cloudformation.amazonaws.com"), role,
                      S("tl-preflight"), &ignored, &why) == 0
               ? 0
               : preflight_told(p, "role", role, &why, err);
}

static int check_action(struct preflight *p, const struct def_action *action, struct err *err) {
    struct aws_target target;
    int may = check_role(p, action->role_arn, &target, err);
    if (may <= 0) {
        return may;
    }
    if (str_is(action->provider, "CodeBuild")) {
        return is_known(setting(action, "ProjectName")) ? preflight_project(p, action, err) : 0;
    }
    struct str role = setting(action, "RoleArn");
    if (str_is(action->provider, "CloudFormation") && is_known(role) &&
        check_stack_role(p, role, err) < 0) {
        return -1;
    }
    struct str bucket = setting(action, "BucketName");
    struct str topic = setting(action, "NotificationArn");
    if (is_known(bucket) && check_bucket(p, &target, bucket, err) < 0) {
        return -1;
    }
    return is_known(topic) ? check_topic(p, &target, topic, err) : 0;
}

static int check_rules(struct preflight *p, const struct def_stage *stage,
                       const struct def_condition *condition, struct err *err) {
    for (size_t i = 0; i < condition->rules.n; i++) {
        struct aws_target ignored;
        p->where = str_printf(p->arena, "%.*s, rule %.*s", STR_ARG(stage->name),
                              STR_ARG(condition->rules.v[i].name));
        if (check_role(p, condition->rules.v[i].role_arn, &ignored, err) < 0) {
            return -1;
        }
    }
    return 0;
}

static int check_conditions(struct preflight *p, const struct def_stage *stage, struct err *err) {
    return check_rules(p, stage, &stage->entry, err) < 0 ||
                   check_rules(p, stage, &stage->success, err) < 0
               ? -1
               : check_rules(p, stage, &stage->failure, err);
}

static int check_stages(struct preflight *p, struct err *err) {
    const struct definition *d = &p->check->def;
    size_t first = (size_t)(p->check->stage - d->stages.v);
    for (size_t i = first; i < d->stages.n; i++) {
        if (check_conditions(p, &d->stages.v[i], err) < 0) {
            return -1;
        }
        for (size_t k = 0; k < d->stages.v[i].actions.n; k++) {
            const struct def_action *action = &d->stages.v[i].actions.v[k];
            p->where = str_printf(p->arena, "%.*s/%.*s", STR_ARG(d->stages.v[i].name),
                                  STR_ARG(action->name));
            if (check_action(p, action, err) < 0) {
                return -1;
            }
        }
    }
    return 0;
}

static struct str list_of(struct preflight *p) {
    struct str text = str_printf(p->arena, "%zu missing: ", p->missing.n);
    for (size_t i = 0; i < p->missing.n && i < MAX_TOLD; i++) {
        text = str_printf(p->arena, "%.*s%s%.*s", STR_ARG(text), i > 0 ? "; " : "",
                          STR_ARG(p->missing.v[i]));
    }
    return p->missing.n > MAX_TOLD ? str_printf(p->arena, "%.*s; and more", STR_ARG(text)) : text;
}

int rule_preflight_look(struct rule_run *run, struct rule_look *ret, struct err *err) {
    struct preflight p = {.rule = run, .check = run->check, .arena = run->check->arena};
    if (rule_target(run, &p.pipeline, err) < 0) {
        return -1;
    }
    p.where = S("the pipeline's artifacts");
    for (size_t i = 0; i < p.check->def.stores.n; i++) {
        if (check_bucket(&p, &p.pipeline, p.check->def.stores.v[i].bucket, err) < 0) {
            return -1;
        }
    }
    if (check_stages(&p, err) < 0) {
        return -1;
    }
    ret->verdict = p.missing.n == 0 ? RULE_PASSED : RULE_FAILED;
    ret->summary =
        p.missing.n == 0 ? S("Everything that the later stages name is there") : list_of(&p);
    return 0;
}
