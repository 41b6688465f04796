/* Shared by image.c and image_build.c only. */
#pragma once

#include "base/err.h"

int image_check_name(const char *name, struct err *err) MUST_USE;
