/*
 * Where supervisors come from: a process that has loaded and prepared everything once, with one
 * thread, and forks when serve asks. Starting the program anew costs 12 ms of a processor, nearly
 * all of it the dynamic loader's, and memory that the copies share. It is started by exec, so that
 * nothing of serve's memory is in a supervisor; it ends when serve does, supervisors go on.
 */
#pragma once

#include "platform/os/process.h"

struct spawner;

/* `program` is this executable, `data_dir` where the builds are; borrowed. It starts when it is
 * first needed, or by spawner_prepare, and again after its death. */
struct spawner *spawner_new(const char *program, const char *data_dir);
void spawner_free(struct spawner *s); /* NULL ok */
void spawner_prepare(struct spawner *s);

struct spawner_order {
    const char *dir; /* of the build, or of a container that is made ahead */
    bool ahead;      /* supervise_ahead instead of supervise */
    int in, out;     /* its standard input and output; negative = /dev/null */
    int err;         /* its standard error */
};

/* In a session of its own. It is not our child: only its death can be waited for. For threads. */
int spawner_start(struct spawner *s, const struct spawner_order *order, struct process *ret,
                  struct err *err) MUST_USE;

/* The other side: serves orders from standard input until its end. */
int spawner_serve(struct err *err) MUST_USE;
