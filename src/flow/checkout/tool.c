/* Implementation of tool.h. */
#include "flow/checkout/tool.h"

#include "flow/artifact/git.h"
#include "flow/checkout/address.h"
#include "platform/crypto/encode.h"
#include "platform/os/locked.h"

#include <stdlib.h>

enum {
    OUTPUT_MAX = 64 * 1024 * 1024,
    MEMORY_MAX_MIB = 4096, /* a tree that unfolds without end stops here */
    SECONDS_MAX = 30 * 60,
};

#define HERE "/proc/self/fd/3"

static void set(struct tool *t, const char *name, struct str value) {
    *arena_push(t->arena, &t->config) = (struct str_pair){str_c(name), value};
}

/* What holds for every repository. Faults of old commits that many real ones have are let through.
 */
static void set_common(struct tool *t) {
    static const char *const lines[][2] = {
        {"core.hooksPath", "/dev/null"},
        {"core.fsmonitor", "false"},
        {"core.symlinks", "true"},
        {"core.autocrlf", "false"},
        {"core.askPass", "/bin/true"},
        {"credential.helper", ""},
        {"init.defaultBranch", "main"},
        {"gc.auto", "0"},
        {"maintenance.auto", "false"},
        {"advice.detachedHead", "false"},
        {"protocol.ext.allow", "never"},
        {"submodule.recurse", "false"},
        {"http.followRedirects", "false"},
        {"http.proxy", ""},
        {"http.lowSpeedLimit", "1"},
        {"http.lowSpeedTime", "60"},
        {"fetch.fsckObjects", "true"},
        {"fetch.fsck.zeroPaddedFilemode", "ignore"},
        {"fetch.fsck.missingSpaceBeforeDate", "ignore"},
        {"fetch.fsck.missingSpaceBeforeEmail", "ignore"},
        {"fetch.fsck.badTimezone", "ignore"},
        {"fetch.fsck.badDate", "ignore"},
        {"fetch.fsck.missingNameBeforeEmail", "ignore"},
        {"fetch.fsck.badFilemode", "ignore"},
    };
    t->config = (struct str_map){0};
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        set(t, lines[i][0], str_c(lines[i][1]));
    }
}

int tool_open(struct arena *a, const struct checkout *c, struct tool *ret, struct err *err) {
    *ret = (struct tool){
        .arena = a, .c = c, .dir = HERE, .as_owner = true, .protocol = "none", .remote = S("")};
    set_common(ret);
    return git_write_config(a, str_c(c->home), err);
}

static void set_credentials(struct tool *t, struct str server, struct str username,
                            struct str password) {
    struct arena *a = t->arena;
    struct str pair = str_printf(a, STR_FMT ":" STR_FMT, STR_ARG(username), STR_ARG(password));
    set(t, str_printf(a, "http." STR_FMT ".extraHeader", STR_ARG(server)).p,
        str_printf(a, "Authorization: Basic " STR_FMT, STR_ARG(base64_encode(a, pair))));
}

int tool_reach(struct tool *t, const struct checkout_remote *remote, struct err *err) {
    struct arena *a = t->arena;
    struct address at;
    struct str pin = STR_NONE;
    set_common(t);
    t->read = (struct str_list){0};
    if (address_parse(a, remote->url, &at, err) < 0) {
        return -1;
    }
    t->protocol = str_z(a, at.scheme);
    if (at.host.n == 0) {
        t->remote = remote->url;
        *arena_push(a, &t->read) = str_concat(a, S("/"), at.path);
        return remote->trusted ? 0
                               : err_set(err, ERR_DENIED,
                                         "'" STR_FMT "' is a file of this machine: map the "
                                         "repository under 'sources' in trunkline.yml",
                                         STR_ARG(remote->url));
    }
    if (!remote->trusted) {
        if (address_pin(a, &at, t->c->egress, &pin, err) < 0) {
            return -1;
        }
        set(t, "http.curloptResolve", pin);
    }
    struct str server = address_server(a, &at);
    bool own = remote->password.n > 0;
    if (own || at.user.n > 0 || at.password.n > 0) { /* a name alone may be a token */
        set_credentials(t, server, own ? remote->username : at.user,
                        own ? remote->password : at.password);
    }
    if (remote->insecure_ssl) {
        set(t, str_printf(a, "http." STR_FMT ".sslVerify", STR_ARG(server)).p, S("false"));
    }
    if (t->c->ca_file != NULL) {
        set(t, "http.sslCAInfo", str_c(t->c->ca_file));
        *arena_push(a, &t->read) = str_c(t->c->ca_file);
    }
    t->remote = address_url(a, &at);
    return 0;
}

struct words {
    const char **v;
    size_t n;
};

static void add(struct arena *a, struct words *w, struct str word) {
    *arena_push(a, w) = word.p;
}

/* Nothing of our own environment but PATH. The configuration travels here, and not as arguments
 * that every user of the machine could read. */
static const char *const *environment(const struct tool *t) {
    struct arena *a = t->arena;
    const char *path = getenv("PATH");
    struct words w = {0};
    add(a, &w, str_printf(a, "PATH=%s", path ? path : "/usr/bin:/bin"));
    add(a, &w, str_printf(a, "HOME=%s", t->c->home));
    add(a, &w, str_printf(a, "GIT_CONFIG_GLOBAL=%s/config", t->c->home));
    add(a, &w, str_printf(a, "GIT_ALLOW_PROTOCOL=%s", t->protocol));
    add(a, &w, S("GIT_CONFIG_NOSYSTEM=1"));
    add(a, &w, S("GIT_TERMINAL_PROMPT=0"));
    add(a, &w, S("GIT_NO_LAZY_FETCH=1"));
    add(a, &w, S("LC_ALL=C"));
    add(a, &w, str_printf(a, "GIT_CONFIG_COUNT=%zu", t->config.n));
    for (size_t i = 0; i < t->config.n; i++) {
        add(a, &w, str_printf(a, "GIT_CONFIG_KEY_%zu=" STR_FMT, i, STR_ARG(t->config.v[i].key)));
        add(a, &w,
            str_printf(a, "GIT_CONFIG_VALUE_%zu=" STR_FMT, i, STR_ARG(t->config.v[i].value)));
    }
    *arena_push(a, &w) = NULL;
    return w.v;
}

static const char *const *arguments(const struct tool *t, const char *const *argv) {
    struct words w = {0};
    add(t->arena, &w, S("git"));
    for (size_t i = 0; argv[i] != NULL; i++) {
        *arena_push(t->arena, &w) = argv[i];
    }
    *arena_push(t->arena, &w) = NULL;
    return w.v;
}

static void folders(const struct tool *t, struct locked *ret) {
    struct arena *a = t->arena;
    locked_system(a, ret);
    *arena_push(a, &ret->read) = str_printf(a, "%s/config", t->c->home);
    for (size_t i = 0; i < t->read.n; i++) {
        *arena_push(a, &ret->read) = t->read.v[i];
    }
    if (t->as_owner) {
        *arena_push(a, &ret->write) = S(HERE);
    }
    if (t->c->mirror != NULL) {
        *arena_push(a, t->as_owner ? &ret->read : &ret->write) = str_c(t->c->mirror);
    }
}

/* What git says, for a person: its own reason, else the remote's, else its last line. */
static struct str words_of(struct str text) {
    static const char *const marks[] = {"fatal: ", "error: ", "remote: "};
    struct str rest = str_trim(text);
    struct str line = STR_NONE;
    struct str last = S("git said nothing");
    while (str_cut(&rest, '\n', &line)) {
        last = str_trim(line).n > 0 ? str_trim(line) : last;
    }
    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
        struct str mark = str_c(marks[i]);
        rest = text;
        while (str_cut(&rest, '\n', &line)) {
            if (str_starts(line, mark)) {
                return str_sub(str_trim(line), mark.n, line.n);
            }
        }
    }
    return last;
}

int tool_run(struct tool *t, const char *const *argv, struct str *ret_out, struct err *err) {
    struct arena *a = t->arena;
    struct locked confine = {.uid = t->as_owner ? t->c->owner : (uid_t)-1,
                             .file_bytes = t->c->bytes,
                             .memory_bytes = (int64_t)MEMORY_MAX_MIB << 20,
                             .seconds = SECONDS_MAX};
    struct process_spec spec = PROCESS_SPEC_INIT;
    struct process_run run = {
        .output_max = OUTPUT_MAX, .timeout_ms = t->c->timeout_ms, .cancel = t->c->cancel};
    struct process_exit end = {0};
    struct str said = STR_NONE;
    struct str out = STR_NONE;
    folders(t, &confine);
    spec.argv = arguments(t, argv);
    spec.envp = environment(t);
    spec.dir = t->as_owner ? t->dir : t->c->mirror;
    spec.keep = &t->c->dir_fd;
    spec.keep_n = 1;
    spec.session = true;
    if (locked_spec(a, &spec, &confine, &run.spec, err) < 0) {
        return -1;
    }
    if (process_run(a, &run, &out, &said, &end, err) < 0) {
        return err->kind == ERR_UNAVAILABLE ? err_set(err, ERR_UNAVAILABLE, "git took too long")
                                            : -1;
    }
    if (end.code != 0) {
        return err_set(err, ERR_UNAVAILABLE, STR_FMT, STR_ARG(words_of(said)));
    }
    if (ret_out != NULL) {
        *ret_out = out;
    }
    return 0;
}
