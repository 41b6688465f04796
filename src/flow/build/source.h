/* Sources of a build, shared by the files source*.c. */
#pragma once

#include "flow/build/supervision.h"

/* 0 is the primary source. */
const struct plan_source *source_numbered(const struct supervision *s, size_t n);

/* All sources into their directories. */
int fetch_sources(struct supervision *s, struct err *err) MUST_USE;

/* An archive, from its descriptor's offset on, into a directory inside. */
int source_unpack(struct supervision *s, int archive_fd, const char *directory,
                  struct err *err) MUST_USE;

/* source_folder.c: everything below a prefix of S3. */
int source_from_s3_folder(struct supervision *s, const struct plan_source *source,
                          const char *directory, struct err *err) MUST_USE;
/* source_git.c: a repository; records its commit. */
int source_from_git(struct supervision *s, size_t number, const char *directory,
                    struct err *err) MUST_USE;
