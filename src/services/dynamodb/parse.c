/* Parser core: tokens, names and values, paths, projections. Conditions are in parse_condition.c,
 * updates in parse_update.c. */
#include "services/dynamodb/parse.h"

#include <stdlib.h>

void ddb_names_init(struct arena *a, struct ddb_names *names) {
    names->name_used = arena_new_n(a, bool, names->names.n + 1);
    names->value_used = arena_new_n(a, bool, names->values.n + 1);
}

int ddb_names_check(const struct ddb_names *names, struct err *err) {
    for (size_t i = 0; i < names->names.n; i++) {
        if (!names->name_used[i]) {
            return err_set(err, ERR_INVALID,
                           "Value provided in ExpressionAttributeNames unused in expressions: "
                           "keys: {" STR_FMT "}",
                           STR_ARG(names->names.v[i].key));
        }
    }
    for (size_t i = 0; i < names->values.n; i++) {
        if (!names->value_used[i]) {
            return err_set(err, ERR_INVALID,
                           "Value provided in ExpressionAttributeValues unused in expressions: "
                           "keys: {" STR_FMT "}",
                           STR_ARG(names->values.v[i].name));
        }
    }
    return 0;
}

int ddb_parser_fail(struct ddb_parser *p, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    err_vset(p->err, ERR_INVALID, fmt, args);
    va_end(args);
    return err_wrap(p->err, "Invalid %s", p->what);
}

int ddb_parser_syntax(struct ddb_parser *p) {
    if (p->token.kind == DDB_T_END) {
        return ddb_parser_fail(p, "Syntax error; token: \"<EOF>\", near: \"" STR_FMT "\"",
                               STR_ARG(p->last.text));
    }
    size_t from = p->last.text.p != NULL ? p->last.at : p->token.at;
    size_t end = p->at;
    struct ddb_token after = ddb_lex(p->text, &end);
    if (after.kind == DDB_T_END) {
        end = p->at;
    }
    struct str near = str_sub(p->text, from, end - from);
    return ddb_parser_fail(p, "Syntax error; token: \"" STR_FMT "\", near: \"" STR_FMT "\"",
                           STR_ARG(str_sub(p->token.text, 0, 255)), STR_ARG(str_sub(near, 0, 400)));
}

void ddb_parser_next(struct ddb_parser *p) {
    p->last = p->token;
    p->token = ddb_lex(p->text, &p->at);
}

int ddb_parser_begin(struct ddb_parser *p, struct arena *a, const char *what, struct str text,
                     struct ddb_names *names, struct err *err) {
    *p = (struct ddb_parser){.arena = a, .what = what, .text = text, .names = names, .err = err};
    if (str_trim(text).n == 0) {
        return ddb_parser_fail(p, "The expression can not be empty;");
    }
    if (text.n > DDB_EXPR_MAX) {
        return ddb_parser_fail(p,
                               "Expression size has exceeded the maximum allowed size; "
                               "expression size: %zu",
                               text.n);
    }
    p->token = ddb_lex(text, &p->at);
    return 0;
}

/* Keywords count in any case. */
bool ddb_parser_is(const struct ddb_parser *p, const char *sign_or_keyword) {
    return (p->token.kind == DDB_T_SIGN || p->token.kind == DDB_T_WORD) &&
           str_ieq(p->token.text, str_c(sign_or_keyword));
}

int ddb_parser_expect(struct ddb_parser *p, const char *sign_or_keyword) {
    if (!ddb_parser_is(p, sign_or_keyword)) {
        return ddb_parser_syntax(p);
    }
    ddb_parser_next(p);
    return 0;
}

int ddb_parser_enter(struct ddb_parser *p) {
    if (++p->depth > DDB_EXPR_DEPTH) {
        return ddb_parser_fail(p, "The expression is nested too deeply");
    }
    return 0;
}

void ddb_parser_leave(struct ddb_parser *p) {
    p->depth--;
}

int ddb_parser_operator(struct ddb_parser *p) {
    if (++p->operators > DDB_EXPR_OPERATORS) {
        return ddb_parser_fail(p, "The expression contains too many operators; operator count: %d",
                               p->operators);
    }
    return 0;
}

struct ddb_node *ddb_node_new(struct ddb_parser *p, enum ddb_op op) {
    struct ddb_node *node = arena_new(p->arena, struct ddb_node);
    node->op = op;
    return node;
}

void ddb_node_add(struct ddb_parser *p, struct ddb_node *node, struct ddb_node *arg) {
    *arena_push(p->arena, &node->args) = arg;
}

static int path_name(struct ddb_parser *p, struct str *ret) {
    struct str text = p->token.text;
    if (p->token.kind == DDB_T_NAME) {
        for (size_t i = 0; i < p->names->names.n; i++) {
            if (str_eq(p->names->names.v[i].key, text)) {
                p->names->name_used[i] = true;
                *ret = p->names->names.v[i].value;
                ddb_parser_next(p);
                return 0;
            }
        }
        return ddb_parser_fail(p,
                               "An expression attribute name used in the document path is not "
                               "defined; attribute name: " STR_FMT,
                               STR_ARG(text));
    }
    if (p->token.kind != DDB_T_WORD) {
        return ddb_parser_syntax(p);
    }
    if (ddb_reserved_word(text)) {
        return ddb_parser_fail(
            p, "Attribute name is a reserved keyword; reserved keyword: " STR_FMT, STR_ARG(text));
    }
    *ret = text;
    ddb_parser_next(p);
    return 0;
}

static int path_index(struct ddb_parser *p, struct ddb_path *path) {
    unsigned long long index = 0;
    ddb_parser_next(p);
    if (p->token.kind != DDB_T_NUMBER || !str_to_u64(p->token.text, &index)) {
        return ddb_parser_syntax(p);
    }
    if (index > 99999) {
        return ddb_parser_fail(p,
                               "List index is not within the allowable range; index: [" STR_FMT "]",
                               STR_ARG(p->token.text));
    }
    ddb_parser_next(p);
    *arena_push(p->arena, path) = (struct ddb_step){.index = (size_t)index};
    return ddb_parser_expect(p, "]");
}

int ddb_parse_path(struct ddb_parser *p, struct ddb_path *ret) {
    *ret = (struct ddb_path){0};
    struct str name;
    if (path_name(p, &name) < 0) {
        return -1;
    }
    *arena_push(p->arena, ret) = (struct ddb_step){.name = name};
    while (ddb_parser_is(p, ".") || ddb_parser_is(p, "[")) {
        if (ret->n >= DDB_PATH_MAX) {
            return ddb_parser_fail(p,
                                   "The document path has too many nesting elements; nesting "
                                   "level: %zu",
                                   ret->n + 1);
        }
        if (ddb_parser_is(p, "[")) {
            if (path_index(p, ret) < 0) {
                return -1;
            }
            continue;
        }
        ddb_parser_next(p);
        if (path_name(p, &name) < 0) {
            return -1;
        }
        *arena_push(p->arena, ret) = (struct ddb_step){.name = name};
    }
    return 0;
}

static struct ddb_node *parse_value(struct ddb_parser *p) {
    for (size_t i = 0; i < p->names->values.n; i++) {
        if (str_eq(p->names->values.v[i].name, p->token.text)) {
            p->names->value_used[i] = true;
            struct ddb_node *node = ddb_node_new(p, DDB_OP_VALUE);
            node->value = p->names->values.v[i].value;
            ddb_parser_next(p);
            return node;
        }
    }
    ddb_parser_fail(p,
                    "An expression attribute value used in expression is not defined; attribute "
                    "value: " STR_FMT,
                    STR_ARG(p->token.text));
    return NULL;
}

static bool calls(const struct ddb_parser *p, const char *function) {
    size_t at = p->at;
    return p->token.kind == DDB_T_WORD && str_is(p->token.text, function) &&
           str_is(ddb_lex(p->text, &at).text, "(");
}

struct ddb_node *ddb_parse_operand(struct ddb_parser *p) {
    if (p->token.kind == DDB_T_VALUE) {
        return parse_value(p);
    }
    if (calls(p, "size")) {
        ddb_parser_next(p);
        ddb_parser_next(p);
        struct ddb_node *size = ddb_node_new(p, DDB_OP_SIZE);
        struct ddb_node *arg =
            p->token.kind == DDB_T_VALUE ? parse_value(p) : ddb_node_new(p, DDB_OP_PATH);
        if (arg == NULL || (arg->op == DDB_OP_PATH && ddb_parse_path(p, &arg->path) < 0)) {
            return NULL;
        }
        ddb_node_add(p, size, arg);
        return ddb_parser_operator(p) < 0 || ddb_parser_expect(p, ")") < 0 ? NULL : size;
    }
    struct ddb_node *node = ddb_node_new(p, DDB_OP_PATH);
    return ddb_parse_path(p, &node->path) < 0 ? NULL : node;
}

int ddb_parser_types(struct ddb_parser *p, const char *function, const struct ddb_node *operand,
                     unsigned allowed) {
    if (operand->op != DDB_OP_VALUE || (allowed & DDB_TYPES(operand->value->type)) != 0) {
        return 0;
    }
    return ddb_parser_fail(p,
                           "Incorrect operand type for operator or function; operator or "
                           "function: %s, operand type: %s",
                           function, ddb_type_name(operand->value->type));
}

static bool step_eq(const struct ddb_step *x, const struct ddb_step *y) {
    if ((x->name.p == NULL) != (y->name.p == NULL)) {
        return false;
    }
    return x->name.p != NULL ? str_eq(x->name, y->name) : x->index == y->index;
}

bool ddb_path_overlaps(const struct ddb_path *x, const struct ddb_path *y) {
    size_t n = x->n < y->n ? x->n : y->n;
    for (size_t i = 0; i < n; i++) {
        if (!step_eq(&x->v[i], &y->v[i])) {
            return false;
        }
    }
    return true;
}

struct str ddb_path_text(struct arena *a, const struct ddb_path *path) {
    struct str text = S("[");
    for (size_t i = 0; i < path->n; i++) {
        const char *comma = i > 0 ? ", " : "";
        if (path->v[i].name.p != NULL) {
            text =
                str_printf(a, STR_FMT "%s" STR_FMT, STR_ARG(text), comma, STR_ARG(path->v[i].name));
        } else {
            text = str_printf(a, STR_FMT "%s[%zu]", STR_ARG(text), comma, path->v[i].index);
        }
    }
    return str_concat(a, text, S("]"));
}

int ddb_parse_projection(struct arena *a, struct str text, struct ddb_names *names,
                         struct ddb_projection *ret, struct err *err) {
    struct ddb_parser p;
    *ret = (struct ddb_projection){0};
    if (ddb_parser_begin(&p, a, "ProjectionExpression", text, names, err) < 0) {
        return -1;
    }
    for (;;) {
        struct ddb_path path;
        if (ddb_parse_path(&p, &path) < 0) {
            return -1;
        }
        for (size_t i = 0; i < ret->n; i++) {
            if (ddb_path_overlaps(&ret->v[i], &path)) {
                struct str one = ddb_path_text(a, &ret->v[i]);
                struct str two = ddb_path_text(a, &path);
                return ddb_parser_fail(&p,
                                       "Two document paths overlap with each other; must remove "
                                       "or rewrite one of these paths; path one: " STR_FMT
                                       ", path two: " STR_FMT,
                                       STR_ARG(one), STR_ARG(two));
            }
        }
        *arena_push(a, ret) = path;
        if (!ddb_parser_is(&p, ",")) {
            return p.token.kind == DDB_T_END ? 0 : ddb_parser_syntax(&p);
        }
        ddb_parser_next(&p);
    }
}

static int compare_words(const void *x, const void *y) {
    return strcasecmp(*(const char *const *)x, *(const char *const *)y);
}

bool ddb_reserved_word(struct str word) {
    static const char *const words[] = {
#define WORD(w) #w,
#include "services/dynamodb/reserved.def"
#undef WORD
    };
    char text[32];
    if (word.n >= sizeof(text)) {
        return false;
    }
    memcpy(text, word.p, word.n);
    text[word.n] = '\0';
    const char *key = text;
    return bsearch(&key, words, sizeof(words) / sizeof(words[0]), sizeof(words[0]),
                   compare_words) != NULL;
}
