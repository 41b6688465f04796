/* Errors as bytes, in each format's own way, and back. */
#include "aws/proto/internal.h"

static void write_json(struct arena *a, enum shape_protocol p, const struct shape_service *svc,
                       const struct aws_error *error, const struct err *why, const void *detail,
                       struct proto_message *ret) {
    struct buf out cleanup_buf;
    buf_init(&out, PROTO_MAX_BYTES);
    buf_add_z(&out, "{\"__type\":");
    json_write_string(&out, str_c(error->name));
    buf_printf(&out, ",\"%s\":", error->message_name);
    json_write_string(&out, str_c(why->msg));
    if (detail != NULL && error->shape != NULL) {
        json_write_members(a, &out, error->shape, detail, false, true);
    }
    buf_add_c(&out, '}');
    ret->body = buf_dup(a, &out);
    http_header_add(a, &ret->headers, S("Content-Type"),
                    p == SHAPE_JSON_1_0   ? S("application/x-amz-json-1.0")
                    : p == SHAPE_JSON_1_1 ? S("application/x-amz-json-1.1")
                                          : S("application/json"));
    http_header_add(a, &ret->headers, S("x-amzn-ErrorType"), str_c(error->name));
    if (svc->query_compatible) {
        http_header_add(
            a, &ret->headers, S("x-amzn-query-error"),
            str_printf(a, "%s;%s", error->code, error->http_status < 500 ? "Sender" : "Receiver"));
    }
}

static void write_xml(struct arena *a, const struct shape_service *svc,
                      const struct aws_error *error, struct str request_id, const struct err *why,
                      const void *detail, struct proto_message *ret) {
    bool s3 = svc->protocol == SHAPE_REST_XML;
    struct buf out cleanup_buf;
    buf_init(&out, PROTO_MAX_BYTES);
    if (s3) {
        buf_add_z(&out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error>");
    } else {
        buf_printf(&out, "<ErrorResponse xmlns=\"%s\"><Error><Type>%s</Type>",
                   svc->xmlns != NULL ? svc->xmlns : "",
                   error->http_status < 500 ? "Sender" : "Receiver");
    }
    xml_write_text(&out, "Code", str_c(error->code));
    xml_write_text(&out, "Message", str_c(why->msg));
    if (detail != NULL && error->shape != NULL) {
        xml_write_members(a, &out, error->shape, detail, false);
    }
    if (!s3) {
        buf_add_z(&out, "</Error>");
    }
    xml_write_text(&out, "RequestId", request_id);
    if (s3) {
        xml_write_text(&out, "HostId", request_id);
    }
    buf_add_z(&out, s3 ? "</Error>" : "</ErrorResponse>");
    ret->body = buf_dup(a, &out);
    http_header_add(a, &ret->headers, S("Content-Type"), s3 ? S("application/xml") : S("text/xml"));
}

void proto_encode_error(struct arena *a, enum shape_protocol p, const struct shape_service *svc,
                        struct str request_id, const struct err *why, const void *detail,
                        struct proto_message *ret) {
    const struct aws_error *error = proto_error_of(svc, p, why);
    *ret = (struct proto_message){.status = error->http_status, .body = S("")};
    bool xml = p == SHAPE_QUERY || p == SHAPE_REST_XML;
    http_header_add(a, &ret->headers,
                    p == SHAPE_REST_XML ? S("x-amz-request-id") : S("x-amzn-RequestId"),
                    request_id);
    if (p == SHAPE_REST_XML) {
        http_header_add(a, &ret->headers, S("x-amz-id-2"), request_id);
    }
    if (error->http_status == 304) {
        return; /* has no body */
    }
    if (xml) {
        write_xml(a, svc, error, request_id, why, detail, ret);
    } else {
        write_json(a, p, svc, error, why, detail, ret);
    }
}

/* Reading. */
static struct str json_message(const json_t *json) {
    static const char *const names[] = {"message", "Message", "errorMessage"};
    for (size_t i = 0; json != NULL && i < sizeof(names) / sizeof(names[0]); i++) {
        struct str text = json_str(json, names[i]);
        if (text.p != NULL) {
            return text;
        }
    }
    return STR_NONE;
}

/* "com.amazonaws.ssm#ParameterNotFound", "ParameterNotFound:http://..." */
static struct str bare_code(struct str code) {
    size_t hash = str_rfind_c(code, '#');
    code = hash == (size_t)-1 ? code : str_sub(code, hash + 1, code.n);
    return str_sub(code, 0, str_find_c(code, ':', 0));
}

static void read_json(struct arena *a, const struct proto_message *m, struct str *ret_code,
                      struct str *ret_text) {
    struct err err = ERR_INIT;
    json_t *json cleanup_json = json_parse(m->body, &err);
    struct str code = http_header(&m->headers, S("x-amzn-errortype"));
    if (code.n == 0 && json != NULL) {
        code = json_str(json, "__type");
        code = code.n > 0 ? code : json_str(json, "code");
    }
    *ret_code = str_dup(a, bare_code(code));
    *ret_text = str_dup(a, json_message(json));
}

static void read_xml(struct arena *a, const struct proto_message *m, struct str *ret_code,
                     struct str *ret_text) {
    struct err err = ERR_INIT;
    struct xml_node *root = NULL;
    if (xml_parse(a, m->body, &root, &err) < 0) {
        return;
    }
    struct xml_node *error = xml_child(root, S("Error"));
    struct xml_node *errors = xml_child(root, S("Errors"));
    if (error == NULL) {
        error = errors != NULL ? xml_child(errors, S("Error")) : root;
    }
    struct xml_node *code = xml_child(error, S("Code"));
    struct xml_node *text = xml_child(error, S("Message"));
    *ret_code = code != NULL ? code->text : STR_NONE;
    *ret_text = text != NULL ? text->text : STR_NONE;
}

static enum err_kind kind_of(int status, struct str code) {
    if (str_find(code, S("Throttl"), 0) != (size_t)-1 || status == 429 || status >= 500 ||
        str_is(code, "TooManyRequestsException") || str_is(code, "RequestLimitExceeded") ||
        str_is(code, "SlowDown")) {
        return ERR_UNAVAILABLE;
    }
    if (status == 404 || str_find(code, S("NotFound"), 0) != (size_t)-1 ||
        str_find(code, S("NoSuch"), 0) != (size_t)-1 ||
        str_find(code, S("DoesNotExist"), 0) != (size_t)-1) {
        return ERR_NOT_FOUND;
    }
    if (status == 403 || status == 401 || str_starts(code, S("AccessDenied"))) {
        return ERR_DENIED;
    }
    if (str_find(code, S("AlreadyExists"), 0) != (size_t)-1) {
        return ERR_EXISTS;
    }
    return status == 409 || status == 412 ? ERR_CONFLICT : ERR_INVALID;
}

/* An answer to HEAD has no body: the status is all there is. */
static struct str code_of_status(int status) {
    return status == 404   ? S("NotFound")
           : status == 403 ? S("AccessDenied")
           : status == 412 ? S("PreconditionFailed")
           : status == 304 ? S("NotModified")
                           : S("UnknownError");
}

int proto_decode_error(struct arena *a, enum shape_protocol p, const struct shape_op *op,
                       const struct proto_message *m, struct err *err) {
    struct str code = STR_NONE;
    struct str text = STR_NONE;
    if (p == SHAPE_QUERY || p == SHAPE_REST_XML) {
        read_xml(a, m, &code, &text);
    } else {
        read_json(a, m, &code, &text);
    }
    if (code.n == 0) {
        code = code_of_status(m->status);
    }
    if (text.n > 0) {
        err_set(err, kind_of(m->status, code), STR_FMT, STR_ARG(text));
    } else {
        err_set(err, kind_of(m->status, code), "%s answered " STR_FMT " (HTTP %d)",
                op->service->name, STR_ARG(code), m->status);
    }
    err->api = shape_find_error(op->service, code);
    err->http_status = m->status;
    size_t n = code.n < sizeof(err->api_code) - 1 ? code.n : sizeof(err->api_code) - 1;
    memcpy(err->api_code, code.p, n);
    err->api_code[n] = '\0';
    return -1;
}
