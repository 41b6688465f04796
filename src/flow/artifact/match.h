/* Patterns of a buildspec's paths. Also compiled into trunkline-init, so it knows nothing else. */
#pragma once

#include "base/str.h"

/* "*" and "?" and "[...]" within one path component, "**" for any number of components. */
bool artifact_match(struct str pattern, struct str path);
