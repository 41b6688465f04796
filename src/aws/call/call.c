/*
 * The way of a call: a target that is embedded is answered in process. Also the small things that
 * every user of call.h needs: onward targets and ARNs.
 */
#include "aws/call/call.h"

#include "aws/call/remote.h"
#include "aws/shape/shape.h"

int aws_call(const struct aws_target *t, const struct shape_op *op, struct arena *a, const void *in,
             void *out, struct err *err) {
    return aws_call_stream(t, op, a, in, NULL, out, NULL, err);
}

int aws_call_stream(const struct aws_target *t, const struct shape_op *op, struct arena *a,
                    const void *in, const struct aws_body *body_in, void *out,
                    struct aws_body *ret_body, struct err *err) {
    if (ret_body != NULL) {
        *ret_body = AWS_BODY_NONE;
    }
    if (t->embedded == NULL) {
        return remote_call(t, op, a, in, body_in, out, ret_body, err);
    }
    memset(out, 0, op->out->size);
    return t->embedded->invoke(t->embedded->ud, t, op, a, in, body_in, out, ret_body, err);
}

struct aws_target call_target(const struct call *c) {
    struct aws_principal *as = arena_new(c->arena, struct aws_principal);
    *as = *c->principal;
    as->via =
        str_printf(c->arena, "%s.%.*s.amazonaws.com", c->service->signing, STR_ARG(c->region));
    return (struct aws_target){
        .account = c->account,
        .region = c->region,
        .embedded = c->embedded,
        .principal = as,
        .source = c->source,
        .retries = -1,
        .clock = c->clock,
    };
}

bool aws_arn_parse(struct str arn, struct aws_arn *ret) {
    struct str rest = arn, prefix;
    struct str *const parts[] = {&ret->partition, &ret->service, &ret->region, &ret->account};
    if (!str_cut(&rest, ':', &prefix) || !str_is(prefix, "arn")) {
        return false;
    }
    for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
        if (rest.p == NULL || !str_cut(&rest, ':', parts[i])) {
            return false;
        }
    }
    ret->resource = rest;
    return ret->partition.n > 0 && ret->service.n > 0 && rest.p != NULL && rest.n > 0;
}
