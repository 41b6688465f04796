/*
 * A source from git. serve says how the repository is reached (it knows mappings, connections and
 * credentials), the checkout happens here, in the build's mount namespace, before any command of
 * the build has run. The commit is recorded for serve.
 */
#include "flow/build/source.h"

#include "flow/checkout/address.h"
#include "flow/checkout/origin.h"
#include "flow/checkout/secret.h"
#include "gen/secretsmanager.h"
#include "platform/crypto/hash.h"
#include "platform/os/fd.h"
#include "platform/os/file.h"
#include "runtime/http/http.h"

#include <fcntl.h>

enum { STEP_TIMEOUT_MS = 30 * 60 * 1000 };

struct git_source {
    struct supervision *s;
    size_t number;
};

/* The credential's secret, read as the project's role. */
static int read_secret(struct supervision *s, struct arena *a, struct str arn,
                       struct checkout_remote *ret, struct err *err) {
    int64_t since = clock_mono_ms(s->clock);
    struct secretsmanager_get_secret_value_request in = {.secret_id = arn};
    struct secretsmanager_get_secret_value_response out;
    int result = 0;
    account_begin(s);
    do {
        struct aws_target target;
        out = (struct secretsmanager_get_secret_value_response){0};
        result = account_target(s, a, &target, err) < 0
                     ? -1
                     : secretsmanager_call_get_secret_value(&target, a, &in, &out, err);
    } while (result < 0 && account_retry(s, since, err));
    return result < 0 || checkout_secret_read(a, out.secret_string, ret, err) < 0
               ? err_wrap(err, "secret " STR_FMT, STR_ARG(arn))
               : 0;
}

/* A connection's URL, or a mapping's, may have a password in it, or a token as its name. */
static void hide_in_url(struct supervision *s, struct arena *a, struct str url) {
    struct address at;
    struct err ignored = ERR_INIT;
    if (address_parse(a, url, &at, &ignored) < 0) {
        return;
    }
    struct str secret = at.password.n > 0 ? at.password : at.user;
    if (secret.n > 0) {
        build_log_hide(s->log, secret);
    }
}

/* serve's answer: {"url","username","password","secret","trusted"}. */
static int read_access(struct supervision *s, struct arena *a, struct str body,
                       struct checkout_remote *ret, struct err *err) {
    json_t *json cleanup_json = json_parse(body, err);
    if (json == NULL) {
        return err_wrap(err, "how the repository is reached");
    }
    *ret = (struct checkout_remote){
        .url = str_dup(a, json_str(json, "url")),
        .username = str_dup(a, json_str(json, "username")),
        .password = str_dup(a, json_str(json, "password")),
        .trusted = json_bool(json, "trusted"),
    };
    struct str secret = json_str(json, "secret");
    if (secret.n > 0 && read_secret(s, a, secret, ret, err) < 0) {
        return -1;
    }
    if (ret->password.n > 0) {
        build_log_hide(s->log, ret->password);
    }
    hide_in_url(s, a, ret->url);
    return ret->url.n > 0 ? 0 : err_set(err, ERR_INTERNAL, "serve named no repository");
}

static int ask_serve(struct git_source *g, struct arena *a, struct str url, struct http_reply *ret,
                     struct err *err) {
    struct supervision *s = g->s;
    struct http_call call = HTTP_CALL_INIT;
    json_t *question cleanup_json = json_object();
    json_set(question, "source", json_integer((json_int_t)g->number));
    json_set_str(question, "url", url);
    call.method = S("POST");
    call.unix_path = str_printf(a, STR_FMT "/serve.sock", STR_ARG(s->plan.data_dir));
    call.url =
        str_printf(a, "http://serve/_trunkline/builds/" STR_FMT "/source", STR_ARG(s->plan.uuid));
    call.body = json_dump_str(a, question);
    if (http_fetch(a, &call, ret, err) < 0) {
        return -1;
    }
    return ret->status == 503 ? err_set(err, ERR_UNAVAILABLE, "serve is starting") : 0;
}

/* `url` is the location of the source itself, or of a submodule in it. */
static int find_remote(void *ud, struct arena *a, struct str url, struct checkout_remote *ret,
                       struct err *err) {
    struct git_source *g = ud;
    struct http_reply reply;
    int64_t since = clock_mono_ms(g->s->clock);
    int result = 0;
    do {
        result = ask_serve(g, a, url, &reply, err);
    } while (result < 0 && account_retry(g->s, since, err));
    if (result < 0) {
        return -1;
    }
    if (reply.status != 200) {
        struct err broken = ERR_INIT;
        json_t *json cleanup_json = json_parse(reply.body, &broken);
        return err_set(err, ERR_DENIED, STR_FMT, STR_ARG(json_str(json, "message")));
    }
    if (read_access(g->s, a, reply.body, ret, err) < 0) {
        return -1;
    }
    ret->insecure_ssl = source_numbered(g->s, g->number)->insecure_ssl;
    return 0;
}

static const char *mirror_of(struct supervision *s, const struct plan_source *source) {
    const struct plan *plan = &s->plan;
    const struct origin_owner owner = {plan->account, plan->region, plan->project};
    return source->mirrored ? origin_path(&s->arena, plan->data_dir, &owner, source->url) : NULL;
}

static int record(struct supervision *s, size_t number, struct str commit, struct err *err) {
    const struct plan_source *source = source_numbered(s, number);
    json_t *event = json_object();
    json_set_str(event, "id", number == 0 ? S("") : source->id);
    json_set_str(event, "commit", commit);
    if (number == 0) {
        s->plan.resolved_version = commit;
    }
    return build_events_add(s->events, "source", event, err);
}

static int allow_networks(struct supervision *s, struct egress *ret, struct err *err) {
    for (size_t i = 0; i < s->plan.notify.n; i++) {
        if (egress_allow(&s->arena, ret, s->plan.notify.v[i], err) < 0) {
            return -1;
        }
    }
    return 0;
}

static int step_timeout(const struct supervision *s) {
    int64_t left = s->deadline_ms - clock_mono_ms(s->clock);
    return left < 1 ? 1 : left < STEP_TIMEOUT_MS ? (int)left : STEP_TIMEOUT_MS;
}

static int fetch(struct git_source *g, const char *directory, struct str *ret_commit,
                 struct err *err) {
    struct supervision *s = g->s;
    const struct plan_source *source = source_numbered(s, g->number);
    struct egress networks = {0};
    int dir cleanup_fd = sandbox_open(s->box, directory, O_RDONLY | O_DIRECTORY, 0, err);
    struct checkout c = {
        .location = source->url,
        .version = source->label,
        .depth = source->depth,
        .submodules = source->submodules,
        .home = str_printf(&s->arena, STR_FMT "/git", STR_ARG(s->plan.data_dir)).p,
        .ca_file = s->ca_file,
        .mirror = mirror_of(s, source),
        .dir_fd = dir,
        .owner = sandbox_root_id(s->box),
        .bytes = s->plan.disk_mib << 20,
        .timeout_ms = step_timeout(s),
        .cancel = &s->signal_fd, /* only looked at: phase_interrupted reads it */
        .egress = &networks,
        .find = find_remote,
        .ud = g,
    };
    if (dir < 0 || allow_networks(s, &networks, err) < 0 ||
        find_remote(g, &s->arena, source->url, &c.remote, err) < 0) {
        return -1;
    }
    git_helper_note(s, c.remote.url, c.remote.username, c.remote.password);
    return checkout_git(&s->arena, &c, ret_commit, err);
}

int source_from_git(struct supervision *s, size_t number, const char *directory, struct err *err) {
    struct git_source g = {s, number};
    const struct plan_source *source = source_numbered(s, number);
    struct str commit = STR_NONE;
    if (fetch(&g, directory, &commit, err) < 0) {
        struct str why = str_printf(&s->arena, "%s", err->msg);
        return err_set(err, err->kind, STR_FMT " for %s source and source version " STR_FMT,
                       STR_ARG(why), number == 0 ? "primary" : "secondary", STR_ARG(source->label));
    }
    return record(s, number, commit, err);
}
