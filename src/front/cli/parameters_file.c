/* Reads a file of values: NAME=VALUE lines for Parameter Store and Secrets Manager;
 * accounts_file.h. */
#include "front/cli/accounts_file.h"

#include "platform/os/file.h"
#include "platform/text/utf8.h"

#include <libgen.h>

enum {
    MAX_FILE = 1024 * 1024,
    MAX_VALUE = 8 * 1024,   /* Parameter Store's advanced tier */
    MAX_SECRET = 64 * 1024, /* Secrets Manager's */
    MAX_NAME = 1011,
    MAX_SECRET_NAME = 512,
    MAX_PARAMETERS = 10000, /* of an account, standard tier */
};

static bool name_ok(struct str name, bool secret) {
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '_' || c == '.' || c == '-' || c == '/' ||
                  (secret && (c == '+' || c == '@' || c == '!'));
        if (!ok) {
            return false;
        }
    }
    return name.n > 0 && name.n <= (secret ? MAX_SECRET_NAME : MAX_NAME);
}

/* '@FILE': its content without the last line end. */
static int from_file(struct arena *a, const char *file, unsigned line, const char *dir,
                     struct str name, struct str *ret, struct err *err) {
    struct err why = ERR_INIT;
    const char *path = name.n > 0 && name.p[0] == '/'
                           ? str_z(a, name)
                           : str_printf(a, "%s/" STR_FMT, dir, STR_ARG(name)).p;
    if (file_read(a, path, MAX_SECRET + 2, ret, &why) < 0) {
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

static int check_value(const char *file, const struct accounts_parameter *p, struct err *err) {
    size_t max = p->secret ? MAX_SECRET : MAX_VALUE;
    if (!name_ok(p->name, p->secret)) {
        return err_set(err, ERR_INVALID,
                       "%s:%u: '" STR_FMT "' is no %s's name: letters, digits and %s only", file,
                       p->line, STR_ARG(p->name), p->secret ? "secret" : "parameter",
                       p->secret ? "_.-/+@!" : "_.-/");
    }
    if (p->value.n == 0) {
        return err_set(err, ERR_INVALID, "%s:%u: '" STR_FMT "' is empty; %s takes no empty value",
                       file, p->line, STR_ARG(p->name),
                       p->secret ? "Secrets Manager" : "Parameter Store");
    }
    return p->value.n <= max ? 0
                             : err_set(err, ERR_INVALID,
                                       "%s:%u: the value of '" STR_FMT "' is longer than %zu KiB",
                                       file, p->line, STR_ARG(p->name), max / 1024);
}

/* Takes the word off the value's front. */
static bool take_word(struct accounts_parameter *p, struct str word) {
    bool there = str_starts(p->value, word);
    p->value = there ? str_sub(p->value, word.n, p->value.n) : p->value;
    return there;
}

static int parse_line(struct arena *a, const char *file, const char *dir, struct str text,
                      struct accounts_parameter *ret, struct err *err) {
    size_t equals = str_find_c(text, '=', 0);
    if (equals == (size_t)-1) {
        return err_set(err, ERR_INVALID, "%s:%u: this is not NAME=VALUE", file, ret->line);
    }
    ret->name = str_trim(str_sub(text, 0, equals));
    ret->value = str_sub(text, equals + 1, (size_t)-1);
    if (!ret->secret) {
        ret->secret = take_word(ret, S("secret:"));
        ret->secure = !ret->secret && take_word(ret, S("secure:"));
    }
    if (str_starts(ret->value, S("@")) &&
        from_file(a, file, ret->line, dir, str_sub(ret->value, 1, (size_t)-1), &ret->value, err) <
            0) {
        return -1;
    }
    return check_value(file, ret, err);
}

/* A name stands once; a parameter and a secret may share one. */
static int check_new(const char *file, const struct accounts_parameter_list *all,
                     const struct accounts_parameter *one, struct err *err) {
    for (size_t i = 0; i < all->n; i++) {
        if (all->v[i].secret == one->secret && str_eq(all->v[i].name, one->name)) {
            return err_set(err, ERR_INVALID, "%s:%u: '" STR_FMT "' stands in line %u already", file,
                           one->line, STR_ARG(one->name), all->v[i].line);
        }
    }
    return all->n < MAX_PARAMETERS ? 0
                                   : err_set(err, ERR_INVALID, "%s:%u: more than %d parameters",
                                             file, one->line, MAX_PARAMETERS);
}

int parameters_parse(struct arena *a, const char *file, const char *dir, struct str text,
                     bool secrets, struct accounts_parameter_list *ret, struct err *err) {
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
        struct accounts_parameter one = {.secret = secrets, .line = line};
        if (parse_line(a, file, dir, line_text, &one, err) < 0 ||
            check_new(file, ret, &one, err) < 0) {
            return -1;
        }
        *arena_push(a, ret) = one;
    }
    return 0;
}

int parameters_read(struct arena *a, const char *path, bool secrets, struct accounts_entry *ret,
                    struct err *err) {
    struct str text;
    struct accounts_parameter_list all;
    if (file_read(a, path, MAX_FILE, &text, err) < 0) {
        return -1;
    }
    char *copy = (char *)str_z(a, str_c(path));
    const char *dir = str_dup(a, str_c(dirname(copy))).p;
    if (parameters_parse(a, path, dir, text, secrets, &all, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < all.n; i++) {
        struct accounts_parameter_list *list = all.v[i].secret ? &ret->secrets : &ret->parameters;
        *arena_push(a, list) = all.v[i];
    }
    return 0;
}
