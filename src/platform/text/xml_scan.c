/* Implementation of platform/text/xml_scan.h. */
#include "platform/text/xml_scan.h"

#include "base/buf.h"

#include <expat.h>
#include <stdlib.h>

/* An element that is open. */
struct level {
    struct xml_element element;
    struct arena_mark mark; /* everything since belongs to it */
    struct buf text;
};

struct scan {
    const struct xml_scanner *scanner;
    struct arena arena;
    XML_Parser parser;
    size_t depth;
    bool stopped; /* err is set */
    struct err *err;
    struct level open[XML_SCAN_DEPTH];
};

static void halt(struct scan *s) {
    s->stopped = true;
    XML_StopParser(s->parser, XML_FALSE);
}

static void refuse(struct scan *s, enum err_kind kind, const char *what) {
    err_set(s->err, kind, "line %lu, column %lu: %s",
            (unsigned long)XML_GetCurrentLineNumber(s->parser),
            (unsigned long)XML_GetCurrentColumnNumber(s->parser) + 1, what);
    halt(s);
}

static struct str without_prefix(struct str name) {
    size_t colon = str_find_c(name, ':', 0);
    return colon == (size_t)-1 ? name : str_sub(name, colon + 1, name.n);
}

static void on_start(void *ud, const char *name, const char **attributes) {
    struct scan *s = ud;
    if (s->stopped) {
        return;
    }
    if (s->depth == XML_SCAN_DEPTH) {
        refuse(s, ERR_LIMIT, "nested too deep");
        return;
    }
    struct level *level = &s->open[s->depth];
    level->mark = arena_mark(&s->arena);
    buf_clear(&level->text);
    level->element = (struct xml_element){
        .name = str_dup(&s->arena, without_prefix(str_c(name))),
        .text = S(""),
        .parent = s->depth > 0 ? &s->open[s->depth - 1].element : NULL,
        .line = (unsigned)XML_GetCurrentLineNumber(s->parser),
    };
    for (size_t i = 0; attributes[i] != NULL; i += 2) {
        *arena_push(&s->arena, &level->element.attribute) = (struct str_pair){
            str_dup(&s->arena, str_c(attributes[i])), str_dup(&s->arena, str_c(attributes[i + 1]))};
    }
    s->depth++;
    if (s->scanner->start != NULL &&
        s->scanner->start(s->scanner->ud, &level->element, s->err) < 0) {
        halt(s);
    }
}

static void on_end(void *ud, const char *name) {
    struct scan *s = ud;
    (void)name;
    if (s->stopped) {
        return;
    }
    struct level *level = &s->open[--s->depth];
    level->element.text = buf_str(&level->text);
    if (s->scanner->end != NULL && s->scanner->end(s->scanner->ud, &level->element, s->err) < 0) {
        halt(s);
    }
    arena_reset(&s->arena, level->mark);
}

static void on_text(void *ud, const char *text, int n) {
    struct scan *s = ud;
    if (s->depth > 0 && !s->stopped) {
        struct buf *b = &s->open[s->depth - 1].text;
        size_t room = XML_SCAN_TEXT - b->n;
        buf_add(b, str_n(text, (size_t)n < room ? (size_t)n : room));
    }
}

static void on_doctype(void *ud, const char *name, const char *system, const char *public,
                       int has_subset) {
    (void)name;
    (void)system;
    (void)public;
    if (has_subset) {
        refuse(ud, ERR_INVALID, "a document type with declarations of its own is not allowed");
    }
}

static int run(struct scan *s, struct str text) {
    XML_SetUserData(s->parser, s);
    XML_SetElementHandler(s->parser, on_start, on_end);
    XML_SetCharacterDataHandler(s->parser, on_text);
    XML_SetStartDoctypeDeclHandler(s->parser, on_doctype);
    bool good = XML_Parse(s->parser, text.p ? text.p : "", (int)text.n, 1) == XML_STATUS_OK;
    if (s->stopped) {
        return -1;
    }
    if (!good) {
        refuse(s, ERR_INVALID, XML_ErrorString(XML_GetErrorCode(s->parser)));
        return -1;
    }
    return 0;
}

int xml_scan(const struct xml_scanner *scanner, struct str text, struct err *err) {
    if (text.n > XML_SCAN_BYTES) {
        return err_set(err, ERR_LIMIT, "XML of %zu bytes is over the limit of %d", text.n,
                       XML_SCAN_BYTES);
    }
    struct scan *s = mem_alloc(sizeof(*s));
    s->scanner = scanner;
    s->err = err;
    s->parser = XML_ParserCreate(NULL);
    if (s->parser == NULL) {
        abort();
    }
    for (size_t i = 0; i < XML_SCAN_DEPTH; i++) {
        buf_init(&s->open[i].text, XML_SCAN_TEXT);
    }
    int result = run(s, text);
    for (size_t i = 0; i < XML_SCAN_DEPTH; i++) {
        buf_done(&s->open[i].text);
    }
    XML_ParserFree(s->parser);
    arena_done(&s->arena);
    free(s);
    return result;
}
