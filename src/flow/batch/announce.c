/* Implementation of announce.h. */
#include "flow/batch/announce.h"

#include "flow/build/announce.h"
#include "runtime/queue/queue.h"

#include <inttypes.h>

static bool by_webhook(const struct codebuild_project *p) {
    for (size_t i = 0; i < p->environment->environment_variables.n; i++) {
        if (str_is(p->environment->environment_variables.v[i].name, "CODEBUILD_WEBHOOK_EVENT")) {
            return true;
        }
    }
    return false;
}

bool batch_is_announced(const struct codebuild_project *p) {
    const struct codebuild_project_build_batch_config *c = p->build_batch_config;
    bool each = c != NULL && str_is(c->batch_report_mode, "REPORT_INDIVIDUAL_BUILDS");
    return !each && (p->source->report_build_status || by_webhook(p));
}

int batch_announce_end(const struct flow *f, struct arena *a, const struct batch_row *row,
                       const struct batch_state *state, struct err *err) {
    struct codebuild_project *p = NULL;
    if (project_from_json(a, row->settings, &p, err) < 0) {
        return -1;
    }
    if (!batch_is_announced(p) || state->groups.n == 0) {
        return 0;
    }
    struct str key = str_printf(a, STR_FMT "/" BATCH_STATUS_WORD "%" PRId64,
                                STR_ARG(state->groups.v[0].build.uuid), state->attempt);
    return queue_add(f->db, BUILD_STATUS_JOB, key, S("{}"), 0, err);
}
