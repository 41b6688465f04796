/* What other verbs ask of images. */
#pragma once

#include "flow/image/get.h"
#include "front/cli/cli.h"

/* Finds or fetches an image as builds name it, telling of it on standard error. `keep` also makes
 * builds take what was found, without asking its registry again. `cancelled` (NULL ok) is asked a
 * few times a second. */
int image_pull(struct cli *c, const char *text, bool keep, bool (*cancelled)(void *),
               struct image *ret, struct err *err) MUST_USE;

/* The words of a person as a reference: an OCI layout's folder is made absolute. */
struct str image_text(struct cli *c, const char *text);
