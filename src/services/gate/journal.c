/*
 * Answers to builds' writes, kept in the transaction of the write itself: a request that comes
 * again after a crash gets the same answer and is not done twice.
 */
#include "services/gate/internal.h"

#include "base/buf.h"
#include "services/core/seal.h"

extern const char gate_schema_sql[];
const struct db_schema gate_schema = {"gate", gate_schema_sql};

enum { KEEP_MS = 24 * 3600 * 1000 };

/* Answers may hold credentials, so bodies are sealed. */
static struct str context(struct arena *a, struct str id) {
    return str_printf(a, "journal/" STR_FMT, STR_ARG(id));
}

int gate_journal_store(struct gate *g, const struct gate_call *c, struct err *err) {
    struct gate_answer answer = {0};
    if (c->answer(c->ud, c, &answer, err) < 0) {
        return -1;
    }
    struct buf headers cleanup_buf;
    buf_init(&headers, HTTP_MAX_HEADER_BYTES);
    for (size_t i = 0; i < answer.headers.n; i++) {
        buf_printf(&headers, STR_FMT ": " STR_FMT "\n", STR_ARG(answer.headers.v[i].name),
                   STR_ARG(answer.headers.v[i].value));
    }
    return db_run(g->db, err,
                  "INSERT INTO journal(request_id, at_ms, status, headers, body) "
                  "VALUES (?, ?, ?, ?, ?)",
                  "siisb", c->journal_id, clock_now_ms(g->clock), (int64_t)answer.status,
                  buf_str(&headers),
                  seal_make(c->arena, g->rng, context(c->arena, c->journal_id), answer.body));
}

static void read_headers(struct arena *a, struct str text, struct http_headers *ret) {
    struct str line;
    *ret = (struct http_headers){NULL, 0};
    while (text.n > 0 && str_cut(&text, '\n', &line)) {
        size_t colon = str_find(line, S(": "), 0);
        if (colon != (size_t)-1) {
            http_header_add(a, ret, str_sub(line, 0, colon), str_sub(line, colon + 2, line.n));
        }
    }
}

int gate_journal_find(struct gate *g, struct arena *a, struct str id, struct gate_answer *ret,
                      struct err *err) {
    if (db_begin(g->db, err) < 0) {
        return -1;
    }
    struct db_rows rows cleanup_rows = {0};
    int found = db_query(g->db, &rows, err,
                         "SELECT status, headers, body FROM journal WHERE request_id = ?", "s", id);
    if (found >= 0) {
        found = db_next(&rows, err);
    }
    if (found > 0) {
        ret->status = (int)db_i64(&rows, 0);
        read_headers(a, db_str(&rows, a, 1), &ret->headers);
        found = seal_open(a, context(a, id), db_str(&rows, a, 2), &ret->body, err) < 0 ? -1 : 1;
    }
    db_done(&rows);
    db_rollback(g->db);
    return found;
}

int gate_journal_drop(struct gate *g, struct str id, struct err *err) {
    if (db_begin(g->db, err) < 0) {
        return -1;
    }
    /* What nobody has acknowledged for a day belongs to a build that is long over. */
    if (db_run(g->db, err, "DELETE FROM journal WHERE request_id = ? OR at_ms < ?", "si", id,
               clock_now_ms(g->clock) - KEEP_MS) < 0) {
        db_rollback(g->db);
        return -1;
    }
    return db_commit(g->db, err);
}
