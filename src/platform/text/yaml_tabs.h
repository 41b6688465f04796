/*
 * Tabs where libyaml takes one and PyYAML does not: after a value, before a comment, inside of a
 * plain scalar. People see none of them, and editors turn them into blanks or the other way round,
 * so yaml_parse refuses them all and names the place. Within quotes, blocks and comments a tab is
 * a character like any other. UTF-8 only.
 */
#pragma once

#include "base/str.h"

/* The first such tab. False when there is none, or when the text is no YAML for another reason. */
bool yaml_find_tab(struct str text, unsigned *ret_line, unsigned *ret_column);
