/*
 * The trunk: a bare mirror per repository, kept by the git program. Repositories are not trusted:
 * no hooks, no submodules, no protocol but the registered URL's own, no configuration but ours.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"

#include <stdint.h>

struct git_mirror {
    struct str url;      /* what is fetched: path, file://, https://, ssh:// or user@host:path;
                            never with a password or token */
    struct str server;   /* "https://host:port" that the two below are for; absent: neither is */
    struct str username; /* of the URL that was registered, decoded; it may be a token */
    struct str password; /* of it, decoded; "" */
    struct str path;     /* the bare mirror: DATA/git/<16 hex of the registered URL's digest> */
    struct str home;     /* DATA/git: generated configuration lies here */
    const int *cancel; /* the caller may set: a descriptor; when it becomes readable, git is killed
                          and the call ends with ERR_CANCELLED */
};

struct git_commit {
    struct str id; /* 40 hex digits */
    struct str author;
    struct str email;
    struct str subject; /* first line */
    struct str message; /* all of it, cut at 16 KiB */
    int64_t author_ms;
    int64_t committer_ms;
};

struct git_commit_list {
    struct git_commit *v;
    size_t n;
};

/* Names a mirror; makes nothing yet. A name and password in the URL reach git in its environment,
 * by a credential helper; never in its arguments. ERR_INVALID: a URL that git_fetch would not take.
 */
int git_mirror_open(struct arena *a, const char *data_dir, struct str url, struct git_mirror *ret,
                    struct err *err) MUST_USE;

/* Makes home/config, our only configuration of git, if it is not there. */
int git_write_config(struct arena *a, struct str home, struct err *err) MUST_USE;

/* Brings the mirror up to date (making it the first time), in 10 minutes. ERR_UNAVAILABLE carries
 * git's last words. One process at a time per mirror: a lock file is held. */
int git_fetch(const struct git_mirror *m, struct err *err) MUST_USE;

/* Brings one reference more, such as "refs/pull/7/head", into the mirror (below refs/trunkline/).
 * ERR_INVALID: no reference, or one that git would read as something else. */
int git_fetch_ref(struct arena *a, const struct git_mirror *m, struct str ref,
                  struct err *err) MUST_USE;

/* Branches and tags as the origin has them now: "refs/heads/main" -> commit; an annotated tag's is
 * the commit that it names. In order of the names; ERR_LIMIT above GIT_MAX_REFS. `only` is one
 * reference, or absent. An origin that is silent is given up after GIT_ASK_MS: ERR_UNAVAILABLE. */
enum { GIT_MAX_REFS = 20000, GIT_ASK_MS = 30 * 1000 };
int git_remote_refs(struct arena *a, const struct git_mirror *m, struct str only,
                    struct str_map *ret, struct err *err) MUST_USE;

/* "refs/" and then nothing that git, a shell or a path could misread: git's own rules and no
 * leading '-' in any part. */
bool git_ref_is_plain(struct str ref);
/* 40 hex digits. */
bool git_is_commit_id(struct str text);

/* The branch's head as the origin has it now, without fetching objects; in GIT_ASK_MS.
 * ERR_NOT_FOUND: there is no such branch (or no commit at all). */
int git_remote_head(struct arena *a, const struct git_mirror *m, struct str branch,
                    struct str *ret_commit, struct err *err) MUST_USE;

/* In the mirror. ERR_NOT_FOUND: no such branch, commit. */
int git_head(struct arena *a, const struct git_mirror *m, struct str branch, struct str *ret_commit,
             struct err *err) MUST_USE;
int git_commit_info(struct arena *a, const struct git_mirror *m, struct str commit,
                    struct git_commit *ret, struct err *err) MUST_USE;

/* Paths that differ between two commits, at most `max`; one more than max means: too many to say.
 * An absent `from` (a new branch) gives an empty list. */
int git_changed_paths(struct arena *a, const struct git_mirror *m, struct str from, struct str to,
                      size_t max, struct str_list *ret, struct err *err) MUST_USE;

/* Paths that `to` changed since it left `base`: what a pull request brings. As above. */
int git_changed_since(struct arena *a, const struct git_mirror *m, struct str base, struct str to,
                      size_t max, struct str_list *ret, struct err *err) MUST_USE;

/* Commits that `to` has and `from` has not, newest first, at most max. `from` absent: all. */
int git_log(struct arena *a, const struct git_mirror *m, struct str from, struct str to, size_t max,
            struct git_commit_list *ret, struct err *err) MUST_USE;

/* Writes the commit's files, without .git, into an empty directory that exists. */
int git_export(const struct git_mirror *m, struct str commit, const char *dir,
               struct err *err) MUST_USE;
