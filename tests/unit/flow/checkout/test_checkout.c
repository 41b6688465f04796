/* Checkouts of real repositories, made by the git program. */
#include "../../cmocka_.h"

#include "flow/checkout/address.h"
#include "flow/checkout/checkout.h"
#include "flow/checkout/compare.h"
#include "flow/checkout/version.h"
#include "platform/os/fd.h"
#include "platform/os/file.h"
#include "platform/os/process.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static void assert_str(struct str got, const char *wanted) {
    if (!str_is(got, wanted)) {
        fail_msg("got '%.*s', wanted '%s'", STR_ARG(got), wanted);
    }
}

struct world {
    struct arena arena;
    const char *dir;
    struct err err;
    int n; /* checkouts so far */
};

static struct str shell(struct world *w, const char *script) {
    const char *const argv[] = {"sh", "-ec", script, NULL};
    struct process_run spec = {.spec = PROCESS_SPEC_INIT, .timeout_ms = 60000};
    struct str out = STR_NONE;
    spec.spec.argv = argv;
    spec.spec.dir = w->dir;
    if (process_run(&w->arena, &spec, &out, NULL, NULL, &w->err) < 0) {
        fail_msg("%s: %s", script, w->err.msg);
    }
    return str_trim(out);
}

static int set_up(void **state) {
    struct world *w = calloc(1, sizeof(*w));
    *state = w;
    assert_int_equal(dir_make_temp(&w->arena, "trunkline-test-checkout", &w->dir, &w->err), 0);
    assert_int_equal(chmod(w->dir, 0755), 0);
    setenv("GIT_CONFIG_GLOBAL", "/dev/null", 1);
    setenv("GIT_AUTHOR_NAME", "Ada", 1);
    setenv("GIT_AUTHOR_EMAIL", "ada@example.org", 1);
    setenv("GIT_COMMITTER_NAME", "Ada", 1);
    setenv("GIT_COMMITTER_EMAIL", "ada@example.org", 1);
    shell(w, "mkdir -p srv/owner; git init -q --bare -b main srv/owner/app.git; "
             "git init -q -b main work; cd work; git remote add origin ../srv/owner/app.git; "
             "echo one > a.txt; git add -A; git commit -qm one; echo two > a.txt; "
             "ln -s /etc/hostname outside; git add -A; git commit -qm two; git tag v1; "
             "git checkout -qb feature/x; echo three > a.txt; git commit -qam three; "
             "git push -q origin main feature/x v1 HEAD:refs/pull/7/head");
    return 0;
}

static int tear_down(void **state) {
    struct world *w = *state;
    int removed = tree_remove(w->dir, &w->err);
    arena_done(&w->arena);
    free(w);
    return removed;
}

static struct egress nobody;

static int find(void *ud, struct arena *a, struct str url, struct checkout_remote *ret,
                struct err *err) {
    struct world *w = ud;
    struct str prefix = S("https://git.example.org/");
    if (!str_starts(url, prefix)) {
        return err_set(err, ERR_DENIED, "not there");
    }
    *ret = (struct checkout_remote){.url = str_printf(a, "file://%s/srv/" STR_FMT, w->dir,
                                                      STR_ARG(str_sub(url, prefix.n, url.n))),
                                    .trusted = true};
    return 0;
}

/* A request for the world's repository into a new folder; the folder's path in *ret_dir. */
static struct checkout request(struct world *w, const char *version, const char **ret_dir) {
    *ret_dir = str_printf(&w->arena, "%s/checkout-%d", w->dir, w->n++).p;
    assert_int_equal(dir_make_new(*ret_dir, 0755, &w->err), 0);
    struct checkout c = {
        .location = S("https://git.example.org/owner/app.git"),
        .version = str_c(version),
        .home = str_printf(&w->arena, "%s/home", w->dir).p,
        .dir_fd = file_open(*ret_dir, O_RDONLY | O_DIRECTORY, 0, &w->err),
        .owner = (uid_t)-1,
        .timeout_ms = 60000,
        .bytes = 1 << 30,
        .egress = &nobody,
        .find = find,
        .ud = w,
    };
    assert_true(c.dir_fd >= 0);
    assert_int_equal(find(w, &w->arena, c.location, &c.remote, &w->err), 0);
    return c;
}

static struct str commit_of(struct world *w, struct checkout *c) {
    struct str commit = STR_NONE;
    if (checkout_git(&w->arena, c, &commit, &w->err) < 0) {
        fail_msg("%s", w->err.msg);
    }
    close(c->dir_fd);
    return commit;
}

static struct str content(struct world *w, const char *dir, const char *name) {
    struct str text = STR_NONE;
    const char *path = str_printf(&w->arena, "%s/%s", dir, name).p;
    assert_int_equal(file_read(&w->arena, path, 65536, &text, &w->err), 0);
    return str_trim(text);
}

static void test_every_way_to_name_a_version_finds_its_commit(void **state) {
    struct world *w = *state;
    struct str one = shell(w, "git -C work rev-parse main~1");
    struct str two = shell(w, "git -C work rev-parse main");
    struct str three = shell(w, "git -C work rev-parse feature/x");
    const struct {
        const char *version;
        struct str commit;
    } cases[] = {
        {NULL, two},
        {"", two},
        {"main", two},
        {"v1", two},
        {"refs/tags/v1", two},
        {"feature/x", three},
        {"refs/heads/feature/x", three},
        {"pr/7", three},
        {one.p, one},
        {str_sub(one, 0, 9).p == NULL ? "" : str_z(&w->arena, str_sub(one, 0, 9)), one},
        {str_printf(&w->arena, "refs/heads/main^{%s}", str_z(&w->arena, one)).p, one},
    };
    for (int64_t depth = 0; depth < 2; depth++) {
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
            const char *dir = NULL;
            struct checkout c = request(w, cases[i].version, &dir);
            c.depth = depth;
            c.version = cases[i].version ? str_trim(str_c(cases[i].version)) : STR_NONE;
            assert_str(commit_of(w, &c), str_z(&w->arena, cases[i].commit));
        }
    }
}

static void test_a_checkout_is_a_repository_without_secrets(void **state) {
    struct world *w = *state;
    const char *dir = NULL;
    struct checkout c = request(w, "main", &dir);
    commit_of(w, &c);
    assert_str(content(w, dir, "a.txt"), "two");
    assert_str(shell(w, str_printf(&w->arena, "git -C %s remote get-url origin", dir).p),
               "https://git.example.org/owner/app.git");
    assert_str(shell(w, str_printf(&w->arena, "git -C %s status --porcelain", dir).p), "");
    assert_str(shell(w, str_printf(&w->arena, "git -C %s log --oneline | wc -l", dir).p), "2");
    assert_str(shell(w, str_printf(&w->arena, "readlink %s/outside", dir).p), "/etc/hostname");
    assert_true(str_find(content(w, dir, ".git/config"), S("file:"), 0) == (size_t)-1);
    assert_false(file_exists(str_printf(&w->arena, "%s/.git/hooks", dir).p));
}

static void test_depth_limits_the_history(void **state) {
    struct world *w = *state;
    const char *dir = NULL;
    struct checkout c = request(w, "feature/x", &dir);
    c.depth = 1;
    commit_of(w, &c);
    assert_str(shell(w, str_printf(&w->arena, "git -C %s log --oneline | wc -l", dir).p), "1");
}

/* What pull request 7 brings, by whatever the event knows; "a b c: message". */
static struct str compared(struct world *w, struct compare asked) {
    struct arena *a = &w->arena;
    const char *dir = NULL;
    struct checkout c = request(w, NULL, &dir);
    struct compared found;
    struct str text = S("");
    c.mirror = str_printf(a, "%s/mirror", w->dir).p;
    asked.max_paths = 3;
    if (checkout_compare(a, &c, &asked, &found, &w->err) < 0) {
        text = str_printf(a, "%s", w->err.msg);
        w->err = (struct err)ERR_INIT;
    } else {
        for (size_t i = 0; i < found.paths.n; i++) {
            text = str_printf(a, STR_FMT STR_FMT " ", STR_ARG(text), STR_ARG(found.paths.v[i]));
        }
        text = str_concat(a, text, found.message);
    }
    close(c.dir_fd);
    return text;
}

static void test_a_pull_request_is_compared_with_where_it_left_its_base(void **state) {
    struct world *w = *state;
    const struct str main = S("refs/heads/main");
    const struct str seven = S("pr/7");
    struct str old = shell(w, "git -C work rev-parse main");
    assert_str(compared(w, (struct compare){.head = seven, .base_ref = main}), "a.txt three");
    /* The base goes on, and renames; the pull request gets a second commit. */
    struct str head = shell(w, "cd work; git checkout -q main; git mv a.txt b.txt; "
                               "git commit -qm moved; git checkout -q feature/x; mkdir d; "
                               "echo 1 > d/x; echo 2 > d/y; git add -A; "
                               "git commit -qm 'four\n\nwhy'; "
                               "git push -q origin main feature/x HEAD:refs/pull/7/head; "
                               "git rev-parse HEAD");
    const char *four = "a.txt d/x d/y four\n\nwhy";
    assert_str(compared(w, (struct compare){.head = seven, .base_ref = main}), four);
    assert_str(compared(w, (struct compare){.head = seven, .base_commit = old}), four);
    assert_str(compared(w, (struct compare){.head = str_sub(head, 0, 12),
                                            .head_commit = str_sub(head, 0, 12),
                                            .base_ref = main}),
               four);
    /* Merged: the base holds it already, and the merge says what was there before. */
    struct str merge = shell(w, "cd work; git checkout -q main; git merge -q -m merge feature/x; "
                                "git push -q origin main; git rev-parse HEAD");
    assert_str(compared(w, (struct compare){.head = seven, .base_ref = main}), "four\n\nwhy");
    assert_str(
        compared(w, (struct compare){.head = seven, .base_ref = main, .merge_commit = merge}),
        four);
    assert_str(compared(w, (struct compare){.head = S("pr/8"), .base_ref = main}),
               "the repository has no head of it");
    assert_str(compared(w, (struct compare){.head = seven, .base_ref = S("refs/heads/--x")}),
               "the repository has no base of it");
}

static void test_a_version_that_is_not_there_is_named(void **state) {
    struct world *w = *state;
    const char *const versions[] = {"nowhere", "refs/heads/nowhere", "pr/99",
                                    "0123456789012345678901234567890123456789"};
    for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
        const char *dir = NULL;
        struct str commit = STR_NONE;
        struct checkout c = request(w, versions[i], &dir);
        assert_int_equal(checkout_git(&w->arena, &c, &commit, &w->err), -1);
        assert_int_equal(w->err.kind, ERR_NOT_FOUND);
        assert_string_equal(w->err.msg, "reference not found");
        close(c.dir_fd);
    }
}

static void test_hostile_versions_never_reach_git(void **state) {
    struct world *w = *state;
    const char *const versions[] = {
        "--upload-pack=touch /tmp/x",
        "-h",
        "a b",
        "a..b",
        "a~1",
        "a:b",
        "main^",
        "a\nb",
        "refs/",
        "*",
        "HEAD@{1}",
        "a\\b",
        "x.lock",
        "/abs",
        "a//b",
    };
    for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
        struct version v;
        assert_int_equal(version_parse(&w->arena, str_c(versions[i]), &v, &w->err), -1);
        assert_int_equal(w->err.kind, ERR_INVALID);
    }
}

static void test_hooks_and_configuration_of_the_origin_do_not_run(void **state) {
    struct world *w = *state;
    const char *canary = str_printf(&w->arena, "%s/canary", w->dir).p;
    const char *dir = NULL;
    shell(w, str_printf(&w->arena,
                        "cd srv/owner/app.git; mkdir -p hooks; for h in post-checkout post-update "
                        "pre-receive reference-transaction; do printf '#!/bin/sh\\ntouch %s\\n' > "
                        "hooks/$h; chmod +x hooks/$h; done; git config core.fsmonitor 'touch %s'; "
                        "git config uploadpack.packObjectsHook 'touch %s; true'",
                        canary, canary, canary)
                 .p);
    struct checkout c = request(w, "main", &dir);
    commit_of(w, &c);
    assert_false(file_exists(canary));
    shell(w, "rm -r srv/owner/app.git/hooks; git -C srv/owner/app.git config --unset "
             "uploadpack.packObjectsHook; git -C srv/owner/app.git config --unset core.fsmonitor");
}

static void test_a_mirror_serves_the_second_checkout(void **state) {
    struct world *w = *state;
    const char *mirror = str_printf(&w->arena, "%s/mirror.git", w->dir).p;
    const char *dir = NULL;
    for (int i = 0; i < 2; i++) {
        struct checkout c = request(w, i == 0 ? "main" : "pr/7", &dir);
        c.mirror = mirror;
        commit_of(w, &c);
        assert_str(content(w, dir, "a.txt"), i == 0 ? "two" : "three");
        assert_true(str_find(content(w, dir, ".git/config"), S("mirror"), 0) == (size_t)-1);
    }
    assert_true(file_exists(str_printf(&w->arena, "%s/HEAD", mirror).p));
}

static void test_files_belong_to_the_owner_who_cannot_see_the_rest(void **state) {
    struct world *w = *state;
    const char *dir = NULL;
    if (geteuid() != 0) {
        skip();
    }
    struct checkout c = request(w, "main", &dir);
    c.owner = 234567;
    assert_int_equal(fchown(c.dir_fd, c.owner, c.owner), 0);
    assert_int_equal(chmod(w->dir, 0700), 0);
    commit_of(w, &c);
    assert_str(shell(w, str_printf(&w->arena, "find %s ! -user 234567 | wc -l", dir).p), "0");
}

static void test_submodules_come_along_with_relative_urls(void **state) {
    struct world *w = *state;
    const char *dir = NULL;
    shell(
        w,
        "git init -q --bare -b main srv/owner/lib.git; git init -q --bare -b main "
        "srv/owner/leaf.git; git init -q -b main leaf; cd leaf; echo leaf > leaf.txt; git add "
        "-A; git commit -qm leaf; git push -q ../srv/owner/leaf.git main; cd ..; git init -q "
        "-b main lib; cd lib; echo lib > lib.txt; git add -A; git -c "
        "protocol.file.allow=always submodule --quiet add $(pwd)/../srv/owner/leaf.git in/leaf; "
        "git "
        "config -f .gitmodules submodule.in/leaf.url ../leaf.git; git add -A; git commit -qm "
        "lib; git push -q ../srv/owner/lib.git main; cd ../work; git checkout -qb sub main; "
        "git -c protocol.file.allow=always submodule --quiet add $(pwd)/../srv/owner/lib.git lib; "
        "git config -f .gitmodules submodule.lib.url https://git.example.org/owner/lib.git; "
        "git add -A; git commit -qm sub; git push -q origin sub");
    struct checkout c = request(w, "sub", &dir);
    c.submodules = true;
    commit_of(w, &c);
    assert_str(content(w, dir, "lib/lib.txt"), "lib");
    assert_str(content(w, dir, "lib/in/leaf/leaf.txt"), "leaf");
    assert_str(
        shell(w, str_printf(&w->arena, "git -C %s/lib/in/leaf remote get-url origin", dir).p),
        "https://git.example.org/owner/leaf.git");
    assert_str(shell(w, str_printf(&w->arena,
                                   "grep -rl file: %s/.git/config "
                                   "%s/.git/modules/lib/config || true",
                                   dir, dir)
                            .p),
               "");
}

static void test_a_submodule_elsewhere_is_refused(void **state) {
    struct world *w = *state;
    const char *dir = NULL;
    struct str commit = STR_NONE;
    shell(w, "cd work; git checkout -q sub; git config -f .gitmodules submodule.lib.url "
             "ext::sh\\ -c\\ touch\\ x; git add -A; git commit -qm evil; git push -q origin "
             "HEAD:refs/heads/evil; git checkout -qf main");
    struct checkout c = request(w, "evil", &dir);
    c.submodules = true;
    assert_int_equal(checkout_git(&w->arena, &c, &commit, &w->err), -1);
    assert_non_null(strstr(w->err.msg, "submodule lib"));
    close(c.dir_fd);
}

static void test_a_commit_larger_than_the_disk_is_refused_before_its_files_are_made(void **state) {
    struct world *w = *state;
    const char *dir = NULL;
    struct str commit = STR_NONE;
    shell(w,
          "cd work; git checkout -qb big main; head -c 3000000 /dev/zero > z; for i in 1 2 3 4 5 "
          "6 7 8; do cp z z$i; done; git add -A; git commit -qm big; git push -q origin big; "
          "git checkout -q main");
    struct checkout c = request(w, "big", &dir);
    c.bytes = 20000000;
    assert_int_equal(checkout_git(&w->arena, &c, &commit, &w->err), -1);
    assert_int_equal(w->err.kind, ERR_LIMIT);
    assert_false(file_exists(str_printf(&w->arena, "%s/z1", dir).p));
    close(c.dir_fd);
}

static void test_addresses_are_taken_apart(void **state) {
    struct world *w = *state;
    struct address at;
    struct arena *a = &w->arena;
    assert_int_equal(address_parse(a, S("https://Ada:s%40c@GitHub.com:8443/o/n.git"), &at, &w->err),
                     0);
    assert_str(at.host, "github.com");
    assert_str(at.user, "Ada");
    assert_str(at.password, "s@c");
    assert_int_equal(at.port, 8443);
    assert_str(address_url(a, &at), "https://github.com:8443/o/n.git");
    assert_str(address_folder(a, &at), "github.com/o/n");
    assert_int_equal(address_parse(a, S("https://host/../../etc"), &at, &w->err), 0);
    assert_str(address_folder(a, &at), "repository");
    const char *const bad[] = {"",
                               "git@github.com:o/n.git",
                               "ext::sh",
                               "ssh://h/x",
                               "https://",
                               "https://h:0/x",
                               "https://h:99999/x",
                               "https://a b/x",
                               "file://host/x",
                               "https://-h/x",
                               "https://h/\nx"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(address_parse(a, str_c(bad[i]), &at, &w->err), -1);
    }
}

static void test_private_hosts_need_the_operators_word(void **state) {
    struct world *w = *state;
    struct arena *a = &w->arena;
    const char *const urls[] = {"http://127.0.0.1/x", "http://localhost/x",
                                "http://[::1]/x",     "http://2130706433/x",
                                "http://0x7f.1/x",    "http://[::ffff:10.0.0.1]/x"};
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        struct address at;
        struct str pin = STR_NONE;
        assert_int_equal(address_parse(a, str_c(urls[i]), &at, &w->err), 0);
        assert_int_equal(address_pin(a, &at, &nobody, &pin, &w->err), -1);
        assert_int_equal(w->err.kind, ERR_DENIED);
    }
    struct egress some = {0};
    struct address at;
    struct str pin = STR_NONE;
    assert_int_equal(egress_allow(a, &some, S("127.0.0.0/8"), &w->err), 0);
    assert_int_equal(address_parse(a, S("http://127.0.0.1:8080/x"), &at, &w->err), 0);
    assert_int_equal(address_pin(a, &at, &some, &pin, &w->err), 0);
    assert_str(pin, "127.0.0.1:8080:127.0.0.1");
}

static void test_files_of_the_machine_are_no_remotes(void **state) {
    struct world *w = *state;
    const char *dir = NULL;
    struct str commit = STR_NONE;
    struct checkout c = request(w, "main", &dir);
    c.remote.trusted = false;
    assert_int_equal(checkout_git(&w->arena, &c, &commit, &w->err), -1);
    assert_int_equal(w->err.kind, ERR_DENIED);
    close(c.dir_fd);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_way_to_name_a_version_finds_its_commit),
        cmocka_unit_test(test_a_checkout_is_a_repository_without_secrets),
        cmocka_unit_test(test_depth_limits_the_history),
        cmocka_unit_test(test_a_version_that_is_not_there_is_named),
        cmocka_unit_test(test_hostile_versions_never_reach_git),
        cmocka_unit_test(test_hooks_and_configuration_of_the_origin_do_not_run),
        cmocka_unit_test(test_a_mirror_serves_the_second_checkout),
        cmocka_unit_test(test_files_belong_to_the_owner_who_cannot_see_the_rest),
        cmocka_unit_test(test_submodules_come_along_with_relative_urls),
        cmocka_unit_test(test_a_submodule_elsewhere_is_refused),
        cmocka_unit_test(test_a_commit_larger_than_the_disk_is_refused_before_its_files_are_made),
        cmocka_unit_test(test_addresses_are_taken_apart),
        cmocka_unit_test(test_private_hosts_need_the_operators_word),
        cmocka_unit_test(test_files_of_the_machine_are_no_remotes),
        cmocka_unit_test(
            test_a_pull_request_is_compared_with_where_it_left_its_base), /* changes the world */
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
