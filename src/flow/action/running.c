/* Implementation of running.h. */
#include "flow/action/running.h"

#include <pthread.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct action_running *running;

void action_enter(struct action_running *self, struct str id) {
    pthread_mutex_lock(&lock);
    *self = (struct action_running){.id = id, .next = running};
    running = self;
    pthread_mutex_unlock(&lock);
}

void action_leave(struct action_running *self) {
    pthread_mutex_lock(&lock);
    for (struct action_running **at = &running; *at != NULL; at = &(*at)->next) {
        if (*at == self) {
            *at = self->next;
            break;
        }
    }
    pthread_mutex_unlock(&lock);
}

static struct action_running *find(struct str id) {
    struct action_running *r = running;
    while (r != NULL && !str_eq(r->id, id)) {
        r = r->next;
    }
    return r;
}

bool action_stop(struct str id) {
    pthread_mutex_lock(&lock);
    struct action_running *r = find(id);
    if (r != NULL) {
        r->stop = true;
    }
    pthread_mutex_unlock(&lock);
    return r != NULL;
}

bool action_stopping(struct str id) {
    pthread_mutex_lock(&lock);
    const struct action_running *r = find(id);
    bool stop = r != NULL && r->stop;
    pthread_mutex_unlock(&lock);
    return stop;
}
