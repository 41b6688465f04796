/* Implementation of platform/text/xml.h. */
#include "platform/text/xml.h"

#include "platform/text/utf8.h"

#include <expat.h>
#include <stdlib.h>

struct reader {
    struct arena *arena;
    XML_Parser parser;
    struct xml_node *root;
    struct xml_node *open[XML_MAX_DEPTH]; /* from the root to the current element */
    struct xml_node *last[XML_MAX_DEPTH]; /* newest child of each */
    struct buf text[XML_MAX_DEPTH];       /* character data of each */
    size_t depth;
    size_t nodes;
    struct err err;
};

static struct str without_prefix(struct str name) {
    size_t colon = str_find_c(name, ':', 0);
    return colon == (size_t)-1 ? name : str_sub(name, colon + 1, name.n);
}

static void stop(struct reader *r, enum err_kind kind, const char *what) {
    err_set(&r->err, kind, "line %lu, column %lu: %s",
            (unsigned long)XML_GetCurrentLineNumber(r->parser),
            (unsigned long)XML_GetCurrentColumnNumber(r->parser) + 1, what);
    XML_StopParser(r->parser, XML_FALSE);
}

static void on_start(void *ud, const char *name, const char **attributes) {
    struct reader *r = ud;
    if (r->depth == XML_MAX_DEPTH || ++r->nodes > XML_MAX_NODES) {
        stop(r, ERR_LIMIT, r->depth == XML_MAX_DEPTH ? "nested too deep" : "too many elements");
        return;
    }
    struct xml_node *node = arena_new(r->arena, struct xml_node);
    node->name = str_dup(r->arena, without_prefix(str_c(name)));
    node->line = (unsigned)XML_GetCurrentLineNumber(r->parser);
    for (size_t i = 0; attributes[i] != NULL; i += 2) {
        struct str_pair *pair = arena_push(r->arena, &node->attribute);
        pair->key = str_dup(r->arena, str_c(attributes[i]));
        pair->value = str_dup(r->arena, str_c(attributes[i + 1]));
    }
    if (r->depth == 0) {
        r->root = node;
    } else if (r->last[r->depth - 1] == NULL) {
        r->open[r->depth - 1]->first = node;
    } else {
        r->last[r->depth - 1]->next = node;
    }
    if (r->depth > 0) {
        r->last[r->depth - 1] = node;
    }
    r->open[r->depth] = node;
    r->last[r->depth] = NULL;
    buf_clear(&r->text[r->depth]);
    r->depth++;
}

static void on_end(void *ud, const char *name) {
    (void)name;
    struct reader *r = ud;
    r->depth--;
    r->open[r->depth]->text = buf_dup(r->arena, &r->text[r->depth]);
}

static void on_text(void *ud, const char *text, int n) {
    struct reader *r = ud;
    if (r->depth > 0) {
        buf_add(&r->text[r->depth - 1], str_n(text, (size_t)n));
    }
}

static void on_doctype(void *ud, const char *name, const char *system, const char *public,
                       int has_subset) {
    (void)name;
    (void)system;
    (void)public;
    (void)has_subset;
    stop(ud, ERR_INVALID, "a document type is not allowed");
}

static int run(struct reader *r, struct str text, struct err *err) {
    XML_SetUserData(r->parser, r);
    XML_SetElementHandler(r->parser, on_start, on_end);
    XML_SetCharacterDataHandler(r->parser, on_text);
    XML_SetStartDoctypeDeclHandler(r->parser, on_doctype);
    if (XML_Parse(r->parser, text.p ? text.p : "", (int)text.n, 1) == XML_STATUS_OK) {
        return 0;
    }
    if (r->err.kind != ERR_NONE) {
        *err = r->err;
        return -1;
    }
    return err_set(err, ERR_INVALID, "line %lu, column %lu: %s",
                   (unsigned long)XML_GetCurrentLineNumber(r->parser),
                   (unsigned long)XML_GetCurrentColumnNumber(r->parser) + 1,
                   XML_ErrorString(XML_GetErrorCode(r->parser)));
}

int xml_parse(struct arena *a, struct str text, struct xml_node **ret, struct err *err) {
    if (text.n > XML_MAX_BYTES) {
        return err_set(err, ERR_LIMIT, "XML of %zu bytes is over the limit of %d", text.n,
                       XML_MAX_BYTES);
    }
    struct reader *r = mem_alloc(sizeof(*r));
    r->arena = a;
    r->parser = XML_ParserCreate(NULL);
    if (r->parser == NULL) {
        abort();
    }
    for (size_t i = 0; i < XML_MAX_DEPTH; i++) {
        buf_init(&r->text[i], XML_MAX_BYTES);
    }
    int failed = run(r, text, err);
    *ret = failed == 0 ? r->root : NULL;
    for (size_t i = 0; i < XML_MAX_DEPTH; i++) {
        buf_done(&r->text[i]);
    }
    XML_ParserFree(r->parser);
    free(r);
    return failed;
}

struct xml_node *xml_child(const struct xml_node *node, struct str name) {
    struct xml_node *child = node != NULL ? node->first : NULL;
    while (child != NULL && !str_eq(child->name, name)) {
        child = child->next;
    }
    return child;
}

struct xml_node *xml_again(const struct xml_node *node) {
    struct xml_node *other = node->next;
    while (other != NULL && !str_eq(other->name, node->name)) {
        other = other->next;
    }
    return other;
}

/* XML 1.0 has no place for most control characters, in no form at all. */
static bool can_stand(uint32_t c) {
    return c == '\t' || c == '\n' || c == '\r' || (c >= 0x20 && c != 0xFFFE && c != 0xFFFF);
}

void xml_escape(struct buf *out, struct str text) {
    while (text.n > 0) {
        uint32_t c = 0;
        size_t n = utf8_decode(text, &c);
        if (n == 0 || !can_stand(c)) {
            buf_add_z(out, "\xEF\xBF\xBD");
            n = n == 0 ? 1 : n;
        } else if (c == '<') {
            buf_add_z(out, "&lt;");
        } else if (c == '>') {
            buf_add_z(out, "&gt;");
        } else if (c == '&') {
            buf_add_z(out, "&amp;");
        } else if (c == '"') {
            buf_add_z(out, "&quot;");
        } else if (c == '\r') {
            buf_add_z(out, "&#xD;");
        } else {
            buf_add(out, str_n(text.p, n));
        }
        text = str_n(text.p + n, text.n - n);
    }
}
