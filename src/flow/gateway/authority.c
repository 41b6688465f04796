/* DATA/ca, see authority.h. */
#include "flow/gateway/authority.h"

#include "platform/os/fd.h"
#include "platform/os/file.h"

enum { MAX_PEM = 64 * 1024, YEARS_10 = 3650 };

static int read_pair(struct arena *a, const char *cert, const char *key, struct cert_pair *ret,
                     struct err *err) {
    return file_read(a, cert, MAX_PEM, &ret->cert_pem, err) < 0 ||
                   file_read(a, key, MAX_PEM, &ret->key_pem, err) < 0
               ? -1
               : 0;
}

int authority_open(struct arena *a, const char *data_dir, const struct clock *clock,
                   struct cert_pair *ret, struct err *err) {
    const char *dir = str_printf(a, "%s/ca", data_dir).p;
    const char *cert = str_printf(a, "%s/ca.pem", dir).p;
    const char *key = str_printf(a, "%s/ca.key", dir).p;
    /* The certificate is written last: where it is, the key is. */
    if (file_exists(cert)) {
        return read_pair(a, cert, key, ret, err);
    }
    if (dir_make(dir, 0700, err) < 0) {
        return -1;
    }
    int lock cleanup_fd = file_lock(str_printf(a, "%s/lock", dir).p, true, err);
    if (lock < 0) {
        return -1;
    }
    if (file_exists(cert)) {
        return read_pair(a, cert, key, ret, err);
    }
    if (cert_make_authority(a, S("Trunkline builds"), clock_now_ms(clock), YEARS_10, ret, err) <
        0) {
        return -1;
    }
    return file_write_atomic(key, ret->key_pem, 0600, err) < 0 ||
                   file_write_atomic(cert, ret->cert_pem, 0644, err) < 0
               ? -1
               : 0;
}
