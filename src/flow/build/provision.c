/* PROVISIONING: the container and the gateway that is its network. */
#include "flow/build/supervision.h"

#include "flow/gateway/gateway.h"
#include "flow/sandbox/doctor.h"
#include "flow/sandbox/image.h"
#include "platform/os/fd.h"
#include "platform/os/file.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_FOLDERS = 2 + 16, MAX_BINDS = 32 };

static int find_mounts(struct supervision *s, struct sandbox_mount *mounts, size_t *ret_n,
                       struct err *err) {
    *ret_n = 0;
    for (size_t i = 0; i < s->plan.binds.n; i++) {
        struct str bind = s->plan.binds.v[i];
        size_t colon = str_find_c(bind, ':', 0);
        if (colon == (size_t)-1 || *ret_n == MAX_BINDS) {
            return err_set(err, ERR_INVALID,
                           "mount '" STR_FMT "' is not HOST:CONTAINER, or one too "
                           "many",
                           STR_ARG(bind));
        }
        mounts[(*ret_n)++] = (struct sandbox_mount){
            str_z(&s->arena, str_sub(bind, 0, colon)),
            str_z(&s->arena, str_sub(bind, colon + 1, bind.n)), false, false};
    }
    return 0;
}

static size_t list_folders(struct supervision *s, const char *folders[MAX_FOLDERS]) {
    size_t n = 0;
    folders[n++] = s->source_dir;
    folders[n++] = CACHE_STAGE;
    for (size_t i = 0; i < s->plan.secondary_sources.n && n < MAX_FOLDERS; i++) {
        folders[n++] = source_directory(s, i + 1);
    }
    return n;
}

static int prepare(struct supervision *s, const struct image *image, struct str ca,
                   struct err *err) {
    static const char *const addresses[] = {GATEWAY_ENDPOINT_ADDRESS, GATEWAY_WORLD_ADDRESS};
    struct sandbox_mount mounts[MAX_BINDS + CACHE_MOUNTS_MAX];
    const char *folders[MAX_FOLDERS];
    size_t folders_n = list_folders(s, folders);
    struct sandbox_loan loan = {str_z(&s->arena, s->plan.source.dir), s->source_dir};
    struct sandbox_spec spec = {
        .id = s->source_number == 0
                  ? str_printf(&s->arena, "tl-" STR_FMT, STR_ARG(s->plan.uuid)).p
                  : str_printf(&s->arena, "tl-pool-%s", strrchr(s->dir, '/') + 1).p,
        .dir = s->dir,
        .rootfs = str_z(&s->arena, image->rootfs),
        .limits = {.memory_bytes = s->plan.memory_mib << 20,
                   .pids = s->plan.pids,
                   .cpu_milli = s->plan.cpu_milli,
                   .disk_bytes = s->plan.disk_mib << 20},
        .privileged = s->plan.privileged,
        .loans = &loan,
        .loans_n = s->plan.source.mount,
        .mounts = mounts,
        .folders = folders,
        .folders_n = folders_n,
        .addresses = addresses,
        .addresses_n = 2,
        .nameserver = GATEWAY_ENDPOINT_ADDRESS,
        .ca_pem = ca,
    };
    if (find_mounts(s, mounts, &spec.mounts_n, err) < 0) {
        return -1;
    }
    spec.mounts_n += cache_mounts(s, &mounts[spec.mounts_n]);
    return sandbox_prepare(&spec, &s->box, err);
}

/* The pipe of all commands. Programs open /dev/stdout anew, so it must belong to the build. */
static int make_pipe(struct supervision *s, struct err *err) {
    if (fd_pipe(&s->out_read, &s->out_write, err) < 0 ||
        fd_nonblocking(s->out_read, true, err) < 0) {
        return -1;
    }
    uid_t root = sandbox_root_id(s->box);
    if (fchown(s->out_write, root, root) < 0 || fchmod(s->out_write, 0622) < 0) {
        return err_sys(err, errno, "pipe of the build's output");
    }
    return 0;
}

static int credentials(void *ud, struct arena *a, struct str *ret_json, struct err *err) {
    return account_credentials(ud, a, NULL, ret_json, err);
}

static int start_gateway(struct supervision *s, struct err *err) {
    s->credentials_path = str_printf(&s->arena, "/v2/credentials/" STR_FMT,
                                     STR_ARG(rng_hex(&rng_system, &s->arena, 64)))
                              .p;
    s->git_helper_path =
        str_printf(&s->arena, "/v2/git/" STR_FMT, STR_ARG(rng_hex(&rng_system, &s->arena, 64))).p;
    struct gateway_config config = {.plan = &s->plan,
                                    .clock = s->clock,
                                    .log = s->log,
                                    .events = s->events,
                                    .credentials_path = str_c(s->credentials_path),
                                    .credentials = credentials,
                                    .git_path = str_c(s->git_helper_path),
                                    .git_credential = git_helper_answer,
                                    .ud = s};
    return gateway_start(s->gateway, &config, err);
}

static int open_gateway(struct supervision *s, struct err *err) {
    return gateway_open(s->box, str_z(&s->arena, s->plan.data_dir), s->clock, &s->gateway, err);
}

int provision_ahead(struct supervision *s, struct err *err) {
    struct image image;
    struct str ca = STR_NONE;
    if (find_image(s, &image, err) < 0) {
        return -1;
    }
    s->source_number = source_number(str_c(s->dir));
    s->source_dir = source_directory(s, 0);
    choose_env(s, &image);
    return find_authorities(s, &ca, err) < 0 || prepare(s, &image, ca, err) < 0 ||
                   sandbox_create(s->box, err) < 0 || make_pipe(s, err) < 0 ||
                   open_gateway(s, err) < 0 || sandbox_start(s->box, err) < 0 ||
                   make_files_ahead(s, err) < 0
               ? -1
               : 0;
}

/* What the machine itself lacks is told in doctor's words, which name the fix. */
static struct phase_end not_made(struct supervision *s, const struct err *err) {
    struct err why = ERR_INIT;
    const char *msg = sandbox_available(&why) < 0 ? why.msg : err->msg;
    return phase_failed(s, "CLIENT_ERROR", "Container could not be made: %s", msg);
}

static struct phase_end no_image(struct supervision *s, const struct err *err) {
    struct err why = ERR_INIT;
    return sandbox_available(&why) < 0 ? not_made(s, err)
                                       : phase_failed(s, "BUILD_CONTAINER_UNABLE_TO_PULL_IMAGE",
                                                      "Unable to pull customer's container image. "
                                                      "CannotPullContainerError: " STR_FMT ": %s",
                                                      STR_ARG(s->plan.image), err->msg);
}

/* What a container of the pool lacks. */
static struct phase_end finish(struct supervision *s) {
    struct err err = ERR_INIT;
    const char *folders[MAX_FOLDERS];
    size_t n = list_folders(s, folders);
    for (size_t i = 0; i < n; i++) {
        if (sandbox_make_folder(s->box, folders[i], &err) < 0) {
            return not_made(s, &err);
        }
    }
    return drop_files_ahead(s, &err) < 0 || offer_guard(s, &err) < 0 || start_gateway(s, &err) < 0
               ? not_made(s, &err)
               : phase_well();
}

struct phase_end provision(struct supervision *s) {
    struct err err = ERR_INIT;
    struct image image;
    struct str ca = STR_NONE;
    struct phase_end interruption;
    if (s->box != NULL) {
        return finish(s);
    }
    if (s->plan.privileged_refused.n > 0) {
        return phase_failed(s, "CLIENT_ERROR", STR_FMT, STR_ARG(s->plan.privileged_refused));
    }
    if (find_image(s, &image, &err) < 0) {
        return phase_interrupted(s, &interruption) ? interruption : no_image(s, &err);
    }
    choose_env(s, &image);
    if (find_authorities(s, &ca, &err) < 0) {
        return phase_failed(s, "CLIENT_ERROR", "%s", err.msg);
    }
    if (prepare(s, &image, ca, &err) < 0 || sandbox_create(s->box, &err) < 0 ||
        make_pipe(s, &err) < 0 || offer_docker(s, &err) < 0 || open_gateway(s, &err) < 0 ||
        start_gateway(s, &err) < 0 || sandbox_start(s->box, &err) < 0 || offer_guard(s, &err) < 0) {
        return not_made(s, &err);
    }
    return phase_well();
}

void unprovision(struct supervision *s) {
    struct err err = ERR_INIT;
    if (s->box != NULL && sandbox_kill(s->box, &err) < 0) {
        build_log_line(s->log, "Container could not be killed: %s", err.msg);
    }
    gateway_stop(s->gateway);
    s->gateway = NULL;
    fd_closep(&s->cache.lock); /* nobody writes to a local cache any more */
    fd_closep(&s->cache.layers_lock);
    fd_closep(&s->out_read);
    fd_closep(&s->out_write);
}

void clear_away(struct supervision *s) {
    struct err err = ERR_INIT;
    gateway_stop(s->gateway); /* one of the pool that no build has taken */
    s->gateway = NULL;
    if (s->box != NULL && sandbox_delete(s->box, &err) < 0) {
        fprintf(stderr, "trunkline: %s\n", err.msg); /* serve's sweep tries again */
    }
    s->box = NULL;
}
