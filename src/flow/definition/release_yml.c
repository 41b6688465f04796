/* Reads release.yml; release_yml.h. */
#include "flow/definition/release_read.h"

int release_fail(const struct release_reader *r, const struct yaml_node *at, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    int failed = yaml_vfail(r->err, r->file, at, fmt, args);
    va_end(args);
    return failed;
}

int release_want(const struct release_reader *r, const struct yaml_node *node, enum yaml_kind kind,
                 const char *what) {
    static const char *const kinds[] = {"text", "a list", "a map"};
    if (node->kind != kind) {
        return release_fail(r, node, "%s must be %s, not %s", what, kinds[kind],
                            yaml_kind_name(node->kind));
    }
    return 0;
}

/* An optional text; absent leaves *ret alone. */
int release_text(const struct release_reader *r, const struct yaml_node *map, const char *key,
                 struct str *ret) {
    const struct yaml_node *node = yaml_get(map, key);
    if (node == NULL) {
        return 0;
    }
    if (release_want(r, node, YAML_SCALAR, key) < 0) {
        return -1;
    }
    if (node->text.n == 0) {
        return release_fail(r, node, "%s is empty", key);
    }
    *ret = node->text;
    return 0;
}

int release_number(const struct release_reader *r, const struct yaml_node *map, const char *key,
                   int min, int max, int *ret) {
    const struct yaml_node *node = yaml_get(map, key);
    long long value = 0;
    if (node == NULL) {
        return 0;
    }
    if (node->kind != YAML_SCALAR || !str_to_i64(node->text, &value) || value < min ||
        value > max) {
        return release_fail(r, node, "%s must be a whole number from %d to %d", key, min, max);
    }
    *ret = (int)value;
    return 0;
}

int release_texts(const struct release_reader *r, const struct yaml_node *map, const char *key,
                  size_t max, struct str_list *ret) {
    const struct yaml_node *list = yaml_get(map, key);
    if (list == NULL) {
        return 0;
    }
    if (release_want(r, list, YAML_SEQUENCE, key) < 0) {
        return -1;
    }
    if (list->n > max) {
        return release_fail(r, list, "%s has %zu entries, at most %zu are possible", key, list->n,
                            max);
    }
    for (size_t i = 0; i < list->n; i++) {
        if (release_want(r, list->item[i], YAML_SCALAR, key) < 0) {
            return -1;
        }
        *arena_push(r->a, ret) = list->item[i]->text;
    }
    return 0;
}

int release_only_keys(const struct release_reader *r, const struct yaml_node *map,
                      const char *known) {
    for (size_t i = 0; i < map->n; i++) {
        const struct yaml_node *key = map->pair[i].key;
        struct str padded = str_printf(r->a, " " STR_FMT " ", STR_ARG(key->text));
        if (str_find(str_c(known), padded, 0) == (size_t)-1) {
            return release_fail(r, key, "'" STR_FMT "' is not known here; there is:%.*s",
                                STR_ARG(key->text), (int)strlen(known) - 1, known);
        }
    }
    return 0;
}

/* Names become parts of buckets and roles: lower-case letters, digits and '-'. */
bool release_good_name(struct str s, size_t max) {
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

/* The gate stands where a person decides; where nobody does, before the last environment. */
static int read_gate(const struct release_reader *r, const struct yaml_node *root) {
    const struct yaml_node *map = yaml_get(root, "gate");
    struct release_yml *y = r->r;
    if (map == NULL) {
        return 0;
    }
    if (release_want(r, map, YAML_MAPPING, "gate") < 0 ||
        release_only_keys(r, map, " alarms wait ") < 0 ||
        release_texts(r, map, "alarms", RELEASE_MAX_RULES, &y->gate_alarms) < 0 ||
        release_number(r, map, "wait", 0, 1440, &y->gate_wait_minutes) < 0) {
        return -1;
    }
    if (y->gate_alarms.n == 0) {
        return release_fail(r, map, "gate needs alarms: names of CloudWatch alarms");
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
    return gates
               ? 0
               : release_fail(r, map, "a gate needs an environment before the one that it closes");
}

/* What must hold before each environment is one condition of CodePipeline: at most five rules, and
 * leaving a stage out goes with looking at a variable alone. */
static int check_entries(const struct release_reader *r, const struct yaml_node *root) {
    const struct yaml_node *map = yaml_get(root, "environments");
    for (size_t i = 0; i < map->n; i++) {
        const struct release_environment *e = &r->r->environments.v[i];
        size_t alarms = e->gated ? r->r->gate_alarms.n : 0;
        size_t others =
            (e->window.cron.p != NULL) + (e->only.variable.p != NULL) + (i == 0 && r->r->preflight);
        if (alarms + others > RELEASE_MAX_RULES) {
            return release_fail(r, map->pair[i].key,
                                "the gate's alarms, window and only are %zu rules together: %d are "
                                "possible",
                                alarms + others, RELEASE_MAX_RULES);
        }
        if (e->only.skip && alarms + others > 1) {
            return release_fail(
                r, yaml_get(map->pair[i].value, "only"),
                "an environment that has a gate, a window or the preflight cannot be "
                "skipped: say else: fail");
        }
    }
    return 0;
}

static int read_hook(const struct release_reader *r, const struct yaml_node *map,
                     struct release_notify *ret) {
    static const char *const kinds[] = {"approval", "failed", "alarm"};
    if (release_want(r, map, YAML_MAPPING, "an entry of notify") < 0 ||
        release_only_keys(r, map, " webhook on ") < 0 ||
        release_text(r, map, "webhook", &ret->webhook) < 0 ||
        release_texts(r, map, "on", 3, &ret->on) < 0) {
        return -1;
    }
    const struct yaml_node *hook = yaml_get(map, "webhook");
    if (hook == NULL) {
        return release_fail(r, map, "an entry of notify needs webhook: an URL");
    }
    if (!str_starts(ret->webhook, S("http://")) && !str_starts(ret->webhook, S("https://"))) {
        return release_fail(r, hook, "a webhook is an http or https URL");
    }
    const struct yaml_node *on = yaml_get(map, "on");
    for (size_t i = 0; i < ret->on.n; i++) {
        bool known = false;
        for (size_t k = 0; k < 3; k++) {
            known = known || str_is(ret->on.v[i], kinds[k]);
        }
        if (!known) {
            return release_fail(r, on->item[i], "'" STR_FMT "' is none of: approval, failed, alarm",
                                STR_ARG(ret->on.v[i]));
        }
    }
    return 0;
}

static int read_notify(const struct release_reader *r, const struct yaml_node *root) {
    const struct yaml_node *list = yaml_get(root, "notify");
    if (list == NULL) {
        return 0;
    }
    if (release_want(r, list, YAML_SEQUENCE, "notify") < 0) {
        return -1;
    }
    for (size_t i = 0; i < list->n; i++) {
        if (read_hook(r, list->item[i], arena_push(r->a, &r->r->notify)) < 0) {
            return -1;
        }
    }
    return 0;
}

static int read_mirror(const struct release_reader *r, const struct yaml_node *root) {
    const struct yaml_node *list = yaml_get(root, "mirror");
    if (list == NULL) {
        return 0;
    }
    if (release_want(r, list, YAML_SEQUENCE, "mirror") < 0) {
        return -1;
    }
    for (size_t i = 0; i < list->n; i++) {
        const struct yaml_node *map = list->item[i];
        struct release_mirror *one = arena_push(r->a, &r->r->mirror);
        if (release_want(r, map, YAML_MAPPING, "an entry of mirror") < 0 ||
            release_only_keys(r, map, " run url ") < 0 ||
            release_text(r, map, "run", &one->run) < 0 ||
            release_text(r, map, "url", &one->url) < 0) {
            return -1;
        }
        if (one->run.p == NULL || !str_starts(one->url, S("https://"))) {
            return release_fail(r, map,
                                "an entry of mirror needs run: a program, and url: https://...");
        }
        while (str_ends(one->url, S("/"))) {
            one->url.n--;
        }
    }
    return 0;
}

static int read_mode(const struct release_reader *r, const struct yaml_node *root) {
    static const char *const modes[][2] = {
        {"superseded", "SUPERSEDED"}, {"queued", "QUEUED"}, {"parallel", "PARALLEL"}};
    struct str mode = S("superseded");
    if (release_text(r, root, "mode", &mode) < 0) {
        return -1;
    }
    for (size_t i = 0; i < 3; i++) {
        if (str_is(mode, modes[i][0])) {
            r->r->mode = str_c(modes[i][1]);
            return 0;
        }
    }
    return release_fail(r, yaml_get(root, "mode"),
                        "mode is 'superseded' (a newer release overtakes), 'queued' or 'parallel'");
}

static int read_preflight(const struct release_reader *r, const struct yaml_node *root) {
    struct str word = S("false");
    if (release_text(r, root, "preflight", &word) < 0) {
        return -1;
    }
    r->r->preflight = str_is(word, "true");
    return r->r->preflight || str_is(word, "false")
               ? 0
               : release_fail(r, yaml_get(root, "preflight"), "preflight is true or false");
}

static int read_four_eyes(const struct release_reader *r, const struct yaml_node *root) {
    struct str *word = &r->r->four_eyes;
    if (release_text(r, root, "four-eyes", word) < 0) {
        return -1;
    }
    return word->p == NULL || str_is(*word, "required") || str_is(*word, "required-by-session-name")
               ? 0
               : release_fail(r, yaml_get(root, "four-eyes"),
                              "four-eyes is 'required', or 'required-by-session-name' where the "
                              "names of roles' sessions are trusted");
}

/* variables: {level: info, ticket: , region: {default: x, description: "where"}} */
static int read_variable(const struct release_reader *r, const struct yaml_pair *pair) {
    struct release_variable *v = arena_push(r->a, &r->r->variables);
    const struct yaml_node *value = pair->value;
    *v = (struct release_variable){.name = pair->key->text};
    for (size_t i = 0; i < v->name.n; i++) {
        char c = v->name.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!letter && c != '_' && c != '-' && c != '@') {
            return release_fail(r, pair->key,
                                "a variable's name has letters, digits, '_', '-' "
                                "and '@'");
        }
    }
    if (yaml_is_null(value)) {
        return 0;
    }
    if (value->kind == YAML_SCALAR) {
        v->value = value->text;
    } else if (release_want(r, value, YAML_MAPPING, "a variable") < 0 ||
               release_only_keys(r, value, " default description ") < 0 ||
               release_text(r, value, "default", &v->value) < 0 ||
               release_text(r, value, "description", &v->description) < 0) {
        return -1;
    }
    return v->value.p == NULL || v->value.n > 0
               ? 0
               : release_fail(r, value,
                              "a variable without a default has no value at all: 'name:'");
}

static int read_pipeline_variables(const struct release_reader *r, const struct yaml_node *root) {
    const struct yaml_node *map = yaml_get(root, "variables");
    if (map == NULL) {
        return 0;
    }
    if (release_want(r, map, YAML_MAPPING, "variables") < 0) {
        return -1;
    }
    if (map->n > 50) {
        return release_fail(r, map, "a pipeline has at most 50 variables");
    }
    for (size_t i = 0; i < map->n; i++) {
        if (read_variable(r, &map->pair[i]) < 0) {
            return -1;
        }
    }
    return 0;
}

static int read_all(const struct release_reader *r, const struct yaml_node *root) {
    struct release_yml *y = r->r;
    struct release_build usual = {.buildspec = S("buildspec.yml"),
                                  .image = S("debian-bookworm-build")};
    if (release_want(r, root, YAML_MAPPING, "the file") < 0 ||
        release_only_keys(
            r, root,
            " name mode variables preflight four-eyes source image buildspec role artifacts "
            "test environments gate "
            "notify mirror ") < 0 ||
        release_text(r, root, "name", &y->name) < 0 ||
        release_text(r, root, "image", &usual.image) < 0 ||
        release_text(r, root, "buildspec", &usual.buildspec) < 0 ||
        release_text(r, root, "role", &y->role) < 0 ||
        release_text(r, root, "artifacts", &y->bucket) < 0) {
        return -1;
    }
    const struct yaml_node *name = yaml_get(root, "name");
    if (name == NULL) {
        return release_fail(r, root, "the file needs name:");
    }
    if (!release_good_name(y->name, RELEASE_MAX_NAME)) {
        return release_fail(
            r, name,
            "a name has 1 to %d lower-case letters, digits and '-': buckets and roles are "
            "named after it",
            RELEASE_MAX_NAME);
    }
    if (y->bucket.p == NULL) {
        y->bucket = str_printf(r->a, STR_FMT "-artifacts", STR_ARG(y->name));
    }
    return read_mode(r, root) < 0 || read_preflight(r, root) < 0 || read_four_eyes(r, root) < 0 ||
                   read_pipeline_variables(r, root) < 0 || release_read_source(r, root) < 0 ||
                   release_read_test(r, root, &usual) < 0 ||
                   release_read_environments(r, root, &usual) < 0 || read_gate(r, root) < 0 ||
                   check_entries(r, root) < 0 || read_mirror(r, root) < 0
               ? -1
               : read_notify(r, root);
}

int release_yml_read(struct arena *a, const char *file, const char *dir, struct str text,
                     struct release_yml *ret, struct err *err) {
    struct release_reader r = {a, file, dir, ret, err};
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
