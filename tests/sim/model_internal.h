/* What the two files of the model share: model.c has what applies by itself, model_events.c what
 * each event does before that. */
#pragma once

#include "model.h"

const struct model_plan *model_now(const struct model *m);
const struct model_stage *model_stage_of(const struct model *m, int e);
bool model_parallel(const struct model *m, int e);
bool model_is_rollback(const struct model *m, int e);
bool model_active(const struct model *m, int e);
int model_position(const struct model_plan *p, int name);
bool model_too_many(const struct model *m);
void model_set_place(struct model *m, int e, int place);
void model_set_stage(struct model *m, int e, int status);
int model_holder(const struct model *m, int stage);
void model_finish(struct model *m, int e, int status);
void model_drop_check(struct model *m, int e, int status);
void model_set_run(struct model *m, int e, int action, int status);
int model_count(const struct model *m, int e, int status);
bool model_shut(const struct model *m, int e);
void model_next_stage(struct model *m, int e);
void model_stage_done(struct model *m, int e);
void model_fail(struct model *m, int e, int by);
int model_new_execution(struct model *m);
void model_roll_back(struct model *m, int pos, int target, bool automatic);
void model_fail_and_roll_back(struct model *m, int e, int by);
void model_try_again(struct model *m, int e, bool all);
void model_arrive(struct model *m, int e, int pos);

enum engine_refusal model_take(struct model *m, const struct model_event *event);
