/* Implementation of secret.h. */
#include "flow/checkout/secret.h"

#include "platform/text/json.h"

int checkout_secret_read(struct arena *a, struct str secret, struct checkout_remote *ret,
                         struct err *err) {
    struct err ignored = ERR_INIT;
    json_t *json cleanup_json =
        str_starts(str_trim(secret), S("{")) ? json_parse(secret, &ignored) : NULL;
    struct str token = json == NULL ? str_trim(secret) : json_str(json, "Token");
    struct str username = json_str(json, "Username");
    if (token.n == 0 || str_starts(token, S("{"))) {
        return err_set(err, ERR_INVALID,
                       "the secret has no token: write {\"Token\": ...}, or the token alone");
    }
    ret->password = str_dup(a, token);
    ret->username = username.n > 0 ? str_dup(a, username) : ret->username;
    return 0;
}
