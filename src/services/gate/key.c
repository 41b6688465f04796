/* Who signs with an access key: a user, an account's root, or a session. */
#include "services/gate/internal.h"

#include "services/core/arn.h"
#include "services/iam/iam_store.h"
#include "services/sts/sts_store.h"

static void be_root(struct arena *a, struct str account, struct aws_principal *ret) {
    ret->kind = AWS_PRINCIPAL_ROOT;
    ret->account = str_dup(a, account);
    ret->arn = arn_global(a, "iam", account, "root");
    ret->user_id = ret->account;
}

static int find_long_lived(struct gate *g, struct arena *a, struct str key, struct gate_key *ret,
                           struct err *err) {
    struct iam_key_row row = {0};
    struct iam_user_row user = {0};
    int found = iam_key_find(g->db, a, key, &row, &ret->secret_key, err);
    if (found <= 0 || !row.active) {
        return found < 0 ? -1 : 0;
    }
    ret->principal.access_key = row.key;
    if (row.user.p == NULL) {
        be_root(a, row.account, &ret->principal);
        return 1;
    }
    found = iam_user_find(g->db, a, row.account, row.user, &user, err);
    if (found > 0) {
        ret->principal.kind = AWS_PRINCIPAL_USER;
        ret->principal.account = user.account;
        ret->principal.user_id = user.id;
        ret->principal.arn = iam_arn(a, "user", user.account, user.path, user.name);
    }
    return found;
}

static int find_session(struct gate *g, struct arena *a, struct str key, struct gate_key *ret,
                        struct err *err) {
    struct sts_session s;
    int found = sts_session_find(g->db, a, key, &s, err);
    if (found > 0) {
        ret->secret_key = s.credentials.secret_key;
        ret->session_token = s.credentials.session_token;
        ret->expires_ms = s.credentials.expires_ms;
        ret->principal = s.principal;
    }
    return found;
}

int gate_find_key(struct gate *g, struct arena *a, struct str access_key, struct gate_key *ret,
                  struct err *err) {
    *ret = (struct gate_key){0};
    if (db_begin(g->db, err) < 0) {
        return -1;
    }
    bool temporary = str_starts(access_key, S("ASIA"));
    int found = temporary ? find_session(g, a, access_key, ret, err)
                          : find_long_lived(g, a, access_key, ret, err);
    db_glance(g->db);
    if (found == 0 && g->any_key_account.p != NULL) {
        *ret = (struct gate_key){0};
        be_root(a, g->any_key_account, &ret->principal);
        ret->principal.access_key = str_dup(a, access_key);
        return 1;
    }
    return found;
}
