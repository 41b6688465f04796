/* trunkline.yml for builds, see settings.h. */
#include "flow/build/settings.h"

#include "flow/sandbox/image.h"
#include "platform/os/file.h"

struct settings {
    struct arena *arena;
    const char *file;
    const struct yaml_node *root;
};

static int wrong(const struct settings *s, const struct yaml_node *at, struct err *err,
                 const char *what) {
    return err_set(err, ERR_INVALID, "%s:%u:%u: %s", s->file, at->line, at->column, what);
}

/* Names that AWS curates mean our image unless the table says otherwise. */
static int choose_image(const struct settings *s, struct plan *plan, struct err *err) {
    const struct yaml_node *images = yaml_get(s->root, "images");
    const struct yaml_node *uses = yaml_get(images, str_z(s->arena, plan->image));
    if (images != NULL && !yaml_is_null(images) && images->kind != YAML_MAPPING) {
        return wrong(s, images, err, "images must be a mapping of image names");
    }
    if (uses != NULL) {
        if (uses->kind != YAML_SCALAR || uses->text.n == 0) {
            return wrong(s, uses, err, "an image must be the name of one of ours");
        }
        plan->image_uses = uses->text;
    } else {
        bool curated = str_starts(plan->image, S("aws/codebuild/"));
        plan->image_uses = curated ? S(IMAGE_DEFAULT) : plan->image;
    }
    return 0;
}

static int choose_mounts(const struct settings *s, struct plan *plan, struct err *err) {
    const struct yaml_node *mounts = yaml_get(s->root, "mounts");
    plan->binds = (struct str_list){0};
    if (yaml_is_null(mounts)) {
        return 0;
    }
    if (mounts->kind != YAML_SEQUENCE) {
        return wrong(s, mounts, err, "mounts must be a list of {source, target}");
    }
    for (size_t i = 0; i < mounts->n; i++) {
        const struct yaml_node *source = yaml_get(mounts->item[i], "source");
        const struct yaml_node *target = yaml_get(mounts->item[i], "target");
        if (source == NULL || target == NULL || source->kind != YAML_SCALAR ||
            target->kind != YAML_SCALAR || !str_starts(source->text, S("/")) ||
            !str_starts(target->text, S("/")) || str_find_c(source->text, ':', 0) != (size_t)-1) {
            return wrong(s, mounts->item[i], err,
                         "a mount needs source and target, both absolute paths");
        }
        *arena_push(s->arena, &plan->binds) =
            str_printf(s->arena, STR_FMT ":" STR_FMT, STR_ARG(source->text), STR_ARG(target->text));
    }
    return 0;
}

static int choose_policy(const struct settings *s, struct plan *plan, struct err *err) {
    static const char *const words[] = {"open", "locked", "none"};
    const struct yaml_node *egress = yaml_get(s->root, "egress");
    if (egress != NULL && egress->kind == YAML_MAPPING) {
        const struct yaml_node *own =
            yaml_get(yaml_get(egress, "projects"), str_z(s->arena, plan->project));
        egress = own ? own : yaml_get(egress, "default");
    }
    plan->policy = PLAN_OPEN;
    for (unsigned i = 0; !yaml_is_null(egress) && i <= 3; i++) {
        if (i == 3) {
            return wrong(s, egress, err, "egress must be open, locked or none");
        }
        if (egress->kind == YAML_SCALAR && str_is(egress->text, words[i])) {
            plan->policy = (enum plan_policy)i;
            break;
        }
    }
    return 0;
}

int settings_open(struct arena *a, const char *data_dir, const char **ret_file,
                  const struct yaml_node **ret_root, struct err *err) {
    struct yaml_doc doc = {0};
    struct str text = STR_NONE;
    *ret_file = str_printf(a, "%s/trunkline.yml", data_dir).p;
    *ret_root = NULL;
    if (!file_exists(*ret_file)) {
        return 0;
    }
    if (file_read(a, *ret_file, YAML_MAX_BYTES, &text, err) < 0 ||
        yaml_parse(a, *ret_file, text, &doc, err) < 0) {
        return -1;
    }
    *ret_root = doc.root;
    return 0;
}

int settings_apply(struct arena *a, const char *data_dir, struct plan *plan, struct err *err) {
    struct settings s = {.arena = a};
    return settings_open(a, data_dir, &s.file, &s.root, err) < 0 ||
                   choose_image(&s, plan, err) < 0 || choose_mounts(&s, plan, err) < 0 ||
                   choose_policy(&s, plan, err) < 0
               ? -1
               : 0;
}
