/* What a release is, part by part, and the digest of all of it; approval.h. */
#include "flow/approval/approval.h"

#include "base/buf.h"
#include "gen/s3.h"
#include "platform/crypto/hash.h"
#include "platform/os/fd.h"
#include "platform/text/json.h"

#include <errno.h>
#include <unistd.h>

enum {
    MAX_STATE = 64 * 1024 * 1024,
    MAX_BASIS = 1024 * 1024,
};

static void add(struct arena *a, struct approval_basis *b, struct str name, struct str value) {
    *arena_push(a, &b->parts) = (struct str_pair){name, value.p != NULL ? value : S("")};
}

/* ---- Terraform's states ---- */

/* "s3://bucket/key" */
static bool split_url(struct str url, struct str *ret_bucket, struct str *ret_key) {
    struct str scheme = S("s3://");
    size_t slash = str_starts(url, scheme) ? str_find_c(url, '/', scheme.n) : (size_t)-1;
    if (slash == (size_t)-1 || slash + 1 == url.n) {
        return false;
    }
    *ret_bucket = str_sub(url, scheme.n, slash - scheme.n);
    *ret_key = str_sub(url, slash + 1, url.n);
    return ret_bucket->n > 0;
}

static int read_state(const struct flow *f, struct arena *a, const struct definition *d,
                      struct str url, struct str *ret, struct err *err) {
    struct aws_target target;
    struct s3_get_object_request in = {0};
    struct s3_get_object_output out = {0};
    struct aws_body body = AWS_BODY_NONE;
    if (!split_url(url, &in.bucket, &in.key)) {
        return err_set(err, ERR_INVALID, "TF_STATE '%.*s' is not s3://bucket/key", STR_ARG(url));
    }
    if (aws_assume(f->world, a, S("codepipeline.amazonaws.com"), d->role_arn, S("tl-approval"),
                   &target, err) < 0) {
        return -1;
    }
    if (aws_call_stream(&target, &s3_op_get_object, a, &in, NULL, &out, &body, err) < 0) {
        if (err->kind == ERR_NOT_FOUND) {
            *err = ERR_INIT;
            *ret = S("there is none");
            return 0;
        }
        return err_wrap(err, "state %.*s", STR_ARG(url));
    }
    int fd cleanup_fd = body.fd;
    struct str text = STR_NONE;
    if (lseek(fd, body.offset, SEEK_SET) < 0) {
        return err_sys(err, errno, "state");
    }
    if (fd_read_all(a, fd, MAX_STATE, &text, err) < 0) {
        return err_wrap(err, "state %.*s", STR_ARG(url));
    }
    json_t *o cleanup_json = json_parse(text, err);
    if (o == NULL) {
        return err_wrap(err, "state %.*s", STR_ARG(url));
    }
    *ret = str_printf(a, "lineage %.*s serial %lld", STR_ARG(json_str(o, "lineage")),
                      (long long)json_int(o, "serial"));
    return 0;
}

static int list_states(const struct flow *f, struct arena *a, struct str execution,
                       struct str_map *ret, struct err *err) {
    struct action_row_list actions;
    if (record_action_list(f->db, a, execution, &actions, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < actions.n; i++) {
        struct err ignored = ERR_INIT;
        struct str variables = actions.v[i].output_variables;
        json_t *o cleanup_json = variables.n > 0 ? json_parse(variables, &ignored) : NULL;
        struct str url = str_dup(a, json_str(o, "TF_STATE"));
        if (url.n > 0 && str_map_get(ret, url).p == NULL) {
            *arena_push(a, ret) = (struct str_pair){url, S("")};
        }
    }
    return 0;
}

int approval_states(const struct flow *f, struct arena *a, const struct pipeline_row *pipeline,
                    struct str execution, struct str_map *ret, struct err *err) {
    struct definition d;
    *ret = (struct str_map){0};
    if (definition_parse(a, pipeline->definition, &d, err) < 0 || db_begin(f->db, err) < 0) {
        return -1;
    }
    int listed = list_states(f, a, execution, ret, err);
    db_rollback(f->db);
    for (size_t i = 0; listed == 0 && i < ret->n; i++) {
        if (read_state(f, a, &d, ret->v[i].key, &ret->v[i].value, err) < 0) {
            return -1;
        }
    }
    return listed;
}

/* ---- the parts that are ours ---- */

static int add_revisions(const struct flow *f, struct arena *a, struct str execution,
                         struct approval_basis *b, struct err *err) {
    struct source_revision_list list;
    if (source_revision_list(f->db, a, execution, &list, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < list.n; i++) {
        const struct revision *r = &list.v[i].revision;
        add(a, b, str_printf(a, "revision of %.*s", STR_ARG(r->action)), r->commit);
    }
    return 0;
}

static int add_artifacts(const struct flow *f, struct arena *a, struct str execution,
                         struct approval_basis *b, struct err *err) {
    struct artifact_row_list list;
    if (record_artifact_list(f->db, a, execution, &list, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < list.n; i++) {
        add(a, b, str_printf(a, "artifact %.*s", STR_ARG(list.v[i].name)), list.v[i].sha256);
    }
    return 0;
}

static void add_variables(struct arena *a, struct str json, struct approval_basis *b) {
    struct err ignored = ERR_INIT;
    json_t *o cleanup_json = json.n > 0 ? json_parse(json, &ignored) : NULL;
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach(o, key, value) {
        add(a, b, str_printf(a, "variable %s", key), str_dup(a, json_text(value)));
    }
}

/* Each text with its length, so that no two bases have the same bytes. */
static int digest_of(struct arena *a, struct approval_basis *b, struct err *err) {
    struct buf text cleanup_buf;
    buf_init(&text, MAX_BASIS);
    for (size_t i = 0; i < b->parts.n; i++) {
        const struct str_pair *p = &b->parts.v[i];
        buf_printf(&text, "%zu:%.*s%zu:%.*s\n", p->key.n, STR_ARG(p->key), p->value.n,
                   STR_ARG(p->value));
    }
    if (text.overflow) {
        return err_set(err, ERR_LIMIT, "what the release is takes more than %d KB",
                       MAX_BASIS / 1024);
    }
    b->digest = crypto_sha256_hex(a, buf_str(&text));
    return 0;
}

int approval_basis_of(const struct flow *f, struct arena *a, const struct pipeline_row *pipeline,
                      struct str execution, const struct str_map *states,
                      struct approval_basis *ret, struct err *err) {
    struct execution_row row;
    struct pipeline_row now;
    *ret = (struct approval_basis){0};
    int found = record_execution_get(f->db, a, execution, &row, err);
    if (found > 0) {
        found = record_pipeline_by_id(f->db, a, pipeline->id, &now, err);
    }
    if (found <= 0) {
        return found < 0 ? -1
                         : err_set(err, ERR_NOT_FOUND, "there is no execution '%.*s'",
                                   STR_ARG(execution));
    }
    add(a, ret, S("pipeline"), str_printf(a, "%.*s, version %d", STR_ARG(now.name), now.version));
    add(a, ret, S("release"), row.id);
    if (add_revisions(f, a, execution, ret, err) < 0 ||
        add_artifacts(f, a, execution, ret, err) < 0) {
        return -1;
    }
    add_variables(a, row.variables, ret);
    for (size_t i = 0; i < states->n; i++) {
        add(a, ret, str_printf(a, "state %.*s", STR_ARG(states->v[i].key)), states->v[i].value);
    }
    return digest_of(a, ret, err);
}
