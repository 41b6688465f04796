/* "#{namespace.key}" in an action's configuration. */
#include "flow/action/action.h"

#include "base/buf.h"

enum { MAX_RESOLVED = 100 * 1024 }; /* CodePipeline: 100 KB of resolved configuration */

int variables_resolve(struct arena *a, const struct variable_scope *scope, struct str text,
                      struct str *ret, struct err *err) {
    struct buf out cleanup_buf;
    buf_init(&out, MAX_RESOLVED);
    size_t at = 0;
    for (;;) {
        size_t open = str_find(text, S("#{"), at);
        size_t close = open == (size_t)-1 ? open : str_find_c(text, '}', open);
        if (close == (size_t)-1) {
            break;
        }
        struct str name = str_trim(str_sub(text, open + 2, close - open - 2));
        struct str value = str_map_get(&scope->values, name);
        if (value.p == NULL) {
            return err_set(err, ERR_INVALID,
                           "#{%.*s} is not set: no earlier action with that namespace exports it",
                           STR_ARG(name));
        }
        buf_add(&out, str_sub(text, at, open - at));
        buf_add(&out, value);
        at = close + 1;
    }
    buf_add(&out, str_sub(text, at, text.n));
    if (out.overflow) {
        return err_set(err, ERR_LIMIT, "the resolved configuration is larger than %d KB",
                       MAX_RESOLVED / 1024);
    }
    *ret = buf_dup(a, &out);
    return 0;
}
