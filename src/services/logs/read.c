/* Reading events: pages of one stream, and searching a group. */
#include "services/logs/logs.h"

#include "services/core/page.h"
#include "services/logs/pattern.h"

#include <stdio.h>

enum { PAGE_EVENTS = 10000, PAGE_BYTES = 1048576, SEARCH_BATCH = 1000, SEARCH_MAX = 100000 };

/* "f/" or "b/", then the position of the event that the page ended with. */
static struct str token_make(struct arena *a, char direction, int64_t at_ms, int64_t seq) {
    return str_printf(a, "%c/%lld/%lld", direction, (long long)at_ms, (long long)seq);
}

static bool token_read(struct str token, struct log_range *r) {
    struct str rest = str_sub(token, 2, token.n);
    struct str at = STR_NONE;
    long long ms = 0;
    long long seq = 0;
    bool good = token.n > 2 && (token.p[0] == 'f' || token.p[0] == 'b') && token.p[1] == '/' &&
                str_cut(&rest, '/', &at) && str_to_i64(at, &ms) && str_to_i64(rest, &seq);
    r->backward = good && token.p[0] == 'b';
    r->at_ms = ms;
    r->seq = seq;
    return good;
}

static void show(const struct log_event *e, struct logs_output_log_event *out) {
    *out = (struct logs_output_log_event){
        .timestamp = e->at_ms,
        .has_timestamp = true,
        .message = e->message,
        .ingestion_time = e->ingested_ms,
        .has_ingestion_time = true,
    };
}

/* How many of the list fit a page. */
static size_t that_fit(const struct log_event_list *list) {
    size_t bytes = 0;
    for (size_t i = 0; i < list->n; i++) {
        bytes += list->v[i].message.n + 26;
        if (bytes > PAGE_BYTES) {
            return i > 0 ? i : 1;
        }
    }
    return list->n;
}

static int read_range(const struct logs_get_log_events_request *in, struct log_range *r,
                      struct err *err) {
    bool from_head = in->has_start_from_head && in->start_from_head;
    *r = (struct log_range){
        .start_ms = in->has_start_time ? in->start_time : 0,
        .end_ms = in->has_end_time ? in->end_time : INT64_MAX,
        .backward = !from_head,
        .at_ms = from_head ? -1 : INT64_MAX,
        .seq = from_head ? 0 : INT64_MAX,
    };
    if (in->next_token.p != NULL && !token_read(in->next_token, r)) {
        return err_api(err, &logs_InvalidParameterException, "The specified nextToken is invalid.");
    }
    return 0;
}

int logs_get_log_events(struct call *c, const struct logs_get_log_events_request *in,
                        struct logs_get_log_events_response *out, struct err *err) {
    struct log_group g;
    struct log_stream s;
    struct log_range r;
    struct log_event_list list;
    int limit = in->has_limit ? (int)in->limit : PAGE_EVENTS;
    if (logs_group(c, in->log_group_name, in->log_group_identifier, &g, err) < 0 ||
        logs_stream(c, &g, in->log_stream_name, &s, err) < 0 || read_range(in, &r, err) < 0 ||
        log_events_page(c->db, c->arena, s.id, &r, limit, &list, err) < 0) {
        return -1;
    }
    size_t n = that_fit(&list);
    out->events.v = arena_new_n(c->arena, struct logs_output_log_event, n + 1);
    out->events.n = n;
    for (size_t i = 0; i < n; i++) {
        show(&list.v[r.backward ? n - 1 - i : i], &out->events.v[i]);
    }
    if (n == 0) { /* at an end: the same place again, in both directions */
        int64_t at = r.at_ms == INT64_MAX ? INT64_MAX - 1 : r.at_ms;
        out->next_forward_token = token_make(c->arena, 'f', at, r.seq);
        out->next_backward_token = token_make(c->arena, 'b', at, r.seq);
        if (r.at_ms == INT64_MAX || r.at_ms < 0) { /* an empty stream */
            out->next_forward_token = token_make(c->arena, 'f', 0, 0);
            out->next_backward_token = token_make(c->arena, 'b', 0, 0);
        }
        return 0;
    }
    const struct log_event *first = &list.v[r.backward ? n - 1 : 0];
    const struct log_event *last = &list.v[r.backward ? 0 : n - 1];
    out->next_forward_token = token_make(c->arena, 'f', last->at_ms, last->seq);
    out->next_backward_token = token_make(c->arena, 'b', first->at_ms, first->seq);
    return 0;
}

/* ---- searching ---- */

struct search {
    struct call *c;
    const struct logs_filter_log_events_request *in;
    const struct log_group *group;
    const struct pattern *pattern;
    int64_t at_ms, stream, seq; /* position */
    size_t limit;
    size_t bytes;
    size_t looked;
};

static bool search_token_read(struct call *c, struct str token, struct search *s) {
    struct str key = STR_NONE;
    s->at_ms = -1;
    if (token.p == NULL) {
        return true;
    }
    if (!page_key(c, token, &key)) {
        return false;
    }
    long long at = 0;
    long long stream = 0;
    long long seq = 0;
    struct str a = STR_NONE;
    struct str b = STR_NONE;
    bool good = str_cut(&key, '/', &a) && str_cut(&key, '/', &b) && str_to_i64(a, &at) &&
                str_to_i64(b, &stream) && str_to_i64(key, &seq);
    s->at_ms = at;
    s->stream = stream;
    s->seq = seq;
    return good;
}

static void add_hit(struct search *s, const struct log_event *e,
                    struct logs_filter_log_events_response *out) {
    struct arena *a = s->c->arena;
    *arena_push(a, &out->events) = (struct logs_filtered_log_event){
        .log_stream_name = e->stream_name,
        .timestamp = e->at_ms,
        .has_timestamp = true,
        .message = e->message,
        .ingestion_time = e->ingested_ms,
        .has_ingestion_time = true,
        .event_id = str_printf(a, "%020lld%018lld%018lld", (long long)e->at_ms,
                               (long long)e->stream, (long long)e->seq),
    };
    s->bytes += e->message.n + 26;
}

static bool wanted(const struct search *s, const struct log_event *e) {
    bool named = s->in->log_stream_names.n == 0 ||
                 str_list_has(&s->in->log_stream_names, e->stream_name);
    return named && pattern_match(s->pattern, e->message);
}

/* One batch of the group's events. 1: look further, 0: the page or the group is done. */
static int search_batch(struct search *s, struct logs_filter_log_events_response *out,
                        struct err *err) {
    struct log_event_list list;
    int64_t end = s->in->has_end_time ? s->in->end_time + 1 : INT64_MAX; /* inclusive here */
    if (log_events_of_group(s->c->db, s->c->arena, s->group->id, s->in->log_stream_name_prefix,
                            s->in->has_start_time ? s->in->start_time : 0, end, s->at_ms,
                            s->stream, s->seq, SEARCH_BATCH, &list, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < list.n; i++) {
        const struct log_event *e = &list.v[i];
        if (wanted(s, e)) {
            if (out->events.n == s->limit || s->bytes > PAGE_BYTES) {
                return 2;
            }
            add_hit(s, e, out);
        }
        s->at_ms = e->at_ms;
        s->stream = e->stream;
        s->seq = e->seq;
        s->looked++;
    }
    return list.n == SEARCH_BATCH ? (s->looked < SEARCH_MAX ? 1 : 2) : 0;
}

int logs_filter_log_events(struct call *c, const struct logs_filter_log_events_request *in,
                           struct logs_filter_log_events_response *out, struct err *err) {
    struct log_group g;
    struct pattern *pattern = NULL;
    struct err why = ERR_INIT;
    if (logs_group(c, in->log_group_name, in->log_group_identifier, &g, err) < 0) {
        return -1;
    }
    if (pattern_parse(c->arena, in->filter_pattern.p ? in->filter_pattern : S(""), &pattern, &why) <
        0) {
        return err_api(err, &logs_InvalidParameterException, "%s", why.msg);
    }
    struct search s = {.c = c,
                       .in = in,
                       .group = &g,
                       .pattern = pattern,
                       .limit = in->has_limit ? (size_t)in->limit : PAGE_EVENTS};
    if (!search_token_read(c, in->next_token, &s)) {
        return err_api(err, &logs_InvalidParameterException, "The specified nextToken is invalid.");
    }
    out->events.v = arena_alloc(c->arena, 1); /* present, maybe empty */
    out->searched_log_streams.v = arena_alloc(c->arena, 1);
    int more = 1;
    while (more == 1) {
        more = search_batch(&s, out, err);
    }
    if (more == 2) {
        out->next_token = page_token(c, str_printf(c->arena, "%lld/%lld/%lld", (long long)s.at_ms,
                                                   (long long)s.stream, (long long)s.seq));
    }
    return more < 0 ? -1 : 0;
}
