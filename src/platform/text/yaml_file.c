/* What files of our own want of yaml.h: strictness, and errors that name their place. */
#include "platform/text/yaml.h"

int yaml_vfail(struct err *err, const char *file, const struct yaml_node *at, const char *fmt,
               va_list args) {
    struct err what = ERR_INIT;
    err_vset(&what, ERR_INVALID, fmt, args);
    return err_set(err, ERR_INVALID, "%s:%u:%u: %s", file, at->line, at->column, what.msg);
}

int yaml_fail(struct err *err, const char *file, const struct yaml_node *at, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    int failed = yaml_vfail(err, file, at, fmt, args);
    va_end(args);
    return failed;
}

int yaml_parse_strict(struct arena *a, const char *file, struct str text, struct yaml_doc *ret,
                      struct err *err) {
    if (yaml_parse(a, file, text, ret, err) < 0) {
        return -1;
    }
    if (ret->root == NULL) {
        return err_set(err, ERR_INVALID, "%s:1:1: the file is empty", file);
    }
    if (ret->warnings.n > 0) {
        const struct yaml_note *first = &ret->warnings.v[0];
        return err_set(err, ERR_INVALID, "%s:%u:%u: " STR_FMT, file, first->line, first->column,
                       STR_ARG(first->text));
    }
    return 0;
}
