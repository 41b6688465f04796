/*
 * DATA/run.json: what `trunkline run` asks of the one build of its own short-lived server, beyond
 * what a project can say. It names files of this machine, so no API writes it; only who may write
 * the data directory does.
 *   image, privileged      what the person chose, whom trunkline.yml does not restrict
 *   source, mount          a zip; or the folder itself, shown in the container
 *   secondary              {ID: zip}
 *   artifacts, reports     folders that are written to
 *   account, region, endpoint, caFile, serveDir, credentials    another account than the server's
 *   owner                  a file that is locked as long as the person waits
 *   shell                  a failed build waits for a shell
 */
#pragma once

#include "flow/plan/plan.h"

#define RUN_FILE "run.json"

/* Changes the plan as the file says; no file, no change. */
int run_file_apply(struct arena *a, const char *data_dir, struct plan *plan,
                   struct err *err) MUST_USE;
