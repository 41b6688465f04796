/* Implementation of flow/build/share_store.h. */
#include "flow/build/share_store.h"

int share_get(struct db *db, struct arena *a, struct str arn, struct str *ret_policy,
              struct err *err) {
    return db_get_str(db, a, ret_policy, err, "SELECT policy FROM codebuild_policies WHERE arn = ?",
                      "s", arn);
}

int share_put(struct db *db, const struct share_row *row, struct err *err) {
    return db_run(db, err,
                  "INSERT INTO codebuild_policies(arn, account, region, policy, modified_ms) "
                  "VALUES (?, ?, ?, ?, ?) ON CONFLICT(arn) DO UPDATE SET policy = excluded.policy, "
                  "modified_ms = excluded.modified_ms",
                  "ssssi", row->arn, row->account, row->region, row->policy, row->modified_ms);
}

int share_delete(struct db *db, struct str arn, struct err *err) {
    return db_run(db, err, "DELETE FROM codebuild_policies WHERE arn = ?", "s", arn);
}

int share_of_others(struct db *db, struct arena *a, struct str account, struct str region,
                    struct share_rows *ret, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    *ret = (struct share_rows){NULL, 0};
    int more = db_query(db, &rows, err,
                        "SELECT arn, account, region, policy, modified_ms FROM codebuild_policies "
                        "WHERE account <> ? AND region = ? ORDER BY arn",
                        "ss", account, region);
    while (more >= 0 && (more = db_next(&rows, err)) > 0) {
        *arena_push(a, ret) =
            (struct share_row){db_str(&rows, a, 0), db_str(&rows, a, 1), db_str(&rows, a, 2),
                               db_str(&rows, a, 3), db_i64(&rows, 4)};
    }
    return more < 0 ? -1 : 0;
}
