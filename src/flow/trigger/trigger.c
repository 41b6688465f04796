/* Implementation of trigger.h. */
#include "flow/trigger/trigger.h"

#include "flow/execution/apply.h"
#include "flow/source/place.h"
#include "platform/text/json.h"

enum { MAX_FILES = 3000 };

static void set(json_t *o, const char *key, struct str value) {
    if (value.p != NULL) {
        json_set_str(o, key, value);
    }
}

struct str trigger_detail(const struct trigger_source *s, const struct trigger_detail *detail) {
    const struct str_map *settings = &s->action->configuration;
    const struct git_commit *c = detail->commit;
    const struct source_place place = {s->action->provider, settings, s->pipeline->account,
                                       s->pipeline->region};
    json_t *o cleanup_json = json_object();
    set(o, "AuthorDate", time_iso(s->arena, c->author_ms));
    set(o, "AuthorDisplayName", c->author);
    set(o, "AuthorEmail", c->email);
    set(o, "BranchName", detail->branch);
    set(o, "CommitId", c->id);
    set(o, "CommitMessage", c->subject);
    set(o, "ConnectionArn", str_map_get(settings, S("ConnectionArn")));
    set(o, "DestinationBranchName", detail->destination);
    set(o, "FullRepositoryName", source_place_name(s->arena, &place));
    set(o, "PullRequestEvent", detail->event);
    set(o, "PullRequestId", detail->pull_request);
    set(o, "TagName", detail->tag);
    return json_dump_str(s->arena, o);
}

/* In PARALLEL mode CodeCommit and S3 sources take the newest revision, whatever the event was. */
static bool pins(const struct trigger_source *s) {
    return !str_is(s->def->mode, "PARALLEL") ||
           str_is(s->action->provider, "CodeStarSourceConnection");
}

int trigger_start_commit(const struct trigger_source *s, const char *type, struct str detail,
                         struct str commit, struct str branch, struct str *ret_id,
                         struct err *err) {
    struct source_pin list[] = {{s->action->name, S("COMMIT_ID"), commit},
                                {s->action->name, S("BRANCH_NAME"), branch}};
    struct execution_start start = {
        .trigger_type = str_c(type),
        .trigger_detail = detail,
        .pins = {list, !pins(s)           ? 0
                       : branch.p != NULL ? 2
                                          : 1},
    };
    return execution_start(s->flow, s->arena, s->pipeline->id, &start, ret_id, NULL, err);
}

/* ---- pushes ---- */

struct pushed {
    const struct trigger_source *source;
    const struct push *push;
    const struct git_commit *commit;
    struct str branch;
    struct str tag;
    bool passes;
};

static int write_push(const struct pushed *p, struct str *ret_id, struct err *err) {
    const struct trigger_source *s = p->source;
    if (source_seen_put(s->flow->db, s->pipeline->id, s->action->name, p->push->ref, p->push->to,
                        clock_now_ms(s->flow->clock), err) < 0) {
        return -1;
    }
    if (!p->passes) {
        return 0;
    }
    const struct trigger_detail detail = {.commit = p->commit, .branch = p->branch, .tag = p->tag};
    const char *type = str_is(s->action->provider, "CodeStarSourceConnection")
                           ? "WebhookV2"
                           : "PollForSourceChanges";
    return trigger_start_commit(s, type, trigger_detail(s, &detail), p->commit->id, p->branch,
                                ret_id, err);
}

static bool judge(const struct pushed *p, const struct git_mirror *mirror) {
    const struct trigger_source *s = p->source;
    struct trigger_event event = {.branch = p->branch, .tag = p->tag};
    struct str_list files = {0};
    struct err ignored = ERR_INIT;
    if (p->push->from.n > 0 && trigger_asks_files(s->def, s->action, false)) {
        /* after a rewritten history the old commit may be gone: then every file has changed */
        bool gone = git_changed_paths(s->arena, mirror, p->push->from, p->push->to, MAX_FILES,
                                      &files, &ignored) < 0;
        event.files = &files;
        event.many = gone || files.n > MAX_FILES;
    }
    return trigger_passes(s->def, s->action, &event);
}

int trigger_push(const struct trigger_source *s, const struct git_mirror *mirror,
                 const struct push *push, struct str *ret_id, struct err *err) {
    struct git_commit commit;
    struct pushed p = {.source = s, .push = push, .commit = &commit};
    *ret_id = STR_NONE;
    if (str_starts(push->ref, S("refs/tags/"))) {
        p.tag = str_sub(push->ref, 10, push->ref.n);
    } else {
        p.branch = str_sub(push->ref, 11, push->ref.n);
    }
    if (git_commit_info(s->arena, mirror, push->to, &commit, err) < 0) {
        return -1;
    }
    p.passes = judge(&p, mirror);
    if (db_begin(s->flow->db, err) < 0) {
        return -1;
    }
    if (write_push(&p, ret_id, err) < 0) {
        db_rollback(s->flow->db);
        return -1;
    }
    return db_commit(s->flow->db, err);
}

/* ---- objects ---- */

static int write_object(const struct trigger_source *s, struct str ref, struct str version,
                        struct str *ret_id, struct err *err) {
    struct source_pin pin = {s->action->name, S("S3_OBJECT_VERSION_ID"), version};
    struct execution_start start = {
        .trigger_type = S("PollForSourceChanges"),
        .trigger_detail = s->action->name,
        .pins = {&pin, pins(s) ? 1 : 0},
    };
    return source_seen_put(s->flow->db, s->pipeline->id, s->action->name, ref, version,
                           clock_now_ms(s->flow->clock), err) < 0
               ? -1
               : execution_start(s->flow, s->arena, s->pipeline->id, &start, ret_id, NULL, err);
}

int trigger_object(const struct trigger_source *s, struct str ref, struct str version,
                   struct str *ret_id, struct err *err) {
    *ret_id = STR_NONE;
    if (db_begin(s->flow->db, err) < 0) {
        return -1;
    }
    if (write_object(s, ref, version, ret_id, err) < 0) {
        db_rollback(s->flow->db);
        return -1;
    }
    return db_commit(s->flow->db, err);
}
