/* Which changes start a pipeline: one table of filters, and what is watched. */
#include "../cmocka_.h"

#include "flow/trigger/filter.h"

#define PIPELINE(configuration, triggers)                                                          \
    "{\"name\":\"p\",\"roleArn\":\"r\",\"artifactStore\":{\"type\":\"S3\",\"location\":\"b\"},"    \
    "\"stages\":[{\"name\":\"Source\",\"actions\":[{\"name\":\"Trunk\",\"actionTypeId\":{"         \
    "\"category\":\"Source\",\"owner\":\"AWS\",\"provider\":\"CodeStarSourceConnection\","         \
    "\"version\":\"1\"},\"configuration\":{\"BranchName\":\"main\"" configuration "},"             \
    "\"outputArtifacts\":[{\"name\":\"source\"}]}]}],\"triggers\":[" triggers "]}"

#define TRIGGER(git)                                                                               \
    "{\"providerType\":\"CodeStarSourceConnection\",\"gitConfiguration\":{"                        \
    "\"sourceActionName\":\"Trunk\"" git "}}"

struct world {
    struct arena arena;
    struct definition d;
    const struct def_action *source;
};

static struct world read_definition(const char *json) {
    struct world w = {.arena = ARENA_INIT};
    struct err err = ERR_INIT;
    if (definition_parse(&w.arena, str_c(json), &w.d, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    w.source = &w.d.stages.v[0].actions.v[0];
    return w;
}

/* A change in words: "push main a.c docs/x", "tag v1", "OPEN main a.c"; files "?" = nobody can say,
 * "*" = too many. */
static bool starts(const char *json, const char *change) {
    struct world w = read_definition(json);
    struct str rest = str_c(change);
    struct str word = STR_NONE;
    struct str name = STR_NONE;
    struct str_list files = {0};
    struct trigger_event event = {.files = &files};
    assert_true(str_cut(&rest, ' ', &word) && str_cut(&rest, ' ', &name));
    if (str_is(word, "tag")) {
        event.tag = name;
    } else {
        event.branch = name;
        event.event = str_is(word, "push") ? STR_NONE : word;
    }
    while (str_cut(&rest, ' ', &word)) {
        if (str_is(word, "?")) {
            event.files = NULL;
        } else if (str_is(word, "*")) {
            event.many = true;
        } else {
            *arena_push(&w.arena, &files) = word;
        }
    }
    bool passes = trigger_passes(&w.d, w.source, &event);
    arena_done(&w.arena);
    return passes;
}

/* What AWS's page on filtering says, one line each. */
#define BRANCHES                                                                                   \
    TRIGGER(",\"push\":[{\"branches\":{\"includes\":[\"main\",\"release/**\"],"                    \
            "\"excludes\":[\"release/old*\"]}}]")
#define PATHS                                                                                      \
    TRIGGER(",\"push\":[{\"branches\":{\"includes\":[\"main\"]},\"filePaths\":{"                   \
            "\"includes\":[\"src/**\"],\"excludes\":[\"**/*.md\"]}}]")
#define EXCLUDED                                                                                   \
    TRIGGER(",\"push\":[{\"branches\":{\"includes\":[\"main\"]},\"filePaths\":{"                   \
            "\"excludes\":[\"docs/**\",\"*.md\"]}}]")
#define TAGS TRIGGER(",\"push\":[{\"tags\":{\"includes\":[\"v*\"],\"excludes\":[\"v*-rc?\"]}}]")
#define EITHER                                                                                     \
    TRIGGER(",\"push\":[{\"branches\":{\"includes\":[\"main\"]}},{\"tags\":{"                      \
            "\"includes\":[\"v*\"]}}],\"pullRequest\":[{\"events\":[\"CLOSED\"],"                  \
            "\"branches\":{\"includes\":[\"main\"]}}]")
#define BOTH                                                                                       \
    TRIGGER(",\"push\":[{\"branches\":{\"includes\":[\"**\"]},\"tags\":{\"includes\":["            \
            "\"**\"]}}]")
#define ONLY_PATHS TRIGGER(",\"push\":[{\"filePaths\":{\"includes\":[\"src/**\"]}}]")
#define PULLS                                                                                      \
    TRIGGER(",\"pullRequest\":[{\"events\":[\"OPEN\",\"UPDATED\"],\"branches\":{"                  \
            "\"includes\":[\"main\"]},\"filePaths\":{\"includes\":[\"src/**\"]}}]")
#define ANY_PULL TRIGGER(",\"pullRequest\":[{}]")
#define OTHER                                                                                      \
    "{\"providerType\":\"CodeStarSourceConnection\",\"gitConfiguration\":{"                        \
    "\"sourceActionName\":\"Elsewhere\"}}"

static void test_filters_decide_as_documented(void **state) {
    static const struct {
        const char *json;
        const char *change;
        bool starts;
    } cases[] = {
        /* no triggers: the action's own branch, unless detection is off */
        {PIPELINE("", ""), "push main a", true},
        {PIPELINE("", ""), "push main ?", true},
        {PIPELINE("", ""), "push topic a", false},
        {PIPELINE("", ""), "tag v1 a", false},
        {PIPELINE("", ""), "OPEN main a", false},
        {PIPELINE(",\"DetectChanges\":\"false\"", ""), "push main a", false},
        {PIPELINE("", OTHER), "push main a", false},
        /* a trigger without filters */
        {PIPELINE("", TRIGGER("")), "push main a", true},
        {PIPELINE("", TRIGGER("")), "push topic a", false},
        {PIPELINE("", TRIGGER("")), "OPEN main a", false},
        {PIPELINE(",\"DetectChanges\":\"false\"", TRIGGER("")), "push main a", true},
        /* branches */
        {PIPELINE("", BRANCHES), "push main a", true},
        {PIPELINE("", BRANCHES), "push release/1/2 a", true},
        {PIPELINE("", BRANCHES), "push release/old1 a", false},
        {PIPELINE("", BRANCHES), "push release a", false},
        {PIPELINE("", BRANCHES), "push release/1 ?", true},
        {PIPELINE("", BRANCHES), "tag main a", false},
        {PIPELINE("", BRANCHES), "OPEN main a", false},
        /* branches and files: both, each file for itself */
        {PIPELINE("", PATHS), "push main src/a.c", true},
        {PIPELINE("", PATHS), "push main src/a.md", false},
        {PIPELINE("", PATHS), "push main src/a.md src/deep/b", true},
        {PIPELINE("", PATHS), "push main lib/a.c", false},
        {PIPELINE("", PATHS), "push topic src/a.c", false},
        {PIPELINE("", PATHS), "push main ?", false},
        {PIPELINE("", PATHS), "push main *", true},
        {PIPELINE("", PATHS), "push topic *", false},
        {PIPELINE("", EXCLUDED), "push main docs/a README.md", false},
        {PIPELINE("", EXCLUDED), "push main docs/a docs", true},
        {PIPELINE("", EXCLUDED), "push main sub/README.md", true},
        {PIPELINE("", EXCLUDED), "push main ?", false},
        /* tags */
        {PIPELINE("", TAGS), "tag v1 ?", true},
        {PIPELINE("", TAGS), "tag v1-rc1 ?", false},
        {PIPELINE("", TAGS), "tag x/v1 ?", false},
        {PIPELINE("", TAGS), "push v1 a", false},
        {PIPELINE("", TAGS), "push main a", false},
        /* several filters: one is enough; inside one, all */
        {PIPELINE("", EITHER), "push main a", true},
        {PIPELINE("", EITHER), "tag v2 ?", true},
        {PIPELINE("", EITHER), "CLOSED main a", true},
        {PIPELINE("", EITHER), "OPEN main a", false},
        {PIPELINE("", EITHER), "push topic a", false},
        {PIPELINE("", BOTH), "push main a", false},
        {PIPELINE("", BOTH), "tag v1 ?", false},
        {PIPELINE("", ONLY_PATHS), "push main src/a", true},
        {PIPELINE("", ONLY_PATHS), "push topic src/a", false},
        /* pull requests, by their destination */
        {PIPELINE("", PULLS), "OPEN main src/a", true},
        {PIPELINE("", PULLS), "UPDATED main src/a", true},
        {PIPELINE("", PULLS), "CLOSED main src/a", false},
        {PIPELINE("", PULLS), "OPEN topic src/a", false},
        {PIPELINE("", PULLS), "OPEN main lib/a", false},
        {PIPELINE("", PULLS), "push main src/a", false},
        {PIPELINE("", ANY_PULL), "CLOSED anything a", true},
        {PIPELINE("", ANY_PULL), "push main a", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (starts(cases[i].json, cases[i].change) != cases[i].starts) {
            fail_msg("'%s' %s start %s", cases[i].change, cases[i].starts ? "does not" : "does",
                     cases[i].json);
        }
    }
}

static bool watches(const char *json) {
    struct world w = read_definition(json);
    bool does = trigger_watches(&w.d, w.source);
    arena_done(&w.arena);
    return does;
}

static bool wants(const char *json, const char *ref) {
    struct world w = read_definition(json);
    bool does = trigger_wants_ref(&w.d, w.source, str_c(ref));
    arena_done(&w.arena);
    return does;
}

static bool only(const char *json, const char *ref) {
    struct world w = read_definition(json);
    bool same = str_is(trigger_only_ref(&w.arena, &w.d, w.source), ref);
    arena_done(&w.arena);
    return same;
}

static void test_only_what_may_start_a_pipeline_is_watched(void **state) {
    (void)state;
    assert_true(watches(PIPELINE("", "")));
    assert_false(watches(PIPELINE(",\"DetectChanges\":\"false\"", "")));
    assert_false(watches(PIPELINE("", OTHER)));
    assert_false(watches(PIPELINE("", PULLS)));
    assert_true(watches(PIPELINE("", TAGS)));
    assert_true(wants(PIPELINE("", ""), "refs/heads/main"));
    assert_false(wants(PIPELINE("", ""), "refs/heads/topic"));
    assert_true(wants(PIPELINE("", TAGS), "refs/tags/v1"));
    assert_false(wants(PIPELINE("", TAGS), "refs/heads/v1"));
    assert_false(wants(PIPELINE("", TAGS), "refs/heads/main"));
    assert_true(wants(PIPELINE("", BRANCHES), "refs/heads/release/7"));
    assert_false(wants(PIPELINE("", BRANCHES), "refs/pull/1/head"));
    assert_true(only(PIPELINE("", ""), "refs/heads/main"));
    assert_true(only(PIPELINE("", ONLY_PATHS), "refs/heads/main"));
    assert_true(only(PIPELINE("", BRANCHES), ""));
    assert_true(only(PIPELINE("", EITHER), ""));
}

static struct str fingerprint(struct arena *a, const char *json) {
    struct world w = read_definition(json);
    struct str digest = str_dup(a, trigger_fingerprint(&w.arena, &w.d, w.source));
    arena_done(&w.arena);
    return digest;
}

static void test_another_wish_has_another_fingerprint(void **state) {
    struct arena a = ARENA_INIT;
    (void)state;
    struct str paths = fingerprint(&a, PIPELINE("", PATHS));
    assert_true(str_eq(paths, fingerprint(&a, PIPELINE("", EXCLUDED)))); /* the same branches */
    assert_false(str_eq(paths, fingerprint(&a, PIPELINE("", BRANCHES))));
    assert_false(str_eq(paths, fingerprint(&a, PIPELINE("", ""))));
    assert_false(
        str_eq(fingerprint(&a, PIPELINE("", TAGS)), fingerprint(&a, PIPELINE("", EITHER))));
    arena_done(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_filters_decide_as_documented),
        cmocka_unit_test(test_only_what_may_start_a_pipeline_is_watched),
        cmocka_unit_test(test_another_wish_has_another_fingerprint),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
