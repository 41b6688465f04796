/* From a seed to a list of operations. Each seed has weights of its own (also zero), so that some
 * seeds do nothing but stop and retry, and others nothing but start. */
#include "sim.h"

static int below(uint64_t *rng, int n) {
    return (int)(sim_next(rng) % (uint64_t)n);
}
static bool chance(uint64_t *rng, int percent) {
    return below(rng, 100) < percent;
}

static const uint8_t usual[OP_KINDS] = {
    [OP_DEFINE] = 1,     [OP_START] = 8,      [OP_END] = 40,  [OP_LATE_END] = 2, [OP_CHECKED] = 14,
    [OP_LATE_CHECK] = 2, [OP_APPROVE] = 8,    [OP_STALE] = 2, [OP_OTHERS] = 1,   [OP_GUESS] = 1,
    [OP_EXPIRE] = 1,     [OP_TRANSITION] = 4, [OP_STOP] = 4,  [OP_RETRY] = 8,    [OP_ROLLBACK] = 4,
    [OP_OVERRIDE] = 4,   [OP_NEWEST] = 4,
};

static void weigh(uint64_t *rng, int weight[OP_KINDS], int *ret_sum) {
    *ret_sum = 0;
    for (int k = 0; k < OP_KINDS; k++) {
        static const int factor[] = {0, 1, 1, 1, 2, 4};
        bool needed = k == OP_START || k == OP_END || k == OP_CHECKED;
        weight[k] = usual[k] * (needed ? 1 + below(rng, 3) : factor[below(rng, 6)]);
        *ret_sum += weight[k];
    }
}

void ops_make(uint64_t seed, struct op_list *ret) {
    uint64_t rng = seed * 0x2545F4914F6CDD1Du + 1;
    int weight[OP_KINDS];
    int sum = 0;
    weigh(&rng, weight, &sum);
    if (chance(&rng, 4)) { /* a crowd: more than may be active at once */
        weight[OP_START] += 3 * sum;
        sum += 3 * sum;
    }
    ret->seed = seed;
    ret->n = (size_t)(20 + below(&rng, chance(&rng, 10) ? SIM_OPS - 20 : 130));
    for (size_t i = 0; i < ret->n; i++) {
        int at = below(&rng, sum);
        int kind = 0;
        while (at >= weight[kind]) {
            at -= weight[kind++];
        }
        ret->v[i] = (struct op){.kind = (uint8_t)(i == 0 ? OP_DEFINE : kind)};
        for (int r = 0; r < 3; r++) {
            ret->v[i].r[r] = (uint32_t)sim_next(&rng);
        }
    }
}

/* ---- definitions ---- */

static void make_stage(uint64_t *rng, int mode, struct model_stage *s) {
    bool wide = chance(rng, 8);
    s->n = (int8_t)(wide ? SIM_ACTIONS : 1 + below(rng, 3));
    for (int i = 0; i < s->n; i++) {
        s->a[i].order = (int8_t)(wide ? 1 + below(rng, 2) : 1 + below(rng, 3));
        s->a[i].approval = chance(rng, 20);
    }
    bool back = mode != MODE_PARALLEL;
    s->entry = (int8_t)(chance(rng, 25)   ? RESULT_FAIL
                        : chance(rng, 20) ? RESULT_SKIP
                                          : RESULT_NONE);
    s->success = (int8_t)(!chance(rng, 30)          ? RESULT_NONE
                          : back && chance(rng, 50) ? RESULT_ROLLBACK
                                                    : RESULT_FAIL);
    if (chance(rng, 20)) {
        s->failed = RESULT_RETRY;
        s->retry_all = chance(rng, 50);
    } else if (back && chance(rng, 25)) {
        s->failed = RESULT_ROLLBACK;
    } else if (back && chance(rng, 25)) {
        s->failure = RESULT_ROLLBACK;
    }
}

void ops_plan(uint32_t r, int mode_before, struct model_plan *ret) {
    uint64_t rng = r;
    int8_t names[SIM_STAGES];
    bool renamed = chance(&rng, 20);
    memset(ret, 0, sizeof(*ret));
    ret->mode = (int8_t)(mode_before >= 0 && chance(&rng, 60) ? mode_before : below(&rng, 3));
    ret->n = (int8_t)(2 + below(&rng, SIM_STAGES - 1));
    for (int i = 0; i < SIM_STAGES; i++) {
        int j = renamed ? below(&rng, i + 1) : i;
        names[i] = names[j];
        names[j] = (int8_t)i;
    }
    for (int i = 0; i < ret->n; i++) {
        ret->s[i].name = names[i];
        make_stage(&rng, ret->mode, &ret->s[i]);
    }
}
