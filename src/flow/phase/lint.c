/* Surprises in commands, and the two ways to print what was found. */
#include "flow/phase/lint.h"

#include "base/buf.h"

#include <stdlib.h>

static void warn(struct arena *a, struct buildspec *spec, const char *code,
                 const struct yaml_node *at, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

static void warn(struct arena *a, struct buildspec *spec, const char *code,
                 const struct yaml_node *at, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    *arena_push(a, &spec->warnings) =
        (struct buildspec_note){code, at->line, at->column, arena_vprintf(a, fmt, args)};
    va_end(args);
}

static bool is_set_flag(struct str command) {
    struct str text = str_trim(command);
    return str_starts(text, S("set -")) && str_find_c(text, '\n', 0) == (size_t)-1 &&
           str_find_c(text, ';', 0) == (size_t)-1 && str_find_c(text, '&', 0) == (size_t)-1;
}

/* A '|' that is an operator: not '||', not within quotes. */
static bool has_pipe(struct str command) {
    char quote = '\0';
    for (size_t i = 0; i < command.n; i++) {
        char c = command.p[i];
        if (c == '\\' && quote != '\'') {
            i++;
        } else if (quote != '\0') {
            quote = c == quote ? '\0' : quote;
        } else if (c == '\'' || c == '"') {
            quote = c;
        } else if (c == '|') {
            if (i + 1 < command.n && command.p[i + 1] == '|') {
                i++;
            } else if (i == 0 || command.p[i - 1] != '>') {
                return true;
            }
        }
    }
    return false;
}

static void check_command(struct arena *a, struct buildspec *spec, const struct yaml_node *item) {
    struct str command = item->text;
    if (is_set_flag(command)) {
        warn(a, spec, "set-alone", item,
             "'" STR_FMT "' has no effect on the commands after it: each runs in a shell of its "
             "own; put it into the same item",
             STR_ARG(str_trim(command)));
    } else if (has_pipe(command) && str_find(command, S("pipefail"), 0) == (size_t)-1) {
        warn(a, spec, "pipe-hides-failure", item,
             "only the last part of a pipe decides: a failure before it is not seen; 'set -o "
             "pipefail' in the same item (bash) makes it seen");
    }
}

static void check_commands(struct arena *a, struct buildspec *spec, const struct yaml_node *node) {
    if (yaml_is_null(node) || node->kind == YAML_MAPPING) {
        return;
    }
    size_t n = node->kind == YAML_SEQUENCE ? node->n : 1;
    for (size_t i = 0; i < n; i++) {
        const struct yaml_node *item = node->kind == YAML_SEQUENCE ? node->item[i] : node;
        if (item->kind == YAML_SCALAR && !yaml_is_null(item)) {
            check_command(a, spec, item);
        }
    }
}

static void check_post_build(struct arena *a, struct buildspec *spec,
                             const struct yaml_node *phases) {
    const struct yaml_node *post = yaml_get(phases, "post_build");
    const struct buildspec_phase *build = &spec->phase[BUILDSPEC_BUILD];
    const struct str_list *commands = &spec->phase[BUILDSPEC_POST_BUILD].commands;
    if (post == NULL || build->commands.n == 0 || commands->n == 0 ||
        build->on_failure.kind == ON_FAILURE_ABORT) {
        return;
    }
    for (size_t i = 0; i < commands->n; i++) {
        if (str_find(commands->v[i], S("CODEBUILD_BUILD_SUCCEEDING"), 0) != (size_t)-1) {
            return;
        }
    }
    warn(a, spec, "post-build-after-failure", post,
         "post_build runs after a failed build too; test \"$CODEBUILD_BUILD_SUCCEEDING\" = 1 "
         "first, or set on-failure: ABORT in build");
}

static int by_place(const void *x, const void *y) {
    const struct buildspec_note *p = x;
    const struct buildspec_note *q = y;
    if (p->line != q->line) {
        return p->line < q->line ? -1 : 1;
    }
    return p->column < q->column ? -1 : p->column > q->column;
}

int lint_buildspec(struct arena *a, const char *file, struct str text, struct buildspec *ret,
                   struct err *err) {
    if (buildspec_read(a, file, text, ret, err) < 0) {
        return -1;
    }
    const struct yaml_node *phases = yaml_get(ret->root, "phases");
    for (unsigned kind = 0; kind < BUILDSPEC_PHASES; kind++) {
        const char *key = buildspec_phase_key((enum buildspec_phase_kind)kind);
        const struct yaml_node *phase = yaml_get(phases, key);
        check_commands(a, ret, yaml_get(phase, "commands"));
        check_commands(a, ret, yaml_get(phase, "finally"));
    }
    check_post_build(a, ret, phases);
    if (ret->errors.n > 1) {
        qsort(ret->errors.v, ret->errors.n, sizeof(*ret->errors.v), by_place);
    }
    if (ret->warnings.n > 1) {
        qsort(ret->warnings.v, ret->warnings.n, sizeof(*ret->warnings.v), by_place);
    }
    return 0;
}

struct str lint_text(struct arena *a, const char *file, const struct buildspec *spec) {
    struct buf out cleanup_buf;
    buf_init(&out, 4 * 1024 * 1024);
    size_t e = 0;
    size_t w = 0;
    while (e < spec->errors.n || w < spec->warnings.n) {
        bool error =
            w == spec->warnings.n ||
            (e < spec->errors.n && by_place(&spec->errors.v[e], &spec->warnings.v[w]) <= 0);
        const struct buildspec_note *note = error ? &spec->errors.v[e++] : &spec->warnings.v[w++];
        buf_printf(&out, "%s:%u:%u: %s: " STR_FMT "\n", file, note->line, note->column,
                   error ? "error" : "warning", STR_ARG(note->text));
    }
    return buf_dup(a, &out);
}

static json_t *notes_json(const struct buildspec_notes *notes) {
    json_t *array = json_array();
    for (size_t i = 0; i < notes->n; i++) {
        json_t *note = json_object();
        json_set_str(note, "code", str_c(notes->v[i].code));
        json_set(note, "line", json_integer(notes->v[i].line));
        json_set(note, "column", json_integer(notes->v[i].column));
        json_set_str(note, "message", notes->v[i].text);
        json_array_append_new(array, note);
    }
    return array;
}

json_t *lint_json(const char *file, const struct buildspec *spec) {
    json_t *object = json_object();
    json_set_str(object, "file", str_c(file));
    json_set(object, "valid", json_boolean(spec->errors.n == 0));
    json_set(object, "errors", notes_json(&spec->errors));
    json_set(object, "warnings", notes_json(&spec->warnings));
    json_set(object, "buildspec", buildspec_json(spec));
    return object;
}
