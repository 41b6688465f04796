/* trunkline image build, pull, list: what builds run in. They need no server. */
#include "front/cli/image.h"

#include "front/cli/out.h"
#include "front/cli/place.h"

#include "flow/build/settings.h"
#include "flow/image/fetch.h"
#include "flow/image/known.h"
#include "flow/sandbox/image_recipe.h"
#include "platform/os/fd.h"
#include "platform/os/file.h"

#include <unistd.h>

enum { PASSWORD_MAX = 64 * 1024 };

static void progress(void *ud, struct str line) {
    struct cli *c = ud;
    fprintf(stderr, "  %s" STR_FMT "%s\n", isatty(STDERR_FILENO) ? out_style(c, OUT_DIM) : "",
            STR_ARG(out_safe(&c->arena, line, false)),
            isatty(STDERR_FILENO) ? out_style(c, OUT_PLAIN) : "");
}

static json_t *image_json(const struct image *image, bool packages) {
    json_t *o = json_object();
    json_set_str(o, "name", image->name);
    json_set_str(o, "digest", image->digest);
    json_set_str(o, "rootfs", image->rootfs);
    json_set(o, "createdMs", json_integer(image->created_ms));
    if (image->reference.n > 0) {
        json_set_str(o, "reference", image->reference);
    }
    if (packages) {
        json_t *all = json_object();
        for (size_t i = 0; i < image->packages.n; i++) {
            json_object_setn_new(all, image->packages.v[i].key.p, image->packages.v[i].key.n,
                                 json_from_str(image->packages.v[i].value));
        }
        json_set(o, "packages", all);
    }
    return o;
}

static int tell_image(struct cli *c, const struct image *image, struct str called, bool kept) {
    if (c->json) {
        return out_json(c, image_json(image, false));
    }
    fprintf(c->out, "image " STR_FMT " %s  %.19s\n", STR_ARG(out_safe(&c->arena, called, false)),
            kept ? "is there" : "is ready", image->digest.n >= 19 ? image->digest.p : "");
    return EXIT_DONE;
}

/* ---- build ---- */

/* A name of ours, or debian:SUITE+PACKAGES. */
static int read_recipe(struct cli *c, const char *name, struct image_recipe *ret, struct err *err) {
    struct image_ref ref;
    if (image_ref_parse(&c->arena, str_c(name), &ref, err) < 0) {
        return -1;
    }
    *ret = (struct image_recipe){.name = name};
    if (ref.kind == IMAGE_REF_DEBIAN) {
        *ret = (struct image_recipe){.name = ref.name.p,
                                     .reference = ref.text,
                                     .suite = str_z(&c->arena, ref.suite),
                                     .packages = ref.packages};
        return 0;
    }
    return ref.kind == IMAGE_REF_NAME
               ? 0
               : err_set(err, ERR_INVALID, "'%s' is fetched, not made: trunkline image pull %s",
                         name, name);
}

static int run_image_build(struct cli *c, struct err *err) {
    struct image_recipe recipe;
    struct image image;
    struct err ignored = ERR_INIT;
    if (read_recipe(c, c->args_n ? c->args[0] : IMAGE_DEFAULT, &recipe, err) < 0) {
        return -1;
    }
    bool there = image_find(&c->arena, recipe.name, false, &image, &ignored) == 0;
    bool keep = there && cli_has(c, "if-missing");
    if (!keep && image_make(&c->arena, &recipe, true, progress, c, &image, err) < 0) {
        return -1;
    }
    return tell_image(c, &image, image.reference.n > 0 ? image.reference : image.name, keep);
}

static const struct cli_option image_build_options[] = {
    {"if-missing", 0, NULL, "keep an image of that name"},
    {0},
};

const struct cli_verb verb_image_build = {
    .name = "image build",
    .group = CLI_MACHINE,
    .args = "[NAME|debian:SUITE[+PACKAGE,...]]",
    .max_args = 1,
    .flags = CLI_NO_SERVER_OPTIONS,
    .summary = "Make an image that builds run in, from this machine's package sources",
    .detail =
        "By mmdebstrap, once; builds get a fresh layer on it. NAME is debian-bookworm-build\n"
        "unless given. debian:SUITE+PACKAGE,... is the same with more packages, or of another\n"
        "suite; builds name it so, and make it themselves where it is missing. Builds that\n"
        "run keep the image that they began with.",
    .options = image_build_options,
    .run = run_image_build,
};

/* ---- pull ---- */

static int read_password(struct cli *c, struct image_wish *wish, struct err *err) {
    const char *user = cli_opt(c, "username");
    if (user == NULL) {
        return 0;
    }
    if (isatty(STDIN_FILENO)) {
        return err_set(err, ERR_INVALID,
                       "with --username the password comes by standard input: ... < FILE");
    }
    wish->username = str_c(user);
    if (fd_read_all(&c->arena, STDIN_FILENO, PASSWORD_MAX, &wish->password, err) < 0) {
        return -1;
    }
    wish->password = str_trim(wish->password);
    return 0;
}

/* `oci:DIR` as a person writes it, relative to where that person stands. */
struct str image_text(struct cli *c, const char *text) {
    if (strncmp(text, "oci:", 4) != 0 || text[4] == '/') {
        return str_c(text);
    }
    char *here cleanup_free = getcwd(NULL, 0);
    return str_printf(&c->arena, "oci:%s/%s", here ? here : "", text + 4);
}

int image_pull(struct cli *c, const char *text, bool keep, bool (*cancelled)(void *),
               struct image *ret, struct err *err) {
    struct image_wish wish = {.text = image_text(c, text),
                              .keep = keep,
                              .cancelled = cancelled,
                              .progress = progress,
                              .ud = c};
    struct settings_registries registries;
    if (settings_registries(&c->arena, place_data_dir(c), &registries, err) < 0) {
        return -1;
    }
    wish.registries = registries.v;
    wish.registries_n = registries.n;
    if (keep && read_password(c, &wish, err) < 0) {
        return -1;
    }
    return image_get(&c->arena, &wish, ret, err) < 0
               ? err_wrap(err, "image " STR_FMT, STR_ARG(wish.text))
               : 0;
}

static int run_image_pull(struct cli *c, struct err *err) {
    struct image image;
    return image_pull(c, c->args[0], true, NULL, &image, err) < 0
               ? -1
               : tell_image(c, &image, str_c(c->args[0]), false);
}

static const struct cli_option image_pull_options[] = {
    {"username", 'u', "NAME", "for the registry; its password comes by standard input"},
    {0},
};

const struct cli_verb verb_image_pull = {
    .name = "image pull",
    .group = CLI_MACHINE,
    .args = "IMAGE",
    .min_args = 1,
    .max_args = 1,
    .summary = "Fetch an image from a registry or an OCI layout, before a build asks for it",
    .detail =
        "IMAGE is [docker://]HOST/REPOSITORY[:TAG][@sha256:DIGEST] or oci:DIR[:TAG]. Builds\n"
        "that name a tag ask its registry each time, unless it was pulled by this verb; then\n"
        "they take what was pulled. Layers are unpacked once, without rights on this machine.\n"
        "An image that needed a password is asked for with the build's own credentials.\n"
        "trunkline.yml names registries on this network:\n\n"
        "  registries:\n"
        "    registry.internal: {address: \"10.0.0.5:5000\", insecure: true}",
    .options = image_pull_options,
    .run = run_image_pull,
};

/* ---- list ---- */

static json_t *names_of(const struct image *image, const struct known_refs *refs) {
    json_t *names = json_array();
    for (size_t i = 0; i < refs->n; i++) {
        if (str_eq(refs->v[i].digest, image->digest)) {
            json_array_append_new(names, json_from_str(refs->v[i].text));
        }
    }
    return names;
}

/* Of a tag that has moved on. Our own images are found by their name. */
static bool is_unnamed(const struct image *image, const json_t *names) {
    return json_array_size(names) == 0 && str_starts(image->name, S("sha256-"));
}

static void print_image(struct cli *c, const struct image *image, const json_t *names) {
    struct str called = json_text(json_array_get(names, 0));
    called = called.n > 0               ? called
             : is_unnamed(image, names) ? S("(no name leads to it)")
             : image->reference.n > 0   ? image->reference
                                        : image->name;
    for (size_t i = 0; i == 0 || i < json_array_size(names); i++) {
        called = i == 0 ? called : json_text(json_array_get(names, i));
        fprintf(c->out, "%-40.*s  %.19s  " STR_FMT "\n",
                STR_ARG(out_safe(&c->arena, called, false)),
                image->digest.n >= 19 ? image->digest.p : "",
                STR_ARG(out_time(&c->arena, image->created_ms)));
    }
}

static int run_image_list(struct cli *c, struct err *err) {
    struct image_list list;
    struct known_refs refs;
    if (image_list(&c->arena, &list, err) < 0 || known_list(&c->arena, &refs, err) < 0) {
        return -1;
    }
    json_t *all cleanup_json = json_array();
    for (size_t i = 0; i < list.n; i++) {
        json_t *one = image_json(&list.v[i], true);
        json_t *names = names_of(&list.v[i], &refs);
        if (!c->json) {
            print_image(c, &list.v[i], names);
        }
        json_set(one, "references", names);
        json_array_append_new(all, one);
    }
    if (c->json) {
        json_t *document = json_object();
        json_set(document, "images", json_incref(all));
        return out_json(c, document);
    }
    return EXIT_DONE;
}

const struct cli_verb verb_image_list = {
    .name = "image list",
    .group = CLI_MACHINE,
    .args = "",
    .flags = CLI_NO_SERVER_OPTIONS,
    .summary = "List the images that builds can run in",
    .run = run_image_list,
};
