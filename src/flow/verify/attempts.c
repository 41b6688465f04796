/* I1 and I2 as far as the rows alone say it. The builds of embedded accounts are the ledger of side
 * effects: a build that a pipeline asked for has the id of its attempt as its token. */
#include "flow/verify/looking.h"

static int has_builds(struct looking *l) {
    int64_t n = 0;
    return db_get_i64(l->db, &n, l->err,
                      "SELECT count(*) FROM sqlite_master WHERE name = 'codebuild_builds'", "") < 0
               ? -1
               : n > 0;
}

static int look_at_builds(struct looking *l) {
    return find_rows(l, 1, "a build that no attempt asked for",
                     "SELECT NULL, b.uuid, b.initiator FROM pipelines p JOIN codebuild_builds b "
                     "ON b.account = p.account AND b.region = p.region AND b.initiator = "
                     "'codepipeline/' || p.name WHERE p.id = ?1 AND p.deleted_ms IS NULL AND "
                     "NOT EXISTS (SELECT 1 FROM action_executions a WHERE a.id = b.token) AND "
                     "NOT EXISTS (SELECT 1 FROM rule_executions r WHERE r.id = b.token) AND "
                     "b.started_ms >= p.created_ms AND b.token IS NOT NULL") < 0
               ? -1
               : find_rows(l, 1, "an attempt has the build of another",
                           "SELECT a.execution, a.stage || '/' || a.action, b.uuid FROM "
                           "action_executions a JOIN codebuild_builds b ON a.external_id = "
                           "b.project || ':' || b.uuid WHERE a.pipeline = ?1 AND b.token IS NOT "
                           "NULL AND b.token <> a.id");
}

int look_at_attempts(struct looking *l) {
    int builds = has_builds(l);
    if (builds < 0 || (builds > 0 && look_at_builds(l) < 0)) {
        return -1;
    }
    if (find_rows(l, 1, "an action was told to have started as often as it has no attempts",
                  "SELECT n.execution, n.stage || '/' || n.action, n.told || ' against ' || n.kept "
                  "FROM (SELECT execution, stage, action, count(*) AS told, (SELECT count(*) FROM "
                  "action_executions a WHERE a.execution = o.execution AND a.stage = o.stage AND "
                  "a.action = o.action) AS kept FROM pipeline_notices o WHERE pipeline = ?1 AND "
                  "kind = 'Action' AND state = 'STARTED' GROUP BY execution, stage, action) n "
                  "WHERE n.told <> n.kept") < 0) {
        return -1;
    }
    return find_rows(
        l, 2, "an attempt runs though a newer one was started",
        "SELECT o.execution, o.stage || '/' || o.action, o.id FROM action_executions o "
        "WHERE o.pipeline = ?1 AND o.status = 'InProgress' AND EXISTS (SELECT 1 FROM "
        "action_executions n WHERE n.execution = o.execution AND n.stage = o.stage AND "
        "n.action = o.action AND n.number > o.number)");
}
