/*
 * The tags of YAML 1.1's own types ("!!int", "!!binary" ...), as far as they decide whether a text
 * is YAML: a tag on a node of another kind, or on a text of another form, is refused.
 */
#pragma once

#include "platform/text/yaml.h"

/* NULL when node->tag (present) is known and fits the node; "!" fits everything. Else what is wrong
 * with it, owned by `a`. Looks at kind and text only. */
const char *yaml_tag_fault(struct arena *a, const struct yaml_node *node);
