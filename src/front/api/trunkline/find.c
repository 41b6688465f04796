/* What several operations begin with; trunkline.h. */
#include "front/api/trunkline/trunkline.h"

int trunkline_find(struct call *c, struct str pipeline, struct str execution,
                   struct pipeline_row *ret, struct execution_row *ret_execution, struct err *err) {
    struct execution_row ignored;
    if (codepipeline_find(c, pipeline, ret, err) < 0 ||
        (execution.p != NULL &&
         codepipeline_find_execution(c, ret, execution,
                                     ret_execution != NULL ? ret_execution : &ignored, err) < 0)) {
        err->api = err->api ? &trunkline_ResourceNotFoundException : NULL;
        return -1;
    }
    return 0;
}
