/* Regressions after a release: the alarms that a pipeline's gates name are looked at all the time,
 * in the accounts that the gates read them from; one that goes to ALARM tells the developers which
 * deployment is there. The stage that is named is the one before the gate. */
#include "flow/watch/look.h"

#include "flow/execution/notify.h"

#include <stdio.h>

struct looking {
    const struct flow *f;
    struct arena *arena;
    const struct pipeline_row *row;
    const struct definition *d;
};

/* The state that was seen, and the job that tells of it, are one transaction: whatever ends us
 * between the two, what went to ALARM is told. */
static int note(const struct looking *l, const struct alarm_state *alarm, struct str deployed,
                struct err *err) {
    struct str before = STR_NONE;
    struct db *db = l->f->db;
    int64_t pipeline = l->row->id;
    if (db_begin(db, err) < 0) {
        return -1;
    }
    int known = record_alarm_get(db, l->arena, pipeline, alarm->account, alarm->name, &before, err);
    bool changed = known >= 0 && !str_eq(before, alarm->state);
    if (known < 0 ||
        (changed && record_alarm_put(db, pipeline, alarm->account, alarm->name, alarm->state,
                                     alarm->reason, clock_now_ms(l->f->clock), err) < 0) ||
        (changed && str_is(alarm->state, "ALARM") &&
         notify_alarm_add(l->f, l->arena, pipeline, deployed, alarm, err) < 0)) {
        db_rollback(db);
        return -1;
    }
    return db_commit(db, err);
}

/* A gate in front of an approval and again in front of the stage asks the same alarms: the
 * deployment that they speak of is in the newest stage before both that is no approval. */
static struct str deployed_stage(const struct definition *d, size_t gate) {
    for (size_t i = gate; i > 0; i--) {
        const struct def_stage *s = &d->stages.v[i - 1];
        if (s->actions.n > 0 && !str_is(s->actions.v[0].category, "Approval")) {
            return s->name;
        }
    }
    return d->stages.v[0].name;
}

static bool asked_before(const struct definition *d, size_t stage, const struct def_rule *rule) {
    struct str name = str_map_get(&rule->configuration, S("AlarmName"));
    for (size_t i = 0; i < stage; i++) {
        for (size_t k = 0; k < d->stages.v[i].entry.rules.n; k++) {
            const struct def_rule *other = &d->stages.v[i].entry.rules.v[k];
            if (str_eq(other->role_arn, rule->role_arn) &&
                str_eq(str_map_get(&other->configuration, S("AlarmName")), name)) {
                return true;
            }
        }
    }
    return false;
}

static void look(const struct looking *l, size_t stage, const struct def_rule *rule) {
    struct err err = ERR_INIT;
    struct alarm_state alarm;
    if (!str_is(rule->provider, "CloudWatchAlarm") || asked_before(l->d, stage, rule) ||
        stage_alarm(l->f, l->arena, l->d, rule, str_map_get(&rule->configuration, S("AlarmName")),
                    S("tl-alarms"), &alarm, &err) <= 0) {
        return; /* an alarm that cannot be asked keeps its gate shut; there it is told */
    }
    if (note(l, &alarm, deployed_stage(l->d, stage), &err) < 0) {
        fprintf(stderr, "trunkline: alarm %.*s: %s\n", STR_ARG(alarm.name), err.msg);
    }
}

void look_at_alarms(const struct flow *f, struct arena *a, const struct pipeline_row *row,
                    const struct definition *d) {
    struct looking l = {f, a, row, d};
    for (size_t i = 0; i < d->stages.n; i++) {
        for (size_t k = 0; k < d->stages.v[i].entry.rules.n; k++) {
            look(&l, i, &d->stages.v[i].entry.rules.v[k]);
        }
    }
}

bool look_for_alarms(const struct definition *d, struct str *ret_account) {
    struct aws_arn role;
    for (size_t i = 0; i < d->stages.n; i++) {
        for (size_t k = 0; k < d->stages.v[i].entry.rules.n; k++) {
            const struct def_rule *rule = &d->stages.v[i].entry.rules.v[k];
            if (str_is(rule->provider, "CloudWatchAlarm")) {
                struct str arn = rule->role_arn.n > 0 ? rule->role_arn : d->role_arn;
                *ret_account = aws_arn_parse(arn, &role) ? role.account : S("");
                return true;
            }
        }
    }
    return false;
}
