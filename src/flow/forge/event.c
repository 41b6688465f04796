/* Implementation of event.h: one reader for each family of hosts. */
#include "flow/forge/event.h"

#include "platform/text/json.h"

enum { VALUE_MAX = 8192, COMMITS_MAX = 2048 };

/* A notice while it is read. */
struct reading {
    struct arena *arena;
    const json_t *root;
    struct forge_event *event;
};

/* ---- JSON ---- */

static const json_t *at(const json_t *value, const char *path) {
    char part[64];
    while (*path != '\0') {
        size_t n = strcspn(path, ".");
        if (n >= sizeof(part)) {
            return NULL;
        }
        memcpy(part, path, n);
        part[n] = '\0';
        value = json_object_get(value, part);
        path += n + (path[n] == '.');
    }
    return value;
}

/* A text or a number as text, of bounded length; absent when it is neither. */
static struct str text(const struct reading *r, const char *path) {
    const json_t *value = at(r->root, path);
    if (json_is_integer(value)) {
        return str_printf(r->arena, "%lld", (long long)json_integer_value(value));
    }
    return json_is_string(value) ? str_dup(r->arena, str_sub(json_text(value), 0, VALUE_MAX))
                                 : STR_NONE;
}

static bool is_zero(struct str commit) {
    for (size_t i = 0; i < commit.n; i++) {
        if (commit.p[i] != '0') {
            return false;
        }
    }
    return true;
}

static void ignore(struct reading *r, const char *why) {
    r->event->type = STR_NONE;
    r->event->ignored = str_c(why);
}

static struct str branch_ref(const struct reading *r, struct str branch) {
    return branch.n > 0 ? str_printf(r->arena, "refs/heads/" STR_FMT, STR_ARG(branch)) : STR_NONE;
}

/* "refs/heads/x" -> "branch/x", "refs/tags/x" -> "tag/x" */
static struct str trigger_of(const struct reading *r, struct str ref) {
    bool tag = str_starts(ref, S("refs/tags/"));
    struct str name = str_sub(ref, tag ? 10 : 11, ref.n);
    return str_printf(r->arena, "%s/" STR_FMT, tag ? "tag" : "branch", STR_ARG(name));
}

static void add_path(struct reading *r, struct str path) {
    if (r->event->paths.n < FORGE_MAX_PATHS && !str_list_has(&r->event->paths, path)) {
        *arena_push(r->arena, &r->event->paths) = str_dup(r->arena, str_sub(path, 0, VALUE_MAX));
    }
}

/* commits[].added, modified, removed: GitHub's and GitLab's form. */
static void add_commits(struct reading *r) {
    static const char *const lists[] = {"added", "modified", "removed"};
    const json_t *commits = json_object_get(r->root, "commits");
    for (size_t i = 0; i < json_array_size(commits) && i < COMMITS_MAX; i++) {
        for (size_t k = 0; k < sizeof(lists) / sizeof(lists[0]); k++) {
            const json_t *list = json_object_get(json_array_get(commits, i), lists[k]);
            for (size_t j = 0; j < json_array_size(list); j++) {
                add_path(r, json_text(json_array_get(list, j)));
            }
        }
    }
}

static void set_push(struct reading *r, struct str ref, struct str before, struct str after) {
    struct forge_event *e = r->event;
    if (!str_starts(ref, S("refs/heads/")) && !str_starts(ref, S("refs/tags/"))) {
        ignore(r, "the push is to no branch and no tag");
        return;
    }
    e->type = S("PUSH");
    e->head_ref = ref;
    e->commit = after;
    e->prev_commit = before;
    e->version = after;
    e->trigger = trigger_of(r, ref);
    if (is_zero(after)) {
        ignore(r, "the branch or tag was deleted");
    }
}

static void set_pull_request(struct reading *r, const char *type, struct str number) {
    struct forge_event *e = r->event;
    e->type = str_c(type);
    e->trigger = str_printf(r->arena, "pr/" STR_FMT, STR_ARG(number));
    e->version = e->trigger;
    e->number = number;
    if (type[0] == '\0') {
        ignore(r, "nothing is built when that happens to a pull request");
    }
}

bool forge_event_is_pull_request(const struct forge_event *event) {
    return str_starts(event->type, S("PULL_REQUEST_"));
}

/* ---- GitHub ---- */

static const char *github_pull_request(const struct reading *r) {
    struct str action = text(r, "action");
    return str_is(action, "opened")                           ? "PULL_REQUEST_CREATED"
           : str_is(action, "reopened")                       ? "PULL_REQUEST_REOPENED"
           : str_is(action, "synchronize")                    ? "PULL_REQUEST_UPDATED"
           : !str_is(action, "closed")                        ? ""
           : json_is_true(at(r->root, "pull_request.merged")) ? "PULL_REQUEST_MERGED"
                                                              : "PULL_REQUEST_CLOSED";
}

static void github_release(struct reading *r) {
    struct forge_event *e = r->event;
    struct str action = text(r, "action");
    e->tag = text(r, "release.tag_name");
    e->release = text(r, "release.name");
    e->head_ref = str_printf(r->arena, "refs/tags/" STR_FMT, STR_ARG(e->tag));
    e->version = e->tag;
    e->trigger = str_printf(r->arena, "tag/" STR_FMT, STR_ARG(e->tag));
    e->type = str_is(action, "released")      ? S("RELEASED")
              : str_is(action, "prereleased") ? S("PRERELEASED")
                                              : STR_NONE;
    e->ignored =
        e->type.p == NULL ? S("nothing is built when that happens to a release") : STR_NONE;
}

static void read_github(struct reading *r, struct str kind) {
    struct forge_event *e = r->event;
    e->actor = text(r, "sender.id");
    e->repository = text(r, "repository.name");
    e->organization = text(r, "repository.owner.login");
    e->full_name = text(r, "repository.full_name");
    if (str_is(kind, "push")) {
        e->message = text(r, "head_commit.message");
        add_commits(r);
        set_push(r, text(r, "ref"), text(r, "before"), text(r, "after"));
    } else if (str_is(kind, "pull_request")) {
        e->head_ref = branch_ref(r, text(r, "pull_request.head.ref"));
        e->base_ref = branch_ref(r, text(r, "pull_request.base.ref"));
        e->commit = text(r, "pull_request.head.sha");
        e->prev_commit = text(r, "pull_request.base.sha");
        e->base_commit = e->prev_commit;
        set_pull_request(r, github_pull_request(r), text(r, "pull_request.number"));
        e->merge_commit = str_is(e->type, "PULL_REQUEST_MERGED")
                              ? text(r, "pull_request.merge_commit_sha")
                              : STR_NONE;
    } else if (str_is(kind, "release")) {
        github_release(r);
    } else {
        ignore(r, str_is(kind, "ping") ? "pong" : "nothing is built on this kind of event");
    }
}

/* ---- GitLab ---- */

/* An update of a merge request that brought commits has "oldrev". */
static const char *gitlab_merge_request(const struct reading *r) {
    struct str action = text(r, "object_attributes.action");
    return str_is(action, "open")     ? "PULL_REQUEST_CREATED"
           : str_is(action, "reopen") ? "PULL_REQUEST_REOPENED"
           : str_is(action, "merge")  ? "PULL_REQUEST_MERGED"
           : str_is(action, "close")  ? "PULL_REQUEST_CLOSED"
           : str_is(action, "update") && text(r, "object_attributes.oldrev").n > 0
               ? "PULL_REQUEST_UPDATED"
               : "";
}

static struct str gitlab_message(const struct reading *r) {
    const json_t *commits = json_object_get(r->root, "commits");
    size_t n = json_array_size(commits);
    return n == 0 ? STR_NONE
                  : str_dup(r->arena, str_sub(json_str(json_array_get(commits, n - 1), "message"),
                                              0, VALUE_MAX));
}

static void read_gitlab(struct reading *r, struct str kind) {
    struct forge_event *e = r->event;
    e->repository = text(r, "project.name");
    e->organization = text(r, "project.namespace");
    e->full_name = text(r, "project.path_with_namespace");
    if (str_is(kind, "Push Hook") || str_is(kind, "Tag Push Hook")) {
        e->actor = text(r, "user_id");
        e->message = gitlab_message(r);
        add_commits(r);
        set_push(r, text(r, "ref"), text(r, "before"), text(r, "after"));
    } else if (str_is(kind, "Merge Request Hook")) {
        e->actor = text(r, "user.id");
        e->head_ref = branch_ref(r, text(r, "object_attributes.source_branch"));
        e->base_ref = branch_ref(r, text(r, "object_attributes.target_branch"));
        e->commit = text(r, "object_attributes.last_commit.id");
        e->message = text(r, "object_attributes.last_commit.message");
        e->prev_commit = text(r, "object_attributes.oldrev");
        set_pull_request(r, gitlab_merge_request(r), text(r, "object_attributes.iid"));
        e->merge_commit = str_is(e->type, "PULL_REQUEST_MERGED")
                              ? text(r, "object_attributes.merge_commit_sha")
                              : STR_NONE;
    } else {
        ignore(r, "nothing is built on this kind of event");
    }
}

/* ---- Bitbucket ---- */

static const char *bitbucket_pull_request(struct str kind) {
    return str_is(kind, "pullrequest:created")     ? "PULL_REQUEST_CREATED"
           : str_is(kind, "pullrequest:updated")   ? "PULL_REQUEST_UPDATED"
           : str_is(kind, "pullrequest:fulfilled") ? "PULL_REQUEST_MERGED"
           : str_is(kind, "pullrequest:rejected")  ? "PULL_REQUEST_CLOSED"
                                                   : "";
}

/* One push may change several references; the first one is built, as on AWS: mem. */
static void bitbucket_push(struct reading *r) {
    const json_t *root = r->root;
    r->root = json_array_get(at(root, "push.changes"), 0);
    bool tag = str_is(text(r, "new.type"), "tag");
    struct str name = text(r, "new.name");
    r->event->message = text(r, "new.target.message");
    struct str ref =
        str_printf(r->arena, "refs/%s/" STR_FMT, tag ? "tags" : "heads", STR_ARG(name));
    if (name.n == 0) {
        ignore(r, "the branch or tag was deleted");
    } else {
        set_push(r, ref, text(r, "old.target.hash"), text(r, "new.target.hash"));
    }
    r->root = root;
}

/* Bitbucket publishes no references for pull requests: the commit is built. */
static void read_bitbucket(struct reading *r, struct str kind) {
    struct forge_event *e = r->event;
    e->actor = text(r, "actor.account_id");
    e->actor = e->actor.n > 0 ? e->actor : text(r, "actor.uuid");
    e->repository = text(r, "repository.name");
    e->organization = text(r, "repository.workspace.slug");
    e->full_name = text(r, "repository.full_name");
    if (str_is(kind, "repo:push")) {
        bitbucket_push(r);
    } else if (str_starts(kind, S("pullrequest:"))) {
        e->head_ref = branch_ref(r, text(r, "pullrequest.source.branch.name"));
        e->base_ref = branch_ref(r, text(r, "pullrequest.destination.branch.name"));
        e->commit = text(r, "pullrequest.source.commit.hash");
        e->prev_commit = text(r, "pullrequest.destination.commit.hash");
        e->base_commit = e->prev_commit;
        set_pull_request(r, bitbucket_pull_request(kind), text(r, "pullrequest.id"));
        e->merge_commit = text(r, "pullrequest.merge_commit.hash");
        e->version = e->commit;
    } else {
        ignore(r, "nothing is built on this kind of event");
    }
}

/* ---- all ---- */

/* Names and versions go into variables and to git, which take no control characters. */
static bool is_plain(struct str value) {
    for (size_t i = 0; i < value.n; i++) {
        if ((unsigned char)value.p[i] < ' ' || value.p[i] == 0x7F) {
            return false;
        }
    }
    return true;
}

static int check(const struct forge_event *e, struct err *err) {
    const struct str values[] = {e->head_ref,    e->base_ref,     e->actor,   e->commit,
                                 e->prev_commit, e->merge_commit, e->version, e->trigger};
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        if (!is_plain(values[i])) {
            return err_set(err, ERR_INVALID, "a name in the event holds control characters");
        }
    }
    return e->type.p == NULL || (e->version.n > 0 && e->head_ref.n > 0)
               ? 0
               : err_set(err, ERR_INVALID, "the event names no commit or no branch");
}

int forge_event_read(struct arena *a, const struct forge_notice *notice, struct forge_event *ret,
                     struct err *err) {
    json_t *root cleanup_json = json_parse(notice->body, err);
    struct reading r = {.arena = a, .root = root, .event = ret};
    *ret = (struct forge_event){0};
    if (!json_is_object(root)) {
        return err_set(err, ERR_INVALID, "the event is no JSON object");
    }
    if (str_starts(notice->server, S("GITLAB"))) {
        read_gitlab(&r, notice->kind);
    } else if (str_is(notice->server, "BITBUCKET")) {
        read_bitbucket(&r, notice->kind);
    } else {
        read_github(&r, notice->kind);
    }
    return check(ret, err);
}
