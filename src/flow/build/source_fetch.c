/* Sources into their directories: archives and folders from S3, folders of this machine. */
#include "flow/build/source.h"

#include "flow/checkout/address.h"
#include "platform/archive/extract.h"
#include "platform/archive/zip.h"
#include "platform/crypto/hash.h"
#include "platform/os/fd.h"
#include "platform/os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

const struct plan_source *source_numbered(const struct supervision *s, size_t n) {
    return n == 0 ? &s->plan.source : &s->plan.secondary_sources.v[n - 1];
}

static uint32_t hash(uint32_t number, struct str text) {
    for (size_t i = 0; i < text.n; i++) {
        number = (number ^ (unsigned char)text.p[i]) * 16777619U;
    }
    return number;
}

uint32_t source_number(struct str seed) {
    return hash(2166136261U, seed);
}

/* "github.com/owner/name" below a home of its own, as on AWS. */
static const char *git_directory(struct supervision *s, uint32_t home, size_t n) {
    struct arena *a = &s->arena;
    struct address at;
    struct err ignored = ERR_INIT;
    const struct plan_source *source = source_numbered(s, n);
    struct str folder = address_parse(a, source->url, &at, &ignored) == 0 ? address_folder(a, &at)
                                                                          : S("repository");
    uint32_t own = n == 0 ? home : hash(home, source->id);
    return str_printf(a, "/codebuild/output/src%u/src/" STR_FMT, own, STR_ARG(folder)).p;
}

const char *source_directory(struct supervision *s, size_t n) {
    uint32_t number = s->source_number != 0 ? s->source_number : source_number(s->plan.uuid);
    if (source_numbered(s, n)->kind == PLAN_SOURCE_GIT) {
        return git_directory(s, number, n);
    }
    struct str home = str_printf(&s->arena, "/codebuild/output/src%u/src", number);
    if (s->plan.secondary_sources.n == 0) {
        return home.p;
    }
    return str_printf(&s->arena, "%s/s3/%02zu", home.p, n).p;
}

/* A zip without entries is nothing but its end record, in which no format is recognised. */
static bool is_empty_zip(int fd, off_t offset) {
    char head[4];
    return pread(fd, head, sizeof(head), offset) == (ssize_t)sizeof(head) &&
           memcmp(head, "PK\5\6", sizeof(head)) == 0;
}

int source_unpack(struct supervision *s, int archive_fd, const char *directory, struct err *err) {
    if (is_empty_zip(archive_fd, lseek(archive_fd, 0, SEEK_CUR))) {
        return 0;
    }
    struct extract_limits limits = {.bytes = s->plan.disk_mib << 20};
    struct extract_result result;
    uid_t root = sandbox_root_id(s->box);
    int dir cleanup_fd = sandbox_open(s->box, directory, O_RDONLY | O_DIRECTORY, 0, err);
    return dir < 0 ? -1 : archive_extract(archive_fd, dir, &limits, root, root, &result, err);
}

/* What a pipeline hands on is what its action stored: a pipeline that passed on something else
 * would release what nobody has tested. */
static int check_digest(struct supervision *s, const struct plan_source *source, int fd,
                        off_t offset, struct err *err) {
    struct str digest = STR_NONE;
    if (source->sha256.n == 0) {
        return 0;
    }
    if (crypto_sha256_fd(&s->arena, fd, offset, &digest, err) < 0) {
        return -1;
    }
    return str_eq(digest, source->sha256)
               ? 0
               : err_set(err, ERR_INVALID,
                         "s3://" STR_FMT "/" STR_FMT " was changed after an action stored it: "
                         "its SHA-256 is " STR_FMT ", not " STR_FMT "; release anew",
                         STR_ARG(source->bucket), STR_ARG(source->key), STR_ARG(digest),
                         STR_ARG(source->sha256));
}

static int from_s3(struct supervision *s, const struct plan_source *source, const char *directory,
                   struct err *err) {
    struct aws_body body;
    build_log_line(s->log, "Setting HTTP client timeout to higher timeout for S3 source");
    if (object_get(s, source->bucket, source->key, source->version, &body, err) < 0) {
        return -1;
    }
    int fd cleanup_fd = body.fd;
    if (body.offset > 0 && lseek(fd, body.offset, SEEK_SET) < 0) {
        return err_sys(err, errno, "source");
    }
    return check_digest(s, source, fd, body.offset, err) < 0 ||
                   source_unpack(s, fd, directory, err) < 0
               ? err_wrap(err, "source artifact")
               : 0;
}

/* A folder of this machine travels as an archive too: whatever is in it, only plain files, folders
 * and inner links arrive, and they belong to the build. */
static bool not_of_source(void *ud, const char *name) {
    (void)ud;
    return strcmp(name, ".git") == 0;
}

static int from_folder(struct supervision *s, const struct plan_source *source,
                       const char *directory, struct err *err) {
    struct zip_writer *zip cleanup_zip = NULL;
    if (source->mount) {
        return 0; /* it is there already: provision.c */
    }
    if (!file_is_dir(str_z(&s->arena, source->dir))) {
        int packed cleanup_fd = file_open(str_z(&s->arena, source->dir), O_RDONLY, 0, err);
        return packed < 0 || source_unpack(s, packed, directory, err) < 0
                   ? err_wrap(err, "source " STR_FMT, STR_ARG(source->dir))
                   : 0;
    }
    const char *path = str_printf(&s->arena, "%s/source.zip", s->dir).p;
    int dir cleanup_fd = file_open(str_z(&s->arena, source->dir), O_RDONLY | O_DIRECTORY, 0, err);
    int fd cleanup_fd = dir < 0 ? -1 : file_open(path, O_RDWR | O_CREAT | O_TRUNC, 0600, err);
    if (fd < 0 || zip_begin(fd, NULL, &zip, err) < 0 ||
        zip_add_tree(zip, dir, ".", "", ZIP_LINKS_KEEP, not_of_source, NULL, err) < 0 ||
        zip_end(zip, err) < 0) {
        return err_wrap(err, "source folder " STR_FMT, STR_ARG(source->dir));
    }
    if (lseek(fd, 0, SEEK_SET) < 0) {
        return err_sys(err, errno, "source");
    }
    int result = source_unpack(s, fd, directory, err);
    struct err ignored = ERR_INIT;
    return file_remove(path, &ignored) < 0 && result == 0 ? 0 : result;
}

/* Source 0 is the primary one. */
static int fetch(struct supervision *s, size_t number, struct err *err) {
    const struct plan_source *source = source_numbered(s, number);
    const char *directory = source_directory(s, number);
    switch (source->kind) {
    case PLAN_SOURCE_S3:
        return str_ends(source->key, S("/")) || source->key.n == 0
                   ? source_from_s3_folder(s, source, directory, err)
                   : from_s3(s, source, directory, err);
    case PLAN_SOURCE_GIT:
        return source_from_git(s, number, directory, err);
    case PLAN_SOURCE_LOCAL:
        return from_folder(s, source, directory, err);
    case PLAN_SOURCE_NONE:
        return 0;
    }
    return 0;
}

int fetch_sources(struct supervision *s, struct err *err) {
    for (size_t i = 0; i <= s->plan.secondary_sources.n; i++) {
        if (fetch(s, i, err) < 0) {
            return i == 0 ? -1
                          : err_wrap(err, "secondary source " STR_FMT,
                                     STR_ARG(source_numbered(s, i)->id));
        }
    }
    return 0;
}
