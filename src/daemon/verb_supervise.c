/* trunkline supervise: owns one build; started by the server, not by people. */
#include "flow/build/supervise.h"
#include "front/cli/cli.h"

static int run(struct cli *c, struct err *err) {
    const struct supervise_options options = {.tee_fd = -1};
    return supervise(c->args[0], &options, err) < 0 ? -1 : EXIT_DONE;
}

const struct cli_verb verb_supervise = {
    .name = "supervise",
    .group = CLI_HIDDEN,
    .args = "DIR",
    .min_args = 1,
    .max_args = 1,
    .flags = CLI_NO_SERVER_OPTIONS | CLI_NO_JSON,
    .summary = "Own one build, from its directory",
    .run = run,
};
