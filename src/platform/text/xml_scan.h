/*
 * XML (over expat) element by element, for files that are too large for a tree: what an element
 * holds is forgotten when it ends, so memory grows with depth and not with size. A document type
 * is taken when it only names an external one, which is never read (JaCoCo's and Cobertura's
 * files do); one with declarations of its own, and so with entities, is refused.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"

enum {
    XML_SCAN_BYTES = 64 * 1024 * 1024,
    XML_SCAN_DEPTH = 64,
    XML_SCAN_TEXT = 64 * 1024, /* character data of one element; the rest is dropped */
};

/* Valid until the element's end has been told; strings are the scanner's. */
struct xml_element {
    struct str name;          /* without prefix */
    struct str text;          /* character data right inside it, joined; complete at its end */
    struct str_map attribute; /* names with their prefix, as written */
    const struct xml_element *parent; /* NULL for the root */
    unsigned line;
};

/* Either may be NULL. -1 with err ends the reading. */
struct xml_scanner {
    int (*start)(void *ud, const struct xml_element *e, struct err *err);
    int (*end)(void *ud, const struct xml_element *e, struct err *err);
    void *ud;
};

/* ERR_INVALID "line 3, column 7: what", ERR_LIMIT, or what a callback said. */
int xml_scan(const struct xml_scanner *scanner, struct str text, struct err *err) MUST_USE;

/* An attribute by its name; absent when there is none. */
static inline struct str xml_attribute(const struct xml_element *e, const char *name) {
    return str_map_get(&e->attribute, str_c(name));
}
