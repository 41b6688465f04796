/*
 * The scripts by which a build's commands run. Each command gets a new shell that restores
 * directory and variables from the last one, runs it, and saves them again, with the same lines,
 * files and line numbers as CodeBuild's own. So a `cd` and every variable that was assigned
 * (exported or not) live on; functions, `set -e`, traps and aliases do not; and a command that
 * calls `exit` saves nothing.
 */
#pragma once

#include "base/arena.h"

#define SCRIPT_DIR "/codebuild/output/tmp"
#define SCRIPT_PATH SCRIPT_DIR "/script.sh"
#define SCRIPT_ENV SCRIPT_DIR "/env.sh"
#define SCRIPT_CWD SCRIPT_DIR "/dir.txt"

/* The wrapper around one command. `set` is assigned before it (CODEBUILD_BUILD_SUCCEEDING) without
 * adding a line. `directory`: what SCRIPT_CWD says; absent, or not fit for one line: the script
 * asks. */
struct str script_of_command(struct arena *a, struct str command, const struct str_map *set,
                             struct str directory);

/* The same for version 0.1 of the buildspec: every command begins in `directory` with the variables
 * of the build's start, and saves nothing. */
struct str script_of_command_1(struct arena *a, struct str command, struct str directory,
                               const struct str_map *set);

/* A script that prints the whole environment as the commands left it: NAME=VALUE, each ended by
 * NUL. */
struct str script_print_env(struct arena *a);

/* A script that prints `text` as the shell evaluates it within double quotes, and nothing else. */
struct str script_evaluate(struct arena *a, struct str text);

/* First content of SCRIPT_ENV. Variables whose names no shell takes are left out. */
struct str script_env_file(struct arena *a, const struct str_map *env);

/* Reads what script_print_env printed. A last entry without NUL was cut off and is left out. */
struct str_map script_read_env(struct arena *a, struct str printed);

/* 'it'\''s' */
struct str script_quote(struct arena *a, struct str text);
