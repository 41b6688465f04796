/*
 * The checksums that S3 knows, incremental: start with 0, feed the result back in. Not for secrets.
 */
#pragma once

#include "base/str.h"

#include <stdint.h>

uint32_t crc32_add(uint32_t crc, struct str data);     /* ISO 3309, as zlib */
uint32_t crc32c_add(uint32_t crc, struct str data);    /* Castagnoli */
uint64_t crc64nvme_add(uint64_t crc, struct str data); /* NVM Express */
