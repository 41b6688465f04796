/*
 * accounts.yml: what accounts have to hold before the first release (buckets, tables, parameters,
 * secrets, roles), and the files of values beside it. Reading and checking only; account_setup.c
 * carries it out. Every error names FILE:LINE:COLUMN (parameters: FILE:LINE), and a file is read
 * whole before anything is done with it.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "platform/text/yaml.h"

struct accounts_bucket {
    struct str name;
    bool versioned;
};

struct accounts_table {
    struct str name;
    struct str hash_key; /* a string attribute */
};

struct accounts_parameter {
    struct str name; /* "/logging-platform/development/x" */
    struct str value;
    bool secure;   /* SecureString */
    bool secret;   /* lies in Secrets Manager, not in Parameter Store */
    unsigned line; /* in its file */
};

struct accounts_parameter_list {
    struct accounts_parameter *v;
    size_t n;
};

struct accounts_policy {
    struct str name;
    struct str document; /* JSON of the whole policy */
};

struct accounts_role {
    struct str name;
    struct str trust; /* JSON of the trust policy */
    struct {
        struct accounts_policy *v;
        size_t n;
    } policies;
};

struct accounts_entry {
    struct str name;   /* "development" */
    struct str id;     /* 12 digits */
    struct str region; /* "eu-west-2" */
    struct {
        struct accounts_bucket *v;
        size_t n;
    } buckets;
    struct {
        struct accounts_table *v;
        size_t n;
    } tables;
    struct str parameters_file; /* path, or absent */
    struct accounts_parameter_list parameters;
    struct accounts_parameter_list secrets;
    struct {
        struct accounts_role *v;
        size_t n;
    } roles;
};

struct accounts {
    struct accounts_entry *v;
    size_t n;
};

/* Reads `path` and the parameters files that it names. `parameters` (may be NULL) replaces the
 * parameters file of the account that names one (or of the first account, if none does). */
int accounts_read(struct arena *a, const char *path, const char *parameters, struct accounts *ret,
                  struct err *err) MUST_USE;

/* The same from text; files that it names are looked for in `dir`. */
int accounts_parse(struct arena *a, const char *file, const char *dir, struct str text,
                   const char *parameters, struct accounts *ret, struct err *err) MUST_USE;

/* NAME=VALUE lines: '#' comments; before the value `secure:` for a SecureString, `secret:` for a
 * secret of Secrets Manager; `@FILE` for a file's content. `secrets`: all of them are secrets. */
int parameters_parse(struct arena *a, const char *file, const char *dir, struct str text,
                     bool secrets, struct accounts_parameter_list *ret, struct err *err) MUST_USE;
/* Reads such a file into the account's parameters and secrets. */
int parameters_read(struct arena *a, const char *path, bool secrets, struct accounts_entry *ret,
                    struct err *err) MUST_USE;

const struct accounts_entry *accounts_find(const struct accounts *all, struct str name);

/* YAML as JSON text: scalars stay strings, but for plain true, false and null. Policies need no
 * numbers; AWS compares them as strings, too. */
struct str yaml_to_json(struct arena *a, const struct yaml_node *node);
