/*
 * DATA/trunkline.yml, the part that builds read:
 *   images: {"aws/codebuild/standard:7.0": debian-bookworm-build}
 *   mounts: [{source: /opt/providers, target: /usr/share/terraform/plugins}]   read-only
 *   egress: open | locked | none, or {default: open, projects: {NAME: locked}}
 * The file may be missing. It is read for each build, so a change counts from the next one on.
 */
#pragma once

#include "flow/plan/plan.h"
#include "platform/text/yaml.h"

/* Reads the file. *ret_root is NULL when it is not there. */
int settings_open(struct arena *a, const char *data_dir, const char **ret_file,
                  const struct yaml_node **ret_root, struct err *err) MUST_USE;

/* Sets image_uses, binds and policy of a plan. ERR_INVALID with file, line and column. */
int settings_apply(struct arena *a, const char *data_dir, struct plan *plan,
                   struct err *err) MUST_USE;
