/* Surprises outside of commands: images that change, artifacts that nobody can ask for. */
#include "flow/phase/lint_internal.h"

/* AWS's own names carry a version that AWS keeps; a digest says it all. */
static bool is_pinned(struct str image) {
    return str_find(image, S("@sha256:"), 0) != (size_t)-1 ||
           str_starts(image, S("aws/codebuild/")) || str_find_c(image, '$', 0) != (size_t)-1;
}

static struct str tag_of(struct str image) {
    size_t slash = str_rfind_c(image, '/');
    struct str name = slash == (size_t)-1 ? image : str_sub(image, slash + 1, image.n);
    size_t colon = str_find_c(name, ':', 0);
    return colon == (size_t)-1 ? STR_NONE : str_sub(name, colon + 1, name.n);
}

static void check_image(struct linter *l, const struct yaml_node *node) {
    if (node != NULL && node->kind == YAML_SCALAR && !yaml_is_null(node) &&
        !is_pinned(node->text)) {
        lint_warn(l, "image-by-tag", node, 0,
                  "image '" STR_FMT "' is named by a tag, which can mean another image tomorrow; "
                  "name it by its digest (NAME@sha256:...)",
                  STR_ARG(node->text));
    }
}

static void check_images(struct linter *l, const struct yaml_node *node) {
    for (size_t i = 0; node != NULL && node->kind == YAML_SEQUENCE && i < node->n; i++) {
        check_image(l, node->item[i]);
    }
    check_image(l, node);
}

static void check_tasks(struct linter *l, const struct yaml_node *list) {
    for (size_t i = 0; list != NULL && list->kind == YAML_SEQUENCE && i < list->n; i++) {
        check_image(l, yaml_get(yaml_get(list->item[i], "env"), "image"));
    }
}

/* The image of "docker run [options] IMAGE ...": the first word behind the options; absent when an
 * option that is not known may have taken a word. */
static struct str docker_image(const struct shell_command *c, size_t at) {
    for (size_t i = at + 2; i < c->words.n; i++) {
        struct str word = c->words.v[i];
        bool option = word.n > 0 && word.p[0] == '-';
        bool alone = str_is(word, "--rm") || str_is(word, "-it") || str_is(word, "-i") ||
                     str_is(word, "-t") || str_is(word, "-d") || str_is(word, "--privileged") ||
                     str_is(word, "-q") || str_find_c(word, '=', 0) != (size_t)-1;
        static const char *const with_value[] = {
            "-v",       "-e",        "-w",         "-u",           "-p",        "--name", "--env",
            "--volume", "--network", "--platform", "--entrypoint", "--workdir", "--user"};
        bool value = false;
        for (size_t k = 0; k < sizeof(with_value) / sizeof(with_value[0]); k++) {
            value = value || str_is(word, with_value[k]);
        }
        if (!option) {
            return word;
        }
        if (!alone && !value) {
            return STR_NONE;
        }
        i += value;
    }
    return STR_NONE;
}

/* Images that the file itself makes: "docker build -t NAME", "docker tag FROM NAME". */
static void find_made(struct linter *l, enum buildspec_phase_kind phase, bool finally,
                      const struct yaml_node *item, void *data) {
    static const char *const makes[] = {"docker build", "docker tag", "docker buildx build", NULL};
    (void)phase;
    (void)finally;
    struct str_list *made = data;
    struct shell_script script = shell_scan(l->arena, item->text);
    for (size_t i = 0; i < script.n; i++) {
        for (size_t k = 0; lint_is_one(&script.v[i], makes) && k < script.v[i].words.n; k++) {
            *arena_push(l->arena, made) = script.v[i].words.v[k];
        }
    }
}

static void find_used(struct linter *l, enum buildspec_phase_kind phase, bool finally,
                      const struct yaml_node *item, void *data) {
    static const char *const runs[] = {"docker run", "docker pull", NULL};
    (void)phase;
    (void)finally;
    const struct str_list *made = data;
    struct shell_script script = shell_scan(l->arena, item->text);
    for (size_t i = 0; i < script.n; i++) {
        size_t at = 0;
        shell_program(&script.v[i], &at);
        struct str image =
            lint_is_one(&script.v[i], runs) ? docker_image(&script.v[i], at) : STR_NONE;
        struct str tag = tag_of(image);
        if (image.p != NULL && !is_pinned(image) && !str_list_has(made, image) &&
            (tag.p == NULL || str_is(tag, "latest"))) {
            lint_warn(l, "image-by-tag", item, 0,
                      "image '" STR_FMT "' is whatever 'latest' means when the build runs; name "
                      "its version, better its digest",
                      STR_ARG(image));
            return;
        }
    }
}

/* What projects call secondary artifacts, and pipelines their output artifacts. */
static bool can_be_asked_for(struct str id) {
    for (size_t i = 0; i < id.n; i++) {
        struct str c = str_sub(id, i, 1);
        bool other = c.p[0] == '-' || (c.p[0] >= '0' && c.p[0] <= '9');
        if (!other && !buildspec_variable_name(c)) {
            return false;
        }
    }
    return id.n > 0 && id.n <= 128;
}

static void check_secondary(struct linter *l) {
    const struct yaml_node *secondary =
        yaml_get(yaml_get(l->spec->root, "artifacts"), "secondary-artifacts");
    for (size_t i = 0; secondary != NULL && secondary->kind == YAML_MAPPING && i < secondary->n;
         i++) {
        const struct yaml_node *key = secondary->pair[i].key;
        if (!can_be_asked_for(key->text)) {
            lint_warn(l, "secondary-unreachable", key, 0,
                      "no project and no pipeline can name an artifact '" STR_FMT
                      "': letters, digits, '_' and '-' only",
                      STR_ARG(key->text));
        }
    }
}

void lint_sections(struct linter *l) {
    const struct yaml_node *batch = yaml_get(l->spec->root, "batch");
    const struct yaml_node *matrix = yaml_get(batch, "build-matrix");
    check_tasks(l, yaml_get(batch, "build-list"));
    check_tasks(l, yaml_get(batch, "build-graph"));
    check_images(l, yaml_get(yaml_get(yaml_get(matrix, "dynamic"), "env"), "image"));
    check_image(l, yaml_get(yaml_get(yaml_get(matrix, "static"), "env"), "image"));
    check_secondary(l);
    struct str_list made = {0};
    lint_each_command(l, find_made, &made);
    lint_each_command(l, find_used, &made);
}
