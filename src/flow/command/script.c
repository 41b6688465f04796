/* Texts of the shell scripts of script.h. */
#include "flow/command/script.h"

#include "base/buf.h"

static void add_quoted(struct buf *out, struct str text) {
    buf_add_c(out, '\'');
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '\'') {
            buf_add_z(out, "'\\''");
        } else {
            buf_add_c(out, text.p[i]);
        }
    }
    buf_add_c(out, '\'');
}

struct str script_quote(struct arena *a, struct str text) {
    struct buf out cleanup_buf;
    buf_init(&out, text.n * 4 + 2);
    add_quoted(&out, text);
    return buf_dup(a, &out);
}

static bool shell_name(struct str name) {
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
        if (!letter && !(i > 0 && c >= '0' && c <= '9')) {
            return false;
        }
    }
    return name.n > 0;
}

/* "; NAME='value'" for each, to stand behind a statement on the same line. */
static struct str assignments(struct arena *a, const struct str_map *set) {
    struct str all = S("");
    for (size_t i = 0; i < set->n; i++) {
        all = str_printf(a, STR_FMT "; " STR_FMT "=" STR_FMT, STR_ARG(all), STR_ARG(set->v[i].key),
                         STR_ARG(script_quote(a, set->v[i].value)));
    }
    return all;
}

struct str script_of_command(struct arena *a, struct str command, const struct str_map *set,
                             struct str directory) {
    bool known = directory.n > 0 && str_find_c(directory, '\n', 0) == (size_t)-1;
    struct str where = known ? script_quote(a, directory) : S("\"$(cat " SCRIPT_CWD ")\"");
    return str_printf(a,
                      "cd " STR_FMT "\n"
                      "set -a\n"
                      ". " SCRIPT_ENV STR_FMT "\n" STR_FMT "\n"
                      "CODEBUILD_LAST_EXIT=$?\n"
                      "export -p > " SCRIPT_ENV "\n"
                      "pwd > " SCRIPT_CWD "\n"
                      "exit $CODEBUILD_LAST_EXIT\n",
                      STR_ARG(where), STR_ARG(assignments(a, set)), STR_ARG(command));
}

struct str script_of_command_1(struct arena *a, struct str command, struct str directory,
                               const struct str_map *set) {
    return str_printf(a,
                      "cd " STR_FMT "\n"
                      "set -a\n"
                      ". " SCRIPT_ENV STR_FMT "; set +a\n" STR_FMT "\n",
                      STR_ARG(script_quote(a, directory)), STR_ARG(assignments(a, set)),
                      STR_ARG(command));
}

struct str script_print_env(struct arena *a) {
    (void)a;
    return S("set -a\n. " SCRIPT_ENV " >/dev/null 2>&1\nexec cat /proc/self/environ\n");
}

struct str script_evaluate(struct arena *a, struct str text) {
    return str_printf(a,
                      "cd \"$(cat " SCRIPT_CWD ")\"\n"
                      "set -a\n"
                      ". " SCRIPT_ENV "\n"
                      "printf %%s \"" STR_FMT "\"\n",
                      STR_ARG(text));
}

struct str script_env_file(struct arena *a, const struct str_map *env) {
    size_t max = 1;
    for (size_t i = 0; i < env->n; i++) {
        max += env->v[i].key.n + env->v[i].value.n * 4 + 16;
    }
    struct buf out cleanup_buf;
    buf_init(&out, max);
    for (size_t i = 0; i < env->n; i++) {
        if (shell_name(env->v[i].key)) {
            buf_printf(&out, "export " STR_FMT "=", STR_ARG(env->v[i].key));
            add_quoted(&out, env->v[i].value);
            buf_add_c(&out, '\n');
        }
    }
    return buf_dup(a, &out);
}

struct str_map script_read_env(struct arena *a, struct str printed) {
    struct str_map env = {0};
    while (printed.n > 0) {
        size_t end = str_find_c(printed, '\0', 0);
        if (end == (size_t)-1) {
            break;
        }
        struct str entry = str_sub(printed, 0, end);
        size_t equals = str_find_c(entry, '=', 0);
        if (equals != (size_t)-1) {
            *arena_push(a, &env) =
                (struct str_pair){str_sub(entry, 0, equals), str_sub(entry, equals + 1, entry.n)};
        }
        printed = str_sub(printed, end + 1, printed.n);
    }
    return env;
}
