/*
 * Values of SecureStrings. Standard ones are encrypted by KMS itself; advanced ones, which may be
 * larger than KMS takes, by a data key that KMS made: 'D', the length of the encrypted data key (2
 * bytes), that key, the sealed value. Both are bound to the parameter's ARN by the encryption
 * context. KMS is called as the caller, who therefore needs its leave, unless the key is
 * alias/aws/ssm.
 */
#include "services/ssm/ssm.h"

#include "gen/kms.h"
#include "platform/crypto/aead.h"
#include "platform/crypto/encode.h"

static struct str_map context_of(struct call *c, struct str arn) {
    struct str_map map = {NULL, 0};
    *arena_push(c->arena, &map) = (struct str_pair){S("PARAMETER_ARN"), arn};
    return map;
}

/* SSM names a key that it cannot use in its own error. */
static int key_error(struct str key_id, struct err *err) {
    bool unusable = err->api == &kms_NotFoundException || err->api == &kms_DisabledException ||
                    err->api == &kms_InvalidArnException ||
                    err->api == &kms_KMSInvalidStateException;
    if (!unusable) {
        return -1;
    }
    struct err why = *err;
    return err_api(err, &ssm_InvalidKeyId, "%s%s" STR_FMT, why.msg, key_id.p ? " Key: " : "",
                   STR_ARG(key_id));
}

static int seal_by_data_key(struct call *c, struct str arn, struct str key_id, struct str plain,
                            struct str *ret, struct err *err) {
    struct aws_target t = call_target(c);
    struct str_map context = context_of(c, arn);
    struct kms_generate_data_key_request in = {
        .key_id = key_id,
        .encryption_context = context,
        .key_spec = S("AES_256"),
    };
    struct kms_generate_data_key_response out;
    if (kms_call_generate_data_key(&t, c->arena, &in, &out, err) < 0) {
        return key_error(key_id, err);
    }
    struct str sealed =
        aead_seal(c->arena, c->rng, (const unsigned char *)out.plaintext.p, arn, plain);
    size_t n = out.ciphertext_blob.n;
    char *p = arena_alloc(c->arena, 3 + n + sealed.n);
    p[0] = 'D';
    p[1] = (char)(n >> 8);
    p[2] = (char)n;
    memcpy(p + 3, out.ciphertext_blob.p, n);
    memcpy(p + 3 + n, sealed.p, sealed.n);
    *ret = str_n(p, 3 + n + sealed.n);
    return 0;
}

int ssm_seal_value(struct call *c, struct str arn, struct str key_id, struct str tier,
                   struct str plain, struct str *ret, struct err *err) {
    if (str_is(tier, "Advanced")) {
        return seal_by_data_key(c, arn, key_id, plain, ret, err);
    }
    struct aws_target t = call_target(c);
    struct kms_encrypt_request in = {
        .key_id = key_id,
        .plaintext = plain,
        .encryption_context = context_of(c, arn),
    };
    struct kms_encrypt_response out;
    if (kms_call_encrypt(&t, c->arena, &in, &out, err) < 0) {
        return key_error(key_id, err);
    }
    *ret = out.ciphertext_blob;
    return 0;
}

static int decrypt(struct call *c, struct str arn, struct str blob, struct str *ret,
                   struct err *err) {
    struct aws_target t = call_target(c);
    struct kms_decrypt_request in = {
        .ciphertext_blob = blob,
        .encryption_context = context_of(c, arn),
    };
    struct kms_decrypt_response out;
    if (kms_call_decrypt(&t, c->arena, &in, &out, err) < 0) {
        return key_error(STR_NONE, err);
    }
    *ret = out.plaintext;
    return 0;
}

int ssm_open_value(struct call *c, struct str arn, struct str sealed, struct str *ret,
                   struct err *err) {
    if (sealed.n < 3 || sealed.p[0] != 'D') {
        return decrypt(c, arn, sealed, ret, err);
    }
    const unsigned char *p = (const unsigned char *)sealed.p;
    size_t n = (size_t)p[1] << 8 | p[2];
    struct str key = STR_NONE;
    if (sealed.n < 3 + n || decrypt(c, arn, str_sub(sealed, 3, n), &key, err) < 0 ||
        key.n != AEAD_KEY_BYTES) {
        return err->kind != ERR_NONE ? -1 : err_set(err, ERR_INTERNAL, "damaged SecureString");
    }
    return aead_open(c->arena, (const unsigned char *)key.p, arn, str_sub(sealed, 3 + n, sealed.n),
                     ret, err);
}

int ssm_value_out(struct call *c, const struct ssm_row *r, bool do_decrypt, struct str *ret,
                  struct err *err) {
    if (!str_is(r->type, "SecureString")) {
        *ret = r->value;
        return 0;
    }
    if (!do_decrypt) {
        *ret = base64_encode(c->arena, r->value);
        return 0;
    }
    return ssm_open_value(c, ssm_arn(c, r->name), r->value, ret, err);
}
