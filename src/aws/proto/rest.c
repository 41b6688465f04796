/*
 * REST bindings: members that travel in path, query string, headers and status. Bodies go to the
 * JSON and XML walkers.
 */
#include "aws/proto/internal.h"

#include "platform/crypto/encode.h"

/* Path of a template, without its query words. */
static struct str template_path(const char *uri) {
    struct str all = str_c(uri);
    return str_sub(all, 0, str_find_c(all, '?', 0));
}

static struct str template_query(const char *uri) {
    struct str all = str_c(uri);
    size_t at = str_find_c(all, '?', 0);
    return at == (size_t)-1 ? STR_NONE : str_sub(all, at + 1, all.n);
}

static struct str without_slash(struct str path) {
    return path.n > 1 && path.p[path.n - 1] == '/' ? str_sub(path, 0, path.n - 1) : path;
}

static bool is_label(struct str part) {
    return part.n > 2 && part.p[0] == '{' && part.p[part.n - 1] == '}';
}

bool rest_match_path(struct arena *a, const char *uri, struct str path, struct str_map *ret) {
    struct str template = template_path(uri);
    if (!str_ends(template, S("+}"))) {
        template = without_slash(template);
        path = without_slash(path);
    }
    struct str want;
    struct str have;
    while (str_cut(&template, '/', &want)) {
        bool greedy = str_ends(want, S("+}"));
        if (greedy) {
            have = path;
            path = STR_NONE;
        } else if (!str_cut(&path, '/', &have)) {
            return false;
        }
        if (is_label(want)) {
            if (have.n == 0) {
                return false;
            }
            if (ret != NULL) {
                struct str name = str_sub(want, 1, want.n - (greedy ? 3 : 2));
                *arena_push(a, ret) = (struct str_pair){name, have};
            }
        } else if (!str_eq(want, have)) {
            return false;
        }
    }
    return path.p == NULL;
}

/* How many literal words of a template's query stand in the request's; -1 if one does not. */
static int match_words(const char *uri, const struct str_map *query) {
    struct str rest = template_query(uri);
    struct str word;
    int n = 0;
    while (str_cut(&rest, '&', &word)) {
        size_t equals = str_find_c(word, '=', 0);
        struct str value = str_map_get(query, str_sub(word, 0, equals));
        if (value.p == NULL ||
            (equals != (size_t)-1 && !str_eq(value, str_sub(word, equals + 1, word.n)))) {
            return -1;
        }
        n++;
    }
    return n;
}

static int match_required(const struct shape *in, const struct str_map *query,
                          const struct http_headers *headers) {
    int n = 0;
    for (uint32_t i = 0; i < in->n_members; i++) {
        const struct shape_member *m = &in->members[i];
        bool tells = (m->flags & SHAPE_MEMBER_REQUIRED) != 0 &&
                     (m->place == SHAPE_IN_QUERY || m->place == SHAPE_IN_HEADER);
        if (!tells) {
            continue;
        }
        struct str value = m->place == SHAPE_IN_QUERY ? str_map_get(query, str_c(m->wire))
                                                      : http_header(headers, str_c(m->wire));
        if (value.p == NULL) {
            return -1;
        }
        n++;
    }
    return n;
}

const struct shape_op *proto_route(const struct shape_service *svc, struct str method,
                                   struct str path, const struct str_map *query,
                                   const struct http_headers *headers) {
    const struct shape_op *best = NULL;
    int best_score = -1;
    for (uint32_t i = 0; i < svc->n_ops; i++) {
        const struct shape_op *op = svc->ops[i];
        if (!str_is(method, op->method) || !rest_match_path(NULL, op->uri, path, NULL)) {
            continue;
        }
        int words = match_words(op->uri, query);
        int required = match_required(op->in, query, headers);
        if (words >= 0 && required >= 0 && words * 16 + required > best_score) {
            best = op;
            best_score = words * 16 + required;
        }
    }
    return best;
}

const struct shape_member *rest_payload(const struct shape *s) {
    for (uint32_t i = 0; i < s->n_members; i++) {
        if ((s->members[i].flags & SHAPE_MEMBER_PAYLOAD) != 0) {
            return &s->members[i];
        }
    }
    return NULL;
}

static int bad_value(struct walk *w, const struct shape_member *m, struct str text) {
    static const struct aws_error invalid = {"InvalidArgument", "InvalidArgument", 400, "Message",
                                             NULL};
    if (w->protocol == SHAPE_REST_XML) {
        return err_api(w->err, &invalid, "'" STR_FMT "' is not a value for %s",
                       STR_ARG(str_sub(text, 0, 100)), m->wire);
    }
    struct spot spot = {NULL, str_c(m->name), 0};
    return walk_malformed(w, &spot, "'" STR_FMT "' is not a value of its type",
                          STR_ARG(str_sub(text, 0, 100)));
}

static int read_list(struct walk *w, const struct shape_member *m, struct str text, void *at) {
    struct str_list parts = {NULL, 0};
    struct str rest = text;
    struct str part;
    while (str_cut(&rest, ',', &part)) {
        if (str_trim(part).n > 0) {
            *arena_push(w->arena, &parts) = str_trim(part);
        }
    }
    list_make(w->arena, m->shape, at, parts.n);
    for (size_t i = 0; i < parts.n; i++) {
        if (!scalar_parse(w->arena, m->shape->item, SHAPE_TIME_RFC822, parts.v[i],
                          list_item(m->shape, at, i))) {
            return bad_value(w, m, parts.v[i]);
        }
    }
    return 0;
}

static int read_text(struct walk *w, const struct shape_member *m, struct str text, void *base) {
    void *at = member_make(w->arena, m, base);
    if (m->shape->kind == SHAPE_LIST) {
        return read_list(w, m, text, at);
    }
    bool bare = m->shape->kind != SHAPE_STR && m->shape->kind != SHAPE_DOCUMENT;
    return scalar_parse(w->arena, m->shape, SHAPE_TIME_RFC822, bare ? str_trim(text) : text, at)
               ? 0
               : bad_value(w, m, text);
}

static void read_prefixed(struct walk *w, const struct shape_member *m,
                          const struct http_headers *headers, void *base) {
    struct str prefix = str_c(m->wire);
    struct str_map map = {NULL, 0};
    for (size_t i = 0; i < headers->n; i++) {
        struct str name = str_lower(w->arena, headers->v[i].name);
        if (name.n > prefix.n && str_starts(name, str_lower(w->arena, prefix))) {
            *arena_push(w->arena, &map) = (struct str_pair){str_sub(name, prefix.n, name.n),
                                                            str_dup(w->arena, headers->v[i].value)};
        }
    }
    if (map.n > 0) {
        *(struct str_map *)member_make(w->arena, m, base) = map;
    }
}

static int read_headers(struct walk *w, const struct shape *s, const struct http_headers *headers,
                        void *base) {
    for (uint32_t i = 0; i < s->n_members; i++) {
        const struct shape_member *m = &s->members[i];
        if (m->offset == SHAPE_NO_FIELD) {
            continue;
        }
        if (m->place == SHAPE_IN_HEADERS) {
            read_prefixed(w, m, headers, base);
        } else if (m->place == SHAPE_IN_HEADER) {
            struct str text = http_header(headers, str_c(m->wire));
            if (text.p != NULL && read_text(w, m, text, base) < 0) {
                return -1;
            }
        }
    }
    return 0;
}

/* A member of the query string; a list takes every pair of its name. */
static int read_query_member(struct walk *w, const struct shape_member *m,
                             const struct str_map *query, void *base) {
    if (m->shape->kind != SHAPE_LIST) {
        struct str text = str_map_get(query, str_c(m->wire));
        return text.p == NULL ? 0 : read_text(w, m, text, base);
    }
    struct str all = STR_NONE;
    for (size_t i = 0; i < query->n; i++) {
        if (str_is(query->v[i].key, m->wire)) {
            all = all.p == NULL ? query->v[i].value
                                : str_printf(w->arena, STR_FMT "," STR_FMT, STR_ARG(all),
                                             STR_ARG(query->v[i].value));
        }
    }
    return all.p == NULL ? 0 : read_text(w, m, all, base);
}

static int read_uri(struct walk *w, const struct shape_op *op, const struct proto_message *m,
                    void *in) {
    struct str_map query = {NULL, 0};
    struct str_map labels = {NULL, 0};
    if (!http_parse_query(w->arena, m->query, &query)) {
        return walk_malformed(w, NULL, "The query string has a broken %%-escape");
    }
    rest_match_path(w->arena, op->uri, m->path, &labels);
    for (uint32_t i = 0; i < op->in->n_members; i++) {
        const struct shape_member *member = &op->in->members[i];
        if (member->place == SHAPE_IN_QUERY && member->offset != SHAPE_NO_FIELD &&
            read_query_member(w, member, &query, in) < 0) {
            return -1;
        }
        struct str label =
            member->place == SHAPE_IN_URI ? str_map_get(&labels, str_c(member->wire)) : STR_NONE;
        if (label.p == NULL) {
            continue;
        }
        if (!http_url_decode(w->arena, label, false, &label)) {
            return walk_malformed(w, NULL, "The path has a broken %%-escape");
        }
        if (read_text(w, member, label, in) < 0) {
            return -1;
        }
    }
    return 0;
}

/* The body as the one member that it is, or as all that travel in no other place. */
static int read_body(struct walk *w, const struct shape *s, struct str body, void *base) {
    const struct shape_member *payload = rest_payload(s);
    if (payload != NULL && payload->shape->kind != SHAPE_STRUCT) {
        if (payload->shape->kind == SHAPE_BODY || body.n == 0) {
            return 0;
        }
        *(struct str *)member_make(w->arena, payload, base) = str_dup(w->arena, body);
        return 0;
    }
    if (body.n == 0 || (payload == NULL && !shape_has_place(s, SHAPE_IN_BODY))) {
        return 0;
    }
    const struct shape *shape = payload != NULL ? payload->shape : s;
    struct err err = ERR_INIT;
    if (w->protocol == SHAPE_REST_XML) {
        struct xml_node *root = NULL;
        if (xml_parse(w->arena, body, &root, &err) < 0) {
            return walk_malformed(w, NULL,
                                  "The XML you provided was not well-formed or did not validate "
                                  "against our published schema (%s)",
                                  err.msg);
        }
        return xml_read_struct(w, shape, root,
                               payload != NULL ? member_make(w->arena, payload, base) : base,
                               payload == NULL, NULL);
    }
    json_t *json cleanup_json = json_parse(body, &err);
    if (json == NULL) {
        return walk_malformed(w, NULL, "Could not parse request body into json: %s", err.msg);
    }
    return json_read_struct(w, shape, json,
                            payload != NULL ? member_make(w->arena, payload, base) : base,
                            payload == NULL, NULL);
}

int rest_read_request(struct walk *w, const struct shape_op *op, const struct proto_message *m,
                      void *in) {
    return read_uri(w, op, m, in) < 0 || read_headers(w, op->in, &m->headers, in) < 0 ||
                   read_body(w, op->in, m->body, in) < 0
               ? -1
               : 0;
}

int rest_read_response(struct walk *w, const struct shape_op *op, const struct proto_message *m,
                       void *out) {
    for (uint32_t i = 0; i < op->out->n_members; i++) {
        const struct shape_member *member = &op->out->members[i];
        if (member->place == SHAPE_IN_STATUS) {
            *(int32_t *)member_make(w->arena, member, out) = m->status;
        }
    }
    return read_headers(w, op->out, &m->headers, out) < 0 || read_body(w, op->out, m->body, out) < 0
               ? -1
               : 0;
}

/* Writing. */
static struct str member_text(struct arena *a, const struct shape_member *m, const void *at,
                              enum shape_time times) {
    if (m->shape->kind != SHAPE_LIST) {
        return scalar_text(a, m->shape, times, at);
    }
    struct str text = S("");
    for (size_t i = 0; i < ((const struct shape_list *)at)->n; i++) {
        struct str item = scalar_text(a, m->shape->item, times, list_item(m->shape, at, i));
        text = str_printf(a, STR_FMT "%s" STR_FMT, STR_ARG(text), i > 0 ? "," : "", STR_ARG(item));
    }
    return text;
}

static void write_headers(struct arena *a, const struct shape *s, const void *base,
                          struct proto_message *ret) {
    for (uint32_t i = 0; i < s->n_members; i++) {
        const struct shape_member *m = &s->members[i];
        const void *at = shape_get(m, base);
        if (at == NULL) {
            continue;
        }
        if (m->place == SHAPE_IN_HEADER) {
            http_header_add(a, &ret->headers, str_c(m->wire),
                            member_text(a, m, at, SHAPE_TIME_RFC822));
        } else if (m->place == SHAPE_IN_HEADERS) {
            const struct str_map *map = at;
            for (size_t j = 0; j < map->n; j++) {
                http_header_add(a, &ret->headers, str_concat(a, str_c(m->wire), map->v[j].key),
                                map->v[j].value);
            }
        } else if (m->place == SHAPE_IN_STATUS) {
            ret->status = (int)*(const int32_t *)at;
        }
    }
}

static void set_type(struct arena *a, struct proto_message *ret, struct str type) {
    if (http_header(&ret->headers, S("Content-Type")).p == NULL) {
        http_header_add(a, &ret->headers, S("Content-Type"), type);
    }
}

static void write_body(struct arena *a, enum shape_protocol p, const struct shape_service *svc,
                       const struct shape *s, struct str root, const void *base,
                       struct proto_message *ret) {
    const struct shape_member *payload = rest_payload(s);
    const void *at = payload != NULL ? shape_get(payload, base) : NULL;
    ret->body = S("");
    if (payload != NULL && payload->shape->kind != SHAPE_STRUCT) {
        if (at != NULL) {
            ret->body = *(const struct str *)at;
            set_type(a, ret,
                     payload->shape->kind == SHAPE_BLOB ? S("application/octet-stream")
                                                        : S("application/json"));
        }
        return;
    }
    if (payload != NULL ? at == NULL : !shape_has_place(s, SHAPE_IN_BODY)) {
        return;
    }
    const struct shape *shape = payload != NULL ? payload->shape : s;
    struct buf out cleanup_buf;
    buf_init(&out, PROTO_MAX_BYTES);
    if (p == SHAPE_REST_XML) {
        buf_add_z(&out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        xml_write_struct(a, &out, shape, payload != NULL ? at : base,
                         payload != NULL ? str_c(payload->wire) : root, svc->xmlns,
                         payload != NULL ? payload->xmlns : NULL, payload == NULL);
        set_type(a, ret, S("application/xml"));
    } else {
        json_write_struct(a, &out, shape, payload != NULL ? at : base, payload == NULL);
        set_type(a, ret, S("application/json"));
    }
    ret->body = buf_dup(a, &out);
}

void rest_write_response(struct arena *a, enum shape_protocol p, const struct shape_op *op,
                         const void *out, struct proto_message *ret) {
    const char *root = op->out->xml_name != NULL ? op->out->xml_name : op->out->name;
    write_headers(a, op->out, out, ret);
    write_body(a, p, op->service, op->out, str_c(root), out, ret);
}

static int write_path(struct arena *a, const struct shape_op *op, const void *in, struct buf *out,
                      struct err *err) {
    struct str rest = template_path(op->uri);
    struct str part;
    bool first = true;
    while (str_cut(&rest, '/', &part)) {
        buf_add_z(out, first ? "" : "/");
        first = false;
        if (!is_label(part)) {
            buf_add(out, part);
            continue;
        }
        bool greedy = str_ends(part, S("+}"));
        struct str name = str_sub(part, 1, part.n - (greedy ? 3 : 2));
        struct str text = STR_NONE;
        for (uint32_t i = 0; i < op->in->n_members; i++) {
            const struct shape_member *m = &op->in->members[i];
            const void *at = shape_get(m, in);
            if (m->place == SHAPE_IN_URI && str_is(name, m->wire) && at != NULL) {
                text = scalar_text(a, m->shape, SHAPE_TIME_ISO8601, at);
            }
        }
        if (text.n == 0) {
            return err_set(err, ERR_INVALID, "%s: '" STR_FMT "' is needed", op->name,
                           STR_ARG(name));
        }
        buf_add(out, http_url_encode(a, text, greedy));
    }
    return 0;
}

static void add_query(struct arena *a, struct buf *out, struct str name, struct str value) {
    buf_add_z(out, out->n > 0 ? "&" : "");
    buf_add(out, http_url_encode(a, name, false));
    buf_add_c(out, '=');
    buf_add(out, http_url_encode(a, value, false));
}

static void write_query(struct arena *a, const struct shape_op *op, const void *in,
                        struct buf *out) {
    struct str words = template_query(op->uri);
    buf_add(out, words);
    for (uint32_t i = 0; i < op->in->n_members; i++) {
        const struct shape_member *m = &op->in->members[i];
        const void *at = shape_get(m, in);
        if (m->place != SHAPE_IN_QUERY || at == NULL) {
            continue;
        }
        if (m->shape->kind != SHAPE_LIST) {
            add_query(a, out, str_c(m->wire), scalar_text(a, m->shape, SHAPE_TIME_ISO8601, at));
            continue;
        }
        for (size_t j = 0; j < ((const struct shape_list *)at)->n; j++) {
            add_query(
                a, out, str_c(m->wire),
                scalar_text(a, m->shape->item, SHAPE_TIME_ISO8601, list_item(m->shape, at, j)));
        }
    }
}

int rest_write_request(struct arena *a, enum shape_protocol p, const struct shape_op *op,
                       const void *in, struct proto_message *ret, struct err *err) {
    struct buf path cleanup_buf;
    struct buf query cleanup_buf;
    buf_init(&path, HTTP_MAX_HEADER_BYTES);
    buf_init(&query, HTTP_MAX_HEADER_BYTES);
    if (write_path(a, op, in, &path, err) < 0) {
        return -1;
    }
    write_query(a, op, in, &query);
    if (path.overflow || query.overflow) {
        return err_set(err, ERR_LIMIT, "%s: path or query string is too long", op->name);
    }
    ret->path = buf_dup(a, &path);
    ret->query = query.n > 0 ? buf_dup(a, &query) : STR_NONE;
    const char *root = op->in->xml_name != NULL ? op->in->xml_name : op->in->name;
    write_headers(a, op->in, in, ret);
    write_body(a, p, op->service, op->in, str_c(root), in, ret);
    return 0;
}
