/* Builds: start, stop, get, list. */
#include "aws/proto/proto.h"
#include "front/api/codebuild/codebuild.h"
#include "platform/crypto/hash.h"

enum { TOKEN_MS = 5 * 60 * 1000 }; /* as long as AWS remembers an idempotency token */

/* A user's name, "role/session", or "root". */
struct str codebuild_initiator(const struct call *c) {
    const struct aws_principal *p = c->principal;
    struct str source = p->kind == AWS_PRINCIPAL_ROLE ? p->role_arn : p->arn;
    size_t slash = str_rfind_c(source, '/');
    struct str name = slash == (size_t)-1 ? source : str_sub(source, slash + 1, source.n);
    if (p->kind == AWS_PRINCIPAL_ROLE) {
        return str_printf(c->arena, STR_FMT "/" STR_FMT, STR_ARG(name), STR_ARG(p->session_name));
    }
    return p->kind == AWS_PRINCIPAL_ROOT ? S("root") : name;
}

int codebuild_request_digest(struct call *c, const void *in, struct str *ret, struct err *err) {
    struct proto_message m = {0};
    if (proto_encode_request(c->arena, SHAPE_JSON_1_1, c->op, in, &m, err) < 0) {
        return -1;
    }
    *ret = crypto_sha256_hex(c->arena, m.body);
    return 0;
}

int codebuild_answer_build(struct call *c, struct str uuid, struct codebuild_build **ret,
                           struct err *err) {
    struct build_row row;
    int found = build_load(c->db, c->arena, uuid, &row, err);
    if (found <= 0) {
        return found < 0 ? -1 : err_set(err, ERR_INTERNAL, "the build is gone");
    }
    return codebuild_show_build(c, &row, ret, err);
}

int codebuild_answered(struct call *c, struct str project, struct str token, struct str digest,
                       struct str *ret_uuid, struct err *err) {
    struct str old = STR_NONE;
    if (token.n == 0) {
        return 0;
    }
    if (build_token_expire(c->db, c->account, c->region, project, token, c->now_ms - TOKEN_MS,
                           err) < 0) {
        return -1;
    }
    int found =
        build_by_token(c->db, c->arena, c->account, c->region, project, token, ret_uuid, &old, err);
    if (found > 0 && !str_eq(old, digest)) {
        return codebuild_invalid(err, "Request parameter mismatch for idempotency token " STR_FMT,
                                 STR_ARG(token));
    }
    return found;
}

int codebuild_start_build(struct call *c, const struct codebuild_start_build_input *in,
                          struct codebuild_start_build_output *out, struct err *err) {
    struct codebuild_project *p = NULL;
    struct str name = codebuild_project_name(in->project_name);
    struct str digest = STR_NONE;
    struct str uuid = STR_NONE;
    if (codebuild_load_project(c, name, &p, err) < 0 ||
        codebuild_request_digest(c, in, &digest, err) < 0) {
        return -1;
    }
    int known = codebuild_answered(c, name, in->idempotency_token, digest, &uuid, err);
    if (known != 0) {
        return known < 0 ? -1 : codebuild_answer_build(c, uuid, &out->build, err);
    }
    if (in->debug_session_enabled) {
        return codebuild_invalid(err, "Debug sessions are not available here: start the build "
                                      "without debugSessionEnabled");
    }
    codebuild_override(c, p, in);
    if (codebuild_check_project(c, p, err) < 0) {
        return -1;
    }
    struct build_making making = {
        .account = c->account,
        .region = c->region,
        .project = p,
        .initiator = codebuild_initiator(c),
        .token = in->idempotency_token.n > 0 ? in->idempotency_token : STR_NONE,
        .token_digest = digest,
    };
    return build_make(codebuild_flow(), c->arena, &making, &uuid, err) < 0
               ? -1
               : codebuild_answer_build(c, uuid, &out->build, err);
}

int codebuild_stop_build(struct call *c, const struct codebuild_stop_build_input *in,
                         struct codebuild_stop_build_output *out, struct err *err) {
    struct build_row row;
    if (codebuild_build_uuid(in->id).p == NULL) {
        return codebuild_invalid(err, "Invalid build ID provided");
    }
    int found = codebuild_find_build(c, in->id, &row, err);
    if (found <= 0) {
        return found < 0 ? -1
                         : err_api(err, &codebuild_ResourceNotFoundException,
                                   "Build " STR_FMT " does not exist", STR_ARG(in->id));
    }
    return build_stop(codebuild_flow(), row.uuid, err) < 0
               ? -1
               : codebuild_show_build(c, &row, &out->build, err);
}

int codebuild_batch_get_builds(struct call *c, const struct codebuild_batch_get_builds_input *in,
                               struct codebuild_batch_get_builds_output *out, struct err *err) {
    out->builds.v = arena_alloc(c->arena, 0);
    out->builds_not_found.v = arena_alloc(c->arena, 0);
    struct {
        struct codebuild_build *v;
        size_t n;
    } list = {0};
    struct str_list missing = {0};
    for (size_t i = 0; i < in->ids.n; i++) {
        struct build_row row;
        struct codebuild_build *b = NULL;
        int found = codebuild_find_build(c, in->ids.v[i], &row, err);
        if (found < 0 || (found > 0 && codebuild_show_build(c, &row, &b, err) < 0)) {
            return -1;
        }
        if (found > 0) {
            *arena_push(c->arena, &list) = *b;
        } else {
            *arena_push(c->arena, &missing) = in->ids.v[i];
        }
    }
    if (list.n > 0) {
        out->builds.v = list.v;
        out->builds.n = list.n;
    }
    if (missing.n > 0) {
        out->builds_not_found = missing;
    }
    return 0;
}

/* A page of ids, newest first unless asked otherwise. */
static int list(struct call *c, struct str owner, struct str project, struct str order,
                struct str token, struct str_list *ret, struct str *ret_token, struct err *err) {
    int64_t after = 0;
    int64_t last = 0;
    if (codebuild_token_read(c, token, &after, err) < 0 ||
        build_list(c->db, c->arena, owner, c->region, project, !str_is(order, "ASCENDING"), after,
                   CODEBUILD_PAGE, ret, &last, err) < 0) {
        return -1;
    }
    if (ret->n == CODEBUILD_PAGE) {
        struct str_list more;
        int64_t ignored = 0;
        if (build_list(c->db, c->arena, owner, c->region, project, !str_is(order, "ASCENDING"),
                       last, 1, &more, &ignored, err) < 0) {
            return -1;
        }
        *ret_token = more.n > 0 ? codebuild_token_make(c, last) : STR_NONE;
    }
    return 0;
}

int codebuild_list_builds(struct call *c, const struct codebuild_list_builds_input *in,
                          struct codebuild_list_builds_output *out, struct err *err) {
    return list(c, c->account, STR_NONE, in->sort_order, in->next_token, &out->ids,
                &out->next_token, err);
}

int codebuild_list_builds_for_project(struct call *c,
                                      const struct codebuild_list_builds_for_project_input *in,
                                      struct codebuild_list_builds_for_project_output *out,
                                      struct err *err) {
    struct project_row row;
    struct str name = codebuild_project_name(in->project_name);
    struct str owner = codebuild_owner(c, in->project_name);
    if (list(c, owner, name, in->sort_order, in->next_token, &out->ids, &out->next_token, err) <
        0) {
        return -1;
    }
    int found =
        out->ids.n > 0 ? 1 : project_get(c->db, c->arena, owner, c->region, name, &row, err);
    if (found <= 0) {
        return found < 0 ? -1
                         : err_api(err, &codebuild_ResourceNotFoundException,
                                   "The provided project " STR_FMT " does not exist",
                                   STR_ARG(codebuild_project_arn(c, name)));
    }
    return 0;
}
