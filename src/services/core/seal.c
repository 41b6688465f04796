/* Implementation of services/core/seal.h. */
#include "services/core/seal.h"

#include "platform/crypto/aead.h"
#include "platform/crypto/hash.h"
#include "platform/os/file.h"

#include <assert.h>

static struct {
    bool loaded;
    unsigned char key[AEAD_KEY_BYTES];
} seal;

static int read_key(struct arena *a, const char *path, struct err *err) {
    struct str text = STR_NONE;
    int found = file_read(a, path, AEAD_KEY_BYTES, &text, err);
    if (found < 0) {
        return err->kind == ERR_NOT_FOUND ? 0 : -1;
    }
    if (text.n != AEAD_KEY_BYTES) {
        return err_set(err, ERR_INVALID,
                       "%s: damaged, it must hold %d bytes; without it sealed values are lost",
                       path, AEAD_KEY_BYTES);
    }
    memcpy(seal.key, text.p, AEAD_KEY_BYTES);
    return 1;
}

int seal_load(const char *data_dir, const struct rng *rng, struct err *err) {
    if (data_dir == NULL) {
        rng->fill(rng->ud, seal.key, sizeof(seal.key));
        seal.loaded = true;
        return 0;
    }
    struct arena a = ARENA_INIT;
    const char *path = str_z(&a, str_printf(&a, "%s/seal.key", data_dir));
    int found = read_key(&a, path, err);
    if (found == 0 && file_exists(str_z(&a, str_printf(&a, "%s/trunkline.db", data_dir)))) {
        found = err_set(
            err, ERR_INVALID,
            "%s is missing, but the store beside it has values sealed by it; put it back", path);
    }
    if (found == 0) {
        rng->fill(rng->ud, seal.key, sizeof(seal.key));
        struct str key = str_n((const char *)seal.key, sizeof(seal.key));
        found = file_write_atomic(path, key, 0600, err);
    }
    arena_done(&a);
    seal.loaded = found >= 0;
    return found < 0 ? -1 : 0;
}

struct str seal_make(struct arena *a, const struct rng *rng, struct str context, struct str plain) {
    assert(seal.loaded);
    return aead_seal(a, rng, seal.key, context, plain);
}

int seal_open(struct arena *a, struct str context, struct str sealed, struct str *ret,
              struct err *err) {
    assert(seal.loaded);
    return aead_open(a, seal.key, context, sealed, ret, err);
}

void seal_mac(struct str context, struct str text, unsigned char ret[16]) {
    assert(seal.loaded);
    unsigned char key[32], digest[32];
    crypto_hmac_sha256(str_n((const char *)seal.key, sizeof(seal.key)), context, key);
    crypto_hmac_sha256(str_n((const char *)key, sizeof(key)), text, digest);
    memcpy(ret, digest, 16);
}
