/* Notices: what was told of pipelines, stages and actions. */
#include "flow/record/notices.h"

int record_notice_add(struct db *db, int64_t pipeline, int64_t now_ms, const char *kind,
                      struct str execution, struct str stage, struct str action, const char *state,
                      struct str detail, struct err *err) {
    return db_run(db, err,
                  "INSERT INTO pipeline_notices(pipeline, at_ms, kind, execution, stage, action, "
                  "state, detail) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                  "iizssszs", pipeline, now_ms, kind, execution, stage, action, state, detail);
}

int record_notice_time(struct db *db, int64_t seq, int64_t *ret_ms, struct err *err) {
    return db_get_i64(db, ret_ms, err, "SELECT at_ms FROM pipeline_notices WHERE seq = ?", "i",
                      seq);
}

static void read_notice(struct db_rows *rows, struct arena *a, struct notice_row *ret) {
    *ret = (struct notice_row){
        .seq = db_i64(rows, 0),
        .at_ms = db_i64(rows, 1),
        .kind = db_str(rows, a, 2),
        .execution = db_str(rows, a, 3),
        .stage = db_str(rows, a, 4),
        .action = db_str(rows, a, 5),
        .state = db_str(rows, a, 6),
        .detail = db_str(rows, a, 7),
    };
}

int record_notice_page(struct db *db, struct arena *a, int64_t pipeline, struct str execution,
                       int64_t before, int limit, struct notice_row_list *ret, struct err *err) {
    *ret = (struct notice_row_list){0};
    struct db_rows rows cleanup_rows = {0};
    int more =
        db_query(db, &rows, err,
                 "SELECT seq, at_ms, kind, execution, stage, action, state, detail FROM "
                 "pipeline_notices WHERE pipeline = ?1 AND seq < ?2 AND (?3 IS NULL OR "
                 "execution = ?3) ORDER BY seq DESC LIMIT ?4",
                 "iisi", pipeline, before > 0 ? before : INT64_MAX, execution, (int64_t)limit);
    while (more >= 0 && (more = db_next(&rows, err)) > 0) {
        read_notice(&rows, a, arena_push(a, ret));
    }
    return more < 0 ? -1 : 0;
}
