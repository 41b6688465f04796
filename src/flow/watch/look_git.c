/* References of a repository; look.h. */
#include "flow/watch/look.h"

struct look {
    const struct trigger_source *source;
    struct str_map now;    /* wanted references of the origin */
    struct str_map before; /* those that were seen; "" is the fingerprint */
    struct {
        struct push *v;
        size_t n;
    } pushes;
};

static int put(const struct look *l, struct str ref, struct str head, struct err *err) {
    const struct trigger_source *s = l->source;
    return source_seen_put(s->flow->db, s->pipeline->id, s->action->name, ref, head,
                           clock_now_ms(s->flow->clock), err);
}

static int want(struct look *l, const struct git_mirror *mirror, struct err *err) {
    const struct trigger_source *s = l->source;
    struct str_map all;
    struct str only = trigger_only_ref(s->arena, s->def, s->action);
    if (git_remote_refs(s->arena, mirror, only, &all, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < all.n; i++) {
        if (trigger_wants_ref(s->def, s->action, all.v[i].key)) {
            *arena_push(s->arena, &l->now) = all.v[i];
        }
    }
    return 0;
}

/* What changed becomes a push; what is only newly wanted is noted where it is. */
static int note_ref(struct look *l, const struct str_pair *ref, bool same_wish, struct err *err) {
    struct str before = str_map_get(&l->before, ref->key);
    if (before.p == NULL && !same_wish) {
        return put(l, ref->key, ref->value, err);
    }
    if (before.p == NULL || !str_eq(before, ref->value)) {
        *arena_push(l->source->arena, &l->pushes) = (struct push){ref->key, before, ref->value};
    }
    return 0;
}

/* A reference that is gone is new when it comes again. */
static int drop_gone(const struct look *l, struct err *err) {
    const struct trigger_source *s = l->source;
    for (size_t i = 0; i < l->before.n; i++) {
        struct str ref = l->before.v[i].key;
        if (ref.n > 0 && str_map_get(&l->now, ref).p == NULL &&
            source_seen_drop(s->flow->db, s->pipeline->id, s->action->name, ref, err) < 0) {
            return -1;
        }
    }
    return 0;
}

static int compare(struct look *l, struct err *err) {
    const struct trigger_source *s = l->source;
    struct str wish = trigger_fingerprint(s->arena, s->def, s->action);
    if (source_seen_list(s->flow->db, s->arena, s->pipeline->id, s->action->name, &l->before, err) <
        0) {
        return -1;
    }
    bool same_wish = str_eq(str_map_get(&l->before, S("")), wish);
    for (size_t i = 0; i < l->now.n; i++) {
        if (note_ref(l, &l->now.v[i], same_wish, err) < 0) {
            return -1;
        }
    }
    return (!same_wish && put(l, S(""), wish, err) < 0) || drop_gone(l, err) < 0 ? -1 : 0;
}

int look_at_git(const struct trigger_source *s, struct str url, const int *cancel,
                struct err *err) {
    struct look l = {.source = s};
    struct git_mirror mirror;
    struct str started = STR_NONE;
    if (git_mirror_open(s->arena, s->flow->data_dir, url, &mirror, err) < 0) {
        return -1;
    }
    mirror.cancel = cancel;
    if (want(&l, &mirror, err) < 0 || db_begin(s->flow->db, err) < 0) {
        return -1;
    }
    if (compare(&l, err) < 0) {
        db_rollback(s->flow->db);
        return -1;
    }
    if (db_commit(s->flow->db, err) < 0 || (l.pushes.n > 0 && git_fetch(&mirror, err) < 0)) {
        return -1;
    }
    for (size_t i = 0; i < l.pushes.n; i++) {
        if (trigger_push(s, &mirror, &l.pushes.v[i], &started, err) < 0) {
            return -1;
        }
    }
    return 0;
}
