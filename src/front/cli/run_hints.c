/* Hints after a build; run_hints.h. */
#include "front/cli/run_hints.h"

#include "flow/image/ref.h"
#include "flow/phase/secret_reference.h"
#include "flow/phase/shell_scan.h"
#include "flow/sandbox/image.h"
#include "front/cli/lint_account.h"
#include "front/cli/run.h"
#include "platform/os/file.h"

enum { MAX_NAMES = 60, MAX_SPEC = 1024 * 1024 };

/* What is known while hints are collected. */
struct hinting {
    struct run *r;
    struct arena *a;
    struct buildspec spec;
    struct str rootfs; /* of the image, or absent */
    struct str_list hints;
};

static void hint(struct hinting *h, struct str text) {
    *arena_push(h->a, &h->hints) = text;
}

/* The buildspec is a file of the tree or, where it came from elsewhere, its text. */
static bool read_spec(struct hinting *h) {
    struct err ignored = ERR_INIT; /* what is wrong with it, the build has said */
    struct str text = h->r->build.buildspec;
    const char *path = str_printf(h->a, "%s/" STR_FMT, h->r->dir, STR_ARG(text)).p;
    if (str_find_c(text, '\n', 0) == (size_t)-1 &&
        file_read(h->a, path, MAX_SPEC, &text, &ignored) < 0) {
        return false;
    }
    return buildspec_read(h->a, "buildspec", text, &h->spec, &ignored) == 0;
}

/* ---- parameters ---- */

static struct lint_environment run_variables(struct hinting *h) {
    const struct run *r = h->r;
    struct lint_environment e = {.name = r->env};
    if (r->env.p) {
        *arena_push(h->a, &e.variables) = (struct str_pair){S("ENV"), r->env};
    }
    for (size_t i = 0; i < r->build.variables.n; i++) {
        *arena_push(h->a, &e.variables) = r->build.variables.v[i];
    }
    for (size_t i = 0; i < r->variables.n; i++) {
        *arena_push(h->a, &e.variables) = r->variables.v[i];
    }
    return e;
}

static bool is_listed(const struct lint_missing_list *list, size_t at) {
    for (size_t i = 0; i < at; i++) {
        if (list->v[i].secret == list->v[at].secret && str_eq(list->v[i].name, list->v[at].name)) {
            return true;
        }
    }
    return false;
}

/* The line that would give it, as a file of --parameters has it: of a reference to a secret, what
 * stands behind its id is not its name. */
static struct str as_line(struct hinting *h, const struct lint_missing *m) {
    struct str name = m->name;
    struct secret_reference reference;
    struct err ignored = ERR_INIT;
    if (m->secret && secret_reference_parse(name, &reference, &ignored) == 0) {
        name = reference.id;
    }
    return str_printf(h->a, "\n  " STR_FMT "=%s", STR_ARG(name), m->secret ? "secret:..." : "...");
}

static void hint_parameters(struct hinting *h) {
    struct lint_environment variables = run_variables(h);
    const struct lint_environments all = {&variables, 1};
    struct lint_missing_list missing;
    const struct lint_missing *unset = NULL;
    struct err ignored = ERR_INIT;
    struct str lines = S("");
    size_t named = 0;
    if (h->r->other.account.n > 0 ||
        lint_find_missing(h->a, &h->r->target, &all, &h->spec, &missing, &ignored) < 0) {
        return;
    }
    for (size_t i = 0; i < missing.n; i++) {
        if (missing.v[i].unknown) {
            unset = unset ? unset : &missing.v[i];
        } else if (!is_listed(&missing, i) && named++ < MAX_NAMES) {
            lines = str_concat(h->a, lines, as_line(h, &missing.v[i]));
        }
    }
    if (unset != NULL) {
        hint(h, str_printf(h->a,
                           STR_FMT " names a variable that is not set: --env NAME sets ENV,\n"
                                   "--env-file FILE any",
                           STR_ARG(unset->name)));
    }
    if (named > 0) {
        hint(h, str_printf(h->a,
                           "--parameters FILE gives what the buildspec names and is not here, by "
                           "lines like %s:" STR_FMT,
                           named == 1 ? "this" : "these", STR_ARG(lines)));
    }
}

/* ---- programs ---- */

static bool in_image(struct hinting *h, struct str program) {
    static const char *const folders[] = {"usr/bin", "usr/local/bin", "usr/sbin", "bin", "sbin"};
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
        const char *path = str_printf(h->a, STR_FMT "/%s/" STR_FMT, STR_ARG(h->rootfs), folders[i],
                                      STR_ARG(program))
                               .p;
        if (file_exists(path)) {
            return true;
        }
    }
    return false;
}

static void add_package(struct hinting *h, struct str program, struct str_list *packages) {
    const char *package = run_program_package(program);
    if (package != NULL && !str_list_has(packages, str_c(package)) && !in_image(h, program)) {
        *arena_push(h->a, packages) = str_c(package);
    }
}

static void add_programs(struct hinting *h, const struct str_list *commands,
                         struct str_list *packages) {
    for (size_t i = 0; i < commands->n; i++) {
        struct shell_script script = shell_scan(h->a, commands->v[i]);
        for (size_t k = 0; k < script.n; k++) {
            size_t at;
            add_package(h, shell_program(&script.v[k], &at), packages);
        }
    }
}

/* The image, read as the name of one of Debian's suites; false: it is none of those. */
static bool debian_suite(struct hinting *h, struct image_ref *ret) {
    struct err ignored = ERR_INIT;
    struct str name = h->r->build.image;
    if (str_is(name, IMAGE_DEFAULT) || str_starts(name, S("aws/codebuild/"))) {
        *ret = (struct image_ref){.kind = IMAGE_REF_DEBIAN, .suite = S("bookworm")};
        return true;
    }
    return image_ref_parse(h->a, name, ret, &ignored) == 0 && ret->kind == IMAGE_REF_DEBIAN;
}

/* The reference that leads to this suite with these packages. */
static struct str with_packages(struct hinting *h, struct str suite, const struct str_list *list) {
    struct str reference = str_printf(h->a, "debian:" STR_FMT, STR_ARG(suite));
    for (size_t i = 0; i < list->n; i++) {
        reference = str_printf(h->a, STR_FMT "%s" STR_FMT, STR_ARG(reference), i == 0 ? "+" : ",",
                               STR_ARG(list->v[i]));
    }
    return reference;
}

/* Images come without apt's lists, so nothing is found before they are fetched. */
static void hint_apt(struct hinting *h) {
    struct image_ref image;
    if (h->r->clues.apt.n > 0 && !h->r->clues.apt_updated && debian_suite(h, &image)) {
        struct str_list packages = {0};
        for (size_t i = 0; i < image.packages.n + h->r->clues.apt.n; i++) {
            *arena_push(h->a, &packages) = i < image.packages.n
                                               ? image.packages.v[i]
                                               : h->r->clues.apt.v[i - image.packages.n];
        }
        hint(h, str_printf(h->a,
                           "the image has no lists of packages: 'apt-get update' comes before\n"
                           "'apt-get install'; with the packages in the image, made once:\n"
                           "  --image " STR_FMT,
                           STR_ARG(with_packages(h, image.suite, &packages))));
    }
}

/* Not only what failed: what the commands behind it would miss, too. */
static void hint_packages(struct hinting *h, struct str program, const struct image_ref *image) {
    struct str_list packages = {0};
    for (size_t i = 0; i < image->packages.n; i++) {
        *arena_push(h->a, &packages) = image->packages.v[i];
    }
    add_package(h, program, &packages);
    for (size_t i = 0; i < BUILDSPEC_PHASES; i++) {
        add_programs(h, &h->spec.phase[i].commands, &packages);
        add_programs(h, &h->spec.phase[i].finally, &packages);
    }
    hint(h, str_printf(h->a,
                       "'" STR_FMT "' is not in the image " STR_FMT
                       "; with it and Debian's package%s, made once:\n  --image " STR_FMT,
                       STR_ARG(program), STR_ARG(h->r->build.image), packages.n == 1 ? "" : "s",
                       STR_ARG(with_packages(h, image->suite, &packages))));
}

static bool is_one_of(struct str word, const char *const *list) {
    while (*list != NULL && !str_is(word, *list)) {
        list++;
    }
    return *list != NULL;
}

static void hint_program(struct hinting *h, struct str program) {
    static const char *const of_bash[] = {"source", "pushd",   "popd",    "[[",
                                          "shopt",  "declare", "mapfile", NULL};
    static const char *const of_others[] = {"apk", "yum", "dnf", "amazon-linux-extras", NULL};
    static const char *const of_docker[] = {"docker", "podman", "buildah", NULL};
    static const char *const of_windows[] = {"pwsh", "powershell", "powershell.exe", "pwsh.exe",
                                             NULL};
    struct image_ref image;
    if (is_one_of(program, of_bash)) {
        hint(h, str_printf(h->a,
                           "'" STR_FMT "' is bash's, and commands go to sh; in the buildspec:\n"
                           "  env: {shell: bash}",
                           STR_ARG(program)));
    } else if (is_one_of(program, of_windows)) {
        hint(h, S("builds run on Linux, in sh or bash: PowerShell is not there"));
    } else if (is_one_of(program, of_others)) {
        hint(h, str_printf(h->a,
                           "'" STR_FMT "' belongs to another distribution than the image " STR_FMT
                           ";\n  --image HOST/NAME:TAG takes one of a registry",
                           STR_ARG(program), STR_ARG(h->r->build.image)));
    } else if (is_one_of(program, of_docker)) {
        hint(h, S("docker commands are there in privileged builds: --privileged"));
    } else if (run_program_package(program) && h->rootfs.n > 0 && debian_suite(h, &image)) {
        hint_packages(h, program, &image);
    } else {
        hint(h, str_printf(h->a,
                           "'" STR_FMT "' is not in the image " STR_FMT
                           ";\n  --image debian:bookworm+PACKAGE,... makes one with Debian's "
                           "packages, HOST/NAME:TAG takes one of a registry",
                           STR_ARG(program), STR_ARG(h->r->build.image)));
    }
}

/* The last program that was not found shortly before the failure. */
static struct str missing_program(const struct run *r) {
    enum { NEAR = 6 };
    for (size_t i = r->tail.n, looked = 0; i-- > 0 && looked < NEAR; looked++) {
        struct str program = run_missing_program(r->tail.v[i]);
        if (program.n > 0) {
            return program;
        }
    }
    return STR_NONE;
}

static void find_image(struct hinting *h) {
    struct err ignored = ERR_INIT;
    struct image image;
    const char *name = h->r->image.n > 0 ? str_z(h->a, h->r->image) : IMAGE_DEFAULT;
    if (image_find(h->a, name, false, &image, &ignored) == 0) {
        h->rootfs = image.rootfs;
    }
}

/* ---- the rest ---- */

static void hint_hosts(struct hinting *h) {
    const struct str_list *hosts = &h->r->clues.refused;
    struct str text = S("");
    for (size_t i = 0; i < hosts->n; i++) {
        text = str_printf(h->a, STR_FMT "\n  " STR_FMT, STR_ARG(text), STR_ARG(hosts->v[i]));
    }
    if (hosts->n > 0) {
        hint(h, str_printf(h->a,
                           "not reached ('trunkline mirror add' keeps downloads for builds without "
                           "a network):" STR_FMT,
                           STR_ARG(text)));
    }
}

/* Of an account that is there, its administrator knows; here the roles are those of the file. */
static void hint_denied(struct hinting *h) {
    const struct run_clues *c = &h->r->clues;
    if (c->denied_action.n > 0 && h->r->other.account.n == 0) {
        hint(h, str_printf(h->a,
                           "role " STR_FMT " has no right to this; in accounts.yml, among its "
                           "policies:\n"
                           "  {Effect: Allow, Action: \"" STR_FMT "\", Resource: \"" STR_FMT "\"}",
                           STR_ARG(c->denied_role), STR_ARG(c->denied_action),
                           STR_ARG(c->denied_resource)));
    }
}

static void hint_batch(struct hinting *h) {
    struct batch_tasks tasks = batch_expand(h->a, &h->spec.batch);
    struct str other = STR_NONE;
    for (size_t i = 0; i < tasks.n && other.n == 0; i++) {
        other = tasks.v[i].buildspec;
    }
    if (tasks.n > 0) {
        hint(h, str_printf(h->a,
                           "the buildspec describes a batch of %zu builds, and run does one: its "
                           "own phases%s" STR_FMT "%s",
                           tasks.n, other.n ? ";\n  --buildspec " : "", STR_ARG(other),
                           other.n ? " is another" : ""));
    }
}

struct str_list run_hints(struct run *r) {
    struct hinting h = {.r = r, .a = &r->c->arena};
    bool good = str_is(r->state.status, "SUCCEEDED");
    bool known = read_spec(&h);
    if (good || str_is(r->state.status, "STOPPED")) {
        if (known && good) {
            hint_batch(&h);
        }
        return h.hints;
    }
    find_image(&h);
    struct str program = missing_program(r);
    if (known) {
        hint_parameters(&h);
    }
    if (program.n > 0) {
        hint_program(&h, program);
    }
    if (r->clues.no_git && !cli_has(r->c, "mount-source")) {
        hint(&h, S("the source is a copy without .git, as a release has it: --mount-source works "
                   "in the folder itself"));
    }
    hint_denied(&h);
    hint_apt(&h);
    hint_hosts(&h);
    if (known) {
        hint_batch(&h);
    }
    return h.hints;
}
