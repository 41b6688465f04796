/*
 * IAM's policy language: documents are parsed once and evaluated as pure functions of a request. It
 * knows nothing of stores, accounts or which policies belong to whom: services/gate puts those
 * together.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"

enum policy_use {
    POLICY_IDENTITY, /* of a role or user, managed, session: no Principal, Resource needed */
    POLICY_RESOURCE, /* of a bucket, topic, key: Principal needed */
    POLICY_TRUST,    /* of a role: Principal needed, no Resource */
};

enum { POLICY_MAX_STATEMENTS = 1000, POLICY_MAX_BYTES = 64 * 1024 };

struct policy_element {
    struct str_list values;
    bool negated; /* NotAction, NotResource */
    bool given;
};

struct policy_principal {
    struct str type;  /* "AWS", "Service", "Federated", "CanonicalUser", or "*" */
    struct str value; /* ARN, 12 digits, host or "*" */
};

struct policy_condition {
    int op; /* index in the table of operators */
    bool if_exists;
    char set;       /* 0, 'A' ForAllValues, 'O' ForAnyValue */
    struct str key; /* "aws:PrincipalArn" */
    struct str_list values;
};

struct policy_statement {
    struct str sid; /* absent when it has none */
    size_t index;   /* from 0 */
    bool deny;
    struct policy_element action;
    struct policy_element resource;
    struct {
        struct policy_principal *v;
        size_t n;
        bool negated;
        bool given;
    } principal;
    struct {
        struct policy_condition *v;
        size_t n;
    } conditions;
    struct str text; /* the statement as JSON */
};

struct policy {
    bool variables; /* Version 2012-10-17: ${...} means something */
    struct policy_statement *v;
    size_t n;
};

/* Everything in *ret is owned by the arena. ERR_INVALID with AWS's sentence when the document is
 * malformed for this use; ERR_LIMIT when it is too large. */
int policy_parse(struct arena *a, struct str text, enum policy_use use, struct policy *ret,
                 struct err *err) MUST_USE;

/* What asks. `value` gives the values of a condition key (compared without case): false when the
 * request has no such key. `arena` is for the evaluation's own needs. */
struct policy_request {
    struct str action;            /* "ssm:GetParameter" */
    struct str resource;          /* ARN or "*" */
    struct str principal_arn;     /* arn of the caller: role session, user or root */
    struct str principal_role;    /* role sessions: the role's ARN; else absent */
    struct str principal_account; /* 12 digits; absent for services */
    struct str principal_service; /* services: "codebuild.amazonaws.com"; else absent */
    bool (*value)(void *ud, struct str key, struct str_list *ret);
    void *ud;
    struct arena *arena;
};

/* How near a policy came to matching; higher is nearer. */
enum policy_match {
    POLICY_MISS,           /* no statement names this action */
    POLICY_MISS_PRINCIPAL, /* the action is named, for another principal */
    POLICY_MISS_RESOURCE,  /* ... on another resource */
    POLICY_MISS_CONDITION, /* ... under a condition that is not met */
    POLICY_MATCH_ACCOUNT,  /* matches; Principal is the caller's account: it delegates only */
    POLICY_MATCH_ROLE,     /* matches; Principal is the session's role or everybody */
    POLICY_MATCH,          /* matches; Principal is the caller, or no Principal is involved */
};

struct policy_result {
    bool deny;                                /* a Deny statement matches: nothing else counts */
    enum policy_match allow;                  /* best of the Allow statements */
    const struct policy_statement *statement; /* the one that decided, or came nearest; or NULL */
    struct str condition_key;                 /* POLICY_MISS_CONDITION: the first key not met */
};

struct policy_result policy_evaluate(const struct policy *p, const struct policy_request *r);

/* '*' and '?' in pattern; \x01 before a character of the pattern takes its meaning away. */
bool policy_glob(struct str pattern, struct str text, bool ignore_case);
