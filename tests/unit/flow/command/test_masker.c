/* The masker against a naive one: any cut of the stream, overlapping and nested patterns. */
#include "../../cmocka_.h"

#include "base/arena.h"
#include "flow/command/masker.h"

#include <stdlib.h>

static uint32_t seed = 1;

static uint32_t next_random(uint32_t below) {
    seed = seed * 1664525U + 1013904223U;
    return (seed >> 8) % below;
}

/* Marks every byte of every occurrence, then writes each run of marked bytes as "***". */
static struct str naive(struct arena *a, const struct str_list *patterns, struct str text) {
    char *hidden = arena_alloc(a, text.n + 1);
    for (size_t k = 0; k < patterns->n; k++) {
        struct str pattern = patterns->v[k];
        for (size_t i = 0; i + pattern.n <= text.n; i++) {
            if (memcmp(text.p + i, pattern.p, pattern.n) == 0) {
                memset(hidden + i, 1, pattern.n);
            }
        }
    }
    struct buf out cleanup_buf;
    buf_init(&out, text.n * 3 + 16);
    for (size_t i = 0; i < text.n; i++) {
        if (!hidden[i]) {
            buf_add_c(&out, text.p[i]);
        } else if (i == 0 || !hidden[i - 1]) {
            buf_add_z(&out, "***");
        }
    }
    return buf_dup(a, &out);
}

static struct str random_text(struct arena *a, size_t n, uint32_t letters) {
    char *p = arena_alloc(a, n + 1);
    for (size_t i = 0; i < n; i++) {
        p[i] = (char)('a' + next_random(letters));
    }
    return str_n(p, n);
}

static struct str feed_in_pieces(struct arena *a, struct masker *m, struct str text,
                                 uint32_t most) {
    struct mask_stream s = {0};
    struct buf out cleanup_buf;
    buf_init(&out, text.n * 3 + 16);
    while (text.n > 0) {
        struct str piece = str_sub(text, 0, 1 + next_random(most));
        mask_feed(m, &s, piece, &out);
        text = str_sub(text, piece.n, text.n);
    }
    mask_end(m, &s, &out);
    mask_stream_done(&s);
    return buf_dup(a, &out);
}

static void test_any_cut_of_the_stream_equals_the_naive_result(void **state) {
    (void)state;
    size_t hidden_rounds = 0;
    for (int round = 0; round < 400; round++) {
        struct arena a = ARENA_INIT;
        seed = (uint32_t)round * 7919U + 17U;
        uint32_t letters = 2 + next_random(3);
        struct masker *m = masker_new();
        struct str_list patterns = {0};
        for (uint32_t k = 1 + next_random(6); k > 0; k--) {
            struct str pattern = random_text(&a, MASK_MIN_BYTES + next_random(12), letters);
            *arena_push(&a, &patterns) = pattern;
            assert_true(masker_add(m, pattern));
        }
        struct str text = random_text(&a, 50 + next_random(900), letters);
        for (int i = 0; i < 5; i++) {
            struct str part = patterns.v[next_random((uint32_t)patterns.n)];
            memcpy((char *)text.p + next_random((uint32_t)(text.n - part.n)), part.p, part.n);
        }
        struct str expected = naive(&a, &patterns, text);
        hidden_rounds += str_find(expected, S("***"), 0) != (size_t)-1;
        struct str got = feed_in_pieces(&a, m, text, 1 + next_random(40));
        assert_int_equal(got.n, expected.n);
        assert_memory_equal(got.p, expected.p, expected.n);
        struct str whole = mask_text(m, &a, text);
        assert_true(str_eq(whole, expected));
        masker_free(m);
        arena_done(&a);
    }
    assert_int_equal(hidden_rounds, 400);
}

static void test_secret_cut_at_every_byte_is_hidden(void **state) {
    (void)state;
    struct arena a = ARENA_INIT;
    struct masker *m = masker_new();
    assert_true(masker_add(m, S("hunter2-correct-horse")));
    struct str text = S("user=root password=hunter2-correct-horse\n");
    for (size_t cut = 0; cut <= text.n; cut++) {
        struct mask_stream s = {0};
        struct buf out cleanup_buf;
        buf_init(&out, 200);
        mask_feed(m, &s, str_sub(text, 0, cut), &out);
        mask_feed(m, &s, str_sub(text, cut, text.n), &out);
        mask_end(m, &s, &out);
        assert_true(str_is(buf_str(&out), "user=root password=***\n"));
        mask_stream_done(&s);
    }
    masker_free(m);
    arena_done(&a);
}

static void test_beginning_of_a_secret_that_goes_on_otherwise_is_passed_on(void **state) {
    (void)state;
    struct masker *m = masker_new();
    assert_true(masker_add(m, S("abcdefgh")));
    struct mask_stream s = {0};
    struct buf out cleanup_buf;
    buf_init(&out, 200);
    mask_feed(m, &s, S("xxabcdef"), &out);
    assert_true(str_is(buf_str(&out), "xx"));
    mask_feed(m, &s, S("\n"), &out);
    assert_true(str_is(buf_str(&out), "xxabcdef\n"));
    mask_stream_done(&s);
    masker_free(m);
}

static void test_pattern_added_while_bytes_are_held_hides_them(void **state) {
    (void)state;
    struct masker *m = masker_new();
    assert_true(masker_add(m, S("abcdefghij")));
    struct mask_stream s = {0};
    struct buf out cleanup_buf;
    buf_init(&out, 200);
    mask_feed(m, &s, S("--abcdefg"), &out);
    assert_true(masker_add(m, S("cdefgXY")));
    mask_feed(m, &s, S("XY--"), &out);
    mask_end(m, &s, &out);
    assert_true(str_is(buf_str(&out), "--ab***--"));
    mask_stream_done(&s);
    masker_free(m);
}

static void test_short_patterns_are_left_out_and_too_much_is_refused(void **state) {
    (void)state;
    struct arena a = ARENA_INIT;
    struct masker *m = masker_new();
    assert_true(masker_add(m, S("true")));
    assert_int_equal(masker_count(m), 0);
    assert_true(str_is(mask_text(m, &a, S("true")), "true"));
    struct str huge = random_text(&a, MASK_MAX_TOTAL + 1, 26);
    assert_false(masker_add(m, huge));
    masker_free(m);
    arena_done(&a);
}

static void test_neighbouring_secrets_become_one_mark(void **state) {
    (void)state;
    struct arena a = ARENA_INIT;
    struct masker *m = masker_new();
    assert_true(masker_add(m, S("secret-one")));
    assert_true(masker_add(m, S("secret-two")));
    assert_true(str_is(mask_text(m, &a, S("[secret-onesecret-two secret-one]")), "[*** ***]"));
    masker_free(m);
    arena_done(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_cut_of_the_stream_equals_the_naive_result),
        cmocka_unit_test(test_secret_cut_at_every_byte_is_hidden),
        cmocka_unit_test(test_beginning_of_a_secret_that_goes_on_otherwise_is_passed_on),
        cmocka_unit_test(test_pattern_added_while_bytes_are_held_hides_them),
        cmocka_unit_test(test_short_patterns_are_left_out_and_too_much_is_refused),
        cmocka_unit_test(test_neighbouring_secrets_become_one_mark),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
