/* Shared by the files of platform/os only. */
#pragma once

#include "base/err.h"

/* ERR_SYSTEM with "what path: text of errno", or the finer kind that the errno means. */
int os_error(struct err *err, int sys, const char *what, const char *path);
