/* ListDenials: what was refused in the caller's account, and the statement that would have allowed
 * it. */
#include "front/api/trunkline/trunkline.h"

#include "services/gate/gate.h"

enum { DENIALS_SHOWN = 100 };

int trunkline_list_denials(struct call *c, const struct trunkline_list_denials_input *in,
                           struct trunkline_list_denials_output *out, struct err *err) {
    struct gate_denial_list list;
    int64_t most = in->has_max_results ? in->max_results : DENIALS_SHOWN;
    if (gate_denials(c->db, c->arena, c->account, most, &list, err) < 0) {
        return -1;
    }
    out->denials.v = arena_new_n(c->arena, struct trunkline_denial, list.n + 1);
    out->denials.n = list.n;
    for (size_t i = 0; i < list.n; i++) {
        const struct gate_denial *d = &list.v[i];
        out->denials.v[i] = (struct trunkline_denial){
            .principal = d->principal,
            .action = d->action,
            .resource = d->resource,
            .reason = d->reason,
            .statement = d->missing,
            .hint = d->hint,
            .count = d->count,
            .has_count = true,
            .first = d->first_ms,
            .has_first = true,
            .last = d->last_ms,
            .has_last = true,
        };
    }
    return 0;
}
