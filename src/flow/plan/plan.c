/* plan.json, see plan.h. */
#include "flow/plan/plan.h"

#include "flow/plan/ahead.h"
#include "platform/os/fd.h"
#include "platform/os/file.h"

#include <fcntl.h>
#include <inttypes.h>

enum { MAX_PLAN = 4 * 1024 * 1024 };

static const char *const source_kinds[] = {"NO_SOURCE", "S3", "LOCAL", "GIT"};
static const char *const artifact_kinds[] = {"NO_ARTIFACTS", "S3", "LOCAL"};
static const char *const cache_kinds[] = {"NO_CACHE", "S3", "LOCAL"};
static const char *const policies[] = {"open", "locked", "none"};

/* A member of a plan that is a text or a number: one table reads and writes them. */
struct member {
    const char *name;
    size_t offset;
    enum { MEMBER_STR, MEMBER_INT, MEMBER_BOOL } type;
    bool needed;
};

#define TEXT(type, field, name, needed)                                                            \
    { name, offsetof(type, field), MEMBER_STR, needed }
#define NUMBER(type, field, name)                                                                  \
    { name, offsetof(type, field), MEMBER_INT, false }
#define FLAG(type, field, name)                                                                    \
    { name, offsetof(type, field), MEMBER_BOOL, false }

static const struct member plan_members[] = {
    TEXT(struct plan, uuid, "uuid", true),
    TEXT(struct plan, project, "project", true),
    TEXT(struct plan, region, "region", true),
    TEXT(struct plan, account, "account", true),
    NUMBER(struct plan, number, "number"),
    TEXT(struct plan, initiator, "initiator", false),
    NUMBER(struct plan, start_ms, "startMs"),
    FLAG(struct plan, aws, "aws"),
    TEXT(struct plan, data_dir, "dataDir", true),
    TEXT(struct plan, endpoint, "endpoint", false),
    TEXT(struct plan, ca_file, "caFile", false),
    TEXT(struct plan, role_arn, "roleArn", false),
    TEXT(struct plan, kms_key, "kmsKey", false),
    TEXT(struct plan, resolved_version, "resolvedVersion", false),
    TEXT(struct plan, buildspec, "buildspec", false),
    TEXT(struct plan, owner_lock, "ownerLock", false),
    TEXT(struct plan, serve_dir, "serveDir", false),
    TEXT(struct plan, credentials_file, "credentialsFile", false),
    TEXT(struct plan, reports_dir, "reportsDir", false),
    FLAG(struct plan, shell, "shell"),
    TEXT(struct plan, image, "image", false),
    TEXT(struct plan, image_uses, "imageUses", true),
    TEXT(struct plan, image_refused, "imageRefused", false),
    TEXT(struct plan, registry_secret, "registrySecret", false),
    TEXT(struct plan, certificate, "certificate", false),
    FLAG(struct plan, privileged, "privileged"),
    FLAG(struct plan, guard, "guard"),
    TEXT(struct plan, privileged_refused, "privilegedRefused", false),
    NUMBER(struct plan, memory_mib, "memoryMiB"),
    NUMBER(struct plan, disk_mib, "diskMiB"),
    NUMBER(struct plan, pids, "pids"),
    NUMBER(struct plan, cpu_milli, "cpuMilli"),
    NUMBER(struct plan, timeout_s, "timeoutSeconds"),
    NUMBER(struct plan, queued_timeout_s, "queuedTimeoutSeconds"),
    TEXT(struct plan, log_group, "logGroup", false),
    TEXT(struct plan, log_stream, "logStream", false),
    TEXT(struct plan, console_url, "consoleUrl", false),
    TEXT(struct plan, s3_log_bucket, "s3LogBucket", false),
    TEXT(struct plan, s3_log_key, "s3LogKey", false),
    TEXT(struct plan, s3_log_owner, "s3LogOwner", false),
    FLAG(struct plan, s3_log_plain, "s3LogPlain"),
    TEXT(struct plan, batch_identifier, "batchIdentifier", false),
    FLAG(struct plan, batchspec, "batchspec"),
    NUMBER(struct plan, shard, "shard"),
    NUMBER(struct plan, shards, "shards"),
    TEXT(struct plan, public_url, "publicUrl", false),
};

static const struct member registry_members[] = {
    TEXT(struct plan_registry, name, "name", true),
    TEXT(struct plan_registry, address, "address", false),
    FLAG(struct plan_registry, insecure, "insecure"),
};

static const struct member cache_members[] = {
    TEXT(struct plan_cache, bucket, "bucket", false),
    TEXT(struct plan_cache, prefix, "prefix", false),
    TEXT(struct plan_cache, name_space, "namespace", false),
    NUMBER(struct plan_cache, generation, "generation"),
    FLAG(struct plan_cache, custom, "custom"),
    FLAG(struct plan_cache, source, "source"),
    FLAG(struct plan_cache, docker, "docker"),
};

static const struct member source_members[] = {
    TEXT(struct plan_source, id, "id", false),
    TEXT(struct plan_source, bucket, "bucket", false),
    TEXT(struct plan_source, key, "key", false),
    TEXT(struct plan_source, version, "version", false),
    TEXT(struct plan_source, sha256, "sha256", false),
    TEXT(struct plan_source, dir, "dir", false),
    FLAG(struct plan_source, mount, "mount"),
    TEXT(struct plan_source, url, "url", false),
    TEXT(struct plan_source, label, "label", false),
    NUMBER(struct plan_source, depth, "depth"),
    FLAG(struct plan_source, submodules, "submodules"),
    FLAG(struct plan_source, insecure_ssl, "insecureSsl"),
    FLAG(struct plan_source, mirrored, "mirrored"),
    TEXT(struct plan_source, connection, "connection", false),
    TEXT(struct plan_source, repository, "repository", false),
};

static const struct member artifact_members[] = {
    TEXT(struct plan_artifact, id, "id", false),
    TEXT(struct plan_artifact, bucket, "bucket", false),
    TEXT(struct plan_artifact, key, "key", false),
    TEXT(struct plan_artifact, path, "path", false),
    TEXT(struct plan_artifact, name, "name", false),
    TEXT(struct plan_artifact, dir, "dir", false),
    FLAG(struct plan_artifact, build_id, "buildId"),
    FLAG(struct plan_artifact, zip, "zip"),
    FLAG(struct plan_artifact, override_name, "overrideName"),
    FLAG(struct plan_artifact, encryption_off, "encryptionOff"),
    TEXT(struct plan_artifact, owner_access, "ownerAccess", false),
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void write_members(json_t *object, const void *p, const struct member *members, size_t n) {
    for (size_t i = 0; i < n; i++) {
        const char *at = (const char *)p + members[i].offset;
        if (members[i].type == MEMBER_STR) {
            json_set_str(object, members[i].name, *(const struct str *)at);
        } else if (members[i].type == MEMBER_INT) {
            json_set(object, members[i].name, json_integer(*(const int64_t *)at));
        } else if (*(const bool *)at) {
            json_set(object, members[i].name, json_true());
        }
    }
}

static int read_members(struct arena *a, const json_t *object, void *p,
                        const struct member *members, size_t n, struct err *err) {
    for (size_t i = 0; i < n; i++) {
        char *at = (char *)p + members[i].offset;
        const json_t *value = json_object_get(object, members[i].name);
        if (members[i].needed && !json_is_string(value)) {
            return err_set(err, ERR_INVALID, "plan: '%s' is missing or no text", members[i].name);
        }
        if (members[i].type == MEMBER_STR) {
            *(struct str *)at = str_dup(a, json_text(value));
        } else if (members[i].type == MEMBER_INT) {
            *(int64_t *)at = json_integer_value(value);
        } else {
            *(bool *)at = json_is_true(value);
        }
    }
    return 0;
}

static int read_kind(const json_t *object, const char *name, const char *const *words, size_t n,
                     unsigned *ret, struct err *err) {
    struct str word = json_str(object, name);
    for (unsigned i = 0; i < n; i++) {
        if (str_is(word, words[i])) {
            *ret = i;
            return 0;
        }
    }
    return err_set(err, ERR_INVALID, "plan: '%s' is '" STR_FMT "', which is not known", name,
                   STR_ARG(word));
}

static json_t *source_json(const struct plan_source *source) {
    json_t *object = json_object();
    json_set_str(object, "kind", str_c(source_kinds[source->kind]));
    write_members(object, source, source_members, COUNT(source_members));
    return object;
}

static int read_source(struct arena *a, const json_t *object, struct plan_source *ret,
                       struct err *err) {
    unsigned kind = 0;
    if (read_kind(object, "kind", source_kinds, COUNT(source_kinds), &kind, err) < 0) {
        return -1;
    }
    ret->kind = (enum plan_source_kind)kind;
    return read_members(a, object, ret, source_members, COUNT(source_members), err);
}

static json_t *artifact_json(const struct plan_artifact *artifact) {
    json_t *object = json_object();
    json_set_str(object, "kind", str_c(artifact_kinds[artifact->kind]));
    write_members(object, artifact, artifact_members, COUNT(artifact_members));
    return object;
}

static int read_artifact(struct arena *a, const json_t *object, struct plan_artifact *ret,
                         struct err *err) {
    unsigned kind = 0;
    if (read_kind(object, "kind", artifact_kinds, COUNT(artifact_kinds), &kind, err) < 0) {
        return -1;
    }
    ret->kind = (enum plan_artifact_kind)kind;
    return read_members(a, object, ret, artifact_members, COUNT(artifact_members), err);
}

static json_t *cache_json(const struct plan_cache *cache) {
    json_t *object = json_object();
    json_set_str(object, "kind", str_c(cache_kinds[cache->kind]));
    write_members(object, cache, cache_members, COUNT(cache_members));
    return object;
}

static int read_cache(struct arena *a, const json_t *object, struct plan_cache *ret,
                      struct err *err) {
    unsigned kind = 0;
    if (object == NULL) {
        return 0; /* plans of earlier versions have none */
    }
    if (read_kind(object, "kind", cache_kinds, COUNT(cache_kinds), &kind, err) < 0) {
        return -1;
    }
    ret->kind = (enum plan_cache_kind)kind;
    return read_members(a, object, ret, cache_members, COUNT(cache_members), err);
}

static json_t *env_json(const struct env *env) {
    json_t *array = json_array();
    for (size_t i = 0; i < env->n; i++) {
        json_t *one = json_object();
        json_set_str(one, "name", env->v[i].name);
        json_set_str(one, "value", env->v[i].value);
        json_set_str(one, "type", str_c(env_type_name(env->v[i].type)));
        json_array_append_new(array, one);
    }
    return array;
}

static int read_env(struct arena *a, const json_t *array, struct env *ret, struct err *err) {
    size_t i = 0;
    json_t *one = NULL;
    json_array_foreach(array, i, one) {
        struct env_var var = {str_dup(a, json_str(one, "name")), str_dup(a, json_str(one, "value")),
                              ENV_PLAINTEXT, true};
        if (var.name.p == NULL || var.value.p == NULL ||
            !env_type_parse(json_str(one, "type"), &var.type)) {
            return err_set(err, ERR_INVALID, "plan: environment variable %zu is damaged", i + 1);
        }
        env_put(a, ret, var);
    }
    return 0;
}

static void write_texts(json_t *object, const char *name, const struct str_list *list) {
    json_t *array = json_array();
    for (size_t i = 0; i < list->n; i++) {
        json_array_append_new(array, json_from_str(list->v[i]));
    }
    json_set(object, name, array);
}

static void read_texts(struct arena *a, const json_t *object, const char *name,
                       struct str_list *ret) {
    size_t i = 0;
    json_t *one = NULL;
    json_array_foreach(json_object_get(object, name), i, one) {
        *arena_push(a, ret) = str_dup(a, json_text(one));
    }
}

struct str plan_json(struct arena *a, const struct plan *plan) {
    json_t *object cleanup_json = json_object();
    write_members(object, plan, plan_members, COUNT(plan_members));
    json_set_str(object, "policy", str_c(policies[plan->policy]));
    json_set(object, "source", source_json(&plan->source));
    json_t *sources = json_array();
    for (size_t i = 0; i < plan->secondary_sources.n; i++) {
        json_array_append_new(sources, source_json(&plan->secondary_sources.v[i]));
    }
    json_set(object, "secondarySources", sources);
    json_t *artifacts = json_array();
    for (size_t i = 0; i < plan->artifacts.n; i++) {
        json_array_append_new(artifacts, artifact_json(&plan->artifacts.v[i]));
    }
    json_set(object, "artifacts", artifacts);
    json_set(object, "environment", env_json(&plan->env));
    json_set(object, "cache", cache_json(&plan->cache));
    write_texts(object, "binds", &plan->binds);
    write_texts(object, "notify", &plan->notify);
    json_t *registries = json_array();
    for (size_t i = 0; i < plan->registries.n; i++) {
        json_t *one = json_object();
        write_members(one, &plan->registries.v[i], registry_members, COUNT(registry_members));
        json_array_append_new(registries, one);
    }
    json_set(object, "registries", registries);
    return json_dump_pretty(a, object);
}

static int read_lists(struct arena *a, const json_t *object, struct plan *ret, struct err *err) {
    size_t i = 0;
    json_t *one = NULL;
    json_array_foreach(json_object_get(object, "secondarySources"), i, one) {
        if (read_source(a, one, arena_push(a, &ret->secondary_sources), err) < 0) {
            return -1;
        }
    }
    json_array_foreach(json_object_get(object, "artifacts"), i, one) {
        if (read_artifact(a, one, arena_push(a, &ret->artifacts), err) < 0) {
            return -1;
        }
    }
    read_texts(a, object, "binds", &ret->binds);
    read_texts(a, object, "notify", &ret->notify);
    json_array_foreach(json_object_get(object, "registries"), i, one) {
        if (read_members(a, one, arena_push(a, &ret->registries), registry_members,
                         COUNT(registry_members), err) < 0) {
            return -1;
        }
    }
    return read_env(a, json_object_get(object, "environment"), &ret->env, err);
}

int plan_parse(struct arena *a, struct str text, struct plan *ret, struct err *err) {
    *ret = (struct plan){0};
    json_t *object cleanup_json = json_parse(text, err);
    unsigned policy = 0;
    if (object == NULL) {
        return err_wrap(err, "plan");
    }
    if (read_members(a, object, ret, plan_members, COUNT(plan_members), err) < 0 ||
        read_kind(object, "policy", policies, COUNT(policies), &policy, err) < 0 ||
        read_source(a, json_object_get(object, "source"), &ret->source, err) < 0 ||
        read_cache(a, json_object_get(object, "cache"), &ret->cache, err) < 0) {
        return -1;
    }
    ret->policy = (enum plan_policy)policy;
    return read_lists(a, object, ret, err);
}

int plan_read(struct arena *a, const char *dir, struct plan *ret, struct err *err) {
    struct str text = STR_NONE;
    if (file_read(a, str_printf(a, "%s/plan.json", dir).p, MAX_PLAN, &text, err) < 0) {
        return -1;
    }
    return plan_parse(a, text, ret, err);
}

int plan_write(const char *dir, const struct plan *plan, struct err *err) {
    struct arena a = ARENA_INIT;
    int result = ahead_write(dir, "plan.json", plan_json(&a, plan), err);
    arena_done(&a);
    return result;
}

struct str plan_build_id(struct arena *a, const struct plan *plan) {
    return str_printf(a, STR_FMT ":" STR_FMT, STR_ARG(plan->project), STR_ARG(plan->uuid));
}

struct str plan_build_arn(struct arena *a, const struct plan *plan) {
    return str_printf(a, "arn:aws:codebuild:" STR_FMT ":" STR_FMT ":build/" STR_FMT ":" STR_FMT,
                      STR_ARG(plan->region), STR_ARG(plan->account), STR_ARG(plan->project),
                      STR_ARG(plan->uuid));
}

static void put(struct arena *a, struct env *env, const char *name, struct str value) {
    if (value.p != NULL) {
        env_put(a, env, (struct env_var){str_c(name), value, ENV_PLAINTEXT, false});
    }
}

struct env plan_builtin_env(struct arena *a, const struct plan *plan) {
    struct env env = {0};
    struct str id = plan_build_id(a, plan);
    put(a, &env, "AWS_DEFAULT_REGION", plan->region);
    put(a, &env, "AWS_REGION", plan->region);
    put(a, &env, "CODEBUILD_BATCH_BUILD_IDENTIFIER", plan->batch_identifier);
    put(a, &env, "CODEBUILD_BUILD_ARN", plan_build_arn(a, plan));
    put(a, &env, "CODEBUILD_BUILD_ID", id);
    put(a, &env, "CODEBUILD_BUILD_IMAGE", plan->image);
    put(a, &env, "CODEBUILD_BUILD_NUMBER", str_printf(a, "%" PRId64, plan->number));
    put(a, &env, "CODEBUILD_BUILD_SUCCEEDING", S("1"));
    put(a, &env, "CODEBUILD_BUILD_URL",
        plan->console_url.p
            ? str_printf(a, STR_FMT "/console/builds/" STR_FMT, STR_ARG(plan->console_url),
                         STR_ARG(id))
            : str_printf(a,
                         "https://" STR_FMT ".console.aws.amazon.com/codebuild/home?region=" STR_FMT
                         "#/builds/" STR_FMT "/view/new",
                         STR_ARG(plan->region), STR_ARG(plan->region), STR_ARG(id)));
    put(a, &env, "CODEBUILD_CI", S("true"));
    put(a, &env, "CODEBUILD_CONTAINER_NAME", S("default"));
    put(a, &env, "CODEBUILD_LOCAL_BUILD",
        plan->source.kind == PLAN_SOURCE_LOCAL ? S("true") : STR_NONE);
    put(a, &env, "CODEBUILD_INITIATOR", plan->initiator);
    put(a, &env, "CODEBUILD_KMS_KEY_ID", plan->kms_key);
    put(a, &env, "CODEBUILD_LAST_EXIT", S("0"));
    put(a, &env, "CODEBUILD_LOG_PATH", plan->log_stream);
    put(a, &env, "CODEBUILD_PROJECT_ARN",
        str_printf(a, "arn:aws:codebuild:" STR_FMT ":" STR_FMT ":project/" STR_FMT,
                   STR_ARG(plan->region), STR_ARG(plan->account), STR_ARG(plan->project)));
    put(a, &env, "CODEBUILD_PUBLIC_BUILD_URL", plan->public_url);
    put(a, &env, "CODEBUILD_RESOLVED_SOURCE_VERSION", plan->resolved_version);
    if (plan->shards > 0) { /* for codebuild-tests-run */
        put(a, &env, "CODEBUILD_SHARD_INDEX", str_printf(a, "%" PRId64, plan->shard));
        put(a, &env, "CODEBUILD_SHARD_COUNT", str_printf(a, "%" PRId64, plan->shards));
    }
    put(a, &env, "CODEBUILD_SOURCE_REPO_URL", plan->source.url);
    put(a, &env, "CODEBUILD_SOURCE_VERSION", plan->source.label);
    put(a, &env, "CODEBUILD_START_TIME", str_printf(a, "%" PRId64, plan->start_ms));
    put(a, &env, "HOME", S("/root"));
    for (size_t i = 0; i < plan->secondary_sources.n; i++) {
        const struct plan_source *source = &plan->secondary_sources.v[i];
        const char *id_z = str_z(a, source->id);
        put(a, &env, str_printf(a, "CODEBUILD_SOURCE_REPO_URL_%s", id_z).p, source->url);
        put(a, &env, str_printf(a, "CODEBUILD_SOURCE_VERSION_%s", id_z).p, source->label);
    }
    return env;
}
