/* The Content-Type of a file by the end of its name, as the AWS tools set it. */
#pragma once

#include "base/str.h"

/* "application/octet-stream" for what is not known. */
struct str content_type_of(struct str name);
