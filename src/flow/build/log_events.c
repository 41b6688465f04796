/* Lines of the log as events, see log_events.h. */
#include "flow/build/log_events.h"

#include "flow/command/log.h"

#include <unistd.h>

static int64_t number(const unsigned char *p) {
    uint64_t value = 0;
    for (int i = 7; i >= 0; i--) {
        value = value << 8 | p[i];
    }
    return (int64_t)value;
}

/* Moves on in the index until the time of the byte at the cursor is known. */
static int64_t time_at(struct log_cursor *c, int index_fd, const struct clock *clock) {
    while (c->offset >= c->next_at) {
        unsigned char record[LOG_INDEX_RECORD];
        c->line_ms = c->next_ms > 0 ? c->next_ms : c->line_ms;
        if (index_fd < 0 ||
            pread(index_fd, record, sizeof(record), c->index_at) != (ssize_t)sizeof(record)) {
            c->next_ms = 0;
            break; /* the last record: it counts until there is another */
        }
        c->next_at = number(record);
        c->next_ms = number(record + 8);
        c->index_at += LOG_INDEX_RECORD;
    }
    return c->line_ms > 0 ? c->line_ms : clock_now_ms(clock);
}

void log_events_take(struct arena *a, struct log_cursor *cursor, int index_fd,
                     const struct clock *clock, struct str *io_bytes,
                     struct logs_input_log_event_list *ret) {
    *ret = (struct logs_input_log_event_list){0};
    while (io_bytes->n > 0 && ret->n < LOG_EVENTS_MAX) {
        size_t end = str_find_c(*io_bytes, '\n', 0);
        size_t n = end == (size_t)-1 ? io_bytes->n : end + 1;
        n = n > LOG_EVENT_MAX ? LOG_EVENT_MAX : n;
        *arena_push(a, ret) = (struct logs_input_log_event){time_at(cursor, index_fd, clock), true,
                                                            str_sub(*io_bytes, 0, n)};
        *io_bytes = str_sub(*io_bytes, n, io_bytes->n);
        cursor->offset += (int64_t)n;
    }
}

struct str log_events_ready(struct str bytes, bool last) {
    size_t end = str_rfind_c(bytes, '\n');
    bool long_line = bytes.n == LOG_READ_MAX && end == (size_t)-1;
    return last || long_line ? bytes : str_sub(bytes, 0, end == (size_t)-1 ? 0 : end + 1);
}
