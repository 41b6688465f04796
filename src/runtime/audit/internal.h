/* Shared by the files of runtime/audit only. */
#pragma once

#include "runtime/audit/audit.h"

#define AUDIT_COLUMNS                                                                              \
    "seq, at_ms, account, principal, source, operation, resource, outcome, request_id, detail, "   \
    "digest, previous, hash"

/* Acts of the chain's own. */
#define AUDIT_OP_CUT "trunkline:CutAudit"
#define AUDIT_OP_MISMATCH "trunkline:AuditMismatch"

/* A row of a query over AUDIT_COLUMNS. */
void audit_row_read(struct db_rows *rows, struct arena *a, struct audit_row *ret);

/* row.c: the hash of everything but `hash`; and what seals a head. */
void audit_row_hash(const unsigned char key[32], const struct audit_row *row,
                    unsigned char ret[AUDIT_HASH_BYTES]);
void audit_head_mac(const unsigned char key[32], const struct audit_head *head,
                    unsigned char ret[AUDIT_HASH_BYTES]);

/* 1: the row is there, its hash in *ret; 0: not; -1. */
int audit_hash_of(struct db *db, int64_t seq, unsigned char ret[AUDIT_HASH_BYTES],
                  struct err *err) MUST_USE;

/* files.c: what lies beside the store. 1 read, 0 not there, -1. */
int audit_key_read(const char *data_dir, unsigned char ret[32], struct err *err) MUST_USE;
int audit_key_make(const char *data_dir, const struct rng *rng, unsigned char ret[32],
                   struct err *err) MUST_USE;
/* The head's file, opened for writing; made when it is not there (*ret_new). */
int audit_head_open(const char *data_dir, bool *ret_new, struct err *err) MUST_USE;
/* Of two slots in turn: a torn writing leaves the other one. */
int audit_head_write(int fd, int slot, const unsigned char key[32], const struct audit_head *head,
                     struct err *err) MUST_USE;

/* keeper.c: the thread that writes the head. The on-commit hook wakes it. A new file is synced. */
int audit_keeper_start(struct db *db, int fd, bool is_new, const unsigned char key[32],
                       struct err *err) MUST_USE;
void audit_keeper_stop(void);
void audit_keeper_wake(void *unused);
