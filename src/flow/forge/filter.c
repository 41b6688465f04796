/* Implementation of filter.h. */
#include "flow/forge/filter.h"

#include "platform/text/regex.h"

static const char *const events[] = {
    "PUSH",
    "PULL_REQUEST_CREATED",
    "PULL_REQUEST_UPDATED",
    "PULL_REQUEST_CLOSED",
    "PULL_REQUEST_REOPENED",
    "PULL_REQUEST_MERGED",
    "RELEASED",
    "PRERELEASED",
};

static bool next_event(struct str *rest, struct str *ret) {
    bool more = str_cut(rest, ',', ret);
    *ret = str_trim(*ret);
    return more;
}

static int check_events(struct str pattern, struct err *err) {
    struct str name = STR_NONE;
    while (next_event(&pattern, &name)) {
        bool known = false;
        for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
            known = known || str_is(name, events[i]);
        }
        if (str_is(name, "WORKFLOW_JOB_QUEUED")) {
            return err_set(err, ERR_INVALID,
                           "WORKFLOW_JOB_QUEUED: runners of GitHub Actions are not served "
                           "(docs/limits.md)");
        }
        if (!known) {
            return err_set(err, ERR_INVALID, "Invalid event filter: " STR_FMT, STR_ARG(name));
        }
    }
    return 0;
}

static int check_filter(struct arena *a, const struct codebuild_webhook_filter *f,
                        struct err *err) {
    struct regex *re = NULL;
    if (str_is(f->type, "EVENT")) {
        return check_events(f->pattern, err);
    }
    if (f->pattern.n > FORGE_MAX_PATTERN) {
        return err_set(err, ERR_INVALID, "the pattern of a filter has more than %d bytes",
                       FORGE_MAX_PATTERN);
    }
    return regex_compile(a, f->pattern, &re, err) < 0
               ? err_wrap(err, "filter " STR_FMT, STR_ARG(f->type))
               : 0;
}

static int check_group(struct arena *a, const struct codebuild_webhook_filter_list *group,
                       struct err *err) {
    size_t events_n = 0;
    if (group->n > FORGE_MAX_FILTERS) {
        return err_set(err, ERR_INVALID, "a filter group has at most %d filters",
                       FORGE_MAX_FILTERS);
    }
    for (size_t i = 0; i < group->n; i++) {
        events_n += str_is(group->v[i].type, "EVENT");
        if (check_filter(a, &group->v[i], err) < 0) {
            return -1;
        }
    }
    return events_n == 1
               ? 0
               : err_set(err, ERR_INVALID, "each filter group needs one filter of type EVENT");
}

/* branchFilter is the older form: the whole name of the branch. */
static int compile_branch(struct arena *a, struct str filter, struct regex **ret, struct err *err) {
    return regex_compile(a, str_printf(a, "^(?:" STR_FMT ")$", STR_ARG(filter)), ret, err);
}

int forge_filter_check(struct arena *a, const struct codebuild_webhook *w, struct err *err) {
    struct regex *re = NULL;
    if (w->branch_filter.n > FORGE_MAX_PATTERN || w->filter_groups.n > FORGE_MAX_GROUPS) {
        return err_set(err, ERR_INVALID, "at most %d filter groups, and %d bytes of branchFilter",
                       FORGE_MAX_GROUPS, FORGE_MAX_PATTERN);
    }
    if (w->branch_filter.n > 0 && compile_branch(a, w->branch_filter, &re, err) < 0) {
        return err_wrap(err, "branchFilter");
    }
    for (size_t i = 0; i < w->filter_groups.n; i++) {
        if (check_group(a, &w->filter_groups.v[i], err) < 0) {
            return -1;
        }
    }
    return 0;
}

/* ---- matching ---- */

static bool has_event(struct str pattern, struct str type) {
    struct str name = STR_NONE;
    while (next_event(&pattern, &name)) {
        if (str_eq(name, type)) {
            return true;
        }
    }
    return false;
}

/* The one text that a filter looks at. */
static struct str value_of(const struct forge_event *e, struct str type) {
    const struct {
        const char *type;
        struct str value;
    } values[] = {
        {"HEAD_REF", e->head_ref},
        {"BASE_REF", e->base_ref},
        {"ACTOR_ACCOUNT_ID", e->actor},
        {"COMMIT_MESSAGE", e->message},
        {"TAG_NAME", e->tag},
        {"RELEASE_NAME", e->release},
        {"REPOSITORY_NAME", e->repository},
        {"ORGANIZATION_NAME", e->organization},
    };
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        if (str_is(type, values[i].type)) {
            return values[i].value;
        }
    }
    return STR_NONE;
}

static bool any_path(const struct forge_event *e, const struct regex *re) {
    for (size_t i = 0; i < e->paths.n; i++) {
        if (regex_search(re, e->paths.v[i])) {
            return true;
        }
    }
    return false;
}

/* What an event does not have matches nothing. */
static int match_filter(struct arena *a, const struct codebuild_webhook_filter *f,
                        const struct forge_event *e, struct err *err) {
    struct regex *re = NULL;
    bool match = false;
    if (str_is(f->type, "EVENT")) {
        match = has_event(f->pattern, e->type);
    } else if (regex_compile(a, f->pattern, &re, err) < 0) {
        return -1;
    } else if (str_is(f->type, "FILE_PATH")) {
        match = any_path(e, re);
    } else {
        struct str value = value_of(e, f->type);
        match = value.p != NULL && regex_search(re, value);
    }
    return match != f->exclude_matched_pattern;
}

static int match_group(struct arena *a, const struct codebuild_webhook_filter_list *group,
                       const struct forge_event *e, struct err *err) {
    for (size_t i = 0; i < group->n; i++) {
        int match = match_filter(a, &group->v[i], e, err);
        if (match <= 0) {
            return match;
        }
    }
    return 1;
}

/* What the event leaves open of this filter. */
static bool is_open(const struct codebuild_webhook_filter *f, const struct forge_event *e) {
    return (str_is(f->type, "FILE_PATH") && e->paths.n == 0) ||
           (str_is(f->type, "COMMIT_MESSAGE") && e->message.p == NULL);
}

static int asks_group(struct arena *a, const struct codebuild_webhook_filter_list *group,
                      const struct forge_event *e, struct err *err) {
    bool asks = false;
    for (size_t i = 0; i < group->n; i++) {
        bool open = is_open(&group->v[i], e);
        int match = open ? 1 : match_filter(a, &group->v[i], e, err);
        if (match <= 0) {
            return match;
        }
        asks = asks || open;
    }
    return asks;
}

int forge_filter_asks(struct arena *a, const struct codebuild_webhook *w,
                      const struct forge_event *event, struct err *err) {
    int asks = 0;
    for (size_t i = 0; asks == 0 && i < w->filter_groups.n; i++) {
        asks = forge_event_is_pull_request(event)
                   ? asks_group(a, &w->filter_groups.v[i], event, err)
                   : 0;
    }
    return asks;
}

static int match_branch(struct arena *a, struct str filter, const struct forge_event *e,
                        struct err *err) {
    struct regex *re = NULL;
    bool usual = str_is(e->type, "PUSH") || str_is(e->type, "PULL_REQUEST_CREATED") ||
                 str_is(e->type, "PULL_REQUEST_UPDATED") ||
                 str_is(e->type, "PULL_REQUEST_REOPENED");
    if (!usual || filter.n == 0) {
        return usual;
    }
    if (compile_branch(a, filter, &re, err) < 0) {
        return -1;
    }
    bool branch = str_starts(e->head_ref, S("refs/heads/"));
    return branch && regex_search(re, str_sub(e->head_ref, 11, e->head_ref.n));
}

int forge_filter_match(struct arena *a, const struct codebuild_webhook *w,
                       const struct forge_event *event, struct err *err) {
    if (w->filter_groups.n == 0) {
        return match_branch(a, w->branch_filter, event, err);
    }
    for (size_t i = 0; i < w->filter_groups.n; i++) {
        int match = match_group(a, &w->filter_groups.v[i], event, err);
        if (match != 0) {
            return match;
        }
    }
    return 0;
}
