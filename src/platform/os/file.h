/*
 * Files and folders. What is written is whole and durable or not there (temporary file, fsync,
 * rename, fsync of the folder). What is read has a limit. Removing a tree never follows a link out
 * of it. Paths are C strings; those that come from outside must go through file_open_beneath.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"

#include <stdint.h>
#include <sys/types.h>

/* open(2), close-on-exec; the message names the path; ERR_NOT_FOUND, ERR_DENIED, ERR_EXISTS where
 * errno says so. */
int file_open(const char *path, int flags, mode_t mode, struct err *err) MUST_USE;
int file_open_at(int dir_fd, const char *path, int flags, mode_t mode, struct err *err) MUST_USE;

/* Opens `path` as if dir_fd were `/`: neither `..` nor a symbolic link, nor /proc's magic links,
 * lead out of it, whoever changes the tree meanwhile. */
int file_open_beneath(int dir_fd, const char *path, int flags, mode_t mode,
                      struct err *err) MUST_USE;

/* Whole content, at most max bytes (ERR_LIMIT); arena-owned, NUL behind the end. */
int file_read(struct arena *a, const char *path, size_t max, struct str *ret,
              struct err *err) MUST_USE;

/* Replaces or creates: afterwards the old or the new content is there, never a part. */
int file_write_atomic(const char *path, struct str bytes, mode_t mode, struct err *err) MUST_USE;

/* The same without fsync, for content that a restart makes again. Not for records. */
int file_write(const char *path, struct str bytes, mode_t mode, struct err *err) MUST_USE;

bool file_exists(const char *path); /* any kind, links not followed */
bool file_is_dir(const char *path);
int file_size(const char *path, int64_t *ret, struct err *err) MUST_USE;
int file_remove(const char *path, struct err *err) MUST_USE; /* absent is no error */
int file_rename(const char *from, const char *to, struct err *err) MUST_USE;
int file_sync_dir_of(const char *path, struct err *err) MUST_USE;

/* Copies bytes (reflink or copy_file_range where possible); the target is created or truncated. */
int file_copy(const char *from, const char *to, mode_t mode, struct err *err) MUST_USE;

/* Makes the folder and its missing parents; existing ones are left as they are. */
int dir_make(const char *path, mode_t mode, struct err *err) MUST_USE;

/* Makes the folder alone; ERR_EXISTS when it is there: who makes it owns it. */
int dir_make_new(const char *path, mode_t mode, struct err *err) MUST_USE;

/* Removes a file or a whole tree of any depth; absent is no error. Links are removed, not followed;
 * other file systems mounted inside are refused (ERR_CONFLICT). */
int tree_remove(const char *path, struct err *err) MUST_USE;

/* Bytes on disk of a tree (blocks, hard links once per name) and its number of entries. Stops
 * early when so many bytes or entries are passed (0 = never). Entries that vanish meanwhile are
 * skipped; ERR_LIMIT when more than TREE_MEASURE_DEPTH folders lie in each other. */
enum { TREE_MEASURE_DEPTH = 512 };
int tree_size(const char *path, int64_t stop_bytes, int64_t stop_entries, int64_t *ret_bytes,
              int64_t *ret_entries, struct err *err) MUST_USE;

/* Names in a folder, sorted by byte order, without "." and "..". */
int dir_list(struct arena *a, const char *path, struct str_list *ret, struct err *err) MUST_USE;

/* A fresh folder below $TMPDIR (or /tmp), mode 0700; arena-owned path. */
int dir_make_temp(struct arena *a, const char *prefix, const char **ret, struct err *err) MUST_USE;

/* Advisory whole-file lock (flock): held as long as the descriptor is open anywhere, so a crash
 * gives it back. Creates the file. Returns the descriptor; ERR_CONFLICT when another holds it and
 * wait is false. */
int file_lock(const char *path, bool wait, struct err *err) MUST_USE;
