/* UpdateProjectVisibility; ListCuratedEnvironmentImages. */
#include "flow/build/settings.h"
#include "flow/sandbox/image.h"
#include "front/api/codebuild/codebuild.h"

enum { ALIAS_BYTES = 32 };

/* The alias outlives a time of being private: links that were given out work again. */
static void set_visibility(struct call *c, struct codebuild_project *p,
                           const struct codebuild_update_project_visibility_input *in) {
    p->project_visibility = in->project_visibility;
    p->resource_access_role =
        in->resource_access_role.p ? in->resource_access_role : p->resource_access_role;
    if (str_is(in->project_visibility, "PUBLIC_READ") && p->public_project_alias.p == NULL) {
        p->public_project_alias = rng_alnum(c->rng, c->arena, ALIAS_BYTES);
    }
    p->last_modified = c->now_ms;
}

int codebuild_update_project_visibility(struct call *c,
                                        const struct codebuild_update_project_visibility_input *in,
                                        struct codebuild_update_project_visibility_output *out,
                                        struct err *err) {
    struct codebuild_project *p = NULL;
    struct aws_arn arn;
    if (!aws_arn_parse(in->project_arn, &arn) || !str_is(arn.service, "codebuild") ||
        !str_starts(arn.resource, S("project/"))) {
        return codebuild_invalid(err, "Invalid project ARN: " STR_FMT, STR_ARG(in->project_arn));
    }
    if (codebuild_load_project(c, codebuild_project_name(in->project_arn), &p, err) < 0) {
        return -1;
    }
    set_visibility(c, p, in);
    out->project_arn = p->arn;
    out->project_visibility = p->project_visibility;
    out->public_project_alias =
        str_is(p->project_visibility, "PUBLIC_READ") ? p->public_project_alias : STR_NONE;
    return codebuild_store_project(c, p, err);
}

/* ---- images ---- */

static void add_image(struct call *c, struct codebuild_environment_image_list *list,
                      struct str name, struct str description) {
    struct str version = name;
    *arena_push(c->arena, list) = (struct codebuild_environment_image){
        name, description, {arena_memdup(c->arena, &version, sizeof(version)), 1}};
}

/* What is really there: the images that were made on this machine, and the names that
 * trunkline.yml's table makes stand for one of them. All of them are Debian. Fetched images are
 * nobody's to see who cannot fetch them. */
int codebuild_list_curated_environment_images(
    struct call *c, const struct codebuild_list_curated_environment_images_input *in,
    struct codebuild_list_curated_environment_images_output *out, struct err *err) {
    struct image_list images;
    struct str_map table;
    struct codebuild_environment_language base = {.language = S("BASE")};
    (void)in;
    if (image_list(c->arena, &images, err) < 0 ||
        settings_images(c->arena, codebuild_flow()->data_dir, &table, err) < 0) {
        return -1;
    }
    base.images.v = arena_new(c->arena, struct codebuild_environment_image);
    struct codebuild_environment_image_list all = {NULL, 0};
    for (size_t i = 0; i < images.n; i++) {
        const struct image *image = &images.v[i];
        if (!str_starts(image->name, S("sha256-"))) {
            add_image(
                c, &all, image->reference.n > 0 ? image->reference : image->name,
                str_printf(c->arena, "made on this machine, " STR_FMT, STR_ARG(image->digest)));
        }
    }
    for (size_t i = 0; i < table.n; i++) {
        add_image(c, &all, table.v[i].key,
                  str_printf(c->arena, "stands for " STR_FMT, STR_ARG(table.v[i].value)));
    }
    base.images = all.n > 0 ? all : base.images;
    struct codebuild_environment_platform platform = {
        .platform = S("DEBIAN"),
        .languages = {arena_memdup(c->arena, &base, sizeof(base)), 1},
    };
    out->platforms.v = arena_memdup(c->arena, &platform, sizeof(platform));
    out->platforms.n = 1;
    return 0;
}
