/* Implementation of rights.h. */
#include "flow/build/rights.h"

int build_rights_put(struct db *db, struct str uuid, const struct build_rights *rights,
                     struct err *err) {
    if (rights->service.p == NULL && rights->via.p == NULL && rights->policy.p == NULL) {
        return 0;
    }
    return db_run(db, err,
                  "INSERT INTO codebuild_rights(build, service, via, policy) VALUES (?, ?, ?, ?)",
                  "ssss", uuid, rights->service, rights->via, rights->policy);
}

int build_rights_get(struct db *db, struct arena *a, struct str uuid, struct build_rights *ret,
                     struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    *ret = (struct build_rights){0};
    if (db_query(db, &rows, err,
                 "SELECT service, via, policy, revoked_ms FROM codebuild_rights WHERE build = ?",
                 "s", uuid) < 0) {
        return -1;
    }
    int found = db_next(&rows, err);
    if (found > 0) {
        *ret = (struct build_rights){db_str(&rows, a, 0), db_str(&rows, a, 1), db_str(&rows, a, 2),
                                     db_i64(&rows, 3) > 0};
    }
    return found < 0 ? -1 : 0;
}

int build_rights_delete(struct db *db, struct str uuid, struct err *err) {
    return db_run(db, err, "DELETE FROM codebuild_rights WHERE build = ?", "s", uuid);
}

int build_revoke(const struct flow *f, struct str uuid, struct err *err) {
    if (db_run(f->db, err,
               "INSERT INTO codebuild_rights(build, revoked_ms) VALUES (?, ?) ON CONFLICT(build) "
               "DO UPDATE SET revoked_ms = excluded.revoked_ms WHERE revoked_ms = 0",
               "si", uuid, clock_now_ms(f->clock)) < 0) {
        return -1;
    }
    return f->revoke != NULL ? f->revoke(f->revoke_ud, f->db, uuid, err) : 0;
}
