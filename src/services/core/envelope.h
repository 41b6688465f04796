/*
 * Values under a data key that KMS made: 'D', the length of the encrypted data key (2 bytes), that
 * key, the value sealed by it. For values that are larger than KMS itself takes. KMS is called as
 * the caller of the handler, in the service's name (kms:ViaService), so the caller needs leave to
 * use the key unless it is the service's own; a refusal of KMS is in err as KMS worded it.
 */
#pragma once

#include "aws/call/call.h"

/* `context` is KMS's encryption context; `bound` is what the sealed value itself is bound to. */
int envelope_seal(struct call *c, struct str key_id, const struct str_map *context,
                  struct str bound, struct str plain, struct str *ret, struct err *err) MUST_USE;
/* ERR_INTERNAL when it is damaged, or was sealed for another context. */
int envelope_open(struct call *c, const struct str_map *context, struct str bound,
                  struct str sealed, struct str *ret, struct err *err) MUST_USE;

/* Made by envelope_seal? KMS's own ciphertexts never begin so. */
bool envelope_is(struct str sealed);
