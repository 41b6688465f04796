/* Implementation of filter.h. */
#include "flow/trigger/filter.h"

#include "base/buf.h"
#include "flow/definition/glob.h"
#include "platform/crypto/hash.h"

static struct str branch_of(const struct def_action *source) {
    return str_map_get(&source->configuration, S("BranchName"));
}

static bool files_pass(const struct def_filter *f, const struct trigger_event *event) {
    for (size_t i = 0; event->files != NULL && i < event->files->n; i++) {
        if (glob_passes(&f->includes, &f->excludes, event->files->v[i])) {
            return true;
        }
    }
    return event->many;
}

/* A filter on neither branches nor tags is about the action's own branch. */
static bool push_ref_passes(const struct def_push *p, const struct def_action *source,
                            struct str branch, struct str tag) {
    if (!p->has_branches && !p->has_tags) {
        return branch.p != NULL && str_eq(branch, branch_of(source));
    }
    return (!p->has_branches || (branch.p != NULL && glob_passes(&p->branches.includes,
                                                                 &p->branches.excludes, branch))) &&
           (!p->has_tags ||
            (tag.p != NULL && glob_passes(&p->tags.includes, &p->tags.excludes, tag)));
}

static bool pull_passes(const struct def_pull *p, const struct trigger_event *event) {
    return (p->events.n == 0 || str_list_has(&p->events, event->event)) &&
           (!p->has_branches ||
            glob_passes(&p->branches.includes, &p->branches.excludes, event->branch)) &&
           (!p->has_paths || files_pass(&p->paths, event));
}

/* The source's trigger, or NULL; there is one at most (definition_check). */
static const struct def_trigger *trigger_of(const struct definition *d,
                                            const struct def_action *source) {
    for (size_t i = 0; i < d->triggers.n; i++) {
        if (str_eq(d->triggers.v[i].source_action, source->name)) {
            return &d->triggers.v[i];
        }
    }
    return NULL;
}

static bool has_no_filter(const struct def_trigger *t) {
    return t->push.n == 0 && t->pull.n == 0;
}

static bool detects(const struct def_action *source) {
    const char *key = str_is(source->provider, "CodeStarSourceConnection") ? "DetectChanges"
                                                                           : "PollForSourceChanges";
    return !str_is(str_map_get(&source->configuration, str_c(key)), "false");
}

bool trigger_passes(const struct definition *d, const struct def_action *source,
                    const struct trigger_event *event) {
    const struct def_trigger *t = trigger_of(d, source);
    if (t == NULL || has_no_filter(t)) {
        return event->event.p == NULL && event->branch.p != NULL &&
               str_eq(event->branch, branch_of(source)) && trigger_watches(d, source);
    }
    if (event->event.p != NULL) {
        for (size_t i = 0; i < t->pull.n; i++) {
            if (pull_passes(&t->pull.v[i], event)) {
                return true;
            }
        }
        return false;
    }
    for (size_t i = 0; i < t->push.n; i++) {
        const struct def_push *p = &t->push.v[i];
        if (push_ref_passes(p, source, event->branch, event->tag) &&
            (!p->has_paths || files_pass(&p->paths, event))) {
            return true;
        }
    }
    return false;
}

bool trigger_watches(const struct definition *d, const struct def_action *source) {
    const struct def_trigger *t = trigger_of(d, source);
    bool connection = str_is(source->provider, "CodeStarSourceConnection");
    if (t != NULL) {
        return t->push.n > 0 || has_no_filter(t);
    }
    if (!connection && !str_is(source->provider, "CodeCommit") && !str_is(source->provider, "S3")) {
        return false;
    }
    return (!connection || d->triggers.n == 0) && detects(source);
}

bool trigger_wants_ref(const struct definition *d, const struct def_action *source,
                       struct str ref) {
    const struct def_trigger *t = trigger_of(d, source);
    struct str branch = str_starts(ref, S("refs/heads/")) ? str_sub(ref, 11, ref.n) : STR_NONE;
    struct str tag = str_starts(ref, S("refs/tags/")) ? str_sub(ref, 10, ref.n) : STR_NONE;
    if (t == NULL || has_no_filter(t)) {
        return branch.p != NULL && str_eq(branch, branch_of(source));
    }
    for (size_t i = 0; i < t->push.n; i++) {
        if (push_ref_passes(&t->push.v[i], source, branch, tag)) {
            return true;
        }
    }
    return false;
}

struct str trigger_only_ref(struct arena *a, const struct definition *d,
                            const struct def_action *source) {
    const struct def_trigger *t = trigger_of(d, source);
    struct str branch = branch_of(source);
    for (size_t i = 0; t != NULL && i < t->push.n; i++) {
        if (t->push.v[i].has_branches || t->push.v[i].has_tags) {
            return STR_NONE;
        }
    }
    return str_printf(a, "refs/heads/" STR_FMT, STR_ARG(branch));
}

bool trigger_asks_files(const struct definition *d, const struct def_action *source, bool pull) {
    const struct def_trigger *t = trigger_of(d, source);
    for (size_t i = 0; t != NULL && !pull && i < t->push.n; i++) {
        if (t->push.v[i].has_paths) {
            return true;
        }
    }
    for (size_t i = 0; t != NULL && pull && i < t->pull.n; i++) {
        if (t->pull.v[i].has_paths) {
            return true;
        }
    }
    return false;
}

/* ---- the fingerprint ---- */

enum { MAX_TEXT = 1 << 20 }; /* CodePipeline allows 200 KB of triggers */

static void add(struct buf *b, const char *what, struct str text) {
    buf_add(b, str_c(what));
    buf_add(b, text);
    buf_add(b, S("\n"));
}

static void add_filter(struct buf *b, bool there, const char *what, const struct def_filter *f) {
    for (size_t i = 0; there && i < f->includes.n; i++) {
        add(b, what, f->includes.v[i]);
    }
    for (size_t i = 0; there && i < f->excludes.n; i++) {
        add(b, "not ", f->excludes.v[i]);
    }
}

struct str trigger_fingerprint(struct arena *a, const struct definition *d,
                               const struct def_action *source) {
    const struct def_trigger *t = trigger_of(d, source);
    struct buf b cleanup_buf;
    buf_init(&b, MAX_TEXT);
    add(&b, "branch ", branch_of(source));
    for (size_t i = 0; t != NULL && i < t->push.n; i++) {
        add(&b, "push", S(""));
        add_filter(&b, t->push.v[i].has_branches, "branches ", &t->push.v[i].branches);
        add_filter(&b, t->push.v[i].has_tags, "tags ", &t->push.v[i].tags);
    }
    return crypto_sha256_hex(a, buf_str(&b));
}
