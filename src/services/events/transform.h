/*
 * What a target gets instead of the event: Input, InputPath, InputTransformer. Pure.
 *
 * Placeholders <name> stand for values of InputPathsMap, or for what EventBridge knows itself
 * (aws.events.rule-arn, .rule-name, .event, .event.json, .event.ingestion-time). Within quotes a
 * value becomes text of that string, elsewhere JSON. What the event does not have becomes nothing
 * within quotes and null elsewhere (EventBridge's documents do not say).
 */
#pragma once

#include "platform/text/json.h"

enum { TRANSFORM_MAX = 1024 * 1024, TRANSFORM_PATHS_MAX = 100 };

struct transform_about {
    struct str rule_arn;
    struct str rule_name;
    int64_t ingested_ms;
};

/* `$`, then .name, ['name'], [0], [*]. NULL when nothing is there; else the caller's reference. */
json_t *transform_path(const json_t *event, struct str path);
/* ERR_INVALID when it is no path. */
int transform_path_check(struct str path, struct err *err) MUST_USE;

/* ERR_INVALID: a placeholder without a path, or something that does not become JSON. */
int transform_template_check(const struct str_map *paths, struct str template,
                             struct err *err) MUST_USE;
/* ERR_LIMIT when the result is over TRANSFORM_MAX. */
int transform_template(struct arena *a, const json_t *event, const struct transform_about *about,
                       const struct str_map *paths, struct str template, struct str *ret,
                       struct err *err) MUST_USE;
