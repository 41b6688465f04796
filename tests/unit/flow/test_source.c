/* What executions are of, and what is seen of repositories: rows, and looks at real ones. */
#include "../cmocka_.h"

#include "flow/execution/apply.h"
#include "flow/source/place.h"
#include "flow/watch/look.h"
#include "platform/os/file.h"
#include "platform/os/process.h"
#include "platform/text/json.h"
#include "runtime/queue/queue.h"

#include <stdlib.h>

struct world {
    struct arena arena;
    struct clock_fake time;
    struct clock clock;
    struct flow flow;
    struct pipeline_row row;
    struct definition d;
    const char *dir;
    struct str url;
    struct err err;
};

/* Branches main and release/..., tags v..., and a filter on files of main. */
static const char definition[] =
    "{\"name\":\"p\",\"roleArn\":\"r\",\"artifactStore\":{\"type\":\"S3\",\"location\":\"b\"},"
    "\"stages\":[{\"name\":\"Source\",\"actions\":[{\"name\":\"Trunk\",\"actionTypeId\":{"
    "\"category\":\"Source\",\"owner\":\"AWS\",\"provider\":\"CodeStarSourceConnection\","
    "\"version\":\"1\"},\"configuration\":{\"ConnectionArn\":\"c\",\"FullRepositoryId\":\"o/n\","
    "\"BranchName\":\"main\"},\"outputArtifacts\":[{\"name\":\"source\"}]}]}],\"triggers\":[{"
    "\"gitConfiguration\":{\"sourceActionName\":\"Trunk\",\"push\":[{\"branches\":{\"includes\":["
    "\"main\"]},\"filePaths\":{\"excludes\":[\"docs/**\"]}},{\"branches\":{\"includes\":["
    "\"release/**\"]}},{\"tags\":{\"includes\":[\"v*\"]}}]}}]}";

static void run(struct world *w, const char *script) {
    const char *const argv[] = {"sh", "-ec", script, NULL};
    struct process_run spec = {.spec = PROCESS_SPEC_INIT, .timeout_ms = 30000};
    spec.spec.argv = argv;
    spec.spec.dir = w->dir;
    if (process_run(&w->arena, &spec, NULL, NULL, NULL, &w->err) < 0) {
        fail_msg("%s: %s", script, w->err.msg);
    }
}

static void define(struct world *w) {
    struct engine_plan plan = {.version = 1, .n = 1};
    plan.v = arena_new_n(&w->arena, struct engine_plan_stage, 1);
    plan.v[0].name = S("Source");
    *arena_push(&w->arena, &plan.v[0].actions) =
        (struct engine_plan_action){.name = S("Trunk"), .run_order = 1};
    w->row = (struct pipeline_row){.account = S("111111111111"),
                                   .region = S("eu-west-2"),
                                   .name = S("p"),
                                   .version = 1,
                                   .definition = str_c(definition)};
    assert_int_equal(db_begin(w->flow.db, &w->err), 0);
    assert_int_equal(execution_define(&w->flow, &w->arena, &w->row, &plan, &w->err), 0);
    assert_int_equal(db_commit(w->flow.db, &w->err), 0);
    assert_int_equal(definition_parse(&w->arena, w->row.definition, &w->d, &w->err), 0);
}

static int set_up(void **state) {
    struct world *w = calloc(1, sizeof(*w));
    const struct db_schema schemas[] = {queue_schema, record_schema, source_schema};
    *state = w;
    w->time.now_ms = 1795485120000;
    w->clock = clock_fake(&w->time);
    w->flow = (struct flow){.clock = &w->clock, .rng = &rng_system};
    setenv("GIT_CONFIG_GLOBAL", "/dev/null", 1);
    assert_int_equal(dir_make_temp(&w->arena, "trunkline-test-source", &w->dir, &w->err), 0);
    if (db_open("", schemas, 3, &w->flow.db, &w->err) < 0) {
        fail_msg("%s", w->err.msg);
    }
    w->flow.data_dir = str_printf(&w->arena, "%s/data", w->dir).p;
    w->url = str_printf(&w->arena, "file://%s/origin.git", w->dir);
    run(w, "git init -q --bare -b main origin.git && git clone -q origin.git work 2>/dev/null; cd "
           "work; git symbolic-ref HEAD refs/heads/main; git config user.name Ada; git config "
           "user.email ada@example.org");
    define(w);
    return 0;
}

static int tear_down(void **state) {
    struct world *w = *state;
    db_close(w->flow.db);
    int removed = tree_remove(w->dir, &w->err);
    arena_done(&w->arena);
    free(w);
    return removed;
}

static void look(struct world *w) {
    const struct trigger_source source = {&w->flow, &w->arena, &w->row, &w->d,
                                          &w->d.stages.v[0].actions.v[0]};
    if (look_at_git(&source, w->url, NULL, &w->err) < 0) {
        fail_msg("%s", w->err.msg);
    }
}

/* One look starts exactly these, oldest first: "main", "release/1", "tag v1". */
static void look_starts(struct world *w, const char *wanted) {
    struct execution_row_list before;
    struct execution_row_list after;
    struct str said = S("");
    assert_int_equal(db_begin(w->flow.db, &w->err), 0);
    assert_int_equal(
        record_execution_list(w->flow.db, &w->arena, w->row.id, 0, 100, &before, &w->err), 0);
    db_rollback(w->flow.db);
    look(w);
    assert_int_equal(db_begin(w->flow.db, &w->err), 0);
    assert_int_equal(
        record_execution_list(w->flow.db, &w->arena, w->row.id, 0, 100, &after, &w->err), 0);
    for (size_t i = after.n - before.n; i > 0; i--) {
        const struct execution_row *e = &after.v[i - 1];
        json_t *detail cleanup_json = json_parse(e->trigger_detail, &w->err);
        struct str tag = json_str(detail, "TagName");
        struct str pin = STR_NONE;
        assert_true(str_is(e->trigger_type, "WebhookV2"));
        assert_int_equal(
            source_pin_get(w->flow.db, &w->arena, e->id, S("Trunk"), "COMMIT_ID", &pin, &w->err),
            1);
        assert_true(str_eq(pin, json_str(detail, "CommitId")));
        said =
            str_printf(&w->arena, "%.*s%s%s%.*s", STR_ARG(said), said.n ? ", " : "",
                       tag.p ? "tag " : "", STR_ARG(tag.p ? tag : json_str(detail, "BranchName")));
    }
    db_rollback(w->flow.db);
    assert_string_equal(str_z(&w->arena, said), wanted);
}

/* The definition with these words instead of those. */
static void redefine(struct world *w, const char *from, const char *to) {
    struct str json = w->row.definition;
    size_t at = str_find(json, str_c(from), 0);
    assert_true(at != (size_t)-1);
    w->row.definition = str_printf(&w->arena, "%.*s%s%.*s", (int)at, json.p, to,
                                   STR_ARG(str_sub(json, at + strlen(from), json.n)));
    assert_int_equal(definition_parse(&w->arena, w->row.definition, &w->d, &w->err), 0);
}

static void test_each_moved_reference_starts_once_by_its_filter(void **state) {
    struct world *w = *state;
    run(w, "cd work; echo 1 > a; git add -A; git commit -qm one; git push -q origin main "
           "main:release/1 main:other");
    look_starts(w, ""); /* what was there before anybody looked */
    look_starts(w, "");
    run(w, "cd work; mkdir docs; echo 1 > docs/a; git add -A; git commit -qm docs; git push -q "
           "origin main main:other");
    look_starts(w, ""); /* only documents, and a branch that no filter names */
    run(w, "cd work; echo 2 > a; git commit -qam two; git push -q origin main");
    look_starts(w, "main");
    look_starts(w, "");
    run(w, "cd work; git tag v1; git tag -am note v2; git tag x; git push -q --tags origin "
           "main:release/1 main:release/new");
    look_starts(w, "release/1, release/new, tag v1, tag v2");
    run(w, "cd work; git push -q origin :release/1 :v1; echo 3 > a; git commit -qam three; git tag "
           "-f v2");
    look_starts(w, ""); /* what goes starts nothing */
    run(w, "cd work; git push -qf origin main:release/1 v2");
    look_starts(w, "release/1, tag v2");
}

static void test_first_push_of_a_branch_with_a_file_filter_starts_nothing(void **state) {
    struct world *w = *state;
    look_starts(w, ""); /* nothing is there yet */
    run(w, "cd work; echo 1 > a; git add -A; git commit -qm one; git push -q origin main");
    look_starts(w, "");
    run(w, "cd work; echo 2 > a; git commit -qam two; git push -q origin main");
    look_starts(w, "main");
}

static void test_rewritten_history_counts_every_file(void **state) {
    struct world *w = *state;
    run(w, "cd work; echo 1 > a; git add -A; git commit -qm one; git push -q origin main");
    look_starts(w, "");
    run(w,
        "cd work; mkdir docs; echo 1 > docs/a; git add -A; git commit -q --amend -m other; git "
        "push -qf origin main; cd ../origin.git; git reflog expire --expire=now --all; git gc -q "
        "--prune=now");
    look_starts(w, "main"); /* nobody has the old commit to compare with */
}

static void test_newly_wanted_references_are_not_new(void **state) {
    struct world *w = *state;
    run(w,
        "cd work; echo 1 > a; git add -A; git commit -qm one; git push -q origin main main:topic");
    look_starts(w, "");
    redefine(w, "release/**", "topic*");
    look_starts(w, "");
    run(w, "cd work; echo 2 > a; git commit -qam two; git push -q origin main:topic");
    look_starts(w, "topic");
}

static void test_a_release_before_the_first_look_is_where_the_branch_began(void **state) {
    struct world *w = *state;
    run(w, "cd work; echo 1 > a; git add -A; git commit -qm one; git push -q origin main");
    struct git_mirror mirror;
    struct str head = STR_NONE;
    assert_int_equal(git_mirror_open(&w->arena, w->flow.data_dir, w->url, &mirror, &w->err), 0);
    assert_int_equal(git_remote_head(&w->arena, &mirror, S("main"), &head, &w->err), 0);
    assert_int_equal(db_begin(w->flow.db, &w->err), 0);
    assert_int_equal(source_seen_begin(w->flow.db, w->row.id, S("Trunk"), S("refs/heads/main"),
                                       head, 1, &w->err),
                     0);
    assert_int_equal(db_commit(w->flow.db, &w->err), 0);
    run(w, "cd work; echo 2 > a; git commit -qam two; git push -q origin main");
    look_starts(w, "main");
}

/* Whether the newest execution is bound to one commit. */
static int bound(struct world *w) {
    struct execution_row_list list;
    struct str pin = STR_NONE;
    assert_int_equal(db_begin(w->flow.db, &w->err), 0);
    assert_int_equal(record_execution_list(w->flow.db, &w->arena, w->row.id, 0, 1, &list, &w->err),
                     0);
    assert_int_equal(list.n, 1);
    assert_true(str_is(list.v[0].trigger_type, "PollForSourceChanges"));
    int found =
        source_pin_get(w->flow.db, &w->arena, list.v[0].id, S("Trunk"), "COMMIT_ID", &pin, &w->err);
    db_rollback(w->flow.db);
    return found;
}

static void test_codecommit_in_parallel_mode_takes_the_newest_commit(void **state) {
    struct world *w = *state;
    struct str json = w->row.definition;
    w->row.definition =
        str_printf(&w->arena, "%.*s}", (int)str_find(json, S(",\"triggers\""), 0), json.p);
    redefine(w, "CodeStarSourceConnection", "CodeCommit");
    run(w, "cd work; echo 1 > a; git add -A; git commit -qm one; git push -q origin main");
    look(w);
    run(w, "cd work; echo 2 > a; git commit -qam two; git push -q origin main");
    look(w);
    assert_int_equal(bound(w), 1);
    redefine(w, "{\"name\":\"p\"", "{\"name\":\"p\",\"executionMode\":\"PARALLEL\"");
    run(w, "cd work; echo 3 > a; git commit -qam three; git push -q origin main");
    look(w);
    assert_int_equal(bound(w), 0);
}

static void test_references_that_could_be_misread_are_none(void **state) {
    static const char *const bad[] = {
        "refs/heads/-x",        "refs/heads/--upload-pack=touch x",
        "refs/heads/a..b",      "refs/heads/a b",
        "refs/heads/.a",        "refs/heads//a",
        "refs/heads/a.lock",    "refs/heads/a:b",
        "refs/heads/a\x1b[31m", "heads/main",
        "refs/pull/../../x",    "refs/heads/a~1",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(git_ref_is_plain(str_c(bad[i])));
    }
    assert_true(git_ref_is_plain(S("refs/heads/feature/a-b_c@1.2")));
    assert_true(git_ref_is_plain(S("refs/pull/7/head")));
    assert_false(git_is_commit_id(S("main")));
    assert_false(git_is_commit_id(S("--upload-pack=touch /tmp/xxxxxxxxxxxxxxxxx")));
    assert_true(git_is_commit_id(S("0123456789abcdef0123456789abcdef01234567")));
}

static void test_pins_and_revisions_are_each_actions_own(void **state) {
    struct world *w = *state;
    struct db *db = w->flow.db;
    struct source_pin two[] = {{S("A"), S("COMMIT_ID"), S("aaa")},
                               {S("B"), S("S3_OBJECT_KEY"), S("k")}};
    const struct source_pins pins = {two, 2};
    struct str value = STR_NONE;
    struct source_revision_list list;
    struct source_revision one = {
        .revision = {.action = S("A"), .artifact = S("x"), .commit = S("c1")}, .clone = S("{}")};
    struct source_revision found;
    assert_int_equal(db_begin(db, &w->err), 0);
    assert_int_equal(source_pins_put(db, S("e1"), &pins, &w->err), 0);
    assert_int_equal(
        source_pin_get(db, &w->arena, S("e1"), S("B"), "S3_OBJECT_KEY", &value, &w->err), 1);
    assert_true(str_is(value, "k"));
    assert_int_equal(source_pin_get(db, &w->arena, S("e1"), S("B"), "COMMIT_ID", &value, &w->err),
                     0);
    assert_int_equal(source_revision_put(db, &w->arena, w->row.id, S("e1"), &one, &w->err), 0);
    one.revision.action = S("B");
    one.revision.artifact = S("y");
    one.clone = STR_NONE;
    assert_int_equal(source_revision_put(db, &w->arena, w->row.id, S("e1"), &one, &w->err), 0);
    assert_int_equal(source_revision_copy(db, S("e1"), S("e2"), &w->err), 0);
    assert_int_equal(source_revision_list(db, &w->arena, S("e2"), &list, &w->err), 0);
    assert_int_equal(list.n, 2);
    assert_true(str_is(list.v[0].clone, "{}") && list.v[1].clone.p == NULL);
    assert_int_equal(source_revision_of(db, &w->arena, S("e2"), S("y"), &found, &w->err), 1);
    assert_true(str_is(found.revision.action, "B"));
    assert_int_equal(source_revision_of(db, &w->arena, S("e2"), S("z"), &found, &w->err), 0);
    db_rollback(db);
}

static void test_codecommit_lies_where_it_is_mapped(void **state) {
    struct world *w = *state;
    struct str_pair pair = {S("RepositoryName"), S("team-app")};
    const struct str_map settings = {&pair, 1};
    const struct source_place place = {S("CodeCommit"), &settings, S("111111111111"),
                                       S("eu-west-2")};
    struct str url = STR_NONE;
    assert_int_equal(dir_make(w->flow.data_dir, 0700, &w->err), 0);
    assert_int_equal(source_place_url(&w->flow, &w->arena, &place, &url, &w->err), -1);
    assert_non_null(strstr(w->err.msg, "trunkline.yml"));
    const char *file = str_printf(&w->arena, "%s/trunkline.yml", w->flow.data_dir).p;
    w->err = ERR_INIT;
    assert_int_equal(
        file_write_atomic(file,
                          S("sources:\n  https://git-codecommit.eu-west-2.amazonaws.com/v1/repos/: "
                            "file:///srv/{repository}.git\n"),
                          0600, &w->err),
        0);
    assert_int_equal(source_place_url(&w->flow, &w->arena, &place, &url, &w->err), 1);
    assert_true(str_is(url, "file:///srv/team-app.git"));
    pair.value = S("../../etc");
    assert_int_equal(source_place_url(&w->flow, &w->arena, &place, &url, &w->err), -1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
        T(test_each_moved_reference_starts_once_by_its_filter),
        T(test_first_push_of_a_branch_with_a_file_filter_starts_nothing),
        T(test_rewritten_history_counts_every_file),
        T(test_newly_wanted_references_are_not_new),
        T(test_a_release_before_the_first_look_is_where_the_branch_began),
        T(test_codecommit_in_parallel_mode_takes_the_newest_commit),
        T(test_references_that_could_be_misread_are_none),
        T(test_pins_and_revisions_are_each_actions_own),
        T(test_codecommit_lies_where_it_is_mapped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
