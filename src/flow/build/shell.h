/* How `trunkline run --shell` and a build's supervisor find each other: shell.c. */
#pragma once

#include "base/err.h"

#include <sys/un.h>

#define SHELL_SOCKET "shell.sock" /* in the build's directory, while a shell is offered */

enum { SHELL_KIND_MAX = 64 }; /* bytes of the message: what $TERM says */

/* The address of the socket in a build's directory, good as long as *ret_dir is open. */
int shell_address(const char *dir, struct sockaddr_un *ret, int *ret_dir, struct err *err) MUST_USE;
