/*
 * Who somebody is, for four eyes: the same person may come as a user, as a session of a role, under
 * a session's name of their own choosing. In doubt two are the same.
 *
 * What tells people apart: a user's ARN; a session's source identity (which no session can change
 * once it is set); the user that opened the first session of the chain, where the account knows it.
 * A session's name is chosen by whoever opens it and counts only where the pipeline says that it is
 * trusted (role trust policies or the identity provider set it).
 */
#pragma once

#include "aws/call/call.h"
#include "base/arena.h"

struct person {
    struct str arn;         /* as GetCallerIdentity prints it */
    struct str role;        /* of a session: the role's ARN; else absent */
    struct str name;        /* user's name, session's source identity; else absent */
    struct str session;     /* of a session: its name */
    struct str origin;      /* ARN of the user who is behind it; absent where it is not known */
    struct str_list emails; /* addresses that are the person's, see FOUR_EYES_EMAIL_TAG */
    bool machine;           /* a service or a build */
};

/* `emails` is what the person's tag says: addresses with blanks between; or absent. The strings are
 * the principal's. */
void person_of(struct arena *a, const struct aws_principal *p, struct str emails,
               struct person *ret);
/* From an ARN alone, where nothing else was kept. A role's path is not in a session's ARN. */
void person_of_arn(struct arena *a, struct str arn, struct person *ret);

bool person_same(const struct person *x, const struct person *y, bool trust_sessions);
/* Does the address belong to the person? One of theirs; or their name, or a session's, is the
 * address or what stands before its '@'. */
bool person_has_email(const struct person *p, struct str email);
/* For people to read: the name, the session's name, or the ARN. */
struct str person_text(const struct person *p);

struct str person_to_json(struct arena *a, const struct person *p);
int person_from_json(struct arena *a, struct str text, struct person *ret,
                     struct err *err) MUST_USE;
