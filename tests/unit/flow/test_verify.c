/* What verify says of a store that is right, and of ones in which a row was changed by hand. */
#include "../cmocka_.h"

#include "flow/execution/apply.h"
#include "flow/source/store.h"
#include "flow/verify/verify.h"
#include "platform/os/file.h"
#include "platform/text/json.h"
#include "runtime/queue/queue.h"

#include <stdlib.h>

struct bench {
    struct arena arena;
    struct clock_fake time;
    struct clock clock;
    struct flow flow;
    struct db *db;
    int64_t pipeline;
    struct str execution; /* the first: through Source and Build, and approved */
    struct err err;
};

#define OK(call)                                                                                   \
    do {                                                                                           \
        if ((call) < 0) {                                                                          \
            fail_msg("%s", b->err.msg);                                                            \
        }                                                                                          \
    } while (0)

static struct engine_plan plan(struct arena *a) {
    struct engine_plan p = {.version = 1, .n = 3};
    p.v = arena_new_n(a, struct engine_plan_stage, 3);
    p.v[0].name = S("Source");
    *arena_push(a, &p.v[0].actions) = (struct engine_plan_action){S("Trunk"), 1, false};
    p.v[1].name = S("Build");
    p.v[1].entry = RESULT_FAIL;
    *arena_push(a, &p.v[1].actions) = (struct engine_plan_action){S("Unit"), 1, false};
    p.v[2].name = S("Approve");
    *arena_push(a, &p.v[2].actions) = (struct engine_plan_action){S("Person"), 1, true};
    return p;
}

static struct str begin(struct bench *b) {
    struct execution_start how = {.trigger_type = S("StartPipelineExecution")};
    struct str id = STR_NONE;
    OK(execution_start(&b->flow, &b->arena, b->pipeline, &how, &id, NULL, &b->err));
    return id;
}

static struct action_row newest(struct bench *b, struct str execution) {
    struct action_row_list list;
    OK(record_action_list(b->db, &b->arena, execution, &list, &b->err));
    assert_true(list.n > 0);
    return list.v[list.n - 1];
}

static void end_newest(struct bench *b, struct str execution, bool ok) {
    struct action_end end = {.ok = ok};
    OK(execution_action_end(&b->flow, &b->arena, newest(b, execution).id, &end, &b->err));
}

static void open_gate(struct bench *b, struct str execution) {
    struct condition_row_list list;
    struct check_end end = {.ok = true};
    OK(record_condition_list(b->db, &b->arena, execution, S("Build"), &list, &b->err));
    OK(execution_check_end(&b->flow, &b->arena, b->pipeline, execution, list.v[list.n - 1].id, &end,
                           &b->err));
}

static void approve(struct bench *b, struct str execution) {
    struct action_row row = newest(b, execution);
    struct engine_event event = {.kind = EVENT_APPROVAL,
                                 .stage = S("Approve"),
                                 .action = S("Person"),
                                 .token = row.token,
                                 .ok = true};
    struct action_row detail = {.id = row.id, .updated_by = S("arn:aws:iam::111111111111:user/a")};
    OK(execution_apply(&b->flow, &b->arena, b->pipeline, &event, NULL, &b->err));
    OK(record_action_detail(b->db, &detail, b->time.now_ms, &b->err));
}

/* One released, one whose build failed and was retried, one stopped that waits for its build. */
static void histories(struct bench *b) {
    b->execution = begin(b);
    end_newest(b, b->execution, true);
    open_gate(b, b->execution);
    end_newest(b, b->execution, true);
    approve(b, b->execution);
    struct str second = begin(b);
    end_newest(b, second, true);
    open_gate(b, second);
    end_newest(b, second, false);
    struct engine_event retry = {.kind = EVENT_RETRY, .execution = second, .stage = S("Build")};
    OK(execution_apply(&b->flow, &b->arena, b->pipeline, &retry, NULL, &b->err));
    open_gate(b, second);
    struct engine_event stop = {.kind = EVENT_STOP, .execution = second};
    OK(execution_apply(&b->flow, &b->arena, b->pipeline, &stop, NULL, &b->err));
}

static int set_up(void **state) {
    struct bench *b = calloc(1, sizeof(*b));
    *state = b;
    b->time.now_ms = 1795485120000;
    b->clock = clock_fake(&b->time);
    const struct db_schema schemas[] = {queue_schema, record_schema, source_schema};
    OK(db_open("", schemas, 3, &b->db, &b->err));
    b->flow = (struct flow){.db = b->db, .clock = &b->clock, .rng = &rng_system};
    struct pipeline_row row = {.account = S("111111111111"),
                               .region = S("eu-west-2"),
                               .name = S("p"),
                               .version = 1,
                               .definition = S("{}")};
    struct engine_plan p = plan(&b->arena);
    OK(db_begin(b->db, &b->err));
    OK(execution_define(&b->flow, &b->arena, &row, &p, &b->err));
    b->pipeline = row.id;
    histories(b);
    return 0;
}

static int tear_down(void **state) {
    struct bench *b = *state;
    db_rollback(b->db);
    db_close(b->db);
    arena_done(&b->arena);
    free(b);
    return 0;
}

static struct verified verify(struct bench *b, struct str execution) {
    struct verified all;
    OK(verify_store(b->db, &b->arena, 0, execution, &all, &b->err));
    return all;
}

static bool finds(const struct verified *all, int invariant, const char *text) {
    for (size_t i = 0; i < all->findings.n; i++) {
        if (all->findings.v[i].invariant == invariant &&
            str_find(all->findings.v[i].text, str_c(text), 0) != (size_t)-1) {
            return true;
        }
    }
    return false;
}

static void test_store_that_is_right_has_no_findings(void **state) {
    struct bench *b = *state;
    struct verified all = verify(b, STR_NONE);
    for (size_t i = 0; i < all.findings.n; i++) {
        fail_msg("I%d: %.*s", all.findings.v[i].invariant, STR_ARG(all.findings.v[i].text));
    }
    assert_true(all.pipelines == 1 && all.executions == 2);
    assert_true(all.events > 10 && all.attempts == 6 && all.told > 10);
}

static void test_each_change_by_hand_is_found(void **state) {
    static const struct {
        const char *sql;
        int invariant;
        const char *text;
    } changes[] = {
        {"INSERT INTO pipeline_notices(pipeline, at_ms, kind, execution, stage, action, state) "
         "SELECT pipeline, 0, 'Action', id, 'Build', 'Unit', 'STARTED' FROM pipeline_executions "
         "WHERE number = 2",
         1, "Build/Unit"},
        {"UPDATE action_executions SET status = 'InProgress' WHERE status = 'Failed'", 2,
         "an attempt runs though a newer one was started"},
        {"INSERT INTO pipeline_notices(pipeline, at_ms, kind, execution, stage, action, state) "
         "SELECT pipeline, 0, 'Action', id, 'Build', 'Unit', 'STARTED' FROM pipeline_executions "
         "WHERE number = 2",
         2, "was started while an attempt ran"},
        {"DELETE FROM pipeline_notices WHERE kind = 'Action' AND state = 'FAILED'", 4,
         "stage Build was given back (FAILED) while Unit ran"},
        {"DELETE FROM pipeline_notices WHERE kind = 'Action' AND state = 'STARTED' AND action = "
         "'Trunk'",
         2, "ended without having started"},
        {"DELETE FROM pipeline_notices WHERE kind = 'Stage' AND state = 'SUCCEEDED' AND stage = "
         "'Source'",
         3, "it ended as SUCCEEDED and holds stage Source"},
        {"UPDATE pipeline_notices SET seq = -1 WHERE kind = 'Pipeline' AND state = 'STARTED' AND "
         "execution = (SELECT id FROM pipeline_executions WHERE number = 2); "
         "UPDATE pipeline_notices SET seq = 0 WHERE kind = 'Stage' AND state = 'STARTED' AND stage "
         "= 'Source' AND execution = (SELECT id FROM pipeline_executions WHERE number = 2)",
         3, "it entered stage Source, which"},
        {"INSERT INTO pipeline_notices(pipeline, at_ms, kind, execution, stage, action, state) "
         "SELECT pipeline, 0, 'Action', id, 'Build', 'More', 'STARTED' FROM pipeline_executions "
         "WHERE number = 2",
         4, "Build/More was started after its stop"},
        {"DELETE FROM pipeline_notices WHERE state = 'RESUMED'", 4,
         "of an execution that does not"},
        {"INSERT INTO pipeline_notices(pipeline, at_ms, kind, execution, stage, state) SELECT "
         "pipeline, 0, 'Stage', id, 'Build', 'STOPPED' FROM pipeline_executions WHERE number = 2",
         4, "stage Build was given back (STOPPED) while Unit ran"},
        {"INSERT INTO pipeline_notices(pipeline, at_ms, kind, execution, state) SELECT pipeline, "
         "0, "
         "'Pipeline', id, 'STOPPED' FROM pipeline_executions WHERE number = 2",
         4, "it ended as STOPPED while Build/Unit ran"},
        {"INSERT INTO pipeline_events(pipeline, at_ms, event) SELECT pipeline, at_ms, event FROM "
         "pipeline_events WHERE event ->> '$.kind' = 4",
         5, "a token was answered more than once"},
        {"UPDATE action_executions SET updated_by = NULL", 5, "who gave it"},
        {"UPDATE action_executions SET token = 'another' WHERE token IS NOT NULL", 5,
         "an answer is not that of an approval"},
        {"DELETE FROM pipeline_executions WHERE number = 1", 6, "has no row"},
        {"DELETE FROM pipeline_events WHERE event ->> '$.kind' = 1", 6, "no event that began it"},
        {"UPDATE pipeline_executions SET number = 7 WHERE number = 2", 6, "numbers of executions"},
        {"UPDATE action_executions SET status = 'Failed' WHERE action = 'Trunk'", 6,
         "an action's end is not in its row"},
        {"UPDATE condition_executions SET status = 'InProgress'", 6, "a check's end"},
        {"DELETE FROM pipeline_notices WHERE state = 'STOPPING'", 6, "a stop that was answered"},
        {"UPDATE pipelines SET version = 9", 6, "not the one that was answered last"},
        {"DELETE FROM pipeline_versions", 6, "a version that was answered is not kept"},
        {"UPDATE pipelines SET state = replace(state, '\"started\":2', '\"started\":3')", 7,
         "the state is not the fold"},
        {"UPDATE pipelines SET state = '{}'", 7, "cannot be read"},
        {"UPDATE pipeline_events SET event = replace(event, '\"kind\":3', '\"kind\":99')", 7,
         "is not taken again"},
        {"UPDATE pipeline_executions SET status = 'Succeeded' WHERE number = 2", 7,
         "its row says 'Succeeded'"},
    };
    struct bench *b = *state;
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        OK(db_begin(b->db, &b->err));
        const char *rest = strchr(changes[i].sql, ';');
        struct str one =
            rest ? str_n(changes[i].sql, (size_t)(rest - changes[i].sql)) : str_c(changes[i].sql);
        OK(db_run(b->db, &b->err, str_z(&b->arena, one), ""));
        assert_true(db_changes(b->db) > 0);
        if (rest != NULL) {
            OK(db_run(b->db, &b->err, rest + 1, ""));
        }
        struct verified all = verify(b, STR_NONE);
        if (!finds(&all, changes[i].invariant, changes[i].text)) {
            for (size_t k = 0; k < all.findings.n; k++) {
                print_error("I%d: %.*s\n", all.findings.v[k].invariant,
                            STR_ARG(all.findings.v[k].text));
            }
            fail_msg("not found: I%d %s", changes[i].invariant, changes[i].text);
        }
        db_rollback(b->db);
    }
}

static void test_execution_is_looked_at_alone(void **state) {
    struct bench *b = *state;
    OK(db_run(b->db, &b->err, "UPDATE pipeline_executions SET status = 'Failed' WHERE number = 2",
              ""));
    assert_int_equal(verify(b, b->execution).findings.n, 0);
    assert_int_equal(verify(b, STR_NONE).findings.n, 1);
    struct verified all;
    assert_int_equal(verify_store(b->db, &b->arena, 0, S("nobody"), &all, &b->err), -1);
    assert_int_equal(b->err.kind, ERR_NOT_FOUND);
}

static struct verified verify_chain(struct bench *b, struct db *db, const char *dir) {
    struct audit_evidence evidence;
    struct verified all = {0};
    OK(audit_evidence_read(dir, &evidence, &b->err));
    OK(db_begin(db, &b->err));
    OK(verify_audit(db, &b->arena, &evidence, &all, &b->err));
    db_glance(db);
    return all;
}

static void change_chain(struct bench *b, struct db *db, const char *sql) {
    OK(db_begin(db, &b->err));
    OK(db_run(db, &b->err, sql, ""));
    OK(db_commit(db, &b->err));
}

static void test_the_first_row_of_the_audit_that_is_wrong_is_named(void **state) {
    struct bench *b = *state;
    struct audit_config config = {.clock = &b->clock, .rng = &rng_system};
    const struct audit_act act = {.operation = S("a:One"), .outcome = S("Success")};
    OK(dir_make_temp(&b->arena, "trunkline-verify", &config.data_dir, &b->err));
    OK(db_open(str_printf(&b->arena, "%s/chain.db", config.data_dir).p, &audit_schema, 1,
               &config.db, &b->err));
    OK(audit_start(&config, &b->err));
    OK(db_begin(config.db, &b->err));
    for (int i = 0; i < 4; i++) {
        OK(audit_add(config.db, &act, &b->err));
    }
    OK(db_commit(config.db, &b->err));
    struct verified all = verify_chain(b, config.db, config.data_dir);
    assert_int_equal(all.findings.n, 0);
    assert_int_equal(all.audited, 4);
    change_chain(b, config.db, "UPDATE audit SET outcome = 'x' WHERE seq >= 3");
    all = verify_chain(b, config.db, config.data_dir);
    assert_int_equal(all.findings.n, 2);
    assert_int_equal(all.findings.v[0].invariant, 8);
    assert_true(str_starts(all.findings.v[0].text, S("row 3 was changed")));
    audit_stop();
    db_close(config.db);
    OK(tree_remove(config.data_dir, &b->err));
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
        T(test_store_that_is_right_has_no_findings),
        T(test_each_change_by_hand_is_found),
        T(test_execution_is_looked_at_alone),
        T(test_the_first_row_of_the_audit_that_is_wrong_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
