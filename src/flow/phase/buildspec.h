/*
 * A buildspec as it was written: reading it, not running it. Variables are not expanded and
 * references to parameters not resolved (env.h does that); keys of CodeBuild that are read but not
 * acted on yet are in `struct buildspec` all the same and named in docs/limits.md.
 *
 * Reading goes on after an error, so that one run of `lint` tells all of them.
 */
#pragma once

#include "flow/phase/buildspec_batch.h"
#include "platform/text/yaml.h"

/* The four phases that a buildspec can hold, in the order in which they run. */
enum buildspec_phase_kind {
    BUILDSPEC_INSTALL,
    BUILDSPEC_PRE_BUILD,
    BUILDSPEC_BUILD,
    BUILDSPEC_POST_BUILD,
    BUILDSPEC_PHASES,
};

enum on_failure_kind {
    ON_FAILURE_DEFAULT,
    ON_FAILURE_ABORT,
    ON_FAILURE_CONTINUE,
    ON_FAILURE_RETRY
};

struct on_failure {
    enum on_failure_kind kind;
    unsigned count;   /* RETRY: 3 unless given */
    struct str regex; /* RETRY: ".*" unless given */
};

struct buildspec_phase {
    bool present;
    struct str run_as; /* user, or absent */
    struct on_failure on_failure;
    struct str_list commands;
    struct str_list finally;
    struct str_map runtimes; /* install only */
};

struct buildspec_artifact {
    struct str id;   /* secondary artifacts: their identifier; absent for the primary */
    struct str name; /* absent, or text that the shell evaluates */
    struct str_list files;
    struct str_list exclude;
    struct str base_directory; /* absent = source directory */
    struct str s3_prefix;
    bool discard_paths;
    bool symlinks;
};

/* Formats of reports; test reports first, then coverage. */
enum report_format {
    REPORT_JUNITXML, /* where none is given */
    REPORT_CUCUMBERJSON,
    REPORT_NUNITXML,
    REPORT_NUNIT3XML,
    REPORT_TESTNGXML,
    REPORT_VISUALSTUDIOTRX,
    REPORT_CLOVERXML,
    REPORT_COBERTURAXML,
    REPORT_JACOCOXML,
    REPORT_SIMPLECOV,
    REPORT_FORMATS, /* as a format: one that nobody knows, as written in format_text */
};

struct buildspec_report {
    struct str group; /* as written: name (variables not expanded) or ARN of a report group */
    struct str_list files;
    enum report_format format;
    struct str format_text;    /* as written; absent when the file gives none */
    struct str base_directory; /* absent = source directory */
    bool discard_paths;
};

struct buildspec_cache {
    struct str_list paths;
    struct str key;                /* absent, or text that the shell evaluates */
    struct str_list fallback_keys; /* at most 5, prefixes, in order; nothing without a key */
    bool restore, save;            /* `action`: both unless it names one */
};

/* Something to tell about the file. `code` is one of a fixed set of words, for --json. */
struct buildspec_note {
    const char *code;
    unsigned line, column;
    struct str text;
    struct str mend; /* the word that should stand there instead; absent = not known */
};

/* Of each kind; further ones of a file are left out. */
enum { BUILDSPEC_MAX_NOTES = 500 };

struct buildspec_notes {
    struct buildspec_note *v;
    size_t n;
};

struct buildspec {
    const struct yaml_node *root; /* the file's tree; NULL when it is no YAML or empty */
    unsigned version;             /* 1 for "0.1", 2 for "0.2", 0 if it is neither */
    struct str run_as;            /* absent = root */
    struct str shell;             /* "sh" or "bash" */
    struct str_map variables;
    struct str_map parameters;
    struct str_map secrets;
    struct str_list exported;
    bool git_credential_helper;
    bool proxy_artifacts, proxy_logs;

    struct buildspec_phase phase[BUILDSPEC_PHASES];
    enum buildspec_phase_kind order[BUILDSPEC_PHASES]; /* as in the file */
    size_t phases;                                     /* how many are in the file */

    bool has_artifacts;
    struct buildspec_artifact artifact;
    struct {
        struct buildspec_artifact *v;
        size_t n;
    } secondary;
    bool has_cache;
    struct buildspec_cache cache;
    struct {
        struct buildspec_report *v;
        size_t n;
    } reports;
    struct buildspec_batch batch; /* kind BATCH_NONE: there is none */

    struct buildspec_notes errors; /* not empty: the build fails in DOWNLOAD_SOURCE */
    struct buildspec_notes warnings;
};

/* Reads all of it. 0 even when errors were found (they are in ret->errors), -1 only when the text
 * could not be taken at all: never for what it says. All in *ret is owned by `a`. */
int buildspec_read(struct arena *a, const char *file, struct str text, struct buildspec *ret,
                   struct err *err) MUST_USE;

/* "INSTALL", "PRE_BUILD" ... and the buildspec's own "install", "pre_build" ... */
const char *buildspec_phase_name(enum buildspec_phase_kind kind);
const char *buildspec_phase_key(enum buildspec_phase_kind kind);

/* "JUNITXML" and so on, in any case; false if it is none. The name of REPORT_FORMATS is "". */
bool report_format_parse(struct str text, enum report_format *ret);
const char *report_format_name(enum report_format format);
bool report_format_is_coverage(enum report_format format);

/* "ABORT", "RETRY-3-regex" ... False if it is none of the forms. */
bool on_failure_parse(struct arena *a, struct str text, struct on_failure *ret);

/* [A-Za-z_][A-Za-z0-9_]* */
bool buildspec_variable_name(struct str name);
