/* Names of caches, what goes into one, what comes out, folders of this machine. */
#include "../../cmocka_.h"

#include "flow/cache/content.h"
#include "flow/cache/local.h"
#include "flow/cache/name.h"
#include "platform/archive/extract.h"
#include "platform/os/fd.h"
#include "platform/os/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static struct arena arena;
static struct err err;
static const char *root; /* stands for the container's root */
static struct buf said;
static struct plan plan;

#define OK(call)                                                                                   \
    do {                                                                                           \
        if ((call) < 0) {                                                                          \
            fail_msg("%s: %s", #call, err.msg);                                                    \
        }                                                                                          \
    } while (0)

static int setup(void **state) {
    (void)state;
    arena_init(&arena);
    buf_init(&said, 1 << 20);
    err = ERR_INIT;
    OK(dir_make_temp(&arena, "cache", &root, &err));
    plan = (struct plan){.account = S("111111111111"),
                         .region = S("eu-west-2"),
                         .project = S("web"),
                         .data_dir = str_c(root),
                         .cache = {.kind = PLAN_CACHE_S3, .bucket = S("b"), .prefix = S("c/d")}};
    return 0;
}

static int teardown(void **state) {
    (void)state;
    OK(tree_remove(root, &err));
    buf_done(&said);
    arena_done(&arena);
    return 0;
}

static struct str_list list_of(const char *first, const char *second) {
    struct str_list list = {0};
    *arena_push(&arena, &list) = str_c(first);
    if (second != NULL) {
        *arena_push(&arena, &list) = str_c(second);
    }
    return list;
}

static const char *name_of(const struct str_list *paths, const char *key) {
    struct str name = STR_NONE;
    OK(cache_object_name(&arena, &plan, paths, str_c(key), &name, &err));
    return str_z(&arena, name);
}

static void test_without_a_key_a_project_has_one_object(void **state) {
    (void)state;
    struct str_list paths = list_of("node_modules/**/*", NULL);
    assert_string_equal(name_of(&paths, NULL), "c/d/project-111111111111-eu-west-2-web/cache.zip");
    plan.cache.prefix = S("");
    plan.cache.generation = 3;
    assert_string_equal(name_of(&paths, NULL), "project-111111111111-eu-west-2-web.3/cache.zip");
    plan.cache.name_space = S("team/a");
    assert_string_equal(name_of(&paths, NULL), "namespace-team%2Fa.3/cache.zip");
}

static void test_a_key_counts_with_the_list_of_paths(void **state) {
    (void)state;
    struct str_list one = list_of("a", "b");
    struct str_list other = list_of("b", "a");
    struct str_list joined = list_of("a\nb", NULL);
    assert_string_equal(name_of(&one, "k"), name_of(&one, "k"));
    assert_string_not_equal(name_of(&one, "k"), name_of(&other, "k"));
    assert_string_not_equal(name_of(&one, "k"), name_of(&joined, "k"));
    assert_string_not_equal(name_of(&one, "k"), name_of(&one, "K"));
}

static void test_a_prefix_of_a_key_is_a_prefix_of_its_name(void **state) {
    (void)state;
    struct str_list paths = list_of("a", NULL);
    struct str prefix = cache_object_prefix(&arena, &plan, &paths, S("npm/\xc3"));
    assert_true(str_starts(str_c(name_of(&paths, "npm/\xc3\xa9 x")), prefix));
    assert_false(str_starts(str_c(name_of(&paths, "npm-\xc3\xa9 x")), prefix));
    assert_null(strstr(name_of(&paths, "../../up"), ".."));
}

static void test_a_key_that_is_empty_or_too_long_is_refused(void **state) {
    (void)state;
    struct str_list paths = list_of("a", NULL);
    struct str name = STR_NONE;
    char *big = arena_alloc(&arena, 600);
    memset(big, 'k', 600);
    assert_int_equal(cache_object_name(&arena, &plan, &paths, S(""), &name, &err), -1);
    assert_int_equal(cache_object_name(&arena, &plan, &paths, str_n(big, 513), &name, &err), -1);
    assert_int_equal(err.kind, ERR_LIMIT);
    memset(big, '/', 600); /* three bytes each, when encoded */
    assert_int_equal(cache_object_name(&arena, &plan, &paths, str_n(big, 512), &name, &err), -1);
    err = ERR_INIT;
}

/* ---- content ---- */

static const char *at(const char *path) {
    return str_printf(&arena, "%s/%s", root, path).p;
}

static void file(const char *path, const char *text) {
    struct str folder = str_c(at(path));
    OK(dir_make(str_z(&arena, str_sub(folder, 0, str_rfind_c(folder, '/'))), 0755, &err));
    OK(file_write(at(path), str_c(text), 0755, &err));
}

static void say(void *ud, struct str line) {
    (void)ud;
    buf_add(&said, line);
    buf_add_c(&said, '\n');
}

/* Packs the paths out of /src and unpacks them to /stage. */
static size_t pack(const struct str_list *paths, int root_fd) {
    size_t files = 0;
    int fd cleanup_fd = file_open(at("cache.zip"), O_RDWR | O_CREAT | O_TRUNC, 0600, &err);
    struct cache_content content = {root_fd, S("/src"), paths, say, NULL};
    OK(cache_pack(&arena, &content, fd, &files, &err));
    if (files > 0) {
        struct extract_result result;
        struct extract_limits limits = {0};
        OK(dir_make(at("stage"), 0755, &err));
        int stage cleanup_fd = file_open(at("stage"), O_RDONLY | O_DIRECTORY, 0, &err);
        assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
        OK(archive_extract(fd, stage, &limits, (uid_t)-1, (gid_t)-1, &result, &err));
    }
    return files;
}

/* "f /from /to\n" for each. */
static const char *placement(const struct str_list *paths, int root_fd, struct str links) {
    struct cache_content content = {root_fd, S("/src2"), paths, say, NULL};
    struct str list = STR_NONE;
    size_t files = 0;
    struct buf out cleanup_buf;
    buf_init(&out, 1 << 20);
    OK(cache_placement(&arena, &content, S("/stage"), links, &list, &files, &err));
    while (list.n > 0) {
        struct str from = STR_NONE;
        struct str to = STR_NONE;
        assert_true(str_cut(&list, '\0', &from) && str_cut(&list, '\0', &to));
        buf_printf(&out, "%c %.*s %.*s\n", from.p[0], (int)from.n - 1, from.p + 1, STR_ARG(to));
    }
    return str_z(&arena, buf_str(&out));
}

static void test_files_and_links_come_back_to_the_next_builds_source(void **state) {
    (void)state;
    file("src/deps/a/one.js", "1");
    file("src/deps/b.js", "2");
    file("src/other", "3");
    file("root/.m2/x/y.jar", "4");
    assert_int_equal(symlink("../deps/b.js", at("src/deps/link")), 0);
    assert_int_equal(symlink("/usr/bin/python3", at("src/deps/python")), 0);
    assert_int_equal(symlink("nowhere", at("src/deps/dangling")), 0);
    int root_fd cleanup_fd = file_open(root, O_RDONLY | O_DIRECTORY, 0, &err);
    struct str_list paths = list_of("deps", "/root/.m2/**/*");
    assert_int_equal(pack(&paths, root_fd), 6);
    struct str links = STR_NONE;
    OK(file_read(&arena, at("stage/links"), 1 << 20, &links, &err));
    assert_string_equal(placement(&paths, root_fd, links),
                        "f /stage/src/deps/a/one.js /src2/deps/a/one.js\n"
                        "f /stage/src/deps/b.js /src2/deps/b.js\n"
                        "f /stage/root/root/.m2/x/y.jar /root/.m2/x/y.jar\n"
                        "l nowhere /src2/deps/dangling\n"
                        "l ../deps/b.js /src2/deps/link\n"
                        "l /usr/bin/python3 /src2/deps/python\n");
}

static void test_nothing_is_packed_where_nothing_matches(void **state) {
    (void)state;
    file("src/a", "1");
    int root_fd cleanup_fd = file_open(root, O_RDONLY | O_DIRECTORY, 0, &err);
    struct str_list paths = list_of("none/**/*", "/gone");
    assert_int_equal(pack(&paths, root_fd), 0);
}

static void test_what_lies_outside_the_paths_is_not_placed(void **state) {
    (void)state;
    file("stage/src/deps/a", "1");
    file("stage/src/Makefile", "evil");
    file("stage/root/usr/bin/sh", "evil");
    file("stage/other/x", "evil");
    int root_fd cleanup_fd = file_open(root, O_RDONLY | O_DIRECTORY, 0, &err);
    struct str_list paths = list_of("deps/**/*", NULL);
    struct str links = S("src/deps/ok\0t\0src/Makefile\0/etc\0root/usr/bin/ls\0/x\0"
                         "src/deps/../../up\0/x\0elsewhere\0/x\0cut off");
    assert_string_equal(placement(&paths, root_fd, links), "f /stage/src/deps/a /src2/deps/a\n"
                                                           "l t /src2/deps/ok\n");
    assert_non_null(strstr(str_z(&arena, buf_str(&said)),
                           "Skipping cache entry: path \"Makefile\" is not within allowed cache "
                           "paths\n"));
}

/* ---- this machine ---- */

static void test_folders_are_named_without_the_patterns_at_their_end(void **state) {
    (void)state;
    static const struct {
        const char *path, *folder;
    } cases[] = {
        {"/root/.m2/**/*", "/root/.m2"},
        {"/root/.npm/", "/root/.npm"},
        {"deps", "/src/deps"},
        {"./deps/**/*", "/src/deps"},
        {"a//b/*", "/src/a/b"},
        {"**/*", NULL},
        {"/", NULL},
        {"", NULL},
        {"/*", NULL},
        {"../x", NULL},
        {"/a/../../etc", NULL},
        {"/a/*/b", NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct str folder = cache_local_folder(&arena, str_c(cases[i].path), S("/src"));
        if (!str_eq(folder, str_c(cases[i].folder))) {
            fail_msg("%s gives %.*s", cases[i].path, STR_ARG(folder));
        }
    }
}

static void test_a_folder_is_one_builds_at_a_time_and_of_one_generation(void **state) {
    (void)state;
    const char *path = NULL;
    const char *other = NULL;
    int lock cleanup_fd = -1;
    int second cleanup_fd = -1;
    assert_int_equal(cache_local_open(&arena, &plan, CACHE_LOCAL_CUSTOM, &path, &lock, &err), 1);
    assert_int_equal(cache_local_open(&arena, &plan, CACHE_LOCAL_CUSTOM, &other, &second, &err), 0);
    assert_int_equal(cache_local_open(&arena, &plan, CACHE_LOCAL_DOCKER, &other, &second, &err), 1);
    fd_closep(&lock);
    fd_closep(&second);
    plan.cache.generation = 1;
    assert_int_equal(cache_local_open(&arena, &plan, CACHE_LOCAL_CUSTOM, &other, &second, &err), 1);
    assert_string_not_equal(path, other);
    assert_false(file_exists(path));
    plan.project = S("../web");
    assert_int_equal(cache_local_open(&arena, &plan, CACHE_LOCAL_CUSTOM, &path, &lock, &err), -1);
    err = ERR_INIT;
}

static void test_caches_are_listed_by_owner_and_removed_unless_in_use(void **state) {
    (void)state;
    const char *path = NULL;
    int lock cleanup_fd = -1;
    struct cache_locals all;
    OK(cache_local_list(&arena, root, &all, &err));
    assert_int_equal(all.n, 0);
    assert_int_equal(cache_local_open(&arena, &plan, CACHE_LOCAL_CUSTOM, &path, &lock, &err), 1);
    OK(cache_local_list(&arena, root, &all, &err));
    assert_int_equal(all.n, 1);
    assert_true(str_is(all.v[0].account, "111111111111") && str_is(all.v[0].project, "web"));
    assert_int_equal(cache_local_remove(&arena, &all.v[0], &err), 0);
    assert_true(file_exists(path));
    fd_closep(&lock);
    assert_int_equal(cache_local_remove(&arena, &all.v[0], &err), 1);
    assert_false(file_exists(all.v[0].path));
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(test_without_a_key_a_project_has_one_object),
        CASE(test_a_key_counts_with_the_list_of_paths),
        CASE(test_a_prefix_of_a_key_is_a_prefix_of_its_name),
        CASE(test_a_key_that_is_empty_or_too_long_is_refused),
        CASE(test_files_and_links_come_back_to_the_next_builds_source),
        CASE(test_nothing_is_packed_where_nothing_matches),
        CASE(test_what_lies_outside_the_paths_is_not_placed),
        CASE(test_folders_are_named_without_the_patterns_at_their_end),
        CASE(test_caches_are_listed_by_owner_and_removed_unless_in_use),
        CASE(test_a_folder_is_one_builds_at_a_time_and_of_one_generation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
