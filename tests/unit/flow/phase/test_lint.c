/* What lint says: places, surprises of commands, and its stable JSON. */
#include "../../cmocka_.h"

#include "base/arena.h"
#include "base/buf.h"
#include "flow/phase/lint.h"

static struct arena arena;

static int setup(void **state) {
    (void)state;
    arena_init(&arena);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    arena_done(&arena);
    return 0;
}

static struct str lint(const char *text) {
    struct buildspec spec;
    struct err err = ERR_INIT;
    assert_int_equal(lint_buildspec(&arena, "b.yml", str_c(text), &spec, &err), 0);
    return lint_text(&arena, "b.yml", &spec);
}

static void test_notes_come_in_the_order_of_the_file(void **state) {
    (void)state;
    struct str said = lint("version: 0.2\n"
                           "phase: {}\n"
                           "phases:\n"
                           "  build:\n"
                           "    commands:\n"
                           "      - echo a: b\n");
    assert_string_equal(str_z(&arena, said),
                        "b.yml:2:1: warning: 'phase' is no key of a buildspec and is ignored; did "
                        "you mean 'phases'? [unknown-key]\n"
                        "b.yml:6:9: error: YAML reads this item of phases.build.commands as a "
                        "mapping because of the ': ' after 'echo a'; put the whole command in "
                        "single quotes [map-command]\n");
}

/* The codes of a buildspec's notes, with their lines: "set-alone@5 ". */
static const char *codes_of(const char *file, const char *text) {
    struct buildspec spec;
    struct err err = ERR_INIT;
    assert_int_equal(lint_buildspec(&arena, file, str_c(text), &spec, &err), 0);
    struct str all = S("");
    for (size_t i = 0; i < spec.errors.n; i++) {
        struct buildspec_note *n = &spec.errors.v[i];
        all = str_printf(&arena, "%s%s@%u ", all.p, n->code, n->line);
    }
    for (size_t i = 0; i < spec.warnings.n; i++) {
        struct buildspec_note *n = &spec.warnings.v[i];
        all = str_printf(&arena, "%s%s@%u ", all.p, n->code, n->line);
    }
    return all.p;
}

/* One command as a literal block: its first line is line 6. */
static void assert_command(const char *command, const char *codes) {
    struct str text = S("version: 0.2\nphases:\n  build:\n    commands:\n      - |\n");
    struct str rest = str_c(command);
    struct str line;
    while (str_cut(&rest, '\n', &line)) {
        text = str_printf(&arena, STR_FMT "        " STR_FMT "\n", STR_ARG(text), STR_ARG(line));
    }
    const char *said = codes_of("b.yml", text.p);
    if (strcmp(said, codes) != 0) {
        fail_msg("'%s': wanted '%s', not '%s'", command, codes, said);
    }
}

static void test_pipes_that_hide_a_failure_are_named_and_others_not(void **state) {
    (void)state;
    assert_command("make 2>&1 | tee log", "pipe-hides-failure@6 ");
    assert_command("ID=$(aws sts get-caller-identity | jq -r .Account)", "pipe-hides-failure@6 ");
    assert_command("curl -s https://example.com/x.sh | sudo -E bash -", "pipe-hides-failure@6 ");
    assert_command("echo x | tee log", "");
    assert_command("printf x | sha256sum | cut -c 1-7", "");
    assert_command("aws ecr get-login-password | docker login --password-stdin", "");
    assert_command("set -o pipefail; make | tee log", "");
    assert_command("if make | grep -q error; then exit 1; fi", "");
    assert_command("echo \"a | b\" 'make | tee' # make | tee", "");
    assert_command("terraform --version | head -n 1", "");
    assert_command("make || echo failed | tee log", "");
}

static void test_ignored_failures_are_named_but_for_idioms(void **state) {
    (void)state;
    assert_command("npm test || true", "or-true@6 ");
    assert_command("./deploy.sh || :", "or-true@6 ");
    assert_command("mkdir out || true", "");
    assert_command("terraform workspace new $ENV || true", "");
    assert_command("aws iam create-role --role-name r || true", "");
    assert_command("X=$(git describe || true)", "");
    assert_command("docker rm -f old || true", "");
}

static void test_blocks_that_hide_a_failure_are_named_and_others_not(void **state) {
    (void)state;
    assert_command("npm ci\nnpm test", "block-hides-failure@6 ");
    assert_command("echo begin\nif [ -d x ]; then\n  make a\n  make b\nfi",
                   "block-hides-failure@8 ");
    assert_command("make; echo done", "block-hides-failure@6 ");
    assert_command("set -e\nnpm ci\nnpm test", "");
    assert_command("set -euo pipefail\nnpm ci\nnpm test", "");
    assert_command("set -o errexit\nnpm ci\nnpm test", "");
    assert_command("npm ci &&\nnpm test", "");
    assert_command("npm ci || exit 1\nnpm test", "");
    assert_command("cd src\nexport A=1\necho $A\nmake", "");
    assert_command("make\nif [ $? -ne 0 ]; then exit 1; fi", "");
    assert_command("make report\nexit 1", "");
    assert_command("if true; then\n  make a\nelse\n  make b\nfi", "");
    assert_command("case x in\n  a) make a ;;\n  b) make b ;;\nesac", "");
    assert_command("cat > f <<EOF\nnpm ci\nnpm test\nEOF", "");
    assert_command("docker build \\\n  -t x .", "");
}

static void test_what_sh_refuses_is_named(void **state) {
    (void)state;
    assert_command("[[ $A == b* ]] && make", "needs-bash@5 ");
    assert_command("source ./x", "needs-bash@5 ");
    assert_command("echo ${A:0:7}", "needs-bash@5 ");
    assert_command("echo ${A/b/c}", "needs-bash@5 ");
    assert_command("cat <<< text", "needs-bash@5 ");
    assert_command("make &> log", "needs-bash@5 ");
    assert_command("A=(1 2)", "needs-bash@5 ");
    assert_command("echo ${A:-b} ${A%%.*} ${A#x} ${#A}", "");
    assert_command("echo '[[ $A ]]' \"<<<\"", "");
    assert_command("if true; then", "unfinished-command@5 ");
    assert_command("echo 'a", "unfinished-command@5 ");
    assert_command("echo $(date", "unfinished-command@5 ");
    assert_command("f() { echo x; }\nf", "");
    assert_string_equal(codes_of("b.yml", "version: 0.2\nenv: {shell: bash}\nphases: {build: "
                                          "{commands: ['source x']}}\n"),
                        "");
    assert_string_equal(codes_of("b.yml", "version: 0.2\nphases: {build: {commands: ['Write-Host "
                                          "$env:A']}}\n"),
                        "powershell@2 ");
}

static void test_set_on_its_own_is_named(void **state) {
    (void)state;
    assert_command("set -e", "set-alone@5 ");
    assert_command("set +x", "set-alone@5 ");
    assert_command("set -- a b", "");
    assert_command("set -e; make", "");
}

static void test_publishing_after_a_failed_build_is_named(void **state) {
    (void)state;
    const char *form = "version: 0.2\nphases:\n  build: {%scommands: [make]}\n  post_build:\n"
                       "    commands:\n      - %s\n      - echo done\n";
    struct {
        const char *build, *command, *codes;
    } cases[] = {
        {"", "docker push $REPOSITORY:$TAG", "post-build-after-failure@6 "},
        {"", "aws s3 sync out s3://site", "post-build-after-failure@6 "},
        {"", "mvn --batch-mode deploy", "post-build-after-failure@6 "},
        {"", "echo Build completed", ""},
        {"", "aws s3 ls s3://site", ""},
        {"", "'[ $CODEBUILD_BUILD_SUCCEEDING = 1 ] && docker push $REPOSITORY'", ""},
        {"on-failure: ABORT, ", "docker push $REPOSITORY:$TAG", ""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct buf text cleanup_buf;
        buf_init(&text, 4096);
        struct str rest = str_c(form);
        struct str part;
        str_cut(&rest, '%', &part);
        buf_add(&text, part);
        buf_add_z(&text, cases[i].build);
        str_cut(&rest, '%', &part);
        buf_add(&text, str_sub(part, 1, part.n));
        buf_add_z(&text, cases[i].command);
        buf_add(&text, str_sub(rest, 1, rest.n));
        assert_string_equal(codes_of("b.yml", buf_dup(&arena, &text).p), cases[i].codes);
    }
}

static void test_references_are_judged_by_their_form(void **state) {
    (void)state;
    const struct {
        const char *kind;
        const char *value;
        const char *codes;
    } cases[] = {
        {"parameter-store", "/a/b.c-d_e", ""},
        {"parameter-store", "name:3", ""},
        {"parameter-store", "/a/$ENV/${STAGE}/x:label", ""},
        {"parameter-store", "$ROOT/x", ""},
        {"parameter-store", "${ROOT}/x", ""},
        {"parameter-store", "arn:aws:ssm:eu-west-2:111111111111:parameter/a", ""},
        {"parameter-store", "arn:aws:s3:::a", "parameter-name@2 "},
        {"parameter-store", "a/b", "parameter-name@2 "},
        {"parameter-store", "/a//b", "parameter-name@2 "},
        {"parameter-store", "/a/", "parameter-name@2 "},
        {"parameter-store", "/a/$", "parameter-name@2 "},
        {"parameter-store", "/a/${B", "parameter-name@2 "},
        {"parameter-store", "/a b", "parameter-name@2 "},
        {"parameter-store", ":3", "parameter-name@2 "},
        {"parameter-store", "/1/2/3/4/5/6/7/8/9/0/1/2/3/4/5", ""},
        {"parameter-store", "/1/2/3/4/5/6/7/8/9/0/1/2/3/4/5/6", "parameter-name@2 "},
        {"parameter-store", "0755", "parameter-name@2 "},
        {"parameter-store", "yes", "parameter-name@2 "},
        {"secrets-manager", "db", ""},
        {"secrets-manager", "prod/$ENV:key:AWSPREVIOUS", ""},
        {"secrets-manager", "db:key::1234", ""},
        {"secrets-manager", "db:key:AWSCURRENT:1234", "secret-reference@2 "},
        {"secrets-manager", "arn:aws:secretsmanager:r:111111111111:secret:db-abc:key", ""},
        {"secrets-manager", "arn:aws:ssm:r:111111111111:parameter/a", "secret-reference@2 "},
        {"secrets-manager", ":key", "secret-reference@2 "},
        {"secrets-manager", "a:b:c:d:e", "secret-reference@2 "},
        {"secrets-manager", "a b", "secret-reference@2 "},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *spec = str_printf(&arena, "version: 0.2\nenv: {%s: {A: '%s'}}\nphases: {}\n",
                                      cases[i].kind, cases[i].value)
                               .p;
        const char *codes = codes_of("b.yml", spec);
        if (strcmp(codes, cases[i].codes) != 0) {
            fail_msg("%s: '%s'", cases[i].value, codes);
        }
    }
}

static void test_plans_and_what_is_applied_are_compared(void **state) {
    (void)state;
    const char *planned = "version: 0.2\nphases: {build: {commands: [terraform plan -out p.bin,\n"
                          "  terraform apply -auto-approve]}}\n";
    assert_string_equal(codes_of("b.yml", planned), "plan-not-applied@3 ");
    assert_string_equal(codes_of("ci/buildspec-plan.yml", planned),
                        "apply-in-plan@3 plan-not-applied@3 ");
    assert_string_equal(codes_of("ci/plan/buildspec.yml", planned),
                        "apply-in-plan@3 plan-not-applied@3 ");
    assert_string_equal(codes_of("/home/ada/test/buildspec.yml", planned), "plan-not-applied@3 ");
    assert_string_equal(codes_of("planet.yml",
                                 "version: 0.2\nphases: {build: {commands: [terraform "
                                 "apply p.bin -no-color]}}\n"),
                        "");
}

static void test_images_and_secondary_artifacts_are_looked_at(void **state) {
    (void)state;
    assert_command("docker run --rm -v $PWD:/x alpine make", "image-by-tag@5 ");
    assert_command("docker pull node:latest", "image-by-tag@5 ");
    assert_command("docker pull node:20.11", "");
    assert_command("docker build -t app:latest . && docker run app:latest", "");
    assert_string_equal(codes_of("b.yml", "version: 0.2\nphases: {}\nbatch:\n  build-list:\n"
                                          "  - {identifier: a, env: {image: 'node:20'}}\n"
                                          "  - {identifier: b, env: {image: 'x@sha256:00'}}\n"
                                          "  - {identifier: c, env: {image: 'aws/codebuild/"
                                          "standard:7.0'}}\n"),
                        "image-by-tag@5 ");
    assert_string_equal(codes_of("b.yml", "version: 0.2\nphases: {}\nartifacts:\n  files: [a]\n"
                                          "  secondary-artifacts:\n    a.b: {files: [x]}\n"
                                          "    c_d: {files: [x]}\n"),
                        "secondary-unreachable@6 ");
}

static void test_hostile_commands_cost_little(void **state) {
    (void)state;
    struct buf text cleanup_buf;
    buf_init(&text, 1024 * 1024);
    buf_add_z(&text, "version: 0.2\nphases: {build: {commands: ['");
    for (int i = 0; i < 60000; i++) {
        buf_add_z(&text, i % 3 ? "$(( `a |" : "${b (if ");
    }
    buf_add_z(&text, "']}}\n");
    assert_non_null(codes_of("b.yml", buf_dup(&arena, &text).p));
}

static void test_rules_are_sorted_and_each_code_stands_once(void **state) {
    (void)state;
    size_t n;
    const struct lint_rule *rules = lint_rules(&n);
    assert_true(n > 30);
    for (size_t i = 1; i < n; i++) {
        assert_true(strcmp(rules[i - 1].code, rules[i].code) < 0);
    }
}

static void test_json_shows_the_file_as_it_was_read(void **state) {
    (void)state;
    struct buildspec spec;
    struct err err = ERR_INIT;
    const char *text = "version: 0.2\n"
                       "env: {variables: {A: 0755, B: true}}\n"
                       "phases: {build: {commands: make, finally: [clean]}}\n"
                       "artifacts: {files: out}\n"
                       "cache: {paths: [x]}\n";
    assert_int_equal(lint_buildspec(&arena, "b.yml", str_c(text), &spec, &err), 0);
    json_t *json cleanup_json = lint_json("b.yml", &spec);
    assert_string_equal(
        str_z(&arena, json_dump_str(&arena, json)),
        "{\"file\":\"b.yml\",\"valid\":true,\"errors\":[],\"warnings\":[],\"buildspec\":{"
        "\"version\":\"0.2\",\"env\":{\"shell\":\"sh\",\"variables\":{\"A\":\"0755\",\"B\":"
        "\"true\"}"
        ",\"parameter-store\":{},\"secrets-manager\":{},\"exported-variables\":[]},\"phases\":{"
        "\"build\":{\"commands\":[\"make\"],\"finally\":[\"clean\"]}},\"artifacts\":{\"files\":["
        "\"out\"],\"exclude-paths\":[]},\"cache\":{\"paths\":[\"x\"],\"fallback-keys\":[]}}}");
}

static void test_broken_yaml_is_one_error_with_its_place(void **state) {
    (void)state;
    assert_string_equal(str_z(&arena, lint("version: 0.2\nphases: [\n")),
                        "b.yml:3:1: error: did not find expected node content [yaml]\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_notes_come_in_the_order_of_the_file),
        cmocka_unit_test(test_pipes_that_hide_a_failure_are_named_and_others_not),
        cmocka_unit_test(test_ignored_failures_are_named_but_for_idioms),
        cmocka_unit_test(test_blocks_that_hide_a_failure_are_named_and_others_not),
        cmocka_unit_test(test_what_sh_refuses_is_named),
        cmocka_unit_test(test_set_on_its_own_is_named),
        cmocka_unit_test(test_publishing_after_a_failed_build_is_named),
        cmocka_unit_test(test_references_are_judged_by_their_form),
        cmocka_unit_test(test_plans_and_what_is_applied_are_compared),
        cmocka_unit_test(test_images_and_secondary_artifacts_are_looked_at),
        cmocka_unit_test(test_hostile_commands_cost_little),
        cmocka_unit_test(test_rules_are_sorted_and_each_code_stands_once),
        cmocka_unit_test(test_json_shows_the_file_as_it_was_read),
        cmocka_unit_test(test_broken_yaml_is_one_error_with_its_place),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
