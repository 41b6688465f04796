/*
 * The audit chain: every privileged act is one row, written in the transaction of the act itself,
 * so both are there after a crash or neither is. Rows are numbered without gaps; each has the hash
 * of the one before it and its own: HMAC-SHA256 over all its columns and that hash, by a key that
 * lies beside the store (DIR/audit.key), not in it. Whoever can write the store only can therefore
 * not change, add, remove or exchange a row unnoticed.
 *
 * The end of a chain cannot prove itself. DIR/audit.head has number and hash of the newest durable
 * row, written a moment after each commit; rows that the head names and the table does not have
 * were taken away. Between a commit and that moment (milliseconds) a tail has no witness; neither
 * has anything against somebody who can write the whole data directory. For that, keep the head
 * elsewhere: `trunkline audit --head` prints it, `trunkline verify --head` asks for it.
 *
 * Bounded: beyond AUDIT_KEEP rows the oldest are cut, and the act of cutting is a row that carries
 * the hash of the last one cut, at which the rest begins.
 *
 * One process serves one data directory, so there is one chain. Before audit_start nothing is kept.
 */
#pragma once

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "runtime/db/db.h"

enum {
    AUDIT_KEEP = 500000,   /* rows, about 400 bytes each */
    AUDIT_CUT_EVERY = 256, /* rows between two looks at how many there are */
    AUDIT_MAX_TEXT = 2048, /* bytes of one column; the rest is left out, its end says so */
    AUDIT_HASH_BYTES = 32,
    AUDIT_MAX_FINDINGS = 50, /* of one check */
};

extern const struct db_schema audit_schema;

/* What was done. Absent members are kept as absent. */
struct audit_act {
    int64_t at_ms;
    struct str account;    /* whose resources: 12 digits */
    struct str principal;  /* ARN, or service name, of who was authenticated */
    struct str source;     /* "api", "cli", "console", "build" or "engine" */
    struct str operation;  /* "codepipeline:StopPipelineExecution" */
    struct str resource;   /* ARN */
    struct str outcome;    /* "Success", or the error's code */
    struct str request_id; /* of the answer */
    struct str detail;     /* what was asked for, short; never a secret */
    struct str digest;     /* SHA-256 of the request without its secrets; bytes */
};

struct audit_row {
    int64_t seq;
    struct audit_act act;
    struct str previous, hash; /* AUDIT_HASH_BYTES each */
};
struct audit_row_list {
    struct audit_row *v;
    size_t n;
};

struct audit_config {
    struct db *db;
    const char *data_dir; /* NULL: a key in memory, and no head (tests) */
    const struct clock *clock;
    const struct rng *rng;
    int64_t keep;                  /* rows; 0: AUDIT_KEEP */
    void (*warn)(struct str what); /* told what a start finds missing; NULL: nobody */
};

/* Reads DIR/audit.key, or makes it (0600, 32 random bytes, synced) where no row needs it; compares
 * the head with the store, and lets a thread keep it. What does not fit (rows or head are gone)
 * becomes a row itself, numbered behind both, that every later check finds. ERR_INVALID: the key is
 * damaged, or gone though there are rows. */
int audit_start(const struct audit_config *config, struct err *err) MUST_USE;
/* Before the store is closed: the head's last writing, synced. Nothing is kept afterwards. */
void audit_stop(void);

/* Inside the transaction of the act, which must fail if this does. */
int audit_add(struct db *db, const struct audit_act *act, struct err *err) MUST_USE;

/* Newest first. In the caller's transaction. */
struct audit_filter {
    struct str account; /* absent: of all */
    int64_t since_ms;   /* 0: all */
    int64_t before_seq; /* 0: from the newest */
    int64_t limit;
};
int audit_list(struct db *db, struct arena *a, const struct audit_filter *filter,
               struct audit_row_list *ret, struct err *err) MUST_USE;

/* Number and hash of the newest row; zeros when there is none. In the caller's transaction. */
struct audit_head;
int audit_newest(struct db *db, struct audit_head *ret, struct err *err) MUST_USE;

/* ---- looking, from any process ---- */

/* A number and a hash that somebody has kept outside the store. */
struct audit_head {
    int64_t seq;
    unsigned char hash[AUDIT_HASH_BYTES];
};

struct audit_evidence {
    bool has_key;
    unsigned char key[32];
    enum { AUDIT_HEAD_ABSENT, AUDIT_HEAD_DAMAGED, AUDIT_HEAD_READ } head_is;
    struct audit_head head;
    const struct audit_head *kept; /* the caller's own, or NULL */
};

/* Key and head of a data directory, changing nothing. Read them before the transaction of the check
 * begins: what the head names is then in the store. A missing file is no error here. */
int audit_evidence_read(const char *data_dir, struct audit_evidence *ret, struct err *err) MUST_USE;

struct audit_finding {
    int64_t seq; /* of the row, or of the first missing one; 0: of the chain as a whole */
    struct str text;
};
struct audit_checked {
    int64_t rows;
    int64_t first, last; /* numbers; 0 when there are none */
    struct {
        struct audit_finding *v;
        size_t n;
    } findings; /* in the order of the chain, the first AUDIT_MAX_FINDINGS */
};
/* In the caller's transaction. -1 only when the store cannot be read. A store that never had a
 * chain (of an older version) is no finding. Strings live in `a`. */
int audit_check(struct db *db, struct arena *a, const struct audit_evidence *evidence,
                struct audit_checked *ret, struct err *err) MUST_USE;

/* "<seq>:<64 hex digits>" */
struct str audit_head_text(struct arena *a, const struct audit_head *head);
bool audit_head_parse(struct str text, struct audit_head *ret);
