/*
 * Where the server is: its data directory, its URL, the accounts that it serves and their keys.
 * Read from DIR/endpoint and DIR/keys.json, or, for a server elsewhere, from --url and the usual
 * AWS_* variables.
 */
#pragma once

#include "aws/call/call.h"
#include "front/cli/cli.h"

struct place_account {
    struct str name; /* "shared-services" */
    struct str id;   /* 12 digits */
    struct str region;
    struct aws_credentials keys;
};

struct place_account_list {
    struct place_account *v;
    size_t n;
};

#define PLACE_HOME "shared-services" /* where pipelines live */

/* --data, $TRUNKLINE_DATA, or the default of this user. */
const char *place_data_dir(struct cli *c);
bool place_data_is_named(const struct cli *c);           /* it is not this user's default */
const char *place_file(struct cli *c, const char *name); /* DATA/name */
bool place_is_remote(const struct cli *c);               /* --url or $TRUNKLINE_URL is given */

/* URL of the server, without a '/' at the end. ERR_UNAVAILABLE: none runs on this data directory.
 */
int place_url(struct cli *c, struct str *ret, struct err *err) MUST_USE;

/* Accounts of keys.json, in its order; of a server elsewhere the one of the AWS_* variables. */
int place_accounts(struct cli *c, struct place_account_list *ret, struct err *err) MUST_USE;

/* By name or id. ERR_NOT_FOUND lists the names there are. */
int place_account(struct cli *c, const char *name, struct place_account *ret,
                  struct err *err) MUST_USE;

/* The one that --account names, or all. */
int place_accounts_chosen(struct cli *c, struct place_account_list *ret, struct err *err) MUST_USE;
/* How to call AWS operations as an account's own principal. NULL = PLACE_HOME. */
int place_target(struct cli *c, const char *account, struct aws_target *ret,
                 struct err *err) MUST_USE;
