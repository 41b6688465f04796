/* DescribeApproval, AnswerApproval: approvals that are bound to what was shown.
 * RetireOlderExecutions: the newest release at a gate goes first. The first two ask S3 for
 * Terraform's states, so they work after the call's transaction, and tell failures in their output.
 */
#include "front/api/trunkline/trunkline.h"

#include "flow/approval/approval.h"
#include "front/api/codepipeline/people.h"
#include "services/gate/gate.h"

/* ---- showing ---- */

struct showing {
    struct arena *arena;
    struct pipeline_row pipeline;
    struct str execution;
    struct trunkline_describe_approval_output *out;
};

static void show(void *ud) {
    const struct showing *s = ud;
    struct approval_basis basis;
    struct err err = ERR_INIT;
    if (approval_show(codepipeline_flow(), s->arena, &s->pipeline, s->execution, &basis, &err) <
        0) {
        s->out->reason = str_dup(s->arena, str_c(err.msg));
        return;
    }
    s->out->digest = basis.digest;
    for (size_t i = 0; i < basis.parts.n; i++) {
        *arena_push(s->arena, &s->out->parts) =
            (struct trunkline_approval_part){basis.parts.v[i].key, basis.parts.v[i].value};
    }
}

int trunkline_describe_approval(struct call *c, const struct trunkline_describe_approval_input *in,
                                struct trunkline_describe_approval_output *out, struct err *err) {
    struct showing *s = arena_new(c->arena, struct showing);
    *s = (struct showing){.arena = c->arena, .execution = in->pipeline_execution_id, .out = out};
    if (trunkline_find(c, in->pipeline_name, in->pipeline_execution_id, &s->pipeline, NULL, err) <
        0) {
        return -1;
    }
    c->after = (struct call_after){show, s};
    return 0;
}

/* ---- answering ---- */

struct answering {
    struct arena *arena;
    struct pipeline_row pipeline;
    struct approval_answer answer;
    struct str digest;
    struct trunkline_answer_approval_output *out;
};

static void answer(void *ud) {
    const struct answering *s = ud;
    struct approval_moved_list moved;
    enum engine_refusal ignored = REFUSED_NOTHING;
    struct err err = ERR_INIT;
    int answered = approval_answer_shown(codepipeline_flow(), s->arena, &s->pipeline, &s->answer,
                                         s->digest, &moved, &ignored, &err);
    s->out->answered = answered > 0;
    s->out->has_answered = true;
    if (answered < 0) {
        s->out->reason = str_dup(s->arena, str_c(err.msg));
        return;
    }
    if (answered == 0) {
        s->out->reason = moved.n > 0 ? S("the release is not what was shown any more")
                                     : S("that digest was not shown for this release");
    }
    for (size_t i = 0; i < moved.n; i++) {
        *arena_push(s->arena, &s->out->moved) =
            (struct trunkline_moved_part){moved.v[i].name, moved.v[i].shown, moved.v[i].now};
    }
}

int trunkline_answer_approval(struct call *c, const struct trunkline_answer_approval_input *in,
                              struct trunkline_answer_approval_output *out, struct err *err) {
    struct answering *s = arena_new(c->arena, struct answering);
    *s = (struct answering){
        .arena = c->arena,
        .digest = in->digest,
        .out = out,
        .answer =
            {
                .execution = in->pipeline_execution_id,
                .stage = in->stage_name,
                .action = in->action_name,
                .token = in->token,
                .approved = str_is(in->status, "Approved"),
                .summary = in->summary,
                .by = c->principal->arn,
            },
    };
    if (trunkline_find(c, in->pipeline_name, in->pipeline_execution_id, &s->pipeline, NULL, err) <
            0 ||
        codepipeline_person(c, &s->answer.who, err) < 0) {
        return -1;
    }
    s->answer.act = gate_act(
        c, in,
        str_printf(c->arena,
                   "arn:aws:codepipeline:" STR_FMT ":" STR_FMT ":" STR_FMT "/" STR_FMT "/" STR_FMT,
                   STR_ARG(s->pipeline.region), STR_ARG(s->pipeline.account),
                   STR_ARG(in->pipeline_name), STR_ARG(in->stage_name), STR_ARG(in->action_name)));
    c->after = (struct call_after){answer, s};
    return 0;
}

/* ---- newest first ---- */

int trunkline_retire_older_executions(struct call *c,
                                      const struct trunkline_retire_older_executions_input *in,
                                      struct trunkline_retire_older_executions_output *out,
                                      struct err *err) {
    (void)out;
    struct pipeline_row row;
    enum engine_refusal why = REFUSED_NOTHING;
    struct engine_event event = {
        .kind = EVENT_NEWEST, .stage = in->stage_name, .execution = in->pipeline_execution_id};
    if (trunkline_find(c, in->pipeline_name, in->pipeline_execution_id, &row, NULL, err) < 0) {
        return -1;
    }
    if (execution_apply(codepipeline_flow(), c->arena, row.id, &event, &why, err) < 0) {
        err->api = why == REFUSED_NO_STAGE  ? &trunkline_ResourceNotFoundException
                   : why != REFUSED_NOTHING ? &trunkline_ConflictException
                                            : NULL;
        return -1;
    }
    return 0;
}
