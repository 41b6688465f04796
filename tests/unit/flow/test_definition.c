/* What is wrong with a pipeline's structure, as CodePipeline says it. */
#include "../cmocka_.h"

#include "flow/definition/definition.h"

static struct arena arena;

static const char good[] =
    "{\"name\":\"p\",\"roleArn\":\"arn:aws:iam::111111111111:role/p\",\"artifactStore\":{\"type\":"
    "\"S3\",\"location\":\"bucket\"},\"stages\":[{\"name\":\"Source\",\"actions\":[{\"name\":\"Trunk\","
    "\"actionTypeId\":{\"category\":\"Source\",\"owner\":\"AWS\",\"provider\":"
    "\"CodeStarSourceConnection\",\"version\":\"1\"},\"configuration\":{\"ConnectionArn\":\"c\","
    "\"FullRepositoryId\":\"local/p\",\"BranchName\":\"main\"},\"outputArtifacts\":[{\"name\":"
    "\"source\"}]}]},{\"name\":\"Build\",\"actions\":[{\"name\":\"Unit\",\"actionTypeId\":{\"category\":"
    "\"Build\",\"owner\":\"AWS\",\"provider\":\"CodeBuild\",\"version\":\"1\"},\"configuration\":{"
    "\"ProjectName\":\"unit\"},\"inputArtifacts\":[{\"name\":\"source\"}]}]}]}";

/* The structure with one piece of its text replaced. */
static struct str with(const char *from, const char *to) {
    struct str text = str_c(good);
    size_t at = str_find(text, str_c(from), 0);
    assert_true(at != (size_t)-1);
    return str_printf(&arena, "%.*s%s%.*s", STR_ARG(str_sub(text, 0, at)), to,
                      STR_ARG(str_sub(text, at + strlen(from), text.n)));
}

static void refuses(struct str json, enum def_fault fault, const char *words) {
    struct definition d;
    struct err err = ERR_INIT;
    enum def_fault got = DEF_FAULT_NONE;
    assert_int_equal(definition_parse(&arena, json, &d, &err), 0);
    assert_int_equal(definition_check(&d, &got, &err), -1);
    assert_int_equal(got, fault);
    if (strstr(err.msg, words) == NULL) {
        fail_msg("'%s' does not say '%s'", err.msg, words);
    }
}

static void test_good_structure_passes(void **state) {
    (void)state;
    struct definition d;
    struct err err = ERR_INIT;
    enum def_fault fault = DEF_FAULT_NONE;
    assert_int_equal(definition_parse(&arena, str_c(good), &d, &err), 0);
    if (definition_check(&d, &fault, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    assert_true(definition_watches(&d, &d.stages.v[0].actions.v[0]));
}

static void test_each_mistake_is_named(void **state) {
    (void)state;
    refuses(with("\"name\":\"Build\"", "\"name\":\"Source\""), DEF_FAULT_STAGE, "Two stages");
    refuses(with("\"inputArtifacts\":[{\"name\":\"source\"}]", "\"inputArtifacts\":[{\"name\":\"x\"}]"),
            DEF_FAULT_ACTION, "not an output of an earlier action");
    refuses(with("\"BranchName\":\"main\"", "\"Other\":\"main\""), DEF_FAULT_ACTION, "'BranchName'");
    refuses(with("\"category\":\"Build\"", "\"category\":\"Source\""), DEF_FAULT_STRUCTURE,
            "outside of the first stage");
    refuses(with("\"provider\":\"CodeBuild\"", "\"provider\":\"Jenkins\""), DEF_FAULT_ACTION,
            "docs/limits.md");
    refuses(with("\"name\":\"p\"", "\"name\":\"p q\""), DEF_FAULT_STRUCTURE, "'p q'");
    refuses(with("\"location\":\"bucket\"", "\"region\":\"x\""), DEF_FAULT_STRUCTURE,
            "artifact store");
    refuses(with("\"name\":\"p\"", "\"name\":\"p\",\"executionMode\":\"QUEUED\""),
            DEF_FAULT_STRUCTURE, "QUEUED");
    refuses(with("\"name\":\"Build\",", "\"name\":\"Build\",\"onFailure\":{\"result\":\"ROLLBACK\"},"),
            DEF_FAULT_STAGE, "onFailure");
    refuses(with("\"name\":\"Build\",", "\"name\":\"Build\",\"beforeEntry\":{\"conditions\":[{\"result\":"
                                        "\"SKIP\",\"rules\":[]}]},"),
            DEF_FAULT_STAGE, "SKIP");
}

static void test_text_that_is_no_json_is_refused(void **state) {
    (void)state;
    struct definition d;
    struct err err = ERR_INIT;
    assert_int_equal(definition_parse(&arena, S("{"), &d, &err), -1);
    assert_int_equal(definition_parse(&arena, S("[]"), &d, &err), -1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_structure_passes),
        cmocka_unit_test(test_each_mistake_is_named),
        cmocka_unit_test(test_text_that_is_no_json_is_refused),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_done(&arena);
    return failed;
}
