/* Which files become an artifact, also in a tree made by an enemy. */
#include "../../cmocka_.h"

#include "base/arena.h"
#include "base/buf.h"
#include "flow/artifact/select.h"
#include "platform/os/fd.h"
#include "platform/os/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static struct arena arena;
static const char *root;
static int root_fd = -1;
static struct buf said;

static const char *at(const char *path) {
    return str_printf(&arena, "%s/%s", root, path).p;
}

static void make(const char *path) {
    struct err err = ERR_INIT;
    const char *full = at(path);
    assert_int_equal(dir_make(str_z(&arena, str_n(full, strrchr(full, '/') - full)), 0755, &err),
                     0);
    assert_int_equal(file_write(full, str_c(path), 0644, &err), 0);
}

static int setup(void **state) {
    (void)state;
    arena_init(&arena);
    buf_init(&said, 100000);
    struct err err = ERR_INIT;
    assert_int_equal(dir_make_temp(&arena, "test_select", &root, &err), 0);
    static const char *const files[] = {"src/a.txt",   "src/.hidden",     "src/dir/b.txt",
                                        "src/dir/c.c", "src/dir/sub/d.c", "src/out-1/x",
                                        "src/out-2/y", "src/.git/config", "etc/passwd"};
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        make(files[i]);
    }
    root_fd = file_open(root, O_RDONLY | O_DIRECTORY, 0, &err);
    assert_true(root_fd >= 0);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    close(root_fd);
    assert_int_equal(tree_remove(root, &err), 0);
    buf_done(&said);
    arena_done(&arena);
    return 0;
}

static void hear(void *ud, struct str line) {
    (void)ud;
    buf_add(&said, line);
    buf_add_c(&said, '\n');
}

static int select_files(const char *files, const char *exclude, const char *base, bool flat,
                        struct artifact_files *ret, struct err *err) {
    struct str_list wanted = {0};
    struct str_list unwanted = {0};
    struct str rest = str_c(files);
    struct str part = STR_NONE;
    while (str_cut(&rest, ' ', &part)) {
        *arena_push(&arena, &wanted) = part;
    }
    if (exclude != NULL) {
        *arena_push(&arena, &unwanted) = str_c(exclude);
    }
    struct artifact_selection selection = {.root_fd = root_fd,
                                           .directory = S("/src"),
                                           .base_directory = str_c(base),
                                           .files = &wanted,
                                           .exclude = &unwanted,
                                           .discard_paths = flat,
                                           .say = hear};
    return artifact_select(&arena, &selection, ret, err);
}

static void assert_selected(const char *files, const char *exclude, const char *base, bool flat,
                            const char *expected) {
    struct artifact_files found = {0};
    struct err err = ERR_INIT;
    if (select_files(files, exclude, base, flat, &found, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    struct buf names cleanup_buf;
    buf_init(&names, 10000);
    for (size_t i = 0; i < found.n; i++) {
        buf_printf(&names, "%s" STR_FMT, i ? " " : "", STR_ARG(found.v[i].name));
    }
    assert_string_equal(str_z(&arena, buf_str(&names)), expected);
}

static void test_patterns_stand_for_what_the_documents_say(void **state) {
    (void)state;
    assert_true(artifact_match(S("**/*"), S("a")));
    assert_true(artifact_match(S("**/*"), S("a/b/.c")));
    assert_false(artifact_match(S("*"), S("a/b")));
    assert_true(artifact_match(S("dir/**/*.c"), S("dir/c.c")));
    assert_true(artifact_match(S("dir/**/*.c"), S("dir/x/y/c.c")));
    assert_false(artifact_match(S("dir/**/*.c"), S("other/c.c")));
    assert_true(artifact_match(S("**/.*/**/*"), S("x/.git/y/z")));
    assert_false(artifact_match(S("**/.*/**/*"), S("x/git/y")));
    assert_true(artifact_match(S("**/a/**/b/*"), S("a/x/a/b/c/b/d")));
    assert_true(artifact_match(S("[a-c]?[!x]"), S("bzy")));
    assert_false(artifact_match(S("[a-c]?[!x]"), S("bzx")));
    assert_false(artifact_match(S("a/b"), S("a")));
    assert_false(artifact_match(S("a"), S("a/b")));
    assert_true(artifact_match(S("*a*a*a*a*a*a*a*b"), S("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab")));
    assert_false(artifact_match(S("*a*a*a*a*a*a*a*b"), S("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")));
}

static void test_files_are_relative_to_the_base_directory(void **state) {
    (void)state;
    assert_selected("**/*", "**/.*", NULL, false,
                    ".git/config a.txt dir/b.txt dir/c.c dir/sub/d.c out-1/x out-2/y");
    assert_selected("**/*", "**/.git/**/*", NULL, false,
                    ".hidden a.txt dir/b.txt dir/c.c dir/sub/d.c out-1/x out-2/y");
    assert_selected("dir/*", NULL, NULL, false, "dir/b.txt dir/c.c");
    assert_selected("*", NULL, NULL, false, ".hidden a.txt");
    assert_selected("**/*.c a.txt", NULL, NULL, false, "a.txt dir/c.c dir/sub/d.c");
    assert_selected("**/*", NULL, "dir", false, "b.txt c.c sub/d.c");
    assert_selected("**/*", NULL, "out-*", false, "x y");
    assert_selected("**/*.c", NULL, NULL, true, "c.c d.c");
    assert_selected("/src/dir/c.c /etc/passwd", NULL, NULL, false, "dir/c.c etc/passwd");
}

static void test_nothing_found_says_it_in_codebuilds_words(void **state) {
    (void)state;
    struct artifact_files found = {0};
    struct err err = ERR_INIT;
    assert_int_equal(select_files("nope", NULL, NULL, false, &found, &err), -1);
    assert_string_equal(err.msg, "no matching artifact paths found");
    assert_true(str_is(buf_str(&said), "Expanding base directory path: .\nAssembling file list\n"
                                       "Expanding .\nExpanding file paths for base directory .\n"
                                       "Assembling file list\nExpanding nope\n"
                                       "Skipping invalid file path nope\n"));
    assert_int_equal(select_files("*", NULL, "nowhere", false, &found, &err), -1);
    assert_string_equal(err.msg, "no matching base directory path found for nowhere");
}

static void test_links_out_and_loops_of_links_lead_nowhere(void **state) {
    (void)state;
    assert_int_equal(symlink("/etc/shadow", at("src/shadow")), 0);
    assert_int_equal(symlink("../../../../../../etc/hostname", at("src/hostname")), 0);
    assert_int_equal(symlink(".", at("src/loop")), 0);
    assert_int_equal(symlink("/etc/passwd", at("src/out-of-the-source")), 0);
    assert_int_equal(symlink("/src/dir/b.txt", at("src/absolute")), 0);
    assert_int_equal(symlink("dir/c.c", at("src/relative")), 0);
    assert_int_equal(mkfifo(at("src/pipe"), 0600), 0);
    assert_selected("*", NULL, NULL, false, ".hidden a.txt absolute relative");
    assert_true(str_find(buf_str(&said),
                         S("link out of the source directory src/out-of-the-source"),
                         0) != (size_t)-1);
    struct artifact_files found = {0};
    struct err err = ERR_INIT;
    assert_int_equal(select_files("**/*", NULL, "../../..", false, &found, &err), 0);
    for (size_t i = 0; i < found.n; i++) {
        assert_true(str_starts(found.v[i].name, S("src/")) ||
                    str_is(found.v[i].name, "etc/passwd"));
    }
}

static void test_deep_trees_are_refused(void **state) {
    (void)state;
    struct buf path cleanup_buf;
    buf_init(&path, 10000);
    buf_add_z(&path, "src");
    for (int i = 0; i <= ARTIFACT_MAX_DEPTH; i++) {
        buf_add_z(&path, "/d");
    }
    buf_add_z(&path, "/file");
    make(str_z(&arena, buf_str(&path)));
    struct artifact_files found = {0};
    struct err err = ERR_INIT;
    assert_int_equal(select_files("**/*", NULL, NULL, false, &found, &err), -1);
    assert_int_equal(err.kind, ERR_LIMIT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_patterns_stand_for_what_the_documents_say, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_files_are_relative_to_the_base_directory, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_nothing_found_says_it_in_codebuilds_words, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_links_out_and_loops_of_links_lead_nowhere, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_deep_trees_are_refused, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
