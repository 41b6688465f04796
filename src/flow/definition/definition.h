/*
 * A pipeline's structure as the flow reads it: CodePipeline's PipelineDeclaration (JSON, as stored
 * and as get-pipeline prints it), taken apart and checked. Facts: CodePipeline's structure reference
 * and service model; limits beside the checks in validate.c.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"

struct def_action {
    struct str name;
    struct str category; /* Source Build Test Deploy Approval Invoke Compute */
    struct str owner;    /* AWS Custom ThirdParty */
    struct str provider; /* CodeStarSourceConnection CodeBuild Manual ... */
    struct str version;
    int run_order; /* 1 .. 999 */
    struct str_map configuration;
    struct str_list inputs;  /* artifact names */
    struct str_list outputs;
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
    struct str provider; /* CloudWatchAlarm ... */
    struct str_map configuration;
    struct str role_arn;
    struct str region;
};

struct def_rule_list {
    struct def_rule *v;
    size_t n;
};

struct def_stage {
    struct str name;
    struct def_action_list actions;
    bool has_entry;          /* beforeEntry is there */
    struct str entry_result; /* FAIL SKIP */
    struct def_rule_list entry_rules;
    struct str_list unsupported; /* names of members that we keep but do not act on */
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

struct def_trigger {
    struct str source_action;
    struct def_push_list push;
    bool pull_request;
};

struct def_trigger_list {
    struct def_trigger *v;
    size_t n;
};

struct definition {
    struct str name;
    int version;
    struct str role_arn;
    struct str mode; /* SUPERSEDED QUEUED PARALLEL */
    struct str type; /* V1 V2 */
    struct str bucket;         /* of the artifact store */
    struct str encryption_key; /* id, ARN or alias; absent = aws/s3 */
    struct def_stage_list stages;
    struct def_trigger_list triggers;
};

/* What is wrong with a structure, as CodePipeline's exception of that name. */
enum def_fault {
    DEF_FAULT_NONE,
    DEF_FAULT_STRUCTURE, /* InvalidStructureException */
    DEF_FAULT_STAGE,     /* InvalidStageDeclarationException */
    DEF_FAULT_ACTION,    /* InvalidActionDeclarationException */
};

/* Takes a declaration apart. ERR_INVALID only if it is not JSON of an object. */
int definition_parse(struct arena *a, struct str json, struct definition *ret,
                     struct err *err) MUST_USE;

/* Checks everything that needs no AWS call. *ret_fault says which exception err is. */
int definition_check(const struct definition *d, enum def_fault *ret_fault,
                     struct err *err) MUST_USE;

const struct def_stage *definition_stage(const struct definition *d, struct str name);
const struct def_action *definition_action(const struct def_stage *s, struct str name);

/* A source action that is watched: change detection is on, or a trigger names it. */
bool definition_watches(const struct definition *d, const struct def_action *source);
