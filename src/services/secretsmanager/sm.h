/* Shared by Secrets Manager's handlers: which secret a request means, values, versions, labels. */
#pragma once

#include "gen/secretsmanager.h"
#include "runtime/queue/queue.h"
#include "services/core/env.h"
#include "services/secretsmanager/sm_store.h"

enum {
    SM_SUFFIX = 7,          /* "-" and six random characters behind the name in an ARN */
    SM_VERSIONS_KEPT = 100, /* and those of the last 24 hours */
    SM_STAGES_MAX = 20,     /* labels of a secret */
    SM_POLICY_MAX = 20480,  /* bytes */
    SM_PAGE = 100,
    SM_BATCH_PAGE = 20,
    SM_RECOVERY_DAYS = 30,
    SM_RECOVERY_MIN = 7,
    SECRETSMANAGER_KINDS = 1,
};
#define SM_PURGE "secretsmanager.purge"
#define SM_DAY_MS (24LL * 60 * 60 * 1000)
#define SM_CURRENT "AWSCURRENT"
#define SM_PREVIOUS "AWSPREVIOUS"

/* ---- name.c ---- */

/* ValidationException. */
int sm_check_name(struct str name, struct err *err) MUST_USE;
/* The secret of a name, a full or a partial ARN. 1 found, 0 none, -1 error. */
int sm_resolve(struct db *db, struct arena *a, struct str account, struct str region,
               struct str secret_id, struct sm_secret *ret, struct err *err) MUST_USE;
/* ResourceNotFoundException when there is none. */
int sm_need(struct call *c, struct str secret_id, struct sm_secret *ret, struct err *err) MUST_USE;
/* The same; InvalidRequestException when its deletion is scheduled. */
int sm_need_alive(struct call *c, struct str secret_id, struct sm_secret *ret,
                  struct err *err) MUST_USE;
/* A new ARN: six random characters behind the name. */
struct str sm_arn_new(struct call *c, struct str name);

/* ---- value.c ---- */

/* What a request brings: one of the two, or none. */
struct sm_value {
    struct str text; /* absent = none */
    struct str blob; /* absent = none */
};
static inline bool sm_has_value(const struct sm_value *v) {
    return v->text.p != NULL || v->blob.p != NULL;
}
/* InvalidParameterException when both are given. */
int sm_check_value(const struct sm_value *v, struct err *err) MUST_USE;

/* Makes the version `id` of the value, sealed by the secret's key; 0 made, 1 it is there with the
 * same value, -1 error (ResourceExistsException: there with another value). */
int sm_make_version(struct call *c, const struct sm_secret *s, struct str id,
                    const struct sm_value *v, struct err *err) MUST_USE;
/* The value in plain. DecryptionFailure, or AccessDeniedException when KMS refuses. */
int sm_open_version(struct call *c, const struct sm_secret *s, const struct sm_version *v,
                    struct str *ret, struct err *err) MUST_USE;
/* Seals what AWSCURRENT, AWSPREVIOUS and AWSPENDING hold by the secret's key, if they are not. */
int sm_reseal(struct call *c, const struct sm_secret *s, struct err *err) MUST_USE;
/* The token, or a new UUID when a client sent none. */
struct str sm_version_id(struct call *c, struct str token);

/* ---- stage.c ---- */

/* Attaches labels to a version. AWSCURRENT leaves AWSPREVIOUS where it was. LimitExceeded. */
int sm_attach(struct call *c, struct str arn, const struct str_list *stages, struct str version,
              struct err *err) MUST_USE;
/* Labels of one version; never NULL. */
struct str_list sm_stages_of(struct arena *a, const struct sm_stages *all, struct str version);
/* The version that has the label; absent = none. */
struct str sm_version_at(const struct sm_stages *all, struct str stage);

/* ---- tags.c ---- */

int sm_put_tags(struct call *c, struct str arn, const struct secretsmanager_tag_list *tags,
                struct err *err) MUST_USE;
/* Absent list when there are none. */
int sm_get_tags(struct call *c, struct str arn, struct secretsmanager_tag_list *ret,
                struct err *err) MUST_USE;

/* ---- filter.c ---- */

/* 1 matches all filters, 0 not. */
int sm_matches(const struct secretsmanager_filter_list *filters, const struct sm_secret *s,
               const struct secretsmanager_tag_list *tags);

/* ---- list.c ---- */

/* Secrets of the account that meet the filters, as they are to be listed. */
struct sm_query {
    const struct secretsmanager_filter_list *filters;
    bool deleted; /* those that wait for their deletion too */
    struct str sort_by;
    bool ascending;
    int64_t limit;
};
/* One page; *ret_next is absent behind the last one. InvalidNextTokenException. */
int sm_page(struct call *c, const struct sm_query *q, struct str token, struct sm_secrets *ret,
            struct str *ret_next, struct err *err) MUST_USE;

/* ---- delete.c ---- */

void secretsmanager_queue_kinds(struct service_env *env,
                                struct queue_kind ret[SECRETSMANAGER_KINDS]);
