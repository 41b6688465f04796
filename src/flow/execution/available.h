/*
 * What of CodePipeline's structures is carried out here. A structure that CodePipeline would take
 * but that has something of this list is refused when it is defined, with a pointer to
 * docs/limits.md: nothing is accepted and ignored.
 */
#pragma once

#include "flow/definition/definition.h"

/* The structure has passed definition_check. *ret_fault says which exception err is. */
int execution_available(const struct definition *d, enum def_fault *ret_fault,
                        struct err *err) MUST_USE;
