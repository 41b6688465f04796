/* Making images of this machine's own package sources; for image_build.c and flow/image. */
#pragma once

#include "flow/sandbox/image.h"

int image_check_name(const char *name, struct err *err) MUST_USE;

struct image_recipe {
    const char *name;         /* it is kept under */
    struct str reference;     /* that leads here ("debian:bookworm+nodejs"), or absent */
    const char *suite;        /* NULL = the host's own */
    struct str_list packages; /* beside those that every build image has */
};

/* As image_build, which is this with the host's suite and nothing added. */
int image_make(struct arena *a, const struct image_recipe *recipe, bool again,
               image_progress *progress, void *ud, struct image *ret, struct err *err) MUST_USE;

/* Hides an image, so that nobody finds it any more; image_sweep removes it when nobody stands on
 * it. */
int image_remove(const char *name, struct err *err) MUST_USE;
