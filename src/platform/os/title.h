/*
 * What ps and /proc/PID/cmdline say a process is, for those that were not started by exec: a forked
 * process has the words of its parent until it says otherwise.
 */
#pragma once

/* The words behind the program's name, NULL-terminated. They take the room of those that the
 * program was started with; what does not fit is cut off. Failure changes nothing. */
void process_title(const char *const *words);
