/*
 * env.git-credential-helper: git in the build may use the credentials that its sources were fetched
 * with, for repositories on the same servers. git asks trunkline-init, that asks the gateway at a
 * path that only this build knows, and the answer is made here, from what DOWNLOAD_SOURCE was told:
 * nothing is written to a file of the container. Sources that were public have no credentials, and
 * then git goes on without.
 */
#include "flow/build/source.h"

#include "flow/checkout/address.h"

#include <pthread.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* the list: made by the main thread */

void git_helper_note(struct supervision *s, struct str url, struct str username,
                     struct str password) {
    struct arena *a = &s->arena;
    struct address at;
    struct err ignored = ERR_INIT;
    if (password.n == 0 || address_parse(a, url, &at, &ignored) < 0) {
        return;
    }
    pthread_mutex_lock(&lock);
    *arena_push(a, &s->git_credentials) =
        (struct git_credential){address_server(a, &at), username, password};
    pthread_mutex_unlock(&lock);
}

static struct str line_of(struct str question, const char *name) {
    struct str line = STR_NONE;
    size_t n = strlen(name);
    while (str_cut(&question, '\n', &line)) {
        if (str_starts(line, str_c(name)) && line.n > n && line.p[n] == '=') {
            return str_sub(line, n + 1, line.n);
        }
    }
    return S("");
}

struct str git_helper_answer(void *ud, struct arena *a, struct str question) {
    struct supervision *s = ud;
    struct address at;
    struct err ignored = ERR_INIT;
    struct str answer = S("");
    struct str url =
        str_printf(a, STR_FMT "://" STR_FMT "/", STR_ARG(line_of(question, "protocol")),
                   STR_ARG(line_of(question, "host")));
    if (!s->spec.git_credential_helper || address_parse(a, url, &at, &ignored) < 0) {
        return answer;
    }
    struct str server = address_server(a, &at);
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < s->git_credentials.n && answer.n == 0; i++) {
        const struct git_credential *c = &s->git_credentials.v[i];
        if (str_eq(c->server, server)) {
            answer = str_printf(a, "username=" STR_FMT "\npassword=" STR_FMT "\n",
                                STR_ARG(c->username.n > 0 ? c->username : S("x-access-token")),
                                STR_ARG(c->password));
        }
    }
    pthread_mutex_unlock(&lock);
    if (answer.n == 0) {
        build_log_line(
            s->log, "git-credential-helper: no source of this build has credentials for " STR_FMT,
            STR_ARG(server));
    }
    return answer;
}

void git_helper_variables(struct supervision *s, struct env *env) {
    const struct {
        const char *name;
        struct str value;
    } all[] = {
        {"GIT_CONFIG_COUNT", S("1")},
        {"GIT_CONFIG_KEY_0", S("credential.helper")},
        {"GIT_CONFIG_VALUE_0",
         str_printf(&s->arena, SANDBOX_INIT " git-credential %s", s->git_helper_path)},
    };
    for (size_t i = 0; s->spec.git_credential_helper && i < 3; i++) {
        env_put(&s->arena, env,
                (struct env_var){str_c(all[i].name), all[i].value, ENV_PLAINTEXT, false});
    }
}
