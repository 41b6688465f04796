/*
 * Patterns of triggers and path filters: Java PathMatcher globs, as CodePipeline documents them.
 * `*` stays within one path component, `**` crosses '/', `?` is one character but '/', `[a-c]`,
 * `[!a]`, `{x,y}` (not nested), `\` takes the next character as it is. The whole text must
 * match. Characters are UTF-8.
 */
#pragma once

#include "base/err.h"

/* ERR_INVALID names what is wrong and where (column from 1). */
int glob_check(struct str pattern, struct err *err) MUST_USE;

/* False for a pattern that glob_check refuses. Takes time in proportion to the pattern's length
 * times the text's, whatever they are. */
bool glob_match(struct str pattern, struct str text);

/* includes/excludes as CodePipeline reads them: excludes win; no includes means everything. */
bool glob_passes(const struct str_list *includes, const struct str_list *excludes, struct str text);
