/* Implementation of lex.h. */
#include "services/dynamodb/lex.h"

static bool is_alpha(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static size_t word_end(struct str text, size_t at) {
    while (at < text.n && (is_alpha(text.p[at]) || is_digit(text.p[at]))) {
        at++;
    }
    return at;
}

static size_t number_end(struct str text, size_t at) {
    while (at < text.n && is_digit(text.p[at])) {
        at++;
    }
    return at;
}

static size_t sign_end(struct str text, size_t at) {
    char next = at + 1 < text.n ? text.p[at + 1] : '\0';
    if (text.p[at] == '<' && (next == '>' || next == '=')) {
        return at + 2;
    }
    return text.p[at] == '>' && next == '=' ? at + 2 : at + 1;
}

struct ddb_token ddb_lex(struct str text, size_t *at) {
    while (*at < text.n && (text.p[*at] == ' ' || text.p[*at] == '\t' || text.p[*at] == '\n' ||
                            text.p[*at] == '\r')) {
        (*at)++;
    }
    size_t from = *at;
    if (from >= text.n) {
        return (struct ddb_token){DDB_T_END, S("<EOF>"), from};
    }
    char c = text.p[from];
    enum ddb_token_kind kind = DDB_T_BAD;
    size_t end = from + 1;
    if (is_alpha(c)) {
        kind = DDB_T_WORD;
        end = word_end(text, from);
    } else if (c == '#' || c == ':') {
        end = word_end(text, from + 1);
        kind = end == from + 1 ? DDB_T_BAD : c == '#' ? DDB_T_NAME : DDB_T_VALUE;
    } else if (is_digit(c)) {
        kind = DDB_T_NUMBER;
        end = number_end(text, from);
    } else if (c != '\0' && strchr("()[],.+-=<>", c) != NULL) {
        kind = DDB_T_SIGN;
        end = sign_end(text, from);
    }
    *at = end;
    return (struct ddb_token){kind, str_sub(text, from, end - from), from};
}
