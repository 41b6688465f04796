/*
 * The `batch` section of a buildspec: the builds that StartBuildBatch makes of it. Exactly one of
 * the four types stands in a buildspec. What reading guarantees (it is an error otherwise):
 * identifiers are there, unique and made of letters, digits, '_' and '-'; `depend-on` names tasks
 * of the same graph and leads into no circle; a batch has 1 to BATCH_MAX_TASKS builds.
 *
 * The identifiers of matrix and fan-out builds are ours, AWS's documents do not tell them
 * (docs/limits.md). Source of the rest: AWS's "Batch build buildspec reference".
 */
#pragma once

#include "base/arena.h"
#include "base/str.h"

/* AWS's quota for the builds of one batch; restrictions of a project may lower it. */
enum { BATCH_MAX_TASKS = 100 };

enum batch_kind { BATCH_NONE, BATCH_LIST, BATCH_GRAPH, BATCH_MATRIX, BATCH_FANOUT };

/* A yes or no that may be absent, which then means what the project says. */
enum batch_choice { BATCH_UNSET, BATCH_NO, BATCH_YES };

/* What a batch sets for one of its builds; what is absent is the project's. */
struct batch_env {
    struct str compute_type;
    struct str fleet;
    struct str image;
    struct str type; /* LINUX_CONTAINER ... */
    enum batch_choice privileged;
    struct str_map variables; /* over those of the project, under none */
};

struct batch_task {
    struct str identifier; /* CODEBUILD_BATCH_BUILD_IDENTIFIER */
    struct str buildspec;  /* absent = the buildspec that holds the batch */
    bool debug_session;
    bool ignore_failure; /* its failure does not fail the batch */
    struct batch_env env;
    struct str_list depend_on; /* graph: identifiers of tasks that have ended before */
    unsigned shard, shards;    /* fan-out: 0-based number of this build, and how many; else 0, 0 */
};

struct batch_tasks {
    struct batch_task *v;
    size_t n;
};

/* One dimension of the matrix' variables. */
struct batch_values {
    struct str name;
    struct str_list values;
};

struct batch_matrix {
    bool ignore_failure;
    struct batch_env fixed;     /* static.env */
    struct str_list buildspecs; /* dynamic; each list empty = not a dimension */
    struct str_list compute_types;
    struct str_list images;
    struct {
        struct batch_values *v;
        size_t n;
    } variables;
};

struct batch_fanout {
    unsigned parallelism; /* 1 to BATCH_MAX_TASKS */
    bool ignore_failure;
};

struct buildspec_batch {
    enum batch_kind kind;       /* BATCH_NONE: there is no batch section */
    bool fast_fail;             /* stop the others when one fails */
    struct batch_tasks tasks;   /* LIST and GRAPH, in the order of the file */
    struct batch_matrix matrix; /* MATRIX */
    struct batch_fanout fanout; /* FANOUT */
};

/* The builds of a batch of any type, in order: those of a list or graph as they are; of a matrix
 * the product of its dimensions, the last one (of buildspec, compute-type, image, variables)
 * changing fastest; of a fan-out one for each shard. Empty for BATCH_NONE. Texts are shared with
 * `batch`, the array is owned by `a`. Pure. */
struct batch_tasks batch_expand(struct arena *a, const struct buildspec_batch *batch);
