/*
 * A request body on its way into S3, hashed while it comes, so that no byte is read twice. Small
 * ones stay in memory and become part of their row; larger ones stream into a file that already
 * lies where contents lie (DATA/s3), under an id that nothing names yet. The front door opens a
 * stage when the headers of a request for S3 have arrived (PutObject, UploadPart), feeds it the
 * decoded body (without aws-chunked framing), ends it, and passes it on as `call.body.stage`; the
 * handler takes it over with the row that names it. A stage that nobody took over deletes its file
 * when it is freed. Whoever opened it frees it, after the handler has run.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"

#include <stdint.h>

struct s3_stage;

enum { S3_INLINE_MAX = 64 * 1024 }; /* bytes of a content that is kept in its row */

/* Which digests are computed. MD5 (the ETag) and SHA-256 (the signature's payload hash) always;
 * the others where the request names them. */
enum s3_sum {
    S3_SUM_NONE = 0,
    S3_SUM_CRC32,
    S3_SUM_CRC32C,
    S3_SUM_CRC64NVME,
    S3_SUM_SHA1,
    S3_SUM_SHA256,
    S3_SUM_COUNT,
};

/* Algorithm of "x-amz-checksum-crc32", "CRC32" or "crc32", any case; NONE if it is none. */
enum s3_sum s3_sum_of(struct str name);
const char *s3_sum_name(enum s3_sum algorithm); /* "CRC32" */
size_t s3_sum_size(enum s3_sum algorithm);      /* bytes of the digest */

/* `algorithm`: what the client asked for (by x-amz-sdk-checksum-algorithm, x-amz-trailer or a
 * x-amz-checksum-* header); NONE means CRC64NVME, which S3 computes by itself. */
int s3_stage_open(const char *data_dir, enum s3_sum algorithm, struct s3_stage **ret,
                  struct err *err) MUST_USE;
/* EntityTooLarge above 5 GiB, ERR_UNAVAILABLE when the disk is full. */
int s3_stage_write(struct s3_stage *stage, struct str data, struct err *err) MUST_USE;
/* Ends it: digests are final, the file (if there is one) and its name are durable. */
int s3_stage_end(struct s3_stage *stage, struct err *err) MUST_USE;
/* Deletes the file unless it was taken over. NULL ok. */
void s3_stage_free(struct s3_stage *stage);

/* After s3_stage_end. */
int s3_stage_fd(const struct s3_stage *stage); /* readable; owned by the stage; -1: in memory */
int64_t s3_stage_size(const struct s3_stage *stage);
struct str s3_stage_md5(const struct s3_stage *stage);    /* 16 bytes */
struct str s3_stage_sha256(const struct s3_stage *stage); /* 32 bytes */
/* Raw digest, big-endian for CRCs; absent if it was not computed. */
struct str s3_stage_sum(const struct s3_stage *stage, enum s3_sum algorithm);
/* Computes one that was not, by reading the file again. */
int s3_stage_compute(const struct s3_stage *stage, struct arena *a, enum s3_sum algorithm,
                     struct str *ret, struct err *err) MUST_USE;
enum s3_sum s3_stage_algorithm(const struct s3_stage *stage);

/* Takes the content over: *ret_id names its file, or *ret_data is the content itself (owned by the
 * stage) and *ret_id absent. With `ret_data` NULL there will be a file in any case. */
int s3_stage_keep(struct s3_stage *stage, struct arena *a, struct str *ret_id, struct str *ret_data,
                  struct err *err) MUST_USE;

/* The same for bytes that did not come by HTTP: reads `size` bytes of fd from `offset`. */
int s3_stage_copy(struct s3_stage *stage, int fd, int64_t offset, int64_t size,
                  struct err *err) MUST_USE;
