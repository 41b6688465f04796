/* Open event streams: a thread each, few at a time; see web.h. */
#include "front/web/live.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

struct web *web_new(const struct web_config *config) {
    struct web *w = mem_alloc(sizeof(*w));
    w->config = *config;
    pthread_mutex_init(&w->lock, NULL);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&w->changed, &attr);
    pthread_condattr_destroy(&attr);
    return w;
}

void web_stop(struct web *w) {
    if (w == NULL) {
        return;
    }
    pthread_mutex_lock(&w->lock);
    w->closing = true;
    pthread_cond_broadcast(&w->changed);
    while (w->live > 0) {
        pthread_cond_wait(&w->changed, &w->lock);
    }
    pthread_mutex_unlock(&w->lock);
}

void web_free(struct web *w) {
    if (w == NULL) {
        return;
    }
    web_stop(w);
    pthread_cond_destroy(&w->changed);
    pthread_mutex_destroy(&w->lock);
    free(w);
}

void web_changed(void *ud) {
    struct web *w = ud;
    pthread_mutex_lock(&w->lock);
    w->changes++;
    pthread_cond_broadcast(&w->changed);
    pthread_mutex_unlock(&w->lock);
}

bool web_live_wait(struct web *w, int ms, uint64_t *io_seen) {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += ms / 1000;
    until.tv_nsec += (long)(ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&w->lock);
    int waited = 0;
    while (!w->closing && w->changes == *io_seen && waited != ETIMEDOUT) {
        waited = pthread_cond_timedwait(&w->changed, &w->lock, &until);
    }
    *io_seen = w->changes;
    bool open = !w->closing;
    pthread_mutex_unlock(&w->lock);
    return open;
}

struct live {
    struct web *web;
    struct http_stream *stream;
    void (*fn)(struct web *w, struct http_stream *s, void *ud);
    void (*free_ud)(void *ud);
    void *ud;
};

static void *run(void *ud) {
    struct live *l = ud;
    struct web *w = l->web;
    l->fn(w, l->stream, l->ud);
    http_stream_end(l->stream);
    l->free_ud(l->ud);
    free(l);
    pthread_mutex_lock(&w->lock);
    w->live--;
    pthread_cond_broadcast(&w->changed);
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

struct http_stream *web_live_open(struct web *w, struct err *err) {
    pthread_mutex_lock(&w->lock);
    bool room = w->live < WEB_MAX_LIVE && !w->closing;
    w->live += room ? 1 : 0;
    pthread_mutex_unlock(&w->lock);
    if (!room) {
        err_set(err, ERR_LIMIT, "%d pages are followed live already; close some", WEB_MAX_LIVE);
        return NULL;
    }
    return http_stream_new();
}

int web_live_run(struct web *w, struct http_stream *stream,
                 void (*fn)(struct web *w, struct http_stream *s, void *ud), void *ud,
                 void (*free_ud)(void *ud), struct err *err) {
    struct live *l = mem_alloc(sizeof(*l));
    *l = (struct live){w, stream, fn, free_ud, ud};
    pthread_t thread;
    int failed = pthread_create(&thread, NULL, run, l);
    if (failed == 0) {
        pthread_detach(thread);
        return 0;
    }
    free(l);
    free_ud(ud);
    http_stream_end(stream);
    pthread_mutex_lock(&w->lock);
    w->live--;
    pthread_mutex_unlock(&w->lock);
    return err_sys(err, failed, "follow live");
}
