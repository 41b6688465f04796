/*
 * Finding and listing images: their description is image.json, written by image_build.c. An image
 * without one is not an image: it is written last, before the rename that puts the image in place.
 */
#include "flow/sandbox/image.h"

#include "flow/sandbox/image_recipe.h"
#include "flow/sandbox/internal.h"
#include "platform/os/file.h"
#include "platform/text/json.h"

#include <stdlib.h>

enum { DESCRIPTION_MAX = 4 << 20 };

const char *image_home(struct arena *a) {
    const char *given = getenv("TRUNKLINE_IMAGES");
    return given && *given ? given : str_printf(a, "%s/images", sandbox_home(a)).p;
}

int image_check_name(const char *name, struct err *err) {
    size_t n = strlen(name);
    if (n == 0 || n > 100 || name[0] == '.' ||
        strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789._-") != n) {
        return err_set(err, ERR_INVALID,
                       "'%s' cannot be an image's name (lower case, digits, '.', '_', '-')", name);
    }
    return 0;
}

static int read_description(struct arena *a, const char *dir, const char *name, bool whole,
                            struct image *ret, struct err *err) {
    struct str text = STR_NONE;
    if (file_read(a, str_printf(a, "%s/image.json", dir).p, DESCRIPTION_MAX, &text, err) < 0) {
        return -1;
    }
    json_t *json cleanup_json = json_parse(text, err);
    if (json == NULL) {
        return err_wrap(err, "%s/image.json", dir);
    }
    *ret = (struct image){.name = str_dup(a, str_c(name)),
                          .rootfs = str_printf(a, "%s/rootfs", dir),
                          .digest = str_dup(a, json_str(json, "digest")),
                          .reference = str_dup(a, json_str(json, "reference")),
                          .created_ms = json_int(json, "createdMs")};
    const char *package = NULL;
    json_t *version = NULL;
    size_t i = 0;
    json_t *variable = NULL;
    json_array_foreach(json_object_get(json, "env"), i, variable) {
        *arena_push(a, &ret->env) = str_dup(a, json_text(variable));
    }
    if (whole) {
        json_object_foreach(json_object_get(json, "packages"), package, version) {
            *arena_push(a, &ret->packages) =
                (struct str_pair){str_dup(a, str_c(package)), str_dup(a, json_text(version))};
        }
    }
    if (ret->digest.n == 0 || !file_is_dir(ret->rootfs.p)) {
        return err_set(err, ERR_INTERNAL,
                       "the image '%s' is damaged; make it again: trunkline image build --again",
                       name);
    }
    return 0;
}

int image_find(struct arena *a, const char *name, bool whole, struct image *ret, struct err *err) {
    if (image_check_name(name, err) < 0) {
        return -1;
    }
    const char *dir = str_printf(a, "%s/%s", image_home(a), name).p;
    if (!file_exists(str_printf(a, "%s/image.json", dir).p)) {
        return err_set(err, ERR_NOT_FOUND,
                       "there is no image '%s' in %s; make it: trunkline image build%s%s", name,
                       image_home(a), strcmp(name, IMAGE_DEFAULT) == 0 ? "" : " ",
                       strcmp(name, IMAGE_DEFAULT) == 0 ? "" : name);
    }
    return read_description(a, dir, name, whole, ret, err);
}

int image_list(struct arena *a, struct image_list *ret, struct err *err) {
    *ret = (struct image_list){0};
    const char *home = image_home(a);
    struct str_list names = {0};
    if (file_is_dir(home) && dir_list(a, home, &names, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < names.n; i++) {
        struct image image;
        struct err not_one = ERR_INIT;
        if (names.v[i].p[0] != '.' && image_find(a, names.v[i].p, true, &image, &not_one) == 0) {
            *arena_push(a, ret) = image;
        }
    }
    return 0;
}
