/* Tables of services/core: accounts and tags. */
#pragma once

#include "runtime/db/db.h"

extern const struct db_schema core_schema;
