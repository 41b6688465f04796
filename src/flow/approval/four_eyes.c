/* Four eyes: who may approve; approval.h. */
#include "flow/approval/approval.h"

#include "base/buf.h"

enum {
    MAX_BEFORE = 500, /* executions before this one whose commits it may carry */
    MAX_NAMED = 6,    /* people whom a refusal names */
    MAX_NAMES = 200,  /* bytes of that */
};

struct author {
    struct str email;
    struct str commit;
};

/* Everybody who has had a hand in it. */
struct rule {
    const struct flow *flow;
    struct arena *arena;
    const struct execution_row *execution;
    bool trust_sessions;
    struct approval_hand_list hands;
    struct {
        struct author *v;
        size_t n;
    } authors;
    struct err *err;
};

/* 1: the rule holds, 0: the pipeline has none. What the tag does not say is no reason to leave the
 * gate open. */
static int read_tag(const struct pipeline_row *pipeline, struct rule *rule) {
    struct str wanted = STR_NONE;
    int found = record_tag_get(rule->flow->db, rule->arena, pipeline->id, S(FOUR_EYES_TAG), &wanted,
                               rule->err);
    if (found <= 0) {
        return found;
    }
    rule->trust_sessions = str_is(wanted, FOUR_EYES_BY_SESSION_NAME);
    return rule->trust_sessions || str_is(wanted, FOUR_EYES_REQUIRED)
               ? 1
               : err_set(rule->err, ERR_DENIED,
                         "the pipeline's tag %s is '%.*s': it has to be '%s' or '%s', or not there",
                         FOUR_EYES_TAG, STR_ARG(wanted), FOUR_EYES_REQUIRED,
                         FOUR_EYES_BY_SESSION_NAME);
}

static int read_authors(struct rule *rule, struct str execution) {
    struct source_revision_list list;
    if (source_revision_list(rule->flow->db, rule->arena, execution, &list, rule->err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < list.n; i++) {
        const struct revision *r = &list.v[i].revision;
        if (r->email.n > 0) {
            *arena_push(rule->arena, &rule->authors) = (struct author){r->email, r->commit};
        }
    }
    return 0;
}

/* A release carries what the releases before it had taken, down to the one that got through. */
static int read_earlier_authors(struct rule *rule) {
    struct execution_row_list list;
    if (str_is(rule->execution->type, "ROLLBACK")) {
        return 0;
    }
    if (record_execution_list(rule->flow->db, rule->arena, rule->execution->pipeline,
                              rule->execution->number, MAX_BEFORE, &list, rule->err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < list.n; i++) {
        bool rollback = str_is(list.v[i].type, "ROLLBACK");
        if (!rollback && str_is(list.v[i].status, "Succeeded")) {
            break;
        }
        if (!rollback && read_authors(rule, list.v[i].id) < 0) {
            return -1;
        }
    }
    return 0;
}

/* Executions from before hands were kept have their starter's ARN only. */
static int read_hands(struct rule *rule) {
    if (approval_hand_list(rule->flow, rule->arena, rule->execution, &rule->hands, rule->err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < rule->hands.n; i++) {
        if (str_is(rule->hands.v[i].what, APPROVAL_STARTED)) {
            return 0;
        }
    }
    if (str_starts(rule->execution->trigger_detail, S("arn:"))) {
        struct approval_hand *hand = arena_push(rule->arena, &rule->hands);
        hand->what = S(APPROVAL_STARTED);
        person_of_arn(rule->arena, rule->execution->trigger_detail, &hand->person);
    }
    return 0;
}

/* ---- refusing ---- */

static void add_name(struct buf *names, size_t *n, struct str name) {
    struct str so_far = buf_str(names);
    if (*n >= MAX_NAMED || names->overflow || str_find(so_far, name, 0) != (size_t)-1) {
        return;
    }
    buf_printf(names, "%s%.*s", *n > 0 ? ", " : "", STR_ARG(name));
    (*n)++;
}

/* "grace, ada@example.org": whose approval would be refused as well. */
static struct str all_names(struct rule *rule) {
    struct buf names cleanup_buf;
    size_t n = 0;
    buf_init(&names, MAX_NAMES);
    for (size_t i = 0; i < rule->hands.n; i++) {
        if (!rule->hands.v[i].person.machine) {
            add_name(&names, &n, person_text(&rule->hands.v[i].person));
        }
    }
    for (size_t i = 0; i < rule->authors.n; i++) {
        add_name(&names, &n, rule->authors.v[i].email);
    }
    return names.overflow ? S("those who had a hand in it") : buf_dup(rule->arena, &names);
}

static int refuse(struct rule *rule, const struct person *who, struct str what) {
    return err_set(
        rule->err, ERR_DENIED, "%.*s %.*s: somebody else has to approve it, none of %.*s (tag %s)",
        STR_ARG(person_text(who)), STR_ARG(what), STR_ARG(all_names(rule)), FOUR_EYES_TAG);
}

static struct str wrote(struct rule *rule, const struct author *author) {
    return str_printf(rule->arena, "wrote commit %.*s", STR_ARG(str_sub(author->commit, 0, 8)));
}

/* Starter and committer differ, too, or two people would be three. */
static int check_starters(struct rule *rule) {
    for (size_t i = 0; i < rule->hands.n; i++) {
        const struct approval_hand *hand = &rule->hands.v[i];
        bool started = str_is(hand->what, APPROVAL_STARTED) && !hand->person.machine;
        for (size_t k = 0; started && k < rule->authors.n; k++) {
            if (person_has_email(&hand->person, rule->authors.v[k].email)) {
                return err_set(rule->err, ERR_DENIED,
                               "%.*s %.*s and started this release: nobody can approve it; let it "
                               "start by itself, or let somebody else start it (tag %s)",
                               STR_ARG(person_text(&hand->person)),
                               STR_ARG(wrote(rule, &rule->authors.v[k])), FOUR_EYES_TAG);
            }
        }
    }
    return 0;
}

static int check_approver(struct rule *rule, const struct person *who) {
    if (who->machine) {
        return err_set(rule->err, ERR_DENIED,
                       "%.*s is a build or a service: a person has to approve this release (tag "
                       "%s)",
                       STR_ARG(who->arn), FOUR_EYES_TAG);
    }
    for (size_t i = 0; i < rule->hands.n; i++) {
        const struct approval_hand *hand = &rule->hands.v[i];
        if (!hand->person.machine && person_same(&hand->person, who, rule->trust_sessions)) {
            return refuse(rule, &hand->person, hand->what);
        }
    }
    for (size_t i = 0; i < rule->authors.n; i++) {
        if (person_has_email(who, rule->authors.v[i].email)) {
            return refuse(rule, who, wrote(rule, &rule->authors.v[i]));
        }
    }
    return 0;
}

int approval_four_eyes(const struct flow *f, struct arena *a, const struct pipeline_row *pipeline,
                       const struct execution_row *execution, const struct person *who,
                       struct err *err) {
    struct rule rule = {.flow = f, .arena = a, .execution = execution, .err = err};
    int wanted = read_tag(pipeline, &rule);
    if (wanted <= 0) {
        return wanted;
    }
    if (read_hands(&rule) < 0 || read_authors(&rule, execution->id) < 0 ||
        read_earlier_authors(&rule) < 0 || check_starters(&rule) < 0) {
        return -1;
    }
    return check_approver(&rule, who);
}
