/* trunkline init: release.yml and buildspecs to begin with, for the repository one stands in. */
#include "front/cli/cli.h"

#include "platform/os/file.h"

#include <stdlib.h>
#include <unistd.h>

static const char buildspec[] = "version: 0.2\n"
                                "\n"
                                "env:\n"
                                "  variables:\n"
                                "    GREETING: hello\n"
                                "  # parameter-store:\n"
                                "  #   DATABASE_URL: /NAME/$ENV/database_url\n"
                                "  exported-variables: [SUMMARY]\n"
                                "\n"
                                "phases:\n"
                                "  build:\n"
                                "    commands:\n"
                                "      - echo \"$GREETING from ${ENV}\"\n"
                                "      - aws sts get-caller-identity\n"
                                "      - export SUMMARY=\"nothing was deployed yet\"\n";

static const char buildspec_test[] = "version: 0.2\n"
                                     "\n"
                                     "phases:\n"
                                     "  build:\n"
                                     "    commands:\n"
                                     "      - test -f buildspec.yml\n";

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

static struct str release_yml(struct arena *a) {
    struct str name = folder_name(a);
    return str_printf(
        a,
        "# How a commit travels. `trunkline apply` makes the pipeline; see `trunkline apply "
        "--help`.\n"
        "name: " STR_FMT "\n"
        "source: {repository: ., branch: main, ignore: [\"docs/**\", \"*.md\"]}\n"
        "image: debian-bookworm-build\n"
        "test: {buildspec: buildspec.test.yml}\n"
        "environments:\n"
        "  development:    {account: development}\n"
        "  pre-production: {account: pre-production}\n"
        "  production:     {account: production, approval: required}\n"
        "# gate: {alarms: [NAME-OF-AN-ALARM]}\n"
        "# notify: [{webhook: \"https://example.org/hook\", on: [approval, failed, alarm]}]\n",
        STR_ARG(name));
}

static const char role_head[] =
    "        trust: {service: codebuild.amazonaws.com}\n"
    "        policies:\n"
    "          build:\n"
    "            - Effect: Allow\n"
    "              Action: [logs:CreateLogGroup, logs:CreateLogStream, logs:PutLogEvents]\n"
    "              Resource: \"*\"\n"
    "            - Effect: Allow\n"
    "              Action: [s3:GetObject, s3:GetObjectVersion, s3:PutObject]\n";

static struct str build_role(struct arena *a, struct str name, const char *environment) {
    return str_printf(a,
                      "      " STR_FMT "-%s-build:\n%s"
                      "              Resource: arn:aws:s3:::" STR_FMT "-artifacts/*\n",
                      STR_ARG(name), environment, role_head, STR_ARG(name));
}

static struct str accounts_yml(struct arena *a) {
    struct str name = folder_name(a);
    struct str text = str_printf(
        a,
        "# What the accounts hold beforehand. `trunkline account setup accounts.yml` makes it.\n"
        "accounts:\n"
        "  shared-services:\n"
        "    id: \"111111111111\"\n"
        "    region: eu-west-2\n"
        "    buckets:\n"
        "      " STR_FMT "-artifacts: {versioned: true}\n"
        "    roles:\n"
        "      " STR_FMT "-pipeline:\n"
        "        trust: {service: codepipeline.amazonaws.com}\n"
        "        policies:\n"
        "          release:\n"
        "            - Effect: Allow\n"
        "              Action: [\"s3:Get*\", s3:PutObject, s3:ListBucket]\n"
        "              Resource: [\"arn:aws:s3:::" STR_FMT "-artifacts\", "
        "\"arn:aws:s3:::" STR_FMT "-artifacts/*\"]\n"
        "            - Effect: Allow\n"
        "              Action: [codeconnections:UseConnection, codebuild:StartBuild, "
        "codebuild:StopBuild, codebuild:BatchGetBuilds, sns:Publish]\n"
        "              Resource: \"*\"\n",
        STR_ARG(name), STR_ARG(name), STR_ARG(name), STR_ARG(name));
    static const char *const builds[] = {"test", "development", "pre-production", "production"};
    for (size_t i = 0; i < sizeof(builds) / sizeof(builds[0]); i++) {
        text = str_concat(a, text, build_role(a, name, builds[i]));
    }
    return text;
}

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
    if (!file_exists(".git")) {
        cli_warn("this folder is no git repository yet: git init -b main");
    }
    if (write_new(c, "release.yml", release_yml(&c->arena), err) < 0 ||
        write_new(c, "accounts.yml", accounts_yml(&c->arena), err) < 0 ||
        write_new(c, "buildspec.yml", str_c(buildspec), err) < 0 ||
        write_new(c, "buildspec.test.yml", str_c(buildspec_test), err) < 0) {
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
        "Files that are there are kept. What is written works as it is: a pipeline over three\n"
        "environments whose builds say hello.",
    .run = run,
};
