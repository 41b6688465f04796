/* The word that was probably meant: typing slips, not guesses. */
#pragma once

#include "base/str.h"

/* How many letters have to be left out, put in, changed or swapped with their neighbour to make one
 * word of the other; words of more than NEAR_MAX letters are as far as that from all others. */
size_t near_distance(struct str a, struct str b);
enum { NEAR_MAX = 32 };

/* Few enough for a slip: one letter of a short word, two of a longer one. */
bool near_enough(struct str typed, struct str meant);
