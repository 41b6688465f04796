/*
 * Encrypt, Decrypt, GenerateDataKey. A ciphertext is: 4 bytes of version, the key's id (36), the
 * material's version (4, big-endian), AES-256-GCM of the plaintext. The encryption context and the
 * key's ARN are authenticated with it, so neither can be changed.
 */
#include "services/kms/kms.h"

#include "base/buf.h"
#include "platform/crypto/aead.h"

#include <stdlib.h>

enum { MAGIC = 4, HEADER = MAGIC + KMS_ID_CHARS + 4, CONTEXT_MAX = 8192, PLAIN_MAX = 4096 };
static const char magic[MAGIC] = {1, 'T', 'K', 1};

struct str kms_key_in(struct str ciphertext) {
    bool ours = ciphertext.n > HEADER && memcmp(ciphertext.p, magic, MAGIC) == 0;
    return ours ? str_n(ciphertext.p + MAGIC, KMS_ID_CHARS) : STR_NONE;
}

static int64_t version_in(struct str ciphertext) {
    const unsigned char *p = (const unsigned char *)ciphertext.p + MAGIC + KMS_ID_CHARS;
    return (int64_t)p[0] << 24 | (int64_t)p[1] << 16 | (int64_t)p[2] << 8 | p[3];
}

static int by_key(const void *x, const void *y) {
    return str_cmp(((const struct str_pair *)x)->key, ((const struct str_pair *)y)->key);
}

/* Pairs in order of keys, each with its lengths: equal maps give equal bytes, others never do. */
static int aad(struct call *c, const struct kms_key_row *k, const struct str_map *context,
               struct str *ret, struct err *err) {
    struct buf out cleanup_buf;
    buf_init(&out, CONTEXT_MAX);
    struct str_pair *sorted = arena_new_n(c->arena, struct str_pair, context->n);
    if (context->n > 0) {
        memcpy(sorted, context->v, context->n * sizeof(*sorted));
        qsort(sorted, context->n, sizeof(*sorted), by_key);
    }
    struct str arn = kms_key_arn(c->arena, k);
    buf_printf(&out, "%zu:" STR_FMT, arn.n, STR_ARG(arn));
    for (size_t i = 0; i < context->n; i++) {
        buf_printf(&out, "%zu:", sorted[i].key.n);
        buf_add(&out, sorted[i].key);
        buf_printf(&out, "%zu:", sorted[i].value.n);
        buf_add(&out, sorted[i].value);
    }
    if (out.overflow) {
        return err_api(
            err, &kms_ValidationException,
            "1 validation error detected: Value at 'encryptionContext' failed to satisfy "
            "constraint: Member must have length less than or equal to 8192");
    }
    *ret = buf_dup(c->arena, &out);
    return 0;
}

static int seal(struct call *c, const struct kms_key_row *k, const struct str_map *context,
                struct str plain, struct str *ret, struct err *err) {
    struct str material = STR_NONE, authenticated = STR_NONE;
    int64_t version = 0;
    if (aad(c, k, context, &authenticated, err) < 0 ||
        kms_material_get(c->db, c->arena, k->id, 0, &material, &version, err) < 1) {
        return err->kind != ERR_NONE ? -1 : err_set(err, ERR_INTERNAL, "key without material");
    }
    struct str sealed =
        aead_seal(c->arena, c->rng, (const unsigned char *)material.p, authenticated, plain);
    char *out = arena_alloc(c->arena, HEADER + sealed.n);
    memcpy(out, magic, MAGIC);
    memcpy(out + MAGIC, k->id.p, KMS_ID_CHARS);
    for (int i = 0; i < 4; i++) {
        out[MAGIC + KMS_ID_CHARS + i] = (char)(version >> (24 - 8 * i));
    }
    memcpy(out + HEADER, sealed.p, sealed.n);
    *ret = str_n(out, HEADER + sealed.n);
    return 0;
}

static int check_algorithm(struct str algorithm, struct err *err) {
    return algorithm.p == NULL || str_is(algorithm, "SYMMETRIC_DEFAULT")
               ? 0
               : err_api(err, &kms_InvalidKeyUsageException,
                         "Algorithm " STR_FMT " is incompatible with key spec SYMMETRIC_DEFAULT.",
                         STR_ARG(algorithm));
}

static int dry_run(bool asked, struct err *err) {
    return asked ? err_api(err, &kms_DryRunOperationException,
                           "The request would have succeeded, but the DryRun option is set.")
                 : 0;
}

int kms_encrypt(struct call *c, const struct kms_encrypt_request *in,
                struct kms_encrypt_response *out, struct err *err) {
    struct kms_key_row key = {0};
    if (kms_need_key(c, in->key_id, &key, err) < 0 || kms_need_usable(c, &key, err) < 0 ||
        check_algorithm(in->encryption_algorithm, err) < 0 || dry_run(in->dry_run, err) < 0) {
        return -1;
    }
    if (in->plaintext.n == 0 || in->plaintext.n > PLAIN_MAX) {
        return err_api(err, &kms_ValidationException,
                       "1 validation error detected: Value at 'plaintext' failed to satisfy "
                       "constraint: Member must have length between 1 and 4096");
    }
    out->key_id = kms_key_arn(c->arena, &key);
    out->encryption_algorithm = S("SYMMETRIC_DEFAULT");
    return seal(c, &key, &in->encryption_context, in->plaintext, &out->ciphertext_blob, err);
}

static int cannot_open(struct err *err) {
    return err_api(err, &kms_InvalidCiphertextException,
                   "The ciphertext is damaged, or it was made with another encryption context");
}

int kms_decrypt(struct call *c, const struct kms_decrypt_request *in,
                struct kms_decrypt_response *out, struct err *err) {
    struct kms_key_row key = {0}, asked = {0};
    struct str material = STR_NONE, authenticated = STR_NONE;
    struct str id = kms_key_in(in->ciphertext_blob);
    int64_t version = 0;
    int found = id.p ? kms_key_find(c->db, c->arena, id, &key, err) : 0;
    if (found <= 0) {
        return found < 0 ? -1 : cannot_open(err);
    }
    if (in->key_id.p != NULL && kms_need_key(c, in->key_id, &asked, err) < 0) {
        return -1;
    }
    if (in->key_id.p != NULL && !str_eq(asked.id, key.id)) {
        return err_api(err, &kms_IncorrectKeyException,
                       "The key ID in the request does not identify a CMK that can perform this "
                       "operation.");
    }
    if (kms_need_usable(c, &key, err) < 0 || check_algorithm(in->encryption_algorithm, err) < 0 ||
        dry_run(in->dry_run, err) < 0 ||
        aad(c, &key, &in->encryption_context, &authenticated, err) < 0) {
        return -1;
    }
    found = kms_material_get(c->db, c->arena, key.id, version_in(in->ciphertext_blob), &material,
                             &version, err);
    if (found <= 0) {
        return found < 0 ? -1 : cannot_open(err);
    }
    struct err why = ERR_INIT;
    struct str sealed = str_sub(in->ciphertext_blob, HEADER, in->ciphertext_blob.n);
    if (aead_open(c->arena, (const unsigned char *)material.p, authenticated, sealed,
                  &out->plaintext, &why) < 0) {
        return cannot_open(err);
    }
    out->key_id = kms_key_arn(c->arena, &key);
    out->encryption_algorithm = S("SYMMETRIC_DEFAULT");
    return 0;
}

static int data_key(struct call *c, struct str key_id, const struct str_map *context,
                    struct str spec, bool has_bytes, int32_t bytes, struct str *ret_plain,
                    struct str *ret_sealed, struct str *ret_arn, struct err *err) {
    struct kms_key_row key = {0};
    if (kms_need_key(c, key_id, &key, err) < 0 || kms_need_usable(c, &key, err) < 0) {
        return -1;
    }
    if (has_bytes == (spec.p != NULL)) {
        return err_api(err, &kms_ValidationException,
                       "Please specify either number of bytes or key spec.");
    }
    size_t n = has_bytes ? (size_t)bytes : str_is(spec, "AES_128") ? 16 : 32;
    if (n == 0 || n > 1024) {
        return err_api(err, &kms_ValidationException,
                       "1 validation error detected: Value '%zu' at 'numberOfBytes' failed to "
                       "satisfy constraint: Member must have value between 1 and 1024",
                       n);
    }
    char *plain = arena_alloc(c->arena, n);
    c->rng->fill(c->rng->ud, plain, n);
    *ret_plain = str_n(plain, n);
    *ret_arn = kms_key_arn(c->arena, &key);
    return seal(c, &key, context, *ret_plain, ret_sealed, err);
}

int kms_generate_data_key(struct call *c, const struct kms_generate_data_key_request *in,
                          struct kms_generate_data_key_response *out, struct err *err) {
    return dry_run(in->dry_run, err) < 0
               ? -1
               : data_key(c, in->key_id, &in->encryption_context, in->key_spec,
                          in->has_number_of_bytes, in->number_of_bytes, &out->plaintext,
                          &out->ciphertext_blob, &out->key_id, err);
}

int kms_generate_data_key_without_plaintext(
    struct call *c, const struct kms_generate_data_key_without_plaintext_request *in,
    struct kms_generate_data_key_without_plaintext_response *out, struct err *err) {
    struct str plain = STR_NONE;
    /* Without both, AES_256: this operation has a default, GenerateDataKey has none. */
    struct str spec = in->key_spec.p || in->has_number_of_bytes ? in->key_spec : S("AES_256");
    return dry_run(in->dry_run, err) < 0
               ? -1
               : data_key(c, in->key_id, &in->encryption_context, spec, in->has_number_of_bytes,
                          in->number_of_bytes, &plain, &out->ciphertext_blob, &out->key_id, err);
}
