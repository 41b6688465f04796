/* Archives: whatever is unpacked stays in its folder, and no link in it leads out. */
#include "fuzz.h"

#include "platform/archive/worker.h"
#include "platform/os/fd.h"
#include "platform/os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { ENTRIES_MAX = 200, BYTES_MAX = 1 << 20 };

static void check_below(struct arena *a, int top, const char *path, const char *relative) {
    struct err err = ERR_INIT;
    struct str_list names = {0};
    FUZZ_MUST(dir_list(a, path, &names, &err) == 0);
    for (size_t i = 0; i < names.n; i++) {
        const char *child = str_printf(a, "%s/" STR_FMT, path, STR_ARG(names.v[i])).p;
        const char *name = str_printf(a, "%s" STR_FMT, relative, STR_ARG(names.v[i])).p;
        struct stat st;
        FUZZ_MUST(lstat(child, &st) == 0);
        FUZZ_MUST(S_ISREG(st.st_mode) || S_ISDIR(st.st_mode) || S_ISLNK(st.st_mode));
        FUZZ_MUST((st.st_mode & 07000) == 0);
        if (S_ISDIR(st.st_mode)) {
            check_below(a, top, child, str_printf(a, "%s/", name).p);
        } else if (S_ISLNK(st.st_mode)) {
            struct open_how how = {.flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_BENEATH};
            long fd = syscall(SYS_openat2, top, name, &how, sizeof(how));
            FUZZ_MUST(fd >= 0 || errno != EXDEV);
            if (fd >= 0) {
                close((int)fd);
            }
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    const char *base = NULL;
    FUZZ_MUST(dir_make_temp(&a, "fuzz-archive", &base, &err) == 0);
    const char *path = str_printf(&a, "%s/out", base).p;
    FUZZ_MUST(dir_make_new(path, 0755, &err) == 0);
    int dir cleanup_fd = file_open(path, O_RDONLY | O_DIRECTORY, 0, &err);
    int archive cleanup_fd = fd_from_bytes("archive", fuzz_str(data, size), &err);
    FUZZ_MUST(dir >= 0 && archive >= 0);
    const struct extract_job job = {.archive_fd = archive,
                                    .dir_fd = dir,
                                    .report_fd = -1,
                                    .uid = (uid_t)-1,
                                    .gid = (gid_t)-1,
                                    .entries = ENTRIES_MAX,
                                    .bytes = BYTES_MAX,
                                    .ratio = 200};
    int64_t entries = 0;
    int64_t bytes = 0;
    int result = extract_unpack(&job, &entries, &bytes, &err);
    FUZZ_MUST(result == 0 || err.msg[0] != '\0');
    if (result == 0) {
        FUZZ_MUST(entries <= ENTRIES_MAX && bytes <= BYTES_MAX);
        check_below(&a, dir, path, "");
    }
    struct str_list names = {0};
    FUZZ_MUST(dir_list(&a, base, &names, &err) == 0 && names.n == 1);
    FUZZ_MUST(tree_remove(base, &err) == 0);
    arena_done(&a);
    return 0;
}
