/* Implementation of platform/archive/gzip.h: libarchive's filter around no archive. */
#include "platform/archive/gzip.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHUNK = 256 * 1024 };

static void free_writer(struct archive **writer) {
    archive_write_free(*writer);
}

static void free_entry(struct archive_entry **entry) {
    archive_entry_free(*entry);
}

static void free_chunk(char **chunk) {
    free(*chunk);
}

static int begin(struct archive *writer, int out_fd, struct archive_entry *entry) {
    archive_entry_set_pathname(entry, "log");
    archive_entry_set_filetype(entry, AE_IFREG);
    return archive_write_add_filter_gzip(writer) == ARCHIVE_OK &&
                   archive_write_set_options(writer, "gzip:!timestamp") == ARCHIVE_OK &&
                   archive_write_set_format_raw(writer) == ARCHIVE_OK &&
                   archive_write_open_fd(writer, out_fd) == ARCHIVE_OK &&
                   archive_write_header(writer, entry) == ARCHIVE_OK
               ? 0
               : -1;
}

int gzip_file(int in_fd, int64_t bytes, int out_fd, struct err *err) {
    struct archive *writer __attribute__((cleanup(free_writer))) = archive_write_new();
    struct archive_entry *entry __attribute__((cleanup(free_entry))) = archive_entry_new();
    char *chunk __attribute__((cleanup(free_chunk))) = malloc(CHUNK);
    if (writer == NULL || entry == NULL || chunk == NULL || begin(writer, out_fd, entry) < 0) {
        return err_set(err, ERR_SYSTEM, "gzip: %s",
                       writer ? archive_error_string(writer) : "no memory");
    }
    for (int64_t at = 0; at < bytes;) {
        size_t wanted = bytes - at < CHUNK ? (size_t)(bytes - at) : CHUNK;
        ssize_t n = pread(in_fd, chunk, wanted, at);
        if (n < 0) {
            return err_sys(err, errno, "read what is to be compressed");
        }
        if (n == 0) {
            break; /* shorter than it was */
        }
        if (archive_write_data(writer, chunk, (size_t)n) != n) {
            return err_set(err, ERR_SYSTEM, "gzip: %s", archive_error_string(writer));
        }
        at += n;
    }
    return archive_write_close(writer) == ARCHIVE_OK
               ? 0
               : err_set(err, ERR_SYSTEM, "gzip: %s", archive_error_string(writer));
}
