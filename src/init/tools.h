/*
 * What trunkline-init is besides process 1: small programs for the inside of a container, found by
 * the name or the first word that it is called with.
 *
 *   codebuild-hash-files PATTERN...   one hash over files of the source directory, for cache keys
 *   trunkline-init git-credential     answers git by the build's endpoint
 *   codebuild-glob-search PATTERN...  names of files of the working folder, one a line
 *   codebuild-tests-run --test-command COMMAND --files-search COMMAND [--sharding-strategy NAME]
 *                                     a command, with the files that are this build's of a fan-out
 *   trunkline-init place LIST         puts the files of a cache where they belong
 */
#pragma once

/* Prints SHA-256 over the SHA-256s of all matching files in order of their names, as 64 digits.
 * Relative patterns begin in $CODEBUILD_SRC_DIR, or else in the working folder. Exit code 1 and a
 * message when nothing matches. */
int hash_files(int argc, char **argv);

/* Passes git's question (standard input) on to the endpoint at `path`, and its answer to standard
 * output. Operations other than "get" do nothing. */
#define ENDPOINT "169.254.170.2" /* GATEWAY_ENDPOINT_ADDRESS of flow/gateway */
int git_credential(const char *path, const char *operation);

/* Sorted, each once; nothing is no failure. */
int glob_search(int argc, char **argv);

/* Splits what the search prints (one name a line) by CODEBUILD_SHARD_INDEX and _COUNT, evenly by
 * name or by a stable hash; becomes `/bin/sh -c COMMAND FILES...`. Where the command names
 * CODEBUILD_CURRENT_SHARD_FILES, which holds them one a line, nothing is appended. */
int tests_run(int argc, char **argv);

/* LIST holds records of a letter and two texts, each ended by NUL: 'f' file, target; 'l' what the
 * link says, where the link goes. Folders are made; what is there is replaced, but for folders.
 * What cannot be placed is told and left out; exit code 1 only when LIST cannot be read. */
int place(const char *list);
