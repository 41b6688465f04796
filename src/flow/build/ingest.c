/* Events and log of running builds, see ingest.h. */
#include "flow/build/ingest.h"

#include "flow/build/announce.h"
#include "flow/build/state_change.h"
#include "flow/build/order.h"
#include "flow/plan/events.h"
#include "gen/logs.h"
#include "platform/os/fd.h"
#include "platform/os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    EVENTS_CHUNK = 1024 * 1024,
};

/* What one step has read. */
struct step {
    struct ingest *in;
    struct arena *arena;
    const char *dir;
    struct build_exit end;
    bool has_end;
    struct str events; /* whole lines */
    struct str log;    /* whole lines, or all that is left at the end */
    bool rest;         /* files hold more than was read */
};

/* ---- reading ---- */

static int read_at(struct step *s, const char *name, int64_t offset, size_t max, struct str *ret,
                   struct err *err) {
    const char *path = str_printf(s->arena, "%s/%s", s->dir, name).p;
    *ret = S("");
    if (!file_exists(path)) {
        return 0;
    }
    int fd cleanup_fd = file_open(path, O_RDONLY, 0, err);
    if (fd < 0) {
        return -1;
    }
    struct stat st;
    if (fstat(fd, &st) < 0) {
        return err_sys(err, errno, "%s", path);
    }
    if (st.st_size <= offset) {
        return 0;
    }
    size_t wanted = (uint64_t)(st.st_size - offset) < max ? (size_t)(st.st_size - offset) : max;
    char *bytes = arena_alloc(s->arena, wanted);
    ssize_t n = pread(fd, bytes, wanted, offset);
    if (n < 0) {
        return err_sys(err, errno, "%s", path);
    }
    s->rest |= (size_t)n == max;
    *ret = str_n(bytes, (size_t)n);
    return 0;
}

static int read_files(struct step *s, struct err *err) {
    struct ingest *in = s->in;
    int ended = build_exit_read(s->arena, s->dir, &s->end, err);
    s->has_end = ended > 0;
    if (ended < 0 ||
        read_at(s, "events.jsonl", in->offsets.events, EVENTS_CHUNK, &s->events, err) < 0 ||
        read_at(s, "log", in->offsets.log, LOG_READ_MAX, &s->log, err) < 0) {
        return -1;
    }
    size_t end = str_rfind_c(s->events, '\n');
    s->events = str_sub(s->events, 0, end == (size_t)-1 ? 0 : end + 1);
    s->log = log_events_ready(s->log, s->has_end && s->log.n < LOG_READ_MAX);
    return 0;
}

/* ---- the log ---- */

static int make_stream(struct step *s, const struct aws_target *t, const struct build_row *row,
                       struct err *err) {
    struct logs_create_log_group_request group = {.log_group_name = row->log_group};
    struct logs_create_log_stream_request stream = {.log_group_name = row->log_group,
                                                    .log_stream_name = row->log_stream};
    if (logs_call_create_log_group(t, s->arena, &group, &(struct logs_create_log_group_output){0},
                                   err) < 0 &&
        err->api != &logs_ResourceAlreadyExistsException) {
        return -1;
    }
    *err = ERR_INIT;
    if (logs_call_create_log_stream(t, s->arena, &stream,
                                    &(struct logs_create_log_stream_output){0}, err) < 0 &&
        err->api != &logs_ResourceAlreadyExistsException) {
        return -1;
    }
    *err = ERR_INIT;
    s->in->stream_made = true;
    return 0;
}

static int put_batch(struct step *s, const struct aws_target *t, const struct build_row *row,
                     const struct logs_input_log_event_list *events, struct err *err) {
    struct logs_put_log_events_request in = {.log_group_name = row->log_group,
                                             .log_stream_name = row->log_stream,
                                             .log_events = *events};
    struct logs_put_log_events_response out = {0};
    if (events->n == 0) {
        return 0;
    }
    if (!s->in->stream_made && make_stream(s, t, row, err) < 0) {
        return -1;
    }
    int result = logs_call_put_log_events(t, s->arena, &in, &out, err);
    if (result < 0 && err->api == &logs_ResourceNotFoundException) { /* somebody deleted it */
        *err = ERR_INIT;
        result = make_stream(s, t, row, err) < 0
                     ? -1
                     : logs_call_put_log_events(t, s->arena, &in, &out, err);
    }
    return result;
}

static int put_log(struct step *s, const struct build_row *row, struct err *err) {
    struct ingest *in = s->in;
    struct aws_target target;
    struct str rest = s->log;
    struct log_cursor *cursor = &in->cursor;
    cursor->offset = in->offsets.log;
    in->offsets.log += (int64_t)s->log.n;
    if (s->log.n == 0 || row->log_group.p == NULL || in->config->log_target == NULL) {
        return 0;
    }
    if (in->config->log_target(in->config->log_ud, s->arena, row->account, row->region, &target,
                               err) < 0) {
        bool elsewhere = err->kind == ERR_UNSUPPORTED; /* a real account: the file is the log */
        *err = elsewhere ? ERR_INIT : *err;
        return elsewhere ? 0 : -1;
    }
    int index cleanup_fd =
        file_open(str_printf(s->arena, "%s/log.idx", s->dir).p, O_RDONLY, 0, err);
    while (rest.n > 0) {
        struct logs_input_log_event_list events;
        struct arena_mark mark = arena_mark(s->arena);
        log_events_take(s->arena, cursor, index, in->flow->clock, &rest, &events);
        if (put_batch(s, &target, row, &events, err) < 0) {
            return -1;
        }
        arena_reset(s->arena, mark);
    }
    return 0;
}

/* ---- events ---- */

static json_t *last_phase(json_t *phases, struct str name) {
    for (size_t i = json_array_size(phases); i > 0; i--) {
        json_t *phase = json_array_get(phases, i - 1);
        if (name.p == NULL || str_eq(json_str(phase, "phaseType"), name)) {
            return phase;
        }
    }
    return NULL;
}

/* A phase is over when the next one begins, whoever ran it. */
static void close_phase(json_t *phase, int64_t t, const char *status) {
    if (phase != NULL && json_object_get(phase, "endTime") == NULL) {
        json_set(phase, "endTime", json_integer(t));
        json_set_str(phase, "phaseStatus", str_c(status));
    }
}

static void open_phase(json_t *phases, struct str name, int64_t t) {
    json_t *phase = json_object();
    close_phase(last_phase(phases, STR_NONE), t, "SUCCEEDED");
    json_set_str(phase, "phaseType", name);
    json_set(phase, "startTime", json_integer(t));
    json_array_append_new(phases, phase);
}

/* Those of a supervisor: what was before it stays. */
static void forget_phases(json_t *phases) {
    while (json_array_size(phases) > 0) {
        struct str last = json_str(last_phase(phases, STR_NONE), "phaseType");
        if (str_is(last, "SUBMITTED") || str_is(last, "QUEUED")) {
            return;
        }
        json_array_remove(phases, json_array_size(phases) - 1);
    }
}

/* The row's JSON columns while events are applied. */
struct columns {
    json_t *phases;
    json_t *exported;
    json_t *artifacts;
    json_t *unmasked;
};

static void apply_event(struct step *s, struct build_row *row, struct columns *c,
                        const json_t *event) {
    struct str type = json_str(event, "type");
    struct str phase = json_str(event, "phase");
    int64_t t = json_int(event, "t");
    if (str_is(type, "phase_start")) {
        open_phase(c->phases, phase, t);
        row->current_phase = str_dup(s->arena, phase);
    } else if (str_is(type, "phase_end")) {
        json_t *open = last_phase(c->phases, phase);
        if (open != NULL) {
            json_set(open, "endTime", json_integer(t));
            json_set_str(open, "phaseStatus", json_str(event, "status"));
            json_set(open, "contexts", json_incref(json_object_get(event, "contexts")));
        }
    } else if (str_is(type, "again")) {
        forget_phases(c->phases);
    } else if (str_is(type, "exported")) {
        json_array_clear(c->exported);
        json_array_extend(c->exported, json_object_get(event, "variables"));
    } else if (str_is(type, "unmasked")) {
        json_array_extend(c->unmasked, json_object_get(event, "variables"));
    } else if (str_is(type, "artifact")) {
        json_t *artifact = json_deep_copy(event);
        json_object_del(artifact, "seq");
        json_object_del(artifact, "t");
        json_object_del(artifact, "type");
        json_array_append_new(c->artifacts, artifact);
    } else if (str_is(type, "source") && json_str(event, "id").n == 0) {
        row->resolved_version = str_dup(s->arena, json_str(event, "commit"));
    }
}

static int apply_events(struct step *s, struct build_row *row, struct columns *c, struct err *err) {
    struct str rest = s->events;
    struct str line = STR_NONE;
    while (rest.n > 0 && str_cut(&rest, '\n', &line)) {
        json_t *event cleanup_json = line.n > 0 ? json_parse(line, err) : NULL;
        if (event == NULL && line.n > 0) {
            return err_wrap(err, "events of build " STR_FMT, STR_ARG(row->uuid));
        }
        apply_event(s, row, c, event);
    }
    s->in->offsets.events += (int64_t)s->events.n;
    return 0;
}

static void columns_done(struct columns *c) {
    json_decref(c->phases);
    json_decref(c->exported);
    json_decref(c->artifacts);
    json_decref(c->unmasked);
}

static int columns_open(const struct build_row *row, struct columns *ret, struct err *err) {
    *ret = (struct columns){json_parse(row->phases, err), json_parse(row->exported, err),
                            json_parse(row->artifacts, err), json_parse(row->unmasked, err)};
    if (ret->phases == NULL || ret->exported == NULL || ret->artifacts == NULL ||
        ret->unmasked == NULL) {
        columns_done(ret);
        return -1;
    }
    return 0;
}

static void columns_store(struct arena *a, const struct columns *c, struct build_row *row) {
    row->phases = json_dump_str(a, c->phases);
    row->exported = json_dump_str(a, c->exported);
    row->artifacts = json_dump_str(a, c->artifacts);
    row->unmasked = json_dump_str(a, c->unmasked);
}

/* ---- the end ---- */

static void end_row(struct build_row *row, struct columns *c, struct str status, struct str reason,
                    int64_t t) {
    const char *left_open =
        str_is(status, "STOPPED") || str_is(status, "FAULT") || str_is(status, "TIMED_OUT")
            ? NULL
            : "FAILED";
    json_t *open = last_phase(c->phases, STR_NONE);
    if (open != NULL && json_object_get(open, "endTime") == NULL) {
        struct arena a = ARENA_INIT;
        json_t *contexts = json_array();
        json_t *context = json_object();
        json_set_str(context, "statusCode", S("CLIENT_ERROR"));
        json_set_str(context, "message", reason);
        json_array_append_new(contexts, context);
        json_set(open, "contexts", contexts);
        close_phase(open, t, left_open ? left_open : str_z(&a, status));
        arena_done(&a);
    }
    open_phase(c->phases, S("COMPLETED"), t);
    row->current_phase = S("COMPLETED");
    row->status = status;
    row->reason = reason.n > 0 ? reason : STR_NONE;
    row->ended_ms = t;
    row->complete = true;
}

static int tell_end(struct ingest *in, struct arena *a, const struct build_row *row,
                    struct err *err) {
    const struct build_hooks *hooks = &in->config->hooks;
    return hooks->ended == NULL ? 0 : hooks->ended(hooks->ud, in->flow->db, a, row, err);
}

static int load(struct ingest *in, struct arena *a, struct build_row *row, struct err *err) {
    int found = build_load(in->flow->db, a, in->uuid, row, err);
    if (found <= 0) {
        return found < 0
                   ? -1
                   : err_set(err, ERR_INTERNAL, "build " STR_FMT " has no row", STR_ARG(in->uuid));
    }
    return build_get_offsets(in->flow->db, in->uuid, &in->offsets, err);
}

/* ---- one transaction ---- */

static int commit_or_not(struct db *db, int result, struct err *err) {
    if (result < 0) {
        db_rollback(db);
        return result;
    }
    return db_commit(db, err);
}

static int apply(struct step *s, const char *status, const char *reason, bool *ret_ended,
                 struct err *err) {
    struct ingest *in = s->in;
    struct build_row row;
    struct columns c;
    if (load(in, s->arena, &row, err) < 0 || columns_open(&row, &c, err) < 0) {
        return -1;
    }
    bool resolved = row.resolved_version.n > 0;
    struct str phases = row.phases;
    int result = row.complete ? 0 : apply_events(s, &row, &c, err);
    if (result == 0 && !resolved && row.resolved_version.n > 0) {
        result = build_announce(in->flow, s->arena, &row, "pending", err);
    }
    if (result == 0 && !row.complete) {
        result = put_log(s, &row, err);
    }
    *ret_ended = row.complete || status != NULL;
    if (result == 0 && !row.complete) {
        if (status != NULL) {
            int64_t t = s->has_end ? s->end.ended_ms : clock_now_ms(in->flow->clock);
            end_row(&row, &c, str_c(status), str_c(reason), t);
        }
        columns_store(s->arena, &c, &row);
        if (s->events.n > 0 || status != NULL) {
            flow_changed(in->flow);
        }
        result = build_update(in->flow->db, &row, &in->offsets, err) < 0 ||
                         build_emit_phases(in->flow, s->arena, &row, phases, err) < 0
                     ? -1
                     : 0;
    }
    if (result == 0 && status != NULL && *ret_ended) {
        result = build_emit_state(in->flow, s->arena, &row, err) < 0 ||
                         build_retry(in->flow, s->arena, &row, s->end.retries, err) < 0 ||
                         build_announce(in->flow, s->arena, &row, "end", err) < 0
                     ? -1
                     : tell_end(in, s->arena, &row, err);
    }
    columns_done(&c);
    return result;
}

static int transact(struct step *s, const char *status, const char *reason, bool *ret_ended,
                    struct err *err) {
    struct ingest before = *s->in;
    if (db_begin(s->in->flow->db, err) < 0) {
        return -1;
    }
    int result = commit_or_not(s->in->flow->db, apply(s, status, reason, ret_ended, err), err);
    if (result < 0) {
        *s->in = before;
        *ret_ended = false;
    }
    return result;
}

static int first_load(struct ingest *in, struct arena *a, struct err *err) {
    struct build_row row;
    if (in->loaded) {
        return 0;
    }
    if (db_begin(in->flow->db, err) < 0) {
        return -1;
    }
    int result = commit_or_not(in->flow->db, load(in, a, &row, err), err);
    in->loaded = result == 0;
    return result;
}

static int step(struct step *s, bool dead, bool *ret_more, bool *ret_ended, struct err *err) {
    if (first_load(s->in, s->arena, err) < 0 || read_files(s, err) < 0) {
        return -1;
    }
    const char *status = NULL;
    const char *reason = "";
    if (s->has_end && !s->rest) {
        status = str_z(s->arena, s->end.status);
        reason = str_z(s->arena, s->end.reason);
    } else if (dead && !s->has_end && !s->rest) {
        if (db_begin(s->in->flow->db, err) < 0) {
            return -1;
        }
        int stopped = build_get_stop(s->in->flow->db, s->in->uuid, err);
        db_rollback(s->in->flow->db);
        status = stopped > 0 ? "STOPPED" : "FAULT";
        reason = "Build container found dead before completing the build: its supervisor is gone";
    }
    *ret_more = s->rest;
    if (s->events.n == 0 && s->log.n == 0 && status == NULL) {
        return 0;
    }
    return transact(s, status, reason, ret_ended, err);
}

int ingest_step(struct ingest *in, bool dead, bool *ret_more, bool *ret_ended, struct err *err) {
    struct arena a = ARENA_INIT;
    struct step s = {.in = in, .arena = &a};
    *ret_more = *ret_ended = false;
    s.dir = str_printf(&a, "%s/builds/" STR_FMT, in->flow->data_dir, STR_ARG(in->uuid)).p;
    int result = step(&s, dead, ret_more, ret_ended, err);
    arena_done(&a);
    return result;
}

int ingest_end(struct ingest *in, const char *status, const char *reason, struct err *err) {
    struct arena a = ARENA_INIT;
    struct step s = {.in = in, .arena = &a, .dir = ""};
    bool ended = false;
    int result = first_load(in, &a, err) < 0 ? -1 : transact(&s, status, reason, &ended, err);
    arena_done(&a);
    return result;
}
