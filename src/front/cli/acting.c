/* Implementation of acting.h. */
#include "front/cli/acting.h"

int acting_begin(struct acting *act, struct cli *c, struct err *err) {
    act->c = c;
    return place_target(c, NULL, &act->target, err) < 0
               ? -1
               : pick_pipeline(c, &act->target, &act->pipeline, err);
}

int acting_told(struct acting *act, const char *done, struct str stage, struct str execution) {
    struct cli *c = act->c;
    if (c->json) {
        json_t *o = json_object();
        json_set_str(o, "done", str_c(done));
        json_set_str(o, "pipeline", act->pipeline);
        json_set_str(o, "stage", stage);
        json_set_str(o, "execution", execution);
        return out_json(c, o);
    }
    fprintf(c->out, "%s " STR_FMT "%s" STR_FMT "%s" STR_FMT "\n", done, STR_ARG(act->pipeline),
            stage.n ? " / " : "", STR_ARG(stage), execution.n ? ", release " : "",
            STR_ARG(execution));
    return EXIT_DONE;
}
