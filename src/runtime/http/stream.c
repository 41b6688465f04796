/*
 * Response bodies over time. The connection sleeps (suspended) while there is nothing to send; a
 * write wakes it. Lock order: the server's lock, then a
 * stream's.
 */
#include "runtime/http/internal.h"

#include <stdlib.h>

struct http_stream {
    pthread_mutex_t lock;
    struct buf waiting;                /* bytes not yet taken by the connection */
    struct MHD_Connection *connection; /* NULL until the response is queued */
    bool sleeping;                     /* the connection is suspended */
    bool ended;                        /* the writer is done, or the server stops */
    bool gone;                         /* the client is */
    int refs;
    struct http_server *server;
    struct http_stream *next, *prev; /* in server->streams */
};

struct http_stream *http_stream_new(void) {
    struct http_stream *s = mem_alloc(sizeof(*s));
    pthread_mutex_init(&s->lock, NULL);
    buf_init(&s->waiting, HTTP_STREAM_BACKLOG);
    s->refs = 2;
    return s;
}

static void release(struct http_stream *s) {
    pthread_mutex_lock(&s->lock);
    bool last = --s->refs == 0;
    pthread_mutex_unlock(&s->lock);
    if (last) {
        buf_done(&s->waiting);
        pthread_mutex_destroy(&s->lock);
        free(s);
    }
}

static void wake(struct http_stream *s) {
    if (s->sleeping) {
        s->sleeping = false;
        MHD_resume_connection(s->connection);
    }
}

bool http_stream_write(struct http_stream *s, struct str data) {
    pthread_mutex_lock(&s->lock);
    buf_add(&s->waiting, data);
    bool ok = !s->waiting.overflow && !s->gone && !s->ended;
    wake(s);
    pthread_mutex_unlock(&s->lock);
    return ok;
}

static void end(struct http_stream *s) {
    pthread_mutex_lock(&s->lock);
    s->ended = true;
    wake(s);
    pthread_mutex_unlock(&s->lock);
    release(s);
}

void http_stream_end(struct http_stream *s) {
    end(s);
}

static ssize_t read_some(void *ud, uint64_t position, char *out, size_t max) {
    (void)position;
    struct http_stream *s = ud;
    ssize_t n = 0;
    pthread_mutex_lock(&s->lock);
    if (s->waiting.n > 0) {
        n = (ssize_t)(s->waiting.n < max ? s->waiting.n : max);
        memcpy(out, s->waiting.p, (size_t)n);
        buf_drop_front(&s->waiting, (size_t)n);
    } else if (s->ended || s->waiting.overflow || atomic_load(&s->server->stopping)) {
        n = MHD_CONTENT_READER_END_OF_STREAM;
    } else {
        s->sleeping = true;
        MHD_suspend_connection(s->connection);
    }
    pthread_mutex_unlock(&s->lock);
    return n;
}

static void forget(void *ud) {
    struct http_stream *s = ud;
    pthread_mutex_lock(&s->server->lock);
    if (s->prev != NULL) {
        s->prev->next = s->next;
    } else {
        s->server->streams = s->next;
    }
    if (s->next != NULL) {
        s->next->prev = s->prev;
    }
    pthread_mutex_unlock(&s->server->lock);
    pthread_mutex_lock(&s->lock);
    s->gone = true;
    s->sleeping = false;
    pthread_mutex_unlock(&s->lock);
    release(s);
}

struct MHD_Response *http_stream_response(struct http_stream *s, struct http_server *server,
                                          struct MHD_Connection *connection) {
    pthread_mutex_lock(&s->lock);
    s->server = server;
    s->connection = connection;
    pthread_mutex_unlock(&s->lock);
    pthread_mutex_lock(&server->lock);
    s->prev = NULL;
    s->next = server->streams;
    if (s->next != NULL) {
        s->next->prev = s;
    }
    server->streams = s;
    pthread_mutex_unlock(&server->lock);
    struct MHD_Response *response =
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 16 * 1024, read_some, s, forget);
    if (response == NULL) {
        forget(s);
    }
    return response;
}

static struct http_stream *next_running(struct http_server *server) {
    struct http_stream *found = NULL;
    pthread_mutex_lock(&server->lock);
    for (struct http_stream *s = server->streams; s != NULL && found == NULL; s = s->next) {
        pthread_mutex_lock(&s->lock);
        if (!s->ended) {
            s->refs++;
            found = s;
        }
        pthread_mutex_unlock(&s->lock);
    }
    pthread_mutex_unlock(&server->lock);
    return found;
}

void http_streams_stop(struct http_server *server) {
    struct http_stream *s;
    while ((s = next_running(server)) != NULL) {
        end(s);
    }
}
