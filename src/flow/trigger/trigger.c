/* Implementation of trigger.h. */
#include "flow/trigger/trigger.h"

#include "flow/definition/glob.h"
#include "flow/execution/apply.h"
#include "platform/text/json.h"

enum { MAX_FILES = 3000 };

static bool any_file(const struct def_filter *f, const struct str_list *files, bool many) {
    for (size_t i = 0; i < files->n; i++) {
        if (glob_passes(&f->includes, &f->excludes, files->v[i])) {
            return true;
        }
    }
    return many;
}

static bool push_passes(const struct def_push *p, const struct push *push,
                        const struct str_list *files, bool many) {
    if (p->has_branches &&
        !glob_passes(&p->branches.includes, &p->branches.excludes, push->branch)) {
        return false;
    }
    return !p->has_paths || any_file(&p->paths, files, many);
}

bool trigger_passes(const struct definition *d, const struct def_action *source,
                    const struct push *push, const struct str_list *files, bool many) {
    bool named = false;
    for (size_t i = 0; i < d->triggers.n; i++) {
        const struct def_trigger *t = &d->triggers.v[i];
        if (!str_eq(t->source_action, source->name)) {
            continue;
        }
        named = true;
        if (t->push.n == 0) {
            return true; /* a trigger without filters: every push to the branch */
        }
        for (size_t k = 0; k < t->push.n; k++) {
            if (push_passes(&t->push.v[k], push, files, many)) {
                return true;
            }
        }
    }
    return !named && d->triggers.n == 0;
}

static struct str detail_of(struct arena *a, const struct git_commit *c, const struct push *push,
                            const struct def_action *source) {
    json_t *o cleanup_json = json_object();
    json_set_str(o, "AuthorDisplayName", c->author);
    json_set_str(o, "AuthorEmail", c->email);
    json_set_str(o, "BranchName", push->branch);
    json_set_str(o, "CommitId", c->id);
    json_set_str(o, "CommitMessage", c->subject);
    json_set_str(o, "FullRepositoryName",
                 str_map_get(&source->configuration, S("FullRepositoryId")));
    return json_dump_str(a, o);
}

struct starting {
    const struct flow *f;
    struct arena *arena;
    int64_t pipeline;
    const struct def_action *source;
    const struct push *push;
    const struct git_commit *commit;
    bool passes;
    struct str *ret_id;
};

static int write_push(const struct starting *s, struct err *err) {
    if (record_watched_put(s->f->db, s->pipeline, s->source->name, s->push->branch, s->push->to,
                           clock_now_ms(s->f->clock), STR_NONE, err) < 0) {
        return -1;
    }
    if (!s->passes) {
        return 0;
    }
    struct execution_start start = {
        .trigger_type = S("WebhookV2"),
        .trigger_detail = detail_of(s->arena, s->commit, s->push, s->source),
        .commit = s->push->to,
    };
    return execution_start(s->f, s->arena, s->pipeline, &start, s->ret_id, NULL, err);
}

int trigger_push(const struct flow *f, struct arena *a, int64_t pipeline,
                 const struct definition *d, const struct def_action *source,
                 const struct git_mirror *mirror, const struct push *push, struct str *ret_id,
                 struct err *err) {
    *ret_id = STR_NONE;
    struct git_commit commit;
    struct str_list files;
    struct err ignored = ERR_INIT;
    if (git_fetch(mirror, err) < 0 || git_commit_info(a, mirror, push->to, &commit, err) < 0) {
        return -1;
    }
    /* after a rewritten history the old commit may be gone: then every file counts as changed */
    bool unknown =
        git_changed_paths(a, mirror, push->from, push->to, MAX_FILES, &files, &ignored) < 0;
    bool many = unknown || files.n > MAX_FILES;
    struct starting s = {f, a, pipeline, source, push, &commit, false, ret_id};
    s.passes = trigger_passes(d, source, push, &files, many);
    if (db_begin(f->db, err) < 0) {
        return -1;
    }
    if (write_push(&s, err) < 0) {
        db_rollback(f->db);
        return -1;
    }
    return db_commit(f->db, err);
}
