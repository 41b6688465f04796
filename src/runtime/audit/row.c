/* What is hashed of a row, and how rows are read. */
#include "runtime/audit/internal.h"

#include "base/buf.h"
#include "base/planted.h"
#include "platform/crypto/encode.h"
#include "platform/crypto/hash.h"

enum { ROW_MAX = 12 * (AUDIT_MAX_TEXT + 8) };

static void add_number(struct buf *b, uint64_t n) {
    unsigned char bytes[8];
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (unsigned char)(n >> (8 * i));
    }
    buf_add(b, str_n((const char *)bytes, sizeof(bytes)));
}

/* Lengths before texts, so that no two rows have the same bytes; absent is not empty. */
static void add_text(struct buf *b, struct str s) {
    add_number(b, s.p == NULL ? UINT64_MAX : s.n);
    buf_add(b, s);
}

static struct str key_str(const unsigned char key[32]) {
    return str_n((const char *)key, 32);
}

/* A column that somebody has made longer than we write them is hashed by its own digest: what
 * is read stays bounded, and the hash is another one in any case. */
static struct str bounded(struct str s, unsigned char room[32]) {
    if (s.n <= AUDIT_MAX_TEXT) {
        return s;
    }
    crypto_sha256(s, room);
    return str_n((const char *)room, 32);
}

void audit_row_hash(const unsigned char key[32], const struct audit_row *row,
                    unsigned char ret[AUDIT_HASH_BYTES]) {
    const struct audit_act *t = &row->act;
    const struct str texts[] = {t->account, t->principal,  t->source, t->operation, t->resource,
                                t->outcome, t->request_id, t->detail, t->digest,    row->previous};
    unsigned char room[32];
    struct buf b cleanup_buf;
    buf_init(&b, ROW_MAX);
    buf_add_z(&b, "row");
    add_number(&b, (uint64_t)row->seq);
    add_number(&b, (uint64_t)t->at_ms);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        add_text(&b, bounded(texts[i], room));
    }
    crypto_hmac_sha256(PLANTED(audit_without_key) ? S("") : key_str(key), buf_str(&b), ret);
}

void audit_head_mac(const unsigned char key[32], const struct audit_head *head,
                    unsigned char ret[AUDIT_HASH_BYTES]) {
    struct buf b cleanup_buf;
    buf_init(&b, 256);
    buf_add_z(&b, "head");
    add_number(&b, (uint64_t)head->seq);
    buf_add(&b, str_n((const char *)head->hash, sizeof(head->hash)));
    crypto_hmac_sha256(key_str(key), buf_str(&b), ret);
}

void audit_row_read(struct db_rows *rows, struct arena *a, struct audit_row *ret) {
    *ret = (struct audit_row){
        .seq = db_i64(rows, 0),
        .act = {.at_ms = db_i64(rows, 1),
                .account = db_str(rows, a, 2),
                .principal = db_str(rows, a, 3),
                .source = db_str(rows, a, 4),
                .operation = db_str(rows, a, 5),
                .resource = db_str(rows, a, 6),
                .outcome = db_str(rows, a, 7),
                .request_id = db_str(rows, a, 8),
                .detail = db_str(rows, a, 9),
                .digest = db_str(rows, a, 10)},
        .previous = db_str(rows, a, 11),
        .hash = db_str(rows, a, 12),
    };
}

int audit_list(struct db *db, struct arena *a, const struct audit_filter *filter,
               struct audit_row_list *ret, struct err *err) {
    static const char of_all[] = "SELECT " AUDIT_COLUMNS " FROM audit WHERE seq < ?2 AND "
                                 "at_ms >= ?3 AND ?1 IS NULL ORDER BY seq DESC LIMIT ?4";
    static const char of_one[] = "SELECT " AUDIT_COLUMNS " FROM audit WHERE account = ?1 AND "
                                 "seq < ?2 AND at_ms >= ?3 ORDER BY seq DESC LIMIT ?4";
    struct db_rows rows cleanup_rows = {0};
    *ret = (struct audit_row_list){NULL, 0};
    int more = db_query(db, &rows, err, filter->account.p == NULL ? of_all : of_one, "siii",
                        filter->account, filter->before_seq > 0 ? filter->before_seq : INT64_MAX,
                        filter->since_ms, filter->limit);
    while (more >= 0 && (more = db_next(&rows, err)) > 0) {
        audit_row_read(&rows, a, arena_push(a, ret));
    }
    return more;
}

struct str audit_head_text(struct arena *a, const struct audit_head *head) {
    struct str hash = str_n((const char *)head->hash, sizeof(head->hash));
    return str_printf(a, "%lld:" STR_FMT, (long long)head->seq, STR_ARG(hex_encode(a, hash)));
}

bool audit_head_parse(struct str text, struct audit_head *ret) {
    struct arena a = ARENA_INIT;
    struct str rest = text;
    struct str number = STR_NONE;
    struct str hash = STR_NONE;
    long long seq = 0;
    bool good = str_cut(&rest, ':', &number) && str_to_i64(number, &seq) && seq >= 0 &&
                hex_decode(&a, rest, &hash) && hash.n == AUDIT_HASH_BYTES;
    if (good) {
        ret->seq = seq;
        memcpy(ret->hash, hash.p, AUDIT_HASH_BYTES);
    }
    arena_done(&a);
    return good;
}
