/* CreateSecret. */
#include "services/secretsmanager/sm.h"

static int refuse_unserved(const struct secretsmanager_create_secret_request *in, struct err *err) {
    if (in->add_replica_regions.n > 0) {
        return err_api(err, &secretsmanager_InvalidRequestException,
                       "Replication is not served: secrets live in one Region here. Create the "
                       "secret without AddReplicaRegions.");
    }
    if (in->type.p != NULL) {
        return err_api(err, &secretsmanager_InvalidRequestException,
                       "Managed external secrets are not served: create the secret without Type.");
    }
    return 0;
}

/* The name is taken: by the same request, sent again, or by another secret. */
static int taken(struct call *c, const struct secretsmanager_create_secret_request *in,
                 const struct sm_secret *s, const struct sm_value *value,
                 struct secretsmanager_create_secret_response *out, struct err *err) {
    struct sm_version v = {0};
    if (s->deleted_ms != 0) {
        return err_api(err, &secretsmanager_InvalidRequestException,
                       "You can't create this secret because a secret with this name is already "
                       "scheduled for deletion.");
    }
    int found = in->client_request_token.p == NULL
                    ? 0
                    : sm_version_find(c->db, c->arena, s->arn, in->client_request_token, &v, err);
    if (found < 0) {
        return -1;
    }
    if (found == 0 || !sm_has_value(value)) {
        return err_api(err, &secretsmanager_ResourceExistsException,
                       "The operation failed because the secret " STR_FMT " already exists.",
                       STR_ARG(in->name));
    }
    out->arn = s->arn;
    out->name = s->name;
    out->version_id = v.id;
    return sm_make_version(c, s, v.id, value, err) < 0 ? -1 : 0;
}

static int first_version(struct call *c, const struct sm_secret *s, struct str id,
                         const struct sm_value *value, struct err *err) {
    struct str stage = S(SM_CURRENT);
    struct str_list stages = {&stage, 1};
    return sm_make_version(c, s, id, value, err) < 0 ? -1 : sm_attach(c, s->arn, &stages, id, err);
}

int secretsmanager_create_secret(struct call *c,
                                 const struct secretsmanager_create_secret_request *in,
                                 struct secretsmanager_create_secret_response *out,
                                 struct err *err) {
    struct sm_secret s = {0};
    struct sm_value value = {in->secret_string, in->secret_binary};
    if (sm_check_name(in->name, err) < 0 || sm_check_value(&value, err) < 0 ||
        refuse_unserved(in, err) < 0) {
        return -1;
    }
    int found = sm_find_name(c->db, c->arena, c->account, c->region, in->name, &s, err);
    if (found != 0) {
        return found < 0 ? -1 : taken(c, in, &s, &value, out, err);
    }
    s = (struct sm_secret){
        .arn = sm_arn_new(c, in->name),
        .account = c->account,
        .region = c->region,
        .name = in->name,
        .description = in->description.n > 0 ? in->description : STR_NONE,
        .kms_key = in->kms_key_id.n > 0 && !str_is(in->kms_key_id, "alias/aws/secretsmanager")
                       ? in->kms_key_id
                       : STR_NONE,
        .created_ms = c->now_ms,
        .changed_ms = c->now_ms,
    };
    out->arn = s.arn;
    out->name = s.name;
    if (sm_put(c->db, &s, err) < 0 || sm_put_tags(c, s.arn, &in->tags, err) < 0) {
        return -1;
    }
    if (!sm_has_value(&value)) {
        return 0;
    }
    out->version_id = sm_version_id(c, in->client_request_token);
    return first_version(c, &s, out->version_id, &value, err);
}
