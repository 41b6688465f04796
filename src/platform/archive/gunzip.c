/* Implementation of platform/archive/gunzip.h: one filter, no archive format, nothing touches a
 * file. */
#include "platform/archive/gunzip.h"

#include "base/buf.h"

#include <archive.h>
#include <archive_entry.h>

static void free_reader(struct archive **reader) {
    archive_read_free(*reader);
}

int gunzip(struct arena *a, struct str data, size_t max, struct str *ret, struct err *err) {
    struct archive *reader __attribute__((cleanup(free_reader))) = archive_read_new();
    struct archive_entry *entry = NULL;
    struct buf out cleanup_buf;
    buf_init(&out, max);
    /* libarchive takes data that no filter knows as it is: the magic bytes must be there. */
    bool ok = data.n > 2 && (unsigned char)data.p[0] == 0x1F && (unsigned char)data.p[1] == 0x8B &&
              reader != NULL && archive_read_support_filter_gzip(reader) == ARCHIVE_OK &&
              archive_read_support_format_raw(reader) == ARCHIVE_OK &&
              archive_read_open_memory(reader, data.p, data.n) == ARCHIVE_OK &&
              archive_read_next_header(reader, &entry) == ARCHIVE_OK;
    la_ssize_t n = ok ? 1 : -1;
    while (n > 0 && !out.overflow) {
        char piece[32 * 1024];
        n = archive_read_data(reader, piece, sizeof(piece));
        if (n > 0) {
            buf_add(&out, str_n(piece, (size_t)n));
        }
    }
    if (n < 0) {
        return err_set(err, ERR_INVALID, "the body is not gzip, or is damaged");
    }
    if (out.overflow) {
        return err_set(err, ERR_LIMIT, "the body is over %zu bytes when unpacked", max);
    }
    *ret = buf_dup(a, &out);
    return 0;
}
