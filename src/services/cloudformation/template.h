/*
 * Templates: their text as a JSON tree (YAML's short forms written out), what is checked before
 * anything happens, and what depends on what. No values yet: that is evaluate.h.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "platform/text/json.h"

enum {
    TEMPLATE_MAX_BODY = 51200,       /* sent with the request */
    TEMPLATE_MAX_FILE = 1024 * 1024, /* from S3 */
    TEMPLATE_MAX_RESOURCES = 500,
};

struct template {
    json_t *root;                                                           /* owned */
    const json_t *parameters, *mappings, *conditions, *resources, *outputs; /* or NULL */
};

void template_done(struct template *t);
#define cleanup_template __attribute__((cleanup(template_done)))

/* Reads and checks. ERR_INVALID in CloudFormation's words ("Template format error: ..."). */
int template_read(struct arena *a, struct str text, struct template *ret, struct err *err) MUST_USE;

/* YAML or JSON as a tree, short forms of functions written out: !Ref X is {"Ref": "X"}. */
int template_tree(struct arena *a, struct str text, json_t **ret, struct err *err) MUST_USE;

/* A function call is an object with one member: its name, and *ret_arg; else NULL. */
const char *template_function(const json_t *node, const json_t **ret_arg);

/* Fn::GetAtt's argument, "X.Arn" or ["X", "Arn"]; false when it is neither. */
bool template_attribute(struct arena *a, const json_t *arg, struct str *ret_resource,
                        struct str *ret_attribute);

/* Next ${...} in a Fn::Sub text from *at: its beginning, and what stands inside; false at the end.
 * "${!x}" is found too: `inside` begins with '!'. */
bool template_next_sub(struct str text, size_t *at, size_t *ret_begin, struct str *ret_inside);

/* Names of resources that this one needs first, in order of appearance, each once. */
void template_needs(struct arena *a, const struct template *t, struct str logical_id,
                    struct str_list *ret);

/* Ids of `wanted` resources so that each comes after what it needs. A circle was refused when the
 * template was read. */
void template_order(struct arena *a, const struct template *t, const struct str_list *wanted,
                    struct str_list *ret);

struct str template_type(const struct template *t, struct str logical_id);
const json_t *template_resource(const struct template *t, struct str logical_id);

/* Capabilities that creating this needs: "CAPABILITY_NAMED_IAM", "CAPABILITY_IAM" or NULL; the
 * resources' types in *ret_types. */
const char *template_capability(struct arena *a, const struct template *t,
                                struct str_list *ret_types);
