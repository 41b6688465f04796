/* Four eyes; approval.h. */
#include "flow/approval/approval.h"

/* The name of a person: the user's, or the session's of a role. */
static struct str person_of(struct str arn) {
    struct str rest = arn;
    struct str name = STR_NONE;
    while (str_cut(&rest, '/', &name)) {
    }
    return name;
}

static bool is_author(struct str person, struct str email) {
    size_t at = str_find_c(email, '@', 0);
    struct str local = at == (size_t)-1 ? email : str_sub(email, 0, at);
    return person.n > 0 && (str_ieq(person, email) || str_ieq(person, local));
}

int approval_person(const struct flow *f, struct arena *a, const struct pipeline_row *pipeline,
                    const struct execution_row *execution, struct str by, struct err *err) {
    struct str wanted = STR_NONE;
    struct source_revision_list revisions;
    if (record_tag_get(f->db, a, pipeline->id, S(FOUR_EYES_TAG), &wanted, err) < 0 ||
        source_revision_list(f->db, a, execution->id, &revisions, err) < 0) {
        return -1;
    }
    if (!str_is(wanted, "required")) {
        return 0;
    }
    struct str person = person_of(by);
    if (str_eq(execution->trigger_detail, by)) {
        return err_set(err, ERR_DENIED,
                       "%.*s started this release: somebody else has to approve it (tag %s)",
                       STR_ARG(person), FOUR_EYES_TAG);
    }
    for (size_t i = 0; i < revisions.n; i++) {
        const struct revision *r = &revisions.v[i].revision;
        if (is_author(person, r->email)) {
            return err_set(err, ERR_DENIED,
                           "%.*s wrote commit %.*s: somebody else has to approve it (tag %s)",
                           STR_ARG(person), STR_ARG(str_sub(r->commit, 0, 8)), FOUR_EYES_TAG);
        }
    }
    return 0;
}
