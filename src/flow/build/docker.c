/*
 * Docker's commands in privileged builds: where the image has buildah and no docker of its own, the
 * scripts docker*.sh stand under docker's name. Settings of buildah are written for a build: no
 * daemon, no driver that needs more than the build has, the registries that an administrator named.
 */
#include "flow/build/supervision.h"

#include "platform/os/fd.h"

#include <fcntl.h>

extern const char docker_sh[];
extern const unsigned long docker_sh_size;
extern const char docker_containers_sh[];
extern const unsigned long docker_containers_sh_size;

static const char storage[] = "[storage]\ndriver = \"vfs\"\nrunroot = \"/run/containers/storage\"\n"
                              "graphroot = \"/var/lib/containers/storage\"\n";

/* Buildspecs of images with a daemon start it, and wait until `docker info` answers. */
static const char daemon_sh[] =
    "#!/bin/sh\necho \"dockerd: not needed here, docker's commands need no daemon\" >&2\n"
    "exec sleep infinity\n";

static bool has(struct supervision *s, const char *path) {
    struct err absent = ERR_INIT;
    int fd cleanup_fd = sandbox_open(s->box, path, O_PATH, 0, &absent);
    return fd >= 0;
}

/* Names without a host are Docker Hub's; registries without TLS are those of trunkline.yml. */
static struct str registries_conf(struct supervision *s) {
    struct str text = S("unqualified-search-registries = [\"docker.io\"]\n"
                        "short-name-mode = \"permissive\"\n");
    for (size_t i = 0; i < s->plan.registries.n; i++) {
        const struct plan_registry *r = &s->plan.registries.v[i];
        text = str_printf(&s->arena,
                          STR_FMT "[[registry]]\nlocation = \"" STR_FMT "\"\ninsecure = %s\n",
                          STR_ARG(text), STR_ARG(r->name), r->insecure ? "true" : "false");
    }
    return text;
}

int offer_docker(struct supervision *s, struct err *err) {
    if (!s->plan.privileged) {
        return 0;
    }
    if (!has(s, "/usr/bin/buildah") || has(s, "/usr/bin/docker") ||
        has(s, "/usr/local/bin/docker")) {
        build_log_line(s->log,
                       "Privileged: the image brings its own docker, or no buildah to stand "
                       "for it");
        return 0;
    }
    const struct {
        const char *path;
        struct str text;
        mode_t mode;
    } files[] = {
        {"/usr/local/bin/docker", str_n(docker_sh, docker_sh_size), 0755},
        {"/usr/local/lib/trunkline-docker-containers.sh",
         str_n(docker_containers_sh, docker_containers_sh_size), 0644},
        {"/usr/local/bin/dockerd", str_c(daemon_sh), 0755},
        {"/usr/local/bin/dockerd-entrypoint.sh", str_c(daemon_sh), 0755},
        {"/etc/containers/storage.conf", str_c(storage), 0644},
        {"/etc/containers/registries.conf", registries_conf(s), 0644},
    };
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        if (sandbox_write_file(s->box, files[i].path, files[i].text, files[i].mode, err) < 0) {
            return err_wrap(err, "docker's commands");
        }
    }
    return 0;
}
