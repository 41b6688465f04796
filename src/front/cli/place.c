/* Finds the server and its keys; place.h. Starts nothing. */
#include "front/cli/place.h"

#include "platform/os/file.h"
#include "platform/text/json.h"

#include <stdlib.h>
#include <unistd.h>

enum { MAX_KEYS_BYTES = 1024 * 1024 };

static const char *set(const char *value) {
    return value && value[0] ? value : NULL;
}

static const char *variable(const char *name) {
    return set(getenv(name));
}

static const char *named(const struct cli *c) {
    const char *dir = set(cli_common(c, "data"));
    return dir ? dir : variable("TRUNKLINE_DATA");
}

bool place_data_is_named(const struct cli *c) {
    return named(c) != NULL;
}

/* From the root: what serve starts (git, supervisors) stands in other folders. */
static const char *from_root(struct cli *c, const char *dir) {
    char *cwd = dir[0] == '/' ? NULL : getcwd(NULL, 0);
    const char *path = cwd ? str_printf(&c->arena, "%s/%s", cwd, dir).p : dir;
    free(cwd);
    return path;
}

const char *place_data_dir(struct cli *c) {
    if (c->data_dir != NULL) {
        return c->data_dir;
    }
    if (named(c) != NULL) {
        return from_root(c, named(c));
    }
    if (geteuid() == 0) {
        return "/var/lib/trunkline";
    }
    const char *share = variable("XDG_DATA_HOME");
    if (share != NULL) {
        return str_printf(&c->arena, "%s/trunkline", share).p;
    }
    const char *home = variable("HOME");
    return str_printf(&c->arena, "%s/.local/share/trunkline", home ? home : "").p;
}

const char *place_file(struct cli *c, const char *name) {
    return str_printf(&c->arena, "%s/%s", place_data_dir(c), name).p;
}

static const char *remote_url(const struct cli *c) {
    if (c->data_dir != NULL) {
        return NULL;
    }
    const char *url = set(cli_common(c, "url"));
    return url ? url : variable("TRUNKLINE_URL");
}

bool place_is_remote(const struct cli *c) {
    return remote_url(c) != NULL;
}

int place_url(struct cli *c, struct str *ret, struct err *err) {
    struct str url = str_c(remote_url(c));
    if (url.p == NULL) {
        struct err why = ERR_INIT;
        if (file_read(&c->arena, place_file(c, "endpoint"), 4096, &url, &why) < 0) {
            return why.kind == ERR_NOT_FOUND
                       ? err_set(err, ERR_UNAVAILABLE,
                                 "no server has run on %s; start one: trunkline serve --data %s",
                                 place_data_dir(c), place_data_dir(c))
                       : (*err = why, -1);
        }
    }
    url = str_trim(url);
    while (url.n > 0 && url.p[url.n - 1] == '/') {
        url.n--;
    }
    if (!str_starts(url, S("http://")) && !str_starts(url, S("https://"))) {
        return err_set(err, ERR_INVALID, "'" STR_FMT "' is not an http or https URL", STR_ARG(url));
    }
    *ret = url;
    return 0;
}

/* A server elsewhere: one account, named by its keys. */
static int from_environment(struct cli *c, struct place_account_list *ret, struct err *err) {
    const char *key = variable("AWS_ACCESS_KEY_ID");
    const char *secret = variable("AWS_SECRET_ACCESS_KEY");
    const char *region = variable("AWS_REGION");
    if (region == NULL) {
        region = variable("AWS_DEFAULT_REGION");
    }
    if (key == NULL || secret == NULL) {
        return err_set(err, ERR_DENIED,
                       "for a server elsewhere set AWS_ACCESS_KEY_ID and "
                       "AWS_SECRET_ACCESS_KEY");
    }
    *arena_push(&c->arena, ret) = (struct place_account){
        .name = S(PLACE_HOME),
        .id = S(""),
        .region = str_c(region ? region : "eu-west-2"),
        .keys = {.access_key = str_c(key),
                 .secret_key = str_c(secret),
                 .session_token = str_c(variable("AWS_SESSION_TOKEN"))},
    };
    return 0;
}

int place_accounts(struct cli *c, struct place_account_list *ret, struct err *err) {
    *ret = (struct place_account_list){0};
    if (place_is_remote(c)) {
        return from_environment(c, ret, err);
    }
    struct str text;
    struct err why = ERR_INIT;
    const char *path = place_file(c, "keys.json");
    if (file_read(&c->arena, path, MAX_KEYS_BYTES, &text, &why) < 0) {
        return why.kind == ERR_NOT_FOUND
                   ? err_set(err, ERR_UNAVAILABLE,
                             "no server has run on %s; start one: trunkline serve --data %s",
                             place_data_dir(c), place_data_dir(c))
                   : (*err = why, -1);
    }
    json_t *root cleanup_json = json_parse(text, err);
    if (root == NULL) {
        return err_wrap(err, "%s", path);
    }
    const char *name = NULL;
    json_t *entry = NULL;
    json_object_foreach(root, name, entry) {
        *arena_push(&c->arena, ret) = (struct place_account){
            .name = str_dup(&c->arena, str_c(name)),
            .id = str_dup(&c->arena, json_str(entry, "account")),
            .region = str_dup(&c->arena, json_str(entry, "region")),
            .keys = {.access_key = str_dup(&c->arena, json_str(entry, "accessKeyId")),
                     .secret_key = str_dup(&c->arena, json_str(entry, "secretAccessKey"))},
        };
    }
    return 0;
}

int place_account(struct cli *c, const char *name, struct place_account *ret, struct err *err) {
    struct place_account_list all;
    if (place_accounts(c, &all, err) < 0) {
        return -1;
    }
    if (place_is_remote(c) && all.n == 1) {
        *ret = all.v[0];
        return 0;
    }
    struct str names = STR_NONE;
    for (size_t i = 0; i < all.n; i++) {
        if (str_is(all.v[i].name, name) || str_is(all.v[i].id, name)) {
            *ret = all.v[i];
            return 0;
        }
        names = names.p ? str_printf(&c->arena, STR_FMT ", " STR_FMT, STR_ARG(names),
                                     STR_ARG(all.v[i].name))
                        : all.v[i].name;
    }
    return err_set(err, ERR_NOT_FOUND,
                   "there is no account '%s' with keys here; there are: " STR_FMT, name,
                   STR_ARG(names));
}

int place_accounts_chosen(struct cli *c, struct place_account_list *ret, struct err *err) {
    const char *name = cli_opt(c, "account");
    if (name == NULL) {
        return place_accounts(c, ret, err);
    }
    *ret = (struct place_account_list){arena_new(&c->arena, struct place_account), 1};
    return place_account(c, name, ret->v, err);
}

int place_target(struct cli *c, const char *account, struct aws_target *ret, struct err *err) {
    struct place_account found;
    struct str url;
    if (place_url(c, &url, err) < 0 ||
        place_account(c, account ? account : PLACE_HOME, &found, err) < 0) {
        return -1;
    }
    *ret = (struct aws_target){
        .account = found.id,
        .region = found.region,
        .endpoint = url,
        .credentials = found.keys,
        .retries = -1,
    };
    return 0;
}
