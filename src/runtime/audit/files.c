/*
 * What lies beside the store: the key, and the head. The head's file has two slots of SLOT bytes,
 * written in turn, each a line "<seq>:<hash> <mac>" filled up with blanks; the newest whose MAC is
 * right counts. It is not synced with each writing: a killed process loses nothing, and after a
 * power failure an older head is true as well.
 */
#include "runtime/audit/internal.h"

#include "platform/crypto/encode.h"
#include "platform/crypto/hash.h"
#include "platform/os/fd.h"
#include "platform/os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

enum { SLOTS = 2, SLOT = 512, KEY_BYTES = 32 };

static const char *beside(struct arena *a, const char *data_dir, const char *name) {
    return str_printf(a, "%s/%s", data_dir, name).p;
}

/* ---- the key ---- */

int audit_key_read(const char *data_dir, unsigned char ret[32], struct err *err) {
    struct arena a = ARENA_INIT;
    struct str text = STR_NONE;
    const char *path = beside(&a, data_dir, "audit.key");
    struct err why = ERR_INIT;
    int found = file_read(&a, path, KEY_BYTES, &text, &why) == 0 ? 1 : -1;
    if (found < 0 && why.kind == ERR_NOT_FOUND) {
        found = 0;
    } else if ((found < 0 && why.kind == ERR_LIMIT) || (found > 0 && text.n != KEY_BYTES)) {
        found = err_set(err, ERR_INVALID,
                        "%s: damaged, it must hold %d bytes; put it back from your backup: without "
                        "it the audit chain cannot be checked",
                        path, KEY_BYTES);
    } else if (found < 0) {
        *err = why;
    } else {
        memcpy(ret, text.p, KEY_BYTES);
    }
    arena_done(&a);
    return found;
}

int audit_key_make(const char *data_dir, const struct rng *rng, unsigned char ret[32],
                   struct err *err) {
    struct arena a = ARENA_INIT;
    rng->fill(rng->ud, ret, KEY_BYTES);
    int made = file_write_atomic(beside(&a, data_dir, "audit.key"),
                                 str_n((const char *)ret, KEY_BYTES), 0600, err);
    arena_done(&a);
    return made;
}

/* ---- the head ---- */

int audit_head_open(const char *data_dir, bool *ret_new, struct err *err) {
    struct arena a = ARENA_INIT;
    const char *path = beside(&a, data_dir, "audit.head");
    bool there = file_exists(path);
    int fd cleanup_fd = file_open(path, O_RDWR | O_CREAT, 0600, err);
    bool bad = fd < 0 || (!there && file_sync_dir_of(path, err) < 0);
    *ret_new = !there;
    arena_done(&a);
    return bad ? -1 : TAKE_FD(fd);
}

int audit_head_write(int fd, int slot, const unsigned char key[32], const struct audit_head *head,
                     struct err *err) {
    struct arena a = ARENA_INIT;
    unsigned char mac[AUDIT_HASH_BYTES];
    audit_head_mac(key, head, mac);
    struct str text = str_printf(&a, STR_FMT " " STR_FMT, STR_ARG(audit_head_text(&a, head)),
                                 STR_ARG(hex_encode(&a, str_n((const char *)mac, sizeof(mac)))));
    struct str line = str_printf(&a, "%-*.*s\n", SLOT - 1, STR_ARG(text));
    ssize_t n = pwrite(fd, line.p, line.n, (off_t)(slot % SLOTS) * SLOT);
    int bad = n == (ssize_t)line.n ? 0 : err_sys(err, n < 0 ? errno : ENOSPC, "write audit.head");
    arena_done(&a);
    return bad;
}

static bool parse_slot(struct arena *a, struct str slot, const unsigned char key[32],
                       struct audit_head *ret) {
    struct str rest = str_trim(slot);
    struct str head = STR_NONE;
    struct str mac = STR_NONE;
    unsigned char right[AUDIT_HASH_BYTES];
    if (!str_cut(&rest, ' ', &head) || !audit_head_parse(head, ret) || !hex_decode(a, rest, &mac)) {
        return false;
    }
    audit_head_mac(key, ret, right);
    return crypto_equal(mac, str_n((const char *)right, sizeof(right)));
}

static void parse_head(struct arena *a, struct str text, struct audit_evidence *ret) {
    ret->head_is = AUDIT_HEAD_DAMAGED;
    for (size_t i = 0; ret->has_key && i < SLOTS; i++) {
        struct audit_head one;
        struct str slot = str_sub(text, i * SLOT, SLOT);
        bool first = ret->head_is != AUDIT_HEAD_READ;
        if (parse_slot(a, slot, ret->key, &one) && (first || one.seq > ret->head.seq)) {
            ret->head_is = AUDIT_HEAD_READ;
            ret->head = one;
        }
    }
}

int audit_evidence_read(const char *data_dir, struct audit_evidence *ret, struct err *err) {
    struct arena a = ARENA_INIT;
    struct err why = ERR_INIT;
    struct str text = STR_NONE;
    *ret = (struct audit_evidence){0};
    int found = audit_key_read(data_dir, ret->key, err);
    ret->has_key = found > 0;
    if (found >= 0) {
        found = file_read(&a, beside(&a, data_dir, "audit.head"), SLOTS * SLOT, &text, &why);
        if (found == 0) {
            parse_head(&a, text, ret);
        } else if (why.kind == ERR_LIMIT) { /* longer than we write it */
            ret->head_is = AUDIT_HEAD_DAMAGED;
        } else if (why.kind != ERR_NOT_FOUND) {
            *err = why;
        }
        found = found == 0 || why.kind == ERR_LIMIT || why.kind == ERR_NOT_FOUND ? 0 : -1;
    }
    arena_done(&a);
    return found;
}
