/*
 * Report auto-discovery, as AWS documents it: where the buildspec names no reports, files that look
 * like one become reports of the group PROJECT-FORMAT-AutoDiscovered.
 * CODEBUILD_CONFIG_AUTO_DISCOVER set to false, in the project or by a command, turns it off;
 * CODEBUILD_CONFIG_AUTO_DISCOVER_DIR says where to look. What goes wrong is told in the log and
 * fails nothing: nobody asked for it.
 */
#include "flow/build/supervision.h"

#include "flow/artifact/select.h"
#include "flow/report/report.h"
#include "platform/os/fd.h"
#include "platform/os/file.h"

#include <fcntl.h>
#include <unistd.h>

enum {
    PATIENCE_MS = 5000,
    HEAD_BYTES = 4096,
    MAX_CANDIDATES = 2000, /* files that are looked into */
};

/* One search. */
struct discovery {
    struct supervision *s;
    struct arena arena; /* of the search */
    int root;
    int64_t since_ms;
    struct artifact_files files; /* .xml, .trx, .json */
    struct artifact_files found[REPORT_FORMATS];
    size_t formats;
};

static bool out_of_time(void *ud) {
    const struct discovery *d = ud;
    return clock_mono_ms(d->s->clock) - d->since_ms > PATIENCE_MS;
}

static bool turned_off(const struct env *env) {
    const struct env_var *var = env_find(env, S("CODEBUILD_CONFIG_AUTO_DISCOVER"));
    return var != NULL && str_ieq(var->value, S("false"));
}

static struct str where(const struct env *env) {
    const struct env_var *var = env_find(env, S("CODEBUILD_CONFIG_AUTO_DISCOVER_DIR"));
    return var != NULL && var->value.n > 0 ? var->value : S("**/*");
}

/* The lines of AWS's agent; what is not of a kind that reports have is not listed at all. */
static int list_files(struct discovery *d, struct str pattern, struct err *err) {
    static const char *const lines[] = {"Set report auto-discover timeout to 5 seconds",
                                        "Expanding base directory path:  .",
                                        "Assembling file list",
                                        "Expanding .",
                                        "Expanding file paths for base directory .",
                                        "Assembling file list"};
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        build_log_line(d->s->log, "%s", lines[i]);
    }
    build_log_line(d->s->log, "Expanding " STR_FMT, STR_ARG(pattern));
    bool all = str_is(pattern, "**/*");
    struct str kinds = all ? S("**/*.[xtj][mrs][lxo]*") : pattern;
    struct str_list patterns = {&kinds, 1};
    struct artifact_selection selection = {.root_fd = d->root,
                                           .directory = str_c(d->s->source_dir),
                                           .files = &patterns,
                                           .stop = out_of_time,
                                           .ud = d};
    return artifact_select(&d->arena, &selection, &d->files, err);
}

static void look_into(struct discovery *d, const struct artifact_file *file) {
    char head[HEAD_BYTES];
    struct err ignored = ERR_INIT;
    enum report_format format = REPORT_JUNITXML;
    bool json = str_ends(file->name, S(".json"));
    if (!json && !str_ends(file->name, S(".xml")) && !str_ends(file->name, S(".trx"))) {
        return;
    }
    int fd cleanup_fd = file_open_beneath(d->root, str_z(&d->arena, file->path),
                                          O_RDONLY | O_NONBLOCK, 0, &ignored);
    ssize_t n = fd < 0 ? -1 : pread(fd, head, sizeof(head), 0);
    if (n > 0 && report_sniff(file->name, str_n(head, (size_t)n), &format)) {
        d->formats += d->found[format].n == 0;
        *arena_push(&d->arena, &d->found[format]) = *file;
    }
}

static void report_all(struct discovery *d, const struct env *now) {
    for (size_t i = 0; i < REPORT_FORMATS; i++) {
        struct err err = ERR_INIT;
        enum report_format format = (enum report_format)i;
        if (d->found[i].n == 0) {
            continue;
        }
        build_log_line(d->s->log, "Found %zu file(s) of format %s", d->found[i].n,
                       report_format_name(format));
        if (report_found(d->s, format, &d->found[i], now, &err) < 0) {
            build_log_line(d->s->log, "Report auto-discover: %s", err.msg);
        }
    }
}

static void discover(struct discovery *d) {
    struct err err = ERR_INIT;
    int listed = list_files(d, where(&d->s->env), &err);
    for (size_t i = 0; listed == 0 && i < d->files.n && i < MAX_CANDIDATES && !out_of_time(d);
         i++) {
        look_into(d, &d->files.v[i]);
    }
    if (listed < 0 && err.kind != ERR_NOT_FOUND) {
        build_log_line(d->s->log, "Report auto-discover: %s", err.msg);
    }
    if (d->formats == 0) {
        build_log_line(d->s->log, "No matching auto-discover report paths found");
    }
    build_log_line(d->s->log, "Report auto-discover file discovery took %.6f seconds",
                   (double)(clock_mono_ms(d->s->clock) - d->since_ms) / 1000.0);
    if (d->formats > 0) {
        struct env now = environment_now(d->s);
        if (turned_off(&now)) {
            build_log_line(d->s->log, "Report auto-discover was turned off by a command");
        } else {
            report_all(d, &now);
        }
    }
}

void discover_reports(struct supervision *s) {
    struct discovery d = {.s = s, .since_ms = clock_mono_ms(s->clock)};
    struct err ignored = ERR_INIT;
    if (s->spec.reports.n > 0 || s->box == NULL || s->box_gone || s->plan.aws ||
        s->plan.serve_dir.n > 0 || s->stopping || s->timed_out || turned_off(&s->env)) {
        return;
    }
    int root cleanup_fd = sandbox_open(s->box, "/", O_RDONLY | O_DIRECTORY, 0, &ignored);
    d.root = root;
    if (root >= 0) {
        discover(&d);
    }
    arena_done(&d.arena);
}
