/*
 * Typed structs of the AWS clients as JSON in the words of their models, and back: for showing,
 * comparing, and for calls whose input was compiled as JSON.
 */
#pragma once

#include "aws/shape/shape.h"
#include "platform/text/json.h"

/* An operation's output struct as JSON; the caller frees. NULL with err on failure. */
json_t *shape_out_json(struct arena *a, const struct shape_op *op, const void *out,
                       struct err *err) MUST_USE;

/* JSON text into an operation's zeroed input struct, checked against the model. */
int shape_in_from_json(struct arena *a, const struct shape_op *op, struct str json, void *in,
                       struct err *err) MUST_USE;
