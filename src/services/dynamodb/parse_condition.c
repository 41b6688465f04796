/* Conditions, filters and key conditions: OR, AND, NOT, comparisons, BETWEEN, IN, functions. */
#include "services/dynamodb/parse.h"

enum { IN_MAX = 100 };

#define SCALARS (DDB_TYPES(DDB_S) | DDB_TYPES(DDB_N) | DDB_TYPES(DDB_B))

static struct ddb_node *parse_or(struct ddb_parser *p);

static const struct {
    const char *sign;
    enum ddb_op op;
} comparators[] = {
    {"=", DDB_OP_EQ},  {"<>", DDB_OP_NE}, {"<", DDB_OP_LT},
    {"<=", DDB_OP_LE}, {">", DDB_OP_GT},  {">=", DDB_OP_GE},
};

enum argument { ARG_NONE, ARG_TYPE, ARG_OPERAND };

static const struct function {
    const char *name;
    enum ddb_op op;
    enum argument second;
    unsigned allowed; /* types of a literal second argument */
} functions[] = {
    {"attribute_exists", DDB_OP_EXISTS, ARG_NONE, 0},
    {"attribute_not_exists", DDB_OP_NOT_EXISTS, ARG_NONE, 0},
    {"attribute_type", DDB_OP_TYPE, ARG_TYPE, DDB_TYPES(DDB_S)},
    {"begins_with", DDB_OP_BEGINS, ARG_OPERAND, DDB_TYPES(DDB_S) | DDB_TYPES(DDB_B)},
    {"contains", DDB_OP_CONTAINS, ARG_OPERAND, ~0u},
};

static const struct function *find_function(const struct ddb_parser *p) {
    size_t at = p->at;
    if (p->token.kind != DDB_T_WORD || !str_is(ddb_lex(p->text, &at).text, "(")) {
        return NULL;
    }
    for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
        if (str_is(p->token.text, functions[i].name)) {
            return &functions[i];
        }
    }
    return NULL;
}

static int check_function(struct ddb_parser *p, const struct function *f,
                          const struct ddb_node *node) {
    if (f->second == ARG_NONE && node->args.v[0]->op != DDB_OP_PATH) {
        return ddb_parser_fail(p,
                               "Operator or function requires a document path; operator or "
                               "function: %s",
                               f->name);
    }
    if (node->args.n != (f->second == ARG_NONE ? 1u : 2u)) {
        return ddb_parser_fail(p,
                               "Incorrect number of operands for operator or function; operator "
                               "or function: %s, number of operands: %zu",
                               f->name, node->args.n);
    }
    if (f->second == ARG_NONE) {
        return 0;
    }
    if (ddb_parser_types(p, f->name, node->args.v[1], f->allowed) < 0) {
        return -1;
    }
    const struct ddb_node *type = node->args.v[1];
    enum ddb_type known;
    if (f->second == ARG_TYPE &&
        (type->op != DDB_OP_VALUE || !ddb_type_parse(type->value->text, &known))) {
        return ddb_parser_fail(p,
                               "Invalid attribute type name found; type: " STR_FMT
                               ", valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}",
                               STR_ARG(type->op == DDB_OP_VALUE ? type->value->text : S("?")));
    }
    return 0;
}

static struct ddb_node *parse_function(struct ddb_parser *p, const struct function *f) {
    struct ddb_node *node = ddb_node_new(p, f->op);
    ddb_parser_next(p);
    do {
        ddb_parser_next(p); /* "(" or "," */
        struct ddb_node *arg = ddb_parse_operand(p);
        if (arg == NULL) {
            return NULL;
        }
        ddb_node_add(p, node, arg);
    } while (ddb_parser_is(p, ",") && node->args.n < 3);
    if (ddb_parser_expect(p, ")") < 0 || ddb_parser_operator(p) < 0 ||
        check_function(p, f, node) < 0) {
        return NULL;
    }
    return node;
}

static struct ddb_node *add_operand(struct ddb_parser *p, struct ddb_node *node,
                                    const char *function, unsigned allowed) {
    struct ddb_node *operand = ddb_parse_operand(p);
    if (operand == NULL || ddb_parser_types(p, function, operand, allowed) < 0) {
        return NULL;
    }
    ddb_node_add(p, node, operand);
    return node;
}

static struct ddb_node *parse_between(struct ddb_parser *p, struct ddb_node *left) {
    struct ddb_node *node = ddb_node_new(p, DDB_OP_BETWEEN);
    ddb_node_add(p, node, left);
    ddb_parser_next(p);
    if (ddb_parser_types(p, "BETWEEN", left, SCALARS) < 0 ||
        add_operand(p, node, "BETWEEN", SCALARS) == NULL || ddb_parser_expect(p, "AND") < 0 ||
        add_operand(p, node, "BETWEEN", SCALARS) == NULL || ddb_parser_operator(p) < 0) {
        return NULL;
    }
    const struct ddb_node *low = node->args.v[1];
    const struct ddb_node *high = node->args.v[2];
    int order = 0;
    if (low->op == DDB_OP_VALUE && high->op == DDB_OP_VALUE) {
        if (low->value->type != high->value->type) {
            ddb_parser_fail(p,
                            "The BETWEEN operator requires same data type for lower and upper "
                            "bounds; lower bound operand: AttributeValue: {%s:" STR_FMT
                            "}, upper bound operand: AttributeValue: {%s:" STR_FMT "}",
                            ddb_type_name(low->value->type), STR_ARG(low->value->text),
                            ddb_type_name(high->value->type), STR_ARG(high->value->text));
            return NULL;
        }
        if (ddb_value_cmp(low->value, high->value, &order) && order > 0) {
            ddb_parser_fail(
                p,
                "The BETWEEN operator requires upper bound to be greater than or "
                "equal to lower bound; lower bound operand: AttributeValue: {%s:" STR_FMT
                "}, upper bound operand: AttributeValue: {%s:" STR_FMT "}",
                ddb_type_name(low->value->type), STR_ARG(low->value->text),
                ddb_type_name(high->value->type), STR_ARG(high->value->text));
            return NULL;
        }
    }
    return node;
}

static struct ddb_node *parse_in(struct ddb_parser *p, struct ddb_node *left) {
    struct ddb_node *node = ddb_node_new(p, DDB_OP_IN);
    ddb_node_add(p, node, left);
    ddb_parser_next(p);
    if (!ddb_parser_is(p, "(")) {
        ddb_parser_syntax(p);
        return NULL;
    }
    do {
        ddb_parser_next(p);
        if (add_operand(p, node, "IN", ~0u) == NULL) {
            return NULL;
        }
    } while (ddb_parser_is(p, ",") && node->args.n <= IN_MAX + 1);
    if (node->args.n > IN_MAX + 1) {
        ddb_parser_fail(p,
                        "Invalid number of operands for operator or function; operator or "
                        "function: IN, number of operands: %zu",
                        node->args.n);
        return NULL;
    }
    return ddb_parser_expect(p, ")") < 0 || ddb_parser_operator(p) < 0 ? NULL : node;
}

static struct ddb_node *parse_comparison(struct ddb_parser *p) {
    struct ddb_node *left = ddb_parse_operand(p);
    if (left == NULL) {
        return NULL;
    }
    if (ddb_parser_is(p, "BETWEEN")) {
        return parse_between(p, left);
    }
    if (ddb_parser_is(p, "IN")) {
        return parse_in(p, left);
    }
    for (size_t i = 0; i < sizeof(comparators) / sizeof(comparators[0]); i++) {
        if (!ddb_parser_is(p, comparators[i].sign)) {
            continue;
        }
        struct ddb_node *node = ddb_node_new(p, comparators[i].op);
        unsigned allowed = node->op == DDB_OP_EQ || node->op == DDB_OP_NE ? ~0u : SCALARS;
        ddb_node_add(p, node, left);
        ddb_parser_next(p);
        if (ddb_parser_types(p, comparators[i].sign, left, allowed) < 0 ||
            add_operand(p, node, comparators[i].sign, allowed) == NULL) {
            return NULL;
        }
        return ddb_parser_operator(p) < 0 ? NULL : node;
    }
    ddb_parser_syntax(p);
    return NULL;
}

static struct ddb_node *parse_primary(struct ddb_parser *p) {
    if (ddb_parser_is(p, "(")) {
        ddb_parser_next(p);
        struct ddb_node *inner = parse_or(p);
        return inner == NULL || ddb_parser_expect(p, ")") < 0 ? NULL : inner;
    }
    const struct function *f = find_function(p);
    return f != NULL ? parse_function(p, f) : parse_comparison(p);
}

static struct ddb_node *parse_not(struct ddb_parser *p) {
    if (ddb_parser_enter(p) < 0) {
        return NULL;
    }
    struct ddb_node *node;
    if (ddb_parser_is(p, "NOT")) {
        ddb_parser_next(p);
        node = ddb_node_new(p, DDB_OP_NOT);
        struct ddb_node *inner = ddb_parser_operator(p) < 0 ? NULL : parse_not(p);
        if (inner == NULL) {
            return NULL;
        }
        ddb_node_add(p, node, inner);
    } else {
        node = parse_primary(p);
    }
    ddb_parser_leave(p);
    return node;
}

static struct ddb_node *parse_joined(struct ddb_parser *p, const char *keyword, enum ddb_op op,
                                     struct ddb_node *(*part)(struct ddb_parser *p)) {
    struct ddb_node *first = part(p);
    if (first == NULL || !ddb_parser_is(p, keyword)) {
        return first;
    }
    struct ddb_node *node = ddb_node_new(p, op);
    ddb_node_add(p, node, first);
    while (ddb_parser_is(p, keyword)) {
        ddb_parser_next(p);
        struct ddb_node *more = ddb_parser_operator(p) < 0 ? NULL : part(p);
        if (more == NULL) {
            return NULL;
        }
        ddb_node_add(p, node, more);
    }
    return node;
}

static struct ddb_node *parse_and(struct ddb_parser *p) {
    return parse_joined(p, "AND", DDB_OP_AND, parse_not);
}

static struct ddb_node *parse_or(struct ddb_parser *p) {
    return parse_joined(p, "OR", DDB_OP_OR, parse_and);
}

int ddb_parse_condition(struct arena *a, const char *what, struct str text, struct ddb_names *names,
                        struct ddb_node **ret, struct err *err) {
    struct ddb_parser p;
    if (ddb_parser_begin(&p, a, what, text, names, err) < 0) {
        return -1;
    }
    *ret = parse_or(&p);
    if (*ret == NULL) {
        return -1;
    }
    return p.token.kind == DDB_T_END ? 0 : ddb_parser_syntax(&p);
}
