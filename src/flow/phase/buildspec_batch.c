/* Reads the batch section of a buildspec and checks that it can be run. */
#include "flow/phase/buildspec_internal.h"

static enum batch_choice read_choice(struct spec_reader *r, const struct yaml_node *node,
                                     const char *what) {
    if (yaml_is_null(node)) {
        return BATCH_UNSET;
    }
    return spec_bool(r, node, what) ? BATCH_YES : BATCH_NO;
}

static void read_env(struct spec_reader *r, const struct yaml_node *node, const char *what,
                     struct batch_env *ret) {
    if (!spec_mapping(r, PLACE_BATCH_ENV, node, what)) {
        return;
    }
    const struct yaml_node *variables = yaml_get(node, "variables");
    const char *names = str_printf(r->arena, "%s.variables", what).p;
    ret->compute_type = spec_text(r, yaml_get(node, "compute-type"), what);
    ret->fleet = spec_text(r, yaml_get(node, "fleet"), what);
    ret->image = spec_text(r, yaml_get(node, "image"), what);
    ret->type = spec_text(r, yaml_get(node, "type"), what);
    ret->privileged = read_choice(r, yaml_get(node, "privileged-mode"), "privileged-mode");
    spec_check_names(r, variables, names);
    ret->variables = spec_map(r, variables, names);
    if (ret->fleet.p != NULL && ret->compute_type.p != NULL) {
        spec_error(r, "batch", yaml_get(node, "fleet"),
                   "%s gives both fleet and compute-type: keep one of them", what);
    }
}

/* AWS names artifacts and statuses after identifiers. */
static bool is_identifier(struct str text) {
    for (size_t i = 0; i < text.n; i++) {
        struct str c = str_sub(text, i, 1);
        if (!buildspec_variable_name(c) && c.p[0] != '-' && (c.p[0] < '0' || c.p[0] > '9')) {
            return false;
        }
    }
    return text.n > 0 && text.n <= 128;
}

static void read_identifier(struct spec_reader *r, const struct yaml_node *task, const char *what,
                            struct batch_task *ret) {
    const struct yaml_node *node = yaml_get(task, "identifier");
    ret->identifier = spec_text(r, node, what);
    if (ret->identifier.p == NULL) {
        spec_error(r, "batch-identifier", task, "%s has no identifier: every build needs one",
                   what);
    } else if (!is_identifier(ret->identifier)) {
        spec_error(r, "batch-identifier", node,
                   "identifier '" STR_FMT "' is not made of letters, digits, '_' and '-' (128 at "
                   "most)",
                   STR_ARG(ret->identifier));
    }
}

static const struct batch_task *find_task(const struct batch_tasks *tasks, struct str id) {
    for (size_t i = 0; i < tasks->n; i++) {
        if (id.p != NULL && str_eq(tasks->v[i].identifier, id)) {
            return &tasks->v[i];
        }
    }
    return NULL;
}

static void read_task(struct spec_reader *r, enum buildspec_place place,
                      const struct yaml_node *node, const char *what) {
    if (!spec_mapping(r, place, node, what)) {
        if (yaml_is_null(node)) {
            spec_error(r, "type", node, "%s is empty", what);
        }
        return;
    }
    struct batch_task task = {0};
    read_identifier(r, node, what, &task);
    if (find_task(&r->spec->batch.tasks, task.identifier) != NULL) {
        spec_error(r, "batch-identifier", yaml_get(node, "identifier"),
                   "identifier '" STR_FMT "' is there already: each build needs one of its own",
                   STR_ARG(task.identifier));
    }
    task.buildspec = spec_text(r, yaml_get(node, "buildspec"), what);
    task.debug_session = spec_bool(r, yaml_get(node, "debug-session"), "debug-session");
    task.ignore_failure = spec_bool(r, yaml_get(node, "ignore-failure"), "ignore-failure");
    read_env(r, yaml_get(node, "env"), str_printf(r->arena, "%s.env", what).p, &task.env);
    if (place == PLACE_BATCH_GRAPH_TASK) {
        task.depend_on = spec_texts(r, yaml_get(node, "depend-on"), "depend-on");
    }
    *arena_push(r->arena, &r->spec->batch.tasks) = task;
}

static void check_dependencies(struct spec_reader *r, const struct yaml_node *list) {
    const struct batch_tasks *tasks = &r->spec->batch.tasks;
    if (tasks->n != list->n) {
        return; /* told already */
    }
    bool ended[BATCH_MAX_TASKS] = {false};
    for (size_t i = 0; i < tasks->n; i++) {
        for (size_t j = 0; j < tasks->v[i].depend_on.n; j++) {
            if (find_task(tasks, tasks->v[i].depend_on.v[j]) == NULL) {
                spec_error(r, "batch-depend-on", yaml_get(list->item[i], "depend-on"),
                           "depend-on names '" STR_FMT "', which is no build of this graph",
                           STR_ARG(tasks->v[i].depend_on.v[j]));
                ended[i] = true; /* no circle as well */
            }
        }
    }
    for (bool moved = true; moved;) {
        moved = false;
        for (size_t i = 0; i < tasks->n; i++) {
            bool ready = !ended[i];
            for (size_t j = 0; ready && j < tasks->v[i].depend_on.n; j++) {
                ready = ended[find_task(tasks, tasks->v[i].depend_on.v[j]) - tasks->v];
            }
            ended[i] = ended[i] || ready;
            moved = moved || ready;
        }
    }
    for (size_t i = 0; i < tasks->n; i++) {
        if (!ended[i]) {
            spec_error(r, "batch-depend-on", yaml_get(list->item[i], "depend-on"),
                       "build '" STR_FMT "' waits for itself through depend-on: it would never "
                       "start",
                       STR_ARG(tasks->v[i].identifier));
        }
    }
}

static void read_tasks(struct spec_reader *r, enum buildspec_place place,
                       const struct yaml_node *list, const char *what) {
    if (list->kind != YAML_SEQUENCE) {
        return; /* told by spec_mapping */
    }
    if (list->n == 0 || list->n > BATCH_MAX_TASKS) {
        spec_error(r, "batch", list, "%s holds %zu builds: it takes 1 to %d", what, list->n,
                   BATCH_MAX_TASKS);
        return;
    }
    for (size_t i = 0; i < list->n; i++) {
        struct str item = str_printf(r->arena, "%s[%zu]", what, i);
        read_task(r, place, list->item[i], item.p);
    }
    if (place == PLACE_BATCH_GRAPH_TASK) {
        check_dependencies(r, list);
    }
}

static void read_matrix_variables(struct spec_reader *r, const struct yaml_node *node,
                                  struct batch_matrix *ret) {
    if (!spec_any_mapping(r, node, "build-matrix.dynamic.env.variables")) {
        return;
    }
    spec_check_names(r, node, "build-matrix.dynamic.env.variables");
    for (size_t i = 0; i < node->n; i++) {
        struct str name = node->pair[i].key->text;
        const char *what = str_z(r->arena, name);
        struct str_list values = spec_texts(r, node->pair[i].value, what);
        if (values.n == 0) {
            spec_error(r, "batch", node->pair[i].key,
                       "'" STR_FMT "' of the matrix has no values: it takes a list", STR_ARG(name));
        } else {
            *arena_push(r->arena, &ret->variables) = (struct batch_values){name, values};
        }
    }
}

static void check_size(struct spec_reader *r, const struct yaml_node *node,
                       const struct batch_matrix *m) {
    size_t builds = 1;
    size_t dimensions = 0;
    size_t lists = 3 + m->variables.n;
    for (size_t i = 0; i < lists && builds <= BATCH_MAX_TASKS; i++) {
        size_t n = i == 0   ? m->buildspecs.n
                   : i == 1 ? m->compute_types.n
                   : i == 2 ? m->images.n
                            : m->variables.v[i - 3].values.n;
        builds *= n > 0 ? n : 1;
        dimensions += n > 0;
    }
    if (dimensions == 0) {
        spec_error(r, "batch", node,
                   "build-matrix.dynamic gives nothing to combine: buildspec, env.compute-type, "
                   "env.image or env.variables");
    } else if (builds > BATCH_MAX_TASKS) {
        spec_error(r, "batch", node, "the matrix makes more than %d builds", BATCH_MAX_TASKS);
    }
}

static void read_matrix(struct spec_reader *r, const struct yaml_node *node) {
    struct batch_matrix *m = &r->spec->batch.matrix;
    if (!spec_mapping(r, PLACE_BATCH_MATRIX, node, "batch.build-matrix")) {
        return;
    }
    const struct yaml_node *fixed = yaml_get(node, "static");
    if (spec_mapping(r, PLACE_BATCH_STATIC, fixed, "build-matrix.static")) {
        m->ignore_failure = spec_bool(r, yaml_get(fixed, "ignore-failure"), "ignore-failure");
        read_env(r, yaml_get(fixed, "env"), "build-matrix.static.env", &m->fixed);
    }
    const struct yaml_node *dynamic = yaml_get(node, "dynamic");
    if (spec_mapping(r, PLACE_BATCH_DYNAMIC, dynamic, "build-matrix.dynamic")) {
        const struct yaml_node *env = yaml_get(dynamic, "env");
        m->buildspecs = spec_texts(r, yaml_get(dynamic, "buildspec"), "dynamic.buildspec");
        if (spec_mapping(r, PLACE_BATCH_DYNAMIC_ENV, env, "build-matrix.dynamic.env")) {
            m->compute_types = spec_texts(r, yaml_get(env, "compute-type"), "compute-type");
            m->images = spec_texts(r, yaml_get(env, "image"), "image");
            read_matrix_variables(r, yaml_get(env, "variables"), m);
        }
    }
    check_size(r, dynamic ? dynamic : node, m);
}

static void read_fanout(struct spec_reader *r, const struct yaml_node *node) {
    struct batch_fanout *fanout = &r->spec->batch.fanout;
    if (!spec_mapping(r, PLACE_BATCH_FANOUT, node, "batch.build-fanout")) {
        return;
    }
    const struct yaml_node *parallelism = yaml_get(node, "parallelism");
    struct str text = spec_text(r, parallelism, "parallelism");
    unsigned long long n = 0;
    fanout->ignore_failure = spec_bool(r, yaml_get(node, "ignore-failure"), "ignore-failure");
    if (text.p == NULL || !str_to_u64(text, &n) || n == 0 || n > BATCH_MAX_TASKS) {
        spec_error(r, "batch", parallelism ? parallelism : node,
                   "build-fanout.parallelism must be a number from 1 to %d", BATCH_MAX_TASKS);
        return;
    }
    fanout->parallelism = (unsigned)n;
}

void spec_read_batch(struct spec_reader *r, const struct yaml_node *node) {
    static const char *const types[] = {"build-list", "build-graph", "build-matrix",
                                        "build-fanout"};
    struct buildspec_batch *batch = &r->spec->batch;
    if (!spec_mapping(r, PLACE_BATCH, node, "batch")) {
        return;
    }
    batch->fast_fail = spec_bool(r, yaml_get(node, "fast-fail"), "fast-fail");
    const struct yaml_node *section = NULL;
    for (unsigned i = 0; i < 4; i++) {
        const struct yaml_node *one = yaml_get(node, types[i]);
        if (!yaml_is_null(one) && section != NULL) {
            spec_error(r, "batch", one, "a batch has one type: '%s' stands beside another one",
                       types[i]);
            return;
        }
        if (!yaml_is_null(one)) {
            section = one;
            batch->kind = (enum batch_kind)(BATCH_LIST + i);
        }
    }
    switch (batch->kind) {
    case BATCH_NONE:
        spec_error(r, "batch", node,
                   "batch holds no builds: it takes build-list, build-graph, build-matrix or "
                   "build-fanout");
        break;
    case BATCH_LIST:
        read_tasks(r, PLACE_BATCH_TASK, section, "batch.build-list");
        break;
    case BATCH_GRAPH:
        read_tasks(r, PLACE_BATCH_GRAPH_TASK, section, "batch.build-graph");
        break;
    case BATCH_MATRIX:
        read_matrix(r, section);
        break;
    case BATCH_FANOUT:
        read_fanout(r, section);
        break;
    }
}
