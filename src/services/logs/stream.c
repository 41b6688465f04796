/* Log streams, and the events that go into them. */
#include "services/logs/logs.h"

#include "services/core/page.h"

enum {
    EVENT_OVERHEAD = 26, /* bytes that AWS counts beside the message */
    BATCH_BYTES = 1048576,
    DAY_MS = 24 * 60 * 60 * 1000,
    FUTURE_MS = 2 * 60 * 60 * 1000,
};
#define OLD_MS (14 * (int64_t)DAY_MS)

int logs_stream(struct call *c, const struct log_group *g, struct str name, struct log_stream *ret,
                struct err *err) {
    int found = log_stream_find(c->db, c->arena, g->id, name, ret, err);
    if (found < 0) {
        return -1;
    }
    return found > 0 ? 0
                     : err_api(err, &logs_ResourceNotFoundException,
                               "The specified log stream does not exist.");
}

int logs_create_log_stream(struct call *c, const struct logs_create_log_stream_request *in,
                           struct logs_create_log_stream_output *out, struct err *err) {
    (void)out;
    struct log_group g;
    struct log_stream there;
    if (str_find_c(in->log_stream_name, ':', 0) != (size_t)-1 ||
        str_find_c(in->log_stream_name, '*', 0) != (size_t)-1) {
        return err_api(err, &logs_InvalidParameterException,
                       "1 validation error detected: Value '%.*s' at 'logStreamName' failed to "
                       "satisfy constraint: Member must satisfy regular expression pattern: [^:*]*",
                       STR_ARG(in->log_stream_name));
    }
    if (logs_group(c, in->log_group_name, STR_NONE, &g, err) < 0) {
        return -1;
    }
    int found = log_stream_find(c->db, c->arena, g.id, in->log_stream_name, &there, err);
    if (found != 0) {
        return found < 0 ? -1
                         : err_api(err, &logs_ResourceAlreadyExistsException,
                                   "The specified log stream already exists");
    }
    return log_stream_add(c->db, g.id, in->log_stream_name, c->now_ms, err);
}

int logs_delete_log_stream(struct call *c, const struct logs_delete_log_stream_request *in,
                           struct logs_delete_log_stream_output *out, struct err *err) {
    (void)out;
    struct log_group g;
    struct log_stream s;
    return logs_group(c, in->log_group_name, STR_NONE, &g, err) < 0 ||
                   logs_stream(c, &g, in->log_stream_name, &s, err) < 0 ||
                   log_stream_remove(c->db, s.id, err) < 0
               ? -1
               : 0;
}

static void show_stream(struct call *c, const struct log_group *g, const struct log_stream *s,
                        struct logs_log_stream *out) {
    *out = (struct logs_log_stream){
        .log_stream_name = s->name,
        .creation_time = s->created_ms,
        .has_creation_time = true,
        .first_event_timestamp = s->first_ms,
        .has_first_event_timestamp = s->has_events,
        .last_event_timestamp = s->last_ms,
        .has_last_event_timestamp = s->has_events,
        .last_ingestion_time = s->ingested_ms,
        .has_last_ingestion_time = s->has_events,
        .arn = str_printf(c->arena, "%.*s:log-stream:%.*s", STR_ARG(logs_group_arn(c->arena, g)),
                          STR_ARG(s->name)),
        .stored_bytes = 0, /* AWS has answered 0 for streams since 2019 */
        .has_stored_bytes = true,
    };
}

int logs_describe_log_streams(struct call *c, const struct logs_describe_log_streams_request *in,
                              struct logs_describe_log_streams_response *out, struct err *err) {
    struct log_group g;
    struct log_stream_list list;
    int64_t offset = 0;
    size_t limit = in->has_limit ? (size_t)in->limit : 50;
    bool by_time = str_is(in->order_by, "LastEventTime");
    if (by_time && in->log_stream_name_prefix.p != NULL) {
        return err_api(err, &logs_InvalidParameterException,
                       "Cannot order by LastEventTime with a logStreamNamePrefix.");
    }
    if (!page_key_i64(c, in->next_token, &offset)) {
        return err_api(err, &logs_InvalidParameterException, "The specified nextToken is invalid.");
    }
    if (logs_group(c, in->log_group_name, in->log_group_identifier, &g, err) < 0 ||
        log_stream_list(c->db, c->arena, g.id, in->log_stream_name_prefix, by_time,
                        in->has_descending && in->descending, (int)offset, (int)limit + 1, &list,
                        err) < 0) {
        return -1;
    }
    size_t n = list.n > limit ? limit : list.n;
    out->log_streams.v = arena_new_n(c->arena, struct logs_log_stream, n + 1);
    out->log_streams.n = n;
    for (size_t i = 0; i < n; i++) {
        show_stream(c, &g, &list.v[i], &out->log_streams.v[i]);
    }
    if (list.n > n) {
        out->next_token = page_token_i64(c, offset + (int64_t)n);
    }
    return 0;
}

/* ---- putting events ---- */

static int check_batch(const struct logs_put_log_events_request *in, struct err *err) {
    size_t bytes = 0;
    int64_t before = INT64_MIN;
    for (size_t i = 0; i < in->log_events.n; i++) {
        const struct logs_input_log_event *e = &in->log_events.v[i];
        bytes += e->message.n + EVENT_OVERHEAD;
        if (e->timestamp < before) {
            return err_api(err, &logs_InvalidParameterException,
                           "Log events in a single PutLogEvents request must be in chronological "
                           "order.");
        }
        before = e->timestamp;
    }
    if (bytes > BATCH_BYTES) {
        return err_api(err, &logs_InvalidParameterException,
                       "Upload too large: %zu bytes exceeds limit of %d", bytes, BATCH_BYTES);
    }
    int64_t first = in->log_events.v[0].timestamp;
    if (before - first > DAY_MS) {
        return err_api(err, &logs_InvalidParameterException,
                       "The batch of log events in a single PutLogEvents request cannot span more "
                       "than 24 hours.");
    }
    return 0;
}

struct limits {
    int64_t too_old;
    int64_t expired;
    int64_t too_new;
};

/* Events outside the time that AWS takes are left out and named, not refused. */
static struct logs_rejected_log_events_info *reject(struct call *c, const struct limits *l,
                                                    const struct logs_input_log_event_list *events,
                                                    size_t *ret_from, size_t *ret_to) {
    struct logs_rejected_log_events_info *info =
        arena_new(c->arena, struct logs_rejected_log_events_info);
    *ret_from = 0;
    *ret_to = events->n;
    for (size_t i = 0; i < events->n; i++) {
        int64_t at = events->v[i].timestamp;
        if (at < l->too_old) {
            info->too_old_log_event_end_index = (int32_t)i + 1;
            info->has_too_old_log_event_end_index = true;
            *ret_from = i + 1;
        } else if (at < l->expired) {
            info->expired_log_event_end_index = (int32_t)i + 1;
            info->has_expired_log_event_end_index = true;
            *ret_from = i + 1;
        } else if (at > l->too_new && !info->has_too_new_log_event_start_index) {
            info->too_new_log_event_start_index = (int32_t)i;
            info->has_too_new_log_event_start_index = true;
            *ret_to = i;
        }
    }
    return *ret_from > 0 || *ret_to < events->n ? info : NULL;
}

static int add_events(struct call *c, struct log_stream *s,
                      const struct logs_input_log_event_list *events, struct err *err) {
    for (size_t i = 0; i < events->n; i++) {
        struct log_event e = {
            .stream = s->id,
            .at_ms = events->v[i].timestamp,
            .seq = s->next_seq++,
            .ingested_ms = c->now_ms,
            .message = events->v[i].message,
        };
        if (log_event_add(c->db, &e, err) < 0) {
            return -1;
        }
        s->stored_bytes += (int64_t)e.message.n + EVENT_OVERHEAD;
        s->first_ms = s->has_events && s->first_ms < e.at_ms ? s->first_ms : e.at_ms;
        s->last_ms = s->has_events && s->last_ms > e.at_ms ? s->last_ms : e.at_ms;
        s->has_events = true;
        s->ingested_ms = c->now_ms;
    }
    return events->n > 0 ? log_stream_grow(c->db, s, err) : 0;
}

int logs_put_log_events(struct call *c, const struct logs_put_log_events_request *in,
                        struct logs_put_log_events_response *out, struct err *err) {
    struct log_group g;
    struct log_stream s;
    size_t from = 0;
    size_t to = 0;
    if (check_batch(in, err) < 0 || logs_group(c, in->log_group_name, STR_NONE, &g, err) < 0 ||
        logs_stream(c, &g, in->log_stream_name, &s, err) < 0) {
        return -1;
    }
    struct limits limits = {
        .too_old = c->now_ms - OLD_MS,
        .expired = g.retention_days > 0 ? c->now_ms - g.retention_days * (int64_t)DAY_MS : 0,
        .too_new = c->now_ms + FUTURE_MS,
    };
    out->rejected_log_events_info = reject(c, &limits, &in->log_events, &from, &to);
    const struct logs_input_log_event_list taken = {in->log_events.v + from,
                                                    to > from ? to - from : 0};
    if (add_events(c, &s, &taken, err) < 0 ||
        (g.metric_filters > 0 && logs_apply_metric_filters(c, &g, &taken, err) < 0)) {
        return -1;
    }
    out->next_sequence_token = str_printf(c->arena, "%056lld", (long long)s.next_seq);
    return 0;
}
