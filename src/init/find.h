/* Files below a folder that match patterns, for the programs of tools.h. */
#pragma once

#include <stddef.h>

struct found {
    char **v; /* names as the patterns see them, sorted by byte order */
    size_t n, cap;
};

/* Regular files below the folder, links not followed, and absolute names among the patterns that
 * are files. Ends the program when there are more than a million. */
struct found find_files(int dir_fd, char *const *patterns, size_t n);

/* Appends a copy of the name. */
void found_add(struct found *found, const char *name);
void found_sort(struct found *found);
