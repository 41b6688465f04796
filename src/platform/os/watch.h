/*
 * Watching files and folders for change (inotify). A hint, never the truth: whoever is woken looks
 * at the file itself, and looks now and then without being woken.
 */
#pragma once

#include "base/err.h"

#include <stdint.h>

/* A descriptor that becomes readable on change; -1 on error. Add any number of paths to it. */
int watch_new(struct err *err) MUST_USE;

/* What to be woken for: content written, entries made, moved or removed, the thing itself gone. */
int watch_add(int watch, const char *path, struct err *err) MUST_USE;

/* Only what is renamed to be in the folder: files that are written whole. A number for
 * watch_forget. */
int watch_add_arrivals(int watch, const char *dir, struct err *err) MUST_USE;
void watch_forget(int watch, int number);

/* Reads and forgets all pending events; their number, 0 if none. */
int watch_drain(int watch, struct err *err) MUST_USE;
