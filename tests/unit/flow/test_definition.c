/* Structures that are read, and what of them is refused because it does not run here. */
#include "../cmocka_.h"

#include "flow/definition/definition.h"
#include "flow/execution/available.h"
#include "flow/trigger/filter.h"

static struct arena arena;

static const char good[] =
    "{\"name\":\"p\",\"roleArn\":\"arn:aws:iam::111111111111:role/p\",\"artifactStore\":{\"type\":"
    "\"S3\",\"location\":\"bucket\"},\"stages\":[{\"name\":\"Source\",\"actions\":[{\"name\":"
    "\"Trunk\","
    "\"actionTypeId\":{\"category\":\"Source\",\"owner\":\"AWS\",\"provider\":"
    "\"CodeStarSourceConnection\",\"version\":\"1\"},\"configuration\":{\"ConnectionArn\":\"c\","
    "\"FullRepositoryId\":\"local/p\",\"BranchName\":\"main\"},\"outputArtifacts\":[{\"name\":"
    "\"source\"}]}]},{\"name\":\"Build\",\"actions\":[{\"name\":\"Unit\",\"actionTypeId\":{"
    "\"category\":"
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
    assert_int_equal(execution_available(&d, &got, &err), -1);
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
    if (definition_check(&d, STR_NONE, &fault, &err) < 0 ||
        execution_available(&d, &fault, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    assert_true(trigger_watches(&d, &d.stages.v[0].actions.v[0]));
}

/* What CodePipeline takes and this program does not carry out yet. */
static void test_what_does_not_run_here_is_refused_by_name(void **state) {
    (void)state;
    refuses(with("\"provider\":\"CodeBuild\"", "\"provider\":\"DeviceFarm\""), DEF_FAULT_ACTION,
            "DeviceFarm is not available here yet; docs/limits.md");
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
        cmocka_unit_test(test_what_does_not_run_here_is_refused_by_name),
        cmocka_unit_test(test_text_that_is_no_json_is_refused),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_done(&arena);
    return failed;
}
