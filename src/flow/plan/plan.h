/*
 * A build's plan: all that its supervisor needs, written by serve as `plan.json` into the build's
 * directory before the supervisor starts, and never changed. It holds no secret: parameters are
 * fetched by the supervisor, credentials given to it over serve's socket.
 */
#pragma once

#include "flow/phase/env.h"
#include "platform/text/json.h"

enum plan_source_kind {
    PLAN_SOURCE_NONE,  /* NO_SOURCE */
    PLAN_SOURCE_S3,    /* a zip in S3, also CODEPIPELINE's */
    PLAN_SOURCE_LOCAL, /* a folder of this machine, copied (`run`) */
    PLAN_SOURCE_GIT,   /* a repository: serve says how it is reached */
};

struct plan_source {
    enum plan_source_kind kind;
    struct str id;         /* secondary sources: their identifier */
    struct str bucket;     /* S3 */
    struct str key;        /* S3; ending in '/' means everything below */
    struct str version;    /* S3 version id, or absent */
    struct str sha256;     /* S3: in hex, what the object must have; absent: anything */
    struct str dir;        /* LOCAL: a folder, or a zip */
    bool mount;            /* LOCAL: shown as it is instead of copied, and written to */
    struct str url;        /* CODEBUILD_SOURCE_REPO_URL, or absent; GIT: the project's location */
    struct str label;      /* CODEBUILD_SOURCE_VERSION, or absent; GIT: the wanted version */
    int64_t depth;         /* GIT: commits of history; 0 = all */
    bool submodules;       /* GIT */
    bool insecure_ssl;     /* GIT */
    bool mirrored;         /* GIT: LOCAL_SOURCE_CACHE keeps a mirror */
    struct str connection; /* GIT, of a pipeline: ARN of the connection; absent: CodeCommit */
    struct str repository; /* GIT, of a pipeline: FullRepositoryId, or CodeCommit's location */
};

enum plan_artifact_kind { PLAN_ARTIFACT_NONE, PLAN_ARTIFACT_S3, PLAN_ARTIFACT_LOCAL };

struct plan_artifact {
    enum plan_artifact_kind kind;
    struct str id;     /* secondary artifacts, or CodePipeline's output name */
    struct str bucket; /* S3 */
    struct str key;    /* S3: whole key; absent when it is made of the parts below */
    struct str path;   /* S3: [path/][build-id/]name */
    struct str name;
    struct str dir;     /* LOCAL: where the zip or the files go */
    bool build_id;      /* namespaceType BUILD_ID */
    bool zip;           /* packaging */
    bool override_name; /* the buildspec's artifacts.name counts */
    bool encryption_off;
    struct str owner_access; /* bucketOwnerAccess: NONE, READ_ONLY, FULL, or absent */
};

enum plan_cache_kind { PLAN_CACHE_NONE, PLAN_CACHE_S3, PLAN_CACHE_LOCAL };

/* The project's cache. Whose it is stands in the plan: account, region, project. */
struct plan_cache {
    enum plan_cache_kind kind;
    struct str bucket;     /* S3 */
    struct str prefix;     /* S3: of the keys, without '/' at the end; may be empty */
    struct str name_space; /* S3: cacheNamespace; projects that name the same one share */
    int64_t generation;    /* times that the project's cache was invalidated */
    bool custom;           /* LOCAL_CUSTOM_CACHE */
    bool source;           /* LOCAL_SOURCE_CACHE */
    bool docker;           /* LOCAL_DOCKER_LAYER_CACHE */
};

/* A registry of images that an administrator has named. */
struct plan_registry {
    struct str name;    /* HOST or HOST:PORT */
    struct str address; /* IP[:PORT] it is reached at, or absent */
    bool insecure;
};

enum plan_policy { PLAN_OPEN, PLAN_LOCKED, PLAN_NONE };

struct plan {
    struct str uuid;
    struct str project;
    struct str region;
    struct str account; /* 12 digits */
    int64_t number;     /* of the build in its project */
    struct str initiator;
    int64_t start_ms;
    bool aws;            /* a real account: calls go out signed, AWS's hosts pass through */
    struct str data_dir; /* DATA: serve.sock, ca/, mirror/ */
    struct str endpoint; /* aws: another endpoint than AWS's own, or absent */
    struct str ca_file;  /* aws: its authority, or absent */
    struct str role_arn;
    struct str kms_key;
    struct plan_source source;
    struct {
        struct plan_source *v;
        size_t n;
    } secondary_sources;
    struct str resolved_version; /* commit, or absent */
    struct str buildspec;        /* text, path, or absent = buildspec.yml */
    struct env env;              /* of the project, with the start's over it */
    /* Of `trunkline run` only: */
    struct str owner_lock;       /* as long as somebody has this file locked the build goes on */
    struct str serve_dir;        /* its serve.sock answers AWS calls instead of data_dir's */
    struct str credentials_file; /* instead of the role's, which serve gives */
    struct str reports_dir;      /* report files are copied there */
    bool shell;                  /* a failed build waits for a shell (flow/build/shell.c) */

    struct str image;           /* as the project names it */
    struct str image_uses;      /* the image that this means here */
    struct str image_refused;   /* why it may not be used here; absent = it may */
    struct str registry_secret; /* registryCredential: the secret's name or ARN, or absent */
    struct str certificate;     /* environment.certificate: BUCKET/KEY or its ARN, or absent */
    struct {
        struct plan_registry *v;
        size_t n;
    } registries;
    bool privileged;               /* privilegedMode */
    bool guard;                    /* a plan stage: changes nothing (flow/build/plan_guard.h) */
    struct str privileged_refused; /* why that is not allowed here; absent = it is */
    int64_t memory_mib;
    int64_t disk_mib;
    int64_t pids;
    int64_t cpu_milli; /* 2000 = two processors */
    int64_t pool;      /* containers like this one's to be made ahead; not kept in plan.json */
    int64_t timeout_s;
    int64_t queued_timeout_s; /* 0 = none */
    enum plan_policy policy;
    struct {
        struct plan_artifact *v; /* the first is the primary one */
        size_t n;
    } artifacts;
    struct str log_group; /* absent = no CloudWatch log */
    struct str log_stream;
    struct str s3_log_bucket; /* absent = no log in S3 */
    struct str s3_log_key;
    struct str s3_log_owner; /* bucketOwnerAccess, or absent */
    bool s3_log_plain;       /* encryptionDisabled */
    struct plan_cache cache;
    struct str batch_identifier; /* CODEBUILD_BATCH_BUILD_IDENTIFIER, or absent */
    bool batchspec;              /* reads the batch section, and that is all */
    int64_t shard, shards;       /* of a fan-out: which one, of how many; 0, 0 = none */
    struct str public_url;       /* CODEBUILD_PUBLIC_BUILD_URL, or absent */
    struct str_list binds;       /* "HOST:CONTAINER" read-only, from trunkline.yml */
    struct str_list notify;      /* private networks that git servers may be in */
    struct str console_url;      /* for CODEBUILD_BUILD_URL, or absent */
};

/* Reads plan.json of a build's directory. ERR_INVALID names the member that is wrong. */
int plan_read(struct arena *a, const char *dir, struct plan *ret, struct err *err) MUST_USE;
/* The supervisor starts only after this. Not synced: a build that a power failure has interrupted
 * is never started again from its directory. Written by ahead_write. */
int plan_write(const char *dir, const struct plan *plan, struct err *err) MUST_USE;

/* The same as JSON text, for tests and for `show`. */
struct str plan_json(struct arena *a, const struct plan *plan);
int plan_parse(struct arena *a, struct str text, struct plan *ret, struct err *err) MUST_USE;

/* "project:uuid" and "arn:aws:codebuild:R:A:build/project:uuid". */
struct str plan_build_id(struct arena *a, const struct plan *plan);
struct str plan_build_arn(struct arena *a, const struct plan *plan);

/* CodeBuild's own variables, as they are before DOWNLOAD_SOURCE. */
struct env plan_builtin_env(struct arena *a, const struct plan *plan);
