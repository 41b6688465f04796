/* Which walker serves which protocol; requests and answers as a whole. */
#include "aws/proto/internal.h"

#include "base/clock.h"

static bool is_json(enum shape_protocol p) {
    return p == SHAPE_JSON_1_0 || p == SHAPE_JSON_1_1;
}

static bool is_rest(enum shape_protocol p) {
    return p == SHAPE_REST_XML || p == SHAPE_REST_JSON;
}

static struct str json_content_type(enum shape_protocol p) {
    return p == SHAPE_JSON_1_0   ? S("application/x-amz-json-1.0")
           : p == SHAPE_JSON_1_1 ? S("application/x-amz-json-1.1")
                                 : S("application/json");
}

static int read_json(struct walk *w, const struct shape *s, struct str body, void *base) {
    struct err err = ERR_INIT;
    if (str_trim(body).n == 0) {
        return 0; /* some clients send nothing where the model has no members */
    }
    json_t *json cleanup_json = json_parse(body, &err);
    if (json == NULL) {
        return walk_malformed(w, NULL, "Could not parse request body into json: %s", err.msg);
    }
    return json_read_struct(w, s, json, base, false, NULL);
}

int proto_decode_request(struct arena *a, enum shape_protocol p, const struct shape_op *op,
                         const struct proto_message *m, void *in, struct proto_notes *notes,
                         struct err *err) {
    struct proto_notes unused = {0, STR_NONE};
    struct walk w = {a, p, op->service, notes != NULL ? notes : &unused, err};
    int failed = is_rest(p) ? rest_read_request(&w, op, m, in)
                 : is_json(p)
                     ? read_json(&w, op->in, m->body, in)
                     : form_read_struct(&w, op->in, m->body.n > 0 ? m->body : m->query, in);
    return failed < 0 ? -1 : proto_check(a, p, op, in, err);
}

static void add_request_id(struct arena *a, enum shape_protocol p, struct str request_id,
                           struct proto_message *ret) {
    if (p == SHAPE_REST_XML) {
        http_header_add(a, &ret->headers, S("x-amz-request-id"), request_id);
        http_header_add(a, &ret->headers, S("x-amz-id-2"), request_id);
    } else {
        http_header_add(a, &ret->headers, S("x-amzn-RequestId"), request_id);
    }
}

static void write_query_answer(struct arena *a, struct buf *out, const struct shape_op *op,
                               struct str request_id, const void *value) {
    buf_printf(out, "<%sResponse xmlns=\"%s\">", op->name, op->service->xmlns);
    if ((op->flags & SHAPE_OP_NO_OUTPUT) == 0) {
        buf_printf(out, "<%sResult>", op->name);
        xml_write_members(a, out, op->out, value, false);
        buf_printf(out, "</%sResult>", op->name);
    }
    buf_add_z(out, "<ResponseMetadata>");
    xml_write_text(out, "RequestId", request_id);
    buf_printf(out, "</ResponseMetadata></%sResponse>", op->name);
}

int proto_encode_response(struct arena *a, enum shape_protocol p, const struct shape_op *op,
                          struct str request_id, const void *value, struct proto_message *ret,
                          struct err *err) {
    *ret = (struct proto_message){.status = op->status, .body = S("")};
    add_request_id(a, p, request_id, ret);
    if (is_rest(p)) {
        rest_write_response(a, p, op, value, ret);
        return 0;
    }
    struct buf out cleanup_buf;
    buf_init(&out, PROTO_MAX_BYTES);
    if (p == SHAPE_QUERY) {
        write_query_answer(a, &out, op, request_id, value);
        http_header_add(a, &ret->headers, S("Content-Type"), S("text/xml"));
    } else {
        if ((op->flags & SHAPE_OP_NO_OUTPUT) == 0) {
            json_write_struct(a, &out, op->out, value, false);
        }
        http_header_add(a, &ret->headers, S("Content-Type"), json_content_type(p));
    }
    if (out.overflow) {
        return err_set(err, ERR_LIMIT, "the answer of %s is over %d bytes", op->name,
                       PROTO_MAX_BYTES);
    }
    ret->body = buf_dup(a, &out);
    return 0;
}

static void fill_tokens(struct arena *a, const struct shape *s, void *base) {
    for (uint32_t i = 0; i < s->n_members; i++) {
        const struct shape_member *m = &s->members[i];
        if ((m->flags & SHAPE_MEMBER_TOKEN) != 0 && m->shape->kind == SHAPE_STR &&
            shape_get(m, base) == NULL) {
            *(struct str *)member_at(m, base) = rng_uuid(&rng_system, a);
        }
    }
}

int proto_encode_request(struct arena *a, enum shape_protocol p, const struct shape_op *op,
                         const void *value, struct proto_message *ret, struct err *err) {
    *ret = (struct proto_message){.method = str_c(op->method), .path = S("/"), .body = S("")};
    void *in = arena_memdup(a, value, op->in->size);
    fill_tokens(a, op->in, in);
    if (is_rest(p)) {
        return rest_write_request(a, p, op, in, ret, err);
    }
    struct buf out cleanup_buf;
    buf_init(&out, PROTO_MAX_BYTES);
    ret->method = S("POST");
    if (p == SHAPE_QUERY) {
        buf_printf(&out, "Action=%s&Version=%s", op->name, op->service->version);
        form_write_struct(a, &out, op->in, in);
        http_header_add(a, &ret->headers, S("Content-Type"),
                        S("application/x-www-form-urlencoded; charset=utf-8"));
    } else {
        json_write_struct(a, &out, op->in, in, false);
        http_header_add(a, &ret->headers, S("Content-Type"), json_content_type(p));
        http_header_add(a, &ret->headers, S("X-Amz-Target"),
                        str_printf(a, "%s.%s",
                                   op->service->target != NULL ? op->service->target : "",
                                   op->name));
    }
    if (out.overflow) {
        return err_set(err, ERR_LIMIT, "the request of %s is over %d bytes", op->name,
                       PROTO_MAX_BYTES);
    }
    ret->body = buf_dup(a, &out);
    return 0;
}

/* Query answers: XxxResponse, in it XxxResult. */
static int read_query_answer(struct walk *w, const struct shape_op *op, struct str body,
                             void *out) {
    struct err err = ERR_INIT;
    struct xml_node *root = NULL;
    if ((op->flags & SHAPE_OP_NO_OUTPUT) != 0) {
        return 0;
    }
    if (xml_parse(w->arena, body, &root, &err) < 0) {
        return walk_malformed(w, NULL, "the answer is not XML: %s", err.msg);
    }
    struct xml_node *result = xml_child(root, str_printf(w->arena, "%sResult", op->name));
    return xml_read_struct(w, op->out, result != NULL ? result : root, out, false, NULL);
}

int proto_decode_response(struct arena *a, enum shape_protocol p, const struct shape_op *op,
                          const struct proto_message *m, void *out, struct err *err) {
    struct proto_notes notes = {0, STR_NONE};
    struct walk w = {a, p, op->service, &notes, err};
    int failed = is_rest(p)   ? rest_read_response(&w, op, m, out)
                 : is_json(p) ? read_json(&w, op->out, m->body, out)
                              : read_query_answer(&w, op, m->body, out);
    if (failed < 0) {
        err->api = NULL; /* the server's fault, not an error of the service */
        err->kind = ERR_INTERNAL;
        return err_wrap(err, "answer of %s %s", op->service->name, op->name);
    }
    return 0;
}
