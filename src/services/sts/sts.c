/*
 * STS. Whether a role may be assumed was decided by the gate (the role's trust policy and the
 * caller's own); here are the rules for sessions: names, durations, chaining, session policies.
 */
#include "gen/sts.h"
#include "platform/text/json.h"
#include "platform/text/utf8.h"
#include "services/core/arn.h"
#include "services/core/tags.h"
#include "services/iam/iam_store.h"
#include "services/iam/policy.h"
#include "services/resources.h"
#include "services/sts/sts_store.h"

/* As flow/build/plan_guard.h, which no service may include. */
#define GUARD_SID "PlanStage"

enum {
    SECONDS_DEFAULT = 3600,
    SECONDS_CHAINED = 3600, /* most for a role that was assumed by a role */
    SECONDS_USER = 12 * 3600,
    POLICY_MAX = 2048, /* characters of a session policy */
};

int sts_resource(const struct gate_call *c, struct db *db, struct str action,
                 struct gate_resource *r, struct err *err) {
    struct iam_role_row role = {0};
    if (!str_is(action, "sts:AssumeRole") && !str_is(action, "sts:TagSession") &&
        !str_is(action, "sts:SetSourceIdentity")) {
        return 0;
    }
    r->policy_decides = true; /* also for a role that is not there: nobody may assume it */
    int found = iam_role_by_arn(db, c->arena, r->arn, &role, err);
    if (found > 0) {
        r->policy = role.trust;
        r->account = role.account;
    }
    return found < 0 ? -1 : 0;
}

static int invalid(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static int invalid(struct err *err, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    err_vset(err, ERR_INVALID, fmt, args);
    va_end(args);
    err->api = &sts_ValidationError;
    return -1;
}

/* [\w+=,.@-]* */
static bool is_session_name(struct str s) {
    for (size_t i = 0; i < s.n; i++) {
        unsigned char ch = (unsigned char)s.p[i];
        bool word = (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') ||
                    (ch >= '0' && ch <= '9') || ch == '_';
        if (!word && (ch == 0 || strchr("+=,.@-", ch) == NULL)) {
            return false;
        }
    }
    return true;
}

static int check_name(struct str value, const char *member, struct err *err) {
    if (value.n < 2 || value.n > 64 || !is_session_name(value)) {
        return invalid(err,
                       "1 validation error detected: Value '" STR_FMT
                       "' at '%s' failed to satisfy constraint: Member must satisfy regular "
                       "expression pattern: [\\w+=,.@-]*",
                       STR_ARG(value), member);
    }
    return 0;
}

static int duration(const struct call *c, const struct sts_assume_role_request *in,
                    const struct iam_role_row *role, int64_t *ret_seconds, struct err *err) {
    int64_t seconds = in->has_duration_seconds ? in->duration_seconds : SECONDS_DEFAULT;
    bool chained = c->principal->kind == AWS_PRINCIPAL_ROLE;
    if (seconds < 900) {
        return invalid(err,
                       "1 validation error detected: Value '%lld' at 'durationSeconds' failed to "
                       "satisfy constraint: Member must have value greater than or equal to 900",
                       (long long)seconds);
    }
    if (chained && seconds > SECONDS_CHAINED) {
        return invalid(err, "The requested DurationSeconds exceeds the 1 hour session limit for "
                            "roles assumed by role chaining");
    }
    if (seconds > role->max_session) {
        return invalid(err, "The requested DurationSeconds exceeds the MaxSessionDuration set for "
                            "this role.");
    }
    *ret_seconds = seconds;
    return 0;
}

static bool is_guarded(const struct call *c) {
    struct str text = c->principal->session_policy;
    return text.p != NULL && str_find(text, S(GUARD_SID), 0) != (size_t)-1;
}

/* Names of statements are left out, as two policies may have the same; but for a guard's, where it
 * begins: from there on the caller's own come, and nothing passes for them. */
static int add_statements(struct call *c, struct str text, json_t *into, struct err *err) {
    struct policy parsed;
    struct err why = ERR_INIT;
    if (policy_parse(c->arena, text, POLICY_IDENTITY, &parsed, &why) < 0) {
        return err_api(err, &sts_MalformedPolicyDocumentException, "%s", why.msg);
    }
    for (size_t i = 0; i < parsed.n; i++) {
        json_t *statement = json_parse(parsed.v[i].text, &why);
        if (statement == NULL) {
            return err_set(err, ERR_INTERNAL, "session policy: %s", why.msg);
        }
        if (is_guarded(c) || !str_starts(json_str(statement, "Sid"), S(GUARD_SID))) {
            json_object_del(statement, "Sid");
        }
        json_array_append_new(into, statement);
    }
    return 0;
}

/* What holds a build back goes on holding in every session that it opens from there: the statements
 * that deny, called GUARD_SID..., of whoever calls. */
static int inherit_guard(struct call *c, json_t *statements, struct err *err) {
    bool guarded = is_guarded(c);
    json_t *policy cleanup_json = guarded ? json_parse(c->principal->session_policy, err) : NULL;
    const json_t *list = json_object_get(policy, "Statement");
    if (guarded && policy == NULL) {
        return err_wrap(err, "session policy of the caller");
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_t *s = json_array_get(list, i);
        if (str_starts(json_str(s, "Sid"), S(GUARD_SID)) && str_is(json_str(s, "Effect"), "Deny")) {
            json_array_append(statements, s);
        }
    }
    return json_array_size(statements) > 0;
}

/* A session without a policy of its own may do what its role may, but for the denials. */
static int only_guard(struct call *c, json_t *statements, struct err *err) {
    int some = inherit_guard(c, statements, err);
    if (some > 0) {
        json_array_insert_new(
            statements, 0,
            json_pack("{ssssss}", "Effect", "Allow", "Action", "*", "Resource", "*"));
    }
    return some;
}

/* All session policies as one document: any of them may allow. */
static int session_policy(struct call *c, const struct sts_assume_role_request *in,
                          struct str account, struct str *ret, int64_t *ret_size, struct err *err) {
    *ret = STR_NONE;
    json_t *document cleanup_json = json_object();
    json_t *statements = json_array();
    json_set_str(document, "Version", S("2012-10-17"));
    json_set(document, "Statement", statements);
    if (in->policy.p == NULL && in->policy_arns.n == 0) {
        int some = only_guard(c, statements, err);
        *ret = some > 0 ? json_dump_str(c->arena, document) : STR_NONE;
        return some < 0 ? -1 : 0;
    }
    if (in->policy_arns.n > 10) {
        return err_api(err, &sts_PackedPolicyTooLargeException,
                       "The session policy has more than 10 policy ARNs");
    }
    if (utf8_length(in->policy) > POLICY_MAX) {
        return err_api(err, &sts_PackedPolicyTooLargeException,
                       "Packed policy consumes %zu%% of allotted space, please use smaller policy.",
                       utf8_length(in->policy) * 100 / POLICY_MAX);
    }
    if (in->policy.p != NULL && add_statements(c, in->policy, statements, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < in->policy_arns.n; i++) {
        struct str arn = in->policy_arns.v[i].arn, text = STR_NONE;
        struct str owner = arn_account(arn);
        bool reachable = str_is(owner, "aws") || str_eq(owner, account);
        int found = reachable ? iam_policy_document(c->db, c->arena, arn, &text, err) : 0;
        if (found < 0) {
            return -1;
        }
        if (found == 0) {
            return err_api(err, &sts_MalformedPolicyDocumentException,
                           "Policy " STR_FMT " does not exist or is not attachable.", STR_ARG(arn));
        }
        if (add_statements(c, text, statements, err) < 0) {
            return -1;
        }
    }
    if (inherit_guard(c, statements, err) < 0) {
        return -1;
    }
    *ret = json_dump_str(c->arena, document);
    *ret_size = (int64_t)(in->policy.n * 100 / POLICY_MAX) + 1;
    return 0;
}

static bool is_transitive(const struct str_list *keys, const char *key) {
    for (size_t i = 0; i < keys->n; i++) {
        if (str_ieq(keys->v[i], str_c(key))) {
            return true;
        }
    }
    return false;
}

/* Tags of the session that calls, as far as it passes them on. */
static int inherit_tags(struct call *c, json_t *tags, json_t *transitive, struct err *err) {
    struct sts_session from;
    int found = c->principal->access_key.p == NULL
                    ? 0
                    : sts_session_find(c->db, c->arena, c->principal->access_key, &from, err);
    if (found <= 0 || from.tags.p == NULL || from.transitive.p == NULL) {
        return found < 0 ? -1 : 0;
    }
    json_t *all cleanup_json = json_parse(from.tags, err);
    json_t *keys cleanup_json = json_parse(from.transitive, err);
    size_t i;
    json_t *key;
    if (all == NULL || keys == NULL) {
        return -1;
    }
    json_array_foreach(keys, i, key) {
        const char *name = json_string_value(key);
        json_object_set(tags, name, json_object_get(all, name));
        json_array_append(transitive, key);
    }
    return 0;
}

static int session_tags(struct call *c, const struct sts_assume_role_request *in,
                        struct sts_session *s, struct err *err) {
    struct str_map given = {NULL, 0};
    for (size_t i = 0; i < in->tags.n; i++) {
        *arena_push(c->arena, &given) = (struct str_pair){in->tags.v[i].key, in->tags.v[i].value};
    }
    struct str culprit = STR_NONE;
    if (tags_check(&given, &culprit) != TAGS_OK) {
        return invalid(err, "Invalid or duplicate session tag key: " STR_FMT, STR_ARG(culprit));
    }
    json_t *tags cleanup_json = json_object();
    json_t *transitive cleanup_json = json_array();
    if (inherit_tags(c, tags, transitive, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < given.n; i++) {
        const char *key = str_z(c->arena, given.v[i].key);
        if (json_object_get(tags, key) != NULL) {
            return invalid(err, "The tag key %s is transitive and cannot be overridden", key);
        }
        json_set_str(tags, key, given.v[i].value.p ? given.v[i].value : S(""));
        if (is_transitive(&in->transitive_tag_keys, key)) {
            json_array_append_new(transitive, json_string(key));
        }
    }
    if (json_object_size(tags) > 0) {
        s->tags = json_dump_str(c->arena, tags);
        s->transitive = json_dump_str(c->arena, transitive);
    }
    return 0;
}

static int issue(struct call *c, struct sts_session *s, int64_t seconds,
                 struct sts_credentials **ret, struct err *err) {
    s->issued_ms = c->now_ms;
    s->credentials.expires_ms = (c->now_ms / 1000 + seconds) * 1000; /* whole seconds, as AWS */
    if (sts_session_issue(c->db, c->arena, c->rng, s, err) < 0) {
        return -1;
    }
    *ret = arena_new(c->arena, struct sts_credentials);
    **ret = (struct sts_credentials){
        .access_key_id = s->credentials.access_key,
        .secret_access_key = s->credentials.secret_key,
        .session_token = s->credentials.session_token,
        .expiration = s->credentials.expires_ms,
        .has_expiration = true,
    };
    return 0;
}

/* Who is behind a session, whatever it is called: known where a user or the root opened it. */
static struct str origin_of(const struct aws_principal *p) {
    return p->kind == AWS_PRINCIPAL_ROLE      ? p->origin
           : p->kind == AWS_PRINCIPAL_SERVICE ? STR_NONE
                                              : p->arn;
}

static void name_session(struct call *c, const struct iam_role_row *role,
                         const struct sts_assume_role_request *in, struct aws_principal *ret) {
    struct str source = in->source_identity.p ? in->source_identity : c->principal->source_identity;
    *ret = (struct aws_principal){
        .kind = AWS_PRINCIPAL_ROLE,
        .account = role->account,
        .arn = arn_global(c->arena, "sts", role->account, "assumed-role/" STR_FMT "/" STR_FMT,
                          STR_ARG(role->name), STR_ARG(in->role_session_name)),
        .user_id = str_printf(c->arena, STR_FMT ":" STR_FMT, STR_ARG(role->id),
                              STR_ARG(in->role_session_name)),
        .role_arn = iam_arn(c->arena, "role", role->account, role->path, role->name),
        .session_name = in->role_session_name,
        .source_identity = source,
        .origin = origin_of(c->principal),
        .build_id = c->principal->build_id,
    };
}

int sts_assume_role(struct call *c, const struct sts_assume_role_request *in,
                    struct sts_assume_role_response *out, struct err *err) {
    struct iam_role_row role = {0};
    struct sts_session session = {0};
    int64_t seconds = 0, packed = 0;
    if (check_name(in->role_session_name, "roleSessionName", err) < 0 ||
        (in->source_identity.p && check_name(in->source_identity, "sourceIdentity", err) < 0)) {
        return -1;
    }
    int found = iam_role_by_arn(c->db, c->arena, in->role_arn, &role, err);
    if (found <= 0) {
        return found < 0 ? -1 : invalid(err, STR_FMT " is invalid", STR_ARG(in->role_arn));
    }
    struct str policy = STR_NONE;
    if (duration(c, in, &role, &seconds, err) < 0 ||
        session_policy(c, in, role.account, &policy, &packed, err) < 0 ||
        session_tags(c, in, &session, err) < 0) {
        return -1;
    }
    struct str before = c->principal->source_identity;
    if (before.p != NULL && in->source_identity.p != NULL && !str_eq(before, in->source_identity)) {
        return invalid(err, "SourceIdentity is set already and cannot be changed");
    }
    name_session(c, &role, in, &session.principal);
    session.principal.session_policy = policy;
    if (issue(c, &session, seconds, &out->credentials, err) < 0 ||
        iam_role_used(c->db, &role, c->now_ms, c->region, err) < 0) {
        return -1;
    }
    out->assumed_role_user = arena_new(c->arena, struct sts_assumed_role_user);
    out->assumed_role_user->arn = session.principal.arn;
    out->assumed_role_user->assumed_role_id = session.principal.user_id;
    out->source_identity = session.principal.source_identity;
    out->packed_policy_size = (int32_t)packed;
    out->has_packed_policy_size = policy.p != NULL;
    return 0;
}

int sts_get_caller_identity(struct call *c, const struct sts_get_caller_identity_request *in,
                            struct sts_get_caller_identity_response *out, struct err *err) {
    (void)in;
    (void)err;
    out->user_id = c->principal->user_id;
    out->account = c->principal->account;
    out->arn = c->principal->arn;
    return 0;
}

int sts_get_session_token(struct call *c, const struct sts_get_session_token_request *in,
                          struct sts_get_session_token_response *out, struct err *err) {
    int64_t seconds = in->has_duration_seconds ? in->duration_seconds : SECONDS_USER;
    if (c->principal->kind == AWS_PRINCIPAL_ROLE || c->principal->kind == AWS_PRINCIPAL_SERVICE ||
        str_starts(c->principal->access_key, S("ASIA"))) {
        err_api(err, &sts_AccessDenied, "Cannot call GetSessionToken with session credentials");
        err->kind = ERR_DENIED;
        return -1;
    }
    if (c->principal->kind == AWS_PRINCIPAL_ROOT && seconds > 3600) {
        seconds = 3600; /* as AWS: shortened, not refused */
    }
    struct sts_session session = {.principal = *c->principal};
    return issue(c, &session, seconds, &out->credentials, err);
}

int sts_get_access_key_info(struct call *c, const struct sts_get_access_key_info_request *in,
                            struct sts_get_access_key_info_response *out, struct err *err) {
    struct iam_key_row row = {0};
    struct sts_session session = {0};
    int found = iam_key_find(c->db, c->arena, in->access_key_id, &row, NULL, err);
    if (found == 0) {
        found = sts_session_find(c->db, c->arena, in->access_key_id, &session, err);
        row.account = session.principal.account;
    }
    if (found < 0) {
        return -1;
    }
    if (found == 0) {
        return invalid(err, "The access key " STR_FMT " is not known.", STR_ARG(in->access_key_id));
    }
    out->account = row.account;
    return 0;
}
