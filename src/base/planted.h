/*
 * Bugs on purpose, to prove that the tests can fail. PLANTED(name) is constant false in every build
 * but that of `tests/sim/plants`, which compiles the files that have one once for each name, with
 * -DPLANT="name", and looks for a test that complains. tests/sim/README.md has the table.
 */
#pragma once

#ifdef PLANT
#include <string.h>
#define PLANTED(name) (strcmp(PLANT, #name) == 0)
#else
#define PLANTED(name) false
#endif
