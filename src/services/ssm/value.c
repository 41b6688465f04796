/*
 * Values of SecureStrings. Standard ones are encrypted by KMS itself; advanced ones, which may be
 * larger than KMS takes, by a data key that KMS made (core/envelope.h). Both are bound to the
 * parameter's ARN by the encryption context. KMS is called as the caller, who therefore needs its
 * leave, unless the key is alias/aws/ssm.
 */
#include "services/ssm/ssm.h"

#include "gen/kms.h"
#include "platform/crypto/encode.h"
#include "services/core/envelope.h"

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

int ssm_seal_value(struct call *c, struct str arn, struct str key_id, struct str tier,
                   struct str plain, struct str *ret, struct err *err) {
    if (str_is(tier, "Advanced")) {
        struct str_map context = context_of(c, arn);
        return envelope_seal(c, key_id, &context, arn, plain, ret, err) < 0 ? key_error(key_id, err)
                                                                            : 0;
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

static int decrypt(struct call *c, const struct str_map *context, struct str blob, struct str *ret,
                   struct err *err) {
    struct aws_target t = call_target(c);
    struct kms_decrypt_request in = {
        .ciphertext_blob = blob,
        .encryption_context = *context,
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
    struct str_map context = context_of(c, arn);
    if (!envelope_is(sealed)) {
        return decrypt(c, &context, sealed, ret, err);
    }
    return envelope_open(c, &context, arn, sealed, ret, err) < 0 ? key_error(STR_NONE, err) : 0;
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
