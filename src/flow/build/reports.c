/*
 * UPLOAD_ARTIFACTS: the reports that the buildspec names. For each one a report is made in the
 * account as the project's role (its group too, where only a name is given), the files are read by
 * a process that holds nothing (flow/report), and what they say is put into the account. Failed
 * tests fail nothing; files that are missing or damaged, and rights that are missing, fail the
 * phase with AWS's form of message: "[group: [error processing report: [file: reason]]]".
 */
#include "flow/build/supervision.h"

#include "flow/artifact/select.h"
#include "flow/report/store.h"
#include "gen/codebuild.h"
#include "gen/trunkline.h"
#include "platform/os/fd.h"
#include "platform/os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

enum { CASES_PER_CALL = 100, SOURCES_PER_CALL = 1000, MAX_EXPORT_NAME = 1024 };

/* One report on its way. */
struct reporting {
    struct supervision *s;
    struct str label; /* the group as the build names it */
    struct str group_arn;
    bool by_name; /* the group is made if it is not there */
    enum report_format format;
    const struct env *now;
    struct trunkline_create_report_output made;
    int root; /* the container's file system */
    struct artifact_files files;
    struct report_data data;
    struct report_complaints bad;
};

static void say(void *ud, struct str line) {
    build_log_line(((struct supervision *)ud)->log, STR_FMT, STR_ARG(line));
}

/* ---- calls, each under an id of its own until its answer is known ---- */

#define CALL(r, result, call)                                                                      \
    do {                                                                                           \
        int64_t since_ = clock_mono_ms((r)->s->clock);                                             \
        account_begin((r)->s);                                                                     \
        do {                                                                                       \
            struct aws_target target;                                                              \
            result = account_target((r)->s, &(r)->s->arena, &target, err) < 0 ? -1 : (call);       \
        } while (result < 0 && account_retry((r)->s, since_, err));                                \
        if (result == 0) {                                                                         \
            account_acknowledge((r)->s);                                                           \
        }                                                                                          \
    } while (0)

static int create_group(struct reporting *r, struct err *err) {
    struct codebuild_report_export_config none = {.export_config_type = S("NO_EXPORT")};
    struct codebuild_create_report_group_input in = {
        .name = str_sub(r->group_arn, str_rfind_c(r->group_arn, '/') + 1, r->group_arn.n),
        .type = str_c(report_kind_name(report_kind_of(r->format))),
        .export_config = &none,
    };
    struct codebuild_create_report_group_output out = {0};
    int result = 0;
    CALL(r, result, codebuild_call_create_report_group(&target, &r->s->arena, &in, &out, err));
    if (result < 0 && err->api == &codebuild_ResourceAlreadyExistsException) {
        *err = ERR_INIT; /* another build was faster */
        return 0;
    }
    return result;
}

static int create_report(struct reporting *r, struct err *err) {
    struct trunkline_create_report_input in = {
        .report_group_arn = r->group_arn,
        .type = str_c(report_kind_name(report_kind_of(r->format))),
    };
    int result = 0;
    r->made = (struct trunkline_create_report_output){0};
    CALL(r, result, trunkline_call_create_report(&target, &r->s->arena, &in, &r->made, err));
    return result;
}

static int open_report(struct reporting *r, struct err *err) {
    int result = create_report(r, err);
    if (result < 0 && r->by_name && err->api == &trunkline_ResourceNotFoundException) {
        *err = ERR_INIT;
        result = create_group(r, err) < 0 ? -1 : create_report(r, err);
    }
    return result;
}

static int put_cases(struct reporting *r, struct err *err) {
    for (size_t i = 0; i < r->data.cases.n; i += CASES_PER_CALL) {
        struct arena *a = &r->s->arena;
        struct trunkline_batch_put_test_cases_input in = {.report_arn = r->made.report_arn};
        struct trunkline_batch_put_test_cases_output out = {0};
        for (size_t k = i; k < r->data.cases.n && k < i + CASES_PER_CALL; k++) {
            const struct report_case *c = &r->data.cases.v[k];
            *arena_push(a, &in.test_cases) = (struct trunkline_reported_case){
                .path = c->path,
                .prefix = c->prefix,
                .name = build_log_masked(r->s->log, a, c->name),
                .suite = c->suite,
                .status = str_c(case_status_name(c->status)),
                .duration_in_nano_seconds = c->duration_ns,
                .has_duration_in_nano_seconds = true,
                .message = c->message.p ? build_log_masked(r->s->log, a, c->message) : STR_NONE,
            };
        }
        int result = 0;
        CALL(r, result, trunkline_call_batch_put_test_cases(&target, a, &in, &out, err));
        if (result < 0) {
            return -1;
        }
    }
    return 0;
}

static int put_sources(struct reporting *r, struct err *err) {
    for (size_t i = 0; i < r->data.sources.n; i += SOURCES_PER_CALL) {
        struct arena *a = &r->s->arena;
        struct trunkline_batch_put_code_coverages_input in = {.report_arn = r->made.report_arn};
        struct trunkline_batch_put_code_coverages_output out = {0};
        for (size_t k = i; k < r->data.sources.n && k < i + SOURCES_PER_CALL; k++) {
            const struct report_source *s = &r->data.sources.v[k];
            *arena_push(a, &in.code_coverages) = (struct trunkline_reported_source){
                .path = s->path,
                .lines_covered = s->lines_covered,
                .has_lines_covered = true,
                .lines_missed = s->lines_missed,
                .has_lines_missed = true,
                .branches_covered = s->branches_covered,
                .has_branches_covered = true,
                .branches_missed = s->branches_missed,
                .has_branches_missed = true,
            };
        }
        int result = 0;
        CALL(r, result, trunkline_call_batch_put_code_coverages(&target, a, &in, &out, err));
        if (result < 0) {
            return -1;
        }
    }
    return 0;
}

static int close_report(struct reporting *r, const char *status, struct err *err) {
    const struct report_data *d = &r->data;
    struct report_source sum = {0};
    for (size_t i = 0; i < d->sources.n; i++) {
        sum.lines_covered += d->sources.v[i].lines_covered;
        sum.lines_missed += d->sources.v[i].lines_missed;
        sum.branches_covered += d->sources.v[i].branches_covered;
        sum.branches_missed += d->sources.v[i].branches_missed;
    }
#define NUMBER(member, value) .member = (value), .has_##member = true
    struct trunkline_update_report_input in = {
        .report_arn = r->made.report_arn,
        .status = str_c(status),
        NUMBER(truncated, d->truncated),
        NUMBER(succeeded, d->counts[CASE_SUCCEEDED]),
        NUMBER(failed, d->counts[CASE_FAILED]),
        NUMBER(error, d->counts[CASE_ERROR]),
        NUMBER(skipped, d->counts[CASE_SKIPPED]),
        NUMBER(unknown, d->counts[CASE_UNKNOWN]),
        NUMBER(duration_in_nano_seconds, d->duration_ns),
        NUMBER(lines_covered, sum.lines_covered),
        NUMBER(lines_missed, sum.lines_missed),
        NUMBER(branches_covered, sum.branches_covered),
        NUMBER(branches_missed, sum.branches_missed),
    };
#undef NUMBER
    struct trunkline_update_report_output out = {0};
    int result = 0;
    CALL(r, result, trunkline_call_update_report(&target, &r->s->arena, &in, &out, err));
    return result;
}

/* ---- files ---- */

struct cursor {
    struct reporting *r;
    size_t at;
    int fd;
};

static int next_file(void *ud, struct report_input *ret, struct err *err) {
    struct cursor *c = ud;
    struct arena *a = &c->r->s->arena;
    fd_closep(&c->fd);
    if (c->at == c->r->files.n) {
        return 0;
    }
    struct str path = c->r->files.v[c->at++].path;
    c->fd = file_open_beneath(c->r->root, str_z(a, path), O_RDONLY | O_NONBLOCK, 0, err);
    *ret = (struct report_input){c->fd, str_concat(a, S("/"), path)};
    return c->fd < 0 ? -1 : 1;
}

static int read_files(struct reporting *r, struct err *err) {
    struct cursor cursor = {.r = r, .fd = -1};
    int result = report_read(&r->s->arena, r->format, next_file, &cursor, &r->data, &r->bad, err);
    fd_closep(&cursor.fd);
    return result;
}

static int find_files(struct reporting *r, const struct buildspec_report *spec, struct err *err) {
    struct str_list wanted = {0};
    for (size_t i = 0; i < spec->files.n; i++) {
        *arena_push(&r->s->arena, &wanted) =
            env_expand(&r->s->arena, spec->files.v[i], r->now, true);
    }
    struct artifact_selection selection = {
        .root_fd = r->root,
        .directory = str_c(r->s->source_dir),
        .base_directory = env_expand(&r->s->arena, spec->base_directory, r->now, true),
        .files = &wanted,
        .discard_paths = spec->discard_paths,
        .say = say,
        .ud = r->s,
    };
    if (artifact_select(&r->s->arena, &selection, &r->files, err) == 0) {
        return 0;
    }
    bool none =
        err->kind == ERR_NOT_FOUND && str_starts(str_c(err->msg), S("no matching artifact"));
    return none ? err_set(err, ERR_NOT_FOUND, "report files not found in build") : -1;
}

/* ---- raw files to S3 ---- */

static struct str export_key(struct reporting *r, struct str name) {
    struct str path = r->made.export_path;
    struct str uuid = str_sub(r->made.report_arn, str_rfind_c(r->made.report_arn, ':') + 1, 36);
    bool slash = path.n > 0 && !str_ends(path, S("/"));
    return str_printf(&r->s->arena, STR_FMT "%s" STR_FMT STR_FMT, STR_ARG(path), slash ? "/" : "",
                      STR_ARG(uuid), STR_ARG(name));
}

static int export_file(struct reporting *r, struct str name, int fd, struct err *err) {
    struct stat st;
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        return err_set(err, ERR_INVALID, STR_FMT " is no file any more", STR_ARG(name));
    }
    struct object_new object = {
        .bucket = r->made.export_bucket,
        .key = export_key(r, name),
        .fd = fd,
        .bytes = st.st_size,
        .kms_key = r->made.export_key,
        .plain = r->made.export_encryption_disabled,
    };
    return object_put(r->s, &object, err);
}

static int export_each(struct reporting *r, struct err *err) {
    for (size_t i = 0; i < r->files.n; i++) {
        struct arena *a = &r->s->arena;
        int fd cleanup_fd =
            file_open_beneath(r->root, str_z(a, r->files.v[i].path), O_RDONLY | O_NONBLOCK, 0, err);
        struct str name = str_concat(a, S("/"), r->files.v[i].name);
        if (fd < 0 || export_file(r, name, fd, err) < 0) {
            return -1;
        }
    }
    return 0;
}

static int export_files(struct reporting *r, struct err *err) {
    if (!str_is(r->made.export_type, "S3")) {
        return 0;
    }
    if (!r->made.export_zip) {
        return export_each(r, err);
    }
    int fd cleanup_fd = pack_files(r->s, r->root, &r->files, err);
    return fd < 0 ? -1 : export_file(r, S(".zip"), fd, err);
}

/* ---- raw files to a folder of this machine (`trunkline run --reports`) ---- */

static int keep_file(struct reporting *r, int to, struct str name, int from, struct err *err) {
    struct stat st;
    off_t at = 0;
    if (fstat(from, &st) < 0 || !S_ISREG(st.st_mode)) {
        return err_set(err, ERR_INVALID, STR_FMT " is no file any more", STR_ARG(name));
    }
    for (size_t slash = str_find_c(name, '/', 0); slash != (size_t)-1;
         slash = str_find_c(name, '/', slash + 1)) {
        if (mkdirat(to, str_z(&r->s->arena, str_sub(name, 0, slash)), 0755) < 0 &&
            errno != EEXIST) {
            return err_sys(err, errno, STR_FMT, STR_ARG(name));
        }
    }
    int fd cleanup_fd =
        file_open_beneath(to, str_z(&r->s->arena, name), O_WRONLY | O_CREAT | O_TRUNC, 0644, err);
    while (fd >= 0 && at < st.st_size) {
        ssize_t n = sendfile(fd, from, &at, (size_t)(st.st_size - at));
        if (n <= 0) {
            return err_sys(err, n == 0 ? EIO : errno, STR_FMT, STR_ARG(name));
        }
    }
    return fd < 0 ? -1 : 0;
}

/* DIR/<group>/<name>. Names are those of files in the build, without "..": artifact_select's. */
static int keep_files(struct reporting *r, struct err *err) {
    struct arena *a = &r->s->arena;
    if (r->s->plan.reports_dir.n == 0) {
        return 0;
    }
    char *group = (char *)str_z(a, str_dup(a, r->label));
    for (char *p = group; *p != '\0'; p++) {
        *p = *p == '/' || *p == ':' || *p == '.' ? '-' : *p;
    }
    const char *dir = str_printf(a, STR_FMT "/%s", STR_ARG(r->s->plan.reports_dir), group).p;
    if (dir_make(dir, 0755, err) < 0) {
        return -1;
    }
    int to cleanup_fd = file_open(dir, O_RDONLY | O_DIRECTORY, 0, err);
    for (size_t i = 0; to >= 0 && i < r->files.n; i++) {
        int fd cleanup_fd =
            file_open_beneath(r->root, str_z(a, r->files.v[i].path), O_RDONLY | O_NONBLOCK, 0, err);
        if (fd < 0 || keep_file(r, to, r->files.v[i].name, fd, err) < 0) {
            return -1;
        }
    }
    return to < 0 ? -1 : 0;
}

/* ---- one report ---- */

static struct str complaints_text(struct reporting *r) {
    struct str text = S("");
    for (size_t i = 0; i < r->bad.n; i++) {
        text = str_printf(&r->s->arena, STR_FMT "%s" STR_FMT ": " STR_FMT, STR_ARG(text),
                          i > 0 ? ", " : "", STR_ARG(r->bad.v[i].path), STR_ARG(r->bad.v[i].text));
    }
    return text;
}

static const char *status_of(const struct reporting *r) {
    const struct report_data *d = &r->data;
    if (r->bad.n > 0 && report_total(d) == 0 && d->sources.n == 0) {
        return "INCOMPLETE";
    }
    return d->counts[CASE_FAILED] + d->counts[CASE_ERROR] > 0 ? "FAILED" : "SUCCEEDED";
}

static void tell(struct reporting *r) {
    const struct report_data *d = &r->data;
    if (d->kind == REPORT_TEST) {
        build_log_line(r->s->log, "Report " STR_FMT ": %lld test cases, %lld failed%s",
                       STR_ARG(r->made.report_arn), (long long)report_total(d),
                       (long long)(d->counts[CASE_FAILED] + d->counts[CASE_ERROR]),
                       d->truncated ? ", not all of them kept" : "");
    } else {
        build_log_line(r->s->log, "Report " STR_FMT ": coverage of %zu files",
                       STR_ARG(r->made.report_arn), d->sources.n);
    }
}

static int fill(struct reporting *r, struct err *err) {
    if (read_files(r, err) < 0) {
        return -1;
    }
    if (keep_files(r, err) < 0) {
        return -1;
    }
    int result = r->data.kind == REPORT_TEST ? put_cases(r, err) : put_sources(r, err);
    return result < 0 || export_files(r, err) < 0 ? -1 : 0;
}

/* Not the account of the server that keeps reports. */
static bool elsewhere(const struct supervision *s) {
    return s->plan.aws || s->plan.serve_dir.n > 0;
}

/* Of the files that `spec` names, or of those that are there already (NULL). -1: what went wrong
 * stands in err. The report is complete in any case, once it was made. */
static int report(struct reporting *r, const struct buildspec_report *spec, struct err *err) {
    report_data_init(&r->data, &r->s->arena, report_kind_of(r->format));
    int root cleanup_fd = sandbox_open(r->s->box, "/", O_RDONLY | O_DIRECTORY, 0, err);
    r->root = root;
    if (elsewhere(r->s)) {
        return root < 0 || find_files(r, spec, err) < 0 ? -1 : keep_files(r, err);
    }
    if (open_report(r, err) < 0) {
        return err_wrap(err, "error creating report");
    }
    struct err ignored = ERR_INIT;
    if (root < 0 || (spec != NULL && find_files(r, spec, err) < 0) || fill(r, err) < 0) {
        if (close_report(r, "INCOMPLETE", &ignored) < 0) {
            build_log_line(r->s->log, "Report " STR_FMT " stays open: %s",
                           STR_ARG(r->made.report_arn), ignored.msg);
        }
        return -1;
    }
    if (close_report(r, status_of(r), err) < 0) {
        return -1;
    }
    tell(r);
    return r->bad.n == 0 ? 0
                         : err_set(err, ERR_INVALID, "error processing report: [" STR_FMT "]",
                                   STR_ARG(complaints_text(r)));
}

static struct reporting reporting_of(struct supervision *s, struct str group,
                                     enum report_format format, const struct env *now) {
    struct reporting r = {
        .s = s, .label = group, .group_arn = group, .format = format, .now = now, .root = -1};
    if (!str_starts(group, S("arn:"))) {
        struct str name =
            str_printf(&s->arena, STR_FMT "-" STR_FMT, STR_ARG(s->plan.project), STR_ARG(group));
        r.group_arn = report_group_arn(&s->arena, s->plan.account, s->plan.region, name);
        r.by_name = true;
    }
    return r;
}

int report_found(struct supervision *s, enum report_format format,
                 const struct artifact_files *files, const struct env *now, struct err *err) {
    struct str group = str_printf(&s->arena, "%s-AutoDiscovered", report_format_name(format));
    struct reporting r = reporting_of(s, group, format, now);
    r.files = *files;
    return report(&r, NULL, err);
}

struct phase_end upload_reports(struct supervision *s) {
    struct str wrong = S("");
    if (s->spec.reports.n == 0 || s->box == NULL || s->box_gone) {
        return phase_well();
    }
    if (elsewhere(s) && s->plan.reports_dir.n == 0) {
        build_log_line(s->log, "Reports of builds in real accounts are not kept (docs/limits.md)");
        return phase_well();
    }
    struct env now = environment_now(s);
    for (size_t i = 0; i < s->spec.reports.n; i++) {
        struct err err = ERR_INIT;
        const struct buildspec_report *spec = &s->spec.reports.v[i];
        struct str group = env_expand(&s->arena, spec->group, &now, true);
        struct reporting r = reporting_of(s, group, spec->format, &now);
        int result = spec->format == REPORT_FORMATS
                         ? err_set(&err, ERR_INVALID, "unknown file-format " STR_FMT,
                                   STR_ARG(spec->format_text))
                         : report(&r, spec, &err);
        if (result < 0) {
            wrong = str_printf(&s->arena, STR_FMT "%s" STR_FMT ": [%s]", STR_ARG(wrong),
                               wrong.n > 0 ? ", " : "", STR_ARG(group), err.msg);
        }
    }
    return wrong.n == 0 ? phase_well()
                        : phase_failed(s, "CLIENT_ERROR", "[" STR_FMT "]", STR_ARG(wrong));
}
