/* Zip files out; archives in, friendly and hostile ones. Hostile archives are made by libarchive
 * itself, which writes whatever name it is given. */
#include "../../cmocka_.h"

#include "platform/archive/extract.h"
#include "platform/archive/gunzip.h"
#include "platform/archive/gzip.h"
#include "platform/archive/zip.h"
#include "platform/os/fd.h"
#include "platform/os/file.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/mman.h>
#include <unistd.h>

struct fixture {
    struct arena a;
    struct err err;
    const char *dir;
    int out; /* folder to unpack into */
};

static int setup(void **state) {
    static struct fixture f;
    f = (struct fixture){ARENA_INIT, ERR_INIT, NULL, -1};
    *state = &f;
    if (dir_make_temp(&f.a, "test-archive", &f.dir, &f.err) < 0 ||
        dir_make(str_printf(&f.a, "%s/out", f.dir).p, 0755, &f.err) < 0) {
        return -1;
    }
    f.out = file_open(str_printf(&f.a, "%s/out", f.dir).p, O_RDONLY | O_DIRECTORY, 0, &f.err);
    return f.out < 0 ? -1 : 0;
}

static int teardown(void **state) {
    struct fixture *f = *state;
    fd_closep(&f->out);
    int result = tree_remove(f->dir, &f->err);
    arena_done(&f->a);
    return result;
}

static const char *in_dir(struct fixture *f, const char *name) {
    return str_printf(&f->a, "%s/%s", f->dir, name).p;
}

/* One entry of an archive to be made. */
struct entry {
    const char *name;
    unsigned type;      /* S_IF... */
    const char *target; /* of a link, or content of a file */
    bool hard;          /* a hard link to target */
};

static int make_archive(struct fixture *f, bool tar, const struct entry *entries, size_t n) {
    int fd = file_open(in_dir(f, "archive"), O_RDWR | O_CREAT | O_TRUNC, 0600, &f->err);
    struct archive *a = archive_write_new();
    assert_int_equal(tar ? archive_write_set_format_pax_restricted(a)
                         : archive_write_set_format_zip(a),
                     ARCHIVE_OK);
    assert_int_equal(archive_write_open_fd(a, fd), ARCHIVE_OK);
    for (size_t i = 0; i < n; i++) {
        struct archive_entry *e = archive_entry_new();
        archive_entry_set_pathname(e, entries[i].name);
        archive_entry_set_mode(e, entries[i].type | 06755);
        const char *content = entries[i].target ? entries[i].target : "";
        if (entries[i].hard) {
            archive_entry_set_hardlink(e, content);
        } else if (entries[i].type == S_IFLNK) {
            archive_entry_set_symlink(e, content);
        } else if (entries[i].type == S_IFREG) {
            archive_entry_set_size(e, (int64_t)strlen(content));
        }
        assert_true(archive_write_header(a, e) >= ARCHIVE_WARN);
        if (entries[i].type == S_IFREG && !entries[i].hard) {
            archive_write_data(a, content, strlen(content));
        }
        archive_entry_free(e);
    }
    archive_write_free(a);
    lseek(fd, 0, SEEK_SET);
    return fd;
}

static int extract(struct fixture *f, int fd, const struct extract_limits *limits,
                   struct extract_result *ret) {
    lseek(fd, 0, SEEK_SET);
    return archive_extract(fd, f->out, limits, (uid_t)-1, (gid_t)-1, ret, &f->err);
}

static void assert_refused(struct fixture *f, bool tar, const struct entry *entries, size_t n,
                           const char *named) {
    int fd cleanup_fd = make_archive(f, tar, entries, n);
    assert_int_equal(extract(f, fd, NULL, NULL), -1);
    if (strstr(f->err.msg, named) == NULL) {
        fail_msg("the message does not hold \"%s\": %s", named, f->err.msg);
    }
    assert_int_equal(f->err.kind, ERR_INVALID);
    assert_false(file_exists(in_dir(f, "escaped")));
}
#define REFUSED(f, tar, named, ...)                                                                \
    do {                                                                                           \
        const struct entry entries_[] = {__VA_ARGS__};                                             \
        assert_refused(f, tar, entries_, sizeof(entries_) / sizeof(entries_[0]), named);           \
    } while (0)

static void test_tree_survives_packing_and_unpacking(void **state) {
    struct fixture *f = *state;
    assert_int_equal(dir_make(in_dir(f, "in/a/b"), 0755, &f->err), 0);
    assert_int_equal(file_write(in_dir(f, "in/a/run.sh"), S("#!/bin/sh\n"), 0755, &f->err), 0);
    assert_int_equal(file_write(in_dir(f, "in/a/b/gr\xC3\xBC\xC3\x9F"), S("x"), 0640, &f->err), 0);
    assert_int_equal(symlink("a/run.sh", in_dir(f, "in/link")), 0);
    int root cleanup_fd = file_open(in_dir(f, "in"), O_PATH | O_DIRECTORY, 0, &f->err);
    int fd cleanup_fd = file_open(in_dir(f, "zip"), O_RDWR | O_CREAT, 0600, &f->err);
    struct zip_writer *z cleanup_zip = NULL;
    assert_int_equal(zip_begin(fd, NULL, &z, &f->err), 0);
    assert_int_equal(zip_add_tree(z, root, ".", "", ZIP_LINKS_KEEP, NULL, NULL, &f->err), 0);
    assert_int_equal(zip_end(z, &f->err), 0);
    assert_int_equal(zip_entries(z), 5);
    struct extract_result result = {0};
    assert_int_equal(extract(f, fd, NULL, &result), 0);
    assert_int_equal(result.entries, 5);
    assert_int_equal(result.bytes, 11);
    struct stat st;
    assert_int_equal(stat(in_dir(f, "out/link"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0755);
    assert_int_equal(stat(in_dir(f, "out/a/b/gr\xC3\xBC\xC3\x9F"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0640);
}

static struct str zip_of(struct fixture *f, const char *dir, const char *name) {
    int root cleanup_fd = file_open(dir, O_PATH | O_DIRECTORY, 0, &f->err);
    int fd cleanup_fd = file_open(in_dir(f, name), O_RDWR | O_CREAT, 0600, &f->err);
    struct zip_writer *z cleanup_zip = NULL;
    assert_int_equal(zip_begin(fd, NULL, &z, &f->err), 0);
    assert_int_equal(zip_add_tree(z, root, ".", "", ZIP_LINKS_KEEP, NULL, NULL, &f->err), 0);
    assert_int_equal(zip_end(z, &f->err), 0);
    struct str bytes = STR_NONE;
    assert_int_equal(file_read(&f->a, in_dir(f, name), 1 << 20, &bytes, &f->err), 0);
    return bytes;
}

static void test_same_content_gives_the_same_bytes(void **state) {
    struct fixture *f = *state;
    static const char *const dirs[] = {"one", "two"};
    for (int i = 0; i < 2; i++) {
        const char *dir = in_dir(f, dirs[i]);
        assert_int_equal(dir_make(dir, 0755, &f->err), 0);
        for (int k = 0; k < 20; k++) {
            int number = i == 0 ? k : 19 - k; /* made in another order, at another time */
            const char *path = str_printf(&f->a, "%s/%d", dir, number).p;
            assert_int_equal(file_write(path, S("text"), 0644, &f->err), 0);
        }
        const struct timespec times[2] = {{1000000 * (i + 1), 0}, {1000000 * (i + 1), 0}};
        assert_int_equal(utimensat(AT_FDCWD, str_printf(&f->a, "%s/3", dir).p, times, 0), 0);
    }
    setenv("TZ", "America/New_York", 1);
    struct str one = zip_of(f, in_dir(f, "one"), "1.zip");
    setenv("TZ", "Asia/Tokyo", 1);
    struct str two = zip_of(f, in_dir(f, "two"), "2.zip");
    unsetenv("TZ");
    assert_true(str_eq(one, two));
}

static void test_zip_never_follows_a_link_out_of_its_root(void **state) {
    struct fixture *f = *state;
    assert_int_equal(dir_make(in_dir(f, "in"), 0755, &f->err), 0);
    assert_int_equal(file_write(in_dir(f, "secret"), S("host"), 0600, &f->err), 0);
    assert_int_equal(symlink(in_dir(f, "secret"), in_dir(f, "in/link")), 0);
    int root cleanup_fd = file_open(in_dir(f, "in"), O_PATH | O_DIRECTORY, 0, &f->err);
    int fd cleanup_fd = file_open(in_dir(f, "zip"), O_RDWR | O_CREAT, 0600, &f->err);
    struct zip_writer *z cleanup_zip = NULL;
    assert_int_equal(zip_begin(fd, NULL, &z, &f->err), 0);
    assert_int_equal(zip_add(z, root, "link", "link", ZIP_LINKS_FOLLOW, &f->err), -1);
    assert_int_equal(f->err.kind, ERR_NOT_FOUND);
    assert_int_equal(zip_add(z, root, "../secret", "s", ZIP_LINKS_FOLLOW, &f->err), -1);
    assert_int_equal(mkfifo(in_dir(f, "in/pipe"), 0600), 0);
    assert_int_equal(zip_add(z, root, "pipe", "pipe", ZIP_LINKS_KEEP, &f->err), -1);
    assert_int_equal(f->err.kind, ERR_INVALID);
}

static void test_names_that_lead_out_are_refused_and_named(void **state) {
    struct fixture *f = *state;
    REFUSED(f, false, "'../escaped'", {"../escaped", S_IFREG, "x", false});
    REFUSED(f, false, "'a/../../escaped'", {"a/../../escaped", S_IFREG, "x", false});
    REFUSED(f, true, "'/tmp/escaped'", {"/tmp/escaped", S_IFREG, "x", false});
    REFUSED(f, true, "'../'", {"..", S_IFDIR, NULL, false});
}

static void test_links_that_lead_out_are_refused_and_named(void **state) {
    struct fixture *f = *state;
    REFUSED(f, false, "'absolute'", {"absolute", S_IFLNK, "/etc/passwd", false});
    REFUSED(f, false, "'up'", {"up", S_IFLNK, "../escaped", false});
    /* Each link is harmless to the eye; together they climb one folder above the top. */
    REFUSED(f, false, "points out", {"d/e/top", S_IFLNK, "../..", false},
            {"climb", S_IFLNK, "d/e/top/..", false});
    REFUSED(f, true, "hard link", {"hard", S_IFREG, "/etc/passwd", true});
}

static void test_writing_through_a_link_is_refused(void **state) {
    struct fixture *f = *state;
    REFUSED(f, true, "goes through 'dir'", {"dir", S_IFLNK, "elsewhere", false},
            {"dir/file", S_IFREG, "x", false});
    REFUSED(f, true, "twice", {"file", S_IFLNK, "other", false}, {"file", S_IFREG, "x", false});
    REFUSED(f, true, "twice", {"same", S_IFREG, "x", false}, {"same", S_IFREG, "y", false});
}

static void test_devices_are_refused_and_set_id_bits_dropped(void **state) {
    struct fixture *f = *state;
    REFUSED(f, true, "'dev'", {"dev", S_IFCHR, NULL, false});
    REFUSED(f, true, "'pipe'", {"pipe", S_IFIFO, NULL, false});
    const struct entry entries[] = {{"./tool", S_IFREG, "x", false},
                                    {"dir/", S_IFDIR, NULL, false}};
    int fd cleanup_fd = make_archive(f, true, entries, 2);
    assert_int_equal(extract(f, fd, NULL, NULL), 0);
    struct stat st;
    assert_int_equal(stat(in_dir(f, "out/tool"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0755);
}

static void test_limits_on_entries_bytes_and_ratio_hold(void **state) {
    struct fixture *f = *state;
    const struct entry entries[] = {{"1", S_IFREG, "12345", false}, {"2", S_IFREG, "67890", false}};
    int fd cleanup_fd = make_archive(f, false, entries, 2);
    assert_int_equal(extract(f, fd, &(struct extract_limits){.entries = 1}, NULL), -1);
    assert_int_equal(f->err.kind, ERR_LIMIT);
    assert_int_equal(tree_remove(in_dir(f, "out/1"), &f->err), 0);
    assert_int_equal(extract(f, fd, &(struct extract_limits){.bytes = 9}, NULL), -1);
    assert_int_equal(f->err.kind, ERR_LIMIT);
    const size_t size = (size_t)100 << 20;
    char *zeros = calloc(1, size + 1);
    memset(zeros, '0', size);
    const struct entry bomb[] = {{"bomb", S_IFREG, zeros, false}};
    int big cleanup_fd = make_archive(f, false, bomb, 1);
    free(zeros);
    assert_int_equal(extract(f, big, NULL, NULL), -1);
    assert_int_equal(f->err.kind, ERR_LIMIT);
    assert_non_null(strstr(f->err.msg, "times its size"));
}

/* The file through gzip; closes it. */
static int gzipped(struct fixture *f, int plain) {
    int in cleanup_fd = plain;
    int out = file_open(in_dir(f, "gz"), O_RDWR | O_CREAT | O_TRUNC, 0600, &f->err);
    assert_int_equal(gzip_file(in, lseek(in, 0, SEEK_END), out, &f->err), 0);
    assert_int_equal(lseek(out, 0, SEEK_SET), 0);
    return out;
}

static void empty_out(struct fixture *f) {
    fd_closep(&f->out);
    assert_int_equal(tree_remove(in_dir(f, "out"), &f->err), 0);
    assert_int_equal(dir_make(in_dir(f, "out"), 0755, &f->err), 0);
    f->out = file_open(in_dir(f, "out"), O_RDONLY | O_DIRECTORY, 0, &f->err);
}

/* At each 64th of its length: in a header, between entries, in a content, in the directory. */
static void test_an_archive_that_is_cut_anywhere_is_refused(void **state) {
    struct fixture *f = *state;
    enum { ENTRIES = 40, CUTS = 64 };
    struct entry entries[ENTRIES];
    for (int i = 0; i < ENTRIES; i++) {
        entries[i] = (struct entry){
            str_printf(&f->a, "folder/%d", i).p, S_IFREG,
            str_printf(&f->a, "some text of file %d that is long enough, %d", i, i * i * i).p,
            false};
    }
    for (int tar = 0; tar < 2; tar++) {
        int made = make_archive(f, tar == 1, entries, ENTRIES);
        int whole cleanup_fd = tar ? gzipped(f, made) : made;
        struct str bytes = STR_NONE;
        struct extract_result result = {0};
        assert_int_equal(fd_read_all(&f->a, whole, 1 << 20, &bytes, &f->err), 0);
        assert_int_equal(extract(f, whole, NULL, &result), 0);
        assert_int_equal(result.entries, ENTRIES);
        for (size_t cut = 0; cut < CUTS; cut++) {
            empty_out(f);
            int fd cleanup_fd = fd_from_bytes("cut", str_n(bytes.p, bytes.n * cut / CUTS), &f->err);
            if (extract(f, fd, NULL, NULL) == 0) {
                fail_msg("%s, cut at %zu/%d, was unpacked", tar ? "tar.gz" : "zip", cut, CUTS);
            }
            assert_int_equal(f->err.kind, ERR_INVALID);
            assert_null(strstr(f->err.msg, "signal"));
        }
        empty_out(f);
    }
}

static void test_a_name_of_any_length_and_names_that_differ_in_case_are_no_trap(void **state) {
    struct fixture *f = *state;
    char *name = arena_alloc(&f->a, 5001);
    memset(name, 'n', 5000);
    const struct entry longest[] = {{name, S_IFREG, "x", false}};
    int fd cleanup_fd = make_archive(f, false, longest, 1);
    assert_int_equal(extract(f, fd, NULL, NULL), -1);
    assert_true(f->err.kind == ERR_INVALID || f->err.kind == ERR_LIMIT);
    assert_null(strstr(f->err.msg, "signal"));
    const struct entry cases[] = {{"Same", S_IFREG, "one", false}, {"same", S_IFREG, "two", false}};
    int both cleanup_fd = make_archive(f, false, cases, 2);
    assert_int_equal(extract(f, both, NULL, NULL), 0);
    struct str text = STR_NONE;
    assert_int_equal(file_read(&f->a, in_dir(f, "out/Same"), 10, &text, &f->err), 0);
    assert_true(str_is(text, "one"));
}

/* All files below the folder; each must hold `content`. */
static void assert_only(struct fixture *f, const char *folder, const char *content) {
    struct str_list names = {0};
    assert_int_equal(dir_list(&f->a, folder, &names, &f->err), 0);
    for (size_t i = 0; i < names.n; i++) {
        const char *path = str_printf(&f->a, "%s/%.*s", folder, STR_ARG(names.v[i])).p;
        struct str text = STR_NONE;
        if (file_is_dir(path)) {
            assert_only(f, path, content);
        } else if (file_read(&f->a, path, 1000, &text, &f->err) == 0) {
            assert_true(str_is(text, content) || text.n == 0);
        }
    }
}

static void test_no_flipped_bit_goes_unnoticed(void **state) {
    struct fixture *f = *state;
    const char *content = "a text, a text, a text that is long enough to be packed";
    const struct entry entries[] = {{"one", S_IFREG, content, false}};
    int whole cleanup_fd = make_archive(f, false, entries, 1);
    struct str bytes = STR_NONE;
    assert_int_equal(fd_read_all(&f->a, whole, 1 << 20, &bytes, &f->err), 0);
    char *flipped = arena_memdup(&f->a, bytes.p, bytes.n);
    unsigned refused = 0;
    for (size_t i = 0; i < bytes.n; i++) {
        flipped[i] = (char)(bytes.p[i] ^ (1 << i % 8));
        int fd cleanup_fd = fd_from_bytes("flipped", str_n(flipped, bytes.n), &f->err);
        if (extract(f, fd, &(struct extract_limits){.bytes = 1 << 20}, NULL) < 0) {
            assert_null(strstr(f->err.msg, "signal"));
            refused++;
        } else {
            assert_only(f, in_dir(f, "out"), content);
        }
        flipped[i] = bytes.p[i];
        empty_out(f);
    }
    assert_true(refused > bytes.n / 4);
}

static void test_encrypted_entries_are_refused_and_named(void **state) {
    struct fixture *f = *state;
    int fd cleanup_fd = file_open(in_dir(f, "locked"), O_RDWR | O_CREAT, 0600, &f->err);
    struct archive *a = archive_write_new();
    archive_write_set_format_zip(a);
    assert_true(archive_write_set_options(a, "zip:encryption=zipcrypt") >= ARCHIVE_WARN);
    archive_write_set_passphrase(a, "secret");
    archive_write_open_fd(a, fd);
    struct archive_entry *e = archive_entry_new();
    archive_entry_set_pathname(e, "locked.txt");
    archive_entry_set_mode(e, S_IFREG | 0644);
    archive_entry_set_size(e, 4);
    archive_write_header(a, e);
    archive_write_data(a, "text", 4);
    archive_entry_free(e);
    archive_write_free(a);
    assert_int_equal(extract(f, fd, NULL, NULL), -1);
    assert_int_equal(f->err.kind, ERR_INVALID);
    assert_non_null(strstr(f->err.msg, "'locked.txt' is encrypted"));
}

static void test_owner_is_given_to_everything(void **state) {
    struct fixture *f = *state;
    if (geteuid() != 0) {
        skip();
    }
    const struct entry entries[] = {{"a/b/file", S_IFREG, "x", false},
                                    {"a/link", S_IFLNK, "b/file", false}};
    int fd cleanup_fd = make_archive(f, false, entries, 2);
    assert_int_equal(archive_extract(fd, f->out, NULL, 70000, 70001, NULL, &f->err), 0);
    static const char *const made[] = {"out/a", "out/a/b", "out/a/b/file", "out/a/link"};
    for (size_t i = 0; i < 4; i++) {
        struct stat st;
        assert_int_equal(lstat(in_dir(f, made[i]), &st), 0);
        assert_int_equal(st.st_uid, 70000);
        assert_int_equal(st.st_gid, 70001);
    }
}

static void test_a_file_comes_back_from_gzip_and_is_the_same_each_time(void **state) {
    (void)state;
    struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    size_t n = 3 << 20;
    char *text = arena_alloc(&a, n);
    for (size_t i = 0; i < n; i++) {
        text[i] = (char)('a' + i * i % 23);
    }
    struct str packed[2];
    for (size_t k = 0; k < 2; k++) {
        int in cleanup_fd = fd_from_bytes("in", str_n(text, n), &err);
        int out cleanup_fd = memfd_create("out", MFD_CLOEXEC);
        assert_int_equal(gzip_file(in, (int64_t)n - 7, out, &err), 0);
        assert_int_equal(lseek(out, 0, SEEK_SET), 0);
        assert_int_equal(fd_read_all(&a, out, n, &packed[k], &err), 0);
    }
    struct str back = STR_NONE;
    assert_true(packed[0].n < n / 4 && str_eq(packed[0], packed[1]));
    assert_int_equal(gunzip(&a, packed[0], n, &back, &err), 0);
    assert_true(str_eq(back, str_n(text, n - 7)));
    arena_done(&a);
}

#define WITH_DIR(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_file_comes_back_from_gzip_and_is_the_same_each_time),
        WITH_DIR(test_tree_survives_packing_and_unpacking),
        WITH_DIR(test_same_content_gives_the_same_bytes),
        WITH_DIR(test_zip_never_follows_a_link_out_of_its_root),
        WITH_DIR(test_names_that_lead_out_are_refused_and_named),
        WITH_DIR(test_links_that_lead_out_are_refused_and_named),
        WITH_DIR(test_writing_through_a_link_is_refused),
        WITH_DIR(test_devices_are_refused_and_set_id_bits_dropped),
        WITH_DIR(test_limits_on_entries_bytes_and_ratio_hold),
        WITH_DIR(test_an_archive_that_is_cut_anywhere_is_refused),
        WITH_DIR(test_a_name_of_any_length_and_names_that_differ_in_case_are_no_trap),
        WITH_DIR(test_no_flipped_bit_goes_unnoticed),
        WITH_DIR(test_encrypted_entries_are_refused_and_named),
        WITH_DIR(test_owner_is_given_to_everything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
