/* Implementation of world.h. */
#include "daemon/world.h"

#include "gen/sts.h"
#include "services/core/account.h"
#include "services/sts/sts_store.h"

#include <stdlib.h>

struct world {
    struct aws_world aws;
    struct db *db;
    struct gate *gate;
    const struct clock *clock;
    struct str region;
};

static int find_account(struct world *w, struct arena *a, struct str id, struct account *ret,
                        struct err *err) {
    if (db_begin(w->db, err) < 0) {
        return -1;
    }
    int found = account_find(w->db, a, id, ret, err);
    db_rollback(w->db);
    if (found == 0) {
        return err_set(err, ERR_NOT_FOUND,
                       "account %.*s is not known here; `trunkline account list` names those that "
                       "are, `trunkline account add` adds one",
                       STR_ARG(id));
    }
    return found < 0 ? -1 : 0;
}

static bool embedded(const struct account *account) {
    return str_is(account->kind, "embedded");
}

/* ---- embedded accounts ---- */

static struct aws_target in_process(struct world *w, struct str account, struct str region,
                                    const struct aws_principal *principal) {
    return (struct aws_target){
        .account = account,
        .region = region.p ? region : w->region,
        .embedded = gate_embedded(w->gate),
        .principal = principal,
        .clock = w->clock,
    };
}

static struct aws_principal *service_principal(struct arena *a, struct str service,
                                               struct str account) {
    struct aws_principal *p = arena_new(a, struct aws_principal);
    p->kind = AWS_PRINCIPAL_SERVICE;
    p->account = account;
    p->service = service;
    p->arn = service;
    p->user_id = service;
    return p;
}

int world_service_target(struct world *w, struct arena *a, struct str service, struct str account,
                         struct str region, struct aws_target *ret, struct err *err) {
    struct account row;
    if (find_account(w, a, account, &row, err) < 0) {
        return -1;
    }
    if (!embedded(&row)) {
        return err_set(err, ERR_UNSUPPORTED,
                       "account %.*s is not embedded: no service acts there "
                       "by itself",
                       STR_ARG(account));
    }
    *ret = in_process(w, row.id, region, service_principal(a, service, row.id));
    return 0;
}

/* Calls AssumeRole and turns its answer into a target of the role's account. */
static int assume_by(struct world *w, struct arena *a, const struct aws_target *caller,
                     const struct account *account, struct str role_arn, struct str session,
                     struct aws_target *ret, struct err *err) {
    struct sts_assume_role_request in = {.role_arn = role_arn, .role_session_name = session};
    struct sts_assume_role_response out;
    if (sts_call_assume_role(caller, a, &in, &out, err) < 0) {
        return -1;
    }
    if (out.credentials == NULL || out.assumed_role_user == NULL) {
        return err_set(err, ERR_UNAVAILABLE, "STS answered AssumeRole of %.*s without credentials",
                       STR_ARG(role_arn));
    }
    if (embedded(account)) {
        struct aws_principal *p = arena_new(a, struct aws_principal);
        p->kind = AWS_PRINCIPAL_ROLE;
        p->account = account->id;
        p->arn = out.assumed_role_user->arn;
        p->user_id = out.assumed_role_user->assumed_role_id;
        p->role_arn = role_arn;
        p->session_name = session;
        p->access_key = out.credentials->access_key_id;
        *ret = in_process(w, account->id, account->region, p);
        return 0;
    }
    *ret = *caller;
    ret->account = account->id;
    ret->region = account->region.p ? account->region : w->region;
    ret->credentials = (struct aws_credentials){
        .access_key = out.credentials->access_key_id,
        .secret_key = out.credentials->secret_access_key,
        .session_token = out.credentials->session_token,
        .expires_ms = out.credentials->has_expiration ? out.credentials->expiration : 0,
    };
    return 0;
}

/* ---- real accounts ---- */

static struct str from_env(struct arena *a, const char *name) {
    const char *value = getenv(name);
    return value != NULL && *value != '\0' ? str_dup(a, str_c(value)) : STR_NONE;
}

struct str world_ca_file(struct arena *a, const struct account *account) {
    return account->ca_file.n > 0 ? account->ca_file : from_env(a, "AWS_CA_BUNDLE");
}

static int remote_target(struct world *w, struct arena *a, const struct account *account,
                         struct aws_target *ret, struct err *err) {
    struct aws_target base = {
        .account = account->id,
        .region = account->region.p ? account->region : w->region,
        .endpoint = account->endpoint,
        .credentials = {from_env(a, "AWS_ACCESS_KEY_ID"), from_env(a, "AWS_SECRET_ACCESS_KEY"),
                        from_env(a, "AWS_SESSION_TOKEN"), 0},
        .ca_file = world_ca_file(a, account),
        .retries = -1,
        .clock = w->clock,
    };
    if (base.credentials.access_key.p == NULL || base.credentials.secret_key.p == NULL) {
        return err_set(err, ERR_DENIED,
                       "account %.*s is on AWS, and the server has no keys to begin with: start "
                       "`trunkline serve` with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY set",
                       STR_ARG(account->id));
    }
    if (account->role_arn.n == 0) {
        *ret = base;
        return 0;
    }
    return assume_by(w, a, &base, account, account->role_arn, S("trunkline"), ret, err);
}

int world_remote_target(struct world *w, struct arena *a, struct str account,
                        struct aws_target *ret, struct err *err) {
    struct account row;
    return find_account(w, a, account, &row, err) < 0 ? -1 : remote_target(w, a, &row, ret, err);
}

static int assume_remote(struct world *w, struct arena *a, const struct account *account,
                         struct str role_arn, struct str session, struct aws_target *ret,
                         struct err *err) {
    struct aws_target base;
    if (remote_target(w, a, account, &base, err) < 0) {
        return -1;
    }
    if (str_eq(account->role_arn, role_arn)) {
        *ret = base;
        return 0;
    }
    return assume_by(w, a, &base, account, role_arn, session, ret, err);
}

/* ---- the interface ---- */

static int account_of_role(struct world *w, struct arena *a, struct str role_arn,
                           struct account *ret, struct err *err) {
    struct aws_arn arn;
    if (!aws_arn_parse(role_arn, &arn) || !str_is(arn.service, "iam") ||
        !str_starts(arn.resource, S("role/"))) {
        return err_set(err, ERR_INVALID, "'%.*s' is not a role's ARN", STR_ARG(role_arn));
    }
    return find_account(w, a, arn.account, ret, err);
}

static int world_assume(void *ud, struct arena *a, struct str service, struct str role_arn,
                        struct str session, struct aws_target *ret, struct err *err) {
    struct world *w = ud;
    struct account account;
    if (account_of_role(w, a, role_arn, &account, err) < 0) {
        return -1;
    }
    if (!embedded(&account)) {
        return assume_remote(w, a, &account, role_arn, session, ret, err);
    }
    struct aws_target caller =
        in_process(w, account.id, account.region, service_principal(a, service, account.id));
    return assume_by(w, a, &caller, &account, role_arn, session, ret, err);
}

static int world_assume_from(void *ud, struct arena *a, const struct aws_target *from,
                             struct str role_arn, struct str session, struct aws_target *ret,
                             struct err *err) {
    struct world *w = ud;
    struct account account;
    if (account_of_role(w, a, role_arn, &account, err) < 0) {
        return -1;
    }
    bool crosses = from->embedded != NULL && !embedded(&account);
    if (crosses) { /* an embedded session means nothing to AWS: begin with our own keys there */
        return assume_remote(w, a, &account, role_arn, session, ret, err);
    }
    struct aws_target caller = *from;
    return assume_by(w, a, &caller, &account, role_arn, session, ret, err);
}

static bool world_is_far(void *ud, struct arena *a, struct str account) {
    struct account row;
    struct err unknown = ERR_INIT;
    return find_account(ud, a, account, &row, &unknown) == 0 && !embedded(&row);
}

static int world_allowed(void *ud, struct arena *a, const struct aws_target *target,
                         const struct shape_op *op, const void *in, struct err *err) {
    struct world *w = ud;
    if (target->embedded == NULL) {
        return 0;
    }
    struct gate_call c = {
        .arena = a,
        .service = gate_service_named(w->gate, str_c(op->service->name)),
        .op = op,
        .principal = target->principal,
        .account = target->account,
        .region = target->region,
        .request_id = S("in-process"),
        .body = AWS_BODY_NONE,
        .in = in,
    };
    return gate_check(w->gate, &c, err);
}

/* ---- a build's own sessions ---- */

/* Whoever assumes a build's role: a service, the account's own keys, or a role between. */
static int build_caller(struct world *w, struct arena *a, const struct world_build *build,
                        struct str session, struct aws_target *ret, struct err *err) {
    struct account account;
    struct str first = build->via.p != NULL ? build->via : build->role_arn;
    if (account_of_role(w, a, first, &account, err) < 0) {
        return -1;
    }
    if (embedded(&account)) {
        struct str name = build->service.p ? build->service : S("codebuild.amazonaws.com");
        struct aws_principal *service = service_principal(a, name, account.id);
        service->build_id = build->uuid;
        *ret = in_process(w, account.id, account.region, service);
    } else if (remote_target(w, a, &account, ret, err) < 0) {
        return -1;
    }
    if (build->via.p == NULL) {
        return 0;
    }
    struct aws_target service = *ret;
    if (assume_by(w, a, &service, &account, build->via, session, ret, err) < 0) {
        return -1;
    }
    if (ret->embedded != NULL) { /* what comes of this session ends with the build, too */
        struct aws_principal *p = arena_memdup(a, ret->principal, sizeof(*ret->principal));
        p->build_id = build->uuid;
        ret->principal = p;
    }
    return 0;
}

static int issue(struct world *w, struct arena *a, const struct world_build *build,
                 struct str session, struct aws_credentials *ret, struct err *err) {
    struct aws_target caller;
    if (build_caller(w, a, build, session, &caller, err) < 0) {
        return -1;
    }
    struct sts_assume_role_request in = {
        .role_arn = build->role_arn,
        .role_session_name = session,
        .policy = build->policy,
    };
    struct sts_assume_role_response out = {0};
    if (sts_call_assume_role(&caller, a, &in, &out, err) < 0) {
        return -1;
    }
    *ret = (struct aws_credentials){
        .access_key = out.credentials->access_key_id,
        .secret_key = out.credentials->secret_access_key,
        .session_token = out.credentials->session_token,
        .expires_ms = out.credentials->expiration,
    };
    return 0;
}

int world_build_credentials(struct world *w, struct arena *a, const struct world_build *build,
                            struct aws_credentials *ret, struct err *err) {
    return issue(w, a, build, str_printf(a, "AWSCodeBuild-%.*s", STR_ARG(build->uuid)), ret, err);
}

/* Those of others who work for us are made, and ended, as a build's are. */
static int world_issue(void *ud, struct arena *a, const struct aws_issue *what,
                       struct aws_credentials *ret, struct err *err) {
    struct world_build as = {
        .uuid = what->tag,
        .role_arn = what->role_arn,
        .service = what->service,
        .policy = what->policy,
    };
    return issue(ud, a, &as, what->session_name, ret, err);
}

static int world_end_issued(void *ud, struct str tag, struct err *err) {
    struct world *w = ud;
    return sts_session_end_build(w->db, tag, err);
}

struct world *world_new(struct db *db, struct gate *gate, const struct clock *clock,
                        struct str region) {
    struct world *w = mem_alloc(sizeof(*w));
    w->db = db;
    w->gate = gate;
    w->clock = clock;
    w->region = region;
    w->aws = (struct aws_world){
        .clock = clock,
        .ud = w,
        .assume = world_assume,
        .assume_from = world_assume_from,
        .allowed = world_allowed,
        .is_far = world_is_far,
        .issue = world_issue,
        .end_issued = world_end_issued,
    };
    return w;
}

void world_free(struct world *w) {
    free(w);
}

const struct aws_world *world_aws(struct world *w) {
    return &w->aws;
}
