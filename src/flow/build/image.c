/* The image of a build, see supervision.h: what it means here, credentials for its registry, which
 * registries a project may make this machine speak to, and its variables. */
#include "flow/build/supervision.h"

#include "flow/gateway/route.h"
#include "flow/image/get.h"
#include "flow/sandbox/image.h"

#include "gen/secretsmanager.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

enum { SECRET_MAX = 64 * 1024 };

/* ---- which registries ---- */

/* The same rule as for connections of the build itself: public addresses, where the policy is open.
 * Registries of this network stand in trunkline.yml. */
static bool is_public(struct str host) {
    struct arena a = ARENA_INIT;
    size_t colon = str_find_c(host, ':', 0);
    const char *name = str_z(&a, str_sub(host, 0, colon == (size_t)-1 ? host.n : colon));
    name = strcmp(name, "docker.io") == 0 ? "registry-1.docker.io" : name;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;
    bool all = true;
    if (getaddrinfo(name, "443", &hints, &list) == 0) {
        for (const struct addrinfo *one = list; one != NULL; one = one->ai_next) {
            const void *address =
                one->ai_family == AF_INET6
                    ? (const void *)&((struct sockaddr_in6 *)(void *)one->ai_addr)->sin6_addr
                    : (const void *)&((struct sockaddr_in *)(void *)one->ai_addr)->sin_addr;
            all = all && route_public_address(address, one->ai_family == AF_INET6 ? 16 : 4);
        }
        freeaddrinfo(list);
    }
    arena_done(&a);
    return all; /* a name that means nothing is for the program to report that asks for it */
}

static int allow(void *ud, struct str host, struct err *err) {
    const struct supervision *s = ud;
    if (s->plan.policy != PLAN_OPEN) {
        return err_set(err, ERR_DENIED,
                       "the egress policy of project " STR_FMT " lets it reach registries that "
                       "trunkline.yml lists only, not " STR_FMT,
                       STR_ARG(s->plan.project), STR_ARG(host));
    }
    return is_public(host) ? 0
                           : err_set(err, ERR_DENIED,
                                     STR_FMT " is an address of this machine or its network; an "
                                             "administrator lists it in trunkline.yml: registries",
                                     STR_ARG(host));
}

/* ---- credentials ---- */

/* {"username": ..., "password": ...}, read as the project's role. */
static int get_secret(struct supervision *s, struct str *ret, struct err *err) {
    int64_t since = clock_mono_ms(s->clock);
    struct secretsmanager_get_secret_value_request in = {.secret_id = s->plan.registry_secret};
    struct secretsmanager_get_secret_value_response out;
    int result = 0;
    account_begin(s);
    do {
        struct aws_target target;
        out = (struct secretsmanager_get_secret_value_response){0};
        result = account_target(s, &s->arena, &target, err) < 0
                     ? -1
                     : secretsmanager_call_get_secret_value(&target, &s->arena, &in, &out, err);
    } while (result < 0 && account_retry(s, since, err));
    if (result < 0) {
        return err_wrap(err, "secret " STR_FMT " of registryCredential",
                        STR_ARG(s->plan.registry_secret));
    }
    account_acknowledge(s);
    *ret = out.secret_string;
    return 0;
}

static int get_credentials(struct supervision *s, struct image_wish *wish, struct err *err) {
    struct str text = STR_NONE;
    struct err malformed = ERR_INIT;
    if (s->plan.registry_secret.n == 0) {
        return 0;
    }
    if (get_secret(s, &text, err) < 0) {
        return -1;
    }
    json_t *json cleanup_json =
        text.n > 0 && text.n <= SECRET_MAX ? json_parse(text, &malformed) : NULL;
    wish->username = str_dup(&s->arena, json_str(json, "username"));
    wish->password = str_dup(&s->arena, json_str(json, "password"));
    if (wish->username.n == 0 || wish->password.n == 0) {
        return err_set(err, ERR_INVALID,
                       "secret " STR_FMT " of registryCredential is not "
                       "{\"username\": ..., \"password\": ...}",
                       STR_ARG(s->plan.registry_secret));
    }
    build_log_hide(s->log, wish->password);
    return 0;
}

/* ---- the image ---- */

static void told(void *ud, struct str line) {
    struct supervision *s = ud;
    build_log_line(s->log, "Image: " STR_FMT, STR_ARG(line));
}

static bool cancelled(void *ud) {
    struct phase_end ignored;
    return phase_interrupted(ud, &ignored);
}

int find_image(struct supervision *s, struct image *ret, struct err *err) {
    struct image_registry *registries =
        arena_new_n(&s->arena, struct image_registry, s->plan.registries.n);
    for (size_t i = 0; i < s->plan.registries.n; i++) {
        const struct plan_registry *r = &s->plan.registries.v[i];
        registries[i] = (struct image_registry){r->name, r->address, r->insecure};
    }
    struct image_wish wish = {.text = s->plan.image_uses,
                              .registries = registries,
                              .registries_n = s->plan.registries.n,
                              .allow = allow,
                              .cancelled = cancelled,
                              .progress = told,
                              .ud = s};
    if (s->plan.privileged && str_is(wish.text, IMAGE_DEFAULT)) {
        wish.text = S(IMAGE_PRIVILEGED);
        build_log_line(s->log,
                       "Image " IMAGE_DEFAULT " means " IMAGE_PRIVILEGED " in privileged builds");
    }
    if (s->plan.image_refused.n > 0) {
        return err_set(err, ERR_DENIED, STR_FMT, STR_ARG(s->plan.image_refused));
    }
    return get_credentials(s, &wish, err) < 0 ? -1 : image_get(&s->arena, &wish, ret, err);
}

/* ---- its variables ---- */

/* PATH is the image's where it says one; its HOME, USER, WORKDIR and ENTRYPOINT do not count, as on
 * AWS: commands are run by root, in the source's folder. */
void choose_env(struct supervision *s, const struct image *image) {
    static const char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    const char **env = arena_new_n(&s->arena, const char *, image->env.n + 3);
    size_t n = 0;
    bool has_path = false;
    for (size_t i = 0; i < image->env.n; i++) {
        struct str one = image->env.v[i];
        has_path = has_path || str_starts(one, S("PATH="));
        if (!str_starts(one, S("HOME="))) {
            env[n++] = str_z(&s->arena, one);
        }
    }
    if (!has_path) {
        env[n++] = path;
    }
    env[n++] = "HOME=/root";
    env[n] = NULL;
    s->base_env = env;
}
