/* trunkline supervise: owns one build; started by the server, not by people. */
#include "flow/build/spawner.h"
#include "flow/build/supervise.h"
#include "front/cli/cli.h"

static int run(struct cli *c, struct err *err) {
    const struct supervise_options options = {.tee_fd = -1};
    if (cli_has(c, "fork")) {
        return spawner_serve(err) < 0 ? -1 : EXIT_DONE;
    }
    return supervise(c->args[0], &options, err) < 0 ? -1 : EXIT_DONE;
}

static const struct cli_option options[] = {
    {"fork", 0, NULL, "fork supervisors as standard input asks for them"},
    {0},
};

const struct cli_verb verb_supervise = {
    .name = "supervise",
    .group = CLI_HIDDEN,
    .args = "DIR",
    .min_args = 1,
    .max_args = 1,
    .flags = CLI_NO_SERVER_OPTIONS | CLI_NO_JSON,
    .summary = "Own one build, from its directory",
    .options = options,
    .run = run,
};
