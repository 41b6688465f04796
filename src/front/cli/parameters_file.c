/* Reads a parameters file: NAME=VALUE lines for Parameter Store; accounts_file.h. */
#include "front/cli/accounts_file.h"

#include "platform/os/file.h"
#include "platform/text/utf8.h"

#include <libgen.h>

enum {
    MAX_FILE = 1024 * 1024,
    MAX_VALUE = 8 * 1024, /* Parameter Store's advanced tier */
    MAX_NAME = 1011,
    MAX_PARAMETERS = 10000, /* of an account, standard tier */
};

static bool name_ok(struct str name) {
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '_' || c == '.' || c == '-' || c == '/';
        if (!ok) {
            return false;
        }
    }
    return name.n > 0 && name.n <= MAX_NAME;
}

/* '@FILE': its content without the last line end. */
static int from_file(struct arena *a, const char *file, unsigned line, const char *dir,
                     struct str name, struct str *ret, struct err *err) {
    struct err why = ERR_INIT;
    const char *path = name.n > 0 && name.p[0] == '/'
                           ? str_z(a, name)
                           : str_printf(a, "%s/" STR_FMT, dir, STR_ARG(name)).p;
    if (file_read(a, path, MAX_VALUE + 2, ret, &why) < 0) {
        return err_set(err, why.kind == ERR_LIMIT ? ERR_INVALID : why.kind, "%s:%u: %s", file, line,
                       why.msg);
    }
    if (ret->n > 0 && ret->p[ret->n - 1] == '\n') {
        ret->n--;
        if (ret->n > 0 && ret->p[ret->n - 1] == '\r') {
            ret->n--;
        }
    }
    return 0;
}

static int parse_line(struct arena *a, const char *file, unsigned line, const char *dir,
                      struct str text, struct accounts_parameter *ret, struct err *err) {
    size_t equals = str_find_c(text, '=', 0);
    if (equals == (size_t)-1) {
        return err_set(err, ERR_INVALID, "%s:%u: this is not NAME=VALUE", file, line);
    }
    *ret = (struct accounts_parameter){
        .name = str_trim(str_sub(text, 0, equals)),
        .value = str_sub(text, equals + 1, (size_t)-1),
        .line = line,
    };
    if (!name_ok(ret->name)) {
        return err_set(err, ERR_INVALID,
                       "%s:%u: '" STR_FMT "' is no parameter's name: letters, digits and _.-/ only",
                       file, line, STR_ARG(ret->name));
    }
    if (str_starts(ret->value, S("secure:"))) {
        ret->secure = true;
        ret->value = str_sub(ret->value, 7, (size_t)-1);
    }
    if (str_starts(ret->value, S("@")) &&
        from_file(a, file, line, dir, str_sub(ret->value, 1, (size_t)-1), &ret->value, err) < 0) {
        return -1;
    }
    if (ret->value.n == 0) {
        return err_set(err, ERR_INVALID,
                       "%s:%u: '" STR_FMT "' is empty; Parameter Store takes no "
                       "empty value",
                       file, line, STR_ARG(ret->name));
    }
    if (ret->value.n > MAX_VALUE) {
        return err_set(err, ERR_INVALID, "%s:%u: the value of '" STR_FMT "' is longer than 8 KiB",
                       file, line, STR_ARG(ret->name));
    }
    return 0;
}

int parameters_parse(struct arena *a, const char *file, const char *dir, struct str text,
                     struct accounts_parameter_list *ret, struct err *err) {
    *ret = (struct accounts_parameter_list){0};
    if (!utf8_valid(text)) {
        return err_set(err, ERR_INVALID, "%s: the file is not UTF-8 text", file);
    }
    struct str line_text;
    for (unsigned line = 1; str_cut(&text, '\n', &line_text); line++) {
        if (str_ends(line_text, S("\r"))) {
            line_text.n--;
        }
        struct str bare = str_trim(line_text);
        if (bare.n == 0 || bare.p[0] == '#') {
            continue;
        }
        struct accounts_parameter one;
        if (parse_line(a, file, line, dir, line_text, &one, err) < 0) {
            return -1;
        }
        for (size_t i = 0; i < ret->n; i++) {
            if (str_eq(ret->v[i].name, one.name)) {
                return err_set(err, ERR_INVALID, "%s:%u: '" STR_FMT "' stands in line %u already",
                               file, line, STR_ARG(one.name), ret->v[i].line);
            }
        }
        if (ret->n == MAX_PARAMETERS) {
            return err_set(err, ERR_INVALID, "%s:%u: more than %d parameters", file, line,
                           MAX_PARAMETERS);
        }
        *arena_push(a, ret) = one;
    }
    return 0;
}

int parameters_read(struct arena *a, const char *path, struct accounts_parameter_list *ret,
                    struct err *err) {
    struct str text;
    if (file_read(a, path, MAX_FILE, &text, err) < 0) {
        return -1;
    }
    char *copy = (char *)str_z(a, str_c(path));
    return parameters_parse(a, path, str_dup(a, str_c(dirname(copy))).p, text, ret, err);
}
