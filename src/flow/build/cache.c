/*
 * The build's cache: restored when the source and the variables are there, saved when the build has
 * succeeded. Nothing about it fails a build: what does not work is a line in the log.
 */
#include "flow/build/supervision.h"

#include "flow/cache/content.h"
#include "flow/cache/local.h"
#include "flow/cache/name.h"
#include "flow/command/script.h"
#include "platform/archive/extract.h"
#include "platform/os/fd.h"
#include "platform/os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define STAGE CACHE_STAGE
#define LOCAL_INSIDE "/codebuild/local-cache/custom"
#define LAYERS_INSIDE "/var/lib/containers" /* where buildah and podman of root keep layers */

enum {
    MAX_KEY_OUTPUT = 4096,
    MAX_LINKS = 64 * 1024 * 1024,
    MAX_SAID = 64 * 1024,
    RATIO =
        10000, /* of unpacked to packed bytes: caches of text pack well; the disk's limit holds */
};

static void say(void *ud, struct str line) {
    build_log_line(((struct supervision *)ud)->log, STR_FMT, STR_ARG(line));
}

static bool of_s3(const struct supervision *s) {
    return s->plan.cache.kind == PLAN_CACHE_S3;
}

static void expand_paths(struct supervision *s) {
    const struct str_list *paths = &s->spec.cache.paths;
    s->cache.paths = (struct str_list){0};
    for (size_t i = 0; i < paths->n; i++) {
        struct str path = env_expand(&s->arena, paths->v[i], &s->env, true);
        *arena_push(&s->arena, &s->cache.paths) = path;
        build_log_line(s->log, "Expanded cache path " STR_FMT, STR_ARG(path));
    }
}

/* ---- folders of this machine ---- */

/* 1 the folder is ours and in *ret; 0 told why not. */
static int mount_one(struct supervision *s, const char *kind, const char *target, int *ret_lock,
                     struct sandbox_mount *ret) {
    const char *path = NULL;
    struct err err = ERR_INIT;
    int mine = cache_local_open(&s->arena, &s->plan, kind, &path, ret_lock, &err);
    if (mine < 0) {
        build_log_line(s->log, "Unable to initialize cache: %s", err.msg);
        return 0;
    }
    if (mine == 0) {
        build_log_line(s->log, "Local cache is in use by another build of this project: this one "
                               "goes without");
        return 0;
    }
    *ret = (struct sandbox_mount){path, target, true, true};
    return 1;
}

size_t cache_mounts(struct supervision *s, struct sandbox_mount *ret) {
    const struct plan_cache *cache = &s->plan.cache;
    size_t n = 0;
    if (cache->kind != PLAN_CACHE_LOCAL) {
        return 0;
    }
    if (cache->custom && mount_one(s, CACHE_LOCAL_CUSTOM, LOCAL_INSIDE, &s->cache.lock, ret) > 0) {
        s->cache.local = true;
        n++;
    }
    if (cache->docker && !s->plan.privileged) {
        build_log_line(s->log,
                       "LOCAL_DOCKER_LAYER_CACHE needs privileged mode: there is none here");
    } else if (cache->docker && mount_one(s, CACHE_LOCAL_DOCKER, LAYERS_INSIDE,
                                          &s->cache.layers_lock, &ret[n]) > 0) {
        n++;
    }
    return n;
}

/* What the source holds at the folder's place goes into the cache first: as if the link had been
 * there when the source came. */
static void add_link(struct arena *a, struct buf *script, struct str kept, struct str folder) {
    struct str from = script_quote(a, kept);
    struct str to = script_quote(a, folder);
    buf_printf(script,
               "mkdir -p " STR_FMT " \"$(dirname " STR_FMT ")\"\n"
               "if [ -d " STR_FMT " ] && [ ! -L " STR_FMT " ]; then cp -a " STR_FMT "/. " STR_FMT
               "/; fi\n"
               "rm -rf " STR_FMT "\nln -s " STR_FMT " " STR_FMT "\n",
               STR_ARG(from), STR_ARG(to), STR_ARG(to), STR_ARG(to), STR_ARG(to), STR_ARG(from),
               STR_ARG(to), STR_ARG(from), STR_ARG(to));
}

static void link_folders(struct supervision *s) {
    struct err err = ERR_INIT;
    struct str said = STR_NONE;
    struct buf script cleanup_buf;
    buf_init(&script, 1024 * 1024);
    for (size_t i = 0; i < s->cache.paths.n; i++) {
        struct str path = s->cache.paths.v[i];
        struct str folder = cache_local_folder(&s->arena, path, str_c(s->source_dir));
        if (folder.p == NULL) {
            build_log_line(s->log,
                           "Unable to initialize cache download: only directories can be cached "
                           "locally: " STR_FMT,
                           STR_ARG(path));
            continue;
        }
        struct str home = str_c(s->source_dir);
        struct str kept =
            str_starts(folder, home)
                ? str_concat(&s->arena, S(LOCAL_INSIDE "/src"), str_sub(folder, home.n, folder.n))
                : str_concat(&s->arena, S(LOCAL_INSIDE "/root"), folder);
        build_log_line(s->log, "MkdirAll: " STR_FMT, STR_ARG(kept));
        build_log_line(s->log, "Symlinking: " STR_FMT " => " STR_FMT, STR_ARG(kept),
                       STR_ARG(folder));
        add_link(&s->arena, &script, kept, folder);
    }
    buf_add_z(&script, "exit 0\n");
    if (script.overflow || run_quiet(s, str_concat(&s->arena, S("exec 2>&1\n"), buf_str(&script)),
                                     MAX_SAID, &said, &err) < 0) {
        build_log_line(s->log, "Unable to initialize cache: %s",
                       script.overflow ? "too many paths" : err.msg);
    } else if (said.n > 0) {
        build_log_line(s->log, "Unable to initialize cache: " STR_FMT, STR_ARG(str_trim(said)));
    }
}

/* ---- S3 ---- */

/* A key as the shell evaluates it; absent and told when it comes to nothing. */
static struct str evaluate(struct supervision *s, struct str text) {
    struct err err = ERR_INIT;
    struct str key = STR_NONE;
    int code = run_quiet(s, script_evaluate(&s->arena, text), MAX_KEY_OUTPUT, &key, &err);
    key = str_trim(key);
    if (code != 0 || key.n == 0 || key.n > CACHE_MAX_KEY) {
        build_log_line(s->log, "Cache key " STR_FMT " cannot be used: %s", STR_ARG(text),
                       code < 0     ? err.msg
                       : code > 0   ? "its evaluation failed"
                       : key.n == 0 ? "it evaluates to nothing"
                                    : "it is too long");
        return STR_NONE;
    }
    return key;
}

static struct cache_content content_of(struct supervision *s, int root_fd) {
    return (struct cache_content){.root_fd = root_fd,
                                  .source_dir = str_c(s->source_dir),
                                  .paths = &s->cache.paths,
                                  .say = say,
                                  .ud = s};
}

/* Puts what is in the stage where it belongs; inside, and only within the cache's paths. */
static int place_stage(struct supervision *s, struct err *err) {
    int root cleanup_fd = sandbox_open(s->box, "/", O_RDONLY | O_DIRECTORY, 0, err);
    struct cache_content content = content_of(s, root);
    struct str links = S("");
    struct str list = STR_NONE;
    struct str said = STR_NONE;
    size_t files = 0;
    if (root < 0 ||
        (sandbox_read_file(s->box, &s->arena, STAGE "/links", MAX_LINKS, &links, err) < 0 &&
         err->kind != ERR_NOT_FOUND)) {
        return -1;
    }
    *err = ERR_INIT;
    if (cache_placement(&s->arena, &content, S(STAGE), links, &list, &files, err) < 0 ||
        sandbox_write_file(s->box, STAGE "/list", list, 0600, err) < 0 ||
        run_quiet(s, S(SANDBOX_INIT " place " STAGE "/list 2>&1\n"), MAX_SAID, &said, err) < 0) {
        return -1;
    }
    if (said.n > 0) {
        build_log_line(s->log, "Cache was restored in part: " STR_FMT, STR_ARG(str_trim(said)));
    }
    build_log_line(s->log, "Restored %zu file(s) from the cache", files);
    return 0;
}

static int unarchive(struct supervision *s, struct str key, struct err *err) {
    struct aws_body body;
    if (object_get(s, s->plan.cache.bucket, key, STR_NONE, &body, err) < 0) {
        return -1;
    }
    int fd cleanup_fd = body.fd;
    struct extract_limits limits = {.bytes = s->plan.disk_mib << 20, .ratio = RATIO};
    struct extract_result result;
    struct str ignored = STR_NONE;
    struct err second = ERR_INIT;
    uid_t root = sandbox_root_id(s->box);
    build_log_line(s->log, "Unarchiving cache...");
    int dir cleanup_fd = sandbox_open(s->box, STAGE, O_RDONLY | O_DIRECTORY, 0, err);
    int done = dir < 0 || lseek(fd, body.offset, SEEK_SET) < 0 ||
                       archive_extract(fd, dir, &limits, root, root, &result, err) < 0 ||
                       place_stage(s, err) < 0
                   ? -1
                   : 0;
    if (run_quiet(s, S("rm -rf " STAGE "\n"), MAX_SAID, &ignored, &second) < 0 && done == 0) {
        *err = second;
        return -1;
    }
    return done;
}

/* The name of the newest cache whose key begins with one of the fallback keys; 1 found. */
static int find_fallback(struct supervision *s, struct str *ret_name, struct err *err) {
    for (size_t i = 0; i < s->spec.cache.fallback_keys.n; i++) {
        struct str key = evaluate(s, s->spec.cache.fallback_keys.v[i]);
        struct str prefix = cache_object_prefix(&s->arena, &s->plan, &s->spec.cache.paths, key);
        int found =
            key.p == NULL ? 0 : object_newest(s, s->plan.cache.bucket, prefix, ret_name, err);
        if (found != 0) {
            if (found > 0) {
                build_log_line(s->log, "Cache found by fallback key " STR_FMT, STR_ARG(key));
            }
            return found;
        }
    }
    return 0;
}

static void download(struct supervision *s) {
    struct err err = ERR_INIT;
    struct str name = s->cache.name;
    build_log_line(s->log, "Downloading S3 cache...");
    bool keyed = s->spec.cache.key.p != NULL;
    int found = keyed ? object_exists(s, s->plan.cache.bucket, name, &err) : 1;
    s->cache.exact = keyed && found > 0;
    if (found == 0) {
        found = find_fallback(s, &name, &err);
    }
    if (found == 0) {
        build_log_line(s->log, "Unable to download cache: no cache has this key");
    } else if (found < 0 || unarchive(s, name, &err) < 0) {
        build_log_line(s->log, "Unable to download cache: %s", err.msg);
        s->cache.exact = false;
    }
}

static void begin_s3(struct supervision *s) {
    struct err err = ERR_INIT;
    struct str key = STR_NONE;
    if (s->spec.cache.key.p != NULL) {
        key = evaluate(s, s->spec.cache.key);
        if (key.p == NULL) {
            return;
        }
        build_log_line(s->log, "Cache key is " STR_FMT, STR_ARG(key));
    }
    if (cache_object_name(&s->arena, &s->plan, &s->spec.cache.paths, key, &s->cache.name, &err) <
        0) {
        build_log_line(s->log, "Unable to initialize cache download: %s", err.msg);
        s->cache.name = STR_NONE;
        return;
    }
    if (s->spec.cache.restore) {
        download(s);
    }
}

void cache_restore(struct supervision *s) {
    if (!s->spec.has_cache) {
        build_log_line(s->log, "Cache is not defined in the buildspec");
    }
    if (!s->spec.has_cache || s->spec.cache.paths.n == 0) {
        build_log_line(s->log, "Skip cache due to: no paths specified to be cached");
        return;
    }
    if (!of_s3(s) && !s->cache.local) {
        build_log_line(s->log, "Skip cache due to: the project has no cache for these paths");
        return;
    }
    expand_paths(s);
    if (of_s3(s)) {
        begin_s3(s);
    } else {
        link_folders(s);
    }
}

static int pack_and_put(struct supervision *s, struct err *err) {
    struct stat st;
    size_t files = 0;
    const char *path = str_printf(&s->arena, "%s/cache.zip", s->dir).p;
    int root cleanup_fd = sandbox_open(s->box, "/", O_RDONLY | O_DIRECTORY, 0, err);
    int fd cleanup_fd = root < 0 ? -1 : file_open(path, O_RDWR | O_CREAT | O_TRUNC, 0600, err);
    struct cache_content content = content_of(s, root);
    if (fd < 0 || file_remove(path, err) < 0 ||
        cache_pack(&s->arena, &content, fd, &files, err) < 0) {
        return -1;
    }
    if (files == 0) {
        build_log_line(s->log, "Skip cache due to: no files match the paths");
        return 0;
    }
    if (fstat(fd, &st) < 0) {
        return err_sys(err, errno, "cache");
    }
    struct object_new object = {.bucket = s->plan.cache.bucket,
                                .key = s->cache.name,
                                .fd = fd,
                                .bytes = st.st_size,
                                .content_type = S("application/zip"),
                                .only_new = s->spec.cache.key.p != NULL};
    build_log_line(s->log, "Uploading S3 cache: %zu file(s), %lld bytes packed", files,
                   (long long)st.st_size);
    return object_put(s, &object, err);
}

void cache_save(struct supervision *s) {
    struct err err = ERR_INIT;
    if (!of_s3(s) || !s->spec.cache.save || s->cache.name.p == NULL) {
        return;
    }
    if (!s->succeeding) {
        build_log_line(s->log, "Cache is not saved: the build has failed");
        return;
    }
    bool keyed = s->spec.cache.key.p != NULL;
    int there = s->cache.exact ? 1
                : keyed        ? object_exists(s, s->plan.cache.bucket, s->cache.name, &err)
                               : 0;
    if (there > 0) {
        build_log_line(s->log, "Cache is not saved: there is one with this key already");
        return;
    }
    err = ERR_INIT; /* who may not look may still write */
    if (pack_and_put(s, &err) < 0) {
        bool overtaken = str_is(str_c(err.api_code), "PreconditionFailed");
        build_log_line(s->log, "Unable to upload cache: %s",
                       overtaken ? "another build has saved one with this key meanwhile" : err.msg);
    }
}
