/* Builds that fill the disk, in each way: only that build fails, it says why, what follows in it
 * still runs, and nothing of it stays. */
#include "build.h"

static const char *second_dir; /* of the neighbour */

/* A build beside the other one, which ends well unless it is disturbed. */
static struct process start_neighbour(void) {
    const char *first = dir;
    struct plan kept = plan;
    second_dir = dir = str_printf(&arena, "%s/builds/neighbour", data).p;
    OK(dir_make(dir, 0700, &err));
    plan.uuid = S("neighbour");
    source_file("buildspec.yml",
                "version: 0.2\n"
                "phases: {build: {commands: ['for i in $(seq 60); do head -c 1000000 /dev/zero "
                ">/tmp/x && sync /tmp/x && sleep 0.05 || exit 1; done; echo undisturbed']}}\n");
    struct process process = start_build();
    while (!file_exists(str_printf(&arena, "%s/log", dir).p) || !logged("Entering phase BUILD")) {
        poll(NULL, 0, 20);
    }
    dir = first;
    plan = kept;
    return process;
}

static void assert_neighbour_went_well(struct process *process) {
    const char *first = dir;
    dir = second_dir;
    struct build_exit end = end_build(process);
    assert_status(&end, "SUCCEEDED");
    assert_logged("\nundisturbed\n");
    dir = first;
}

/* No layer, mount or control group of the builds. */
static void assert_nothing_left(void) {
    struct str mounts = STR_NONE;
    struct str groups = STR_NONE;
    OK(file_read(&arena, "/proc/self/mountinfo", 4 << 20, &mounts, &err));
    OK(file_read(&arena, "/proc/self/cgroup", 1 << 20, &groups, &err));
    assert_true(str_find(mounts, str_c(data), 0) == (size_t)-1);
    assert_false(file_exists(str_printf(&arena, "%s/box", dir).p));
    assert_false(file_exists("/sys/fs/cgroup/trunkline-tl-0b5a7c1e"));
    assert_false(file_exists("/sys/fs/cgroup/memory/trunkline-tl-0b5a7c1e"));
}

static void test_a_build_that_fills_tmp_and_its_layer_fails_alone(void **state) {
    (void)state;
    struct process neighbour = start_neighbour();
    plan.disk_mib = 96;
    struct build_exit end =
        run_build("version: 0.2\n"
                  "phases:\n"
                  "  build:\n"
                  "    commands:\n"
                  "      - head -c 60000000 /dev/zero >/root/layer\n"
                  "      - (trap '' TERM; cat /dev/zero >/tmp/second) & cat /dev/zero >/tmp/fill\n"
                  "      - echo not reached\n"
                  "  post_build: {commands: ['rm /tmp/fill /tmp/second; sleep 2; echo after']}\n");
    assert_status(&end, "FAILED");
    assert_non_null(strstr(phases(), "BUILD FAILED, POST_BUILD SUCCEEDED"));
    assert_logged("No space left: the build has written more than 96 MiB");
    assert_logged("\nafter\n");
    assert_false(logged("\nnot reached\n"));
    assert_nothing_left();
    assert_neighbour_went_well(&neighbour);
}

static void test_folders_without_end_are_no_hiding_place(void **state) {
    (void)state;
    struct build_exit end =
        run_build("version: 0.2\n"
                  "phases:\n"
                  "  build:\n"
                  "    commands:\n"
                  "      - cd /tmp; python3 -c \"import os;[(os.mkdir('d'),os.chdir('d')) for i in "
                  "range(5000)];open('x','w').write('x'*1000000)\"; sleep 60\n");
    assert_status(&end, "FAILED");
    assert_logged("No space left: the build has made more than 512 folders in each other");
    assert_nothing_left();
}

/* Its end does not wait for that. */
static void test_a_layer_of_many_files_is_cleared_away(void **state) {
    (void)state;
    source_file("many.py", "import os\n"
                           "for i in range(200):\n"
                           "    os.mkdir('/tmp/%d' % i)\n"
                           "    for k in range(100):\n"
                           "        open('/tmp/%d/%d' % (i, k), 'w').write('x')\n");
    struct build_exit end =
        run_build("version: 0.2\nphases: {build: {commands: [python3 many.py, 'echo made']}}\n");
    assert_status(&end, "SUCCEEDED");
    assert_logged("\nmade\n");
    assert_nothing_left();
}

static const struct CMUnitTest tests[] = {
    CASE(test_a_build_that_fills_tmp_and_its_layer_fails_alone),
    CASE(test_folders_without_end_are_no_hiding_place),
    CASE(test_a_layer_of_many_files_is_cleared_away),
};

BUILD_MAIN(tests)
