/* Implementation of watched.h. */
#include "flow/watch/watched.h"

#include <stdlib.h>
#include <sys/inotify.h>

static bool is_action(const struct watched *k, struct str action) {
    return k->action == NULL ? action.p == NULL : action.p != NULL && str_is(action, k->action);
}

struct watched *watched_find(struct watched_list *l, int64_t pipeline, struct str action) {
    for (struct watched *k = l->first; k != NULL; k = k->next) {
        if (k->pipeline == pipeline && is_action(k, action)) {
            return k;
        }
    }
    struct watched *k = mem_alloc(sizeof(*k));
    k->pipeline = pipeline;
    k->action = action.p == NULL ? NULL : (char *)mem_str_dup(action).p;
    k->next = l->first;
    l->first = k;
    return k;
}

bool watched_is_local(struct str url) {
    return url.n > 0 && (url.p[0] == '/' || url.p[0] == '.' || str_starts(url, S("file://")));
}

/* Pipelines of one repository have the same numbers for its folders. */
static bool others_follow(const struct watched_list *l, const struct watched *k, int folder) {
    for (const struct watched *other = l->first; other != NULL; other = other->next) {
        for (size_t i = 0; other != k && i < other->n_folders; i++) {
            if (other->folders[i] == folder) {
                return true;
            }
        }
    }
    return false;
}

static void unfollow(struct watched_list *l, struct watched *k) {
    for (size_t i = 0; i < k->n_folders; i++) {
        if (!others_follow(l, k, k->folders[i])) {
            inotify_rm_watch(l->inotify, k->folders[i]); /* the folder may be gone by itself */
        }
    }
    k->n_folders = 0;
    free(k->url);
    k->url = NULL;
}

/* References are files below refs, or packed; both live in these folders. */
static void follow(struct watched_list *l, struct watched *k, struct str path) {
    static const char *const below[WATCHED_FOLDERS] = {
        "", "/refs/heads", "/refs/tags", "/.git", "/.git/refs/heads", "/.git/refs/tags"};
    struct arena a = ARENA_INIT;
    for (size_t i = 0; i < WATCHED_FOLDERS; i++) {
        const char *folder = str_printf(&a, "%.*s%s", STR_ARG(path), below[i]).p;
        int number = inotify_add_watch(l->inotify, folder,
                                       IN_MOVED_TO | IN_CLOSE_WRITE | IN_CREATE | IN_ONLYDIR);
        if (number >= 0) {
            k->folders[k->n_folders++] = number;
        }
    }
    arena_done(&a);
}

void watched_follow(struct watched_list *l, struct watched *k, struct str url) {
    if (k->url != NULL && str_is(url, k->url)) {
        return;
    }
    unfollow(l, k);
    if (l->inotify >= 0 && watched_is_local(url)) {
        k->url = (char *)mem_str_dup(url).p;
        follow(l, k, str_starts(url, S("file://")) ? str_sub(url, 7, url.n) : url);
    }
}

void watched_all_due(struct watched_list *l) {
    for (struct watched *k = l->first; k != NULL; k = k->next) {
        k->again = k->busy;
        k->due_ms = 0;
    }
}

static void free_one(struct watched *k) {
    free(k->action);
    free(k->url);
    free(k);
}

void watched_sweep(struct watched_list *l) {
    struct watched **at = &l->first;
    while (*at != NULL) {
        struct watched *k = *at;
        if (k->seen || k->busy) {
            k->seen = false;
            at = &k->next;
        } else {
            unfollow(l, k);
            *at = k->next;
            free_one(k);
        }
    }
}

int64_t watched_next(const struct watched_list *l, int64_t limit) {
    for (const struct watched *k = l->first; k != NULL; k = k->next) {
        limit = !k->busy && k->due_ms < limit ? k->due_ms : limit;
    }
    return limit;
}

void watched_free(struct watched_list *l) {
    while (l->first != NULL) {
        struct watched *k = l->first;
        l->first = k->next;
        free_one(k);
    }
}
