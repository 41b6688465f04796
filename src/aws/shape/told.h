/*
 * What may be told of a request, by its descriptors: a short text for people, and a digest of all
 * of it. Members that AWS's models call sensitive are in neither; nor are, in the text, idempotency
 * tokens, what is named like a secret, and names and passwords in URLs.
 */
#pragma once

#include "aws/shape/shape.h"

struct arena;

enum { SHAPE_BRIEF_MAX = 1024, SHAPE_BRIEF_VALUE_MAX = 160 };

/* "stageName=Build pipelineExecutionId=... -> x=y": the request's scalar members, those of its
 * structs too (result.status=Approved), and behind the arrow ids and ARNs of the answer (`out` may
 * be NULL). Lists and maps are counted (tags[2]); long values are given by their size. */
struct str shape_brief(struct arena *a, const struct shape_op *op, const void *in, const void *out);

/* SHA-256 over names and values of every member that is there, in the descriptor's order; lengths
 * stand before texts. Of a sensitive member only that it was there. Streamed bodies are not in it.
 */
void shape_digest(const struct shape *s, const void *value, unsigned char ret[32]);
