/*
 * release.yml: how a commit travels, for people who start without Terraform. It is read and checked
 * here (every error names FILE:LINE:COLUMN) and compiled into what AWS's own APIs take: one
 * pipeline structure, the CodeBuild projects, a connection and a topic. Nothing is called.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"

/* One build: the test, or an environment. */
struct release_build {
    struct str name;      /* "test", or the environment: "pre-production" */
    struct str buildspec; /* path in the repository */
    struct str image;
    struct str role; /* name or ARN of the build role; absent = <release>-<name>-build */
    struct str_map variables;
    int timeout_minutes; /* 0 = CodeBuild's default */
};

/* When an environment may be entered: a cron expression, as Quartz has it. */
struct release_window {
    struct str cron; /* absent: at any time */
    struct str zone; /* absent: UTC */
};

/* What must hold of a variable for an environment to be entered. */
struct release_only {
    struct str variable; /* "#{variables.level}"; absent: nothing */
    struct str op;       /* VariableCheck's: EQ NE CONTAINS MATCHES */
    struct str value;
    bool skip; /* the environment is left out; else the release fails there */
};

/* What is looked at when an environment has been released to. */
struct release_after {
    struct str_list alarms; /* of its account */
    int wait_minutes;
    bool fail; /* the stage fails; else it is rolled back */
};

enum release_on_failure { RELEASE_STOPS, RELEASE_RETRIES, RELEASE_RETRIES_ALL, RELEASE_ROLLS_BACK };

struct release_environment {
    struct release_build build;
    struct str account;   /* name of an account */
    struct str place;     /* where the file names it: FILE:LINE:COLUMN */
    struct str stage;     /* "Pre_Production" */
    bool approval;        /* a person decides before it */
    struct str message;   /* what is asked; absent = the usual words */
    int approval_minutes; /* 0 = CodePipeline's week */
    bool gated;           /* the gate's alarms of the environment before it close it */
    bool plan;            /* a stage before it makes the plan that it carries out */
    struct release_window window;
    struct release_only only;
    struct release_after after;
    enum release_on_failure on_failure;
};

/* A pipeline variable. */
struct release_variable {
    struct str name;
    struct str value; /* absent: asked for at every start */
    struct str description;
};

struct release_notify {
    struct str webhook; /* http or https URL */
    struct str_list on; /* approval, failed, alarm; absent = all of them */
};

/* A program of the repository that makes files which builds download from `url`. */
struct release_mirror {
    struct str run; /* path in the repository; called with an empty folder to fill */
    struct str url; /* each file F in that folder is url/F; no '/' at the end */
};

struct release_yml {
    struct str name;
    struct str repository;         /* URL that git fetches: file, https, ssh ... */
    struct str full_repository_id; /* "local/logging-platform", "org/repository" */
    struct str branch;
    struct str_list branches; /* globs of branches whose pushes start it; absent = `branch` */
    struct str_list tags;     /* globs of tags that start it, too */
    struct str_list paths;    /* globs of the paths that start it; absent = all */
    struct str_list ignore;   /* globs of paths that start nothing */
    struct str_list pulls;    /* events of pull requests to `branch` that start it: OPEN ... */
    struct str connection;    /* ARN of an existing one; absent = made by apply */
    struct str bucket;        /* of artifacts */
    struct str role;          /* of the pipeline: name or ARN; absent = <release>-pipeline */
    struct str mode;          /* SUPERSEDED QUEUED PARALLEL */
    struct str four_eyes;     /* value of the pipeline's tag (flow/approval); absent = not said */
    bool preflight;           /* what all environments name is looked for before the first one */
    struct {
        struct release_variable *v;
        size_t n;
    } variables;
    bool has_test;
    struct release_build test;
    struct {
        struct release_environment *v;
        size_t n;
    } environments;
    struct str_list gate_alarms;
    int gate_wait_minutes;
    struct {
        struct release_notify *v;
        size_t n;
    } notify;
    struct {
        struct release_mirror *v;
        size_t n;
    } mirror;
};

struct release_account {
    struct str name;
    struct str id;
    struct str region;
};

struct release_accounts {
    struct release_account *v; /* the first one is where pipelines live */
    size_t n;
};

/* What the APIs take, as JSON in the words of their models. */
struct release_plan {
    struct str pipeline; /* PipelineDeclaration */
    struct {
        struct release_project {
            struct str name;
            struct str json; /* CreateProjectInput */
        } * v;
        size_t n;
    } projects;
    struct str connection_name; /* absent: the release names an existing one */
    struct str topic;           /* name; absent: nobody is told */
    struct str topic_arn;
};

/* Reads and checks. `dir` is what relative repository paths start from. */
int release_yml_read(struct arena *a, const char *file, const char *dir, struct str text,
                     struct release_yml *ret, struct err *err) MUST_USE;

/* Whether a text looks like one, rather than like a buildspec. */
bool release_yml_is_one(struct arena *a, const char *file, struct str text);

/* Compiles for the accounts that there are. `connection_arn` is the connection's once it exists.
 * ERR_NOT_FOUND: an environment names an account that is not among them. */
int release_yml_compile(struct arena *a, const struct release_yml *r,
                        const struct release_accounts *accounts, struct str connection_arn,
                        struct release_plan *ret, struct err *err) MUST_USE;

/* "pre-production" -> "Pre_Production". */
struct str release_stage_name(struct arena *a, struct str environment);
