/* The chain grows and is cut; what a start finds of it. The audit_* names of audit.h that write. */
#include "runtime/audit/internal.h"

#include "base/planted.h"
#include "platform/os/fd.h"

extern const char audit_schema_sql[];
const struct db_schema audit_schema = {"audit", audit_schema_sql};

static struct {
    bool loaded;
    unsigned char key[32];
    int64_t keep;
    int head_fd; /* -1: no head */
} chain = {.head_fd = -1};

/* ---- reading the end ---- */

static void copy_hash(struct str from, unsigned char ret[AUDIT_HASH_BYTES]) {
    memset(ret, 0, AUDIT_HASH_BYTES);
    memcpy(ret, from.p, from.n < AUDIT_HASH_BYTES ? from.n : AUDIT_HASH_BYTES);
}

/* First two columns of the first row. */
static int read_head(struct db *db, struct audit_head *ret, struct err *err, const char *sql,
                     int64_t bound) {
    struct arena a = ARENA_INIT;
    struct db_rows rows cleanup_rows = {0};
    int found = db_query(db, &rows, err, sql, "i", bound);
    *ret = (struct audit_head){0};
    if (found == 0 && (found = db_next(&rows, err)) > 0) {
        ret->seq = db_i64(&rows, 0);
        copy_hash(db_str(&rows, &a, 1), ret->hash);
    }
    arena_done(&a);
    return found;
}

int audit_newest(struct db *db, struct audit_head *ret, struct err *err) {
    int found =
        read_head(db, ret, err,
                  "SELECT seq, hash FROM audit WHERE seq < ? ORDER BY seq DESC LIMIT 1", INT64_MAX);
    return found < 0 ? -1 : 0;
}

int audit_hash_of(struct db *db, int64_t seq, unsigned char ret[AUDIT_HASH_BYTES],
                  struct err *err) {
    struct audit_head row;
    int found = read_head(db, &row, err, "SELECT seq, hash FROM audit WHERE seq = ?", seq);
    memcpy(ret, row.hash, AUDIT_HASH_BYTES);
    return found;
}

/* ---- growing ---- */

static struct str shortened(struct arena *a, struct str s) {
    static const char more[] = "...";
    return s.n <= AUDIT_MAX_TEXT
               ? s
               : str_printf(a, STR_FMT "%s",
                            STR_ARG(str_sub(s, 0, AUDIT_MAX_TEXT - (sizeof(more) - 1))), more);
}

static struct str bytes_of(const unsigned char hash[AUDIT_HASH_BYTES]) {
    return str_n((const char *)hash, AUDIT_HASH_BYTES);
}

static int append(struct db *db, const struct audit_act *act, int64_t seq,
                  const unsigned char previous[AUDIT_HASH_BYTES], struct err *err) {
    struct arena a = ARENA_INIT;
    unsigned char hash[AUDIT_HASH_BYTES];
    struct audit_row row = {.seq = seq, .act = *act, .previous = bytes_of(previous)};
    struct str *texts[] = {&row.act.account,    &row.act.principal, &row.act.source,
                           &row.act.operation,  &row.act.resource,  &row.act.outcome,
                           &row.act.request_id, &row.act.detail};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        *texts[i] = shortened(&a, *texts[i]);
    }
    audit_row_hash(chain.key, &row, hash);
    const struct audit_act *t = &row.act;
    int added = db_run(
        db, err,
        "INSERT INTO audit(" AUDIT_COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        "iissssssssbbb", seq, t->at_ms, t->account, t->principal, t->source, t->operation,
        t->resource, t->outcome, t->request_id, t->detail, t->digest, row.previous, bytes_of(hash));
    arena_done(&a);
    return added;
}

/* An act of the chain itself. */
static int add_own(struct db *db, int64_t at_ms, const char *operation, struct str resource,
                   struct str detail, struct str digest, int64_t seq,
                   const struct audit_head *newest, struct err *err) {
    struct audit_act act = {
        .at_ms = at_ms,
        .principal = S("trunkline"),
        .source = S("engine"),
        .operation = str_c(operation),
        .resource = resource,
        .outcome = S("Success"),
        .detail = detail,
        .digest = digest,
    };
    return append(db, &act, seq, newest->hash, err);
}

/* Takes away what is older than the newest `keep` rows; what is left begins at the hash that the
 * row of this act carries. */
static int cut(struct db *db, int64_t at_ms, struct err *err) {
    struct audit_head newest;
    struct audit_head first;
    unsigned char last_cut[AUDIT_HASH_BYTES];
    if (audit_newest(db, &newest, err) < 0 ||
        read_head(db, &first, err, "SELECT seq, hash FROM audit WHERE seq > ? ORDER BY seq LIMIT 1",
                  0) < 0) {
        return -1;
    }
    int64_t upto = newest.seq - chain.keep;
    if (upto < first.seq) {
        return 0;
    }
    if (audit_hash_of(db, upto, last_cut, err) < 0 ||
        db_run(db, err, "DELETE FROM audit WHERE seq <= ?", "i", upto) < 0) {
        return -1;
    }
    struct arena a = ARENA_INIT;
    struct str number = str_printf(&a, "%lld", (long long)upto);
    struct str detail = str_printf(&a, "rows %lld to %lld were cut, the newest %lld are kept",
                                   (long long)first.seq, (long long)upto, (long long)chain.keep);
    int added = add_own(db, at_ms, AUDIT_OP_CUT, number, detail, bytes_of(last_cut), newest.seq + 1,
                        &newest, err);
    arena_done(&a);
    return added;
}

int audit_add(struct db *db, const struct audit_act *act, struct err *err) {
    struct audit_head newest;
    if (!chain.loaded) {
        return 0;
    }
    if (PLANTED(audit_before_the_act) && (db_commit(db, err) < 0 || db_begin(db, err) < 0)) {
        return -1;
    }
    if (audit_newest(db, &newest, err) < 0 ||
        append(db, act, newest.seq + 1, newest.hash, err) < 0) {
        return err_wrap(err, "audit");
    }
    if (chain.head_fd >= 0) {
        db_on_commit(db, audit_keeper_wake, NULL);
    }
    bool look = (newest.seq + 1) % AUDIT_CUT_EVERY == 0 && !PLANTED(audit_never_cut);
    return look && cut(db, act->at_ms, err) < 0 ? err_wrap(err, "audit") : 0;
}

/* ---- a start ---- */

/* What of the head is not in the store; absent: all is. */
static int mismatch(struct db *db, struct arena *a, const struct audit_evidence *e,
                    const struct audit_head *newest, struct str *ret, struct err *err) {
    *ret = STR_NONE;
    if (e->head_is == AUDIT_HEAD_READ && e->head.seq > newest->seq) {
        *ret = str_printf(a, "rows %lld to %lld were gone from the end", (long long)newest->seq + 1,
                          (long long)e->head.seq);
    } else if (e->head_is == AUDIT_HEAD_READ && e->head.seq > 0) {
        unsigned char hash[AUDIT_HASH_BYTES];
        int found = audit_hash_of(db, e->head.seq, hash, err);
        if (found < 0) {
            return -1;
        }
        if (found == 0 || memcmp(hash, e->head.hash, AUDIT_HASH_BYTES) != 0) {
            *ret = str_printf(a, "row %lld was not the one that audit.head names",
                              (long long)e->head.seq);
        }
    } else if (e->head_is != AUDIT_HEAD_READ && newest->seq > 0) {
        *ret = e->head_is == AUDIT_HEAD_DAMAGED ? S("audit.head was damaged")
                                                : S("audit.head was gone");
    }
    return 0;
}

/* Fixes in the chain what was found, before the head is written over. */
static int compare(const struct audit_config *config, const struct audit_evidence *e,
                   struct err *err) {
    struct arena a = ARENA_INIT;
    struct audit_head newest;
    struct str what = STR_NONE;
    if (db_begin(config->db, err) < 0) {
        return -1;
    }
    int bad = audit_newest(config->db, &newest, err) < 0 ||
              mismatch(config->db, &a, e, &newest, &what, err) < 0;
    if (!bad && what.p != NULL && !PLANTED(audit_forgets_what_is_gone)) {
        bool behind = e->head_is == AUDIT_HEAD_READ && e->head.seq > newest.seq;
        bad = add_own(config->db, clock_now_ms(config->clock), AUDIT_OP_MISMATCH, STR_NONE, what,
                      STR_NONE, (behind ? e->head.seq : newest.seq) + 1, &newest, err) < 0;
    }
    if (bad) {
        db_rollback(config->db);
    } else {
        bad = db_commit(config->db, err) < 0;
    }
    if (!bad && what.p != NULL && config->warn != NULL) {
        config->warn(what);
    }
    arena_done(&a);
    return bad ? -1 : 0;
}

static int has_rows(struct db *db, struct err *err) {
    struct audit_head newest;
    if (db_begin(db, err) < 0) {
        return -1;
    }
    int found = audit_newest(db, &newest, err);
    db_rollback(db);
    return found < 0 ? -1 : newest.seq > 0;
}

static int load_key(const struct audit_config *config, struct audit_evidence *e, struct err *err) {
    if (audit_evidence_read(config->data_dir, e, err) < 0) {
        return -1;
    }
    int rows = e->has_key ? 0 : has_rows(config->db, err);
    if (rows > 0) {
        return err_set(err, ERR_INVALID,
                       "%s/audit.key is missing, but the store beside it has an audit chain made "
                       "with it; put it back (docs/backup.md)",
                       config->data_dir);
    }
    return rows < 0 ||
                   (!e->has_key && audit_key_make(config->data_dir, config->rng, e->key, err) < 0)
               ? -1
               : 0;
}

int audit_start(const struct audit_config *config, struct err *err) {
    struct audit_evidence e = {0};
    chain.keep = config->keep > 0 ? config->keep : AUDIT_KEEP;
    if (config->data_dir == NULL) {
        config->rng->fill(config->rng->ud, chain.key, sizeof(chain.key));
        chain.loaded = true;
        return 0;
    }
    if (load_key(config, &e, err) < 0) {
        return -1;
    }
    memcpy(chain.key, e.key, sizeof(chain.key));
    bool is_new = false;
    if (compare(config, &e, err) < 0 ||
        (chain.head_fd = audit_head_open(config->data_dir, &is_new, err)) < 0) {
        return -1;
    }
    if (audit_keeper_start(config->db, chain.head_fd, is_new, chain.key, err) < 0) {
        fd_closep(&chain.head_fd);
        return -1;
    }
    chain.loaded = true;
    return 0;
}

void audit_stop(void) {
    if (chain.loaded && chain.head_fd >= 0) {
        audit_keeper_stop();
    }
    fd_closep(&chain.head_fd);
    chain.loaded = false;
}
