/* trunkline image rm: by name, by digest, or all that no name leads to. Needs no server. */
#include "front/cli/image.h"

#include "flow/image/fetch.h"
#include "flow/image/known.h"
#include "flow/sandbox/image_recipe.h"

enum { DIGEST_MIN = 7 + 12 }; /* "sha256:" and as many digits as image list shows */

static bool leads_to(const struct known_refs *refs, const struct image *image, struct str but) {
    for (size_t i = 0; i < refs->n; i++) {
        if (str_eq(refs->v[i].digest, image->digest) && !str_eq(refs->v[i].text, but)) {
            return true;
        }
    }
    return false;
}

/* The image, and every name that leads to it. */
static int remove_whole(struct cli *c, const struct image *image, struct err *err) {
    struct known_refs all;
    if (known_list(&c->arena, &all, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < all.n; i++) {
        if (str_eq(all.v[i].digest, image->digest) &&
            known_remove(&c->arena, all.v[i].text, err) < 0) {
            return -1;
        }
    }
    return image_remove(str_z(&c->arena, image->name), err);
}

/* The reference; and the image, when nothing else leads to it. */
static int remove_fetched(struct cli *c, const struct image_ref *ref, struct err *err) {
    struct known_ref known;
    struct known_refs all;
    struct image image;
    struct err absent = ERR_INIT;
    int found = known_find(&c->arena, ref->text, &known, err);
    if (found <= 0) {
        return found < 0 ? -1
                         : err_set(err, ERR_NOT_FOUND, "there is no image " STR_FMT " here",
                                   STR_ARG(ref->text));
    }
    if (known_list(&c->arena, &all, err) < 0 || known_remove(&c->arena, ref->text, err) < 0) {
        return -1;
    }
    const char *name = known_name(&c->arena, known.digest);
    bool there = image_find(&c->arena, name, false, &image, &absent) == 0;
    return !there || leads_to(&all, &image, ref->text) ? 0 : image_remove(name, err);
}

static int remove_named(struct cli *c, const char *name, struct err *err) {
    struct image image;
    return image_find(&c->arena, name, false, &image, err) < 0 ? -1 : remove_whole(c, &image, err);
}

/* By the beginning of its digest, as image list shows it. */
static int remove_digest(struct cli *c, struct str digest, struct err *err) {
    struct image_list list;
    const struct image *found = NULL;
    if (digest.n < DIGEST_MIN) {
        return err_set(err, ERR_INVALID, "%.*s: give at least 12 digits of the digest",
                       STR_ARG(digest));
    }
    if (image_list(&c->arena, &list, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < list.n; i++) {
        if (!str_starts(list.v[i].digest, digest)) {
            continue;
        }
        if (found != NULL) {
            return err_set(err, ERR_INVALID, "%.*s is the beginning of two digests, %.*s and %.*s",
                           STR_ARG(digest), STR_ARG(found->digest), STR_ARG(list.v[i].digest));
        }
        found = &list.v[i];
    }
    return found != NULL
               ? remove_whole(c, found, err)
               : err_set(err, ERR_NOT_FOUND, "there is no image %.*s here", STR_ARG(digest));
}

static int remove_unnamed(struct cli *c, struct err *err) {
    struct image_list list;
    struct known_refs all;
    if (image_list(&c->arena, &list, err) < 0 || known_list(&c->arena, &all, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < list.n; i++) {
        bool fetched = str_starts(list.v[i].name, S("sha256-"));
        if (fetched && !leads_to(&all, &list.v[i], STR_NONE) &&
            image_remove(str_z(&c->arena, list.v[i].name), err) < 0) {
            return -1;
        }
    }
    return 0;
}

static int remove_one(struct cli *c, const char *text, struct err *err) {
    struct image_ref ref;
    if (str_starts(str_c(text), S("sha256:"))) {
        return remove_digest(c, str_c(text), err);
    }
    if (image_ref_parse(&c->arena, image_text(c, text), &ref, err) < 0) {
        return -1;
    }
    bool ours = ref.kind == IMAGE_REF_NAME || ref.kind == IMAGE_REF_DEBIAN;
    return ours ? remove_named(c, ref.name.p, err) : remove_fetched(c, &ref, err);
}

static int run_image_rm(struct cli *c, struct err *err) {
    bool unnamed = cli_has(c, "unnamed");
    if (!unnamed && c->args_n == 0) {
        return err_set(err, ERR_INVALID, "image rm needs an IMAGE, or --unnamed");
    }
    for (int i = 0; i < c->args_n; i++) {
        if (remove_one(c, c->args[i], err) < 0) {
            return -1;
        }
    }
    if (unnamed && remove_unnamed(c, err) < 0) {
        return -1;
    }
    return image_sweep(err) < 0 || fetch_sweep(&c->arena, err) < 0 ? -1 : EXIT_DONE;
}

static const struct cli_option options[] = {
    {"unnamed", 0, NULL, "what no name leads to: a tag that moves leaves its older image"},
    {0},
};

const struct cli_verb verb_image_rm = {
    .name = "image rm",
    .group = CLI_MACHINE,
    .args = "[IMAGE...]",
    .max_args = 100,
    .flags = CLI_NO_SERVER_OPTIONS,
    .summary = "Remove images that builds can run in",
    .detail = "IMAGE is a name or a digest as image list shows it. Builds that run keep theirs\n"
              "until they end.",
    .options = options,
    .run = run_image_rm,
};
