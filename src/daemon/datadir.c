/* Implementation of datadir.h. */
#include "daemon/datadir.h"

#include "flow/build/settings.h"
#include "platform/os/fd.h"
#include "platform/os/file.h"
#include "platform/text/json.h"
#include "platform/text/yaml.h"
#include "runtime/audit/audit.h"
#include "services/core/account.h"
#include "services/core/ident.h"
#include "services/iam/iam_store.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- is it ours? ---- */

static struct str user_name(struct arena *a, uid_t uid) {
    const struct passwd *user = getpwuid(uid); /* serve is starting: no other thread asks */
    return user ? str_dup(a, str_c(user->pw_name)) : str_printf(a, "%u", uid);
}

static int check_owner(struct arena *a, const char *dir, uid_t owner, struct err *err) {
    if (owner == geteuid()) {
        return 0;
    }
    struct str theirs = user_name(a, owner);
    return err_set(err, ERR_DENIED,
                   "%s belongs to user " STR_FMT ", and serve runs as " STR_FMT
                   "; run it as " STR_FMT ", or give another --data",
                   dir, STR_ARG(theirs), STR_ARG(user_name(a, geteuid())), STR_ARG(theirs));
}

static int check_absent(struct arena *a, const char *dir, bool named, struct err *err) {
    struct str path = str_c(dir);
    while (path.n > 1 && path.p[path.n - 1] == '/') {
        path.n--;
    }
    size_t slash = str_rfind_c(path, '/');
    const char *parent = slash == (size_t)-1 ? "." : slash == 0 ? "/" : str_z(a, str_n(dir, slash));
    return !named || file_exists(parent)
               ? 0
               : err_set(err, ERR_NOT_FOUND,
                         "%s is not there, and neither is %s; is its disk mounted? Make that "
                         "folder, or give another --data",
                         dir, parent);
}

static int check_parts(struct arena *a, const char *dir, struct err *err) {
    bool keys = file_exists(str_printf(a, "%s/keys.json", dir).p);
    bool store = file_exists(str_printf(a, "%s/trunkline.db", dir).p);
    return !keys || store
               ? 0
               : err_set(err, ERR_CONFLICT,
                         "%s has accounts' keys but no store: trunkline.db is missing; put it "
                         "back (docs/backup.md), or give an empty directory",
                         dir);
}

int datadir_check(const char *dir, bool named, struct err *err) {
    struct arena a = ARENA_INIT;
    struct stat st;
    int result = 0;
    if (stat(dir, &st) < 0) {
        result = errno == ENOENT ? check_absent(&a, dir, named, err)
                                 : err_sys(err, errno, "look at the data directory %s", dir);
    } else if (check_owner(&a, dir, st.st_uid, err) < 0 || check_parts(&a, dir, err) < 0) {
        result = -1;
    }
    arena_done(&a);
    return result;
}

/* ---- lock ---- */

enum { LOCK_PATIENCE_MS = 10 * 1000, LOCK_POLL_MS = 10 };

static struct str holder(struct arena *a, const char *path) {
    struct err ignored = ERR_INIT;
    struct str pid = STR_NONE;
    return file_read(a, path, 64, &pid, &ignored) < 0 ? STR_NONE : str_trim(pid);
}

static bool is_gone(struct str pid) {
    long long n = 0;
    return str_to_i64(pid, &n) && n > 0 && n <= INT_MAX && kill((pid_t)n, 0) < 0 && errno == ESRCH;
}

/* A process that serve was about to start when it was killed holds the lock until it becomes its
 * own program: the lock of a server that is gone is waited for. */
static int take_lock(struct arena *a, const char *path, struct err *err) {
    int64_t end = clock_mono_ms(&clock_system) + LOCK_PATIENCE_MS;
    for (;;) {
        struct err why = ERR_INIT;
        int fd = file_lock(path, false, &why);
        if (fd >= 0 || why.kind != ERR_CONFLICT || !is_gone(holder(a, path)) ||
            clock_mono_ms(&clock_system) > end) {
            *err = why;
            return fd;
        }
        poll(NULL, 0, LOCK_POLL_MS);
    }
}

int datadir_lock(const char *dir, struct err *err) {
    struct arena a = ARENA_INIT;
    struct err why = ERR_INIT;
    const char *path = str_printf(&a, "%s/serve.pid", dir).p;
    int fd = dir_make(dir, 0700, err) < 0 ? -1 : take_lock(&a, path, &why);
    if (fd < 0 && why.kind == ERR_CONFLICT) {
        struct str pid = holder(&a, path);
        err_set(err, ERR_CONFLICT,
                "%s is served already, by process %.*s; give another --data, or end that one", dir,
                STR_ARG(pid));
    } else if (fd < 0 && why.kind != ERR_NONE) {
        *err = why;
    } else if (fd >= 0) {
        struct str text = str_printf(&a, "%d\n", (int)getpid());
        if (ftruncate(fd, 0) < 0 || fd_write_all(fd, text.p, text.n, &why) < 0) {
            err_set(err, ERR_SYSTEM, "%s cannot be written", path);
            fd_closep(&fd);
        }
    }
    arena_done(&a);
    return fd;
}

/* ---- the first accounts ---- */

static const struct account first_accounts[] = {
    {.id = S_INIT("111111111111"), .name = S_INIT("shared-services"), .kind = S_INIT("embedded")},
    {.id = S_INIT("222222222222"), .name = S_INIT("development"), .kind = S_INIT("embedded")},
    {.id = S_INIT("333333333333"), .name = S_INIT("pre-production"), .kind = S_INIT("embedded")},
    {.id = S_INIT("444444444444"), .name = S_INIT("production"), .kind = S_INIT("embedded")},
};

/* Its root may do everything in it, and its key lies in keys.json: the first thing that an audit
 * has to tell. */
static int tell_account(struct db *db, struct arena *a, const struct account *account,
                        struct str access_key, int64_t now_ms, struct err *err) {
    const struct audit_act act = {
        .at_ms = now_ms,
        .account = account->id,
        .principal = S("trunkline"),
        .source = S("engine"),
        .operation = S("trunkline:CreateAccount"),
        .resource = str_printf(a, "arn:aws:iam::" STR_FMT ":root", STR_ARG(account->id)),
        .outcome = S("Success"),
        .detail = str_printf(a, "Name=" STR_FMT " -> AccessKeyId=" STR_FMT, STR_ARG(account->name),
                             STR_ARG(access_key)),
    };
    return audit_add(db, &act, err);
}

static int make_account(struct db *db, struct arena *a, const struct account *from,
                        struct str region, const struct rng *rng, const struct clock *clock,
                        json_t *keys, struct err *err) {
    struct account account = *from;
    account.region = region;
    struct str access_key = ident_make(rng, a, "AKIA", 16);
    struct str secret_key = ident_secret(rng, a);
    struct iam_key_row key = {.key = access_key,
                              .account = account.id,
                              .active = true,
                              .created_ms = clock_now_ms(clock)};
    if (account_put(db, &account, err) < 0 ||
        iam_key_insert(db, a, rng, &key, secret_key, err) < 0 ||
        tell_account(db, a, &account, access_key, key.created_ms, err) < 0) {
        return -1;
    }
    json_t *o = json_object();
    json_set_str(o, "account", account.id);
    json_set_str(o, "region", region);
    json_set_str(o, "accessKeyId", access_key);
    json_set_str(o, "secretAccessKey", secret_key);
    json_set(keys, account.name.p, o);
    return 0;
}

/* The keys are durable in the file before they count in the store: a crash between the two leaves a
 * file that the next start writes again, never keys that nobody can read. */
static int make_accounts(struct db *db, struct arena *a, const char *dir, const struct rng *rng,
                         const struct clock *clock, struct str region, struct err *err) {
    json_t *keys cleanup_json = json_object();
    for (size_t i = 0; i < sizeof(first_accounts) / sizeof(first_accounts[0]); i++) {
        if (make_account(db, a, &first_accounts[i], region, rng, clock, keys, err) < 0) {
            return -1;
        }
    }
    const char *path = str_printf(a, "%s/keys.json", dir).p;
    return file_write_atomic(path, json_dump_pretty(a, keys), 0600, err);
}

int datadir_accounts(struct db *db, const char *dir, const struct rng *rng,
                     const struct clock *clock, struct str region, struct err *err) {
    struct arena a = ARENA_INIT;
    struct account_list list;
    int result = db_begin(db, err);
    if (result == 0) {
        result = account_list(db, &a, &list, err);
        if (result == 0 && list.n == 0) {
            result = make_accounts(db, &a, dir, rng, clock, region, err);
        }
        if (result < 0) {
            db_rollback(db);
        } else {
            result = db_commit(db, err);
        }
    }
    arena_done(&a);
    return result;
}

/* ---- configuration ---- */

enum { CONFIG_MAX = 256 * 1024 };

static int read_notify(struct arena *a, const char *file, const struct yaml_node *list,
                       struct datadir_config *ret, struct err *err) {
    if (list->kind != YAML_SEQUENCE) {
        return yaml_fail(err, file, list, "notify is a list of addresses, as [127.0.0.0/8]");
    }
    for (size_t i = 0; i < list->n; i++) {
        if (list->item[i]->kind != YAML_SCALAR) {
            return yaml_fail(err, file, list->item[i], "an address is text, as 127.0.0.0/8");
        }
        *arena_push(a, &ret->notify) = list->item[i]->text;
    }
    return 0;
}

/* What builds read of it (images, mounts, egress) is flow/build's; here other keys are mistakes. */
static int check_keys(const char *file, const struct yaml_node *root, struct err *err) {
    for (size_t i = 0; i < root->n; i++) {
        bool good = str_is(root->pair[i].key->text, "notify");
        for (size_t k = 0; settings_keys[k] != NULL; k++) {
            good = good || str_is(root->pair[i].key->text, settings_keys[k]);
        }
        if (!good) {
            return yaml_fail(
                err, file, root->pair[i].key,
                "this key is not known; images, mounts, egress, sources, registries, oci, "
                "privileged, pool, builds and notify are");
        }
    }
    return 0;
}

int datadir_config_read(struct arena *a, const char *dir, struct datadir_config *ret,
                        struct err *err) {
    const char *file = str_printf(a, "%s/trunkline.yml", dir).p;
    struct yaml_doc doc;
    struct str text = STR_NONE;
    *ret = (struct datadir_config){0};
    if (!file_exists(file)) {
        return 0;
    }
    if (file_read(a, file, CONFIG_MAX, &text, err) < 0 ||
        yaml_parse(a, file, text, &doc, err) < 0) {
        return -1;
    }
    if (doc.root == NULL || yaml_is_null(doc.root)) {
        return 0;
    }
    if (doc.root->kind != YAML_MAPPING) {
        return yaml_fail(err, file, doc.root, "the file holds keys and values");
    }
    const struct yaml_node *notify = yaml_get(doc.root, "notify");
    return check_keys(file, doc.root, err) < 0 || settings_check(a, dir, err) < 0 ||
                   (notify != NULL && read_notify(a, file, notify, ret, err) < 0)
               ? -1
               : 0;
}
