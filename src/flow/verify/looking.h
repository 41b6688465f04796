/* What the checks share: the pipeline that they look at, and where they say what they found. Each
 * check returns -1 only when the store cannot be read. */
#pragma once

#include "flow/verify/verify.h"

struct looking {
    struct db *db;
    struct arena *arena; /* of the caller: findings */
    struct arena work;   /* of one pipeline */
    int64_t pipeline;
    struct str name;
    struct str only; /* execution, or absent */
    struct verified *found;
    struct err *err;
};

void finding(struct looking *l, int invariant, struct str execution, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* For each row of a query whose first columns are an execution and two texts: a finding. fmt is
 * given both texts, as str. */
int find_rows(struct looking *l, int invariant, const char *what, const char *sql);

int look_at_attempts(struct looking *l); /* I1, I2: attempts.c */
int look_at_told(struct looking *l);     /* I2, I3, I4: told.c */
int look_at_answers(struct looking *l);  /* I5, I6: answers.c */
int look_at_fold(struct looking *l);     /* I7: fold.c */
