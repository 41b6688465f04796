/* Files that every build makes, made before there is a build. */
#include "flow/build/supervision.h"

#include "flow/command/script.h"
#include "flow/plan/ahead.h"
#include "platform/os/fd.h"
#include "platform/os/file.h"
#include "platform/os/process.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static int make_outside(struct supervision *s, struct err *err) {
    static const char *const names[] = {
        "supervisor.lock",       "log", "log.idx", "events.jsonl", "exit.json" AHEAD_SUFFIX,
        "plan.json" AHEAD_SUFFIX};
    struct arena *a = &s->arena;
    struct process_id self;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (file_write(str_printf(a, "%s/%s", s->dir, names[i]).p, S(""), 0600, err) < 0) {
            return -1;
        }
    }
    /* What we were made from has been read: the build's plan is renamed to a free name. */
    return file_remove(str_printf(a, "%s/plan.json", s->dir).p, err) < 0 ||
                   process_identify(getpid(), &self, err) < 0
               ? -1
               : file_write(str_printf(a, "%s/" PID_AHEAD, s->dir).p, process_id_text(a, &self),
                            0600, err);
}

int make_files_ahead(struct supervision *s, struct err *err) {
    return make_outside(s, err) < 0 ||
                   sandbox_write_file(s->box, READONLY_BUILDSPEC, S(""), 0644, err) < 0 ||
                   sandbox_write_file(s->box, SCRIPT_PATH, S(""), 0755, err) < 0 ||
                   sandbox_write_file(s->box, SCRIPT_ENV, S(""), 0666, err) < 0 ||
                   sandbox_write_file(s->box, SCRIPT_CWD, S(""), 0666, err) < 0
               ? -1
               : 0;
}

int drop_files_ahead(struct supervision *s, struct err *err) {
    if (brings_buildspec(s)) {
        return 0;
    }
    int root cleanup_fd = sandbox_open(s->box, "/", O_RDONLY | O_DIRECTORY, 0, err);
    if (root < 0) {
        return -1;
    }
    /* No command has run: every folder on the way is ours. */
    return unlinkat(root, &READONLY_BUILDSPEC[1], 0) < 0
               ? err_sys(err, errno, "remove " READONLY_BUILDSPEC)
               : 0;
}
