/* Looks at a chain: numbers, hashes, where it begins and where it must reach. */
#include "runtime/audit/internal.h"

#include <stdarg.h>

struct checking {
    struct db *db;
    struct arena *arena; /* of the caller */
    const struct audit_evidence *evidence;
    struct audit_checked *found;
    struct err *err;
    struct audit_head before; /* the row before, or where the chain begins */
};

__attribute__((format(printf, 3, 4))) static void complain(struct checking *c, int64_t seq,
                                                           const char *fmt, ...) {
    if (c->found->findings.n >= AUDIT_MAX_FINDINGS) {
        return;
    }
    va_list args;
    va_start(args, fmt);
    *arena_push(c->arena, &c->found->findings) =
        (struct audit_finding){.seq = seq, .text = arena_vprintf(c->arena, fmt, args)};
    va_end(args);
}

/* ---- one row ---- */

static bool is_changed(const struct checking *c, const struct audit_row *row) {
    unsigned char right[AUDIT_HASH_BYTES];
    audit_row_hash(c->evidence->key, row, right);
    return row->hash.n != AUDIT_HASH_BYTES || memcmp(row->hash.p, right, AUDIT_HASH_BYTES) != 0;
}

static void check_row(struct checking *c, const struct audit_row *row) {
    int64_t expected = c->before.seq + 1;
    bool follows = row->previous.n == AUDIT_HASH_BYTES &&
                   memcmp(row->previous.p, c->before.hash, AUDIT_HASH_BYTES) == 0;
    if (row->seq > expected) {
        complain(c, expected, "rows %lld to %lld are missing", (long long)expected,
                 (long long)row->seq - 1);
    } else if (!follows) {
        complain(c, row->seq, "row %lld does not follow the one before it", (long long)row->seq);
    }
    if (is_changed(c, row)) {
        complain(c, row->seq, "row %lld was changed, or written by somebody without the key",
                 (long long)row->seq);
    } else if (str_is(row->act.operation, AUDIT_OP_MISMATCH)) {
        complain(c, row->seq, "row %lld: at a start of the server, " STR_FMT, (long long)row->seq,
                 STR_ARG(row->act.detail));
    }
    c->before.seq = row->seq;
    memset(c->before.hash, 0, AUDIT_HASH_BYTES);
    memcpy(c->before.hash, row->hash.p,
           row->hash.n < AUDIT_HASH_BYTES ? row->hash.n : AUDIT_HASH_BYTES);
}

/* ---- the ends ---- */

/* Where the chain was last cut; a forged cut is found as a row that was changed. */
static int read_beginning(struct checking *c) {
    struct db_rows rows cleanup_rows = {0};
    struct arena a = ARENA_INIT;
    long long upto = 0;
    int found = db_query(c->db, &rows, c->err,
                         "SELECT resource, digest FROM audit WHERE operation = '" AUDIT_OP_CUT
                         "' ORDER BY seq DESC LIMIT 1",
                         "");
    if (found == 0 && (found = db_next(&rows, c->err)) > 0) {
        struct str hash = db_str(&rows, &a, 1);
        if (str_to_i64(db_str(&rows, &a, 0), &upto) && upto > 0 && hash.n == AUDIT_HASH_BYTES) {
            c->before.seq = upto;
            memcpy(c->before.hash, hash.p, AUDIT_HASH_BYTES);
        }
    }
    arena_done(&a);
    return found < 0 ? -1 : 0;
}

static int check_head(struct checking *c, const struct audit_head *head, const char *whose) {
    unsigned char hash[AUDIT_HASH_BYTES];
    if (head->seq > c->found->last) {
        complain(c, c->found->last + 1, "rows %lld to %lld are missing from the end: %s names them",
                 (long long)c->found->last + 1, (long long)head->seq, whose);
        return 0;
    }
    if (head->seq == 0 || head->seq < c->found->first) {
        return 0; /* before everything, or cut since */
    }
    int found = audit_hash_of(c->db, head->seq, hash, c->err);
    if (found > 0 && memcmp(hash, head->hash, AUDIT_HASH_BYTES) != 0) {
        complain(c, head->seq, "row %lld is not the one that %s names", (long long)head->seq,
                 whose);
    }
    return found < 0 ? -1 : 0; /* a missing one was told with its neighbours */
}

static int check_end(struct checking *c) {
    const struct audit_evidence *e = c->evidence;
    if (e->head_is == AUDIT_HEAD_READ && check_head(c, &e->head, "audit.head") < 0) {
        return -1;
    }
    if (e->head_is == AUDIT_HEAD_DAMAGED) {
        complain(c, 0, "audit.head is damaged: nothing says how far the chain must reach");
    } else if (e->head_is == AUDIT_HEAD_ABSENT && c->found->rows > 0) {
        complain(c, 0, "audit.head is missing: nothing says how far the chain must reach");
    }
    return e->kept != NULL ? check_head(c, e->kept, "the head that was given") : 0;
}

/* ---- all of it ---- */

static int check_rows(struct checking *c) {
    struct arena a = ARENA_INIT;
    struct db_rows rows cleanup_rows = {0};
    struct audit_checked *f = c->found;
    int more =
        db_query(c->db, &rows, c->err, "SELECT " AUDIT_COLUMNS " FROM audit ORDER BY seq", "");
    while (more >= 0 && (more = db_next(&rows, c->err)) > 0) {
        struct arena_mark mark = arena_mark(&a);
        struct audit_row row;
        audit_row_read(&rows, &a, &row);
        f->first = f->rows == 0 ? row.seq : f->first;
        f->last = row.seq;
        f->rows++;
        check_row(c, &row);
        arena_reset(&a, mark);
    }
    arena_done(&a);
    return more;
}

int audit_check(struct db *db, struct arena *a, const struct audit_evidence *evidence,
                struct audit_checked *ret, struct err *err) {
    struct checking c = {.db = db, .arena = a, .evidence = evidence, .found = ret, .err = err};
    int64_t there = 0;
    *ret = (struct audit_checked){0};
    if (db_get_i64(db, &there, err, "SELECT count(*) FROM sqlite_master WHERE name = 'audit'", "") <
        0) {
        return -1;
    }
    bool had_one = evidence->has_key || evidence->head_is != AUDIT_HEAD_ABSENT;
    if (there == 0) {
        if (had_one) {
            complain(&c, 0, "the store has no audit chain, but its key or head lies beside it");
        }
        return 0;
    }
    if (!evidence->has_key) {
        int64_t rows = 0;
        int counted = db_get_i64(db, &rows, err, "SELECT count(*) FROM audit", "");
        if (rows > 0 || evidence->head_is != AUDIT_HEAD_ABSENT) {
            complain(&c, 0, "audit.key is missing: the chain cannot be checked");
        }
        return counted < 0 ? -1 : 0;
    }
    return read_beginning(&c) < 0 || check_rows(&c) < 0 ? -1 : check_end(&c);
}
