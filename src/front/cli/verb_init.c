/* trunkline init: release.yml, accounts.yml and buildspecs to begin with, for the repository one
 * stands in. What is written runs as it is, and deploys one parameter to each account. */
#include "front/cli/cli.h"

#include "platform/os/file.h"
#include "platform/text/json.h"

#include <stdlib.h>
#include <unistd.h>

enum { MAX_HEAD = 4096 };

static const struct {
    const char *name, *id;
} environments[] = {
    {"development", "222222222222"},
    {"pre-production", "333333333333"},
    {"production", "444444444444"},
};

/* ---- names ---- */

/* A name for the release: the folder's, in the letters that names have. */
static struct str folder_name(struct arena *a) {
    char *cwd = getcwd(NULL, 0);
    struct str path = str_dup(a, str_c(cwd ? cwd : "release"));
    free(cwd);
    size_t slash = str_rfind_c(path, '/');
    struct str base = str_lower(a, str_sub(path, slash == (size_t)-1 ? 0 : slash + 1, path.n));
    char *p = (char *)str_z(a, base);
    size_t n = 0;
    for (size_t i = 0; i < base.n && n < 40; i++) {
        bool letter = p[i] >= 'a' && p[i] <= 'z';
        bool digit = p[i] >= '0' && p[i] <= '9';
        if (letter || (digit && n > 0)) {
            p[n++] = p[i];
        } else if (n > 0 && p[n - 1] != '-') {
            p[n++] = '-';
        }
    }
    while (n > 0 && p[n - 1] == '-') {
        n--;
    }
    return n ? str_n(p, n) : S("release");
}

/* The branch that is checked out, also before its first commit; main where none is. As JSON has it,
 * which YAML reads whatever the branch is called. */
static struct str branch_name(struct arena *a) {
    const struct str prefix = S("ref: refs/heads/");
    struct str head;
    struct err ignored = ERR_INIT;
    if (file_read(a, ".git/HEAD", MAX_HEAD, &head, &ignored) < 0 || !str_starts(head, prefix)) {
        return S("\"main\"");
    }
    json_t *branch cleanup_json = json_from_str(str_trim(str_sub(head, prefix.n, head.n)));
    return json_dump_str(a, branch);
}

/* ---- the files ---- */

static struct str buildspec_yml(struct arena *a, struct str name) {
    return str_printf(a,
                      "version: 0.2\n"
                      "\n"
                      "env:\n"
                      "  variables:\n"
                      "    GREETING: hello\n"
                      "  # parameter-store:\n"
                      "  #   DATABASE_URL: /" STR_FMT "/$ENV/database_url\n"
                      "  exported-variables: [SUMMARY]\n"
                      "\n"
                      "phases:\n"
                      "  pre_build:\n"
                      "    commands:\n"
                      "      # The environment's account is another one: aws --profile deploy "
                      "becomes a role there.\n"
                      "      - aws configure set profile.deploy.role_arn \"$DEPLOY_ROLE\"\n"
                      "      - aws configure set profile.deploy.credential_source EcsContainer\n"
                      "  build:\n"
                      "    commands:\n"
                      "      - echo \"$GREETING from ${ENV}\"\n"
                      "      - aws --profile deploy ssm put-parameter --name /" STR_FMT
                      "/deployed --type String "
                      "--overwrite --value \"$CODEBUILD_BUILD_ID\"\n"
                      "      - export SUMMARY=\"1 parameter deployed to ${ENV}\"\n",
                      STR_ARG(name), STR_ARG(name));
}

static struct str buildspec_test_yml(void) {
    return S("version: 0.2\n"
             "\n"
             "phases:\n"
             "  build:\n"
             "    commands:\n"
             "      - test -f buildspec.yml\n");
}

static struct str release_yml(struct arena *a, struct str name) {
    struct str text =
        str_printf(a,
                   "# How a commit travels. `trunkline apply` makes the pipeline; all keys: "
                   "docs/release-yml.md.\n"
                   "name: " STR_FMT "\n"
                   "source: {repository: ., branch: " STR_FMT ", ignore: [\"docs/**\", \"*.md\"]}\n"
                   "image: debian-bookworm-build\n"
                   "test: {buildspec: buildspec.test.yml}\n"
                   "environments:\n",
                   STR_ARG(name), STR_ARG(branch_name(a)));
    for (size_t i = 0; i < sizeof(environments) / sizeof(environments[0]); i++) {
        bool last = i + 1 == sizeof(environments) / sizeof(environments[0]);
        text = str_printf(
            a,
            STR_FMT "  %s:\n"
                    "    account: %s\n"
                    "    variables: {DEPLOY_ROLE: \"arn:aws:iam::%s:role/" STR_FMT "-deploy\"}\n%s",
            STR_ARG(text), environments[i].name, environments[i].name, environments[i].id,
            STR_ARG(name), last ? "    approval: required\n" : "");
    }
    return str_concat(
        a, text,
        S("# gate: {alarms: [NAME-OF-AN-ALARM]}   # of the environment before, keep production "
          "shut\n"
          "# notify: [{webhook: \"https://example.org/hook\", on: [approval, failed, alarm]}]\n"));
}

/* One build's role in shared-services; an environment's may become `deploy` in its account. */
static struct str build_role(struct arena *a, struct str name, const char *build,
                             const char *account) {
    struct str text = str_printf(
        a,
        "      " STR_FMT "-%s-build:\n"
        "        trust: {service: codebuild.amazonaws.com}\n"
        "        policies:\n"
        "          build:\n"
        "            - Effect: Allow\n"
        "              Action: [logs:CreateLogGroup, logs:CreateLogStream, logs:PutLogEvents]\n"
        "              Resource: \"*\"\n"
        "            - Effect: Allow\n"
        "              Action: [s3:GetObject, s3:GetObjectVersion, s3:PutObject]\n"
        "              Resource: arn:aws:s3:::" STR_FMT "-artifacts/*\n",
        STR_ARG(name), build, STR_ARG(name));
    if (account == NULL) {
        return text;
    }
    return str_printf(
        a,
        STR_FMT "            - Effect: Allow\n"
                "              Action: ssm:GetParameters\n"
                "              Resource: arn:aws:ssm:eu-west-2:111111111111:parameter/" STR_FMT
                "/%s/*\n"
                "            - Effect: Allow\n"
                "              Action: sts:AssumeRole\n"
                "              Resource: arn:aws:iam::%s:role/" STR_FMT "-deploy\n",
        STR_ARG(text), STR_ARG(name), build, account, STR_ARG(name));
}

static struct str pipeline_role(struct arena *a, struct str name) {
    return str_printf(a,
                      "      " STR_FMT "-pipeline:\n"
                      "        trust: {service: codepipeline.amazonaws.com}\n"
                      "        policies:\n"
                      "          release:\n"
                      "            - Effect: Allow\n"
                      "              Action: [\"s3:Get*\", s3:PutObject, s3:ListBucket]\n"
                      "              Resource: [\"arn:aws:s3:::" STR_FMT
                      "-artifacts\", \"arn:aws:s3:::" STR_FMT "-artifacts/*\"]\n"
                      "            - Effect: Allow\n"
                      "              Action: [codeconnections:UseConnection, codebuild:StartBuild, "
                      "codebuild:StopBuild, codebuild:BatchGetBuilds, sns:Publish]\n"
                      "              Resource: \"*\"\n"
                      "            - Effect: Allow\n"
                      "              Action: sts:AssumeRole\n"
                      "              Resource: \"arn:aws:iam::*:role/observer\"\n",
                      STR_ARG(name), STR_ARG(name), STR_ARG(name));
}

static struct str account_of(struct arena *a, struct str name, const char *environment,
                             const char *id) {
    return str_printf(
        a,
        "  %s:\n"
        "    id: \"%s\"\n"
        "    region: eu-west-2\n"
        "    roles:\n"
        "      observer: # alarms of gates are asked for as this one\n"
        "        trust: {account: shared-services}\n"
        "        policies:\n"
        "          alarms: [{Effect: Allow, Action: \"cloudwatch:DescribeAlarms\", Resource: "
        "\"*\"}]\n"
        "      " STR_FMT "-deploy: # what builds become here: allow what they deploy\n"
        "        trust: {role: shared-services/" STR_FMT "-%s-build}\n"
        "        policies:\n"
        "          deploy:\n"
        "            - Effect: Allow\n"
        "              Action: [ssm:GetParameter, ssm:PutParameter]\n"
        "              Resource: arn:aws:ssm:eu-west-2:%s:parameter/" STR_FMT "/*\n",
        environment, id, STR_ARG(name), STR_ARG(name), environment, id, STR_ARG(name));
}

static struct str accounts_yml(struct arena *a, struct str name) {
    struct str text = str_printf(
        a,
        "# What the accounts hold beforehand. `trunkline account setup accounts.yml` makes it.\n"
        "accounts:\n"
        "  shared-services:\n"
        "    id: \"111111111111\"\n"
        "    region: eu-west-2\n"
        "    buckets:\n"
        "      " STR_FMT "-artifacts: {versioned: true}\n"
        "    roles:\n",
        STR_ARG(name));
    text = str_concat(a, text, pipeline_role(a, name));
    text = str_concat(a, text, build_role(a, name, "test", NULL));
    for (size_t i = 0; i < sizeof(environments) / sizeof(environments[0]); i++) {
        text = str_concat(a, text, build_role(a, name, environments[i].name, environments[i].id));
    }
    for (size_t i = 0; i < sizeof(environments) / sizeof(environments[0]); i++) {
        text = str_concat(a, text, account_of(a, name, environments[i].name, environments[i].id));
    }
    return text;
}

/* ---- the verb ---- */

static int write_new(struct cli *c, const char *path, struct str text, struct err *err) {
    if (file_exists(path)) {
        fprintf(c->out, "kept     %s\n", path);
        return 0;
    }
    if (file_write_atomic(path, text, 0644, err) < 0) {
        return -1;
    }
    fprintf(c->out, "written  %s\n", path);
    return 0;
}

static int run(struct cli *c, struct err *err) {
    struct arena *a = &c->arena;
    struct str name = folder_name(a);
    if (!file_exists(".git")) {
        cli_warn("this folder is no git repository yet: git init -b main");
    }
    if (write_new(c, "release.yml", release_yml(a, name), err) < 0 ||
        write_new(c, "accounts.yml", accounts_yml(a, name), err) < 0 ||
        write_new(c, "buildspec.yml", buildspec_yml(a, name), err) < 0 ||
        write_new(c, "buildspec.test.yml", buildspec_test_yml(), err) < 0) {
        return -1;
    }
    fputs("\nTry the build here:       trunkline run --env development\n"
          "Commit, and release it:   trunkline serve &\n"
          "                          trunkline account setup accounts.yml && trunkline apply && "
          "trunkline watch\n",
          c->out);
    return EXIT_DONE;
}

const struct cli_verb verb_init = {
    .name = "init",
    .group = CLI_RELEASE,
    .args = "",
    .flags = CLI_NO_SERVER_OPTIONS | CLI_NO_JSON,
    .summary = "Write release.yml, accounts.yml and buildspecs for the repository you stand in",
    .detail =
        "Files that are there are kept. What is written works as it is: a pipeline of the branch\n"
        "that is checked out over three environments, whose builds say hello and deploy a\n"
        "parameter to the environment's account.",
    .run = run,
};
