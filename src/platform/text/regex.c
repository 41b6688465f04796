/* Walks a program over a text, all possibilities side by side (Thompson's way). */
#include "platform/text/regex_program.h"

#include "platform/text/utf8.h"

#include <stdlib.h>

enum { NONE = 0x110000 }; /* no character: before and behind the text */

/* Instructions that are waiting for the next character; each at most once. */
struct states {
    int *v;
    size_t n;
    unsigned *seen; /* the step at which it came in, by instruction */
};

struct walk {
    const struct regex *re;
    struct states now, next;
    int *todo; /* of one closure */
    unsigned step;
    bool matched;
};

static bool is_word(uint32_t c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
}

static uint32_t fold(uint32_t c) {
    return c >= 'A' && c <= 'Z' ? c + 0x20 : c;
}

static bool holds(const struct regex_instruction *i, uint32_t before, uint32_t behind) {
    bool lines = (i->flags & REGEX_LINES) != 0;
    switch (i->op) {
    case REGEX_BEGIN:
        return before == NONE || (lines && before == '\n');
    case REGEX_END:
        return behind == NONE || (lines && behind == '\n');
    case REGEX_WORD:
        return is_word(before) != is_word(behind);
    default:
        return is_word(before) == is_word(behind);
    }
}

static bool in_ranges(const struct regex_set *set, uint32_t c) {
    for (size_t i = 0; i < set->n; i++) {
        if (set->v[i].from <= c && c <= set->v[i].to) {
            return true;
        }
    }
    return false;
}

static bool takes(const struct regex_instruction *i, uint32_t c) {
    bool folds = (i->flags & REGEX_FOLD) != 0;
    switch (i->op) {
    case REGEX_CHAR:
        return i->c == c || (folds && fold(i->c) == fold(c));
    case REGEX_ANY:
        return c != '\n' || (i->flags & REGEX_DOT_ALL) != 0;
    case REGEX_CLASS: {
        bool upper = folds && fold(c) >= 'a' && fold(c) <= 'z';
        bool in = in_ranges(i->set, c) ||
                  (upper && (in_ranges(i->set, fold(c)) || in_ranges(i->set, fold(c) - 0x20)));
        return in != i->set->negated;
    }
    default:
        return false;
    }
}

/* Adds an instruction and all that is reached from it without a character. */
static void add(struct walk *w, struct states *to, int pc, uint32_t before, uint32_t behind) {
    size_t todo = 0;
    w->todo[todo++] = pc;
    while (todo > 0) {
        pc = w->todo[--todo];
        const struct regex_instruction *i = &w->re->v[pc];
        if (to->seen[pc] == w->step) {
            continue;
        }
        to->seen[pc] = w->step;
        if (i->op == REGEX_JUMP || i->op == REGEX_SPLIT) {
            w->todo[todo++] = pc + i->x;
            if (i->op == REGEX_SPLIT) {
                w->todo[todo++] = pc + i->y;
            }
        } else if (i->op == REGEX_MATCH) {
            w->matched = true;
        } else if (i->op >= REGEX_BEGIN) {
            if (holds(i, before, behind)) {
                w->todo[todo++] = pc + 1;
            }
        } else {
            to->v[to->n++] = pc;
        }
    }
}

static uint32_t char_at(struct str text, size_t at, size_t *ret_n) {
    uint32_t c = NONE;
    *ret_n = 0;
    if (at < text.n) {
        *ret_n = utf8_decode(str_sub(text, at, text.n), &c);
        if (*ret_n == 0) {
            *ret_n = 1;
            c = 0xFFFD;
        }
    }
    return c;
}

static void run(struct walk *w, struct str text) {
    uint32_t before = NONE;
    size_t n = 0;
    uint32_t c = char_at(text, 0, &n);
    size_t at = 0;
    for (w->step = 1;;) {
        add(w, &w->now, 0, before, c); /* the match may begin here */
        if (w->matched || n == 0) {
            return;
        }
        at += n;
        before = c;
        c = char_at(text, at, &n);
        w->step++;
        w->next.n = 0;
        for (size_t k = 0; k < w->now.n; k++) {
            if (takes(&w->re->v[w->now.v[k]], before)) {
                add(w, &w->next, w->now.v[k] + 1, before, c);
            }
        }
        if (w->matched) {
            return;
        }
        struct states done = w->now;
        w->now = w->next;
        w->next = done;
    }
}

bool regex_search(const struct regex *re, struct str text) {
    struct walk w = {.re = re};
    int *ints = mem_alloc((2 + 4) * (re->n + 1) * sizeof(int));
    unsigned *seen = mem_alloc(2 * re->n * sizeof(unsigned));
    w.now = (struct states){ints, 0, seen};
    w.next = (struct states){ints + re->n, 0, seen + re->n};
    w.todo = ints + 2 * re->n;
    run(&w, text);
    free(ints);
    free(seen);
    return w.matched;
}
