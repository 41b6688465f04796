/* What can be said about containers without making one: the profile of system calls, the
 * runtime's configuration, images and their names, refusals of a bad order. */
#include "../../cmocka_.h"

#include "flow/sandbox/doctor.h"
#include "flow/sandbox/image.h"
#include "flow/sandbox/internal.h"
#include "platform/os/file.h"
#include "platform/text/json.h"

#include <errno.h>
#include <stdlib.h>

struct fixture {
    struct arena a;
    struct err err;
    const char *dir;
};

static int setup(void **state) {
    static struct fixture f;
    f = (struct fixture){.a = ARENA_INIT, .err = ERR_INIT};
    *state = &f;
    return dir_make_temp(&f.a, "test-sandbox", &f.dir, &f.err);
}

static int teardown(void **state) {
    struct fixture *f = *state;
    int result = tree_remove(f->dir, &f->err);
    arena_done(&f->a);
    return result;
}

static json_t *profile_or_skip(void) {
    struct err err = ERR_INIT;
    if (!file_exists(SECCOMP_SOURCE)) {
        printf("SKIP: " SECCOMP_SOURCE " is not installed\n");
        skip();
    }
    json_t *profile = seccomp_profile(SECCOMP_BUILD, &err);
    assert_non_null(profile);
    return profile;
}

/* The action that the profile has for a call without looking at arguments, or NULL for none. */
static const char *action_for(const json_t *profile, const char *call) {
    size_t i = 0;
    size_t k = 0;
    json_t *rule = NULL;
    json_t *name = NULL;
    json_array_foreach(json_object_get(profile, "syscalls"), i, rule) {
        json_array_foreach(json_object_get(rule, "names"), k, name) {
            if (strcmp(json_string_value(name), call) == 0 &&
                json_array_size(json_object_get(rule, "args")) == 0) {
                return json_string_value(json_object_get(rule, "action"));
            }
        }
    }
    return NULL;
}

static void test_profile_lets_ordinary_calls_through_and_no_dangerous_ones(void **state) {
    (void)state;
    json_t *profile cleanup_json = profile_or_skip();
    static const char *const needed[] = {"read",  "openat", "execve",  "chown",  "setuid",
                                         "futex", "mmap",   "connect", "statfs", "memfd_create"};
    for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
        const char *action = action_for(profile, needed[i]);
        assert_non_null(action);
        assert_string_equal(action, "SCMP_ACT_ALLOW");
    }
    static const char *const dangerous[] = {"unshare",
                                            "setns",
                                            "ptrace",
                                            "keyctl",
                                            "bpf",
                                            "mount",
                                            "userfaultfd",
                                            "clone3",
                                            "clone",
                                            "io_uring_setup",
                                            "open_by_handle_at",
                                            "perf_event_open",
                                            "init_module",
                                            "pivot_root"};
    for (size_t i = 0; i < sizeof(dangerous) / sizeof(dangerous[0]); i++) {
        const char *action = action_for(profile, dangerous[i]);
        if (action != NULL && strcmp(action, "SCMP_ACT_ERRNO") != 0) {
            fail_msg("%s: %s", dangerous[i], action);
        }
    }
    assert_true(str_is(json_str(profile, "defaultAction"), "SCMP_ACT_ERRNO"));
}

static void test_profile_lets_clone_make_threads_and_no_namespaces(void **state) {
    (void)state;
    json_t *profile cleanup_json = profile_or_skip();
    size_t i = 0;
    size_t found = 0;
    json_t *rule = NULL;
    json_array_foreach(json_object_get(profile, "syscalls"), i, rule) {
        if (strcmp(json_string_value(json_array_get(json_object_get(rule, "names"), 0)), "clone") ==
            0) {
            const json_t *arg = json_array_get(json_object_get(rule, "args"), 0);
            found++;
            assert_int_equal(json_int(arg, "index"), 0);
            assert_int_equal(json_int(arg, "value"), 0x7E020000);
            assert_int_equal(json_int(arg, "valueTwo"), 0);
            assert_true(str_is(json_str(arg, "op"), "SCMP_CMP_MASKED_EQ"));
        }
    }
    assert_int_equal(found, 1);
}

static void test_privileged_profile_adds_mounts_and_namespaces_and_nothing_else(void **state) {
    (void)state;
    json_t *ordinary cleanup_json = profile_or_skip();
    struct err err = ERR_INIT;
    json_t *profile cleanup_json = seccomp_profile(SECCOMP_PRIVILEGED, &err);
    static const char *const added[] = {"mount", "umount2", "unshare", "setns", "pivot_root"};
    static const char *const never[] = {
        "bpf",         "ptrace",      "keyctl",     "perf_event_open", "syslog",
        "userfaultfd", "init_module", "kexec_load", "reboot",          "open_by_handle_at"};
    for (size_t i = 0; i < sizeof(added) / sizeof(added[0]); i++) {
        assert_string_equal(action_for(profile, added[i]), "SCMP_ACT_ALLOW");
        assert_string_not_equal(action_for(ordinary, added[i]), "SCMP_ACT_ALLOW");
    }
    for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++) {
        const char *action = action_for(profile, never[i]);
        assert_true(action == NULL || strcmp(action, "SCMP_ACT_ALLOW") != 0);
    }
}

static void test_compiled_filter_is_the_same_each_time(void **state) {
    struct fixture *f = *state;
    json_decref(profile_or_skip());
    setenv("HOME", f->dir, 1); /* where a plain user's copy would be kept */
    struct str first = STR_NONE;
    struct str second = STR_NONE;
    assert_int_equal(filter_program(&f->a, SECCOMP_BUILD, &first, &f->err), 0);
    assert_int_equal(filter_program(&f->a, SECCOMP_BUILD, &second, &f->err), 0);
    assert_true(first.n > 1000);
    assert_true(str_eq(first, second));
}

static void refuse(struct fixture *f, struct sandbox_spec spec, enum err_kind kind) {
    struct sandbox *s = NULL;
    spec.dir = f->dir;
    spec.rootfs = f->dir;
    assert_int_equal(sandbox_prepare(&spec, &s, &f->err), -1);
    assert_int_equal(f->err.kind, kind);
    assert_null(s);
    assert_false(file_exists(str_printf(&f->a, "%s/box", f->dir).p));
}

static void test_bad_orders_are_refused_before_anything_is_made(void **state) {
    struct fixture *f = *state;
    refuse(f, (struct sandbox_spec){.id = ""}, ERR_INVALID);
    refuse(f, (struct sandbox_spec){.id = "../up"}, ERR_INVALID);
    refuse(f, (struct sandbox_spec){.id = "a/b"}, ERR_INVALID);
    refuse(f, (struct sandbox_spec){.id = ".hidden"}, ERR_INVALID);
    const struct sandbox_mount absent[] = {{.source = "/nonexistent", .target = "/opt"}};
    refuse(f, (struct sandbox_spec){.id = "a", .mounts = absent, .mounts_n = 1}, ERR_NOT_FOUND);
    const struct sandbox_mount relative[] = {{.source = "/usr", .target = "opt"}};
    refuse(f, (struct sandbox_spec){.id = "a", .mounts = relative, .mounts_n = 1}, ERR_INVALID);
}

static void write_image(struct fixture *f, const char *name, const char *json) {
    const char *dir = str_printf(&f->a, "%s/%s", f->dir, name).p;
    assert_int_equal(dir_make(str_printf(&f->a, "%s/rootfs", dir).p, 0755, &f->err), 0);
    if (json != NULL) {
        assert_int_equal(
            file_write(str_printf(&f->a, "%s/image.json", dir).p, str_c(json), 0644, &f->err), 0);
    }
}

static void test_images_are_found_by_name_and_listed(void **state) {
    struct fixture *f = *state;
    setenv("TRUNKLINE_IMAGES", f->dir, 1);
    write_image(f, "good",
                "{\"digest\":\"sha256:1\",\"createdMs\":7,\"packages\":{\"jq\":\"1.6\"}}");
    write_image(f, "half", NULL);
    write_image(f, "damaged", "{\"digest\":");
    write_image(f, ".good.new", "{\"digest\":\"sha256:2\"}");
    struct image image;
    assert_int_equal(image_find(&f->a, "good", true, &image, &f->err), 0);
    assert_true(str_is(image.digest, "sha256:1"));
    assert_int_equal(image.created_ms, 7);
    assert_true(str_is(str_map_get(&image.packages, S("jq")), "1.6"));
    assert_true(str_ends(image.rootfs, S("/good/rootfs")));
    assert_int_equal(image_find(&f->a, "half", false, &image, &f->err), -1);
    assert_int_equal(f->err.kind, ERR_NOT_FOUND);
    assert_non_null(strstr(f->err.msg, "trunkline image build half"));
    assert_int_equal(image_find(&f->a, "damaged", false, &image, &f->err), -1);
    assert_int_equal(image_find(&f->a, "../good", false, &image, &f->err), -1);
    assert_int_equal(f->err.kind, ERR_INVALID);
    struct image_list list;
    assert_int_equal(image_list(&f->a, &list, &f->err), 0);
    assert_int_equal(list.n, 1);
    assert_int_equal(image_sweep(&f->err), 0);
    assert_false(file_exists(str_printf(&f->a, "%s/.good.new", f->dir).p));
    assert_true(file_exists(str_printf(&f->a, "%s/good", f->dir).p));
    unsetenv("TRUNKLINE_IMAGES");
}

static void test_doctor_gives_a_fix_for_everything_that_is_not_well(void **state) {
    struct fixture *f = *state;
    setenv("TRUNKLINE_IMAGES", f->dir, 1);
    struct doctor_report report;
    doctor_run(&f->a, f->dir, &report);
    bool image_missing = false;
    assert_true(report.n >= 10);
    for (size_t i = 0; i < report.n; i++) {
        const struct doctor_check *c = &report.v[i];
        assert_true(c->finding.n > 0);
        assert_int_equal(c->state == DOCTOR_OK, c->fix.n == 0);
        image_missing =
            image_missing || (strcmp(c->name, "build image") == 0 && c->state == DOCTOR_WARN);
    }
    assert_true(image_missing);
    unsetenv("TRUNKLINE_IMAGES");
}

#define WITH_DIR(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_profile_lets_ordinary_calls_through_and_no_dangerous_ones),
        cmocka_unit_test(test_privileged_profile_adds_mounts_and_namespaces_and_nothing_else),
        cmocka_unit_test(test_profile_lets_clone_make_threads_and_no_namespaces),
        WITH_DIR(test_compiled_filter_is_the_same_each_time),
        WITH_DIR(test_bad_orders_are_refused_before_anything_is_made),
        WITH_DIR(test_images_are_found_by_name_and_listed),
        WITH_DIR(test_doctor_gives_a_fix_for_everything_that_is_not_well),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
