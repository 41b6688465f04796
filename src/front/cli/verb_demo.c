/* trunkline demo: runs demo.sh, which is nothing but public verbs, git and the aws command line. */
#include "front/cli/cli.h"
#include "front/cli/place.h"
#include "platform/os/fd.h"
#include "platform/os/file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

extern const char cli_demo_sh[];

static const char *own_program(struct arena *a, const char *otherwise) {
    char path[4096];
    ssize_t n = readlink("/proc/self/exe", path, sizeof(path));
    return n > 0 ? str_dup(a, str_n(path, (size_t)n)).p : otherwise;
}

/* The example lies in the checkout, or where `make install` put it. */
static const char *find_example(struct arena *a, const char *program) {
    struct str folder = str_sub(str_c(program), 0, str_rfind_c(str_c(program), '/'));
    const char *const places[] = {
        "examples/logging-platform",
        str_printf(a, STR_FMT "/../examples/logging-platform", STR_ARG(folder)).p,
        str_printf(a, STR_FMT "/../share/trunkline/examples/logging-platform", STR_ARG(folder)).p,
    };
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        if (file_exists(str_printf(a, "%s/release.yml", places[i]).p)) {
            char *real = realpath(places[i], NULL);
            const char *copy = real != NULL ? str_dup(a, str_c(real)).p : NULL;
            free(real);
            return copy;
        }
    }
    return NULL;
}

/* Beside the build it shows, or in a folder of the usual data directory. */
static const char *demo_dir(struct cli *c) {
    if (cli_opt(c, "data") != NULL) {
        return cli_opt(c, "data");
    }
    return file_is_dir("build") ? "build/demo"
                                : str_printf(&c->arena, "%s-demo", place_data_dir(c)).p;
}

static const char *absolute(struct arena *a, const char *path) {
    char cwd[4096];
    return path[0] == '/' || getcwd(cwd, sizeof(cwd)) == NULL ? path
                                                              : str_printf(a, "%s/%s", cwd, path).p;
}

static int run(struct cli *c, struct err *err) {
    const char *program = own_program(&c->arena, c->program);
    const char *example = find_example(&c->arena, program);
    if (example == NULL) {
        return err_set(err, ERR_NOT_FOUND,
                       "the example that the demo releases is not here: run it in a checkout, or "
                       "after `make install`");
    }
    setenv("TRUNKLINE", program, 1);
    setenv("EXAMPLE", example, 1);
    setenv("DEMO_DIR", absolute(&c->arena, demo_dir(c)), 1);
    setenv("DEMO_YES", cli_has(c, "yes") ? "1" : "0", 1);
    int fd = fd_from_bytes("demo.sh", str_c(cli_demo_sh), err);
    if (fd < 0) {
        return -1;
    }
    /* bash reads the script from the descriptor: standard input stays the person's */
    int kept = dup(fd);
    const char *script = str_printf(&c->arena, "/proc/self/fd/%d", kept).p;
    execlp("bash", "bash", script, (char *)NULL);
    return err_sys(err, errno, "run bash");
}

static const struct cli_option options[] = {
    {"yes", 'y', NULL, "approve without asking"},
    {NULL, 0, NULL, NULL},
};

const struct cli_verb verb_demo = {
    .name = "demo",
    .group = CLI_RELEASE,
    .args = "",
    .min_args = 0,
    .max_args = 0,
    .flags = CLI_NO_JSON,
    .summary = "Watch one whole release on the embedded accounts",
    .detail = "Starts a server on fresh data in build/demo (or --data), sets up four accounts, and "
              "sends a "
              "commit from the trunk to production, every step real; then a second one, whose "
              "errors close "
              "the gate. Exits 0 only if all of that happened. Nothing in it is more than public "
              "verbs, git "
              "and the aws command line.",
    .options = options,
    .run = run,
};
