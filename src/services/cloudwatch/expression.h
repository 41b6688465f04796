/*
 * Metric math: expressions over series. Numbers, ids of other queries, + - * / ^, comparisons,
 * parentheses, lists, and the functions SUM AVG MIN MAX ABS CEIL FLOOR FILL IF METRICS
 * DATAPOINT_COUNT PERIOD. Pure.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "services/cloudwatch/statistic.h"

struct expression_input {
    struct str id;
    struct stat_series series;
    bool is_metric; /* METRICS() takes those that are no expressions */
};

enum { EXPRESSION_INPUTS = 500, EXPRESSION_DEPTH = 50 };

/* Evaluates over series that all have the same grid; `grid` gives it. Several series come out of a
 * list-valued expression. ERR_INVALID says what is wrong with the text, ERR_UNSUPPORTED what we do
 * not have. */
struct expression_output {
    struct stat_series *v;
    size_t n;
};
int expression_eval(struct arena *a, struct str text, const struct expression_input *inputs,
                    size_t n_inputs, const struct stat_series *grid, struct expression_output *ret,
                    struct err *err) MUST_USE;

/* Ids that an expression names, in order of appearance. */
void expression_ids(struct arena *a, struct str text, struct str_list *ret);
