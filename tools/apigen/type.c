/* Types of members: their text form, and their form in C. */
#include "apigen.h"

#include <stdlib.h>
#include <string.h>

static const struct {
    const char *word;
    enum shape_kind kind;
    bool ranged;
} simple_types[] = {
    {"str", SHAPE_STR, true},
    {"blob", SHAPE_BLOB, true},
    {"bool", SHAPE_BOOL, false},
    {"int", SHAPE_INT, true},
    {"long", SHAPE_LONG, true},
    {"float", SHAPE_FLOAT, true},
    {"double", SHAPE_DOUBLE, true},
    {"timestamp", SHAPE_TIMESTAMP, false},
    {"document", SHAPE_DOCUMENT, false},
    {"body", SHAPE_BODY, false},
    {"list", SHAPE_LIST, true},
    {"map", SHAPE_MAP, true},
};

/* "(1..50)", "(1..)" or "(..50)" behind a type's word. */
static void parse_range(struct service *s, int line, const char *range, struct type *t) {
    const char *dots = strstr(range, "..");
    size_t len = strlen(range);
    if (dots == NULL || range[len - 1] != ')') {
        fail(s, line, "range '%s' is not (MIN..MAX)", range);
    }
    char *end;
    if (dots > range + 1) {
        t->has_min = true;
        t->min = strtoll(range + 1, &end, 10);
        if (end != dots) {
            fail(s, line, "range '%s' has a minimum that is no number", range);
        }
    }
    if (dots[2] != ')') {
        t->has_max = true;
        t->max = strtoll(dots + 2, &end, 10);
        if (end != range + len - 1) {
            fail(s, line, "range '%s' has a maximum that is no number", range);
        }
    }
    if (t->has_min && t->has_max && t->min > t->max) {
        fail(s, line, "range '%s' is empty", range);
    }
}

/* What stands behind '~': the model's regular expression, its blanks written \x20. */
static const char *parse_pattern(const char *written) {
    char *pattern = zalloc(strlen(written) + 1);
    size_t n = 0;
    for (const char *p = written; *p != '\0'; p++) {
        bool blank = strncmp(p, "\\x20", 4) == 0;
        pattern[n++] = blank ? ' ' : *p;
        p += blank ? 3 : 0;
    }
    return pattern;
}

static enum shape_time parse_time(struct service *s, int line, const char *word) {
    static const char *const names[] = {"", ":iso8601", ":rfc822", ":unix"};
    for (size_t i = 0; i < 4; i++) {
        if (strcmp(word, names[i]) == 0) {
            return (enum shape_time)i;
        }
    }
    fail(s, line, "timestamp format '%s' is not :iso8601, :rfc822 or :unix", word);
}

/* Reads a type from words[*pos] on and leaves *pos behind it. */
struct type *type_parse(struct service *s, int line, const char **words, size_t *pos) {
    const char *word = words[*pos];
    if (word == NULL) {
        fail(s, line, "a type is missing");
    }
    (*pos)++;
    struct type *t = zalloc(sizeof *t);
    t->line = line;
    const char *tilde = strchr(word, '~');
    if (tilde != NULL) {
        t->pattern = parse_pattern(tilde + 1);
        word = text("%.*s", (int)(tilde - word), word);
    }
    if (strcmp(word, "enum") == 0) {
        t->kind = SHAPE_ENUM;
        t->def_name = words[*pos];
        if (t->def_name == NULL) {
            fail(s, line, "'enum' needs a name");
        }
        (*pos)++;
        return type_intern(s, t);
    }
    size_t len = strcspn(word, "(:");
    for (size_t i = 0; i < sizeof simple_types / sizeof *simple_types; i++) {
        if (strncmp(word, simple_types[i].word, len) != 0 || simple_types[i].word[len] != '\0') {
            continue;
        }
        t->kind = simple_types[i].kind;
        if (t->pattern != NULL && t->kind != SHAPE_STR) {
            fail(s, line, "'%s' takes no pattern", simple_types[i].word);
        }
        if (t->kind == SHAPE_TIMESTAMP) {
            t->time = parse_time(s, line, word + len);
        } else if (word[len] != '\0' && (!simple_types[i].ranged || word[len] != '(')) {
            fail(s, line, "'%s' takes no '%s'", simple_types[i].word, word + len);
        } else if (word[len] == '(') {
            parse_range(s, line, word + len, t);
        }
        if (t->kind == SHAPE_MAP) {
            t->key = type_parse(s, line, words, pos);
        }
        if (t->kind == SHAPE_MAP || t->kind == SHAPE_LIST) {
            t->item = type_parse(s, line, words, pos);
        }
        return type_intern(s, t);
    }
    if (word[0] < 'A' || word[0] > 'z' || word[len] != '\0') {
        fail(s, line, "'%s' is not a type", word);
    }
    t->kind = SHAPE_STRUCT;
    t->def_name = word;
    return type_intern(s, t);
}

static const char *canonical(const struct type *t) {
    return text("%d/%d/%d/%s/%s/%s/%s/%s/%s/%s/~%s", (int)t->kind, (int)t->time, t->flat,
                t->has_min ? text("%lld", t->min) : "", t->has_max ? text("%lld", t->max) : "",
                t->def_name ? t->def_name : "", t->item_name ? t->item_name : "",
                t->key_name ? t->key_name : "", t->item ? text("<%s>", t->item->canonical) : "",
                t->key ? text("<%s>", t->key->canonical) : "", t->pattern ? t->pattern : "");
}

struct type *type_intern(struct service *s, struct type *t) {
    t->canonical = canonical(t);
    for (size_t i = 0; i < s->types.n; i++) {
        struct type *known = s->types.v[i];
        if (strcmp(known->canonical, t->canonical) == 0) {
            return known;
        }
    }
    t->index = s->types.n;
    vec_push(&s->types, t);
    return t;
}

bool type_is_text(const struct type *t) {
    return t->kind == SHAPE_STR || t->kind == SHAPE_ENUM || t->kind == SHAPE_BLOB ||
           t->kind == SHAPE_DOCUMENT;
}

bool type_has_flag(const struct type *t) {
    return t->kind == SHAPE_BOOL || t->kind == SHAPE_INT || t->kind == SHAPE_LONG ||
           t->kind == SHAPE_FLOAT || t->kind == SHAPE_DOUBLE || t->kind == SHAPE_TIMESTAMP;
}

/* The word that stands for a type in the names of its containers. */
static const char *type_word(const struct type *t) {
    if (type_is_text(t)) {
        return "str";
    }
    switch (t->kind) {
    case SHAPE_STRUCT:
        return t->def->snake;
    case SHAPE_LIST:
        return text("%s_list", type_word(t->item));
    case SHAPE_MAP:
        return text("%s_map", type_word(t->item));
    default:
        for (size_t i = 0; i < sizeof simple_types / sizeof *simple_types; i++) {
            if (simple_types[i].kind == t->kind) {
                return simple_types[i].word;
            }
        }
        abort();
    }
}

const char *type_tag(const struct service *s, const struct type *t) {
    const char *word = type_word(t);
    return type_is_text(t->item) ? word : text("%s_%s", s->name, word);
}

const char *type_c(const struct service *s, const struct type *t) {
    if (type_is_text(t)) {
        return "struct str";
    }
    switch (t->kind) {
    case SHAPE_STRUCT:
        return text("struct %s_%s", s->name, t->def->snake);
    case SHAPE_LIST:
    case SHAPE_MAP:
        return text("struct %s", type_tag(s, t));
    case SHAPE_BOOL:
        return "bool";
    case SHAPE_INT:
        return "int32_t";
    case SHAPE_FLOAT:
    case SHAPE_DOUBLE:
        return "double";
    default:
        return "int64_t";
    }
}
