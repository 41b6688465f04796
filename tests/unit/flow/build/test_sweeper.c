/* The thread that removes what dead supervisors left: it never holds up who hands it a folder. */
#include "../../cmocka_.h"

#include "flow/build/sweeper.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

/* What the sweeper's functions see and do. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool open; /* sweeping goes on */
    int begun; /* folders */
    int ended;
    char order[64]; /* first letter of each folder */
    char told[64];  /* last letter of each uuid that was swept */
} seen = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static int setup(void **state) {
    (void)state;
    seen.open = false;
    seen.begun = seen.ended = 0;
    memset(seen.order, 0, sizeof(seen.order));
    memset(seen.told, 0, sizeof(seen.told));
    return 0;
}

/* As a folder of many files: takes until somebody says so. "bad" fails. */
static int slow_sweep(const char *dir, struct err *err) {
    pthread_mutex_lock(&seen.lock);
    seen.order[seen.begun++] = dir[0];
    pthread_cond_broadcast(&seen.changed);
    while (!seen.open) {
        pthread_cond_wait(&seen.changed, &seen.lock);
    }
    pthread_mutex_unlock(&seen.lock);
    return strcmp(dir, "bad") == 0 ? err_set(err, ERR_SYSTEM, "planted") : 0;
}

static void note_swept(void *ud, struct str uuid) {
    assert_ptr_equal(ud, &seen);
    pthread_mutex_lock(&seen.lock);
    seen.told[seen.ended++] = uuid.p[uuid.n - 1];
    pthread_cond_broadcast(&seen.changed);
    pthread_mutex_unlock(&seen.lock);
}

static struct sweeper *make(void) {
    return sweeper_new(&(struct sweeper_config){slow_sweep, note_swept, &seen});
}

static void wait_for(const int *count, int wanted) {
    pthread_mutex_lock(&seen.lock);
    while (*count < wanted) {
        pthread_cond_wait(&seen.changed, &seen.lock);
    }
    pthread_mutex_unlock(&seen.lock);
}

static void let_go(void) {
    pthread_mutex_lock(&seen.lock);
    seen.open = true;
    pthread_cond_broadcast(&seen.changed);
    pthread_mutex_unlock(&seen.lock);
}

static void test_a_slow_folder_holds_up_nobody_who_adds_one(void **state) {
    (void)state;
    struct sweeper *s = make();
    sweeper_add(s, "a", S("u1"));
    wait_for(&seen.begun, 1);
    sweeper_add(s, "b", S("u2")); /* these come back though the first one is not done */
    sweeper_add(s, "c", S("u3"));
    assert_int_equal(seen.ended, 0);
    let_go();
    wait_for(&seen.ended, 3);
    assert_string_equal(seen.order, "abc");
    assert_string_equal(seen.told, "123");
    sweeper_free(s);
}

static void test_a_folder_that_cannot_be_removed_is_told_of_like_the_others(void **state) {
    (void)state;
    struct sweeper *s = make();
    let_go();
    sweeper_add(s, "bad", S("u1"));
    sweeper_add(s, "d", S("u2"));
    wait_for(&seen.ended, 2);
    assert_string_equal(seen.told, "12");
    sweeper_free(s);
}

static void *free_it(void *s) {
    sweeper_free(s);
    return NULL;
}

static void test_the_end_waits_for_the_folder_at_work(void **state) {
    (void)state;
    struct sweeper *s = make();
    pthread_t ending;
    sweeper_add(s, "a", S("u1"));
    wait_for(&seen.begun, 1);
    assert_int_equal(pthread_create(&ending, NULL, free_it, s), 0);
    let_go();
    pthread_join(ending, NULL);
    assert_int_equal(seen.begun, 1);
    assert_string_equal(seen.told, "1");
}

static void test_one_that_was_never_used_ends(void **state) {
    (void)state;
    sweeper_free(make());
    sweeper_free(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_a_slow_folder_holds_up_nobody_who_adds_one, setup),
        cmocka_unit_test_setup(test_a_folder_that_cannot_be_removed_is_told_of_like_the_others,
                               setup),
        cmocka_unit_test_setup(test_the_end_waits_for_the_folder_at_work, setup),
        cmocka_unit_test_setup(test_one_that_was_never_used_ends, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
