/* Mirrors of real repositories made by the git program. */
#include "../cmocka_.h"

#include "flow/artifact/git.h"
#include "platform/os/file.h"
#include "platform/os/process.h"

#include <stdlib.h>
#include <unistd.h>

struct repo {
    struct arena arena;
    const char *dir;    /* everything lies here */
    const char *origin; /* bare */
    const char *work;
    struct err err;
};

static void run(struct repo *r, const char *script) {
    const char *const argv[] = {"sh", "-ec", script, NULL};
    struct process_run spec = {.spec = PROCESS_SPEC_INIT, .timeout_ms = 30000};
    spec.spec.argv = argv;
    spec.spec.dir = r->dir;
    if (process_run(&r->arena, &spec, NULL, NULL, NULL, &r->err) < 0) {
        fail_msg("%s: %s", script, r->err.msg);
    }
}

static int set_up(void **state) {
    struct repo *r = calloc(1, sizeof(*r));
    *state = r;
    assert_int_equal(dir_make_temp(&r->arena, "trunkline-test-git", &r->dir, &r->err), 0);
    setenv("GIT_CONFIG_GLOBAL", "/dev/null", 1);
    run(r, "git init -q --bare -b main origin.git && git clone -q origin.git work 2>/dev/null; "
           "cd work; git symbolic-ref HEAD refs/heads/main; git config user.name 'Ada Lovelace'; "
           "git config user.email ada@example.org; mkdir docs; echo one > a.txt; echo d > docs/d; "
           "ln -s a.txt link; echo 'a.txt export-ignore' > .gitattributes; git add -A; "
           "git commit -qm 'First subject' -m 'And a body'; git push -q origin main");
    r->origin = str_printf(&r->arena, "%s/origin.git", r->dir).p;
    return 0;
}

static int tear_down(void **state) {
    struct repo *r = *state;
    int removed = tree_remove(r->dir, &r->err);
    arena_done(&r->arena);
    free(r);
    return removed;
}

static struct git_mirror mirror(struct repo *r) {
    struct git_mirror m;
    const char *data = str_printf(&r->arena, "%s/data", r->dir).p;
    assert_int_equal(git_mirror_open(&r->arena, data, str_c(r->origin), &m, &r->err), 0);
    if (git_fetch(&m, &r->err) < 0) {
        fail_msg("%s", r->err.msg);
    }
    return m;
}

static void test_commit_is_described_and_exported_whole(void **state) {
    struct repo *r = *state;
    struct git_mirror m = mirror(r);
    struct str head = STR_NONE;
    struct git_commit commit;
    assert_int_equal(git_head(&r->arena, &m, S("main"), &head, &r->err), 0);
    assert_int_equal(git_commit_info(&r->arena, &m, head, &commit, &r->err), 0);
    assert_true(str_is(commit.author, "Ada Lovelace") && str_is(commit.subject, "First subject"));
    assert_true(str_find(commit.message, S("And a body"), 0) != (size_t)-1);
    const char *out = str_printf(&r->arena, "%s/out", r->dir).p;
    assert_int_equal(dir_make(out, 0700, &r->err), 0);
    if (git_export(&m, head, out, &r->err) < 0) {
        fail_msg("%s", r->err.msg);
    }
    /* export-ignore is git archive's, not a checkout's: the file must be there */
    assert_true(file_exists(str_printf(&r->arena, "%s/a.txt", out).p));
    assert_false(file_exists(str_printf(&r->arena, "%s/.git", out).p));
    char target[16] = "";
    assert_int_equal(readlink(str_printf(&r->arena, "%s/link", out).p, target, 15), 5);
    assert_string_equal(target, "a.txt");
}

static void test_remote_head_moves_and_changed_paths_are_named(void **state) {
    struct repo *r = *state;
    struct git_mirror m = mirror(r);
    struct str before = STR_NONE;
    struct str after = STR_NONE;
    assert_int_equal(git_remote_head(&r->arena, &m, S("main"), &before, &r->err), 0);
    run(r,
        "cd work; echo two > docs/e; git add -A; git commit -qm second; git push -q origin main");
    assert_int_equal(git_remote_head(&r->arena, &m, S("main"), &after, &r->err), 0);
    assert_false(str_eq(before, after));
    assert_int_equal(git_fetch(&m, &r->err), 0);
    struct str_list paths;
    assert_int_equal(git_changed_paths(&r->arena, &m, before, after, 10, &paths, &r->err), 0);
    assert_int_equal(paths.n, 1);
    assert_true(str_is(paths.v[0], "docs/e"));
    struct git_commit_list log;
    assert_int_equal(git_log(&r->arena, &m, before, after, 10, &log, &r->err), 0);
    assert_int_equal(log.n, 1);
    assert_true(str_is(log.v[0].subject, "second"));
}

static void test_a_linked_worktree_is_a_repository_too(void **state) {
    struct repo *r = *state;
    run(r, "git -C work worktree add -q ../linked -b linked");
    struct git_mirror m;
    struct str head = STR_NONE;
    const char *data = str_printf(&r->arena, "%s/data", r->dir).p;
    struct str url = str_printf(&r->arena, "%s/linked", r->dir);
    assert_int_equal(git_mirror_open(&r->arena, data, url, &m, &r->err), 0);
    if (git_fetch(&m, &r->err) < 0) {
        fail_msg("%s", r->err.msg);
    }
    assert_int_equal(git_head(&r->arena, &m, S("linked"), &head, &r->err), 0);
}

static void test_missing_branch_and_foreign_urls_are_refused(void **state) {
    struct repo *r = *state;
    struct git_mirror m = mirror(r);
    struct str head = STR_NONE;
    assert_int_equal(git_head(&r->arena, &m, S("nope"), &head, &r->err), -1);
    assert_int_equal(r->err.kind, ERR_NOT_FOUND);
    assert_non_null(strstr(r->err.msg, "'nope'"));
    assert_int_equal(git_remote_head(&r->arena, &m, S("nope"), &head, &r->err), -1);
    static const char *const bad[] = {"ext::sh -c id", "--upload-pack=id", "", "data:x::y"};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(git_mirror_open(&r->arena, "/tmp", str_c(bad[i]), &m, &r->err), -1);
        assert_int_equal(r->err.kind, ERR_INVALID);
    }
}

static void test_no_password_of_a_url_is_told(void **state) {
    struct repo *r = *state;
    static const char *const urls[][4] = {
        {"https://user:s3cret@host/a/b.git", "https://host/a/b.git", "user", "s3cret"},
        {"https://s3cret@host:8443/a", "https://host:8443/a", "s3cret", ""},
        {"http://user:s3c/ret@host/a", "http://user:s3c/ret@host/a"}, /* its host is user */
        {"http://user:s3@cret@host", "http://host", "user", "s3@cret"},
        {"http://us%40er:s3%3Acret@host/a", "http://host/a", "us@er", "s3:cret"},
        {"ssh://git@host/a", "ssh://git@host/a"},
        {"ssh://git:s3cret@host/a", "ssh://git@host/a"},
        {"git@host:a/b.git", "git@host:a/b.git"},
        {"https://host/a@b", "https://host/a@b"},
        {"/srv/git/a@b", "/srv/git/a@b"},
    };
    struct git_mirror m;
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        assert_int_equal(git_mirror_open(&r->arena, "/tmp", str_c(urls[i][0]), &m, &r->err), 0);
        assert_string_equal(str_z(&r->arena, m.url), urls[i][1]);
        assert_true(str_eq(m.username, str_c(urls[i][2])));
        assert_true(str_eq(m.password, str_c(urls[i][3])));
    }
    assert_int_equal(
        git_mirror_open(&r->arena, "/tmp", S("https://u:s3%0Acret@host/a"), &m, &r->err), -1);
    assert_null(strstr(r->err.msg, "cret"));
    r->err = ERR_INIT;
    struct str head = STR_NONE;
    struct str_map refs;
    const char *data = str_printf(&r->arena, "%s/data", r->dir).p;
    assert_int_equal(
        git_mirror_open(&r->arena, data, S("http://user:s3cret@127.0.0.1:1/a.git"), &m, &r->err),
        0);
    for (int i = 0; i < 3; i++) {
        int done = i == 0   ? git_fetch(&m, &r->err)
                   : i == 1 ? git_remote_head(&r->arena, &m, S("main"), &head, &r->err)
                            : git_remote_refs(&r->arena, &m, STR_NONE, &refs, &r->err);
        assert_int_equal(done, -1);
        assert_non_null(strstr(r->err.msg, "http://127.0.0.1:1/a.git"));
        assert_null(strstr(r->err.msg, "s3cret"));
    }
}

/* Submodules are not fetched: whatever their paths and URLs say, an export has empty folders at
 * most, and only below it. */
static void test_submodules_of_hostile_names_lead_nowhere(void **state) {
    static const char *const paths[] = {"-x", "--upload-pack=touch canary", "a/../../canary"};
    struct repo *r = *state;
    const char *canary = str_printf(&r->arena, "%s/canary", r->dir).p;
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        struct git_mirror m;
        struct str head = STR_NONE;
        struct err err = ERR_INIT;
        run(r, str_printf(&r->arena,
                          "cd work; git checkout -q --orphan evil%zu; printf '[submodule \"s\"]\\n"
                          "\\tpath = %s\\n\\turl = ext::sh -c \"touch %s\"\\n' >.gitmodules; git "
                          "add -A; git update-index --add --cacheinfo '160000,"
                          "0123456789abcdef0123456789abcdef01234567,%s'; git commit -qm evil; git "
                          "push -q origin evil%zu",
                          i, paths[i], canary, i == 2 ? "a/x" : paths[i], i)
                   .p);
        const char *out = str_printf(&r->arena, "%s/evil-out%zu", r->dir, i).p;
        const char *data = str_printf(&r->arena, "%s/data", r->dir).p;
        assert_int_equal(dir_make(out, 0700, &err), 0);
        assert_int_equal(git_mirror_open(&r->arena, data, str_c(r->origin), &m, &err), 0);
        if (git_fetch(&m, &err) == 0) { /* or git's own check refuses it */
            struct str branch = str_printf(&r->arena, "evil%zu", i);
            assert_int_equal(git_head(&r->arena, &m, branch, &head, &err), 0);
            assert_int_equal(git_export(&m, head, out, &err), 0);
            assert_true(file_exists(str_printf(&r->arena, "%s/.gitmodules", out).p));
        }
        assert_false(file_exists(canary));
        assert_false(file_exists(str_printf(&r->arena, "%s/canary", data).p));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_submodules_of_hostile_names_lead_nowhere, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_commit_is_described_and_exported_whole, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_remote_head_moves_and_changed_paths_are_named, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_linked_worktree_is_a_repository_too, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_missing_branch_and_foreign_urls_are_refused, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_no_password_of_a_url_is_told, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
