/* Which secret a request means: names, full and partial ARNs. */
#include "services/secretsmanager/sm.h"

#include "services/core/arn.h"

static bool is_name_character(char ch) {
    return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9') ||
           (ch != '\0' && strchr("/_+=.@-!", ch) != NULL);
}

int sm_check_name(struct str name, struct err *err) {
    bool fine = name.n > 0;
    for (size_t i = 0; i < name.n; i++) {
        fine = fine && is_name_character(name.p[i]);
    }
    return fine ? 0
                : err_api(err, &secretsmanager_ValidationException,
                          "Invalid name. Must be a valid name containing alphanumeric characters, "
                          "or any of the following: -/_+=.@!");
}

/* "secret:NAME" or "secret:NAME-xxxxxx". */
static int by_arn(struct db *db, struct arena *a, struct str text, const struct aws_arn *arn,
                  struct sm_secret *ret, struct err *err) {
    struct str head = S("secret:");
    if (!str_is(arn->service, "secretsmanager") || !str_starts(arn->resource, head)) {
        return 0;
    }
    int found = sm_find_arn(db, a, text, ret, err);
    return found != 0 ? found
                      : sm_find_name(db, a, arn->account, arn->region,
                                     str_sub(arn->resource, head.n, arn->resource.n), ret, err);
}

int sm_resolve(struct db *db, struct arena *a, struct str account, struct str region,
               struct str secret_id, struct sm_secret *ret, struct err *err) {
    struct aws_arn arn;
    if (!aws_arn_parse(secret_id, &arn)) {
        return sm_find_name(db, a, account, region, secret_id, ret, err);
    }
    return str_eq(arn.region, region) ? by_arn(db, a, secret_id, &arn, ret, err) : 0;
}

int sm_need(struct call *c, struct str secret_id, struct sm_secret *ret, struct err *err) {
    int found = sm_resolve(c->db, c->arena, c->account, c->region, secret_id, ret, err);
    return found == 0 ? err_api(err, &secretsmanager_ResourceNotFoundException,
                                "Secrets Manager can't find the specified secret.")
                      : found - 1;
}

int sm_need_alive(struct call *c, struct str secret_id, struct sm_secret *ret, struct err *err) {
    if (sm_need(c, secret_id, ret, err) < 0) {
        return -1;
    }
    return ret->deleted_ms == 0
               ? 0
               : err_api(err, &secretsmanager_InvalidRequestException,
                         "You can't perform this operation on the secret because it was marked for "
                         "deletion.");
}

struct str sm_arn_new(struct call *c, struct str name) {
    return arn_make(c, "secretsmanager", "secret:" STR_FMT "-" STR_FMT, STR_ARG(name),
                    STR_ARG(rng_alnum(c->rng, c->arena, SM_SUFFIX - 1)));
}
