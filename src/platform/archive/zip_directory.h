/*
 * A look at a zip's central directory before anything is unpacked. Whoever only follows it from
 * header to header can be led to unpack the same bytes a million times under a million names, or
 * to see other names than the next program does.
 *
 * The format: APPNOTE.TXT 6.3.10, sections 4.3.7, 4.3.12 to 4.3.16 and 4.5.3.
 */
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

/* Does the file begin as a zip does? One with something else in front of it does not. */
bool zip_directory_begins(int fd);

/* Refused: more than max_entries (ERR_LIMIT, before any is looked at), entries that share bytes of
 * the file (ERR_LIMIT: they unpack to more than it holds), an entry whose own header gives it
 * another name or size, a directory that is damaged or counts wrongly (ERR_INVALID). A file without
 * a directory passes: the reader says what is wrong with it. Reads the file by position only;
 * memory is 16 bytes an entry. */
int zip_directory_check(int fd, int64_t max_entries, struct err *err) MUST_USE;
