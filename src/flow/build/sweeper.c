/* See sweeper.h. */
#include "flow/build/sweeper.h"

#include "base/arena.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ioprio_set(2) has no wrapper and no header that userland may include. */
enum { IO_WHO_PROCESS = 1, IO_CLASS_IDLE = 3, IO_CLASS_SHIFT = 13, NICEST = 19 };

struct task {
    char *dir;
    struct str uuid;
    struct task *next;
};

struct sweeper {
    struct sweeper_config config;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t more;
    struct task *first;
    struct task **last;
    bool started;
    bool stopping;
    pthread_t thread;
};

struct sweeper *sweeper_new(const struct sweeper_config *config) {
    struct sweeper *s = mem_alloc(sizeof(*s));
    *s = (struct sweeper){.config = *config};
    s->last = &s->first;
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->more, NULL);
    return s;
}

static void task_free(struct task *t) {
    free(t->dir);
    free((char *)t->uuid.p);
    free(t);
}

/* The next one, waited for; NULL at the end. */
static struct task *take(struct sweeper *s) {
    pthread_mutex_lock(&s->lock);
    while (s->first == NULL && !s->stopping) {
        pthread_cond_wait(&s->more, &s->lock);
    }
    struct task *t = s->stopping ? NULL : s->first;
    if (t != NULL) {
        s->first = t->next;
        s->last = s->first == NULL ? &s->first : s->last;
    }
    pthread_mutex_unlock(&s->lock);
    return t;
}

/* On Linux both are a thread's own. Without them it works all the same. */
static void step_back(void) {
    pid_t self = gettid();
    (void)!setpriority(PRIO_PROCESS, (id_t)self, NICEST);
    (void)!syscall(SYS_ioprio_set, IO_WHO_PROCESS, self, IO_CLASS_IDLE << IO_CLASS_SHIFT);
}

static void *sweep_all(void *ud) {
    struct sweeper *s = ud;
    struct task *t = NULL;
    step_back();
    while ((t = take(s)) != NULL) {
        struct err err = ERR_INIT;
        if (s->config.sweep(t->dir, &err) < 0) {
            fprintf(stderr, "trunkline: %s: %s\n", t->dir, err.msg);
        }
        s->config.swept(s->config.ud, t->uuid);
        task_free(t);
    }
    return NULL;
}

/* Without a thread the files stay for the next serve, which is told here. */
static void start(struct sweeper *s) {
    if (!s->started) {
        int failed = pthread_create(&s->thread, NULL, sweep_all, s);
        s->started = failed == 0;
        if (failed != 0) {
            fprintf(stderr, "trunkline: what ended builds left is not removed now: no thread\n");
        }
    }
}

void sweeper_add(struct sweeper *s, const char *dir, struct str uuid) {
    struct task *t = mem_alloc(sizeof(*t));
    *t = (struct task){.dir = mem_strdup(dir), .uuid = mem_str_dup(uuid)};
    pthread_mutex_lock(&s->lock);
    *s->last = t;
    s->last = &t->next;
    start(s);
    pthread_cond_signal(&s->more);
    pthread_mutex_unlock(&s->lock);
}

void sweeper_free(struct sweeper *s) {
    if (s == NULL) {
        return;
    }
    pthread_mutex_lock(&s->lock);
    s->stopping = true;
    pthread_cond_signal(&s->more);
    bool started = s->started;
    pthread_mutex_unlock(&s->lock);
    if (started) {
        pthread_join(s->thread, NULL);
    }
    while (s->first != NULL) {
        struct task *next = s->first->next;
        task_free(s->first);
        s->first = next;
    }
    pthread_cond_destroy(&s->more);
    pthread_mutex_destroy(&s->lock);
    free(s);
}
