/*
 * A pipeline's structure as the flow reads it: CodePipeline's PipelineDeclaration (JSON, as stored
 * and as get-pipeline prints it), taken apart and checked. Facts: CodePipeline's structure
 * reference and service model; the checks are in check*.c.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"

/* An environment variable of a Compute action. */
struct def_env {
    struct str name;
    struct str value;
    struct str type; /* PLAINTEXT SECRETS_MANAGER */
};

struct def_env_list {
    struct def_env *v;
    size_t n;
};

struct def_output {
    struct str name;
    struct str_list files; /* Compute actions: patterns; else empty */
};

struct def_output_list {
    struct def_output *v;
    size_t n;
};

struct def_action {
    struct str name;
    struct str category; /* Source Build Test Deploy Approval Invoke Compute */
    struct str owner;    /* AWS Custom ThirdParty */
    struct str provider; /* CodeStarSourceConnection CodeBuild Manual ... */
    struct str version;
    int run_order; /* 1 .. 999 */
    struct str_map configuration;
    struct str_list inputs; /* artifact names */
    struct str_list outputs;
    struct def_output_list output_files; /* the same, with what each is made of */
    struct str_list commands;            /* Compute */
    struct str_list output_variables;    /* Compute: names of variables that it exports */
    struct def_env_list environment;     /* Compute */
    struct str namespace;
    struct str role_arn;
    struct str region;
    int timeout_minutes; /* 0 = the provider's default */
};

struct def_action_list {
    struct def_action *v;
    size_t n;
};

struct def_rule {
    struct str name;
    struct str category; /* Rule */
    struct str owner;    /* AWS */
    struct str provider; /* CloudWatchAlarm DeploymentWindow VariableCheck Commands ... */
    struct str version;
    struct str_map configuration;
    struct str_list commands; /* Commands */
    struct str_list inputs;   /* artifact names */
    struct str role_arn;
    struct str region;
    int timeout_minutes; /* 0 = the provider's default */
};

struct def_rule_list {
    struct def_rule *v;
    size_t n;
};

/* CodePipeline allows one condition of a kind; `count` says how many were declared. */
struct def_condition {
    size_t count;
    struct str result;
    struct def_rule_list rules;
};

struct def_stage {
    struct str name;
    struct def_action_list actions;
    struct def_condition entry;   /* beforeEntry: FAIL SKIP */
    struct def_condition success; /* onSuccess: FAIL ROLLBACK */
    struct def_condition failure; /* onFailure's condition: ROLLBACK */
    struct str failure_result;    /* onFailure without a condition: ROLLBACK RETRY, or absent */
    struct str retry_mode;        /* of RETRY: FAILED_ACTIONS ALL_ACTIONS, or absent */
    struct str_list blockers;     /* names; reserved by CodePipeline */
};

struct def_stage_list {
    struct def_stage *v;
    size_t n;
};

struct def_filter {
    struct str_list includes;
    struct str_list excludes;
};

struct def_push {
    bool has_branches;
    bool has_paths;
    bool has_tags;
    struct def_filter branches;
    struct def_filter paths;
    struct def_filter tags;
};

struct def_push_list {
    struct def_push *v;
    size_t n;
};

struct def_pull {
    struct str_list events; /* OPEN UPDATED CLOSED; empty = all */
    bool has_branches;
    bool has_paths;
    struct def_filter branches; /* of the destination */
    struct def_filter paths;
};

struct def_pull_list {
    struct def_pull *v;
    size_t n;
};

struct def_trigger {
    struct str provider; /* CodeStarSourceConnection */
    struct str source_action;
    struct def_push_list push;
    struct def_pull_list pull;
};

struct def_trigger_list {
    struct def_trigger *v;
    size_t n;
};

struct def_variable {
    struct str name;
    struct str default_value; /* absent: must be given at start */
    struct str description;
};

struct def_variable_list {
    struct def_variable *v;
    size_t n;
};

struct def_store {
    struct str region; /* absent for artifactStore */
    struct str type;   /* S3 */
    struct str bucket;
    struct str encryption_key; /* id, ARN or alias; absent = aws/s3 */
};

struct def_store_list {
    struct def_store *v;
    size_t n;
};

struct definition {
    struct str name;
    int version;
    struct str role_arn;
    struct str mode;              /* SUPERSEDED QUEUED PARALLEL */
    struct str type;              /* V1 V2; where none was given: what the structure needs */
    bool one_store;               /* artifactStore was given, not artifactStores */
    struct def_store_list stores; /* either's */
    struct def_stage_list stages;
    struct def_trigger_list triggers;
    size_t trigger_bytes; /* of the triggers' JSON */
    struct def_variable_list variables;
};

/* What is wrong with a structure, as CodePipeline's exception of that name. */
enum def_fault {
    DEF_FAULT_NONE,
    DEF_FAULT_STRUCTURE, /* InvalidStructureException */
    DEF_FAULT_STAGE,     /* InvalidStageDeclarationException */
    DEF_FAULT_ACTION,    /* InvalidActionDeclarationException */
    DEF_FAULT_BLOCKER,   /* InvalidBlockerDeclarationException */
    DEF_FAULT_LIMIT,     /* LimitExceededException */
};

/* Takes a declaration apart. ERR_INVALID only if it is not JSON of an object. */
int definition_parse(struct arena *a, struct str json, struct definition *ret,
                     struct err *err) MUST_USE;

/* Checks everything that needs no AWS call and nothing of an account: against CodePipeline's rules,
 * not against what runs here (flow/execution/available.h). `home` is the pipeline's region; absent:
 * not known, and regions are not compared with it. *ret_fault says which exception err is. */
int definition_check(const struct definition *d, struct str home, enum def_fault *ret_fault,
                     struct err *err) MUST_USE;

/* The same for one action of an owner Custom, whose type the account has. */
struct action_type;
int definition_check_type(const struct def_stage *s, const struct def_action *a,
                          const struct action_type *t, enum def_fault *ret_fault,
                          struct err *err) MUST_USE;

/* Says that there is no such action type; returns -1. An absent region is left out. */
int definition_no_type(const struct def_action *a, enum def_fault *ret_fault, struct str region,
                       struct err *err);

/* What of the structure only pipelines of type V2 have, in words that begin a sentence; NULL:
 * nothing. A structure that has it and names no type is V2. */
const char *definition_v2_feature(const struct definition *d);

const struct def_stage *definition_stage(const struct definition *d, struct str name);
const struct def_action *definition_action(const struct def_stage *s, struct str name);

/* The store of a region's actions: artifactStore, or the region's of artifactStores; NULL if there
 * is none. An absent region is the pipeline's, `home`. */
const struct def_store *definition_store(const struct definition *d, struct str region,
                                         struct str home);
