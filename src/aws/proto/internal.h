/* Shared by the walkers. Not for others. */
#pragma once

#include "aws/proto/proto.h"
#include "base/buf.h"
#include "platform/text/json.h"
#include "platform/text/xml.h"

enum { PROTO_MAX_BYTES = 64 * 1024 * 1024, PROTO_MAX_PAIRS = 20000 };

/* Where a walker is, as a chain on the stack; written out only for messages. */
struct spot {
    const struct spot *up;
    struct str name; /* member or map key; absent: a list's element */
    size_t index;    /* of that element, from 1 */
};

/* One decoding. */
struct walk {
    struct arena *arena;
    enum shape_protocol protocol;
    const struct shape_service *service;
    struct proto_notes *notes; /* never NULL */
    struct err *err;
};

/* "stages.1.member.actions.2.member.name": AWS's form, each name with a small first letter. */
struct str spot_path(struct arena *a, const struct spot *s);
void walk_unknown(struct walk *w, const struct spot *up, struct str name);
/* Fails with the format's own error: SerializationException, MalformedInput, MalformedXML. */
int walk_malformed(struct walk *w, const struct spot *at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Fields of generated structs. */
void *member_at(const struct shape_member *m, void *base);
void member_set_has(const struct shape_member *m, void *base);
/* For a STRUCT member: allocates it, stores the pointer, returns the struct. Else member_at. */
void *member_make(struct arena *a, const struct shape_member *m, void *base);
void *list_make(struct arena *a, const struct shape *list, void *at, size_t n); /* n elements */
void *list_item(const struct shape *list, const void *at, size_t i);
void *map_make(struct arena *a, const struct shape *map, void *at, size_t n);
struct str *map_key(const struct shape *map, const void *at, size_t i);
void *map_value(const struct shape *map, const void *at, size_t i);

/* Scalars as text, in forms, XML, headers, URIs. `fallback` is the place's usual time format. */
bool scalar_parse(struct arena *a, const struct shape *s, enum shape_time fallback, struct str text,
                  void *at);
struct str scalar_text(struct arena *a, const struct shape *s, enum shape_time fallback,
                       const void *at);
struct str time_text(struct arena *a, enum shape_time format, int64_t ms, bool with_ms);
struct str double_text(struct arena *a, double value);

/* JSON. `body_only`: REST, where the other members travel elsewhere. */
int json_read_struct(struct walk *w, const struct shape *s, const json_t *json, void *base,
                     bool body_only, const struct spot *at);
void json_write_struct(struct arena *a, struct buf *out, const struct shape *s, const void *base,
                       bool body_only);
/* The members without the braces, each with a comma in front when `comma`. */
void json_write_members(struct arena *a, struct buf *out, const struct shape *s, const void *base,
                        bool body_only, bool comma);
void json_write_string(struct buf *out, struct str s);

/* Forms. */
int form_read_struct(struct walk *w, const struct shape *s, struct str body, void *base);
void form_write_struct(struct arena *a, struct buf *out, const struct shape *s, const void *base);

/* XML. Query answers and REST bodies differ only in what their shapes say. */
int xml_read_struct(struct walk *w, const struct shape *s, const struct xml_node *node, void *base,
                    bool body_only, const struct spot *at);
void xml_write_members(struct arena *a, struct buf *out, const struct shape *s, const void *base,
                       bool body_only);
/* <name attributes xmlns="..">members</name> */
void xml_write_struct(struct arena *a, struct buf *out, const struct shape *s, const void *base,
                      struct str name, const char *xmlns, const char *prefixed_ns, bool body_only);
void xml_write_text(struct buf *out, const char *name, struct str text);

/* REST: what travels in path, query, headers and status; and the body by json or xml. */
int rest_read_request(struct walk *w, const struct shape_op *op, const struct proto_message *m,
                      void *in);
int rest_write_request(struct arena *a, enum shape_protocol p, const struct shape_op *op,
                       const void *in, struct proto_message *ret, struct err *err);
int rest_read_response(struct walk *w, const struct shape_op *op, const struct proto_message *m,
                       void *out);
void rest_write_response(struct arena *a, enum shape_protocol p, const struct shape_op *op,
                         const void *out, struct proto_message *ret);
const struct shape_member *rest_payload(const struct shape *s); /* or NULL */
/* Matches a template's path; fills the labels (raw). */
bool rest_match_path(struct arena *a, const char *uri, struct str path, struct str_map *ret_labels);

bool shape_has_place(const struct shape *s, enum shape_place place);
