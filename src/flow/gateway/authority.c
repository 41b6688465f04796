/* DATA/ca, see authority.h. */
#include "flow/gateway/authority.h"

#include "platform/os/fd.h"
#include "platform/os/file.h"

enum { MAX_PEM = 64 * 1024, MAX_OF_MACHINE = 512 * 1024, YEARS_10 = 3650 };

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

/* One folder's, behind what there is. */
static void add_folder(struct arena *a, const char *folder, struct buf *out) {
    struct str_list names = {0};
    struct err ignored = ERR_INIT; /* most machines have not all of these folders */
    if (dir_list(a, folder, &names, &ignored) < 0) {
        return;
    }
    for (size_t i = 0; i < names.n; i++) {
        const char *path = str_printf(a, "%s/" STR_FMT, folder, STR_ARG(names.v[i])).p;
        struct str text;
        struct str pem;
        bool named = str_ends(names.v[i], S(".crt")) || str_ends(names.v[i], S(".pem"));
        if (named && file_read(a, path, MAX_PEM, &text, &ignored) == 0 &&
            cert_bundle(a, text, &pem, &ignored) == 0 && out->n + pem.n <= MAX_OF_MACHINE) {
            buf_add(out, pem);
        }
    }
}

struct str authority_of_machine(struct arena *a, const char *const *folders) {
    static const char *const usual[] = {"/usr/local/share/ca-certificates",
                                        "/etc/pki/ca-trust/source/anchors", NULL};
    struct buf all cleanup_buf;
    buf_init(&all, MAX_OF_MACHINE);
    for (const char *const *f = folders ? folders : usual; *f != NULL; f++) {
        add_folder(a, *f, &all);
    }
    return buf_dup(a, &all);
}
