/* What a run asks of its server beyond a project; run.h, flow/build/run_file.h. */
#include "front/cli/run.h"

#include "flow/build/run_file.h"
#include "front/cli/run_source.h"
#include "platform/os/fd.h"
#include "platform/os/file.h"
#include "platform/text/json.h"

#include <errno.h>
#include <stdlib.h>

/* The path as the server, which stands elsewhere, finds it; a folder that is missing is made. */
static int put_folder(struct run *r, json_t *order, const char *option, struct err *err) {
    const char *dir = cli_opt(r->c, option);
    if (dir == NULL) {
        return 0;
    }
    if (dir_make(dir, 0755, err) < 0) {
        return err_wrap(err, "--%s", option);
    }
    char *real cleanup_free = realpath(dir, NULL);
    if (real == NULL) {
        return err_sys(err, errno, "--%s %s", option, dir);
    }
    json_set_str(order, option, str_c(real));
    return 0;
}

static int put_sources(struct run *r, json_t *order, struct err *err) {
    struct arena *a = &r->c->arena;
    json_t *secondary = json_object();
    json_set(order, "secondary", secondary);
    for (size_t i = 0; i < r->secondary_n; i++) {
        const struct run_secondary *s = &r->secondary[i];
        const char *zip = str_printf(a, "%s/secondary-%zu.zip", r->server.dir, i).p;
        if (run_source_zip(a, s->dir, zip, err) < 0) {
            return err_wrap(err, "secondary source " STR_FMT, STR_ARG(s->id));
        }
        json_set_str(secondary, str_z(a, s->id), str_c(zip));
    }
    if (cli_has(r->c, "mount-source")) {
        char *real cleanup_free = realpath(r->dir, NULL);
        json_set_str(order, "source", str_c(real ? real : r->dir));
        json_set(order, "mount", json_true());
        return 0;
    }
    const char *zip = str_printf(a, "%s/source.zip", r->server.dir).p;
    json_set_str(order, "source", str_c(zip));
    return run_source_zip(a, r->dir, zip, err) < 0 ? err_wrap(err, "source") : 0;
}

/* As serve gives a role's credentials to a supervisor; these do not expire by themselves. */
static int put_keys(struct run *r, json_t *order, struct err *err) {
    const struct aws_credentials *keys = &r->other.keys;
    const char *path = str_printf(&r->c->arena, "%s/run-keys.json", r->server.dir).p;
    json_t *json cleanup_json = json_object();
    struct str none = S("");
    json_set_str(json, "AccessKeyId", keys->access_key);
    json_set_str(json, "SecretAccessKey", keys->secret_key);
    json_set_str(json, "Token", keys->session_token.p ? keys->session_token : none);
    json_set_str(json, "Expiration",
                 keys->expires_ms > 0 ? time_iso(&r->c->arena, keys->expires_ms)
                                      : S("2099-01-01T00:00:00Z"));
    json_set_str(order, "credentials", str_c(path));
    return file_write(path, json_dump_str(&r->c->arena, json), 0600, err);
}

static int put_account(struct run *r, json_t *order, struct err *err) {
    const struct run_other *o = &r->other;
    if (o->account.n == 0) {
        return 0;
    }
    json_set_str(order, "account", o->account);
    json_set_str(order, "region", o->region);
    json_set_str(order, "endpoint", o->endpoint);
    json_set_str(order, "caFile", o->ca_file);
    json_set_str(order, "serveDir", o->serve_dir);
    return put_keys(r, order, err);
}

int run_order(struct run *r, struct err *err) {
    json_t *order cleanup_json = json_object();
    json_set_str(order, "owner", str_c(ephemeral_lock(&r->c->arena, &r->server)));
    json_set_str(order, "image", r->image);
    json_set(order, "privileged", json_boolean(cli_has(r->c, "privileged")));
    json_set(order, "shell", json_boolean(cli_has(r->c, "shell")));
    if (put_sources(r, order, err) < 0 || put_folder(r, order, "artifacts", err) < 0 ||
        put_folder(r, order, "reports", err) < 0 || put_account(r, order, err) < 0) {
        return -1;
    }
    return file_write(str_printf(&r->c->arena, "%s/" RUN_FILE, r->server.dir).p,
                      json_dump_str(&r->c->arena, order), 0600, err);
}
