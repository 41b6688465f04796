/* Runs the checks over a buildspec, and prints what was found. */
#include "flow/phase/lint_internal.h"

#include "base/buf.h"

#include <stdlib.h>

static const struct lint_rule rules[] = {
#define RULE(code, severity, fixable, text) {code, severity, fixable, text},
#include "flow/phase/lint_rules.def"
#undef RULE
};

const struct lint_rule *lint_rules(size_t *ret_n) {
    *ret_n = sizeof(rules) / sizeof(rules[0]);
    return rules;
}

void lint_warn(struct linter *l, const char *code, const struct yaml_node *at, unsigned line,
               const char *fmt, ...) {
    if (l->spec->warnings.n >= BUILDSPEC_MAX_NOTES) {
        return;
    }
    va_list args;
    va_start(args, fmt);
    *arena_push(l->arena, &l->spec->warnings) = (struct buildspec_note){
        .code = code,
        .line = at->line + line,
        .column = line > 0 ? 1 : at->column,
        .text = arena_vprintf(l->arena, fmt, args),
    };
    va_end(args);
}

void lint_add(struct arena *a, struct buildspec *spec, const char *code, const struct yaml_node *at,
              const char *fmt, ...) {
    if (spec->warnings.n >= BUILDSPEC_MAX_NOTES) {
        return;
    }
    va_list args;
    va_start(args, fmt);
    *arena_push(a, &spec->warnings) = (struct buildspec_note){
        .code = code,
        .line = at->line,
        .column = at->column,
        .text = arena_vprintf(a, fmt, args),
    };
    va_end(args);
}

static void each_item(struct linter *l, enum buildspec_phase_kind phase, bool finally,
                      const struct yaml_node *node, lint_visit *visit, void *data) {
    if (yaml_is_null(node) || node->kind == YAML_MAPPING) {
        return;
    }
    size_t n = node->kind == YAML_SEQUENCE ? node->n : 1;
    for (size_t i = 0; i < n; i++) {
        const struct yaml_node *item = node->kind == YAML_SEQUENCE ? node->item[i] : node;
        if (item->kind == YAML_SCALAR && !yaml_is_null(item)) {
            visit(l, phase, finally, item, data);
        }
    }
}

void lint_each_command(struct linter *l, lint_visit *visit, void *data) {
    const struct yaml_node *phases = yaml_get(l->spec->root, "phases");
    for (unsigned i = 0; i < BUILDSPEC_PHASES; i++) {
        enum buildspec_phase_kind kind = (enum buildspec_phase_kind)i;
        const struct yaml_node *phase = yaml_get(phases, buildspec_phase_key(kind));
        each_item(l, kind, false, yaml_get(phase, "commands"), visit, data);
        each_item(l, kind, true, yaml_get(phase, "finally"), visit, data);
    }
}

bool lint_words(const struct shell_command *command, size_t at, const char *words) {
    struct str rest = str_c(words);
    struct str word;
    while (str_cut(&rest, ' ', &word)) {
        if (at >= command->words.n || (!str_is(word, "*") && !str_eq(word, command->words.v[at]))) {
            return false;
        }
        at++;
    }
    return true;
}

bool lint_is_one(const struct shell_command *command, const char *const *list) {
    size_t at = 0;
    struct str program = shell_program(command, &at);
    for (; program.p != NULL && *list != NULL; list++) {
        struct str rest = str_c(*list);
        struct str first;
        str_cut(&rest, ' ', &first);
        if (str_eq(first, program) && (rest.p == NULL || lint_words(command, at + 1, rest.p))) {
            return true;
        }
    }
    return false;
}

static int by_place(const void *x, const void *y) {
    const struct buildspec_note *p = x;
    const struct buildspec_note *q = y;
    if (p->line != q->line) {
        return p->line < q->line ? -1 : 1;
    }
    if (p->column != q->column) {
        return p->column < q->column ? -1 : 1;
    }
    return strcmp(p->code, q->code);
}

static void sort(struct buildspec_notes *notes) {
    if (notes->n > 1) {
        qsort(notes->v, notes->n, sizeof(*notes->v), by_place);
    }
}

void lint_sort(struct buildspec *spec) {
    sort(&spec->errors);
    sort(&spec->warnings);
}

int lint_buildspec(struct arena *a, const char *file, struct str text, struct buildspec *ret,
                   struct err *err) {
    if (buildspec_read(a, file, text, ret, err) < 0) {
        return -1;
    }
    struct linter l = {a, file, ret};
    if (ret->root != NULL) {
        lint_commands(&l);
        lint_publish(&l);
        lint_references(&l);
        lint_sections(&l);
    }
    lint_sort(ret);
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
        buf_printf(&out, "%s:%u:%u: %s: " STR_FMT " [%s]\n", file, note->line, note->column,
                   error ? "error" : "warning", STR_ARG(note->text), note->code);
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
