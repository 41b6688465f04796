/* Who calls, as four eyes sees them (flow/approval/person.h), and what they had a hand in. */
#include "front/api/codepipeline/people.h"

#include "services/core/tags.h"

/* Addresses are a tag of the user: of the one who calls, or who is behind the session. */
int codepipeline_person(struct call *c, struct person *ret, struct err *err) {
    const struct aws_principal *p = c->principal;
    struct str user = p->kind == AWS_PRINCIPAL_ROLE ? p->origin : p->arn;
    struct str_map tags = {0};
    if (user.p != NULL && tags_get(c->db, c->arena, user, &tags, err) < 0) {
        return -1;
    }
    person_of(c->arena, p, str_map_get(&tags, S(FOUR_EYES_EMAIL_TAG)), ret);
    return 0;
}

int codepipeline_hand(struct call *c, int64_t pipeline, struct str execution, struct str what,
                      struct err *err) {
    struct person person;
    return codepipeline_person(c, &person, err) < 0
               ? -1
               : approval_hand_note(codepipeline_flow(), c->arena, pipeline, execution, what,
                                    &person, err);
}
