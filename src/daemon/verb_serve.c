/* trunkline serve: the server. */
#include "daemon/serve.h"
#include "front/cli/cli.h"
#include "front/cli/place.h"

#include <stdlib.h>

static int read_listen(struct cli *c, struct serve_options *options, struct err *err) {
    const char *listen = cli_opt(c, "listen");
    options->host = "127.0.0.1";
    options->port = 4566;
    if (listen == NULL) {
        return 0;
    }
    struct str text = str_c(listen);
    size_t colon = str_rfind_c(text, ':');
    unsigned long long port = 0;
    if (colon == (size_t)-1 || colon == 0 || !str_to_u64(str_sub(text, colon + 1, text.n), &port) ||
        port > 65535) {
        return err_set(err, ERR_INVALID, "--listen takes HOST:PORT, as in 127.0.0.1:4566, not '%s'",
                       listen);
    }
    options->host = str_z(&c->arena, str_sub(text, 0, colon));
    options->port = (uint16_t)port;
    return 0;
}

static int run(struct cli *c, struct err *err) {
    struct serve_options options = {.data_dir = place_data_dir(c),
                                    .data_dir_named = place_data_is_named(c),
                                    .any_key_account = cli_opt(c, "accept-any-key"),
                                    .die_with_parent = cli_has(c, "die-with-parent")};
    if (read_listen(c, &options, err) < 0) {
        return -1;
    }
    if (cli_opt(c, "database") != NULL) {
        return err_set(err, ERR_UNSUPPORTED,
                       "--database: only the SQLite store of the data directory is built; see "
                       "docs/limits.md");
    }
    struct str_list notify = cli_all(c, "allow-notify-to");
    const char **list = arena_new_n(&c->arena, const char *, notify.n + 1);
    for (size_t i = 0; i < notify.n; i++) {
        list[i] = str_z(&c->arena, notify.v[i]);
    }
    options.notify_to = list;
    return serve_run(&options, err) < 0 ? -1 : EXIT_DONE;
}

static const struct cli_option options[] = {
    {"listen", 'l', "HOST:PORT",
     "where to answer (default 127.0.0.1:4566; port 0 takes a free one)"},
    {"allow-notify-to", 0, "CIDR",
     "private or loopback addresses that messages may go to; may be repeated"},
    {"accept-any-key", 0, "ACCOUNT", "take every access key as that account's root; loopback only"},
    {"database", 0, "URL", "another store than SQLite (not built yet)"},
    {"die-with-parent", 0, NULL, "end when the process that started this one ends"},
    {NULL, 0, NULL, NULL},
};

const struct cli_verb verb_serve = {
    .name = "serve",
    .group = CLI_MACHINE,
    .args = "",
    .min_args = 0,
    .max_args = 0,
    .flags = CLI_NO_JSON | CLI_IS_SERVER,
    .summary = "Serve the accounts, pipelines and the console",
    .detail =
        "Prints 'trunkline: ready URL' when it answers. The first start on an empty directory "
        "makes "
        "four accounts: shared-services, development, pre-production and production. Ends cleanly "
        "on SIGTERM; builds go on, and the next start takes them over.",
    .options = options,
    .run = run,
};
