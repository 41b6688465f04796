/* ListStateChanges: what was told of a pipeline, its stages and actions, newest first; the same
 * that EventBridge's rules are matched with. */
#include "front/api/trunkline/trunkline.h"

#include "flow/record/notices.h"

enum { CHANGES_SHOWN = 100 };

static struct trunkline_state_change change_of(const struct notice_row *row) {
    return (struct trunkline_state_change){
        .sequence = row->seq,
        .has_sequence = true,
        .time = row->at_ms,
        .has_time = true,
        .kind = row->kind,
        .pipeline_execution_id = row->execution,
        .stage_name = row->stage,
        .action_name = row->action,
        .state = row->state,
        .reason = row->detail,
    };
}

int trunkline_list_state_changes(struct call *c,
                                 const struct trunkline_list_state_changes_input *in,
                                 struct trunkline_list_state_changes_output *out, struct err *err) {
    struct pipeline_row pipeline;
    struct notice_row_list list;
    if (trunkline_find(c, in->pipeline_name, in->pipeline_execution_id, &pipeline, NULL, err) < 0 ||
        record_notice_page(c->db, c->arena, pipeline.id, in->pipeline_execution_id,
                           in->has_before ? in->before : 0,
                           in->has_max_results ? in->max_results : CHANGES_SHOWN, &list, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < list.n; i++) {
        *arena_push(c->arena, &out->changes) = change_of(&list.v[i]);
    }
    return 0;
}
