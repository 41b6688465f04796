/*
 * What a variable of type SECRETS_MANAGER refers to, in CodeBuild's form (buildspec reference):
 *   SECRET-ID[:JSON-KEY[:VERSION-STAGE[:VERSION-ID]]]
 * The secret's id is a name or an ARN, whose own colons do not count. Parts between may be empty.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"

struct secret_reference {
    struct str id;         /* name or ARN; never empty */
    struct str json_key;   /* absent = the whole value */
    struct str stage;      /* absent = AWSCURRENT, or whatever the version has */
    struct str version_id; /* absent = the stage's */
};

/* Views into `text`. ERR_INVALID says what is wrong with it. */
int secret_reference_parse(struct str text, struct secret_reference *ret, struct err *err) MUST_USE;

/* The member of a JSON object as a variable's value: a string as it is, numbers, true and false as
 * JSON writes them, objects and lists as compact JSON. ERR_INVALID when the text is no object,
 * ERR_NOT_FOUND when it has no such member, or null. The value never stands in the message. */
int secret_member(struct arena *a, struct str json, struct str key, struct str *ret,
                  struct err *err) MUST_USE;
