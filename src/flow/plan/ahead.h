/* Small files of a build's directory that are made before they have anything to say. */
#pragma once

#include "base/err.h"

#define AHEAD_SUFFIX ".ahead" /* of the name of a file that waits */

/* DIR/NAME with that text: the empty file DIR/NAME AHEAD_SUFFIX becomes it, where there is one, for
 * making a file costs more than writing it; else it is written aside and renamed. 0600; not synced.
 */
int ahead_write(const char *dir, const char *name, struct str text, struct err *err) MUST_USE;
