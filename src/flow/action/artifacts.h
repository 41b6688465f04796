/*
 * Artifacts of an action: the zips that earlier actions left, opened and checked against the digest
 * that was stored with them, and those that this one leaves. Everything is read and written as the
 * target given, which is the action's role.
 */
#pragma once

#include "flow/action/action.h"
#include "gen/s3.h"

/* The row of one of the attempt's inputs, in a transaction of its own. ERR_INVALID names an
 * artifact that no action made. */
int action_input(struct action_run *run, struct str name, struct artifact_row *ret,
                 struct err *err) MUST_USE;

/* The first input, or the one that `name` names among the declared ones; ERR_INVALID otherwise. */
int action_input_named(struct action_run *run, struct str name, struct artifact_row *ret,
                       struct err *err) MUST_USE;

/* The zip, to be closed by the caller, its position at its beginning. ERR_INVALID: it is not what
 * was stored. */
int action_input_open(struct action_run *run, const struct aws_target *target,
                      const struct artifact_row *row, struct aws_body *ret,
                      struct err *err) MUST_USE;

/* Unpacks it into `dir`, which is made. */
int action_input_unpack(struct action_run *run, const struct aws_target *target,
                        const struct artifact_row *row, const char *dir, struct err *err) MUST_USE;

/* One file of it, at most `max` bytes. ERR_INVALID: there is none of that name. */
int action_input_file(struct action_run *run, const struct aws_target *target,
                      const struct artifact_row *row, struct str file, size_t max, struct str *ret,
                      struct err *err) MUST_USE;

/* JSON of the attempt's inputs for its record: [{name,bucket,key,sha256}]. */
struct str action_inputs_json(struct arena *a, const struct artifact_row *rows, size_t n);

/* The place of one of the attempt's outputs in the store of its region. */
struct action_artifact action_output(struct action_run *run, struct str name);

/* Stores a zip there, encrypted with the store's key, and fills in its digest. */
int action_output_put(struct action_run *run, const struct aws_target *target, const char *zip,
                      struct action_artifact *artifact, struct err *err) MUST_USE;

/* The same for a zip whose only file is `text`; without a name there is no file in it. */
int action_output_text(struct action_run *run, const struct aws_target *target, struct str name,
                       struct str text, struct action_artifact *artifact, struct err *err) MUST_USE;

/* action_put_outputs in a transaction of its own. */
int action_store_outputs(struct action_run *run, const struct action_artifact *list, size_t n,
                         struct str *ret_json, struct err *err) MUST_USE;

/* Asks for the encryption that the store names. */
void action_store_encryption(const struct def_store *store, struct s3_put_object_request *in);
