/* CancelRotateSecret: nothing rotates here, so it is off already; as on AWS, that is no error. */
#include "services/secretsmanager/sm.h"

int secretsmanager_cancel_rotate_secret(
    struct call *c, const struct secretsmanager_cancel_rotate_secret_request *in,
    struct secretsmanager_cancel_rotate_secret_response *out, struct err *err) {
    struct sm_secret s = {0};
    if (sm_need_alive(c, in->secret_id, &s, err) < 0) {
        return -1;
    }
    out->arn = s.arn;
    out->name = s.name;
    return 0;
}
