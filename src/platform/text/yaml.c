/* Builds the tree of yaml.h from libyaml's events. */
#include "platform/text/yaml.h"

#include "base/buf.h"
#include "platform/text/yaml_causes.h"
#include "platform/text/yaml_tabs.h"
#include "platform/text/yaml_tags.h"

#include <stdint.h>
#include <yaml.h>

enum { MAX_ANCHORS = 1000 };

struct anchor {
    struct str name;
    struct yaml_node *node; /* NULL while its node is being read: an alias to it is recursion */
};

struct reader {
    struct arena *arena;
    const char *file;
    struct str text;
    struct yaml_doc *doc;
    yaml_parser_t parser;
    bool own_tags; /* "!Ref" and its like stay in the tree */
    struct {
        struct anchor *v;
        size_t n;
    } anchors;
};

#define cleanup_event __attribute__((cleanup(yaml_event_delete)))

static int fail(struct reader *r, struct err *err, enum err_kind kind, unsigned line,
                unsigned column, const char *what) {
    r->doc->error = (struct yaml_note){line, column, str_dup(r->arena, str_c(what))};
    return err_set(err, kind, "%s:%u:%u: %s", r->file, line, column, what);
}

static int fail_at(struct reader *r, struct err *err, enum err_kind kind, yaml_mark_t mark,
                   const char *what) {
    return fail(r, err, kind, (unsigned)mark.line + 1, (unsigned)mark.column + 1, what);
}

static void warn(struct reader *r, unsigned line, unsigned column, struct str text) {
    *arena_push(r->arena, &r->doc->warnings) = (struct yaml_note){line, column, text};
}

static bool tab_at(struct str text, yaml_mark_t mark) {
    size_t at = 0;
    for (size_t line = 0; line < mark.line; line++) {
        at = str_find_c(text, '\n', at);
        if (at == (size_t)-1) {
            return false;
        }
        at++;
    }
    /* Characters are bytes up to here in all files but few; a wrong guess costs a worse message. */
    return at + mark.column < text.n && text.p[at + mark.column] == '\t';
}

/* libyaml reports what it was doing as well as what went wrong; the second is what helps. */
static int parser_error(struct reader *r, struct err *err) {
    const yaml_parser_t *p = &r->parser;
    if (p->error == YAML_READER_ERROR) {
        struct str what = str_printf(r->arena, "%s (byte %zu)", p->problem, p->problem_offset);
        return fail(r, err, ERR_INVALID, 1, 1, what.p);
    }
    if (tab_at(r->text, p->problem_mark)) {
        return fail_at(r, err, ERR_INVALID, p->problem_mark,
                       "found a tab, YAML indents with blanks only: replace it");
    }
    const char *cause = yaml_usual_cause(p->problem);
    struct str what = str_printf(r->arena, "%s%s%s", p->problem ? p->problem : "not YAML",
                                 cause ? ": " : "", cause ? cause : "");
    return fail_at(r, err, ERR_INVALID, p->problem_mark, what.p);
}

static int next_event(struct reader *r, yaml_event_t *event, struct err *err) {
    return yaml_parser_parse(&r->parser, event) ? 0 : parser_error(r, err);
}

static struct yaml_node *node_new(struct reader *r, const yaml_event_t *event,
                                  enum yaml_kind kind) {
    struct yaml_node *node = arena_new(r->arena, struct yaml_node);
    node->kind = kind;
    node->line = (unsigned)event->start_mark.line + 1;
    node->column = (unsigned)event->start_mark.column + 1;
    node->weight = 1;
    return node;
}

/* *ret is SIZE_MAX when the node has no anchor. */
static int anchor_open(struct reader *r, const yaml_event_t *event, const yaml_char_t *name,
                       size_t *ret, struct err *err) {
    *ret = SIZE_MAX;
    if (name == NULL) {
        return 0;
    }
    if (r->anchors.n == MAX_ANCHORS) {
        return fail_at(r, err, ERR_LIMIT, event->start_mark, "more than 1000 anchors");
    }
    *ret = r->anchors.n;
    *arena_push(r->arena, &r->anchors) =
        (struct anchor){str_dup(r->arena, str_c((const char *)name)), NULL};
    return 0;
}

static void anchor_close(struct reader *r, size_t anchor, struct yaml_node *node) {
    if (anchor != SIZE_MAX) {
        r->anchors.v[anchor].node = node;
    }
}

static int set_tag(struct reader *r, struct yaml_node *node, const yaml_char_t *tag,
                   struct err *err) {
    if (tag == NULL) {
        return 0;
    }
    node->tag = str_dup(r->arena, str_c((const char *)tag));
    if (r->own_tags && node->tag.n > 1 && node->tag.p[0] == '!') {
        return 0;
    }
    const char *fault = yaml_tag_fault(r->arena, node);
    return fault ? fail(r, err, ERR_INVALID, node->line, node->column, fault) : 0;
}

static int read_node(struct reader *r, yaml_event_t *event, unsigned depth, struct yaml_node **ret,
                     struct err *err);

static int read_alias(struct reader *r, const yaml_event_t *event, struct yaml_node **ret,
                      struct err *err) {
    struct str name = str_c((const char *)event->data.alias.anchor);
    for (size_t i = r->anchors.n; i > 0; i--) {
        if (!str_eq(r->anchors.v[i - 1].name, name)) {
            continue;
        }
        *ret = r->anchors.v[i - 1].node;
        return *ret ? 0
                    : fail_at(r, err, ERR_LIMIT, event->start_mark,
                              "alias stands inside the node that it names");
    }
    struct str what = str_printf(r->arena, "alias '*" STR_FMT "' names no anchor", STR_ARG(name));
    return fail_at(r, err, ERR_INVALID, event->start_mark, what.p);
}

static int add_weight(struct reader *r, struct yaml_node *node, const struct yaml_node *child,
                      struct err *err) {
    node->weight += child->weight;
    if (node->weight > YAML_MAX_NODES) {
        return fail(r, err, ERR_LIMIT, child->line, child->column,
                    "more than 100000 nodes when aliases are written out");
    }
    return 0;
}

static int read_sequence(struct reader *r, struct yaml_node *node, unsigned depth,
                         struct err *err) {
    struct {
        struct yaml_node **v;
        size_t n;
    } items = {0};
    for (;;) {
        yaml_event_t event cleanup_event = {0};
        if (next_event(r, &event, err) < 0) {
            return -1;
        }
        if (event.type == YAML_SEQUENCE_END_EVENT) {
            node->item = items.v;
            node->n = items.n;
            return 0;
        }
        struct yaml_node *item = NULL;
        if (read_node(r, &event, depth + 1, &item, err) < 0 || add_weight(r, node, item, err) < 0) {
            return -1;
        }
        *arena_push(r->arena, &items) = item;
    }
}

/* The pairs of a mapping while it is read, with a hash table so that a hostile file with fifty
 * thousand keys costs no more than it should. */
struct pairs {
    struct yaml_pair *v;
    size_t n;
    uint32_t *slot; /* index into v plus one, 0 = free */
    size_t slots;   /* power of two, at least twice n */
};

static size_t slot_of(const struct pairs *pairs, struct str key) {
    uint64_t hash = 14695981039346656037U;
    for (size_t i = 0; i < key.n; i++) {
        hash = (hash ^ (unsigned char)key.p[i]) * 1099511628211U;
    }
    size_t at = (size_t)(hash ^ hash >> 32) & (pairs->slots - 1);
    while (pairs->slot[at] != 0 && !str_eq(pairs->v[pairs->slot[at] - 1].key->text, key)) {
        at = (at + 1) & (pairs->slots - 1);
    }
    return at;
}

static size_t find_key(const struct pairs *pairs, struct str key) {
    if (pairs->n == 0) {
        return SIZE_MAX;
    }
    uint32_t found = pairs->slot[slot_of(pairs, key)];
    return found == 0 ? SIZE_MAX : found - 1;
}

static void append_pair(struct reader *r, struct pairs *pairs, struct yaml_pair pair) {
    *arena_push(r->arena, pairs) = pair;
    if (pairs->n * 2 > pairs->slots) {
        pairs->slots = pairs->slots ? pairs->slots * 2 : 8;
        pairs->slot = arena_new_n(r->arena, uint32_t, pairs->slots);
        for (size_t i = 0; i + 1 < pairs->n; i++) {
            pairs->slot[slot_of(pairs, pairs->v[i].key->text)] = (uint32_t)i + 1;
        }
    }
    pairs->slot[slot_of(pairs, pair.key->text)] = (uint32_t)pairs->n;
}

static int merge_one(struct reader *r, struct pairs *merged, const struct yaml_node *from,
                     struct err *err) {
    if (from->kind != YAML_MAPPING) {
        return fail(r, err, ERR_INVALID, from->line, from->column,
                    "'<<' takes a mapping or a list of mappings");
    }
    for (size_t i = 0; i < from->n; i++) {
        if (find_key(merged, from->pair[i].key->text) == SIZE_MAX) {
            append_pair(r, merged, from->pair[i]);
        }
    }
    return 0;
}

static int merge(struct reader *r, struct pairs *merged, const struct yaml_node *value,
                 struct err *err) {
    if (value->kind != YAML_SEQUENCE) {
        return merge_one(r, merged, value, err);
    }
    for (size_t i = 0; i < value->n; i++) {
        if (merge_one(r, merged, value->item[i], err) < 0) {
            return -1;
        }
    }
    return 0;
}

static void add_pair(struct reader *r, struct pairs *pairs, struct yaml_node *key,
                     struct yaml_node *value) {
    size_t at = find_key(pairs, key->text);
    if (at == SIZE_MAX) {
        append_pair(r, pairs, (struct yaml_pair){key, value});
        return;
    }
    warn(r, key->line, key->column,
         str_printf(r->arena, "key '" STR_FMT "' is there already (line %u); this one counts",
                    STR_ARG(key->text), pairs->v[at].key->line));
    pairs->v[at] = (struct yaml_pair){key, value};
}

static int read_pair(struct reader *r, yaml_event_t *event, struct yaml_node *node,
                     struct pairs *own, struct pairs *merged, unsigned depth, struct err *err) {
    struct yaml_node *key = NULL;
    struct yaml_node *value = NULL;
    if (read_node(r, event, depth + 1, &key, err) < 0) {
        return -1;
    }
    if (key->kind != YAML_SCALAR) {
        return fail(r, err, ERR_INVALID, key->line, key->column, "a key must be plain text");
    }
    yaml_event_t value_event cleanup_event = {0};
    if (next_event(r, &value_event, err) < 0 ||
        read_node(r, &value_event, depth + 1, &value, err) < 0 ||
        add_weight(r, node, key, err) < 0 || add_weight(r, node, value, err) < 0) {
        return -1;
    }
    if (key->plain && str_is(key->text, "<<")) {
        return merge(r, merged, value, err);
    }
    add_pair(r, own, key, value);
    return 0;
}

static int read_mapping(struct reader *r, struct yaml_node *node, unsigned depth, struct err *err) {
    struct pairs own = {0};
    struct pairs merged = {0};
    for (;;) {
        yaml_event_t event cleanup_event = {0};
        if (next_event(r, &event, err) < 0) {
            return -1;
        }
        if (event.type == YAML_MAPPING_END_EVENT) {
            break;
        }
        if (read_pair(r, &event, node, &own, &merged, depth, err) < 0) {
            return -1;
        }
    }
    for (size_t i = 0; i < merged.n; i++) {
        if (find_key(&own, merged.v[i].key->text) == SIZE_MAX) {
            append_pair(r, &own, merged.v[i]);
        }
    }
    node->pair = own.v;
    node->n = own.n;
    return 0;
}

static int read_scalar(struct reader *r, const yaml_event_t *event, struct yaml_node **ret,
                       struct err *err) {
    struct yaml_node *node = node_new(r, event, YAML_SCALAR);
    size_t anchor = SIZE_MAX;
    if (anchor_open(r, event, event->data.scalar.anchor, &anchor, err) < 0) {
        return -1;
    }
    node->text =
        str_dup(r->arena, str_n((const char *)event->data.scalar.value, event->data.scalar.length));
    node->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    node->literal = event->data.scalar.style == YAML_LITERAL_SCALAR_STYLE;
    anchor_close(r, anchor, node);
    *ret = node;
    return set_tag(r, node, event->data.scalar.tag, err);
}

static int read_node(struct reader *r, yaml_event_t *event, unsigned depth, struct yaml_node **ret,
                     struct err *err) {
    if (depth > YAML_MAX_DEPTH) {
        return fail_at(r, err, ERR_LIMIT, event->start_mark, "nested more than 200 levels deep");
    }
    if (event->type == YAML_ALIAS_EVENT) {
        return read_alias(r, event, ret, err);
    }
    if (event->type == YAML_SCALAR_EVENT) {
        return read_scalar(r, event, ret, err);
    }
    bool list = event->type == YAML_SEQUENCE_START_EVENT;
    struct yaml_node *node = node_new(r, event, list ? YAML_SEQUENCE : YAML_MAPPING);
    const yaml_char_t *name =
        list ? event->data.sequence_start.anchor : event->data.mapping_start.anchor;
    const yaml_char_t *tag = list ? event->data.sequence_start.tag : event->data.mapping_start.tag;
    size_t anchor = SIZE_MAX;
    if (anchor_open(r, event, name, &anchor, err) < 0 || set_tag(r, node, tag, err) < 0 ||
        (list ? read_sequence(r, node, depth, err) : read_mapping(r, node, depth, err)) < 0) {
        return -1;
    }
    anchor_close(r, anchor, node);
    *ret = node;
    return 0;
}

/* One document counts; what follows must be YAML all the same. */
static int read_stream(struct reader *r, struct err *err) {
    for (unsigned documents = 0;;) {
        yaml_event_t event cleanup_event = {0};
        if (next_event(r, &event, err) < 0) {
            return -1;
        }
        if (event.type == YAML_STREAM_END_EVENT) {
            return 0;
        }
        if (event.type == YAML_DOCUMENT_START_EVENT && ++documents == 2) {
            warn(r, (unsigned)event.start_mark.line + 1, 1,
                 S("a second document begins here; only the first one counts"));
        }
        bool frame = event.type == YAML_STREAM_START_EVENT ||
                     event.type == YAML_DOCUMENT_START_EVENT ||
                     event.type == YAML_DOCUMENT_END_EVENT;
        if (!frame && documents == 1 && read_node(r, &event, 1, &r->doc->root, err) < 0) {
            return -1;
        }
    }
}

static int parse(struct arena *a, const char *file, struct str text, bool own_tags,
                 struct yaml_doc *ret, struct err *err) {
    *ret = (struct yaml_doc){0};
    struct reader r = {.arena = a, .file = file, .text = text, .doc = ret, .own_tags = own_tags};
    if (text.n > YAML_MAX_BYTES) {
        return fail(&r, err, ERR_LIMIT, 1, 1, "larger than 1 MiB");
    }
    if (!yaml_parser_initialize(&r.parser)) {
        return err_set(err, ERR_INTERNAL, "the YAML parser cannot be made");
    }
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)(text.p ? text.p : ""), text.n);
    int result = read_stream(&r, err);
    yaml_parser_delete(&r.parser);
    unsigned line, column;
    if (result == 0 && yaml_find_tab(text, &line, &column)) {
        return fail(&r, err, ERR_INVALID, line, column,
                    "found a tab outside of quotes: replace it with a blank");
    }
    return result;
}

int yaml_parse(struct arena *a, const char *file, struct str text, struct yaml_doc *ret,
               struct err *err) {
    return parse(a, file, text, false, ret, err);
}

int yaml_parse_tagged(struct arena *a, const char *file, struct str text, struct yaml_doc *ret,
                      struct err *err) {
    return parse(a, file, text, true, ret, err);
}

struct yaml_node *yaml_get(const struct yaml_node *map, const char *key) {
    if (map == NULL || map->kind != YAML_MAPPING) {
        return NULL;
    }
    for (size_t i = 0; i < map->n; i++) {
        if (str_is(map->pair[i].key->text, key)) {
            return map->pair[i].value;
        }
    }
    return NULL;
}

bool yaml_is_null(const struct yaml_node *node) {
    return node == NULL ||
           (node->kind == YAML_SCALAR && node->plain &&
            (node->text.n == 0 || str_is(node->text, "~") || str_ieq(node->text, S("null"))));
}

bool yaml_bool(const struct yaml_node *node, bool *ret) {
    static const char *const words[] = {"no", "yes", "false", "true", "off", "on"};
    if (node == NULL || node->kind != YAML_SCALAR) {
        return false;
    }
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (str_ieq(node->text, str_c(words[i]))) {
            *ret = i % 2 == 1;
            return true;
        }
    }
    return false;
}

const char *yaml_kind_name(enum yaml_kind kind) {
    static const char *const names[] = {"plain text", "a list", "a mapping"};
    return names[kind];
}
