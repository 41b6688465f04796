/* JSON of typed structs, by the walkers of aws/proto; shape_json.h. */
#include "front/cli/shape_json.h"

#include "aws/proto/proto.h"

json_t *shape_out_json(struct arena *a, const struct shape_op *op, const void *out,
                       struct err *err) {
    struct proto_message message = {0};
    if (proto_encode_response(a, SHAPE_JSON_1_1, op, S(""), out, &message, err) < 0) {
        return NULL;
    }
    return json_parse(message.body, err);
}

int shape_in_from_json(struct arena *a, const struct shape_op *op, struct str json, void *in,
                       struct err *err) {
    struct proto_message message = {.method = S("POST"), .path = S("/"), .body = json};
    struct proto_notes notes = {0};
    if (proto_decode_request(a, SHAPE_JSON_1_1, op, &message, in, &notes, err) < 0) {
        return -1;
    }
    if (notes.unknown > 0) {
        return err_set(err, ERR_INTERNAL, "%s has no member '" STR_FMT "'", op->name,
                       STR_ARG(notes.first_unknown));
    }
    return 0;
}
