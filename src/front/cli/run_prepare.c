/* Accounts, source and project of a run; run.h. */
#include "front/cli/run.h"

#include "front/cli/account_setup.h"
#include "front/cli/image.h"
#include "front/cli/mirror_fill.h"
#include "front/cli/place.h"
#include "flow/phase/buildspec.h"
#include "front/cli/run_source.h"
#include "platform/os/fd.h"
#include "platform/os/file.h"

#include "gen/codebuild.h"
#include "gen/iam.h"

#include <stdlib.h>
#include <unistd.h>

#define ANYTHING                                                                                   \
    "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"*\","           \
    "\"Resource\":\"*\"}]}"
#define TRUST_CODEBUILD                                                                            \
    "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"Service\":" \
    "\"codebuild.amazonaws.com\"},\"Action\":\"sts:AssumeRole\"}]}"

/* ---- the files of the tree ---- */

/* The folder's name in the letters that projects and buckets have. */
static struct str folder_name(struct arena *a, const char *dir) {
    char *real cleanup_free = realpath(dir, NULL);
    struct str path = str_c(real ? real : "run");
    size_t slash = str_rfind_c(path, '/');
    struct str base = str_lower(a, str_sub(path, slash == (size_t)-1 ? 0 : slash + 1, 40));
    char *p = (char *)str_z(a, base);
    for (size_t i = 0; i < base.n; i++) {
        bool fine = (p[i] >= 'a' && p[i] <= 'z') || (p[i] >= '0' && p[i] <= '9');
        p[i] = fine ? p[i] : '-';
    }
    bool good = base.n > 0 && p[0] != '-' && p[base.n - 1] != '-';
    return good ? str_n(p, base.n) : S("run");
}

static int read_release(struct run *r, struct err *err) {
    struct arena *a = &r->c->arena;
    const char *path = str_printf(a, "%s/release.yml", r->dir).p;
    struct str text;
    if (!file_exists(path)) {
        return 0;
    }
    return file_read(a, path, 1024 * 1024, &text, err) < 0
               ? -1
               : release_yml_read(a, path, r->dir, text, &r->release, err);
}

/* What release.yml says of this environment's build. */
static int choose_build(struct run *r, struct err *err) {
    r->build = (struct release_build){.buildspec = S("buildspec.yml"),
                                      .image = S("debian-bookworm-build")};
    if (r->release.name.p == NULL || r->env.p == NULL) {
        return 0;
    }
    if (r->release.has_test && str_is(r->env, "test")) {
        r->build = r->release.test;
        return 0;
    }
    struct str names = STR_NONE;
    for (size_t i = 0; i < r->release.environments.n; i++) {
        const struct release_build *b = &r->release.environments.v[i].build;
        if (str_eq(b->name, r->env)) {
            r->build = *b;
            return 0;
        }
        names = names.p ? str_printf(&r->c->arena, STR_FMT ", " STR_FMT, STR_ARG(names),
                                     STR_ARG(b->name))
                        : b->name;
    }
    return err_set(err, ERR_NOT_FOUND,
                   "release.yml has no environment '" STR_FMT "'; it has: " STR_FMT,
                   STR_ARG(r->env), STR_ARG(names));
}

static int choose_buildspec(struct run *r, struct err *err) {
    struct arena *a = &r->c->arena;
    const char *named = cli_opt(r->c, "buildspec");
    if (named) {
        r->build.buildspec = str_c(named);
    }
    struct str inside = str_printf(a, "%s/" STR_FMT, r->dir, STR_ARG(r->build.buildspec));
    if (r->build.buildspec.p[0] != '/' && file_exists(inside.p)) {
        return 0;
    }
    if (named && file_exists(named)) { /* beside the tree: its text goes with the project */
        return file_read(a, named, 1024 * 1024, &r->build.buildspec, err);
    }
    return err_set(err, ERR_NOT_FOUND, "there is no " STR_FMT "; --buildspec names another one",
                   STR_ARG(inside));
}

static int read_accounts(struct run *r, struct err *err) {
    struct arena *a = &r->c->arena;
    const char *path = str_printf(a, "%s/accounts.yml", r->dir).p;
    const char *parameters = cli_opt(r->c, "parameters");
    if (file_exists(path)) {
        return accounts_read(a, path, parameters, &r->accounts, err);
    }
    if (parameters == NULL) {
        return 0;
    }
    struct accounts_entry *home = arena_push(a, &r->accounts);
    *home = (struct accounts_entry){
        .name = S(PLACE_HOME), .id = S("111111111111"), .region = S("eu-west-2")};
    return parameters_read(a, parameters, false, home, err);
}

/* ID:DIR */
static int read_secondary(struct run *r, struct err *err) {
    struct str_list all = cli_all(r->c, "secondary");
    r->secondary = arena_new_n(&r->c->arena, struct run_secondary, all.n);
    for (size_t i = 0; i < all.n; i++) {
        struct str dir = all.v[i];
        struct str id = STR_NONE;
        if (str_find_c(dir, ':', 0) == (size_t)-1 || !str_cut(&dir, ':', &id) || id.n == 0 ||
            !buildspec_variable_name(id)) {
            return err_set(err, ERR_INVALID,
                           "--secondary takes ID:DIR, with an ID of letters, digits and '_', not "
                           "'" STR_FMT "'",
                           STR_ARG(all.v[i]));
        }
        r->secondary[i] = (struct run_secondary){id, str_z(&r->c->arena, dir)};
        if (!file_is_dir(r->secondary[i].dir)) {
            return err_set(err, ERR_NOT_FOUND, "--secondary: %s is not a folder",
                           r->secondary[i].dir);
        }
    }
    r->secondary_n = all.n;
    return 0;
}

/* Lines NAME=VALUE as AWS's local agent reads them: the value as it stands, quotes included; '#'
 * begins a comment line. */
static int read_env_file(struct run *r, struct err *err) {
    struct arena *a = &r->c->arena;
    const char *path = cli_opt(r->c, "env-file");
    struct str text;
    struct str line;
    if (path == NULL) {
        return 0;
    }
    if (file_read(a, path, 1024 * 1024, &text, err) < 0) {
        return -1;
    }
    for (unsigned number = 1; str_cut(&text, '\n', &line); number++) {
        struct str name;
        line.n -= line.n > 0 && line.p[line.n - 1] == '\r';
        if (str_trim(line).n == 0 || line.p[0] == '#') {
            continue;
        }
        if (str_find_c(line, '=', 0) == (size_t)-1 || !str_cut(&line, '=', &name) ||
            !buildspec_variable_name(name)) {
            return err_set(err, ERR_INVALID, "%s:%u: not NAME=VALUE", path, number);
        }
        *arena_push(a, &r->variables) = (struct str_pair){name, line};
    }
    return 0;
}

/* Images that are fetched or made are so now, where their progress is seen. Names of ours, and
 * those of AWS, are left to the server. */
static int choose_image(struct run *r, struct err *err) {
    struct image_ref ref;
    struct image image;
    const char *text = str_z(&r->c->arena, r->build.image);
    if (str_starts(r->build.image, S("aws/codebuild/"))) {
        return 0;
    }
    if (strncmp(text, "oci:", 4) != 0 &&
        (image_ref_parse(&r->c->arena, r->build.image, &ref, err) < 0 ||
         ref.kind == IMAGE_REF_NAME)) {
        return ref.kind == IMAGE_REF_NAME ? 0 : -1;
    }
    if (image_pull(r->c, text, false, run_interrupted, &image, err) < 0) {
        return -1;
    }
    r->image = image.name;
    return 0;
}

int run_read(struct run *r, struct err *err) {
    struct arena *a = &r->c->arena;
    const char *image = cli_opt(r->c, "image");
    if (!file_is_dir(r->dir)) {
        return err_set(err, ERR_NOT_FOUND, "%s is not a folder", r->dir);
    }
    if (cli_has(r->c, "parameters") && (cli_has(r->c, "account") || cli_has(r->c, "aws-profile"))) {
        return err_set(err, ERR_INVALID,
                       "--parameters is for accounts made for the build, not for --account and "
                       "--aws-profile, which have their own");
    }
    if (read_release(r, err) < 0 || choose_build(r, err) < 0 || choose_buildspec(r, err) < 0 ||
        read_accounts(r, err) < 0) {
        return -1;
    }
    r->name = r->release.name.p ? r->release.name : folder_name(a, r->dir);
    r->build.image = image ? str_c(image) : r->build.image;
    r->project =
        str_printf(a, STR_FMT "-" STR_FMT, STR_ARG(r->name), STR_ARG(r->env.p ? r->env : S("run")));
    return read_secondary(r, err) < 0 || read_env_file(r, err) < 0 || choose_image(r, err) < 0
               ? -1
               : run_account(r, err);
}

/* ---- the mirror ---- */

static void told_mirror(void *ud, struct str line) {
    (void)ud;
    fprintf(stderr, "mirror: " STR_FMT "\n", STR_ARG(line));
}

static int fill_mirror(struct run *r, struct err *err) {
    struct mirror_fill fill = {&r->c->arena, r->server.dir, told_mirror, NULL};
    struct str version;
    if (run_source_has(&r->c->arena, r->dir, ".tf") &&
        mirror_fill_terraform(&fill, &version, err) < 0) {
        return -1;
    }
    return mirror_fill_release(&fill, r->dir, &r->release, err);
}

/* ---- accounts and the role ---- */

static int target_of(void *ud, const struct accounts_entry *account, struct aws_target *ret,
                     struct err *err) {
    struct run *r = ud;
    if (place_target(r->c, str_z(&r->c->arena, account->id), ret, err) < 0) {
        return -1;
    }
    ret->region = account->region;
    return 0;
}

static void told_nothing(void *ud, const struct setup_step *step) {
    (void)ud;
    (void)step;
}

static bool has_role(const struct accounts_entry *home, struct str name) {
    for (size_t i = 0; home && i < home->roles.n; i++) {
        if (str_eq(home->roles.v[i].name, name)) {
            return true;
        }
    }
    return false;
}

/* The environment's role of accounts.yml: as release.yml names it, or the one that ends so. */
static struct str find_role(struct run *r) {
    struct arena *a = &r->c->arena;
    const struct accounts_entry *home = accounts_find(&r->accounts, S(PLACE_HOME));
    const char *named = cli_opt(r->c, "role");
    struct str usual = str_printf(a, STR_FMT "-build", STR_ARG(r->project));
    if (named) {
        return str_c(named);
    }
    if (r->build.role.p) {
        return r->build.role;
    }
    if (has_role(home, usual)) {
        return usual;
    }
    struct str ending = str_printf(a, "-" STR_FMT "-build", STR_ARG(r->env));
    for (size_t i = 0; home && r->env.n && i < home->roles.n; i++) {
        if (str_ends(home->roles.v[i].name, ending)) {
            return home->roles.v[i].name;
        }
    }
    return STR_NONE;
}

static int put_policy(struct run *r, struct str role, struct str document, struct err *err) {
    struct iam_put_role_policy_request in = {role, S("trunkline-run"), document};
    struct iam_put_role_policy_output out;
    return iam_call_put_role_policy(&r->target, &r->c->arena, &in, &out, err) < 0
               ? err_wrap(err, "role " STR_FMT, STR_ARG(role))
               : 0;
}

/* The role may write its log, whatever its file says. */
static int let_role_log(struct run *r, struct str role, struct err *err) {
    struct str document = str_printf(
        &r->c->arena,
        "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":[\"logs:"
        "CreateLogGroup\",\"logs:CreateLogStream\","
        "\"logs:PutLogEvents\"],\"Resource\":\"arn:aws:logs:*:*:log-group:/aws/codebuild/" STR_FMT
        "*\"}]}",
        STR_ARG(r->project));
    return put_policy(r, role, document, err);
}

/* A tree without roles: its build may do anything in accounts that live as long as it. */
static int make_role(struct run *r, struct str role, struct err *err) {
    struct iam_create_role_request in = {.role_name = role,
                                         .assume_role_policy_document = S(TRUST_CODEBUILD)};
    struct iam_create_role_response out;
    return iam_call_create_role(&r->target, &r->c->arena, &in, &out, err) < 0
               ? err_wrap(err, "role " STR_FMT, STR_ARG(role))
               : put_policy(r, role, S(ANYTHING), err);
}

static int set_role(struct run *r, struct err *err) {
    struct str role = find_role(r);
    if (str_starts(role, S("arn:"))) {
        r->role_arn = role;
        return 0;
    }
    int done = 0;
    if (role.p) {
        done = let_role_log(r, role, err);
    } else {
        role = S("trunkline-run");
        done = make_role(r, role, err);
    }
    r->role_arn = str_printf(&r->c->arena, "arn:aws:iam::" STR_FMT ":role/" STR_FMT,
                             STR_ARG(r->target.account), STR_ARG(role));
    return done;
}

/* ---- the project ---- */

static struct codebuild_environment_variable_list variables(struct run *r) {
    struct codebuild_environment_variable_list list = {0};
    if (r->env.p) {
        *arena_push(&r->c->arena, &list) =
            (struct codebuild_environment_variable){S("ENV"), r->env, S("PLAINTEXT")};
    }
    for (size_t i = 0; i < r->build.variables.n; i++) {
        *arena_push(&r->c->arena, &list) = (struct codebuild_environment_variable){
            r->build.variables.v[i].key, r->build.variables.v[i].value, S("PLAINTEXT")};
    }
    for (size_t i = 0; i < r->variables.n; i++) {
        *arena_push(&r->c->arena, &list) = (struct codebuild_environment_variable){
            r->variables.v[i].key, r->variables.v[i].value, S("PLAINTEXT")};
    }
    return list;
}

static int create_project(struct run *r, struct err *err) {
    struct codebuild_project_source source = {
        .type = S("S3"),
        .location = S("this-machine/source.zip"), /* RUN_FILE says where it really is */
        .buildspec = r->build.buildspec,
    };
    struct codebuild_project_artifacts artifacts = {.type = S("NO_ARTIFACTS")};
    struct codebuild_project_environment environment = {
        .type = S("LINUX_CONTAINER"),
        .image = r->build.image,
        .compute_type = S("BUILD_GENERAL1_SMALL"),
        .environment_variables = variables(r),
    };
    struct codebuild_create_project_input in = {
        .name = r->project,
        .source = &source,
        .artifacts = &artifacts,
        .environment = &environment,
        .service_role = r->role_arn,
        .timeout_in_minutes = r->build.timeout_minutes,
        .has_timeout_in_minutes = r->build.timeout_minutes > 0,
    };
    struct codebuild_create_project_output out;
    return codebuild_call_create_project(&r->target, &r->c->arena, &in, &out, err);
}

static int set_up_accounts(struct run *r, struct err *err) {
    const struct setup setup = {&r->c->arena, &r->accounts, target_of, told_nothing, r};
    if (r->other.account.n > 0) { /* nothing of these accounts is asked for */
        r->role_arn = str_printf(&r->c->arena, "arn:aws:iam::" STR_FMT ":role/trunkline-run",
                                 STR_ARG(r->target.account));
        return make_role(r, S("trunkline-run"), err);
    }
    return account_setup(&setup, err) < 0 ? -1 : set_role(r, err);
}

int run_prepare(struct run *r, struct err *err) {
    const char *data = place_data_dir(r->c);
    if (ephemeral_prepare(&r->c->arena, data, &r->server, err) < 0) {
        return -1;
    }
    r->c->data_dir = r->server.dir;
    return fill_mirror(r, err) < 0 || run_order(r, err) < 0 ||
                   ephemeral_start(&r->c->arena, &r->server, err) < 0 ||
                   place_target(r->c, NULL, &r->target, err) < 0 || set_up_accounts(r, err) < 0
               ? -1
               : create_project(r, err);
}

int run_start(struct run *r, struct err *err) {
    struct codebuild_start_build_input in = {.project_name = r->project};
    struct codebuild_start_build_output out;
    if (codebuild_call_start_build(&r->target, &r->c->arena, &in, &out, err) < 0) {
        return -1;
    }
    if (out.build == NULL) {
        return err_set(err, ERR_INTERNAL, "StartBuild answered without a build");
    }
    r->build_id = out.build->id;
    return 0;
}
