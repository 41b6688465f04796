/* Checksums of multipart uploads, computed from those of their parts without reading a byte. */
#pragma once

#include "services/s3/upload_store.h"

/* CRC of all parts behind each other (CRCs only); base64; absent if a part has none. */
struct str s3_sum_joined(struct arena *a, enum s3_sum algorithm,
                         const struct s3_part_row_list *parts);
/* Digest of the parts' digests, with "-N" behind it. */
struct str s3_sum_composite(struct arena *a, enum s3_sum algorithm,
                            const struct s3_part_row_list *parts);
