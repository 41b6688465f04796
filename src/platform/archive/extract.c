/*
 * The caller's side of platform/archive/extract.h. The helper is this same program, started anew
 * with an argument vector that a constructor recognises before main: so every program that links
 * this file (server, supervisor, a unit test) finds its helper without knowing where it lies, and
 * none of the caller's memory, with its secrets, is in the process that parses the archive.
 */
#include "platform/archive/extract.h"

#include "platform/archive/worker.h"
#include "platform/os/fd.h"
#include "platform/os/process.h"

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define HELPER_NAME "trunkline: extract"

enum { REPORT_MAX = 4096, TIMEOUT_DEFAULT_MS = 600000 };

__attribute__((constructor)) static void become_helper(int argc, char **argv, char **envp) {
    (void)envp;
    if (argc == 7 && strcmp(argv[0], HELPER_NAME) == 0) {
        struct extract_job job = {
            .archive_fd = 3,
            .dir_fd = 4,
            .report_fd = 5,
            .uid = (uid_t)strtoul(argv[1], NULL, 10),
            .gid = (gid_t)strtoul(argv[2], NULL, 10),
            .entries = strtoll(argv[3], NULL, 10),
            .bytes = strtoll(argv[4], NULL, 10),
            .ratio = strtoll(argv[5], NULL, 10),
            .seconds = strtoll(argv[6], NULL, 10),
        };
        _exit(extract_work(&job));
    }
}

static int start_helper(const int *fds, const struct extract_limits *limits, int seconds, uid_t uid,
                        gid_t gid, struct process *ret, struct err *err) {
    char text[6][24];
    const long long numbers[6] = {uid, gid, limits->entries, limits->bytes, limits->ratio, seconds};
    const char *argv[8] = {HELPER_NAME};
    for (size_t i = 0; i < 6; i++) {
        snprintf(text[i], sizeof(text[i]), "%lld", numbers[i]);
        argv[i + 1] = text[i];
    }
    const char *envp[] = {NULL};
    const struct process_spec spec = {
        .program = "/proc/self/exe",
        .argv = argv,
        .envp = envp,
        .in = -1,
        .out = -1,
        .err = -1,
        .keep = fds,
        .keep_n = 3,
    };
    return process_spawn(&spec, ret, err);
}

/* The report is one line: 'k' and two numbers, 'i' or 'l' and a sentence. */
static int read_report(struct str report, struct extract_result *ret, struct err *err) {
    struct str text = str_sub(report, 1, report.n);
    if (report.n > 0 && report.p[0] == 'k') {
        struct str entries = STR_NONE;
        long long values[2] = {0, 0};
        if (str_cut(&text, ' ', &entries) && str_to_i64(entries, &values[0]) &&
            str_to_i64(text, &values[1])) {
            *ret = (struct extract_result){values[0], values[1]};
            return 0;
        }
    }
    if (report.n > 1 && (report.p[0] == 'i' || report.p[0] == 'l' || report.p[0] == 's')) {
        enum err_kind kind = report.p[0] == 'i'   ? ERR_INVALID
                             : report.p[0] == 'l' ? ERR_LIMIT
                                                  : ERR_SYSTEM;
        return err_set(err, kind, STR_FMT, STR_ARG(text));
    }
    return err_set(err, ERR_INTERNAL, "the helper process gave no result");
}

static int await(struct process *helper, int report_fd, int timeout_ms, struct arena *a,
                 struct extract_result *ret, struct err *err) {
    struct process_exit end = {0};
    int ended = process_wait(helper, timeout_ms, &end, err);
    if (ended < 0) {
        return -1;
    }
    if (ended == 0 || end.signal == SIGXCPU) {
        return err_set(err, ERR_LIMIT, "unpacking took longer than %d s", timeout_ms / 1000);
    }
    if (end.signal == SIGXFSZ) {
        return err_set(err, ERR_LIMIT, "one file is larger than allowed");
    }
    if (end.signal != 0) {
        return err_set(err, ERR_INVALID, "the archive made the unpacking process fail (signal %d)",
                       end.signal);
    }
    struct str report = STR_NONE;
    return fd_read_all(a, report_fd, REPORT_MAX, &report, err) < 0 ? -1
                                                                   : read_report(report, ret, err);
}

int archive_extract(int archive_fd, int dir_fd, const struct extract_limits *limits, uid_t uid,
                    gid_t gid, struct extract_result *ret, struct err *err) {
    struct extract_limits l = limits ? *limits : (struct extract_limits){0};
    l.entries = l.entries ? l.entries : 1000000;
    l.bytes = l.bytes ? l.bytes : (int64_t)16 << 30;
    l.ratio = l.ratio ? l.ratio : 200;
    l.timeout_ms = l.timeout_ms ? l.timeout_ms : TIMEOUT_DEFAULT_MS;
    int report cleanup_fd = -1;
    int report_end cleanup_fd = -1;
    if (fd_pipe(&report, &report_end, err) < 0) {
        return -1;
    }
    struct process helper cleanup_process = PROCESS_NONE;
    const int fds[3] = {archive_fd, dir_fd, report_end};
    if (start_helper(fds, &l, l.timeout_ms / 1000 + 1, uid, gid, &helper, err) < 0) {
        return err_wrap(err, "unpack an archive");
    }
    fd_closep(&report_end);
    struct arena a = ARENA_INIT;
    struct extract_result result = {0};
    int failed = await(&helper, report, l.timeout_ms, &a, &result, err);
    arena_done(&a);
    if (failed == 0 && ret != NULL) {
        *ret = result;
    }
    return failed;
}
