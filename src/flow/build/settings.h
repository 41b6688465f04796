/*
 * DATA/trunkline.yml, the part that builds read:
 *   images: {"aws/codebuild/standard:7.0": debian-bookworm-build}
 *   mounts: [{source: /opt/providers, target: /usr/share/terraform/plugins}]   read-only
 *   egress: open | locked | none, or {default: open, projects: {NAME: locked}}
 *   registries: {registry.internal: {address: "10.0.0.5:5000", insecure: true}}
 *       registries of images on this network; address and insecure (plain http) may be missing
 *   oci: [/srv/images]
 *       folders whose OCI layouts projects may name as oci:DIR
 *   privileged: true, or [PROJECT, ...]
 *       who may run privileged builds; nobody otherwise
 *   pool: 2
 *       containers of a kind that are made ahead; 0 = none
 *   builds: 4
 *       that run at the same time; twice the machine's processors unless set; read when serve
 * starts The file may be missing. It is read for each build, so a change counts from the next one
 * on.
 */
#pragma once

#include "flow/image/get.h"
#include "flow/plan/plan.h"
#include "platform/text/yaml.h"

/* Reads the file. *ret_root is NULL when it is not there. */
int settings_open(struct arena *a, const char *data_dir, const char **ret_file,
                  const struct yaml_node **ret_root, struct err *err) MUST_USE;

/* The keys above; NULL ends them. */
extern const char *const settings_keys[];

/* Sets what the machine decides of a plan: image, mounts, policy, registries, privileges.
 * ERR_INVALID with file, line and column. */
int settings_apply(struct arena *a, const char *data_dir, struct plan *plan,
                   struct err *err) MUST_USE;

/* Is the file sound, for whatever a build may ask of it? ERR_INVALID with file, line and column. */
int settings_check(struct arena *a, const char *data_dir, struct err *err) MUST_USE;

/* `builds`, 0 when it is not set. */
int settings_builds(struct arena *a, const char *data_dir, int *ret, struct err *err) MUST_USE;

struct settings_registries {
    struct image_registry *v;
    size_t n;
};

/* For a person who fetches an image: the registries of the file. */
int settings_registries(struct arena *a, const char *data_dir, struct settings_registries *ret,
                        struct err *err) MUST_USE;

/* The table of images: a project's name for it -> one of ours. ERR_INVALID as above. */
int settings_images(struct arena *a, const char *data_dir, struct str_map *ret,
                    struct err *err) MUST_USE;
