/* Compressing a file as gzip, without name and time: the same bytes give the same file. */
#pragma once

#include "base/err.h"

#include <stdint.h>

/* Compresses the first `bytes` bytes of a file into another, which is left at its end. */
int gzip_file(int in_fd, int64_t bytes, int out_fd, struct err *err) MUST_USE;
