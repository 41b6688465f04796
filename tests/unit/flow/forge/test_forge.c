/* Events of git hosts and the filters over them. */
#include "../../cmocka_.h"

#include "flow/forge/filter.h"
#include "flow/forge/status.h"

static struct arena arena;
static struct err err;

static struct forge_event read_event(const char *server, const char *kind, const char *body) {
    struct forge_event e;
    struct forge_notice notice = {str_c(server), str_c(kind), str_c(body)};
    if (forge_event_read(&arena, &notice, &e, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    return e;
}

static void assert_text(struct str got, const char *wanted) {
    if (!str_is(got, wanted)) {
        fail_msg("got '%.*s', wanted '%s'", STR_ARG(got), wanted);
    }
}

#define GITHUB_PUSH                                                                                \
    "{\"ref\":\"refs/heads/main\",\"before\":\"aaaa\",\"after\":\"bbbb\",\"sender\":{\"id\":42},"  \
    "\"repository\":{\"name\":\"app\",\"owner\":{\"login\":\"team\"}},"                            \
    "\"head_commit\":{\"message\":\"Fix [CodeBuild]\"},"                                           \
    "\"commits\":[{\"added\":[\"docs/a.md\"],\"modified\":[\"src/x.c\"],\"removed\":[]}]}"

#define GITHUB_PR(action, merged)                                                                  \
    "{\"action\":\"" action                                                                        \
    "\",\"sender\":{\"id\":7},\"pull_request\":{\"number\":12,\"merged\":" merged                  \
    ",\"merge_commit_sha\":\"mmmm\",\"head\":{\"ref\":\"feature\",\"sha\":\"hhhh\"},"              \
    "\"base\":{\"ref\":\"main\",\"sha\":\"cccc\"}}}"

static void test_a_push_to_github_names_its_commit_files_and_author(void **state) {
    (void)state;
    struct forge_event e = read_event("GITHUB", "push", GITHUB_PUSH);
    assert_text(e.type, "PUSH");
    assert_text(e.version, "bbbb");
    assert_text(e.prev_commit, "aaaa");
    assert_text(e.head_ref, "refs/heads/main");
    assert_text(e.trigger, "branch/main");
    assert_text(e.actor, "42");
    assert_text(e.message, "Fix [CodeBuild]");
    assert_text(e.repository, "app");
    assert_text(e.organization, "team");
    assert_int_equal(e.paths.n, 2);
    e = read_event("GITHUB", "push", "{\"ref\":\"refs/tags/v1\",\"before\":\"0\",\"after\":\"b\"}");
    assert_text(e.trigger, "tag/v1");
}

static void test_pull_requests_of_github_map_to_codebuilds_events(void **state) {
    (void)state;
    struct forge_event e =
        read_event("GITHUB_ENTERPRISE", "pull_request", GITHUB_PR("opened", "false"));
    assert_text(e.type, "PULL_REQUEST_CREATED");
    assert_text(e.version, "pr/12");
    assert_text(e.trigger, "pr/12");
    assert_text(e.base_ref, "refs/heads/main");
    assert_text(e.head_ref, "refs/heads/feature");
    assert_null(e.merge_commit.p);
    assert_text(read_event("GITHUB", "pull_request", GITHUB_PR("synchronize", "false")).type,
                "PULL_REQUEST_UPDATED");
    assert_text(read_event("GITHUB", "pull_request", GITHUB_PR("reopened", "false")).type,
                "PULL_REQUEST_REOPENED");
    assert_text(read_event("GITHUB", "pull_request", GITHUB_PR("closed", "false")).type,
                "PULL_REQUEST_CLOSED");
    e = read_event("GITHUB", "pull_request", GITHUB_PR("closed", "true"));
    assert_text(e.type, "PULL_REQUEST_MERGED");
    assert_text(e.merge_commit, "mmmm");
    e = read_event("GITHUB", "pull_request", GITHUB_PR("labeled", "false"));
    assert_null(e.type.p);
    assert_true(e.ignored.n > 0);
}

static void test_gitlab_and_bitbucket_say_the_same_in_their_words(void **state) {
    (void)state;
    struct forge_event e =
        read_event("GITLAB", "Push Hook",
                   "{\"ref\":\"refs/heads/dev\",\"before\":\"aa\",\"after\":\"bb\",\"user_id\":3,"
                   "\"commits\":[{\"message\":\"old\",\"added\":[\"x\"]},{\"message\":\"new\"}]}");
    assert_text(e.type, "PUSH");
    assert_text(e.actor, "3");
    assert_text(e.message, "new");
    e = read_event("GITLAB_SELF_MANAGED", "Merge Request Hook",
                   "{\"user\":{\"id\":9},\"object_attributes\":{\"iid\":5,\"action\":\"update\","
                   "\"oldrev\":\"oo\",\"source_branch\":\"f\",\"target_branch\":\"main\","
                   "\"last_commit\":{\"id\":\"cc\",\"message\":\"m\"}}}");
    assert_text(e.type, "PULL_REQUEST_UPDATED");
    assert_text(e.version, "pr/5");
    e = read_event(
        "GITLAB", "Merge Request Hook",
        "{\"object_attributes\":{\"iid\":5,\"action\":\"update\",\"source_branch\":\"f\"}}");
    assert_null(e.type.p);
    e = read_event("BITBUCKET", "repo:push",
                   "{\"actor\":{\"account_id\":\"557\"},\"push\":{\"changes\":[{\"new\":{\"type\":"
                   "\"branch\",\"name\":\"main\",\"target\":{\"hash\":\"nn\",\"message\":\"hi\"}},"
                   "\"old\":{\"target\":{\"hash\":\"oo\"}}}]}}");
    assert_text(e.type, "PUSH");
    assert_text(e.version, "nn");
    assert_text(e.prev_commit, "oo");
    e = read_event("BITBUCKET", "pullrequest:fulfilled",
                   "{\"pullrequest\":{\"id\":4,\"source\":{\"branch\":{\"name\":\"f\"},\"commit\":{"
                   "\"hash\":\"ss\"}},\"destination\":{\"branch\":{\"name\":\"main\"}},"
                   "\"merge_commit\":{\"hash\":\"mm\"}}}");
    assert_text(e.type, "PULL_REQUEST_MERGED");
    assert_text(e.version, "ss");
    assert_text(e.trigger, "pr/4");
}

static void test_releases_name_their_tag(void **state) {
    (void)state;
    struct forge_event e =
        read_event("GITHUB", "release",
                   "{\"action\":\"released\",\"release\":{\"tag_name\":\"v2\",\"name\":\"Two\"}}");
    assert_text(e.type, "RELEASED");
    assert_text(e.version, "v2");
    assert_text(e.release, "Two");
}

static void test_deletions_pings_and_other_events_start_nothing(void **state) {
    (void)state;
    const char *deleted = "{\"ref\":\"refs/heads/x\",\"before\":\"a\",\"after\":"
                          "\"0000000000000000000000000000000000000000\"}";
    assert_null(read_event("GITHUB", "push", deleted).type.p);
    assert_null(read_event("GITHUB", "ping", "{\"zen\":\"x\"}").type.p);
    assert_null(read_event("GITHUB", "star", "{}").type.p);
    assert_null(read_event("GITHUB", "push", "{\"ref\":\"refs/notes/x\"}").type.p);
    assert_null(
        read_event("BITBUCKET", "repo:push", "{\"push\":{\"changes\":[{\"new\":null}]}}").type.p);
}

static void test_damaged_events_are_errors_and_never_builds(void **state) {
    (void)state;
    const char *const bodies[] = {"",
                                  "[]",
                                  "nonsense",
                                  "{\"ref\":\"refs/heads/x\"}",
                                  "{\"ref\":\"refs/heads/a\\u0001b\",\"after\":\"b\"}",
                                  "{\"ref\":\"refs/heads/x\",\"after\":\"b\\n\"}"};
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        struct forge_event e;
        struct forge_notice notice = {S("GITHUB"), S("push"), str_c(bodies[i])};
        if (i == 3) { /* no commit: nothing that could be built */
            assert_int_equal(forge_event_read(&arena, &notice, &e, &err), 0);
            assert_null(e.type.p);
            continue;
        }
        assert_int_equal(forge_event_read(&arena, &notice, &e, &err), -1);
        assert_int_equal(err.kind, ERR_INVALID);
    }
}

/* ---- filters ---- */

#define FILTER(type, pattern, exclude)                                                             \
    { S_INIT(type), S_INIT(pattern), exclude, true }

static int match(struct codebuild_webhook_filter *v, size_t n, const struct forge_event *e) {
    struct codebuild_webhook_filter_list group = {v, n};
    struct codebuild_webhook w = {.filter_groups = {&group, 1}};
    if (forge_filter_check(&arena, &w, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    return forge_filter_match(&arena, &w, e, &err);
}

static void test_filters_of_a_group_must_all_match(void **state) {
    (void)state;
    struct forge_event e = read_event("GITHUB", "push", GITHUB_PUSH);
    const struct {
        const char *type;
        const char *pattern;
        bool exclude;
        int wanted;
    } cases[] = {
        {"HEAD_REF", "^refs/heads/main$", false, 1},
        {"HEAD_REF", "^refs/heads/ma$", false, 0},
        {"HEAD_REF", "^refs/heads/main$", true, 0},
        {"FILE_PATH", "^src/", false, 1},
        {"FILE_PATH", "^lib/", false, 0},
        {"FILE_PATH", "^docs/", true, 0},
        {"FILE_PATH", "^lib/", true, 1},
        {"COMMIT_MESSAGE", "\\[CodeBuild\\]", false, 1},
        {"ACTOR_ACCOUNT_ID", "^42$", false, 1},
        {"ACTOR_ACCOUNT_ID", "42", true, 0},
        {"BASE_REF", "main", false, 0},
        {"TAG_NAME", ".*", false, 0},
        {"REPOSITORY_NAME", "app", false, 1},
        {"ORGANIZATION_NAME", "other", false, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct codebuild_webhook_filter v[] = {
            FILTER("EVENT", "PULL_REQUEST_CREATED, PUSH", false),
            {str_c(cases[i].type), str_c(cases[i].pattern), cases[i].exclude, true}};
        int got = match(v, 2, &e);
        if (got != cases[i].wanted) {
            fail_msg("%s %s exclude=%d: %d", cases[i].type, cases[i].pattern, cases[i].exclude,
                     got);
        }
    }
    struct codebuild_webhook_filter other[] = {FILTER("EVENT", "PULL_REQUEST_CREATED", false)};
    assert_int_equal(match(other, 1, &e), 0);
}

static void test_any_group_is_enough(void **state) {
    (void)state;
    struct forge_event e = read_event("GITHUB", "push", GITHUB_PUSH);
    struct codebuild_webhook_filter no[] = {FILTER("EVENT", "RELEASED", false)};
    struct codebuild_webhook_filter yes[] = {FILTER("EVENT", "PUSH", false)};
    struct codebuild_webhook_filter_list groups[] = {{no, 1}, {yes, 1}};
    struct codebuild_webhook w = {.filter_groups = {groups, 2}};
    assert_int_equal(forge_filter_match(&arena, &w, &e, &err), 1);
    w.filter_groups.n = 1;
    assert_int_equal(forge_filter_match(&arena, &w, &e, &err), 0);
}

static int asks(struct codebuild_webhook_filter *v, size_t n, const struct forge_event *e) {
    struct codebuild_webhook_filter_list group = {v, n};
    struct codebuild_webhook w = {.filter_groups = {&group, 1}};
    return forge_filter_asks(&arena, &w, e, &err);
}

static void test_repository_is_asked_only_for_what_would_decide(void **state) {
    (void)state;
    struct codebuild_webhook_filter files[] = {FILTER("EVENT", "PULL_REQUEST_CREATED, PUSH", false),
                                               FILTER("FILE_PATH", "^src/", false),
                                               FILTER("BASE_REF", "main", false)};
    struct codebuild_webhook_filter message[] = {FILTER("EVENT", "PULL_REQUEST_CREATED", false),
                                                 FILTER("COMMIT_MESSAGE", "build", false)};
    struct forge_event e = {.type = S("PULL_REQUEST_CREATED"), .base_ref = S("refs/heads/main")};
    assert_int_equal(asks(files, 3, &e), 1);
    assert_int_equal(asks(files, 1, &e), 0);
    assert_int_equal(asks(message, 2, &e), 1);
    e.base_ref = S("refs/heads/other");
    assert_int_equal(asks(files, 3, &e), 0);
    e.message = S("known");
    assert_int_equal(asks(message, 2, &e), 0);
    e = (struct forge_event){.type = S("PUSH"), .base_ref = S("main")};
    assert_int_equal(asks(files, 3, &e), 0);
    e.type = S("PULL_REQUEST_CLOSED");
    assert_int_equal(asks(files, 3, &e), 0);
    assert_int_equal(asks(files, 0, &e), 0);
}

static void test_without_groups_the_branch_filter_takes_whole_names(void **state) {
    (void)state;
    struct forge_event push = read_event("GITHUB", "push", GITHUB_PUSH);
    struct forge_event closed = read_event("GITHUB", "pull_request", GITHUB_PR("closed", "true"));
    struct codebuild_webhook w = {0};
    assert_int_equal(forge_filter_match(&arena, &w, &push, &err), 1);
    assert_int_equal(forge_filter_match(&arena, &w, &closed, &err), 0);
    w.branch_filter = S("main|dev");
    assert_int_equal(forge_filter_match(&arena, &w, &push, &err), 1);
    w.branch_filter = S("mai");
    assert_int_equal(forge_filter_match(&arena, &w, &push, &err), 0);
}

static void test_filters_that_mean_nothing_are_refused(void **state) {
    (void)state;
    struct codebuild_webhook_filter cases[][2] = {
        {FILTER("HEAD_REF", "x", false), FILTER("HEAD_REF", "y", false)},
        {FILTER("EVENT", "PUSHED", false), FILTER("HEAD_REF", "y", false)},
        {FILTER("EVENT", "PUSH", false), FILTER("HEAD_REF", "(", false)},
        {FILTER("EVENT", "PUSH", false), FILTER("HEAD_REF", "(?=x)", false)},
        {FILTER("EVENT", "PUSH", false), FILTER("HEAD_REF", "(a)\\1", false)},
        {FILTER("EVENT", "PUSH", false), FILTER("EVENT", "PUSH", false)},
        {FILTER("EVENT", "WORKFLOW_JOB_QUEUED", false), FILTER("HEAD_REF", "x", false)},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct codebuild_webhook_filter_list group = {cases[i], 2};
        struct codebuild_webhook w = {.filter_groups = {&group, 1}};
        assert_int_equal(forge_filter_check(&arena, &w, &err), -1);
        assert_int_equal(err.kind, ERR_INVALID);
    }
}

static void test_a_pattern_that_explodes_elsewhere_is_linear_here(void **state) {
    (void)state;
    char text[4096];
    memset(text, 'a', sizeof(text));
    struct forge_event e = {.type = S("PUSH"), .head_ref = str_n(text, sizeof(text))};
    struct codebuild_webhook_filter v[] = {FILTER("EVENT", "PUSH", false),
                                           FILTER("HEAD_REF", "^(a+)+(a*)*$b", false)};
    assert_int_equal(match(v, 2, &e), 0);
}

static void test_each_host_is_told_at_its_own_address_in_its_own_words(void **state) {
    (void)state;
    const struct {
        const char *server;
        const char *location;
        bool mapped;
        const char *url;
        const char *word;
    } cases[] = {
        {"GITHUB", "https://github.com/o/n.git", false,
         "https://api.github.com/repos/o/n/statuses/c", "\"state\":\"failure\""},
        {"GITHUB", "http://git.example.org:81/o/n", true,
         "http://git.example.org:81/api/v3/repos/o/n/statuses/c", "\"context\":\"ctx\""},
        {"GITHUB_ENTERPRISE", "https://ghe.example.org/o/n", false,
         "https://ghe.example.org/api/v3/repos/o/n/statuses/c", "\"target_url\":\"https://t\""},
        {"GITLAB", "https://gitlab.com/g/sub/n.git", false,
         "https://gitlab.com/api/v4/projects/g%2Fsub%2Fn/statuses/c", "\"state\":\"failed\""},
        {"BITBUCKET", "https://bitbucket.org/o/n", false,
         "https://api.bitbucket.org/2.0/repositories/o/n/commit/c/statuses/build",
         "\"state\":\"FAILED\""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct http_call call;
        struct forge_status s = {.server = str_c(cases[i].server),
                                 .location = str_c(cases[i].location),
                                 .mapped = cases[i].mapped,
                                 .commit = S("c"),
                                 .state = S("FAILED"),
                                 .context = S("ctx"),
                                 .target_url = S("https://t"),
                                 .token = S("secret")};
        assert_int_equal(forge_status_call(&arena, &s, &call, &err), 0);
        assert_text(call.url, cases[i].url);
        assert_true(str_find(call.body, str_c(cases[i].word), 0) != (size_t)-1);
        assert_text(http_header(&call.headers, S("Authorization")), "Bearer secret");
        s.location = S("file:///srv/git/o/n.git");
        assert_int_equal(forge_status_call(&arena, &s, &call, &err), -1);
    }
}

static int done(void **state) {
    (void)state;
    arena_done(&arena);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_push_to_github_names_its_commit_files_and_author),
        cmocka_unit_test(test_pull_requests_of_github_map_to_codebuilds_events),
        cmocka_unit_test(test_gitlab_and_bitbucket_say_the_same_in_their_words),
        cmocka_unit_test(test_releases_name_their_tag),
        cmocka_unit_test(test_deletions_pings_and_other_events_start_nothing),
        cmocka_unit_test(test_damaged_events_are_errors_and_never_builds),
        cmocka_unit_test(test_filters_of_a_group_must_all_match),
        cmocka_unit_test(test_any_group_is_enough),
        cmocka_unit_test(test_repository_is_asked_only_for_what_would_decide),
        cmocka_unit_test(test_without_groups_the_branch_filter_takes_whole_names),
        cmocka_unit_test(test_filters_that_mean_nothing_are_refused),
        cmocka_unit_test(test_a_pattern_that_explodes_elsewhere_is_linear_here),
        cmocka_unit_test(test_each_host_is_told_at_its_own_address_in_its_own_words),
    };
    return cmocka_run_group_tests(tests, NULL, done);
}
