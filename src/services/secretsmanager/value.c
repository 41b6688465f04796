/*
 * Values. Each is sealed by a data key of its own, which KMS made as the caller, in the context of
 * secret and version; so the caller needs leave to use the secret's key, unless that is the
 * service's own. A keyed digest tells whether a token comes again with the same value.
 */
#include "services/secretsmanager/sm.h"

#include "gen/kms.h"
#include "services/core/envelope.h"
#include "services/core/seal.h"

enum { DIGEST = 16 };

int sm_check_value(const struct sm_value *v, struct err *err) {
    return v->text.p == NULL || v->blob.p == NULL
               ? 0
               : err_api(err, &secretsmanager_InvalidParameterException,
                         "You can't specify both a binary secret value and a string secret value "
                         "in the same secret.");
}

struct str sm_version_id(struct call *c, struct str token) {
    return token.n > 0 ? token : rng_uuid(c->rng, c->arena);
}

static struct str_map context_of(struct call *c, const struct sm_secret *s, struct str id) {
    struct str_map map = {NULL, 0};
    *arena_push(c->arena, &map) = (struct str_pair){S("SecretARN"), s->arn};
    *arena_push(c->arena, &map) = (struct str_pair){S("SecretVersionId"), id};
    return map;
}

static struct str bound_to(struct call *c, const struct sm_secret *s, struct str id) {
    return str_printf(c->arena, STR_FMT "|" STR_FMT, STR_ARG(s->arn), STR_ARG(id));
}

static struct str digest_of(struct call *c, const struct sm_secret *s, struct str id,
                            const struct sm_value *v) {
    unsigned char mac[DIGEST];
    struct str context = str_printf(c->arena, "secretsmanager/%s/" STR_FMT,
                                    v->blob.p ? "binary" : "text", STR_ARG(bound_to(c, s, id)));
    seal_mac(context, v->blob.p ? v->blob : v->text, mac);
    return str_n(arena_memdup(c->arena, mac, sizeof(mac)), sizeof(mac));
}

/* KMS's refusals in this service's words. */
static int key_error(const struct aws_error *failure, struct err *err) {
    struct err why = *err;
    if (why.kind == ERR_DENIED) {
        err_api(err, &secretsmanager_AccessDeniedException, "Access to KMS is not allowed");
        err->kind = ERR_DENIED;
        return -1;
    }
    bool unusable = why.api == &kms_NotFoundException || why.api == &kms_DisabledException ||
                    why.api == &kms_InvalidArnException || why.api == &kms_KMSInvalidStateException;
    return unusable ? err_api(err, failure,
                              "Secrets Manager can't %s the secret value using its KMS key. Check "
                              "that the key is available, enabled, and not in an invalid state: %s",
                              failure == &secretsmanager_EncryptionFailure ? "encrypt" : "decrypt",
                              why.msg)
                    : -1;
}

/* The secret's key, or the service's own one in the secret's account. */
static struct str key_of(struct call *c, const struct sm_secret *s) {
    return s->kms_key.p ? s->kms_key
                        : str_printf(c->arena,
                                     "arn:aws:kms:" STR_FMT ":" STR_FMT ":alias/aws/secretsmanager",
                                     STR_ARG(s->region), STR_ARG(s->account));
}

static int seal(struct call *c, const struct sm_secret *s, struct str id, struct str plain,
                struct str *ret, struct err *err) {
    struct str_map context = context_of(c, s, id);
    return envelope_seal(c, key_of(c, s), &context, bound_to(c, s, id), plain, ret, err) < 0
               ? key_error(&secretsmanager_EncryptionFailure, err)
               : 0;
}

int sm_open_version(struct call *c, const struct sm_secret *s, const struct sm_version *v,
                    struct str *ret, struct err *err) {
    struct str_map context = context_of(c, s, v->id);
    return envelope_open(c, &context, bound_to(c, s, v->id), v->sealed, ret, err) < 0
               ? key_error(&secretsmanager_DecryptionFailure, err)
               : 0;
}

int sm_make_version(struct call *c, const struct sm_secret *s, struct str id,
                    const struct sm_value *v, struct err *err) {
    struct sm_version old = {0};
    struct sm_version made = {
        .id = id,
        .is_binary = v->blob.p != NULL,
        .digest = digest_of(c, s, id, v),
        .kms_key = s->kms_key,
        .created_ms = c->now_ms,
    };
    int found = sm_version_find(c->db, c->arena, s->arn, id, &old, err);
    if (found != 0) {
        return found < 0 || str_eq(old.digest, made.digest)
                   ? found
                   : err_api(
                         err, &secretsmanager_ResourceExistsException,
                         "You can't use ClientRequestToken " STR_FMT
                         " because that value is already in use for a version of secret " STR_FMT
                         ".",
                         STR_ARG(id), STR_ARG(s->arn));
    }
    if (seal(c, s, id, v->blob.p ? v->blob : v->text, &made.sealed, err) < 0) {
        return -1;
    }
    return sm_version_add(c->db, s->arn, &made, err);
}

int sm_reseal(struct call *c, const struct sm_secret *s, struct err *err) {
    static const char *const labels[] = {SM_CURRENT, SM_PREVIOUS, "AWSPENDING"};
    struct sm_stages stages;
    if (sm_stage_list(c->db, c->arena, s->arn, &stages, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < sizeof(labels) / sizeof(*labels); i++) {
        struct str id = sm_version_at(&stages, str_c(labels[i]));
        struct sm_version v = {0};
        struct str plain = STR_NONE;
        int found = id.p ? sm_version_find(c->db, c->arena, s->arn, id, &v, err) : 0;
        if (found < 0) {
            return -1;
        }
        if (found == 0 || (str_eq(v.kms_key, s->kms_key) && !v.kms_key.p == !s->kms_key.p)) {
            continue;
        }
        if (sm_open_version(c, s, &v, &plain, err) < 0 ||
            seal(c, s, id, plain, &v.sealed, err) < 0) {
            return -1;
        }
        v.kms_key = s->kms_key;
        if (sm_version_reseal(c->db, s->arn, &v, err) < 0) {
            return -1;
        }
    }
    return 0;
}
