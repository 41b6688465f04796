/* UPLOAD_ARTIFACTS: what the buildspec names, zipped, digested, stored; and the variables that the
 * build exports. */
#include "flow/build/supervision.h"

#include "flow/artifact/select.h"
#include "flow/command/script.h"
#include "gen/s3.h"
#include "platform/archive/zip.h"
#include "platform/crypto/encode.h"
#include "platform/crypto/hash.h"
#include "platform/os/fd.h"
#include "platform/os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    MAX_PRINTED_ENV = 4 * 1024 * 1024,
    MAX_NAME = 1024,
    CHUNK = 1024 * 1024,
    MAX_EXPORTED = 122880,
    /* what CodePipeline takes as an action's variables */
};

/* A finished zip: an unlinked file of the build's directory, or one that stays (LOCAL). */
struct packed {
    int fd;
    int64_t bytes;
    struct str sha256;
    struct str md5;
};

static void say(void *ud, struct str line) {
    build_log_line(((struct supervision *)ud)->log, STR_FMT, STR_ARG(line));
}

static int digest(struct supervision *s, struct packed *p, struct err *err) {
    struct hash *sha cleanup_hash = hash_new(HASH_SHA256);
    struct hash *md cleanup_hash = hash_new(HASH_MD5);
    char *chunk = arena_alloc(&s->arena, CHUNK);
    p->bytes = 0;
    for (;;) {
        ssize_t n = pread(p->fd, chunk, CHUNK, p->bytes);
        if (n < 0) {
            return err_sys(err, errno, "artifact");
        }
        if (n == 0) {
            break;
        }
        hash_update(sha, str_n(chunk, (size_t)n));
        hash_update(md, str_n(chunk, (size_t)n));
        p->bytes += n;
    }
    unsigned char out[HASH_MAX];
    p->sha256 = hex_encode(&s->arena, str_n((const char *)out, hash_end(sha, out)));
    p->md5 = hex_encode(&s->arena, str_n((const char *)out, hash_end(md, out)));
    return 0;
}

static int zip_files(struct supervision *s, int root_fd, const struct artifact_files *files,
                     bool keep_links, int *ret_fd, struct err *err) {
    struct zip_writer *zip cleanup_zip = NULL;
    struct zip_limits limits = {0};
    const char *path = str_printf(&s->arena, "%s/artifact.zip", s->dir).p;
    *ret_fd = file_open(path, O_RDWR | O_CREAT | O_TRUNC, 0600, err);
    if (*ret_fd < 0 || file_remove(path, err) < 0 || zip_begin(*ret_fd, &limits, &zip, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < files->n; i++) {
        if (zip_add(zip, root_fd, str_z(&s->arena, files->v[i].path),
                    str_z(&s->arena, files->v[i].name),
                    keep_links ? ZIP_LINKS_KEEP : ZIP_LINKS_FOLLOW, err) < 0) {
            return -1;
        }
    }
    return zip_end(zip, err);
}

static int pack(struct supervision *s, int root_fd, const struct artifact_files *files,
                bool keep_links, struct packed *ret, struct err *err) {
    return zip_files(s, root_fd, files, keep_links, &ret->fd, err) < 0 ? -1 : digest(s, ret, err);
}

int pack_files(struct supervision *s, int root_fd, const struct artifact_files *files,
               struct err *err) {
    int fd = -1;
    if (zip_files(s, root_fd, files, false, &fd, err) < 0) {
        fd_closep(&fd);
        return -1;
    }
    return fd;
}

static struct object_new object_of(const struct plan_artifact *to, struct str key, int fd,
                                   int64_t bytes) {
    return (struct object_new){.bucket = to->bucket,
                               .key = key,
                               .fd = fd,
                               .bytes = bytes,
                               .owner_access = to->owner_access,
                               .plain = to->encryption_off,
                               .pipeline = to->key.n > 0};
}

static int put_artifact(struct supervision *s, const struct object_new *object, struct err *err) {
    return object_put(s, object, err) < 0 ? err_wrap(err, "Failed to upload artifacts") : 0;
}

/* [path/][build-id/]name, or the key that the pipeline chose. */
static struct str object_key(struct supervision *s, const struct plan_artifact *to,
                             const struct buildspec_artifact *spec, struct str name) {
    if (to->key.n > 0) {
        return to->key;
    }
    struct str key = spec->s3_prefix.n > 0 ? spec->s3_prefix : to->path;
    struct str parts[] = {to->build_id ? s->plan.uuid : S(""), str_is(name, "/") ? S("") : name};
    for (size_t i = 0; i < 2; i++) {
        if (parts[i].n > 0) {
            bool slash = key.n > 0 && key.p[key.n - 1] != '/';
            key = str_printf(&s->arena, STR_FMT "%s" STR_FMT, STR_ARG(key), slash ? "/" : "",
                             STR_ARG(parts[i]));
        }
    }
    return str_starts(key, S("/")) ? str_sub(key, 1, key.n) : key;
}

static int record(struct supervision *s, const struct plan_artifact *to, struct str key,
                  struct str location, const struct packed *p, struct err *err) {
    json_t *event = json_object();
    json_set_str(event, "id", to->id.p ? to->id : S(""));
    json_set_str(event, "name", to->key.n > 0 ? to->name : to->id);
    json_set_str(event, "bucket", to->bucket);
    json_set_str(event, "key", key);
    json_set_str(event, "location", location);
    json_set(event, "primary", json_boolean(to == s->plan.artifacts.v));
    json_set(event, "overrideName", json_boolean(to->override_name));
    json_set(event, "plain", json_boolean(to->encryption_off));
    json_set_str(event, "ownerAccess", to->owner_access);
    if (p != NULL) {
        json_set_str(event, "sha256", p->sha256);
        json_set_str(event, "md5", p->md5);
        json_set(event, "bytes", json_integer(p->bytes));
    }
    return build_events_add(s->events, "artifact", event, err);
}

static int copy_out(int from, int64_t bytes, const char *path, struct err *err) {
    int fd cleanup_fd = file_open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644, err);
    off_t at = 0;
    while (fd >= 0 && at < bytes) {
        ssize_t n = sendfile(fd, from, &at, (size_t)(bytes - at));
        if (n <= 0) {
            return err_sys(err, n == 0 ? EIO : errno, "%s", path);
        }
    }
    return fd < 0 ? -1 : 0;
}

/* Packaging NONE: each file is an object of its own below the artifact's name. */
static int upload_each(struct supervision *s, const struct plan_artifact *to, struct str key,
                       int root_fd, const struct artifact_files *files, struct err *err) {
    for (size_t i = 0; i < files->n; i++) {
        struct stat st;
        int fd cleanup_fd = file_open_beneath(root_fd, str_z(&s->arena, files->v[i].path),
                                              O_RDONLY | O_NONBLOCK, 0, err);
        if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
            return fd < 0 ? -1
                          : err_set(err, ERR_INVALID, STR_FMT " is no file any more",
                                    STR_ARG(files->v[i].name));
        }
        struct str name = str_printf(&s->arena, STR_FMT "%s" STR_FMT, STR_ARG(key),
                                     key.n > 0 ? "/" : "", STR_ARG(files->v[i].name));
        struct object_new object = object_of(to, name, fd, st.st_size);
        if (put_artifact(s, &object, err) < 0) {
            return -1;
        }
    }
    return record(s, to, key,
                  str_printf(&s->arena, "arn:aws:s3:::" STR_FMT "/" STR_FMT, STR_ARG(to->bucket),
                             STR_ARG(key)),
                  NULL, err);
}

static int deliver(struct supervision *s, const struct plan_artifact *to,
                   const struct buildspec_artifact *spec, struct str name, int root_fd,
                   const struct artifact_files *files, struct err *err) {
    struct packed packed = {.fd = -1};
    struct str key = object_key(s, to, spec, name);
    if (to->kind == PLAN_ARTIFACT_S3 && !to->zip) {
        return upload_each(s, to, key, root_fd, files, err);
    }
    int result = pack(s, root_fd, files, spec->symlinks && to->zip, &packed, err);
    struct str location = str_printf(&s->arena, "arn:aws:s3:::" STR_FMT "/" STR_FMT,
                                     STR_ARG(to->bucket), STR_ARG(key));
    if (result == 0 && to->kind == PLAN_ARTIFACT_LOCAL) {
        location = str_printf(&s->arena, STR_FMT "/" STR_FMT ".zip", STR_ARG(to->dir),
                              STR_ARG(to->id.n > 0 ? to->id : S("artifacts")));
        result = copy_out(packed.fd, packed.bytes, location.p, err);
    } else if (result == 0) {
        struct object_new object = object_of(to, key, packed.fd, packed.bytes);
        object.sha256 = packed.sha256;
        object.content_type = S("application/zip");
        result = put_artifact(s, &object, err);
    }
    if (result == 0) {
        result = record(s, to, key, location, &packed, err);
    }
    fd_closep(&packed.fd);
    return result;
}

/* The name that the buildspec gives, evaluated by the build's shell; else the project's. */
static int artifact_name(struct supervision *s, const struct plan_artifact *to,
                         const struct buildspec_artifact *spec, struct str *ret, struct err *err) {
    *ret = to->name.n > 0 ? to->name : s->plan.project;
    if (!to->override_name || spec->name.n == 0) {
        return 0;
    }
    int code = run_quiet(s, script_evaluate(&s->arena, spec->name), MAX_NAME, ret, err);
    if (code > 0 || (code == 0 && ret->n == 0)) {
        return err_set(err, ERR_INVALID, "artifact name " STR_FMT " evaluates to nothing",
                       STR_ARG(spec->name));
    }
    return code;
}

/* $NAME and ${NAME} in paths, as the commands left the variables. */
static struct str_list expand_all(struct supervision *s, const struct str_list *texts,
                                  const struct env *now) {
    struct str_list all = {0};
    for (size_t i = 0; i < texts->n; i++) {
        *arena_push(&s->arena, &all) = env_expand(&s->arena, texts->v[i], now, true);
    }
    return all;
}

static struct phase_end upload_one(struct supervision *s, const struct plan_artifact *to,
                                   const struct buildspec_artifact *spec, const struct env *now) {
    struct err err = ERR_INIT;
    struct artifact_files files;
    struct str name = STR_NONE;
    struct str_list wanted = expand_all(s, &spec->files, now);
    struct str_list exclude = expand_all(s, &spec->exclude, now);
    int root cleanup_fd = sandbox_open(s->box, "/", O_RDONLY | O_DIRECTORY, 0, &err);
    struct artifact_selection selection = {
        .root_fd = root,
        .directory = str_c(s->source_dir),
        .base_directory = env_expand(&s->arena, spec->base_directory, now, true),
        .files = &wanted,
        .exclude = &exclude,
        .discard_paths = spec->discard_paths,
        .folder_links = spec->symlinks && to->zip,
        .say = say,
        .ud = s,
    };
    if (root < 0 || artifact_select(&s->arena, &selection, &files, &err) < 0 ||
        artifact_name(s, to, spec, &name, &err) < 0 ||
        deliver(s, to, spec, name, root, &files, &err) < 0) {
        return phase_failed(s, "CLIENT_ERROR", "%s", err.msg);
    }
    return phase_well();
}

static const struct buildspec_artifact *spec_of(struct supervision *s,
                                                const struct plan_artifact *to, bool primary) {
    for (size_t i = 0; i < s->spec.secondary.n; i++) {
        if (str_eq(s->spec.secondary.v[i].id, to->id)) {
            return &s->spec.secondary.v[i];
        }
    }
    return primary ? &s->spec.artifact : NULL;
}

struct env environment_now(struct supervision *s) {
    struct env env = {0};
    struct err err = ERR_INIT;
    struct str printed = STR_NONE;
    if (s->box == NULL || s->box_gone ||
        run_quiet(s, script_print_env(&s->arena), MAX_PRINTED_ENV, &printed, &err) < 0) {
        return env;
    }
    struct str_map map = script_read_env(&s->arena, printed);
    for (size_t i = 0; i < map.n; i++) {
        *arena_push(&s->arena, &env) =
            (struct env_var){map.v[i].key, map.v[i].value, ENV_PLAINTEXT, false};
    }
    return env;
}

/* A folder of this machine takes them all: nobody has declared the secondary ones. */
static void add_local(struct supervision *s) {
    if (s->plan.artifacts.n != 1 || s->plan.artifacts.v[0].kind != PLAN_ARTIFACT_LOCAL) {
        return;
    }
    for (size_t i = 0; i < s->spec.secondary.n; i++) {
        struct plan_artifact one = s->plan.artifacts.v[0];
        one.id = s->spec.secondary.v[i].id;
        *arena_push(&s->arena, &s->plan.artifacts) = one;
    }
}

static struct phase_end upload_all(struct supervision *s) {
    struct phase_end end = phase_well();
    struct env now = environment_now(s);
    add_local(s);
    for (size_t i = 0; i < s->plan.artifacts.n && end.status == PHASE_SUCCEEDED; i++) {
        const struct plan_artifact *to = &s->plan.artifacts.v[i];
        const struct buildspec_artifact *spec = spec_of(s, to, i == 0);
        if (to->kind == PLAN_ARTIFACT_NONE) {
            continue;
        }
        end = spec != NULL ? upload_one(s, to, spec, &now)
                           : phase_failed(s, "CLIENT_ERROR",
                                          "no secondary artifact " STR_FMT " in the buildspec",
                                          STR_ARG(to->id));
    }
    return end;
}

struct phase_end upload_artifacts(struct supervision *s) {
    if (s->box_gone) {
        return phase_well();
    }
    struct phase_end end = s->spec.has_artifacts ? upload_all(s) : phase_well();
    if (end.status == PHASE_SUCCEEDED) {
        cache_save(s);
    }
    return end;
}

void record_exports(struct supervision *s) {
    if (s->spec.exported.n == 0) {
        return;
    }
    struct env now = environment_now(s);
    struct err err = ERR_INIT;
    size_t bytes = 0;
    json_t *list = json_array();
    for (size_t i = 0; i < s->spec.exported.n; i++) {
        struct str name = s->spec.exported.v[i];
        const struct env_var *var = env_find(&now, name);
        if (var == NULL || !env_may_export(&s->env, name)) {
            build_log_line(s->log, "Variable " STR_FMT " is not exported: %s", STR_ARG(name),
                           var == NULL ? "it is not set" : "it may not leave the build");
            continue;
        }
        if (bytes + name.n + var->value.n > MAX_EXPORTED) {
            build_log_line(s->log,
                           "Variable " STR_FMT " is not exported: all together may have at most "
                           "%d bytes",
                           STR_ARG(name), MAX_EXPORTED);
            continue;
        }
        bytes += name.n + var->value.n;
        json_t *one = json_object();
        json_set_str(one, "name", name);
        json_set_str(one, "value", build_log_masked(s->log, &s->arena, var->value));
        json_array_append_new(list, one);
    }
    json_t *event = json_object();
    json_set(event, "variables", list);
    if (build_events_add(s->events, "exported", event, &err) < 0) {
        build_log_line(s->log, "Exported variables could not be recorded: %s", err.msg);
    }
}
