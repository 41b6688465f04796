/* trunkline connection complete, hook and list; console: a sign-in link. */
#include "front/cli/out.h"
#include "front/cli/place.h"

#include "gen/codeconnections.h"
#include "gen/sts.h"
#include "gen/trunkline.h"
#include "platform/os/fd.h"

#include <unistd.h>

enum { URL_MAX = 2048 };

/* "-": from standard input, for a URL with a password in it. */
static int read_url(struct cli *c, const char *option, struct str *ret, struct err *err) {
    *ret = str_c(option);
    if (strcmp(option, "-") != 0) {
        return 0;
    }
    if (fd_read_all(&c->arena, STDIN_FILENO, URL_MAX + 1, ret, err) < 0) {
        return err_wrap(err, "read the URL from standard input");
    }
    *ret = str_trim(*ret);
    return ret->n > 0 ? 0 : err_set(err, ERR_INVALID, "standard input holds no URL");
}

static int run_complete(struct cli *c, struct err *err) {
    struct aws_target target;
    const char *url = cli_opt(c, "url");
    struct trunkline_complete_connection_input in = {.connection = str_c(c->args[0])};
    struct trunkline_complete_connection_output out;
    if (url == NULL) {
        return cli_usage(c, "--url is missing: where git fetches the repositories from");
    }
    if (read_url(c, url, &in.url, err) < 0 || place_target(c, NULL, &target, err) < 0 ||
        trunkline_call_complete_connection(&target, &c->arena, &in, &out, err) < 0) {
        return -1;
    }
    if (c->json) {
        json_t *o = json_object();
        json_set_str(o, "connectionArn", out.connection_arn);
        if (str_find_c(in.url, '@', 0) == (size_t)-1) { /* else it may have a password in it */
            json_set_str(o, "url", in.url);
        }
        return out_json(c, o);
    }
    fprintf(c->out, STR_FMT " is AVAILABLE\n", STR_ARG(out.connection_arn));
    return EXIT_DONE;
}

static const struct cli_option complete_options[] = {
    {"url", 'u', "URL", "what git fetches; {repository} is the FullRepositoryId; - reads it"},
    {0},
};

const struct cli_verb verb_connection_complete = {
    .name = "connection complete",
    .group = CLI_ACCOUNT,
    .args = "NAME|ARN",
    .min_args = 1,
    .max_args = 1,
    .summary = "Tell a pending connection where its repositories are",
    .detail = "On AWS a person completes a connection in a browser; here this does:\n\n"
              "  trunkline connection complete team --url 'file:///srv/git/{repository}.git'\n\n"
              "A URL with a password in it is better given by standard input (--url -), where\n"
              "nobody else of this machine can read it. It is kept sealed and shown nowhere.",
    .options = complete_options,
    .run = run_complete,
};

/* ---- hook ---- */

static int run_hook(struct cli *c, struct err *err) {
    struct aws_target target;
    struct trunkline_create_connection_hook_input in = {
        .connection = str_c(c->args[0]), .rotate = cli_has(c, "rotate"), .has_rotate = true};
    struct trunkline_create_connection_hook_output out;
    if (place_target(c, NULL, &target, err) < 0 ||
        trunkline_call_create_connection_hook(&target, &c->arena, &in, &out, err) < 0) {
        return -1;
    }
    if (c->json) {
        json_t *o = json_object();
        json_set_str(o, "connectionArn", out.connection_arn);
        json_set_str(o, "url", out.url);
        json_set_str(o, "secret", out.secret);
        return out_json(c, o);
    }
    fprintf(c->out, "URL     " STR_FMT "\nSecret  " STR_FMT "\n", STR_ARG(out.url),
            STR_ARG(out.secret.p != NULL ? out.secret : S("was shown before; --rotate makes one")));
    return EXIT_DONE;
}

static const struct cli_option hook_options[] = {
    {"rotate", 0, NULL, "make a new secret; the old one counts no more"},
    {0},
};

const struct cli_verb verb_connection_hook = {
    .name = "connection hook",
    .group = CLI_ACCOUNT,
    .args = "NAME|ARN",
    .min_args = 1,
    .max_args = 1,
    .summary = "Print URL and secret that a git host needs to tell of pushes",
    .detail = "Put both into the host's webhook settings, with pushes and pull requests as events\n"
              "and JSON as content. The secret is shown once.",
    .options = hook_options,
    .run = run_hook,
};

/* ---- list ---- */

static int run_list(struct cli *c, struct err *err) {
    struct aws_target target;
    struct codeconnections_list_connections_input in = {0};
    struct codeconnections_list_connections_output out;
    json_t *list cleanup_json = json_array();
    if (place_target(c, NULL, &target, err) < 0) {
        return -1;
    }
    do {
        if (codeconnections_call_list_connections(&target, &c->arena, &in, &out, err) < 0) {
            return -1;
        }
        for (size_t i = 0; i < out.connections.n; i++) {
            const struct codeconnections_connection *one = &out.connections.v[i];
            if (c->json) {
                json_t *o = json_object();
                json_set_str(o, "name", one->connection_name);
                json_set_str(o, "arn", one->connection_arn);
                json_set_str(o, "status", one->connection_status);
                json_array_append_new(list, o);
                continue;
            }
            fprintf(c->out, "%-32.*s  %s%-9.*s%s  " STR_FMT "\n", STR_ARG(one->connection_name),
                    out_style(c, out_status_style(one->connection_status)),
                    STR_ARG(one->connection_status), out_style(c, OUT_PLAIN),
                    STR_ARG(one->connection_arn));
        }
        in.next_token = out.next_token;
    } while (out.next_token.n > 0);
    if (c->json) {
        json_t *document = json_object();
        json_set(document, "connections", json_incref(list));
        return out_json(c, document);
    }
    return EXIT_DONE;
}

const struct cli_verb verb_connection_list = {
    .name = "connection list",
    .group = CLI_ACCOUNT,
    .args = "",
    .summary = "List connections to git hosts",
    .run = run_list,
};

/* ---- console ---- */

/* The link is for whoever asks: with --role, a session of that role. */
static int assume(struct cli *c, struct aws_target *io_target, const char *role, struct err *err) {
    const char *session = cli_opt(c, "session");
    struct sts_assume_role_request in = {
        .role_arn = strncmp(role, "arn:", 4) == 0
                        ? str_c(role)
                        : str_printf(&c->arena, "arn:aws:iam::" STR_FMT ":role/%s",
                                     STR_ARG(io_target->account), role),
        .role_session_name = str_c(session ? session : "console"),
    };
    struct sts_assume_role_response out;
    if (sts_call_assume_role(io_target, &c->arena, &in, &out, err) < 0) {
        return -1;
    }
    if (out.credentials == NULL) {
        return err_set(err, ERR_UNAVAILABLE, "AssumeRole answered without credentials");
    }
    io_target->credentials = (struct aws_credentials){
        .access_key = out.credentials->access_key_id,
        .secret_key = out.credentials->secret_access_key,
        .session_token = out.credentials->session_token,
    };
    return 0;
}

static int run_console(struct cli *c, struct err *err) {
    struct aws_target target;
    const char *role = cli_opt(c, "role");
    struct trunkline_create_console_link_input in = {0};
    struct trunkline_create_console_link_output out;
    if (place_target(c, NULL, &target, err) < 0 || (role && assume(c, &target, role, err) < 0) ||
        trunkline_call_create_console_link(&target, &c->arena, &in, &out, err) < 0) {
        return -1;
    }
    if (c->json) {
        json_t *o = json_object();
        json_set_str(o, "url", out.url);
        json_set(o, "expiresMs", json_integer(out.expires));
        return out_json(c, o);
    }
    fprintf(c->out, STR_FMT "\n", STR_ARG(out.url));
    return EXIT_DONE;
}

static const struct cli_option console_options[] = {
    {"role", 0, "ROLE", "sign in as a session of this role: a name or an ARN"},
    {"session", 0, "NAME", "that session's name: who you are (console)"},
    {0},
};

const struct cli_verb verb_console = {
    .name = "console",
    .group = CLI_RELEASE,
    .args = "",
    .summary = "Print a link that signs a browser in, once",
    .detail =
        "The link works once and for five minutes. Whoever signs in with it is recorded when\n"
        "approving: give people links of a role with their name.\n\n"
        "  trunkline console --role approver --session ada",
    .options = console_options,
    .run = run_console,
};
