/* Implementation of sim_shrink: parts of halving length are left out as long as it still fails. */
#include "sim.h"

#include <stdlib.h>

static bool still_fails(struct sim_world *w, const struct sim_layer *layer,
                        const struct op_list *ops) {
    w->print = false;
    return !sim_run(w, layer, ops);
}

void sim_shrink(const struct sim_layer *layer, struct op_list *ops) {
    struct sim_world *w = mem_alloc(sizeof(*w));
    struct op_list *less = mem_alloc(sizeof(*less));
    bool smaller = true;
    while (smaller) {
        smaller = false;
        for (size_t part = ops->n / 2; part > 0; part /= 2) {
            for (size_t at = 0; at + part <= ops->n;) {
                *less = *ops;
                memmove(&less->v[at], &less->v[at + part],
                        (ops->n - at - part) * sizeof(less->v[0]));
                less->n -= part;
                if (still_fails(w, layer, less)) {
                    *ops = *less;
                    smaller = true;
                } else {
                    at += part;
                }
            }
        }
    }
    free(less);
    free(w);
}
