/* I5 and I6: accepted events against rows, in both directions. Events are read as JSON, by the
 * numbers of their kinds, not by the engine. */
#include "flow/verify/looking.h"

#include "flow/execution/engine.h"

#define EVENT(kind) "json_extract(v.event, '$." kind "')"
#define OF_KIND "v.pipeline = ?1 AND json_extract(v.event, '$.kind') = "

static int look_at_tokens(struct looking *l) {
    _Static_assert(EVENT_APPROVAL == 4, "the number is in the statements below");
    if (find_rows(l, 5, "a token was answered more than once",
                  "SELECT NULL, " EVENT("token") ", count(*) || ' times' FROM pipeline_events v "
                                                 "WHERE " OF_KIND "4 GROUP BY " EVENT(
                                                     "token") " HAVING count(*) > 1") < 0) {
        return -1;
    }
    return find_rows(
        l, 5, "an answer is not that of an approval that says who gave it",
        "SELECT a.execution, " EVENT("stage") " || '/' || " EVENT(
            "action") ", v.seq "
                      "FROM pipeline_events v LEFT JOIN action_executions a ON a.pipeline = "
                      "v.pipeline AND a.token = " EVENT(
                          "token") " WHERE " OF_KIND "4 AND (a.id IS "
                                   "NULL OR a.stage <> " EVENT("stage") " OR a.action <> " EVENT(
                                       "action") " OR a.updated_by IS NULL OR a.status <> "
                                                 "CASE " EVENT("ok") " WHEN 1 THEN 'Succeeded' "
                                                                     "ELSE 'Failed' END)");
}

static int look_at_ends(struct looking *l) {
    _Static_assert(EVENT_ACTION == 2 && EVENT_CHECK == 3,
                   "the numbers are in the statements below");
    if (find_rows(l, 6, "an action's end is not in its row",
                  "SELECT " EVENT(
                      "execution") ", a.status, v.seq FROM pipeline_events v LEFT JOIN "
                                   "action_executions a ON a.id = " EVENT(
                                       "actionId") " WHERE " OF_KIND "2 AND "
                                                   "(a.id IS NULL OR (a.status = 'Succeeded') <> "
                                                   "coalesce(" EVENT(
                                                       "ok") ", 0) OR "
                                                             "a.status = 'InProgress')") < 0) {
        return -1;
    }
    return find_rows(
        l, 6, "a check's end is not in its row",
        "SELECT " EVENT(
            "execution") ", c.status, v.seq FROM pipeline_events v LEFT "
                         "JOIN condition_executions c ON c.id = " EVENT(
                             "actionId") " WHERE " OF_KIND "3 AND (c.id IS NULL OR c.status = "
                                         "'InProgress' OR (c.status IN ('Succeeded', "
                                         "'Overridden')) < coalesce(" EVENT("ok") ", 0))");
}

static int look_at_executions(struct looking *l) {
    _Static_assert(EVENT_DEFINE == 0 && EVENT_START == 1 && EVENT_STOP == 6,
                   "the numbers are in the statements below");
    if (find_rows(
            l, 6, "an execution that was answered has no row",
            "SELECT " EVENT("execution") ", 'event', v.seq FROM pipeline_events v WHERE " OF_KIND
                                         "1 AND NOT EXISTS (SELECT 1 FROM pipeline_executions e "
                                         "WHERE e.id = " EVENT("execution") ")") < 0 ||
        find_rows(
            l, 6, "an execution has no event that began it",
            "SELECT e.id, 'number', e.number FROM pipeline_executions e WHERE e.pipeline = ?1 "
            "AND e.type = 'STANDARD' AND NOT EXISTS (SELECT 1 FROM pipeline_events v WHERE " OF_KIND
            "1 AND " EVENT("execution") " = e.id)") < 0 ||
        find_rows(l, 6, "a stop that was answered did not reach its execution",
                  "SELECT e.id, e.status, v.seq FROM pipeline_events v JOIN pipeline_executions e "
                  "ON e.id = " EVENT("execution") " WHERE " OF_KIND
                                                  "6 AND NOT EXISTS (SELECT 1 FROM "
                                                  "pipeline_notices n WHERE n.pipeline = ?1 AND "
                                                  "n.execution = e.id AND n.state = "
                                                  "'STOPPING')") < 0) {
        return -1;
    }
    return find_rows(
        l, 6, "numbers of executions are not 1, 2, 3 ...",
        "SELECT NULL, count(*) || ' rows', 'up to ' || max(number) FROM "
        "pipeline_executions WHERE pipeline = ?1 HAVING count(*) <> coalesce(max(number),"
        " 0) OR count(DISTINCT number) <> count(*)");
}

static int look_at_versions(struct looking *l) {
    return find_rows(l, 6, "a version that was answered is not kept",
                     "SELECT NULL, 'version', json_extract(v.event, '$.plan.version') FROM "
                     "pipeline_events v WHERE " OF_KIND "0 AND NOT EXISTS (SELECT 1 FROM "
                     "pipeline_versions p WHERE p.pipeline = ?1 AND p.version = "
                     "json_extract(v.event, '$.plan.version'))") < 0
               ? -1
               : find_rows(l, 6, "the pipeline's version is not the one that was answered last",
                           "SELECT NULL, 'version', p.version FROM pipelines p WHERE p.id = ?1 AND "
                           "p.version <> (SELECT json_extract(v.event, '$.plan.version') FROM "
                           "pipeline_events v WHERE " OF_KIND "0 ORDER BY v.seq DESC LIMIT 1)");
}

int look_at_answers(struct looking *l) {
    return look_at_tokens(l) < 0 || look_at_ends(l) < 0 || look_at_executions(l) < 0
               ? -1
               : look_at_versions(l);
}
