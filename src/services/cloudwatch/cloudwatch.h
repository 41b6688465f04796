/* Shared by the files of this folder, and the jobs that the daemon starts. */
#pragma once

#include "gen/cloudwatch.h"
#include "runtime/queue/queue.h"
#include "services/cloudwatch/alarm_store.h"
#include "services/cloudwatch/metric_store.h"
#include "services/cloudwatch/statistic.h"
#include "services/core/env.h"

#define CW_TICK "cloudwatch.tick"
#define CW_ACTION "cloudwatch.action"

/* The kinds of jobs of this service; `env` outlives the queue. */
enum { CW_KINDS = 3 };
void cloudwatch_queue_kinds(struct service_env *env, struct queue_kind ret[CW_KINDS]);

struct cw_key cw_key_of(const struct call *c, struct str namespace, struct str name,
                        const struct cloudwatch_dimension_list *dimensions);
bool cw_period_ok(int64_t period_s);

/* Queries of GetMetricData and of alarms on metric math. */
struct cw_queries {
    struct db *db;
    struct arena *arena;
    struct str account, region;
    const struct cloudwatch_metric_data_query_list *list;
    int64_t start_ms, end_ms;
    int *budget; /* steps left: expressions that name each other could multiply */
};
enum { CW_QUERY_BUDGET = 5000 };
/* Ids, periods, statistics, expressions refer to what is there. ERR_INVALID, or ERR_UNSUPPORTED. */
int cw_queries_check(const struct cloudwatch_metric_data_query_list *list, struct arena *a,
                     struct err *err) MUST_USE;
int64_t cw_query_period_ms(const struct cw_queries *q, size_t at);
/* Series of query `at`, on a grid of multiples of its period that covers start to end. */
struct cw_series_list {
    struct stat_series *v;
    size_t n;
};
int cw_query_series(const struct cw_queries *q, size_t at, struct cw_series_list *ret,
                    struct err *err) MUST_USE;

/* Judges alarms, inside the caller's transaction; a changed state is written, put into the history,
 * and its actions are queued. */
int cw_evaluate(struct db *db, struct arena *a, struct cw_alarm_row *alarm, int64_t now_ms,
                struct err *err) MUST_USE;
int cw_evaluate_for(struct db *db, struct arena *a, const struct cw_key *key, int64_t now_ms,
                    struct err *err) MUST_USE;
/* Sets the state as told; the rest is the same. */
int cw_transition(struct db *db, struct arena *a, struct cw_alarm_row *alarm, struct str state,
                  struct str reason, struct str reason_data, int64_t now_ms,
                  struct err *err) MUST_USE;
/* The next look that is needed without new data; 0 = none. */
int64_t cw_next_look(const struct cloudwatch_metric_alarm *config, int64_t now_ms);
