/* trunkline.yml for builds, see settings.h. */
#include "flow/build/settings.h"

#include "flow/build/pool.h"
#include "flow/sandbox/image.h"
#include "platform/os/file.h"

#include <arpa/inet.h>

const char *const settings_keys[] = {"sources", "images",     "mounts", "egress", "registries",
                                     "oci",     "privileged", "pool",   "builds", NULL};

enum { POOL_DEFAULT = 2, BUILDS_LARGEST = 128 };

struct settings {
    struct arena *arena;
    const char *file;
    const struct yaml_node *root;
};

/* A project may not name any folder of this machine as its image. */
static int may_use_folder(const struct settings *s, struct plan *plan, struct err *err) {
    const struct yaml_node *folders = yaml_get(s->root, "oci");
    struct image_ref ref;
    struct err malformed = ERR_INIT;
    if (!yaml_is_null(folders) && folders->kind != YAML_SEQUENCE) {
        return yaml_fail(err, s->file, folders, "oci must be a list of folders");
    }
    if (image_ref_parse(s->arena, plan->image_uses, &ref, &malformed) < 0 ||
        ref.kind != IMAGE_REF_OCI) {
        return 0; /* malformed: whoever uses it says so */
    }
    bool dotted = str_find(ref.dir, S("/.."), 0) != (size_t)-1;
    for (size_t i = 0; !yaml_is_null(folders) && !dotted && i < folders->n; i++) {
        struct str folder = folders->item[i]->text;
        if (folder.n > 1 && str_starts(ref.dir, folder) &&
            (ref.dir.n == folder.n || ref.dir.p[folder.n] == '/')) {
            return 0;
        }
    }
    plan->image_refused = str_printf(s->arena,
                                     "%s does not list a folder that this one is in; an "
                                     "administrator adds it: oci: [" STR_FMT "]",
                                     s->file, STR_ARG(ref.dir));
    return 0;
}

/* "10.0.0.5" or "10.0.0.5:5000" */
static bool is_address(struct str text) {
    struct in_addr ignored;
    unsigned long long port = 1;
    size_t colon = str_find_c(text, ':', 0);
    char ip[INET_ADDRSTRLEN] = "";
    struct str left = str_sub(text, 0, colon == (size_t)-1 ? text.n : colon);
    if (left.n >= sizeof(ip)) {
        return false;
    }
    memcpy(ip, left.p, left.n);
    return inet_pton(AF_INET, ip, &ignored) == 1 &&
           (colon == (size_t)-1 ||
            (str_to_u64(str_sub(text, colon + 1, text.n), &port) && port > 0 && port < 65536));
}

/* Names that AWS curates mean our image unless the table says otherwise. */
static int choose_image(const struct settings *s, struct plan *plan, struct err *err) {
    const struct yaml_node *images = yaml_get(s->root, "images");
    const struct yaml_node *uses = yaml_get(images, str_z(s->arena, plan->image));
    if (images != NULL && !yaml_is_null(images) && images->kind != YAML_MAPPING) {
        return yaml_fail(err, s->file, images, "images must be a mapping of image names");
    }
    if (uses != NULL) {
        if (uses->kind != YAML_SCALAR || uses->text.n == 0) {
            return yaml_fail(err, s->file, uses, "an image must be the name of one of ours");
        }
        plan->image_uses = uses->text;
    } else {
        bool curated = str_starts(plan->image, S("aws/codebuild/"));
        plan->image_uses = curated ? S(IMAGE_DEFAULT) : plan->image;
        return may_use_folder(s, plan, err);
    }
    return 0;
}

static int read_registry(const struct settings *s, const struct yaml_pair *pair,
                         struct image_registry *ret, struct err *err) {
    const struct yaml_node *address = yaml_get(pair->value, "address");
    const struct yaml_node *insecure = yaml_get(pair->value, "insecure");
    *ret = (struct image_registry){.name = pair->key->text};
    if (!yaml_is_null(address)) {
        if (address->kind != YAML_SCALAR || !is_address(address->text)) {
            return yaml_fail(err, s->file, address, "an address is IPv4[:PORT], in quotes");
        }
        ret->address = address->text;
    }
    if (!yaml_is_null(insecure)) {
        if (insecure->kind != YAML_SCALAR ||
            !(str_is(insecure->text, "true") || str_is(insecure->text, "false"))) {
            return yaml_fail(err, s->file, insecure, "insecure is true or false");
        }
        ret->insecure = str_is(insecure->text, "true");
    }
    return 0;
}

static int read_registries(const struct settings *s, struct settings_registries *ret,
                           struct err *err) {
    const struct yaml_node *all = yaml_get(s->root, "registries");
    *ret = (struct settings_registries){0};
    if (yaml_is_null(all)) {
        return 0;
    }
    if (all->kind != YAML_MAPPING) {
        return yaml_fail(err, s->file, all,
                         "registries must be a mapping of HOST[:PORT] to {address, insecure}");
    }
    for (size_t i = 0; i < all->n; i++) {
        if (read_registry(s, &all->pair[i], arena_push(s->arena, ret), err) < 0) {
            return -1;
        }
    }
    return 0;
}

static int choose_registries(const struct settings *s, struct plan *plan, struct err *err) {
    struct settings_registries list;
    if (read_registries(s, &list, err) < 0) {
        return -1;
    }
    plan->registries.n = 0;
    for (size_t i = 0; i < list.n; i++) {
        *arena_push(s->arena, &plan->registries) =
            (struct plan_registry){list.v[i].name, list.v[i].address, list.v[i].insecure};
    }
    return 0;
}

static bool lists(const struct yaml_node *list, struct str text) {
    for (size_t i = 0; list->kind == YAML_SEQUENCE && i < list->n; i++) {
        if (list->item[i]->kind == YAML_SCALAR && str_eq(list->item[i]->text, text)) {
            return true;
        }
    }
    return false;
}

static int choose_privileges(const struct settings *s, struct plan *plan, struct err *err) {
    const struct yaml_node *allowed = yaml_get(s->root, "privileged");
    bool all = false;
    plan->privileged_refused = STR_NONE;
    if (!yaml_is_null(allowed)) {
        all = allowed->kind == YAML_SCALAR && str_is(allowed->text, "true");
        if (!all && allowed->kind != YAML_SEQUENCE &&
            !(allowed->kind == YAML_SCALAR && str_is(allowed->text, "false"))) {
            return yaml_fail(err, s->file, allowed,
                             "privileged is true, false or a list of projects");
        }
    }
    if (plan->privileged && !all && (yaml_is_null(allowed) || !lists(allowed, plan->project))) {
        plan->privileged_refused = str_printf(
            s->arena,
            "Privileged builds are off on this machine. An administrator allows them in %s, with "
            "privileged: [" STR_FMT "], or privileged: true for all projects",
            s->file, STR_ARG(plan->project));
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
        return yaml_fail(err, s->file, mounts, "mounts must be a list of {source, target}");
    }
    for (size_t i = 0; i < mounts->n; i++) {
        const struct yaml_node *source = yaml_get(mounts->item[i], "source");
        const struct yaml_node *target = yaml_get(mounts->item[i], "target");
        if (source == NULL || target == NULL || source->kind != YAML_SCALAR ||
            target->kind != YAML_SCALAR || !str_starts(source->text, S("/")) ||
            !str_starts(target->text, S("/")) || str_find_c(source->text, ':', 0) != (size_t)-1) {
            return yaml_fail(err, s->file, mounts->item[i],
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
            return yaml_fail(err, s->file, egress, "egress must be open, locked or none");
        }
        if (egress->kind == YAML_SCALAR && str_is(egress->text, words[i])) {
            plan->policy = (enum plan_policy)i;
            break;
        }
    }
    return 0;
}

static int choose_pool(const struct settings *s, struct plan *plan, struct err *err) {
    const struct yaml_node *pool = yaml_get(s->root, "pool");
    long long n = POOL_DEFAULT;
    if (!yaml_is_null(pool) &&
        (pool->kind != YAML_SCALAR || !str_to_i64(pool->text, &n) || n < 0 || n > POOL_MAX)) {
        return yaml_fail(err, s->file, pool, "pool is a number from 0 to %d", POOL_MAX);
    }
    plan->pool = n;
    return 0;
}

static int read_builds(const struct settings *s, int *ret, struct err *err) {
    const struct yaml_node *builds = yaml_get(s->root, "builds");
    long long n = 0;
    if (!yaml_is_null(builds) && (builds->kind != YAML_SCALAR || !str_to_i64(builds->text, &n) ||
                                  n < 1 || n > BUILDS_LARGEST)) {
        return yaml_fail(err, s->file, builds, "builds is a number from 1 to %d", BUILDS_LARGEST);
    }
    *ret = (int)n;
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
    plan->pool = POOL_DEFAULT;
    return settings_open(a, data_dir, &s.file, &s.root, err) < 0 ||
                   choose_pool(&s, plan, err) < 0 || choose_image(&s, plan, err) < 0 ||
                   choose_mounts(&s, plan, err) < 0 || choose_policy(&s, plan, err) < 0 ||
                   choose_registries(&s, plan, err) < 0 || choose_privileges(&s, plan, err) < 0
               ? -1
               : 0;
}

int settings_check(struct arena *a, const char *data_dir, struct err *err) {
    struct settings s = {.arena = a};
    struct plan plan = {.image = S(""), .project = S("")};
    if (settings_apply(a, data_dir, &plan, err) < 0 ||
        settings_open(a, data_dir, &s.file, &s.root, err) < 0) {
        return -1;
    }
    int builds = 0;
    if (read_builds(&s, &builds, err) < 0) {
        return -1;
    }
    const struct yaml_node *images = yaml_get(s.root, "images");
    for (size_t i = 0; images != NULL && i < images->n; i++) {
        plan.image = images->pair[i].key->text;
        if (choose_image(&s, &plan, err) < 0) {
            return -1;
        }
    }
    const struct yaml_node *projects = yaml_get(yaml_get(s.root, "egress"), "projects");
    for (size_t i = 0; projects != NULL && projects->kind == YAML_MAPPING && i < projects->n; i++) {
        plan.project = projects->pair[i].key->text;
        if (choose_policy(&s, &plan, err) < 0) {
            return -1;
        }
    }
    return 0;
}

int settings_builds(struct arena *a, const char *data_dir, int *ret, struct err *err) {
    struct settings s = {.arena = a};
    *ret = 0;
    return settings_open(a, data_dir, &s.file, &s.root, err) < 0 ? -1 : read_builds(&s, ret, err);
}

int settings_registries(struct arena *a, const char *data_dir, struct settings_registries *ret,
                        struct err *err) {
    struct settings s = {.arena = a};
    return settings_open(a, data_dir, &s.file, &s.root, err) < 0 ? -1
                                                                 : read_registries(&s, ret, err);
}

int settings_images(struct arena *a, const char *data_dir, struct str_map *ret, struct err *err) {
    struct settings s = {.arena = a};
    *ret = (struct str_map){NULL, 0};
    if (settings_open(a, data_dir, &s.file, &s.root, err) < 0) {
        return -1;
    }
    const struct yaml_node *images = yaml_get(s.root, "images");
    if (yaml_is_null(images)) {
        return 0;
    }
    if (images->kind != YAML_MAPPING) {
        return yaml_fail(err, s.file, images, "images must be a mapping of image names");
    }
    for (size_t i = 0; i < images->n; i++) {
        *arena_push(a, ret) =
            (struct str_pair){images->pair[i].key->text, images->pair[i].value->text};
    }
    return 0;
}
