/*
 * The builds of a batch as JSON and back: what the build that reads a batch section leaves for the
 * server (`batchspec.json` of its directory), and what the server stores of each.
 */
#pragma once

#include "base/err.h"
#include "flow/phase/buildspec_batch.h"

#include <jansson.h>

enum { BATCH_JSON_MAX = 16 * 1024 * 1024 };

/* {"tasks": [...], "fastFail": ...}: all builds of a batch, written out. */
struct str batch_tasks_json(struct arena *a, const struct buildspec_batch *batch);
/* ERR_INVALID when it is not that, or has no builds or too many. */
int batch_tasks_parse(struct arena *a, struct str text, struct batch_tasks *ret,
                      bool *ret_fast_fail, struct err *err) MUST_USE;

json_t *batch_task_json(const struct batch_task *task);
struct batch_task batch_task_parse(struct arena *a, const json_t *object);
