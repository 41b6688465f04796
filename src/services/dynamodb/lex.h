/* Tokens of DynamoDB's expressions. Private to the parser. */
#pragma once

#include "base/str.h"

enum ddb_token_kind {
    DDB_T_END,
    DDB_T_WORD,   /* name, keyword or function */
    DDB_T_NAME,   /* #n */
    DDB_T_VALUE,  /* :v */
    DDB_T_NUMBER, /* digits */
    DDB_T_SIGN,   /* ( ) [ ] , . + - = <> < <= > >= */
    DDB_T_BAD,    /* a byte that no expression holds */
};

struct ddb_token {
    enum ddb_token_kind kind;
    struct str text;
    size_t at; /* offset in the expression */
};

/* The token at or after *at; *at moves behind it. */
struct ddb_token ddb_lex(struct str text, size_t *at);
