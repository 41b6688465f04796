/* Surprises of releases: publishing what failed, applying what nobody planned. */
#include "flow/phase/lint_internal.h"

/* What others see when it has run. */
static const char *const publishes[] = {"docker push",
                                        "docker manifest push",
                                        "docker buildx imagetools",
                                        "aws s3 cp",
                                        "aws s3 sync",
                                        "aws s3 mv",
                                        "aws s3api put-object",
                                        "aws cloudformation deploy",
                                        "aws cloudformation create-stack",
                                        "aws cloudformation update-stack",
                                        "aws cloudformation execute-change-set",
                                        "aws lambda update-function-code",
                                        "aws lambda publish-version",
                                        "aws lambda update-alias",
                                        "aws ecs update-service",
                                        "aws ecs register-task-definition",
                                        "aws ecs run-task",
                                        "aws deploy create-deployment",
                                        "aws codepipeline start-pipeline-execution",
                                        "aws elasticbeanstalk update-environment",
                                        "aws cloudfront create-invalidation",
                                        "aws ssm put-parameter",
                                        "aws amplify start-deployment",
                                        "terraform apply",
                                        "terraform destroy",
                                        "kubectl apply",
                                        "kubectl set",
                                        "kubectl rollout",
                                        "helm upgrade",
                                        "helm install",
                                        "serverless deploy",
                                        "sls deploy",
                                        "cdk deploy",
                                        "npx cdk deploy",
                                        "npx serverless deploy",
                                        "sam deploy",
                                        "npm publish",
                                        "npm run deploy",
                                        "yarn deploy",
                                        "yarn run deploy",
                                        "yarn publish",
                                        "twine upload",
                                        "git push",
                                        "mvn deploy",
                                        "gradle publish",
                                        "make deploy",
                                        "make publish",
                                        "make push",
                                        "make release",
                                        "eb deploy",
                                        "pulumi up",
                                        "gem push",
                                        "cargo publish",
                                        "netlify deploy",
                                        NULL};

static const char *const applies[] = {
    "terraform apply", "terraform destroy", "make apply",       "make destroy",
    "cdk deploy",      "pulumi up",         "terragrunt apply", NULL};

struct publishing {
    bool guarded;                  /* post_build asks whether the build succeeded */
    const struct yaml_node *first; /* the first publishing command of post_build */
    struct str what;
    bool plan_saved;                   /* terraform plan -out */
    const struct yaml_node *unplanned; /* the first terraform apply without a plan */
    const struct yaml_node *apply;
    struct str applied;
};

static bool has_word(const struct shell_command *c, const char *prefix) {
    for (size_t i = 0; i < c->words.n; i++) {
        if (str_starts(c->words.v[i], str_c(prefix))) {
            return true;
        }
    }
    return false;
}

/* "terraform apply ... FILE": a word that is neither an option nor the value of one. */
static bool names_a_plan(const struct shell_command *c) {
    static const char *const flags[] = {"-auto-approve", "--auto-approve", "-no-color", "-json",
                                        "-compact-warnings"};
    size_t at;
    shell_program(c, &at);
    bool value = false;
    for (size_t i = at + 2; i < c->words.n; i++) {
        struct str word = c->words.v[i];
        bool option = word.n > 0 && word.p[0] == '-';
        if (!option && !value) {
            return true;
        }
        value = option && str_find_c(word, '=', 0) == (size_t)-1;
        for (size_t k = 0; k < sizeof(flags) / sizeof(flags[0]); k++) {
            value = value && !str_is(word, flags[k]);
        }
    }
    return false;
}

static bool is_mvn_deploy(const struct shell_command *c) {
    size_t at;
    return str_is(shell_program(c, &at), "mvn") && has_word(c, "deploy");
}

static void visit(struct linter *l, enum buildspec_phase_kind phase, bool finally,
                  const struct yaml_node *item, void *data) {
    static const char *const apply_words[] = {"terraform apply", NULL};
    static const char *const plan_words[] = {"terraform plan", NULL};
    struct publishing *p = data;
    struct shell_script script = shell_scan(l->arena, item->text);
    bool post = phase == BUILDSPEC_POST_BUILD;
    if (post && (str_find(item->text, S("CODEBUILD_BUILD_SUCCEEDING"), 0) != (size_t)-1 ||
                 str_find(item->text, S("CODEBUILD_LAST_EXIT"), 0) != (size_t)-1)) {
        p->guarded = true;
    }
    for (size_t i = 0; i < script.n; i++) {
        const struct shell_command *c = &script.v[i];
        if (post && !finally && p->first == NULL &&
            (lint_is_one(c, publishes) || is_mvn_deploy(c))) {
            p->first = item;
            p->what = str_sub(c->text, 0, 60);
        }
        if (lint_is_one(c, plan_words)) {
            p->plan_saved = p->plan_saved || has_word(c, "-out") || has_word(c, "--out");
        }
        if (lint_is_one(c, apply_words) && !names_a_plan(c) && !has_word(c, "-destroy") &&
            p->unplanned == NULL) {
            p->unplanned = item;
        }
        if (lint_is_one(c, applies) && p->apply == NULL) {
            p->apply = item;
            p->applied = str_sub(c->text, 0, 60);
        }
    }
}

/* "buildspec.plan.yml", "plan.yml", "buildspec-test.yml", "plan/buildspec.yml": a word of the
 * file's name, or of the folders that it is named with. Where a checkout lies says nothing. */
static bool named(const char *file, const char *word) {
    struct str separators = S(".-_/");
    struct str name = str_c(file);
    size_t slash = name.n > 0 && name.p[0] == '/' ? str_rfind_c(name, '/') : (size_t)-1;
    name = slash == (size_t)-1 ? name : str_sub(name, slash + 1, name.n);
    for (size_t at = 0; (at = str_find(name, str_c(word), at)) != (size_t)-1; at++) {
        size_t end = at + strlen(word);
        if ((at == 0 || str_find_c(separators, name.p[at - 1], 0) != (size_t)-1) &&
            (end == name.n || str_find_c(separators, name.p[end], 0) != (size_t)-1)) {
            return true;
        }
    }
    return false;
}

void lint_publish(struct linter *l) {
    struct publishing p = {0};
    lint_each_command(l, visit, &p);
    const struct buildspec_phase *build = &l->spec->phase[BUILDSPEC_BUILD];
    if (p.first != NULL && !p.guarded && build->commands.n > 0 &&
        build->on_failure.kind != ON_FAILURE_ABORT) {
        lint_warn(l, "post-build-after-failure", p.first, 0,
                  "post_build runs after a failed build too, and '" STR_FMT "' would publish it; "
                  "test \"$CODEBUILD_BUILD_SUCCEEDING\" = 1 first, or set on-failure: ABORT in "
                  "build",
                  STR_ARG(p.what));
    }
    bool planning = named(l->file, "plan") || named(l->file, "test") || named(l->file, "validate");
    if (planning && p.apply != NULL) {
        lint_warn(l, "apply-in-plan", p.apply, 0,
                  "by its name this file plans or tests, and '" STR_FMT "' changes what is there",
                  STR_ARG(p.applied));
    }
    if (p.plan_saved && p.unplanned != NULL) {
        lint_warn(l, "plan-not-applied", p.unplanned, 0,
                  "'terraform plan -out' saves a plan, and this apply makes a new one: give it the "
                  "file, so that what was seen is what is done");
    }
}
