/* What a build finds in its container and how its commands run. */
#include "box.h"

static void test_commands_run_with_their_folder_environment_and_user(void **state) {
    struct box *b = *state;
    struct sandbox_spec spec = spec_of(b);
    open_box(b, &spec);
    expect(b, "echo \"$GIVEN $PWD $(id -u) $(tty)\"", "a b / 0 not a tty");
    const char *argv[] = {"/bin/sh", "-c", "id -un; pwd; touch /root/x 2>/dev/null || echo no",
                          NULL};
    assert_int_equal(run_as(b, argv, "/tmp", "games"), 0);
    assert_true(str_is(b->out, "games\n/tmp\nno\n"));
    assert_int_equal(sh(b, "exit 7"), 7);
    assert_int_equal(sh(b, "kill -TERM $$"), 143);
}

static void test_command_that_cannot_start_says_why(void **state) {
    struct box *b = *state;
    struct sandbox_spec spec = spec_of(b);
    open_box(b, &spec);
    const char *argv[] = {"/bin/true", NULL};
    assert_int_equal(run_as(b, argv, "/absent", NULL), 1000 + SANDBOX_REFUSED);
    assert_true(str_is(b->out, "change to folder /absent: No such file or directory"));
    assert_int_equal(run_as(b, argv, "/", "nobody-here"), 1000 + SANDBOX_REFUSED);
    assert_true(str_is(b->out, "the image has no user nobody-here"));
    const char *absent[] = {"/bin/absent", NULL};
    assert_int_equal(run_as(b, absent, "/", NULL), 1000 + SANDBOX_REFUSED);
    assert_true(str_is(b->out, "start /bin/absent: No such file or directory"));
    expect(b, "echo still here", "still here");
}

static void test_background_jobs_live_on_and_are_reaped(void **state) {
    struct box *b = *state;
    struct sandbox_spec spec = spec_of(b);
    open_box(b, &spec);
    expect(b, "sleep 1000 >/dev/null 2>&1 & echo $! >/tmp/pid", "");
    expect(b, "kill -0 $(cat /tmp/pid) && echo alive", "alive");
    expect(b, "for i in 1 2 3 4 5; do (true &) ; done; ps -e -o stat= | grep Z | wc -l", "0");
}

static void test_container_finds_names_authority_folders_and_mounts(void **state) {
    struct box *b = *state;
    struct sandbox_spec spec = spec_of(b);
    const char *given = str_printf(&b->a, "%s/given", b->dir).p;
    OK(dir_make(given, 0755, &b->err));
    OK(file_write(str_printf(&b->a, "%s/file", given).p, S("from the host\n"), 0644, &b->err));
    const struct sandbox_mount mounts[] = {{.source = given, .target = "/opt/given/tree"}};
    const char *const folders[] = {"/codebuild/output/src1/src"};
    spec.mounts = mounts;
    spec.mounts_n = 1;
    spec.folders = folders;
    spec.folders_n = 1;
    spec.nameserver = "169.254.170.2";
    spec.hosts = S("169.254.170.3\tmirror.example\n");
    spec.ca_pem = S("-----BEGIN CERTIFICATE-----\nTRUNKLINETEST\n-----END CERTIFICATE-----\n");
    open_box(b, &spec);
    expect(b, "cat /opt/given/tree/file; touch /opt/given/tree/x 2>/dev/null || echo read-only",
           "from the host\nread-only");
    expect(b, "grep -c mirror.example /etc/hosts; cat /etc/resolv.conf | head -1",
           "1\nnameserver 169.254.170.2");
    expect(b,
           "grep -c TRUNKLINETEST /etc/ssl/certs/ca-certificates.crt "
           "/usr/local/share/ca-certificates/trunkline.crt",
           "/etc/ssl/certs/ca-certificates.crt:1\n"
           "/usr/local/share/ca-certificates/trunkline.crt:1");
    expect(b, "test $(grep -c BEGIN /etc/ssl/certs/ca-certificates.crt) -gt 100 && echo all",
           "all");
    expect(b,
           "cd /codebuild/output/src1/src && touch mine && stat -c %U:%G . mine /etc/hosts / /tmp",
           "root:root\nroot:root\nroot:root\nroot:root\nroot:root");
    expect(b, "stat -c %a /tmp /etc /codebuild/output/tmp", "1777\n755\n755");
    OK(tree_remove(given, &b->err));
}

static void test_authority_survives_update_ca_certificates(void **state) {
    struct box *b = *state;
    struct sandbox_spec spec = spec_of(b);
    const char *argv[] = {"openssl",
                          "req",
                          "-x509",
                          "-newkey",
                          "ec",
                          "-pkeyopt",
                          "ec_paramgen_curve:P-256",
                          "-nodes",
                          "-keyout",
                          "/dev/null",
                          "-subj",
                          "/CN=trunkline test",
                          "-days",
                          "2",
                          NULL};
    const struct process_run run = {.spec = {.argv = argv}};
    OK(process_run(&b->a, &run, &spec.ca_pem, NULL, NULL, &b->err));
    open_box(b, &spec);
    expect(b,
           "update-ca-certificates >/dev/null 2>&1; cd /etc/ssl/certs; "
           "grep -c \"$(sed -n 3p /usr/local/share/ca-certificates/trunkline.crt)\" "
           "ca-certificates.crt",
           "1");
}

static void test_supervisor_reads_and_writes_files_inside_and_never_outside(void **state) {
    struct box *b = *state;
    struct sandbox_spec spec = spec_of(b);
    const char *target = str_printf(&b->a, "%s/host-file", b->dir).p;
    OK(file_write(target, S("host"), 0600, &b->err));
    open_box(b, &spec);
    OK(sandbox_write_file(b->s, "/codebuild/output/tmp/script.sh", S("echo written\n"), 0755,
                          &b->err));
    expect(b,
           "stat -c %U:%a /codebuild/output/tmp/script.sh; /bin/sh /codebuild/output/tmp/script.sh",
           "root:755\nwritten");
    const char *script = str_printf(&b->a,
                                    "rm -rf /codebuild/output/tmp && ln -s %s "
                                    "/codebuild/output/tmp && mkfifo /tmp/pipe && "
                                    "ln -s ../../../../../..%s/host-file /tmp/link",
                                    b->dir, b->dir)
                             .p;
    assert_int_equal(sh(b, script), 0);
    assert_int_equal(
        sandbox_write_file(b->s, "/codebuild/output/tmp/host-file", S("x"), 0644, &b->err), -1);
    assert_int_equal(sandbox_write_file(b->s, "/tmp/pipe", S("x"), 0644, &b->err), -1);
    struct str text = STR_NONE;
    assert_int_equal(sandbox_read_file(b->s, &b->a, "/tmp/link", 100, &text, &b->err), -1);
    assert_int_equal(sandbox_read_file(b->s, &b->a, "/tmp/pipe", 100, &text, &b->err), -1);
    OK(file_read(&b->a, target, 100, &text, &b->err));
    assert_true(str_is(text, "host"));
    OK(file_remove(target, &b->err));
}

static void test_one_folder_has_one_container(void **state) {
    struct box *b = *state;
    struct sandbox_spec spec = spec_of(b);
    open_box(b, &spec);
    struct sandbox *second = NULL;
    assert_int_equal(sandbox_prepare(&spec, &second, &b->err), -1);
    assert_int_equal(b->err.kind, ERR_EXISTS);
    expect(b, "echo unharmed", "unharmed");
}

static void test_preparation_that_fails_leaves_nothing(void **state) {
    struct box *b = *state;
    struct sandbox_spec spec = spec_of(b);
    spec.rootfs = "/nonexistent";
    assert_int_equal(sandbox_prepare(&spec, &b->s, &b->err), -1);
    assert_int_equal(b->err.kind, ERR_NOT_FOUND);
    b->base = (uid_t)-70000;
    assert_nothing_left(b);
    spec.rootfs = image.rootfs.p;
    const struct sandbox_mount mounts[] = {{.source = "/nonexistent/source", .target = "/opt"}};
    spec.mounts = mounts;
    spec.mounts_n = 1;
    assert_int_equal(sandbox_prepare(&spec, &b->s, &b->err), -1);
    assert_non_null(strstr(b->err.msg, "/nonexistent/source"));
    assert_nothing_left(b);
}

static void run_under(struct box *b, const char *runtime) {
    struct sandbox_spec spec = spec_of(b);
    if (program_find(&b->a, runtime) == NULL) {
        skip();
    }
    spec.runtime = runtime;
    open_box(b, &spec);
    assert_string_equal(sandbox_runtime(b->s), runtime);
    expect(b,
           "grep -E '^(CapEff|NoNewPrivs|Seccomp):' /proc/self/status | tr -d '\\t'; cat "
           "/proc/self/uid_map | wc -l; aws --version | cut -c1-8",
           "CapEff:00000000800005fb\nNoNewPrivs:1\nSeccomp:2\n1\naws-cli/");
    OK(sandbox_kill(b->s, &b->err));
    struct sandbox *s = TAKE_PTR(b->s);
    OK(sandbox_delete(s, &b->err));
    assert_nothing_left(b);
}

static void test_crun_makes_it_and_leaves_nothing(void **state) {
    run_under(*state, "crun");
}

static void test_runc_makes_it_and_leaves_nothing(void **state) {
    run_under(*state, "runc");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        WITH_BOX(test_commands_run_with_their_folder_environment_and_user),
        WITH_BOX(test_command_that_cannot_start_says_why),
        WITH_BOX(test_background_jobs_live_on_and_are_reaped),
        WITH_BOX(test_container_finds_names_authority_folders_and_mounts),
        WITH_BOX(test_authority_survives_update_ca_certificates),
        WITH_BOX(test_supervisor_reads_and_writes_files_inside_and_never_outside),
        WITH_BOX(test_one_folder_has_one_container),
        WITH_BOX(test_preparation_that_fails_leaves_nothing),
        WITH_BOX(test_crun_makes_it_and_leaves_nothing),
        WITH_BOX(test_runc_makes_it_and_leaves_nothing),
    };
    BOX_MAIN(tests);
}
