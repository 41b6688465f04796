/* Writes a batch out as the list of its builds. */
#include "flow/phase/buildspec_batch.h"

/* Makes `list` anew with each of its builds once for every value. */
static struct batch_tasks times(struct arena *a, struct batch_tasks list, size_t values) {
    struct batch_tasks product = {arena_new_n(a, struct batch_task, list.n * values),
                                  list.n * values};
    for (size_t i = 0; i < product.n; i++) {
        product.v[i] = list.v[i / values];
    }
    return product;
}

/* A copy of `env`'s variables with one more; each build has an array of its own. */
static struct str_map with_variable(struct arena *a, const struct str_map *map, struct str name,
                                    struct str value) {
    struct str_map more = {arena_new_n(a, struct str_pair, map->n + 1), 0};
    for (size_t i = 0; i < map->n; i++) {
        if (!str_eq(map->v[i].key, name)) {
            more.v[more.n++] = map->v[i];
        }
    }
    more.v[more.n++] = (struct str_pair){name, value};
    return more;
}

static struct batch_tasks expand_matrix(struct arena *a, const struct batch_matrix *m) {
    struct batch_tasks list = {arena_new(a, struct batch_task), 1};
    list.v[0] = (struct batch_task){.ignore_failure = m->ignore_failure, .env = m->fixed};
    if (m->buildspecs.n > 0) {
        list = times(a, list, m->buildspecs.n);
        for (size_t i = 0; i < list.n; i++) {
            list.v[i].buildspec = m->buildspecs.v[i % m->buildspecs.n];
        }
    }
    if (m->compute_types.n > 0) {
        list = times(a, list, m->compute_types.n);
        for (size_t i = 0; i < list.n; i++) {
            list.v[i].env.compute_type = m->compute_types.v[i % m->compute_types.n];
        }
    }
    if (m->images.n > 0) {
        list = times(a, list, m->images.n);
        for (size_t i = 0; i < list.n; i++) {
            list.v[i].env.image = m->images.v[i % m->images.n];
        }
    }
    for (size_t k = 0; k < m->variables.n; k++) {
        const struct batch_values *variable = &m->variables.v[k];
        list = times(a, list, variable->values.n);
        for (size_t i = 0; i < list.n; i++) {
            struct str value = variable->values.v[i % variable->values.n];
            struct batch_env *env = &list.v[i].env;
            env->variables = with_variable(a, &env->variables, variable->name, value);
        }
    }
    for (size_t i = 0; i < list.n; i++) {
        list.v[i].identifier = str_printf(a, "matrix_%zu", i + 1);
    }
    return list;
}

static struct batch_tasks expand_fanout(struct arena *a, const struct batch_fanout *fanout) {
    struct batch_tasks list = {arena_new_n(a, struct batch_task, fanout->parallelism),
                               fanout->parallelism};
    for (unsigned i = 0; i < fanout->parallelism; i++) {
        list.v[i] = (struct batch_task){
            .identifier = str_printf(a, "fanout_%u", i + 1),
            .ignore_failure = fanout->ignore_failure,
            .shard = i,
            .shards = fanout->parallelism,
        };
    }
    return list;
}

struct batch_tasks batch_expand(struct arena *a, const struct buildspec_batch *batch) {
    switch (batch->kind) {
    case BATCH_LIST:
    case BATCH_GRAPH:
        return batch->tasks;
    case BATCH_MATRIX:
        return expand_matrix(a, &batch->matrix);
    case BATCH_FANOUT:
        return expand_fanout(a, &batch->fanout);
    case BATCH_NONE:
        break;
    }
    return (struct batch_tasks){0};
}
