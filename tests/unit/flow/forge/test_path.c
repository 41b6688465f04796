/* Paths into JSON, as filters of pipelines' webhooks use them. */
#include "../../cmocka_.h"

#include "flow/forge/path.h"
#include "platform/text/json.h"

static const char body[] =
    "{\"ref\":\"refs/heads/"
    "main\",\"n\":3,\"f\":2.5,\"yes\":true,\"no\":null,\"a.b\":\"dotted\",\"\":"
    "\"empty\",\"commits\":[{\"id\":\"x\",\"files\":[\"a\",\"b\"]},{\"id\":\"y\",\"files\":[]}],"
    "\"deep\":{\"er\":{\"est\":\"z\"}},\"list\":[1,2]}";

static bool matches(const char *path, const char *text) {
    struct err err = ERR_INIT;
    json_t *root cleanup_json = json_parse(str_c(body), &err);
    assert_non_null(root);
    return forge_path_matches(root, str_c(path), str_c(text));
}

static void test_paths_select_by_name_number_and_any(void **state) {
    static const struct {
        const char *path;
        const char *text; /* NULL: anything but null */
        bool matches;
    } cases[] = {
        {"$.ref", "refs/heads/main", true},
        {"$.ref", "refs/heads/mai", false},
        {"$['ref']", "refs/heads/main", true},
        {"$[\"ref\"]", "refs/heads/main", true},
        {"$['a.b']", "dotted", true},
        {"$['']", "empty", true},
        {"$.a.b", NULL, false},
        {"$.n", "3", true},
        {"$.n", "3.0", false},
        {"$.f", "2.5", true},
        {"$.yes", "true", true},
        {"$.no", NULL, false},
        {"$.no", "null", false},
        {"$.none", NULL, false},
        {"$.list", NULL, true},
        {"$.list", "[1,2]", false},
        {"$.list[0]", "1", true},
        {"$.list[-1]", "2", true},
        {"$.list[2]", NULL, false},
        {"$.list[-3]", NULL, false},
        {"$.commits[1].id", "y", true},
        {"$.commits[*].id", "y", true},
        {"$.commits[*].id", "z", false},
        {"$.commits[*].files[*]", "b", true},
        {"$.deep.*.est", "z", true},
        {"$.ref[0]", NULL, false},
        {"$.ref.x", NULL, false},
        {"$", NULL, true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (matches(cases[i].path, cases[i].text) != cases[i].matches) {
            fail_msg("%s %s %s", cases[i].path, cases[i].matches ? "does not match" : "matches",
                     cases[i].text ? cases[i].text : "anything");
        }
    }
}

static void test_what_is_no_path_is_refused_with_its_column(void **state) {
    static const struct {
        const char *path;
        const char *what;
    } cases[] = {
        {"", "column 1"},
        {"ref", "column 1"},
        {"$ref", "column 2"},
        {"$.", "a name is missing"},
        {"$..ref", "'..'"},
        {"$.a[", "']' is missing"},
        {"$.a['b]", "']'"},
        {"$.a[0:2]", "in brackets"},
        {"$.a[?(@.b)]", "in brackets"},
        {"$.a b", "column 4"},
        {"$.a[99999999999]", "number"},
        {"$.a[0]b", "column 7"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct err err = ERR_INIT;
        assert_int_equal(forge_path_check(str_c(cases[i].path), &err), -1);
        if (strstr(err.msg, cases[i].what) == NULL) {
            fail_msg("'%s' says '%s', not '%s'", cases[i].path, err.msg, cases[i].what);
        }
        assert_false(matches(cases[i].path, NULL));
    }
}

/* 75 stars over nested lists: every combination would be 4^75 visits. */
static void test_stars_over_stars_end(void **state) {
    char path[151] = "$";
    struct err err = ERR_INIT;
    struct arena a = ARENA_INIT;
    struct str text = S("1");
    (void)state;
    for (size_t i = 0; i < 74; i++) {
        memcpy(path + 1 + 2 * i, ".*", 2);
    }
    path[149] = '\0';
    for (size_t i = 0; i < 6; i++) {
        text = str_printf(&a, "[%.*s,%.*s,%.*s,%.*s]", STR_ARG(text), STR_ARG(text), STR_ARG(text),
                          STR_ARG(text));
    }
    json_t *root cleanup_json = json_parse(text, &err);
    assert_non_null(root);
    assert_false(forge_path_matches(root, str_c(path), S("2")));
    assert_true(forge_path_matches(root, S("$[*][*][*][*][*][*]"), S("1")));
    arena_done(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paths_select_by_name_number_and_any),
        cmocka_unit_test(test_what_is_no_path_is_refused_with_its_column),
        cmocka_unit_test(test_stars_over_stars_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
