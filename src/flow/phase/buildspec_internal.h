/* What the files that read a buildspec share. */
#pragma once

#include "flow/phase/buildspec.h"

/* Where in a buildspec a mapping stands: it decides which keys are known. */
enum buildspec_place {
    PLACE_TOP,
    PLACE_ENV,
    PLACE_ENV_1, /* environment_variables of version 0.1 */
    PLACE_PROXY,
    PLACE_PHASES,
    PLACE_INSTALL,
    PLACE_PHASE,
    PLACE_ARTIFACTS,
    PLACE_CACHE,
    PLACE_REPORT,
    PLACE_BATCH,
    PLACE_BATCH_TASK,
    PLACE_BATCH_GRAPH_TASK,
    PLACE_BATCH_ENV,
    PLACE_BATCH_MATRIX,
    PLACE_BATCH_STATIC,
    PLACE_BATCH_DYNAMIC,
    PLACE_BATCH_DYNAMIC_ENV,
    PLACE_BATCH_FANOUT,
};

struct spec_reader {
    struct arena *arena;
    struct buildspec *spec;
};

void spec_error(struct spec_reader *r, const char *code, const struct yaml_node *at,
                const char *fmt, ...) __attribute__((format(printf, 4, 5)));
void spec_warn(struct spec_reader *r, const char *code, const struct yaml_node *at, const char *fmt,
               ...) __attribute__((format(printf, 4, 5)));

/* True when `node` is a mapping, after warning about each key that the place does not know and
 * each value of a kind that it does not take. Null is false without a word; anything else is an
 * error that names `what` ("phases.build"). */
bool spec_mapping(struct spec_reader *r, enum buildspec_place place, const struct yaml_node *node,
                  const char *what);
bool spec_any_mapping(struct spec_reader *r, const struct yaml_node *node, const char *what);

/* Text of a scalar; absent for null; an error and absent for anything else. */
struct str spec_text(struct spec_reader *r, const struct yaml_node *node, const char *what);
bool spec_bool(struct spec_reader *r, const struct yaml_node *node, const char *what);
/* A list of texts, or one text. Null items are left out. */
struct str_list spec_texts(struct spec_reader *r, const struct yaml_node *node, const char *what);
struct str_map spec_map(struct spec_reader *r, const struct yaml_node *node, const char *what);

/* Errors for keys that are no names of variables, warnings for CodeBuild's own. */
void spec_check_names(struct spec_reader *r, const struct yaml_node *map, const char *what);

/* buildspec_output.c */
void spec_read_artifacts(struct spec_reader *r, const struct yaml_node *node);
void spec_read_cache(struct spec_reader *r, const struct yaml_node *node);
void spec_read_reports(struct spec_reader *r, const struct yaml_node *node);

/* buildspec_batch.c */
void spec_read_batch(struct spec_reader *r, const struct yaml_node *node);
