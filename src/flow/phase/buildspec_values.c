/* The pieces of which a buildspec is read: notes, known keys, texts, lists and maps. */
#include "flow/phase/buildspec_internal.h"

#include <stdint.h>

#define KIND(kind) (1U << (kind))

struct known_key {
    enum buildspec_place place;
    const char *key;
    unsigned kinds;
};

static const struct known_key known_keys[] = {
#define KEY(place, key, kinds) {place, key, kinds},
#include "flow/phase/buildspec_keys.def"
#undef KEY
};

static void note(struct spec_reader *r, struct buildspec_notes *notes, const char *code,
                 const struct yaml_node *at, const char *fmt, va_list args)
    __attribute__((format(printf, 5, 0)));

/* True when the same thing was told of the same place: a parent knows what kind its child must be,
 * and so does who reads the child. */
static bool told(const struct buildspec_notes *notes, const char *code, unsigned line,
                 unsigned column) {
    for (size_t i = 0; i < notes->n; i++) {
        const struct buildspec_note *note = &notes->v[i];
        if (note->line == line && note->column == column && strcmp(note->code, code) == 0) {
            return true;
        }
    }
    return false;
}

static void note(struct spec_reader *r, struct buildspec_notes *notes, const char *code,
                 const struct yaml_node *at, const char *fmt, va_list args) {
    unsigned line = at ? at->line : 1;
    unsigned column = at ? at->column : 1;
    if (notes->n < BUILDSPEC_MAX_NOTES && !told(notes, code, line, column)) {
        *arena_push(r->arena, notes) = (struct buildspec_note){
            .code = code,
            .line = line,
            .column = column,
            .text = arena_vprintf(r->arena, fmt, args),
        };
    }
}

void spec_error(struct spec_reader *r, const char *code, const struct yaml_node *at,
                const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    note(r, &r->spec->errors, code, at, fmt, args);
    va_end(args);
}

void spec_warn(struct spec_reader *r, const char *code, const struct yaml_node *at, const char *fmt,
               ...) {
    va_list args;
    va_start(args, fmt);
    note(r, &r->spec->warnings, code, at, fmt, args);
    va_end(args);
}

/* '-' and '_' are mistaken for each other, and so are capitals. */
static char folded(char c) {
    return c == '_' ? '-' : c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Edits between two short words, for "did you mean". */
static size_t distance(struct str a, struct str b) {
    size_t row[64];
    if (a.n >= 64 || b.n >= 64) {
        return SIZE_MAX;
    }
    for (size_t j = 0; j <= b.n; j++) {
        row[j] = j;
    }
    for (size_t i = 1; i <= a.n; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.n; j++) {
            size_t above = row[j];
            size_t best = diagonal + (folded(a.p[i - 1]) != folded(b.p[j - 1]));
            best = above + 1 < best ? above + 1 : best;
            best = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
            diagonal = above;
            row[j] = best;
        }
    }
    return row[b.n];
}

static const struct known_key *find_key(enum buildspec_place place, struct str key) {
    for (size_t i = 0; i < sizeof(known_keys) / sizeof(known_keys[0]); i++) {
        if (known_keys[i].place == place && str_is(key, known_keys[i].key)) {
            return &known_keys[i];
        }
    }
    return NULL;
}

static const char *nearest_key(enum buildspec_place place, struct str key) {
    const char *nearest = NULL;
    size_t best = 2;
    for (size_t i = 0; i < sizeof(known_keys) / sizeof(known_keys[0]); i++) {
        size_t edits = known_keys[i].place == place ? distance(key, str_c(known_keys[i].key)) : 2;
        if (edits < best) {
            best = edits;
            nearest = known_keys[i].key;
        }
    }
    return nearest;
}

/* Where a key that stands in the wrong mapping means something; NULL if nowhere, or where it would
 * be too many places to tell. */
static const char *belongs_in(struct str key) {
    static const struct {
        enum buildspec_place place;
        const char *name;
    } places[] = {{PLACE_PHASES, "phases"},          {PLACE_ENV, "env"},
                  {PLACE_INSTALL, "phases.install"}, {PLACE_BATCH, "batch"},
                  {PLACE_ARTIFACTS, "artifacts"},    {PLACE_TOP, "the top level"}};
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        if (find_key(places[i].place, key) != NULL) {
            return places[i].name;
        }
    }
    return NULL;
}

static void unknown_key(struct spec_reader *r, enum buildspec_place place,
                        const struct yaml_node *key, const char *what) {
    const char *nearest = nearest_key(place, key->text);
    const char *home = nearest ? NULL : belongs_in(key->text);
    spec_warn(r, "unknown-key", key, "'" STR_FMT "' is no key of %s and is ignored%s%s%s",
              STR_ARG(key->text), what[0] ? what : "a buildspec",
              nearest ? "; did you mean '"
              : home  ? "; it belongs in "
                      : "",
              nearest ? nearest
              : home  ? home
                      : "",
              nearest ? "'?" : "");
    struct buildspec_notes *notes = &r->spec->warnings;
    if (nearest != NULL && notes->n > 0 && notes->v[notes->n - 1].line == key->line) {
        notes->v[notes->n - 1].mend = str_c(nearest);
    }
}

static void check_key(struct spec_reader *r, enum buildspec_place place,
                      const struct yaml_pair *pair, const char *what) {
    const struct known_key *known = find_key(place, pair->key->text);
    if (known == NULL) {
        unknown_key(r, place, pair->key, what);
    } else if (!yaml_is_null(pair->value) && !(known->kinds & KIND(pair->value->kind))) {
        bool list = (known->kinds & KIND(YAML_SEQUENCE)) != 0;
        bool map = (known->kinds & KIND(YAML_MAPPING)) != 0;
        spec_error(r, "type", pair->value, "'%s' must be %s, not %s", known->key,
                   map    ? "a mapping"
                   : list ? "a list"
                          : "plain text",
                   yaml_kind_name(pair->value->kind));
    }
}

bool spec_any_mapping(struct spec_reader *r, const struct yaml_node *node, const char *what) {
    if (yaml_is_null(node)) {
        return false;
    }
    if (node->kind != YAML_MAPPING) {
        spec_error(r, "type", node, "%s must be a mapping, not %s", what,
                   yaml_kind_name(node->kind));
        return false;
    }
    return true;
}

bool spec_mapping(struct spec_reader *r, enum buildspec_place place, const struct yaml_node *node,
                  const char *what) {
    if (!spec_any_mapping(r, node, what[0] ? what : "a buildspec")) {
        return false;
    }
    for (size_t i = 0; i < node->n; i++) {
        check_key(r, place, &node->pair[i], what);
    }
    return true;
}

struct str spec_text(struct spec_reader *r, const struct yaml_node *node, const char *what) {
    (void)what;
    if (yaml_is_null(node) || node->kind != YAML_SCALAR) {
        return STR_NONE;
    }
    if (memchr(node->text.p, '\0', node->text.n) != NULL) {
        spec_error(r, "nul", node, "%s holds a NUL character, which no program can be given", what);
        return STR_NONE;
    }
    return node->text;
}

bool spec_bool(struct spec_reader *r, const struct yaml_node *node, const char *what) {
    bool value = false;
    if (!yaml_is_null(node) && node->kind == YAML_SCALAR && !yaml_bool(node, &value)) {
        spec_error(r, "type", node, "%s must be yes or no", what);
    }
    return value;
}

struct str_list spec_texts(struct spec_reader *r, const struct yaml_node *node, const char *what) {
    struct str_list list = {arena_alloc(r->arena, 0), 0};
    if (yaml_is_null(node) || node->kind == YAML_MAPPING) {
        return list;
    }
    list.v = NULL;
    size_t n = node->kind == YAML_SEQUENCE ? node->n : 1;
    for (size_t i = 0; i < n; i++) {
        const struct yaml_node *item = node->kind == YAML_SEQUENCE ? node->item[i] : node;
        if (item->kind != YAML_SCALAR) {
            spec_error(r, "type", item, "item %zu of %s must be plain text, not %s", i + 1, what,
                       yaml_kind_name(item->kind));
            continue;
        }
        struct str text = spec_text(r, item, what);
        if (text.p != NULL) {
            *arena_push(r->arena, &list) = text;
        }
    }
    return list;
}

struct str_map spec_map(struct spec_reader *r, const struct yaml_node *node, const char *what) {
    struct str_map map = {0};
    if (yaml_is_null(node) || node->kind != YAML_MAPPING) {
        return map;
    }
    for (size_t i = 0; i < node->n; i++) {
        const struct yaml_pair *pair = &node->pair[i];
        if (pair->value->kind != YAML_SCALAR) {
            spec_error(r, "type", pair->value, "'" STR_FMT "' in %s must be plain text, not %s",
                       STR_ARG(pair->key->text), what, yaml_kind_name(pair->value->kind));
            continue;
        }
        struct str value = spec_text(r, pair->value, what);
        *arena_push(r->arena, &map) = (struct str_pair){pair->key->text, value.p ? value : S("")};
    }
    return map;
}
