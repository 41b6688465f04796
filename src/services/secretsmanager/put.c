/* New values: PutSecretValue, UpdateSecret. */
#include "services/secretsmanager/sm.h"

/* A new version with these labels; the first one of a secret is current in any case. */
static int add_version(struct call *c, struct sm_secret *s, struct str id,
                       const struct sm_value *value, const struct str_list *asked,
                       struct err *err) {
    struct sm_stages all;
    struct str current = S(SM_CURRENT);
    struct str_list stages = {NULL, 0};
    for (size_t i = 0; i < asked->n; i++) {
        *arena_push(c->arena, &stages) = asked->v[i];
    }
    int made = sm_make_version(c, s, id, value, err);
    if (made != 0) {
        return made; /* the same value by the same token: nothing to do */
    }
    if (sm_stage_list(c->db, c->arena, s->arn, &all, err) < 0) {
        return -1;
    }
    bool first = sm_version_at(&all, current).p == NULL;
    if (stages.n == 0 || (first && !str_list_has(&stages, current))) {
        *arena_push(c->arena, &stages) = current;
    }
    s->changed_ms = c->now_ms;
    return sm_attach(c, s->arn, &stages, id, err) < 0 || sm_put(c->db, s, err) < 0 ||
                   sm_version_trim(c->db, s->arn, SM_VERSIONS_KEPT, c->now_ms - SM_DAY_MS, err) < 0
               ? -1
               : 0;
}

int secretsmanager_put_secret_value(struct call *c,
                                    const struct secretsmanager_put_secret_value_request *in,
                                    struct secretsmanager_put_secret_value_response *out,
                                    struct err *err) {
    struct sm_secret s = {0};
    struct sm_stages all;
    struct sm_value value = {in->secret_string, in->secret_binary};
    if (sm_check_value(&value, err) < 0 || sm_need_alive(c, in->secret_id, &s, err) < 0) {
        return -1;
    }
    if (!sm_has_value(&value)) {
        return err_api(err, &secretsmanager_InvalidRequestException,
                       "You must provide either SecretString or SecretBinary.");
    }
    struct str id = sm_version_id(c, in->client_request_token);
    if (add_version(c, &s, id, &value, &in->version_stages, err) < 0 ||
        sm_stage_list(c->db, c->arena, s.arn, &all, err) < 0) {
        return -1;
    }
    out->arn = s.arn;
    out->name = s.name;
    out->version_id = id;
    out->version_stages = sm_stages_of(c->arena, &all, id);
    return 0;
}

/* UpdateSecret never takes a token that made a version before. */
static int check_new(struct call *c, const struct sm_secret *s, struct str token, struct err *err) {
    struct sm_version v = {0};
    int found = token.p == NULL ? 0 : sm_version_find(c->db, c->arena, s->arn, token, &v, err);
    return found <= 0 ? found
                      : err_api(err, &secretsmanager_ResourceExistsException,
                                "You can't use ClientRequestToken " STR_FMT
                                " because that value is already in use for a version of "
                                "secret " STR_FMT ".",
                                STR_ARG(token), STR_ARG(s->arn));
}

static int change_key(struct call *c, struct sm_secret *s, struct str key, struct err *err) {
    bool own = key.n == 0 || str_is(key, "alias/aws/secretsmanager");
    s->kms_key = own ? STR_NONE : key;
    struct err why = ERR_INIT;
    if (sm_reseal(c, s, &why) < 0 && why.api != &secretsmanager_AccessDeniedException) {
        *err = why;
        return -1;
    }
    return 0; /* who may not encrypt by the new key leaves the old values as they are */
}

int secretsmanager_update_secret(struct call *c,
                                 const struct secretsmanager_update_secret_request *in,
                                 struct secretsmanager_update_secret_response *out,
                                 struct err *err) {
    struct sm_secret s = {0};
    struct str_list none = {NULL, 0};
    struct sm_value value = {in->secret_string, in->secret_binary};
    if (sm_check_value(&value, err) < 0 || sm_need_alive(c, in->secret_id, &s, err) < 0) {
        return -1;
    }
    if (in->type.p != NULL) {
        return err_api(err, &secretsmanager_InvalidRequestException,
                       "Managed external secrets are not served: update the secret without Type.");
    }
    if (in->description.p != NULL) {
        s.description = in->description.n > 0 ? in->description : STR_NONE;
    }
    if (in->kms_key_id.p != NULL && change_key(c, &s, in->kms_key_id, err) < 0) {
        return -1;
    }
    s.changed_ms = c->now_ms;
    out->arn = s.arn;
    out->name = s.name;
    if (sm_put(c->db, &s, err) < 0) {
        return -1;
    }
    if (!sm_has_value(&value)) {
        return 0;
    }
    out->version_id = sm_version_id(c, in->client_request_token);
    return check_new(c, &s, in->client_request_token, err) < 0 ||
                   add_version(c, &s, out->version_id, &value, &none, err) < 0
               ? -1
               : 0;
}
