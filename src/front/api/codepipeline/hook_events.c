/* Hooks of connections: a git host tells of its repositories. Pushes make the watcher look at once;
 * what it finds counts, not what the event says. Pull requests become jobs (flow/trigger/pull.h),
 * one for each source action that follows the repository. */
#include "front/api/codepipeline/webhooks.h"

#include "flow/artifact/git.h"
#include "flow/forge/delivery.h"
#include "flow/forge/event.h"
#include "flow/forge/store.h"
#include "flow/trigger/pull.h"
#include "platform/crypto/hash.h"
#include "services/core/seal.h"

enum { ID_DIGITS = 32, SECRET_DIGITS = 40, MAX_NUMBER = 18 };

/* ---- making one ---- */

static struct str seal_context(struct arena *a, struct str id) {
    return str_printf(a, "connection/hook/" STR_FMT, STR_ARG(id));
}

/* A connection's provider as CodeBuild names the host. */
static const char *server_of(struct str provider) {
    static const char *const pairs[][2] = {
        {"GitHub", "GITHUB"},       {"GitHubEnterpriseServer", "GITHUB_ENTERPRISE"},
        {"GitLab", "GITLAB"},       {"GitLabSelfManaged", "GITLAB_SELF_MANAGED"},
        {"Bitbucket", "BITBUCKET"},
    };
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        if (str_is(provider, pairs[i][0])) {
            return pairs[i][1];
        }
    }
    return NULL;
}

int connection_hook_make(struct call *c, struct str connection, struct str provider, bool rotate,
                         struct connection_hook_made *ret, struct err *err) {
    struct connection_hook row;
    const char *server = server_of(provider);
    *ret = (struct connection_hook_made){0};
    if (server == NULL) {
        return err_set(err, ERR_UNSUPPORTED, "events of " STR_FMT " are not read",
                       STR_ARG(provider));
    }
    int found = connection_hook_get(c->db, c->arena, connection, &row, err);
    if (found < 0) {
        return -1;
    }
    if (found == 0) {
        row = (struct connection_hook){.connection = connection,
                                       .account = c->account,
                                       .server = str_c(server),
                                       .id = rng_hex(c->rng, c->arena, ID_DIGITS)};
    }
    if (found == 0 || rotate) {
        ret->secret = rng_hex(c->rng, c->arena, SECRET_DIGITS);
        row.secret = seal_make(c->arena, c->rng, seal_context(c->arena, row.id), ret->secret);
    }
    ret->url = str_printf(c->arena, STR_FMT "/hooks/" STR_FMT, STR_ARG(codepipeline_flow()->url),
                          STR_ARG(row.id));
    return ret->secret.p == NULL ? 0 : connection_hook_put(c->db, &row, err);
}

int connection_hook_secret(struct arena *a, const struct connection_hook *row, struct str *ret,
                           struct err *err) {
    return seal_open(a, seal_context(a, row->id), row->secret, ret, err);
}

/* ---- pull requests ---- */

static const char *pull_event(struct str type) {
    static const char *const pairs[][2] = {
        {"PULL_REQUEST_CREATED", "OPEN"},    {"PULL_REQUEST_REOPENED", "OPEN"},
        {"PULL_REQUEST_UPDATED", "UPDATED"}, {"PULL_REQUEST_MERGED", "CLOSED"},
        {"PULL_REQUEST_CLOSED", "CLOSED"},
    };
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        if (str_is(type, pairs[i][0])) {
            return pairs[i][1];
        }
    }
    return NULL;
}

static bool is_number(struct str text) {
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '9') {
            return false;
        }
    }
    return text.n > 0 && text.n <= MAX_NUMBER;
}

static struct str branch_of(struct str ref) {
    return str_starts(ref, S("refs/heads/")) ? str_sub(ref, 11, ref.n) : STR_NONE;
}

static int read_pull(struct arena *a, const struct connection_hook *hook,
                     const struct forge_event *e, struct pull *ret, struct err *err) {
    bool lab = str_starts(hook->server, S("GITLAB"));
    bool bucket = str_is(hook->server, "BITBUCKET"); /* it publishes no reference */
    *ret = (struct pull){
        .number = e->number,
        .event = str_c(pull_event(e->type)),
        .commit = e->commit,
        .branch = branch_of(e->head_ref),
        .destination = branch_of(e->base_ref),
    };
    if (!is_number(e->number) || !git_is_commit_id(e->commit) || !git_ref_is_plain(e->head_ref) ||
        !git_ref_is_plain(e->base_ref)) {
        return err_set(err, ERR_INVALID,
                       "the event names no number, no commit of 40 digits, or no branches");
    }
    ret->ref = bucket ? STR_NONE
                      : str_printf(a, "refs/%s/" STR_FMT "/head", lab ? "merge-requests" : "pull",
                                   STR_ARG(e->number));
    return 0;
}

/* Both connection services show the same connections: the part behind the account says which. */
static bool same_connection(struct str one, struct str other) {
    struct aws_arn x;
    struct aws_arn y;
    return aws_arn_parse(one, &x) && aws_arn_parse(other, &y) && str_eq(x.account, y.account) &&
           str_eq(x.region, y.region) && str_eq(x.resource, y.resource);
}

static bool follows(const struct definition *d, const struct def_action *action,
                    const struct connection_hook *hook, struct str repository) {
    const struct str_map *settings = &action->configuration;
    bool pulls = false;
    for (size_t i = 0; i < d->triggers.n; i++) {
        pulls = pulls || (d->triggers.v[i].pull.n > 0 &&
                          str_eq(d->triggers.v[i].source_action, action->name));
    }
    return pulls && str_is(action->provider, "CodeStarSourceConnection") &&
           str_eq(str_map_get(settings, S("FullRepositoryId")), repository) &&
           same_connection(str_map_get(settings, S("ConnectionArn")), hook->connection);
}

struct telling {
    struct arena *arena;
    const struct flow *flow;
    const struct connection_hook *hook;
    const struct forge_event *event;
    struct str digest;
    size_t told;
};

static int tell_pipeline(struct telling *t, const struct pipeline_row *row, struct pull *pull,
                         struct err *err) {
    struct definition d;
    struct err ignored = ERR_INIT;
    if (!str_eq(row->account, t->hook->account) ||
        definition_parse(t->arena, row->definition, &d, &ignored) < 0 || d.stages.n == 0) {
        return 0;
    }
    for (size_t i = 0; i < d.stages.v[0].actions.n; i++) {
        const struct def_action *action = &d.stages.v[0].actions.v[i];
        if (!follows(&d, action, t->hook, t->event->full_name)) {
            continue;
        }
        pull->pipeline = row->id;
        pull->action = action->name;
        if (trigger_pull_add(t->flow, t->arena, t->digest, pull, err) < 0) {
            return -1;
        }
        t->told++;
    }
    return 0;
}

static int tell(struct telling *t, struct err *err) {
    struct pull pull;
    struct pipeline_row_list list;
    if (read_pull(t->arena, t->hook, t->event, &pull, err) < 0 ||
        record_pipeline_all(t->flow->db, t->arena, &list, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < list.n; i++) {
        if (tell_pipeline(t, &list.v[i], &pull, err) < 0) {
            return -1;
        }
    }
    return 0;
}

/* ---- one event ---- */

int connection_hook_event(const struct http_request *req, const struct connection_hook *hook,
                          struct str *ret, struct err *err) {
    struct arena *a = req->arena;
    const struct flow *f = codepipeline_flow();
    struct forge_event event;
    struct forge_notice notice = {.server = hook->server, .kind = forge_kind(req, hook->server)};
    if (forge_payload(req, &notice.body, err) < 0 ||
        forge_event_read(a, &notice, &event, err) < 0) {
        return -1;
    }
    bool push = str_is(event.type, "PUSH");
    if (!push && pull_event(event.type) == NULL) {
        *ret = event.ignored.p != NULL ? event.ignored : S("nothing follows this kind of event");
        return 0;
    }
    struct telling t = {a, f, hook, &event, crypto_sha256_hex(a, req->body), 0};
    int fresh = forge_delivery_add(f->db, hook->id, t.digest, clock_now_ms(f->clock), err);
    if (fresh <= 0) {
        *ret = S("this delivery was acted upon before");
        return fresh;
    }
    if (push) {
        codepipeline_look_again(f->db);
        *ret = S("the repository is looked at");
        return 0;
    }
    if (tell(&t, err) < 0) {
        return -1;
    }
    *ret = str_printf(a, "%zu source actions are told", t.told);
    return 0;
}
