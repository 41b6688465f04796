/*
 * A compiled release against what the server has: first looked at (what would change, field by
 * field), then carried out. Everything goes through the public API.
 */
#pragma once

#include "aws/call/call.h"
#include "flow/definition/release_yml.h"
#include "front/cli/json_diff.h"

enum apply_what { APPLY_KEEP, APPLY_CREATE, APPLY_CHANGE, APPLY_REMOVE };

struct apply_change {
    const char *kind; /* "bucket", "connection", "project", "topic", "webhook", "pipeline",
                       "four eyes" */
    struct str name;
    enum apply_what what;
    struct json_differences fields; /* CHANGE: which */
    struct str note;                /* more to say, or absent */
};

struct apply {
    struct arena *arena;
    struct aws_target target;
    const struct release_yml *release;
    const struct release_accounts *accounts;
    struct release_plan plan;  /* filled by apply_look */
    struct str connection_arn; /* absent until the connection is there */
    struct {
        struct apply_change *v;
        size_t n;
    } changes;                     /* one for each thing, in the order of doing */
    struct str_list missing_roles; /* ARNs that nobody can assume yet */
    struct str execution;          /* apply_do: the release that creation started, or absent */
};

/* Reads what is there and fills plan, changes and missing_roles. Changes nothing. */
int apply_look(struct apply *ap, struct err *err) MUST_USE;

/* apply_topic.c: the topic and its webhooks, as parts of the two below. */
int apply_look_topic(struct apply *ap, struct err *err) MUST_USE;
int apply_do_topic(struct apply *ap, struct err *err) MUST_USE;
/* apply_four_eyes.c: the same of the pipeline's tag; after the pipeline. */
int apply_look_four_eyes(struct apply *ap, struct err *err) MUST_USE;
int apply_do_four_eyes(struct apply *ap, struct err *err) MUST_USE;
struct apply_change *apply_note(struct apply *ap, const char *kind, struct str name,
                                enum apply_what what);
const struct apply_change *apply_find(const struct apply *ap, const char *kind, struct str name);

/* Does what apply_look found. */
int apply_do(struct apply *ap, struct err *err) MUST_USE;
