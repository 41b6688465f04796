/* Implementation of stage.h: some memory, then a file, and the digests of what went into it. */
#include "services/s3/stage.h"

#include "platform/crypto/crc.h"
#include "platform/crypto/hash.h"
#include "services/s3/content.h"
#include "services/s3/s3.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const int64_t SIZE_MAX_BYTES = 5LL * 1024 * 1024 * 1024;

struct s3_stage {
    char *data_dir;
    char id[33];
    int fd;    /* -1 while the bytes are in `mem` */
    bool kept; /* somebody's row names the file */
    char *mem;
    size_t mem_size;
    int64_t size;
    enum s3_sum algorithm;
    uint32_t crc32;
    uint64_t crc64;
    struct hash *md5;
    struct hash *sha256;
    struct hash *sha1; /* NULL unless asked for */
    unsigned char md5_out[HASH_MAX];
    unsigned char sha256_out[HASH_MAX];
    unsigned char sum[HASH_MAX]; /* of `algorithm` */
};

static const struct {
    const char *name;
    size_t size;
} checksums[S3_SUM_COUNT] = {
    [S3_SUM_NONE] = {"", 0},         [S3_SUM_CRC32] = {"CRC32", 4},
    [S3_SUM_CRC32C] = {"CRC32C", 4}, [S3_SUM_CRC64NVME] = {"CRC64NVME", 8},
    [S3_SUM_SHA1] = {"SHA1", 20},    [S3_SUM_SHA256] = {"SHA256", 32},
};

enum s3_sum s3_sum_of(struct str name) {
    if (name.n > 15 && str_ieq(str_sub(name, 0, 15), S("x-amz-checksum-"))) {
        name = str_sub(name, 15, name.n);
    }
    for (int i = S3_SUM_CRC32; i < S3_SUM_COUNT; i++) {
        if (str_ieq(name, str_c(checksums[i].name))) {
            return (enum s3_sum)i;
        }
    }
    return S3_SUM_NONE;
}

const char *s3_sum_name(enum s3_sum algorithm) {
    return checksums[algorithm].name;
}

size_t s3_sum_size(enum s3_sum algorithm) {
    return checksums[algorithm].size;
}

static void init_digests(struct s3_stage *stage) {
    stage->md5 = hash_new(HASH_MD5);
    stage->sha256 = hash_new(HASH_SHA256);
    stage->sha1 = stage->algorithm == S3_SUM_SHA1 ? hash_new(HASH_SHA1) : NULL;
}

static void free_digests(struct s3_stage *stage) {
    hash_free(stage->md5);
    hash_free(stage->sha256);
    hash_free(stage->sha1);
}

static void add_digests(struct s3_stage *stage, struct str data) {
    hash_update(stage->md5, data);
    hash_update(stage->sha256, data);
    if (stage->algorithm == S3_SUM_CRC32) {
        stage->crc32 = crc32_add(stage->crc32, data);
    } else if (stage->algorithm == S3_SUM_CRC32C) {
        stage->crc32 = crc32c_add(stage->crc32, data);
    } else if (stage->algorithm == S3_SUM_CRC64NVME) {
        stage->crc64 = crc64nvme_add(stage->crc64, data);
    } else if (stage->sha1 != NULL) {
        hash_update(stage->sha1, data);
    }
}

static void big_endian(uint64_t value, size_t size, unsigned char *out) {
    for (size_t i = 0; i < size; i++) {
        out[i] = (unsigned char)(value >> (8 * (size - 1 - i)));
    }
}

static void end_digests(struct s3_stage *stage) {
    hash_end(stage->md5, stage->md5_out);
    hash_end(stage->sha256, stage->sha256_out);
    if (stage->algorithm == S3_SUM_SHA256) {
        memcpy(stage->sum, stage->sha256_out, 32);
    } else if (stage->sha1 != NULL) {
        hash_end(stage->sha1, stage->sum);
    } else if (stage->algorithm == S3_SUM_CRC64NVME) {
        big_endian(stage->crc64, 8, stage->sum);
    } else {
        big_endian(stage->crc32, 4, stage->sum);
    }
}

int s3_stage_open(const char *data_dir, enum s3_sum algorithm, struct s3_stage **ret,
                  struct err *err) {
    (void)err; /* nothing can fail before the first large write */
    struct s3_stage *stage = mem_alloc(sizeof(*stage));
    stage->data_dir = mem_strdup(data_dir);
    stage->algorithm = algorithm == S3_SUM_NONE ? S3_SUM_CRC64NVME : algorithm;
    stage->fd = -1;
    init_digests(stage);
    *ret = stage;
    return 0;
}

static int write_all(int fd, struct str data, struct err *err) {
    while (data.n > 0) {
        ssize_t n = write(fd, data.p, data.n);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0 && (errno == ENOSPC || errno == EDQUOT)) {
            return err_set(err, ERR_UNAVAILABLE,
                           "the disk of the data directory is full; free space and try again");
        }
        if (n < 0) {
            return err_sys(err, errno, "cannot write a staged body");
        }
        data = str_sub(data, (size_t)n, data.n);
    }
    return 0;
}

/* From memory into a file. */
static int spill(struct s3_stage *stage, struct err *err) {
    struct arena a = ARENA_INIT;
    struct str id = s3_content_id(&a, &rng_system);
    memcpy(stage->id, id.p, 32);
    arena_done(&a);
    if (s3_content_create(stage->data_dir, str_c(stage->id), &stage->fd, err) < 0) {
        return -1;
    }
    return write_all(stage->fd, str_n(stage->mem, (size_t)stage->size), err);
}

static int hold(struct s3_stage *stage, struct str data, struct err *err) {
    size_t need = (size_t)stage->size + data.n;
    if (need > S3_INLINE_MAX) {
        return spill(stage, err) < 0 ? -1 : write_all(stage->fd, data, err);
    }
    if (need > stage->mem_size) {
        stage->mem_size = need < S3_INLINE_MAX / 4 ? need * 2 : S3_INLINE_MAX;
        stage->mem = mem_realloc(stage->mem, stage->mem_size);
    }
    if (data.n > 0) {
        memcpy(stage->mem + stage->size, data.p, data.n);
    }
    return 0;
}

int s3_stage_write(struct s3_stage *stage, struct str data, struct err *err) {
    if ((int64_t)data.n > SIZE_MAX_BYTES - stage->size) {
        return err_api(err, &s3e_EntityTooLarge,
                       "Your proposed upload exceeds the maximum allowed size");
    }
    if ((stage->fd < 0 ? hold(stage, data, err) : write_all(stage->fd, data, err)) < 0) {
        return -1;
    }
    stage->size += (int64_t)data.n;
    add_digests(stage, data);
    return 0;
}

int s3_stage_end(struct s3_stage *stage, struct err *err) {
    end_digests(stage);
    return stage->fd < 0 ? 0 : s3_content_sync(stage->data_dir, str_c(stage->id), stage->fd, err);
}

void s3_stage_free(struct s3_stage *stage) {
    if (stage == NULL) {
        return;
    }
    if (stage->fd >= 0) {
        close(stage->fd);
    }
    if (stage->fd >= 0 && !stage->kept) {
        s3_content_delete(stage->data_dir, str_c(stage->id));
    }
    free_digests(stage);
    free(stage->mem);
    free(stage->data_dir);
    free(stage);
}

int s3_stage_fd(const struct s3_stage *stage) {
    return stage->fd;
}

int64_t s3_stage_size(const struct s3_stage *stage) {
    return stage->size;
}

struct str s3_stage_md5(const struct s3_stage *stage) {
    return str_n((const char *)stage->md5_out, 16);
}

struct str s3_stage_sha256(const struct s3_stage *stage) {
    return str_n((const char *)stage->sha256_out, 32);
}

struct str s3_stage_sum(const struct s3_stage *stage, enum s3_sum algorithm) {
    if (algorithm == S3_SUM_SHA256) {
        return s3_stage_sha256(stage);
    }
    if (algorithm != stage->algorithm) {
        return STR_NONE;
    }
    return str_n((const char *)stage->sum, s3_sum_size(algorithm));
}

int s3_stage_compute(const struct s3_stage *stage, struct arena *a, enum s3_sum algorithm,
                     struct str *ret, struct err *err) {
    struct s3_stage again = {.algorithm = algorithm, .fd = -1};
    char chunk[65536];
    int64_t at = 0;
    init_digests(&again);
    if (stage->fd < 0) {
        add_digests(&again, str_n(stage->mem, (size_t)stage->size));
    }
    while (stage->fd >= 0 && at < stage->size) {
        ssize_t n = pread(stage->fd, chunk, sizeof(chunk), at);
        if (n <= 0 && errno != EINTR) {
            free_digests(&again);
            return err_sys(err, errno, "cannot read a staged body");
        }
        if (n > 0) {
            add_digests(&again, str_n(chunk, (size_t)n));
            at += n;
        }
    }
    end_digests(&again);
    *ret = str_dup(a, s3_stage_sum(&again, algorithm));
    free_digests(&again);
    return 0;
}

enum s3_sum s3_stage_algorithm(const struct s3_stage *stage) {
    return stage->algorithm;
}

int s3_stage_keep(struct s3_stage *stage, struct arena *a, struct str *ret_id, struct str *ret_data,
                  struct err *err) {
    *ret_id = STR_NONE;
    if (stage->fd < 0 && ret_data != NULL) {
        *ret_data = str_n(stage->size > 0 ? stage->mem : "", (size_t)stage->size);
        return 0;
    }
    if (stage->fd < 0 && (spill(stage, err) < 0 ||
                          s3_content_sync(stage->data_dir, str_c(stage->id), stage->fd, err) < 0)) {
        return -1;
    }
    stage->kept = true;
    *ret_id = str_dup(a, str_c(stage->id));
    return 0;
}

int s3_stage_copy(struct s3_stage *stage, int fd, int64_t offset, int64_t size, struct err *err) {
    char chunk[65536];
    while (size > 0) {
        size_t want = size < (int64_t)sizeof(chunk) ? (size_t)size : sizeof(chunk);
        ssize_t n = pread(fd, chunk, want, offset);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return err_sys(err, errno, "cannot read a body");
        }
        if (n == 0) {
            return err_set(err, ERR_INVALID, "the body ended early");
        }
        if (s3_stage_write(stage, str_n(chunk, (size_t)n), err) < 0) {
            return -1;
        }
        offset += n;
        size -= n;
    }
    return 0;
}
