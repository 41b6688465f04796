/* Accounts, source and project of a run; run.h. */
#include "front/cli/run.h"

#include "front/cli/account_setup.h"
#include "front/cli/mirror_fill.h"
#include "front/cli/place.h"
#include "front/cli/run_source.h"
#include "platform/os/fd.h"
#include "platform/os/file.h"

#include "gen/codebuild.h"
#include "gen/iam.h"
#include "gen/s3.h"

#include <stdlib.h>
#include <unistd.h>

#define SOURCE_KEY "source.zip"
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

int run_read(struct run *r, struct err *err) {
    struct arena *a = &r->c->arena;
    const char *image = cli_opt(r->c, "image");
    if (!file_is_dir(r->dir)) {
        return err_set(err, ERR_NOT_FOUND, "%s is not a folder", r->dir);
    }
    if (read_release(r, err) < 0 || choose_build(r, err) < 0 || choose_buildspec(r, err) < 0 ||
        read_accounts(r, err) < 0) {
        return -1;
    }
    r->name = r->release.name.p ? r->release.name : folder_name(a, r->dir);
    r->build.image = image ? str_c(image) : r->build.image;
    r->project =
        str_printf(a, STR_FMT "-" STR_FMT, STR_ARG(r->name), STR_ARG(r->env.p ? r->env : S("run")));
    r->bucket = str_printf(a, STR_FMT "-run-source", STR_ARG(r->name));
    return 0;
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

/* The role may read the tree and write its log, whatever its file says of CodePipeline's bucket. */
static int let_role_read(struct run *r, struct str role, struct err *err) {
    struct str document = str_printf(
        &r->c->arena,
        "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":"
        "[\"s3:GetObject\",\"s3:GetObjectVersion\"],\"Resource\":\"arn:aws:s3:::" STR_FMT "/*\"},"
        "{\"Effect\":\"Allow\",\"Action\":[\"logs:CreateLogGroup\",\"logs:CreateLogStream\","
        "\"logs:PutLogEvents\"],\"Resource\":\"arn:aws:logs:*:*:log-group:/aws/codebuild/" STR_FMT
        "*\"}]}",
        STR_ARG(r->bucket), STR_ARG(r->project));
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
        done = let_role_read(r, role, err);
    } else {
        role = S("trunkline-run");
        done = make_role(r, role, err);
    }
    r->role_arn = str_printf(&r->c->arena, "arn:aws:iam::" STR_FMT ":role/" STR_FMT,
                             STR_ARG(r->target.account), STR_ARG(role));
    return done;
}

/* ---- source and project ---- */

static int put_source(struct run *r, struct err *err) {
    struct s3_put_object_request in = {.bucket = r->bucket, .key = S(SOURCE_KEY)};
    struct s3_put_object_output out;
    struct aws_body body = AWS_BODY_NONE;
    bool made = false, changed = false;
    body.fd = run_source_zip(&r->c->arena, r->dir, &body.size, err);
    if (body.fd < 0) {
        return -1;
    }
    int done = setup_bucket(&r->target, &r->c->arena, r->bucket, false, &made, &changed, err);
    if (done == 0) {
        done = aws_call_stream(&r->target, &s3_op_put_object, &r->c->arena, &in, &body, &out, NULL,
                               err);
    }
    close(body.fd);
    return done < 0 ? err_wrap(err, "source") : 0;
}

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
    return list;
}

static int create_project(struct run *r, struct err *err) {
    struct codebuild_project_source source = {
        .type = S("S3"),
        .location = str_printf(&r->c->arena, STR_FMT "/" SOURCE_KEY, STR_ARG(r->bucket)),
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

int run_prepare(struct run *r, struct err *err) {
    const struct setup setup = {&r->c->arena, &r->accounts, target_of, told_nothing, r};
    const char *data = place_data_dir(r->c);
    if (ephemeral_prepare(&r->c->arena, data, &r->server, err) < 0) {
        return -1;
    }
    r->c->data_dir = r->server.dir;
    return fill_mirror(r, err) < 0 || ephemeral_start(&r->c->arena, &r->server, err) < 0 ||
                   place_target(r->c, NULL, &r->target, err) < 0 ||
                   account_setup(&setup, err) < 0 || set_role(r, err) < 0 || put_source(r, err) < 0
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
