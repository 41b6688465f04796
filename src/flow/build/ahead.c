/* Files that every build makes, made before there is a build. */
#include "flow/build/supervision.h"

#include "flow/command/script.h"
#include "platform/os/file.h"
#include "platform/os/process.h"

#include <unistd.h>

static int make_outside(struct supervision *s, struct err *err) {
    static const char *const names[] = {"supervisor.lock", "log", "log.idx", "events.jsonl",
                                        BUILD_EXIT_AHEAD};
    struct arena *a = &s->arena;
    struct process_id self;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (file_write(str_printf(a, "%s/%s", s->dir, names[i]).p, S(""), 0600, err) < 0) {
            return -1;
        }
    }
    return process_identify(getpid(), &self, err) < 0
               ? -1
               : file_write(str_printf(a, "%s/" PID_AHEAD, s->dir).p, process_id_text(a, &self),
                            0600, err);
}

int make_files_ahead(struct supervision *s, struct err *err) {
    return make_outside(s, err) < 0 ||
                   sandbox_write_file(s->box, SCRIPT_PATH, S(""), 0755, err) < 0 ||
                   sandbox_write_file(s->box, SCRIPT_ENV, S(""), 0666, err) < 0 ||
                   sandbox_write_file(s->box, SCRIPT_CWD, S(""), 0666, err) < 0
               ? -1
               : 0;
}
