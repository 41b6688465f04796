/*
 * Which files of a build become an artifact: base-directory, files, exclude-paths and discard-paths
 * of a buildspec, applied to a tree that the build owns and may have filled with traps. Everything
 * is opened beneath the tree's root, folders behind links are not entered, and depth and number of
 * entries are bounded.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "flow/artifact/match.h"

enum {
    ARTIFACT_MAX_FILES = 1000 * 1000,
    ARTIFACT_MAX_DEPTH = 100,
};

struct artifact_file {
    struct str path; /* beneath the root, no leading '/' */
    struct str name; /* in the artifact */
    bool link;       /* a symbolic link, to be kept as one */
};

struct artifact_files {
    struct artifact_file *v; /* sorted by name, each name once */
    size_t n;
};

struct artifact_selection {
    int root_fd;               /* the build's whole file system */
    struct str directory;      /* what patterns are relative to: the source directory, absolute */
    struct str base_directory; /* absent, a path, or a pattern for folders */
    const struct str_list *files;
    const struct str_list *exclude;
    bool discard_paths;
    bool folder_links; /* enable-symlinks: links to folders of the source directory count too */
    bool keep_links;   /* links are taken as they are, wherever they lead; else followed */
    void (*say)(void *ud, struct str line); /* progress, in CodeBuild's words */
    bool (*stop)(void *ud); /* asked now and then: ends with ERR_CANCELLED; or NULL */
    void *ud;
};

/* ERR_NOT_FOUND with CodeBuild's words when nothing matches; ERR_LIMIT when the tree is too large.
 */
int artifact_select(struct arena *a, const struct artifact_selection *selection,
                    struct artifact_files *ret, struct err *err) MUST_USE;
