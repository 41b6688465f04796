/* What a person has most often done where libyaml reports a problem in its own words. */
#pragma once

/* NULL: nothing that is known. `problem` may be NULL. */
const char *yaml_usual_cause(const char *problem);
