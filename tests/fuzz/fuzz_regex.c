/* Regular expressions. First byte even: any pattern up to a NUL against any text. Odd: a pattern is
 * made of the bytes that the C library can say too, and both must agree. */
#include "fuzz.h"

#include "base/buf.h"
#include "platform/text/regex.h"

#include <regex.h>
#include <stdio.h>

enum { DEPTH_MAX = 6, PATTERN_MAX = 200 };

struct input {
    const uint8_t *p;
    size_t n;
};

static unsigned next(struct input *in) {
    if (in->n == 0) {
        return 0;
    }
    in->n--;
    return *in->p++;
}

static void make(struct input *in, struct buf *out, unsigned depth);

static void make_piece(struct input *in, struct buf *out, unsigned depth) {
    static const char *const atoms[] = {"a", "b", "c", ".", "[ab]", "[^a]", "[a-b]", "x"};
    static const char *const repeats[] = {"", "", "", "*", "+", "?", "{1,2}", "{2}", "{0,1}"};
    unsigned choice = next(in);
    if (choice % 4 == 0 && depth < DEPTH_MAX) {
        buf_add_c(out, '(');
        make(in, out, depth + 1);
        buf_add_c(out, ')');
    } else {
        buf_add_z(out, atoms[choice % 8]);
    }
    buf_add_z(out, repeats[next(in) % 9]);
}

static void make(struct input *in, struct buf *out, unsigned depth) {
    unsigned alternatives = 1 + next(in) % 3;
    for (unsigned i = 0; i < alternatives; i++) {
        if (i > 0) {
            buf_add_c(out, '|');
        }
        unsigned shape = next(in);
        if (depth == 0 && shape % 5 == 0) {
            buf_add_c(out, '^');
        }
        for (unsigned k = 0; k <= shape % 3; k++) {
            make_piece(in, out, depth);
        }
        if (depth == 0 && shape % 7 == 0) {
            buf_add_c(out, '$');
        }
    }
}

static void compare(struct input in) {
    struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    struct buf pattern cleanup_buf;
    struct buf text cleanup_buf;
    struct regex *ours = NULL;
    regex_t theirs;
    buf_init(&pattern, PATTERN_MAX);
    buf_init(&text, PATTERN_MAX);
    make(&in, &pattern, 0);
    while (in.n > 0) {
        buf_add_c(&text, "abcx"[next(&in) % 4]);
    }
    if (!pattern.overflow && !text.overflow &&
        regcomp(&theirs, str_z(&a, buf_str(&pattern)), REG_EXTENDED | REG_NOSUB) == 0) {
        FUZZ_MUST(regex_compile(&a, buf_str(&pattern), &ours, &err) == 0);
        bool expected = regexec(&theirs, str_z(&a, buf_str(&text)), 0, NULL, 0) == 0;
        if (regex_search(ours, buf_str(&text)) != expected) {
            fprintf(stderr, "'%.*s' against '%.*s': not %d\n", STR_ARG(buf_str(&pattern)),
                    STR_ARG(buf_str(&text)), !expected);
            abort();
        }
        regfree(&theirs);
    }
    arena_done(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    struct regex *re = NULL;
    if (size > 0 && size < 4096 && data[0] % 2 == 1) {
        compare((struct input){data + 1, size - 1});
    } else if (size > 0 && size < 4096) {
        struct str rest = fuzz_str(data + 1, size - 1);
        struct str pattern = STR_NONE;
        str_cut(&rest, '\0', &pattern);
        int result = regex_compile(&a, pattern, &re, &err);
        FUZZ_MUST(result == 0 || err.msg[0] != '\0');
        if (result == 0) {
            regex_search(re, rest);
        }
    }
    arena_done(&a);
    return 0;
}
