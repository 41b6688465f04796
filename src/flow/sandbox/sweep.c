/* What a supervisor that was killed has left, from outside: the build's folder says who lives
 * there.
 */
#include "flow/sandbox/internal.h"

#include "platform/os/file.h"

#include <signal.h>

/* The note that sandbox_create left: 1, *ret_id is its process 1, *ret_name what it is called; 0:
 * no container was created here. */
static int read_note(struct arena *a, const char *box, struct process_id *ret_id,
                     struct str *ret_name, struct err *err) {
    struct str text = STR_NONE;
    struct str line = STR_NONE;
    struct err absent = ERR_INIT;
    if (file_read(a, str_printf(a, "%s/container", box).p, 4096, &text, &absent) < 0) {
        return 0;
    }
    if (!str_cut(&text, '\n', &line) || !process_id_parse(line, ret_id)) {
        return err_set(err, ERR_INTERNAL, "%s/container is damaged", box);
    }
    *ret_name = str_trim(text);
    return 1;
}

static int kill_noted(const struct process_id *id, struct process *ret, struct err *err) {
    struct err absent = ERR_INIT;
    if (process_attach(id, ret, &absent) < 0) {
        *ret = PROCESS_NONE;
        return 0;
    }
    if (process_signal(ret, SIGKILL, err) < 0) {
        process_close(ret);
        return -1;
    }
    return 1;
}

int sandbox_kill_left(const char *dir, struct process *ret, struct err *err) {
    struct arena a = ARENA_INIT;
    struct process_id id;
    struct str name = STR_NONE;
    *ret = PROCESS_NONE;
    int noted = read_note(&a, str_printf(&a, "%s/box", dir).p, &id, &name, err);
    int killed = noted > 0 ? kill_noted(&id, ret, err) : noted;
    arena_done(&a);
    return killed < 0 ? err_wrap(err, "kill a container") : killed;
}

static int end_noted(struct arena *a, const char *box, struct err *err) {
    struct process_id id;
    struct process p = PROCESS_NONE;
    struct str name = STR_NONE;
    int noted = read_note(a, box, &id, &name, err);
    if (noted <= 0) {
        return noted;
    }
    int killed = kill_noted(&id, &p, err);
    int died = killed > 0 ? process_wait_death(&p, KILL_TIMEOUT_MS, err) : 1;
    process_close(&p);
    if (killed < 0 || died <= 0) {
        return killed < 0 || died < 0
                   ? -1
                   : err_set(err, ERR_UNAVAILABLE, "the container of %s does not die", box);
    }
    return cgroup_remove(str_printf(a, "/trunkline-" STR_FMT, STR_ARG(name)).p, err);
}

int sandbox_sweep(const char *dir, struct err *err) {
    struct arena a = ARENA_INIT;
    const char *box = str_printf(&a, "%s/box", dir).p;
    int result = end_noted(&a, box, err) < 0 ? -1 : tree_remove(box, err);
    arena_done(&a);
    return result < 0 ? err_wrap(err, "clear away a container") : 0;
}
