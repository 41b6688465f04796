/* Implementation of pool.h. */
#include "flow/watch/pool.h"

#include <pthread.h>
#include <stdlib.h>

struct job {
    struct str host; /* owned */
    void (*fn)(void *ud);
    void *ud;
    bool running;
    struct job *next;
};

struct pool {
    pthread_mutex_t lock; /* guards all below but `threads` */
    pthread_cond_t news;  /* a job came, one ended, or the end */
    struct job *jobs;     /* oldest first; those that run too */
    bool stopping;
    size_t per_host;
    pthread_t *threads;
    size_t n;
};

static bool has_room(const struct pool *p, struct str host) {
    size_t running = 0;
    for (const struct job *j = p->jobs; j != NULL; j = j->next) {
        running += j->running && str_eq(j->host, host);
    }
    return running < p->per_host;
}

static struct job *next_job(const struct pool *p) {
    for (struct job *j = p->jobs; j != NULL; j = j->next) {
        if (!j->running && has_room(p, j->host)) {
            return j;
        }
    }
    return NULL;
}

static void drop(struct pool *p, struct job *job) {
    struct job **at = &p->jobs;
    while (*at != job) {
        at = &(*at)->next;
    }
    *at = job->next;
    free((char *)job->host.p);
    free(job);
}

static void *work(void *ud) {
    struct pool *p = ud;
    pthread_mutex_lock(&p->lock);
    while (!p->stopping) {
        struct job *job = next_job(p);
        if (job == NULL) {
            pthread_cond_wait(&p->news, &p->lock);
            continue;
        }
        job->running = true;
        pthread_mutex_unlock(&p->lock);
        job->fn(job->ud);
        pthread_mutex_lock(&p->lock);
        drop(p, job);
        pthread_cond_broadcast(&p->news); /* its host has room again */
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

int pool_start(size_t threads, size_t per_host, struct pool **ret, struct err *err) {
    struct pool *p = mem_alloc(sizeof(*p));
    p->per_host = per_host;
    p->threads = mem_alloc(threads * sizeof(*p->threads));
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->news, NULL);
    for (; p->n < threads; p->n++) {
        int failed = pthread_create(&p->threads[p->n], NULL, work, p);
        if (failed != 0) {
            pool_stop(p);
            return err_sys(err, failed, "start a thread of the watcher");
        }
    }
    *ret = p;
    return 0;
}

void pool_add(struct pool *p, struct str host, void (*fn)(void *ud), void *ud) {
    struct job *job = mem_alloc(sizeof(*job));
    job->host = mem_str_dup(host);
    job->fn = fn;
    job->ud = ud;
    pthread_mutex_lock(&p->lock);
    struct job **at = &p->jobs;
    while (*at != NULL) {
        at = &(*at)->next;
    }
    *at = job;
    pthread_cond_signal(&p->news);
    pthread_mutex_unlock(&p->lock);
}

void pool_stop(struct pool *p) {
    if (p == NULL) {
        return;
    }
    pthread_mutex_lock(&p->lock);
    p->stopping = true;
    pthread_cond_broadcast(&p->news);
    pthread_mutex_unlock(&p->lock);
    for (size_t i = 0; i < p->n; i++) {
        pthread_join(p->threads[i], NULL);
    }
    while (p->jobs != NULL) {
        drop(p, p->jobs);
    }
    pthread_cond_destroy(&p->news);
    pthread_mutex_destroy(&p->lock);
    free(p->threads);
    free(p);
}
