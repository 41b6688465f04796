/* What the files of the engine share; engine.h has the rules. engine_step.c: the step and what
 * happens by itself; engine_stage.c: in front of a stage, inside it, out of it; engine_control.c:
 * what people ask for. */
#pragma once

#include "base/planted.h"
#include "flow/execution/engine.h"

struct step {
    struct arena *arena;
    struct engine_state *s;
    struct engine_effect_list *effects;
    struct str seed;
    unsigned ids; /* made so far */
    enum engine_refusal refusal;
    struct err *err;
};

/* Returns -1 and says why; nothing of the step is kept. */
int refuse(struct step *t, enum engine_refusal why, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

struct str new_id(struct step *t);
struct engine_execution *find_execution(struct step *t, struct str id);
struct engine_stage *find_stage(struct step *t,
                                struct str name);   /* NULL: not of the current version */
int stage_missing(struct step *t, struct str name); /* refuses */
/* The stage of e's own version; index is its place there. NULL: that version is gone. */
const struct engine_plan_stage *plan_stage(struct step *t, const struct engine_execution *e,
                                           size_t *ret_index);
size_t active_executions(const struct engine_state *s);

/* Telling. */
struct engine_effect *tell(struct step *t, enum effect_kind kind, const struct engine_execution *e);
void set_status(struct step *t, struct engine_execution *e, enum exec_status status);
void set_action(struct step *t, const struct engine_execution *e, struct engine_action *a,
                enum run_status status);
void tell_stage(struct step *t, const struct engine_execution *e, enum stage_status status);
void tell_resumed(struct step *t, struct engine_execution *e); /* in progress again, and says so */

/* Actions of an execution. */
bool any_action(const struct engine_execution *e, enum run_status status);
void reset_for_retry(struct engine_execution *e, bool all_actions);
void abandon_approvals(struct step *t, const struct engine_execution *e);

/* Conditions. */
enum condition_kind condition_running(const struct engine_execution *e);
void tell_condition(struct step *t, const struct engine_execution *e, enum condition_kind kind,
                    enum condition_status status);
/* The check that runs, if one does, is of no use any more. */
void drop_check(struct step *t, const struct engine_execution *e, enum condition_status status);

/* In front of a stage, by its name in e's own version. */
void arrive(struct step *t, struct engine_execution *e, const struct engine_plan_stage *p);
void admit(struct step *t, struct engine_stage *stage); /* lets in who may enter */
bool open_for_entry(const struct step *t, const struct engine_stage *stage); /* both transitions */
void stop_waiting(struct step *t, const struct engine_execution *e);
void enter(struct step *t, struct engine_execution *e, const struct engine_plan_stage *p);
void supersede(struct step *t, struct engine_execution *older, struct str newer);

/* Inside. */
void begin_stage(struct step *t, struct engine_execution *e, const struct engine_plan_stage *p,
                 bool resumed);
void run_actions(struct step *t, struct engine_execution *e); /* past the entry condition */
void actions_changed(struct step *t, struct engine_execution *e);
void check_decided(struct step *t, struct engine_execution *e, bool ok, bool errored);

/* Out of it. */
void end_execution(struct step *t, struct engine_execution *e, enum exec_status status);
void leave_interrupted(struct step *t, struct engine_execution *e);
void leave_succeeded(struct step *t, struct engine_execution *e);
/* A new execution that puts `target`'s work back into the stage, which must be free. */
void roll_back(struct step *t, const struct engine_plan_stage *p, struct str target,
               const struct engine_execution *failed);

/* engine_control.c: one function an event. */
int on_approval(struct step *t, const struct engine_event *event);
int on_transition(struct step *t, const struct engine_event *event);
int on_stop(struct step *t, const struct engine_event *event);
int on_retry(struct step *t, const struct engine_event *event);
int on_rollback(struct step *t, const struct engine_event *event);
int on_override(struct step *t, const struct engine_event *event);
int on_newest(struct step *t, const struct engine_event *event);
