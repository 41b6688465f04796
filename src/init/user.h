/*
 * Becoming another user of the image, by reading its /etc/passwd and /etc/group: a static program
 * has no name service, and a build's image must not choose what code this process loads.
 */
#pragma once

#include <stdbool.h>

/* Takes the ids and groups of the user (a name or a number). On failure *ret_why is the beginning
 * of a sentence that the name ends. */
bool user_become(const char *name, const char **ret_why);
