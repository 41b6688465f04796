/* Shared by KMS's handlers: which key a request means, and may it be used. */
#pragma once

#include "gen/kms.h"
#include "runtime/queue/queue.h"
#include "services/core/env.h"
#include "services/kms/kms_store.h"

enum {
    KMS_WAIT_MIN_DAYS = 7,
    KMS_WAIT_MAX_DAYS = 30,
    KMS_ROTATION_DAYS = 365,
    KMS_POLICY_MAX = 32768,
    KMS_PAGE_KEYS = 100,
    KMS_PAGE_ALIASES = 50,
    KMS_KINDS = 2,
};
#define KMS_DELETE "kms.delete"
#define KMS_ROTATE "kms.rotate"

static const int64_t KMS_DAY_MS = 24LL * 3600 * 1000;

/* The key behind an id, a key ARN, an alias or an alias ARN. "alias/aws/..." of a service that has
 * one is made on first use. NotFoundException or InvalidArnException in KMS's words. */
int kms_need_key(struct call *c, struct str key_id, struct kms_key_row *ret,
                 struct err *err) MUST_USE;

/* DisabledException, KMSInvalidStateException. */
int kms_need_usable(struct call *c, const struct kms_key_row *k, struct err *err) MUST_USE;
/* Keys of AWS's services cannot be changed. */
int kms_need_customers(struct call *c, const struct kms_key_row *k, struct err *err) MUST_USE;

/* Makes a key with its first material; fills k->id. */
int kms_make_key(struct db *db, struct arena *a, const struct rng *rng, struct kms_key_row *k,
                 struct err *err) MUST_USE;

/* Key id inside a ciphertext of ours; absent when it is none. */
struct str kms_key_in(struct str ciphertext);

void kms_queue_kinds(struct service_env *env, struct queue_kind ret[KMS_KINDS]);
