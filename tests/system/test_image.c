/* Images of somebody else: what their bytes can do while they are unpacked (nothing), and what a
 * container on them finds. */
#include "box.h"

#include "flow/image/cage.h"
#include "flow/image/fetch.h"
#include "flow/image/get.h"
#include "flow/image/known.h"

#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

static const char *store; /* $TRUNKLINE_IMAGES of this test */
static const char *layout;

/* Runs a shell script of the host; fails with its text when that fails. */
static struct str host(struct box *b, const char *script) {
    const char *argv[] = {"/bin/sh", "-ec", script, NULL};
    struct process_run run = {.spec = PROCESS_SPEC_INIT, .merge = true};
    struct str out = STR_NONE;
    struct process_exit end = {0};
    run.spec.argv = argv;
    OK(process_run(&b->a, &run, &out, NULL, &end, &b->err));
    if (end.code != 0) {
        fail_msg("%s: " STR_FMT, script, STR_ARG(out));
    }
    return str_trim(out);
}
#define HOST(b, ...) host(b, str_printf(&(b)->a, __VA_ARGS__).p)

static void assert_text(struct str got, const char *wanted) {
    if (!str_is(got, wanted)) {
        fail_msg("'" STR_FMT "' is not '%s'", STR_ARG(got), wanted);
    }
}

static void assert_output(struct box *b, const char *wanted) {
    assert_text(str_trim(b->out), wanted);
}

static int setup_store(void **state) {
    box_setup(state);
    struct box *b = *state;
    if (program_find(&b->a, "skopeo") == NULL || program_find(&b->a, "umoci") == NULL) {
        printf("SKIP: skopeo and umoci are not installed\n");
        skip();
    }
    OK(dir_make_temp(&b->a, "test-image-", &store, &b->err));
    layout = str_printf(&b->a, "%s/layout", store).p;
    setenv("TRUNKLINE_IMAGES", str_printf(&b->a, "%s/images", store).p, 1);
    return 0;
}

static int teardown_store(void **state) {
    struct box *b = *state;
    if (store != NULL && tree_remove(store, &b->err) < 0) {
        print_error("%s\n", b->err.msg);
    }
    unsetenv("TRUNKLINE_IMAGES");
    return box_teardown(state);
}

/* An image `app` of one layer that `script` fills, standing in it, from a small root that has a
 * shell. */
static void make_layout(struct box *b, const char *script) {
    HOST(b,
         "umoci init --layout %s; umoci new --image %s:app; mkdir %s/layer; cd %s/layer\n"
         "mkdir -p bin lib64 lib/x86_64-linux-gnu etc tmp\n"
         "cp %s/bin/dash bin/sh; cp %s/bin/cat bin/cat\n"
         "for f in $(ldd bin/sh bin/cat | grep -o '/[^ ]*[.]so[^ ]*' | sort -u); do\n"
         "  mkdir -p .$(dirname $f); cp -L $f .$f; done\n"
         "%s\n"
         "tar --numeric-owner -cf ../layer.tar .\n"
         "umoci raw add-layer --image %s:app ../layer.tar",
         layout, layout, store, store, image.rootfs.p, image.rootfs.p, script, layout);
}

static int get(struct box *b, struct image *ret) {
    const struct image_wish wish = {.text = str_printf(&b->a, "oci:%s:app", layout)};
    return image_get(&b->a, &wish, ret, &b->err);
}

static void test_a_layout_is_unpacked_once_with_its_owners_and_modes(void **state) {
    struct box *b = *state;
    struct image first;
    struct image second;
    struct stat st;
    make_layout(b, "echo x >etc/theirs; chown 1234:65535 etc/theirs; chmod 4711 etc/theirs");
    OK(get(b, &first));
    int64_t made = first.created_ms;
    OK(get(b, &second));
    assert_int_equal(second.created_ms, made);
    assert_string_equal(first.rootfs.p, second.rootfs.p);
    OK(stat(str_printf(&b->a, "%s/etc/theirs", first.rootfs.p).p, &st));
    assert_int_equal(st.st_uid, 1234);
    assert_int_equal(st.st_gid, 65535);
    assert_int_equal(st.st_mode & 07777, 04711);
    /* Setuid programs of strangers are not for the host's users to start. */
    OK(stat(str_printf(&b->a, "%s/..", first.rootfs.p).p, &st));
    assert_int_equal(st.st_mode & 077, 0);
    assert_text(HOST(b, "ls -A %s/images | grep work || true", store), "");
}

static void test_a_container_stands_on_it_with_the_images_environment(void **state) {
    struct box *b = *state;
    struct image got;
    make_layout(b, "echo hello >etc/greeting");
    HOST(b,
         "umoci config --image %s:app --config.env GREETING=hello --config.env PATH=/bin "
         "--config.user 1000 --config.workingdir /tmp --config.entrypoint /nowhere",
         layout);
    OK(get(b, &got));
    assert_int_equal(got.env.n, 2);
    assert_true(str_is(got.env.v[0], "GREETING=hello"));
    struct sandbox_spec spec = spec_of(b);
    spec.rootfs = got.rootfs.p;
    open_box(b, &spec);
    const char *argv[] = {"/bin/sh", "-c", "cat /etc/greeting; echo more >>/etc/greeting", NULL};
    assert_int_equal(run_as(b, argv, "/", NULL), 0);
    assert_output(b, "hello");
    assert_text(HOST(b, "cat %s/etc/greeting", got.rootfs.p), "hello");
}

static void test_hostile_layers_write_nothing_outside(void **state) {
    struct box *b = *state;
    struct image got;
    make_layout(b, "ln -s /work escape; ln -s ../../../../../../.. up; ln -s / root");
    /* A second layer goes through the links of the first, up, and over an absolute name. */
    HOST(
        b,
        "cd %s; cat >evil.py <<'X'\n"
        "import tarfile, io, sys\n"
        "t = tarfile.open('evil.tar', 'w')\n"
        "def put(name, **kw):\n"
        "    i = tarfile.TarInfo(name); i.size = 4\n"
        "    for k, v in kw.items(): setattr(i, k, v)\n"
        "    t.addfile(i, io.BytesIO(b'evil') if i.isreg() else None)\n"
        "put('escape/pwned'); put('up%s/pwned'); put('../../pwned'); put('%s/pwned')\n"
        "put('root%s/pwned')\n"
        "put('hard', type=tarfile.LNKTYPE, linkname='../../../../../../../../etc/passwd', size=0)\n"
        "X\n"
        "python3 evil.py; umoci raw add-layer --image %s:app evil.tar",
        store, store, store, store, layout);
    int result = get(b, &got); /* refused, or kept inside: both are fine */
    assert_text(HOST(b,
                     "find %s -name pwned -not -path '*/rootfs/*'; ls -d /pwned /work/pwned "
                     "2>/dev/null || true",
                     store),
                "");
    if (result == 0) {
        assert_text(HOST(b, "grep -c root: %s/hard || true", got.rootfs.p),
                    "0"); /* the host's passwd is not in it */
    }
}

static void test_an_image_without_a_shell_or_of_another_machine_is_refused(void **state) {
    struct box *b = *state;
    struct image got;
    make_layout(b, "rm -r bin");
    assert_int_equal(get(b, &got), -1);
    assert_non_null(strstr(b->err.msg, "no /bin/sh"));
    HOST(b, "umoci config --image %s:app --architecture s390x", layout);
    assert_int_equal(get(b, &got), -1);
    assert_text(HOST(b, "ls -A %s/images | grep -v '^[.]locks$' || true", store), "");
}

/* ---- the cage ---- */

static int caged(struct box *b, const char *script, bool network, int64_t bytes_max, int timeout) {
    const char *argv[] = {"sh", "-c", script, NULL};
    const char *dir = str_printf(&b->a, "%s/cage", store).p;
    const struct cage cage = {.argv = argv,
                              .dir = dir,
                              .network = network,
                              .bytes_max = bytes_max,
                              .timeout_ms = timeout,
                              .output_max = 1 << 20};
    if (!file_exists(dir)) {
        OK(dir_make(dir, 0700, &b->err));
        OK(dir_make(str_printf(&b->a, "%s/tmp", dir).p, 0700, &b->err));
    }
    return cage_run(&b->a, &cage, &b->out, &b->err);
}

static void test_a_cage_shows_programs_and_its_folder_only(void **state) {
    struct box *b = *state;
    HOST(b, "echo secret >%s/secret", store);
    OK(caged(b,
             "id -u; pwd; echo mine >file; ls -A / | tr '\\n' ' '; cat /proc/1/status 2>&1 | wc -l",
             false, 1 << 20, 60000));
    assert_non_null(strstr(b->out.p, "0\n/work\n"));
    assert_null(strstr(b->out.p, "home"));
    assert_null(strstr(b->out.p, "proc "));
    struct stat st;
    OK(stat(str_printf(&b->a, "%s/cage/file", store).p, &st));
    assert_int_equal(st.st_uid, 0); /* owners are as the caged program sees them */
    OK(caged(
        b,
        str_printf(&b->a,
                   "test ! -e %s/secret; test ! -w /usr; (echo x >/usr/x) 2>/dev/null && exit 1;"
                   " mount -t tmpfs none /work 2>/dev/null && exit 2;"
                   " unshare -U true 2>/dev/null && exit 3; mknod n b 8 0 2>/dev/null && exit 4;"
                   " test \"$(cat /etc/shadow 2>/dev/null)\" = '' && ls /sys /proc 2>/dev/null;"
                   " echo done",
                   store)
            .p,
        false, 1 << 20, 60000));
    assert_output(b, "done");
}

static void test_a_cage_has_no_network_unless_it_is_asked_for(void **state) {
    struct box *b = *state;
    const char *script = "python3 -c 'import socket; s = socket.socket(); s.settimeout(5);"
                         " print(s.connect_ex((\"127.0.0.1\", 9)))'";
    OK(caged(b, script, false, 1 << 20, 60000));
    assert_output(b, "101"); /* ENETUNREACH: not even loopback is up */
    OK(caged(b, script, true, 1 << 20, 60000));
    assert_output(b, "111"); /* ECONNREFUSED by the host's */
}

/* What a proxy in the cage answers to CONNECT, and what the world then says. */
static const char *connects(struct box *b, const struct egress *door, const char *host, int port) {
    const char *script =
        str_printf(&b->a,
                   "import os, socket\n"
                   "s = socket.socket(); s.settimeout(20)\n"
                   "print(s.connect_ex((\"127.0.0.1\", %d)))\n"
                   "s = socket.create_connection((\"127.0.0.1\", "
                   "int(os.environ[\"HTTPS_PROXY\"].rsplit(\":\", 1)[1])), 20)\n"
                   "s.sendall(b\"CONNECT %s:%d HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n\")\n"
                   "got = s.makefile(\"rb\").read().decode()\n"
                   "print(got.split()[1]); print(got.partition(\"\\r\\n\\r\\n\")[2])\n",
                   port, host, port)
            .p;
    const char *dir = str_printf(&b->a, "%s/cage", store).p;
    const char *argv[] = {"sh", "-c", "exec python3 -c \"$0\"", script, NULL};
    const struct cage cage = {.argv = argv,
                              .dir = dir,
                              .network = true,
                              .door = door,
                              .bytes_max = 1 << 20,
                              .timeout_ms = 60000,
                              .output_max = 1 << 20};
    if (!file_exists(dir)) {
        OK(dir_make(dir, 0700, &b->err));
    }
    OK(cage_run(&b->a, &cage, &b->out, &b->err));
    return str_z(&b->a, str_trim(b->out));
}

static int greet(void *ud) {
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* a failed test does not come back to end it */
    for (int fd; (fd = accept(*(int *)ud, NULL, NULL)) >= 0; close(fd)) {
        if (write(fd, "hello", 5) < 0) {
            return 1;
        }
    }
    return 1;
}

/* Names of this machine in all their disguises; 111 would be the host's own loopback. */
static void test_a_door_leads_to_no_address_of_this_machine(void **state) {
    struct box *b = *state;
    struct egress none = {0};
    struct egress loopback = {0};
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof(at);
    int fd cleanup_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, n) | listen(fd, 8), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &n), 0);
    struct process p cleanup_process = PROCESS_NONE;
    OK(process_fork(greet, &fd, &p, &b->err));
    const char *own[] = {"127.0.0.1", "localhost", "[::1]",     "[::ffff:127.0.0.1]",
                         "0x7f.1",    "0.0.0.0",   "2130706433"};
    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
        assert_string_equal(connects(b, &none, own[i], ntohs(at.sin_port)), "111\n403");
    }
    assert_string_equal(connects(b, &none, "169.254.169.254", 80), "111\n403");
    assert_string_equal(connects(b, &none, "10.0.0.1", 80), "111\n403");
    assert_string_equal(connects(b, &none, "", 80), "111\n400");
    OK(egress_allow(&b->a, &loopback, S("127.0.0.0/8"), &b->err));
    assert_string_equal(connects(b, &loopback, "127.0.0.1", ntohs(at.sin_port)), "111\n200\nhello");
}

static void test_a_cage_ends_what_grows_too_large_or_takes_too_long(void **state) {
    struct box *b = *state;
    assert_int_equal(
        caged(b, "while :; do head -c 1000000 /dev/zero >f$n; n=x$n; done", false, 20 << 20, 60000),
        -1);
    assert_int_equal(b->err.kind, ERR_LIMIT);
    b->err = ERR_INIT;
    assert_int_equal(
        caged(b, "rm -f f*; trap '' TERM; while :; do sleep 1; done", false, 20 << 20, 500), -1);
    assert_int_equal(b->err.kind, ERR_UNAVAILABLE);
    b->err = ERR_INIT;
    assert_int_equal(caged(b, "echo because >&2; exit 3", false, 20 << 20, 60000), -1);
    assert_non_null(strstr(b->err.msg, "because"));
    assert_false(mounts_mention(b, store));
}

/* ---- removal ---- */

static void test_leftovers_of_a_killed_fetch_are_removed(void **state) {
    struct box *b = *state;
    const char *home = image_home(&b->a);
    struct fetch f = {.a = &b->a, .home = home, .work_fd = -1};
    struct str_list names = {0};
    OK(dir_make(str_printf(&b->a, "%s/.work-dead/layout", home).p, 0700, &b->err));
    OK(fetch_begin(&f, &b->err)); /* one that is alive */
    OK(fetch_sweep(&b->a, &b->err));
    OK(dir_list(&b->a, home, &names, &b->err));
    assert_int_equal(names.n, 1);
    fetch_end(&f);
    OK(dir_list(&b->a, home, &names, &b->err));
    assert_int_equal(names.n, 0);
}

int main(void) {
#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, setup_store, teardown_store)
    const struct CMUnitTest tests[] = {
        WITH_STORE(test_a_layout_is_unpacked_once_with_its_owners_and_modes),
        WITH_STORE(test_a_container_stands_on_it_with_the_images_environment),
        WITH_STORE(test_hostile_layers_write_nothing_outside),
        WITH_STORE(test_an_image_without_a_shell_or_of_another_machine_is_refused),
        WITH_STORE(test_a_cage_shows_programs_and_its_folder_only),
        WITH_STORE(test_a_cage_has_no_network_unless_it_is_asked_for),
        WITH_STORE(test_a_door_leads_to_no_address_of_this_machine),
        WITH_STORE(test_a_cage_ends_what_grows_too_large_or_takes_too_long),
        WITH_STORE(test_leftovers_of_a_killed_fetch_are_removed),
    };
    BOX_MAIN(tests);
}
