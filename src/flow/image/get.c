/* See get.h. */
#include "flow/image/get.h"

#include "flow/image/fetch.h"
#include "flow/image/known.h"
#include "flow/sandbox/image_recipe.h"
#include "platform/os/fd.h"
#include "platform/os/file.h"

static int get_debian(struct arena *a, const struct image_wish *wish, const struct image_ref *ref,
                      struct image *ret, struct err *err) {
    const struct image_recipe recipe = {.name = ref->name.p,
                                        .reference = ref->text,
                                        .suite = str_z(a, ref->suite),
                                        .packages = ref->packages};
    return image_make(a, &recipe, false, wish->progress, wish->ud, ret, err);
}

/* Whether what is known of a reference may be used without asking. */
static bool is_good(const struct image_wish *wish, const struct image_ref *ref,
                    const struct known_ref *known) {
    return !known->credentials && !wish->keep && ref->kind == IMAGE_REF_REGISTRY &&
           (known->kept || ref->digest.n > 0);
}

static bool is_listed(const struct image_wish *wish, struct str host) {
    for (size_t i = 0; i < wish->registries_n; i++) {
        if (str_eq(wish->registries[i].name, host)) {
            return true;
        }
    }
    return false;
}

/* One process fetches one image; whoever comes second finds it. */
static int fetch_once(struct fetch *f, struct image *ret, struct err *err) {
    const char *name = known_name(f->a, f->digest);
    const char *locks = str_printf(f->a, "%s/.locks", f->home).p;
    struct err absent = ERR_INIT;
    if (image_find(f->a, name, false, ret, &absent) == 0) {
        return 0;
    }
    if (dir_make(locks, 0700, err) < 0) {
        return -1;
    }
    int lock cleanup_fd = file_lock(str_printf(f->a, "%s/%s", locks, name).p, true, err);
    if (lock < 0) {
        return -1;
    }
    if (image_find(f->a, name, false, ret, &absent) == 0) {
        return 0;
    }
    return fetch_image(f, err) < 0 ? -1 : image_find(f->a, name, false, ret, err);
}

static int fetch_with(struct fetch *f, struct image *ret, struct err *err) {
    const struct image_wish *wish = f->wish;
    if (fetch_begin(f, err) < 0 || fetch_digest(f, err) < 0 || fetch_once(f, ret, err) < 0) {
        return -1;
    }
    const struct known_ref known = {.text = f->ref->text,
                                    .digest = f->digest,
                                    .kept = wish->keep,
                                    .credentials = wish->username.n > 0};
    return known_put(f->a, &known, err);
}

static int get_fetched(struct arena *a, const struct image_wish *wish, const struct image_ref *ref,
                       struct image *ret, struct err *err) {
    struct known_ref known;
    struct err damaged = ERR_INIT;
    if (known_find(a, ref->text, &known, &damaged) > 0 && is_good(wish, ref, &known) &&
        image_find(a, known_name(a, known.digest), false, ret, &damaged) == 0) {
        return 0;
    }
    if (ref->kind == IMAGE_REF_REGISTRY && wish->allow != NULL && !is_listed(wish, ref->host) &&
        wish->allow(wish->ud, ref->host, err) < 0) {
        return -1;
    }
    struct fetch f = {.a = a, .wish = wish, .ref = ref, .home = image_home(a), .work_fd = -1};
    int result = fetch_with(&f, ret, err);
    fetch_end(&f);
    return result;
}

int image_get(struct arena *a, const struct image_wish *wish, struct image *ret, struct err *err) {
    struct image_ref ref;
    if (image_ref_parse(a, wish->text, &ref, err) < 0) {
        return -1;
    }
    switch (ref.kind) {
    case IMAGE_REF_NAME:
        return image_find(a, ref.name.p, false, ret, err);
    case IMAGE_REF_DEBIAN:
        return get_debian(a, wish, &ref, ret, err);
    default:
        return get_fetched(a, wish, &ref, ret, err);
    }
}
