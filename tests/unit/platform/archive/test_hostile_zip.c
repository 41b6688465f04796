/*
 * Archives made to hurt, byte by byte: a million entries, sizes that lie, entries that share their
 * bytes. Each is refused with a reason, or unpacked in bounded memory and processor time.
 * TRUNKLINE_TEST_FULL=1 also unpacks a million files (a minute or two); otherwise 20,000.
 */
#include "../../cmocka_.h"

#include "zip_maker.h"

#include "platform/archive/extract.h"
#include "platform/os/fd.h"
#include "platform/os/file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#define SLOWER 8
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SLOWER 8
#endif
#endif
#ifndef SLOWER
#define SLOWER 1
#endif

enum { MILLION = 1000000, MEMORY_MAX_KB = 256 * 1024 };

struct fixture {
    struct arena a;
    struct err err;
    const char *dir;
    int out;
};

static int setup(void **state) {
    static struct fixture f;
    f = (struct fixture){ARENA_INIT, ERR_INIT, NULL, -1};
    *state = &f;
    if (dir_make_temp(&f.a, "test-zip", &f.dir, &f.err) < 0) {
        return -1;
    }
    f.out = file_open(f.dir, O_RDONLY | O_DIRECTORY, 0, &f.err);
    return f.out < 0 ? -1 : 0;
}

static int teardown(void **state) {
    struct fixture *f = *state;
    fd_closep(&f->out);
    int result = tree_remove(f->dir, &f->err);
    arena_done(&f->a);
    return result;
}

static int file_of(const struct buf *b) {
    int fd = memfd_create("archive", MFD_CLOEXEC);
    struct err err = ERR_INIT;
    assert_int_equal(fd_write_all(fd, b->p, b->n, &err), 0);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    return fd;
}

/* Unpacks; what the helper process used must lie within the bounds, whatever came of it. */
static int extract(struct fixture *f, int fd, const struct extract_limits *limits, unsigned seconds,
                   struct extract_result *ret) {
    struct rusage before;
    struct rusage after;
    f->err = ERR_INIT;
    getrusage(RUSAGE_CHILDREN, &before);
    int result = archive_extract(fd, f->out, limits, (uid_t)-1, (gid_t)-1, ret, &f->err);
    getrusage(RUSAGE_CHILDREN, &after);
    assert_in_range(after.ru_utime.tv_sec + after.ru_stime.tv_sec - before.ru_utime.tv_sec -
                        before.ru_stime.tv_sec,
                    0, seconds * SLOWER);
    if (SLOWER == 1) {
        assert_in_range(after.ru_maxrss, 0, MEMORY_MAX_KB);
    }
    return result;
}

static size_t files_made(struct fixture *f) {
    struct str_list names = {0};
    assert_int_equal(dir_list(&f->a, f->dir, &names, &f->err), 0);
    return names.n;
}

static void assert_refused(struct fixture *f, int fd, enum err_kind kind, const char *part) {
    assert_int_equal(extract(f, fd, NULL, 5, NULL), -1);
    if (f->err.kind != kind || strstr(f->err.msg, part) == NULL) {
        fail_msg("wanted '%s', not '%s' (kind %d)", part, f->err.msg, f->err.kind);
    }
}

/* `made` is refused with `part` in the message. */
static void refuse(struct fixture *f, const struct made_zip *zip, const struct made_entry *made,
                   size_t n, enum err_kind kind, const char *part) {
    struct buf b cleanup_buf;
    buf_init(&b, 256 << 20);
    make_zip(&b, zip, made, n);
    int fd cleanup_fd = file_of(&b);
    assert_refused(f, fd, kind, part);
}

static void flush(struct buf *b, int fd, size_t from) {
    struct err err = ERR_INIT;
    if (b->n >= from) {
        assert_int_equal(fd_write_all(fd, b->p, b->n, &err), 0);
        buf_clear(b);
    }
}

/* n empty files in folders of a thousand, as zip64; its end tells `count`. What we hold in memory
 * would count as the helper's, which begins as our copy: so it goes out piece by piece. */
static int file_of_many(size_t n, uint32_t count) {
    int fd = memfd_create("archive", MFD_CLOEXEC);
    int list cleanup_fd = memfd_create("list", MFD_CLOEXEC);
    struct buf own cleanup_buf;
    struct buf listed cleanup_buf;
    char piece[65536];
    uint64_t front = 0;
    buf_init(&own, 1 << 20);
    buf_init(&listed, 1 << 20);
    for (size_t i = 0; i < n; i++) {
        char name[48];
        snprintf(name, sizeof(name), "%zu/%zu", i / 1000, i % 1000);
        const struct made_entry e = {.name = name};
        const struct made_told t = {.offset = front};
        size_t before = own.n;
        put_own_header(&own, &e, &t);
        front += own.n - before;
        put_listed(&listed, &e, &t);
        flush(&own, fd, sizeof(piece));
        flush(&listed, list, sizeof(piece));
    }
    flush(&own, fd, 1);
    flush(&listed, list, 1);
    int64_t bytes = lseek(list, 0, SEEK_CUR);
    assert_int_equal(lseek(list, 0, SEEK_SET), 0);
    for (ssize_t got = 0; (got = read(list, piece, sizeof(piece))) > 0;) {
        assert_int_equal(write(fd, piece, (size_t)got), got);
    }
    put_end(&own, &(struct made_zip){.wide = true, .count = count}, n, front, (uint64_t)bytes);
    flush(&own, fd, 1);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    return fd;
}

static void test_more_than_a_million_entries_are_refused_before_any_is_made(void **state) {
    struct fixture *f = *state;
    static const uint32_t told[] = {0, 3}; /* the truth, and a lie */
    for (size_t i = 0; i < 2; i++) {
        int fd cleanup_fd = file_of_many(MILLION + 1, told[i]);
        assert_refused(f, fd, ERR_LIMIT, "more than 1000000 entries");
        assert_int_equal(files_made(f), 0);
    }
}

static void test_a_million_empty_files_are_unpacked_in_bounds(void **state) {
    struct fixture *f = *state;
    struct extract_result result = {0};
    size_t n = getenv("TRUNKLINE_TEST_FULL") ? MILLION : 20000;
    int fd cleanup_fd = file_of_many(n, 0);
    if (extract(f, fd, NULL, 300, &result) < 0) {
        fail_msg("%s", f->err.msg);
    }
    assert_int_equal(result.entries, n);
    assert_int_equal(files_made(f), n / 1000);
}

/* A tar has no directory: its entries are counted as they come. A thousand headers are compressed
 * once, and repeated as further members of the gzip. */
static void test_entries_of_a_tar_are_counted_as_they_come(void **state) {
    struct fixture *f = *state;
    char header[512] = "./";
    snprintf(header + 100, 8, "%07o", 0755);
    snprintf(header + 108, 8, "%07o", 0);
    snprintf(header + 116, 8, "%07o", 0);
    snprintf(header + 124, 12, "%011o", 0);
    snprintf(header + 136, 12, "%011o", 0);
    memset(header + 148, ' ', 8);
    header[156] = '5'; /* a folder: the one that everything is unpacked into */
    memcpy(header + 257, "ustar\00000", 8);
    unsigned sum = 0;
    for (size_t i = 0; i < sizeof(header); i++) {
        sum += (unsigned char)header[i];
    }
    snprintf(header + 148, 8, "%06o", sum);
    struct buf plain cleanup_buf;
    struct buf body cleanup_buf;
    struct buf whole cleanup_buf;
    buf_init(&plain, 1 << 20);
    buf_init(&body, 1 << 20);
    buf_init(&whole, 64 << 20);
    for (int i = 0; i < 1000; i++) {
        buf_add(&plain, str_n(header, sizeof(header)));
    }
    struct str packed = deflate_raw(buf_str(&plain), &body);
    for (int i = 0; i < 1001; i++) {
        put(&whole, 0x00088b1f, 4);
        put(&whole, 0, 6);
        buf_add(&whole, packed);
        put(&whole, crc32_add(0, buf_str(&plain)), 4);
        put(&whole, plain.n, 4);
    }
    int fd cleanup_fd = file_of(&whole);
    assert_refused(f, fd, ERR_LIMIT, "more than 1000000 entries");
}

static void test_sizes_that_lie_are_refused(void **state) {
    struct fixture *f = *state;
    struct str text = S("some text, some text, some text that can be packed");
    const struct made_zip zip = {0};
    const struct made_entry lies[] = {
        {.name = "small", .content = text, .deflated = true, .unpacked = 10},
        {.name = "large", .content = text, .deflated = true, .unpacked = 4000000000U},
        {.name = "short", .content = text, .deflated = true, .packed = 9},
        {.name = "long", .content = text, .deflated = true, .packed = 70},
        {.name = "beyond", .content = text, .deflated = true, .packed = 4000000000U},
        {.name = "stored-small", .content = text, .unpacked = 10},
        {.name = "stored-large", .content = text, .unpacked = 4000000000U},
        {.name = "stored-short", .content = text, .packed = 10, .unpacked = 10},
        {.name = "listed-small", .content = text, .deflated = true, .listed_unpacked = 10},
        {.name = "listed-large", .content = text, .deflated = true, .listed_unpacked = 99},
    };
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        struct made_entry two[] = {lies[i], {.name = "next", .content = S("next")}};
        struct buf b cleanup_buf;
        buf_init(&b, 1 << 20);
        make_zip(&b, &zip, two, 2);
        int fd cleanup_fd = file_of(&b);
        struct extract_result result = {0};
        if (extract(f, fd, NULL, 5, &result) == 0) {
            fail_msg("'%s' was unpacked", lies[i].name);
        }
        bool refused = f->err.kind == ERR_INVALID || f->err.kind == ERR_LIMIT;
        if (!refused || strstr(f->err.msg, "signal") != NULL) {
            fail_msg("'%s': %s", lies[i].name, f->err.msg);
        }
        assert_int_equal(tree_remove(str_printf(&f->a, "%s/%s", f->dir, lies[i].name).p, &f->err),
                         0);
        assert_int_equal(tree_remove(str_printf(&f->a, "%s/next", f->dir).p, &f->err), 0);
    }
}

static void test_many_entries_of_one_content_are_refused(void **state) {
    struct fixture *f = *state;
    enum { COPIES = 65000 };
    char(*names)[16] = calloc(COPIES, sizeof(*names));
    struct made_entry *entries = calloc(COPIES, sizeof(*entries));
    for (size_t i = 0; i < COPIES; i++) {
        /* All under the name that the one header has: a name for each would be refused anyway. */
        entries[i] = (struct made_entry){.name = "bomb", .content = S("0"), .same_as = i > 0};
        snprintf(names[i], sizeof(names[i]), "copy-%zu", i);
    }
    refuse(f, &(struct made_zip){0}, entries, COPIES, ERR_LIMIT, "share its bytes");
    for (size_t i = 1; i < COPIES; i++) {
        entries[i].listed_as = names[i];
    }
    refuse(f, &(struct made_zip){0}, entries, COPIES, ERR_INVALID, "'copy-1' has another name");
    assert_int_equal(files_made(f), 0);
    free(entries);
    free(names);
}

/* The better zip bomb: a content that holds the next entries' headers, and is unpacked with each.
 */
static void test_entries_inside_of_others_are_refused(void **state) {
    struct fixture *f = *state;
    for (int wide = 0; wide < 2; wide++) {
        struct buf inner cleanup_buf;
        buf_init(&inner, 10000);
        struct made_entry second = {.name = "second", .content = S("inner"), .wide = wide == 1};
        struct made_told told = {.packed = 5, .unpacked = 5, .crc = crc32_add(0, S("inner"))};
        put_own_header(&inner, &second, &told);
        buf_add_z(&inner, "inner");
        second.inside_of = 1;
        second.inside_at = 30 + strlen("first") + (wide ? 20 : 0);
        const struct made_entry both[] = {
            {.name = "first", .content = buf_str(&inner), .wide = wide == 1}, second};
        refuse(f, &(struct made_zip){.wide = wide == 1}, both, 2, ERR_LIMIT, "share its bytes");
        assert_int_equal(files_made(f), 0);
    }
}

/* Out of order is not overlapping. */
static void test_a_directory_in_another_order_is_unpacked(void **state) {
    struct fixture *f = *state;
    struct made_told told[9];
    struct buf b cleanup_buf;
    buf_init(&b, 10000);
    static const char *const names[9] = {"0", "1", "2", "3", "4", "5", "6", "7", "8"};
    for (size_t i = 0; i < 9; i++) {
        const struct made_entry e = {.name = names[i]};
        told[i] = (struct made_told){.offset = b.n};
        put_own_header(&b, &e, &told[i]);
    }
    size_t front = b.n;
    for (size_t i = 0; i < 9; i++) {
        size_t k = i * 5 % 9;
        put_listed(&b, &(struct made_entry){.name = names[k]}, &told[k]);
    }
    put_end(&b, &(struct made_zip){0}, 9, front, b.n - front);
    int fd cleanup_fd = file_of(&b);
    assert_int_equal(extract(f, fd, NULL, 5, NULL), 0);
    assert_int_equal(files_made(f), 9);
}

static void test_zip64_whose_entries_overlap_is_refused(void **state) {
    struct fixture *f = *state;
    struct str text = S("some text");
    const struct made_entry same[] = {{.name = "one", .content = text, .wide = true},
                                      {.name = "one", .content = text, .wide = true, .same_as = 1}};
    const struct made_entry far[] = {
        {.name = "one", .content = text, .wide = true},
        {.name = "two", .content = text, .wide = true, .inside_of = 1, .inside_at = 1U << 31}};
    refuse(f, &(struct made_zip){.wide = true}, same, 2, ERR_LIMIT, "share its bytes");
    refuse(f, &(struct made_zip){.wide = true}, far, 2, ERR_INVALID, "behind its directory");
}

static void test_a_directory_that_counts_wrongly_is_refused(void **state) {
    struct fixture *f = *state;
    const struct made_entry two[] = {{.name = "one", .content = S("1")},
                                     {.name = "two", .content = S("2")}};
    refuse(f, &(struct made_zip){.count = 1}, two, 2, ERR_INVALID, "2 entries and counts 1");
    refuse(f, &(struct made_zip){.count = 7, .wide = true}, two, 2, ERR_INVALID, "counts 7");
    refuse(f, &(struct made_zip){.count = 2000000, .wide = true}, two, 2, ERR_LIMIT, "entries");
}

/* What other programs write: to a pipe, as zip64, with a comment, with a program in front. */
static void test_what_others_write_is_unpacked(void **state) {
    struct fixture *f = *state;
    struct str text = S("some text, some text, some text that can be packed");
    static const struct made_zip zips[] = {
        {0}, {.wide = true}, {.comment = "a comment"}, {.in_front = "#!/bin/sh\nexit 0\n"}};
    for (size_t i = 0; i < sizeof(zips) / sizeof(zips[0]); i++) {
        struct buf b cleanup_buf;
        buf_init(&b, 1 << 20);
        const struct made_entry entries[] = {
            {.name = "stored", .content = text},
            {.name = "packed", .content = text, .deflated = true},
            {.name = "piped", .content = text, .deflated = true, .descriptor = true},
            {.name = "d/empty", .content = S("")},
            /* libarchive does not find one behind something else. */
            {.name = "wide", .content = text, .deflated = true, .wide = true},
        };
        size_t n = zips[i].in_front ? 4 : 5;
        make_zip(&b, &zips[i], entries, n);
        int fd cleanup_fd = file_of(&b);
        struct extract_result result = {0};
        if (extract(f, fd, NULL, 5, &result) < 0) {
            fail_msg("zip %zu: %s", i, f->err.msg);
        }
        assert_int_equal(result.entries, n);
        for (size_t k = 0; k < n; k++) {
            struct str back = STR_NONE;
            const char *path = str_printf(&f->a, "%s/%s", f->dir, entries[k].name).p;
            assert_int_equal(file_read(&f->a, path, 1000, &back, &f->err), 0);
            assert_true(str_eq(back, entries[k].content));
            assert_int_equal(tree_remove(path, &f->err), 0);
        }
        assert_int_equal(tree_remove(str_printf(&f->a, "%s/d", f->dir).p, &f->err), 0);
    }
}

#define WITH_DIR(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        WITH_DIR(test_more_than_a_million_entries_are_refused_before_any_is_made),
        WITH_DIR(test_a_million_empty_files_are_unpacked_in_bounds),
        WITH_DIR(test_entries_of_a_tar_are_counted_as_they_come),
        WITH_DIR(test_sizes_that_lie_are_refused),
        WITH_DIR(test_many_entries_of_one_content_are_refused),
        WITH_DIR(test_entries_inside_of_others_are_refused),
        WITH_DIR(test_a_directory_in_another_order_is_unpacked),
        WITH_DIR(test_zip64_whose_entries_overlap_is_refused),
        WITH_DIR(test_a_directory_that_counts_wrongly_is_refused),
        WITH_DIR(test_what_others_write_is_unpacked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
