/* Update expressions: SET, REMOVE, ADD, DELETE, each at most once, their paths without overlap. */
#include "services/dynamodb/parse.h"

#define SETS (DDB_TYPES(DDB_SS) | DDB_TYPES(DDB_NS) | DDB_TYPES(DDB_BS))

static struct ddb_node *parse_value_term(struct ddb_parser *p);

static bool calls(const struct ddb_parser *p, const char *function) {
    size_t at = p->at;
    return p->token.kind == DDB_T_WORD && str_is(p->token.text, function) &&
           str_is(ddb_lex(p->text, &at).text, "(");
}

static struct ddb_node *parse_call(struct ddb_parser *p, enum ddb_op op, const char *name) {
    struct ddb_node *node = ddb_node_new(p, op);
    ddb_parser_next(p);
    ddb_parser_next(p);
    struct ddb_node *first = parse_value_term(p);
    if (first == NULL || ddb_parser_expect(p, ",") < 0) {
        return NULL;
    }
    struct ddb_node *second = parse_value_term(p);
    if (second == NULL || ddb_parser_expect(p, ")") < 0 || ddb_parser_operator(p) < 0) {
        return NULL;
    }
    ddb_node_add(p, node, first);
    ddb_node_add(p, node, second);
    if (op == DDB_OP_IF_NOT_EXISTS && first->op != DDB_OP_PATH) {
        ddb_parser_fail(
            p, "Operator or function requires a document path; operator or function: %s", name);
        return NULL;
    }
    if (op == DDB_OP_LIST_APPEND && (ddb_parser_types(p, name, first, DDB_TYPES(DDB_L)) < 0 ||
                                     ddb_parser_types(p, name, second, DDB_TYPES(DDB_L)) < 0)) {
        return NULL;
    }
    return node;
}

static struct ddb_node *parse_sum(struct ddb_parser *p) {
    struct ddb_node *left = parse_value_term(p);
    if (left == NULL || (!ddb_parser_is(p, "+") && !ddb_parser_is(p, "-"))) {
        return left;
    }
    const char *sign = ddb_parser_is(p, "+") ? "+" : "-";
    struct ddb_node *node = ddb_node_new(p, *sign == '+' ? DDB_OP_PLUS : DDB_OP_MINUS);
    ddb_parser_next(p);
    struct ddb_node *right = parse_value_term(p);
    if (right == NULL || ddb_parser_operator(p) < 0 ||
        ddb_parser_types(p, sign, left, DDB_TYPES(DDB_N)) < 0 ||
        ddb_parser_types(p, sign, right, DDB_TYPES(DDB_N)) < 0) {
        return NULL;
    }
    ddb_node_add(p, node, left);
    ddb_node_add(p, node, right);
    return node;
}

static struct ddb_node *parse_value_term(struct ddb_parser *p) {
    if (ddb_parser_enter(p) < 0) {
        return NULL;
    }
    struct ddb_node *node = NULL;
    if (ddb_parser_is(p, "(")) {
        ddb_parser_next(p);
        node = parse_sum(p);
        node = node == NULL || ddb_parser_expect(p, ")") < 0 ? NULL : node;
    } else if (calls(p, "if_not_exists")) {
        node = parse_call(p, DDB_OP_IF_NOT_EXISTS, "if_not_exists");
    } else if (calls(p, "list_append")) {
        node = parse_call(p, DDB_OP_LIST_APPEND, "list_append");
    } else if (calls(p, "size")) {
        ddb_parser_fail(p, "The function is not allowed in an update expression; function: size");
    } else {
        node = ddb_parse_operand(p);
    }
    ddb_parser_leave(p);
    return node;
}

static int add_action(struct ddb_parser *p, struct ddb_update *update, struct ddb_action action) {
    for (size_t i = 0; i < update->n; i++) {
        if (ddb_path_overlaps(&update->v[i].path, &action.path)) {
            struct str one = ddb_path_text(p->arena, &update->v[i].path);
            struct str two = ddb_path_text(p->arena, &action.path);
            return ddb_parser_fail(p,
                                   "Two document paths overlap with each other; must remove or "
                                   "rewrite one of these paths; path one: " STR_FMT
                                   ", path two: " STR_FMT,
                                   STR_ARG(one), STR_ARG(two));
        }
    }
    *arena_push(p->arena, update) = action;
    return 0;
}

static int parse_add_operand(struct ddb_parser *p, struct ddb_action *action) {
    bool add = action->clause == DDB_ADD;
    if (p->token.kind != DDB_T_VALUE) {
        return ddb_parser_syntax(p);
    }
    action->operand = ddb_parse_operand(p);
    if (action->operand == NULL) {
        return -1;
    }
    enum ddb_type type = action->operand->value->type;
    unsigned allowed = add ? SETS | DDB_TYPES(DDB_N) : SETS;
    if ((allowed & DDB_TYPES(type)) == 0) {
        return ddb_parser_fail(p,
                               "Incorrect operand type for operator or function; operator: %s, "
                               "operand type: %s, typeSet: ALLOWED_FOR_%s_OPERAND",
                               add ? "ADD" : "DELETE", ddb_type_word(type), add ? "ADD" : "DELETE");
    }
    return 0;
}

static int parse_action(struct ddb_parser *p, enum ddb_clause clause, struct ddb_update *update) {
    struct ddb_action action = {.clause = clause};
    if (ddb_parse_path(p, &action.path) < 0) {
        return -1;
    }
    if (clause == DDB_SET) {
        if (ddb_parser_expect(p, "=") < 0) {
            return -1;
        }
        action.operand = parse_sum(p);
        if (action.operand == NULL) {
            return -1;
        }
    } else if (clause != DDB_REMOVE && parse_add_operand(p, &action) < 0) {
        return -1;
    }
    return add_action(p, update, action);
}

static int parse_clause(struct ddb_parser *p, unsigned *seen, struct ddb_update *update) {
    static const char *const keywords[] = {
        [DDB_SET] = "SET", [DDB_REMOVE] = "REMOVE", [DDB_ADD] = "ADD", [DDB_DELETE] = "DELETE"};
    for (unsigned clause = DDB_SET; clause <= DDB_DELETE; clause++) {
        if (!ddb_parser_is(p, keywords[clause])) {
            continue;
        }
        if ((*seen & (1u << clause)) != 0) {
            return ddb_parser_fail(p,
                                   "The \"%s\" section can only be used once in an update "
                                   "expression;",
                                   keywords[clause]);
        }
        *seen |= 1u << clause;
        do {
            ddb_parser_next(p);
            if (parse_action(p, (enum ddb_clause)clause, update) < 0) {
                return -1;
            }
        } while (ddb_parser_is(p, ","));
        return 0;
    }
    return ddb_parser_syntax(p);
}

int ddb_parse_update(struct arena *a, struct str text, struct ddb_names *names,
                     struct ddb_update *ret, struct err *err) {
    struct ddb_parser p;
    unsigned seen = 0;
    *ret = (struct ddb_update){0};
    if (ddb_parser_begin(&p, a, "UpdateExpression", text, names, err) < 0) {
        return -1;
    }
    while (p.token.kind != DDB_T_END) {
        if (parse_clause(&p, &seen, ret) < 0) {
            return -1;
        }
    }
    return 0;
}
