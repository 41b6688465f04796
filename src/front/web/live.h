/* The console's own state: its configuration, and the threads of open event streams. */
#pragma once

#include "front/web/web.h"

#include <pthread.h>

struct web {
    struct web_config config;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    uint64_t changes; /* counts web_changed */
    int live;         /* open streams */
    bool closing;
};
