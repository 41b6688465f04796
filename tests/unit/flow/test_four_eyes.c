/* Four eyes: when two callers are one person, and who may not approve a release. */
#include "approval_bench.h"

#define A "111111111111"
#define USER(name) "arn:aws:iam::" A ":user/" name
#define ROLE(name) "arn:aws:iam::" A ":role/" name
#define SESSION(role, name) "arn:aws:sts::" A ":assumed-role/" role "/" name

/* ---- the same person? ---- */

/* Named by a letter in the table below. */
static const struct {
    char letter;
    struct aws_principal principal;
} callers[] = {
    {'a', {.kind = AWS_PRINCIPAL_USER, .arn = S_INIT(USER("ada"))}},
    {'g', {.kind = AWS_PRINCIPAL_USER, .arn = S_INIT(USER("grace"))}},
    {'R', {.kind = AWS_PRINCIPAL_ROOT, .arn = S_INIT("arn:aws:iam::" A ":root")}},
    /* sessions of one role, opened by who knows whom */
    {'1',
     {.kind = AWS_PRINCIPAL_ROLE,
      .arn = S_INIT(SESSION("dev", "one")),
      .role_arn = S_INIT(ROLE("dev")),
      .session_name = S_INIT("one")}},
    {'2',
     {.kind = AWS_PRINCIPAL_ROLE,
      .arn = S_INIT(SESSION("dev", "two")),
      .role_arn = S_INIT(ROLE("dev")),
      .session_name = S_INIT("two")}},
    /* of another role, called as the first */
    {'o',
     {.kind = AWS_PRINCIPAL_ROLE,
      .arn = S_INIT(SESSION("ops", "one")),
      .role_arn = S_INIT(ROLE("ops")),
      .session_name = S_INIT("one")}},
    /* with source identities: Ada in two roles, Bob in one of them */
    {'A',
     {.kind = AWS_PRINCIPAL_ROLE,
      .arn = S_INIT(SESSION("dev", "x")),
      .role_arn = S_INIT(ROLE("dev")),
      .session_name = S_INIT("x"),
      .source_identity = S_INIT("ada")}},
    {'B',
     {.kind = AWS_PRINCIPAL_ROLE,
      .arn = S_INIT(SESSION("dev", "y")),
      .role_arn = S_INIT(ROLE("dev")),
      .session_name = S_INIT("y"),
      .source_identity = S_INIT("bob")}},
    {'C',
     {.kind = AWS_PRINCIPAL_ROLE,
      .arn = S_INIT(SESSION("ops", "z")),
      .role_arn = S_INIT(ROLE("ops")),
      .session_name = S_INIT("z"),
      .source_identity = S_INIT("Ada")}},
    /* opened by grace: under a name of her choosing, and as somebody else */
    {'G',
     {.kind = AWS_PRINCIPAL_ROLE,
      .arn = S_INIT(SESSION("dev", "nobody")),
      .role_arn = S_INIT(ROLE("dev")),
      .session_name = S_INIT("nobody"),
      .origin = S_INIT(USER("grace"))}},
    {'H',
     {.kind = AWS_PRINCIPAL_ROLE,
      .arn = S_INIT(SESSION("ops", "bob")),
      .role_arn = S_INIT(ROLE("ops")),
      .session_name = S_INIT("bob"),
      .source_identity = S_INIT("bob"),
      .origin = S_INIT(USER("grace"))}},
};

static void caller(struct arena *a, char letter, struct person *ret) {
    for (size_t i = 0; i < sizeof(callers) / sizeof(callers[0]); i++) {
        if (callers[i].letter == letter) {
            person_of(a, &callers[i].principal, STR_NONE, ret);
            return;
        }
    }
    fail_msg("no caller %c", letter);
}

static void test_people_are_told_apart_by_what_they_cannot_choose(void **state) {
    (void)state;
    static const struct {
        const char *two;
        bool same, same_by_session_name;
    } pairs[] = {
        {"aa", true, true},   {"ag", false, false}, {"RR", true, true},  {"aR", false, false},
        {"12", true, false}, /* one role, two names */
        {"1o", false, true}, /* two roles, one name */
        {"2o", false, false}, {"AB", false, false}, {"AC", true, true},  {"aA", true, true},
        {"aB", false, false}, {"aC", true, true},   {"1A", true, false}, /* Ada may have taken the
                                                                            role without saying so
                                                                          */
        {"gG", true, true},   {"gH", true, true}, /* her own sessions, whatever they say */
        {"GH", true, false},  {"aG", false, false}, {"1G", true, false}, {"BH", true, true},
    };
    struct arena a = ARENA_INIT;
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        struct person x, y;
        caller(&a, pairs[i].two[0], &x);
        caller(&a, pairs[i].two[1], &y);
        if (person_same(&x, &y, false) != pairs[i].same ||
            person_same(&y, &x, false) != pairs[i].same ||
            person_same(&x, &y, true) != pairs[i].same_by_session_name ||
            person_same(&y, &x, true) != pairs[i].same_by_session_name) {
            fail_msg("%s: %d, by session name %d", pairs[i].two, person_same(&x, &y, false),
                     person_same(&x, &y, true));
        }
    }
    arena_done(&a);
}

static void test_a_person_is_kept_whole_and_known_by_an_arn_alone(void **state) {
    (void)state;
    struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    struct person x, y;
    person_of(&a, &callers[9].principal, S("g@example.org  hopper@example.org"), &x);
    assert_int_equal(person_from_json(&a, person_to_json(&a, &x), &y, &err), 0);
    assert_true(str_eq(x.arn, y.arn) && str_eq(x.role, y.role) && str_eq(x.session, y.session));
    assert_true(str_eq(x.origin, y.origin) && y.name.p == NULL && y.emails.n == 2 && !y.machine);
    person_of_arn(&a, S(SESSION("dev", "two")), &y);
    caller(&a, '1', &x);
    assert_true(person_same(&x, &y, false));
    assert_false(person_same(&x, &y, true));
    person_of_arn(&a, S(USER("ada")), &y);
    caller(&a, 'A', &x);
    assert_true(person_same(&x, &y, false));
    person_of_arn(&a, S("codepipeline.amazonaws.com"), &y);
    assert_true(y.machine);
    arena_done(&a);
}

static void test_an_address_is_whose_tag_or_name_says_so(void **state) {
    (void)state;
    struct arena a = ARENA_INIT;
    struct person ada, grace, session, hidden;
    person_of(&a, &callers[0].principal, S("lovelace@example.org"), &ada);
    person_of(&a, &callers[1].principal, STR_NONE, &grace);
    person_of_arn(&a, S(SESSION("dev", "bob@example.org")), &session);
    caller(&a, 'G', &hidden);
    assert_true(person_has_email(&ada, S("Lovelace@Example.org")));
    assert_true(person_has_email(&ada, S("ada@example.org")));
    assert_false(person_has_email(&ada, S("grace@example.org")));
    assert_true(person_has_email(&grace, S("grace@example.org")));
    assert_true(person_has_email(&hidden, S("grace@example.org")));
    assert_true(person_has_email(&session, S("bob@example.org")));
    assert_false(person_has_email(&session, S("")));
    arena_done(&a);
}

/* ---- who may approve ---- */

static void tag(struct bench *b, const char *value) {
    begin(b);
    commit(b, record_tag_put(b->db, b->pipeline.id, S(FOUR_EYES_TAG), str_c(value), &b->err));
}

static void hand(struct bench *b, struct str execution, const char *what, char letter) {
    struct person person;
    caller(&b->arena, letter, &person);
    begin(b);
    commit(b, approval_hand_note(&b->flow, &b->arena, b->pipeline.id, execution, str_c(what),
                                 &person, &b->err));
}

static void commit_of(struct bench *b, struct str execution, const char *email) {
    struct source_revision r = {
        .revision = {.action = S("Trunk"),
                     .artifact = S("Source"),
                     .commit = S("4c1f00d24c1f00d24c1f00d24c1f00d24c1f00d2"),
                     .email = str_c(email)}};
    begin(b);
    commit(b, source_revision_put(b->db, &b->arena, b->pipeline.id, execution, &r, &b->err));
}

/* Absent: may. Else the refusal. */
static const char *refusal(struct bench *b, char letter) {
    struct person who;
    struct execution_row row;
    caller(&b->arena, letter, &who);
    begin(b);
    b->err = ERR_INIT;
    assert_int_equal(record_execution_get(b->db, &b->arena, b->execution, &row, &b->err), 1);
    int may = approval_four_eyes(&b->flow, &b->arena, &b->pipeline, &row, &who, &b->err);
    db_rollback(b->db);
    assert_true(may == 0 || b->err.kind == ERR_DENIED);
    return may == 0 ? NULL : b->err.msg;
}

#define MAY(b, letter) assert_null(refusal(b, letter))
#define MAY_NOT(b, letter, words)                                                                  \
    do {                                                                                           \
        const char *text = refusal(b, letter);                                                     \
        if (text == NULL || strstr(text, words) == NULL) {                                         \
            fail_msg("%c: %s", letter, text ? text : "may");                                       \
        }                                                                                          \
    } while (0)

static void test_a_pipeline_without_the_tag_asks_nobody(void **state) {
    struct bench *b = *state;
    hand(b, b->execution, APPROVAL_STARTED, 'g');
    MAY(b, 'g');
}

static void test_a_tag_that_says_something_else_opens_no_gate(void **state) {
    struct bench *b = *state;
    tag(b, "true");
    MAY_NOT(b, 'a', "it has to be 'required' or");
}

static void test_the_starter_is_known_by_the_trigger_of_executions_from_before(void **state) {
    struct bench *b = *state; /* arn:aws:iam::111111111111:user/grace */
    tag(b, "required");
    MAY_NOT(b, 'G', "grace started this release"); /* ... as "nobody" */
    MAY(b, 'a');
}

static void test_the_same_role_under_another_name_does_not_approve(void **state) {
    struct bench *b = *state;
    tag(b, "required");
    hand(b, b->execution, APPROVAL_STARTED, '1');
    MAY_NOT(b, '1', "one started this release: somebody else has to approve it, none of one");
    MAY_NOT(b, '2', "one started this release");
    MAY(b, 'o');
    MAY(b, 'a');
    tag(b, "required-by-session-name");
    MAY_NOT(b, '1', "one started this release");
    MAY(b, '2');
    MAY_NOT(b, 'o', "one started this release");
}

static void test_who_retried_overrode_or_edited_meanwhile_does_not_approve(void **state) {
    struct bench *b = *state;
    tag(b, "required");
    hand(b, STR_NONE, "edited the pipeline while this release ran", 'a');
    MAY_NOT(b, 'a', "ada edited the pipeline while this release ran");
    hand(b, b->execution, "retried stage Go", 'C');
    hand(b, b->execution, "overrode a condition of stage Go", 'B');
    MAY_NOT(b, 'B', "bob overrode a condition of stage Go");
    MAY(b, 'R');
}

static void test_what_was_edited_before_it_began_is_no_hand_in_it(void **state) {
    struct bench *b = *state;
    tag(b, "required");
    b->time.now_ms -= 1;
    hand(b, STR_NONE, "edited the pipeline while this release ran", 'a');
    b->time.now_ms += 1;
    MAY(b, 'a');
    hand(b, STR_NONE, "edited the pipeline while this release ran", 'a'); /* and once more */
    MAY_NOT(b, 'a', "ada edited");
}

static void test_authors_of_this_release_and_the_unfinished_ones_before_do_not(void **state) {
    struct bench *b = *state;
    tag(b, "required");
    struct execution_start start = {.trigger_type = S("Webhook"),
                                    .trigger_detail = S("push"),
                                    .variables = S("{\"target\":\"canary\"}")};
    struct str first = b->execution;
    commit_of(b, first, "ada@example.org");
    begin(b);
    commit(b, execution_start(&b->flow, &b->arena, b->pipeline.id, &start, &b->execution, NULL,
                              &b->err));
    commit_of(b, b->execution, "bob@example.org");
    MAY_NOT(b, 'B', "bob wrote commit 4c1f00d2");
    MAY_NOT(b, 'a',
            "ada wrote commit 4c1f00d2: somebody else has to approve it, none of "
            "bob@example.org, ada@example.org");
    MAY(b, 'g'); /* started another one */
    begin(b);
    commit(b, record_execution_status(b->db, first, "Succeeded", S(""), STR_NONE, b->time.now_ms,
                                      &b->err));
    MAY(b, 'a');
}

static void test_starter_and_author_are_two_people(void **state) {
    struct bench *b = *state;
    tag(b, "required");
    hand(b, b->execution, APPROVAL_STARTED, 'a');
    commit_of(b, b->execution, "ada@example.org");
    MAY_NOT(b, 'g', "ada wrote commit 4c1f00d2 and started this release: nobody can approve it");
}

static void test_a_build_is_nobody(void **state) {
    struct bench *b = *state;
    struct aws_principal build = callers[3].principal;
    struct person who;
    struct execution_row row;
    tag(b, "required");
    build.build_id = S("app:1");
    person_of(&b->arena, &build, STR_NONE, &who);
    begin(b);
    assert_int_equal(record_execution_get(b->db, &b->arena, b->execution, &row, &b->err), 1);
    assert_int_equal(approval_four_eyes(&b->flow, &b->arena, &b->pipeline, &row, &who, &b->err),
                     -1);
    assert_non_null(strstr(b->err.msg, "is a build or a service"));
    db_rollback(b->db);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
        cmocka_unit_test(test_people_are_told_apart_by_what_they_cannot_choose),
        cmocka_unit_test(test_a_person_is_kept_whole_and_known_by_an_arn_alone),
        cmocka_unit_test(test_an_address_is_whose_tag_or_name_says_so),
        T(test_a_pipeline_without_the_tag_asks_nobody),
        T(test_a_tag_that_says_something_else_opens_no_gate),
        T(test_the_starter_is_known_by_the_trigger_of_executions_from_before),
        T(test_the_same_role_under_another_name_does_not_approve),
        T(test_who_retried_overrode_or_edited_meanwhile_does_not_approve),
        T(test_what_was_edited_before_it_began_is_no_hand_in_it),
        T(test_authors_of_this_release_and_the_unfinished_ones_before_do_not),
        T(test_starter_and_author_are_two_people),
        T(test_a_build_is_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
