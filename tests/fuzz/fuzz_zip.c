/* Writing zips: files of the input's names and bytes are packed, and come out of the unpacker as
 * they went in, modes included. Layout: a file is a byte of name length, the name's bytes, a byte
 * of size, so many bytes. */
#include "fuzz.h"

#include "platform/archive/worker.h"
#include "platform/archive/zip.h"
#include "platform/os/fd.h"
#include "platform/os/file.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILES_MAX = 12, NAME_MAX_BYTES = 40 };

struct file {
    const char *name;
    struct str bytes;
    unsigned mode;
};

static struct str take(struct str *rest, size_t n) {
    struct str part = str_sub(*rest, 0, n);
    *rest = str_sub(*rest, part.n, rest->n);
    return part;
}

static unsigned byte(struct str *rest) {
    return rest->n > 0 ? (unsigned char)take(rest, 1).p[0] : 0;
}

/* A name that may be unpacked: no empty part, none of dots only, and of its own top folder, so that
 * none is another's folder. */
static const char *safe_name(struct arena *a, struct str raw, size_t number) {
    char *name = arena_alloc(a, raw.n * 2 + 32);
    int n = snprintf(name, 32, "f%zu", number);
    bool slash = false;
    for (size_t i = 0; i < raw.n; i++) {
        unsigned char c = (unsigned char)raw.p[i];
        if (c % 5 == 0 && !slash && i > 0) {
            name[n++] = '/';
            name[n++] = 'd';
            slash = true;
        } else {
            name[n++] = (char)(c >= 0x20 && c < 0x7F && c != '/' && c != '\\' ? c : 'a' + c % 26);
            slash = false;
        }
    }
    name[n] = '\0';
    return name;
}

static void check(struct arena *a, const char *base, const struct file *files, size_t n) {
    for (size_t i = 0; i < n; i++) {
        struct err err = ERR_INIT;
        struct str back = STR_NONE;
        struct stat st;
        const char *path = str_printf(a, "%s/out/%s", base, files[i].name).p;
        FUZZ_MUST(file_read(a, path, 1 << 20, &back, &err) == 0);
        FUZZ_MUST(str_eq(back, files[i].bytes));
        FUZZ_MUST(lstat(path, &st) == 0 && S_ISREG(st.st_mode));
        FUZZ_MUST((st.st_mode & 0100) == (files[i].mode & 0100));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    const char *base = NULL;
    struct file files[FILES_MAX];
    size_t n = 0;
    struct zip_writer *zip cleanup_zip = NULL;
    struct str rest = fuzz_str(data, size);
    FUZZ_MUST(dir_make_temp(&a, "fuzz-zip", &base, &err) == 0);
    FUZZ_MUST(dir_make_new(str_printf(&a, "%s/out", base).p, 0755, &err) == 0);
    int fd cleanup_fd = memfd_create("zip", MFD_CLOEXEC);
    struct zip_limits limits = {.store = rest.n > 0 && (byte(&rest) & 1)};
    FUZZ_MUST(zip_begin(fd, &limits, &zip, &err) == 0);
    while (n < FILES_MAX && rest.n > 0) {
        struct file *f = &files[n];
        f->name = safe_name(&a, take(&rest, byte(&rest) % NAME_MAX_BYTES), n);
        f->mode = byte(&rest) & 1 ? 0755 : 0644;
        f->bytes = take(&rest, byte(&rest));
        FUZZ_MUST(zip_add_bytes(zip, f->name, f->bytes.p, f->bytes.n, f->mode, &err) == 0);
        n++;
    }
    FUZZ_MUST(zip_end(zip, &err) == 0);
    int dir cleanup_fd =
        file_open(str_printf(&a, "%s/out", base).p, O_RDONLY | O_DIRECTORY, 0, &err);
    const struct extract_job job = {.archive_fd = fd,
                                    .dir_fd = dir,
                                    .report_fd = -1,
                                    .uid = (uid_t)-1,
                                    .gid = (gid_t)-1,
                                    .entries = 1000,
                                    .bytes = 1 << 20,
                                    .ratio = 100000};
    int64_t entries = 0;
    int64_t bytes = 0;
    FUZZ_MUST(lseek(fd, 0, SEEK_SET) == 0);
    if (n > 0) { /* no format is recognised in a zip without entries */
        FUZZ_MUST(extract_unpack(&job, &entries, &bytes, &err) == 0);
        check(&a, base, files, n);
    }
    FUZZ_MUST(tree_remove(base, &err) == 0);
    arena_done(&a);
    return 0;
}
