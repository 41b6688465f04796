/* Implementation of services/events/transform.h. */
#include "services/events/transform.h"

#include "base/buf.h"
#include "base/clock.h"

enum { MOST_FOUND = 10 * 1000 };

/* ---- paths ---- */

struct step {
    struct str name; /* absent: an element */
    bool all;        /* [*] */
    size_t index;
};

/* Cuts the next step off; false when there is none that can be read. */
static bool next_step(struct str *path, struct step *ret) {
    *ret = (struct step){0};
    if (path->n > 1 && path->p[0] == '.') {
        size_t end = 1;
        while (end < path->n && path->p[end] != '.' && path->p[end] != '[') {
            end++;
        }
        ret->name = str_sub(*path, 1, end - 1);
        *path = str_sub(*path, end, path->n);
        ret->all = str_is(ret->name, "*");
        return ret->name.n > 0;
    }
    size_t close = str_find_c(*path, ']', 0);
    if (path->n < 3 || path->p[0] != '[' || close == (size_t)-1) {
        return false;
    }
    struct str inside = str_sub(*path, 1, close - 1);
    *path = str_sub(*path, close + 1, path->n);
    char quote = inside.n > 0 ? inside.p[0] : '\0';
    if (inside.n > 2 && (quote == '\'' || quote == '"') && inside.p[inside.n - 1] == quote) {
        ret->name = str_sub(inside, 1, inside.n - 2);
        return true;
    }
    unsigned long long n = 0;
    ret->all = str_is(inside, "*");
    if (!ret->all && (!str_to_u64(inside, &n) || n > UINT32_MAX)) {
        return false;
    }
    ret->index = (size_t)n;
    return true;
}

int transform_path_check(struct str path, struct err *err) {
    struct str rest = str_sub(path, 1, path.n);
    struct step step;
    bool good = str_starts(path, S("$")) && memchr(path.p, '\0', path.n) == NULL;
    while (good && rest.n > 0) {
        good = next_step(&rest, &step);
    }
    return good ? 0 : err_set(err, ERR_INVALID, "Invalid JSON path '%.*s'", STR_ARG(path));
}

static json_t *walk(const json_t *at, struct str path);

static json_t *walk_all(const json_t *at, struct str rest) {
    json_t *list = json_array();
    size_t n = json_array_size(at);
    for (size_t i = 0; i < n && i < MOST_FOUND; i++) {
        json_t *found = walk(json_array_get(at, i), rest);
        if (found != NULL) {
            json_array_append_new(list, found);
        }
    }
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)at, key, value) {
        json_t *found = walk(value, rest);
        if (found != NULL) {
            json_array_append_new(list, found);
        }
    }
    return list;
}

static json_t *member(const json_t *at, struct str name) {
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)at, key, value) {
        if (str_is(name, key)) {
            return value;
        }
    }
    return NULL;
}

static json_t *walk(const json_t *at, struct str path) {
    struct step step;
    while (at != NULL && path.n > 0) {
        if (!next_step(&path, &step)) {
            return NULL;
        }
        if (step.all) {
            return walk_all(at, path);
        }
        at = step.name.p != NULL ? member(at, step.name) : json_array_get(at, step.index);
    }
    return at != NULL ? json_incref((json_t *)at) : NULL;
}

json_t *transform_path(const json_t *event, struct str path) {
    return str_starts(path, S("$")) ? walk(event, str_sub(path, 1, path.n)) : NULL;
}

/* ---- templates ---- */

/* A placeholder begins at `at`: its name, and where the text goes on. */
static bool placeholder(struct str template, size_t at, struct str *ret_name, size_t *ret_next) {
    if (template.p[at] != '<') {
        return false;
    }
    size_t end = at + 1;
    while (end < template.n && template.p[end] != '>') {
        char c = template.p[end];
        bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    c == '_' || c == '-' || c == '.';
        if (!good) {
            return false;
        }
        end++;
    }
    *ret_name = str_sub(template, at + 1, end - at - 1);
    *ret_next = end + 1;
    return end < template.n && ret_name->n > 0;
}

struct filling {
    struct arena *a;
    struct buf *out;
    /* Adds the value of a placeholder; -1: there is no such. */
    int (*value)(struct filling *f, struct str name, bool quoted);
    const json_t *event;
    const struct transform_about *about;
    const struct str_map *paths;
    struct str unknown;
};

static int fill(struct filling *f, struct str template) {
    bool quoted = false;
    struct str name = STR_NONE;
    size_t next = 0;
    for (size_t i = 0; i < template.n && !f->out->overflow; i++) {
        char c = template.p[i];
        if (placeholder(template, i, &name, &next)) {
            if (f->value(f, name, quoted) < 0) {
                f->unknown = name;
                return -1;
            }
            i = next - 1;
            continue;
        }
        buf_add_c(f->out, c);
        if (quoted && c == '\\' && i + 1 < template.n) {
            buf_add_c(f->out, template.p[++i]);
        } else if (c == '"') {
            quoted = !quoted;
        }
    }
    return 0;
}

static bool is_reserved(struct str name) {
    static const char *const names[] = {"aws.events.rule-arn", "aws.events.rule-name",
                                        "aws.events.event", "aws.events.event.json",
                                        "aws.events.event.ingestion-time"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (str_is(name, names[i])) {
            return true;
        }
    }
    return false;
}

static int stand_in(struct filling *f, struct str name, bool quoted) {
    if (!is_reserved(name) && str_map_get(f->paths, name).p == NULL) {
        return -1;
    }
    buf_add_z(f->out, quoted ? "x" : "0");
    return 0;
}

/* One JSON value or several behind each other, as "line"\n"line" is used for text. */
static int check_values(struct str text, struct err *err) {
    size_t at = 0;
    while (at < text.n) {
        json_error_t why;
        json_t *json = json_loadb(text.p + at, text.n - at,
                                  JSON_DECODE_ANY | JSON_DISABLE_EOF_CHECK | JSON_ALLOW_NUL, &why);
        if (json == NULL) {
            return err_set(err, ERR_INVALID, "it does not become JSON: %s", why.text);
        }
        json_decref(json);
        at += (size_t)why.position;
        at += str_sub(text, at, text.n).n - str_trim(str_sub(text, at, text.n)).n;
    }
    return 0;
}

int transform_template_check(const struct str_map *paths, struct str template, struct err *err) {
    struct buf out cleanup_buf;
    buf_init(&out, 64 * 1024);
    struct filling f = {.out = &out, .value = stand_in, .paths = paths};
    for (size_t i = 0; i < paths->n; i++) {
        if (str_starts(paths->v[i].key, S("AWS"))) {
            return err_set(err, ERR_INVALID,
                           "the name '%.*s' is reserved: names may not begin "
                           "with AWS",
                           STR_ARG(paths->v[i].key));
        }
        if (transform_path_check(paths->v[i].value, err) < 0) {
            return -1;
        }
    }
    if (fill(&f, template) < 0) {
        return err_set(err, ERR_INVALID, "contains invalid placeholder %.*s", STR_ARG(f.unknown));
    }
    struct str text = str_trim(buf_str(&out));
    return text.n > 0 ? check_values(text, err) : err_set(err, ERR_INVALID, "it is empty");
}

/* The event without its detail, as <aws.events.event> is documented. */
static json_t *without_detail(const json_t *event) {
    json_t *copy = json_copy((json_t *)event);
    json_object_del(copy, "detail");
    return copy;
}

static json_t *value_of(struct filling *f, struct str name) {
    if (str_is(name, "aws.events.rule-arn")) {
        return json_from_str(f->about->rule_arn);
    }
    if (str_is(name, "aws.events.rule-name")) {
        return json_from_str(f->about->rule_name);
    }
    if (str_is(name, "aws.events.event.ingestion-time")) {
        return json_from_str(time_iso(f->a, f->about->ingested_ms));
    }
    if (str_is(name, "aws.events.event")) {
        return without_detail(f->event);
    }
    if (str_is(name, "aws.events.event.json")) {
        return json_incref((json_t *)f->event);
    }
    return transform_path(f->event, str_map_get(f->paths, name));
}

static int real_value(struct filling *f, struct str name, bool quoted) {
    struct arena_mark mark = arena_mark(f->a);
    json_t *value cleanup_json = value_of(f, name);
    if (!quoted) {
        buf_add(f->out, value != NULL ? json_dump_str(f->a, value) : S("null"));
    } else if (value != NULL) {
        json_t *text cleanup_json =
            json_is_string(value) ? json_incref(value) : json_from_str(json_dump_str(f->a, value));
        struct str dumped = json_dump_str(f->a, text);
        buf_add(f->out, str_sub(dumped, 1, dumped.n - 2));
    }
    arena_reset(f->a, mark);
    return 0;
}

int transform_template(struct arena *a, const json_t *event, const struct transform_about *about,
                       const struct str_map *paths, struct str template, struct str *ret,
                       struct err *err) {
    struct buf out cleanup_buf;
    buf_init(&out, TRANSFORM_MAX);
    struct filling f = {
        .a = a, .out = &out, .value = real_value, .event = event, .about = about, .paths = paths};
    if (fill(&f, template) < 0 || out.overflow) {
        return err_set(err, ERR_LIMIT, "what the template makes is over %d bytes", TRANSFORM_MAX);
    }
    *ret = buf_dup(a, &out);
    return 0;
}
