/*
 * What the watcher looks at, while serve runs: source actions and the alarms of pipelines, when
 * each is due, and which folders of local repositories tell of changes (inotify). Locks nothing:
 * who calls holds the watcher's lock. One that is busy belongs to the thread that looks, but for
 * `again` and `seen`, and is not freed.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"

#include <stdint.h>

enum { WATCHED_FOLDERS = 6 };

struct watched {
    int64_t pipeline;
    char *action;                 /* NULL: the pipeline's alarms */
    char *url;                    /* whose folders are watched, or NULL */
    int folders[WATCHED_FOLDERS]; /* inotify's numbers of them */
    size_t n_folders;
    int64_t due_ms;  /* monotonic */
    int64_t wait_ms; /* until the look after that; 0 before the first */
    bool busy;       /* a thread looks at it, or is about to */
    bool again;      /* something happened meanwhile: it is due at once after that */
    bool seen;       /* its pipeline wants it */
    void *watch;     /* whose it is: struct watch */
    struct watched *next;
};

struct watched_list {
    struct watched *first;
    int inotify; /* -1 where the kernel has no more */
};

/* Finds or makes. `action` absent: alarms. */
struct watched *watched_find(struct watched_list *l, int64_t pipeline, struct str action);

bool watched_is_local(struct str url);

/* Watches the folders of a local repository, and no longer those of the URL before it. */
void watched_follow(struct watched_list *l, struct watched *k, struct str url);

/* Everything is due now. */
void watched_all_due(struct watched_list *l);

/* Frees what was not seen since the last sweep and is not busy, with its folders. */
void watched_sweep(struct watched_list *l);

/* When the next one is due: `limit` or before. */
int64_t watched_next(const struct watched_list *l, int64_t limit);

void watched_free(struct watched_list *l); /* all; none may be busy */
