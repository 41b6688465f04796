/* A compiled pattern: shared by pattern.c, which makes it, and pattern_match.c, which asks it. */
#pragma once

#include "services/events/pattern.h"

#include <netinet/in.h>

enum test_kind {
    TEST_EQUALS, /* a string */
    TEST_PREFIX,
    TEST_SUFFIX,
    TEST_WILDCARD,
    TEST_NUMBER, /* a number, by value */
    TEST_RANGE,
    TEST_CIDR,
    TEST_LITERAL, /* true, false, null */
    TEST_BUT,     /* none of `but` */
    TEST_EXISTS,
    TEST_ABSENT,
};

/* An address or network; IPv4 keeps its own family, so that the two never match each other. */
struct net {
    unsigned char bytes[16];
    int family;
    unsigned bits;
};

struct test_list {
    struct test *v;
    size_t n;
};

struct test {
    enum test_kind kind;
    bool any_case;            /* EQUALS, PREFIX, SUFFIX */
    struct str text;          /* EQUALS, PREFIX, SUFFIX */
    struct str_list parts;    /* WILDCARD: what stands between the stars, unescaped */
    double low, high;         /* NUMBER (low), RANGE */
    bool low_open, high_open; /* RANGE: the end itself is outside */
    struct net net;           /* CIDR */
    json_type literal;        /* LITERAL */
    struct test_list but;     /* BUT */
};

/* Values of one field: one of them has to match. */
struct leaf {
    struct str_list exact; /* plain strings, sorted */
    struct test_list tests;
    bool absent; /* {"exists": false} is one of them */
};

struct field {
    const char *key;
    struct leaf *leaf;         /* or */
    struct ev_pattern *object; /* what is nested */
};

struct alternatives {
    struct ev_pattern **v;
    size_t n;
};

struct ev_pattern {
    struct {
        struct field *v;
        size_t n;
    } fields;                /* by key */
    struct alternatives any; /* $or: one of these, too */
    bool only_absent;        /* all that it says is {"exists": false} */
};

/* "10.0.0.0/24" or an address. False if it is neither. */
bool ev_net_parse(struct str text, bool network, struct net *ret);
