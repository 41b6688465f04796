/* Who had a hand in a release or in its pipeline: rows of approval_hands; approval.h. */
#include "flow/approval/approval.h"

int approval_hand_note(const struct flow *f, struct arena *a, int64_t pipeline,
                       struct str execution, struct str what, const struct person *person,
                       struct err *err) {
    return db_run(f->db, err,
                  "INSERT INTO approval_hands(pipeline, execution, what, person, at_ms) VALUES (?, "
                  "?, ?, ?, ?) ON CONFLICT DO UPDATE SET at_ms = excluded.at_ms",
                  "isssi", pipeline, execution.p != NULL ? execution : S(""), what,
                  person_to_json(a, person), clock_now_ms(f->clock));
}

int approval_hand_list(const struct flow *f, struct arena *a, const struct execution_row *execution,
                       struct approval_hand_list *ret, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    int more = 0;
    *ret = (struct approval_hand_list){0};
    if (db_query(f->db, &rows, err,
                 "SELECT what, person FROM approval_hands WHERE pipeline = ? AND (execution = ? OR "
                 "(execution = '' AND at_ms >= ?)) ORDER BY at_ms, what, person",
                 "isi", execution->pipeline, execution->id, execution->started_ms) < 0) {
        return -1;
    }
    while ((more = db_next(&rows, err)) > 0) {
        struct approval_hand *hand = arena_push(a, ret);
        hand->what = db_str(&rows, a, 0);
        if (person_from_json(a, db_str(&rows, a, 1), &hand->person, err) < 0) {
            return -1;
        }
    }
    return more;
}
