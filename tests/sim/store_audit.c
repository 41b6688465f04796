/* The audit beside the store layer: what is asked for is told as the gate does, in the transaction
 * of the event; at the end of a seed every row is there once, and the chain verifies. */
#include "store.h"

#include "flow/verify/verify.h"

bool store_audit_begin(struct db *db, const char *folder, struct err *err) {
    static struct clock_fake time = {.now_ms = 1795485120000};
    static struct clock clock;
    clock = clock_fake(&time);
    const struct audit_config config = {
        .db = db, .data_dir = folder, .clock = &clock, .rng = &rng_system};
    return audit_start(&config, err) == 0;
}

static struct str arn_of(struct store_layer *l) {
    return str_printf(&l->w->arena, "arn:aws:codepipeline:eu-west-2:111111111111:%s", l->name);
}

int store_audit_tell(struct store_layer *l, const struct engine_event *event, struct err *err) {
    const struct audit_act act = {
        .at_ms = l->time.now_ms,
        .account = S("111111111111"),
        .principal = S("arn:aws:iam::111111111111:root"),
        .source = S("api"),
        .operation = S("sim:Call"),
        .resource = arn_of(l),
        .outcome = S("Success"),
        .detail = str_printf(&l->w->arena, "event %d", (int)event->kind),
    };
    return audit_add(l->db, &act, err);
}

struct counted {
    int64_t calls, rollbacks, retries; /* rows of the audit */
    int64_t rolled_back, retried;      /* as the rows of releases have it */
};

static int count(struct store_layer *l, struct counted *ret, struct err *err) {
    struct str arn = arn_of(l);
    struct str inside = str_printf(&l->w->arena, STR_FMT "/", STR_ARG(arn));
    static const char of_stage[] = "SELECT count(*) FROM audit WHERE operation = ? AND "
                                   "source = 'engine' AND substr(resource, 1, ?) = ?";
    int64_t n = (int64_t)inside.n;
    return db_get_i64(l->db, &ret->calls, err,
                      "SELECT count(*) FROM audit WHERE operation = 'sim:Call' AND resource = ?",
                      "s", arn) < 0 ||
                   db_get_i64(l->db, &ret->rollbacks, err, of_stage, "sis",
                              S("codepipeline:RollbackStage"), n, inside) < 0 ||
                   db_get_i64(l->db, &ret->retries, err, of_stage, "sis",
                              S("codepipeline:RetryStageExecution"), n, inside) < 0 ||
                   db_get_i64(l->db, &ret->rolled_back, err,
                              "SELECT count(*) FROM pipeline_executions WHERE pipeline = ? AND "
                              "trigger_type = 'AutomatedRollback'",
                              "i", l->pipeline) < 0 ||
                   db_get_i64(l->db, &ret->retried, err,
                              "SELECT count(*) FROM (SELECT DISTINCT s.execution, s.stage FROM "
                              "stage_executions s JOIN pipeline_executions e ON e.id = s.execution "
                              "WHERE e.pipeline = ? AND s.auto_retries > 0)",
                              "i", l->pipeline) < 0
               ? -1
               : 0;
}

/* Inside a transaction; the evidence was read before it. */
int store_audit_verify(struct store_layer *l, const struct audit_evidence *evidence,
                       struct verified *io, struct err *err) {
    struct counted n = {0};
    if (count(l, &n, err) < 0 || verify_audit(l->db, &l->w->arena, evidence, io, err) < 0) {
        return -1;
    }
    if (n.calls != l->calls || n.rollbacks != n.rolled_back || n.retries != n.retried) {
        return err_set(
            err, ERR_INTERNAL,
            "the audit has %lld of %lld calls, %lld of %lld automatic rollbacks, %lld of "
            "%lld automatic retries",
            (long long)n.calls, (long long)l->calls, (long long)n.rollbacks,
            (long long)n.rolled_back, (long long)n.retries, (long long)n.retried);
    }
    return 0;
}
