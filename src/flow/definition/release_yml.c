/* Reads release.yml; release_yml.h. */
#include "flow/definition/release_yml.h"

#include "flow/definition/glob.h"
#include "platform/text/yaml.h"

#include <stdlib.h>

enum {
    MAX_NAME = 40, /* leaves room in a role's 64 characters for -ENVIRONMENT-build */
    MAX_ENVIRONMENTS = 20,
    MAX_RULES = 5, /* of one condition */
    MAX_PATTERNS = 8,
};

struct reader {
    struct arena *a;
    const char *file;
    const char *dir;
    struct release_yml *r;
    struct err *err;
};

static int fail(const struct reader *r, const struct yaml_node *at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static int fail(const struct reader *r, const struct yaml_node *at, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    int failed = yaml_vfail(r->err, r->file, at, fmt, args);
    va_end(args);
    return failed;
}

static int want(const struct reader *r, const struct yaml_node *node, enum yaml_kind kind,
                const char *what) {
    static const char *const kinds[] = {"text", "a list", "a map"};
    if (node->kind != kind) {
        return fail(r, node, "%s must be %s, not %s", what, kinds[kind],
                    yaml_kind_name(node->kind));
    }
    return 0;
}

/* An optional text; absent leaves *ret alone. */
static int text(const struct reader *r, const struct yaml_node *map, const char *key,
                struct str *ret) {
    const struct yaml_node *node = yaml_get(map, key);
    if (node == NULL) {
        return 0;
    }
    if (want(r, node, YAML_SCALAR, key) < 0) {
        return -1;
    }
    if (node->text.n == 0) {
        return fail(r, node, "%s is empty", key);
    }
    *ret = node->text;
    return 0;
}

static int number(const struct reader *r, const struct yaml_node *map, const char *key, int min,
                  int max, int *ret) {
    const struct yaml_node *node = yaml_get(map, key);
    long long value = 0;
    if (node == NULL) {
        return 0;
    }
    if (node->kind != YAML_SCALAR || !str_to_i64(node->text, &value) || value < min ||
        value > max) {
        return fail(r, node, "%s must be a whole number from %d to %d", key, min, max);
    }
    *ret = (int)value;
    return 0;
}

static int texts(const struct reader *r, const struct yaml_node *map, const char *key, size_t max,
                 struct str_list *ret) {
    const struct yaml_node *list = yaml_get(map, key);
    if (list == NULL) {
        return 0;
    }
    if (want(r, list, YAML_SEQUENCE, key) < 0) {
        return -1;
    }
    if (list->n > max) {
        return fail(r, list, "%s has %zu entries, at most %zu are possible", key, list->n, max);
    }
    for (size_t i = 0; i < list->n; i++) {
        if (want(r, list->item[i], YAML_SCALAR, key) < 0) {
            return -1;
        }
        *arena_push(r->a, ret) = list->item[i]->text;
    }
    return 0;
}

static int only_keys(const struct reader *r, const struct yaml_node *map, const char *known) {
    for (size_t i = 0; i < map->n; i++) {
        const struct yaml_node *key = map->pair[i].key;
        struct str padded = str_printf(r->a, " " STR_FMT " ", STR_ARG(key->text));
        if (str_find(str_c(known), padded, 0) == (size_t)-1) {
            return fail(r, key, "'" STR_FMT "' is not known here; there is:%.*s",
                        STR_ARG(key->text), (int)strlen(known) - 1, known);
        }
    }
    return 0;
}

/* Names become parts of buckets and roles: lower-case letters, digits and '-'. */
static bool good_name(struct str s, size_t max) {
    for (size_t i = 0; i < s.n; i++) {
        bool letter = s.p[i] >= 'a' && s.p[i] <= 'z';
        bool inner = (s.p[i] >= '0' && s.p[i] <= '9') || (s.p[i] == '-' && i + 1 < s.n);
        if (!letter && !(inner && i > 0)) {
            return false;
        }
    }
    return s.n > 0 && s.n <= max;
}

struct str release_stage_name(struct arena *a, struct str environment) {
    char *p = (char *)str_dup(a, environment).p;
    for (size_t i = 0; i < environment.n; i++) {
        bool first = i == 0 || environment.p[i - 1] == '-';
        if (p[i] == '-') {
            p[i] = '_';
        } else if (first && p[i] >= 'a' && p[i] <= 'z') {
            p[i] = (char)(p[i] - 'a' + 'A');
        }
    }
    return str_n(p, environment.n);
}

static bool is_url(struct str s) {
    size_t colon = str_find_c(s, ':', 0);
    size_t slash = str_find_c(s, '/', 0);
    return colon != (size_t)-1 && colon < slash; /* scheme://, or user@host:path */
}

/* user@host:path as the URL that it stands for. */
static struct str as_url(struct arena *a, struct str s) {
    if (str_find(s, S("://"), 0) != (size_t)-1) {
        return s;
    }
    size_t colon = str_find_c(s, ':', 0);
    return str_printf(a, "ssh://" STR_FMT "/" STR_FMT, STR_ARG(str_sub(s, 0, colon)),
                      STR_ARG(str_sub(s, colon + 1, s.n)));
}

/* The absolute form of a path below `dir`, without "x/../". */
static struct str absolute(struct arena *a, const char *dir, struct str path) {
    char *real = path.p[0] == '/' ? NULL : realpath(dir, NULL);
    struct str rest = real ? str_printf(a, "%s/" STR_FMT, real, STR_ARG(path)) : str_dup(a, path);
    struct str part, all = S("");
    free(real);
    while (str_cut(&rest, '/', &part)) {
        size_t last = str_rfind_c(all, '/');
        if (str_is(part, "..")) {
            all.n = last == (size_t)-1 ? 0 : last;
        } else if (part.n > 0 && !str_is(part, ".")) {
            all = str_printf(a, STR_FMT "/" STR_FMT, STR_ARG(all), STR_ARG(part));
        }
    }
    return all.n ? all : S("/");
}

/* The action's FullRepositoryId: a path has no owner, so it is local; a URL's last two parts are
 * owner and repository where there are two. */
static struct str repository_id(struct arena *a, struct str repository) {
    struct str s = repository;
    while (s.n > 1 && s.p[s.n - 1] == '/') {
        s.n--;
    }
    if (str_ends(s, S(".git"))) {
        s.n -= 4;
    }
    size_t slash = str_rfind_c(s, '/');
    struct str base = slash == (size_t)-1 ? s : str_sub(s, slash + 1, s.n);
    if (is_url(repository) && !str_starts(repository, S("file:"))) {
        struct str before = str_sub(s, 0, slash == (size_t)-1 ? 0 : slash);
        for (size_t i = before.n; i > 0; i--) {
            if (before.p[i - 1] == '/' || before.p[i - 1] == ':') {
                before = str_sub(before, i, before.n);
                break;
            }
        }
        /* https://host/repository has no owner: what stands before is the host. */
        size_t host = str_find(repository, S("://"), 0);
        bool owner =
            before.n > 0 && (host == (size_t)-1 || (size_t)(before.p - repository.p) > host + 3);
        if (owner) {
            return str_printf(a, STR_FMT "/" STR_FMT, STR_ARG(before), STR_ARG(base));
        }
    }
    return str_printf(a, "local/" STR_FMT, STR_ARG(base));
}

static int read_source(const struct reader *r, const struct yaml_node *root) {
    const struct yaml_node *map = yaml_get(root, "source");
    if (map == NULL) {
        return fail(r, root, "the file needs source: {repository: ..., branch: ...}");
    }
    struct release_yml *y = r->r;
    struct str repository = STR_NONE;
    y->branch = S("main");
    if (want(r, map, YAML_MAPPING, "source") < 0 ||
        only_keys(r, map, " repository branch ignore connection ") < 0 ||
        text(r, map, "repository", &repository) < 0 || text(r, map, "branch", &y->branch) < 0 ||
        text(r, map, "connection", &y->connection) < 0 ||
        texts(r, map, "ignore", MAX_PATTERNS, &y->ignore) < 0) {
        return -1;
    }
    if (repository.p == NULL) {
        return fail(r, map, "source needs repository: a path or an URL");
    }
    const struct yaml_node *ignore = yaml_get(map, "ignore");
    for (size_t i = 0; i < y->ignore.n; i++) {
        struct err why = ERR_INIT;
        if (glob_check(y->ignore.v[i], &why) < 0) {
            return fail(r, ignore->item[i], "%s", why.msg);
        }
    }
    if (y->connection.p && !str_starts(y->connection, S("arn:"))) {
        return fail(r, yaml_get(map, "connection"), "connection is the ARN of an existing one");
    }
    if (y->connection.p) {
        y->repository = repository; /* "org/repository", as the provider names it */
        y->full_repository_id = repository;
        return 0;
    }
    if (is_url(repository)) {
        y->full_repository_id = repository_id(r->a, repository);
        y->repository = as_url(r->a, repository);
    } else {
        struct str path = absolute(r->a, r->dir, repository);
        y->full_repository_id = repository_id(r->a, path);
        y->repository = str_printf(r->a, "file://" STR_FMT, STR_ARG(path));
    }
    return 0;
}

static int read_variables(const struct reader *r, const struct yaml_node *map,
                          struct str_map *ret) {
    const struct yaml_node *variables = yaml_get(map, "variables");
    if (variables == NULL) {
        return 0;
    }
    if (want(r, variables, YAML_MAPPING, "variables") < 0) {
        return -1;
    }
    for (size_t i = 0; i < variables->n; i++) {
        if (want(r, variables->pair[i].value, YAML_SCALAR, "a variable") < 0) {
            return -1;
        }
        *arena_push(r->a, ret) =
            (struct str_pair){variables->pair[i].key->text, variables->pair[i].value->text};
    }
    return 0;
}

static int read_build(const struct reader *r, const struct yaml_node *map,
                      struct release_build *ret) {
    return text(r, map, "buildspec", &ret->buildspec) < 0 || text(r, map, "role", &ret->role) < 0 ||
                   text(r, map, "image", &ret->image) < 0 ||
                   number(r, map, "timeout", 5, 2160, &ret->timeout_minutes) < 0
               ? -1
               : read_variables(r, map, &ret->variables);
}

static int read_test(const struct reader *r, const struct yaml_node *root,
                     const struct release_build *usual) {
    const struct yaml_node *map = yaml_get(root, "test");
    if (map == NULL) {
        return 0;
    }
    r->r->has_test = true;
    r->r->test = *usual;
    r->r->test.name = S("test");
    r->r->test.buildspec = S("buildspec.test.yml");
    if (yaml_is_null(map)) {
        return 0;
    }
    return want(r, map, YAML_MAPPING, "test") < 0 ||
                   only_keys(r, map, " buildspec role image timeout variables ") < 0
               ? -1
               : read_build(r, map, &r->r->test);
}

static int read_environment(const struct reader *r, const struct yaml_pair *pair,
                            const struct release_build *usual, struct release_environment *ret) {
    const struct yaml_node *map = pair->value;
    struct str approval = STR_NONE;
    struct str name = pair->key->text;
    if (!good_name(name, 24) || str_is(name, "test")) {
        return fail(r, pair->key,
                    "an environment's name has 1 to 24 lower-case letters, digits and '-', and is "
                    "not 'test'");
    }
    *ret = (struct release_environment){
        .build = *usual, .account = name, .stage = release_stage_name(r->a, name)};
    ret->build.name = name;
    const struct yaml_node *account = yaml_is_null(map) ? NULL : yaml_get(map, "account");
    const struct yaml_node *at = account != NULL ? account : pair->key;
    ret->place = str_printf(r->a, "%s:%u:%u", r->file, at->line, at->column);
    if (yaml_is_null(map)) {
        return 0;
    }
    if (want(r, map, YAML_MAPPING, "an environment") < 0 ||
        only_keys(r, map, " account approval role buildspec image timeout variables ") < 0 ||
        text(r, map, "account", &ret->account) < 0 || text(r, map, "approval", &approval) < 0 ||
        read_build(r, map, &ret->build) < 0) {
        return -1;
    }
    ret->approval = str_is(approval, "required");
    if (approval.p && !ret->approval && !str_is(approval, "none")) {
        return fail(r, yaml_get(map, "approval"), "approval is 'required' or 'none'");
    }
    return 0;
}

static int read_environments(const struct reader *r, const struct yaml_node *root,
                             const struct release_build *usual) {
    const struct yaml_node *map = yaml_get(root, "environments");
    if (map == NULL) {
        return fail(r, root, "the file needs environments:");
    }
    if (want(r, map, YAML_MAPPING, "environments") < 0) {
        return -1;
    }
    if (map->n == 0 || map->n > MAX_ENVIRONMENTS) {
        return fail(r, map, "a release has 1 to %d environments", MAX_ENVIRONMENTS);
    }
    for (size_t i = 0; i < map->n; i++) {
        if (read_environment(r, &map->pair[i], usual, arena_push(r->a, &r->r->environments)) < 0) {
            return -1;
        }
    }
    return 0;
}

/* The gate stands where a person decides; where nobody does, before the last environment. */
static int read_gate(const struct reader *r, const struct yaml_node *root) {
    const struct yaml_node *map = yaml_get(root, "gate");
    struct release_yml *y = r->r;
    if (map == NULL) {
        return 0;
    }
    if (want(r, map, YAML_MAPPING, "gate") < 0 || only_keys(r, map, " alarms wait ") < 0 ||
        texts(r, map, "alarms", MAX_RULES, &y->gate_alarms) < 0 ||
        number(r, map, "wait", 0, 1440, &y->gate_wait_minutes) < 0) {
        return -1;
    }
    if (y->gate_alarms.n == 0) {
        return fail(r, map, "gate needs alarms: names of CloudWatch alarms");
    }
    size_t gates = 0;
    for (size_t i = 1; i < y->environments.n; i++) {
        y->environments.v[i].gated = y->environments.v[i].approval;
        gates += y->environments.v[i].approval;
    }
    if (gates == 0 && y->environments.n > 1) {
        y->environments.v[y->environments.n - 1].gated = true;
        gates = 1;
    }
    return gates ? 0 : fail(r, map, "a gate needs an environment before the one that it closes");
}

static int read_hook(const struct reader *r, const struct yaml_node *map,
                     struct release_notify *ret) {
    static const char *const kinds[] = {"approval", "failed", "alarm"};
    if (want(r, map, YAML_MAPPING, "an entry of notify") < 0 ||
        only_keys(r, map, " webhook on ") < 0 || text(r, map, "webhook", &ret->webhook) < 0 ||
        texts(r, map, "on", 3, &ret->on) < 0) {
        return -1;
    }
    const struct yaml_node *hook = yaml_get(map, "webhook");
    if (hook == NULL) {
        return fail(r, map, "an entry of notify needs webhook: an URL");
    }
    if (!str_starts(ret->webhook, S("http://")) && !str_starts(ret->webhook, S("https://"))) {
        return fail(r, hook, "a webhook is an http or https URL");
    }
    const struct yaml_node *on = yaml_get(map, "on");
    for (size_t i = 0; i < ret->on.n; i++) {
        bool known = false;
        for (size_t k = 0; k < 3; k++) {
            known = known || str_is(ret->on.v[i], kinds[k]);
        }
        if (!known) {
            return fail(r, on->item[i], "'" STR_FMT "' is none of: approval, failed, alarm",
                        STR_ARG(ret->on.v[i]));
        }
    }
    return 0;
}

static int read_notify(const struct reader *r, const struct yaml_node *root) {
    const struct yaml_node *list = yaml_get(root, "notify");
    if (list == NULL) {
        return 0;
    }
    if (want(r, list, YAML_SEQUENCE, "notify") < 0) {
        return -1;
    }
    for (size_t i = 0; i < list->n; i++) {
        if (read_hook(r, list->item[i], arena_push(r->a, &r->r->notify)) < 0) {
            return -1;
        }
    }
    return 0;
}

static int read_mirror(const struct reader *r, const struct yaml_node *root) {
    const struct yaml_node *list = yaml_get(root, "mirror");
    if (list == NULL) {
        return 0;
    }
    if (want(r, list, YAML_SEQUENCE, "mirror") < 0) {
        return -1;
    }
    for (size_t i = 0; i < list->n; i++) {
        const struct yaml_node *map = list->item[i];
        struct release_mirror *one = arena_push(r->a, &r->r->mirror);
        if (want(r, map, YAML_MAPPING, "an entry of mirror") < 0 ||
            only_keys(r, map, " run url ") < 0 || text(r, map, "run", &one->run) < 0 ||
            text(r, map, "url", &one->url) < 0) {
            return -1;
        }
        if (one->run.p == NULL || !str_starts(one->url, S("https://"))) {
            return fail(r, map, "an entry of mirror needs run: a program, and url: https://...");
        }
        while (str_ends(one->url, S("/"))) {
            one->url.n--;
        }
    }
    return 0;
}

static int read_all(const struct reader *r, const struct yaml_node *root) {
    struct release_yml *y = r->r;
    struct release_build usual = {.buildspec = S("buildspec.yml"),
                                  .image = S("debian-bookworm-build")};
    if (want(r, root, YAML_MAPPING, "the file") < 0 ||
        only_keys(r, root,
                  " name source image buildspec role artifacts test environments gate notify "
                  "mirror ") < 0 ||
        text(r, root, "name", &y->name) < 0 || text(r, root, "image", &usual.image) < 0 ||
        text(r, root, "buildspec", &usual.buildspec) < 0 || text(r, root, "role", &y->role) < 0 ||
        text(r, root, "artifacts", &y->bucket) < 0) {
        return -1;
    }
    const struct yaml_node *name = yaml_get(root, "name");
    if (name == NULL) {
        return fail(r, root, "the file needs name:");
    }
    if (!good_name(y->name, MAX_NAME)) {
        return fail(r, name,
                    "a name has 1 to %d lower-case letters, digits and '-': buckets and roles are "
                    "named after it",
                    MAX_NAME);
    }
    if (y->bucket.p == NULL) {
        y->bucket = str_printf(r->a, STR_FMT "-artifacts", STR_ARG(y->name));
    }
    return read_source(r, root) < 0 || read_test(r, root, &usual) < 0 ||
                   read_environments(r, root, &usual) < 0 || read_gate(r, root) < 0 ||
                   read_mirror(r, root) < 0
               ? -1
               : read_notify(r, root);
}

int release_yml_read(struct arena *a, const char *file, const char *dir, struct str text,
                     struct release_yml *ret, struct err *err) {
    struct reader r = {a, file, dir, ret, err};
    struct yaml_doc doc;
    *ret = (struct release_yml){0};
    if (yaml_parse_strict(a, file, text, &doc, err) < 0) {
        return -1;
    }
    return read_all(&r, doc.root);
}

bool release_yml_is_one(struct arena *a, const char *file, struct str text) {
    struct yaml_doc doc;
    struct err err = ERR_INIT;
    return yaml_parse(a, file, text, &doc, &err) == 0 && doc.root != NULL &&
           yaml_get(doc.root, "phases") == NULL &&
           (yaml_get(doc.root, "environments") != NULL ||
            (yaml_get(doc.root, "source") != NULL && yaml_get(doc.root, "name") != NULL));
}
