/* References to images, and what is remembered of them. */
#include "../../cmocka_.h"

#include "flow/image/known.h"
#include "flow/image/ref.h"
#include "flow/sandbox/image_recipe.h"
#include "platform/os/file.h"

#include <stdlib.h>

#define D64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static struct arena a;
static struct err err;

static int setup(void **state) {
    (void)state;
    a = ARENA_INIT;
    err = ERR_INIT;
    return 0;
}

static int teardown(void **state) {
    (void)state;
    arena_done(&a);
    return 0;
}

static struct image_ref good(const char *text) {
    struct image_ref ref;
    if (image_ref_parse(&a, str_c(text), &ref, &err) < 0) {
        fail_msg("%s: %s", text, err.msg);
    }
    return ref;
}

static void test_references_to_registries_are_read_as_docker_does(void **state) {
    (void)state;
    static const char *const pairs[][2] = {
        {"alpine:3.18", "docker://docker.io/library/alpine:3.18"},
        {"docker://alpine:3.18", "docker://docker.io/library/alpine:3.18"},
        {"team/app", "docker://docker.io/team/app:latest"},
        {"docker.io/team/app:v1", "docker://docker.io/team/app:v1"},
        {"localhost/app:v1", "docker://localhost/app:v1"},
        {"Registry.Example:5000/a/b-c__d:V1.0", "docker://registry.example:5000/a/b-c__d:V1.0"},
        {"public.ecr.aws/x/y@sha256:" D64, "docker://public.ecr.aws/x/y@sha256:" D64},
        {"public.ecr.aws/x/y:tag@sha256:" D64, "docker://public.ecr.aws/x/y@sha256:" D64},
        {"debian:12", "docker://docker.io/library/debian:12"},
        {"debian:bookworm-slim", "docker://docker.io/library/debian:bookworm-slim"},
        {"debian:latest", "docker://docker.io/library/debian:latest"},
    };
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        struct image_ref ref = good(pairs[i][0]);
        assert_int_equal(ref.kind, IMAGE_REF_REGISTRY);
        assert_string_equal(ref.text.p, pairs[i][1]);
    }
}

static void test_a_registry_has_host_repository_tag_and_digest(void **state) {
    (void)state;
    struct image_ref ref = good("registry.example:5000/a/b:v1");
    assert_true(str_is(ref.host, "registry.example:5000"));
    assert_true(str_is(ref.repository, "a/b"));
    assert_true(str_is(ref.tag, "v1"));
    assert_int_equal(ref.digest.n, 0);
    ref = good("registry.example/a:v1@sha256:" D64);
    assert_int_equal(ref.tag.n, 0);
    assert_true(str_is(ref.digest, "sha256:" D64));
}

static void test_debian_packages_are_sorted_and_lead_to_one_name(void **state) {
    (void)state;
    struct image_ref ref = good("debian:bookworm+nodejs,g++,nodejs");
    assert_int_equal(ref.kind, IMAGE_REF_DEBIAN);
    assert_true(str_is(ref.suite, "bookworm"));
    assert_string_equal(ref.text.p, "debian:bookworm+g++,nodejs");
    assert_string_equal(ref.name.p, good("debian:bookworm+g++,nodejs").name.p);
    assert_string_not_equal(ref.name.p, good("debian:bookworm+nodejs").name.p);
    assert_string_equal(good("debian:trixie").name.p, "debian-trixie");
    assert_int_equal(image_check_name(ref.name.p, &err), 0);
}

static void test_a_layout_is_a_folder_with_a_tag(void **state) {
    (void)state;
    struct image_ref ref = good("oci:/srv/images/app:v1");
    assert_int_equal(ref.kind, IMAGE_REF_OCI);
    assert_true(str_is(ref.dir, "/srv/images/app"));
    assert_true(str_is(ref.tag, "v1"));
    assert_int_equal(good("oci:/srv/images/app").tag.n, 0);
}

static void test_what_has_no_colon_and_no_slash_is_a_name_of_ours(void **state) {
    (void)state;
    struct image_ref ref = good("debian-bookworm-build");
    assert_int_equal(ref.kind, IMAGE_REF_NAME);
    assert_true(str_is(ref.name, "debian-bookworm-build"));
}

static void test_malformed_references_are_refused(void **state) {
    (void)state;
    static const char *const bad[] = {
        "",
        "Upper",
        ".hidden",
        "../up:tag",
        "a/../b:tag",
        "host.example/a//b",
        "host.example/A/b:t",
        "host.example/a:",
        "host.example/a:-x",
        "host.example/a@sha256:12",
        ("host.example/a@md5:" D64),
        "host.example/a b:t",
        "host.example:port/a:t",
        "docker://--config:x",
        "oci:relative/dir",
        "oci:/dir:ta g",
        "debian:bookworm+",
        "debian:bookworm+a;b",
        "debian:bookworm+-o,APT::x",
        "https://host.example/a:t",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct image_ref ref;
        if (image_ref_parse(&a, str_c(bad[i]), &ref, &err) == 0) {
            fail_msg("'%s' was read as %s", bad[i], ref.text.p);
        }
        assert_int_equal(err.kind, ERR_INVALID);
    }
    struct image_ref ref;
    assert_int_equal(image_ref_parse(&a, str_n("a\0b:c", 5), &ref, &err), -1);
    char *longest = arena_alloc(&a, 2000);
    memset(longest, 'a', 2000);
    assert_int_equal(image_ref_parse(&a, str_n(longest, 2000), &ref, &err), -1);
}

static void test_what_a_person_pulled_stays_kept_when_a_build_asks_again(void **state) {
    (void)state;
    const char *dir = NULL;
    assert_int_equal(dir_make_temp(&a, "test-known-", &dir, &err), 0);
    assert_int_equal(setenv("TRUNKLINE_IMAGES", dir, 1), 0);
    struct known_ref ref = {.text = S("docker://h/a:t"), .digest = S("sha256:" D64), .kept = true};
    struct known_ref found;
    assert_int_equal(known_find(&a, ref.text, &found, &err), 0);
    assert_int_equal(known_put(&a, &ref, &err), 0);
    ref.kept = false;
    ref.credentials = true;
    assert_int_equal(known_put(&a, &ref, &err), 0);
    assert_int_equal(known_find(&a, ref.text, &found, &err), 1);
    assert_true(found.kept);
    assert_true(found.credentials);
    struct known_refs all;
    assert_int_equal(known_list(&a, &all, &err), 0);
    assert_int_equal(all.n, 1);
    assert_string_equal(known_name(&a, all.v[0].digest), "sha256-" D64);
    assert_int_equal(known_remove(&a, ref.text, &err), 0);
    assert_int_equal(known_find(&a, ref.text, &found, &err), 0);
    assert_int_equal(tree_remove(dir, &err), 0);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_references_to_registries_are_read_as_docker_does),
        TEST(test_a_registry_has_host_repository_tag_and_digest),
        TEST(test_debian_packages_are_sorted_and_lead_to_one_name),
        TEST(test_a_layout_is_a_folder_with_a_tag),
        TEST(test_what_has_no_colon_and_no_slash_is_a_name_of_ours),
        TEST(test_malformed_references_are_refused),
        TEST(test_what_a_person_pulled_stays_kept_when_a_build_asks_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
