/*
 * Build images: root file systems unpacked once and shared, read-only, by all containers. They lie
 * beside the data directories: IMAGES/<name>/{rootfs,image.json}, where fetched images (flow/image)
 * have a name made of their digest. IMAGES is $TRUNKLINE_IMAGES, else
 * /var/lib/trunkline/images (root) or ~/.local/share/trunkline/images.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"

#include <stdint.h>

#define IMAGE_DEFAULT "debian-bookworm-build"
/* What stands for it in privileged builds: the same, with what carries out docker's commands. */
#define IMAGE_PRIVILEGED "debian:bookworm+buildah"

struct image {
    struct str name;
    struct str rootfs;       /* path of the root file system */
    struct str digest;       /* ours: over suite, packages and versions; fetched: of its manifest */
    struct str reference;    /* that it was first made or fetched for, or absent */
    struct str_list env;     /* NAME=VALUE of the image itself */
    struct str_map packages; /* name -> version */
    int64_t created_ms;
};

/* Folder of all images. */
const char *image_home(struct arena *a);

/* ERR_NOT_FOUND says which command makes it. Packages are left out (image.json is not parsed
 * beyond its head) unless `whole`. */
int image_find(struct arena *a, const char *name, bool whole, struct image *ret,
               struct err *err) MUST_USE;

struct image_list {
    struct image *v;
    size_t n;
};
int image_list(struct arena *a, struct image_list *ret, struct err *err) MUST_USE;

/* Told as it goes: one short line for a person. */
typedef void image_progress(void *ud, struct str line);

/* Makes the image from the host's own package sources by mmdebstrap and puts it in place; an image
 * of that name that is there already is kept unless `again`. Made aside and renamed: a crash leaves
 * no half image, and containers that run on the old one keep it. */
int image_build(struct arena *a, const char *name, bool again, image_progress *progress, void *ud,
                struct image *ret, struct err *err) MUST_USE;

/* Removes leftovers of builds that were interrupted, and replaced images that nobody uses. */
int image_sweep(struct err *err) MUST_USE;
