/* DOWNLOAD_SOURCE: the source into its directory, the buildspec out of it, the variables. */
#include "flow/build/source.h"

#include "flow/command/script.h"
#include "flow/phase/batch_json.h"
#include "platform/os/fd.h"
#include "platform/os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>

#define CA_BUNDLE "/etc/ssl/certs/ca-certificates.crt"
#define CA_FILE "/usr/local/share/ca-certificates/trunkline.crt"

/* ---- the buildspec ---- */

static bool is_inline(struct str text) {
    return str_find_c(text, '\n', 0) != (size_t)-1 || str_starts(text, S("version:")) ||
           str_starts(text, S("{"));
}

/* "arn:aws:s3:::bucket/key" */
static int buildspec_from_s3(struct supervision *s, struct str arn, struct str *ret,
                             struct err *err) {
    struct aws_arn parts;
    size_t slash = aws_arn_parse(arn, &parts) ? str_find_c(parts.resource, '/', 0) : (size_t)-1;
    if (slash == (size_t)-1 || !str_is(parts.service, "s3")) {
        return err_set(err, ERR_INVALID, "buildspec " STR_FMT " is no object in S3", STR_ARG(arn));
    }
    struct aws_body body;
    if (object_get(s, str_sub(parts.resource, 0, slash),
                   str_sub(parts.resource, slash + 1, parts.resource.n), STR_NONE, &body,
                   err) < 0) {
        return -1;
    }
    int fd cleanup_fd = body.fd;
    if (lseek(fd, body.offset, SEEK_SET) < 0) {
        return err_sys(err, errno, "buildspec");
    }
    return fd_read_all(&s->arena, fd, YAML_MAX_BYTES + 1, ret, err);
}

bool brings_buildspec(const struct supervision *s) {
    return is_inline(s->plan.buildspec) || str_starts(s->plan.buildspec, S("arn:"));
}

/* Where the buildspec lies inside, or will: known, and told, before the source is fetched. */
static const char *buildspec_path(struct supervision *s) {
    struct str wanted = s->plan.buildspec;
    if (brings_buildspec(s)) {
        return READONLY_BUILDSPEC;
    }
    wanted = wanted.n > 0 ? wanted : S("buildspec.yml");
    return str_starts(wanted, S("/"))
               ? str_z(&s->arena, wanted)
               : str_printf(&s->arena, "%s/" STR_FMT, s->source_dir, STR_ARG(wanted)).p;
}

/* Text of the buildspec, and where it lies inside. */
static int find_buildspec(struct supervision *s, struct str *ret_text, const char **ret_path,
                          struct err *err) {
    struct str wanted = s->plan.buildspec;
    *ret_path = buildspec_path(s);
    if (brings_buildspec(s)) {
        *ret_text = wanted;
        if (str_starts(wanted, S("arn:")) && buildspec_from_s3(s, wanted, ret_text, err) < 0) {
            return -1;
        }
        return sandbox_write_file(s->box, *ret_path, *ret_text, 0644, err);
    }
    if (sandbox_read_file(s->box, &s->arena, *ret_path, YAML_MAX_BYTES + 1, ret_text, err) < 0) {
        return err->kind == ERR_NOT_FOUND
                   ? err_set(err, ERR_NOT_FOUND, "stat %s: no such file or directory", *ret_path)
                   : -1;
    }
    return 0;
}

static struct phase_end read_buildspec(struct supervision *s) {
    struct err err = ERR_INIT;
    struct str text = STR_NONE;
    const char *path = NULL;
    if (find_buildspec(s, &text, &path, &err) < 0 ||
        buildspec_read(&s->arena, path, text, &s->spec, &err) < 0) {
        return phase_failed(s, "YAML_FILE_ERROR", "%s", err.msg);
    }
    for (size_t i = 0; i < s->spec.warnings.n; i++) {
        const struct buildspec_note *note = &s->spec.warnings.v[i];
        build_log_line(s->log, "%s:%u:%u: warning: " STR_FMT, path, note->line, note->column,
                       STR_ARG(note->text));
    }
    for (size_t i = 1; i < s->spec.errors.n; i++) {
        const struct buildspec_note *note = &s->spec.errors.v[i];
        build_log_line(s->log, "%s:%u:%u: error: " STR_FMT, path, note->line, note->column,
                       STR_ARG(note->text));
    }
    if (s->spec.errors.n > 0) {
        const struct buildspec_note *note = &s->spec.errors.v[0];
        return phase_failed(s, "YAML_FILE_ERROR", STR_FMT " at line %u", STR_ARG(note->text),
                            note->line);
    }
    return phase_well();
}

/* ---- the variables ---- */

static void put(struct supervision *s, struct env *env, const char *name, const char *value) {
    env_put(&s->arena, env, (struct env_var){str_c(name), str_c(value), ENV_PLAINTEXT, false});
}

static void choose_variables(struct supervision *s) {
    static const char *const bundle[] = {"AWS_CA_BUNDLE",      "SSL_CERT_FILE", "CURL_CA_BUNDLE",
                                         "REQUESTS_CA_BUNDLE", "PIP_CERT",      "GIT_SSL_CAINFO"};
    struct env builtin = plan_builtin_env(&s->arena, &s->plan);
    put(s, &builtin, "CODEBUILD_SRC_DIR", s->source_dir);
    for (size_t i = 0; i < s->plan.secondary_sources.n; i++) {
        const char *id = str_z(&s->arena, s->plan.secondary_sources.v[i].id);
        put(s, &builtin, str_printf(&s->arena, "CODEBUILD_SRC_DIR_%s", id).p,
            source_directory(s, i + 1));
    }
    put(s, &builtin, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", s->credentials_path);
    put(s, &builtin, "AWS_EC2_METADATA_DISABLED", "true");
    for (size_t i = 0; i < sizeof(bundle) / sizeof(bundle[0]); i++) {
        put(s, &builtin, bundle[i], CA_BUNDLE);
    }
    put(s, &builtin, "NODE_EXTRA_CA_CERTS", CA_FILE);
    git_helper_variables(s, &builtin);
    s->env = env_of_build(&s->arena, &s->spec, &s->plan.env, &builtin);
}

static struct phase_end check_variables(struct supervision *s) {
    size_t total = 0;
    for (size_t i = 0; i < s->env.n; i++) {
        const struct env_var *var = &s->env.v[i];
        total += var->name.n + var->value.n + 2;
        if (var->name.n + var->value.n + 2 > ENV_MAX_VALUE) {
            return phase_failed(s, "CLIENT_ERROR",
                                "Variable " STR_FMT
                                " has %zu bytes; a program can be given at most "
                                "%d in one variable",
                                STR_ARG(var->name), var->value.n, ENV_MAX_VALUE);
        }
    }
    return total <= ENV_MAX_TOTAL ? phase_well()
                                  : phase_failed(s, "CLIENT_ERROR",
                                                 "The variables have %zu bytes together; programs "
                                                 "can be given at most %d",
                                                 total, ENV_MAX_TOTAL);
}

/* The files from which the first command restores directory and variables. Commands may run as
 * another user, who must be able to save them again. */
static int write_state(struct supervision *s, struct err *err) {
    struct str_map map = {0};
    for (size_t i = 0; i < s->env.n; i++) {
        *arena_push(&s->arena, &map) = (struct str_pair){s->env.v[i].name, s->env.v[i].value};
    }
    struct str env = script_env_file(&s->arena, &map);
    struct str cwd = str_printf(&s->arena, "%s\n", s->source_dir);
    return sandbox_write_file(s->box, SCRIPT_ENV, env, 0666, err) < 0 ||
                   sandbox_write_file(s->box, SCRIPT_CWD, cwd, 0666, err) < 0
               ? -1
               : 0;
}

static void tell_phases(struct supervision *s) {
    bool runtimes = s->spec.phase[BUILDSPEC_INSTALL].runtimes.n > 0;
    build_log_line(s->log, "%s",
                   runtimes ? "Skipping install of runtimes. Runtime version selection is not "
                              "supported by this build image"
                            : "No runtime version selected in buildspec.");
    build_log_line(s->log, "Moving to directory %s", s->source_dir);
    cache_restore(s);
    build_log_line(s->log, "Registering with agent");
    build_log_line(s->log, "Phases found in YAML: %zu", s->spec.phases);
    for (size_t i = 0; i < s->spec.phases; i++) {
        const struct buildspec_phase *phase = &s->spec.phase[s->spec.order[i]];
        build_log_line(s->log, " %s: %zu commands", buildspec_phase_name(s->spec.order[i]),
                       phase->commands.n);
    }
}

/* The first build of a batch: what the batch section says is left for serve, and that is all. */
static struct phase_end leave_batchspec(struct supervision *s) {
    struct err err = ERR_INIT;
    const char *path = str_printf(&s->arena, "%s/batchspec.json", s->dir).p;
    if (s->spec.batch.kind == BATCH_NONE) {
        return phase_failed(s, "YAML_FILE_ERROR", "the buildspec has no batch section");
    }
    struct str text = batch_tasks_json(&s->arena, &s->spec.batch);
    if (text.n > BATCH_JSON_MAX) {
        return phase_failed(s, "YAML_FILE_ERROR", "the builds of the batch are too large together");
    }
    return file_write_atomic(path, text, 0600, &err) < 0
               ? phase_failed(s, "CLIENT_ERROR", "%s", err.msg)
               : phase_well();
}

struct phase_end download_source(struct supervision *s) {
    struct err err = ERR_INIT;
    build_log_line(s->log, "Phase is DOWNLOAD_SOURCE");
    build_log_line(s->log, "CODEBUILD_SRC_DIR=%s", s->source_dir);
    build_log_line(s->log, "YAML location is %s", buildspec_path(s));
    if (fetch_sources(s, &err) < 0) {
        return phase_failed(s, "CLIENT_ERROR", "%s", err.msg);
    }
    struct phase_end end = read_buildspec(s);
    if (end.status != PHASE_SUCCEEDED) {
        return end;
    }
    if (s->plan.batchspec) {
        return leave_batchspec(s);
    }
    build_log_line(s->log, "Processing environment variables");
    choose_variables(s);
    end = fetch_values(s);
    end = end.status == PHASE_SUCCEEDED ? check_variables(s) : end;
    if (end.status == PHASE_SUCCEEDED && write_state(s, &err) < 0) {
        end = phase_failed(s, "CLIENT_ERROR", "%s", err.msg);
    }
    if (end.status == PHASE_SUCCEEDED) {
        tell_phases(s);
    }
    return end;
}
