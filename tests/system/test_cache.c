/* Caches on this machine, between whole builds of one project. */
#include "build.h"

#include "flow/cache/local.h"

#include <sys/stat.h>

/* The next build of the project: a folder of its own. */
static void next_build(const char *uuid) {
    plan.uuid = str_dup(&arena, str_c(uuid));
    plan.log_stream = plan.uuid;
    dir = str_printf(&arena, "%s/builds/%s", data, uuid).p;
    OK(dir_make(dir, 0700, &err));
}

static void use_custom_cache(void) {
    plan.cache = (struct plan_cache){.kind = PLAN_CACHE_LOCAL, .custom = true};
}

static const char counting[] =
    "version: 0.2\n"
    "phases:\n"
    "  build:\n"
    "    commands:\n"
    "      - test -L /root/.kept && test -L deps\n"
    "      - echo \"seen $(cat /root/.kept/count 2>/dev/null) $(cat deps/one 2>/dev/null)\"\n"
    "      - echo x$(cat /root/.kept/count 2>/dev/null) > /root/.kept/count\n"
    "      - echo made > deps/two; stat -c 'owner %u' deps/two; ls deps\n"
    "cache: {paths: ['/root/.kept/**/*', deps]}\n";

static void test_folders_are_kept_for_the_next_build_of_the_project(void **state) {
    (void)state;
    use_custom_cache();
    OK(dir_make(str_printf(&arena, "%s/src/deps", data).p, 0755, &err));
    source_file("deps/one", "of the source");
    struct build_exit end = run_build(counting);
    assert_status(&end, "SUCCEEDED");
    assert_logged("seen  of the source\n");
    assert_logged("Symlinking: /codebuild/local-cache/custom/root/root/.kept => /root/.kept\n");
    next_build("22222222");
    end = run_build(counting);
    assert_status(&end, "SUCCEEDED");
    assert_logged("seen x of the source\n");
    assert_logged("owner 0\n");
    next_build("33333333");
    end = run_build(counting);
    assert_logged("seen xx of the source\n");
}

static void test_another_project_account_or_generation_finds_nothing(void **state) {
    (void)state;
    use_custom_cache();
    OK(dir_make(str_printf(&arena, "%s/src/deps", data).p, 0755, &err));
    struct build_exit end = run_build(counting);
    next_build("22222222");
    plan.project = S("other");
    end = run_build(counting);
    assert_logged("seen  \n");
    next_build("33333333");
    plan.project = S("test");
    plan.account = S("222222222222");
    end = run_build(counting);
    assert_logged("seen  \n");
    next_build("44444444");
    plan.account = S("111111111111");
    plan.cache.generation = 1;
    end = run_build(counting);
    assert_status(&end, "SUCCEEDED");
    assert_logged("seen  \n");
    assert_false(file_exists(str_printf(&arena, "%s/cache/111111111111/eu-west-2/test/0", data).p));
}

static void test_a_second_build_at_the_same_time_goes_without(void **state) {
    (void)state;
    const char *path = NULL;
    int lock cleanup_fd = -1;
    use_custom_cache();
    assert_int_equal(cache_local_open(&arena, &plan, CACHE_LOCAL_CUSTOM, &path, &lock, &err), 1);
    struct build_exit end = run_build("version: 0.2\n"
                                      "phases: {build: {commands: ['test ! -e /root/.kept']}}\n"
                                      "cache: {paths: [/root/.kept]}\n");
    assert_status(&end, "SUCCEEDED");
    assert_logged("Local cache is in use by another build of this project");
}

static void test_a_hostile_cache_stays_where_it_is(void **state) {
    (void)state;
    use_custom_cache();
    struct build_exit end =
        run_build("version: 0.2\n"
                  "phases:\n"
                  "  build:\n"
                  "    commands:\n"
                  "      - cd /codebuild/local-cache/custom\n"
                  "      - ln -s / slash; ln -s ../../../../../../../../etc up; mkfifo pipe\n"
                  "      - mknod disk b 8 0 2>/dev/null && echo DEVICE || true\n"
                  "      - cp /bin/sh sh; chmod 6755 sh; rm -rf root; ln -s /etc root\n"
                  "cache: {paths: [/root/.kept]}\n");
    assert_status(&end, "SUCCEEDED");
    assert_false(logged("\nDEVICE\n"));
    next_build("22222222");
    end = run_build("version: 0.2\n"
                    "phases: {build: {commands: ['ls /codebuild/local-cache/custom',\n"
                    "  'grep -c \"custom rw,nosuid,nodev\" /proc/self/mountinfo']}}\n"
                    "cache: {paths: [/root/.kept]}\n");
    assert_status(&end, "SUCCEEDED");
    /* the link led to the container's /etc, not to the host's */
    assert_false(file_exists("/etc/root"));
    assert_logged("\n1\n");
    assert_logged("pipe\n");
}

static void test_what_is_written_to_the_cache_counts_for_the_disk(void **state) {
    (void)state;
    use_custom_cache();
    plan.disk_mib = 64;
    struct build_exit end =
        run_build("version: 0.2\n"
                  "phases:\n"
                  "  build:\n"
                  "    commands: ['head -c 150000000 /dev/zero > /root/.kept/big; sleep 60']\n"
                  "cache: {paths: [/root/.kept]}\n");
    assert_status(&end, "FAILED");
    assert_logged("No space left: the build has written more than 64 MiB");
}

static void test_paths_that_name_no_folder_are_told_and_left(void **state) {
    (void)state;
    use_custom_cache();
    struct build_exit end = run_build("version: 0.2\n"
                                      "phases: {build: {commands: ['test -f buildspec.yml']}}\n"
                                      "cache: {paths: ['**/*', '/', ../up, '/a/*/b', /tmp/ok]}\n");
    assert_status(&end, "SUCCEEDED");
    assert_logged("only directories can be cached locally: **/*\n");
    assert_logged("only directories can be cached locally: /\n");
    assert_logged("only directories can be cached locally: ../up\n");
    assert_logged("only directories can be cached locally: /a/*/b\n");
    assert_logged("Symlinking: /codebuild/local-cache/custom/root/tmp/ok => /tmp/ok\n");
}

static void test_layers_are_kept_for_privileged_builds_only(void **state) {
    (void)state;
    const char *spec = "version: 0.2\n"
                       "phases: {build: {commands: ['cat /var/lib/containers/x || echo none; mkdir "
                       "-p /var/lib/containers; echo layer > /var/lib/containers/x']}}\n";
    plan.cache = (struct plan_cache){.kind = PLAN_CACHE_LOCAL, .docker = true};
    struct build_exit end = run_build(spec);
    assert_status(&end, "SUCCEEDED");
    assert_logged("LOCAL_DOCKER_LAYER_CACHE needs privileged mode");
    next_build("22222222");
    plan.privileged = true;
    end = run_build(spec);
    assert_logged("\nnone\n");
    next_build("33333333");
    end = run_build(spec);
    assert_status(&end, "SUCCEEDED");
    assert_logged("\nlayer\n");
}

static void test_hash_files_prints_one_hash_of_all_that_match(void **state) {
    (void)state;
    OK(dir_make(str_printf(&arena, "%s/src/a/b", data).p, 0755, &err));
    source_file("package-lock.json", "one");
    source_file("a/b/x.lock", "two");
    struct build_exit end = run_build(
        "version: 0.2\n"
        "phases:\n"
        "  build:\n"
        "    commands:\n"
        "      - cd /\n"
        "      - echo \"hash $(codebuild-hash-files package-lock.json '**/*.lock')\"\n"
        "      - python3 -c \"import hashlib,os; d=os.environ['CODEBUILD_SRC_DIR']; "
        "print('want', hashlib.sha256(b''.join(hashlib.sha256(open(d+'/'+f,'rb').read()).digest() "
        "for f in ('a/b/x.lock','package-lock.json'))).hexdigest())\"\n"
        "      - codebuild-hash-files 'none*' && echo FOUND || echo nothing\n");
    assert_status(&end, "SUCCEEDED");
    struct str log = content("log");
    size_t hash = str_find(log, S("\nhash "), 0);
    size_t want = str_find(log, S("\nwant "), 0);
    assert_true(hash != (size_t)-1 && want != (size_t)-1);
    assert_true(str_eq(str_sub(log, hash + 6, 64), str_sub(log, want + 6, 64)));
    assert_logged("no file matches\nnothing\n");
}

static const struct CMUnitTest tests[] = {
    CASE(test_folders_are_kept_for_the_next_build_of_the_project),
    CASE(test_another_project_account_or_generation_finds_nothing),
    CASE(test_a_second_build_at_the_same_time_goes_without),
    CASE(test_a_hostile_cache_stays_where_it_is),
    CASE(test_what_is_written_to_the_cache_counts_for_the_disk),
    CASE(test_paths_that_name_no_folder_are_told_and_left),
    CASE(test_layers_are_kept_for_privileged_builds_only),
    CASE(test_hash_files_prints_one_hash_of_all_that_match),
};

BUILD_MAIN(tests)
