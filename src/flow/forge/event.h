/*
 * What a git host tells: its own words about a push, a pull request or a release, brought into
 * CodeBuild's. Reads JSON that has been verified already; nothing in it is believed to be short or
 * well-formed.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"

enum { FORGE_MAX_PATHS = 100 }; /* changed files that FILE_PATH looks at, as AWS */

struct forge_event {
    struct str type;         /* "PUSH", "PULL_REQUEST_CREATED" ...; absent: nothing to build */
    struct str ignored;      /* then: why */
    struct str head_ref;     /* "refs/heads/feature", "refs/tags/v1" */
    struct str base_ref;     /* pull requests: "refs/heads/main" */
    struct str actor;        /* id of who did it */
    struct str message;      /* of the head commit; absent when the host does not say */
    struct str commit;       /* head */
    struct str prev_commit;  /* what the reference was at before */
    struct str base_commit;  /* pull requests: where base_ref was; absent when it is not said */
    struct str merge_commit; /* merged pull requests */
    struct str version;      /* the build's sourceVersion: commit, "pr/7", tag */
    struct str trigger;      /* "branch/main", "tag/v1", "pr/7" */
    struct str tag;          /* releases */
    struct str release;      /* releases: their name */
    struct str repository;   /* "name" without its owner */
    struct str organization; /* the owner */
    struct str full_name;    /* "owner/name", "group/team/name" */
    struct str number;       /* of a pull request */
    struct str_list paths;   /* changed files */
};

/* What a host does not say of a pull request, and filters may want: asked of its repository. */
bool forge_event_is_pull_request(const struct forge_event *event);

/* What the host's headers say. */
struct forge_notice {
    struct str server; /* serverType of the project's source */
    struct str kind;   /* X-GitHub-Event, X-Gitlab-Event or X-Event-Key */
    struct str body;
};

/* ERR_INVALID: no JSON object, or one without what every event of its kind has. */
int forge_event_read(struct arena *a, const struct forge_notice *notice, struct forge_event *ret,
                     struct err *err) MUST_USE;
