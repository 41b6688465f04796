/*
 * From a pattern to a program. Code is written while reading: jumps are relative, so a piece can be
 * moved (a split put before it) and copied (counted repetition) as it stands.
 */
#include "platform/text/regex_program.h"

#include "platform/text/utf8.h"

struct parser {
    struct arena *arena;
    struct str p; /* the whole pattern */
    size_t at;
    struct regex *re;
    size_t cap;
    unsigned flags;
    unsigned depth;
    struct err *err;
};

static int wrong(struct parser *s, const char *what) {
    return err_set(s->err, ERR_INVALID, "regular expression, at character %zu: %s", s->at, what);
}

static bool more(const struct parser *s) {
    return s->at < s->p.n;
}

static bool looking_at(const struct parser *s, const char *z) {
    return str_starts(str_sub(s->p, s->at, s->p.n), str_c(z));
}

static uint32_t next_char(struct parser *s) {
    uint32_t c = 0xFFFD;
    size_t n = utf8_decode(str_sub(s->p, s->at, s->p.n), &c);
    s->at += n > 0 ? n : 1;
    return c;
}

/* ---- code ---- */

static int reserve(struct parser *s, size_t n) {
    if (n > REGEX_MAX_PROGRAM - s->re->n) {
        return err_set(s->err, ERR_LIMIT, "regular expression is too large");
    }
    if (s->re->n + n > s->cap) {
        size_t cap = (s->re->n + n) * 2;
        struct regex_instruction *v = arena_new_n(s->arena, struct regex_instruction, cap);
        if (s->re->n > 0) {
            memcpy(v, s->re->v, s->re->n * sizeof(*v));
        }
        s->re->v = v;
        s->cap = cap;
    }
    return 0;
}

static int emit(struct parser *s, struct regex_instruction i) {
    i.flags = s->flags;
    if (reserve(s, 1) < 0) {
        return -1;
    }
    s->re->v[s->re->n++] = i;
    return 0;
}

static int insert(struct parser *s, size_t at, struct regex_instruction i) {
    if (reserve(s, 1) < 0) {
        return -1;
    }
    memmove(&s->re->v[at + 1], &s->re->v[at], (s->re->n - at) * sizeof(*s->re->v));
    s->re->v[at] = i;
    s->re->n++;
    return 0;
}

static int append_copy(struct parser *s, size_t from, size_t n) {
    if (reserve(s, n) < 0) {
        return -1;
    }
    memcpy(&s->re->v[s->re->n], &s->re->v[from], n * sizeof(*s->re->v));
    s->re->n += n;
    return 0;
}

static struct regex_instruction jump(enum regex_op op, size_t x, size_t y) {
    return (struct regex_instruction){.op = op, .x = (int)x, .y = (int)y};
}

/* ---- classes ---- */

static void add_range(struct parser *s, struct regex_set *set, uint32_t from, uint32_t to) {
    *arena_push(s->arena, set) = (struct regex_range){from, to};
}

static const struct {
    char letter;
    const char *posix;
    const char *ranges; /* pairs */
} named[] = {
    {'d', "digit", "09"},    {'w', "word", "09AZ__az"},        {'s', "", "\t\n\f\r  "},
    {0, "alpha", "AZaz"},    {0, "alnum", "09AZaz"},           {0, "upper", "AZ"},
    {0, "lower", "az"},      {0, "space", "\t\r  "},           {0, "blank", "\t\t  "},
    {0, "xdigit", "09AFaf"}, {0, "punct", "!/:@[`{~"},         {0, "print", " ~"},
    {0, "graph", "!~"},      {0, "cntrl", "\001\037\177\177"},
};

static void add_named(struct parser *s, struct regex_set *set, size_t which, bool negated) {
    const char *r = named[which].ranges;
    uint32_t from = 0;
    for (; r[0] != '\0'; r += 2) {
        if (!negated) {
            add_range(s, set, (unsigned char)r[0], (unsigned char)r[1]);
        } else if ((unsigned char)r[0] > from) {
            add_range(s, set, from, (unsigned char)r[0] - 1U);
        }
        from = (unsigned char)r[1] + 1U;
    }
    if (negated) {
        add_range(s, set, from, 0x10FFFF);
    }
}

/* \d \W ... : does the letter name a class? */
static bool named_class(struct parser *s, char letter, struct regex_set *set) {
    char lower = (char)(letter | 0x20);
    for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++) {
        if (named[i].letter == lower) {
            add_named(s, set, i, letter != lower);
            return true;
        }
    }
    return false;
}

static int hex(struct parser *s, uint32_t *ret) {
    bool braces = looking_at(s, "{");
    size_t digits = 0;
    *ret = 0;
    for (s->at += braces; more(s) && digits < (braces ? 6U : 2U); s->at++, digits++) {
        char c = s->p.p[s->at];
        char l = (char)(c | 0x20);
        if (!(c >= '0' && c <= '9') && !(l >= 'a' && l <= 'f')) {
            break;
        }
        *ret = *ret * 16 + (uint32_t)(c <= '9' ? c - '0' : l - 'a' + 10);
    }
    if (digits == 0 || *ret > 0x10FFFF || (braces && !looking_at(s, "}"))) {
        return wrong(s, "\\x needs two hexadecimal digits, or {...}");
    }
    s->at += braces;
    return 0;
}

/* A character behind a backslash that stands for one. */
static int escape(struct parser *s, uint32_t *ret) {
    static const char letters[] = "nrtfva";
    static const char meant[] = "\n\r\t\f\v\a";
    char c = more(s) ? s->p.p[s->at] : '\0';
    const char *known = c != '\0' ? strchr(letters, c) : NULL;
    if (c == '\0') {
        return wrong(s, "a backslash at the end");
    }
    if (known != NULL) {
        *ret = (unsigned char)meant[known - letters];
        s->at++;
        return 0;
    }
    if (c == 'x') {
        s->at++;
        return hex(s, ret);
    }
    if (c >= '1' && c <= '9') {
        return wrong(s, "back references are not possible");
    }
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '0') {
        return wrong(s, "this letter behind a backslash means nothing here");
    }
    *ret = next_char(s);
    return 0;
}

static bool posix_class(struct parser *s, struct regex_set *set) {
    bool negated = looking_at(s, "[:^");
    for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++) {
        struct str name = str_c(named[i].posix);
        struct str rest = str_sub(s->p, s->at + (negated ? 3 : 2), s->p.n);
        if (name.n > 0 && str_starts(rest, name) && str_starts(str_sub(rest, name.n, 2), S(":]"))) {
            add_named(s, set, i, negated);
            s->at += (negated ? 3 : 2) + name.n + 2;
            return true;
        }
    }
    return false;
}

/* One member of [...]; 1 when it was a class and cannot begin a range. */
static int member(struct parser *s, struct regex_set *set, uint32_t *ret) {
    if (looking_at(s, "[:") && posix_class(s, set)) {
        return 1;
    }
    if (!looking_at(s, "\\")) {
        *ret = next_char(s);
        return 0;
    }
    s->at++;
    if (more(s) && named_class(s, s->p.p[s->at], set)) {
        s->at++;
        return 1;
    }
    return escape(s, ret);
}

static int bracket(struct parser *s) {
    struct regex_set *set = arena_new(s->arena, struct regex_set);
    set->negated = looking_at(s, "^");
    s->at += set->negated;
    for (bool first = true; first || !looking_at(s, "]"); first = false) {
        uint32_t from = 0;
        uint32_t to = 0;
        if (!more(s)) {
            return wrong(s, "[ is not closed");
        }
        int kind = member(s, set, &from);
        if (kind < 0) {
            return -1;
        }
        to = from;
        if (kind == 0 && looking_at(s, "-") && !looking_at(s, "-]")) {
            s->at++;
            if (!more(s) || member(s, set, &to) != 0 || to < from) {
                return s->err->kind != ERR_NONE ? -1 : wrong(s, "the range is not one");
            }
        }
        if (kind == 0) {
            add_range(s, set, from, to);
        }
    }
    s->at++;
    return emit(s, (struct regex_instruction){.op = REGEX_CLASS, .set = set});
}

static int backslash(struct parser *s) {
    struct regex_instruction i = {.op = REGEX_CHAR};
    struct regex_set *set = arena_new(s->arena, struct regex_set);
    char c = more(s) ? s->p.p[s->at] : '\0';
    unsigned flags = s->flags;
    if (c == 'b' || c == 'B') {
        i.op = c == 'b' ? REGEX_WORD : REGEX_NOT_WORD;
        s->at++;
    } else if (c == 'A' || c == 'z') {
        i.op = c == 'A' ? REGEX_BEGIN : REGEX_END;
        s->flags &= ~(unsigned)REGEX_LINES;
        s->at++;
    } else if (c != '\0' && named_class(s, c, set)) {
        i = (struct regex_instruction){.op = REGEX_CLASS, .set = set};
        s->at++;
    } else if (escape(s, &i.c) < 0) {
        return -1;
    }
    int result = emit(s, i);
    s->flags = flags;
    return result;
}

/* ---- groups, repetition, alternatives ---- */

static int alternatives(struct parser *s);

/* "(?i)" "(?i:" "(?:" "(?P<name>"; *ret: it was flags alone, no group. */
static int group_head(struct parser *s, bool *ret) {
    *ret = false;
    s->at++;
    if (looking_at(s, "P<") ||
        (looking_at(s, "<") && !looking_at(s, "<=") && !looking_at(s, "<!"))) {
        size_t end = str_find_c(s->p, '>', s->at);
        if (end == (size_t)-1) {
            return wrong(s, "the group's name is not closed");
        }
        s->at = end + 1;
        return 0;
    }
    bool on = true;
    for (; more(s) && s->p.p[s->at] != ')' && s->p.p[s->at] != ':'; s->at++) {
        char c = s->p.p[s->at];
        unsigned flag = c == 'i'   ? REGEX_FOLD
                        : c == 's' ? REGEX_DOT_ALL
                        : c == 'm' ? REGEX_LINES
                                   : 0;
        if (c == '-') {
            on = false;
        } else if (flag == 0 && c != 'U') {
            return wrong(s, "look-around and this kind of group are not possible");
        }
        s->flags = on ? s->flags | flag : s->flags & ~flag;
    }
    if (!more(s)) {
        return wrong(s, "( is not closed");
    }
    *ret = s->p.p[s->at++] == ')';
    return 0;
}

static int group(struct parser *s) {
    unsigned flags = s->flags;
    bool only_flags = false;
    if (looking_at(s, "?") && group_head(s, &only_flags) < 0) {
        return -1;
    }
    if (only_flags) {
        return 0;
    }
    if (++s->depth > REGEX_MAX_DEPTH) {
        return wrong(s, "groups are nested too deep");
    }
    if (alternatives(s) < 0) {
        return -1;
    }
    if (!looking_at(s, ")")) {
        return wrong(s, "( is not closed");
    }
    s->at++;
    s->depth--;
    s->flags = flags;
    return 0;
}

static int atom(struct parser *s) {
    char c = s->p.p[s->at];
    if (c == '*' || c == '+' || c == '?') {
        return wrong(s, "nothing stands before the repetition");
    }
    if (c == '(' || c == '[' || c == '\\' || c == '.' || c == '^' || c == '$') {
        s->at++;
    }
    switch (c) {
    case '(':
        return group(s);
    case '[':
        return bracket(s);
    case '\\':
        return backslash(s);
    case '.':
        return emit(s, (struct regex_instruction){.op = REGEX_ANY});
    case '^':
        return emit(s, (struct regex_instruction){.op = REGEX_BEGIN});
    case '$':
        return emit(s, (struct regex_instruction){.op = REGEX_END});
    default:
        return emit(s, (struct regex_instruction){.op = REGEX_CHAR, .c = next_char(s)});
    }
}

/* "{n}" "{n,}" "{n,m}": false when the brace is just a character. *ret_most -1 = no end. */
static bool counts(struct parser *s, int *ret_least, int *ret_most) {
    struct str rest = str_sub(s->p, s->at + 1, s->p.n);
    size_t end = str_find_c(rest, '}', 0);
    struct str inside = str_sub(rest, 0, end == (size_t)-1 ? 0 : end);
    size_t comma = str_find_c(inside, ',', 0);
    unsigned long long least = 0;
    unsigned long long most = 0;
    struct str first = str_sub(inside, 0, comma == (size_t)-1 ? inside.n : comma);
    struct str last = comma == (size_t)-1 ? first : str_sub(inside, comma + 1, inside.n);
    if (!looking_at(s, "{") || !str_to_u64(first, &least) ||
        (last.n > 0 && !str_to_u64(last, &most))) {
        return false;
    }
    *ret_least = least > REGEX_MAX_REPEAT ? REGEX_MAX_REPEAT + 1 : (int)least;
    *ret_most = last.n == 0 ? -1 : most > REGEX_MAX_REPEAT ? REGEX_MAX_REPEAT + 1 : (int)most;
    s->at += inside.n + 2;
    return true;
}

/* Writes the last piece out `least` to `most` times. */
static int repeat(struct parser *s, size_t start, int least, int most) {
    size_t n = s->re->n - start;
    if (least > REGEX_MAX_REPEAT || most > REGEX_MAX_REPEAT || (most >= 0 && most < least)) {
        return wrong(s, "the repetition's count is not possible");
    }
    if (n == 0) {
        return 0; /* of nothing */
    }
    if (most == 0) {
        s->re->n = start;
        return 0;
    }
    for (int i = 1; i < least; i++) {
        if (append_copy(s, start, n) < 0) {
            return -1;
        }
    }
    if (most < 0 && least > 0) {
        return emit(s, (struct regex_instruction){.op = REGEX_SPLIT, .x = -(int)n, .y = 1});
    }
    if (most < 0) {
        struct regex_instruction back = {.op = REGEX_JUMP, .x = -(int)n - 1};
        return insert(s, start, jump(REGEX_SPLIT, 1, n + 2)) < 0 ? -1 : emit(s, back);
    }
    if (least == 0 && insert(s, start, jump(REGEX_SPLIT, 1, n + 1)) < 0) {
        return -1;
    }
    size_t piece = least == 0 ? n + 1 : n;
    for (int i = least == 0 ? 1 : least; i < most; i++) {
        if ((least > 0 && emit(s, jump(REGEX_SPLIT, 1, n + 1)) < 0) ||
            append_copy(s, start, piece) < 0) {
            return -1;
        }
    }
    return 0;
}

static int piece(struct parser *s) {
    size_t start = s->re->n;
    if (atom(s) < 0) {
        return -1;
    }
    while (more(s)) {
        int least = 0;
        int most = -1;
        char c = s->p.p[s->at];
        if (c == '*' || c == '+' || c == '?') {
            least = c == '+';
            most = c == '?' ? 1 : -1;
            s->at++;
        } else if (!counts(s, &least, &most)) {
            break;
        }
        s->at += looking_at(s, "?"); /* lazy: the same texts match */
        if (repeat(s, start, least, most) < 0) {
            return -1;
        }
    }
    return 0;
}

static int alternatives(struct parser *s) {
    size_t start = s->re->n; /* of this alternative */
    int last_exit = -1;      /* exits are chained through x until the end is known */
    for (;;) {
        while (more(s) && s->p.p[s->at] != '|' && s->p.p[s->at] != ')') {
            if (piece(s) < 0) {
                return -1;
            }
        }
        if (!looking_at(s, "|")) {
            break;
        }
        s->at++;
        size_t n = s->re->n - start;
        if (insert(s, start, jump(REGEX_SPLIT, 1, n + 2)) < 0 ||
            emit(s, (struct regex_instruction){.op = REGEX_JUMP, .x = last_exit}) < 0) {
            return -1;
        }
        last_exit = (int)s->re->n - 1;
        start = s->re->n;
    }
    while (last_exit >= 0) {
        struct regex_instruction *i = &s->re->v[last_exit];
        int before = i->x;
        i->x = (int)s->re->n - last_exit;
        last_exit = before;
    }
    return 0;
}

int regex_compile(struct arena *a, struct str pattern, struct regex **ret, struct err *err) {
    struct parser s = {.arena = a, .p = pattern, .re = arena_new(a, struct regex), .err = err};
    if (pattern.n > REGEX_MAX_PATTERN) {
        return err_set(err, ERR_LIMIT, "regular expression of %zu bytes, more than %d", pattern.n,
                       REGEX_MAX_PATTERN);
    }
    if (alternatives(&s) < 0) {
        return -1;
    }
    if (more(&s)) {
        return wrong(&s, ") has no beginning");
    }
    if (emit(&s, (struct regex_instruction){.op = REGEX_MATCH}) < 0) {
        return -1;
    }
    *ret = s.re;
    return 0;
}
