/* Fetching one image: skopeo copies, umoci unpacks, both in a cage. Used by get.c only. */
#pragma once

#include "flow/image/get.h"

struct fetch {
    struct arena *a;
    const struct image_wish *wish;
    const struct image_ref *ref;
    const char *home;  /* IMAGES */
    const char *work;  /* IMAGES/.work-<random>, while it lasts */
    int work_fd;       /* with a shared lock: it is in use */
    struct str digest; /* of what the reference means: "sha256:<64>" */
};

/* Makes the work folder; fetch_end removes it, whatever has happened. */
int fetch_begin(struct fetch *f, struct err *err) MUST_USE;
void fetch_end(struct fetch *f);

/* Asks what the reference means now: f->digest. */
int fetch_digest(struct fetch *f, struct err *err) MUST_USE;

/* Copies, unpacks, describes, puts in place under the digest. */
int fetch_image(struct fetch *f, struct err *err) MUST_USE;

/* Removes work folders that nobody uses any more. */
int fetch_sweep(struct arena *a, struct err *err) MUST_USE;
