/*
 * XML (over expat): reading into a small tree within limits, and escaping for writers. No DTDs, so
 * no entities of their own; namespaces are not resolved, prefixes are cut off element names.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

enum {
    XML_MAX_BYTES = 16 * 1024 * 1024,
    XML_MAX_DEPTH = 64,
    XML_MAX_NODES = 200 * 1000,
};

struct xml_node {
    struct str name;          /* without prefix */
    struct str text;          /* character data right inside it, joined; never absent */
    struct str_map attribute; /* names with their prefix, as written */
    struct xml_node *first;   /* child elements, in order */
    struct xml_node *next;    /* sibling */
    unsigned line;
};

/* *ret is the root element, owned by `a`. ERR_INVALID "line 3, column 7: what", ERR_LIMIT. */
int xml_parse(struct arena *a, struct str text, struct xml_node **ret, struct err *err) MUST_USE;

/* First child of that name; NULL if there is none or node is NULL. */
struct xml_node *xml_child(const struct xml_node *node, struct str name);
/* Next sibling of the same name. */
struct xml_node *xml_again(const struct xml_node *node);

/* Appends text with < > & " and what XML 1.0 cannot hold replaced. CR becomes a reference, because
 * readers would turn it into LF. */
void xml_escape(struct buf *out, struct str text);
