/*
 * Expands the templates of struct shape_right. Filters turn what a client may write into what
 * policies name:
 *   path      /app/name:3 or an ARN of it -> app/name (SSM parameters)
 *   s3source  /bucket/key%20x?versionId=1 -> bucket/key x (x-amz-copy-source)
 *   build     project:uuid or the ARN of a build or batch -> the project (CodeBuild)
 *   report    a report's ARN -> its report group (CodeBuild)
 *   kmskey    id -> key/id; alias/x stays
 *   loggroup  the group's ARN -> its name
 *   function  111111111111:function:name -> name
 *   iampath   absent -> /
 *   ebbus     absent -> default; of a list of entries, too, when one of them names no bus (events)
 *   ebrule    name or ARN of a bus -> what stands before a rule's name: nothing for the default one
 * apigen knows this list too (tools/apigen/check.c) and refuses other words.
 */
#include "aws/shape/rights.h"

/* What one expansion needs on its way down. */
struct expansion {
    struct arena *a;
    const struct shape_op *op;
    const void *in;
    struct str action, account, region;
    struct shape_need_list *needs;
};

static bool is_arn(struct str s) {
    return str_starts(s, S("arn:"));
}

/* The part of an ARN behind its fifth colon; absent if there is none. */
static struct str arn_resource(struct str arn) {
    struct str part;
    for (int i = 0; i < 5; i++) {
        if (!str_cut(&arn, ':', &part)) {
            return STR_NONE;
        }
    }
    return arn;
}

/* Without ":3" or ":label" behind a parameter's name. */
static struct str filter_path(struct str value) {
    struct str name = value;
    size_t before = 0;
    if (is_arn(value)) {
        name = arn_resource(value);
        before = name.p ? (size_t)(name.p - value.p) : 0;
    }
    size_t colon = str_find_c(name, ':', 0);
    if (colon != (size_t)-1) {
        value = str_sub(value, 0, before + colon);
    }
    return is_arn(value) || !str_starts(value, S("/")) ? value : str_sub(value, 1, value.n);
}

static int hex_digit(char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

static struct str filter_s3source(struct arena *a, struct str value) {
    value = str_starts(value, S("/")) ? str_sub(value, 1, value.n) : value;
    size_t query = str_find(value, S("?versionId="), 0);
    value = query == (size_t)-1 ? value : str_sub(value, 0, query);
    char *out = arena_alloc(a, value.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < value.n; i++) {
        int high = value.p[i] == '%' && i + 2 < value.n ? hex_digit(value.p[i + 1]) : -1;
        int low = high >= 0 ? hex_digit(value.p[i + 2]) : -1;
        if (low >= 0) {
            out[n++] = (char)(high * 16 + low);
            i += 2;
        } else {
            out[n++] = value.p[i];
        }
    }
    return str_n(out, n);
}

static struct str filter_build(struct arena *a, struct str value) {
    if (!is_arn(value)) {
        size_t colon = str_find_c(value, ':', 0);
        return colon == (size_t)-1 ? value : str_sub(value, 0, colon);
    }
    struct str resource = arn_resource(value);
    bool batch = str_starts(resource, S("build-batch/"));
    if (!batch && !str_starts(resource, S("build/"))) {
        return value;
    }
    struct str head = str_n(value.p, (size_t)(resource.p - value.p));
    struct str project = str_sub(resource, batch ? 12 : 6, resource.n);
    size_t colon = str_find_c(project, ':', 0);
    project = colon == (size_t)-1 ? project : str_sub(project, 0, colon);
    return str_printf(a, STR_FMT "project/" STR_FMT, STR_ARG(head), STR_ARG(project));
}

static struct str filter_report(struct arena *a, struct str value) {
    struct str resource = is_arn(value) ? arn_resource(value) : STR_NONE;
    size_t colon = str_rfind_c(resource, ':');
    if (!str_starts(resource, S("report/")) || colon == (size_t)-1) {
        return value;
    }
    struct str head = str_n(value.p, (size_t)(resource.p - value.p));
    return str_printf(a, STR_FMT "report-group/" STR_FMT, STR_ARG(head),
                      STR_ARG(str_sub(resource, 7, colon - 7)));
}

static struct str filter_loggroup(struct str value) {
    struct str resource = is_arn(value) ? arn_resource(value) : STR_NONE;
    if (!str_starts(resource, S("log-group:"))) {
        return value;
    }
    struct str name = str_sub(resource, 10, resource.n);
    return str_ends(name, S(":*")) ? str_sub(name, 0, name.n - 2) : name;
}

static struct str filter_function(struct str value) {
    size_t at = str_find(value, S(":function:"), 0);
    return is_arn(value) || at == (size_t)-1 ? value : str_sub(value, at + 10, value.n);
}

/* "other" -> "other/"; the bus's ARN -> its rules' ARN up to the rule's name. */
static struct str filter_ebrule(struct arena *a, struct str value) {
    struct str resource = is_arn(value) ? arn_resource(value) : STR_NONE;
    bool whole = str_starts(resource, S("event-bus/"));
    struct str head = whole ? str_n(value.p, (size_t)(resource.p - value.p)) : S("");
    struct str bus = whole ? str_sub(resource, 10, resource.n) : value;
    bool is_default = str_is(bus, "default");
    return str_printf(a, STR_FMT "%s" STR_FMT "%s", STR_ARG(head), whole ? "rule/" : "",
                      STR_ARG(is_default ? S("") : bus), is_default ? "" : "/");
}

static struct str apply_filter(struct arena *a, struct str filter, struct str value) {
    if (str_is(filter, "path")) {
        return filter_path(value);
    }
    if (str_is(filter, "s3source")) {
        return filter_s3source(a, value);
    }
    if (str_is(filter, "build")) {
        return filter_build(a, value);
    }
    if (str_is(filter, "report")) {
        return filter_report(a, value);
    }
    if (str_is(filter, "kmskey")) {
        bool whole = is_arn(value) || str_starts(value, S("alias/"));
        return whole ? value : str_concat(a, S("key/"), value);
    }
    if (str_is(filter, "loggroup")) {
        return filter_loggroup(value);
    }
    if (str_is(filter, "function")) {
        return filter_function(value);
    }
    if (str_is(filter, "ebrule")) {
        return filter_ebrule(a, value);
    }
    return value;
}

/* Everything that `path` names below `base`, a struct of shape `s`. */
static void collect(struct arena *a, const struct shape *s, const void *base, struct str path,
                    struct str_list *ret) {
    struct str name;
    if (!str_cut(&path, '.', &name)) {
        return;
    }
    bool each = str_ends(name, S("*"));
    const struct shape_member *m = shape_find_member(s, each ? str_sub(name, 0, name.n - 1) : name);
    const void *value = m ? shape_get(m, base) : NULL;
    if (value == NULL) {
        return;
    }
    if (!each && path.p == NULL) {
        *arena_push(a, ret) = *(const struct str *)value;
        return;
    }
    if (!each) {
        collect(a, m->shape, value, path, ret);
        return;
    }
    const struct shape_list *list = value;
    bool map = m->shape->kind == SHAPE_MAP;
    size_t stride = map ? m->shape->entry_size : m->shape->item->size;
    for (size_t i = 0; i < list->n; i++) {
        const void *element = (const char *)list->v + i * stride;
        if (path.p == NULL) {
            *arena_push(a, ret) = *(const struct str *)element;
        } else {
            collect(a, m->shape->item, element, path, ret);
        }
    }
}

/* How many values `path` could have: 1, or the elements of the list that it begins with. */
static size_t places(const struct expansion *e, struct str path) {
    struct str name;
    if (!str_cut(&path, '.', &name) || !str_ends(name, S("*"))) {
        return 1;
    }
    const struct shape_member *m = shape_find_member(e->op->in, str_sub(name, 0, name.n - 1));
    const struct shape_list *list = m ? shape_get(m, e->in) : NULL;
    return list != NULL ? list->n : 0;
}

/* What filters say of values that are absent. */
static void add_defaults(const struct expansion *e, struct str path, struct str filter,
                         struct str_list *values) {
    if (values->n == 0 && str_is(filter, "iampath")) {
        *arena_push(e->a, values) = S("/");
    }
    if (str_is(filter, "ebbus") && values->n < places(e, path)) {
        *arena_push(e->a, values) = S("default");
    }
    if (values->n == 0 && str_is(filter, "ebrule")) {
        *arena_push(e->a, values) = S("default");
    }
}

/* Values of "{...}": of the call, or of the input. */
static struct str_list values_of(const struct expansion *e, struct str inside) {
    struct str_list values = {NULL, 0};
    if (str_is(inside, "@account")) {
        *arena_push(e->a, &values) = e->account;
        return values;
    }
    if (str_is(inside, "@region")) {
        *arena_push(e->a, &values) = e->region;
        return values;
    }
    struct str filter = inside, path;
    str_cut(&filter, '|', &path);
    collect(e->a, e->op->in, e->in, path, &values);
    add_defaults(e, path, filter, &values);
    for (size_t i = 0; i < values.n && filter.p != NULL; i++) {
        values.v[i] = apply_filter(e->a, filter, values.v[i]);
    }
    return values;
}

static void add_need(const struct expansion *e, struct str resource) {
    struct str service = str_sub(e->action, 0, str_find_c(e->action, ':', 0));
    if (!is_arn(resource)) {
        bool global = str_is(service, "iam") || e->op->service->global;
        struct str region = global ? S("") : e->region;
        resource =
            str_printf(e->a, "arn:aws:" STR_FMT ":" STR_FMT ":" STR_FMT ":" STR_FMT,
                       STR_ARG(service), STR_ARG(region), STR_ARG(e->account), STR_ARG(resource));
    }
    *arena_push(e->a, e->needs) = (struct shape_need){e->action, resource};
}

/* `done` is what stands before `rest` with all braces filled in. */
static void expand(const struct expansion *e, struct str done, struct str rest) {
    size_t open = str_find_c(rest, '{', 0);
    if (open == (size_t)-1) {
        add_need(e, str_concat(e->a, done, rest));
        return;
    }
    size_t close = str_find_c(rest, '}', open);
    struct str inside = str_sub(rest, open + 1, close - open - 1);
    struct str after = str_sub(rest, close + 1, rest.n);
    struct str before = str_concat(e->a, done, str_sub(rest, 0, open));
    struct str_list values = values_of(e, inside);
    for (size_t i = 0; i < values.n; i++) {
        bool replaces = is_arn(values.v[i]) && !is_arn(before);
        bool last = str_find_c(after, '{', 0) == (size_t)-1;
        if (replaces && last) {
            add_need(e, values.v[i]);
        } else if (replaces) {
            expand(e, values.v[i], after);
        } else {
            expand(e, str_concat(e->a, before, values.v[i]), after);
        }
    }
}

static bool is_present(const struct shape_op *op, const void *in, const char *name) {
    const struct shape_member *m = shape_find_member(op->in, str_c(name));
    return m != NULL && shape_get(m, in) != NULL;
}

struct shape_need_list shape_needs(struct arena *a, const struct shape_op *op, const void *in,
                                   struct str account, struct str region) {
    struct shape_need_list needs = {NULL, 0};
    struct expansion e = {a, op, in, STR_NONE, account, region, &needs};
    for (uint32_t i = 0; i < op->n_rights; i++) {
        const struct shape_right *r = &op->rights[i];
        if ((r->if_member && !is_present(op, in, r->if_member)) ||
            (r->unless_member && is_present(op, in, r->unless_member))) {
            continue;
        }
        e.action = str_c(r->action);
        if (r->resources[0] == NULL) {
            *arena_push(a, &needs) = (struct shape_need){e.action, S("*")};
        }
        for (const char *const *t = r->resources; *t != NULL; t++) {
            expand(&e, S(""), str_c(*t));
        }
    }
    if (needs.n == 0 && op->n_rights > 0) {
        *arena_push(a, &needs) = (struct shape_need){str_c(op->rights[0].action), S("*")};
    }
    return needs;
}
