/* The build's log file, see log.h. */
#include "flow/command/log.h"

#include "base/arena.h"
#include "platform/os/fd.h"
#include "platform/os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    MAX_LINE = 64 * 1024,      /* of our own */
    PIECE = 256 * 1024,        /* output is masked in pieces of at most this size */
    MAX_HELD = MASK_MAX_TOTAL, /* the longest pattern */
};

struct build_log {
    pthread_mutex_t lock;
    const struct clock *clock;
    int fd;
    int index_fd;
    int tee_fd;         /* -1 = none; not owned */
    int64_t offset;     /* end of the log */
    int64_t indexed_ms; /* time of the last record */
    int64_t micros;     /* of the last line, so that lines of one millisecond differ */
    bool mid_line;      /* the last byte written was no line feed */
    bool any_output;    /* the running command has printed something */
    int64_t lines;      /* of output, written by this process */
    uint64_t dropped;   /* bytes beyond LOG_MAX_BYTES or LOG_MAX_LINES, of the running command */
    struct masker *masker;
    struct mask_stream stream;
    struct buf out; /* settled bytes of one piece */
    struct err failure;
};

int build_log_open(const char *dir, const struct clock *clock, struct build_log **ret,
                   struct err *err) {
    struct arena a = ARENA_INIT;
    int flags = O_WRONLY | O_CREAT | O_APPEND;
    int fd cleanup_fd = file_open(str_printf(&a, "%s/log", dir).p, flags, 0600, err);
    int index cleanup_fd =
        fd < 0 ? -1 : file_open(str_printf(&a, "%s/log.idx", dir).p, flags, 0600, err);
    arena_done(&a);
    if (fd < 0 || index < 0) {
        return err_wrap(err, "build log");
    }
    struct stat st;
    if (fstat(fd, &st) < 0) {
        return err_sys(err, errno, "build log in %s", dir);
    }
    struct build_log *log = mem_alloc(sizeof(*log));
    pthread_mutex_init(&log->lock, NULL);
    log->clock = clock;
    log->fd = TAKE_FD(fd);
    log->index_fd = TAKE_FD(index);
    log->tee_fd = -1;
    log->offset = st.st_size;
    log->masker = masker_new();
    buf_init(&log->out, 3 * (size_t)PIECE + MAX_HELD);
    *ret = log;
    return 0;
}

static void keep_failure(struct build_log *log, const struct err *err) {
    if (log->failure.kind == ERR_NONE) {
        log->failure = *err;
    }
}

static void index_now(struct build_log *log) {
    int64_t now = clock_now_ms(log->clock);
    if (now == log->indexed_ms) {
        return;
    }
    unsigned char record[LOG_INDEX_RECORD];
    for (unsigned i = 0; i < 8; i++) {
        record[i] = (unsigned char)((uint64_t)log->offset >> (8 * i));
        record[8 + i] = (unsigned char)((uint64_t)now >> (8 * i));
    }
    struct err err = ERR_INIT;
    if (fd_write_all(log->index_fd, record, sizeof(record), &err) < 0) {
        keep_failure(log, &err);
    }
    log->indexed_ms = now;
}

/* The index record is written first: a reader that sees bytes finds their time. */
static void put(struct build_log *log, struct str bytes) {
    if (bytes.n == 0) {
        return;
    }
    index_now(log);
    struct err err = ERR_INIT;
    if (fd_write_all(log->fd, bytes.p, bytes.n, &err) < 0) {
        keep_failure(log, &err);
        return;
    }
    if (log->tee_fd >= 0 && fd_write_all(log->tee_fd, bytes.p, bytes.n, &err) < 0) {
        log->tee_fd = -1;
    }
    log->offset += (int64_t)bytes.n;
    log->mid_line = bytes.p[bytes.n - 1] != '\n';
}

static int64_t count_lines(struct str bytes) {
    int64_t n = 0;
    for (size_t at = 0; (at = str_find_c(bytes, '\n', at)) != (size_t)-1; at++) {
        n++;
    }
    return n;
}

static void put_settled(struct build_log *log) {
    struct str bytes = buf_str(&log->out);
    if (bytes.n > 0) {
        log->any_output = true;
    }
    /* What a command prints after something was left out is left out too: the log says how much
     * when it has ended. */
    if (log->dropped > 0 || log->lines >= LOG_MAX_LINES ||
        log->offset + (int64_t)bytes.n > LOG_MAX_BYTES) {
        log->dropped += bytes.n;
    } else {
        log->lines += count_lines(bytes);
        put(log, bytes);
    }
    buf_clear(&log->out);
}

void build_log_output(struct build_log *log, struct str bytes) {
    pthread_mutex_lock(&log->lock);
    while (bytes.n > 0) {
        struct str piece = str_sub(bytes, 0, PIECE);
        mask_feed(log->masker, &log->stream, piece, &log->out);
        put_settled(log);
        bytes = str_sub(bytes, piece.n, bytes.n);
    }
    pthread_mutex_unlock(&log->lock);
}

/* "[Container] time text\n", masked. Microseconds below the clock's milliseconds only order lines.
 */
static void put_line(struct build_log *log, struct str text) {
    int64_t micros = clock_now_ms(log->clock) * 1000;
    log->micros = micros > log->micros ? micros : log->micros + 1;
    time_t seconds = (time_t)(log->micros / 1000000);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    struct arena a = ARENA_INIT;
    struct str masked = mask_text(log->masker, &a, text);
    struct str line =
        str_printf(&a, "%s[Container] %04d/%02d/%02d %02d:%02d:%02d.%06" PRId64 " " STR_FMT "\n",
                   log->mid_line ? "\n" : "", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
                   tm.tm_hour, tm.tm_min, tm.tm_sec, log->micros % 1000000, STR_ARG(masked));
    put(log, line);
    arena_done(&a);
}

void build_log_line(struct build_log *log, const char *fmt, ...) {
    struct arena a = ARENA_INIT;
    va_list args;
    va_start(args, fmt);
    struct str text = arena_vprintf(&a, fmt, args);
    va_end(args);
    pthread_mutex_lock(&log->lock);
    put_line(log, str_sub(text, 0, MAX_LINE));
    pthread_mutex_unlock(&log->lock);
    arena_done(&a);
}

void build_log_output_end(struct build_log *log) {
    pthread_mutex_lock(&log->lock);
    mask_end(log->masker, &log->stream, &log->out);
    put_settled(log);
    if (log->any_output) {
        put(log, log->mid_line ? S("\n\n") : S("\n"));
    }
    log->any_output = false;
    if (log->dropped > 0) {
        struct arena a = ARENA_INIT;
        put_line(log, str_printf(&a, "%" PRIu64 " bytes of output left out: the log is full",
                                 log->dropped));
        arena_done(&a);
        log->dropped = 0;
    }
    pthread_mutex_unlock(&log->lock);
}

void build_log_tee(struct build_log *log, int fd) {
    pthread_mutex_lock(&log->lock);
    log->tee_fd = fd;
    pthread_mutex_unlock(&log->lock);
}

enum secret_verdict build_log_hide(struct build_log *log, struct str value) {
    pthread_mutex_lock(&log->lock);
    enum secret_verdict verdict = secret_hide(log->masker, value);
    pthread_mutex_unlock(&log->lock);
    return verdict;
}

struct str build_log_masked(struct build_log *log, struct arena *a, struct str text) {
    pthread_mutex_lock(&log->lock);
    struct str masked = mask_text(log->masker, a, text);
    pthread_mutex_unlock(&log->lock);
    return masked;
}

struct err build_log_failure(struct build_log *log) {
    pthread_mutex_lock(&log->lock);
    struct err failure = log->failure;
    pthread_mutex_unlock(&log->lock);
    return failure;
}

void build_log_close(struct build_log *log) {
    if (log == NULL) {
        return;
    }
    build_log_output_end(log);
    fd_closep(&log->fd);
    fd_closep(&log->index_fd);
    mask_stream_done(&log->stream);
    masker_free(log->masker);
    buf_done(&log->out);
    pthread_mutex_destroy(&log->lock);
    free(log);
}
