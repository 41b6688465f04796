/* The program that a pattern becomes; shared by regex.c and regex_parse.c only. */
#pragma once

#include "platform/text/regex.h"

#include <stdint.h>

enum regex_op {
    REGEX_CHAR,  /* the character `c` */
    REGEX_CLASS, /* one of `set` */
    REGEX_ANY,   /* any; without REGEX_DOT_ALL not a line feed */
    REGEX_BEGIN, /* of the text; with REGEX_LINES also of a line */
    REGEX_END,
    REGEX_WORD,     /* word boundary */
    REGEX_NOT_WORD, /* no word boundary */
    REGEX_JUMP,     /* to x */
    REGEX_SPLIT,    /* to x and to y */
    REGEX_MATCH,
};

enum { REGEX_FOLD = 1, REGEX_DOT_ALL = 2, REGEX_LINES = 4 };

struct regex_range {
    uint32_t from, to;
};

struct regex_set {
    struct regex_range *v;
    size_t n;
    bool negated;
};

struct regex_instruction {
    enum regex_op op;
    unsigned flags;
    uint32_t c;
    int x, y; /* relative to this instruction */
    const struct regex_set *set;
};

struct regex {
    struct regex_instruction *v;
    size_t n;
};
