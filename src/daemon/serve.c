/* Implementation of serve.h. What is started is stopped in the opposite order, by stop_all. */
#include "daemon/serve.h"

#include "daemon/datadir.h"
#include "daemon/internal_routes.h"
#include "daemon/public_routes.h"
#include "daemon/release.h"
#include "daemon/tables.h"
#include "daemon/world.h"
#include "flow/execution/history.h"
#include "front/api/codebuild/badge.h"
#include "front/api/codebuild/webhooks.h"
#include "front/api/codepipeline/webhooks.h"
#include "front/door/door.h"
#include "front/web/web.h"
#include "platform/os/fd.h"
#include "platform/os/file.h"
#include "runtime/audit/audit.h"
#include "runtime/http/http.h"
#include "runtime/queue/queue.h"
#include "services/codeconnections/connections.h"
#include "services/core/account.h"
#include "runtime/http/egress.h"
#include "services/core/env.h"
#include "services/core/seal.h"
#include "services/services.h"

#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { HTTP_THREADS = 16, STOP_GRACE_MS = 3000 };

#define REGION S("eu-west-2")

struct serving {
    const struct serve_options *options;
    struct arena arena;
    int lock;
    struct db *db;
    struct service_env env; /* of the services' jobs */
    struct str_list notify; /* private networks that may be reached for users, as text */
    struct gate *gate;
    struct world *world;
    struct web *web;
    struct release *release;
    struct internal_routes *internal;
    struct door *door;
    struct queue *queue;
    struct http_server *http;
    struct str url;
};

static void stop_all(struct serving *s) {
    http_server_stop(s->http, STOP_GRACE_MS);
    web_stop(s->web); /* its streams call the services that the next lines end */
    queue_stop(s->queue);
    release_free(s->release);
    web_free(s->web);
    door_free(s->door);
    internal_routes_free(s->internal);
    world_free(s->world);
    gate_free(s->gate);
    audit_stop();
    db_close(s->db);
    fd_closep(&s->lock);
    arena_done(&s->arena);
}

/* ---- the store, accounts and services ---- */

static void warn_of_audit(struct str what) {
    fprintf(stderr, "trunkline: audit: " STR_FMT "; trunkline verify --all says more\n",
            STR_ARG(what));
}

static int start_audit(struct serving *s, struct err *err) {
    const struct audit_config config = {.db = s->db,
                                        .data_dir = s->options->data_dir,
                                        .clock = &clock_system,
                                        .rng = &rng_system,
                                        .warn = warn_of_audit};
    return audit_start(&config, err);
}

static int open_store(struct serving *s, struct err *err) {
    size_t n = 0;
    const struct db_schema *schemas = tables_schemas(&s->arena, &n);
    const char *path = str_printf(&s->arena, "%s/trunkline.db", s->options->data_dir).p;
    if (seal_load(s->options->data_dir, &rng_system, err) < 0 ||
        db_open(path, schemas, n, &s->db, err) < 0 || execution_history_known(s->db, err) < 0 ||
        connections_seal(s->db, &rng_system, err) < 0 || start_audit(s, err) < 0) {
        return -1;
    }
    return datadir_accounts(s->db, s->options->data_dir, &rng_system, &clock_system, REGION, err);
}

static int any_key_account(struct serving *s, struct str *ret, struct err *err) {
    *ret = STR_NONE;
    if (s->options->any_key_account == NULL) {
        return 0;
    }
    struct account account;
    if (strcmp(s->options->host, "127.0.0.1") != 0 && strcmp(s->options->host, "::1") != 0) {
        return err_set(err, ERR_INVALID,
                       "--accept-any-key is for loopback only, and --listen says %s",
                       s->options->host);
    }
    if (db_begin(s->db, err) < 0) {
        return -1;
    }
    int found = account_find(s->db, &s->arena, str_c(s->options->any_key_account), &account, err);
    db_rollback(s->db);
    if (found == 0) {
        return err_set(err, ERR_NOT_FOUND, "--accept-any-key: there is no account '%s'",
                       s->options->any_key_account);
    }
    *ret = found > 0 ? account.id : STR_NONE;
    return found < 0 ? -1 : 0;
}

static int open_gate(struct serving *s, struct err *err) {
    struct gate_config config = {
        .db = s->db,
        .clock = &clock_system,
        .rng = &rng_system,
        .data_dir = s->options->data_dir,
        .region = REGION,
    };
    config.services = tables_services(&s->arena, &config.n_services);
    if (any_key_account(s, &config.any_key_account, err) < 0 ||
        gate_new(&config, &s->gate, err) < 0) {
        return -1;
    }
    s->world = world_new(s->db, s->gate, &clock_system, REGION);
    return 0;
}

/* Who may be sent messages beside public addresses: the operator's list and the options'. */
static int read_egress(struct serving *s, struct err *err) {
    struct datadir_config config;
    if (datadir_config_read(&s->arena, s->options->data_dir, &config, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < config.notify.n; i++) {
        if (egress_allow(&s->arena, &s->env.egress, config.notify.v[i], err) < 0) {
            return err_wrap(err, "trunkline.yml: notify");
        }
        *arena_push(&s->arena, &s->notify) = config.notify.v[i];
    }
    for (size_t i = 0; s->options->notify_to != NULL && s->options->notify_to[i] != NULL; i++) {
        struct str cidr = str_c(s->options->notify_to[i]);
        if (egress_allow(&s->arena, &s->env.egress, cidr, err) < 0) {
            return err_wrap(err, "--allow-notify-to");
        }
        *arena_push(&s->arena, &s->notify) = cidr;
    }
    return 0;
}

/* ---- the release side ---- */

/* Takes the addresses, so that the URL is known to whatever is put together next. Nobody answers
 * there before open_door. */
static int take_addresses(struct serving *s, struct err *err) {
    struct http_server_config http = {
        .host = s->options->host,
        .port = s->options->port,
        .unix_path = str_printf(&s->arena, "%s/serve.sock", s->options->data_dir).p,
        .threads = HTTP_THREADS,
    };
    if (http_server_listen(&http, &s->http, err) < 0) {
        return -1;
    }
    s->url = str_printf(&s->arena, "http://%s:%u", s->options->host,
                        (unsigned)http_server_port(s->http));
    return 0;
}

static const char *own_program(struct arena *a) {
    char path[4096];
    ssize_t n = readlink("/proc/self/exe", path, sizeof(path));
    return n > 0 ? str_dup(a, str_n(path, (size_t)n)).p : "trunkline";
}

static void start_web(struct serving *s) {
    struct web_config web = {.db = s->db,
                             .clock = &clock_system,
                             .rng = &rng_system,
                             .embedded = gate_embedded(s->gate),
                             .region = REGION};
    s->web = web_new(&web);
}

static int start_release(struct serving *s, struct err *err) {
    struct release_config config = {
        .db = s->db,
        .clock = &clock_system,
        .rng = &rng_system,
        .world = s->world,
        .data_dir = s->options->data_dir,
        .program = own_program(&s->arena),
        .url = s->url,
        .notify = s->notify,
        .changed = web_changed,
        .changed_ud = s->web,
    };
    if (release_new(&config, &s->release, err) < 0) {
        return -1;
    }
    s->env.db = s->db;
    s->env.clock = &clock_system;
    s->env.rng = &rng_system;
    s->env.data_dir = s->options->data_dir;
    s->env.embedded = gate_embedded(s->gate);
    s->env.endpoint = s->url;
    size_t n = 0;
    size_t more = 0;
    const struct queue_kind *services = services_jobs(&s->arena, &s->env, &n);
    const struct queue_kind *release = release_jobs(s->release, &more);
    struct queue_kind *kinds = arena_new_n(&s->arena, struct queue_kind, n + more);
    memcpy(kinds, services, n * sizeof(*services));
    memcpy(kinds + n, release, more * sizeof(*release));
    return services_start(&s->env, err) < 0 ||
                   queue_start(s->db, &clock_system, kinds, n + more, &s->queue, err) < 0 ||
                   release_start(s->release, err) < 0
               ? -1
               : 0;
}

/* ---- the front ---- */

/* The last step: everything that a request may reach is there. */
static int open_door(struct serving *s, struct err *err) {
    s->internal = internal_routes_new(s->db, s->gate, s->world, s->release);
    const struct door_route routes[] = {
        {.prefix = "/badges", .handle = codebuild_badge},
        {.prefix = "/hooks/codebuild", .handle = codebuild_hook, .ud = &s->env.egress},
        {.prefix = "/hooks", .handle = codepipeline_hook},
        {.prefix = "/console", .handle = web_handle, .ud = s->web},
        {.prefix = "/_trunkline/sns", .handle = public_routes_sns, .ud = s->db},
        {.prefix = "/_trunkline",
         .local_only = true,
         .handle = internal_routes_handle,
         .ud = s->internal},
    };
    struct door_config door = {
        .gate = s->gate,
        .clock = &clock_system,
        .rng = &rng_system,
        .data_dir = s->options->data_dir,
        .region = REGION,
        .routes = routes,
        .n_routes = sizeof(routes) / sizeof(routes[0]),
    };
    s->door = door_new(&door);
    const char *path = str_printf(&s->arena, "%s/endpoint", s->options->data_dir).p;
    return http_server_serve(s->http, door_handler(s->door), err) < 0
               ? -1
               : file_write_atomic(path, str_printf(&s->arena, "%.*s\n", STR_ARG(s->url)), 0600,
                                   err);
}

/* ---- the process ---- */

static int start_all(struct serving *s, struct err *err) {
    const char *dir = s->options->data_dir;
    if (datadir_check(dir, s->options->data_dir_named, err) < 0 ||
        (s->lock = datadir_lock(dir, err)) < 0) {
        return -1;
    }
    if (open_store(s, err) < 0 || open_gate(s, err) < 0 || read_egress(s, err) < 0 ||
        take_addresses(s, err) < 0) {
        return -1;
    }
    start_web(s);
    return start_release(s, err) < 0 || open_door(s, err) < 0 ? -1 : 0;
}

static void block_signals(sigset_t *ret) {
    sigemptyset(ret);
    sigaddset(ret, SIGTERM);
    sigaddset(ret, SIGINT);
    pthread_sigmask(SIG_BLOCK, ret, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
}

int serve_run(const struct serve_options *options, struct err *err) {
    struct serving s = {.options = options, .lock = -1};
    sigset_t signals;
    if (options->die_with_parent) {
        prctl(PR_SET_PDEATHSIG, SIGTERM);
    }
    block_signals(&signals); /* before any thread: all of them inherit it */
    int result = start_all(&s, err);
    if (result == 0) {
        printf("trunkline: ready %.*s\n", STR_ARG(s.url));
        fflush(stdout);
        malloc_trim(0); /* what only the start needed */
        int got = 0;
        sigwait(&signals, &got);
    }
    stop_all(&s);
    return result;
}
