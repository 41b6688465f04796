/* Who a notification rule tells. */
#include "services/notifications/notifications.h"

static int check_target(const struct codestar_notifications_target *t, struct err *err) {
    struct aws_arn arn;
    if (t->target_type.p == NULL || t->target_address.p == NULL) {
        return note_invalid(err, "A target has a TargetType and a TargetAddress.");
    }
    if (!str_is(t->target_type, "SNS")) {
        return note_invalid(err, "Targets of the type %.*s are not available here: SNS is.",
                            STR_ARG(t->target_type));
    }
    return aws_arn_parse(t->target_address, &arn) && str_is(arn.service, "sns")
               ? 0
               : note_invalid(err, "%.*s is not the ARN of an SNS topic.",
                              STR_ARG(t->target_address));
}

int note_add_target(struct call *c, const struct note_rule *rule,
                    const struct codestar_notifications_target *t, struct err *err) {
    struct note_targets have;
    const struct note_target row = {rule->seq, t->target_address, t->target_type, S("ACTIVE")};
    if (check_target(t, err) < 0 || note_target_put(c->db, &row, err) < 0 ||
        note_target_list(c->db, c->arena, rule->seq, &have, err) < 0) {
        return -1;
    }
    return have.n <= NOTE_TARGETS_MAX
               ? 0
               : err_api(err, &codestar_notifications_ValidationException,
                         "A notification rule can have at most %d targets.", NOTE_TARGETS_MAX);
}

int codestar_notifications_subscribe(struct call *c,
                                     const struct codestar_notifications_subscribe_request *in,
                                     struct codestar_notifications_subscribe_result *out,
                                     struct err *err) {
    struct note_rule rule;
    if (note_need(c, in->arn, &rule, err) < 0 || note_add_target(c, &rule, in->target, err) < 0) {
        return -1;
    }
    out->arn = rule.arn;
    return 0;
}

int codestar_notifications_unsubscribe(struct call *c,
                                       const struct codestar_notifications_unsubscribe_request *in,
                                       struct codestar_notifications_unsubscribe_result *out,
                                       struct err *err) {
    struct note_rule rule;
    out->arn = in->arn;
    int found = note_rule_find(c->db, c->arena, in->arn, &rule, err);
    return found <= 0 ? found : note_target_remove(c->db, rule.seq, in->target_address, err);
}

int codestar_notifications_delete_target(
    struct call *c, const struct codestar_notifications_delete_target_request *in,
    struct codestar_notifications_delete_target_result *out, struct err *err) {
    (void)out;
    struct note_rules rules;
    struct note_targets targets;
    if (note_rule_list(c->db, c->arena, c->account, c->region, &rules, err) < 0 ||
        note_target_all(c->db, c->arena, c->account, c->region, &targets, err) < 0) {
        return -1;
    }
    bool used = false;
    for (size_t i = 0; i < targets.n; i++) {
        used = used || str_eq(targets.v[i].address, in->target_address);
    }
    if (used && !in->force_unsubscribe_all) {
        return note_invalid(err,
                            "%.*s is the target of a notification rule: ForceUnsubscribeAll "
                            "takes it from all.",
                            STR_ARG(in->target_address));
    }
    for (size_t i = 0; i < rules.n; i++) {
        if (note_target_remove(c->db, rules.v[i].seq, in->target_address, err) < 0) {
            return -1;
        }
    }
    return 0;
}
