/*
 * Shared by the files that read release.yml (release_yml.c, release_source.c,
 * release_environment.c): helpers whose errors name FILE:LINE:COLUMN.
 */
#pragma once

#include "flow/definition/release_yml.h"
#include "platform/text/yaml.h"

enum {
    RELEASE_MAX_NAME = 40, /* leaves room in a role's 64 characters for -ENVIRONMENT-build */
    RELEASE_MAX_ENVIRONMENTS = 20,
    RELEASE_MAX_RULES = 5, /* of one condition */
    RELEASE_MAX_PATTERNS = 8,
};

struct release_reader {
    struct arena *a;
    const char *file;
    const char *dir;
    struct release_yml *r;
    struct err *err;
};

int release_fail(const struct release_reader *r, const struct yaml_node *at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
int release_want(const struct release_reader *r, const struct yaml_node *node, enum yaml_kind kind,
                 const char *what) MUST_USE;

/* An optional member of a map; absent leaves *ret alone. */
int release_text(const struct release_reader *r, const struct yaml_node *map, const char *key,
                 struct str *ret) MUST_USE;
int release_number(const struct release_reader *r, const struct yaml_node *map, const char *key,
                   int min, int max, int *ret) MUST_USE;
int release_texts(const struct release_reader *r, const struct yaml_node *map, const char *key,
                  size_t max, struct str_list *ret) MUST_USE;

/* `known`: the names, with a blank before and behind each. */
int release_only_keys(const struct release_reader *r, const struct yaml_node *map,
                      const char *known) MUST_USE;
bool release_good_name(struct str s, size_t max);

int release_read_source(const struct release_reader *r, const struct yaml_node *root) MUST_USE;
int release_read_test(const struct release_reader *r, const struct yaml_node *root,
                      const struct release_build *usual) MUST_USE;
int release_read_environments(const struct release_reader *r, const struct yaml_node *root,
                              const struct release_build *usual) MUST_USE;
