/* Ids that a step makes: derived from the event's random seed, so that the same event always gives
 * the same ids, and nobody who does not know the seed can guess one. */
#pragma once

#include "base/arena.h"

/* A version-4 shaped UUID from SHA-256(seed, n). */
struct str engine_uuid(struct arena *a, struct str seed, unsigned n);
